"""ρ(θ) = text tokens / visual tokens, for a text, a θ and a model. No pixel is drawn.

The size of a page in pixels is known as soon as its lines are. The tokens of a text are counted once (see
`tokenizers`), and its words are shaped once for all font sizes (see `layout_pages`). So a search over θ pays only for
lines and pages: 16 ms of one core for 100,000 tokens.

A text without tokens has ρ = 1, because it costs nothing either way.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from glyphrender.document.layout import check_text, layout
from glyphrender.document.page import Page
from glyphrender.errors import VisionModelError, shown
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import PIECE, TokenCounter, Tokenizer, TokenizerLike, tokenizer, tokenizer_of
from glyphrender.models.vision import vision_model
from glyphrender.raster.typesetter import Typesetter
from glyphrender.ratio.costs import PageCost, Ratio
from glyphrender.rich.rich_text import RichText
from glyphrender.text.parts import Part, PartReader
from glyphrender.text.source import TextLike
from glyphrender.theta import Theta, ThetaLike

__all__ = ["OverLimit", "Worth", "compression_ratio", "document_ratio", "worth_it"]

#: What happens if the pages together break a limit of the model: a warning, an error, or nothing.
OverLimit: TypeAlias = Literal["warn", "error", "ignore"]


def compression_ratio(
    text: TextLike | RichText,
    *,
    theta: ThetaLike = None,
    model: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
    over_limit: OverLimit = "warn",
    typesetter: Typesetter | None = None,
) -> Ratio:
    """Return the exact ρ of `text` under `theta`, by the model's own resize and tokenizer. Nothing is drawn.

    Args:
        text: a str, a rich text, an iterator of str, or an open text file. A file or iterator is read once. The tokens
            of a rich text are those of its source.
        theta: a θ, the name of a preset, a mapping of fields, or None for the defaults; see `Theta.of`. "auto" is what
            `propose` proposes for the text and the model.
        model: a name in `VISION_MODELS`, or a `VisionModel`.
        tokenizer: a name in `TOKENIZERS`, the path of a tokenizer.json, or an object; see
            `glyphrender.models.tokenizers.tokenizer`. By default the model's own tokenizer if glyphrender has its
            vocabulary, else "glm-4".
        over_limit: what happens if the pages together break a limit of the model: "warn", "error" or "ignore".
            `Ratio.exceeds` names the limits in any case.
        typesetter: the owner of what is remembered; the default one if none is given.

    Raises:
        ThetaError: `theta` is not valid.
        VisionModelError: there is no model of that name; the model refuses a page; or a limit is broken and
            `over_limit` is "error".
        TokenizerError: there is no tokenizer of that name, or it failed.
        DependencyError: the tokenizer needs the extra `ratio`.
        FontError, LayoutError, DataError: see `layout`.

    >>> ratio = compression_ratio("It was the best of times. " * 400, theta="dense", model="qwen3-vl")
    >>> ratio.text_tokens, ratio.visual_tokens
    (2801, 338)
    """
    check_text(text)
    if over_limit not in ("warn", "error", "ignore"):
        raise VisionModelError(f'over_limit={shown(over_limit)} is unknown. Use "warn", "error" or "ignore".')
    chosen, counted, theta = vision_model(model), _tokenizer(tokenizer, model), _theta(theta, text, model)
    if isinstance(text, str | RichText):
        pages = layout(text, theta, typesetter=typesetter)
        source = text if isinstance(text, str) else text.source
        return _ratio(pages, theta, chosen, counted, lambda: counted.count(source), over_limit)
    counter = TokenCounter(counted)
    pages = layout(_tallied(text, counter), theta, typesetter=typesetter)
    return _ratio(pages, theta, chosen, counted, counter.total, over_limit)


def document_ratio(
    pages: Iterable[Page],
    *,
    text: str | None,
    theta: Theta,
    model: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
    over_limit: OverLimit = "warn",
) -> Ratio:
    """Return ρ of pages that were set under `theta`; see `Document.ratio`.

    `text` is the text of all pages. If it is None, the text of each page is counted as the page comes.
    """
    chosen, counted = vision_model(model), _tokenizer(tokenizer, model)
    if text is not None:
        return _ratio(pages, theta, chosen, counted, lambda: counted.count(text), over_limit)
    counter = TokenCounter(counted)

    def counted_pages() -> Iterator[Page]:
        for page in pages:
            counter.add(page.text)
            yield page

    return _ratio(counted_pages(), theta, chosen, counted, counter.total, over_limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """The answer of `worth_it`: true if a text needs fewer tokens as pages than as text.

    Attributes:
        text_tokens: tokens of the text.
        page_tokens: visual tokens of its pages, and the tokens that their images add to a prompt.
        ratio: the figures of the pages.

    >>> worth = worth_it("It was the best of times. " * 400, model="qwen3-vl")
    >>> worth.saved == worth.text_tokens - worth.page_tokens
    True
    """

    text_tokens: int
    page_tokens: int
    ratio: Ratio

    def __bool__(self) -> bool:
        return self.page_tokens < self.text_tokens

    def _repr_html_(self) -> str:
        from glyphrender.ratio.tables import ratio_table
        from glyphrender.report.notebook import cell

        verdict = f"pages save {self.saved:,}" if self else f"pages cost {-self.saved:,} more"
        return cell(f"{verdict} of {self.text_tokens:,} tokens", ratio_table([self.ratio]))

    @property
    def saved(self) -> int:
        """Tokens that pages save; negative if they cost more."""
        return self.text_tokens - self.page_tokens


def worth_it(
    text: TextLike | RichText,
    *,
    theta: ThetaLike = None,
    model: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
    typesetter: Typesetter | None = None,
) -> Worth:
    """Return whether `text` needs fewer tokens of a prompt as pages than as plain text.

    Arguments and errors are those of `compression_ratio`. A short text is not worth a page.

    >>> bool(worth_it("Short.", model="qwen3-vl")), bool(worth_it("It was the best of times. " * 400, model="qwen3-vl"))
    (False, True)
    """
    ratio = compression_ratio(
        text, theta=theta, model=model, tokenizer=tokenizer, over_limit="ignore", typesetter=typesetter
    )
    return Worth(text_tokens=ratio.text_tokens, page_tokens=ratio.prompt_tokens, ratio=ratio)


def _theta(theta: ThetaLike, text: TextLike | RichText, model: str | VisionModel) -> Theta:
    """Return the θ that `theta` stands for, or what is proposed for `text` if it is "auto"."""
    if isinstance(theta, str):
        from glyphrender.ratio.propose import chosen  # a documented door: proposals compare ratios

        return chosen(theta, text, model)
    return Theta.of(theta)


def _tokenizer(source: TokenizerLike | None, model: str | VisionModel) -> Tokenizer:
    if source is not None:
        return tokenizer(source)
    return tokenizer(tokenizer_of(vision_model(model).name) or "glm-4")


def _tallied(text: Iterable[str | Part], counter: TokenCounter) -> Iterator[str]:
    """Yield `text` unchanged, and count its tokens on the way to the layout."""
    read = getattr(text, "read", None)
    for part in iter(lambda: read(PIECE), "") if callable(read) else PartReader(text):
        counter.add(part)
        yield part


def _ratio(
    pages: Iterable[Page], theta: Theta, model: VisionModel, counted: Tokenizer, tokens: Any, over_limit: OverLimit
) -> Ratio:
    costs = tuple(_cost(page, model) for page in pages)
    exceeds = tuple(_exceeded(model, len(costs)))
    if exceeds and over_limit != "ignore":
        message = f"{exceeds[0]}. Split the text, or use smaller type or larger pages."
        if over_limit == "error":
            raise VisionModelError(message, model=model.name)
        warnings.warn(message, stacklevel=3)
    return Ratio(
        theta=theta, model=model.name, tokenizer=counted.name, text_tokens=tokens(), pages=costs, exceeds=exceeds
    )


def _cost(page: Page, model: VisionModel) -> PageCost:
    try:
        cost = model.image(*page.size)
    except VisionModelError as error:
        raise error.with_context(f"page {page.number}") from error
    start, end = page.span
    return PageCost(
        number=page.number,
        size=page.size,
        seen=cost.size,
        resampled=cost.resampled,
        characters=end - start,
        tokens=cost.tokens,
        overhead=cost.overhead,
        font_pixels=page.theta.font_pixels * cost.scale[1],
    )


def _exceeded(model: VisionModel, pages: int) -> Iterator[str]:
    most = model.limits.max_images
    if most is not None and pages > most:
        yield f"{pages} pages are more than the {most} images that {model.name} takes in a request"

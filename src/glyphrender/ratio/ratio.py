"""ρ(θ) = text tokens / visual tokens, of a text under a θ for a model. No pixel is drawn.

A page's size in pixels is known once its lines are. The tokens of a text are counted once (see `tokenizers`), its
words found and shaped once for all sizes (see `layout_pages`), so a search over θ pays for lines and pages alone: 16 ms
of one core for 100,000 tokens.

A text without tokens has ρ = 1: as pages and as text it costs the same, nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, TypeAlias

from glyphrender.document.layout import layout
from glyphrender.document.page import Page
from glyphrender.errors import VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import PIECE, Counter, Tokenizer, TokenizerLike, tokenizer, tokenizer_of
from glyphrender.models.vision import vision_model
from glyphrender.text.source import Text
from glyphrender.theta import Theta

__all__ = ["OverLimit", "PageCost", "Ratio", "Worth", "compression_ratio", "document_ratio", "worth_it"]

#: What is done where a request would break a limit of the model.
OverLimit: TypeAlias = Literal["warn", "error", "ignore"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PageCost:
    """What one page costs, and how large the model sees its text.

    Attributes:
        number: 1 for the first page.
        size: width and height in pixels, as drawn.
        seen: width and height in pixels after the model's resize.
        resampled: whether the resize touches pixels.
        characters: of the source that the page shows.
        tokens: visual tokens.
        overhead: separators and markers of the image.
        font_pixels: the em in pixels, after the resize.
    """

    number: int
    size: tuple[int, int]
    seen: tuple[int, int]
    resampled: bool
    characters: int
    tokens: int
    overhead: int
    font_pixels: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """ρ of a text under a θ, and what it is made of.

    Attributes:
        theta: the rendering parameters.
        vision: name of the vision model.
        tokenizer: name of the tokenizer that counted the text.
        text_tokens: tokens of the text.
        pages: what each page costs.
        exceeds: limits of the model that the pages together break, in words.
    """

    theta: Theta
    vision: str
    tokenizer: str
    text_tokens: int
    pages: tuple[PageCost, ...]
    exceeds: tuple[str, ...] = ()

    @property
    def visual_tokens(self) -> int:
        """Visual tokens of all pages, the denominator of ρ."""
        return sum(page.tokens for page in self.pages)

    @property
    def overhead(self) -> int:
        """Separators and markers of all pages, which ρ leaves out."""
        return sum(page.overhead for page in self.pages)

    @property
    def prompt_tokens(self) -> int:
        """What the pages take of a prompt: visual tokens and overhead."""
        return self.visual_tokens + self.overhead

    @property
    def characters(self) -> int:
        """Characters of the text."""
        return sum(page.characters for page in self.pages)

    @property
    def rho(self) -> float:
        """Text tokens for one visual token; 1 for the empty text."""
        if not self.visual_tokens:
            return inf if self.text_tokens else 1.0
        return self.text_tokens / self.visual_tokens

    @property
    def characters_per_token(self) -> float:
        """Characters of the text for one visual token; 0 for the empty text."""
        return self.characters / self.visual_tokens if self.visual_tokens else 0.0

    @property
    def font_pixels(self) -> float:
        """The em of the text in pixels as the model sees it: the mean of the pages, by their characters."""
        if not self.characters:
            return self.theta.font_pixels
        return sum(page.font_pixels * page.characters for page in self.pages) / self.characters

    @property
    def resampled(self) -> int:
        """How many pages the model's resize touches; `Theta.align_to` makes it none."""
        return sum(page.resampled for page in self.pages)

    def to_dict(self) -> dict[str, Any]:
        """All figures as JSON values, the pages as a list; θ as its digest."""
        return {
            "rho": self.rho,
            "text_tokens": self.text_tokens,
            "visual_tokens": self.visual_tokens,
            "overhead": self.overhead,
            "pages": len(self.pages),
            "characters": self.characters,
            "characters_per_token": self.characters_per_token,
            "font_pixels": self.font_pixels,
            "resampled": self.resampled,
            "vision": self.vision,
            "tokenizer": self.tokenizer,
            "theta": self.theta.digest,
            "exceeds": list(self.exceeds),
            "page_costs": [
                {
                    "number": page.number,
                    "size": list(page.size),
                    "seen": list(page.seen),
                    "resampled": page.resampled,
                    "characters": page.characters,
                    "tokens": page.tokens,
                    "overhead": page.overhead,
                    "font_pixels": page.font_pixels,
                }
                for page in self.pages
            ],
        }


def compression_ratio(
    text: Text,
    theta: Theta | None = None,
    vision: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
    *,
    over_limit: OverLimit = "warn",
) -> Ratio:
    """ρ of `text` under `theta`: exact, by the model's own resize and tokenizer, drawing nothing.

    Args:
        text: a str, an iterator of str, or an open text file, which is read once.
        theta: the rendering parameters; by default the searched θ of the Glyph paper.
        vision: a name in `VISION_MODELS`, or a model.
        tokenizer: see `glyphrender.models.tokenizers.tokenizer`; by default the model's own where its vocabulary is
            at hand, else "glm-4".
        over_limit: what is done where the pages break a limit of the model: a warning, an error, or nothing, since
            `Ratio.exceeds` says it.

    Raises:
        VisionModelError: no model of that name; one that refuses a page; or a limit is broken, if so asked.
        TokenizerError: no tokenizer of that name, or it failed.
        DependencyError: the tokenizer needs the extra `ratio`.
        FontError, LayoutError, DataError: see `layout`.
    """
    model, counted, theta = vision_model(vision), _tokenizer(tokenizer, vision), theta or Theta()
    if isinstance(text, str):
        return _ratio(layout(text, theta), theta, model, counted, lambda: counted.count(text), over_limit)
    counter = Counter(counted)
    return _ratio(layout(_passed(text, counter), theta), theta, model, counted, counter.total, over_limit)


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
    vision, counted = vision_model(model), _tokenizer(tokenizer, model)
    if text is not None:
        return _ratio(pages, theta, vision, counted, lambda: counted.count(text), over_limit)
    counter = Counter(counted)

    def counted_pages() -> Iterator[Page]:
        for page in pages:
            counter.add(page.text)
            yield page

    return _ratio(counted_pages(), theta, vision, counted, counter.total, over_limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """Whether a text is cheaper as pages, with both figures; true where it is.

    Attributes:
        text_tokens: tokens of the text.
        page_tokens: visual tokens of its pages, and what their images add to a prompt.
        ratio: the figures of the pages.
    """

    text_tokens: int
    page_tokens: int
    ratio: Ratio

    def __bool__(self) -> bool:
        return self.page_tokens < self.text_tokens

    @property
    def saved(self) -> int:
        """Tokens that pages save; below 0 where they cost more."""
        return self.text_tokens - self.page_tokens


def worth_it(
    text: Text,
    theta: Theta | None = None,
    vision: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
) -> Worth:
    """Pages or plain text, whichever takes fewer tokens of the prompt: `if worth_it(text, theta, "qwen3-vl"): …`.

    Arguments and errors are those of `compression_ratio`. A short text is not worth a page.
    """
    ratio = compression_ratio(text, theta, vision, tokenizer, over_limit="ignore")
    return Worth(text_tokens=ratio.text_tokens, page_tokens=ratio.prompt_tokens, ratio=ratio)


def _tokenizer(source: TokenizerLike | None, vision: str | VisionModel) -> Tokenizer:
    if source is not None:
        return tokenizer(source)
    return tokenizer(tokenizer_of(vision if isinstance(vision, str) else vision.name) or "glm-4")


def _passed(text: Iterable[str], counter: Counter) -> Iterator[str]:
    """`text` as it is, counted on its way to the layout."""
    read = getattr(text, "read", None)
    for part in iter(lambda: read(PIECE), "") if callable(read) else text:
        counter.add(part)
        yield part


def _ratio(
    pages: Iterable[Page], theta: Theta, model: VisionModel, counted: Tokenizer, tokens: Any, over_limit: OverLimit
) -> Ratio:
    costs = tuple(_cost(page, theta, model) for page in pages)
    exceeds = tuple(_exceeded(model, len(costs)))
    if exceeds and over_limit != "ignore":
        message = f"{exceeds[0]}. Split the text, or use smaller type or larger pages."
        if over_limit == "error":
            raise VisionModelError(message)
        warnings.warn(message, stacklevel=3)
    return Ratio(
        theta=theta, vision=model.name, tokenizer=counted.name, text_tokens=tokens(), pages=costs, exceeds=exceeds
    )


def _cost(page: Page, theta: Theta, model: VisionModel) -> PageCost:
    try:
        cost = model.image(*page.size)
    except VisionModelError as error:
        raise VisionModelError(f"page {page.number}: {error}") from error
    start, end = page.span
    return PageCost(
        number=page.number,
        size=page.size,
        seen=cost.size,
        resampled=cost.resampled,
        characters=end - start,
        tokens=cost.tokens,
        overhead=cost.overhead,
        font_pixels=theta.font_pixels * cost.scale[1],
    )


def _exceeded(model: VisionModel, pages: int) -> Iterator[str]:
    most = model.limits.max_images
    if most is not None and pages > most:
        yield f"{pages} pages are more than the {most} images a request that {model.name} takes"

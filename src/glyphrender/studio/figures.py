"""The figures of a text under a θ, for several models side by side: tokens, ρ, sizes of type, and prices.

The pages are laid out once for all models, and nothing is drawn. A model that refuses the pages gets its reason in
place of figures, because the others are still of interest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from glyphrender.document.document import Document
from glyphrender.errors import TokenizerError, VisionModelError
from glyphrender.models.prices import Price, PriceTable, Rates
from glyphrender.models.tokenizers import tokenizer_of
from glyphrender.models.vision import VISION_MODELS, vision_model
from glyphrender.ratio.costs import LEAST_FONT_PIXELS, PromptCost, Ratio
from glyphrender.ratio.ratio import document_ratio

__all__ = ["Figures", "figures", "model_names", "price_of", "verdict"]

# A difference of less than this share of the text's tokens is called none.
_ALIKE: Final = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The figures for one model.

    Attributes:
        asked: the name of the model, as it was chosen.
        ratio: ρ and the figures behind it, or None if the model refuses the pages.
        refused: why it refuses them; "" if it takes them.
        price: the price of the model, or None if none is known.
    """

    asked: str
    ratio: Ratio | None = None
    refused: str = ""
    price: Price | None = None

    @property
    def cost(self) -> PromptCost | None:
        """Return the dollars of a request; None if no price is known, or the model refuses the pages."""
        return None if self.ratio is None or self.price is None else self.ratio.cost(self.price)

    @property
    def exact(self) -> bool:
        """Return whether the model's own tokenizer counted the text."""
        return self.ratio is not None and tokenizer_of(self.ratio.model) == self.ratio.tokenizer

    @property
    def worth_it(self) -> bool:
        """Return whether pages need fewer tokens than the text."""
        return self.ratio is not None and self.ratio.worth_it


def figures(
    document: Document,
    models: Sequence[str],
    *,
    table: PriceTable,
    prices: Mapping[str, tuple[float, float]] | None = None,
) -> list[Figures]:
    """Return the figures of a document for each of `models`.

    Args:
        document: the pages.
        models: names of vision models, as `vision_model` knows them.
        table: the known prices.
        prices: model → (dollars for a million tokens of prompt, of images), in place of those of the table.

    Raises:
        FontError, ThetaError, LayoutError, DataError: the pages cannot be laid out.
        DependencyError: the extra `ratio` or `studio` is not installed.

    >>> from glyphrender import render
    >>> from glyphrender.models.prices import prices
    >>> found = figures(render("It was the best of times. " * 400), ["claude-opus-5", "gpt-2"], table=prices())
    >>> found[0].worth_it, round(found[0].cost.as_text, 3), found[1].ratio
    (True, 0.014, None)
    """
    text = document.text
    found = []
    for name in models:
        price = price_of(name, table, prices or {})
        try:
            model = vision_model(name)
            ratio = document_ratio(document, text=text, theta=document.theta, model=model, over_limit="ignore")
        except (VisionModelError, TokenizerError) as error:
            found.append(Figures(asked=name, refused=str(error), price=price))
        else:
            found.append(Figures(asked=name, ratio=ratio, price=price))
    return found


def price_of(name: str, table: PriceTable, prices: Mapping[str, tuple[float, float]]) -> Price | None:
    """Return the price of a model: the visitor's own if there is one, else that of the table.

    >>> from glyphrender.models.prices import prices
    >>> price_of("claude-opus-5", prices(), {"claude-opus-5": (3.0, 2.0)}).cost(text_tokens=10**6, image_tokens=10**6)
    5.0
    """
    known = table.of(name)
    if name not in prices:
        return known
    prompt, image = prices[name]
    own = Price(model=name, rates=Rates(input=prompt, output=0.0, image_input=image), date="", source="yours")
    if known is None:
        return own
    # The rates of long prompts go with the price that they belong to.
    same = (known.rates.input, known.rates.input if known.rates.image_input is None else known.rates.image_input)
    return known if same == (prompt, image) else replace(own, model=known.model)


def verdict(found: Figures) -> str:
    """Return one sentence: whether pages are worth it, and by how much.

    >>> verdict(Figures(asked="glm-4.1v", refused="too large"))
    'glm-4.1v takes no such pages: too large'
    """
    ratio = found.ratio
    if ratio is None:
        return f"{found.asked} takes no such pages: {found.refused}"
    if not ratio.pages:
        return "There is no text yet."
    saved = ratio.text_tokens - ratio.prompt_tokens
    share = abs(saved) / max(1, ratio.text_tokens)
    if share < _ALIKE:
        return "Pages and text need about the same number of tokens."
    if saved > 0:
        sentence = f"Worth it: pages need {share:.0%} fewer tokens."
    else:
        sentence = f"Not worth it: pages need {ratio.prompt_tokens / max(1, ratio.text_tokens):.1f} times the tokens."
    if ratio.font_pixels < LEAST_FONT_PIXELS:
        sentence += f" Type of {ratio.font_pixels:.1f} px is hard to read."
    return sentence


def model_names(table: PriceTable) -> list[tuple[str, str]]:
    """Return (text, name) of each model to choose from: our names, and the served names that have a price."""
    names = [(name, name) for name in VISION_MODELS]
    for price in table:
        try:
            family = vision_model(price.model).name
        except VisionModelError:
            continue
        if price.model not in VISION_MODELS:
            names.append((f"{price.model}  ({family}, ${price.rates.input:g} a million)", price.model))
    return names

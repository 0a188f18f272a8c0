"""The costs of pages, as values: a page, all pages of a text with its ρ, and a prompt in dollars."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, Final

from glyphrender.errors import counted
from glyphrender.models.prices import Price
from glyphrender.theta import Theta

__all__ = ["LEAST_FONT_PIXELS", "PageCost", "PromptCost", "Ratio"]

#: Smallest type, in pixels as the model sees it, without a warning.
LEAST_FONT_PIXELS: Final = 7.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PageCost:
    """Cost of one page, and the size at which the model sees its text.

    Attributes:
        number: number of the page; the first is 1.
        size: width and height in pixels, as drawn.
        seen: width and height in pixels after the model's resize.
        resampled: whether the resize changes pixels.
        characters: number of characters of the source on the page.
        tokens: visual tokens.
        overhead: tokens for separators and markers of the image.
        font_pixels: em size in pixels after the resize.
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
class PromptCost:
    """The dollars that a text costs in a prompt, as pages and as text. It is true if pages are cheaper.

    Attributes:
        as_pages: dollars of its pages, with the tokens that their images add.
        as_text: dollars of the text itself.
    """

    as_pages: float
    as_text: float

    def __bool__(self) -> bool:
        return self.as_pages < self.as_text

    @property
    def saved(self) -> float:
        """Dollars that pages save; negative if they cost more."""
        return self.as_text - self.as_pages


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Ratio:
    """ρ of a text under a θ, and the figures behind it.

    Attributes:
        theta: the rendering parameters.
        model: name of the vision model.
        tokenizer: name of the tokenizer that counted the text.
        text_tokens: tokens of the text.
        pages: cost of each page.
        exceeds: limits of the model that the pages together break, in words.

    >>> from glyphrender import compression_ratio
    >>> ratio = compression_ratio("It was the best of times. " * 400, model="qwen3-vl")
    >>> ratio.rho == ratio.text_tokens / ratio.visual_tokens
    True
    """

    theta: Theta
    model: str
    tokenizer: str
    text_tokens: int
    pages: tuple[PageCost, ...]
    exceeds: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"<Ratio ρ {self.rho:.2f}: {self.text_tokens:,} text tokens ({self.tokenizer}), {self.visual_tokens:,} "
            f"visual tokens of {self.model} on {counted(len(self.pages), 'page')}, type "
            f"{self.font_pixels:.2f} px>"
        )

    def _repr_html_(self) -> str:
        from glyphrender.ratio.tables import page_table, ratio_table
        from glyphrender.report.notebook import cell

        return cell(ratio_table([self]), *self.exceeds, page_table(self))

    @property
    def visual_tokens(self) -> int:
        """Visual tokens of all pages, the denominator of ρ."""
        return sum(page.tokens for page in self.pages)

    @property
    def overhead(self) -> int:
        """Tokens for separators and markers of all pages, which ρ does not count."""
        return sum(page.overhead for page in self.pages)

    @property
    def prompt_tokens(self) -> int:
        """Tokens of a prompt that the pages need: visual tokens and overhead."""
        return self.visual_tokens + self.overhead

    @property
    def characters(self) -> int:
        """Number of characters of the text."""
        return sum(page.characters for page in self.pages)

    @property
    def rho(self) -> float:
        """Text tokens for each visual token; 1 for the empty text."""
        if not self.visual_tokens:
            return inf if self.text_tokens else 1.0
        return self.text_tokens / self.visual_tokens

    @property
    def characters_per_token(self) -> float:
        """Characters of the text for each visual token; 0 for the empty text."""
        return self.characters / self.visual_tokens if self.visual_tokens else 0.0

    @property
    def font_pixels(self) -> float:
        """Em size of the text, in pixels, as the model sees it: the mean over pages, weighted by their characters."""
        if not self.characters:
            return self.theta.font_pixels
        return sum(page.font_pixels * page.characters for page in self.pages) / self.characters

    @property
    def worth_it(self) -> bool:
        """Return whether the pages need fewer tokens of a prompt than the text."""
        return self.prompt_tokens < self.text_tokens

    def cost(self, price: Price) -> PromptCost:
        """Return the dollars that the text costs in one prompt, as pages and as text.

        Args:
            price: the price of the model; `glyphrender.models.prices.prices` has a table.

        >>> from glyphrender import compression_ratio
        >>> from glyphrender.models.prices import prices
        >>> ratio = compression_ratio("It was the best of times. " * 400, model="claude-opus-5")
        >>> cost = ratio.cost(prices().of("claude-opus-5"))
        >>> bool(cost), round(cost.as_pages, 4), round(cost.as_text, 4)
        (True, 0.0032, 0.014)
        """
        return PromptCost(
            as_pages=price.cost(image_tokens=self.visual_tokens, text_tokens=self.overhead),
            as_text=price.cost(text_tokens=self.text_tokens),
        )

    @property
    def resampled(self) -> int:
        """Number of pages whose pixels the model's resize changes. `Theta.align_to` brings it to 0."""
        return sum(page.resampled for page in self.pages)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values.

        "theta" is the digest of θ, "vision" is the name of the model, and "page_costs" lists the pages.
        """
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
            "vision": self.model,
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

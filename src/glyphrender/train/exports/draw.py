"""Rows → rows with their pages drawn (`RowDrawer`), and a budget of tokens for them.

A page of the same text under the same θ has the same name, whatever the row that shows it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from glyphrender.adapters.data import PagesTransform
from glyphrender.document.layout import layout
from glyphrender.errors import DataError
from glyphrender.theta import Theta
from glyphrender.train.exports.tokens import TokenCounts
from glyphrender.train.exports.trainer import ExportRow, ExportTurn, PageImage, Size
from glyphrender.train.rows.chat_rows import ChatRow
from glyphrender.train.rows.page_policy import PageText

__all__ = ["OverBudget", "RowDrawer", "TokenBudget"]

#: Texts that stand for images to a trainer or a tokenizer.
MARKERS: Final = (
    "<image>",
    "<video>",
    "<audio>",
    "<|image|>",
    "<|image_pad|>",
    "<|video|>",
    "<|video_pad|>",
    "<|vision_start|>",
)
# Documents whose pages are kept for the next rows.
_KEPT: Final = 8


class OverBudget(DataError):
    """A row has more tokens than it may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenBudget:
    """A limit on the tokens of rows.

    Attributes:
        tokens: most tokens of a row; None for no limit.
        counts: counts them.
        prompts_only: whether only the prompt counts.
    """

    tokens: int | None
    counts: TokenCounts
    prompts_only: bool

    def check(self, row: ExportRow) -> None:
        """Refuse a row above the budget.

        Raises:
            OverBudget: it has more tokens.
            VisionModelError: the model refuses a page.
        """
        if self.tokens is None:
            return
        turns = row.prompt if self.prompts_only else row.turns
        tokens = self.counts.of_row("".join(turn.marked("") for turn in turns), len(turns), row.sizes)
        if tokens > self.tokens:
            raise OverBudget(
                f"{tokens:,} tokens are above max_tokens={self.tokens:,}. Raise it, shorten the row, or drop it."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class RowDrawer:
    """A function from rows to rows with their pages drawn.

    Attributes:
        theta: gives θ of a row.
        bits: bits for each grey pixel.
        font_pixels: em size of the type in pixels, by the size of a page; the smallest where there are several.
        thetas: the fields of θ that differ from the defaults, by digest.
    """

    theta: PagesTransform
    bits: int | None
    font_pixels: dict[Size, float] = field(default_factory=dict)
    thetas: dict[str, Any] = field(default_factory=dict)
    _last: OrderedDict[str, tuple[PageImage, ...]] = field(default_factory=OrderedDict)

    def drawn(self, row: ChatRow, index: int) -> ExportRow:
        """Return the row with its pages drawn.

        Raises:
            DataError: a text of the row holds a marker of images.
            ThetaError, FontError, LayoutError: see `glyphrender.layout`.
        """
        theta = self.theta.theta_of({"key": row.key})
        turns = []
        for turn in row.turns:
            parts: list[str | PageImage] = []
            for part in turn.parts:
                if isinstance(part, PageText):
                    parts.extend(self._pages(part.text, theta))
                else:
                    _check_text(part)
                    parts.append(part)
            turns.append(ExportTurn(turn.role, tuple(parts)))
        return ExportRow(key=row.key, kind=row.kind, turns=tuple(turns), answers=row.answers, index=index)

    def _pages(self, text: str, theta: Theta) -> tuple[PageImage, ...]:
        digest = theta.digest
        if digest not in self.thetas:
            fields = {name: value for name, value in theta.to_dict().items() if name in theta.diff()}
            self.thetas[digest] = fields
        name = hashlib.sha256(f"{digest}\n".encode() + text.encode()).hexdigest()[:16]
        pages = self._last.pop(name, None)  # questions about one document often follow one another
        if pages is None:
            pages = tuple(self._layout(text, theta, name))
        self._last[name] = pages
        if len(self._last) > _KEPT:
            self._last.popitem(last=False)
        return pages

    def _layout(self, text: str, theta: Theta, name: str) -> Iterator[PageImage]:
        for number, page in enumerate(layout(text, theta), 1):
            pixels = min(theta.font_pixels, self.font_pixels.get(page.size, theta.font_pixels))
            self.font_pixels[page.size] = pixels
            yield PageImage(name=f"{name}_{number:04d}.png", size=page.size, png=page.png(bits=self.bits))


def _check_text(text: str) -> None:
    """Refuse a text that a trainer or a tokenizer would take for an image."""
    for marker in MARKERS:
        if marker in text:
            raise DataError(
                f"{marker} stands in a text, and trainers take it for an image. Write it otherwise, or drop the row."
            )

"""A document whose text grew: the outcome, and which of its pages still look the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.line_table import FIRST, HYPHEN, LAST
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.place import place


@dataclass(frozen=True, kw_only=True, slots=True)
class Extended:
    """The outcome of `Document.extend_text`.

    Attributes:
        unchanged: number of pages at the beginning that did not change. Their images need not be drawn or sent again.
        pages: number of pages that the document has now.

    >>> from glyphrender import render
    >>> render("").extend_text("one").pages
    1
    """

    unchanged: int
    pages: int


def count_alike(old: Iterable[PageLayout], new: Iterable[PageLayout]) -> int:
    """Return how many pages at the beginning of `old` and `new` look the same."""
    return sum(1 for _ in takewhile(lambda pair: _look_alike(*pair), zip(old, new, strict=False)))


def _look_alike(one: PageLayout, other: PageLayout) -> bool:
    """Return whether two layouts of a page show the same characters at the same places."""
    if (one.start, one.end, one.size) != (other.start, other.end, other.size):
        return False
    theta = one.theta
    # Backgrounds and borders of paragraphs show where paragraphs begin and end.
    seen = HYPHEN | (FIRST | LAST if theta.para_bg_color or theta.border_width else 0)
    seen |= FIRST if theta.continuation_mark else 0

    def columns(page: PageLayout) -> Iterator[NDArray[Any]]:
        yield np.concatenate([block.table.flags[block.lo : block.hi] & seen for block in page.blocks])
        placed = [place(block, theta) for block in page.blocks]
        for name in ("glyph", "face", "x", "y", "condense", "left", "right", "top"):
            yield np.concatenate([getattr(each, name) for each in placed])

    return all(map(np.array_equal, columns(one), columns(other)))

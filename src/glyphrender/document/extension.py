"""A document whose text grew: the outcome, and which of its pages still look the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.style import Style
from glyphrender.typeset.line_table import FIRST, HYPHEN, LAST
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.paragraph_styles import ParagraphStyle
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
    if (one.start, one.end, one.size, one.is_grey) != (other.start, other.end, other.size, other.is_grey):
        return False
    if one.section != other.section:
        return False
    theta = one.theta
    # Backgrounds and borders of paragraphs show where paragraphs begin and end, and so do the marks of rich text.
    framed = bool(theta.para_bg_color or theta.border_width) or _is_rich(one)
    seen = HYPHEN | (FIRST | LAST if framed else 0)
    seen |= FIRST if theta.continuation_mark else 0

    def columns(page: PageLayout) -> Iterator[NDArray[Any]]:
        yield np.concatenate([block.table.flags[block.lo : block.hi] & seen for block in page.drawn_blocks])
        placed = [place(block, theta) for block in page.drawn_blocks]
        for name in ("glyph", "face", "x", "y", "condense", "left", "right", "top"):
            yield np.concatenate([getattr(each, name) for each in placed])

    if not all(map(np.array_equal, columns(one), columns(other))):
        return False
    return not (_is_rich(one) or _is_rich(other)) or _styles(one) == _styles(other)


def _is_rich(page: PageLayout) -> bool:
    return any(block.table.segments.looks or block.table.segments.paragraph_styles for block in page.blocks)


def _styles(page: PageLayout) -> tuple[list[Style], list[Style], list[ParagraphStyle]]:
    """Return the styles of the segments of a page, of the gaps after them, and of its lines."""
    letters: list[Style] = []
    gaps: list[Style] = []
    lines: list[ParagraphStyle] = []
    for block in page.drawn_blocks:
        table, segments = block.table, block.table.segments
        rows = block.segment_rows
        for found, look in ((letters, segments.look), (gaps, segments.gap_look)):
            if look is None:
                found += [Style()] * (rows.stop - rows.start)
            else:
                found += map(segments.looks.__getitem__, look[rows].tolist())
        if segments.paragraph is None:
            lines += [ParagraphStyle()] * (block.hi - block.lo)
        else:
            lines += table.paragraph_styles(block.lo, block.hi)
    return letters, gaps, lines

"""A document whose text grew: the outcome, the pages that are laid out again, and which of them still look the same."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.document.page import Page
from glyphrender.raster.typesetter import Typesetter
from glyphrender.rich.style import Style
from glyphrender.text.parts import PartSpan
from glyphrender.text.unwrap import CONTEXT
from glyphrender.theta import Theta
from glyphrender.typeset.line_table import CELL, FIRST, HYPHEN, LAST, RULED
from glyphrender.typeset.page_layout import Block, PageLayout
from glyphrender.typeset.paginate import Paginator
from glyphrender.typeset.paragraph_styles import ParagraphStyle
from glyphrender.typeset.place import place
from glyphrender.typeset.style import consumption, flow_of


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


def laid_out_again(
    text: str,
    whole: str,
    pages: Sequence[Page],
    *,
    theta: Theta,
    max_pages: int | None,
    parts: tuple[PartSpan, ...],
    typesetter: Typesetter,
) -> tuple[int, list[PageLayout]]:
    """Return (index of the first page that a longer text may change; the pages from there on).

    Args:
        text: the text that `pages` show.
        whole: the extended text, which begins with `text`.
        pages: all pages of `text`.
        theta, max_pages, parts, typesetter: those of the document.
    """
    # Text that follows can change a paragraph from its first line on. Optimal line breaks may move, or the new text
    # may hold the first strong character, which decides the direction.
    flow = flow_of(theta)
    paragraph = 0 if theta.newline_marker else text.rfind("\n") + 1
    if flow and paragraph:  # the last lines before the end may be joined by what follows
        paragraph = flow.paragraph_end(text, max(0, len(text) - CONTEXT), before=True)
    first = max(0, min(len(pages) - 1, bisect_right(pages, paragraph, key=lambda page: page.span[1])))
    if first and theta.leading.name == "FIT" and paragraph == pages[first].span[0]:
        first -= 1  # the first line of the paragraph may become lower, and find room on the page before
    begin = pages[first].span[0] if pages else 0
    start = min(paragraph, text.rfind("\n", 0, begin) + 1)
    if flow and start:
        start = flow.paragraph_end(text, start, before=True)
    paginator = Paginator(theta, max_pages=max_pages, number=first, end=begin, parts=parts, text=whole)
    line = consumption(theta).count_line_ends(whole[:start])
    lines = typesetter.lines_of_part(whole, theta, start=start, line=line)
    return first, list(paginator.fill(lines))


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
    seen |= CELL | RULED  # rules of tables

    def columns(page: PageLayout) -> Iterator[NDArray[Any]]:
        yield np.concatenate([block.table.flags[block.lo : block.hi] & seen for block in page.drawn_blocks])
        yield np.concatenate([_cells(block) for block in page.drawn_blocks], axis=1)
        placed = [place(block, theta) for block in page.drawn_blocks]
        for name in ("glyph", "face", "x", "y", "condense", "left", "right", "top"):
            yield np.concatenate([getattr(each, name) for each in placed])

    if not all(map(np.array_equal, columns(one), columns(other))):
        return False
    return not (_is_rich(one) or _is_rich(other)) or _styles(one) == _styles(other)


def _cells(block: Block) -> NDArray[np.int64]:
    """Return [2, lines] the place and the width of the cell of each line, which its rules have; 0 outside tables."""
    table, lines = block.table, slice(block.lo, block.hi)
    if table.cell_left is None or table.cell_width is None:
        return np.zeros((2, block.hi - block.lo), np.int64)
    return np.stack([table.cell_left[lines], table.cell_width[lines]])


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

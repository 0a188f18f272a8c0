"""Resume: a rich text that grew is laid out from a place in it, and not from its start.

A paragraph depends on the blocks and the table around it, on a table that ends before it, and on nothing else. So
lines may be set anew from any paragraph at which no block and no table goes on, and before which no table ends. Pages
depend on all lines before them. A page that is kept tells where the next one begins, and lines before that are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from glyphrender.rich.drawn_text import DrawnText, line_ends
from glyphrender.rich.headings import headings
from glyphrender.rich.rich_text import RichText
from glyphrender.text.parts import PartSpan
from glyphrender.theta import Theta
from glyphrender.theta.color import is_grey
from glyphrender.typeset.layout import rich_lines
from glyphrender.typeset.line_table import LineTable
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.paginate import Paginator
from glyphrender.typeset.paragraphs import paragraph_starts
from glyphrender.typeset.shaper import Shaper


class Place(NamedTuple):
    """Where layout goes on: `page` pages are kept, and lines are set from character `start` of the source on."""

    page: int
    start: int


def place_of(whole: RichText, length: int, pages: Sequence[PageLayout]) -> Place:
    """Return where the layout of `whole` may go on. Its first `length` characters stand on `pages`.

    The page before the one on which the last paragraph begins is set anew too: a paragraph that stays with the next
    line, or a line that becomes lower, may have begun a page.
    """
    if not _is_grey(whole):
        return Place(0, 0)  # a color anywhere gives all pages three channels
    drawn = DrawnText(whole)
    starts = drawn.ends(paragraph_starts(drawn.text))  # what is consumed before a paragraph is part of it
    blocks = np.array([(block.start, block.end) for block in whole.blocks], np.int64).reshape(-1, 2)
    tables = np.array([(table.start, table.end) for table in whole.tables], np.int64).reshape(-1, 2)
    last = int(starts[max(0, int(np.searchsorted(starts, length, "left")) - 1)])  # the last paragraph may grow
    for start, end in tables.tolist():
        if start < last <= end:
            last = start
    free = starts  # the paragraphs at which no block and no table goes on, and before which no table ends
    for edges, ended in ((blocks, blocks[:, 1]), (tables, tables[:, 1] + 1)):
        opened = np.searchsorted(np.sort(edges[:, 0]), free)
        free = free[opened == np.searchsorted(np.sort(ended), free, "right")]
    for page in range(sum(each.end <= last for each in pages) - 1, 0, -1):
        begin = pages[page].start
        # In a table, a head is drawn above the page again. Behind one, the next row has room for the rule below a head.
        if not ((tables[:, 0] < begin) & (begin <= tables[:, 1])).any():
            for at in free[free <= begin][::-1].tolist():
                if _begins_line(whole, at):
                    return Place(page, at)
    return Place(0, 0)


def _is_grey(text: RichText) -> bool:
    """Return whether no style or block of a text has a color."""
    colors = {color for style in text.runs()[1] for color in (style.color, style.background)}
    colors |= {block.style.background for block in text.blocks}
    return all(is_grey(color) for color in colors if color)


def _begins_line(text: RichText, at: int) -> bool:
    """Return whether a line of the source begins at character `at`, and no replaced stretch goes on there."""
    return text.cut_before(at) == at and (at == 0 or text.source[at - 1] == "\n")


def resumed(
    whole: RichText,
    place: Place,
    pages: Sequence[PageLayout],
    theta: Theta,
    shaper: Shaper,
    *,
    max_pages: int | None = None,
    parts: Sequence[PartSpan] = (),
) -> Iterator[PageLayout]:
    """Yield the pages of `whole` after the first `place.page` ones.

    Args:
        whole: the text.
        place: what `place_of` returns; its page is not 0.
        pages: the pages that were there.
        theta: the rendering parameters, with a number of columns.
        shaper: what is remembered.
        max_pages, parts: see `layout_pages`.

    Raises:
        LayoutError: the text needs more than `max_pages` pages.
    """
    lines = len(line_ends(whole.source[: place.start]))
    found = headings(whole, DrawnText(whole)) if "{section}" in theta.page_header else ()
    paginator = Paginator(
        theta,
        max_pages=max_pages,
        number=place.page,
        end=pages[place.page].start,
        parts=parts,
        headings=found,
        text=whole.source,
    )

    def moved() -> Iterator[LineTable]:
        for table in rich_lines(whole[place.start :], theta, shaper):
            segments = table.segments
            yield replace(
                table,
                segments=replace(segments, offset=segments.offset + place.start, line=segments.line + lines),
            )

    yield from paginator.fill(moved())

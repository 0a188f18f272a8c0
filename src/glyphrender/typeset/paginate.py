"""Paginate: lines → columns → pages.

Vertical positions are running sums over a line table, in points from the top of the page. One bisection a column finds
the line at which the column is full. Nothing is drawn or placed here. But the size of each page in pixels is known from
here on, and the compression ratio of a text needs no more than that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import LayoutError
from glyphrender.rich.headings import Heading, section_of
from glyphrender.text.paragraphs import ParagraphCount
from glyphrender.text.parts import PartSpan, parts_between
from glyphrender.theta import BlankLines, FormFeed, PageNumber, ParagraphIds, Theta
from glyphrender.typeset.ink import fitted_lines
from glyphrender.typeset.line_boxes import RightEdges
from glyphrender.typeset.line_table import FIRST, LAST, PAGE_END, LineTable
from glyphrender.typeset.page_layout import Block, PageLayout
from glyphrender.typeset.repeated_heads import RepeatedHeads
from glyphrender.typeset.table_rows import RULE_ROOM, highest_in_rows, rule_room, stand

# A line may pass the bottom by this many points, so that 80 lines of 10.0 pt fit 800 pt, however the sums round.
_SLACK: Final = 1e-6


class Paginator:
    """A page that is being filled with lines. Pages are given out as soon as they are known to be full.

    Attributes:
        number: how many pages were given out.
        end: how many characters of the source are on them.
    """

    def __init__(
        self,
        theta: Theta,
        *,
        max_pages: int | None = None,
        number: int = 0,
        end: int = 0,
        parts: Sequence[PartSpan] = (),
        headings: Sequence[Heading] = (),
        text: str = "",
    ) -> None:
        """Begin an empty page. `parts` may grow while pages are filled.

        `headings` are those of a rich text, rising. `text` is the source, or "" if pages begin with it.
        """
        self.theta, self.max_pages, self.parts, self.headings = theta, max_pages, parts, headings
        self.paragraphs: ParagraphCount | None = None
        if theta.paragraph_ids is not ParagraphIds.NONE:
            self.paragraphs = ParagraphCount().after(text[:end])
        self.number, self.end = number, end
        self._begin_page()

    def _begin_page(self) -> None:
        """Begin an empty page."""
        self.blocks: list[Block] = []
        self.heads: list[Block] = []
        self.right = 0.0  # how far its lines reach, from the left edge of the page, in points
        self.column = 0
        self.y = 0.0  # how much of the column's height is used
        self.characters = 0  # characters of the source on the page

    def add(self, table: LineTable) -> Iterator[PageLayout]:
        """Yield the pages that the lines of `table` fill.

        Raises:
            LayoutError: the text needs more than `max_pages` pages.
        """
        theta = self.theta
        first, last = (table.flags & FIRST) != 0, (table.flags & LAST) != 0
        before = np.where(first, theta.space_before + theta.inset, 0.0)
        after = np.where(last, theta.space_after + theta.inset, 0.0)
        # Characters of the source before each segment.
        characters = np.append(0, np.cumsum(table.segments.lengths()))
        gap = np.zeros(len(table))
        if theta.blank_lines is BlankLines.HALF:
            gap[first & _follow_gaps(table, characters)] = theta.line_height / 2
            before = before + gap
        styles = table.segments.paragraph_styles
        paragraph = None if table.segments.paragraph is None else table.paragraphs(0, len(table))
        keep = None
        if paragraph is not None:
            above = np.where(first, styles.before[paragraph] * theta.line_height, 0.0)
            gap = gap + above
            before = before + above
            keep = styles.keep[paragraph] & last if styles.keep.any() else None
        fitted = fitted_lines(table, theta)
        height = theta.line_height if fitted is None else fitted[1]
        begins = heads = None
        if table.cell_width is None:
            bottom = np.cumsum(before + height + after)
            top = bottom - after - height
        else:
            assert paragraph is not None
            gap = highest_in_rows(table.flags, gap + rule_room(table.flags, styles.head[paragraph]) * theta.line_height)
            lost = np.where(first, theta.space_before, 0.0) + gap  # at the top of a column
            before = lost + np.where(first, theta.inset, 0.0)
            if fitted is not None:
                up = highest_in_rows(table.flags, fitted[0])
                fitted = up, fitted[1] + (up - fitted[0])  # exactly as high where nothing moves
                height = fitted[1]
            pages = theta.form_feed is FormFeed.PAGE
            most = theta.column_height + theta.space_after + _SLACK / 2  # a row that is not parted fits a column
            rows = stand(table.flags, lost, before, height, after, most=most, pages=pages)
            table, begins, top, bottom = replace(table, flags=rows.flags), rows.begins, rows.top, rows.bottom
            last = np.logical_or.reduceat(last, np.flatnonzero(begins))[np.cumsum(begins) - 1]  # in its row
            heads = RepeatedHeads.of(table, theta, top, bottom)
        need = bottom - np.where(last, theta.space_after, 0.0)  # space below a paragraph may run off the column
        # Lists, because bisection in a list costs a fifth of bisection in an array.
        needs, page_ends = need.tolist(), []
        if theta.form_feed is FormFeed.PAGE:
            page_ends = np.flatnonzero(table.flags & PAGE_END).tolist()
        height, columns = theta.column_height + _SLACK, theta.column_offsets
        edges = RightEdges(table, theta) if theta.auto_crop_width else None
        lo, lines = 0, len(table)
        while lo < lines:
            origin = (float(bottom[lo - 1]) if lo else 0.0) - self.y
            if self.y == 0.0 and first[lo]:
                origin += theta.space_before + float(gap[lo])
            over = 0.0  # the room of the head that is repeated above the column
            if heads is not None and self.y == 0.0 and needs[lo] <= height + origin - float(heads.room[lo]):
                over = float(heads.room[lo])
                origin -= over
            hi = bisect_right(needs, height + origin)
            page_end = bisect_left(page_ends, lo)
            ends = page_end < len(page_ends) and page_ends[page_end] < hi
            if ends:
                hi = page_ends[page_end] + 1
            if paragraph is not None and not ends and lo < hi < lines:
                kept = hi if keep is None else _kept_together(keep, table.flags, lo, hi, filled=self.y > 0)
                if begins is not None and not begins[kept]:  # a row is not cut
                    row = lo + max(np.flatnonzero(begins[lo:kept]).tolist(), default=0)
                    kept = row if row > lo or self.y > 0 else hi
                hi = kept
            if hi == lo and self.y == 0.0:
                hi = lo + 1  # a valid θ has room for one line, if not for the padding of its paragraph
            if hi > lo:
                block = _block(table, slice(lo, hi), columns[self.column], top[lo:hi] - origin, fitted, theta)
                if paragraph is not None:
                    under = RULE_ROOM * theta.line_height if over else 0.0
                    block = replace(block, room_above=float(top[lo] - origin) - self.y if self.y else under)
                self.blocks.append(block)
                if edges is not None:
                    self.right = max(self.right, edges.of(lo, hi) + block.column)
                if over and heads is not None:
                    head = slice(int(heads.begin[lo]), int(heads.end[lo]))
                    moved = top[head] - (top[head.start] - theta.inset)
                    block = _block(table, head, columns[self.column], moved, fitted, theta)
                    self.heads.append(replace(block, row_below=float(self.blocks[-1].tops[0])))
                    if edges is not None:
                        self.right = max(self.right, edges.of(head.start, head.stop) + block.column)
                self.y = float(bottom[hi - 1] - origin)
                self.characters += int(characters[table.last[hi - 1]] - characters[table.first[lo]])
            if ends:
                yield self._page()
            elif hi < lines:
                self.column, self.y = self.column + 1, 0.0
                if self.column == theta.column_count:
                    yield self._page()
            lo = hi

    def fill(self, line_tables: Iterable[LineTable]) -> Iterator[PageLayout]:
        """Yield all pages of the lines from character `end` of the source on.

        A line must begin at `end`. Lines of `line_tables` that come before it are skipped.

        Raises:
            LayoutError: the text needs more than `max_pages` pages.
        """
        begin = self.end
        for table in line_tables:
            yield from self.add(table.since(begin))
        yield from self.finish()

    def finish(self) -> Iterator[PageLayout]:
        """Yield the last page, if any line is on it."""
        if self.blocks:
            yield self._page(last=True)

    def _page(self, *, last: bool = False) -> PageLayout:
        """Return the page that was being filled, and begin the next."""
        if self.max_pages is not None and self.number >= self.max_pages:
            raise LayoutError(
                f"the text needs more than max_pages={self.max_pages} pages. Raise max_pages, or shorten the text.",
                page=self.number + 1,
            )
        self.number += 1
        start = self.end
        self.end += self.characters
        paragraphs = self.paragraphs
        if paragraphs is not None:
            self.paragraphs = paragraphs.after("".join(block.text for block in self.blocks))
        page = PageLayout(
            number=self.number,
            theta=self.theta,
            blocks=tuple(self.blocks),
            heads=tuple(self.heads),
            size=_size(self.theta, [*self.heads, *self.blocks], self.right, last, self.number),
            start=start,
            end=self.end,
            parts=parts_between(self.parts, start, self.end) if self.parts else (),
            section=section_of(self.headings, self.parts, start, self.end) if self.headings else "",
            paragraphs=paragraphs,
        )
        self._begin_page()
        return page


def _block(
    table: LineTable,
    lines: slice,
    column: float,
    tops: NDArray[np.float64],
    fitted: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    theta: Theta,
) -> Block:
    """Return some lines as a block. `tops` are theirs, from the margin on; `fitted` is of all lines of the table."""
    return Block(
        table=table,
        lo=lines.start,
        hi=lines.stop,
        column=column,
        # Rounded, so that a page looks the same however long the sums before it are.
        tops=np.round(tops + theta.margin_y, 6),
        ascents=None if fitted is None else fitted[0][lines],
        heights=None if fitted is None else fitted[1][lines],
    )


def _follow_gaps(table: LineTable, characters: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return [n] whether a blank line that is not drawn comes before each line: the line begins by consuming it."""
    at = table.first
    gap = np.zeros(len(at), bool)
    hidden = table.segments.hidden
    if hidden is not None:
        some = np.flatnonzero((table.segments.number[at] == 0) & (hidden[at] > 0))
        text = table.segments.text
        gap[some] = [
            "\n" in text[start:end] for start, end in zip(characters[at[some]], characters[at[some] + 1], strict=True)
        ]
    return gap


def _kept_together(keep: NDArray[np.bool_], flags: NDArray[np.uint8], lo: int, hi: int, *, filled: bool) -> int:
    """Return the line at which a column ends that has room for lines `lo` to `hi - 1`.

    A paragraph whose last line has to `keep` with the next line goes to the next column with it, unless it begins the
    column. `filled` says whether the column has lines before `lo`.
    """
    end = hi
    while end > lo and keep[end - 1]:
        end -= 1
        while end > lo and not flags[end] & FIRST:
            end -= 1
    return end if end > lo or (filled and flags[lo] & FIRST) else hi


def _size(theta: Theta, blocks: list[Block], right: float, last: bool, number: int) -> tuple[int, int]:
    """Return (width, height) of page `number` in pixels, whose lines reach up to `right`.

    Cropping keeps the margin as far as `page_grid` allows, and the room of a page number whole.
    """
    width, height = whole = theta.page_pixels
    if theta.auto_crop_width:
        if theta.page_number is not PageNumber.NONE:
            right = max(right, theta.margin_x + theta.page_label_width(number))
        width = min(width, cropped_side(right, theta.margin_x, theta))
    if theta.auto_crop_last_page and last:
        bottom = max(float((block.tops + block.line_heights(theta)).max()) for block in blocks) + theta.inset
        below = theta.furniture_edge if theta.page_number.is_bottom else theta.margin_y
        height = min(height, cropped_side(bottom + theta.margin_y - below, below, theta))
    if width * height < theta.min_pixels:
        height = min(whole[1], _multiple(theta.min_pixels / width, theta.page_grid))
        width = max(width, min(whole[0], _multiple(theta.min_pixels / height, theta.page_grid)))
    return width, height


def cropped_side(used: float, margin: float, theta: Theta) -> int:
    """Return the length in pixels of a side that is cropped: the multiple of the grid nearest to text and margin.

    Text is never cut. Models round sides to the nearest multiple too. Where a model would shrink the page by up to half
    a cell of the grid, the page gives up some of its margin instead.

    Args:
        used: how far text reaches from the page's left or top edge, in points.
        margin: the margin after the text, in points.
        theta: the rendering parameters.
    """
    grid = theta.page_grid
    side = max(1, ceil((used + margin) * theta.scale - 1e-6))
    return max(round(side / grid) * grid, _multiple(used * theta.scale - 1e-6, grid))


def _multiple(pixels: float, grid: int) -> int:
    """Return the smallest multiple of `grid`, but not 0, that is at least `pixels`.

    >>> _multiple(57.2, 28)
    84
    """
    return max(grid, ceil(pixels / grid) * grid)

"""Lines → columns → pages.

Vertical positions are points from the top of the page, running sums over a galley; a page is found by one
bisection a column. Nothing is drawn or even placed here, but the size of each page in pixels is known, so
the compression ratio of a text needs no more than this.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import LayoutError
from glyphrender.theta import FormFeed, Theta
from glyphrender.typeset import place
from glyphrender.typeset.line_table import FIRST, LAST, PAGE_END, Galley

# A line may pass the bottom by this much, so that 80 lines of 10.0 pt fit 800 pt whatever the sums round to.
_SLACK: Final = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Lines `lo` to `hi` of a galley, in one column of a page.

    Attributes:
        galley: whose lines.
        lo, hi: the range of lines.
        column: x of the left edge of the column, in points.
        tops: [hi - lo] y of the top of each line, in points from the top of the page.
    """

    galley: Galley
    lo: int
    hi: int
    column: float
    tops: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class PageLayout:
    """A page whose lines are known, and its size in pixels; its glyphs are not placed yet.

    Attributes:
        number: 1 for the first page.
        theta: the θ it was set by.
        blocks: its lines, in reading order.
        size: width and height in pixels, cropping applied.
        start, end: the characters of the source that it shows.
    """

    number: int
    theta: Theta
    blocks: tuple[Block, ...]
    size: tuple[int, int]
    start: int
    end: int


class Paginator:
    """Fills pages with galleys as they come. A page is given out once it is known to be full.

    `number` and `end` count the pages given out, and the characters of the source on them.
    """

    def __init__(self, theta: Theta, *, max_pages: int | None = None, number: int = 0, end: int = 0) -> None:
        self.theta, self.max_pages = theta, max_pages
        self.number, self.end = number, end
        self._begin_page()

    def _begin_page(self) -> None:
        self.blocks: list[Block] = []
        self.column = 0
        self.y = 0.0  # height used of the column
        self.characters = 0  # of the source, on it

    def add(self, galley: Galley) -> Iterator[PageLayout]:
        """The pages that `galley` fills."""
        theta = self.theta
        first, last = (galley.flags & FIRST) != 0, (galley.flags & LAST) != 0
        before = np.where(first, theta.space_before + theta.inset, 0.0)
        after = np.where(last, theta.space_after + theta.inset, 0.0)
        bottom = np.cumsum(before + theta.line_height + after)
        top = bottom - after - theta.line_height
        need = bottom - np.where(last, theta.space_after, 0.0)  # space below a paragraph may run off the column
        # As lists, which bisection reads at a fifth of the cost.
        needs, page_ends = need.tolist(), []
        if theta.form_feed is FormFeed.PAGE:
            page_ends = np.flatnonzero(galley.flags & PAGE_END).tolist()
        # Characters of the source before each piece.
        characters = np.append(0, np.cumsum(galley.run.lengths()))
        height, columns = theta.column_height + _SLACK, theta.column_offsets
        lo, lines = 0, len(galley)
        while lo < lines:
            origin = (float(bottom[lo - 1]) if lo else 0.0) - self.y
            if self.y == 0.0 and first[lo]:
                origin += theta.space_before
            hi = bisect_right(needs, height + origin)
            page_end = bisect_left(page_ends, lo)
            ends = page_end < len(page_ends) and page_ends[page_end] < hi
            if ends:
                hi = page_ends[page_end] + 1
            if hi == lo and self.y == 0.0:
                hi = lo + 1  # θ has room for a line; only its paragraph's padding has not
            if hi > lo:
                self.blocks.append(
                    Block(
                        galley=galley,
                        lo=lo,
                        hi=hi,
                        column=columns[self.column],
                        # Rounded, so that a page looks the same however long the sums before it are.
                        tops=np.round(top[lo:hi] - origin + theta.margin_y, 6),
                    )
                )
                self.y = float(bottom[hi - 1] - origin)
                self.characters += int(characters[galley.last[hi - 1]] - characters[galley.first[lo]])
            if ends:
                yield self._page()
            elif hi < lines:
                self.column, self.y = self.column + 1, 0.0
                if self.column == theta.columns:
                    yield self._page()
            lo = hi

    def fill(self, galleys: Iterable[Galley]) -> Iterator[PageLayout]:
        """All pages of `galleys` from character `end` on, where a line begins; the galleys may begin before it."""
        begin = self.end
        for galley in galleys:
            yield from self.add(galley.since(begin))
        yield from self.finish()

    def finish(self) -> Iterator[PageLayout]:
        """The last page, if anything is on it."""
        if self.blocks:
            yield self._page(last=True)

    def _page(self, *, last: bool = False) -> PageLayout:
        if self.max_pages is not None and self.number >= self.max_pages:
            raise LayoutError(
                f"the text needs more than max_pages={self.max_pages} pages. Raise max_pages, or shorten the text."
            )
        self.number += 1
        start = self.end
        self.end += self.characters
        page = PageLayout(
            number=self.number,
            theta=self.theta,
            blocks=tuple(self.blocks),
            size=_size(self.theta, self.blocks, last),
            start=start,
            end=self.end,
        )
        self._begin_page()
        return page


def _size(theta: Theta, blocks: list[Block], last: bool) -> tuple[int, int]:
    """Width and height in pixels; cropping keeps the margin, as far as `page_grid` lets it."""
    width, height = whole = theta.page_pixels
    if theta.auto_crop_width:
        right = max(place.right_edge(block.galley, block.lo, block.hi, theta) + block.column for block in blocks)
        width = min(width, _cropped(right, theta.margin_x, theta))
    if theta.auto_crop_last_page and last:
        bottom = max(float(block.tops[-1]) for block in blocks) + theta.line_height + theta.inset
        height = min(height, _cropped(bottom, theta.margin_y, theta))
    if width * height < theta.min_pixels:
        height = min(whole[1], _multiple(theta.min_pixels / width, theta.page_grid))
        width = max(width, min(whole[0], _multiple(theta.min_pixels / height, theta.page_grid)))
    return width, height


def _cropped(used: float, margin: float, theta: Theta) -> int:
    """Pixels of a side that text uses up to `used` points: the nearest multiple of the grid that cuts no text.

    Nearest, because models round so: a page that they would shrink by up to half a cell loses margin instead.
    """
    grid = theta.page_grid
    side = max(1, ceil((used + margin) * theta.scale - 1e-6))
    return max(round(side / grid) * grid, _multiple(used * theta.scale - 1e-6, grid))


def _multiple(pixels: float, grid: int) -> int:
    """The least multiple of `grid` that holds so many pixels, and at least one."""
    return max(grid, ceil(pixels / grid) * grid)

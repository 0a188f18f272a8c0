"""Lines of paragraphs that need care: those with hyphens, and those whose lines are made evenly full.

Whether a hyphen is drawn depends on where the line ends. So these paragraphs are broken line by line, with one
bisection a line. All other paragraphs are broken together; see greedy.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable

import numpy as np

from glyphrender.typeset.glyph_store import MAY_BREAK, MAY_HYPHENATE, TAB
from glyphrender.typeset.line_table import FIRST, HYPHEN, LAST
from glyphrender.typeset.optimal import even_breaks
from glyphrender.typeset.reach import Reach
from glyphrender.typeset.stretch import EMERGENCY, Stretch


class CarefulBreaker:
    """The lines of paragraphs that were broken line by line, as lists.

    Attributes:
        first, last: the first segment of each line, and the segment after its last.
        flags: FIRST, LAST and HYPHEN of each line.
        left: if the last paragraph goes on in the next chunk, the first segment of its unfinished line; else None.
    """

    def __init__(self, stretch: Stretch, reach: Reach) -> None:
        self.stretch, self.metrics, self.reach = stretch, stretch.metrics, reach
        self.first: list[int] = []
        self.last: list[int] = []
        self.flags: list[int] = []
        self.left: int | None = None
        # Lists, because bisection and indexing in a list cost a fifth of the same in an array.
        self._tabs = np.flatnonzero(stretch.kind == TAB).tolist()

    def turn_to(self, segments: slice, opportunities: slice) -> None:
        """Prepare for paragraphs inside `segments`, whose break opportunities are `reach.place[opportunities]`.

        A break opportunity is a segment after which a line may end.
        """
        stretch = self.stretch
        # Lists of these segments and opportunities alone. `add` and `_fill` count opportunities from the first of them.
        place = self.reach.place[opportunities]
        self._from, self._start_from = opportunities.start, segments.start
        self._places = place.tolist()
        self._place_end = stretch.end[place].tolist()
        self._place_kind = stretch.breaks[place].tolist()
        self._place_hyphen = stretch.metrics.hyphens(stretch.segments, place).tolist()
        self._start = stretch.start[segments].tolist()
        if self.metrics.optimal:  # the opportunities that are not for emergencies, with the room for their hyphens
            kind = stretch.breaks[place]
            regular = np.flatnonzero(kind != EMERGENCY)
            at = place[regular]
            hyphen = stretch.metrics.hyphens(stretch.segments, at) * (kind[regular] == MAY_HYPHENATE)
            self._regular = regular.tolist()
            self._regular_start = stretch.start[np.minimum(at + 1, len(stretch.start) - 1)].tolist()
            self._regular_end = (stretch.end[at] + hyphen).tolist()

    def add(
        self, start: int, end: int, lo: int, hi: int, *, first: bool, widths: tuple[int, int], goes_on: bool
    ) -> None:
        """Break the paragraph of segments `start` to `end - 1`.

        Args:
            start, end: the segments.
            lo, hi: the break opportunities of the paragraph are number `lo` to `hi - 1` of those turned to.
            first: whether the paragraph begins here; if not, an earlier chunk has its first line.
            widths: those of its first line and of the others.
            goes_on: whether the paragraph goes on in the next chunk. Its last line is then left over.
        """
        rest = widths[1]
        limit = widths[0] if first else rest
        flags = FIRST if first else 0
        tabbed = self._has_tab(start, end)
        if self.metrics.optimal and not tabbed and not goes_on:  # the end of a paragraph that goes on is not known
            lo, start, limit, flags = self._break_evenly(start, end, lo, hi, limit, rest, flags)
        fill = self._fill_tabbed if tabbed else self._fill
        while (b := fill(start, end, limit, lo, hi)) < hi:
            cut = self._places[b] + 1
            hyphen = HYPHEN if self._place_kind[b] == MAY_HYPHENATE else 0
            self._line(start, cut, flags | hyphen)
            start, lo, flags, limit = cut, b + 1, 0, rest
        if goes_on:
            self.left = start
        else:
            self._line(start, end, flags | LAST)

    def _line(self, first: int, last: int, flags: int) -> None:
        """Add a line of segments `first` to `last - 1`."""
        self.first.append(first)
        self.last.append(last)
        self.flags.append(flags)

    def _has_tab(self, start: int, end: int) -> bool:
        """Return whether a tab is among segments `start` to `end - 1`."""
        tab = bisect_left(self._tabs, start)
        return tab < len(self._tabs) and self._tabs[tab] < end

    def _fill(self, start: int, end: int, limit: int, lo: int, hi: int) -> int:
        """Return the opportunity that ends the line from segment `start` on; `hi` if the rest fits the line.

        Args:
            start, end: the segments that are left of the paragraph.
            limit: the width of the line.
            lo, hi: the range of the opportunities that are left.
        """
        target = self._start[start - self._start_from] + limit
        if self.stretch.end[end - 1] <= target:
            return hi
        b = bisect_right(self._place_end, target, lo, hi) - 1
        return self._settled(b, lo, lambda place: target - self._place_end[place])

    def _fill_tabbed(self, start: int, end: int, limit: int, lo: int, hi: int) -> int:
        """Return what `_fill` returns, for a paragraph with tabs."""
        target = self._start[start - self._start_from] + limit
        reached = bisect_right(self._place_end, target, lo, hi)
        # A tab takes room, so what does not fit without tabs does not fit with them. Most lines end before a tab.
        if self.stretch.end[end - 1] > target and reached + self._from <= self.reach.before_tab(start):
            return self._settled(reached - 1, lo, lambda place: target - self._place_end[place])
        begin, stop = np.array([start]), np.array([end])
        count, whole = self.reach(begin, limit, stop)
        if whole[0]:
            return hi
        last = min(int(count[0]) - self._from, hi) - 1
        return self._settled(last, lo, lambda place: self.reach.room_left(place + self._from, begin, limit, stop))

    def _settled(self, b: int, lo: int, left: Callable[[int], int]) -> int:
        """Return the last opportunity from `lo` to `b` that has room for its hyphen and does not cut a word needlessly.

        `left` returns the room that is left on a line that ends at an opportunity. If there is no such opportunity,
        return `b`, but at least `lo`.
        """
        place = b
        while place >= lo:
            kind = self._place_kind[place]
            if kind == MAY_BREAK:
                return place
            if kind == MAY_HYPHENATE and self._place_hyphen[place] <= left(place):
                return place
            place -= 1
        # CSS (overflow-wrap) cuts a word only if it begins the line, and so does this. If not even one cluster fits,
        # the cluster gets a line of its own and is condensed.
        return max(b, lo)

    def _break_evenly(
        self, start: int, end: int, lo: int, hi: int, limit: int, rest: int, flags: int
    ) -> tuple[int, int, int, int]:
        """Break a paragraph into evenly full lines (optimal.py), except its last line.

        Returns:
            (lo, start, limit, flags) of the part that is left.
        """
        at = slice(bisect_left(self._regular, lo), bisect_left(self._regular, hi))
        cuts = even_breaks(
            starts=[self._start[start - self._start_from], *self._regular_start[at]],
            ends=[*self._regular_end[at], int(self.stretch.end[end - 1])],
            first=limit,
            rest=rest,
        )
        for cut in cuts:
            place = self._regular[at.start + cut]
            stop = self._places[place] + 1
            self._line(start, stop, flags | (HYPHEN if self._place_kind[place] == MAY_HYPHENATE else 0))
            start, lo, limit, flags = stop, place + 1, rest, 0
        return lo, start, limit, flags

"""Lines of paragraphs that need care: those with tabs or hyphens, and those whose lines are made evenly full.

The width of a tab depends on the line it is on, and so does whether a hyphen is drawn. So these paragraphs are broken
line by line, with one bisection a line. All other paragraphs are broken together; see greedy.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.glyph_store import MAY_BREAK, MAY_HYPHENATE, TAB
from glyphrender.typeset.line_table import FIRST, HYPHEN, LAST
from glyphrender.typeset.optimal import even_breaks
from glyphrender.typeset.stretch import EMERGENCY, Stretch


class CarefulBreaker:
    """The lines of paragraphs that were broken line by line, as lists.

    Attributes:
        first, last: the first segment of each line, and the segment after its last.
        flags: FIRST, LAST and HYPHEN of each line.
        shift: the width that tabs add to each line, in EM units.
        tab_at, tab_width: the segments that are tabs, and the width of each, in EM units.
        left: if the last paragraph goes on in the next chunk, the first segment of its unfinished line; else None.
    """

    def __init__(self, stretch: Stretch, place: NDArray[np.intp]) -> None:
        """Begin with the break opportunities `place`: the segments after which a line may end, rising."""
        self.stretch, self.metrics = stretch, stretch.metrics
        self.first: list[int] = []
        self.last: list[int] = []
        self.flags: list[int] = []
        self.shift: list[int] = []
        self.tab_at: list[int] = []
        self.tab_width: list[int] = []
        self.left: int | None = None
        # Lists, because bisection and indexing in a list cost a fifth of the same in an array.
        self._tabs = np.flatnonzero(stretch.kind == TAB).tolist()
        self._places = place.tolist()
        self._place_end = stretch.end[place].tolist()
        self._place_kind = stretch.breaks[place].tolist()
        self._start = stretch.start.tolist()

    def add(self, start: int, end: int, lo: int, hi: int, *, first: bool, goes_on: bool) -> None:
        """Break the paragraph of segments `start` to `end - 1`.

        Args:
            start, end: the segments.
            lo, hi: the break opportunities of the paragraph are `place[lo:hi]`.
            first: whether the paragraph begins here; if not, an earlier chunk has its first line.
            goes_on: whether the paragraph goes on in the next chunk. Its last line is then left over.
        """
        limit = self.metrics.first if first else self.metrics.rest
        flags = FIRST if first else 0
        if self._has_tab(start, end):
            fill = self._fill_tabbed
        else:
            fill = self._fill
            if self.metrics.optimal and not goes_on:  # the end of a paragraph that goes on is not known
                lo, start, limit, flags = self._break_evenly(start, end, lo, hi, limit, flags)
        while True:
            b, shift = fill(start, end, limit, lo, hi)
            if b >= hi:
                break
            cut = self._places[b] + 1
            hyphen = HYPHEN if self._place_kind[b] == MAY_HYPHENATE else 0
            self._line(start, cut, flags | hyphen, shift)
            start, lo, flags, limit = cut, b + 1, 0, self.metrics.rest
        if goes_on:
            self.left = start
            while self.tab_at and self.tab_at[-1] >= start:
                self.tab_at.pop()
                self.tab_width.pop()
        else:
            self._line(start, end, flags | LAST, shift)

    def _line(self, first: int, last: int, flags: int, shift: int) -> None:
        """Add a line of segments `first` to `last - 1`."""
        self.first.append(first)
        self.last.append(last)
        self.flags.append(flags)
        self.shift.append(shift)

    def _has_tab(self, start: int, end: int) -> bool:
        """Return whether a tab is among segments `start` to `end - 1`."""
        tab = bisect_left(self._tabs, start)
        return tab < len(self._tabs) and self._tabs[tab] < end

    def _fill(self, start: int, end: int, limit: int, lo: int, hi: int) -> tuple[int, int]:
        """Return (the opportunity that ends the line from segment `start` on, 0); `hi` if the rest fits the line.

        Args:
            start, end: the segments that are left of the paragraph.
            limit: the width of the line.
            lo, hi: the range of the opportunities that are left.
        """
        target = self._start[start] + limit
        if self.stretch.end[end - 1] <= target:
            return hi, 0
        return self._settled(bisect_right(self._place_end, target, lo, hi) - 1, target, lo), 0

    def _fill_tabbed(self, start: int, end: int, limit: int, lo: int, hi: int) -> tuple[int, int]:
        """Return what `_fill` returns, for a line with tabs; the second number is the width that the tabs add.

        Each tab reaches to the next tab stop, and is added to `tab_at` and `tab_width`.
        """
        origin, ink = self._start[start], self.stretch.end
        stops = self.stretch.tab_stops(start)
        shift, begin = 0, start
        target = origin + limit
        best, whole = lo - 1, False

        def best_before(segment: int) -> int:
            b = bisect_right(self._place_end, target, lo, bisect_left(self._places, segment, lo, hi)) - 1
            return self._settled(b, target, lo) if b > best else best

        noted = len(self.tab_at)
        tab_index = bisect_left(self._tabs, start)
        while True:
            tab = self._tabs[tab_index] if tab_index < len(self._tabs) else end
            stop = min(tab, end)
            # Tabs hang until something is drawn after them.
            inked = self.stretch.inked[begin:stop]
            if inked.any():
                best = best_before(begin + int(inked.argmax()))
                target = origin + limit - shift
                if ink[stop - 1] > target:
                    best = best_before(stop)
                    break
            best = best_before(stop + 1)
            if stop == end:
                whole = True
                break
            x = self._start[tab] - origin + shift
            width = stops - x % stops
            self.tab_at.append(tab)
            self.tab_width.append(width)
            shift += width
            tab_index += 1
            begin = tab
        if whole:
            return hi, self._added(noted, start, end)
        best = max(best, lo)
        if best >= hi:
            return hi, self._added(noted, start, end)
        cut = self._places[best]
        while len(self.tab_at) > noted and self.tab_at[-1] > cut:
            self.tab_at.pop()
            self.tab_width.pop()
        return best, self._added(noted, start, cut + 1)

    def _added(self, noted: int, start: int, stop: int) -> int:
        """Return the width that tabs add to a line of segments `start` to `stop - 1`.

        These are the tabs of `tab_at` from number `noted` on. Tabs at the end of the line hang and add nothing.
        """
        last = stop - 1
        while last >= start and not self.stretch.inked[last]:
            last -= 1
        tabs = zip(self.tab_at[noted:], self.tab_width[noted:], strict=True)
        return sum(width for tab, width in tabs if tab < last)

    def _settled(self, b: int, target: int, lo: int) -> int:
        """Return the last opportunity from `lo` to `b` that has room for its hyphen and does not cut a word needlessly.

        If there is none, return `b`, but at least `lo`.
        """
        place = b
        while place >= lo:
            kind = self._place_kind[place]
            if kind == MAY_BREAK:
                return place
            if kind == MAY_HYPHENATE and self._place_end[place] + self.metrics.hyphen <= target:
                return place
            place -= 1
        # CSS (overflow-wrap) cuts a word only if it begins the line, and so does this. If not even one cluster fits,
        # the cluster gets a line of its own and is condensed.
        return max(b, lo)

    def _break_evenly(
        self, start: int, end: int, lo: int, hi: int, limit: int, flags: int
    ) -> tuple[int, int, int, int]:
        """Break a paragraph into evenly full lines (optimal.py), except its last line.

        Returns:
            (lo, start, limit, flags) of the part that is left.
        """
        regular = [k for k in range(lo, hi) if self._place_kind[k] != EMERGENCY]
        hyphen = [self.metrics.hyphen if self._place_kind[k] == MAY_HYPHENATE else 0 for k in regular]
        cuts = even_breaks(
            starts=[self._start[start]] + [self._start[self._places[k] + 1] for k in regular],
            ends=[self._place_end[k] + added for k, added in zip(regular, hyphen, strict=True)]
            + [int(self.stretch.end[end - 1])],
            first=limit,
            rest=self.metrics.rest,
        )
        for cut in cuts:
            place = regular[cut]
            stop = self._places[place] + 1
            self._line(start, stop, flags | (HYPHEN if hyphen[cut] else 0), 0)
            start, lo, limit, flags = stop, place + 1, self.metrics.rest, 0
        return lo, start, limit, flags

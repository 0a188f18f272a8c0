"""`Reach`: how far a line reaches from a given segment, with tabs or without.

Only the first tab of a line has a width that depends on where the line begins. This tab ends at a tab stop, so after it
all distances to the next tab stops are the same on any line. Every segment therefore has a second position: its
distance from a tab stop, plus the stops that all tabs before it pass. A line is then measured by two comparisons: of
the plain positions up to its first tab, and of the second positions after it. Tabs and spaces hang until something is
drawn after them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.stretch import Stretch


class Reach:
    """How far the lines of a stretch reach. Lengths are EM units.

    Attributes:
        place: [p] the break opportunities: segments after which a line may end, rising.
        end: [n] right edge of what is drawn up to and including each segment; tabs count as 0.
        laid: [n] the same with tabs, as if each tab of an earlier line ended at a tab stop of this one.
    """

    def __init__(self, stretch: Stretch, place: NDArray[np.intp]) -> None:
        self.place, self.end, self.laid, self._start = place, stretch.end, stretch.end, stretch.start
        n, inked = len(stretch.kind), stretch.inked
        self._tabs = stretch.tabs
        self._stops = stretch.tab_stops(self._tabs)
        if len(self._tabs):
            at = stretch.start[self._tabs]
            # Position 0 of the stretch counts as a stop. A tab passes at least one stop.
            self._passed = np.cumsum((np.diff(at, prepend=0) // self._stops + 1) * self._stops)
            before = np.repeat(np.append(0, self._passed - at), np.diff(self._tabs, prepend=0, append=n))
            self.laid = np.maximum.accumulate(np.where(inked, stretch.end + before, 0))
            index = np.arange(n)
            self._next_ink = np.minimum.accumulate(np.where(inked, index, n)[::-1])[::-1][self._tabs]
            self._last_ink = np.maximum.accumulate(np.where(inked, index, -1))
            self._hanging = np.searchsorted(place, self._next_ink)  # opportunities before what is drawn after each tab
        self._end_at_place = self.end[place]
        self._laid_at_place = self.laid[place] if self.has_tabs else self._end_at_place

    @property
    def has_tabs(self) -> bool:
        """Whether any segment is a tab."""
        return len(self._tabs) > 0

    def __call__(
        self, begin: NDArray[np.intp], width: NDArray[np.int64] | int, stop: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return (the number of opportunities that each line reaches, whether all up to `stop` fits the line).

        Opportunities are counted from the beginning of the stretch.

        Args:
            begin: the first segment of each line.
            width: the width of each line.
            stop: the segment after the last of its paragraph.
        """
        target = self._start[begin] + width
        count, whole = np.searchsorted(self._end_at_place, target, "right"), self.end[stop - 1] <= target
        if not self.has_tabs:
            return count, whole
        tab, tabbed, room = self._after_tab(begin, width, stop)
        hanging = self._hanging[tab]
        beyond = np.searchsorted(self._laid_at_place, room, "right")
        reached = np.maximum(np.minimum(count, hanging), np.where(beyond > hanging, beyond, 0))
        drawn = tabbed & (self._next_ink[tab] < stop)
        return np.where(tabbed, reached, count), np.where(drawn, self.laid[stop - 1] <= room, whole)

    def before_tab(self, begin: int) -> int:
        """Return how many opportunities lie before what is drawn after the first tab from segment `begin` on."""
        tab = int(np.searchsorted(self._tabs, begin))
        return int(self._hanging[tab]) if tab < len(self._tabs) else len(self.place)

    def room_left(self, opportunity: int, begin: NDArray[np.intp], width: int, stop: NDArray[np.intp]) -> int:
        """Return the room that is left on a line from `begin` that ends at opportunity number `opportunity`."""
        if self.has_tabs:
            tab, tabbed, room = self._after_tab(begin, width, stop)
            if tabbed.item() and opportunity >= self._hanging[tab].item():
                return int(room.item() - self._laid_at_place[opportunity])
        return int(self._start[begin].item() + width - self._end_at_place[opportunity])

    def _after_tab(
        self, begin: NDArray[np.intp], width: NDArray[np.int64] | int, stop: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.int64]]:
        """Return (the number of each line's first tab, whether the line has one, how far `laid` may reach on it)."""
        number = np.searchsorted(self._tabs, begin)
        tab = np.minimum(number, len(self._tabs) - 1)
        first = self._tabs[tab]
        # Where the first tab ends.
        end = ((self._start[first] - self._start[begin]) // self._stops[tab] + 1) * self._stops[tab]
        return tab, (number < len(self._tabs)) & (first < stop), width - end + self._passed[tab]

    def tabs(
        self, first: NDArray[np.int32], last: NDArray[np.int32]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
        """Return (the tabs on the lines, the width of each tab, the width that tabs add to each line).

        The lines are segments `first[k]` to `last[k] - 1`, rising, without a hole. Tabs at the end of a line hang and
        add nothing.
        """
        added = np.zeros(len(first), np.int64)
        if not self.has_tabs or not len(first):
            return self._tabs[:0], added[:0], added
        tabs = self._tabs[: np.searchsorted(self._tabs, last[-1])]
        line = np.searchsorted(first, tabs, "right") - 1
        before = np.append(0, tabs[:-1])
        before = np.where(before < first[line], first[line], before)
        stops = self._stops[: len(tabs)]
        width = stops - (self._start[tabs] - self._start[before]) % stops
        total = np.append(0, np.cumsum(width))
        drawn = np.maximum(self._last_ink[last - 1], first)
        added = total[np.searchsorted(tabs, drawn)] - total[np.searchsorted(tabs, first)]
        return tabs, width, added

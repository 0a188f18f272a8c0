"""Pieces and a measure → lines.

Positions are running sums in EM units, integers, so that breaking again at a width that was measured gives
the same lines. A paragraph that fits its line, which most lines of code do, is found by one comparison
for the whole chunk, and the others are broken together (greedy.py); only those with tabs or hyphens, whose
widths depend on the line they are on, are walked, with one bisection a line. Spaces and tabs at the end
of a line hang: they take no part in whether it fits.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset import glyph_store as a
from glyphrender.typeset.analyse import Run
from glyphrender.typeset.greedy import greedy_cuts
from glyphrender.typeset.line_table import FIRST, HYPHEN, LAST, PAGE_END, Galley, Measures, advances
from glyphrender.typeset.optimal import even_breaks

# A break allowed only because the word is wider than a line: between two clusters.
_EMERGENCY: Final = 3


def break_lines(run: Run, measures: Measures, *, begins: bool, final: bool) -> tuple[Galley, Run | None]:
    """Break `run` into lines.

    Args:
        run: the pieces; with those an earlier call left over in front.
        measures: the widths.
        begins: whether the run starts a paragraph, so that its first line is one.
        final: whether the last paragraph ends with the run, although no line end says so.

    Returns:
        the lines, and what is left over when the last paragraph goes on: less than a line, which the next
        run must start with.
    """
    stretch = _Stretch(run, measures)
    if (refined := _refined(stretch)) is not run:
        stretch = _Stretch(refined, measures)
    return _Breaker(stretch, begins=begins, final=final).galley()


class _Stretch:
    """Where every piece of a run would stand if the run were one line (tabs as nothing), and where it may be cut."""

    def __init__(self, run: Run, measures: Measures) -> None:
        self.run, self.measures = run, measures
        n = len(run.piece)
        self.kind = run.kinds()
        ink, gap = advances(run, measures, 0, n)
        self.start = np.zeros(n + 1, np.int64)
        np.cumsum(ink + gap, out=self.start[1:])
        # The right edge of what is drawn up to and including each piece: spaces, tabs and line ends hang.
        flows = measures.marker is not None
        self.inked = (self.kind == a.TEXT) | ((self.kind == a.NEWLINE) & flows)
        self.end = np.maximum.accumulate(np.where(self.inked, self.start[:-1] + ink, 0))
        self.breaks = run.breaks
        self.ends_paragraph = self.kind >= (a.PAGE_BREAK if flows else a.NEWLINE)
        if flows:
            self.breaks = self.breaks.copy()
            marker = self.kind == a.NEWLINE
            self.breaks[marker] = a.MAY_BREAK
            # Not where nothing stands before the marker: a line of nothing would result.
            something = (self.kind != a.EMPTY) | (run.gap != 0)
            self.breaks[:-1][marker[1:] & something[:-1]] = a.MAY_BREAK


def _refined(stretch: _Stretch) -> Run:
    """The run, with every stretch that may not be broken and is wider than a line cut at its clusters."""
    run, measures = stretch.run, stretch.measures
    n = len(run.piece)
    stop = np.flatnonzero((stretch.breaks != a.NO_BREAK) | stretch.ends_paragraph)
    if not len(stop) or stop[-1] != n - 1:
        stop = np.append(stop, n - 1)
    start = np.append(0, stop[:-1] + 1)
    width = stretch.end[stop] - stretch.start[start]
    hyphen = stretch.breaks[stop] == a.MAY_HYPHENATE
    width[hyphen] += measures.hyphen
    tab = stretch.kind == a.TAB
    if tab.any():
        # One that no break follows, before a bracket that closes, may be as wide as the distance of two stops.
        tabs = np.append(0, np.cumsum(tab))
        width += (tabs[stop] - tabs[start]) * measures.tab
    wide = width > min(measures.first, measures.rest)
    if not wide.any():
        return run
    inside = np.zeros(n + 1, np.int8)
    inside[start[wide]] += 1
    inside[stop[wide] + 1] -= 1
    too_wide = np.cumsum(inside[:-1]) > 0
    parts = [np.array([piece]) for piece in run.piece.tolist()]
    for index in np.flatnonzero(too_wide & (stretch.kind == a.TEXT)).tolist():
        parts[index] = run.arena.split_at_clusters(int(run.piece[index]))
    at = np.repeat(np.arange(n), [len(part) for part in parts])
    # Only the last part of a piece keeps the gap and the break that follow it.
    inner = np.append(at[1:] == at[:-1], False)
    breaks = np.where(inner, a.NO_BREAK, run.breaks[at])
    # Between pieces, not beside an empty one: that would make a line of nothing, or begin one with the spaces
    # of another.
    empty = np.append(stretch.kind == a.EMPTY, False)
    between = ~empty[:-1] & ~empty[1:]
    between[stop] = False
    breaks[too_wide[at] & (breaks == a.NO_BREAK) & (inner | between[at])] = _EMERGENCY
    return run.edited(
        at,
        piece=np.concatenate(parts).astype(np.int32),
        gap=np.where(inner, 0, run.gap[at]).astype(np.uint8),
        breaks=breaks.astype(np.uint8),
    )


class _Lines(NamedTuple):
    """Lines as columns: their first piece, the piece behind their last, FIRST and LAST."""

    first: NDArray[np.intp]
    last: NDArray[np.intp]
    flags: NDArray[np.uint8]


class _Breaker:
    """Collects the lines of a stretch: those of paragraphs that fit at once, the others one by one."""

    def __init__(self, stretch: _Stretch, *, begins: bool, final: bool) -> None:
        self.stretch, self.measures, self.begins = stretch, stretch.measures, begins
        self.first: list[int] = []
        self.last: list[int] = []
        self.flags: list[int] = []
        self.shift: list[int] = []  # what tabs add to the width of each line
        self.tab_at: list[int] = []
        self.tab_width: list[int] = []
        n = len(stretch.run.piece)
        self.left = n  # the first piece that is left over
        self.ends = np.flatnonzero(stretch.ends_paragraph) + 1
        goes_on = not len(self.ends) or self.ends[-1] < n
        if goes_on:
            self.ends = np.append(self.ends, n)
        self.starts = np.append(0, self.ends[:-1])
        limit = np.full(len(self.ends), self.measures.first, np.int64)
        if not begins:
            limit[0] = self.measures.rest
        self.fits = stretch.end[self.ends - 1] - stretch.start[self.starts] <= limit
        self.open = goes_on and not final
        if self.open:
            self.fits[-1] = False
        tabs = np.flatnonzero(stretch.kind == a.TAB)
        if len(tabs):
            self.fits[np.searchsorted(self.ends, tabs, "right")] = False
        self.tabs = tabs.tolist()
        broken = np.flatnonzero(~self.fits)
        # A paragraph that goes on is never broken evenly, for its end is not known.
        plain = np.full(len(broken), not self.measures.optimal)
        if self.open and len(plain):
            plain[-1] = True
        careful = np.flatnonzero((stretch.kind == a.TAB) | (stretch.breaks == a.MAY_HYPHENATE))
        if len(careful):
            plain &= ~np.isin(broken, np.searchsorted(self.ends, careful, "right"))
        self.place = np.flatnonzero(stretch.breaks != a.NO_BREAK)
        self.plain = self._greedy(broken[plain])
        if not plain.all():
            self._break_carefully(broken[~plain])

    def _greedy(self, paragraphs: NDArray[np.intp]) -> _Lines:
        """The lines of paragraphs without tabs and hyphens."""
        stretch = self.stretch
        begins, stops = self.starts[paragraphs], self.ends[paragraphs]
        first = (paragraphs > 0) | self.begins
        cut = 1 + greedy_cuts(
            self.place,
            start=stretch.start,
            end=stretch.end,
            regular=stretch.breaks[self.place] == a.MAY_BREAK,
            begins=begins,
            stops=stops,
            first=np.where(first, self.measures.first, self.measures.rest),
            rest=self.measures.rest,
        )
        starts, ends = np.sort(np.append(begins, cut)), np.sort(np.append(cut, stops))
        flags = np.zeros(len(starts), np.uint8)
        flags[np.searchsorted(starts, begins[first])] |= FIRST
        flags[np.searchsorted(ends, stops)] |= LAST
        if self.open and len(stops) and stops[-1] == self.ends[-1]:
            self.left = int(starts[-1])
            starts, ends, flags = starts[:-1], ends[:-1], flags[:-1]
        return _Lines(starts, ends, flags)

    def _break_carefully(self, paragraphs: NDArray[np.intp]) -> None:
        """Break the others, line by line."""
        stretch, place = self.stretch, self.place
        # Lists, because bisection and indexing in them cost a fifth of what numpy's scalars do.
        self.places = place.tolist()
        self.place_end = stretch.end[place].tolist()
        self.place_kind = stretch.breaks[place].tolist()
        self.start = stretch.start.tolist()
        lo = np.searchsorted(place, self.starts[paragraphs]).tolist()
        hi = np.searchsorted(place, self.ends[paragraphs] - 1).tolist()
        for index, paragraph in enumerate(paragraphs.tolist()):
            self._break_one(
                int(self.starts[paragraph]),
                int(self.ends[paragraph]),
                lo[index],
                hi[index],
                first=self.begins or paragraph > 0,
                goes_on=self.open and paragraph == len(self.ends) - 1,
            )

    def _break_one(self, start: int, end: int, lo: int, hi: int, *, first: bool, goes_on: bool) -> None:
        """Break the paragraph of pieces `start` to `end`, whose break opportunities are `place[lo:hi]`."""
        limit = self.measures.first if first else self.measures.rest
        flags = FIRST if first else 0
        if self._has_tab(start, end):
            fill = self._fill_tabbed
        else:
            fill = self._fill
            if self.measures.optimal and not goes_on:
                lo, start, limit, flags = self._break_evenly(start, end, lo, hi, limit, flags)
        while True:
            b, shift = fill(start, end, limit, lo, hi)
            if b >= hi:
                break
            cut = self.places[b] + 1
            hyphen = HYPHEN if self.place_kind[b] == a.MAY_HYPHENATE else 0
            self._line(start, cut, flags | hyphen, shift)
            start, lo, flags, limit = cut, b + 1, 0, self.measures.rest
        if goes_on:
            self.left = start
            while self.tab_at and self.tab_at[-1] >= start:
                self.tab_at.pop()
                self.tab_width.pop()
        else:
            self._line(start, end, flags | LAST, shift)

    def _has_tab(self, start: int, end: int) -> bool:
        tab = bisect_left(self.tabs, start)
        return tab < len(self.tabs) and self.tabs[tab] < end

    def _fill(self, start: int, end: int, limit: int, lo: int, hi: int) -> tuple[int, int]:
        """(the place at which the line that begins with piece `start` ends, 0); `hi` if all of it fits."""
        target = self.start[start] + limit
        if self.stretch.end[end - 1] <= target:
            return hi, 0
        return self._settled(bisect_right(self.place_end, target, lo, hi) - 1, target, lo), 0

    def _fill_tabbed(self, start: int, end: int, limit: int, lo: int, hi: int) -> tuple[int, int]:
        """As `_fill`, but tabs reach to the next tab stop, and what they add comes second."""
        origin, ink = self.start[start], self.stretch.end
        shift, begin = 0, start
        target = origin + limit
        best, whole = lo - 1, False

        def best_before(piece: int) -> int:
            b = bisect_right(self.place_end, target, lo, bisect_left(self.places, piece, lo, hi)) - 1
            return self._settled(b, target, lo) if b > best else best

        noted = len(self.tab_at)
        tab_index = bisect_left(self.tabs, start)
        while True:
            tab = self.tabs[tab_index] if tab_index < len(self.tabs) else end
            stop = min(tab, end)
            # Tabs hang until something is drawn behind them.
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
            x = self.start[tab] - origin + shift
            width = self.measures.tab - x % self.measures.tab
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
        cut = self.places[best]
        while len(self.tab_at) > noted and self.tab_at[-1] > cut:
            self.tab_at.pop()
            self.tab_width.pop()
        return best, self._added(noted, start, cut + 1)

    def _added(self, noted: int, start: int, stop: int) -> int:
        """What the tabs noted since `noted` add to a line of pieces `start` to `stop`; trailing ones hang."""
        last = stop - 1
        while last >= start and not self.stretch.inked[last]:
            last -= 1
        tabs = zip(self.tab_at[noted:], self.tab_width[noted:], strict=True)
        return sum(width for tab, width in tabs if tab < last)

    def _settled(self, b: int, target: int, lo: int) -> int:
        """The last place at or before `b` whose hyphen fits and that does not cut a word without need."""
        place = b
        while place >= lo:
            kind = self.place_kind[place]
            if kind == a.MAY_BREAK:
                return place
            if kind == a.MAY_HYPHENATE and self.place_end[place] + self.measures.hyphen <= target:
                return place
            place -= 1
        # As in CSS (overflow-wrap), a word is cut only where it begins the line; if not even a cluster
        # fits, it gets a line to itself and is condensed.
        return max(b, lo)

    def _break_evenly(
        self, start: int, end: int, lo: int, hi: int, limit: int, flags: int
    ) -> tuple[int, int, int, int]:
        """Break as `optimal.py` says; returns what is left for greedy filling: the last line."""
        regular = [k for k in range(lo, hi) if self.place_kind[k] != _EMERGENCY]
        hyphen = [self.measures.hyphen if self.place_kind[k] == a.MAY_HYPHENATE else 0 for k in regular]
        cuts = even_breaks(
            starts=[self.start[start]] + [self.start[self.places[k] + 1] for k in regular],
            ends=[self.place_end[k] + extra for k, extra in zip(regular, hyphen, strict=True)]
            + [int(self.stretch.end[end - 1])],
            first=limit,
            rest=self.measures.rest,
        )
        for cut in cuts:
            place = regular[cut]
            stop = self.places[place] + 1
            self._line(start, stop, flags | (HYPHEN if hyphen[cut] else 0), 0)
            start, lo, limit, flags = stop, place + 1, self.measures.rest, 0
        return lo, start, limit, flags

    def _line(self, first: int, last: int, flags: int, shift: int) -> None:
        self.first.append(first)
        self.last.append(last)
        self.flags.append(flags)
        self.shift.append(shift)

    def galley(self) -> tuple[Galley, Run | None]:
        """The lines in order, and the run left over."""
        stretch = self.stretch
        alone = np.flatnonzero(self.fits)
        single = np.full(len(alone), FIRST | LAST, np.uint8)
        if len(alone) and alone[0] == 0 and not self.begins:
            single[0] = LAST
        plain = self.plain
        first = np.concatenate([np.array(self.first, np.int32), plain.first, self.starts[alone]]).astype(np.int32)
        order = np.argsort(first, kind="stable")
        first = first[order]
        last = np.concatenate([np.array(self.last, np.int32), plain.last, self.ends[alone]]).astype(np.int32)[order]
        flags = np.concatenate([np.array(self.flags, np.uint8), plain.flags, single])[order]
        shift = np.zeros(len(first), np.int64)
        shift[: len(self.shift)] = self.shift
        shift = shift[order]
        flags[stretch.kind[last - 1] == a.PAGE_BREAK] |= PAGE_END
        width = np.maximum(stretch.end[last - 1] - stretch.start[first] + shift, 0)
        width[(flags & HYPHEN) != 0] += self.measures.hyphen
        set_run, rest = stretch.run, None
        if self.left < len(stretch.run.piece):
            set_run, rest = stretch.run.split(self.left)
        galley = Galley(
            run=set_run,
            measures=self.measures,
            first=first,
            last=last,
            width=width,
            flags=flags,
            tab_at=np.array(self.tab_at, np.intp),
            tab_width=np.array(self.tab_width, np.int64),
        )
        return galley, rest

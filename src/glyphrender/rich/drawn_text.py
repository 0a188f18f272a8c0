"""`DrawnText`: the text that pages show of a rich text, and the places of its characters in the source.

Layout works on the drawn text. Each drawn character that is not replaced stands for itself. The first character of a
replacement stands for all that it replaces, and the others for nothing. What is consumed lies between two characters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.flat import Offsets
from glyphrender.rich.rich_text import RichText
from glyphrender.text.properties import codepoints
from glyphrender.text.runs import distinct

#: What a drawn character stands for: itself; all that a replacement replaces; nothing, because it follows such a
#: character; or nothing, because it is put in.
OWN, FIRST, FURTHER, ADDED = range(4)


class DrawnText:
    """The drawn text of a rich text, with its styles, and its places in the source.

    Attributes:
        text: the drawn text.
        source: the source.
        length: length of the source.
        bounds: [r + 1] the first drawn character of each run of one style, and the length of the text.
        style: [r] the style of each run, as a place in `styles`.
        styles: the styles; the first is `Style()`.
        edges: rising places in the text beside which something is consumed or replaced.
    """

    def __init__(self, rich: RichText) -> None:
        self.text, self.length, self.source = rich.drawn, len(rich), rich.source
        edges, texts = rich.edits()
        drawn = np.fromiter(map(len, texts), np.int64, len(texts))
        self._source_start, self._source_end = edges[:, 0], edges[:, 1]
        # How many characters the source has more than the drawn text, up to and including each edit.
        self._ahead = np.cumsum(edges[:, 1] - edges[:, 0] - drawn)
        self._skipped = np.append(0, self._ahead)
        self._replacements = np.flatnonzero(drawn)
        self._end = edges[:, 1] - self._ahead
        self._start = self._end - drawn
        self.edges = distinct(np.concatenate([self._start, self._end]))
        runs, self.styles = rich.runs()
        bounds = self._place_of(runs.bounds)
        bounds[-1:] = len(self.text)
        kept = np.flatnonzero(bounds[:-1] < bounds[1:])
        self.bounds = np.append(bounds[kept], len(self.text))
        self.style = runs.style[kept]
        if self.text and not len(kept):  # something is put into a source without characters
            self.bounds, self.style = np.array([0, len(self.text)]), np.zeros(1, np.intp)
        self._line_ends: Offsets | None = None

    def _place_of(self, offsets: Offsets) -> Offsets:
        """Return the first drawn character that stands for each character of the source or for one after it."""
        before = np.searchsorted(self._source_start, offsets)  # edits that begin before
        ahead = np.append(0, self._ahead)[before]
        place: Offsets = offsets - ahead
        last = np.maximum(before - 1, 0)
        if len(self._source_end):
            inside = (before > 0) & (self._source_end[last] > offsets)
            place = np.where(inside, self._end[last], place)
        return place

    def places_of(self, offsets: Offsets) -> Offsets:
        """Return the first drawn character that stands for each character of the source, or for one after it."""
        places: Offsets = self._place_of(offsets.reshape(-1)).reshape(offsets.shape)
        return places

    def begins(self, places: NDArray[Any]) -> Offsets:
        """Return where in the source each drawn character begins; the length of the text gives that of the source.

        `places` rise.
        """
        return self.stands_for(places)[0]

    def stands_for(self, places: NDArray[Any]) -> tuple[Offsets, NDArray[np.uint8]]:
        """Return (where in the source drawn characters begin; OWN, FIRST, FURTHER or ADDED for each). `places` rise."""
        kind = np.zeros(len(places), np.uint8)
        done = self._edits_before(places)
        begins: Offsets = places + self._skipped[done]
        if len(self._replacements):
            following = np.minimum(done, len(self._end) - 1)
            inside = np.flatnonzero((done < len(self._end)) & (self._start[following] <= places))
            of = following[inside]
            first = self._start[of] == places[inside]
            begins[inside] = np.where(first, begins[inside], self._source_end[of])
            added = self._source_start[of] == self._source_end[of]
            kind[inside] = np.where(added, ADDED, np.where(first, FIRST, FURTHER))
        return begins, kind

    def _edits_before(self, places: NDArray[Any]) -> NDArray[np.intp]:
        """Return how many edits end at or before each of some places, which rise."""
        if not len(places):
            return np.zeros(0, np.intp)
        lo, hi = np.searchsorted(self._end, [places[0], places[-1]], "right")
        if hi - lo >= len(places):
            return np.searchsorted(self._end, places, "right")
        # There are fewer edits than places: each is looked up among the places.
        found = np.bincount(np.searchsorted(places, self._end[lo:hi]), minlength=len(places))
        done: NDArray[np.intp] = lo + np.cumsum(found)
        return done

    def ends(self, places: NDArray[Any]) -> Offsets:
        """Return where in the source the drawn character before each place ends; 0 at the start. `places` rise."""
        last = np.maximum(places - 1, 0)
        ends: Offsets = np.where(places > 0, self.begins(last) + 1, 0)
        if len(self._end):
            of = self._edits_before(last)
            following = np.minimum(of, len(self._end) - 1)
            inside = (places > 0) & (of < len(self._end)) & (self._start[following] <= last)
            ends = np.where(inside, self._source_end[following], ends)
        return ends

    def lines_before(self, offsets: NDArray[Any]) -> Offsets:
        """Return how many lines of the source end at or before each character of the source: at LF, CR LF and CR."""
        if self._line_ends is None:
            self._line_ends = line_ends(self.source)
        before: Offsets = np.searchsorted(self._line_ends, offsets, "right").astype(np.int64)
        return before

    def begins_line(self, offset: int) -> bool:
        """Return whether a line of the source begins at a character."""
        before = int(self.lines_before(np.array([offset]))[0])
        return offset == 0 or (
            before > 0 and self._line_ends is not None and int(self._line_ends[before - 1]) == offset
        )


def line_ends(source: str) -> Offsets:
    """Return the characters after each line end of a source: after LF, CR LF and CR.

    >>> line_ends("a\\r\\nb\\rc").tolist()
    [3, 5]
    """
    if "\n" not in source and "\r" not in source:
        return np.zeros(0, np.int64)
    cps = codepoints(source)
    ends = cps == 0x0A
    if "\r" in source:
        ends |= cps == 0x0D
        ends[:-1] &= ~((cps[:-1] == 0x0D) & (cps[1:] == 0x0A))
    return np.flatnonzero(ends).astype(np.int64) + 1

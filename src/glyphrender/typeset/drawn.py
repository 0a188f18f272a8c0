"""Drawn: a chunk without its consumed characters (text/consumed.py), and the account of them.

Line breaks, direction and shaping are those of the text without them, but a segment ends where something was consumed
inside a word. The segments then count what was consumed after each of them. So every character of the source is still
in exactly one segment or gap, or counted by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.consumed import Consumption, merged, without
from glyphrender.text.source import Chunk
from glyphrender.typeset.glyph_store import NEWLINE, NO_BREAK
from glyphrender.typeset.segments import SegmentTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A chunk without its consumed characters.

    Attributes:
        source: the chunk.
        chunk: the chunk without what is consumed.
        place: [k] where something was consumed, among the characters that are drawn.
        count: [k] how many characters were consumed there.
    """

    source: Chunk
    chunk: Chunk
    place: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, chunk: Chunk, consumed: Consumption) -> Drawn:
        """Return `chunk` without what is `consumed`."""
        spans = consumed.spans(chunk.text) if consumed else []
        flowed = chunk.flowed
        if flowed is not None:
            spans = merged(sorted([*spans, *flowed.consumed]))
        start, end = np.array(spans, np.int64).reshape(-1, 2).T
        count = end - start
        place = start - (np.cumsum(count) - count)
        drawn = chunk
        if spans or flowed is not None:
            text = without(chunk.text if flowed is None else flowed.text, spans)
            inside = place[(place > 0) & (place < len(text))].tolist()
            if flowed is not None:  # beside a separator, no word is cut
                inside = [at for at in inside if not (text[at - 1].isspace() or text[at].isspace())]
            drawn = replace(chunk, text=text, cuts=tuple(inside))
        return cls(source=chunk, chunk=drawn, place=place, count=count)

    def accounted(self, table: SegmentTable) -> SegmentTable:
        """Return `table`, the segments of `chunk`, as the segments of `source`.

        Characters that are consumed at the start of a paragraph belong to an empty segment there. All others belong to
        the segment before them.
        """
        if self.source.flowed is not None:
            table = replace(table, text=self.source.text, drawn_text=self.chunk.text)
        if not len(self.place):
            return table
        stop = np.cumsum(table.lengths())
        row = np.searchsorted(stop, self.place)  # the row of the character before the place
        begins = (self.place == 0) | ((stop[row] == self.place) & (table.kinds()[row] >= NEWLINE))
        # An empty row is put before row `before`.
        before = np.where(self.place == 0, 0, row + 1)[begins]
        at = np.insert(np.arange(len(stop)), before, np.minimum(before, len(stop) - 1))
        added = np.insert(np.zeros(len(stop), bool), before, True)
        hidden = np.zeros(len(stop), np.int32)
        np.add.at(hidden, row[~begins], self.count[~begins])
        columns: dict[str, Any] = {
            "number": np.where(added, 0, table.number[at]).astype(np.int32),  # the separator ""
            "gap": np.where(added, 0, table.gap[at]).astype(np.uint8),
            "breaks": np.where(added, NO_BREAK, table.breaks[at]).astype(np.uint8),
            "hidden": np.insert(hidden, before, self.count[begins]),
        }
        return replace(table.edited(at, **columns), text=self.source.text)

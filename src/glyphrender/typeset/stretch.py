"""`Stretch`: a segment table as one endless line, and the places where it may be cut.

Positions are running sums in EM units. They are integers. So breaking a text again at a width that was measured gives
the same lines.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.glyph_store import (
    EMPTY,
    MAY_BREAK,
    NEWLINE,
    PAGE_BREAK,
    TAB,
    TEXT,
)
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.line_table import advances, cell_step
from glyphrender.typeset.segments import SegmentTable

#: A break between two clusters of a word. It is allowed only because the word is wider than a line.
EMERGENCY: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class CellBoxes:
    """The rooms of the paragraphs of a stretch. There are p paragraphs.

    Attributes:
        end: [p] the segment after the last of each.
        left: [p] distance of its room from the left edge of the column of the page, in EM units.
        width: [p] width of its room; 0 outside cells.
        flags: [p] CELL, and ROW or BESIDE where a row or another cell begins; 0 outside cells.
        table: [p] number of its table; -1 before the first.
        ruled: [p] whether a rule may stand above its row.
    """

    end: NDArray[np.intp]
    left: NDArray[np.int64]
    width: NDArray[np.int64]
    flags: NDArray[np.uint8]
    table: NDArray[np.intp]
    ruled: NDArray[np.bool_]

    def only(self, paragraphs: NDArray[np.bool_]) -> CellBoxes:
        """Return the rooms of some paragraphs; `Stretch` finds where they end."""
        columns: dict[str, Any] = {each.name: getattr(self, each.name)[paragraphs] for each in fields(self)}
        return CellBoxes(**columns)

    def of(self, at: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the paragraph that holds each segment."""
        return np.minimum(np.searchsorted(self.end, at, "right"), len(self.end) - 1)


class Stretch:
    """The positions that segments would have if all were on one line, and the places where that line may be cut.

    Tabs count as 0. Lengths are EM units.

    Attributes:
        segments: the segments.
        metrics: the widths of lines.
        kind: [n] kind of each segment.
        start: [n + 1] x of each segment.
        end: [n] right edge of what is drawn up to and including each segment; spaces, tabs and line ends hang.
        inked: [n] whether anything is drawn for the segment.
        tabs: [t] the segments that are tabs.
        breaks: [n] NO_BREAK, MAY_BREAK, MAY_HYPHENATE or EMERGENCY after the segment and its gap.
        ends_paragraph: [n] whether a paragraph ends with the segment.
        cells: the rooms of paragraphs in tables; None where there are none.
    """

    def __init__(self, segments: SegmentTable, metrics: LineMetrics, cells: CellBoxes | None = None) -> None:
        """Lay the segments out on one line. `cells` are the rooms of the same paragraphs, whose segments were fewer."""
        self.segments, self.metrics = segments, metrics
        n = len(segments.number)
        self.kind = segments.kinds()
        ink, gap = advances(segments, metrics, 0, n)
        self.start = np.zeros(n + 1, np.int64)
        np.cumsum(ink + gap, out=self.start[1:])
        flows = metrics.marker is not None
        self.tabs = np.flatnonzero(self.kind == TAB)
        self.inked = (self.kind == TEXT) | ((self.kind == NEWLINE) & flows)
        self.end = np.maximum.accumulate(np.where(self.inked, self.start[:-1] + ink, 0))
        self.breaks = segments.breaks
        self.ends_paragraph = self.kind >= (PAGE_BREAK if flows else NEWLINE)
        if flows:
            self.breaks = self.breaks.copy()
            marker = self.kind == NEWLINE
            self.breaks[marker] = MAY_BREAK
            # A line may end before a marker, but only if something stands there. An empty line would result otherwise.
            something = (self.kind != EMPTY) | (segments.gap != 0)
            self.breaks[:-1][marker[1:] & something[:-1]] = MAY_BREAK
        self.cells = cells if cells is None else replace(cells, end=self.paragraphs()[1])

    def paragraphs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return ([p] the first segment of each paragraph, [p] the segment after its last); the last one may go on."""
        end = np.flatnonzero(self.ends_paragraph) + 1
        if not len(end) or end[-1] < len(self.kind):
            end = np.append(end, len(self.kind))
        return np.append(0, end[:-1]), end

    def rooms(self, at: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (the width of the first line, that of the others) of the paragraph that holds each segment."""
        lead = self.lead(at)
        first, rest = self.metrics.first - lead, self.metrics.rest - lead
        if self.cells is None:
            return first, rest
        width = self.cells.width[self.cells.of(at)]
        return np.where(width > 0, width, first), np.where(width > 0, width, rest)

    def lead(self, at: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the indent of all lines of the paragraph that holds each segment."""
        looks, paragraph = self.metrics.looks, self.segments.paragraph
        if looks is None or paragraph is None or not len(paragraph):
            return np.zeros(len(at), np.int64)
        lead: NDArray[np.int64] = looks.lead.take(paragraph[np.minimum(at, len(paragraph) - 1)])
        return lead

    def tab_stops(self, at: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the distance between tab stops in the paragraph that holds each segment."""
        stops = np.full(len(at), self.metrics.tab, np.int64)
        if self.segments.cellular is not None:
            cells = self.segments.cellular[at] != 0
            stops[cells] = cell_step(self.segments, self.metrics) * self.metrics.tab_width
        return stops

    def tab_room(self, start: NDArray[np.intp], stop: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the width that the tabs from segment `start` to `stop - 1` have at most: a tab stop each."""
        stops = np.append(0, np.cumsum(self.tab_stops(self.tabs)))
        first, last = np.searchsorted(self.tabs, [start, stop])
        room: NDArray[np.int64] = stops[last] - stops[first]
        return room

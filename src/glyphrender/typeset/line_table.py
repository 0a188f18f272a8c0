"""`LineTable`: a segment table broken into lines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.glyph_store import EMPTY, NEWLINE
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.paragraph_styles import ParagraphStyle
from glyphrender.typeset.segments import SegmentTable

#: Flags of a line: it is the first or the last of its paragraph, it ends in an added hyphen, it ends its page.
FIRST, LAST, HYPHEN, PAGE_END = 1, 2, 4, 8
#: Flags of a line in a table: it stands in a cell, begins a row, begins a cell beside another, has a rule above.
CELL, ROW, BESIDE, RULED = 16, 32, 64, 128


@dataclass(frozen=True, kw_only=True, slots=True)
class LineTable:
    """A segment table broken into lines. Line k is the segments `first[k]` to `last[k] - 1`.

    Attributes:
        segments: the segments; the lines cover them without a hole.
        metrics: the widths that the lines are set by.
        first: [n] first segment of each line.
        last: [n] the segment after the last one of each line.
        width: [n] width of each line in EM units; spaces that hang at its end are not counted.
        indent: [n] indent of each line in EM units if it is a continuation line, else 0.
        lead: [n] indent of each line by its block, in EM units; None in text without blocks.
        flags: [n] FIRST, LAST, HYPHEN and PAGE_END of each line, and CELL, ROW, BESIDE and RULED in tables.
        tab_at: [t] the segments that are tabs.
        tab_width: [t] the width of each tab, in EM units.
        cell_left: [n] distance of the room of each line in a cell from the left edge of the column of the page, in EM
            units; None in text without tables.
        cell_width: [n] width of the room of each line in a cell, in EM units; None likewise.
    """

    segments: SegmentTable
    metrics: LineMetrics
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    width: NDArray[np.int64]
    indent: NDArray[np.int64]
    flags: NDArray[np.uint8]
    tab_at: NDArray[np.intp]
    tab_width: NDArray[np.int64]
    lead: NDArray[np.int64] | None = None
    cell_left: NDArray[np.int64] | None = None
    cell_width: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.first)

    def since(self, offset: int) -> LineTable:
        """Return the lines that begin at character `offset` of the source or after it."""
        if self.segments.offset >= offset:
            return self
        boundary = np.append(0, np.cumsum(self.segments.lengths()))
        lo = int(np.searchsorted(self.segments.offset + boundary[self.first], offset))
        return replace(self, **self.line_columns(slice(lo, None)))

    def line_columns(self, lines: slice) -> dict[str, Any]:
        """Return the columns that have a value for each line, of some lines."""
        names = ("first", "last", "width", "indent", "flags", "lead", "cell_left", "cell_width")
        columns: dict[str, Any] = {name: getattr(self, name) for name in names}
        return {name: column[lines] for name, column in columns.items() if column is not None}

    def paragraph_styles(self, lo: int, hi: int) -> list[ParagraphStyle]:
        """Return the styles of the paragraphs of lines `lo` to `hi - 1`, in text with blocks."""
        return [self.segments.paragraph_styles[number] for number in self.paragraphs(lo, hi).tolist()]

    def paragraphs(self, lo: int, hi: int) -> NDArray[np.int32]:
        """Return the numbers of the styles of the paragraphs of lines `lo` to `hi - 1`, in text with blocks."""
        assert self.segments.paragraph is not None
        return self.segments.paragraph[self.first[lo:hi]]

    def leftward(self, lo: int, hi: int) -> NDArray[np.bool_]:
        """Return whether each of lines `lo` to `hi - 1` starts at the right: as its paragraph, or as its table."""
        base = self.segments.base
        found = np.zeros(hi - lo, bool) if base is None else base[self.first[lo:hi]] == 1
        if self.cell_width is None:
            return found
        styles, of = self.segments.paragraph_styles, self.paragraphs(lo, hi)
        leftward: NDArray[np.bool_] = np.where(styles.in_cell[of], styles.leftward[of], found)
        return leftward

    def advances(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (widths of segments `start` to `stop - 1`, widths of the gaps after them) in EM units."""
        segments, metrics = self.segments, self.metrics
        ink, gap = advances(segments, metrics, start, stop)
        if len(self.tab_at):
            inside = slice(*np.searchsorted(self.tab_at, [start, stop]))
            ink[self.tab_at[inside] - start] = self.tab_width[inside]
        return ink, gap


def cell_step(segments: SegmentTable, metrics: LineMetrics) -> int:
    """Return the distance between the cells of paragraphs with box drawing, in EM units."""
    return max(1, segments.cell + metrics.letter)


def advances(
    segments: SegmentTable, metrics: LineMetrics, start: int, stop: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (widths of segments `start` to `stop - 1`, widths of the gaps after them) in EM units; tabs count as 0."""
    segment = segments.number[start:stop]
    ink = segments.store.advance.take(segment)
    looks = metrics.looks
    if looks is not None and segments.look is not None:
        ink = looks.widths(ink, segments.store.clusters.take(segment), segments.look[start:stop])
    elif metrics.letter:
        ink = np.maximum(ink + segments.store.clusters.take(segment).astype(np.int64) * metrics.letter, 0)
    gap = segments.gap[start:stop] * np.int64(metrics.gap)
    if looks is not None and segments.gap_look is not None:
        gap = segments.gap[start:stop] * looks.gap.take(segments.gap_look[start:stop])
    if segments.cellular is not None:
        cell = cell_step(segments, metrics)
        gap = np.where(segments.cellular[start:stop], segments.gap[start:stop] * np.int64(cell), gap)
    if metrics.collapse or metrics.marker is not None:
        kind = segments.store.kind.take(segment)
        if metrics.collapse:
            spaced = np.append(segments.gap[start - 1] if start else 0, segments.gap[start : stop - 1]) != 0
            gap[(kind == EMPTY) & spaced] = 0
        if metrics.marker is not None:
            ink[kind == NEWLINE] = metrics.marker
    return ink, gap

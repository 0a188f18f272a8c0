"""Cell boxes: the paragraphs of tables → where each may stand: the left edge and the width of its column.

The widths of columns come from the shaped segments, before lines are broken. So cells are broken into lines as any
paragraph is, in a narrower room. Tables are complete here (`SegmentTable.ends_in_cell`), so that a table gets one set
of columns however the text is cut.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.typeset.column_widths import set_columns
from glyphrender.typeset.glyph_store import MAY_HYPHENATE, NO_BREAK
from glyphrender.typeset.line_table import BESIDE, CELL, ROW
from glyphrender.typeset.paragraph_styles import Begins
from glyphrender.typeset.stretch import CellBoxes, Stretch

#: The distance between two columns, in EM units.
GAP: Final = EM


def cell_boxes(stretch: Stretch) -> CellBoxes | None:
    """Return the rooms of the paragraphs of `stretch`; None if none stands in a cell."""
    segments, metrics = stretch.segments, stretch.metrics
    styles, looks = segments.paragraph_styles, metrics.looks
    if segments.paragraph is None or looks is None or not len(segments.number):
        return None
    if not styles.in_cell.any():
        return None
    start, end = stretch.paragraphs()
    number = segments.paragraph[start]
    inside = styles.in_cell[number]
    if not inside.any():
        return None
    wants, least = extents(stretch, start, end)
    lead = looks.lead.take(number)
    begins, column = styles.begins[number], styles.column[number]
    head, leftward = styles.head[number], styles.leftward[number]
    first = inside & ((begins == Begins.TABLE) | ~np.append(False, inside[:-1]))
    table = np.cumsum(first) - 1
    left, width = np.zeros(len(end), np.int64), np.zeros(len(end), np.int64)
    flags, ruled = np.zeros(len(end), np.uint8), np.zeros(len(end), bool)
    tables = np.flatnonzero(first)
    for lo, hi in zip(tables.tolist(), np.append(tables[1:], len(end)).tolist(), strict=True):
        of_table = np.arange(lo, hi)[inside[lo:hi]]
        _set_table(
            of_table,
            (column, head, wants, least, begins, left, width, flags, ruled),
            leftward=bool(leftward[of_table[0]]),
            margin=int(lead[of_table].max()),
            room=metrics.rest,
            step=metrics.gap if metrics.grid else 1,
        )
    return CellBoxes(end=end, left=left, width=width, flags=flags, table=table, ruled=ruled)


def _set_table(
    paragraphs: NDArray[np.intp],
    columns: tuple[NDArray[Any], ...],
    *,
    leftward: bool,
    margin: int,
    room: int,
    step: int,
) -> None:
    """Set the `paragraphs` of one table: write their left edges, widths and flags.

    Args:
        paragraphs: the numbers of the paragraphs.
        columns: (column, head, wants, least, begins, left, width, flags, ruled) of all paragraphs; the last four are
            written.
        leftward: whether the first column is the rightmost.
        margin: indent of the table.
        room: width of a line.
        step: the width of a cell of the grid, or 1.
    """
    column, head, wants, least, begins, left, width, flags, ruled = columns
    used, of = np.unique(column[paragraphs], return_inverse=True)  # columns without any cell take no room
    row = np.cumsum(begins[paragraphs] >= Begins.ROW)
    row = row - row[0]
    widths = np.zeros((int(row[-1]) + 1, len(used)), np.int64)
    np.maximum.at(widths, (row, of), wants[paragraphs])
    needs = np.zeros(len(used), np.int64)
    np.maximum.at(needs, of, least[paragraphs])
    gap = max(GAP, step) // step * step
    found = set_columns(widths, needs, room=max(1, room - margin), gap=gap, cell=step)
    shelf = found.shelf[of]
    near, size = margin + found.left[of], np.maximum(found.width[of], 1)
    left[paragraphs] = room - near - size if leftward else near
    width[paragraphs] = size
    heads = np.zeros(int(row[-1]) + 2, bool)
    heads[1 + row[head[paragraphs]]] = True
    ruled[paragraphs] = (row > 0) & ~heads[row] & (shelf == 0)
    starts = begins[paragraphs] != Begins.NOTHING
    lower = np.append(True, (shelf[1:] != shelf[:-1]) | (row[1:] != row[:-1]))
    flags[paragraphs] = CELL | np.where(starts, np.where(lower, ROW, BESIDE), 0)


def extents(
    stretch: Stretch, start: NDArray[np.intp], end: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ([p] the width of each paragraph on one line, [p] the width of its longest piece)."""
    wants = np.maximum(stretch.end[end - 1] - stretch.start[start], 0) + stretch.tab_room(start, end)
    stops = stretch.breaks != NO_BREAK
    stops[end - 1] = True
    stop = np.flatnonzero(stops)
    begin = np.append(0, stop[:-1] + 1)
    piece = np.maximum(stretch.end[stop] - stretch.start[begin], 0)
    if len(hyphenated := np.flatnonzero(stretch.breaks[stop] == MAY_HYPHENATE)):
        piece[hyphenated] += stretch.metrics.hyphens(stretch.segments, stop[hyphenated])
    least = np.maximum.reduceat(piece, np.searchsorted(begin, start))
    return wants, np.minimum(least, wants)

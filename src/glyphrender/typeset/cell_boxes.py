"""Cell boxes: the paragraphs of tables → where each may stand: the left edge and the width of its column.

The widths of columns come from the shaped segments, before lines are broken. So cells are broken into lines as any
paragraph is, in a narrower room. Tables are complete here (`SegmentTable.ends_in_cell`), so that a table gets one set
of columns however the text is cut.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import kinds
from glyphrender.fonts.face import EM
from glyphrender.typeset.column_widths import TableCells, set_columns
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
    begins = styles.begins[number]
    first = inside & ((begins == Begins.TABLE) | ~np.append(False, inside[:-1]))
    table = np.cumsum(first) - 1
    left, width = np.zeros(len(end), np.int64), np.zeros(len(end), np.int64)
    flags, ruled = np.zeros(len(end), np.uint8), np.zeros(len(end), bool)
    at = np.flatnonzero(inside)
    left[at], width[at], flags[at], ruled[at] = _set_tables(
        table[at],
        styles.column[number[at]],
        begins[at],
        wants[at],
        least[at],
        head=styles.head[number[at]],
        leftward=styles.leftward[number[at]],
        lead=looks.lead.take(number[at]),
        room=metrics.rest,
        step=metrics.gap if metrics.grid else 1,
    )
    return CellBoxes(end=end, left=left, width=width, flags=flags, table=table, ruled=ruled)


def _set_tables(
    table: NDArray[np.intp],
    column: NDArray[np.int64],
    begins: NDArray[np.int64],
    wants: NDArray[np.int64],
    least: NDArray[np.int64],
    *,
    head: NDArray[np.bool_],
    leftward: NDArray[np.bool_],
    lead: NDArray[np.int64],
    room: int,
    step: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any], NDArray[np.bool_]]:
    """Return (left edge, width, flags, whether a rule may stand above its row) of each of p paragraphs in tables.

    Args:
        table: [p] the table of each; rising from 0.
        column: [p] its column.
        begins: [p] what begins with it, as a number of `Begins`.
        wants, least: [p] the width on one line, and that of the longest piece.
        head: [p] whether its row is the last of the head.
        leftward: [p] whether the first column of its table is the rightmost.
        lead: [p] its indent; a table has the largest indent of its paragraphs.
        room: width of a line.
        step: the width of a cell of the grid, or 1.
    """
    opens = np.append(True, table[1:] != table[:-1])
    first = np.flatnonzero(opens)
    margin = np.maximum.reduceat(lead, first)
    row = np.cumsum(opens | (begins >= Begins.ROW)) - 1
    columns, nth = np.unique(column, return_inverse=True)  # columns without any cell take no room
    key, _, of = kinds(table * len(columns) + nth)
    needs = np.zeros(len(key), np.int64)
    np.maximum.at(needs, of, least)
    _, one, cell = kinds(row * len(key) + of)
    widths = np.zeros(len(one), np.int64)
    np.maximum.at(widths, cell, wants)
    cells = TableCells(
        wants=widths,
        row=row[one],
        column=of[one],
        least=needs,
        first=np.searchsorted(key, np.arange(len(first)) * len(columns)),
        room=np.maximum(1, room - margin),
    )
    found = set_columns(cells, gap=max(GAP, step) // step * step, cell=step)
    shelf, near, size = found.shelf[of], margin[table] + found.left[of], np.maximum(found.width[of], 1)
    left = np.where(leftward[first][table], room - near - size, near)
    below_head = np.zeros(int(row[-1]) + 2, bool)
    below_head[1 + row[head]] = True
    ruled = (row > row[first][table]) & ~below_head[row] & (shelf == 0)
    lower = np.append(True, (shelf[1:] != shelf[:-1]) | (row[1:] != row[:-1]))
    flags = CELL | np.where(begins != Begins.NOTHING, np.where(lower, ROW, BESIDE), 0)
    return left, size, flags, ruled


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

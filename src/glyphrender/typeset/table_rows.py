"""Rows of tables: lines of cells that stand side by side → how high each row is, and where its lines stand in it.

A row is a run of lines: those of its first cell, then those of the next. All cells of a row begin at its top. Lines
outside tables are rows of their own. A row is never cut, because a page shows a stretch of the source: half of one cell
and half of the next are none. If a row is higher than a column of the page, its cells stand one below the other, each
in its own column, and such a cell may be cut between lines. So do the cells of a row that ends a page inside a cell.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.line_table import BESIDE, CELL, PAGE_END, ROW, RULED

#: The room for a rule between two rows, in lines.
RULE_ROOM: Final = 0.2


class TableRows(NamedTuple):
    """The rows of n lines.

    Attributes:
        flags: [n] flags of the lines; rows that are too high are rows of one cell or of one line now.
        begins: [n] whether a row begins with the line.
        top: [n] where the line begins, from the top of all lines.
        bottom: [n] where its row ends.
    """

    flags: NDArray[np.uint8]
    begins: NDArray[np.bool_]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]


def begins_of(flags: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return ([n] whether a row begins with each line, [n] whether a cell or a row does)."""
    rows = (flags & (CELL | ROW)) != CELL
    rows[:1] = True
    return rows, rows | (flags & BESIDE != 0)


def stand(
    flags: NDArray[np.uint8],
    lost: NDArray[np.float64],
    before: NDArray[np.float64],
    height: NDArray[np.float64] | float,
    after: NDArray[np.float64],
    *,
    most: float,
    pages: bool,
) -> TableRows:
    """Return where lines stand.

    Args:
        flags: [n] flags of the lines.
        lost: [n] the room above each line that is left out where it begins a column.
        before, height, after: [n] all room above each line, its height, and the room below.
        most: how high a row may be that begins a column, with the room below it; a higher row is parted.
        pages: whether PAGE_END ends a page.
    """
    size = before + height + after
    while True:
        rows, cells = begins_of(flags)
        row, start = np.cumsum(rows) - 1, np.flatnonzero(rows)
        end = np.cumsum(size)
        inside = end - (end - size)[cells][np.cumsum(cells) - 1]  # from the top of its cell to the end of each line
        heights = np.maximum.reduceat(inside, start)
        tall = heights - lost[start] > most
        if pages:
            tall |= np.logical_or.reduceat((flags & PAGE_END) != 0, start)
        parted = tall[row] & ~rows
        if not parted.any():
            bottom = np.cumsum(heights)[row]
            return TableRows(flags, rows, bottom - heights[row] + inside - size + before, bottom)
        beside = np.logical_or.reduceat((flags & BESIDE) != 0, start)[row]
        begin = parted & (~beside | (flags & BESIDE != 0))
        flags = np.where(begin, flags & (255 - BESIDE - RULED) | ROW, flags).astype(np.uint8)


def highest_in_rows(flags: NDArray[np.uint8], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `values` with those of the first lines of cells raised to the highest among them in their row."""
    rows, cells = begins_of(flags)
    first = np.flatnonzero(cells)
    heads = rows[first]
    most = np.maximum.reduceat(values[first], np.flatnonzero(heads))
    raised = values.copy()
    raised[first] = most[np.cumsum(heads) - 1]
    return raised


def floors(
    flags: NDArray[np.uint8],
    tops: NDArray[np.float64],
    bottoms: NDArray[np.float64],
    row_below: float | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the edges of the rows of some lines that stand in one column of a page.

    `row_below` is the top of a row that stands below them and is none of them.

    Returns:
        ([n] `bottoms`, those of the last lines of cells lowered to the end of their row, [n] the middle between the row
        of each line and the row above, [n] that between it and the row below; NaN where there is no such row)
    """
    rows, cells = begins_of(flags)
    start, row = np.flatnonzero(rows), np.cumsum(rows) - 1
    lowest = np.maximum.reduceat(bottoms, start)
    end = np.nan if row_below is None else (lowest[-1] + row_below) / 2
    middle = np.concatenate([[np.nan], (lowest[:-1] + tops[start[1:]]) / 2, [end]])
    return np.where(np.append(cells[1:], True), lowest[row], bottoms), middle[row], middle[row + 1]


def rule_room(flags: NDArray[np.uint8], head: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return [n] the room that rules of tables take above each line, in lines: below the head and between rows.

    `head` is [n] whether each line stands in the last row of a head.
    """
    rows, _ = begins_of(flags)
    below = rows & np.append(False, head[:-1]) & (flags & CELL != 0)
    return np.where(below | (flags & RULED != 0), RULE_ROOM, 0.0)

"""Column widths: what stands in the cells of a table → how wide its columns are.

A column wants to be as wide as its widest cell, and needs room for its longest piece: the text between two places where
a line may end. If there is room for all that columns want, they get it. If there is room for what they need, the rest
is shared out. CSS leaves open how (CSS 2.2, 17.5.2.2), and browsers share it by what columns want beyond their need.
That is one of four ways here, and the one with the fewest lines is taken. Otherwise columns stand one below the other
in *shelves*, each of which holds as many columns as fit. All numbers are whole, so every machine finds the same widths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import kinds
from glyphrender.fonts.face import EM
from glyphrender.text.runs import ranges

# A column that needs more than this is content with this: its longest piece may be cut.
_ENOUGH: Final = 8 * EM


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TableCells:
    """The cells of t tables, which have n cells and c columns in all. Widths are EM units.

    Attributes:
        wants: [n] width of each cell on one line.
        row: [n] its row; rows are counted through all tables, and rise.
        column: [n] its column; columns are counted likewise.
        least: [c] what each column needs for its longest piece.
        first: [t] the first column of each table.
        room: [t] the width of each table.
    """

    wants: NDArray[np.int64]
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    least: NDArray[np.int64]
    first: NDArray[np.intp]
    room: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The columns of tables, in EM units.

    Attributes:
        left: [c] distance of each column from the side at which the table begins.
        width: [c] its width.
        shelf: [c] the shelf on which it stands; rising from 0 in each table.
    """

    left: NDArray[np.int64]
    width: NDArray[np.int64]
    shelf: NDArray[np.int64]


def set_columns(cells: TableCells, *, gap: int, cell: int = 1) -> Columns:
    """Return the columns of some tables. A chunk has a hundred tables of a few columns, so they are set together.

    Args:
        cells: what stands in the tables.
        gap: the distance between two columns.
        cell: widths are multiples of this, as far as the room allows.

    >>> column = np.array([0, 1, 0, 1])
    >>> cells = TableCells(wants=np.array([30, 10, 90, 10]), row=np.array([0, 0, 1, 1]), column=column,
    ...                    least=np.array([20, 10]), first=np.array([0]), room=np.array([65]))
    >>> columns = set_columns(cells, gap=5)
    >>> columns.left.tolist(), columns.width.tolist()
    ([0, 55], [50, 10])
    """
    count = len(cells.least)
    widest = np.zeros(count, np.int64)
    np.maximum.at(widest, cells.column, cells.wants)
    widest = -(-widest // cell) * cell
    columns_of = np.diff(np.append(cells.first, count))
    room = np.repeat(cells.room, columns_of)
    need = np.minimum(np.minimum(-(-cells.least // cell) * cell, widest), np.minimum(_ENOUGH, room))
    shelf = _shelves(need, cells.first, cells.room, gap)
    begins = np.append(True, shelf[1:] != shelf[:-1])  # a shelf begins with the column
    begins[cells.first] = True
    start = np.flatnonzero(begins)
    indent = np.where(shelf[start] > 0, np.minimum(EM, room[start] // 8), 0)  # a shelf after the first is set in
    many = np.diff(np.append(start, count))
    free = room[start] - indent - gap * (many - 1)
    width = _shared(cells, start, widest, np.minimum(cells.least, widest), need, free)
    end = np.cumsum(width + gap)
    before = end - width - gap
    left = np.repeat(indent - before[start], many) + before
    return Columns(left=left, width=width, shelf=shelf)


def _shelves(need: NDArray[np.int64], first: NDArray[np.intp], room: NDArray[np.int64], gap: int) -> NDArray[np.int64]:
    """Return [c] the shelf of each column: the first that has room for it."""
    found = np.zeros(len(need), np.int64)
    last = np.append(first[1:], len(need))
    full = np.add.reduceat(need, first) + gap * (last - first - 1) > room
    for table in np.flatnonzero(full).tolist():
        lo, hi, width = int(first[table]), int(last[table]), int(room[table])
        number, used = 0, -gap  # a column without width has gaps beside it like any other
        for column, one in enumerate(need[lo:hi].tolist(), lo):
            if used >= 0 and used + gap + one > width - (min(EM, width // 8) if number else 0):
                number, used = number + 1, -gap
            used += gap + one
            found[column] = number
    return found


def _shared(
    cells: TableCells,
    start: NDArray[np.intp],
    widest: NDArray[np.int64],
    least: NDArray[np.int64],
    need: NDArray[np.int64],
    free: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return [c] the widths of columns, which add up to at most the `free` room of their shelf.

    `start` is [s] the first column of each shelf.
    """
    width = widest.copy()
    wide = np.add.reduceat(widest, start) > free
    short = wide & (np.add.reduceat(least, start) > free)
    end = np.append(start[1:], len(widest))
    for shelf in np.flatnonzero(short).tolist():  # the longest pieces are cut: the widest needs shrink to one level
        some, room = slice(int(start[shelf]), int(end[shelf])), int(free[shelf])
        width[some] = _leveled(least[some], np.minimum(need[some], room), room)
    grows = wide & ~short
    if not grows.any():
        return width
    # From here on, only the columns of the shelves that grow count, `at`.
    many = (end - start)[grows]
    at, first = ranges(start[grows], many), np.cumsum(many) - many
    place = np.full(len(widest), -1)
    place[at] = np.arange(len(at))
    column = place[cells.column]
    inside = np.flatnonzero(column >= 0)
    column, wants, row = column[inside], cells.wants[inside], cells.row[inside]
    total = np.zeros(len(at), np.int64)
    np.add.at(total, column, wants)
    widest, least, free = widest[at], least[at], free[grows]
    weights = [widest - least, widest, total, np.sqrt(total).astype(np.int64)]
    found = np.stack([_grown(least, widest, weight, first, free) for weight in weights])
    # How many lines each row has, about: cells are as full as lines of some words are.
    shelf = np.repeat(np.arange(len(first)), many)[column]
    _, one, number = kinds(row * len(first) + shelf)
    lines = np.zeros((len(weights), len(first)), np.int64)
    for widths, sums in zip(found, lines, strict=True):
        highest = np.zeros(len(one), np.int64)
        np.maximum.at(highest, number, -(-wants // np.maximum(widths[column], 1)))
        np.add.at(sums, shelf[one], highest)
    best = np.repeat(lines.argmin(axis=0), many)
    width[at] = found[best, np.arange(len(at))]
    return width


def _leveled(least: NDArray[np.int64], need: NDArray[np.int64], free: int) -> NDArray[np.int64]:
    """Return `need` grown towards `least`, the smallest first, until all is shared out."""
    width = np.minimum(need, max(1, free // max(1, len(need)))) if need.sum() > free else need.copy()
    while (left := free - int(width.sum())) > 0 and (short := np.flatnonzero(width < least)).size:
        level = int(width[short].min())
        lowest = short[width[short] == level]
        above = width[short][width[short] > level]
        step = min(int(above.min(initial=1 << 60)) - level, left // len(lowest))
        if step <= 0:
            break
        width[lowest] = np.minimum(width[lowest] + step, least[lowest])
    return width


def _grown(
    least: NDArray[np.int64],
    widest: NDArray[np.int64],
    weight: NDArray[np.int64],
    first: NDArray[np.intp],
    free: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return `least` grown by shares of what is left of `free`, in proportion to `weight`, and never above `widest`.

    `first` is the first column of each shelf, and `free` is the room of its columns.
    """
    width = least.copy()
    many = np.diff(np.append(first, len(width)))
    while True:
        left = np.maximum(free - np.add.reduceat(width, first), 0)
        parts = np.where(width < widest, np.maximum(weight, 1), 0)
        sums = np.maximum(np.add.reduceat(parts, first), 1)
        share = np.repeat(left, many) * parts // np.repeat(sums, many)
        if not share.any():
            return width
        width = np.minimum(width + share, widest)

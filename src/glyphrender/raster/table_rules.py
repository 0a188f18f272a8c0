"""Table rules: the lines below the head of a table and between its rows. Each is as wide as its column.

A cell without characters has no lines, so the row above or below it would have a gap there. A rule of a row therefore
goes over all columns that the table shows in this column of the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.line_table import CELL, LAST, RULED
from glyphrender.typeset.paragraph_styles import Begins

if TYPE_CHECKING:
    from glyphrender.raster.block_marks import MarkedLines


def table_rules(
    lines: MarkedLines, goes_on: MarkedLines | None, edge: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    """Return [n, 4] x0, y0, x1, y1 of the rules of tables, in points.

    Args:
        lines: the lines beside which something is drawn.
        goes_on: the lines in which the first table of `lines` goes on: those below a repeated head, or this head.
        edge: [m] the left edge of the text of each line.
        width: how thick a rule is.
    """
    cell = (lines.flags & CELL) != 0
    head = cell & lines.styles.head[lines.style] & ((lines.flags & LAST) != 0)
    between = cell & ((lines.flags & RULED) != 0) & ~np.isnan(lines.above)
    below = np.where(np.isnan(lines.below), lines.bottom - width, lines.below - width / 2)
    at = np.concatenate([between.nonzero()[0], head.nonzero()[0]])
    if not len(at):
        return np.zeros((0, 4))
    y = np.concatenate([lines.above[between] - width / 2, below[head]])
    found = np.stack([edge[at] + lines.left[at], y, edge[at] + lines.right[at], y + width], axis=1)
    if goes_on is None and _is_whole(lines, at, y):
        return found
    return np.concatenate([found, *_over_empty_cells(lines, goes_on, edge, at, found)])


def _is_whole(lines: MarkedLines, at: NDArray[np.intp], y: NDArray[np.float64]) -> bool:
    """Return whether rules at `y` beside lines `at` are as many as the columns of their tables; nearly all are.

    It may be False where no rule is lacking: columns on shelves are counted as columns of the whole table.
    """
    table, cells = _tables(lines), (~np.isnan(lines.left)).nonzero()[0]
    of = table[at]
    column = _distinct_rows(table[cells], lines.left[cells], lines.right[cells])[0]
    rows = _distinct_rows(of, y)[0]
    many = np.bincount(column, minlength=int(table[-1]) + 1)[rows].sum()
    return bool(many == len(_distinct_rows(of, y, lines.left[at])[0]))


def _distinct_rows(*columns: NDArray[Any]) -> list[NDArray[Any]]:
    """Return rows of columns without repetitions, sorted by the first column, then by the next."""
    order = np.lexsort(columns[::-1])
    ordered = [column[order] for column in columns]
    first = np.ones(len(order), bool)
    first[1:] = ordered[0][1:] != ordered[0][:-1]
    for column in ordered[1:]:
        first[1:] |= column[1:] != column[:-1]
    return [column[first] for column in ordered]


def _over_empty_cells(
    lines: MarkedLines,
    goes_on: MarkedLines | None,
    edge: NDArray[np.float64],
    at: NDArray[np.intp],
    rules: NDArray[np.float64],
) -> Iterator[NDArray[np.float64]]:
    """Yield the rules, [n, 4], that the rows of `rules` lack, which stand beside lines `at`."""
    table, of_rule = _tables(lines), _tables(lines)[at]
    for number in np.unique(of_rule).tolist():
        own = (table == number) & ~np.isnan(lines.left)
        room = [np.stack([lines.left[own], lines.right[own]], axis=1)]
        if goes_on is not None and not number:
            first = (_tables(goes_on) == 0) & ~np.isnan(goes_on.left)
            room.append(np.stack([goes_on.left[first], goes_on.right[first]], axis=1))
        columns = np.unique(np.concatenate(room), axis=0)
        if (columns[1:, 0] < columns[:-1, 1]).any():
            continue  # columns on shelves stand below others, and rows of them have rules of their own
        columns = columns + edge[at[of_rule == number][0]]
        of_table = rules[of_rule == number]
        for y in np.unique(of_table[:, 1]).tolist():
            row = of_table[of_table[:, 1] == y]
            left = columns[~np.isin(columns[:, 0], row[:, 0])]
            if len(left):
                yield np.stack([left[:, 0], np.full(len(left), y), left[:, 1], np.full(len(left), row[0, 3])], axis=1)


def _tables(lines: MarkedLines) -> NDArray[np.intp]:
    """Return [m] the number of the table of each line; the first lines may belong to one that began above them."""
    opens = (lines.styles.begins[lines.style] == Begins.TABLE) & lines.begins & ((lines.flags & CELL) != 0)
    opens[:1] = False
    return np.asarray(np.cumsum(opens))

"""Table rules: the lines below the head of a table and between its rows. Each is as wide as its column.

A cell without characters has no lines, so the row above or below it would have a gap there. A rule of a row therefore
goes over all columns that the table shows in this column of the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.runs import distinct, ranges
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
    return np.concatenate([found, _over_empty_cells(lines, goes_on, edge, at, found)])


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
) -> NDArray[np.float64]:
    """Return the rules, [n, 4], that the rows of `rules` lack, which stand beside lines `at`."""
    tables, in_cell = _tables(lines), (lines.flags & CELL) != 0
    table, left, right = tables[in_cell], lines.left[in_cell], lines.right[in_cell]
    if goes_on is not None:
        same = (_tables(goes_on) == 0) & ((goes_on.flags & CELL) != 0)
        table = np.append(table, np.zeros(np.count_nonzero(same), np.intp))
        left, right = np.append(left, goes_on.left[same]), np.append(right, goes_on.right[same])
    table, left, right = _distinct_rows(table, left, right)  # the columns of all tables
    count = np.bincount(table, minlength=int(tables[-1]) + 1)
    first = np.cumsum(count) - count
    # Columns on shelves stand below others, and rows of them have rules of their own.
    count[table[1:][(table[1:] == table[:-1]) & (left[1:] < right[:-1])]] = 0
    order = np.lexsort((rules[:, 1], tables[at]))
    begins = np.ones(len(order), bool)
    begins[1:] = (tables[at][order][1:] != tables[at][order][:-1]) | (rules[order, 1][1:] != rules[order, 1][:-1])
    head = order[begins]  # the first rule of each row
    many = count[tables[at[head]]]
    row, column = np.repeat(np.arange(len(head)), many), ranges(first[tables[at[head]]], many)
    lefts = distinct(left)
    has = np.zeros((len(head), len(lefts)), bool)
    has[np.cumsum(begins) - 1, np.searchsorted(lefts, lines.left[at[order]])] = True
    lacks = ~has[row, np.searchsorted(lefts, left[column])]
    row, column = head[row[lacks]], column[lacks]
    x = edge[at[row]]
    return np.stack([left[column] + x, rules[row, 1], right[column] + x, rules[row, 3]], axis=1)


def _tables(lines: MarkedLines) -> NDArray[np.intp]:
    """Return [m] the number of the table of each line; the first lines may belong to one that began above them."""
    opens = (lines.styles.begins[lines.style] == Begins.TABLE) & lines.begins & ((lines.flags & CELL) != 0)
    opens[:1] = False
    return np.asarray(np.cumsum(opens))

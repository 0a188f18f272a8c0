"""Heads of tables, repeated: a column of a page that goes on inside a table begins with the head of that table.

The repeated lines are page furniture: they take room, and so they count in ρ, but they stand for no character of the
source. A head is repeated if it takes at most a quarter of the column, which is the rule of CSS Tables Level 3 for
repeated headers, and if the next row fits below it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender.theta import TableHead, Theta
from glyphrender.typeset.line_table import CELL, FIRST, LineTable
from glyphrender.typeset.paragraph_styles import Begins
from glyphrender.typeset.table_rows import RULE_ROOM

# The largest share of a column that a repeated head may take.
_MOST: Final = 0.25


class RepeatedHeads(NamedTuple):
    """The heads that are repeated above n lines, if a column begins with that line.

    Attributes:
        begin, end: [n] the lines of the head; both are 0 where none is repeated.
        room: [n] its height with the rule below, in points.
    """

    begin: NDArray[np.intp]
    end: NDArray[np.intp]
    room: NDArray[np.float64]

    @classmethod
    def of(
        cls, table: LineTable, theta: Theta, top: NDArray[np.float64], bottom: NDArray[np.float64]
    ) -> RepeatedHeads | None:
        """Return the heads of `table`; None if there are none.

        Args:
            table: the lines, some of which stand in cells.
            theta: the rendering parameters.
            top, bottom: [n] where each line begins and its row ends, in points from the top of all lines.
        """
        if theta.table_head is not TableHead.REPEAT:
            return None
        lines, number = np.arange(len(table)), table.paragraphs(0, len(table))
        styles = table.segments.paragraph_styles
        is_head = styles.head[number]
        opens = (styles.begins[number] == Begins.TABLE) & (table.flags & FIRST != 0)
        begin = np.maximum.accumulate(np.where(opens, lines, -1))
        end = np.maximum.accumulate(np.where(is_head, lines + 1, 0))
        some = (table.flags & CELL != 0) & (begin >= 0) & (begin < end) & (end <= lines)
        begin, end = np.where(some, begin, 0), np.where(some, end, 0)
        room = bottom[end - 1] - top[begin] + theta.inset + RULE_ROOM * theta.line_height
        some &= room <= _MOST * theta.column_height
        if not some.any():
            return None
        return cls(np.where(some, begin, 0), np.where(some, end, 0), np.where(some, room, 0.0))

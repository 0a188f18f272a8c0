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

from glyphrender.fonts.face import EM

# A column that needs more than this is content with this: its longest piece may be cut.
_ENOUGH: Final = 8 * EM


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The columns of a table, in EM units.

    Attributes:
        left: [c] distance of each column from the side at which the table begins.
        width: [c] its width.
        shelf: [c] the shelf on which it stands; rising from 0.
    """

    left: NDArray[np.int64]
    width: NDArray[np.int64]
    shelf: NDArray[np.int64]


def set_columns(wants: NDArray[np.int64], least: NDArray[np.int64], *, room: int, gap: int, cell: int = 1) -> Columns:
    """Return the columns of a table.

    Args:
        wants: [r, c] width of each cell on one line.
        least: [c] what each column needs for its longest piece.
        room: the width of the table.
        gap: the distance between two columns.
        cell: widths are multiples of this, as far as the room allows.

    >>> columns = set_columns(np.array([[30, 10], [90, 10]]), np.array([20, 10]), room=65, gap=5)
    >>> columns.left.tolist(), columns.width.tolist()
    ([0, 55], [50, 10])
    """
    widest = -(-wants.max(axis=0, initial=0) // cell) * cell
    need = np.minimum(np.minimum(-(-least // cell) * cell, widest), min(_ENOUGH, room))
    shelf = _shelves(need, room, gap)
    left, width = np.zeros(len(need), np.int64), np.zeros(len(need), np.int64)
    for number in range(int(shelf.max(initial=0)) + 1):
        some = np.flatnonzero(shelf == number)
        indent = min(EM, room // 8) if number else 0  # a shelf after the first is set in
        free = room - indent - gap * (len(some) - 1)
        width[some] = _shared(wants[:, some], widest[some], np.minimum(least[some], widest[some]), need[some], free)
        step = width[some] + gap
        left[some] = indent + np.cumsum(step) - step
    return Columns(left=left, width=width, shelf=shelf)


def _shelves(need: NDArray[np.int64], room: int, gap: int) -> NDArray[np.int64]:
    """Return [c] the shelf of each column: the first that has room for it."""
    shelves, number, used = [], 0, 0
    for one in need.tolist():
        if used and used + gap + one > room - (min(EM, room // 8) if number else 0):
            number, used = number + 1, 0
        used += one + (gap if used else 0)
        shelves.append(number)
    return np.array(shelves, np.int64)


def _shared(
    wants: NDArray[np.int64],
    widest: NDArray[np.int64],
    least: NDArray[np.int64],
    need: NDArray[np.int64],
    free: int,
) -> NDArray[np.int64]:
    """Return the widths of the columns of one shelf, which add up to at most `free`."""
    if widest.sum() <= free:
        return widest
    if least.sum() > free:  # the longest pieces are cut: the widest needs shrink to one level
        return _leveled(least, np.minimum(need, free), free)
    weights = [widest - least, widest, wants.sum(axis=0), np.sqrt(wants.sum(axis=0)).astype(np.int64)]
    found = [_grown(least, widest, weight, free) for weight in weights]
    # How many lines each row has, about: cells are as full as lines of some words are.
    lines = [int((-(-wants // np.maximum(width, 1))).max(axis=1, initial=0).sum()) for width in found]
    return found[lines.index(min(lines))]


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
    least: NDArray[np.int64], widest: NDArray[np.int64], weight: NDArray[np.int64], free: int
) -> NDArray[np.int64]:
    """Return `least` grown by shares of what is left of `free`, in proportion to `weight`, and never above `widest`."""
    width = least.copy()
    growing = width < widest
    while (left := free - int(width.sum())) > 0 and growing.any():
        parts = np.where(growing, np.maximum(weight, 1), 0)
        share = left * parts // int(parts.sum())
        if not share.any():
            break
        width = np.minimum(width + share, widest)
        growing = width < widest
    return width

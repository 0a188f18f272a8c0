"""Signs of old computers that fill their cells (U+1FB00–1FB8B): sextants, wedges, triangles and eighths of blocks.

The shapes are read from the names of the characters. The other characters of the block are pictures, which a font
draws.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.raster.coverage import Coverage, averaged, samples

_ROWS: Final = {"UPPER": 0.0, "UPPER MIDDLE": 1 / 3, "LOWER MIDDLE": 2 / 3, "LOWER": 1.0}
_COLUMNS: Final = {"LEFT": 0.0, "CENTRE": 0.5, "RIGHT": 1.0}
_SHARES: Final = {
    "ONE EIGHTH": 1, "ONE QUARTER": 2, "THREE EIGHTHS": 3, "FIVE EIGHTHS": 5, "THREE QUARTERS": 6, "SEVEN EIGHTHS": 7,
}  # fmt: skip


def legacy_mask(cp: int, width: int, height: int) -> Coverage:
    """Return the coverage (0 to 1) of a sign, (height, width).

    >>> legacy_mask(0x1FB02, 4, 3).tolist()  # the two upper sextants
    [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    name = unicodedata.name(chr(cp), "")
    if name.startswith("BLOCK SEXTANT-"):
        return _parts([int(digit) - 1 for digit in name[14:]], 2, 3, width, height)
    if "DIAGONAL" in name:
        return _wedge(name, width, height)
    if "TRIANGULAR" in name:
        return _triangles(name, width, height)
    kind, _, digits = name.partition(" ONE EIGHTH BLOCK-")
    if digits:
        across, along = (8, 1) if kind == "VERTICAL" else (1, 8)
        return _parts([int(digit) - 1 for digit in digits], across, along, width, height)
    mask = np.zeros((height, width))
    share = next(eighths for words, eighths in _SHARES.items() if words in name)
    for side in name[: name.index(next(words for words in _SHARES if words in name))].replace(" AND ", " ").split():
        mask[_side(side, share, width, height)] = 1
    return mask


def _side(side: str, eighths: int, width: int, height: int) -> tuple[slice, slice]:
    """Return the part of a cell along one of its sides."""
    length = height if side in ("UPPER", "LOWER") else width
    size = max(1, round(length * eighths / 8))
    part = slice(0, size) if side in ("UPPER", "LEFT") else slice(length - size, length)
    return (part, slice(None)) if side in ("UPPER", "LOWER") else (slice(None), part)


def _parts(numbers: list[int], across: int, along: int, width: int, height: int) -> Coverage:
    """Return the parts of a cell that is divided into `along` rows of `across` parts, numbered row by row."""
    mask = np.zeros((height, width))
    x = [round(width * place / across) for place in range(across + 1)]
    y = [round(height * place / along) for place in range(along + 1)]
    for number in numbers:
        row, column = divmod(number, across)
        left, top = min(x[column], width - 1), min(y[row], height - 1)
        mask[top : max(y[row + 1], top + 1), left : max(x[column + 1], left + 1)] = 1
    return mask


def _shares(width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (x, y) of the samples of a cell, as shares of its sides."""
    x, y = samples(width, height)
    return x / width, y / height


def _point(words: str) -> tuple[float, float]:
    """Return (x, y) of a place on the edge of a cell: "UPPER MIDDLE LEFT"."""
    row, column = words.rsplit(" ", 1)
    return _COLUMNS[column], _ROWS[row]


def _wedge(name: str, width: int, height: int) -> Coverage:
    """Return the side of a line through two places that holds a corner."""
    corner, line = name.split(" BLOCK DIAGONAL ")
    (x0, y0), (x1, y1) = map(_point, line.split(" TO "))
    x, y = _shares(width, height)

    def side(x: NDArray[np.float64] | float, y: NDArray[np.float64] | float) -> NDArray[np.float64] | float:
        return (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)

    inside = np.sign(side(x, y)) == np.sign(side(*_point(corner)))
    return averaged(inside, width, height)


def _triangles(name: str, width: int, height: int) -> Coverage:
    """Return the triangles between the middle of a cell and its named sides."""
    x, y = _shares(width, height)
    sides = {
        "LEFT": (x <= y) & (x <= 1 - y), "RIGHT": (x >= y) & (x >= 1 - y),
        "UPPER": (y <= x) & (y <= 1 - x), "LOWER": (y >= x) & (y >= 1 - x),
    }  # fmt: skip
    inside = np.logical_or.reduce([sides[word] for word in name.split() if word in sides])
    return averaged(inside, width, height)

"""Coverage: the shares of pixels that a shape covers, found by samples, for signs that fill their cells."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: The covered share of each pixel of a cell, (height, width), 0 to 1.
Coverage: TypeAlias = NDArray[np.float64]

_FINE = 8  # samples along a side of a pixel, for arcs and slanted edges


def samples(width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (x, y) of the samples of a cell, in pixels: x as one row and y as one column."""
    return (np.arange(width * _FINE)[None, :] + 0.5) / _FINE, (np.arange(height * _FINE)[:, None] + 0.5) / _FINE


def averaged(inside: NDArray[np.bool_], width: int, height: int) -> Coverage:
    """Return the share of samples inside a shape, for each pixel.

    Args:
        inside: whether each of `samples` is inside, or an array that broadcasts to this shape.
        width, height: size of the cell in pixels.

    >>> x, y = samples(2, 1)
    >>> averaged(x < 0.5, 2, 1).tolist()
    [[0.5, 0.0]]
    """
    whole = np.broadcast_to(inside, (height * _FINE, width * _FINE))
    shares: Coverage = whole.reshape(height, _FINE, width, _FINE).mean(axis=(1, 3))
    return shares

"""Subpixel phases: the horizontal positions within a pixel at which glyphs are rasterised."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Skia rasterises a glyph at quarters of a pixel.
PHASES: Final = 4


def phases(fraction: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the quarter of a pixel, 0 … 3, that each fraction of a pixel falls into, computed as Skia does.

    Skia adds 1, which rounds off the last bits. The & turns a 4 into a 0.

    >>> phases(np.array([0.0, 0.3, 0.74, 0.75], np.float32)).tolist()
    [0, 1, 2, 3]

    Args:
        fraction: [n] 0 ≤ fraction < 1.
    """
    return ((fraction + np.float32(1)) * np.float32(PHASES)).astype(np.intp) & (PHASES - 1)

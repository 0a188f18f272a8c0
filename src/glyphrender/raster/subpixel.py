"""Subpixel phases: the horizontal positions within a pixel at which glyphs are rasterised."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Skia rasterises a glyph at quarters of a pixel.
PHASES: Final = 4


def phases(fraction: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the quarter of a pixel that each fraction falls into, packed as Skia does.

    Skia adds 1, which rounds the last bits off, and the & turns a 4 into a 0.
    """
    return ((fraction + np.float32(1)) * np.float32(PHASES)).astype(np.intp) & (PHASES - 1)

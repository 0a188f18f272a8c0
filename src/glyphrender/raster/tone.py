"""Grey levels and the tone curve of text, computed as Skia computes them."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Red, green and blue, 0 … 255.
Color: TypeAlias = tuple[int, int, int]


def luma(color: Color) -> int:
    """Return the grey level of `color`: Rec. 709 weights on the encoded values, like a Gray8 surface of Skia.

    >>> luma((255, 0, 0)), luma((0, 255, 0)), luma((0, 0, 255))
    (54, 182, 18)
    """
    return int(0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2] + 0.5)


def canonical_luma(color: Color) -> int:
    """Return the luma of `color` in Skia's text cache, which keeps three bits of each channel and of the result.

    Unlike in `luma`, the weights are whole 256ths and the sum is rounded down. With the weights and the rounding of
    `luma`, 17 of 600 colors would come out differently.

    >>> canonical_luma((30, 60, 200))
    36
    """
    red, green, blue = (_three_bits(channel) for channel in color)
    return _three_bits((54 * red + 183 * green + 19 * blue) >> 8)


def _three_bits(value: int) -> int:
    """Return `value`, 0 … 255, rounded down to three bits, which are then repeated to fill eight."""
    top = value >> 5
    return top << 5 | top << 2 | top >> 1


@lru_cache(maxsize=8)
def tone_curve(grey: int) -> NDArray[np.uint8]:
    """Return Skia's correction of text coverage for ink of level `grey`: 256 alphas, indexed by coverage.

    Blending by plain coverage in sRGB makes dark text too heavy and light text too thin. Skia raises the contrast of
    dark ink, asks which encoded value a blend in linear light would give on the opposite background, and solves for the
    alpha with which an encoded blend reaches that value. Half coverage in black becomes 91 of 255, in white 188.
    Without the correction, pages are a third darker at 9 px.

    >>> int(tone_curve(0)[128]), int(tone_curve(255)[128])
    (91, 188)

    Args:
        grey: a level of three bits, such as `canonical_luma` returns.
    """
    ink, paper = grey / 255, 1 - grey / 255
    linear_ink, linear_paper = _linear(np.array([ink, paper])).tolist()
    coverage = np.arange(256) / 255
    # The contrast is 0.5, which Skia keeps in a byte. It tapers off as the ink gets lighter.
    coverage += (1 - coverage) * coverage * (128 / 255) * linear_paper
    wanted = _encoded(coverage * linear_ink + (1 - coverage) * linear_paper)
    # A grey level of three bits is never 0.5, so ink and paper always differ.
    return np.floor(255 * (wanted - paper) / (ink - paper) + 0.5).astype(np.uint8)


def _linear(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear light of encoded sRGB values, 0 … 1 (IEC 61966-2-1)."""
    linear: NDArray[np.float64] = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return encoded sRGB values, 0 … 1, of linear light (IEC 61966-2-1)."""
    encoded: NDArray[np.float64] = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded

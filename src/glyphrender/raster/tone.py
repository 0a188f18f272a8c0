"""Grey levels and the tone curve of text, as Skia computes them."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Red, green and blue, 0 … 255.
Color: TypeAlias = tuple[int, int, int]


def luma(color: Color) -> int:
    """Grey level of `color`: Rec. 709 weights on the encoded values, as Skia's Gray8 surface."""
    return int(0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2] + 0.5)


def canonical_luma(color: Color) -> int:
    """Luma of `color` as Skia's text cache sees it: three bits a channel, and three bits of the result.

    The weights are whole 256ths and the sum is cut, unlike in `luma`: of 600 colours 17 would come out otherwise.
    """
    red, green, blue = (_three_bits(channel) for channel in color)
    return _three_bits((54 * red + 183 * green + 19 * blue) >> 8)


def _three_bits(value: int) -> int:
    top = value >> 5
    return top << 5 | top << 2 | top >> 1


@lru_cache(maxsize=8)
def tone_curve(grey: int) -> NDArray[np.uint8]:
    """Skia's correction of text coverage for ink of level `grey`: 256 alphas, indexed by coverage.

    Blending by plain coverage in sRGB makes dark text too heavy and light text too thin. Skia raises the
    contrast of dark ink, asks which encoded value a blend in linear light would give on the opposite
    background, and solves for the alpha that an encoded blend reaches it with. Half coverage in black
    becomes 92 of 255, in white 188; without it pages are a third darker at 9 px.
    """
    ink, paper = grey / 255, 1 - grey / 255
    linear_ink, linear_paper = _linear(np.array([ink, paper])).tolist()
    coverage = np.arange(256) / 255
    # Contrast 0.5, kept by Skia in a byte; it tapers off as the ink gets lighter.
    coverage += (1 - coverage) * coverage * (128 / 255) * linear_paper
    wanted = _encoded(coverage * linear_ink + (1 - coverage) * linear_paper)
    # Three-bit greys never are 0.5, so ink and paper always differ.
    return np.floor(255 * (wanted - paper) / (ink - paper) + 0.5).astype(np.uint8)


def _linear(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1 (sRGB), encoded to linear."""
    linear: NDArray[np.float64] = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1 (sRGB), linear to encoded."""
    encoded: NDArray[np.float64] = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded

"""Box drawing (U+2500–257F) and block elements (U+2580–259F), which fill their cells as in a terminal.

The glyphs of a font join only at the font's own line height. Here each sign is a mask of whole pixels, as large as its
cell. The caller has rounded the edges of cells to pixels, so neighbors share their edges: lines join at any line
height, and columns stand one below the other. The shapes are read from the names of the characters.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.raster.coverage import Coverage, averaged, samples
from glyphrender.raster.legacy_computing import legacy_mask

_WEIGHTS: Final = {"LIGHT": 1, "SINGLE": 1, "HEAVY": 2, "DOUBLE": 3}
_ARMS: Final = {"LEFT": ("L",), "RIGHT": ("R",), "UP": ("U",), "DOWN": ("D",), "VERTICAL": ("U", "D"),
                "HORIZONTAL": ("L", "R")}  # fmt: skip
_DASHES: Final = {"DOUBLE": 2, "TRIPLE": 3, "QUADRUPLE": 4}
_SHADES: Final = {0x2591: 0.25, 0x2592: 0.5, 0x2593: 0.75}


@lru_cache(maxsize=4096)
def cell_mask(cp: int, width: int, height: int, stroke: float, antialias: bool, *, line: int = 0) -> NDArray[np.uint8]:
    """Return the coverage of a sign that fills a cell, (height, width) uint8.

    Args:
        cp: a code point of U+2500–259F or U+1FB00–1FB8B.
        width, height: size of the cell in pixels.
        stroke: width of a light line in pixels. Lines are whole pixels wide; a thinner stroke makes them lighter.
        antialias: whether pixels may be partly covered.
        line: height of the line of text, if the cell reaches further down, over the space before the next line.
            Horizontal lines stand in the middle of the line.

    >>> cell_mask(0x2514, 5, 4, 1.0, True).tolist()
    [[0, 0, 255, 0, 0], [0, 0, 255, 255, 255], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    """
    thick = max(1, round(stroke))
    strength = min(1.0, stroke / thick) if antialias else 1.0
    if cp >= 0x1FB00:
        mask = legacy_mask(cp, width, height)
    elif cp >= 0x2580:
        mask = _block(cp, width, height, antialias)
    else:
        mask = _lines(cp, width, height, line or height, thick) * strength
    if not antialias:
        mask = (mask >= 0.5).astype(np.float64)
    coverage: NDArray[np.uint8] = np.floor(mask * 255 + 0.5).astype(np.uint8)
    coverage.flags.writeable = False
    return coverage


def blend(
    pixels: NDArray[np.uint8],
    tops: NDArray[np.intp],
    lefts: NDArray[np.intp],
    mask: NDArray[np.uint8],
    ink: NDArray[np.uint8] | int,
) -> None:
    """Blend `ink` into `pixels` at each place of `tops` and `lefts`, by the coverage `mask`. The places do not overlap.

    Args:
        pixels: (h, w) or (h, w, channels).
        tops, lefts: [n] the top left corner of each place; what lies outside the page is left out.
        mask: (rows, columns) coverage.
        ink: a level, or one a channel.
    """
    rows = tops[:, None, None] + np.arange(mask.shape[0])[:, None]
    columns = lefts[:, None, None] + np.arange(mask.shape[1])
    rows, columns, alpha = np.broadcast_arrays(rows, columns, mask)
    inside = (rows >= 0) & (rows < pixels.shape[0]) & (columns >= 0) & (columns < pixels.shape[1]) & (alpha > 0)
    at = rows[inside], columns[inside]
    weight = alpha[inside].astype(np.uint32)
    if pixels.ndim == 3:
        weight = weight[:, None]
    pixels[at] = (pixels[at] * (255 - weight) + np.uint32(ink) * weight + 127) // 255


# -- blocks --------------------------------------------------------------------------------------------------


def _block(cp: int, width: int, height: int, antialias: bool) -> Coverage:
    mask = np.zeros((height, width))
    down, across = np.arange(height)[:, None], np.arange(width)[None, :]
    middle, center = height - round(height / 2), round(width / 2)
    if cp in _SHADES:
        if antialias:
            return mask + _SHADES[cp]
        dots = {0x2591: (across + 2 * down) % 4 == 0, 0x2592: (across + down) % 2 == 0}
        shade = ~dots[0x2591] if cp == 0x2593 else dots[cp]
        dotted: Coverage = shade.astype(np.float64)
        return dotted
    if cp == 0x2580:
        mask[:middle] = 1
    elif cp <= 0x2588:
        mask[height - max(1, round(height * (cp - 0x2580) / 8)) :] = 1
    elif cp <= 0x258F:
        mask[:, : max(1, round(width * (0x2590 - cp) / 8))] = 1
    elif cp == 0x2590:
        mask[:, center:] = 1
    elif cp == 0x2594:
        mask[: max(1, round(height / 8))] = 1
    elif cp == 0x2595:
        mask[:, width - max(1, round(width / 8)) :] = 1
    else:
        for part in unicodedata.name(chr(cp)).removeprefix("QUADRANT ").split(" AND "):
            rows = slice(0, middle) if "UPPER" in part else slice(middle, height)
            mask[rows, slice(0, center) if "LEFT" in part else slice(center, width)] = 1
    return mask


# -- lines ---------------------------------------------------------------------------------------------------


def _lines(cp: int, width: int, height: int, line: int, thick: int) -> Coverage:
    name = unicodedata.name(chr(cp)).removeprefix("BOX DRAWINGS ")
    if "DIAGONAL" in name:
        return _diagonals(name, width, height, thick)
    if "ARC" in name:
        return _arc("RIGHT" in name, "DOWN" in name, width, height, line, thick)
    if "DASH" in name:
        return _dashed(name, width, height, line, thick)
    return _junction(_arms(name), width, height, line, thick)


def _arms(name: str) -> dict[str, int]:
    """Return the weight of each arm: 1 light, 2 heavy, 3 double.

    >>> _arms("RIGHT HEAVY AND LEFT DOWN LIGHT")
    {'R': 2, 'L': 1, 'D': 1}
    """
    arms: dict[str, int] = {}
    weight = 1
    for part in name.split(" AND "):
        words = part.split()
        weight = next((_WEIGHTS[word] for word in words if word in _WEIGHTS), weight)
        arms |= {arm: weight for word in words for arm in _ARMS.get(word, ())}
    return arms


def _span(length: int, thick: int) -> tuple[int, int]:
    """Return (start, end) of a band of `thick` pixels in the middle of `length`."""
    start = (length - thick) // 2
    return start, start + thick


def _junction(arms: dict[str, int], width: int, height: int, line: int, thick: int) -> Coverage:
    """Return lines from the edges of a cell to its middle, joined there."""
    heavy = max(thick + 1, 2 * thick)
    size = {0: thick, 1: thick, 2: heavy, 3: 3 * thick}
    mask = np.zeros((height, width), bool)
    upright, level = (max(arms.get(arm, 0) for arm in pair) for pair in ("UD", "LR"))
    # The band that the lines of each direction take in the middle, by their heaviest arm.
    x0, x1 = _span(width, size[upright])
    y0, y1 = _span(line, size[level])

    def fill(arm: str, start: int, end: int, thickness: int, value: bool) -> None:
        """Fill an arm, `thickness` wide, from its edge of the cell to `start` (R, D) or to `end` (L, U)."""
        along = slice(max(start, 0), None) if arm in "RD" else slice(0, max(end, 0))
        a, b = _span(line if arm in "LR" else width, thickness)
        over = slice(max(a, 0), max(b, 0))
        mask[(over, along) if arm in "LR" else (along, over)] = value

    double = {arm for arm, weight in arms.items() if weight == 3}
    for arm in double:
        a, b = (x0, x1) if arm in "LR" else (y0, y1)
        fill(arm, a, b, 3 * thick, True)
    for arm in double:
        # The space between two lines ends at a line that crosses, and in the middle of two lines that cross.
        a, b = (x0, x1) if arm in "LR" else (y0, y1)
        across = upright if arm in "LR" else level
        if across == 3:
            a, b = a + thick, b - thick
        elif across:
            a, b = b, a
        fill(arm, a, b, thick, False)
    for arm, weight in arms.items():
        if weight == 3:
            continue
        a, b = (x0, x1) if arm in "LR" else (y0, y1)
        across, opposite = (upright, "LR") if arm in "LR" else (level, "UD")
        if across == 3 and not all(other in arms for other in opposite):
            a, b = b - thick, a + thick  # the line ends at the nearer of two lines
        fill(arm, a, b, size[weight], True)
    return mask.astype(np.float64)


def _dashed(name: str, width: int, height: int, line: int, thick: int) -> Coverage:
    count = next(number for word, number in _DASHES.items() if f"{word} DASH" in name)
    weight = "HEAVY" if "HEAVY" in name else "LIGHT"
    upright = "VERTICAL" in name
    mask = _junction(_arms(f"{weight} {'VERTICAL' if upright else 'HORIZONTAL'}"), width, height, line, thick)
    length = height if upright else width
    gap = max(1, round(length / count / 3)) if length >= 2 * count else 0
    for dash in range(count):
        end = round((dash + 1) * length / count)
        hole = slice(end - gap, end)
        mask[(hole, slice(None)) if upright else (slice(None), hole)] = 0
    return mask


def _diagonals(name: str, width: int, height: int, thick: int) -> Coverage:
    x, y = samples(width, height)
    length = float(np.hypot(width, height))
    rising = np.abs(height * x + width * y - width * height) / length <= thick / 2
    falling = np.abs(height * x - width * y) / length <= thick / 2
    inside = rising | falling if "CROSS" in name else rising if "UPPER RIGHT" in name else falling
    return averaged(inside, width, height)


def _arc(right: bool, down: bool, width: int, height: int, line: int, thick: int) -> Coverage:
    """Return a line from one edge that bends into a line from another; the ends are those of straight lines."""
    x, y = samples(width, height)
    (x0, x1), (y0, y1) = _span(width, thick), _span(line, thick)
    # Seen from the middle of the cell, towards the two edges that the line touches.
    u = x - (x0 + x1) / 2 if right else (x0 + x1) / 2 - x
    v = y - (y0 + y1) / 2 if down else (y0 + y1) / 2 - y
    # The last pixel before each edge is straight, so that it meets the line in the next cell.
    across = width - (x0 + x1) / 2 if right else (x0 + x1) / 2
    along = height - (y0 + y1) / 2 if down else (y0 + y1) / 2
    radius = max(1e-6, min(across, along) - 1)
    bend = np.abs(np.hypot(u - radius, v - radius) - radius) <= thick / 2
    inside = np.where((u <= radius) & (v <= radius), bend, False)
    inside |= (u > radius) & (np.abs(v) <= thick / 2)
    inside |= (v > radius) & (np.abs(u) <= thick / 2)
    return averaged(inside, width, height)

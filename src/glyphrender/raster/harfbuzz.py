"""The second rasteriser: the `Canvas` interface on HarfBuzz and numpy, for systems without OpenGL.

skia-python links against libEGL and libGL. No page ever uses them, but bare containers lack them, and then Skia cannot
be loaded. HarfBuzz is here anyway, to shape text, and rasterises outlines too. Skia draws with FreeType, which rounds
outlines to 1/64 px; HarfBuzz's coverage differs from FreeType's by a few levels of 255. What Skia does next (the tone
curve for text, the blend, the snapping of positions) is reproduced to the bit.

A page of 10,000 glyphs (DejaVu Sans 9 px, black) differs from Skia's by 0.3 levels on average and by 6 at most. Both
pages read alike (tesseract reads 0.9% of the characters of either wrong). It takes 4 ms where Skia takes 2 ms.

Two things are given up: hinting (outlines are always drawn as designed) and color fonts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.raster.box_drawing import blend
from glyphrender.raster.scratch import scratch
from glyphrender.raster.subpixel import PHASES, phases
from glyphrender.raster.tone import Color, canonical_luma, luma, tone_curve

if TYPE_CHECKING:
    from glyphrender.raster.glyph_style import GlyphStyle
    from glyphrender.raster.mask_cache import MaskCache
    from glyphrender.raster.rows import GlyphRuns, Rows

Index = NDArray[np.intp]

# The number of pixels of glyph boxes that are blended at a time. Each takes 30 bytes meanwhile. A batch that stays in
# the processor's cache is blended twice as fast.
BATCH_PIXELS: Final = 300_000


class HarfBuzzCanvas:
    """A canvas that draws glyphs with HarfBuzz. Coordinates are pixels from the top left corner, y down.

    Attributes:
        pixels: the pixels drawn so far, uint8: (h, w) of a grey page, (h, w, 3) RGB of a color page.
    """

    __slots__ = ("_masks", "_owner", "pixels")

    def __init__(
        self, width: int, height: int, *, grey: bool, background: Color, masks: MaskCache, reuse: bool = False
    ) -> None:
        shape = (height, width) if grey else (height, width, 3)
        self._masks = masks
        self.pixels = scratch("canvas", shape) if reuse else np.empty(shape, np.uint8)
        self.pixels[:] = luma(background) if grey else background
        self._owner: NDArray[np.int32] | None = None

    def fill(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fill a rectangle; a pixel that its edge crosses is blended by the area covered."""
        self._cover(x0, y0, x1, y1, 0.0, color)

    def rectangles(self, edges: NDArray[np.float64], color: Color) -> None:
        """Fill rectangles, [n, 4] x0, y0, x1, y1 each, in their order; see `fill`."""
        for x0, y0, x1, y1 in edges.tolist():
            self.fill(x0, y0, x1, y1, color)

    def frames(self, edges: NDArray[np.float64], width: float, color: Color) -> None:
        """Stroke rectangles, [n, 4] x0, y0, x1, y1 each, in their order, with the stroke of `width` pixels inside."""
        if width > 0:
            for x0, y0, x1, y1 in edges.tolist():
                self._cover(x0, y0, x1, y1, width, color)

    def cells(self, tops: Index, lefts: Index, mask: NDArray[np.uint8], color: Color) -> None:
        """Blend a mask of whole pixels at each place; the places do not overlap. See `box_drawing.blend`."""
        grey = self.pixels.ndim == 2
        blend(self.pixels, tops, lefts, mask, luma(color) if grey else np.array(color, np.uint8))

    def glyphs(self, style: GlyphStyle, rows: Rows | GlyphRuns, color: Color) -> None:
        """Draw rows of glyphs of one face.

        Baselines snap to whole pixels. x snaps to quarters of a pixel if `style.subpixel`, else to whole pixels.
        `style.hinting` is ignored. `color` also selects Skia's tone curve; see tone.py. Without antialiasing, the
        pixels whose center is inside an outline are inked; see `Sheet`.
        """
        rows = rows.gathered
        glyphs = rows.glyph.astype(np.intp)
        # float32, because Skia computes in float32: every position then falls into the same quarter.
        x = rows.x.astype(np.float32)
        baseline = np.floor(rows.baseline.astype(np.float32) + np.float32(0.5)).astype(np.intp)
        if style.subpixel:
            x += np.float32(0.5 / PHASES)
            left = np.floor(x).astype(np.intp)
            phase = phases(x - np.floor(x))
        else:
            left, phase = np.floor(x + np.float32(0.5)).astype(np.intp), np.zeros_like(glyphs)

        row: Index = np.repeat(baseline, np.diff(rows.bounds))
        curve = tone_curve(canonical_luma(color))
        step = max(1, int(BATCH_PIXELS / (style.size * style.size * style.scale_x)))
        for at in range(0, len(glyphs), step):
            part = slice(at, at + step)
            with self._masks.lock:
                dx, dy, coverage, which = self._masks.sheet(style).ink(glyphs[part] * PHASES + phase[part])
            index, inside = self._index(left[part][which] + dx, row[part][which] + dy)
            self._blend(index, curve[coverage[inside]], color)

    def _index(self, column: Index, row: Index) -> tuple[Index, NDArray[np.bool_] | slice]:
        """Return (flat positions of the pixels that lie on the page, which of the pixels these are)."""
        height, width = self.pixels.shape[:2]
        # One comparison an axis is enough: a negative number, seen as unsigned, is a huge one.
        inside = (column.view(np.uintp) < width) & (row.view(np.uintp) < height)
        index = row * width + column
        return (index, slice(None)) if inside.all() else (index[inside], inside)

    def _blend(self, index: Index, alpha: NDArray[np.uint8], color: Color) -> None:
        """Blend `color` into the pixels at flat positions `index`, in order, by `alpha`."""
        flat = self.pixels.reshape(self.pixels.shape[0] * self.pixels.shape[1], -1)
        ink = np.array([luma(color)] if flat.shape[1] == 1 else color, np.uint16)
        if self._owner is None:
            self._owner = np.empty(len(flat), np.int32)
        owner = self._owner
        # Where glyphs overlap, an assignment by index would keep only the last value of a pixel. So each round blends
        # the first value of each pixel, and leaves the others to the next round. Two rounds are nearly always enough.
        while len(index):
            order = np.arange(len(index), dtype=np.int32)
            owner[index[::-1]] = order[::-1]
            first = owner[index] == order
            target, weight = index[first], alpha[first].astype(np.uint16)[:, None]
            # Skia divides by 255 as (v + 255) >> 8, which is exact at both ends.
            flat[target] = (flat[target] * (255 - weight) + ink * weight + 255) >> 8
            index, alpha = index[~first], alpha[~first]

    def _cover(self, x0: float, y0: float, x1: float, y1: float, hole: float, color: Color) -> None:
        """Blend a rectangle, by the area of each pixel that it covers.

        The smaller rectangle that lies `hole` pixels inside is left out; if `hole` is 0, nothing is left out.
        """
        height, width = self.pixels.shape[:2]
        left, right = max(0, int(np.floor(x0))), min(width, int(np.ceil(x1)))
        top, bottom = max(0, int(np.floor(y0))), min(height, int(np.ceil(y1)))
        if left >= right or top >= bottom:
            return
        area = np.outer(_overlap(y0, y1, top, bottom), _overlap(x0, x1, left, right))
        if hole:
            inner_rows = _overlap(y0 + hole, y1 - hole, top, bottom)
            area -= np.outer(inner_rows, _overlap(x0 + hole, x1 - hole, left, right))
        alpha = np.floor(area * 255 + 0.5).astype(np.uint16)
        part = self.pixels[top:bottom, left:right]
        if part.ndim == 2:
            part[:] = (part * (255 - alpha) + luma(color) * alpha + 255) >> 8
        else:
            alpha = alpha[..., None]
            part[:] = (part * (255 - alpha) + np.array(color, np.uint16) * alpha + 255) >> 8


def _overlap(start: float, stop: float, first: int, last: int) -> NDArray[np.float64]:
    """Return, for each unit cell from `first` to `last - 1`, the share (0 to 1) that the interval [start, stop) covers.

    >>> _overlap(0.25, 2, 0, 3).tolist()
    [0.75, 1.0, 0.0]
    """
    cells = np.arange(first, last)
    covered: NDArray[np.float64] = np.clip(np.minimum(stop, cells + 1) - np.maximum(start, cells), 0.0, 1.0)
    return covered

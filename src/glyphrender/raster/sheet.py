"""`Sheet`: the inked pixels of glyphs, rasterised by HarfBuzz."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.raster.glyph_style import SLANT
from glyphrender.raster.subpixel import PHASES
from glyphrender.text.runs import ranges

if TYPE_CHECKING:
    from glyphrender.raster.glyph_style import GlyphStyle

Index: TypeAlias = NDArray[np.intp]

# The number of cells along a pixel's side if glyphs are drawn bilevel. It is odd, so that one cell is the center.
FINE: Final = 9
# A sheet that has more inked pixels than this (5 bytes each) is emptied. Latin text at 9 px needs 20,000, a Chinese
# novel a million.
SHEET_PIXELS: Final = 4_000_000


class Sheet:
    """The inked pixels of every glyph drawn so far with one face, size and stretch.

    A key is `glyph * PHASES + phase`. The pixels of all keys lie one after the other in three flat arrays: coverage,
    and dx and dy from the pixel of the glyph's origin. So a page is one gather.
    """

    __slots__ = (
        "_antialias",
        "_coverage",
        "_draw",
        "_dx",
        "_dy",
        "_font",
        "_length",
        "_on_growth",
        "_scale",
        "_start",
        "face",
        "used",
    )

    def __init__(self, style: GlyphStyle, grown: Callable[[], None] = lambda: None) -> None:
        """Begin without pixels. `grown` is called after new glyphs were drawn."""
        import uharfbuzz

        self.face, self._on_growth = style.face, grown
        self.used = 0  # the number of the last use, among the uses of all sheets of a cache
        self._font = style.face.hb_font
        if style.bold or style.oblique:
            self._font = uharfbuzz.Font(style.face.hb_face)
            self._font.scale = (EM, EM)
            if style.face.variations:
                self._font.set_variations(dict(style.face.variations))
            if style.bold:
                self._font.synthetic_bold = (style.bolder, style.bolder, True)
            if style.oblique:
                self._font.synthetic_slant = SLANT
        self._draw = uharfbuzz.RasterDraw()
        self._scale = (style.size * style.scale_x / 65536, style.size / 65536)
        self._antialias = style.antialias
        # A damaged font can name glyphs beyond its last one. All of them are the one that follows it, without ink.
        self._length = np.full((style.face.hb_font.face.glyph_count + 1) * PHASES, -1, np.int32)
        self._start = np.zeros_like(self._length)
        self._clear()

    def _clear(self) -> None:
        """Forget all pixels."""
        self._length[:] = -1
        self._dx = np.empty(0, np.int16)
        self._dy = np.empty(0, np.int16)
        self._coverage = np.empty(0, np.uint8)

    @property
    def nbytes(self) -> int:
        """The memory of the pixels, in bytes."""
        return self._length.nbytes + self._start.nbytes + 5 * len(self._coverage)

    def ink(self, keys: Index) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.uint8], Index]:
        """Return (dx, dy, coverage, place in `keys`) of every inked pixel of `keys`."""
        keys = np.minimum(keys, len(self._length) - 1)
        length = self._length[keys]
        if length.min() < 0:
            if len(self._coverage) > SHEET_PIXELS:
                self._clear()
                length[:] = -1
            self._rasterise(np.unique(keys[length < 0]).tolist())
            self._on_growth()
            length = self._length[keys]
        at = ranges(self._start[keys], length)
        which = np.repeat(np.arange(len(keys)), length)
        return self._dx[at], self._dy[at], self._coverage[at], which

    def _rasterise(self, keys: list[int]) -> None:
        """Draw `keys` and add their pixels."""
        end = len(self._coverage)
        dx, dy, coverage = [self._dx], [self._dy], [self._coverage]
        placed: list[tuple[int, int, int]] = []
        for key in keys:
            mask, left, top = self._mask(key // PHASES, (key % PHASES) / PHASES)
            y, x = np.nonzero(mask)
            dx.append((x + left).astype(np.int16))
            dy.append((y - top).astype(np.int16))
            coverage.append(mask[y, x])
            placed.append((key, end, len(x)))
            end += len(x)
        self._dx, self._dy = np.concatenate(dx), np.concatenate(dy)
        self._coverage = np.concatenate(coverage)
        # Lengths are written last. Nothing refers to the new pixels until then, so an interrupt leaves the sheet
        # consistent.
        for key, start, length in placed:
            self._start[key], self._length[key] = start, length

    def _mask(self, glyph: int, phase: float) -> tuple[NDArray[np.uint8], int, int]:
        """Return (coverage 0–255 as (h, w), column of its left edge, number of its rows above the baseline)."""
        fine = 1 if self._antialias else FINE
        self._draw.transform = (fine * self._scale[0], 0.0, 0.0, fine * self._scale[1], fine * phase, 0.0)
        self._draw.draw_glyph(self._font, glyph)
        image = self._draw.render()
        box = image.extents if image is not None else None
        if box is None or not box.width or not box.height:
            return np.zeros((0, 0), np.uint8), 0, 0
        # HarfBuzz's y points up, so the bottom row comes first. Rows are padded to the stride.
        rows = np.frombuffer(image.buffer, np.uint8).reshape(box.height, box.stride)
        mask, left, top = rows[::-1, : box.width], box.x_origin, box.y_origin + box.height
        if self._antialias:
            return mask, left, top
        before, above = left % FINE, -top % FINE
        after, below = -(before + box.width) % FINE, -(above + box.height) % FINE
        inside = np.pad(mask >= 128, ((above, below), (before, after)))
        bilevel = _scan(inside[FINE // 2 :: FINE]) | _scan(inside[:, FINE // 2 :: FINE].T).T
        return bilevel.astype(np.uint8) * 255, left // FINE, -(-top // FINE)


def _scan(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels are inked, by FreeType's rule for bilevel glyphs.

    A pixel is inked if its center is inside the outline. A stroke that passes between two centers would vanish, so the
    pixel that holds the middle of a span is inked too ("drop-out control").

    Args:
        lines: (n, FINE · w) whether each cell on n lines through the centers of pixels is inside the outline.

    Returns:
        (n, w) whether each pixel is inked.
    """
    pixels = lines[:, FINE // 2 :: FINE].copy()
    edges = np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, start = np.nonzero(edges > 0)
    stop = np.nonzero(edges < 0)[1]
    pixels[line, (start + stop - 1) // 2 // FINE] = True
    return pixels

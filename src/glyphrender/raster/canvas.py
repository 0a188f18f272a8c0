"""Canvases: a small interface that pages are drawn on, and Skia behind it.

A canvas owns a numpy array, and Skia rasterises straight into that memory. Skia's wheel needs libEGL and libGL, which
bare containers lack. Where Skia cannot be loaded, HarfBuzz's rasteriser takes its place behind the same interface;
harfbuzz.py says how close its pixels come.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender._system import log
from glyphrender.raster.box_drawing import blend
from glyphrender.raster.compiled import SPARE
from glyphrender.raster.glyph_style import GlyphStyle
from glyphrender.raster.harfbuzz import HarfBuzzCanvas
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.rows import GlyphRuns, Rows
from glyphrender.raster.scratch import scratch
from glyphrender.raster.skia_library import is_shortage, missing_library_message
from glyphrender.raster.tone import Color

if TYPE_CHECKING:
    import skia

Index: TypeAlias = NDArray[np.intp]

_BLACK: Final[Color] = (0, 0, 0)
_WHITE: Final[Color] = (255, 255, 255)


class Canvas(Protocol):
    """A page that is being drawn. Coordinates are pixels from the top left corner, y down; the rest is clipped."""

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The pixels drawn so far, uint8: (h, w) of a grey page, (h, w, 3) RGB of a color page."""

    def fill(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fill a rectangle; a pixel that its edge crosses is blended by the area covered."""

    def rectangles(self, edges: NDArray[np.float64], color: Color) -> None:
        """Fill rectangles, [n, 4] x0, y0, x1, y1 each, in their order; see `fill`."""

    def frames(self, edges: NDArray[np.float64], width: float, color: Color) -> None:
        """Stroke rectangles, [n, 4] x0, y0, x1, y1 each, in their order, with the stroke of `width` pixels inside."""

    def cells(self, tops: Index, lefts: Index, mask: NDArray[np.uint8], color: Color) -> None:
        """Blend a mask of whole pixels at each place; the places do not overlap. See `box_drawing.blend`."""

    def glyphs(self, style: GlyphStyle, rows: Rows | GlyphRuns, color: Color) -> None:
        """Draw rows of glyphs of one face."""


def canvas(width: int, height: int, *, grey: bool, background: Color, masks: MaskCache, reuse: bool = False) -> Canvas:
    """Return a canvas filled with `background`: Skia's, or HarfBuzz's where Skia cannot be loaded.

    The environment variable GLYPHRENDER_RASTER asks for one rasteriser: `skia` or `harfbuzz` for that one and no other,
    `numba` for Skia's pixels, stamped by compiled code from the first page on (see masks.py).

    >>> page = canvas(4, 2, grey=True, background=(255, 255, 255), masks=MaskCache(max_bytes=1 << 20))
    >>> page.fill(1, 0, 3, 1, (0, 0, 0))
    >>> page.pixels.tolist()
    [[255, 0, 0, 255], [255, 255, 255, 255]]

    Args:
        width, height: size of the page in pixels.
        grey: whether the page has 8 bits a pixel; else it is RGB.
        background: the color of the page.
        masks: the glyph masks that are remembered between pages.
        reuse: draw into a buffer of this thread. The next canvas of this kind overwrites it.

    Raises:
        DependencyError: the rasteriser that was asked for cannot be loaded, or GLYPHRENDER_RASTER names none of the
            three.
    """
    kind = SkiaCanvas if rasteriser() == "skia" else HarfBuzzCanvas
    return kind(width, height, grey=grey, background=background, masks=masks, reuse=reuse)


@lru_cache(maxsize=1)
def rasteriser() -> str:
    """Return the name of the rasteriser that draws: "skia" or "harfbuzz".

    Raises:
        DependencyError: see `canvas`.
        ResourceError: Skia is there, but memory or files are too scarce to load it.
    """
    from glyphrender.errors import DependencyError, ResourceError

    wanted = os.environ.get("GLYPHRENDER_RASTER", "")
    if wanted not in ("", "skia", "numba", "harfbuzz"):
        raise DependencyError(
            f"GLYPHRENDER_RASTER={wanted!r} is not a rasteriser. Set it to skia, numba or harfbuzz, or unset it."
        )
    if wanted == "harfbuzz":
        log.info(__name__, "HarfBuzz draws pages, as GLYPHRENDER_RASTER asks")
        return wanted
    try:
        import skia  # noqa: F401
    except ImportError as error:
        # If the user interrupts while pybind11 sets the module up, pybind11 raises an ImportError. To draw without Skia
        # from here on would change the pixels, so the interrupt is raised again.
        if error.__cause__ is not None and not isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        if is_shortage(error):  # HarfBuzz has other pixels, and pages may not depend on how much memory is free
            raise ResourceError(
                f"Skia cannot be loaded ({error}): the limits on memory or open files are too low. Raise them, "
                "or set GLYPHRENDER_RASTER=harfbuzz."
            ) from error
        if wanted in ("skia", "numba"):
            raise DependencyError(missing_library_message(error)) from error
        log.info(__name__, "HarfBuzz draws pages: %s", missing_library_message(error))
        return "harfbuzz"
    log.info(__name__, "Skia draws pages")
    return "skia"


class SkiaCanvas:
    """A canvas that Skia draws on.

    Most pages are black text on white. On such a page (grey, with a white background) the coverage of the ink is drawn,
    and inverted at the end. The pixels are the same to the bit, and take an eighth less time.
    """

    __slots__ = ("_bytes", "_coverage", "_masks", "_memory", "_surface")

    def __init__(
        self, width: int, height: int, *, grey: bool, background: Color, masks: MaskCache, reuse: bool = False
    ) -> None:
        # Skia has no 24-bit pixels. It draws on pixels of four bytes, and `pixels` is a view without the fourth.
        shape = (height, width) if grey else (height, width, 4)
        size = math.prod(shape) + SPARE
        self._masks = masks
        self._bytes = scratch("canvas", (size,)) if reuse else np.empty(size, np.uint8)
        self._memory = self._bytes[: size - SPARE].reshape(shape)
        self._coverage = grey and background == _WHITE
        if grey:
            self._memory.fill(0 if self._coverage else background[0])
        else:
            self._memory[:] = (*background, 255)
        self._surface: skia.Surface | None = None

    @property
    def _canvas(self) -> skia.Canvas:
        """Skia's canvas. It is opened at its first use, because a page that is stamped (masks.py) needs none."""
        if self._surface is None:
            self._surface = self._opened()
        return self._surface.getCanvas()

    def _opened(self) -> skia.Surface:
        """Return a Skia surface on the memory of this canvas."""
        import skia

        grey = self._memory.ndim == 2
        kind, alpha = skia.ColorType.kRGBA_8888_ColorType, skia.AlphaType.kOpaque_AlphaType
        if self._coverage:
            kind, alpha = skia.ColorType.kAlpha_8_ColorType, skia.AlphaType.kPremul_AlphaType
        elif grey:
            kind = skia.ColorType.kGray_8_ColorType
        height, width = self._memory.shape[:2]
        info = skia.ImageInfo.Make(width, height, kind, alpha)
        return skia.Surface.MakeRasterDirect(info, self._memory, self._memory.strides[0])

    def _to_grey(self) -> None:
        """Turn the coverage drawn so far into grey levels; from here on Skia draws grey levels."""
        if self._coverage:
            np.subtract(255, self._memory, out=self._memory)
            self._coverage, self._surface = False, None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The pixels drawn so far; see `Canvas`."""
        self._to_grey()
        return self._memory if self._memory.ndim == 2 else self._memory[:, :, :3]

    def fill(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fill a rectangle; a pixel that its edge crosses is blended by the area covered."""
        self.rectangles(np.array([[x0, y0, x1, y1]]), color)

    def rectangles(self, edges: NDArray[np.float64], color: Color) -> None:
        """Fill rectangles, [n, 4] x0, y0, x1, y1 each, in their order; see `fill`."""
        if not len(edges):
            return
        if self._coverage and len(set(color)) == 1 and not (edges % 1).any():
            # Whole pixels of one grey hide what is below, so they are a coverage too.
            for left, top, right, bottom in np.maximum(edges, 0).astype(np.intp).tolist():
                self._memory[top:bottom, left:right] = 255 - color[0]
            return
        import skia

        if color != _BLACK:
            self._to_grey()
        draw, paint = self._canvas.drawRect, _paint(color)
        for x0, y0, x1, y1 in edges.tolist():
            draw(skia.Rect(x0, y0, x1, y1), paint)

    def frames(self, edges: NDArray[np.float64], width: float, color: Color) -> None:
        """Stroke rectangles, [n, 4] x0, y0, x1, y1 each, in their order, with the stroke of `width` pixels inside."""
        import skia

        self._to_grey()
        # A page may have 5,000 boxes. Each line of this loop takes as long as Skia takes for a tenth of a box.
        rect, rounded, draw, paint = skia.Rect, skia.RRect.MakeRect, self._canvas.drawDRRect, _paint(color)
        inner = edges + np.array([width, width, -width, -width])
        filled = width >= (edges[:, 2:] - edges[:, :2]).min(axis=1) / 2
        for outside, inside, is_filled in zip(edges.tolist(), inner.tolist(), filled.tolist(), strict=True):
            if is_filled:
                self._canvas.drawRect(rect(*outside), paint)
            elif width > 0:
                draw(rounded(rect(*outside)), rounded(rect(*inside)), paint)

    def cells(self, tops: Index, lefts: Index, mask: NDArray[np.uint8], color: Color) -> None:
        """Blend a mask of whole pixels at each place; see `Canvas`."""
        if color != _BLACK:
            self._to_grey()
        if self._memory.ndim == 3:
            blend(self._memory[:, :, :3], tops, lefts, mask, np.array(color, np.uint8))
        else:
            blend(self._memory, tops, lefts, mask, 255 if self._coverage else color[0])

    def glyphs(self, style: GlyphStyle, rows: Rows | GlyphRuns, color: Color) -> None:
        """Draw rows of glyphs of one face."""
        if color != _BLACK:
            self._to_grey()
        masks = self._masks.masks(style)
        stamped = self._coverage and not style.face.has_color and masks.pay(rows, self._masks.following)
        if stamped and masks.stamp(self._bytes, self._memory.shape, rows):
            return
        import skia

        font = masks.font
        builder = skia.TextBlobBuilder()
        # With bounds given, Skia does not measure every glyph to find them.
        bounds = skia.Rect(0, 0, self._memory.shape[1], self._memory.shape[0])
        # Lists, not numpy slices: the binding converts a list of 110 numbers in 1.6 µs, an array in 4.9 µs.
        for y, glyphs, x in rows.gathered.lists():
            builder.allocRunPosH(font, glyphs, x, y, bounds)
        if rows.count:
            self._canvas.drawTextBlob(builder.make(), 0, 0, _paint(color))


@lru_cache(maxsize=64)
def _paint(color: Color) -> skia.Paint:
    import skia

    return skia.Paint(Color=skia.Color(*color), AntiAlias=True)

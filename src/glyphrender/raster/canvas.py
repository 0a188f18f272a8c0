"""What pages are drawn on: a small interface, and Skia behind it.

A canvas draws into a numpy array that is its own; Skia rasterises straight into that memory. Where Skia
cannot be loaded (its wheel needs libEGL and libGL, which bare containers lack), HarfBuzz's rasteriser
stands in, behind the same interface; see harfbuzz.py for how close it comes.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from glyphrender.raster.glyph_style import GlyphStyle
from glyphrender.raster.harfbuzz import HarfBuzzCanvas
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.masks import SPARE
from glyphrender.raster.rows import Rows
from glyphrender.raster.scratch import scratch
from glyphrender.raster.skia_library import missing_library_message
from glyphrender.raster.tone import Color

if TYPE_CHECKING:
    import skia

_BLACK: Final[Color] = (0, 0, 0)
_WHITE: Final[Color] = (255, 255, 255)


class Canvas(Protocol):
    """Draws into `pixels`, an (h, w) uint8 array for grey pages or (h, w, 3) for colour."""

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """What has been drawn."""

    def fill(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fill a rectangle."""

    def frame(self, x0: float, y0: float, x1: float, y1: float, width: float, color: Color) -> None:
        """Stroke a rectangle, the stroke inside it."""

    def glyphs(self, style: GlyphStyle, rows: Rows, color: Color) -> None:
        """Draw rows of glyphs of one face; positions are pixels."""


def canvas(width: int, height: int, *, grey: bool, background: Color, masks: MaskCache, reuse: bool = False) -> Canvas:
    """A canvas filled with `background`: Skia's, or HarfBuzz's where Skia cannot be loaded.

    GLYPHRENDER_RASTER=skia or =harfbuzz in the environment asks for that and nothing else, =numba for Skia's pixels by
    compiled code from the first page on; see masks.py.

    Args:
        width, height: in pixels.
        grey: 8 bits a pixel, else RGB.
        background: the color of the page.
        masks: what is remembered between pages.
        reuse: draw into memory of this thread, good until its next such canvas.

    Raises:
        DependencyError: what was asked for cannot be loaded, or GLYPHRENDER_RASTER names none of these.
    """
    kind = SkiaCanvas if rasteriser() == "skia" else HarfBuzzCanvas
    return kind(width, height, grey=grey, background=background, masks=masks, reuse=reuse)


@lru_cache(maxsize=1)
def rasteriser() -> str:
    """Which rasteriser draws: "skia" or "harfbuzz"."""
    from glyphrender.errors import DependencyError

    wanted = os.environ.get("GLYPHRENDER_RASTER", "")
    if wanted not in ("", "skia", "numba", "harfbuzz"):
        raise DependencyError(
            f"GLYPHRENDER_RASTER={wanted!r} is not a rasteriser. Set it to skia, numba or harfbuzz, or unset it."
        )
    if wanted == "harfbuzz":
        return wanted
    try:
        import skia  # noqa: F401
    except ImportError as error:
        # pybind11 reports an interrupt while it sets a module up as an ImportError: drawing on without Skia
        # would change the pixels.
        if error.__cause__ is not None and not isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        if wanted in ("skia", "numba"):
            raise DependencyError(missing_library_message(error)) from error
        return "harfbuzz"
    return "skia"


class SkiaCanvas:
    """A canvas that Skia draws on.

    Black on a white grey page, which most pages are, is drawn as its coverage and turned round at the end:
    the same pixels to the bit, in an eighth less time.
    """

    __slots__ = ("_bytes", "_coverage", "_masks", "_memory", "_surface")

    def __init__(
        self, width: int, height: int, *, grey: bool, background: Color, masks: MaskCache, reuse: bool = False
    ) -> None:
        # Skia has no 24-bit pixels: it draws on 32, and `pixels` is a view without the fourth.
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
        """Skia's, opened when it is first asked for: a page that is stamped needs none."""
        if self._surface is None:
            self._surface = self._opened()
        return self._surface.getCanvas()

    def _opened(self) -> skia.Surface:
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
        if self._coverage:
            np.subtract(255, self._memory, out=self._memory)
            self._coverage, self._surface = False, None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """What has been drawn."""
        self._to_grey()
        return self._memory if self._memory.ndim == 2 else self._memory[:, :, :3]

    def fill(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fill a rectangle; a pixel that its edge crosses is blended by the area covered."""
        import skia

        self._to_grey()
        self._canvas.drawRect(skia.Rect(x0, y0, x1, y1), _paint(color))

    def frame(self, x0: float, y0: float, x1: float, y1: float, width: float, color: Color) -> None:
        """Stroke a rectangle, with the stroke of `width` pixels inside it."""
        import skia

        if width >= min(x1 - x0, y1 - y0) / 2:
            self.fill(x0, y0, x1, y1, color)
        elif width > 0:
            self._to_grey()
            outer = skia.RRect.MakeRect(skia.Rect(x0, y0, x1, y1))
            inner = skia.RRect.MakeRect(skia.Rect(x0 + width, y0 + width, x1 - width, y1 - width))
            self._canvas.drawDRRect(outer, inner, _paint(color))

    def glyphs(self, style: GlyphStyle, rows: Rows, color: Color) -> None:
        """Draw rows of glyphs of one face."""
        import skia

        if color != _BLACK:
            self._to_grey()
        masks = self._masks.masks(style)
        if self._coverage and not style.face.has_color and masks.pay(rows):
            masks.stamp(self._bytes, self._memory.shape, rows)
            return
        font = masks.font
        builder = skia.TextBlobBuilder()
        # Bounds given, so that Skia does not measure every glyph to find them.
        bounds = skia.Rect(0, 0, self._memory.shape[1], self._memory.shape[0])
        # Lists, not numpy slices: the binding converts a list of 110 in 1.6 µs, an array in 4.9.
        for y, glyphs, x in rows.lists():
            builder.allocRunPosH(font, glyphs, x, y, bounds)
        if len(rows.glyph):
            self._canvas.drawTextBlob(builder.make(), 0, 0, _paint(color))


@lru_cache(maxsize=64)
def _paint(color: Color) -> skia.Paint:
    import skia

    return skia.Paint(Color=skia.Color(*color), AntiAlias=True)

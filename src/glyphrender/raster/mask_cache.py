"""`MaskCache`: the owner of what drawing remembers: fonts at a size, and glyph masks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from glyphrender._system.fork_safe_lock import fork_safe_lock
from glyphrender.raster.glyph_style import SLANT, GlyphStyle
from glyphrender.raster.masks import Masks
from glyphrender.raster.sheet import Sheet

if TYPE_CHECKING:
    import skia

Value = TypeVar("Value", Masks, Sheet)

# A page rarely has more than three faces, and a batch of pages rarely mixes more than a few sizes.
_STYLES: Final = 64


class MaskCache:
    """The memory of drawing, within `max_bytes`: fonts at a size, and the masks of their glyphs.

    The masks used least recently are forgotten first. Several threads may use one cache: what they share is written
    under one lock.

    Attributes:
        following: characters of the text after the page that is drawn, as far as known; see `Masks.pay`.
    """

    following = 0

    def __init__(self, *, max_bytes: int, lock: Any = None) -> None:
        self.max_bytes = max_bytes
        self.lock = lock or fork_safe_lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._masks: dict[GlyphStyle, Masks] = {}
            self._sheets: dict[GlyphStyle, Sheet] = {}
            self._uses = 0

    @property
    def nbytes(self) -> int:
        """The memory of all masks, in bytes."""
        with self.lock:
            return sum(each.nbytes for kept in (self._masks, self._sheets) for each in kept.values())

    @property
    def holds(self) -> dict[str, int]:
        """The number of fonts at a size that are remembered."""
        with self.lock:
            return {"fonts at a size": len(self._masks) + len(self._sheets)}

    def masks(self, style: GlyphStyle) -> Masks:
        """Return Skia's font of `style`, with the masks that it drew for stamp.py."""
        with self.lock:
            masks = self._masks.get(style)
            if masks is None:
                masks = _kept(
                    self._masks,
                    style,
                    Masks(_skia_font(style), self.lock, self.max_bytes // 2, partial(self._grown, style)),
                )
            # A number, and not the place in the dictionary: a style is hashed once a lookup.
            self._uses += 1
            masks.used = self._uses
            return masks

    def sheet(self, style: GlyphStyle) -> Sheet:
        """Return the pixels that HarfBuzz drew of `style`. Hold the lock while you use the sheet."""
        # HarfBuzz draws outlines as they are designed, and a sheet has all phases of a glyph.
        style = replace(style, hinting="NONE", subpixel=True)
        sheet = self._sheets.get(style)
        if sheet is None:
            sheet = _kept(self._sheets, style, Sheet(style, partial(self._grown, style)))
        self._uses += 1
        sheet.used = self._uses
        return sheet

    def _grown(self, style: GlyphStyle) -> None:
        """Forget the masks used least recently, but not those of `style`, which have just grown."""
        while self.nbytes > self.max_bytes:
            for kept in (self._masks, self._sheets):
                others = [other for other in kept if other != style]
                if others:
                    del kept[min(others, key=lambda other: kept[other].used)]
                    break
            else:
                return


def _kept(kept: dict[GlyphStyle, Value], style: GlyphStyle, value: Value) -> Value:
    """Return `value`, kept as the one of `style`; if there are too many, the one used least recently is forgotten."""
    if len(kept) >= _STYLES:
        del kept[min(kept, key=lambda other: kept[other].used)]
    kept[style] = value
    return value


def _skia_font(style: GlyphStyle) -> skia.Font:
    import skia

    levels: dict[str, Any] = {
        "NONE": skia.FontHinting.kNone,
        "SLIGHT": skia.FontHinting.kSlight,
        "NORMAL": skia.FontHinting.kNormal,
        "FULL": skia.FontHinting.kFull,
    }
    font = skia.Font(style.face.typeface, style.size, style.scale_x, 0.0)
    font.setHinting(levels[style.hinting])
    font.setSubpixel(style.subpixel)
    font.setLinearMetrics(style.hinting == "NONE")
    if style.bold:
        font.setEmbolden(True)
    if style.oblique:
        font.setSkewX(-SLANT)
    font.setEdging(skia.Font.Edging.kAntiAlias if style.antialias else skia.Font.Edging.kAlias)
    return font

"""`GlyphStyle`: the face, the size and the way in which glyphs are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from glyphrender.fonts.face import Face

#: How far synthetic oblique outlines lean to the right for each unit of height: 14°, as in browsers.
SLANT: Final = 0.25


@dataclass(frozen=True, slots=True)
class GlyphStyle:
    """The way in which glyphs of one face are drawn. Equal styles share their masks.

    Attributes:
        face: the face.
        size: pixels per em.
        scale_x: horizontal stretch of the outlines. It is not applied to positions, which are given stretched.
        hinting: "NONE", "SLIGHT", "NORMAL" or "FULL".
        subpixel: whether glyphs start at quarters of a pixel; else they start at whole pixels.
        antialias: whether edges are grey; else every pixel is inked or not.
        bold: whether the outlines are made bolder, because the family has no bold face. Advances stay as they are.
        oblique: whether the outlines are slanted, because the family has no italic face.
    """

    face: Face
    size: float
    scale_x: float
    hinting: str
    subpixel: bool
    antialias: bool
    bold: bool = False
    oblique: bool = False

    @property
    def bolder(self) -> float:
        """How much wider the strokes of synthetic bold outlines are, in em: 1/24 up to 9 px, 1/32 from 36 px on.

        These are Skia's numbers (SkFontPriv.h, kStdFakeBoldInterpValues).
        """
        share = min(1.0, max(0.0, (self.size - 9) / 27))
        return 1 / 24 + (1 / 32 - 1 / 24) * share

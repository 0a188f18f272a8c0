"""`GlyphStyle`: the face, the size and the way in which glyphs are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from glyphrender.fonts.face import Face


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
    """

    face: Face
    size: float
    scale_x: float
    hinting: str
    subpixel: bool
    antialias: bool

"""`GlyphStyle`: how glyphs of one face are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from glyphrender.fonts.face import Face


@dataclass(frozen=True, slots=True)
class GlyphStyle:
    """How glyphs of one face are drawn. Equal styles share their masks.

    Attributes:
        face: the face.
        size: pixels an em.
        scale_x: horizontal stretch of the outlines; positions are given stretched already.
        hinting: "NONE", "SLIGHT", "NORMAL" or "FULL".
        subpixel: whether glyphs start at quarters of a pixel, else at whole pixels.
        antialias: whether edges are grey.
    """

    face: Face
    size: float
    scale_x: float
    hinting: str
    subpixel: bool
    antialias: bool

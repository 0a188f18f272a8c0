"""Fonts of plain boxes, so that a page can be asserted as ASCII art and an advance by counting.

The em is 1000 units, so at 10 px a box of 500 units is 5 pixels. `python tests/box_fonts.py` writes
tests/data/fonts/Boxes.ttf; the broken and the variable ones are made where a test needs them.

| characters | box (left, bottom, right, top) | advance |
|---|---|---|
| A–Z | 0, 0, 800, 800 | 1000 |
| a–z | 0, 0, 500, 500 | 600 |
| g j p q y | 0, −200, 500, 500 | 600 |
| 0–9 | 0, 0, 300, 800 | 400 |
| space, U+00A0 | – | 500 |
| . , : ; ! ? ' | 0, 0, 200, 200 | 300 |
| - U+2010 U+00AD | 0, 300, 400, 400 | 500 |
| ( [ { and ) ] } | 0, 0, 200, 800 | 300 |
| Hebrew alef–tav, Arabic alef–yeh | 0, 0, 500, 500 | 600 |
| U+0300–U+0304 (marks) | −400, 600, −100, 700 | 0 |
| kana U+3041–U+3096, Han U+4E00–U+4E1F, 、。「」 | 0, −200, 1000, 800 | 1000 |

A V is kerned by −200; f i is a ligature, 0, 0, 1100, 500 with advance 1200. `.notdef` is a hollow box.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

Box = tuple[int, int, int, int]
BOXES = Path(__file__).parent / "data/fonts/Boxes.ttf"

FEATURES = """
languagesystem DFLT dflt;
languagesystem latn dflt;
feature kern { pos A V -200; } kern;
feature liga { sub f i by f_i; } liga;
"""


def glyph_boxes() -> dict[int, tuple[Box | None, int]]:
    """Box and advance of every code point of Boxes.ttf; the table above."""
    boxes: dict[int, tuple[Box | None, int]] = {}

    def add(characters: str | range, box: Box | None, advance: int) -> None:
        boxes.update((c if isinstance(c, int) else ord(c), (box, advance)) for c in characters)

    add(range(0x41, 0x5B), (0, 0, 800, 800), 1000)
    add(range(0x61, 0x7B), (0, 0, 500, 500), 600)
    add("gjpqy", (0, -200, 500, 500), 600)
    add("0123456789", (0, 0, 300, 800), 400)
    add(" \u00a0", None, 500)
    add(".,:;!?'", (0, 0, 200, 200), 300)
    add("-\u2010\u00ad", (0, 300, 400, 400), 500)
    add("()[]{}", (0, 0, 200, 800), 300)
    add(range(0x5D0, 0x5EB), (0, 0, 500, 500), 600)
    add(range(0x627, 0x64B), (0, 0, 500, 500), 600)
    add(range(0x300, 0x305), (-400, 600, -100, 700), 0)
    add(range(0x3041, 0x3097), (0, -200, 1000, 800), 1000)
    add(range(0x4E00, 0x4E20), (0, -200, 1000, 800), 1000)
    add("、。「」", (0, -200, 1000, 800), 1000)
    return boxes


def draw(*boxes: Box) -> Any:
    pen = TTGlyphPen(None)
    for left, bottom, right, top in boxes:
        pen.moveTo((left, bottom))
        for corner in ((left, top), (right, top), (right, bottom)):
            pen.lineTo(corner)
        pen.closePath()
    return pen.glyph()


def hollow_box() -> Any:
    pen = TTGlyphPen(None)
    outer = ((0, 0), (0, 800), (800, 800), (800, 0))
    inner = ((100, 100), (700, 100), (700, 700), (100, 700))  # the other way round: a hole
    for first, *others in (outer, inner):
        pen.moveTo(first)
        for corner in others:
            pen.lineTo(corner)
        pen.closePath()
    return pen.glyph()


def box_font(
    boxes: dict[int, tuple[Box | None, int]],
    *,
    family: str = "Boxes",
    style: str = "Regular",
    weight: int = 400,
    features: str = "",
    cmap: dict[int, str] | None = None,
    axes: list[tuple[str, float, float, float, str]] | None = None,
) -> TTFont:
    """A TrueType font of `boxes`; with `axes`, all boxes grow to twice their width at each maximum."""

    def name(cp: int) -> str:
        return chr(cp) if chr(cp).isascii() and chr(cp).isalpha() else f"uni{cp:04X}"

    drawn = {name(cp): draw(*([box] if box else [])) for cp, (box, _) in boxes.items()}
    glyphs = {".notdef": hollow_box()} | drawn
    advances = {".notdef": 1000} | {name(cp): advance for cp, (_, advance) in boxes.items()}
    if features:
        glyphs["f_i"], advances["f_i"] = draw((0, 0, 1100, 500)), 1200
    builder = FontBuilder(1000)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({cp: name(cp) for cp in boxes} if cmap is None else cmap)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(
        {name: (advances[name], getattr(glyph, "xMin", 0)) for name, glyph in builder.font["glyf"].glyphs.items()}
    )
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": style, "psName": f"{family}-{style}".replace(" ", "")})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, sTypoLineGap=0, usWeightClass=weight)
    builder.setupPost()
    builder.updateHead(created=3723840000, modified=3723840000)
    builder.font.recalcTimestamp = False
    if axes:
        from fontTools.ttLib.tables.TupleVariation import TupleVariation

        builder.setupFvar(axes, [])
        variations = {}
        for glyph_name, advance in advances.items():
            glyph = builder.font["glyf"][glyph_name]
            points = list(glyph.coordinates) if glyph.numberOfContours else []
            deltas = [*((x, 0) for x, _ in points), (0, 0), (advance, 0), (0, 0), (0, 0)]
            variations[glyph_name] = [TupleVariation({axis[0]: (0.0, 1.0, 1.0)}, deltas) for axis in axes]
        builder.setupGvar(variations)
    if features:
        addOpenTypeFeaturesFromString(builder.font, features)
    return builder.font


if __name__ == "__main__":
    box_font(glyph_boxes(), features=FEATURES).save(BOXES)

"""Write `fonts/spleen/spleen-5x8.ttf`: the 5 × 8 bitmap of Spleen as outlines, one box per run of pixels.

Renderers of dense pages use this size, but Spleen has no OpenType file of it. At 8 px an em, every pixel of the bitmap
is one pixel of the page. The console font of a Spleen release is the input, and fontTools the only requirement:

    python src/generators/outline_spleen_5x8.py spleen-5x8.psfu.gz
    python src/generators/index_fonts.py
"""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._g_l_y_f import Glyph

UNIT = 128  # font units per pixel; 1024 units, or 8 pixels, are one em
ASCENT = 7  # pixels above the baseline; capitals stand on the last row but one

# The code points that are outlined. The table of the console font also maps look-alikes (Cyrillic "А" to "A"), which a
# page must not draw as if they were the requested letter.
DRAWN = [*range(0x20, 0x7F), *range(0x2500, 0x2580), *range(0x2800, 0x2900)]


def bitmaps(path: Path) -> tuple[int, dict[int, bytes]]:
    """Return the width in pixels and the rows of each drawn code point of a PC Screen Font, version 2."""
    data = gzip.decompress(path.read_bytes())
    _, _, header, _, count, size, _, width = struct.unpack("<8I", data[:32])
    entries = data[header + count * size :].split(b"\xff")
    firsts = {ord(entry.decode()[0]): glyph for glyph, entry in enumerate(entries[:count]) if entry}
    rows = {cp: data[header + glyph * size : header + (glyph + 1) * size] for cp, glyph in firsts.items()}
    return width, {cp: rows[cp] for cp in DRAWN if cp in rows}


def outline(rows: bytes) -> Glyph:
    """Return a glyph with one box for each horizontal run of pixels."""
    pen = TTGlyphPen(None)
    for row, bits in enumerate(rows):
        top = (ASCENT - row) * UNIT
        column = 0
        pixels = f"{bits:08b}"
        while (start := pixels.find("1", column)) >= 0:
            column = pixels.find("0", start) if "0" in pixels[start:] else 8
            left, right, bottom = start * UNIT, column * UNIT, top - UNIT
            pen.moveTo((left, bottom))
            for corner in ((left, top), (right, top), (right, bottom)):
                pen.lineTo(corner)
            pen.closePath()
    return pen.glyph()


def main() -> None:
    """Read the console font that the command line names, and write the outlines."""
    width, drawn = bitmaps(Path(sys.argv[1]))
    names = {cp: f"uni{cp:04X}" for cp in drawn}
    glyphs = {".notdef": outline(bytes([0, *[0b11110000] * 6, 0]))}
    glyphs |= {names[cp]: outline(rows) for cp, rows in drawn.items()}
    builder = FontBuilder(8 * UNIT)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(names)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(
        {
            name: (width * UNIT, glyph.xMin if glyph.numberOfContours else 0)
            for name, glyph in builder.font["glyf"].glyphs.items()
        }
    )
    builder.setupHorizontalHeader(ascent=ASCENT * UNIT, descent=(ASCENT - 8) * UNIT)
    copyright_notice = "Copyright (c) 2018-2021, Frederic Cambus"
    builder.setupNameTable(
        {
            "copyright": copyright_notice,
            "familyName": "Spleen 5x8",
            "styleName": "Medium",
            "fullName": "Spleen 5x8",
            "psName": "Spleen-5x8",
            "version": "Version 1.9.1",
        }
    )
    builder.setupOS2(sTypoAscender=ASCENT * UNIT, sTypoDescender=(ASCENT - 8) * UNIT, usWeightClass=400)
    builder.setupPost(isFixedPitch=1)
    # The date is fixed (2022-01-01), so that the same bitmap gives the same file.
    builder.updateHead(created=3723840000, modified=3723840000)
    builder.font.recalcTimestamp = False
    builder.save(Path(__file__).parents[2] / "fonts" / "spleen" / "spleen-5x8.ttf")


if __name__ == "__main__":
    main()

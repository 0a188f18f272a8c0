"""Raster: pages whose lines are known → pixels → PNG.

    typesetter.py   the owner of what is remembered: the shaper, glyph masks, the pixels of the pages drawn last
    page.py         draws a page: backgrounds, text, markers, line numbers, boxes
    canvas.py       the canvas that pages are drawn on: Skia's; `harfbuzz.py` where Skia cannot be loaded
    mask_cache.py   fonts at a size and their masks: `masks.py` and `stamp.py` (Skia's, stamped by compiled code),
                    `sheet.py` (HarfBuzz's)
    png.py          pixels → PNG

`rows.py` and `glyph_style.py` are what a canvas is asked to draw; `subpixel.py` and `tone.py` say how Skia rounds
positions and corrects coverage.
"""

"""Skia's own paragraph layout, with pages encoded by Skia."""

from __future__ import annotations

from pathlib import Path

from renderers.common import FONT, FONT_FILE, HEIGHT, LEADING, LINES, MARGIN, MEASURE, SIZE, WIDTH, Peer, pages_in


def draw(text: str, folder: Path) -> tuple[int, int]:
    """Draw the pages of `text` into `folder`."""
    import skia

    layout = skia.textlayout
    fonts = layout.FontCollection()
    provider = layout.TypefaceFontProvider()
    provider.registerTypeface(skia.Typeface.MakeFromFile(str(FONT_FILE)), FONT)
    fonts.setDefaultFontManager(provider)
    style = layout.TextStyle()
    style.setFontFamilies([FONT])
    style.setFontSize(SIZE)
    style.setColor(skia.ColorBLACK)
    style.setHeight(LEADING / SIZE)
    style.setHeightOverride(True)
    paragraph_style = layout.ParagraphStyle()
    paragraph_style.setTextStyle(style)
    unicode = skia.Unicode.ICU_Make()
    surface = skia.Surface.MakeRaster(
        skia.ImageInfo.Make(WIDTH, HEIGHT, skia.kGray_8_ColorType, skia.kOpaque_AlphaType)
    )
    canvas = surface.getCanvas()
    number, y = 0, 0.0
    canvas.clear(skia.ColorWHITE)

    def finish_page() -> None:
        nonlocal number
        number += 1
        surface.makeImageSnapshot().save(str(folder / f"page_{number:03d}.png"), skia.kPNG)
        canvas.clear(skia.ColorWHITE)

    frame = skia.Rect.MakeXYWH(MARGIN, MARGIN, MEASURE, LINES * LEADING)
    for line in text.split("\n"):
        builder = layout.ParagraphBuilder.make(paragraph_style, fonts, unicode)
        builder.addText(line)
        paragraph = builder.Build()
        paragraph.layout(MEASURE)
        # Skia does not give the lines of a paragraph, so one that crosses a page end is painted on both pages, clipped.
        height = round(paragraph.Height / LEADING) * LEADING
        while True:
            canvas.save()
            canvas.clipRect(frame)
            paragraph.paint(canvas, MARGIN, MARGIN + y)
            canvas.restore()
            if y + height <= LINES * LEADING:
                y += height
                break
            finish_page()
            y -= LINES * LEADING
    if y > 0:
        finish_page()
    return pages_in(folder)


PEER = Peer(name="Skia textlayout Paragraph, Skia PNG", draw=draw, packages=("skia-python",))

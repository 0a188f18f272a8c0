"""A pipeline like that of Glyph's script: ReportLab paragraphs → PDF → poppler → Pillow crop → PNG files.

It was written for this comparison after what the script of thu-coai/Glyph does. Thirty source lines are one paragraph,
joined by the newline markup; U+00AD and U+200B are removed; runs of spaces become unbreakable; markup is escaped; pages
are cropped at the ink plus the margin. It takes as long as theirs, because ReportLab and poppler take nearly all of the
time.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from PIL import Image

LINES_A_PARAGRAPH = 30
# Pages that poppler decodes per start; bounds the memory that decoded pages take.
PAGES_A_CALL = 20
INK_TOLERANCE = 5

SEARCHED_CONFIG: dict[str, Any] = {
    "page-size": "595,842",
    "dpi": 72,
    "margin-x": 10,
    "margin-y": 10,
    "font-size": 9,
    "line-height": 10,
    "font-color": "#000000",
    "alignment": "LEFT",
    "horizontal-scale": 1.0,
    "page-bg-color": "#FFFFFF",
    "para-bg-color": "#FFFFFF",
    "auto-crop-width": True,
    "auto-crop-last-page": True,
    "newline-markup": "<br/>",
}
"""The English θ that the search of the paper found, without its font, which may not be distributed."""


def pdf(text: str, config: dict[str, Any]) -> bytes:
    """Return the PDF that ReportLab makes of `text`."""
    from reportlab.lib import colors, enums
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    font = Path(config["font-path"]).stem
    if font not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(font, config["font-path"]))
    style = ParagraphStyle(
        "text",
        fontName=font,
        fontSize=config["font-size"],
        leading=config["line-height"],
        textColor=colors.HexColor(config["font-color"]),
        backColor=colors.HexColor(config["para-bg-color"]),
        alignment=getattr(enums, f"TA_{config['alignment']}"),
        firstLineIndent=config.get("first-line-indent", 0),
        leftIndent=config.get("left-indent", 0),
        rightIndent=config.get("right-indent", 0),
        spaceBefore=config.get("space-before", 0),
        spaceAfter=config.get("space-after", 0),
        wordWrap="CJK" if re.search("[\u4e00-\u9fff]", text) else None,
    )
    markup = escape(text.replace("\u00ad", "").replace("\u200b", ""))
    markup = re.sub("  +", lambda run: "&nbsp;" * len(run[0]), markup)
    lines = markup.split("\n")
    newline = config["newline-markup"]
    story = [
        Paragraph(newline.join(lines[start : start + LINES_A_PARAGRAPH]), style)
        for start in range(0, len(lines), LINES_A_PARAGRAPH)
    ]
    width, height = (float(side) for side in config["page-size"].split(","))
    background = colors.HexColor(config["page-bg-color"])

    def paint(canvas: Any, _: Any) -> None:
        canvas.setFillColor(background)
        canvas.rect(0, 0, width, height, stroke=0, fill=1)

    buffer = io.BytesIO()
    x, y = config["margin-x"], config["margin-y"]
    document = SimpleDocTemplate(
        buffer, pagesize=(width, height), leftMargin=x, rightMargin=x, topMargin=y, bottomMargin=y
    )
    document.build(story, onFirstPage=paint, onLaterPages=paint)
    return buffer.getvalue()


def pages(text: str, config: dict[str, Any], folder: Path) -> list[Path]:
    """Write `page_001.png` … into `folder`, and return their paths."""
    import numpy as np

    document = pdf(text, config)
    written: list[Path] = []
    scale_x, x, y = config["horizontal-scale"], config["margin-x"], config["margin-y"]
    images = _rasterized(document, config["dpi"])
    for number, image in enumerate(images, 1):
        last = number == len(images)
        if scale_x != 1.0:
            image = image.resize((int(image.width * scale_x), image.height))
        if config["auto-crop-width"] or (last and config["auto-crop-last-page"]):
            gray = np.asarray(image.convert("L"))
            ink = np.abs(gray - np.median(gray[:2, :2])) > INK_TOLERANCE
            columns, rows = np.flatnonzero(ink.any(0)), np.flatnonzero(ink.any(1))
            right, bottom = image.size
            if config["auto-crop-width"] and len(columns):
                right = min(right, int(columns[-1]) + 1 + x)
            if last and config["auto-crop-last-page"] and len(rows):
                bottom = min(bottom, int(rows[-1]) + y)
            image = image.crop((0, 0, right, bottom))
        written.append(folder / f"page_{number:03d}.png")
        image.save(written[-1])
    return written


def _rasterized(document: bytes, dpi: int) -> list[Image.Image]:
    """Return all pages of a PDF, drawn by poppler."""
    from pdf2image import convert_from_bytes

    images: list[Image.Image] = []
    while True:
        first = len(images) + 1
        some = convert_from_bytes(document, dpi=dpi, first_page=first, last_page=first + PAGES_A_CALL - 1)
        images += some
        if len(some) < PAGES_A_CALL:
            return images

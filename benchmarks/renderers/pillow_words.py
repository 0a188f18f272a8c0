"""Pillow, as a careful script uses it: words measured once each, and lines filled greedily."""

from __future__ import annotations

from pathlib import Path

from renderers.common import ASCENT, FONT_FILE, HEIGHT, LEADING, LINES, MARGIN, MEASURE, SIZE, WIDTH, Peer, pages_in


def draw(text: str, folder: Path) -> tuple[int, int]:
    """Draw the pages of `text` into `folder`."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(FONT_FILE, SIZE)
    widths: dict[str, float] = {}
    space = font.getlength(" ")
    page: list[str] = []
    number = 0

    def finish_page() -> None:
        nonlocal number
        number += 1
        image = Image.new("L", (WIDTH, HEIGHT), 255)
        draw = ImageDraw.Draw(image)
        for row, line in enumerate(page):
            draw.text((MARGIN, MARGIN + ASCENT + row * LEADING), line, fill=0, font=font, anchor="ls")
        image.save(folder / f"page_{number:03d}.png")
        page.clear()

    def add_line(words: list[str]) -> None:
        page.append(" ".join(words))
        if len(page) == LINES:
            finish_page()

    for source in text.split("\n"):
        line: list[str] = []
        used = 0.0
        for word in source.split(" "):
            width = widths.get(word)
            if width is None:
                width = widths[word] = font.getlength(word)
            if line and used + space + width > MEASURE:
                add_line(line)
                line, used = [], 0.0
            used += width + (space if line else 0.0)
            line.append(word)
        add_line(line)
    if page:
        finish_page()
    return pages_in(folder)


PEER = Peer(name="Pillow, wrapped by words", draw=draw, packages=("pillow",))

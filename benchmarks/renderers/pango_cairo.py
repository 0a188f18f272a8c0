"""Pango and cairo, through cffi."""

from __future__ import annotations

from pathlib import Path

from renderers.common import ASCENT, FONT, HEIGHT, LEADING, LINES, MARGIN, MEASURE, SIZE, WIDTH, Peer, pages_in


def draw(text: str, folder: Path) -> tuple[int, int]:
    """Draw the pages of `text` into `folder`."""
    try:
        import cairocffi
        import pangocairocffi
        import pangocffi
    except OSError as error:  # the packages are installed, but the system libraries are not
        raise ImportError(str(error)) from error

    unit = pangocffi.units_from_double(1)
    description = pangocffi.FontDescription()
    description.family = FONT
    description.set_absolute_size(SIZE * unit)
    number = row = 0
    surface = cairocffi.ImageSurface(cairocffi.FORMAT_RGB24, WIDTH, HEIGHT)
    context = cairocffi.Context(surface)
    layout = pangocairocffi.create_layout(context)
    layout.font_description = description
    layout.width = MEASURE * unit
    layout.wrap = pangocffi.WrapMode.WORD_CHAR

    def clear() -> None:
        context.set_source_rgb(1, 1, 1)
        context.paint()
        context.set_source_rgb(0, 0, 0)

    def finish_page() -> None:
        nonlocal number, row
        number, row = number + 1, 0
        surface.write_to_png(str(folder / f"page_{number:03d}.png"))
        clear()

    clear()
    for line in text.split("\n"):
        layout.text = line
        runs = layout.get_iter()
        while True:
            run = runs.get_run()
            if run is not None:
                x = runs.get_run_extents()[1].x / unit
                context.move_to(MARGIN + x, MARGIN + ASCENT + row * LEADING)
                pangocairocffi.show_glyph_item(context, line, run)
            else:  # Pango marks the end of a line by an empty run
                row += 1
                if row == LINES:
                    finish_page()
            if not runs.next_run():
                break
    if row:
        finish_page()
    return pages_in(folder)


PEER = Peer(
    name="Pango, cairo",
    draw=draw,
    packages=("pangocairocffi",),
    install="pip install pangocairocffi; apt install libpangocairo-1.0-0, and DejaVu Sans",
)

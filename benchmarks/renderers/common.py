"""The page that every renderer draws, and the description of a renderer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import texts

WIDTH, HEIGHT, MARGIN = 595, 842, 16  # px
FONT, SIZE, LEADING = "DejaVu Sans", 9, 10  # px
MEASURE = WIDTH - 2 * MARGIN
LINES = (HEIGHT - 2 * MARGIN) // LEADING
FONT_FILE = texts.FONTS / "dejavu" / "DejaVuSans.ttf"
# The baseline within a line of 10 px: 7.6 px of ascender above it, the rest below.
ASCENT = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A renderer that turns a text into pages.

    Attributes:
        name: name in the table.
        draw: takes (text, folder), draws the pages, and returns their number and the bytes of their PNGs. It raises
            ImportError if the renderer is not installed.
        packages: distributions whose versions are shown.
        install: how to install what may be missing.
        prepare: is called before the clock starts, with a text that is not measured.
        keep: does the same as `draw` and leaves the pages in the folder; None if `draw` does that already.
    """

    name: str
    draw: Callable[[str, Path], tuple[int, int]]
    packages: tuple[str, ...] = ()
    install: str = ""
    prepare: Callable[[str], object] = str
    keep: Callable[[str, Path], object] | None = None


def pages_in(folder: Path) -> tuple[int, int]:
    """Return the number of PNG files in `folder` and their bytes in all."""
    sizes = [file.stat().st_size for file in folder.glob("*.png")]
    return len(sizes), sum(sizes)

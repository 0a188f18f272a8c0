"""ReportLab, poppler and Pillow, as Glyph's script uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import glyph_pipeline

from renderers.common import FONT_FILE, MARGIN, Peer, pages_in


def glyph_config() -> dict[str, Any]:
    """Return the config of Glyph's search, set to the common margins and font."""
    # ReportLab's frame adds 6 pt to each margin.
    margins = {"margin-x": MARGIN - 6, "margin-y": MARGIN - 6}
    return glyph_pipeline.SEARCHED_CONFIG | margins | {"font-path": str(FONT_FILE)}


def draw(text: str, folder: Path) -> tuple[int, int]:
    """Draw the pages of `text` into `folder`."""
    glyph_pipeline.pages(text, glyph_config(), folder)
    return pages_in(folder)


PEER = Peer(
    name="ReportLab, poppler, Pillow (as Glyph)",
    draw=draw,
    packages=("reportlab", "pdf2image", "pillow"),
    install="pip install reportlab pdf2image; apt install poppler-utils",
)

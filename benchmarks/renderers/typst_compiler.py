"""Typst, which lays out and draws the pages in one call."""

from __future__ import annotations

from pathlib import Path

from renderers.common import FONT, FONT_FILE, HEIGHT, LEADING, MARGIN, SIZE, WIDTH, Peer, pages_in


def draw(text: str, folder: Path) -> tuple[int, int]:
    """Draw the pages of `text` into `folder`."""
    import typst

    (folder / "text.txt").write_text(text, encoding="utf-8")
    (folder / "page.typ").write_text(
        f"""#set page(width: {WIDTH}pt, height: {HEIGHT}pt, margin: {MARGIN}pt)
#set text(font: "{FONT}", size: {SIZE}pt, top-edge: 7pt, bottom-edge: -2pt, hyphenate: false)
#set par(leading: {LEADING - SIZE}pt, spacing: {LEADING - SIZE}pt, justify: false)
#for line in read("text.txt").split("\\n") [#line \\ ]
"""
    )
    typst.compile(
        str(folder / "page.typ"),
        output=str(folder / "page_{0p}.png"),
        font_paths=[str(FONT_FILE.parent)],
        ignore_system_fonts=True,
        format="png",
        ppi=72.0,
    )
    return pages_in(folder)


PEER = Peer(name="Typst", draw=draw, packages=("typst",), install="pip install typst")

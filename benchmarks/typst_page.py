"""A justified English page by glyphrender (greedy and optimal lines) and by Typst, to look at.

    python benchmarks/typst_page.py FOLDER     # write typst.png there, and print how the lines differ
    python benchmarks/typst_page.py --write    # the picture into docs/images, the table into docs/browser.md

All have the same font file, size, measure and baseline distance, and none hyphenates. Typst chooses the lines of a
paragraph together, as `line_breaker=OPTIMAL` does. pdftotext of poppler reads its lines from its PDF. The figures are
the lines that equal Typst's, and the widest gap between words and the deviation of gaps, in spaces of the font.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import report
import texts
from browser import IMAGES, beside
from PIL import Image

from glyphrender import Page, Theta, render
from glyphrender.fonts import find_face

THETA = Theta(
    font="DejaVu Serif",
    font_size=11,
    line_height=15,
    page_size=(300, 410),
    margin_x=10,
    margin_y=10,
    alignment="JUSTIFY",
    justify_stretch=1000,
    first_line_indent=16,
    hyphenate=False,
    language="en",
    auto_crop_width=False,
    auto_crop_last_page=False,
)
CHARACTERS = 1150


def paragraphs() -> list[str]:
    """Return long paragraphs of the novel, from the beginning of chapter 3."""
    novel = texts.novel()
    start = novel.index("Not all that Mrs. Bennet, however")
    return [part for part in novel[start : start + CHARACTERS].rsplit(" ", 1)[0].split("\n") if part]


def by_typst(folder: Path) -> tuple[Image.Image, list[str]]:
    """Return Typst's page and its lines."""
    import typst

    face = find_face(THETA.font)
    (folder / "text.txt").write_text("\n".join(paragraphs()), encoding="utf-8")
    width, height = THETA.page_size
    # In Typst `leading` is the distance from the bottom edge of a line to the top edge of the next. The edges are set
    # one em apart, and `leading` is the rest.
    ascent = face.ascent / (face.ascent + face.descent)
    (folder / "page.typ").write_text(
        f"""#set page(width: {width}pt, height: {height}pt, margin: {THETA.margin_x}pt)
#set text(font: "{THETA.font}", size: {THETA.font_size}pt, lang: "en", hyphenate: false,
  top-edge: {ascent}em, bottom-edge: {ascent - 1}em)
#set par(justify: true, leading: {THETA.line_height - THETA.font_size}pt,
  spacing: {THETA.line_height - THETA.font_size}pt, first-line-indent: (amount: {THETA.first_line_indent}pt, all: true))
#for line in read("text.txt").split("\\n") [#par[#line]]
"""
    )
    options = {"font_paths": [str(face.path.parent)], "ignore_system_fonts": True}
    typst.compile(str(folder / "page.typ"), output=str(folder / "page.png"), format="png", ppi=72.0, **options)
    typst.compile(str(folder / "page.typ"), output=str(folder / "page.pdf"), format="pdf", **options)
    result = subprocess.run(
        ["pdftotext", "-layout", folder / "page.pdf", "-"], check=True, capture_output=True, text=True
    )
    with Image.open(folder / "page.png") as image:
        return image.convert("L"), [" ".join(line.split()) for line in result.stdout.split("\n") if line.strip()]


def ours(breaker: str) -> Page:
    """Return our page with that `line_breaker`."""
    return render("\n".join(paragraphs()), THETA.replace(line_breaker=breaker))[0]


def gaps(page: Page) -> np.ndarray:
    """Return the widths of the gaps between words in stretched lines, in spaces of the font."""
    space = THETA.font_pixels * 0.318  # the space of DejaVu Serif is 0.318 em
    found = []
    for line, following in zip(page.lines, [*page.lines[1:], None], strict=True):
        if following is None or line.text.endswith("\n"):
            continue
        words = [word for word in page.words if line.start <= word.start < line.end]
        found += [b.box[0] - a.box[2] for a, b in zip(words, words[1:], strict=False) if b.start > a.end]
    return np.array(found) / space


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="folder for the picture")
    parser.add_argument("--write", action="store_true", help="write docs/browser.md and docs/images")
    arguments = parser.parse_args()
    if not arguments.folder and not arguments.write:
        parser.error("name a folder, or --write")
    if shutil.which("pdftotext") is None:
        raise SystemExit("pdftotext is not installed (Debian: apt-get install poppler-utils).")
    with tempfile.TemporaryDirectory() as folder:
        picture, lines = by_typst(Path(folder))
    rows = []
    images = []
    for breaker in ("GREEDY", "OPTIMAL"):
        page = ours(breaker)
        images.append(page.image)
        mine = [" ".join(line.text.split()) for line in page.lines]
        alike = len({line.rstrip("-‐") for line in mine} & {line.rstrip("-‐") for line in lines})
        wide = gaps(page)
        rows.append(
            [
                f"`line_breaker={breaker}`",
                len(mine),
                f"{alike} of {len(lines)}",
                f"{wide.max():.1f}",
                f"{wide.std():.2f}",
            ]
        )
    head = ["ours", "lines", "as Typst's", "widest gap, in spaces", "deviation of gaps"]
    text = f"{report.versions(['typst'])}.\n\n{report.table(head, rows)}"
    print(text)
    print("\n".join(lines))
    shown = beside([*images, picture]).quantize(16, dither=Image.Dither.NONE)
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        shown.save(arguments.folder / "typst.png")
    if arguments.write:
        shown.save(IMAGES / "typst.png", optimize=True)
        report.write("typst", text, page="browser.md")


if __name__ == "__main__":
    main()

"""Legibility by an independent reader: tesseract reads known text on our pages and on Chromium's.

    python benchmarks/reader.py                  # ten languages at 16 px, ours and Chromium's
    python benchmarks/reader.py --rasterisers    # English at small sizes, drawn by Skia and by HarfBuzz
    python benchmarks/reader.py [--rasterisers] --write    # into docs/browser.md or docs/containers.md

Both sides draw the text of the same pages with the same font file and size. Tesseract reads each page as it is and
enlarged twice (Lanczos), one block of text at a time (--psm 6). The figures are character error rates: edit distance
divided by length. White space does not count, because tesseract puts it between ideographs, and compatibility forms
(NFKC) count as equal. It needs tesseract with the language packs named below (Debian: tesseract-ocr).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import chromium
import report
import texts
from breaks import DATA
from PIL import Image

from glyphrender import Page, Theta, render
from glyphrender.ocr.comparison import comparable, edit_distance
from glyphrender.raster.canvas import rasteriser

# (file, language, name of the language in tesseract, font)
TEXTS = (
    ("udhr-eng.txt", "en", "eng", "DejaVu Sans"),
    ("udhr-rus.txt", "ru", "rus", "DejaVu Sans"),
    ("udhr-ell.txt", "el", "ell", "DejaVu Sans"),
    ("udhr-arb.txt", "ar", "ara", "Noto Naskh Arabic"),
    ("udhr-heb.txt", "he", "heb", "Noto Sans Hebrew"),
    ("udhr-hin.txt", "hi", "hin", "Noto Sans Devanagari"),
    ("udhr-tha.txt", "th", "tha", "Noto Sans Thai"),
    ("udhr-jpn.txt", "ja", "jpn", "Noto Sans CJK JP"),
    ("udhr-zho.txt", "zh-Hans", "chi_sim", "Noto Sans CJK SC"),
    ("udhr-kor.txt", "ko", "kor", "Noto Sans CJK KR"),
)
PAGE = {"page_size": (588, 840), "margin_x": 14, "margin_y": 14, "auto_crop_width": False, "auto_crop_last_page": False}
# (font, size, line height, antialias)
SMALL = (
    ("DejaVu Sans", 9, 10, True),
    ("Inter", 9, 10, True),
    ("DejaVu Sans", 12, 14, True),
    ("DejaVu Sans", 12, 14, False),
)
MOST_PAGES = 3


def read(image: Image.Image, language: str, *, enlarge: int) -> str:
    """Return the text that tesseract reads on `image`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.png")
        size = (image.width * enlarge, image.height * enlarge)
        image.convert("L").resize(size, Image.Resampling.LANCZOS).save(path)
        command = ["tesseract", str(path), "stdout", "-l", language, "--psm", "6"]
        # One thread, because tesseract is slower with several.
        environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
        result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return result.stdout


def errors(pages: Iterable[tuple[Image.Image, str]], language: str, *, enlarge: int) -> int:
    """Return how many characters are misread on `pages`, which are (image, true text)."""
    return sum(
        edit_distance(comparable(text), comparable(read(image, language, enlarge=enlarge))) for image, text in pages
    )


def by_chromium(page: Page) -> Image.Image:
    """Return Chromium's page of the text of `page`."""
    return chromium.image(chromium.Case(text=page.text.removesuffix("\n"), theta=page.theta))


def beside_chromium() -> str:
    """Return the table of ten languages, ours and Chromium's."""
    rows: list[list[object]] = []
    totals = [0] * 5
    for file, language, known_as, font in TEXTS:
        # Chromium breaks Thai by a dictionary.
        breaks = "DICTIONARY" if language == "th" else "CLUSTER"
        theta = Theta(font=font, font_size=16, line_height=24, language=language, complex_breaks=breaks, **PAGE)
        pages = render((DATA / file).read_text(encoding="utf-8").rstrip("\n"), theta)[:MOST_PAGES]
        counts = [sum(len(comparable(page.text)) for page in pages)]
        for enlarge in (1, 2):
            for draw in (lambda page: page.image, by_chromium):
                drawn: Callable[[Page], Image.Image] = draw
                counts.append(errors(((drawn(page), page.text) for page in pages), known_as, enlarge=enlarge))
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        rows.append([language, font, *_shares(counts)])
        print(*rows[-1], sep="\t", flush=True)
    rows.append(["all", "", *_shares(totals)])
    head = ["language", "font", "characters", "ours", "Chromium", "ours ×2", "Chromium ×2"]
    return report.table(head, rows)


def _shares(counts: list[int]) -> list[object]:
    """Return the cells of a row: the number of characters, and the shares that are misread."""
    characters, *wrong = counts
    return [characters, *(f"{count / characters:.2%}" for count in wrong)]


def by_rasterisers() -> str:
    """Return the table of small English type, drawn by Skia and by HarfBuzz."""
    rows = []
    for font, size, line, antialias in SMALL:
        theta = Theta(font=font, font_size=size, line_height=line, antialias=antialias, **PAGE)
        pages = render(texts.novel(), theta)[3 : 3 + MOST_PAGES]
        counts = [sum(len(comparable(page.text)) for page in pages)]
        for kind in ("skia", "harfbuzz"):
            os.environ["GLYPHRENDER_RASTER"] = kind
            rasteriser.cache_clear()
            counts.append(errors(((page.image, page.text) for page in pages), "eng", enlarge=2))
        drawn = f"{font} {size} px" + ("" if antialias else ", two colors")
        rows.append([drawn, *_shares(counts)])
        print(*rows[-1], sep="\t", flush=True)
    return report.table(["type", "characters", "Skia", "HarfBuzz"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rasterisers", action="store_true", help="compare Skia and HarfBuzz instead")
    parser.add_argument("--write", action="store_true", help="write docs/browser.md or docs/containers.md")
    arguments = parser.parse_args()
    if shutil.which("tesseract") is None:
        raise SystemExit("tesseract is not installed (Debian: apt-get install tesseract-ocr tesseract-ocr-ara …).")
    table = by_rasterisers() if arguments.rasterisers else beside_chromium()
    output = subprocess.run(["tesseract", "--version"], check=True, capture_output=True, text=True).stdout
    programs = output.split("\n")[0] + ("" if arguments.rasterisers else f", {chromium.version()}")
    text = f"{programs}.\n\n{table}"
    print(text)
    if arguments.write:
        report.write("reader", text, page="containers.md" if arguments.rasterisers else "browser.md")


if __name__ == "__main__":
    main()

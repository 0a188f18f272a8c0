"""Small pages that a person has looked at. `python tests/test_golden.py` draws them anew: look again then.

With the libraries they were drawn with, pages must be the same to the last bit; with others, alike to the eye.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from glyphrender import Page, Theta, render
from glyphrender.raster.canvas import rasteriser

GOLDEN = Path(__file__).parent / "golden"
UDHR = Path(__file__).parent / "data"
LIBRARIES = ("skia-python", "uharfbuzz")
SMALL: dict[str, Any] = {"page_size": (240, 120), "auto_crop_width": False, "auto_crop_last_page": False}

CODE = """def area(width, height):
\tif width <= 0:\t# nothing
\t\treturn 0
\treturn width * height

print(area(3, 4), '→', "ok")
"""
WRAPPED = """class Reader:
    def text(self, source: Input, *, encoding: str | None = None) -> Iterator[str] | None:
\t\treturn self.decoded(source, encoding) or self.guessed(source, encoding=encoding)

URL = "https://example.org/a/very/long/path/that/does/not/fit/the/line?query=1"
"""
MIXED = (
    "The word שלום (peace) and the number ١٢٣٤, then العربية again.\n"
    "שלום! This is (English) בתוך עברית, 12.5%.\n"
    "العربية تُكتب من اليمين إلى اليسار (right to left) ١٢٣.\n"
)
TABLE = "| Land | Wald |\n|:--|--:|\n" + "".join(f"| Nr. {number} | {number * 7 % 10} % |\n" for number in range(1, 18))
ODD = "Controls \x07\x1b, missing \U0010fffe and \ud800, emoji 👩‍👩‍👧 🇫🇷 ☺, marks Z̷̢̛̤͔̊a̵͇̐l̷͎̓g̶̱̈o̸̤͝, ﷽, 𝔘𓀀, soft\u00adhyphen."


def udhr(language: str, start: int = 2, stop: int = 6) -> str:
    lines = (UDHR / f"udhr-{language}.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(lines[start:stop])


PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "prose": (udhr("eng"), {}),
    "justified-columns": (udhr("fra"), {"alignment": "JUSTIFY", "columns": 2, "hyphenate": True, "language": "fr"}),
    "right-to-left": (MIXED, {"font_size": 11, "line_height": 16}),
    "japanese": (udhr("jpn"), {"alignment": "JUSTIFY", "language": "ja", "first_line_indent": 9}),
    "hindi-thai": (udhr("hin", 2, 3) + udhr("tha", 2, 3), {"line_height": 14}),
    "code": (CODE, {"font": "DejaVu Sans Mono", "line_numbers": 2, "spaces": "KEEP"}),
    "wrapped-code": (WRAPPED, {**Theta.preset("code").fields(), **SMALL, "line_numbers": 2, "page_grid": 1}),
    "newline-marker": (udhr("eng", 0, 3), {"newline_markup": '<font color="#FF0000"> \\n </font>'}),
    "dark": (udhr("ell"), {"font_color": "#E6E6E6", "page_bg_color": "#101820", "font": "Noto Sans"}),
    "paragraphs": (
        udhr("vie", 0, 3),
        {"para_bg_color": "#F0F0F0", "border_width": 1, "border_padding": 3, "space_after": 4, "margin_x": 20},
    ),
    "odd": (ODD, {"font_size": 12, "line_height": 18}),
    "tiny": (udhr("rus", 2, 9), {"font_size": 6, "line_height": 6.5, "font": "Noto Sans"}),
    "table-in-columns": (TABLE, {"markup": "MARKDOWN", "columns": 2}),
    "two-colours": (udhr("kor", 2, 9), {"antialias": False, "subpixel": False, "hinting": "FULL"}),
}


def drawn(name: str) -> Page:
    text, fields = PAGES[name]
    return render(text, Theta(**{**SMALL, **fields}))[0]


def versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


@pytest.mark.parametrize("name", PAGES)
def test_pages_look_as_they_did(name: str) -> None:
    if rasteriser() != "skia":
        pytest.skip("the pages were drawn by Skia")
    if PAGES[name][1].get("hyphenate"):
        pytest.importorskip("pyphen")
    if PAGES[name][1].get("markup"):
        pytest.importorskip("markdown_it")
    with Image.open(GOLDEN / f"{name}.png") as image:
        expected = np.asarray(image.convert("L" if image.mode in ("L", "1") else "RGB"))
    page = drawn(name)
    assert page.array.shape == expected.shape
    difference = np.abs(page.array.astype(int) - expected)
    if json.loads((GOLDEN / "versions.json").read_text(encoding="utf-8")) == versions():
        assert difference.max() == 0
    assert difference.mean() < 1.0


def test_golden_pages_stay_small_and_are_all_used() -> None:
    files = {path.stem: path.stat().st_size for path in GOLDEN.glob("*.png")}
    assert files.keys() == PAGES.keys()
    assert max(files.values()) <= 20 * 1024


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for page_name in PAGES:
        (GOLDEN / f"{page_name}.png").write_bytes(drawn(page_name).png())
    (GOLDEN / "versions.json").write_text(json.dumps(versions(), indent=1) + "\n", encoding="utf-8")

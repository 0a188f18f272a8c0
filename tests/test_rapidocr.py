"""RapidOCR reads pages: English and Chinese, lines of 10 px in their order, from threads, and it says what it lacks."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from glyphrender import DataError, DependencyError, Theta, render
from glyphrender.ocr.comparison import comparable, edit_distance
from glyphrender.ocr.legibility import legibility
from glyphrender.ocr.rapidocr import RapidOcr, TextBox, in_reading_order

pytestmark = pytest.mark.slow

DATA = Path(__file__).parent / "data"
ENGLISH = (DATA / "udhr-eng.txt").read_text(encoding="utf-8")
CHINESE = (DATA / "udhr-zho.txt").read_text(encoding="utf-8")
SMALL = Theta(page_size=(588, 84), margin_x=6, margin_y=6, auto_crop_width=False)


def error_rate(text: str, theta: Theta) -> float:
    page = render(text, theta)[0]
    known, read = comparable(page.text), comparable(RapidOcr()(page.image))
    return edit_distance(known, read) / len(known)


def test_lines_of_ten_pixels_are_read_and_stand_in_order() -> None:
    """7 lines of 9 px type: 0 to 2 characters of 660 are wrong, and two lines exchanged would be 200."""
    assert error_rate(ENGLISH[:2000].replace("\n", " "), SMALL) < 0.01


def test_the_same_reader_reads_chinese() -> None:
    theta = SMALL.replace(font="Noto Sans CJK SC", font_size=12, line_height=14, language="zh-Hans")
    assert error_rate(CHINESE[:800], theta) < 0.02


def test_it_is_a_reader_of_pages_in_threads() -> None:
    document = render(ENGLISH[:1500].replace("\n", " "), SMALL.replace(page_size=(588, 56)))
    both = legibility(document, RapidOcr(), pages=2, threads=2)
    assert len(both.pages) == 2
    assert both.error_rate < 0.01
    assert both == legibility(document, RapidOcr(), pages=2)


def test_a_page_without_text_reads_as_nothing() -> None:
    assert RapidOcr()(Image.new("L", (112, 56), 255)) == ""


def test_boxes_are_read_line_by_line_from_the_left() -> None:
    """Two lines 10 px apart whose boxes touch, the first in two parts of which the left one stands a pixel lower."""
    boxes = [
        TextBox(top=10, bottom=21, left=300, text="second"),
        TextBox(top=20, bottom=31, left=5, text="below"),
        TextBox(top=11, bottom=22, left=5, text="first"),
    ]
    assert in_reading_order(boxes) == "first second\nbelow"
    assert in_reading_order([]) == ""


def test_pages_are_not_made_smaller() -> None:
    with pytest.raises(DataError, match="enlarge=0 is below 1"):
        RapidOcr(enlarge=0)


@pytest.mark.parametrize("package", ["rapidocr", "onnxruntime"])
def test_a_missing_package_is_named_with_its_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DependencyError, match=rf"package {package}\. Install the extra rapidocr"):
        RapidOcr()


def test_its_module_is_light() -> None:
    program = "import sys, glyphrender.ocr.rapidocr; print('cv2' in sys.modules, 'onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_threads_have_their_own_engines() -> None:
    """An engine keeps the size of the page at hand: shared between threads, pages of two sizes would mix."""
    pages = [render(ENGLISH[:60], SMALL)[0].image, render(ENGLISH[:200], SMALL.replace(page_size=(300, 84)))[0].image]
    alone = [RapidOcr()(page) for page in pages]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(RapidOcr(), pages * 3)) == alone * 3

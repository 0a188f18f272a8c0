"""Pages stamped by compiled code are Skia's pages, to the bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glyphrender import Theta, layout
from glyphrender.errors import DependencyError
from glyphrender.fonts.library import find_face
from glyphrender.raster import canvas, masks
from glyphrender.raster.canvas import SkiaCanvas, rasteriser
from glyphrender.raster.page import draw_page
from glyphrender.raster.rows import Rows
from glyphrender.theta import Hinting

pytest.importorskip("numba")
pytestmark = pytest.mark.skipif(rasteriser() != "skia", reason="Skia cannot be loaded here")

DATA = Path(__file__).parent / "data"
SCRIPTS = Path(__file__).parent.parent / "benchmarks/texts/scripts.txt"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("GLYPHRENDER_RASTER", "numba")
    return monkeypatch


def both(text: str, theta: Theta, patch: pytest.MonkeyPatch) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    pages = [page._layout for page in layout(text, theta)]
    stamped = [draw_page(page) for page in pages]
    with patch.context() as without:
        without.delenv("GLYPHRENDER_RASTER")
        return list(zip(stamped, map(draw_page, pages), strict=True))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"font": "DejaVu Serif", "font_weight": 700, "font_size": 6.75, "line_height": 7.5},
        {"subpixel": False},
        {"antialias": False},
        {"hinting": Hinting.FULL, "alignment": "JUSTIFY"},
        {"horizontal_scale": 0.7, "letter_spacing": -1.5},
        {"font_size": 40, "line_height": 20, "overlap": "ALLOW"},
        {"dpi": 431, "page_size": (200, 200)},
        {"page_size": (30, 400), "margin_x": 0},
        {"line_numbers": 4, "tab_width": 8},
        {"newline_markup": "↵"},
        {"para_bg_color": "#DDDDDD", "border_width": 1},
        {"font_color": "#444444", "page_bg_color": "#EEEEEE"},
    ],
    ids=str,
)
def test_pages_are_the_same(fields: dict[str, object], compiled: pytest.MonkeyPatch) -> None:
    text = SCRIPTS.read_text(encoding="utf-8") + (DATA / "udhr-eng.txt").read_text(encoding="utf-8")[:3000]
    pages = both(text, Theta(**fields), compiled)  # type: ignore[arg-type]
    assert pages
    for stamped, drawn in pages:
        assert (drawn != drawn[0, 0]).any()
        assert np.array_equal(stamped, drawn)


@settings(deadline=None, max_examples=60)
@given(
    glyphs=st.lists(st.tuples(st.integers(36, 120), st.floats(-40, 90)), min_size=1, max_size=40),
    y=st.floats(-20, 60),
    size=st.floats(3, 60),
    width=st.integers(1, 60),
    subpixel=st.booleans(),
)
def test_glyphs_anywhere_on_over_and_off_the_page(
    glyphs: list[tuple[int, float]], y: float, size: float, width: int, subpixel: bool
) -> None:
    face = find_face("DejaVu Sans")
    rows = Rows.of([(y, [glyph for glyph, _ in glyphs], [x for _, x in glyphs])])

    def drawn(threshold: float, patch: pytest.MonkeyPatch) -> NDArray[np.uint8]:
        patch.setenv("GLYPHRENDER_RASTER", "numba")
        patch.setattr(masks, "LARGEST", threshold)
        page = SkiaCanvas(width, 40, grey=True, background=(255, 255, 255))
        page.glyphs(
            face, rows, (0, 0, 0), size=size, scale_x=1.0, hinting="NONE", subpixel=subpixel, antialias=True
        )
        return page.pixels

    with pytest.MonkeyPatch.context() as patch:
        assert np.array_equal(drawn(masks.LARGEST, patch), drawn(0.0, patch))


def test_masks_that_grow_too_many_are_made_anew(compiled: pytest.MonkeyPatch) -> None:
    compiled.setattr(masks, "_MOST", 500)
    canvas._masks.cache_clear()
    text = (DATA / "udhr-eng.txt").read_text(encoding="utf-8")
    assert all(np.array_equal(*pair) for pair in both(text, Theta(), compiled))


def test_without_being_asked_it_begins_once_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLYPHRENDER_RASTER", raising=False)
    monkeypatch.setattr(masks, "_PAYS", 10_000)
    canvas._masks.cache_clear()
    stamped = []
    stamp = masks.Masks.stamp
    monkeypatch.setattr(masks.Masks, "stamp", lambda self, *args: (stamped.append(1), stamp(self, *args))[1])
    pages = [page._layout for page in layout((DATA / "udhr-eng.txt").read_text(encoding="utf-8") * 8, Theta())]
    seen = []
    for page in pages:
        draw_page(page)
        seen.append(len(stamped))
    assert seen[0] == 0
    assert seen[-1] > seen[len(seen) // 2] > 0
    stamped.clear()
    monkeypatch.setenv("GLYPHRENDER_RASTER", "skia")
    draw_page(pages[0])
    assert not stamped


def test_numba_that_is_asked_for_and_missing_is_an_error(compiled: pytest.MonkeyPatch) -> None:
    masks.compiled.cache_clear()
    compiled.setitem(sys.modules, "glyphrender.raster.stamp", None)
    with pytest.raises(DependencyError, match=r"glyphrender\[fast\]"):
        draw_page(next(layout("text", Theta()))._layout)
    compiled.delenv("GLYPHRENDER_RASTER")
    draw_page(next(layout("text", Theta()))._layout)
    masks.compiled.cache_clear()


def test_a_short_document_does_not_load_numba() -> None:
    code = "import sys; from glyphrender import render; render('text ' * 9999)[0].png(); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

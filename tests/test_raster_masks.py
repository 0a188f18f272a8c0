"""Pages stamped by compiled code are the same as Skia's pages, to the bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import examples

from glyphrender import RichText, Theta, Typesetter, from_markdown, render
from glyphrender.errors import DependencyError
from glyphrender.fonts.library import find_face
from glyphrender.raster import masks
from glyphrender.raster.canvas import SkiaCanvas, rasteriser
from glyphrender.raster.compiled import Loader, load_stamp
from glyphrender.raster.glyph_style import GlyphStyle
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.rows import GlyphRuns, Rows
from glyphrender.theta import Hinting

pytest.importorskip("numba")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(rasteriser() != "skia", reason="Skia cannot be loaded here")]

DATA = Path(__file__).parent / "data"
TYPESETTER = Typesetter()
SCRIPTS = Path(__file__).parent.parent / "benchmarks/texts/scripts.txt"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("GLYPHRENDER_RASTER", "numba")
    return monkeypatch


def both(
    text: str | RichText, theta: Theta, patch: pytest.MonkeyPatch, typesetter: Typesetter = TYPESETTER
) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    pages = list(typesetter.layout_pages(text, theta))
    stamped = [typesetter.draw(page) for page in pages]
    with patch.context() as without:
        without.delenv("GLYPHRENDER_RASTER")
        return list(zip(stamped, map(typesetter.draw, pages), strict=True))


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


MARKDOWN = """# *Leaning* words

Some **bold**, some `code` and [a link](https://example.org), ~~struck out~~ عربي and 汉字.

| left | right |
|---|---:|
| **one** | a cell that is much longer than the one beside it, so that it has several lines |
| `two` | |

- an item
  1. another, in a list of its own

> quoted **in bold**

```python
def f(x): return "a string"  # a comment
```
"""


@pytest.mark.parametrize("fields", [{}, {"font_size": 5, "line_height": 5, "page_size": (120, 90)}], ids=str)
def test_pages_with_several_faces_on_a_line_are_the_same(
    fields: dict[str, object], compiled: pytest.MonkeyPatch
) -> None:
    pages = both(from_markdown(MARKDOWN), Theta(**fields), compiled)  # type: ignore[arg-type]
    assert pages
    for stamped, drawn in pages:
        assert (drawn != drawn[0, 0]).any()
        assert np.array_equal(stamped, drawn)


def test_runs_of_a_face_are_drawn_in_their_order_and_nothing_else(compiled: pytest.MonkeyPatch) -> None:
    """Runs that overlap, in an order that is not that of the glyphs: as rows of their own, by Skia."""
    face = find_face("DejaVu Sans")
    style = GlyphStyle(face, 20.0, 1.0, "NONE", True, True)
    glyph, x = np.array([36, 37, 38, 39, 40], np.uint32), np.array([2.0, 5.3, 8.1, 11.2, 14.0])
    baseline, first, last = np.array([30.0, 18.0, 18.0]), np.array([3, 0, 2]), np.array([4, 1, 3])
    runs = GlyphRuns(baseline=baseline, first=first, last=last, glyph=glyph, x=x, count=3)
    pages = []
    for raster, rows in (("numba", [runs]), ("skia", [runs]), ("skia", [Rows.of([(30.0, [39], [11.2])]),
                         Rows.of([(18.0, [36, 38], [2.0, 8.1])])])):  # fmt: skip
        compiled.setenv("GLYPHRENDER_RASTER", raster)
        page = SkiaCanvas(40, 40, grey=True, background=(255, 255, 255), masks=MaskCache(max_bytes=1 << 26))
        for each in rows:
            page.glyphs(style, each, (0, 0, 0))
        pages.append(page.pixels)
    assert (pages[0] < 128).any()
    assert np.array_equal(pages[0], pages[1])
    assert np.array_equal(pages[0], pages[2])


@examples(60)
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
        page = SkiaCanvas(width, 40, grey=True, background=(255, 255, 255), masks=MaskCache(max_bytes=1 << 26))
        page.glyphs(GlyphStyle(face, size, 1.0, "NONE", subpixel, True), rows, (0, 0, 0))
        return page.pixels

    with pytest.MonkeyPatch.context() as patch:
        assert np.array_equal(drawn(masks.LARGEST, patch), drawn(0.0, patch))


def test_positions_at_the_edges_of_quarters_are_skias(compiled: pytest.MonkeyPatch) -> None:
    """Six float32 numbers on either side of each edge are tried, from -1 on: adding 1 rounds some of them over it."""
    face = find_face("DejaVu Sans")
    edges = np.arange(-1.125, 3, 0.25, dtype=np.float32)
    x = np.concatenate([np.spacing(edges) * step + edges for step in range(-6, 7)]).astype(np.float64)
    for glyph in (36, 68):

        def drawn(position: float, largest: float, glyph: int = glyph) -> NDArray[np.uint8]:
            compiled.setattr(masks, "LARGEST", largest)
            page = SkiaCanvas(24, 24, grey=True, background=(255, 255, 255), masks=MaskCache(max_bytes=1 << 26))
            rows = Rows.of([(18.0, [glyph], [position])])
            page.glyphs(GlyphStyle(face, 20.0, 1.0, "NONE", True, True), rows, (0, 0, 0))
            return page.pixels

        for position in x.tolist():
            assert np.array_equal(drawn(position, 64.0), drawn(position, 0.0)), position


@pytest.mark.parametrize("x", [np.nan, np.inf, -1e30, 3e9])
def test_far_places_and_glyphs_that_a_font_lacks_are_left_to_skia(x: float, compiled: pytest.MonkeyPatch) -> None:
    face = find_face("DejaVu Sans")
    for rows in (Rows.of([(18.0, [36, 68], [2.0, x])]), Rows.of([(18.0, [36, 60_000], [2.0, 9.0])])):
        pages = []
        for raster in ("numba", "skia"):
            compiled.setenv("GLYPHRENDER_RASTER", raster)
            page = SkiaCanvas(24, 24, grey=True, background=(255, 255, 255), masks=MaskCache(max_bytes=1 << 26))
            page.glyphs(GlyphStyle(face, 20.0, 1.0, "NONE", True, True), rows, (0, 0, 0))
            pages.append(page.pixels)
        assert np.array_equal(*pages)


def test_masks_that_were_half_made_are_not_drawn(compiled: pytest.MonkeyPatch) -> None:
    TYPESETTER.clear()
    page = next(TYPESETTER.layout_pages("Half of these glyphs are new: 0123456789", Theta()))
    whole = TYPESETTER.draw(page)
    TYPESETTER.clear()
    concatenate = np.concatenate
    calls = []

    def interrupted(arrays: list[NDArray[np.uint8]], *args: object, **kwargs: object) -> object:
        calls.append(1)
        if arrays[0].dtype == np.uint64:
            raise KeyboardInterrupt
        return concatenate(arrays, *args, **kwargs)

    with compiled.context() as patch:
        patch.setattr(masks.np, "concatenate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            TYPESETTER.draw(page)
    assert calls
    assert np.array_equal(TYPESETTER.draw(page), whole)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_stamps_does_not_hang(compiled: pytest.MonkeyPatch) -> None:
    page = next(TYPESETTER.layout_pages("Forks inherit locks that nobody will open.", Theta()))
    TYPESETTER.clear()
    drawn = TYPESETTER.draw(page)
    assert TYPESETTER.holds["fonts at a size"] == 1
    with TYPESETTER.lock:
        child = os.fork()
        if not child:
            signal.alarm(300)
            os._exit(0 if np.array_equal(TYPESETTER.draw(page), drawn) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_masks_that_grow_too_many_are_made_anew(compiled: pytest.MonkeyPatch) -> None:
    text = (DATA / "udhr-eng.txt").read_text(encoding="utf-8")
    assert all(np.array_equal(*pair) for pair in both(text, Theta(), compiled, Typesetter(max_bytes=30_000)))


@pytest.fixture
def stamped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note each page that is stamped, where loading pays after 10,000 glyphs, and masks after 60 uses of a glyph."""
    monkeypatch.delenv("GLYPHRENDER_RASTER", raising=False)
    monkeypatch.setattr(masks, "LOADER", Loader(load_stamp, costs=10_000, least=2_000))
    monkeypatch.setattr(masks, "GLYPH_PAYS_AFTER", 60)
    stamp, found = masks.Masks.stamp, list[int]()
    monkeypatch.setattr(masks.Masks, "stamp", lambda self, *args: (found.append(1), stamp(self, *args))[1])
    return found


def test_without_being_asked_it_begins_once_it_pays(stamped: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    typesetter = Typesetter()
    pages = list(typesetter.layout_pages((DATA / "udhr-eng.txt").read_text(encoding="utf-8") * 8, Theta()))
    seen = []
    for page in pages:
        typesetter.draw(page)
        seen.append(len(stamped))
    assert seen[0] == 0
    assert seen[-1] > seen[len(seen) // 2] > 0
    stamped.clear()
    monkeypatch.setenv("GLYPHRENDER_RASTER", "skia")
    typesetter.draw(pages[0])
    assert not stamped


@pytest.mark.parametrize(("times", "begins"), [(8, 5_000), (1, None)])
def test_it_begins_early_if_much_of_the_text_follows(
    stamped: list[int], monkeypatch: pytest.MonkeyPatch, times: int, begins: int | None
) -> None:
    text = (DATA / "udhr-eng.txt").read_text(encoding="utf-8") * times
    typesetter = Typesetter()
    characters, pngs = [], []
    document = render(text, typesetter=typesetter)
    for page in document:
        pngs.append(page.png())
        characters.append(page.span[1] if stamped else None)
    first = next((end for end in characters if end), None)
    assert (first is None) if begins is None else (begins < (first or 0) < 10_000 + len(document[0].text))
    monkeypatch.setenv("GLYPHRENDER_RASTER", "skia")
    assert pngs == [page.png() for page in document]


def test_numba_that_is_asked_for_and_missing_is_an_error(compiled: pytest.MonkeyPatch) -> None:
    compiled.setattr(masks, "LOADER", Loader(load_stamp))
    compiled.setitem(sys.modules, "glyphrender.raster.stamp", None)
    with pytest.raises(DependencyError, match=r"\.\[fast\]"):
        TYPESETTER.draw(next(TYPESETTER.layout_pages("text", Theta())))
    compiled.delenv("GLYPHRENDER_RASTER")
    TYPESETTER.draw(next(TYPESETTER.layout_pages("text", Theta())))


def test_code_that_cannot_be_loaded_is_asked_for_once() -> None:
    asked = []

    def load() -> None:
        asked.append(1)
        raise ImportError("no numba")

    loader = Loader(load, costs=10, least=10)
    assert [loader.note(6) for _ in range(9)] == [None] * 9
    with pytest.raises(ImportError, match="no numba"):
        loader.now()
    assert len(asked) == 1


def test_an_interrupt_while_it_loads_leaves_it_to_load_again() -> None:
    results = iter([KeyboardInterrupt, "code"])

    def load() -> str:
        result = next(results)
        if isinstance(result, str):
            return result
        raise result

    loader = Loader(load, costs=10, least=10)
    with pytest.raises(KeyboardInterrupt):
        loader.note(10)
    assert loader.note(1) == "code"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_is_forked_while_another_thread_loads_goes_on_without() -> None:
    begun, forked = threading.Event(), threading.Event()
    loader = Loader(lambda: (begun.set(), forked.wait(300), "code")[2], costs=10, least=10)
    thread = threading.Thread(target=loader.note, args=(10,))
    thread.start()
    assert begun.wait(300)
    child = os.fork()
    if not child:
        signal.alarm(300)
        os._exit(0 if loader.note(10) is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    forked.set()
    thread.join()
    assert loader.note(0) == "code"


def test_threads_that_draw_at_once_load_once() -> None:
    loads = []
    loader = Loader(lambda: loads.append(1) or "code", costs=100, least=100)
    threads = [threading.Thread(target=lambda: [loader.note(1) for _ in range(300)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]
    assert loader.now() == "code"


def test_a_short_document_does_not_load_numba() -> None:
    code = "import sys; from glyphrender import render; render('text ' * 9999)[0].png(); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

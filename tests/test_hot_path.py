"""Count the calls on the hot path. A count guards the speed better than a clock, which is noisy.

A page costs calls of HarfBuzz for new words, calls of Skia for lines, one compression, and some numpy calls a chunk. If
a loop begins to make one of these calls for each word or glyph, the count grows many times over.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphrender import Theta, layout
from glyphrender.raster import canvas, page, png
from glyphrender.raster.canvas import rasteriser
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.typeset import buffer, shape

TEXT = (Path(__file__).parent / "data/udhr-eng.txt").read_text(encoding="utf-8") * 8
THETA = Theta(font="DejaVu Sans", font_size=9, line_height=10)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counted: Counter[str] = Counter()

    def count(owner: Any, name: str, label: str) -> None:
        function: Callable[..., Any] = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            counted[label] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, counting)

    for kind in (buffer.NativeBuffer, buffer.ObjectBuffer):
        count(kind, "__call__", "HarfBuzz")
    count(page, "place", "place")
    count(canvas.SkiaCanvas, "glyphs", "blob")
    count(png, "deflated", "deflate")
    default_typesetter().clear()
    return counted


def test_harfbuzz_is_called_once_for_hundreds_of_new_words_and_not_for_known_ones(calls: Counter[str]) -> None:
    pages = list(layout(TEXT, THETA))
    assert len(pages) > 10
    known = len(default_typesetter().shaper.words(default_typesetter().shaper.style(THETA)))
    assert known > 500
    # The space and the hyphen, which lines are measured by, are shaped in calls of their own.
    assert calls["HarfBuzz"] <= -(-known // shape.BATCH) + 3
    calls.clear()
    list(layout(TEXT, THETA.replace(font_size=8, line_height=9)))
    assert calls["HarfBuzz"] <= 3


@pytest.mark.skipif(rasteriser() != "skia", reason="Skia cannot be loaded here")
def test_a_page_is_placed_drawn_and_compressed_once(calls: Counter[str]) -> None:
    pages = list(layout(TEXT, THETA))
    blocks = sum(len(page.blocks) for page in default_typesetter().layout_pages(TEXT, THETA))
    calls.clear()
    for each in pages:
        each.png()
    assert blocks <= len(pages) + 1
    assert calls == {"place": blocks, "blob": blocks, "deflate": len(pages)}


def entered_by(act: Callable[[], object]) -> int:
    """Return how many Python functions are entered while `act` runs."""
    entered = 0

    def profile(frame: Any, event: str, argument: Any) -> None:
        nonlocal entered
        entered += event == "call"

    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
    return entered


def test_python_calls_grow_with_lines_and_not_with_words(calls: Counter[str]) -> None:
    """If all words are known, `layout` calls a few Python functions a line, and a few hundred a chunk."""
    list(layout(TEXT, THETA))
    pages: list[Any] = []
    entered = entered_by(lambda: pages.extend(default_typesetter().layout_pages(TEXT, THETA)))
    lines = sum(block.hi - block.lo for each in pages for block in each.blocks)
    words = TEXT.count(" ")
    assert words > 10 * lines
    assert entered < 5 * lines + 1500


def test_a_page_allocates_for_its_own_lines_and_not_for_all_lines_of_the_chunk() -> None:
    """A chunk of narrow pages has tens of thousands of lines. What a page makes must not grow with them."""
    narrow = THETA.replace(page_size=(12, 12), margin_x=0, margin_y=0)
    pages = default_typesetter().layout_pages(TEXT[:40_000], narrow)
    tracemalloc.start()
    try:
        next(pages)  # lays out the lines of the whole chunk
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        some = [next(pages) for _ in range(8)]
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    lines = len(some[0].blocks[0].table)
    assert lines > 16_000
    assert peak < lines


def test_drawing_makes_arrays_and_not_an_object_a_glyph(calls: Counter[str]) -> None:
    """Drawing enters a fixed number of Python functions a page, and none for each line, word or glyph."""
    each = next(layout(TEXT, THETA))
    each.png()
    entered = entered_by(each.png)
    assert np.prod(each.size) > 400_000
    assert entered < 150

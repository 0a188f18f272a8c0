"""Every stage of rendering, over scripts × lengths × θ, measured by pytest-benchmark in CPU seconds.

    pytest benchmarks/bench_stages.py                                      # all, some 2 minutes
    pytest benchmarks/bench_stages.py -k "layout and code" --benchmark-columns=min,median,ops
    pytest benchmarks/bench_stages.py --benchmark-autosave; … --benchmark-compare    # before and after a change

The stages are: `words` finds and shapes the words of a text in a new cache; `layout` lays the text out with that cache
filled; `second` lays it out again at another size; `draw` and `png` draw and encode its first page. The JSON column
`extra` holds characters a second. CPU time is used because a busy machine hardly changes it.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
import texts

from glyphrender import Theta, layout
from glyphrender.raster import png
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.typeset.layout import analysed
from glyphrender.typeset.segments import SegmentTable

TEXTS = {
    "english": (texts.novel, "DejaVu Sans"),
    "code": (texts.code, "DejaVu Sans Mono"),
    "chinese": (texts.chinese, "Noto Sans CJK SC"),
    "arabic": (lambda: texts.declaration("arb"), "Noto Naskh Arabic"),
    "hindi": (lambda: texts.declaration("hin"), "Noto Sans Devanagari"),
    "thai": (lambda: texts.declaration("tha"), "Noto Sans Thai"),
}
LENGTHS = (10_000, 100_000, 1_000_000)
THETAS = {
    "glyph": {},
    "justified": {"alignment": "JUSTIFY", "columns": 2, "column_gap": 12},
    "flowing": {"newline_markup": '<font color="#FF0000"> \\n </font>'},
    "large": {"dpi": 144},
}

pytestmark = pytest.mark.benchmark(timer=time.process_time, min_rounds=3, max_time=0.5, warmup=False)


@pytest.fixture(params=TEXTS)
def script(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=LENGTHS)
def text(request: pytest.FixtureRequest, script: str) -> str:
    whole = TEXTS[script][0]()
    return (whole * (1 + request.param // len(whole)))[: request.param]


@pytest.fixture(params=THETAS)
def theta(request: pytest.FixtureRequest, script: str) -> Theta:
    return Theta(font=TEXTS[script][1], **THETAS[request.param])


def note_speed(benchmark: Any, text: str) -> None:
    """Add the characters a second to the record of the benchmark."""
    benchmark.extra_info["characters a second"] = round(len(text) / benchmark.stats.stats.min)


def test_words(benchmark: Any, text: str, theta: Theta) -> None:
    shaper = default_typesetter().shaper

    def analyse() -> list[SegmentTable]:
        return list(analysed(text, theta, shaper.style(theta), shaper))

    tables = benchmark.pedantic(analyse, setup=default_typesetter().clear, rounds=3)
    assert sum(len(table.text) for table in tables) == len(text)
    note_speed(benchmark, text)


def test_layout(benchmark: Any, text: str, theta: Theta) -> None:
    for _ in layout(text, theta):
        pass
    # Each round lays out a new text of the same words. To lay out the same text again is the stage `second`.
    rounds = iter(range(1, 100))
    benchmark.pedantic(
        lambda changed: sum(1 for _ in layout(changed, theta)),
        setup=lambda: (("\n" * next(rounds) + text,), {}),
        rounds=3,
    )
    note_speed(benchmark, text)


def test_second(benchmark: Any, text: str, theta: Theta) -> None:
    for _ in layout(text, theta):
        pass
    smaller = theta.replace(font_size=0.9 * theta.font_size)
    benchmark(lambda: sum(1 for _ in layout(text, smaller)))
    note_speed(benchmark, text)


@pytest.mark.parametrize("text", LENGTHS[:1], indirect=True)
def test_draw(benchmark: Any, text: str, theta: Theta) -> None:
    page = next(layout(text, theta))
    pixels = benchmark(lambda: page.array)
    assert pixels.min() < 64
    note_speed(benchmark, page.text)


@pytest.mark.parametrize("text", LENGTHS[:1], indirect=True)
@pytest.mark.parametrize("bits", [8, 4])
def test_png(benchmark: Any, text: str, theta: Theta, bits: int) -> None:
    page = next(layout(text, theta))
    pixels = page.array
    file = benchmark(lambda: png.encode(pixels, dpi=theta.dpi, bits=bits))
    benchmark.extra_info["bytes"] = len(file)
    note_speed(benchmark, page.text)

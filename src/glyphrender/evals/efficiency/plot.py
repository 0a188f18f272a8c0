"""Speed-ups of pages over text against the length of the text, as SVG: measured marks on lines, arithmetic on dashes.

The form is that of the efficiency figure of the Glyph paper: prefill, decoding and training, one line each, over
doubling lengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import log2
from typing import TYPE_CHECKING, Final, TypeAlias

from glyphrender.report.colors import paint
from glyphrender.report.plots import Frame, linear, mark, round_ticks, series_color

if TYPE_CHECKING:
    from glyphrender.evals.efficiency.expected import Expected
    from glyphrender.evals.efficiency.report import Report

__all__ = ["Series", "expected_plot", "report_plot", "speed_ups"]

_FRAME: Final = Frame(width=900, height=420, left=64, right=300, top=20, bottom=52)

# The ratios that are drawn, by their names in rows, and the names of their lines.
_LINES: Final = {
    "prefill": "prefill",
    "decode": "decoding, batch 1",
    "throughput": "decoding, largest batch",
    "training": "training",
}

#: The points of one line: text tokens and how many times faster.
Series: TypeAlias = Sequence[tuple[int, float]]


def report_plot(report: Report) -> str:
    """Return the speed-ups of a report, measured and by arithmetic."""
    measured: dict[str, list[tuple[int, float]]] = {name: [] for name in _LINES.values()}
    computed: dict[str, list[tuple[int, float]]] = {name: [] for name in _LINES.values()}
    for row in report.rows:
        for key, cell in row.cells().items():
            if key in _LINES and cell.measured is not None:
                measured[_LINES[key]].append((row.text_tokens, cell.measured))
            if key in _LINES and cell.expected is not None:
                computed[_LINES[key]].append((row.text_tokens, cell.expected))
    return speed_ups(measured, computed)


def expected_plot(expected: Expected) -> str:
    """Return the speed-ups of the arithmetic alone."""
    lines = {
        name: [(row.text_tokens, getattr(row, key)) for row in expected.rows if getattr(row, key) == getattr(row, key)]
        for key, name in _LINES.items()
    }
    return speed_ups({}, lines)


def speed_ups(measured: Mapping[str, Series], computed: Mapping[str, Series]) -> str:
    """Return an SVG document of lines over text tokens, on an axis that doubles.

    Args:
        measured: lines with marks.
        computed: dashed lines.
    """
    shown = [point for series in chain(measured.values(), computed.values()) for point in series]
    lengths = sorted({tokens for tokens, _ in shown}) or [1024]
    low, high = log2(lengths[0]) - 0.2, log2(lengths[-1]) + 0.2
    ticks = round_ticks(0.0, max([1.0, *(value for _, value in shown)]), intervals=6)
    names = list(dict.fromkeys([*measured, *computed]))

    def at(point: tuple[int, float]) -> tuple[float, float]:
        return _FRAME.x((log2(point[0]) - low) / (high - low)), _FRAME.y(linear(point[1], ticks))

    def line(series: Series, color: str, *, dashed: bool) -> str:
        if not series:
            return ""
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in map(at, series))
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        return f'<path d="M{path}" {paint(stroke=color)} stroke-width="1.6"{dashes}/>'

    def parts() -> Iterator[str]:
        last = 0.0
        for tokens in lengths:
            x, _ = at((tokens, 0.0))
            if x - last > 30:  # lengths that nearly double share no place
                last = x
                yield from _FRAME.vertical_line(
                    x, f"{tokens / 1024:.3g} K" if tokens < 1 << 20 else f"{tokens / (1 << 20):.3g} M"
                )
        for tick in ticks:
            yield from _FRAME.horizontal_line(_FRAME.y(linear(tick, ticks)), f"{tick:g}×")
        yield from _FRAME.titles("text tokens", "times faster as pages")
        for number, name in enumerate(names):
            color = series_color(number)
            yield line(computed.get(name, ()), color, dashed=True)
            yield line(measured.get(name, ()), color, dashed=False)
            for point in measured.get(name, ()):
                yield mark(number, *at(point), color, f"{name}, {point[0]:,} tokens: {point[1]:.2f}×")

    def legend() -> Iterator[tuple[str, str]]:
        for number, name in enumerate(names):
            color = series_color(number)
            if measured.get(name):
                yield mark(number, 0, 0, color, ""), name
            if computed.get(name):
                dash = f'<path d="M-9 0H9" {paint(stroke=color)} stroke-width="1.6" stroke-dasharray="5 4"/>'
                yield dash, f"{name}, by arithmetic"

    return _FRAME.document(
        chain(parts(), _FRAME.legend(legend())),
        title="Speed of pages against text",
        description="Across: text tokens, doubling. Upright: how many times faster pages are than the same text, for "
        f"{', '.join(names)}. Marks on lines are measured, dashes are arithmetic.",
    )

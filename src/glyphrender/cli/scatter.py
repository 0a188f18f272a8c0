"""A scatter plot as SVG: points by series, two axes with round ticks, a legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from glyphrender.document.svg import Frame, Labels, linear, mark, round_ticks

WIDTH, HEIGHT = 760, 460
_FRAME = Frame(width=WIDTH, height=HEIGHT, left=60, right=220, top=20, bottom=50)
# The colors of Okabe and Ito. People who confuse red and green can distinguish them. Further series differ in shape.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
# Most characters of a name that fit beside the plot.
_NAME = 28


class Point(NamedTuple):
    """A point of a plot: its place, the title that a pointer over it shows, and the label beside it."""

    x: float
    y: float
    title: str
    label: str = ""


def scatter(series: Mapping[str, Sequence[Point]], *, x: str, y: str) -> str:
    """Return an SVG document of points.

    Args:
        series: name → points.
        x: title of the axis that goes across.
        y: title of the upright axis, which begins at 0.
    """
    points = [point for each in series.values() for point in each]
    across = round_ticks(*_bounds([point.x for point in points]), intervals=5)
    up = round_ticks(*_bounds([0.0, *(point.y for point in points)]), intervals=5)
    parts: list[str] = []
    for tick in across:
        parts += _FRAME.vertical_line(_FRAME.x(linear(tick, across)), f"{tick:g}")
    for tick in up:
        parts += _FRAME.horizontal_line(_FRAME.y(linear(tick, up)), f"{tick:g}")
    parts += _FRAME.titles(x, y)
    places = {point: (_FRAME.x(linear(point.x, across)), _FRAME.y(linear(point.y, up))) for point in points}
    labels = Labels(_FRAME, places.values())
    named = {(*places[point], point.label) for point in points if point.label}  # points at one place share a name
    parts += [labels.place(*each) for each in sorted(named)]
    for index, each in enumerate(series.values()):
        parts += [_mark(index, *places[point], point.title) for point in each]
    left = _FRAME.right_edge + 22
    for index, name in enumerate(series):
        top = _FRAME.top + 8 + 19 * index
        parts.append(_mark(index, left, top, name))
        parts.append(f'<text x="{left + 15}" y="{top + 4}">{escape(_shortened(name))}</text>')
    return _FRAME.document(parts)


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    return min(values, default=0.0), max(values, default=1.0)


def _shortened(name: str) -> str:
    """Return the end of a long name, cut to the length that fits beside the plot."""
    return name if len(name) <= _NAME + 1 else f"…{name[-_NAME:]}"


def _mark(series: int, x: float, y: float, title: str) -> str:
    return mark(series // len(_COLORS), x, y, _COLORS[series % len(_COLORS)], title, opacity=0.75)

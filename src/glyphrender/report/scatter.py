"""A scatter plot as SVG: points by series, two axes with round ticks, a legend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from glyphrender.report.plots import Frame, Labels, linear, mark, round_ticks, series_color

__all__ = ["HEIGHT", "WIDTH", "Point", "scatter"]

WIDTH: Final = 760
HEIGHT: Final = 460
_FRAME: Final = Frame(width=WIDTH, height=HEIGHT, left=60, right=220, top=20, bottom=50)


class Point(NamedTuple):
    """A point of a plot: its place, the title that a pointer over it shows, and the label beside it."""

    x: float
    y: float
    title: str
    label: str = ""


def scatter(series: Mapping[str, Sequence[Point]], *, x: str, y: str, title: str) -> str:
    """Return an SVG document of points.

    Args:
        series: name → points.
        x: title of the axis that goes across.
        y: title of the upright axis, which begins at 0.
        title: name of the plot, for readers who do not see it.
    """
    points = [point for each in series.values() for point in each]
    across = round_ticks(*_bounds([point.x for point in points]), intervals=5)
    up = round_ticks(*_bounds([0.0, *(point.y for point in points)]), intervals=5)
    places = {point: (_FRAME.x(linear(point.x, across)), _FRAME.y(linear(point.y, up))) for point in points}

    def parts() -> Iterator[str]:
        for tick in across:
            yield from _FRAME.vertical_line(_FRAME.x(linear(tick, across)), f"{tick:g}")
        for tick in up:
            yield from _FRAME.horizontal_line(_FRAME.y(linear(tick, up)), f"{tick:g}")
        yield from _FRAME.titles(x, y)
        for index, each in enumerate(series.values()):
            for point in each:
                yield mark(index, *places[point], series_color(index), point.title)
        labels = Labels(_FRAME, places.values())
        named = {(*places[point], point.label) for point in points if point.label}  # points at one place share a name
        for place in sorted(named):
            yield labels.place(*place)
        yield from _FRAME.legend(
            (mark(index, 0, 0, series_color(index), ""), name) for index, name in enumerate(series)
        )

    return _FRAME.document(parts(), title=title, description=f"Across: {x}. Upright: {y}. {len(points)} points.")


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    return min(values, default=0.0), max(values, default=1.0)

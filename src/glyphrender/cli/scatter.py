"""A scatter plot as SVG, without a plotting library: points by series, axes with round ticks, a legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

WIDTH, HEIGHT = 760, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 220, 20, 50
# Okabe and Ito's colours, told apart by people who do not see red and green alike; then shapes tell further series.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")


class Point(NamedTuple):
    """A point of a plot: where it is, what a pointer over it shows, and what stands beside it."""

    x: float
    y: float
    title: str
    label: str = ""


def scatter(series: Mapping[str, Sequence[Point]], *, x: str, y: str) -> str:
    """An SVG document of points.

    Args:
        series: name → points.
        x, y: titles of the axes.
    """
    points = [point for each in series.values() for point in each]
    across = _ticks([point.x for point in points])
    up = _ticks([0.0, *(point.y for point in points)])

    def at(value: float, ticks: Sequence[float], start: int, end: int) -> float:
        return start + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start)

    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for tick in across:
        place = f"{at(tick, across, _LEFT, right):.1f}"
        parts.append(f'<path d="M{place} {_TOP}V{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{place}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
    for tick in up:
        place = f"{at(tick, up, bottom, _TOP):.1f}"
        parts.append(f'<path d="M{_LEFT} {place}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{place}" dy="4" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{(_LEFT + right) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x)}</text>')
    parts.append(f'<text transform="translate(16 {(_TOP + bottom) / 2}) rotate(-90)">{escape(y)}</text>')
    for index, (name, each) in enumerate(series.items()):
        for point in each:
            left, top = at(point.x, across, _LEFT, right), at(point.y, up, bottom, _TOP)
            parts.append(_mark(index, left, top, point.title))
            if point.label:
                parts.append(f'<text x="{left + 6:.1f}" y="{top + 3:.1f}" font-size="9">{escape(point.label)}</text>')
        parts.append(_mark(index, right + 20, _TOP + 10 + 18 * index, name))
        parts.append(f'<text x="{right + 32}" y="{_TOP + 14 + 18 * index}">{escape(_shortened(name))}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _shortened(name: str) -> str:
    """The end of a long name, as much as fits beside the plot."""
    return name if len(name) <= 29 else f"…{name[-28:]}"


def _mark(series: int, x: float, y: float, shown: str) -> str:
    color, shape = _COLORS[series % len(_COLORS)], series // len(_COLORS) % 3
    path = (
        f"M{x - 4:.1f} {y:.1f}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z",
        f"M{x:.1f} {y - 5:.1f}l5 8h-10z",
    )[shape]
    return f'<path d="{path}" fill="{color}" fill-opacity=".75"><title>{escape(shown)}</title></path>'


def _ticks(values: Sequence[float]) -> list[float]:
    """Round numbers, some four to ten, that enclose `values`."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 5
    unit = 10.0 ** floor(log10(rough))
    step = next(step * unit for step in (1, 2, 5, 10) if step * unit >= rough)
    return [round(tick * step, 10) for tick in range(floor(low / step + 1e-9), ceil(high / step - 1e-9) + 1)]

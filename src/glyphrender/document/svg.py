"""Pieces of plots as SVG: a frame with grid lines and titles, round ticks, marks, a legend.

The SVG is written without a plotting library, and text in it stays text. This module knows nothing of searches or
ratios; `search.plot`, `evals.plots` and `cli.scatter` decide what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

__all__ = ["SHAPES", "Frame", "Labels", "linear", "mark", "round_ticks"]

_UPRIGHT_GRID, _GRID, _MINOR_GRID = "#e5e5e5", "#d4d4d4", "#f2f2f2"

SHAPES: Final = 5
"""Number of shapes that `mark` has: circle, square, triangle, diamond, and a triangle upside down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A picture of `width` × `height` pixels, and the margins around the area in which values are plotted."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def right_edge(self) -> int:
        """The x at which the plotting area ends."""
        return self.width - self.right

    @property
    def floor(self) -> int:
        """The y at which the plotting area ends."""
        return self.height - self.bottom

    def x(self, share: float) -> float:
        """Return the x of a value: `share` is 0 at the left edge of the plotting area and 1 at the right edge."""
        return self.left + share * (self.right_edge - self.left)

    def y(self, share: float) -> float:
        """Return the y of a value: `share` is 0 at the floor of the plotting area and 1 at its top."""
        return self.floor - share * (self.floor - self.top)

    def vertical_line(self, x: float, label: str) -> Iterator[str]:
        """Draw a grid line, with its label below."""
        yield f'<path d="M{x:.1f} {self.top}V{self.floor}" stroke="{_UPRIGHT_GRID}"/>'
        yield f'<text x="{x:.1f}" y="{self.floor + 18}" text-anchor="middle">{escape(label)}</text>'

    def horizontal_line(self, y: float, label: str = "", *, minor: bool = False) -> Iterator[str]:
        """Draw a grid line, with its label on the left; minor lines are paler, and their labels smaller."""
        color = _MINOR_GRID if minor else _GRID
        yield f'<path d="M{self.left} {y:.1f}H{self.right_edge}" stroke="{color}"/>'
        if label:
            style = ' fill="#888" font-size="10"' if minor else ""
            place = f'x="{self.left - 8}" y="{y:.1f}" dy="4" text-anchor="end"'
            yield f"<text {place}{style}>{escape(label)}</text>"

    def titles(self, x: str, y: str) -> Iterator[str]:
        """Write the titles of both axes."""
        middle = (self.left + self.right_edge) / 2
        yield f'<text x="{middle}" y="{self.height - 10}" text-anchor="middle">{escape(x)}</text>'
        turned = f"translate(14 {(self.top + self.floor) / 2}) rotate(-90)"
        yield f'<text transform="{turned}" text-anchor="middle">{escape(y)}</text>'

    def legend(self, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
        """List (mark, name) beside the plot; a row without a name is a gap. Marks are drawn around the origin."""
        y = self.top + 8
        for symbol, name in rows:
            if name:
                place = f"translate({self.right_edge + 22} {y})"
                yield f'<g transform="{place}">{symbol}<text x="15" y="4">{escape(name)}</text></g>'
            y += 19 if name else 9

    def document(self, parts: Iterable[str]) -> str:
        """Return the SVG document that has `parts` on a white ground."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="system-ui, sans-serif" font-size="12">'
        )
        ground = f'<rect width="{self.width}" height="{self.height}" fill="#fff"/>'
        return "\n".join([head, ground, *(part for part in parts if part), "</svg>\n"])


class Labels:
    """Places names beside points, so that no name covers another name or a mark.

    Args:
        frame: the picture. Names stay within the plotting area.
        marks: the middles of all marks.
        size: size of the type in pixels.
    """

    def __init__(self, frame: Frame, marks: Iterable[tuple[float, float]], *, size: float = 9.0) -> None:
        self._frame = frame
        self._size = size
        self._taken = [(x - _MARK, y - _MARK, x + _MARK, y + _MARK) for x, y in marks]

    def place(self, x: float, y: float, name: str, *, color: str = "#333", style: str = "") -> str:
        """Return the name of the mark at (x, y) as SVG, or "" if there is no room within reach.

        A name that stands away from its mark is tied to the mark by a thin line.
        """
        width, height = 0.6 * self._size * len(name), 1.1 * self._size
        for away in _REACH:
            for across, down in _DIRECTIONS:
                middle_x = x + across * (away + width / 2)
                middle_y = y + down * (away + height / 2)
                box = (middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2)
                if self._is_free(box):
                    self._taken.append(box)
                    near_x, near_y = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
                    tie = f'<path d="M{x:.1f} {y:.1f}L{near_x:.1f} {near_y:.1f}" stroke="#aaa" stroke-width=".7"/>'
                    text = (
                        f'<text x="{middle_x:.1f}" y="{middle_y + 0.35 * self._size:.1f}" text-anchor="middle" '
                        f'font-size="{self._size:g}" fill="{color}"{style}>{escape(name)}</text>'
                    )
                    return (tie if away > _REACH[0] else "") + text
        return ""

    def _is_free(self, box: tuple[float, float, float, float]) -> bool:
        left, top, right, bottom = box
        frame = self._frame
        if left < frame.left or right > frame.right_edge or top < frame.top or bottom > frame.floor:
            return False
        return not any(left < x1 and x0 < right and top < y1 and y0 < bottom for x0, y0, x1, y1 in self._taken)


# Half the side of the square that a mark needs, the distances of a name from its mark, and the directions to try.
_MARK: Final = 4.5
_REACH: Final = (6.0, 14.0, 24.0, 36.0)
_DIRECTIONS: Final = ((1, 0), (-1, 0), (0, -1), (0, 1), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8))


def round_ticks(low: float, high: float, *, intervals: int) -> tuple[float, ...]:
    """Return round numbers that enclose `low` and `high`, with about `intervals` steps between them.

    >>> round_ticks(0.3, 4.1, intervals=5)
    (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    """
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / intervals
    unit = 10.0 ** floor(log10(rough))
    step = next(step * unit for step in (1, 2, 5, 10) if step * unit >= rough)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return tuple(round(tick * step, 10) for tick in range(first, last + 1))


def linear(value: float, ticks: Sequence[float]) -> float:
    """Return where `value` stands between the first tick (0) and the last (1)."""
    return (value - ticks[0]) / (ticks[-1] - ticks[0])


def mark(shape: int, x: float, y: float, color: str, title: str, *, opacity: float = 0.85) -> str:
    """Draw a mark of some 7 pixels around (x, y); `title` is shown when the pointer is over the mark.

    Args:
        shape: a number from 0 on; shapes repeat after `SHAPES`.
        x: the middle of the mark.
        y: the middle of the mark.
        color: the color of its area.
        title: text, which is escaped here.
        opacity: 0 … 1.
    """
    path = (
        f"M{x - 3.5:.1f} {y:.1f}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
        f"M{x - 3.2:.1f} {y - 3.2:.1f}h6.4v6.4h-6.4z",
        f"M{x:.1f} {y - 4.4:.1f}l4.4 7.6h-8.8z",
        f"M{x:.1f} {y - 4.8:.1f}l4.8 4.8l-4.8 4.8l-4.8 -4.8z",
        f"M{x:.1f} {y + 4.4:.1f}l4.4 -7.6h-8.8z",
    )[shape % SHAPES]
    return f'<path d="{path}" fill="{color}" fill-opacity="{opacity}"><title>{escape(title)}</title></path>'

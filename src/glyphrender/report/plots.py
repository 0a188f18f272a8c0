"""Pieces of plots as SVG: a frame with grid lines and titles, round ticks, marks, intervals, a legend.

The SVG is written without a plotting library, and text in it stays text. The same document is a file of its own and a
part of a report: its colors follow the scheme of the reader, and its title and description are read aloud. This module
knows nothing of searches or ratios; `scatter.py` and the rooms above decide what is drawn.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

from glyphrender.report.colors import SERIES, paint, plot_rules

__all__ = ["HALO", "SHAPES", "Frame", "Labels", "interval", "linear", "mark", "round_ticks", "series_color", "svg_text"]

SHAPES: Final = 5
"""Number of shapes that `mark` has: circle, square, triangle, diamond, and a triangle upside down."""

HALO: Final = ' paint-order="stroke" stroke-width="3"'
"""Attributes of a name that is set on a border of the ground's color, so that no line runs through it."""

# Width of a character of the type, as a share of its size, with some room.
_ADVANCE: Final = 0.55
_SIZE: Final = 12
# What XML 1.0 does not allow (production 2).
_NOT_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


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
        yield f'<path d="M{x:.1f} {self.top}V{self.floor}" {paint(stroke="faint")}/>'
        place = f'x="{x:.1f}" y="{self.floor + 18}" text-anchor="middle"'
        yield f"<text {place} {paint(fill='ink')}>{svg_text(label)}</text>"

    def horizontal_line(self, y: float, label: str = "", *, minor: bool = False) -> Iterator[str]:
        """Draw a grid line, with its label on the left; minor lines are paler, and their labels smaller."""
        yield f'<path d="M{self.left} {y:.1f}H{self.right_edge}" {paint(stroke="faint" if minor else "rule")}/>'
        if label:
            style = f'{paint(fill="quiet")} font-size="10"' if minor else paint(fill="ink")
            place = f'x="{self.left - 8}" y="{y:.1f}" dy="4" text-anchor="end"'
            yield f"<text {place} {style}>{svg_text(label)}</text>"

    def titles(self, x: str, y: str) -> Iterator[str]:
        """Write the titles of both axes."""
        middle = (self.left + self.right_edge) / 2
        style = f'text-anchor="middle" {paint(fill="ink")}'
        wide, high = (int(side / (_ADVANCE * _SIZE)) for side in (2 * min(middle, self.width - middle), self.height))
        yield f'<text x="{middle}" y="{self.height - 10}" {style}>{_within(x, wide)}</text>'
        turned = f"translate(14 {(self.top + self.floor) / 2}) rotate(-90)"
        yield f'<text transform="{turned}" {style}>{_within(y, high)}</text>'

    def legend(self, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
        """List (mark, name) beside the plot; a row without a name is a gap. Marks are drawn around the origin.

        A name that is too long for the margin is cut in its middle, and a pointer over it shows all of it. Names for
        which no room is left are counted.
        """
        most = int((self.right - 22 - 15 - 4) / (_ADVANCE * _SIZE))
        listed, y = list(rows), self.top + 8
        for at, (symbol, name) in enumerate(listed):
            left = sum(bool(name) for _, name in listed[at:])
            if last := y > self.height - 30 and left > 1:
                symbol, name = "", f"… and {left} more"
            if name:
                text = f'<text x="15" y="4" {paint(fill="ink")}>{_within(name, most)}</text>'
                yield f'<g transform="translate({self.right_edge + 22} {y})">{symbol}{text}</g>'
            if last:
                return
            y += 19 if name else 9

    def document(self, parts: Iterable[str], *, title: str, description: str) -> str:
        """Return the SVG document that has `parts` on the ground of its reader's scheme.

        Args:
            parts: elements, in the order in which they are drawn; empty ones are left out.
            title: name of the plot, for readers who do not see it.
            description: the axes, and where the figures can be read.
        """
        # Ids that no other plot of a page has, unless it is the same plot.
        own = hashlib.sha256(f"{title}\0{description}".encode("utf-8", "replace")).hexdigest()[:8]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" aria-labelledby="t-{own} d-{own}" '
            f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
            f'font-family="system-ui, sans-serif" font-size="{_SIZE}">'
        )
        about = f'<title id="t-{own}">{svg_text(title)}</title><desc id="d-{own}">{svg_text(description)}</desc>'
        style = f"<style>{plot_rules()}</style>"
        ground = f'<rect width="{self.width}" height="{self.height}" {paint(fill="ground")}/>'
        return "\n".join([head, about, style, ground, *(part for part in parts if part), "</svg>\n"])


def _within(text: str, most: int) -> str:
    """Return text of at most so many characters for an element; if it is cut, a pointer over it shows all of it."""
    if len(text) <= most:
        return svg_text(text)
    half = (most - 1) // 2
    return f"{svg_text(f'{text[:half]}…{text[-half:]}')}<title>{svg_text(text)}</title>"


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

    def place(self, x: float, y: float, name: str, *, color: str = "ink", bold: bool = False) -> str:
        """Return the name of the mark at (x, y) as SVG, or "" if there is no room within reach.

        The name stands on a border of the ground's color, so that no line runs through it. A name that stands away
        from its mark is tied to the mark by a thin line.
        """
        width, height = (0.6 + 0.04 * bold) * self._size * len(name), 1.1 * self._size
        for away in _REACH:
            for across, down in _DIRECTIONS:
                middle_x = x + across * (away + width / 2)
                middle_y = y + down * (away + height / 2)
                box = (middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2)
                if self._is_free(box):
                    self._taken.append(box)
                    near_x, near_y = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
                    line = f'd="M{x:.1f} {y:.1f}L{near_x:.1f} {near_y:.1f}" stroke-width=".7"'
                    tie = f"<path {line} {paint(stroke='firm')}/>"
                    weight = ' font-weight="600"' if bold else ""
                    text = (
                        f'<text x="{middle_x:.1f}" y="{middle_y + 0.35 * self._size:.1f}" text-anchor="middle" '
                        f'font-size="{self._size:g}" {paint(fill=color, stroke="ground")}{HALO}{weight}>'
                        f"{svg_text(name)}</text>"
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


def svg_text(text: str) -> str:
    """Return text for SVG: markup is escaped, and characters that XML does not allow become U+FFFD.

    >>> svg_text("a<b\\0")
    'a&lt;b\ufffd'
    """
    return escape(_NOT_XML.sub("\ufffd", text))


def series_color(number: int) -> str:
    """Return the name of the color of a series, for `paint`.

    Colors repeat after seven series and shapes after five, so a pair of color and shape repeats after 35.
    """
    return f"series-{number % len(SERIES)}"


def mark(shape: int, x: float, y: float, color: str, title: str, *, hollow: bool = False) -> str:
    """Draw a mark of some 7 pixels around (x, y); `title` is shown when the pointer is over the mark.

    Args:
        shape: a number from 0 on; shapes repeat after `SHAPES`.
        x: the middle of the mark.
        y: the middle of the mark.
        color: name of its color, such as `series_color` returns.
        title: text, which is escaped here.
        hollow: draw its outline alone.
    """
    path = (
        f"M{x - 3.5:.1f} {y:.1f}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
        f"M{x - 3.2:.1f} {y - 3.2:.1f}h6.4v6.4h-6.4z",
        f"M{x:.1f} {y - 4.4:.1f}l4.4 7.6h-8.8z",
        f"M{x:.1f} {y - 4.8:.1f}l4.8 4.8l-4.8 4.8l-4.8 -4.8z",
        f"M{x:.1f} {y + 4.4:.1f}l4.4 -7.6h-8.8z",
    )[shape % SHAPES]
    # A border of the ground's color keeps marks apart that lie over each other.
    looks = paint(fill="ground", stroke=color) if hollow else f'{paint(fill=color, stroke="ground")} stroke-width=".6"'
    name = f"<title>{svg_text(title)}</title>" if title else ""
    return f'<path d="{path}" {looks}>{name}</path>'


def interval(x: float, top: float, bottom: float, color: str) -> str:
    """Draw an interval of an upright axis, with its two ends."""
    ends = f"M{x - 3:.1f} {top:.1f}h6M{x - 3:.1f} {bottom:.1f}h6"
    return f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}{ends}" stroke-opacity=".6" {paint(stroke=color)}/>'

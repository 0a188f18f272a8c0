"""Block marks: what blocks of rich text draw beside their letters: backgrounds, bars, rules and markers.

Horizontal positions are kept inside the column, and a marker inside its indent, so nothing leaves the page. In a
paragraph that runs from right to left, everything stands at the right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender.raster.looks import Band
from glyphrender.text.bidi import left_to_right
from glyphrender.theta import Theta
from glyphrender.typeset.line_boxes import mirrored, unit_points
from glyphrender.typeset.line_table import CELL, FIRST, LAST, RULED
from glyphrender.typeset.page_layout import Block
from glyphrender.typeset.paragraph_styles import ParagraphStyle
from glyphrender.typeset.table_rows import floors

# In em of θ: the width of a bar and its distance from the edge of its block, and the room between marker and text.
_BAR: Final = 0.12
_BAR_AT: Final = 0.35
_MARKER_ROOM: Final = 0.4
# The width of a rule, in em.
_RULE: Final = 0.06


class MarkedLine(NamedTuple):
    """A line beside which something is drawn: its number, its edges in points, and its paragraph.

    `room` is the room between the line and the one above it. `left` and `right` are the edges of the room of a line in
    a cell, from the left edge of the text. `above` and `below` lie between its row and its neighbors. NaN stands for
    none.
    """

    number: int
    top: float
    bottom: float
    lead: float
    leftward: bool
    style: ParagraphStyle
    begins: bool
    ends: bool
    flags: int
    left: float
    right: float
    above: float
    below: float
    room: float


def marked_lines(block: Block, theta: Theta) -> list[MarkedLine]:
    """Return the lines of a block beside which something is drawn."""
    table, lo, hi = block.table, block.lo, block.hi
    assert table.lead is not None
    styles = table.segments.paragraph_styles
    paragraph = table.paragraphs(lo, hi)
    at = np.flatnonzero(styles.has_marks[paragraph])
    if not len(at):
        return []
    bottoms: NDArray[np.float64] = block.tops + block.line_heights(theta)
    lead = table.lead[lo:hi] * unit_points(theta)
    flags = table.flags[lo:hi]
    left = right = above = below = np.full(hi - lo, np.nan)
    if table.cell_left is not None and table.cell_width is not None:
        bottoms, above, below = floors(flags, block.tops, bottoms, block.row_below)
        left = table.cell_left[lo:hi] * unit_points(theta)
        right = left + table.cell_width[lo:hi] * unit_points(theta)
    room = np.append(block.room_above, np.maximum(block.tops[1:] - bottoms[:-1], 0.0))
    flags = flags[at]
    return list(
        map(
            MarkedLine,
            at.tolist(),
            block.tops[at].tolist(),
            bottoms[at].tolist(),
            lead[at].tolist(),
            table.leftward(lo, hi)[at].tolist(),
            [styles[style] for style in paragraph[at].tolist()],
            ((flags & FIRST) != 0).tolist(),
            ((flags & LAST) != 0).tolist(),
            flags.tolist(),
            left[at].tolist(),
            right[at].tolist(),
            above[at].tolist(),
            below[at].tolist(),
            room[at].tolist(),
        )
    )


def _across(line: MarkedLine, start: float, end: float | None, block: Block, theta: Theta) -> tuple[float, float]:
    """Return the left and the right edge, in points, of what stands between two indents of a line.

    Indents are in em; None is the other side of the column. They shrink with the indent of the line, if that was too
    large for the column.
    """
    full = line.style.indent * theta.em
    share = line.lead / full if full else 1.0
    shift = mirrored(theta) if line.leftward else 0.0
    left = block.column + theta.gutter - shift + theta.left_indent + theta.inset
    right = block.column + theta.column_width - shift - theta.right_indent - theta.inset
    near, far = start * theta.em * share, right - left if end is None else end * theta.em * share
    return (right - far, right - near) if line.leftward else (left + near, left + far)


def backgrounds(lines: Sequence[MarkedLine], block: Block, theta: Theta) -> Iterator[Band]:
    """Yield the backgrounds of the blocks, in points. Lines one below the other have one background."""
    held: Band | None = None
    for line in lines:
        if line.style.background is None:
            continue
        color, start = line.style.background
        x0, x1 = _across(line, start, None, block, theta)
        if held is not None and (held.x0, held.x1, held.color) == (x0, x1, color) and held.y1 > line.top - 0.01:
            held = held._replace(y1=max(held.y1, line.bottom))
            continue
        if held is not None:
            yield held
        held = Band(x0, line.top, x1, line.bottom, color)
    if held is not None:
        yield held


def rules(lines: Sequence[MarkedLine], block: Block, theta: Theta) -> Iterator[Band]:
    """Yield the bars and the rules of the blocks, in points."""
    bars: dict[tuple[float, float], Band] = {}
    for line in lines:
        style = line.style
        places: dict[tuple[float, float], float] = {}  # a bar → where it begins: it goes on above if its block does
        for side in style.sides:
            x0, x1 = _across(line, side, style.indent, block, theta)
            width = min(_BAR * theta.em, x1 - x0)
            at = min(_BAR_AT * theta.em, x1 - x0 - width)
            edges = (x1 - at - width, x1 - at) if line.leftward else (x0 + at, x0 + at + width)
            places[edges] = line.top if line.begins and side in style.opened else line.top - line.room
        for place in [place for place in bars if place not in places or bars[place].y1 < places[place] - 0.01]:
            yield bars.pop(place)
        for (x0, x1), top in places.items():
            held = bars.get((x0, x1))
            bottom = max(held.y1, line.bottom) if held else line.bottom
            bars[x0, x1] = Band(x0, held.y0 if held else top, x1, bottom, None)
        width = _RULE * theta.font_size
        for start, y, shown in (
            (style.above, line.top, line.begins),
            (style.below, line.bottom - width, line.ends),
            (style.middle, (line.top + line.bottom - width) / 2, line.begins),
        ):
            if shown and start >= 0:
                x0, x1 = _across(line, start, None, block, theta)
                yield Band(x0, y, x1, y + width, None)
        if line.flags & CELL:
            yield from _of_cell(line, block, theta, width)
    for bar in bars.values():
        yield bar if block.row_below is None else bar._replace(y1=max(bar.y1, block.row_below))


def _of_cell(line: MarkedLine, block: Block, theta: Theta, width: float) -> Iterator[Band]:
    """Yield the rules of a line in a cell, as wide as its column: below the head, and between rows."""
    cell = line.style.cell
    edge = block.column + theta.text_offset - (mirrored(theta) if line.leftward else 0.0)
    places = [line.above - width / 2] if line.flags & RULED and line.above == line.above else []
    if cell is not None and cell.head and line.ends:
        places.append(line.below - width / 2 if line.below == line.below else line.bottom - width)
    for y in places:
        yield Band(edge + line.left, y, edge + line.right, y + width, None)


class MarkerPlace(NamedTuple):
    """Where a marker, or the id of a paragraph, is drawn beside a line.

    Attributes:
        text: its characters from left to right.
        line: the line, from the first of its block.
        x0, x1: the edges of its room, in points.
        leftward: whether it stands at the left edge of its room, and not at the right.
    """

    text: str
    line: int
    x0: float
    x1: float
    leftward: bool


def markers(lines: Sequence[MarkedLine], block: Block, theta: Theta) -> Iterator[MarkerPlace]:
    """Yield the markers of the first lines of blocks."""
    for line in lines:
        if not line.begins:
            continue
        for marker in line.style.markers:
            x0, x1 = _across(line, marker.start, marker.end, block, theta)
            room = min(_MARKER_ROOM * theta.em, (x1 - x0) / 4)
            x0, x1 = (x0 + room, x1) if line.leftward else (x0, x1 - room)
            text = left_to_right(marker.text, "rtl") if line.leftward else marker.text
            yield MarkerPlace(text, line.number, x0, x1, line.leftward)

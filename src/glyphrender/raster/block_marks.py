"""Block marks: what blocks of rich text draw beside their letters: backgrounds, bars, rules and markers.

Horizontal positions are kept inside the column, and a marker inside its indent, so nothing leaves the page. In a
paragraph that runs from right to left, everything stands at the right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender.raster.looks import Band
from glyphrender.raster.table_rules import table_rules
from glyphrender.text.bidi import left_to_right
from glyphrender.theta import Theta
from glyphrender.typeset.line_boxes import mirrored, unit_points
from glyphrender.typeset.line_table import CELL, FIRST, LAST
from glyphrender.typeset.page_layout import Block
from glyphrender.typeset.paragraph_styles import ParagraphStyles
from glyphrender.typeset.table_rows import floors

# In em of θ: the width of a bar and its distance from the edge of its block, and the room between marker and text.
_BAR: Final = 0.12
_BAR_AT: Final = 0.35
_MARKER_ROOM: Final = 0.4
# The width of a rule, in em.
_RULE: Final = 0.06


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MarkedLines:
    """Lines beside which something is drawn, as columns. There are m of them. Lengths are points.

    Attributes:
        styles: the styles of paragraphs.
        number: [m] number of each line, from the first of its block.
        style: [m] the style of its paragraph, as a place in `styles`.
        flags: [m] its flags in the line table.
        top, bottom: [m] its edges; in tables, the bottom of its row for the last line of a cell.
        lead: [m] the indent by its block.
        leftward: [m] whether it starts at the right.
        left, right: [m] the edges of its room in a cell, from the left edge of the text; NaN outside cells.
        above, below: [m] between its row of a table and the rows beside; NaN where there is none.
        room: [m] the room between the line and the one above it.
    """

    styles: ParagraphStyles
    number: NDArray[np.intp]
    style: NDArray[np.int32]
    flags: NDArray[np.uint8]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]
    lead: NDArray[np.float64]
    leftward: NDArray[np.bool_]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    above: NDArray[np.float64]
    below: NDArray[np.float64]
    room: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.number)

    @property
    def begins(self) -> NDArray[np.bool_]:
        """[m] whether the line is the first of its paragraph."""
        begins: NDArray[np.bool_] = (self.flags & FIRST) != 0
        return begins


def marked_lines(block: Block, theta: Theta) -> MarkedLines | None:
    """Return the lines of a block beside which something is drawn; None if there are none."""
    table, lo, hi = block.table, block.lo, block.hi
    assert table.lead is not None
    styles, paragraph = table.segments.paragraph_styles, table.paragraphs(lo, hi)
    at = styles.has_marks[paragraph].nonzero()[0]
    if not len(at):
        return None
    bottoms: NDArray[np.float64] = block.tops + block.line_heights(theta)
    flags = table.flags[lo:hi]
    unit = unit_points(theta)
    left = right = above = below = np.full(len(at), np.nan)
    if table.cell_left is not None and table.cell_width is not None and (flags & CELL).any():
        bottoms, above, below = floors(flags, block.tops, bottoms, block.row_below)
        above, below = above[at], below[at]
        left = table.cell_left[lo:hi][at] * unit
        right = left + table.cell_width[lo:hi][at] * unit
    room = np.full(hi - lo, block.room_above)
    np.maximum(block.tops[1:] - bottoms[:-1], 0.0, out=room[1:])
    return MarkedLines(
        styles=styles,
        number=at,
        style=paragraph[at],
        flags=flags[at],
        top=block.tops[at],
        bottom=bottoms[at],
        lead=(table.lead[lo:hi][at] * unit).astype(np.float64),
        leftward=table.leftward(lo, hi)[at],
        left=left,
        right=right,
        above=above,
        below=below,
        room=room[at],
    )


def _across(
    lines: MarkedLines,
    at: NDArray[np.intp],
    start: NDArray[np.float64],
    end: NDArray[np.float64] | None,
    block: Block,
    theta: Theta,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the left and the right edge, in points, of what stands between two indents of lines `at`.

    Indents are in em; None is the other side of the column. They shrink with the indent of the line, if that was too
    large for the column.
    """
    full, lead, leftward = lines.styles.indent[lines.style[at]] * theta.em, lines.lead[at], lines.leftward[at]
    share = np.divide(lead, full, out=np.ones(len(at)), where=full != 0)
    shift = np.where(leftward, mirrored(theta), 0.0)
    left = block.column + theta.gutter - shift + theta.left_indent + theta.inset
    right = block.column + theta.column_width - shift - theta.right_indent - theta.inset
    near, far = start * theta.em * share, right - left if end is None else end * theta.em * share
    return np.where(leftward, right - far, left + near), np.where(leftward, right - near, left + far)


def backgrounds(lines: MarkedLines, block: Block, theta: Theta) -> Iterator[Band]:
    """Yield the backgrounds of the blocks, in points. Lines one below the other have one background."""
    held: Band | None = None
    at = lines.styles.has_background[lines.style].nonzero()[0]
    if not len(at):
        return
    asked = [lines.styles[number].background for number in lines.style[at].tolist()]
    found = [each for each in asked if each is not None]
    x0, x1 = _across(lines, at, np.array([start for _, start in found], np.float64), None, block, theta)
    columns = (x0.tolist(), lines.top[at].tolist(), x1.tolist(), lines.bottom[at].tolist())
    for left, top, right, bottom, (color, _) in zip(*columns, found, strict=True):
        if held is not None and (held.x0, held.x1, held.color) == (left, right, color) and held.y1 > top - 0.01:
            held = held._replace(y1=max(held.y1, bottom))
            continue
        if held is not None:
            yield held
        held = Band(left, top, right, bottom, color)
    if held is not None:
        yield held


def rules(lines: MarkedLines, block: Block, theta: Theta, goes_on: MarkedLines | None) -> NDArray[np.float64]:
    """Return [n, 4] x0, y0, x1, y1 of the bars and the rules of the blocks, in points.

    `goes_on` are the lines in which the first table goes on: those below a repeated head, or this head.
    """
    styles, of = lines.styles, lines.style
    begins, ends = lines.begins, (lines.flags & LAST) != 0
    width = _RULE * theta.font_size
    found = [_bars(lines, block, theta)]
    for start, y, shown in (
        (styles.above[of], lines.top, begins),
        (styles.below[of], lines.bottom - width, ends),
        (styles.middle[of], (lines.top + lines.bottom - width) / 2, begins),
    ):
        at = (shown & (start >= 0)).nonzero()[0]
        if len(at):
            x0, x1 = _across(lines, at, start[at], None, block, theta)
            found.append(np.stack([x0, y[at], x1, y[at] + width], axis=1))
    if ((lines.flags & CELL) != 0).any():
        edge = block.column + theta.text_offset - np.where(lines.leftward, mirrored(theta), 0.0)
        found.append(table_rules(lines, goes_on, edge, width))
    return np.concatenate(found)


def _bars(lines: MarkedLines, block: Block, theta: Theta) -> NDArray[np.float64]:
    """Return [n, 4] x0, y0, x1, y1 of the bars at the sides of blocks. Lines one below the other have one bar."""
    if not lines.styles.has_bars[lines.style].any():
        return np.zeros((0, 4))
    found = [lines.styles[number] for number in lines.style.tolist()]
    at = np.repeat(np.arange(len(lines)), [len(style.sides) for style in found])
    start = np.array([side for style in found for side in style.sides], np.float64)
    x0, x1 = _across(lines, at, start, lines.styles.indent[lines.style[at]], block, theta)
    width = np.minimum(_BAR * theta.em, x1 - x0)
    shift = np.minimum(_BAR_AT * theta.em, x1 - x0 - width)
    leftward = lines.leftward[at]
    left, right = np.where(leftward, x1 - shift - width, x0 + shift), np.where(leftward, x1 - shift, x0 + shift + width)
    # A bar goes on above its line if its block does.
    opened = np.array([side in style.opened for style in found for side in style.sides], bool) & lines.begins[at]
    top = np.where(opened, lines.top[at], (lines.top - lines.room)[at])
    edges = iter(zip(left.tolist(), right.tolist(), top.tolist(), strict=True))
    done: list[tuple[float, float, float, float]] = []
    bars: dict[tuple[float, float], tuple[float, float]] = {}  # x0 and x1 of each open bar → its y0 and y1
    for style, bottom in zip(found, lines.bottom.tolist(), strict=True):
        places = {(one, other): y for one, other, y in islice(edges, len(style.sides))}
        for place in [each for each in bars if each not in places or bars[each][1] < places[each] - 0.01]:
            y0, y1 = bars.pop(place)
            done.append((place[0], y0, place[1], y1))
        for place, y in places.items():
            y0, y1 = bars.get(place, (y, bottom))
            bars[place] = y0, max(y1, bottom)
    below = -math.inf if block.row_below is None else block.row_below
    done += [(one, y0, other, max(y1, below)) for (one, other), (y0, y1) in bars.items()]
    return np.array(done, np.float64)


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


def markers(lines: MarkedLines, block: Block, theta: Theta) -> Iterator[MarkerPlace]:
    """Yield the markers of the first lines of blocks."""
    count = np.where(lines.begins, lines.styles.markers[lines.style], 0)
    if not count.any():
        return
    at = np.repeat(np.arange(len(lines)), count)
    found = [each for number in lines.style[count > 0].tolist() for each in lines.styles[number].markers]
    start, end = (np.array([getattr(each, side) for each in found], np.float64) for side in ("start", "end"))
    x0, x1 = _across(lines, at, start, end, block, theta)
    room = np.minimum(_MARKER_ROOM * theta.em, (x1 - x0) / 4)
    leftward = lines.leftward[at]
    left, right = np.where(leftward, x0 + room, x0), np.where(leftward, x1, x1 - room)
    columns = (lines.number[at], left, right, leftward)
    for marker, number, one, other, mirror in zip(found, *(column.tolist() for column in columns), strict=True):
        text = left_to_right(marker.text, "rtl") if mirror else marker.text
        yield MarkerPlace(text, number, one, other, mirror)

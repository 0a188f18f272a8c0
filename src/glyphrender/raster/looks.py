"""The looks of rich text on a page: glyphs in groups of one face, size and color, and what lies behind and across them.

Synthetic styles stand in for faces that a family lacks, as in browsers: outlines are made bolder for a weight of 600 or
more, and slanted for italics. Advances stay those of the face, so text keeps its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import Face
from glyphrender.raster.rows import GlyphRuns, Rows
from glyphrender.text.runs import distinct
from glyphrender.typeset.glyph_store import FULL
from glyphrender.typeset.place import Placed
from glyphrender.typeset.style import WordStyle

# From this weight on, a style asks for a bold face; a face below the second weight is not bold.
_BOLD, _NOT_BOLD = 600, 550
# Lines below and across letters, in em of the style: the middle of the line below the baseline, its width.
_UNDERLINE: Final = 0.13
_STRIKE: Final = -0.26
_STROKE: Final = 1 / 14
# A number that says to which group a glyph belongs: 8 bits for the face, 16 for the rank of the style, then size and
# color.
_RANK: Final = 0xFFFF00
_SIZE_BITS: Final = 24
_SIZE: Final = 0xFFFF << _SIZE_BITS
_COLOR_BITS: Final = 40


class Group(NamedTuple):
    """Glyphs that are drawn at once.

    Attributes:
        style: place of their style in the store.
        face: place of their face in the font stack of the style, or BOX_FACE or CELL_FACE.
        color: their color, or None for that of θ.
        color_number: its place among the colors of the text.
        size: multiple of θ's font size.
        condense: horizontal scale of the outlines.
        runs: the glyphs; a run has one baseline.
    """

    style: int
    face: int
    color: str | None
    color_number: int
    size: float
    condense: float
    runs: GlyphRuns | Rows


class Band(NamedTuple):
    """A rectangle behind or across letters, in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float
    color: str | None


def is_synthetic(style: WordStyle, face: Face) -> tuple[bool, bool]:
    """Return (whether a face is made bolder for a style, whether it is slanted)."""
    choice = style.choice
    if choice is None or face.has_color:
        return False, False
    bold = choice.weight is not None and choice.weight >= _BOLD and face.weight < _NOT_BOLD
    return bold, bool(choice.italic) and not face.italic


def groups(placed: Placed) -> Iterator[Group]:
    """Yield the glyphs of a block in groups. The groups and their order depend on the block and on θ alone."""
    styles, rank = _ranked(placed)
    key = (rank << 8) | placed.face_of_segment
    colors: list[str | None] = [None]
    sizes = np.ones(1)
    if placed.look_of_segment is not None:
        colors = list(dict.fromkeys(style.color for style in placed.looks))
        if len(colors) > 1:
            color_of_look = np.array([colors.index(style.color) for style in placed.looks], np.int64)
            key |= color_of_look[placed.look_of_segment] << _COLOR_BITS
    if placed.size_of_segment is not None:
        sizes, size_number = np.unique(placed.size_of_segment, return_inverse=True)
        key |= size_number << _SIZE_BITS
    # A segment is of one group as a whole, unless its glyphs differ in height or width.
    count: NDArray[np.integer] = placed.glyph_count
    if placed.lift is None and placed.fit is None:
        line = placed.line_of_segment
        y, condense = np.floor(placed.baseline + 0.5)[line], placed.condense[line]
    else:
        key, y = np.repeat(key, count), placed.y.astype(np.float64)
        condense = np.repeat(placed.condense, np.diff(placed.glyph_bounds))
        if placed.fit is not None:
            condense = condense * (placed.fit / FULL)
        count = np.ones(len(key), np.intp)
    begins = np.ones(len(key) + 1, bool)
    begins[1:-1] = (key[1:] != key[:-1]) | (y[1:] != y[:-1]) | (condense[1:] != condense[:-1])
    starts = begins.nonzero()[0]
    ends = np.zeros(len(key) + 1, np.intp)
    np.cumsum(count, out=ends[1:])
    edges = ends[starts]
    starts = starts[:-1]
    key, y, condense = key[starts], y[starts], condense[starts]
    order = np.lexsort((y, condense, key))
    order = order[edges[1:][order] > edges[:-1][order]]  # a run without glyphs belongs to no group
    if not len(order):
        return
    key, y, condense, first, last = key[order], y[order], condense[order], edges[:-1][order], edges[1:][order]
    changes = ((key[1:] != key[:-1]) | (condense[1:] != condense[:-1])).nonzero()[0] + 1
    bounds = [0, *changes.tolist(), len(order)]
    counts = np.add.reduceat(last - first, bounds[:-1]).tolist()
    for start, stop, glyphs in zip(bounds[:-1], bounds[1:], counts, strict=True):
        of = int(key[start])
        yield Group(
            style=styles[(of & _RANK) >> 8],
            face=of & 0xFF,
            color=colors[of >> _COLOR_BITS],
            color_number=of >> _COLOR_BITS,
            size=float(sizes[(of & _SIZE) >> _SIZE_BITS]),
            condense=float(condense[start]),
            runs=GlyphRuns(
                baseline=y[start:stop],
                first=first[start:stop],
                last=last[start:stop],
                glyph=placed.glyph,
                x=placed.x,
                count=glyphs,
            ),
        )


def _ranked(placed: Placed) -> tuple[list[int], NDArray[np.int64]]:
    """Return (the styles of a block, as places in the store, in the order in which they are drawn; [s] their ranks).

    The order is not that of the places, which depend on the texts that the store met before: where glyphs overlap,
    rounding makes a pixel depend on the glyph that is drawn first.
    """
    used = distinct(placed.style_of_segment).tolist()
    if len(used) == 1:
        return used, np.zeros(len(placed.style_of_segment), np.int64)
    used.sort(key=lambda style: _precedence(placed.store.styles[style]))
    rank = np.zeros(len(placed.store.styles), np.int64)
    rank[used] = np.arange(len(used))
    return used, rank[placed.style_of_segment]


def _precedence(style: WordStyle) -> tuple[bool, str, str]:
    """Return what orders the styles of a text: they differ in their variant and in what spans of rich text ask."""
    return style.variant.box_drawing, style.variant.han, repr(style.choice or "")


def drawing_order(placed: Placed, group: Group) -> tuple[object, ...]:
    """Return what orders the groups of all blocks of a page, as `groups` orders those of one block."""
    precedence = _precedence(placed.store.styles[group.style])
    return group.color_number, group.size, *precedence, group.face, group.condense


class _Stretches(NamedTuple):
    """Stretches of a line that have one value, as columns: the line, the left and the right edge, the value."""

    line: NDArray[np.intp]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    value: NDArray[np.int64]


def _stretches(placed: Placed, gap_look: NDArray[np.int32], value_of_look: NDArray[np.int64]) -> _Stretches:
    """Return the stretches of segments and gaps whose looks have a value above 0; those that touch are one."""
    assert placed.look_of_segment is not None
    value, gap_value = value_of_look[placed.look_of_segment], value_of_look[gap_look]
    line, left, right = placed.line_of_segment, placed.left, placed.right
    own = ((value > 0) & (right > left)).nonzero()[0]
    gaps = ((gap_value[:-1] > 0) & (line[1:] == line[:-1])).nonzero()[0]
    if len(gaps):
        # A gap lies between the two segments beside it, in either direction.
        before, after = right[gaps], left[gaps + 1]
        leftward = left[gaps] >= right[gaps + 1]
        low, high = np.where(leftward, right[gaps + 1], before), np.where(leftward, left[gaps], after)
        adjoins = (high > low) & (placed.gap_width[gaps] + 0.01 >= high - low)
        gaps, low, high = gaps[adjoins], low[adjoins], high[adjoins]
        at, left, right = np.concatenate([own, gaps]), np.append(left[own], low), np.append(right[own], high)
        line, value = line[at], np.append(value[own], gap_value[gaps])
    else:
        line, left, right, value = line[own], left[own], right[own], value[own]
    if not len(line):
        return _Stretches(line, left, right, value)
    order = np.lexsort((left, line))
    line, left, right, value = line[order], left[order], right[order], value[order]
    joins = (line[1:] == line[:-1]) & (value[1:] == value[:-1]) & (left[1:] <= right[:-1] + 0.01)
    first = np.append(0, (~joins).nonzero()[0] + 1)
    return _Stretches(line[first], left[first], np.maximum.reduceat(right, first), value[first])


def backgrounds(placed: Placed, gap_look: NDArray[np.int32]) -> Iterator[Band]:
    """Yield what lies behind the letters of a block: bands as high as their lines."""
    colors = list(dict.fromkeys(["", *(style.background or "" for style in placed.looks)]))
    if len(colors) == 1:
        return
    value = np.array([colors.index(style.background or "") for style in placed.looks], np.int64)
    found = _stretches(placed, gap_look, value)
    top, bottom = placed.top[found.line], (placed.top + placed.height)[found.line]
    for x0, y0, x1, y1, color in zip(
        found.left.tolist(), top.tolist(), found.right.tolist(), bottom.tolist(), found.value.tolist(), strict=True
    ):
        yield Band(x0, y0, x1, y1, colors[color])


def strokes(
    placed: Placed, gap_look: NDArray[np.int32], em: float, sizes: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.float64], str | None]]:
    """Yield the lines below and across the letters of a block, on whole pixels: ([n, 4] x0, y0, x1, y1, color).

    Args:
        placed: the places of the letters.
        gap_look: [s] the look of the gap after each segment.
        em: pixels per em of θ.
        sizes: [k] size of each look, as a multiple of θ's font size.
    """
    for has, height in (
        ([bool(style.underline) for style in placed.looks], _UNDERLINE),
        ([bool(style.strike) for style in placed.looks], _STRIKE),
    ):
        if not any(has):
            continue
        kinds = list(dict.fromkeys((style.color, float(size)) for style, size in zip(placed.looks, sizes, strict=True)))
        numbers = [
            1 + kinds.index((style.color, float(size))) if shown else 0
            for style, size, shown in zip(placed.looks, sizes, has, strict=True)
        ]
        found = _stretches(placed, gap_look, np.array(numbers, np.int64))
        if not len(found.line):
            continue
        kind = found.value - 1
        scale = np.array([size for _, size in kinds])[kind]
        width = np.maximum(1, np.round(_STROKE * em * scale))
        top = np.round(np.floor(placed.baseline[found.line] + 0.5) + height * em * scale - width / 2)
        edges = np.stack([found.left, top, found.right, top + width], axis=1)
        colors = list(dict.fromkeys(color for color, _ in kinds))
        of = np.array([colors.index(color) for color, _ in kinds])[kind]
        bounds = np.flatnonzero(np.append(True, of[1:] != of[:-1])).tolist()
        for start, stop in zip(bounds, [*bounds[1:], len(edges)], strict=True):
            yield edges[start:stop], colors[int(of[start])]

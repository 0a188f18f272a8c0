"""Place: lines → where every glyph stands, in pixels.

`place` is called when a page is drawn or asked for its words, not while text is laid out. Here, lines that are not all
left-to-right are put into visual order (UAX #9 L2). Each segment and each gap has one level, so whole segments and gaps
are moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.rich.style import Style
from glyphrender.text.bidi import visual_order
from glyphrender.theta import Theta
from glyphrender.typeset.glyph_store import CELL_FACE, FULL, GlyphStore
from glyphrender.typeset.ink import ascent
from glyphrender.typeset.line_boxes import LineBoxes, ink_bounds, line_boxes, unit_points
from glyphrender.typeset.line_table import LineTable
from glyphrender.typeset.page_layout import Block


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """The glyphs and segments of a block, in pixels from the top left corner of the page.

    Attributes:
        store: the glyph store, whose `styles` hold the faces.
        glyph: [g] glyph ids.
        x: [g] x of each glyph's origin.
        lift: [g] height of each glyph above the baseline; None where all are 0.
        fit: [g] width of each outline in 64ths of the font's; None where all are 64.
        glyph_bounds: [n + 1] first glyph of each line.
        glyph_count: [s] glyphs of each segment.
        first_segment: number of the first segment in its table.
        left, right: [s] edges of each segment, in logical order.
        line_of_segment: [s] line that each segment is on.
        face_of_segment: [s] place in the font stack of the segment's style, or BOX_FACE.
        style_of_segment: [s] place in `store.styles`.
        look_of_segment: [s] how the segment is drawn, as a place in `looks`; None in plain text.
        size_of_segment: [s] size of its letters, as a multiple of θ's font size; None where all are 1.
        gap_look: [s] how the gap after the segment is drawn; None in plain text.
        gap_width: [s] width of the gap after the segment.
        looks: the styles of rich text.
        baseline, top: [n] y of each line, y down.
        height: [n] height of each line.
        condense: [n] horizontal scale of the outlines; 1, or less where a line had to be condensed.
        boxes: the line boxes.
    """

    store: GlyphStore
    glyph: NDArray[np.uint32]
    x: NDArray[np.float64]
    lift: NDArray[np.float64] | None
    fit: NDArray[np.uint8] | None
    glyph_bounds: NDArray[np.intp]
    glyph_count: NDArray[np.int32]
    first_segment: int
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    line_of_segment: NDArray[np.intp]
    face_of_segment: NDArray[np.uint8]
    style_of_segment: NDArray[np.uint16]
    look_of_segment: NDArray[np.int32] | None
    size_of_segment: NDArray[np.float64] | None
    gap_look: NDArray[np.int32] | None
    gap_width: NDArray[np.float64]
    looks: tuple[Style, ...]
    baseline: NDArray[np.float64]
    top: NDArray[np.float64]
    height: NDArray[np.float64]
    condense: NDArray[np.float64]
    boxes: LineBoxes

    @property
    def face(self) -> NDArray[np.uint8]:
        """[g] place of the face in the font stack of the glyph's style, or BOX_FACE."""
        return np.repeat(self.face_of_segment, self.glyph_count)

    @property
    def style(self) -> NDArray[np.uint16]:
        """[g] place of the glyph's style in `store.styles`."""
        return np.repeat(self.style_of_segment, self.glyph_count)

    @property
    def look(self) -> NDArray[np.int32] | None:
        """[g] place of the glyph's look in `looks`; None in plain text."""
        return None if self.look_of_segment is None else np.repeat(self.look_of_segment, self.glyph_count)

    @property
    def size(self) -> NDArray[np.float64]:
        """[g] size of the glyph, as a multiple of θ's font size."""
        sizes = np.ones(len(self.glyph_count)) if self.size_of_segment is None else self.size_of_segment
        return np.repeat(sizes, self.glyph_count)

    @property
    def line_of_glyph(self) -> NDArray[np.intp]:
        """[g] line that each glyph is on."""
        return np.repeat(np.arange(len(self.baseline)), np.diff(self.glyph_bounds))

    @property
    def has_box_drawing(self) -> bool:
        """Whether a segment is box drawing that fills its cells."""
        return bool((self.face_of_segment == CELL_FACE).any())

    @property
    def y(self) -> NDArray[np.float32]:
        """[g] y of each glyph's origin, down.

        The baseline is rounded to a whole pixel first, so that marks have the same distance from their letters on every
        line.
        """
        y = np.repeat(np.floor(self.baseline + 0.5), np.diff(self.glyph_bounds))
        return (y if self.lift is None else y - self.lift).astype(np.float32)

    @property
    def uniform_face(self) -> tuple[int, int] | None:
        """(style, face) if all glyphs have the same ones, stand on the baseline and keep their width; else None.

        Each line is then one row of glyphs.
        """
        drawn = self.glyph_count > 0
        faces, styles = self.face_of_segment[drawn], self.style_of_segment[drawn]
        if (
            self.lift is not None
            or self.fit is not None
            or self.look_of_segment is not None
            or not len(faces)
            or (faces != faces[0]).any()
            or (self.condense < 1).any()
        ):
            return None
        return None if (styles != styles[0]).any() else (int(styles[0]), int(faces[0]))


def place(block: Block, theta: Theta) -> Placed:
    """Return where the glyphs of `block` stand on its page, in pixels.

    Args:
        block: lines of a page.
        theta: the rendering parameters that the lines were set with.
    """
    table, lo, hi = block.table, block.lo, block.hi
    segments, store = table.segments, table.segments.store
    boxes = line_boxes(table, lo, hi, theta)
    first, last = table.first[lo:hi], table.last[lo:hi]
    start, stop = int(first[0]), int(last[-1])
    line = np.repeat(np.arange(hi - lo), last - first)
    pixels = unit_points(theta) * theta.scale
    ink_units, gap_units = table.advances(start, stop)
    condense = boxes.condense[line] if (boxes.condense < 1).any() else None
    ink: NDArray[np.float64] = (ink_units * pixels).astype(np.float64)
    gap: NDArray[np.float64] = (gap_units * pixels).astype(np.float64)
    if condense is not None:
        ink *= condense
        gap *= condense
    if boxes.expandable is not None:
        gap += np.where(boxes.expandable, boxes.space_added[line] * theta.scale, 0.0)
    step = ink + gap
    pen = np.cumsum(step) - step
    left = pen - pen[first - start][line]
    if segments.level is not None:
        _reorder(left, ink, gap, table, lo, hi, boxes.width * theta.scale)
    left += ((boxes.left + block.column) * theta.scale)[line]

    segment = segments.number[start:stop]
    rows, counts = store.glyph_rows(segment)
    x = np.repeat(left, counts)
    offset = store.x.take(rows) * pixels
    look = size = letter = None
    if segments.look is not None:
        look, size, letter = _looks(table, start, stop)
    if size is not None:
        offset *= np.repeat(size, counts)
    if condense is not None:
        offset *= np.repeat(condense, counts)
    x += offset
    if letter is not None:
        x += _letter_shift(store, segment, rows, counts) * (np.repeat(letter, counts) * pixels)
    elif table.metrics.letter and look is None:
        x += _letter_shift(store, segment, rows, counts) * (table.metrics.letter * pixels)
    lift = None
    if store.lifted and (up := store.y.take(rows)).any():
        lift = up * (theta.font_size * theta.scale / EM)
        if size is not None:
            lift *= np.repeat(size, counts)
    fit = store.fit.take(rows) if store.fitted else None
    if fit is not None and (fit == FULL).all():
        fit = None
    ascents = ascent(theta, table.metrics) if block.ascents is None else block.ascents
    bounds = np.zeros(hi - lo + 1, np.intp)
    bounds[1:] = np.cumsum(counts)[last - start - 1]
    return Placed(
        store=store,
        glyph=store.glyph.take(rows),
        x=x,
        lift=lift,
        fit=fit,
        glyph_bounds=bounds,
        condense=boxes.condense,
        left=left,
        right=left + ink,
        line_of_segment=line,
        face_of_segment=store.face.take(segment),
        style_of_segment=store.style.take(segment),
        look_of_segment=look,
        size_of_segment=size,
        gap_look=None if segments.gap_look is None else segments.gap_look[start:stop],
        gap_width=gap,
        looks=segments.looks,
        glyph_count=counts,
        first_segment=start,
        baseline=(block.tops + ascents) * theta.scale,
        top=block.tops * theta.scale,
        height=block.line_heights(theta) * theta.scale,
        boxes=boxes,
    )


def _looks(
    table: LineTable, start: int, stop: int
) -> tuple[NDArray[np.int32] | None, NDArray[np.float64] | None, NDArray[np.int64] | None]:
    """Return (the look, the size, the space after each letter in EM units) of segments `start` to `stop - 1`.

    The size is None if all are 1, and the space is None if all are 0.
    """
    looks, look = table.metrics.looks, table.segments.look
    if looks is None or look is None:
        return None, None, None
    look = look[start:stop]
    size = looks.size.take(look) / EM if (looks.size != EM).any() else None
    return look, size, looks.letter.take(look) if looks.letter.any() else None


def _letter_shift(
    store: GlyphStore, segment: NDArray[np.int32], rows: NDArray[np.intp], counts: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return [g] by how many letter spacings each glyph moves: the number of clusters before it in its segment.

    In a grid, it is the number of cells before it.
    """
    cluster = store.cluster.take(rows)
    begins = np.ones(len(rows), bool)
    begins[1:] = cluster[1:] != cluster[:-1]
    starts = np.cumsum(counts) - counts
    begins[starts[counts > 0]] = True
    nth: NDArray[np.int64] = np.cumsum(begins)
    if not len(rows):
        return nth
    head = np.repeat(np.minimum(starts, len(rows) - 1), counts)
    shift: NDArray[np.int64] = nth - nth[head]
    cells = np.array([style.cell for style in store.styles], np.int64)
    if cells.any():
        cell = np.repeat(cells[store.style.take(segment)], counts)
        step = store.step.take(rows).astype(np.int64)
        pen = np.cumsum(step) - step
        shift[:] = np.where(cell > 0, (pen - pen[head]) // np.maximum(cell, 1), shift)
    return shift


def _reorder(
    left: NDArray[np.float64],
    ink: NDArray[np.float64],
    gap: NDArray[np.float64],
    table: LineTable,
    lo: int,
    hi: int,
    width: NDArray[np.float64],
) -> None:
    """Put lines into visual order: change `left` of the segments of lines that are not all left-to-right.

    Args:
        left: [s] distance of each segment from the left edge of its line, in logical order.
        ink: [s] width of each segment.
        gap: [s] width of the gap after each segment.
        table: the line table.
        lo, hi: the range of lines.
        width: [n] width of each line.
    """
    segments = table.segments
    assert segments.level is not None
    assert segments.gap_level is not None
    start, line, hangs = ink_bounds(table, lo, hi)
    stop = start + len(left)
    level, gap_level = segments.level[start:stop], segments.gap_level[start:stop]
    first = table.first[lo:hi] - start
    ends = table.last[lo:hi] - start
    highest = np.maximum.reduceat(np.where(hangs, 0, level), first)
    lowest = np.minimum.reduceat(np.where(hangs, 255, np.minimum(level, gap_level)), first)
    # A line that has one odd level from end to end is mirrored as a whole.
    whole = ((highest & 1) == 1) & (lowest == highest)
    mirrored = whole[line] & ~hangs
    left[mirrored] = (width[line] - left - ink)[mirrored]
    for index in np.flatnonzero((highest > 0) & ~whole).tolist():
        members = np.arange(first[index], ends[index])
        members = members[~hangs[members]]
        levels = np.column_stack([level[members], gap_level[members]]).ravel()[:-1]
        widths = np.column_stack([ink[members], gap[members]]).ravel()[:-1]
        order = visual_order(levels)
        pen = np.cumsum(widths[order]) - widths[order]
        place_of = np.empty_like(pen)
        place_of[order] = pen
        left[members] = place_of[0::2]

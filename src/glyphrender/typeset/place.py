"""Lines → where every glyph stands, in pixels.

This runs when a page is drawn or asked for its words, not while text is laid out. Lines whose levels are
not all even are put into visual order here (UAX #9 L2), over pieces and gaps, which each have one level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.text.bidi import visual_order
from glyphrender.theta import Alignment, Theta
from glyphrender.typeset import glyph_store as a
from glyphrender.typeset.line_table import FIRST, LAST, Galley

if TYPE_CHECKING:
    from glyphrender.typeset.paginate import Block


@dataclass(frozen=True, kw_only=True, slots=True)
class LineBoxes:
    """Where lines stand: all [lines], in points from the left edge of the column."""

    left: NDArray[np.float64]
    width: NDArray[np.float64]  # of the ink, stretched or condensed
    extra: NDArray[np.float64]  # added to each gap that stretches
    squeeze: NDArray[np.float64]  # 1, or less where even one cluster is wider than the line
    stretches: NDArray[np.bool_] | None  # [pieces] what `extra` follows; None where nothing is stretched


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """The glyphs and pieces of a block, in pixels from the top left corner of the page.

    Glyphs, [g]: `glyph`, `x`, `y` (of the origin, y down), `face`.
    Pieces, [p] in logical order: `left`, `right`, `line_of_piece`, and `first_piece` (number in the run).
    Lines, [n]: `baseline`, `top`, `squeeze` of the outlines.
    """

    glyph: NDArray[np.uint32]
    x: NDArray[np.float64]
    lift: NDArray[np.float64] | None  # [g] above the baseline; None where that is 0
    glyph_bounds: NDArray[np.intp]  # [n + 1] first glyph of each line
    squeeze: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    line_of_piece: NDArray[np.intp]
    face_of_piece: NDArray[np.uint8]
    glyph_count: NDArray[np.int32]  # [p]
    first_piece: int
    baseline: NDArray[np.float64]
    top: NDArray[np.float64]
    boxes: LineBoxes

    @property
    def face(self) -> NDArray[np.uint8]:
        """[g] number of the face in the stack, or BOX_FACE."""
        return np.repeat(self.face_of_piece, self.glyph_count)

    @property
    def y(self) -> NDArray[np.float32]:
        """[g] from the row of pixels that the baseline falls on: marks stand off their letters alike on every line."""
        y = np.repeat(np.floor(self.baseline + 0.5), np.diff(self.glyph_bounds))
        return (y if self.lift is None else y - self.lift).astype(np.float32)

    @property
    def uniform_face(self) -> int | None:
        """The face of all glyphs, where all stand on the baseline at their full width, so that rows are lines."""
        faces = self.face_of_piece[self.glyph_count > 0]
        if self.lift is not None or not len(faces) or (faces != faces[0]).any() or (self.squeeze < 1).any():
            return None
        return int(faces[0])


def unit_points(theta: Theta) -> float:
    """Points an EM unit is wide."""
    return theta.em / EM


def line_boxes(galley: Galley, lo: int, hi: int, theta: Theta) -> LineBoxes:
    """Alignment, justification and condensing of lines `lo` to `hi`."""
    flags = galley.flags[lo:hi]
    first = (flags & FIRST) != 0
    base = np.zeros(hi - lo, bool)
    if galley.run.base is not None:
        base = galley.run.base[galley.first[lo:hi]] == 1
    room = theta.measure - np.where(first, theta.first_line_indent, 0.0)
    width: NDArray[np.float64] = (galley.width[lo:hi] * unit_points(theta)).astype(np.float64)
    squeeze = np.ones(hi - lo)
    wide = width > room + 1e-3
    squeeze[wide] = room[wide] / width[wide]
    width = np.minimum(width, room)
    extra = np.zeros(hi - lo)
    stretches: NDArray[np.bool_] | None = None
    if theta.alignment is Alignment.JUSTIFY:
        stretches = _stretches(galley, lo, hi)
        line = np.repeat(np.arange(hi - lo), galley.last[lo:hi] - galley.first[lo:hi])
        gaps = np.bincount(line[stretches], minlength=hi - lo)
        most = (theta.justify_stretch - 1) * max(1, galley.measures.gap) * unit_points(theta)
        each = np.divide(room - width, gaps, out=np.zeros(hi - lo), where=gaps > 0)
        stretched = (gaps > 0) & ((flags & LAST) == 0) & (each <= most)
        extra[stretched] = each[stretched]
        width[stretched] = room[stretched]
    # LEFT is where lines start: the right, in a paragraph that runs from right to left.
    at_end = {Alignment.RIGHT: 1.0, Alignment.CENTER: 0.5}.get(theta.alignment, 0.0)
    share = np.where(base, 1.0 - at_end, at_end)
    # From right to left a first line hangs into the right indent, and no further: the rest of it goes to the left.
    hang = min(0.0, theta.first_line_indent + theta.right_indent)
    indent = np.where(first, np.where(base, hang, theta.first_line_indent), 0.0)
    left = theta.text_offset + indent + (room - width) * share
    return LineBoxes(left=left, width=width, extra=extra, squeeze=squeeze, stretches=stretches)


def right_edge(galley: Galley, lo: int, hi: int, theta: Theta) -> float:
    """How far lines `lo` to `hi` reach to the right, in points from the left edge of the column."""
    boxed = theta.column_width - theta.right_indent if theta.para_bg_color or theta.border_width else 0.0
    if boxed and galley.run.base is None:
        return boxed
    simple = theta.alignment is Alignment.LEFT and galley.run.base is None and not theta.first_line_indent
    if simple:
        widest = float(galley.width[lo:hi].max()) * unit_points(theta)
        return theta.text_offset + min(widest, theta.measure)
    boxes = line_boxes(galley, lo, hi, theta)
    # From right to left a first line may hang out of its paragraph's box.
    return max(boxed, float((boxes.left + boxes.width).max()))


def _ink_bounds(galley: Galley, lo: int, hi: int) -> tuple[int, NDArray[np.intp], NDArray[np.bool_]]:
    """(first piece, line of each piece, whether each piece hangs: nothing but spaces from it to the line's end)."""
    first, last = galley.first[lo:hi], galley.last[lo:hi]
    start, stop = int(first[0]), int(last[-1])
    line = np.repeat(np.arange(hi - lo), last - first)
    kind = galley.run.arena.kind.take(galley.run.piece[start:stop])
    ink = kind == a.TEXT
    if galley.measures.marker is not None:
        ink |= kind == a.NEWLINE
    index = np.arange(stop - start)
    following = np.minimum.accumulate(np.where(ink, index, stop - start)[::-1])[::-1]
    hangs = following >= (last - start)[line]
    return start, line, hangs


def _stretches(galley: Galley, lo: int, hi: int) -> NDArray[np.bool_]:
    """Whether JUSTIFY may widen what follows each piece: a space, or the joint of two ideographs."""
    start, line, hangs = _ink_bounds(galley, lo, hi)
    stop = start + len(line)
    run = galley.run
    kind = run.arena.kind.take(run.piece[start:stop])
    ink = kind == a.TEXT
    same_line = np.append((line[1:] == line[:-1]) & ~hangs[1:], False)
    edges = run.arena.edges.take(run.piece[start:stop])
    joint = (edges[:-1] & a.TAIL_WIDE != 0) & (edges[1:] & a.HEAD_WIDE != 0)
    joint &= run.breaks[start : stop - 1] == a.MAY_BREAK
    stretches: NDArray[np.bool_] = (run.gap[start:stop] != 0) | np.append(joint, False)
    # Indentation keeps its width, and so does all before the last tab of a line.
    seen = np.maximum.accumulate(np.where(ink, np.arange(len(line)), -1))
    stretches &= same_line & (seen >= (galley.first[lo:hi] - start)[line])
    tab = np.flatnonzero(kind == a.TAB)
    if len(tab):
        last_tab = np.full(hi - lo, -1)
        last_tab[line[tab]] = tab
        stretches &= np.arange(len(line)) > last_tab[line]
    return stretches


def place(block: Block, theta: Theta) -> Placed:
    """Where the glyphs of `block` stand on its page."""
    galley, lo, hi = block.galley, block.lo, block.hi
    run, arena = galley.run, galley.run.arena
    boxes = line_boxes(galley, lo, hi, theta)
    first, last = galley.first[lo:hi], galley.last[lo:hi]
    start, stop = int(first[0]), int(last[-1])
    line = np.repeat(np.arange(hi - lo), last - first)
    pixels = unit_points(theta) * theta.scale
    ink_units, gap_units = galley.advances(start, stop)
    squeeze = boxes.squeeze[line] if (boxes.squeeze < 1).any() else None
    ink: NDArray[np.float64] = (ink_units * pixels).astype(np.float64)
    gap: NDArray[np.float64] = (gap_units * pixels).astype(np.float64)
    if squeeze is not None:
        ink *= squeeze
        gap *= squeeze
    if boxes.stretches is not None:
        gap += np.where(boxes.stretches, boxes.extra[line] * theta.scale, 0.0)
    step = ink + gap
    pen = np.cumsum(step) - step
    left = pen - pen[first - start][line]
    if run.level is not None:
        _reorder(left, ink, gap, galley, lo, hi, boxes.width * theta.scale)
    left += ((boxes.left + block.column) * theta.scale)[line]

    piece = run.piece[start:stop]
    rows, counts = arena.glyph_rows(piece)
    x = np.repeat(left, counts)
    offset = arena.x.take(rows) * pixels
    if squeeze is not None:
        offset *= np.repeat(squeeze, counts)
    x += offset
    if galley.measures.letter:
        x += _letter_shift(arena, rows, counts, galley.measures.letter * pixels)
    lift = None
    if arena.lifted and (up := arena.y.take(rows)).any():
        lift = up * (theta.font_size * theta.scale / EM)
    bounds = np.zeros(hi - lo + 1, np.intp)
    bounds[1:] = np.cumsum(counts)[last - start - 1]
    return Placed(
        glyph=arena.glyph.take(rows),
        x=x,
        lift=lift,
        glyph_bounds=bounds,
        squeeze=boxes.squeeze,
        left=left,
        right=left + ink,
        line_of_piece=line,
        face_of_piece=arena.face.take(piece),
        glyph_count=counts,
        first_piece=start,
        baseline=(block.tops + _ascent(theta, galley)) * theta.scale,
        top=block.tops * theta.scale,
        boxes=boxes,
    )


def _ascent(theta: Theta, galley: Galley) -> float:
    """From the top of a line to its baseline, in points: the font's height centred in the line height."""
    ascent, descent = galley.measures.ascent, galley.measures.descent
    return (theta.line_height + (ascent - descent) * theta.font_size) / 2


def _letter_shift(
    arena: a.Arena, rows: NDArray[np.intp], counts: NDArray[np.int32], spacing: float
) -> NDArray[np.float64]:
    """What letter spacing moves each glyph by: once for every cluster before it in its piece."""
    cluster = arena.cluster.take(rows)
    begins = np.ones(len(rows), bool)
    begins[1:] = cluster[1:] != cluster[:-1]
    starts = np.cumsum(counts) - counts
    begins[starts[counts > 0]] = True
    nth = np.cumsum(begins)
    return (nth - np.repeat(nth[np.minimum(starts, len(rows) - 1)], counts)) * spacing if len(rows) else nth * 0.0


def _reorder(
    left: NDArray[np.float64],
    ink: NDArray[np.float64],
    gap: NDArray[np.float64],
    galley: Galley,
    lo: int,
    hi: int,
    width: NDArray[np.float64],
) -> None:
    """Set `left` of the pieces of lines that are not all left-to-right, from the line's left edge."""
    run = galley.run
    assert run.level is not None
    assert run.gap_level is not None
    start, line, hangs = _ink_bounds(galley, lo, hi)
    stop = start + len(left)
    level, gap_level = run.level[start:stop], run.gap_level[start:stop]
    first = galley.first[lo:hi] - start
    ends = galley.last[lo:hi] - start
    highest = np.maximum.reduceat(np.where(hangs, 0, level), first)
    lowest = np.minimum.reduceat(np.where(hangs, 255, np.minimum(level, gap_level)), first)
    # One odd level from end to end: the line is mirrored.
    whole = ((highest & 1) == 1) & (lowest == highest)
    mirrored = whole[line] & ~hangs
    left[mirrored] = (width[line] - left - ink)[mirrored]
    for index in np.flatnonzero((highest > 0) & ~whole).tolist():
        pieces = np.arange(first[index], ends[index])
        pieces = pieces[~hangs[pieces]]
        levels = np.column_stack([level[pieces], gap_level[pieces]]).ravel()[:-1]
        widths = np.column_stack([ink[pieces], gap[pieces]]).ravel()[:-1]
        order = visual_order(levels)
        pen = np.cumsum(widths[order]) - widths[order]
        place_of = np.empty_like(pen)
        place_of[order] = pen
        left[pieces] = place_of[0::2]

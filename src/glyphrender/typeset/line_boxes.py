"""Line boxes: lines → their places in the column. Alignment, justification and condensing are decided here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.theta import Alignment, ParagraphIds, Theta
from glyphrender.typeset.boundary_flags import HEAD_WIDE, TAIL_WIDE
from glyphrender.typeset.glyph_store import MAY_BREAK, NEWLINE, TAB, TEXT
from glyphrender.typeset.line_table import FIRST, LAST, LineTable
from glyphrender.typeset.paragraph_styles import ALIGNMENTS


@dataclass(frozen=True, kw_only=True, slots=True)
class LineBoxes:
    """The places of lines. Lengths are points; x is measured from the left edge of the column.

    Attributes:
        left: [n] left edge of each line.
        width: [n] width of what is drawn on each line, stretched or condensed.
        space_added: [n] the width that JUSTIFY adds to each gap of the line that may grow.
        condense: [n] horizontal scale of the line: 1, or less if even one cluster is wider than the line.
        expandable: [s] whether `space_added` follows the segment; None unless θ asks for JUSTIFY.
    """

    left: NDArray[np.float64]
    width: NDArray[np.float64]
    space_added: NDArray[np.float64]
    condense: NDArray[np.float64]
    expandable: NDArray[np.bool_] | None


def unit_points(theta: Theta) -> float:
    """Return the width of an EM unit in points."""
    return theta.em / EM


def line_boxes(table: LineTable, lo: int, hi: int, theta: Theta) -> LineBoxes:
    """Return the boxes of lines `lo` to `hi - 1`: aligned, justified, condensed."""
    flags = table.flags[lo:hi]
    first = (flags & FIRST) != 0
    base = np.zeros(hi - lo, bool)
    if table.segments.base is not None:
        base = table.segments.base[table.first[lo:hi]] == 1
    continuation = table.indent[lo:hi] * unit_points(theta)
    cells = None if table.cell_width is None else table.cell_width[lo:hi] > 0
    if cells is not None:
        first &= ~cells  # cells have no indent of first lines
    room = theta.measure - np.where(first, theta.first_line_indent, continuation)
    lead = np.zeros(1)
    if table.lead is not None:
        lead = (table.lead[lo:hi] * unit_points(theta)).astype(np.float64)
        room = room - lead
    if cells is not None and table.cell_width is not None:
        room = np.where(cells, table.cell_width[lo:hi] * unit_points(theta) - continuation, room)
    width: NDArray[np.float64] = (table.width[lo:hi] * unit_points(theta)).astype(np.float64)
    condense = np.ones(hi - lo)
    wide = width > room + 1e-3
    condense[wide] = room[wide] / width[wide]
    width = np.minimum(width, room)
    space_added = np.zeros(hi - lo)
    expandable: NDArray[np.bool_] | None = None
    justified: NDArray[np.bool_] | bool = theta.alignment is Alignment.JUSTIFY
    at_end: NDArray[np.float64] | float = _SHARES.get(theta.alignment, 0.0)
    if table.segments.paragraph is not None:
        justified, at_end = _alignments(table, lo, hi, theta)
        fills = bool(justified.any())
    else:
        fills = theta.alignment is Alignment.JUSTIFY
    if fills:
        expandable = _expandable(table, lo, hi)
        line = np.repeat(np.arange(hi - lo), table.last[lo:hi] - table.first[lo:hi])
        gaps = np.bincount(line[expandable], minlength=hi - lo)
        most = (theta.justify_stretch - 1) * max(1, table.metrics.gap) * unit_points(theta)
        each = np.divide(room - width, gaps, out=np.zeros(hi - lo), where=gaps > 0)
        stretched = justified & (gaps > 0) & ((flags & LAST) == 0) & (each <= most)
        space_added[stretched] = each[stretched]
        width[stretched] = room[stretched]
    # LEFT means the side at which lines start. In a paragraph that runs from right to left, this is the right side.
    share = np.where(base, 1.0 - at_end, at_end)
    # In a paragraph that runs from right to left, a first line hangs into the right indent and no further; what is left
    # of the hanging width goes to the left.
    hang = min(0.0, theta.first_line_indent + theta.right_indent)
    indent = np.where(first, np.where(base, hang, theta.first_line_indent), np.where(base, 0.0, continuation))
    edge = np.where(base, 0.0, lead)
    if cells is not None and table.cell_left is not None:
        edge = np.where(cells, table.cell_left[lo:hi] * unit_points(theta), edge)
        share = np.where(cells, table.segments.paragraph_styles.share[table.paragraphs(lo, hi)], share)
    left = theta.text_offset + indent + edge + (room - width) * share
    if shift := mirrored(theta):
        left -= table.leftward(lo, hi) * shift
    return LineBoxes(left=left, width=width, space_added=space_added, condense=condense, expandable=expandable)


def mirrored(theta: Theta) -> float:
    """Return how much further left lines stand that start at the right, in points: their gutter is at the right."""
    return 0.0 if theta.paragraph_ids is ParagraphIds.NONE else theta.gutter


# The share of the room that is left on a line, to the side at which the line begins.
_SHARES: Final = {Alignment.RIGHT: 1.0, Alignment.CENTER: 0.5}


def _alignments(table: LineTable, lo: int, hi: int, theta: Theta) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return (whether each of lines `lo` to `hi - 1` is justified, the share of its room before it) with blocks."""
    found = table.segments.paragraph_styles.alignment[table.paragraphs(lo, hi)]
    found = np.where(found < 0, ALIGNMENTS.index(theta.alignment), found)
    justified: NDArray[np.bool_] = found == ALIGNMENTS.index(Alignment.JUSTIFY)
    if table.cell_width is not None:
        justified &= table.cell_width[lo:hi] == 0
    return justified, np.array([_SHARES.get(each, 0.0) for each in ALIGNMENTS])[found]


class RightEdges:
    """How far the lines of a table reach to the right.

    All lines of a table are looked at together, because a page has few of them.
    """

    def __init__(self, table: LineTable, theta: Theta) -> None:
        self._table, self._theta = table, theta
        self._boxed = theta.column_width - theta.right_indent
        self._at_edge = _at_edge(table, theta)
        self._boxes: NDArray[np.float64] | None = None

    def of(self, lo: int, hi: int) -> float:
        """Return how far lines `lo` to `hi - 1` reach to the right, in points from the left edge of the column."""
        table, theta = self._table, self._theta
        boxed = self._boxed if theta.para_bg_color or theta.border_width else 0.0
        if self._at_edge is not None and self._at_edge[lo:hi].any():
            boxed = self._boxed
        if boxed and table.segments.base is None:
            return boxed
        simple = theta.alignment is Alignment.LEFT and table.segments.base is None and not theta.first_line_indent
        if simple and table.lead is None and (table.metrics.continuation is None or not table.indent[lo:hi].any()):
            widest = float(table.width[lo:hi].max()) * unit_points(theta)
            return theta.text_offset + min(widest, theta.measure)
        if self._boxes is None:
            boxes = line_boxes(table, 0, len(table), theta)
            self._boxes = boxes.left + boxes.width
        # In a paragraph that runs from right to left, a first line may hang out of the paragraph's box.
        return max(boxed, float(self._boxes[lo:hi].max()))


def _at_edge(table: LineTable, theta: Theta) -> NDArray[np.bool_] | None:
    """Return [n] whether something beside each line stands at the right edge of the column; None if nothing does."""
    at_edge = np.zeros(len(table), bool)
    if table.segments.paragraph is not None:
        styles, paragraph = table.segments.paragraph_styles, table.paragraphs(0, len(table))
        at_edge |= styles.reaches_edge[paragraph]
        if table.segments.base is not None:  # markers and bars stand at the right of lines that start there
            beside = styles.has_bars | (styles.markers > 0)
            at_edge |= beside[paragraph] & table.leftward(0, len(table))
    if theta.paragraph_ids is not ParagraphIds.NONE:
        at_edge |= table.leftward(0, len(table))  # the gutter of such lines is at the right
    return at_edge if at_edge.any() else None


def ink_bounds(table: LineTable, lo: int, hi: int) -> tuple[int, NDArray[np.intp], NDArray[np.bool_]]:
    """Return (first segment, line of each segment, whether each segment hangs).

    A segment hangs if nothing but spaces stands from it to the end of its line.
    """
    first, last = table.first[lo:hi], table.last[lo:hi]
    start, stop = int(first[0]), int(last[-1])
    line = np.repeat(np.arange(hi - lo), last - first)
    kind = table.segments.store.kind.take(table.segments.number[start:stop])
    ink = kind == TEXT
    if table.metrics.marker is not None:
        ink |= kind == NEWLINE
    index = np.arange(stop - start)
    following = np.minimum.accumulate(np.where(ink, index, stop - start)[::-1])[::-1]
    hangs = following >= (last - start)[line]
    return start, line, hangs


def _expandable(table: LineTable, lo: int, hi: int) -> NDArray[np.bool_]:
    """Return whether JUSTIFY may widen what follows each segment: a space, or the boundary of two ideographs."""
    start, line, hangs = ink_bounds(table, lo, hi)
    stop = start + len(line)
    segments = table.segments
    kind = segments.store.kind.take(segments.number[start:stop])
    ink = kind == TEXT
    same_line = np.append((line[1:] == line[:-1]) & ~hangs[1:], False)
    boundary = segments.store.boundary.take(segments.number[start:stop])
    implicit = (boundary[:-1] & TAIL_WIDE != 0) & (boundary[1:] & HEAD_WIDE != 0)
    implicit &= segments.breaks[start : stop - 1] == MAY_BREAK
    expandable: NDArray[np.bool_] = (segments.gap[start:stop] != 0) | np.append(implicit, False)
    # Indentation keeps its width, and so does everything before the last tab of a line.
    seen = np.maximum.accumulate(np.where(ink, np.arange(len(line)), -1))
    expandable &= same_line & (seen >= (table.first[lo:hi] - start)[line])
    if table.metrics.grid:
        expandable[:] = False  # cells keep their width
    elif segments.cellular is not None:
        expandable &= ~segments.cellular[start:stop]
    tab = np.flatnonzero(kind == TAB)
    if len(tab):
        last_tab = np.full(hi - lo, -1)
        last_tab[line[tab]] = tab
        expandable &= np.arange(len(line)) > last_tab[line]
    return expandable

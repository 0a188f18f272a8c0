"""Break lines: segments and the widths of lines → a line table.

Most lines of source code are paragraphs that fit their line. One comparison for the whole chunk finds all such
paragraphs (reach.py). The others are broken together (greedy.py), except those with hyphens and those whose lines are
made even (careful.py). Pieces that are wider than a line are cut first (wide_pieces.py). Spaces and tabs at
the end of a line hang: they do not count when a line is checked to fit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.careful import CarefulBreaker
from glyphrender.typeset.cell_boxes import cell_boxes
from glyphrender.typeset.continuation import indents
from glyphrender.typeset.glyph_store import MAY_BREAK, MAY_HYPHENATE, NO_BREAK, PAGE_BREAK
from glyphrender.typeset.greedy import greedy_cuts
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.line_table import BESIDE, CELL, FIRST, HYPHEN, LAST, PAGE_END, ROW, RULED, LineTable
from glyphrender.typeset.reach import Reach
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.stretch import CellBoxes, Stretch
from glyphrender.typeset.wide_pieces import cut_wide_pieces

# Paragraphs that need care are prepared together if they have no more break opportunities than this between them.
_APART: Final = 1000


def break_lines(
    segments: SegmentTable, metrics: LineMetrics, *, begins: bool, final: bool
) -> tuple[LineTable, SegmentTable | None]:
    """Break `segments` into lines.

    Args:
        segments: the segments. Those that an earlier call left over come first.
        metrics: the widths of lines, in EM units.
        begins: whether the segments start a paragraph; if not, an earlier call has its first line.
        final: whether the last paragraph ends with the segments even if no line end follows.

    Returns:
        (the lines, the unfinished tail). The tail is None unless the last paragraph goes on. It is less than a line,
        and the next call must start with it.
    """
    stretch = Stretch(segments, metrics)  # where each segment would stand if all were on one line
    stretch.cells = cell_boxes(stretch)  # the columns of tables
    if (cut := cut_wide_pieces(stretch)) is not segments:
        stretch = Stretch(cut, metrics, stretch.cells)
    reach = Reach(stretch, np.flatnonzero(stretch.breaks != NO_BREAK))
    paragraphs = _Paragraphs.of(stretch, reach, begins=begins, final=final)
    careful, plain = _sorted_out(stretch, paragraphs)
    lines, left = _broken_together(stretch, paragraphs, plain, reach)
    walked = _walked(stretch, paragraphs, careful, reach)
    if walked is not None and walked.left is not None:
        left = walked.left
    return _assembled(stretch, reach, paragraphs, lines, walked, left)


class _Paragraphs(NamedTuple):
    """The paragraphs of a stretch, as columns."""

    start: NDArray[np.intp]  # first segment
    end: NDArray[np.intp]  # the segment after the last
    fits: NDArray[np.bool_]  # the paragraph is one line
    indent: NDArray[np.int64]  # indent of its lines after the first; 0 if it is one line
    first: NDArray[np.int64]  # width of its first line
    rest: NDArray[np.int64]  # width of its other lines, without their indent
    begins: bool  # the first one begins here
    open: bool  # the last one goes on in the next chunk

    @classmethod
    def of(cls, stretch: Stretch, reach: Reach, *, begins: bool, final: bool) -> _Paragraphs:
        start, end = stretch.paragraphs()
        goes_on = not stretch.ends_paragraph[-1:].any()
        first, rest = stretch.rooms(start)
        limit = first.copy()
        if not begins:
            limit[0] = rest[0] - (stretch.segments.indent or 0)
        _, fits = reach(start, limit, end)
        if goes_on and not final:
            fits[-1] = False
        indent = np.zeros(len(end), np.int64)
        indent[~fits] = indents(stretch, start[~fits], end[~fits])
        if not begins:
            indent[0] = stretch.segments.indent or 0
        return cls(start, end, fits, indent, first, rest, begins, goes_on and not final)


class _Lines(NamedTuple):
    """Lines as columns: the first segment, the segment after the last, FIRST and LAST."""

    first: NDArray[np.intp]
    last: NDArray[np.intp]
    flags: NDArray[np.uint8]


def _sorted_out(stretch: Stretch, paragraphs: _Paragraphs) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the paragraphs that do not fit a line: (those that need care, the others)."""
    broken = np.flatnonzero(~paragraphs.fits)
    # A paragraph that goes on is never broken evenly, because its end is not known, and neither is one with tabs.
    plain = np.full(len(broken), not stretch.metrics.optimal)
    if paragraphs.open and len(plain):
        plain[-1] = True
    for at, value in ((stretch.tabs, True), (np.flatnonzero(stretch.breaks == MAY_HYPHENATE), False)):
        if at.size:
            plain[np.isin(broken, np.searchsorted(paragraphs.end, at, "right"))] = value
    return broken[~plain], broken[plain]


def _broken_together(
    stretch: Stretch, paragraphs: _Paragraphs, chosen: NDArray[np.intp], reach: Reach
) -> tuple[_Lines, int]:
    """Return (the lines of the `chosen` paragraphs, the first segment that is left over)."""
    rest = paragraphs.rest[chosen] - paragraphs.indent[chosen]
    begins, stops = paragraphs.start[chosen], paragraphs.end[chosen]
    first = (chosen > 0) | paragraphs.begins
    longest = (reach.laid[stops - 1] - reach.laid[begins]).max(initial=0)
    cut = 1 + greedy_cuts(
        reach,
        reach.place,
        regular=stretch.breaks[reach.place] == MAY_BREAK,
        begins=begins,
        stops=stops,
        first=np.where(first, paragraphs.first[chosen], rest),
        rest=rest,
        lines=int(longest) // int(rest.min(initial=stretch.metrics.rest)),
    )
    starts, ends = np.sort(np.append(begins, cut)), np.sort(np.append(cut, stops))
    flags = np.zeros(len(starts), np.uint8)
    flags[np.searchsorted(starts, begins[first])] |= FIRST
    flags[np.searchsorted(ends, stops)] |= LAST
    left = len(stretch.kind)
    if paragraphs.open and len(stops) and stops[-1] == paragraphs.end[-1]:
        left = int(starts[-1])
        starts, ends, flags = starts[:-1], ends[:-1], flags[:-1]
    return _Lines(starts, ends, flags), left


def _walked(stretch: Stretch, paragraphs: _Paragraphs, chosen: NDArray[np.intp], reach: Reach) -> CarefulBreaker | None:
    """Return the breaker that has walked the `chosen` paragraphs line by line; None if there are none."""
    if not len(chosen):
        return None
    breaker = CarefulBreaker(stretch, reach)
    start, end = paragraphs.start[chosen], paragraphs.end[chosen]
    lo, hi = np.searchsorted(reach.place, start), np.searchsorted(reach.place, end - 1)
    # Paragraphs with much text between them are prepared apart, so that this text costs nothing.
    begins = np.flatnonzero(np.append(True, lo[1:] - hi[:-1] > _APART))
    for first, stop in zip(begins.tolist(), [*begins[1:].tolist(), len(chosen)], strict=True):
        breaker.turn_to(slice(int(start[first]), int(end[stop - 1])), slice(int(lo[first]), int(hi[stop - 1])))
        _walk(breaker, paragraphs, chosen[first:stop], lo[first:stop] - lo[first], hi[first:stop] - lo[first])
    return breaker


def _walk(
    breaker: CarefulBreaker,
    paragraphs: _Paragraphs,
    chosen: NDArray[np.intp],
    lo: NDArray[np.intp],
    hi: NDArray[np.intp],
) -> None:
    """Break the `chosen` paragraphs; `lo` and `hi` count their opportunities as `CarefulBreaker.add` does."""
    for paragraph, low, high in zip(chosen.tolist(), lo.tolist(), hi.tolist(), strict=True):
        breaker.add(
            int(paragraphs.start[paragraph]),
            int(paragraphs.end[paragraph]),
            low,
            high,
            first=paragraphs.begins or paragraph > 0,
            widths=(int(paragraphs.first[paragraph]), int(paragraphs.rest[paragraph] - paragraphs.indent[paragraph])),
            goes_on=paragraphs.open and paragraph == len(paragraphs.end) - 1,
        )


def _assembled(
    stretch: Stretch,
    reach: Reach,
    paragraphs: _Paragraphs,
    plain: _Lines,
    walked: CarefulBreaker | None,
    left: int,
) -> tuple[LineTable, SegmentTable | None]:
    """Return (all lines in order, the segments from `left` on)."""
    alone = np.flatnonzero(paragraphs.fits)
    single = np.full(len(alone), FIRST | LAST, np.uint8)
    if len(alone) and alone[0] == 0 and not paragraphs.begins:
        single[0] = LAST
    lists = (walked.first, walked.last, walked.flags) if walked else ([], [], [])
    first = np.concatenate([np.array(lists[0], np.int32), plain.first, paragraphs.start[alone]]).astype(np.int32)
    order = np.argsort(first, kind="stable")
    first = first[order]
    last = np.concatenate([np.array(lists[1], np.int32), plain.last, paragraphs.end[alone]]).astype(np.int32)[order]
    flags = np.concatenate([np.array(lists[2], np.uint8), plain.flags, single])[order]
    tab_at, tab_width, added = reach.tabs(first, last)
    flags[stretch.kind[last - 1] == PAGE_BREAK] |= PAGE_END
    width = np.maximum(stretch.end[last - 1] - stretch.start[first] + added, 0)
    if len(hyphenated := np.flatnonzero(flags & HYPHEN)):
        width[hyphenated] += stretch.metrics.hyphens(stretch.segments, last[hyphenated] - 1)
    segments, rest = stretch.segments, None
    if left < len(segments.number):
        segments, rest = segments.split(left)
        begun = left > paragraphs.start[-1] or (len(paragraphs.start) == 1 and not paragraphs.begins)
        rest = replace(rest, indent=int(paragraphs.indent[-1]) if begun else None)
    indent = np.zeros(len(first), np.int64)
    if paragraphs.indent.any():
        indent = np.where(flags & FIRST, 0, paragraphs.indent[np.searchsorted(paragraphs.end, first, "right")])
    lead = None if segments.paragraph is None else stretch.lead(first.astype(np.intp))
    cell_left = cell_width = None
    if stretch.cells is not None and len(first):
        of = stretch.cells.of(first)
        flags = _cell_flags(flags, of, stretch.cells)
        cell_left, cell_width = stretch.cells.left[of], stretch.cells.width[of]
    table = LineTable(
        segments=segments,
        metrics=stretch.metrics,
        first=first,
        last=last,
        width=width,
        indent=indent,
        lead=lead,
        cell_left=cell_left,
        cell_width=cell_width,
        flags=flags,
        tab_at=tab_at,
        tab_width=tab_width,
    )
    return table, rest


def _cell_flags(flags: NDArray[np.uint8], of: NDArray[np.intp], cells: CellBoxes) -> NDArray[np.uint8]:
    """Return `flags` with those of tables. `of` is the paragraph of each line.

    In a table in which a cell has more than one line, rows have a rule above them, except the row below the head.
    """
    begins = (flags & FIRST) != 0
    found = cells.flags[of]
    opens = begins & (found & (ROW | BESIDE) != 0)
    wraps = np.bincount(cells.table[of][~opens & (found != 0)], minlength=int(cells.table[-1]) + 1) > 0
    ruled = opens & cells.ruled[of] & wraps[cells.table[of]]
    return np.asarray(flags | np.where(begins, found, found & CELL) | np.where(ruled, RULED, 0), np.uint8)

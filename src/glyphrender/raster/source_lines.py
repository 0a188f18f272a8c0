"""Which lines of a block begin a line of the source, and the numbers of these source lines, for the gutter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.drawn_text import line_ends
from glyphrender.text.parts import PartSpan, line_number
from glyphrender.typeset.glyph_store import EMPTY, NEWLINE
from glyphrender.typeset.line_table import FIRST
from glyphrender.typeset.page_layout import Block
from glyphrender.typeset.segments import SegmentTable

_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)+")


def numbered_lines(block: Block, parts: Sequence[PartSpan]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return ([k] the lines of `block` at which a line of the source begins, [k] the numbers of these source lines)."""
    table, segments = block.table, block.table.segments
    line = np.flatnonzero(table.flags[block.lo : block.hi] & FIRST)
    at = table.first[block.lo : block.hi][line]
    if not len(at):
        return line, np.zeros(0, np.int64)
    start = int(at[0])
    ends = segments.ends_source_line(slice(start, int(at[-1])))
    ended = np.append(0, np.cumsum(ends))[at - start]
    ended += segments.line + np.count_nonzero(segments.ends_source_line(slice(0, start)))
    mid_line = not segments.ends_source_line(slice(start - 1, start))[0] if start else segments.mid_line
    begins = np.append(not mid_line, ends)[at - start]
    if segments.drawn_text is not None:
        begins, ended = _of_flowing_lines(segments, at)
    line, at, number = line[begins], at[begins], ended[begins] + 1
    if parts:
        offset = segments.offset + np.append(0, np.cumsum(segments.lengths()))[at]
        found = [line_number(parts, *place) for place in zip(offset.tolist(), (number - 1).tolist(), strict=True)]
        in_text = np.array([one is not None for one in found], bool)
        line, number = line[in_text], np.array([one for one in found if one is not None], np.int64)
    return line, number


def _of_flowing_lines(segments: SegmentTable, at: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return ([k] whether a source line begins with segment `at`, [k] how many source lines end before its text).

    Line ends inside a paragraph end no segment, and a paragraph may begin with blank lines that are not drawn.
    """
    text, ends, kinds = segments.text, line_ends(segments.text), segments.kinds()
    places = np.append(0, np.cumsum(segments.lengths()))[at]
    begins = np.where(places > 0, np.isin(places, ends), not segments.mid_line)
    drawn = places.astype(np.int64)  # where the text that is drawn begins
    for index, (row, begin) in enumerate(zip(at.tolist(), places.tolist(), strict=True)):
        own = kinds[row] == NEWLINE or (kinds[row] == EMPTY and NEWLINE in kinds[row + 1 : row + 2])
        if not own and (blank := _BLANK_LINES.match(text, begin)):  # a blank line that is drawn has a number of its own
            drawn[index] = blank.end()
        if segments.stands_for is not None and segments.hidden is not None and segments.number[row] == 0:
            # In rich text, markup at the start of a paragraph belongs to an empty segment; it may be lines of its own.
            drawn[index] = begin + max(0, segments.hidden[row])
    return begins, segments.line + np.searchsorted(ends, drawn, "right").astype(np.int64)

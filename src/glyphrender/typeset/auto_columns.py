"""Columns that the text decides: the widths of its first lines → how many columns a page has.

The look is taken once, before anything is laid out, at the first `LOOK` characters. So it does not matter how a text
arrives: a stream is read that far before its first page. A page gets as many columns as leave 95% of the lines whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import ThetaError
from glyphrender.fonts.face import EM
from glyphrender.text.parts import LINE_ENDS
from glyphrender.theta import Theta
from glyphrender.typeset.cell_boxes import GAP, extents
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.paragraph_styles import Begins
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.stretch import Stretch

#: The characters at the start of a text that are looked at.
LOOK: Final = 1 << 16
# The share of the lines that shall fit a column.
_WHOLE: Final = 0.95


def sample(text: str) -> str:
    """Return the part of `text` that is looked at: its first lines, or a part of its first line."""
    if len(text) <= LOOK:
        return text
    end = max(text.rfind(mark, 0, LOOK) for mark in LINE_ENDS) + 1
    return text[: end or LOOK]


def columns_of(tables: Iterable[SegmentTable], theta: Theta, metrics: LineMetrics) -> int:
    """Return how many columns the lines of a text allow.

    Args:
        tables: the segments of its beginning. Those of rich text may go on; lines that begin later do not count.
        theta: the rendering parameters.
        metrics: the widths of lines.
    """
    width = _width(list(_beginning(tables)), metrics)
    if not width:
        return 1
    found = 1
    with suppress(ThetaError):  # the column before was the last with room for an em
        for number in count(2):
            narrower = theta.replace(columns=number)
            room = narrower.measure - max(0.0, narrower.first_line_indent)
            if int(room / narrower.em * EM + 1e-6) < width:
                break
            found = number
    return found


def _beginning(tables: Iterable[SegmentTable]) -> Iterable[SegmentTable]:
    """Yield tables until they have all lines that begin in the first `LOOK` characters."""
    drawn = 0
    for table in tables:
        yield table
        drawn += int(table.drawn_lengths().sum())
        if drawn >= LOOK and not table.open and not table.ends_in_cell:
            return


def _width(tables: list[SegmentTable], metrics: LineMetrics) -> int:
    """Return the width in EM units that 95% of the lines do not exceed, lines without ink left out."""
    if not tables:
        return 0
    stretch = Stretch(tables[0].joined(*tables[1:]), metrics)
    segments = stretch.segments
    if not len(segments.number):
        return 0
    start, end = stretch.paragraphs()
    wants, _ = extents(stretch, start, end)
    width: NDArray[np.int64] = np.where(wants > 0, wants + stretch.lead(start), 0)
    begins = np.append(0, np.cumsum(segments.drawn_lengths()))[start]
    if segments.paragraph is not None and segments.paragraph_styles:
        styles, of = segments.paragraph_styles, segments.paragraph[start]
        heads = ~styles.in_cell[of] | (styles.begins[of] >= Begins.ROW)
        heads[0] = True
        rows = np.flatnonzero(heads)
        width = np.add.reduceat(width + np.where(styles.begins[of] == Begins.CELL, GAP, 0), rows)
        begins = begins[rows]
    width = np.sort(width[(begins < LOOK) & (width > 0)])
    return int(width[int(np.ceil(_WHOLE * len(width))) - 1]) if len(width) else 0

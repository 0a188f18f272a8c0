"""`LineMetrics`: the widths that lines are set by, in font units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.theta import Cells, LineBreaker, LineBreaks, Spaces, Theta
from glyphrender.typeset.furniture import Furniture
from glyphrender.typeset.look_metrics import LookMetrics
from glyphrender.typeset.segments import SegmentTable


@dataclass(frozen=True, kw_only=True, slots=True)
class LineMetrics:
    """The widths that lines are set by. Lengths are EM units unless a field says otherwise.

    Attributes:
        first: width of the first line of a paragraph.
        rest: width of the other lines.
        gap: width of a space.
        letter: added to every grapheme cluster.
        tab: distance between tab stops.
        tab_width: the same, in spaces.
        grid: whether all text stands in cells, so that no gap may be stretched.
        hyphen: width of an added hyphen.
        marker: width of the newline marker after which the text flows on; None where a newline ends the line.
        marker_lead: the spaces before the marker, part of `marker`.
        continuation: indent of the lines after the first of a paragraph, beyond its leading spaces; None for no indent.
        collapse: whether a run of spaces is drawn as one.
        optimal: whether the lines of a paragraph are made evenly full.
        natural: whether a piece that is wider than a line is cut at its spaces and marks first.
        ascent, descent: of the first face, in em.
        looks: the widths of the looks of rich text; None in plain text.
    """

    first: int
    rest: int
    gap: int
    letter: int
    tab: int
    tab_width: int
    grid: bool
    hyphen: int
    marker: int | None
    marker_lead: int
    continuation: int | None
    collapse: bool
    optimal: bool
    natural: bool
    ascent: float
    descent: float
    looks: LookMetrics | None = None

    @classmethod
    def of(cls, theta: Theta, furniture: Furniture, looks: LookMetrics | None = None) -> LineMetrics:
        """Return the metrics of `theta` in the first face of `furniture`, and of `looks`."""

        def units(points: float) -> int:
            return int(points / theta.em * EM + 1e-6)

        primary = furniture.style.stack.primary
        letter = round(theta.letter_spacing / theta.em * EM)
        grid = theta.cells is Cells.GRID
        space = max(0, (furniture.style.cell if grid else furniture.shaped(" ")[2]) + letter)
        gap = space if grid else max(0, space + round(theta.word_spacing / theta.em * EM))
        marker = theta.newline_marker
        text = marker[0] if marker else ""
        lead = len(text) - len(text.lstrip(" "))
        trail = len(text) - len(text.rstrip(" "))
        ink = furniture.shaped(text.strip(" "))[2] if marker else 0
        return cls(
            first=max(1, units(theta.measure - theta.first_line_indent)),
            rest=max(1, units(theta.measure)),
            gap=gap,
            letter=letter,
            tab=max(1, space * theta.tab_width),
            tab_width=theta.tab_width,
            grid=grid,
            hyphen=furniture.shaped(furniture.hyphen)[2] + letter,
            marker=ink + (lead + trail) * gap if marker else None,
            marker_lead=lead * gap,
            continuation=_continuation(theta, furniture, units(theta.continuation_indent), gap),
            collapse=theta.spaces is Spaces.COLLAPSE,
            optimal=theta.line_breaker is LineBreaker.OPTIMAL,
            natural=theta.line_breaks is LineBreaks.UNICODE,
            ascent=primary.ascent,
            descent=primary.descent,
            looks=looks,
        )

    def hyphens(self, segments: SegmentTable, at: NDArray[Any]) -> NDArray[np.int64]:
        """Return the width of a hyphen that is added after each of the segments `at`."""
        if self.looks is None or segments.look is None:
            return np.full(len(at), self.hyphen, np.int64)
        widths: NDArray[np.int64] = self.looks.hyphen.take(segments.look[at])
        return widths


def _continuation(theta: Theta, furniture: Furniture, indent: int, gap: int) -> int | None:
    """Return `LineMetrics.continuation`: with room for the mark and a space, and a whole number of cells in a grid."""
    if theta.newline_marker or not (theta.continuation_indent or theta.continuation_mark):
        return None
    if mark := theta.continuation_mark:
        indent = max(indent, furniture.shaped(mark, furniture.face_of(mark))[2] + gap)
    if theta.cells is Cells.GRID and gap:
        indent = -(-indent // gap) * gap
    return indent

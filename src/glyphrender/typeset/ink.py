"""Ink: how far glyphs reach above and below the baseline, and how high a line must be for them.

The extents come from the fonts, so they are known without drawing, and `leading=FIT` gives exact pages for ρ too.
Hinting may move an edge by less than a pixel.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.text.runs import distinct
from glyphrender.theta import Leading, Theta
from glyphrender.typeset.glyph_store import BOX_FACE, CELL_FACE, GlyphStore
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.line_table import LineTable

#: The frame of a missing character, in em: its top above the baseline, and its bottom below it.
BOX_TOP, BOX_BOTTOM = 0.86, 0.16
_BOX: Final = (0, round(BOX_TOP * EM), EM, -round(BOX_BOTTOM * EM))
_NOTHING: Final = (0, 0, 0, 0)


def glyph_ink(
    store: GlyphStore, style: NDArray[np.integer], face: NDArray[np.integer], glyph: NDArray[np.uint32]
) -> NDArray[np.int32]:
    """Return [4, g] left, top, right and bottom of the ink of glyphs, from their origins, in EM units, y up.

    Box drawing has no ink here, because it fills its line and no more.

    Args:
        store: the glyph store.
        style: [g] place of each glyph's style in `store.styles`.
        face: [g] place of its face in the font stack of the style, or BOX_FACE or CELL_FACE.
        glyph: [g] glyph ids.
    """
    ink = np.zeros((4, len(glyph)), np.int32)
    kind = style.astype(np.int64) << 8 | face
    for key in distinct(kind).tolist():
        at = np.flatnonzero(kind == key)
        number = key & 0xFF
        if number in (BOX_FACE, CELL_FACE):
            ink[:, at] = np.array(_BOX if number == BOX_FACE else _NOTHING)[:, None]
        else:
            ink[:, at] = store.styles[key >> 8].stack.faces[number].ink(glyph[at])
    return ink


def segment_ink(store: GlyphStore, segments: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return ([n] how far the ink of each segment reaches above the baseline, [n] below it) in EM units, 0 or more.

    Each segment is measured once, and remembered by the store.
    """
    known = store.measured.take(segments)
    if not known.all():
        new = distinct(segments[known == 0])
        rows, counts = store.glyph_rows(new)
        above, below = np.zeros(len(new), np.int32), np.zeros(len(new), np.int32)
        if len(rows):
            of = np.repeat(np.arange(len(new)), counts)
            style, face = (np.repeat(column.take(new), counts) for column in (store.style, store.face))
            _, top, _, bottom = glyph_ink(store, style, face, store.glyph.take(rows))
            lift = store.y.take(rows)
            inked = top > bottom
            np.maximum.at(above, of[inked], (top + lift)[inked])
            np.maximum.at(below, of[inked], -(bottom + lift)[inked])
        store.measure(new, above, below)
    return store.above.take(segments), store.below.take(segments)


def line_ink(table: LineTable, lo: int, hi: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return ([n] how far the ink of lines `lo` to `hi - 1` reaches above the baseline, [n] below it), in EM units."""
    start, stop = int(table.first[lo]), int(table.last[hi - 1])
    above, below = segment_ink(table.segments.store, table.segments.number[start:stop])
    looks, look = table.metrics.looks, table.segments.look
    if looks is not None and look is not None and (looks.size != EM).any():
        size = looks.size.take(look[start:stop])
        above, below = (-(-each * size // EM).astype(np.int32) for each in (above, below))
    first = table.first[lo:hi] - start
    return np.maximum.reduceat(above, first), np.maximum.reduceat(below, first)


def ascent(theta: Theta, metrics: LineMetrics) -> float:
    """Return the distance from the top of a line to its baseline, in points; the font is centered in `line_height`."""
    return (theta.line_height + (metrics.ascent - metrics.descent) * theta.font_size) / 2


def fitted_lines(table: LineTable, theta: Theta) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return ([n] distance from the top of each line to its baseline, [n] height of each line) in points.

    The result is None if all lines are `line_height` high. No line is higher than a column.
    """
    if theta.leading is Leading.FIXED or not len(table):
        return None
    above, below = line_ink(table, 0, len(table))
    least = ascent(theta, table.metrics)
    points = theta.font_size / EM
    room = theta.column_height - 2 * theta.inset
    up = np.maximum(least, np.minimum(above * points, room - (theta.line_height - least)))
    down = np.maximum(theta.line_height - least, np.minimum(below * points, room - up))
    # Rounded, so that sums of heights do not depend on how the points were computed.
    return np.round(up, 6), np.round(up + down, 6)

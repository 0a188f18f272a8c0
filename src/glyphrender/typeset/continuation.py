"""Continuation: the indent of the lines after the first of a paragraph.

A continuation line stands under the text of its paragraph's first line, not under its leading spaces, and
`continuation_indent` further in. So wrapped code does not look like a new statement. The indent takes at most half of
the line, so a text laid out again on a page as wide as its widest line has the same lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.glyph_store import TAB
from glyphrender.typeset.stretch import Stretch


def indents(stretch: Stretch, start: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return [k] the indent of the continuation lines of each paragraph, in EM units.

    Args:
        stretch: the segments.
        start, end: [k] the first segment of each paragraph, and the segment after its last.
    """
    metrics = stretch.metrics
    if metrics.continuation is None or not len(start):
        return np.zeros(len(start), np.int64)
    begins, rest = stretch.rooms(start)
    most = rest // 2
    inked = np.append(np.flatnonzero(stretch.inked), len(stretch.kind))
    first = np.minimum(inked[np.searchsorted(inked, start)], end)  # the first segment with ink
    lead = stretch.start[first] - stretch.start[start]
    tabbed = np.searchsorted(stretch.tabs, first) > np.searchsorted(stretch.tabs, start)
    for at in np.flatnonzero(tabbed).tolist():
        lead[at] = _tabbed_lead(stretch, int(start[at]), int(first[at]), int(most[at]))
    indent: NDArray[np.int64] = np.clip(rest - begins + lead + metrics.continuation, 0, most)
    if stretch.segments.indent is not None:
        indent[start == 0] = stretch.segments.indent
    return indent


def _tabbed_lead(stretch: Stretch, start: int, stop: int, most: int) -> int:
    """Return the width of the spaces and tabs from segment `start` to `stop - 1`, or any width of `most` or more."""
    stops = int(stretch.tab_stops(np.array([start]))[0])
    x = 0
    for at in range(start, stop):
        x += stops - x % stops if stretch.kind[at] == TAB else int(stretch.start[at + 1] - stretch.start[at])
        if x >= most:
            break
    return x

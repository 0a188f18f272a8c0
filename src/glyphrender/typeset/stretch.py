"""`Stretch`: a segment table as one endless line, and the places where it may be cut.

Positions are running sums in EM units. They are integers. So breaking a text again at a width that was measured gives
the same lines.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from glyphrender.typeset.glyph_store import (
    EMPTY,
    MAY_BREAK,
    MAY_HYPHENATE,
    NEWLINE,
    NO_BREAK,
    PAGE_BREAK,
    TAB,
    TEXT,
)
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.line_table import advances
from glyphrender.typeset.segments import SegmentTable

#: A break between two clusters of a word. It is allowed only because the word is wider than a line.
EMERGENCY: Final = 3


class Stretch:
    """The positions that segments would have if all were on one line, and the places where that line may be cut.

    Tabs count as 0. Lengths are EM units.

    Attributes:
        segments: the segments.
        metrics: the widths of lines.
        kind: [n] kind of each segment.
        start: [n + 1] x of each segment.
        end: [n] right edge of what is drawn up to and including each segment; spaces, tabs and line ends hang.
        inked: [n] whether anything is drawn for the segment.
        breaks: [n] NO_BREAK, MAY_BREAK, MAY_HYPHENATE or EMERGENCY after the segment and its gap.
        ends_paragraph: [n] whether a paragraph ends with the segment.
    """

    def __init__(self, segments: SegmentTable, metrics: LineMetrics) -> None:
        self.segments, self.metrics = segments, metrics
        n = len(segments.number)
        self.kind = segments.kinds()
        ink, gap = advances(segments, metrics, 0, n)
        self.start = np.zeros(n + 1, np.int64)
        np.cumsum(ink + gap, out=self.start[1:])
        flows = metrics.marker is not None
        self.inked = (self.kind == TEXT) | ((self.kind == NEWLINE) & flows)
        self.end = np.maximum.accumulate(np.where(self.inked, self.start[:-1] + ink, 0))
        self.breaks = segments.breaks
        self.ends_paragraph = self.kind >= (PAGE_BREAK if flows else NEWLINE)
        if flows:
            self.breaks = self.breaks.copy()
            marker = self.kind == NEWLINE
            self.breaks[marker] = MAY_BREAK
            # A line may end before a marker, but only if something stands there. An empty line would result otherwise.
            something = (self.kind != EMPTY) | (segments.gap != 0)
            self.breaks[:-1][marker[1:] & something[:-1]] = MAY_BREAK


def cut_wide_words(stretch: Stretch) -> SegmentTable:
    """Return the segments of `stretch`, with parts that are wider than a line and have no break cut at their clusters.

    If no part is that wide, the result is `stretch.segments` itself.
    """
    segments, metrics = stretch.segments, stretch.metrics
    n = len(segments.number)
    stop = np.flatnonzero((stretch.breaks != NO_BREAK) | stretch.ends_paragraph)
    if not len(stop) or stop[-1] != n - 1:
        stop = np.append(stop, n - 1)
    start = np.append(0, stop[:-1] + 1)
    width = stretch.end[stop] - stretch.start[start]
    hyphen = stretch.breaks[stop] == MAY_HYPHENATE
    width[hyphen] += metrics.hyphen
    tab = stretch.kind == TAB
    if tab.any():
        # No break follows a tab before a closing bracket. Such a tab may be as wide as the distance between two stops.
        tabs = np.append(0, np.cumsum(tab))
        width += (tabs[stop] - tabs[start]) * metrics.tab
    wide = width > min(metrics.first, metrics.rest)
    if not wide.any():
        return segments
    inside = np.zeros(n + 1, np.int8)
    inside[start[wide]] += 1
    inside[stop[wide] + 1] -= 1
    too_wide = np.cumsum(inside[:-1]) > 0
    cut = too_wide & (stretch.kind == TEXT)
    parts = [segments.store.by_cluster(number) for number in segments.number[cut].tolist()]
    counts = np.ones(n, np.intp)
    counts[cut] = [len(part) for part in parts]
    at = np.repeat(np.arange(n), counts)
    number = segments.number[at]
    if parts:
        number[cut[at]] = np.concatenate(parts)
    # Only the last part of a segment keeps the gap and the break that follow it.
    inner = np.append(at[1:] == at[:-1], False)
    breaks = np.where(inner, NO_BREAK, segments.breaks[at])
    # Breaks are added between segments too, but not beside an empty one: the result would be an empty line, or a line
    # that begins with the spaces of the line before.
    empty = np.append(stretch.kind == EMPTY, False)
    between = ~empty[:-1] & ~empty[1:]
    between[stop] = False
    breaks[too_wide[at] & (breaks == NO_BREAK) & (inner | between[at])] = EMERGENCY
    return segments.edited(
        at,
        number=number,
        gap=np.where(inner, 0, segments.gap[at]).astype(np.uint8),
        breaks=breaks.astype(np.uint8),
    )

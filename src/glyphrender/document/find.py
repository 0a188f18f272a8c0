"""The boxes of some characters of a page. `Page.find` searches the text; this module finds the places of its glyphs.

A segment is the unit of shaping, a word or a part of one, and its place is known. Inside a segment, glyphs are in
visual order, and each knows the first character of its grapheme cluster. So characters are found in either direction.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glyphrender.rich.drawn_text import OWN
from glyphrender.typeset.glyph_store import TEXT, GlyphStore
from glyphrender.typeset.page_layout import Block
from glyphrender.typeset.place import Placed


def visible_parts(
    block: Block, placed: Placed, start: int, end: int
) -> Iterator[tuple[int, int, tuple[float, float, float, float]]]:
    """Yield, for each line of `block`, (start, end, box) of the visible characters of a range.

    A character is visible if it has a glyph; spaces and line ends have none. Lines without such characters are left
    out.

    Args:
        block: lines in one column of a page.
        placed: the places of their glyphs.
        start, end: the range, in characters from the start of the block.
    """
    segments = block.table.segments
    part = slice(placed.first_segment, placed.first_segment + len(placed.left))
    segment, length = segments.number[part], segments.ink_lengths(part)
    replaced = np.zeros(len(segment), bool) if segments.replaced is None else segments.replaced[part] != OWN
    begin = np.cumsum(segments.lengths(part)) - segments.lengths(part)
    ink = (segments.store.kind.take(segment) == TEXT) & (length > 0) & (begin < end) & (begin + length > start)
    line = placed.line_of_segment
    for number in np.unique(line[ink]).tolist():
        lefts, rights = [], []
        inside = np.flatnonzero(ink & (line == number))
        for index in inside.tolist():
            lo, hi = max(start - int(begin[index]), 0), min(end - int(begin[index]), int(length[index]))
            left, right = float(placed.left[index]), float(placed.right[index])
            share = (0.0, 1.0)
            if not replaced[index]:
                share = _share_of_width(segments.store, int(segment[index]), lo, hi)
            lefts.append(left + share[0] * (right - left))
            rights.append(left + share[1] * (right - left))
        first, last = int(inside[0]), int(inside[-1])
        y = float(placed.top[number])
        yield (
            max(start, int(begin[first])),
            min(end, int(begin[last] + length[last])),
            (min(lefts), y, max(rights), y + float(placed.height[number])),
        )


def _share_of_width(store: GlyphStore, segment: int, start: int, end: int) -> tuple[float, float]:
    """Return where characters `start` … `end` of a segment begin and end, as shares of its width from the left.

    Characters that share a glyph, or are of one grapheme cluster, are taken together.
    """
    rows, _ = store.glyph_rows(np.array([segment]))
    length = int(store.length.rows[segment])
    step = store.step.take(rows)
    if (start == 0 and end == length) or not step.sum():
        return 0.0, 1.0
    cluster = store.cluster.take(rows)
    edges = np.append(np.unique(np.append(cluster, 0)), length)
    inside = (cluster < end) & (edges[np.searchsorted(edges, cluster, "right")] > start)
    right = np.cumsum(step)
    if not inside.any():
        return 0.0, 1.0
    return float((right - step)[inside].min() / right[-1]), float(right[inside].max() / right[-1])

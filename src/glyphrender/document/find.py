"""The boxes of some characters of a page. `Page.find` searches the text; this module finds the places of its glyphs.

A piece is the unit of shaping, a word or a part of one, and its place is known. Inside a piece, glyphs are in visual
order, and each knows the first character of its grapheme cluster. So characters are found in either direction.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glyphrender.typeset import glyph_store
from glyphrender.typeset.paginate import Block
from glyphrender.typeset.place import Placed


def visible_parts(
    block: Block, placed: Placed, start: int, end: int, height: float
) -> Iterator[tuple[int, int, tuple[float, float, float, float]]]:
    """Yield, for each line of `block`, (start, end, box) of the visible characters of a range.

    A character is visible if it has a glyph, which spaces and line ends have not. Lines without such characters are
    left out.

    Args:
        block: lines in one column of a page.
        placed: the places of their glyphs.
        start, end: the range, in characters from the start of the block.
        height: of a line, in pixels.
    """
    run = block.galley.run
    pieces = slice(placed.first_piece, placed.first_piece + len(placed.left))
    piece, length = run.piece[pieces], run.arena.length.take(run.piece[pieces])
    begin = np.cumsum(run.lengths(pieces)) - run.lengths(pieces)
    ink = (run.arena.kind.take(piece) == glyph_store.TEXT) & (length > 0) & (begin < end) & (begin + length > start)
    line = placed.line_of_piece
    for number in np.unique(line[ink]).tolist():
        lefts, rights = [], []
        inside = np.flatnonzero(ink & (line == number))
        for index in inside.tolist():
            lo, hi = max(start - int(begin[index]), 0), min(end - int(begin[index]), int(length[index]))
            left, right = float(placed.left[index]), float(placed.right[index])
            share = _share_of_width(run.arena, int(piece[index]), lo, hi)
            lefts.append(left + share[0] * (right - left))
            rights.append(left + share[1] * (right - left))
        first, last = int(inside[0]), int(inside[-1])
        y = float(placed.top[number])
        yield (
            max(start, int(begin[first])),
            min(end, int(begin[last] + length[last])),
            (min(lefts), y, max(rights), y + height),
        )


def _share_of_width(arena: glyph_store.Arena, piece: int, start: int, end: int) -> tuple[float, float]:
    """Return where characters `start` … `end` of a piece begin and end, as shares of its width from the left.

    Characters that share a glyph, or are of one grapheme cluster, are taken together.
    """
    rows, _ = arena.glyph_rows(np.array([piece]))
    length = int(arena.length.rows[piece])
    step = arena.step.take(rows)
    if (start == 0 and end == length) or not step.sum():
        return 0.0, 1.0
    cluster = arena.cluster.take(rows)
    edges = np.append(np.unique(np.append(cluster, 0)), length)
    inside = (cluster < end) & (edges[np.searchsorted(edges, cluster, "right")] > start)
    right = np.cumsum(step)
    if not inside.any():
        return 0.0, 1.0
    return float((right - step)[inside].min() / right[-1]), float(right[inside].max() / right[-1])

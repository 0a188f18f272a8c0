"""Flat: spans that nest or overlap → runs, which are disjoint and cover the text, with one style each.

Spans of markup nest, and come in the order in which they open. Then all spans of one depth are disjoint, so they are
painted together, one depth after the other, with numpy: 250,000 spans of highlighted code take 60 ms. Any other spans
are swept from left to right over a tree of their styles, in n log n steps however they overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.style import Style

Offsets: TypeAlias = NDArray[np.int64]
# Deeper nesting than this is swept: painting takes a pass over all runs a depth.
_DEPTH: Final = 64


class Runs(NamedTuple):
    """Runs of one style each. Run k goes from `bounds[k]` to `bounds[k + 1] - 1`.

    Attributes:
        bounds: [n + 1] the first character of each run, and the length of the text; they rise.
        style: [n] the style of each run, as a place in a list of styles.
    """

    bounds: Offsets
    style: NDArray[np.intp]


def flat_runs(
    length: int, start: Offsets, end: Offsets, style: NDArray[np.intp], styles: Sequence[Style]
) -> tuple[Runs, tuple[Style, ...]]:
    """Return (the runs of a text, the styles that their numbers stand for; the first is `Style()`).

    Args:
        length: length of the text.
        start, end: [s] the first character of each span, and the character after its last; later spans are inner.
        style: [s] the style of each span, as a place in `styles`.
        styles: the styles of the spans.
    """
    some = np.flatnonzero(start < end)
    start, end, style = start[some], end[some], style[some]
    known: dict[Style, int] = {Style(): 0}
    own = np.array([known.setdefault(each, len(known)) for each in styles], np.intp)
    table = list(known)

    @cache
    def merged(outer: int, inner: int) -> int:
        """Return the number of the style `inner` inside the style `outer`."""
        both = table[inner].over(table[outer])
        number = known.setdefault(both, len(known))
        if number == len(table):
            table.append(both)
        return number

    bounds = np.unique(np.concatenate([start, end, np.array([0, length], np.int64)]))
    first, last = np.searchsorted(bounds, start), np.searchsorted(bounds, end)
    cells = len(bounds) - 1
    inner = own[style] if len(style) else np.zeros(0, np.intp)
    depth = _depths(start, end)
    if depth is not None:
        painted = _painted(cells, first, last, inner, depth, merged)
    else:
        painted = _swept(cells, first.tolist(), last.tolist(), inner.tolist(), merged)
    changes = np.flatnonzero(np.append(True, painted[1:] != painted[:-1])) if cells else np.zeros(0, np.intp)
    used, number = np.unique(np.append(0, painted[changes]), return_inverse=True)
    return Runs(np.append(bounds[:-1][changes], length), number[1:]), tuple(table[each] for each in used.tolist())


def _depths(start: Offsets, end: Offsets) -> NDArray[np.intp] | None:
    """Return in how many others each span lies, or None unless spans nest, come as they open, and are not too deep."""
    if (start[1:] < start[:-1]).any():
        return None
    depth = np.arange(len(start)) - np.searchsorted(np.sort(end), start, "right")
    if not len(depth):
        return depth
    if depth.max() >= _DEPTH:
        return None
    for level in range(int(depth.max()) + 1):
        at = np.flatnonzero(depth == level)
        if (end[at[:-1]] > start[at[1:]]).any():
            return None
        if level:
            above = np.flatnonzero(depth == level - 1)
            parent = above[np.searchsorted(above, at) - 1]
            if (end[parent] < end[at]).any():
                return None
    return depth


def _painted(
    cells: int,
    first: NDArray[np.intp],
    last: NDArray[np.intp],
    style: NDArray[np.intp],
    depth: NDArray[np.intp],
    merged: Callable[[int, int], int],
) -> NDArray[np.intp]:
    """Return the style of each cell: the spans of one depth are painted together."""
    painted = np.zeros(cells, np.intp)
    for level in range(int(depth.max(initial=-1)) + 1):
        at = np.flatnonzero(depth == level)
        edge = np.zeros(cells + 1, np.intp)
        edge[last[at]] = -1
        edge[first[at]] = np.arange(len(at))  # a span may begin where another ends
        marked = np.zeros(cells + 1, bool)
        marked[first[at]] = marked[last[at]] = True
        owner = edge[np.maximum.accumulate(np.where(marked, np.arange(cells + 1), 0))][:-1]
        inside = (owner >= 0) & (np.cumsum(marked)[:-1] > 0)
        outer, inner = painted[inside], style[at][owner[inside]]
        pairs, which = np.unique(outer << 32 | inner, return_inverse=True)
        both = [merged(pair >> 32, pair & 0xFFFFFFFF) for pair in pairs.tolist()]
        painted[inside] = np.array(both, np.intp)[which]
    return painted


def _swept(
    cells: int, first: list[int], last: list[int], style: list[int], merged: Callable[[int, int], int]
) -> NDArray[np.intp]:
    """Return the style of each cell. A leaf of the tree is a span while it is open, and the root is all of them."""
    leaves = 1
    while leaves < len(style):
        leaves *= 2
    tree = [0] * (2 * leaves)
    opened: list[list[int]] = [[] for _ in range(cells + 1)]
    closed: list[list[int]] = [[] for _ in range(cells + 1)]
    for span, (lo, hi) in enumerate(zip(first, last, strict=True)):
        opened[lo].append(span)
        closed[hi].append(span)
    painted = np.zeros(cells, np.intp)
    for cell in range(cells):
        for spans, is_open in ((closed[cell], False), (opened[cell], True)):
            for span in spans:
                at = leaves + span
                tree[at] = style[span] if is_open else 0
                while at > 1:
                    at //= 2
                    outer, inner = tree[2 * at], tree[2 * at + 1]
                    tree[at] = merged(outer, inner) if outer and inner else outer or inner
        painted[cell] = tree[1]
    return painted

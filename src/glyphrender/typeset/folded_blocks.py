"""Folded blocks: the blocks around paragraphs → the style of each paragraph, as columns.

Blocks may lie inside each other, and their indents add up. The style changes only where a block begins or ends, and
beside such places. The blocks around all these places are written as pairs (place, block), the outermost block first.
Then all places are folded at once, one depth after the other: there are few depths and many places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import kinds, stable_order
from glyphrender.rich.spans import BlockSpan
from glyphrender.rich.style import BlockStyle, Rule
from glyphrender.text.runs import distinct, ranges
from glyphrender.typeset.paragraph_styles import ALIGNMENTS, FOLDED, OF_BARS, OF_MARKERS, StyleColumns, no_columns

#: At most so many blocks around a paragraph count: the innermost ones.
DEPTH: Final = 32
#: The indent of a block that has a marker and names no indent, in em.
MARKER_INDENT: Final = 1.5
_RULES: Final = {rule: number for number, rule in enumerate(Rule)}
# Pairs that are written at once: 10,000 blocks inside each other make 50 million.
_PAIRS: Final = 1 << 21


def folded_blocks(
    blocks: Sequence[BlockSpan], first: NDArray[np.int64], last: NDArray[np.int64], count: int
) -> tuple[NDArray[np.intp], StyleColumns]:
    """Return ([p] the style of each paragraph, the styles).

    Args:
        blocks: the blocks; a block inside another comes after it.
        first, last: [b] the first paragraph of each block, and the paragraph after its last one.
        count: how many paragraphs there are.
    """
    some = np.flatnonzero(first < last)
    first, last = first[some], last[some]
    edges = np.concatenate([first, last, np.zeros(1, np.int64)])
    places = distinct(np.concatenate([edges, last - 1, edges + 1]))
    places = places[places < count]
    styles, of_block = _distinct([blocks[number].style for number in some.tolist()])
    stacks = _stacks(places, first, last, of_block)
    columns, after = _folded(stacks, styles)
    below = np.append(0.0, after[:-1])  # the space that the paragraph before asks for
    columns["before"] = np.maximum(columns["before"], below)
    every = StyleColumns(**columns)
    _, one, number = kinds(_numbered(every))
    style: NDArray[np.intp] = np.repeat(number, np.diff(np.append(places, count)))
    return style, every.take(one)


class _Stacks(NamedTuple):
    """The blocks around each place: `depth` pairs a place, the outermost first.

    Attributes:
        depth: [n] how many blocks lie around each place.
        style: [pairs] the style of each block.
        begins, ends: [pairs] whether the block begins and ends with the paragraph at the place.
    """

    depth: NDArray[np.int64]
    style: NDArray[np.intp]
    begins: NDArray[np.bool_]
    ends: NDArray[np.bool_]

    def levels(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield (places, the pair of each) for each depth, from the outermost on."""
        pair = np.cumsum(self.depth) - self.depth
        for level in range(int(self.depth.max(initial=0))):
            at = np.flatnonzero(self.depth > level)
            yield at, pair[at] + level


def _distinct(styles: Sequence[BlockStyle]) -> tuple[list[BlockStyle], NDArray[np.intp]]:
    """Return (the distinct styles, [b] the number of each)."""
    number: dict[BlockStyle, int] = {}
    known = {
        id(style): number.setdefault(style, len(number)) for style in {id(style): style for style in styles}.values()
    }
    return list(number), np.array([known[id(style)] for style in styles], np.intp)


def _stacks(
    places: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64], of_block: NDArray[np.intp]
) -> _Stacks:
    """Return the blocks around `places`: those of the paragraphs `first` to `last - 1`, whose styles are `of_block`."""
    begin, end = np.searchsorted(places, first), np.searchsorted(places, last)
    around = np.cumsum(np.bincount(begin, minlength=len(places) + 1) - np.bincount(end, minlength=len(places) + 1))
    total = np.cumsum(around[: len(places)])
    parts: list[_Stacks] = []
    lo = 0
    while lo < len(places):
        hi = max(lo + 1, int(np.searchsorted(total, _PAIRS + (total[lo - 1] if lo else 0), "right")))
        start, stop = np.clip(begin, lo, hi), np.clip(end, lo, hi)
        place = ranges(start - lo, stop - start)
        order = stable_order(place)
        block, place = np.repeat(np.arange(len(first)), stop - start)[order], place[order]
        depth = np.bincount(place, minlength=hi - lo)
        inner = np.cumsum(depth)[place] - np.arange(len(place)) <= DEPTH
        block, at = block[inner], places[lo + place[inner]]
        depth = np.minimum(depth, DEPTH)
        parts.append(_Stacks(depth, of_block[block], first[block] == at, last[block] == at + 1))
        lo = hi
    return parts[0] if len(parts) == 1 else _Stacks(*map(np.concatenate, zip(*parts, strict=True)))


def _numbered(styles: StyleColumns) -> NDArray[np.int64]:
    """Return [n] a number of each style: equal styles have the same."""
    number = np.zeros(len(styles.indent), np.int64)
    for column in _columns(styles):
        if (column != column[:1]).any():
            values, value = np.unique(column, return_inverse=True)
            number = kinds(number * len(values) + value)[2].astype(np.int64)
    return number


def _columns(styles: StyleColumns) -> Iterator[NDArray[Any]]:
    """Yield all that tells styles apart, as columns: [n] a value of each style."""
    for name in FOLDED:
        yield getattr(styles, name)
    for counts, names in ((styles.bars, OF_BARS), (styles.markers, OF_MARKERS)):
        first = np.cumsum(counts) - counts
        for nth in range(int(counts.max(initial=0))):
            some = np.flatnonzero(counts > nth)
            for name in names:
                column = np.zeros(len(counts))
                column[some] = getattr(styles, name)[first[some] + nth]
                yield column


def _folded(stacks: _Stacks, styles: Sequence[BlockStyle]) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Return (the columns of the styles of all places, [n] the space that each asks for below)."""

    def column(values: list[Any], dtype: Any) -> NDArray[Any]:
        return np.array(values, dtype)

    step = column([style.indent or (MARKER_INDENT if style.marker else 0.0) for style in styles], np.float64)
    above = column([style.space_before for style in styles], np.float64)
    below = column([style.space_after for style in styles], np.float64)
    keep = column([style.keep_with_next for style in styles], bool)
    rule = column([_RULES[style.rule] for style in styles], np.intp)
    aligned = column(
        [-1 if style.alignment is None else ALIGNMENTS.index(style.alignment) for style in styles], np.int64
    )
    colors, colored = _numbers([style.background or "" for style in styles])
    texts, marked = _numbers([style.marker for style in styles])

    found = {name: values.copy() for name, values in no_columns(len(stacks.depth)).items()}
    after = np.zeros(len(stacks.depth))
    pairs = len(stacks.style)
    outer, inner = np.zeros(pairs), np.zeros(pairs)
    for at, pair in stacks.levels():
        of, begins, ends = stacks.style[pair], stacks.begins[pair], stacks.ends[pair]
        edge = found["indent"][at]
        outer[pair] = edge
        found["indent"][at] = inner[pair] = edge + step[of]
        found["alignment"][at] = np.where(aligned[of] >= 0, aligned[of], found["alignment"][at])
        behind = colored[of] >= 0
        found["background"][at[behind]], found["background_at"][at[behind]] = colored[of[behind]], edge[behind]
        found["before"][at] = np.maximum(found["before"][at], np.where(begins, above[of], 0.0))
        after[at] = np.maximum(after[at], np.where(ends, below[of], 0.0))
        found["keep"][at] |= ends & keep[of]
        for name, kind, shown in (
            ("above", Rule.ABOVE, begins),
            ("middle", Rule.MIDDLE, begins),
            ("below", Rule.BELOW, ends),
        ):
            ruled = shown & (rule[of] == _RULES[kind])
            found[name][at[ruled]] = edge[ruled]
    place = np.repeat(np.arange(len(stacks.depth)), stacks.depth)
    bar = np.flatnonzero(rule[stacks.style] == _RULES[Rule.SIDE])
    marker = np.flatnonzero((marked[stacks.style] >= 0) & stacks.begins)
    for name, of_pair in (("bars", bar), ("markers", marker)):
        found[name] = np.bincount(place[of_pair], minlength=len(stacks.depth))
    found |= {"bar_at": outer[bar], "bar_opens": stacks.begins[bar]}
    found |= {"marker_start": outer[marker], "marker_end": inner[marker], "marker_text": marked[stacks.style[marker]]}
    return found | {"colors": colors, "texts": texts}, after


def _numbers(texts: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return (the distinct texts, [n] the number of each; -1 for an empty text)."""
    number: dict[str, int] = {"": -1}
    numbers = [number.setdefault(text, len(number) - 1) for text in texts]
    return tuple(number)[1:], np.array(numbers, np.int64)

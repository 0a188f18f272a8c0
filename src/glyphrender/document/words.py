"""The words and the pieces of a page: stretches of the source, and the place of each on the page.

A *word* is the text between two word boundaries of UAX #29. A *piece* is the text between two places where a line may
end. Both are cut at the ends of lines. Inside a segment, characters are found by the widths of their glyphs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.drawn_text import ADDED, FIRST, FURTHER
from glyphrender.text import complexbreak, grapheme, linebreak
from glyphrender.text.properties import Flag, GeneralCategory, codepoints, records, table
from glyphrender.text.runs import Mask, ranges
from glyphrender.text.wordbreak import word_starts
from glyphrender.theta import ComplexBreaks
from glyphrender.typeset.glyph_store import NO_BREAK, TEXT
from glyphrender.typeset.page_layout import Block
from glyphrender.typeset.place import Placed


class PlacedText(NamedTuple):
    """Some characters of one line. `start` and `end` count from the start of the block; the sides are in pixels."""

    start: int
    end: int
    left: float
    right: float
    top: float
    bottom: float


def words(block: Block, placed: Placed, text: str, starts: Mask) -> Iterator[PlacedText]:
    """Yield the words of `block` that have ink, in the order of the source.

    Args:
        block: lines in one column of a page.
        placed: the places of their glyphs.
        text: the characters of the block.
        starts: [c] whether a word begins at each character.
    """
    clusters = Clusters.of(block, placed)
    if not len(clusters.start):
        return
    # A word ends at the end of a line, too.
    first = block.table.first[block.lo : block.hi] - placed.first_segment
    edges = np.union1d(np.append(np.flatnonzero(starts), len(text)), _begins(block, placed)[first])
    begin, end = edges[:-1], edges[1:]
    lo = np.searchsorted(clusters.end, begin, "right")
    hi = np.searchsorted(clusters.start, end, "left")
    # A word has ink if it has a visible character, or an invisible one that is drawn as an escape.
    blank, ignorable = _without_ink(text)
    seen = np.append(0, np.cumsum(~(blank | ignorable)))
    drawn = np.append(0, np.cumsum(ignorable[clusters.start] & (clusters.right > clusters.left)))
    inked = (lo < hi) & ((seen[end] > seen[begin]) | (drawn[hi] > drawn[np.minimum(lo, hi)]))
    lo, hi, begin, end = lo[inked], hi[inked], begin[inked], end[inked]
    if not len(lo):
        return
    left, right = _extremes(clusters, lo, hi)
    yield from _stretches(placed, clusters.line[lo], begin, end, left, right)


def starts_of_words(text: str, complex_breaks: ComplexBreaks, consumed: Mask) -> Mask:
    """Return whether a word begins at each character of the text of a page: UAX #29, with two tailorings.

    [c] `consumed` is true for characters that are read and not drawn. Such a character does not split a word, and
    belongs to no word.

    No word begins inside a grapheme cluster. UAX #29 leaves Thai, Lao, Khmer and Burmese to a dictionary. If lines
    break by a dictionary (`complex_breaks=DICTIONARY`), their words are those of the dictionary. Otherwise they have
    one word from space to space.
    """
    if consumed.any():
        drawn = np.flatnonzero(~consumed)
        within = starts_of_words("".join(map(text.__getitem__, drawn.tolist())), complex_breaks, consumed[drawn])
        return _around_consumed(~consumed, np.zeros(len(text), bool), drawn, within)
    cps = codepoints(text)
    starts = word_starts(cps)
    complex_ = (table().flags.take(records(cps)) & np.uint8(Flag.COMPLEX)) != 0
    both = np.append(False, complex_[1:] & complex_[:-1])
    if both.any():
        starts &= ~both
        if complex_breaks is ComplexBreaks.DICTIONARY:
            actions = linebreak.break_actions(cps)
            complexbreak.add_breaks(cps, actions, complex_breaks)
            starts |= both & np.append(False, actions[:-1] == linebreak.ALLOWED)
    return starts & grapheme.cluster_starts(cps)


def _around_consumed(shown: Mask, inside: Mask, drawn: NDArray[np.int64], within: Mask) -> Mask:
    """Return whether a word begins at each character, some of which are consumed.

    Args:
        shown: [c] whether a character is drawn.
        inside: [c] whether a character belongs to a replacement, but is not its first.
        drawn: the characters that are drawn, rising.
        within: whether a word begins at each of these.
    """
    # Whether a word begins at each drawn character; true for the others, and behind the last character.
    count = len(shown)
    begins = np.ones(count + 1, bool)
    begins[drawn] = within
    consumed = ~shown & ~inside
    following = np.minimum.accumulate(np.where(shown, np.arange(count), count)[::-1])[::-1]
    first = consumed & ~np.append(False, consumed[:-1])
    return np.where(consumed, first & begins[following], begins[:-1] & ~inside)


def starts_of_rich_words(blocks: Sequence[tuple[Block, Placed]], complex_breaks: ComplexBreaks) -> Mask:
    """Return whether a word begins at each character of the source on a page of rich text.

    Words are those of the drawn text. A replacement is never cut.
    """
    drawn, begins = [], []
    inside: list[Mask] = []
    at = 0
    for block, placed in blocks:
        segments = block.table.segments
        rows = slice(placed.first_segment, placed.first_segment + len(placed.left))
        assert segments.drawn_text is not None
        skipped = int(segments.drawn_lengths(slice(0, rows.start)).sum())
        lengths = segments.drawn_lengths(rows)
        drawn.append(segments.drawn_text[skipped : skipped + int(lengths.sum())])
        # The place in the source of each drawn character; -1 for those that stand for nothing.
        begin, own, replaced = (
            _begins(block, placed),
            segments.store.length.take(segments.number[rows]),
            np.zeros(len(lengths), np.uint8) if segments.replaced is None else segments.replaced[rows],
        )
        row = np.repeat(np.arange(len(lengths)), lengths)
        nth = ranges(0, lengths)
        gap = nth == own[row]
        place = begin[row] + np.where(gap, segments.ink_lengths(rows)[row], nth)
        place[(replaced[row] == FIRST) & (nth > 0) & ~gap] = -1
        place[((replaced[row] == FURTHER) | (replaced[row] == ADDED)) & ~gap] = -1
        begins.append(np.where(place >= 0, place + at, -1))
        # Characters that are replaced, but the first.
        covered = np.zeros(block.characters, bool)
        for first, count in zip(
            begin[replaced == FIRST].tolist(), segments.ink_lengths(rows)[replaced == FIRST].tolist(), strict=True
        ):
            covered[first + 1 : first + count] = True
        inside.append(covered)
        at += block.characters
    text, place = "".join(drawn), np.concatenate([*begins, np.zeros(0, np.int64)])
    within = starts_of_words(text, complex_breaks, np.zeros(len(text), bool))
    covered = np.concatenate([*inside, np.zeros(0, bool)])
    known = (place >= 0) & (place < at)
    shown = np.zeros(at, bool)
    shown[place[known]] = True
    return _around_consumed(shown, covered, place[known], within[known])


def pieces(block: Block, placed: Placed) -> Iterator[PlacedText]:
    """Yield the pieces of `block` that have ink, in the order of the source."""
    segments = block.table.segments
    part = slice(placed.first_segment, placed.first_segment + len(placed.left))
    length = segments.ink_lengths(part)
    begin = _begins(block, placed)
    ink = (segments.store.kind.take(segments.number[part]) == TEXT) & (length > 0)
    line = placed.line_of_segment
    starts = ink.copy()
    joined = (segments.gap[part][:-1] == 0) & (segments.breaks[part][:-1] == NO_BREAK)
    starts[1:] &= ~(ink[:-1] & joined & (line[1:] == line[:-1]))
    first = np.flatnonzero(starts)
    if not len(first):
        return
    piece = np.cumsum(starts) - 1
    inside = np.flatnonzero(ink)
    left, right = np.full(len(first), np.inf), np.full(len(first), -np.inf)
    np.minimum.at(left, piece[inside], placed.left[inside])
    np.maximum.at(right, piece[inside], placed.right[inside])
    end = np.zeros(len(first), np.int64)
    np.maximum.at(end, piece[inside], (begin + length)[inside])
    yield from _stretches(placed, line[first], begin[first], end, left, right)


def _stretches(
    placed: Placed,
    line: NDArray[np.intp],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
) -> Iterator[PlacedText]:
    """Yield the stretches whose columns are given. `line` is the line that each stands on."""
    top, bottom = placed.top[line], placed.top[line] + placed.height[line]
    columns = (begin, end, left, right, top, bottom)
    yield from map(PlacedText, *(column.tolist() for column in columns))


class Clusters(NamedTuple):
    """The grapheme clusters of a block that have glyphs, in the order of the source.

    Letters that share a glyph are one cluster. `line` is the line of the block that a cluster stands on.
    """

    start: NDArray[np.int64]  # first character, from the start of the block
    end: NDArray[np.int64]  # the character after the last
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    line: NDArray[np.intp]

    @classmethod
    def of(cls, block: Block, placed: Placed) -> Clusters:
        """Return the clusters of `block`, whose glyphs stand where `placed` says."""
        segments, store = block.table.segments, block.table.segments.store
        part = slice(placed.first_segment, placed.first_segment + len(placed.left))
        number = segments.number[part]
        begin = _begins(block, placed)
        rows, counts = store.glyph_rows(number)
        segment = np.repeat(np.arange(len(number)), counts)
        step = store.step.take(rows).astype(np.float64)
        # Glyphs share the width of their segment as their advances do.
        pen = np.append(0.0, np.cumsum(step))
        ends = np.cumsum(counts)
        total = (pen[ends] - pen[ends - counts])[segment]
        width = (placed.right - placed.left)[segment]
        scale = np.divide(width, total, out=np.zeros(len(total)), where=total > 0)
        origin = placed.left[segment]
        from_left = pen[:-1] - pen[ends - counts][segment]
        left, right = origin + from_left * scale, origin + (from_left + step) * scale
        whole = total <= 0  # no glyph has a width, so each has that of the segment
        left[whole], right[whole] = origin[whole], (origin + width)[whole]
        first = begin[segment] + store.cluster.take(rows)
        ends_at = begin + store.length.take(number)
        if segments.replaced is not None and segments.stands_for is not None:
            # The glyphs of a replacement are one cluster: that of its first segment. Text that is put in has none.
            replaced, stands_for = segments.replaced[part], segments.stands_for[part]
            head = np.maximum.accumulate(np.where(replaced == FURTHER, 0, np.arange(len(number))))
            moved = (replaced == FIRST) | (replaced == FURTHER)
            ends_at = begin + stands_for
            first = np.where(moved[segment], begin[head[segment]], first)
            kept = (replaced != ADDED)[segment] & (stands_for[head[segment]] > 0)
            segment = np.where(moved[segment], head[segment], segment)[kept]
            first, left, right = first[kept], left[kept], right[kept]
        start, of = np.unique(first, return_inverse=True)
        lefts, rights = np.full(len(start), np.inf), np.full(len(start), -np.inf)
        np.minimum.at(lefts, of, left)
        np.maximum.at(rights, of, right)
        owner = np.zeros(len(start), np.intp)
        owner[of] = segment
        end = ends_at[owner]
        end[:-1] = np.minimum(end[:-1], start[1:])
        return cls(start, end, lefts, rights, placed.line_of_segment[owner])


def _begins(block: Block, placed: Placed) -> NDArray[np.int64]:
    """Return [s] the first character of each segment, from the start of the block."""
    segments = block.table.segments
    lengths = segments.lengths(slice(placed.first_segment, placed.first_segment + len(placed.left)))
    return np.cumsum(lengths, dtype=np.int64) - lengths


def _extremes(
    clusters: Clusters, lo: NDArray[np.intp], hi: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the left and the right edges of clusters `lo` to `hi - 1`, of which there is at least one."""
    bounds = np.column_stack([lo, hi]).ravel()
    left = np.minimum.reduceat(np.append(clusters.left, np.inf), bounds)[::2]
    right = np.maximum.reduceat(np.append(clusters.right, -np.inf), bounds)[::2]
    return left, right


def _without_ink(text: str) -> tuple[Mask, Mask]:
    """Return which characters are spaces or line ends, and which are invisible otherwise."""
    record = records(codepoints(text))
    ignorable: Mask = (table().flags.take(record) & np.uint8(Flag.DEFAULT_IGNORABLE)) != 0
    return np.isin(table().general_category.take(record), _SPACES), ignorable


_SPACES: Final = [GeneralCategory.Zs, GeneralCategory.Zl, GeneralCategory.Zp]

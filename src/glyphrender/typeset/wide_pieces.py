"""Wide pieces: a piece that is wider than a line is cut at its most natural places.

A *piece* is the text between two break opportunities. UAX #14 forbids a break before `.`, `/` or `!` even after a
space, so a list of dotfiles is one piece. If a piece does not fit a line, places are allowed rank by rank, each
rank only in pieces that are still too wide. The places of all ranks but the last two become regular breaks, so the line
before is filled up too. The last two ranks cut words; such a cut is taken only in a piece that begins its line, as CSS
has it (`overflow-wrap`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.drawn_text import FIRST, FURTHER, OWN
from glyphrender.text.properties import GeneralCategory, LineBreak, records, table
from glyphrender.text.runs import Mask, are_in, ranges
from glyphrender.text.tailored_breaks import BLANKS, ascii_marks, begin_tokens
from glyphrender.typeset.continuation import indents
from glyphrender.typeset.glyph_store import EMPTY, MAY_BREAK, MAY_HYPHENATE, NO_BREAK, TAB, TEXT
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.stretch import EMERGENCY, Stretch


def cut_wide_pieces(stretch: Stretch) -> SegmentTable:
    """Return the segments of `stretch`, with breaks in the pieces that are wider than a line.

    If no piece is that wide, the result is `stretch.segments` itself. Otherwise only the paragraphs with such a piece
    are looked at: no rule reaches across the end of a paragraph.
    """
    segments = stretch.segments
    if not (wide := _in_wide_pieces(stretch, stretch.breaks)).any():
        return segments
    start, end = stretch.paragraphs()
    chosen = np.logical_or.reduceat(wide, start)
    rows = np.repeat(chosen, end - start)
    cells = None if stretch.cells is None else stretch.cells.only(chosen)
    place, cut = _cut(Stretch(segments.only(rows), stretch.metrics, cells), wide[rows])
    return segments.with_rows(np.flatnonzero(rows)[place], cut)


def _cut(stretch: Stretch, wide: Mask) -> tuple[NDArray[np.intp] | slice, SegmentTable]:
    """Return (the segment that each segment of the result was, the segments with breaks in `wide` pieces)."""
    breaks = stretch.breaks
    added = np.zeros(len(breaks), np.uint8)
    if stretch.metrics.natural:
        for places in _after_spaces(stretch):
            chosen = places & wide & (breaks == NO_BREAK)
            if chosen.any():
                added[chosen] = MAY_BREAK
                breaks = np.where(chosen, MAY_BREAK, breaks)
                if not (wide := _in_wide_pieces(stretch, breaks)).any():
                    break
    segments = stretch.segments
    if added.any():
        segments = segments.edited(slice(None), breaks=np.where(added, added, segments.breaks))
    if not wide.any():
        return slice(None), segments
    return _cut_at_clusters(Stretch(segments, stretch.metrics, stretch.cells), wide)


def _in_wide_pieces(stretch: Stretch, breaks: NDArray[np.uint8]) -> Mask:
    """Return [n] which segments are in a piece that is wider than a line."""
    metrics, n = stretch.metrics, len(breaks)
    stop = np.flatnonzero((breaks != NO_BREAK) | stretch.ends_paragraph)
    if not len(stop) or stop[-1] != n - 1:
        stop = np.append(stop, n - 1)
    start = np.append(0, stop[:-1] + 1)
    width = stretch.end[stop] - stretch.start[start]
    if len(hyphenated := np.flatnonzero(breaks[stop] == MAY_HYPHENATE)):
        width[hyphenated] += metrics.hyphens(stretch.segments, stop[hyphenated])
    if len(stretch.tabs):
        # No break follows a tab before a closing bracket. Such a tab may be as wide as the distance between two stops.
        width += stretch.tab_room(start, stop)
    first, rest = stretch.rooms(start)
    narrowest = least = np.minimum(first, rest)
    if metrics.continuation is not None:
        narrowest = np.minimum(narrowest, rest - rest // 2)  # an indent takes at most half of the line
    some = np.flatnonzero(width > narrowest)
    if not len(some):
        return np.zeros(n, bool)
    wide = width > least
    if metrics.continuation is not None:
        begins, ends = stretch.paragraphs()
        found, of = np.unique(np.searchsorted(ends, start[some], "right"), return_inverse=True)
        wide[some] |= width[some] > rest[some] - indents(stretch, begins[found], ends[found])[of]
    return np.repeat(wide, stop + 1 - start)


# -- places between words ------------------------------------------------------------------------------------


def _after_spaces(stretch: Stretch) -> Iterator[Mask]:
    """Yield [n] after which segments a line may end because spaces or tabs follow, the best places first.

    A place is better if it leaves no lone mark: `.env` may begin a line, but `/` or `}` should not. The worst place is
    after the indentation, because the line before is left empty.
    """
    kind, gap = stretch.kind, stretch.segments.gap
    blank = (kind == EMPTY) | (kind == TAB)
    place = np.zeros(len(kind), bool)
    place[:-1] = ((gap[:-1] != 0) | (kind[:-1] == TAB)) & (kind[1:] == TEXT)
    index = np.arange(len(kind))
    begins = np.append(0, np.flatnonzero(stretch.ends_paragraph) + 1)
    inked = np.maximum.accumulate(np.where(blank | stretch.ends_paragraph, -1, index))
    indentation = place & (inked < begins[np.searchsorted(begins, index, "right") - 1])
    if not place.any():
        return
    place ^= indentation
    text = _Text.of(stretch)
    lone = ~text.token_has_content()
    good = np.zeros(len(kind), bool)
    following = text.first[1:]
    good[:-1] = place[:-1] & ~lone[following]
    last = np.maximum.accumulate(np.where(blank, 0, np.maximum(text.first + text.length - 1, 0)))
    good &= ~(lone[last] & _OPENS[text.line_break[last]])
    yield good
    yield place
    yield indentation


@dataclass(frozen=True, kw_only=True, slots=True)
class _Text:
    """The characters of a stretch. There are c of them, and n segments.

    Attributes:
        cps: [c] code points.
        line_break: [c] Line_Break.
        first: [n] the first character of each segment; the last character of the text where there is none.
        length: [n] characters of each segment, without its gap.
        category: [c] General_Category.
        mark: [c] whether the character is a mark of ASCII.
    """

    cps: NDArray[np.uint32]
    line_break: NDArray[np.uint8]
    first: NDArray[np.int64]
    length: NDArray[np.int32]
    category: NDArray[np.uint8]
    mark: Mask

    @classmethod
    def of(cls, stretch: Stretch) -> _Text:
        segments = stretch.segments
        cps, first = segments.drawn()
        record = records(cps)
        return cls(
            cps=cps,
            line_break=table().line_break.take(record) & np.uint8(63),
            first=np.minimum(first, len(cps) - 1),
            length=segments.store.length.take(segments.number),
            category=table().general_category.take(record),
            mark=ascii_marks(cps),
        )

    def token_has_content(self) -> Mask:
        """Return [c] whether the token of the character has anything but marks: a letter, a digit, a symbol."""
        blank = are_in(self.cps, BLANKS)
        content = ~blank & ~self.mark & ~_PUNCTUATION.take(self.category)
        token = np.cumsum(blank)
        has: Mask = (np.bincount(token, content, int(token[-1]) + 1) > 0)[token]
        return has


# -- places inside words ----------------------------------------------------------------------------------------


def _cut_at_clusters(stretch: Stretch, wide: Mask) -> tuple[NDArray[np.intp], SegmentTable]:
    """Cut the segments in `wide` pieces into clusters, and let lines break between the clusters.

    Args:
        stretch: the segments.
        wide: [n] the segments to cut.

    Returns:
        (the segment of `stretch` that each segment is a part of, the segments).
    """
    segments, n = stretch.segments, len(wide)
    cut = wide & (stretch.kind == TEXT)
    number, counts = segments.number.copy(), np.ones(n, np.intp)
    number[cut], counts[cut] = segments.store.by_clusters(segments.number[cut])
    at = np.repeat(np.arange(n), counts)
    number = number[at] + ranges(0, counts).astype(np.int32)
    # Only the last part of a segment keeps the gap and the break that follow it.
    inner = np.append(at[1:] == at[:-1], False)
    gap = np.where(inner, 0, segments.gap[at]).astype(np.uint8)
    breaks = np.where(inner, NO_BREAK, segments.breaks[at]).astype(np.uint8)
    columns: dict[str, NDArray[Any]] = {"number": number, "gap": gap, "breaks": breaks}
    if segments.stands_for is not None:
        columns |= _account_of_parts(segments, number, at, inner)
    elif segments.hidden is not None:
        columns["hidden"] = np.where(inner, 0, segments.hidden[at])
    parted = Stretch(segments.edited(at, **columns), stretch.metrics, stretch.cells)
    # Breaks are added between segments too, but not beside an empty one: the result would be an empty line, or a line
    # that begins with the spaces of the line before.
    free = wide[at] & (parted.breaks == NO_BREAK) & (parted.kind != EMPTY) & ~parted.ends_paragraph
    free[:-1] &= parted.kind[1:] != EMPTY
    free[-1] = False
    found = parted.breaks
    added = np.zeros(len(at), np.uint8)
    ranks = _ranks(parted) if parted.metrics.natural else np.full(len(at), LETTERS, np.uint8)
    for rank in np.flatnonzero(np.bincount(ranks[free])).tolist():
        chosen = free & (ranks == rank) & _in_wide_pieces(parted, found)
        if chosen.any():
            kind = MAY_BREAK if rank < LETTERS else EMERGENCY
            added[chosen] = kind
            found = np.where(chosen, kind, found)
    return at, parted.segments.edited(slice(None), breaks=np.where(added, added, breaks).astype(np.uint8))


def _account_of_parts(
    segments: SegmentTable, number: NDArray[np.int32], at: NDArray[np.intp], inner: Mask
) -> dict[str, NDArray[Any]]:
    """Return the columns of rich text that say what parts of segments stand for in the source.

    The first part of a replacement stands for all that is replaced.

    Args:
        segments: the segments.
        number: [p] the parts, as they are numbered in the store.
        at: [p] the segment that each part belongs to.
        inner: [p] whether another part of the segment follows.
    """
    assert segments.hidden is not None
    assert segments.stands_for is not None
    assert segments.replaced is not None
    first = np.append(True, at[1:] != at[:-1])
    replaced = segments.replaced[at]
    replaced = np.where(~first & (replaced == FIRST), FURTHER, replaced).astype(np.uint8)
    length = segments.store.length.take(number)
    whole = segments.stands_for[at]
    stands_for = np.where(replaced == OWN, length, np.where(first, whole, 0)).astype(np.int32)
    # What follows the segment, and is not drawn or not by it, follows its last part.
    after = segments.hidden[at] + segments.store.length.take(segments.number)[at] - whole
    hidden = stands_for - length + np.where(inner, 0, after)
    return {"hidden": hidden.astype(np.int32), "stands_for": stands_for, "replaced": replaced}


#: The ranks of places inside words: beside the marks that part paths; beside other marks; after no-break spaces;
#: between letters; and places where a mark would be alone or be parted from its word.
PATHS, MARKS, GLUE, LETTERS, ANYWHERE = range(5)


def _ranks(stretch: Stretch) -> NDArray[np.uint8]:
    """Return [n] the rank of the place after each segment."""
    text = _Text.of(stretch)
    rank = np.full(len(text.first), LETTERS, np.uint8)
    # Between two letters or digits, nothing but their order matters.
    plain = _PLAIN.take(text.line_break) & ~text.mark
    base, there = text.first[:-1], text.first[1:]
    at = np.flatnonzero(~(plain.take(base) & plain.take(there)) | (text.length[:-1] > 1))
    if not len(at):
        return rank
    base, there = base[at], there[at]
    left, right, right_class = text.cps[base], text.cps[there], text.line_break[there]
    last = np.maximum(base + text.length[at] - 1, base)
    paired = (right == _BACKSLASH) & ((left == _BACKSLASH) | (left == _COLON))
    together = (
        paired
        | _GLUES[text.line_break[last]]
        | _GLUES[right_class]
        | _CLOSES[right_class]
        | _OPENS[text.line_break[base]]
    )
    found = np.where(together, ANYWHERE, LETTERS)
    space = (text.category[base] == GeneralCategory.Zs) & ~_GLUES[right_class] & ~_CLOSES[right_class]
    found[space] = GLUE
    # A mark that ends a line needs something before it in its token, and something else than a mark after it.
    before = np.maximum(base - 1, 0)
    begun = ~begin_tokens(text.cps, base) & ~together
    found[begun & _OPENS[right_class]] = MARKS
    parts = begun & (~text.mark[there] | _OPENS[right_class])
    mark = np.minimum(left, 0x80)
    numeric = _IN_NUMBERS[mark] & _is_digit(text.cps[before]) & _is_digit(right)
    found[parts & _PARTS_TEXT[mark] & ~numeric & (text.cps[before] != _BACKSLASH)] = MARKS
    found[parts & (_PARTS_PATHS[mark] | ((left == _HYPHEN) & ~text.mark[before]))] = PATHS
    found[begun & (right == _BACKSLASH)] = PATHS  # a backslash begins what follows it: \alpha, \d, \Users
    rank[at] = found
    return rank


def _is_digit(cps: NDArray[np.uint32]) -> Mask:
    digit: Mask = (cps >= 0x30) & (cps <= 0x39)
    return digit


def _classes(*names: LineBreak) -> NDArray[np.bool_]:
    """Return [64] whether a class is among `names`."""
    member = np.zeros(64, bool)
    member[list(names)] = True
    return member


def _marks(of: str) -> NDArray[np.bool_]:
    """Return [129] whether a character of ASCII is among `of`."""
    member = np.zeros(129, bool)
    member[[ord(mark) for mark in of]] = True
    return member


_BACKSLASH, _COLON, _HYPHEN = 0x5C, 0x3A, 0x2D
_L = LineBreak
_GLUES: Final = _classes(_L.GL, _L.WJ, _L.ZWJ)
#: A line should not begin with a character of `_CLOSES`, nor end with one of `_OPENS`.
_CLOSES: Final = _classes(_L.CL, _L.CP, _L.EX, _L.IS, _L.SY, _L.NS, _L.BA, _L.HY, _L.HH, _L.IN, _L.QF, _L.CM)
_OPENS: Final = _classes(_L.OP, _L.QI)
_PLAIN: Final = _classes(_L.AL, _L.NU, _L.HL, _L.ID)
_PUNCTUATION: Final = np.array([category.name[0] in "PZC" for category in GeneralCategory])
_PARTS_PATHS: Final = _marks("/")
_PARTS_TEXT: Final = _marks("._,;:?!&=+|@%>)]}")
_IN_NUMBERS: Final = _marks(".,:")

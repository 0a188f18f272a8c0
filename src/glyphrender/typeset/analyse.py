"""Analyse: a chunk of the source → a table of segments, with the gaps and the break opportunities between them.

Spaces, tabs and line ends separate words. Two more places do, though nothing is drawn there: an *implicit boundary*
between two ideographs, because a page of Chinese has few distinct ideographs and no spaces; and a change of bidi level.
A text that has neither is split by two `str` calls, and its words are found at 0.08 µs each (word_index.py). Any other
text is analysed as a whole, and the same separators are marked with numpy. If it has bidi levels, its words end where
the script changes too (script_cuts.py). The pages are the same with these cuts and without.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text import linebreak
from glyphrender.text.parts import LINE_ENDS
from glyphrender.text.properties import as_text, codepoints, records
from glyphrender.text.runs import are_in, set_of
from glyphrender.text.source import Chunk
from glyphrender.theta import LineBreaks
from glyphrender.typeset.boundary_flags import (
    HEAD_B2,
    HEAD_CLOSES,
    HEAD_NONSTARTER,
    HEAD_ZW,
    TAIL_B2,
    TAIL_CLOSED,
    TAIL_OPENS,
    TAIL_ZW,
)
from glyphrender.typeset.cut_words import CutWords, inside_words, turns
from glyphrender.typeset.glyph_store import (
    EMPTY,
    MAY_BREAK,
    MAY_HYPHENATE,
    NO_BREAK,
    SEPARATORS,
    TAB,
    TEXT,
    GlyphStore,
)
from glyphrender.typeset.implicit_boundaries import directed, implicit_boundaries, levels_of, needs_implicit_boundaries
from glyphrender.typeset.joining import has_joining, in_sight, joined_cuts
from glyphrender.typeset.rich_styles import StyledWords
from glyphrender.typeset.script_cuts import script_cuts
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.word_cache import WordCache
from glyphrender.typeset.word_characters import RTL_MARK

#: What looks words up: the word cache of a style, or those of the looks of rich text.
Words: TypeAlias = WordCache | StyledWords

_LINE_ENDS: Final = set_of(map(ord, LINE_ENDS))
_RARE_LINE_ENDS: Final = LINE_ENDS.replace("\n", "")


def analyse(chunk: Chunk, words: Words, *, base: int | None) -> SegmentTable:
    """Return the segments of `chunk`. Words that were not met before are shaped.

    Args:
        chunk: a stretch of the source.
        words: the word cache of the style, or those of the looks of the chunk.
        base: the base direction (0 or 1) that θ imposes on every paragraph, or None.

    Raises:
        FontError: θ asks for an error where no font has a character.
    """
    table = _analysed(chunk, words, base)
    if chunk.looks is None:
        return table
    stop = np.cumsum(table.lengths())
    looks = chunk.looks if len(chunk.looks) else np.zeros(1, np.int32)
    first, last = np.append(0, stop[:-1]), np.maximum(stop - 1, 0)
    return replace(table, look=looks[np.minimum(first, len(looks) - 1)], gap_look=looks[last])


def _analysed(chunk: Chunk, words: Words, base: int | None) -> SegmentTable:
    """Return the segments of `chunk`, without looks."""
    cps = None if chunk.text.isascii() else codepoints(chunk.text)
    plain = cps is None or not needs_implicit_boundaries(directed(chunk, cps, words.style))
    if chunk.cuts and plain:
        plain = not (cps is not None and has_joining(cps)) and not (words.style.hyphenate and _cut_inside(chunk))
    if not chunk.text:
        return _empty(chunk, words, rightward=base != 1 and chunk.base != 1)
    if plain and base != 1 and chunk.base != 1 and not any(map(chunk.text.__contains__, _RARE_LINE_ENDS)):
        return analyse_cut(chunk, words) if chunk.cuts else analyse_plain(chunk, words)
    return analyse_full(chunk, codepoints(chunk.text) if cps is None else cps, words, base)


def _empty(chunk: Chunk, words: Words, *, rightward: bool) -> SegmentTable:
    """Return the segments of a chunk of which nothing is drawn: one, with no characters."""
    table = analyse_plain(chunk, words)
    one = None if rightward else np.ones(len(table.number), np.uint8)
    return replace(table, level=one, gap_level=one, base=one)


# -- a text whose words are separated by spaces, tabs and newlines alone -----------------------------------


def analyse_plain(chunk: Chunk, words: Words) -> SegmentTable:
    """Return the segments of a left-to-right chunk whose words are separated by spaces, tabs and newlines alone."""
    spaced = _with_spaces(chunk.text)
    number, ends = words.segments(spaced)
    return _plain_table(chunk, words, spaced, number, ends, np.zeros(0, np.intp))


def analyse_cut(chunk: Chunk, words: Words) -> SegmentTable:
    """Return what `analyse_plain` returns, with words cut at the `cuts` of the chunk.

    Only the words that are cut, and their neighbors, are analysed as text; see cut_words.py.
    """
    cps = codepoints(chunk.text)
    cut = CutWords.of(cps, np.array(chunk.cuts, np.intp), words.style)
    edges = cut.places.tolist()
    pieces = map(chunk.text.__getitem__, map(slice, [0, *edges], [*edges, len(cps)]))
    spaced = _with_spaces(" ".join(pieces))
    if isinstance(words, StyledWords) and chunk.looks is not None:
        look = np.zeros(cut.words_before_last + (not spaced.endswith(" ")), np.int32)
        look[cut.word_of_starts] = chunk.looks[cut.starts]
        number, ends = words.segments(spaced, look)
    else:
        number, ends = words.segments(spaced)
    table = _plain_table(chunk, words, spaced, number, ends, cut.word_of(cut.places) - 1)
    last = np.cumsum(table.lengths()) - 1  # the last character of each segment and its gap
    allowed = cut.allowed[np.maximum(last, 0)]
    known = (allowed != CutWords.UNKNOWN) & (table.breaks != MAY_HYPHENATE)
    return replace(table, breaks=np.where(known, allowed, table.breaks).astype(np.uint8))


def _with_spaces(text: str) -> str:
    """Return `text` with a space before and after each newline and tab."""
    spaced = text.replace("\n", " \n ")
    return spaced.replace("\t", " \t ") if "\t" in spaced else spaced


def _plain_table(
    chunk: Chunk,
    words: Words,
    spaced: str,
    number: NDArray[np.int32],
    ends: NDArray[np.bool_],
    cut: NDArray[np.intp],
) -> SegmentTable:
    """Return the segments of a chunk whose words were looked up.

    Args:
        chunk: the chunk.
        words: what looked the words up.
        spaced: the words, with a space between any two.
        number: the segments of the words.
        ends: whether each of them is the last of its word.
        cut: the words after which no separator stands.
    """
    store = words.store
    # The spaces put around a separator are not spaces of the source.
    separator = (number < len(SEPARATORS)) & (number != 0)
    gap = ends.astype(np.uint8)
    gap[-1] = spaced.endswith(" ")
    if len(cut):
        gap[np.flatnonzero(ends)[cut]] = 0
    if separator.any():
        gap[separator] = 0
        gap[:-1][separator[1:]] = 0
    breaks = store.action.take(number)
    _join_words(store, number, gap, breaks, ends, everywhere=words.style.line_breaks is LineBreaks.BROWSER)
    return SegmentTable(
        text=chunk.text,
        offset=chunk.offset,
        line=chunk.line,
        mid_line=chunk.mid_line,
        open=chunk.open,
        store=store,
        number=number,
        gap=gap,
        breaks=breaks,
        level=None,
        gap_level=None,
        base=None,
    )


def _join_words(
    store: GlyphStore,
    number: NDArray[np.int32],
    gap: NDArray[np.uint8],
    breaks: NDArray[np.uint8],
    ends: NDArray[np.bool_],
    *,
    everywhere: bool,
) -> None:
    """Set `breaks` at the ends of words: UAX #14 LB18, and the rules before it that reach across spaces.

    A tab counts as a space here. With `everywhere`, a line may end after any space, and only LB18 holds.
    """
    kind = store.kind.take(number)
    spaced = (ends & (gap != 0)) | (kind == TAB)
    breaks[spaced] = MAY_BREAK  # LB18: SP ÷
    # A line may end only after the last of a run of spaces, and not before a line end: LB7, LB6.
    blank = (kind == EMPTY) | (kind == TAB)
    breaks[:-1][kind[1:] != TEXT] = NO_BREAK
    if everywhere:
        return
    boundary = store.boundary.take(number)
    special = (boundary[1:] & _HEADS) | (boundary[:-1] & _TAILS)
    at = np.flatnonzero((special != 0) | blank[:-1])
    at = at[breaks[at] == MAY_BREAK]
    at = at[spaced[at]]
    if not len(at):
        return
    # The tail that counts is that of the last word before the spaces.
    filled = np.maximum.accumulate(np.where(blank, 0, np.arange(len(number))))
    tail, head = boundary[filled[at]], boundary[at + 1]
    tail = np.where(blank[filled[at]], 0, tail)
    closed = (tail & TAIL_OPENS) | (head & HEAD_CLOSES)  # LB14, LB15a; LB11, LB13, LB15b, LB15d
    closed |= (tail & TAIL_CLOSED) * (head & HEAD_NONSTARTER)  # LB16
    closed |= (tail & TAIL_B2) * (head & HEAD_B2)  # LB17
    closed &= np.where(tail & TAIL_ZW, 0, 0xFFFF).astype(closed.dtype)  # LB8: ZW SP* ÷
    closed |= head & HEAD_ZW  # LB7, which comes first
    breaks[at[closed != 0]] = NO_BREAK


_HEADS: Final = HEAD_CLOSES | HEAD_NONSTARTER | HEAD_B2 | HEAD_ZW
_TAILS: Final = TAIL_OPENS | TAIL_CLOSED | TAIL_B2 | TAIL_ZW


# -- any other text ----------------------------------------------------------------------------------------


def analyse_full(chunk: Chunk, cps: NDArray[np.uint32], words: Words, base: int | None) -> SegmentTable:
    """Return the segments of any chunk, whose code points are `cps`; see `analyse`."""
    levels = levels_of(chunk, directed(chunk, cps, words.style), base)
    # The whole text is analysed anyway, so breaks are read off it, not joined word by word. A tab counts as a space.
    blank = np.where(cps == 0x09, np.uint32(0x20), cps)
    actions = words.style.break_actions(blank)
    boundary = implicit_boundaries(cps)
    cuts = None
    if chunk.cuts:
        cuts = np.zeros(len(cps), bool)
        cuts[list(chunk.cuts)] = True
    apart = None
    if cuts is not None and words.style.hyphenate:  # hyphens are those of the whole word
        apart = boundary.copy()
        if levels is not None:
            apart[1:] |= levels[0][1:] != levels[0][:-1]
    # Text without levels is Chinese or Japanese, whose words are single ideographs already. The looks of rich text may
    # have fonts of their own, which have what the fonts of the style lack.
    if levels is not None and not isinstance(words, StyledWords):
        begins = boundary if cuts is None else boundary | cuts
        turned = np.append(False, levels[0][1:] != levels[0][:-1])
        scripts = script_cuts(cps, records(cps), begins | turned, words.style)
        if scripts is not None:
            boundary |= scripts
    if levels is not None or cuts is not None:
        boundary |= turns(cps, blank, None if levels is None else levels[0], cuts, boundary, actions, words.style)
    joined = np.zeros(0, np.intp)
    if cuts is not None:
        boundary |= cuts
        joined = joined_cuts(cps, cuts) if apart is None else np.flatnonzero(boundary & ~apart & inside_words(cps))
    return _segment_table(chunk, cps, words, levels, boundary, actions, joined, apart)


def _cut_inside(chunk: Chunk) -> bool:
    """Return whether a word is cut inside, not beside white space."""
    text = chunk.text
    return any(0 < at < len(text) and not text[at - 1].isspace() and not text[at].isspace() for at in chunk.cuts)


def _segment_table(
    chunk: Chunk,
    cps: NDArray[np.uint32],
    words: Words,
    levels: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None,
    boundary: NDArray[np.bool_],
    actions: NDArray[np.uint8],
    joined: NDArray[np.intp],
    apart: NDArray[np.bool_] | None = None,
) -> SegmentTable:
    """Return the segments of the words that lie between separators and at each `boundary`.

    Letters may join over the boundaries at `joined`; see `in_sight` for `apart`.
    """
    styled = (isinstance(words, StyledWords) and chunk.looks is not None) or len(joined) > 0
    text, gap_after, first_of_word = _spelled_out(cps, None if levels is None else levels[0], boundary, styled)
    if len(joined):
        word = np.zeros(len(cps), np.intp)
        word[first_of_word] = np.arange(len(first_of_word))
        text = in_sight(text, cps, joined, word[joined], RTL_MARK, apart=apart)
    if isinstance(words, StyledWords) and chunk.looks is not None:
        number, ends = words.segments(text, chunk.looks[first_of_word])
    else:
        number, ends = words.segments(text)
    store = words.store
    gap = np.zeros(len(number), np.uint8)
    gap[ends] = gap_after
    lengths = store.length.take(number) + gap
    stop = np.cumsum(lengths)  # the character after the segment and its gap
    start = stop - lengths
    breaks = store.action.take(number)
    allowed = actions[np.maximum(stop - 1, 0)] == linebreak.ALLOWED
    breaks = np.where(breaks == MAY_HYPHENATE, breaks, np.where(allowed, MAY_BREAK, NO_BREAK)).astype(np.uint8)
    first, last = np.minimum(start, len(cps) - 1), np.maximum(stop - 1, 0)
    return SegmentTable(
        text=chunk.text,
        offset=chunk.offset,
        line=chunk.line,
        mid_line=chunk.mid_line,
        open=chunk.open,
        store=store,
        number=number,
        gap=gap,
        breaks=breaks,
        level=None if levels is None else levels[0][first],
        gap_level=None if levels is None else levels[0][last],
        base=None if levels is None else levels[1][first],
    )


def _spelled_out(
    cps: NDArray[np.uint32], level: NDArray[np.uint8] | None, boundary: NDArray[np.bool_], styled: bool
) -> tuple[str, NDArray[np.bool_], NDArray[np.intp]]:
    """Write the text again so that a space stands after every word, and only there.

    A space is put at each `boundary`, and around tabs and line ends, which are words of their own. RTL_MARK is put
    before a word that runs from right to left, so that the word cache keeps it apart from the same letters set the
    other way. "東京\\nab c" with a boundary between its ideographs becomes "東 京 \\n ab c".

    Returns:
        (the text, [words] whether the space after each word is a space of the source, [words] the first character of
        each word if `styled`; any character for a word that has none).
    """
    n = len(cps)
    space = cps == 0x20
    line_end = are_in(cps, _LINE_ENDS)
    alone = line_end | (cps == 0x09)  # a word of its own
    pair = np.zeros(n, bool)  # the CR of CR LF, which are one word
    pair[:-1] = (cps[:-1] == 0x0D) & (cps[1:] == 0x0A) & ~boundary[1:]
    put = boundary.copy()  # a space is put before this character
    put[1:] |= (alone[1:] & ~np.append(False, pair[:-1])[1:]) | (alone[:-1] & ~pair[:-1])
    put[1:] &= ~space[:-1] & ~pair[:-1]
    # A space after a tab or a line end is the gap of an empty word, not of the separator.
    put[1:] &= ~space[1:] | alone[:-1]
    begins = put & ~space
    begins[1:] |= space[:-1] & ~space[1:]
    begins[0] = not space[0]
    marked = np.zeros(n, bool) if level is None else begins & (level & 1).astype(bool) & ~alone
    at = np.arange(n) + np.cumsum(put) + np.cumsum(marked)
    out = np.full(n + int(put.sum()) + int(marked.sum()), 0x20, np.uint32)
    out[at] = cps
    out[at[marked] - 1] = ord(RTL_MARK)
    text = as_text(out)
    of_source = np.zeros(len(out), bool)
    of_source[at[space]] = True
    spaces = out == 0x20
    gap_after = of_source[spaces]
    if not text.endswith(" "):
        gap_after = np.append(gap_after, False)
    first_of_word = np.zeros(len(gap_after) if styled else 0, np.intp)
    if styled:
        first_of_word[(np.cumsum(spaces) - spaces)[at[begins]]] = np.flatnonzero(begins)
    return text, gap_after, first_of_word

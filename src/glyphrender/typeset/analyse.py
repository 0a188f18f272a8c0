"""A chunk → the run of pieces that it is, with the gaps and the break opportunities between them.

Spaces, tabs and line ends separate words. So does the joint between two ideographs, where nothing is
drawn but each side is a word of its own, because a page of Chinese has few distinct ideographs and no
spaces; and so does a change of bidi level. Text that has neither takes the short way, two `str` calls
(words are found by lexicon.py, 0.08 µs each); the other way marks the same separators with numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text import bidi, grapheme, linebreak
from glyphrender.text.properties import Flag, LineBreak, codepoints, records, table
from glyphrender.text.source import Chunk
from glyphrender.typeset import glyph_store as a
from glyphrender.typeset.glyph_store import Arena
from glyphrender.typeset.new_words import RTL_MARK
from glyphrender.typeset.word_cache import SEPARATORS, Words

_RARE_LINE_ENDS: Final = "\r\v\f\x85\u2028\u2029"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The pieces of a chunk in logical order. Lines are ranges of it.

    Attributes:
        text: the characters.
        offset: where they start in the source.
        line: number of line ends before it.
        arena: what `piece` numbers.
        piece: [n] piece numbers.
        gap: [n] 1 where one space follows the piece, else 0.
        breaks: [n] NO_BREAK, MAY_BREAK or MAY_HYPHENATE after the piece and its gap.
        level: [n] bidi level of the piece, or None where every level is 0.
        gap_level: [n] bidi level of the gap, or None likewise.
        base: [n] base level of the paragraph, or None likewise.
    """

    text: str
    offset: int
    line: int
    arena: Arena
    piece: NDArray[np.int32]
    gap: NDArray[np.uint8]
    breaks: NDArray[np.uint8]
    level: NDArray[np.uint8] | None
    gap_level: NDArray[np.uint8] | None
    base: NDArray[np.uint8] | None

    def lengths(self, of: slice = slice(None)) -> NDArray[np.int32]:
        """[n] characters of the source that each piece and its gap stand for; they add up to the text."""
        lengths: NDArray[np.int32] = (self.arena.length.take(self.piece[of]) + self.gap[of]).astype(np.int32)
        return lengths

    def kinds(self) -> NDArray[np.uint8]:
        """[n] TEXT, EMPTY, TAB, NEWLINE or PAGE_BREAK."""
        kinds: NDArray[np.uint8] = self.arena.kind.take(self.piece)
        return kinds

    def split(self, at: int) -> tuple[Run, Run]:
        """The pieces before number `at`, and those from it on."""
        skipped = int(self.lengths(slice(0, at)).sum())
        head = replace(self.edited(slice(0, at)), text=self.text[:skipped])
        tail = replace(
            self.edited(slice(at, None)),
            text=self.text[skipped:],
            offset=self.offset + skipped,
            line=self.line + int((self.kinds()[:at] >= a.NEWLINE).sum()),
        )
        return head, tail

    def joined(self, following: Run) -> Run:
        """This run and the one that follows it in the source, which shares its arena.

        A source is only cut where a line may break, so a line may break between them.
        """

        def both(ours: NDArray[np.uint8] | None, theirs: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
            if ours is None and theirs is None:
                return None
            none = [np.zeros(len(run.piece), np.uint8) for run in (self, following)]
            return np.concatenate([none[0] if ours is None else ours, none[1] if theirs is None else theirs])

        return replace(
            self,
            text=self.text + following.text,
            piece=np.concatenate([self.piece, following.piece]),
            gap=np.concatenate([self.gap, following.gap]),
            breaks=np.concatenate([self.breaks[:-1], [np.uint8(a.MAY_BREAK)], following.breaks]),
            level=both(self.level, following.level),
            gap_level=both(self.gap_level, following.gap_level),
            base=both(self.base, following.base),
        )

    def edited(self, at: NDArray[np.intp] | slice, **columns: NDArray[Any]) -> Run:
        """This run with rows `at` of the old one in new places, and the `columns` given."""

        names = ("piece", "gap", "breaks", "level", "gap_level", "base")
        old: dict[str, NDArray[Any] | None] = {name: getattr(self, name) for name in names}
        new: dict[str, Any] = {name: None if column is None else column[at] for name, column in old.items()}
        return replace(self, **(new | columns))


def tokenise(chunk: Chunk, words: Words, *, base: int | None) -> Run:
    """Separate `chunk` into words, and those into pieces; new words are shaped.

    `base` is the base direction that θ imposes on every paragraph, or None.
    """
    cps = None if chunk.text.isascii() else codepoints(chunk.text)
    plain = cps is None or not _needs_joints(cps)
    if plain and base != 1 and chunk.base != 1 and not any(map(chunk.text.__contains__, _RARE_LINE_ENDS)):
        return _tokenise_plain(chunk, words)
    return _tokenise_joints(chunk, codepoints(chunk.text) if cps is None else cps, words, base)


# -- the short way ---------------------------------------------------------------------------------------


def _tokenise_plain(chunk: Chunk, words: Words) -> Run:
    spaced = chunk.text.replace("\n", " \n ")
    if "\t" in spaced:
        spaced = spaced.replace("\t", " \t ")
    number = words.numbers(spaced)
    arena = words.arena
    piece, ends = _pieces(arena, number)
    # The spaces put around a separator are not spaces of the source.
    separator = (piece < len(SEPARATORS)) & (piece != 0)
    gap = ends.astype(np.uint8)
    gap[-1] = spaced.endswith(" ")
    if separator.any():
        gap[separator] = 0
        gap[:-1][separator[1:]] = 0
    breaks = arena.action.take(piece)
    _join(arena, piece, gap, breaks, ends)
    return Run(
        text=chunk.text,
        offset=chunk.offset,
        line=chunk.line,
        arena=arena,
        piece=piece,
        gap=gap,
        breaks=breaks,
        level=None,
        gap_level=None,
        base=None,
    )


def _pieces(arena: Arena, number: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """(pieces of the words, whether each is the last of its word)."""
    first, count = arena.first_piece.take(number), arena.piece_count.take(number)
    ends = np.cumsum(count)
    if len(ends) and ends[-1] == len(number) and count.max() == 1:
        return first, np.ones(len(number), bool)
    piece = np.repeat(first - (ends - count), count) + np.arange(ends[-1], dtype=np.int32)
    last = np.zeros(len(piece), bool)
    last[ends[count > 0] - 1] = True
    return piece.astype(np.int32, copy=False), last


def _join(
    arena: Arena,
    piece: NDArray[np.int32],
    gap: NDArray[np.uint8],
    breaks: NDArray[np.uint8],
    ends: NDArray[np.bool_],
) -> None:
    """Set `breaks` at the ends of words: UAX #14 LB18, and the rules before it that reach across spaces.

    A tab is a space here.
    """
    kind = arena.kind.take(piece)
    spaced = (ends & (gap != 0)) | (kind == a.TAB)
    breaks[spaced] = a.MAY_BREAK  # LB18: SP ÷
    # Only after the last of a run of spaces, and not before a line end: LB7, LB6.
    blank = (kind == a.EMPTY) | (kind == a.TAB)
    breaks[:-1][kind[1:] != a.TEXT] = a.NO_BREAK
    edges = arena.edges.take(piece)
    special = (edges[1:] & _HEADS) | (edges[:-1] & _TAILS)
    at = np.flatnonzero((special != 0) | blank[:-1])
    at = at[breaks[at] == a.MAY_BREAK]
    at = at[spaced[at]]
    if not len(at):
        return
    # The tail that counts is that of the last word before the spaces.
    filled = np.maximum.accumulate(np.where(blank, 0, np.arange(len(piece))))
    tail, head = edges[filled[at]], edges[at + 1]
    tail = np.where(blank[filled[at]], 0, tail)
    closed = (tail & a.TAIL_OPENS) | (head & a.HEAD_CLOSES)  # LB14, LB15a; LB11, LB13, LB15b, LB15d
    closed |= (tail & a.TAIL_CLOSED) * (head & a.HEAD_NONSTARTER)  # LB16
    closed |= (tail & a.TAIL_B2) * (head & a.HEAD_B2)  # LB17
    closed &= np.where(tail & a.TAIL_ZW, 0, 0xFFFF).astype(closed.dtype)  # LB8: ZW SP* ÷
    closed |= head & a.HEAD_ZW  # LB7, which comes first
    breaks[at[closed != 0]] = a.NO_BREAK


_HEADS: Final = a.HEAD_CLOSES | a.HEAD_NONSTARTER | a.HEAD_B2 | a.HEAD_ZW
_TAILS: Final = a.TAIL_OPENS | a.TAIL_CLOSED | a.TAIL_B2 | a.TAIL_ZW


# -- the other way ---------------------------------------------------------------------------------------


def _joint_classes() -> NDArray[np.bool_]:
    """By record: characters that shape alone, so that a word may begin and end between two of them."""
    properties = table()
    kind = properties.line_break & 63
    member = np.zeros(64, bool)
    # Ideographs, kana, their punctuation and Hangul syllables; all are followed by a break or by kinsoku.
    member[[LineBreak[name] for name in ("ID", "NS", "CL", "OP", "EX", "H2", "H3")]] = True
    joins: NDArray[np.bool_] = member[kind] & ((properties.flags & 1) != 0)
    return joins


def _needs_joints(cps: NDArray[np.uint32]) -> bool:
    """Whether the text has ideographs in a row or anything written from right to left."""
    record = records(cps)
    return bool(_joint_classes()[record].any()) or bidi.needs_bidi(cps)


def _tokenise_joints(chunk: Chunk, cps: NDArray[np.uint32], words: Words, base: int | None) -> Run:
    levels = _levels(chunk, cps, base)
    # Here the whole text is analysed anyway, so its breaks are read off instead of joined. A tab is a space.
    actions = words.style.break_actions(np.where(cps == 0x09, np.uint32(0x20), cps))
    joint = _joints(cps)
    if levels is None:
        return _separated(chunk, cps, words, levels, joint, actions)
    turn = np.append(False, levels[0][1:] != levels[0][:-1])
    while True:
        run = _separated(chunk, cps, words, levels, joint | turn, actions)
        lost = _lost_breaks(cps, run, turn, actions)
        if not lost.any():
            return run
        turn |= lost


def _joints(cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether a word begins at each character although nothing separates it from the one before."""
    ideograph = _joint_classes()[records(cps)]
    joint = np.zeros(len(cps), bool)
    joint[1:] = ideograph[1:] & ideograph[:-1]
    return joint


def _lost_breaks(
    cps: NDArray[np.uint32], run: Run, turn: NDArray[np.bool_], actions: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Breaks before characters inside words that begin or end with a `turn` of direction.

    Such a word was analysed without what it leans on: ")" closes a quotation only where one was opened.
    """
    space = cps == 0x20
    begins = turn.copy()
    begins[1:] |= space[1:] | space[:-1]
    word = np.cumsum(begins)
    touched = np.zeros(word[-1] + 1, bool)
    touched[word[turn]] = touched[word[np.flatnonzero(turn) - 1]] = True
    whole = np.ones(len(cps), bool)  # no piece begins here
    whole[np.cumsum(run.lengths())[:-1]] = False
    lost = touched[word] & whole & ~begins
    lost[0] = False
    lost[1:] &= actions[:-1] == linebreak.ALLOWED
    if lost.any():
        invisible = (table().flags[records(cps)] & Flag.DEFAULT_IGNORABLE.value) != 0
        lost &= grapheme.cluster_starts(cps) & ~invisible
    return lost


def _separated(
    chunk: Chunk,
    cps: NDArray[np.uint32],
    words: Words,
    levels: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None,
    joint: NDArray[np.bool_],
    actions: NDArray[np.uint8],
) -> Run:
    """The run of words that lie between separators and at each `joint`."""
    n = len(cps)
    # Separators of the source: what stands alone as a word, and what is only a gap.
    space = cps == 0x20
    line_end = np.isin(cps, [ord(mark) for mark in "\n" + _RARE_LINE_ENDS])
    alone = line_end | (cps == 0x09)
    pair = np.zeros(n, bool)  # the CR of CR LF
    pair[:-1] = (cps[:-1] == 0x0D) & (cps[1:] == 0x0A)
    joint = joint.copy()
    joint[1:] |= (alone[1:] & ~np.append(False, pair[:-1])[1:]) | (alone[:-1] & ~pair[:-1])
    joint[1:] &= ~space[:-1] & ~pair[:-1]
    # A space after a tab or a line end is the gap of an empty word, not of the separator.
    joint[1:] &= ~space[1:] | alone[:-1]
    begins = joint & ~space
    begins[1:] |= space[:-1] & ~space[1:]
    begins[0] = not space[0]
    marked = np.zeros(n, bool) if levels is None else begins & (levels[0] & 1).astype(bool) & ~alone
    # Write it out again with a space at each joint and the mark before each word that runs leftwards.
    at = np.arange(n) + np.cumsum(joint) + np.cumsum(marked)
    out = np.full(n + int(joint.sum()) + int(marked.sum()), 0x20, np.uint32)
    out[at] = cps
    out[at[marked] - 1] = ord(RTL_MARK)
    text = out.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    number = words.numbers(text)
    arena = words.arena
    # Each space of `out` ends a word; it is a gap where it is a space of the source.
    real = np.zeros(len(out), bool)
    real[at[space]] = True
    word_gap = real[out == 0x20] if text.endswith(" ") else np.append(real[out == 0x20], False)
    piece, ends = _pieces(arena, number)
    gap = np.zeros(len(piece), np.uint8)
    gap[ends] = word_gap
    lengths = arena.length.take(piece) + gap
    stop = np.cumsum(lengths)  # the character after the piece and its gap
    start = stop - lengths
    breaks = arena.action.take(piece)
    allowed = actions[np.maximum(stop - 1, 0)] == linebreak.ALLOWED
    breaks = np.where(breaks == a.MAY_HYPHENATE, breaks, np.where(allowed, a.MAY_BREAK, a.NO_BREAK)).astype(np.uint8)
    head, tail = np.minimum(start, n - 1), np.maximum(stop - 1, 0)
    return Run(
        text=chunk.text,
        offset=chunk.offset,
        line=chunk.line,
        arena=arena,
        piece=piece,
        gap=gap,
        breaks=breaks,
        level=None if levels is None else levels[0][head],
        gap_level=None if levels is None else levels[0][tail],
        base=None if levels is None else levels[1][head],
    )


def _levels(
    chunk: Chunk, cps: NDArray[np.uint32], base: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """(bidi level, base level of the paragraph) of each character, or None where all are 0."""
    if base != 1 and chunk.base != 1 and not bidi.needs_bidi(cps):
        return None
    direction: dict[int | None, bidi.Base] = {None: "auto", 0: "ltr", 1: "rtl"}
    if chunk.base is None:
        return _paragraph_levels(cps, direction[base])
    # The first paragraph began in an earlier chunk and keeps the direction it had there.
    end = int(np.append(bidi.paragraph_starts(cps), len(cps))[1])
    first = _paragraph_levels(cps[:end], direction[chunk.base])
    rest = _paragraph_levels(cps[end:], direction[base])
    return np.concatenate([first[0], rest[0]]), np.concatenate([first[1], rest[1]])


def _paragraph_levels(cps: NDArray[np.uint32], base: bidi.Base) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    lengths = np.diff(bidi.paragraph_starts(cps), append=len(cps))
    return bidi.levels(cps, base), np.repeat(bidi.paragraph_levels(cps, base), lengths)

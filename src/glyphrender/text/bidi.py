"""Embedding levels and visual order: UAX #9 of Unicode 17.0, over a text of many paragraphs at once.

The rules work on isolating run sequences. A paragraph without explicit formatting characters is one sequence; a
paragraph with them may hold several, and these characters alone are walked one by one (rules X1 to X10, in
isolates.py).

All sequences are laid end to end in one row. Each stands between two sentinels, its sos and eos, so the W, N and I
rules run once over the whole row and need not know where a sequence ends. The only other loop is over brackets (N0).

Arabic costs about 170 ns a character; a text without right-to-left characters costs 7 ns.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.bidi_classes import (
    AL,
    AN,
    CS,
    EN,
    ES,
    ET,
    EXPLICIT,
    LRI,
    NEUTRAL,
    NSM,
    ON,
    REMOVED,
    RIGHT_TO_LEFT,
    SEPARATOR,
    STRONG,
    TRAILING,
    B,
    L,
    R,
)
from glyphrender.text.isolates import Isolates, Levels, Sequences
from glyphrender.text.properties import BRACKET, MAX_OPEN_BRACKETS, BidiClass, brackets, codepoints, records, table
from glyphrender.text.runs import Indices, Mask, are_in, runs, set_of

Base: TypeAlias = Literal["auto", "ltr", "rtl"]

# I1, I2: how much each resolved class adds to an even level (row 0) and to an odd level (row 1).
IMPLICIT: Final = np.zeros((2, len(BidiClass)), np.uint8)
IMPLICIT[0, [R, EN, AN]] = 1, 2, 2
IMPLICIT[1, [L, EN, AN]] = 1


#: The characters that exist to change the order of other text: embeddings, overrides, isolates, marks (UAX #9 2).
FORMATTING: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
#: Controls that end a paragraph of UAX #9 and no line of a page.
INNER_SEPARATORS: Final = "\x1c\x1d\x1e"
_OBJECT: Final = 0xFFFC  # OBJECT REPLACEMENT CHARACTER, a neutral


# In search of a strong character outside isolates, so many at the head of each paragraph are looked at one by one.
_NEAR: Final = 8


def without_effect(cps: NDArray[np.uint32], inert: str) -> NDArray[np.uint32]:
    """Return `cps` with every character of `inert` replaced by U+FFFC, which orders no other text.

    A formatting character that is drawn as a visible escape is an object that the reader sees. It must not reorder the
    text around it, or the line could not be read back.

    >>> from glyphrender.text.properties import codepoints
    >>> cps = codepoints("x \u202e1")
    >>> levels(cps).tolist(), levels(without_effect(cps, FORMATTING)).tolist()
    ([0, 0, 0, 1], [0, 0, 0, 0])
    """
    found = are_in(cps, set_of(map(ord, inert))) if inert else np.zeros(0, bool)
    return np.where(found, np.uint32(_OBJECT), cps) if found.any() else cps


def needs_bidi(cps: NDArray[np.uint32]) -> bool:
    """Return whether the text holds a right-to-left character or an explicit formatting character.

    If it holds neither, and the base direction is not "rtl", all levels are 0.
    """
    # U+0590 is the first right-to-left code point.
    if not len(cps) or int(cps.max()) < 0x590:
        return False
    return bool((RIGHT_TO_LEFT | EXPLICIT)[_classes(cps)].any())


def paragraph_starts(cps: NDArray[np.uint32]) -> Indices:
    """Return the index of the first character of each paragraph (P1).

    A paragraph ends with a character of class B. Carriage return and line feed together are one end.
    """
    return _paragraph_starts(cps, _classes(cps))


def paragraph_levels(cps: NDArray[np.uint32], base: Base = "auto") -> Levels:
    """Return the base level of each paragraph: 0 for left-to-right, 1 for right-to-left.

    With `base="auto"` a paragraph takes the direction of its first strong character outside isolates, and
    left-to-right if it has none (P2, P3).
    """
    classes = _classes(cps)
    return _base_levels(classes, _paragraph_starts(cps, classes), base)


def levels(cps: NDArray[np.uint32], base: Base = "auto") -> Levels:
    """Return the embedding level of each character, with every paragraph taken as one line (L1).

    Characters that X9 removes take the level of the character before them.

    >>> from glyphrender.text.properties import codepoints
    >>> levels(codepoints("abc אבג 12")).tolist()
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    """
    return levels_and_bases(cps, base)[0]


def levels_and_bases(cps: NDArray[np.uint32], base: Base = "auto") -> tuple[Levels, Levels]:
    """Return (what `levels` returns, the base level of the paragraph of each character)."""
    classes = _classes(cps)
    starts = _paragraph_starts(cps, classes)
    bases = _base_levels(classes, starts, base)
    lengths = np.diff(starts, append=len(cps))
    base_of = np.repeat(bases, lengths)
    result = base_of.copy()
    if not len(cps):
        return result, base_of
    explicit = np.logical_or.reduceat(EXPLICIT.take(classes), starts)
    active = explicit | (bases == 1) | np.logical_or.reduceat(RIGHT_TO_LEFT.take(classes), starts)
    if not active.any():
        return result, base_of

    types = classes.copy()
    sequences = Sequences.of(types, starts, lengths, bases, active & ~explicit, explicit)
    row = sequences.row(types)
    original = row.copy()
    _resolve_weak(row)
    _resolve_brackets(row, original, sequences, cps)
    _resolve_neutral(row, sequences.embedding)
    result[sequences.order] = (sequences.embedding + IMPLICIT[sequences.embedding & 1, row])[sequences.slots]

    removed, before, _ = runs(REMOVED.take(classes) & np.repeat(active, lengths))
    inside = before >= np.repeat(starts, lengths)[removed]
    result[removed] = np.where(inside, result[before], base_of[removed])
    reset = _reset_by_l1(classes)
    result[reset] = base_of[reset]
    return result, base_of


def visual_order(levels: Levels) -> Indices:
    """Return the indices of one line's characters from left to right (L2).

    >>> visual_order(np.array([0, 0, 1, 1, 2], np.uint8)).tolist()
    [0, 1, 4, 3, 2]
    """
    if not len(levels):
        return np.zeros(0, np.intp)
    edges = [0, *(np.flatnonzero(np.diff(levels)) + 1).tolist(), len(levels)]
    # L2 reverses every sequence of runs at or above a level, for each level down to the lowest odd one. Altogether, L2
    # reorders the runs as below, and reverses the characters inside every run of an odd level.
    spans = [(start, end, int(levels[start])) for start, end in pairwise(edges)]
    highest = max(level for _, _, level in spans)
    lowest_odd = min((level for _, _, level in spans if level & 1), default=highest + 1)
    for threshold in range(highest, lowest_odd - 1, -1):
        first = 0
        while first < len(spans):
            last = first
            while last < len(spans) and spans[last][2] >= threshold:
                last += 1
            spans[first:last] = spans[first:last][::-1]
            first = last + 1
    ordered = [np.arange(start, end)[:: -1 if level & 1 else 1] for start, end, level in spans]
    return np.concatenate(ordered)


@lru_cache(maxsize=512)  # the markers of a list are asked for again on each page
def left_to_right(text: str, base: Base = "auto") -> str:
    """Return the characters of a short line in the order in which they stand from left to right (L2, L4).

    >>> left_to_right("12) a", "rtl")
    'a (12'
    """
    if base != "rtl" and text.isascii():
        return text
    cps = codepoints(text)
    level = levels(cps, base)
    order = visual_order(level)
    odd = (level & 1).astype(bool)
    return "".join(chr(mirrored(int(cps[at])) if odd[at] else int(cps[at])) for at in order.tolist())


def mirrored(cp: int) -> int:
    """Return the code point whose glyph mirrors that of `cp`, or `cp` itself if there is none (L4)."""
    return _mirrors().get(cp, cp)


@cache
def _mirrors() -> dict[int, int]:
    return {int(cp): int(mirror) for cp, mirror in table().mirrors}


def _classes(cps: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return table().bidi_class.take(records(cps))


def _paragraph_starts(cps: NDArray[np.uint32], classes: NDArray[np.uint8]) -> Indices:
    ends = np.flatnonzero(classes == B)
    following = np.minimum(ends + 1, len(cps) - 1)
    ends = ends[(cps[ends] != 0x0D) | (cps[following] != 0x0A)]
    starts = np.concatenate([np.zeros(1, np.intp), ends + 1])
    return starts[starts < len(cps)]


def _base_levels(classes: NDArray[np.uint8], starts: Indices, base: Base) -> Levels:
    bases = np.full(len(starts), base == "rtl", np.uint8)
    if base != "auto" or not len(starts):
        return bases
    strong = np.flatnonzero(STRONG.take(classes))
    ends = np.append(starts[1:], len(classes))
    first = np.searchsorted(strong, starts)
    if (classes >= LRI).any():  # P2 skips what isolates hold
        isolates = Isolates.of(classes, starts)
        if not _outside_isolates(first, strong, isolates, ends):
            paragraph = np.searchsorted(starts, strong, side="right") - 1
            strong = strong[isolates.depth_at(strong, paragraph) == 0]
            first = np.searchsorted(strong, starts)
    has = np.flatnonzero(first < len(strong))
    has = has[strong[first[has]] < ends[has]]
    bases[has] = classes[strong[first[has]]] != L
    return bases


def _outside_isolates(first: Indices, strong: Indices, isolates: Isolates, ends: Indices) -> bool:
    """Move `first`, in place, to the first strong character of each paragraph that no isolate holds.

    Return whether all were found. Nearly all paragraphs have such a character near their beginning, and only there it
    is looked for.

    Args:
        first: [p] a place in `strong` for each paragraph: that of its first strong character.
        strong: the strong characters of all paragraphs.
        isolates: the isolates of all paragraphs.
        ends: [p] the character after the last one of each paragraph.
    """
    left = np.arange(len(first))
    for _ in range(_NEAR):
        left = left[first[left] < len(strong)]
        left = left[strong[first[left]] < ends[left]]
        left = left[isolates.depth_at(strong[first[left]], left) > 0]
        if not len(left):
            return True
        first[left] += 1
    return False


def _reset_by_l1(classes: NDArray[np.uint8]) -> Indices:
    """Return the indices of the characters that L1 resets to the base level.

    These are all separators, and the white space and formatting characters just before a separator or before the end.
    """
    white, _, after = runs(TRAILING.take(classes))
    at_end = after == len(classes)
    at_separator = SEPARATOR[classes[np.where(at_end, 0, after)]]
    return np.concatenate([np.flatnonzero(SEPARATOR.take(classes)), white[at_end | at_separator]])


# The `_resolve_…` functions below change the row in place.


def _last(member: Mask) -> Indices:
    """Return, for each slot, the last member at or before it."""
    return np.maximum.accumulate(np.where(member, np.arange(len(member)), 0))


def _next(member: Mask) -> Indices:
    """Return, for each slot, the first member at or after it."""
    end = len(member) - 1
    return np.minimum.accumulate(np.where(member, np.arange(len(member)), end)[::-1])[::-1]


def _resolve_weak(row: NDArray[np.uint8]) -> None:
    """Apply W1 to W7: resolve marks, Arabic letters, numbers, separators and terminators."""
    present = np.bincount(row, minlength=len(BidiClass)).astype(bool)
    if present[NSM]:  # W1
        marks, before, _ = runs(row == NSM)
        bases = row[before]
        row[marks] = np.where(bases >= LRI, ON, bases)
    if present[AL]:
        if present[EN]:  # W2
            numbers = np.flatnonzero(row == EN)
            strong = _last(STRONG.take(row))[numbers]
            row[numbers[row[strong] == AL]] = AN
        row[row == AL] = R  # W3
    if present[ES] or present[CS]:  # W4
        at = np.flatnonzero((row == ES) | (row == CS))
        left = row[at - 1]
        joins = (left == row[at + 1]) & ((left == EN) | ((left == AN) & (row[at] == CS)))
        row[at[joins]] = left[joins]
    if present[ET]:  # W5
        at, before, after = runs(row == ET)
        row[at[(row[before] == EN) | (row[after] == EN)]] = EN
    if present[ES] or present[CS] or present[ET]:  # W6
        row[(row == ES) | (row == CS) | (row == ET)] = ON
    if present[EN]:  # W7
        numbers = np.flatnonzero(row == EN)
        strong = _last((row == L) | (row == R))[numbers]
        row[numbers[row[strong] == L]] = L


def _resolve_brackets(
    row: NDArray[np.uint8], original: NDArray[np.uint8], sequences: Sequences, cps: NDArray[np.uint32]
) -> None:
    """Apply N0: give both brackets of a pair one direction.

    The time is linear in the number of brackets. Running counts of the strong directions tell what a pair encloses.
    """
    at = np.flatnonzero(table().flags.take(records(cps[sequences.order])) & BRACKET)
    at = at[row[sequences.slots[at]] == ON]
    if not len(at):
        return
    slots = sequences.slots[at]
    characters = cps[sequences.order[at]].tolist()
    sequence = np.searchsorted(sequences.edge_slots[:, 0], slots).tolist()
    partner = _bracket_pairs(characters, sequence)
    if not partner:
        return
    rightward, leftward = row == L, (row == R) | (row == EN) | (row == AN)
    counts = np.stack([np.cumsum(rightward)[slots], np.cumsum(leftward)[slots]]).tolist()
    strong = _last(rightward | leftward)[slots]
    strong_slots, strong_directions = strong.tolist(), leftward[strong].tolist()
    embedding = (sequences.embedding[slots] & 1).tolist()
    is_mark = (original == NSM).tobytes()

    directions: dict[int, int] = {}  # position of a bracket in the lists → L or R
    latest_slot, latest = -1, int(L)
    for opening, slot in enumerate(slots.tolist()):
        closing = partner.get(opening)
        if closing is not None:
            inside = [counts[side][closing] - counts[side][opening] for side in (L, R)]
            direction = embedding[opening]
            if inside[direction]:  # N0 b
                directions[opening] = directions[closing] = direction
            elif inside[1 - direction]:  # N0 c
                before = latest if latest_slot > strong_slots[opening] else int(strong_directions[opening])
                directions[opening] = directions[closing] = before
        if opening in directions:
            latest_slot, latest = slot, directions[opening]
            row[slot] = latest
            # Marks after a bracket take its direction.
            mark = slot + 1
            while is_mark[mark]:
                row[mark] = latest
                mark += 1


def _bracket_pairs(characters: list[int], sequence: list[int]) -> dict[int, int]:
    """Return the bracket pairs (BD16): position of an opening bracket in the lists → position of its closing one."""
    pairs = brackets()
    partner: dict[int, int] = {}
    partner_here: dict[int, int] = {}  # the pairs of the current sequence
    stack: list[tuple[int, int]] = []
    current, full = -1, False
    for index, (character, number) in enumerate(zip(characters, sequence, strict=True)):
        if number != current:
            partner |= partner_here
            current, full, partner_here, stack = number, False, {}, []
        if full:
            continue
        opening, opens = pairs[character]
        if opens:
            # BD16: a sequence nested deeper than the stack has no pairs at all.
            if len(stack) == MAX_OPEN_BRACKETS:
                full, partner_here = True, {}
            else:
                stack.append((opening, index))
            continue
        for depth in range(len(stack) - 1, -1, -1):
            if stack[depth][0] == opening:
                partner_here[stack[depth][1]] = index
                del stack[depth:]
                break
    return partner | partner_here


def _resolve_neutral(row: NDArray[np.uint8], embedding: Levels) -> None:
    """Apply N1 and N2: neutrals take the direction on both sides if these agree, else the embedding direction."""
    neutral = NEUTRAL.take(row)
    at, before, after = runs(neutral)
    left, right = row[before] != L, row[after] != L
    row[at] = np.where(left == right, left, embedding[at] & 1)

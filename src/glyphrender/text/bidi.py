"""Embedding levels and visual order: UAX #9 of Unicode 17.0, over a text of many paragraphs at once.

A paragraph is one isolating run sequence, or falls into several if it holds explicit formatting characters;
only for those are the X rules walked character by character. All sequences are then laid end to end, each
between two sentinels, its sos and eos, and the W, N and I rules run once over the whole row: with a sentinel
on either side no rule needs to know where a sequence ends. Brackets (N0) are the other loop, over brackets
alone. Arabic costs about 170 ns a character, a text with nothing right-to-left 7.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.isolates import (
    REMOVED,
    Indices,
    Levels,
    Mask,
    Sequences,
    class_set,
    first_strong,
    matching_isolates,
)
from glyphrender.text.properties import BidiClass, Flag, brackets, records, table
from glyphrender.text.runs import runs

L, R, AL, EN, ES, ET, AN, CS, NSM, BN, B, S, WS, ON = (BidiClass(value) for value in range(14))
LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI = (BidiClass(value) for value in range(14, 23))

Base: TypeAlias = Literal["auto", "ltr", "rtl"]

MAX_OPEN_BRACKETS: Final = 63
BRACKET: Final = (Flag.BRACKET_OPEN | Flag.BRACKET_CLOSE).value

RIGHT_TO_LEFT: Final = class_set(R, AL, AN)
EXPLICIT: Final = class_set(LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI)
STRONG: Final = class_set(L, R, AL)
NEUTRAL: Final = class_set(B, S, WS, ON, LRI, RLI, FSI, PDI)  # "NI" of N1
TRAILING: Final = class_set(WS, BN, LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI)  # reset by L1 at a line end
SEPARATOR: Final = class_set(B, S)

# I1, I2: what a resolved class adds to an even and to an odd level.
IMPLICIT: Final = np.zeros((2, len(BidiClass)), np.uint8)
IMPLICIT[0, [R, EN, AN]] = 1, 2, 2
IMPLICIT[1, [L, EN, AN]] = 1


def needs_bidi(cps: NDArray[np.uint32]) -> bool:
    """Whether the text holds anything right-to-left, or an explicit formatting character.

    Where it does not, and the base direction is not "rtl", all levels are 0.
    """
    # U+0590 is the first that is right-to-left.
    if not len(cps) or int(cps.max()) < 0x590:
        return False
    return bool((RIGHT_TO_LEFT | EXPLICIT)[_classes(cps)].any())


def paragraph_starts(cps: NDArray[np.uint32]) -> Indices:
    """The index of the first character of each paragraph (P1).

    A paragraph ends with a character of class B; carriage return and line feed end it together.
    """
    return _paragraph_starts(cps, _classes(cps))


def paragraph_levels(cps: NDArray[np.uint32], base: Base = "auto") -> Levels:
    """The base level of each paragraph: 0 left-to-right, 1 right-to-left.

    "auto" is the direction of the first strong character outside isolates, left-to-right if there is none
    (P2, P3).
    """
    classes = _classes(cps)
    return _base_levels(classes, _paragraph_starts(cps, classes), base)


def levels(cps: NDArray[np.uint32], base: Base = "auto") -> Levels:
    """The embedding level of each character, every paragraph taken as one line (L1).

    Characters that X9 removes take the level of the character before them.
    """
    classes = _classes(cps)
    starts = _paragraph_starts(cps, classes)
    bases = _base_levels(classes, starts, base)
    lengths = np.diff(starts, append=len(cps))
    base_of = np.repeat(bases, lengths)
    result = base_of.copy()
    if not len(cps):
        return result
    explicit = np.logical_or.reduceat(EXPLICIT.take(classes), starts)
    active = explicit | (bases == 1) | np.logical_or.reduceat(RIGHT_TO_LEFT.take(classes), starts)
    if not active.any():
        return result

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
    return result


def reset_trailing(levels: Levels, cps: NDArray[np.uint32], base: int) -> Levels:
    """The levels of one line, with its separators and trailing white space at the paragraph's level (L1)."""
    reset = levels.copy()
    reset[_reset_by_l1(_classes(cps))] = base
    return reset


def visual_order(levels: Levels) -> Indices:
    """The indices of one line's characters from left to right (L2)."""
    if not len(levels):
        return np.zeros(0, np.intp)
    edges = [0, *(np.flatnonzero(np.diff(levels)) + 1).tolist(), len(levels)]
    # Reversing a sequence of runs from each level up reverses their order, and each run itself if it is odd.
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


def mirrored(cp: int) -> int:
    """The code point whose glyph is the mirror image of `cp`'s, or `cp` itself (L4)."""
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
    first = np.searchsorted(strong, starts)
    ends = np.append(starts[1:], len(classes))
    has = np.flatnonzero(first < len(strong))
    has = has[strong[first[has]] < ends[has]]
    bases[has] = classes[strong[first[has]]] != L
    isolating = classes >= LRI
    if isolating.any():
        for paragraph in np.flatnonzero(np.logical_or.reduceat(isolating, starts)).tolist():
            own = classes[starts[paragraph] : ends[paragraph]].tolist()
            bases[paragraph] = first_strong(own, 0, len(own), matching_isolates(own))
    return bases


def _reset_by_l1(classes: NDArray[np.uint8]) -> Indices:
    """Separators, and white space and isolate controls in front of them or of the end."""
    white, _, after = runs(TRAILING.take(classes))
    at_end = after == len(classes)
    at_separator = SEPARATOR[classes[np.where(at_end, 0, after)]]
    return np.concatenate([np.flatnonzero(SEPARATOR.take(classes)), white[at_end | at_separator]])


# All that follow change the row in place.


def _last(member: Mask) -> Indices:
    """The last member at or before each slot."""
    return np.maximum.accumulate(np.where(member, np.arange(len(member)), 0))


def _next(member: Mask) -> Indices:
    """The first member at or after each slot."""
    end = len(member) - 1
    return np.minimum.accumulate(np.where(member, np.arange(len(member)), end)[::-1])[::-1]


def _resolve_weak(row: NDArray[np.uint8]) -> None:
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
    """N0. Linear in the brackets: what a pair encloses comes from running counts of directions."""
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

    directions: dict[int, int] = {}  # L or R, by bracket
    latest_slot, latest = -1, int(L)
    for opening, slot in enumerate(slots.tolist()):
        closing = partner.get(opening)
        if closing is not None:
            inside = [counts[side][closing] - counts[side][opening] for side in (L, R)]
            own = embedding[opening]
            if inside[own]:  # N0 b
                directions[opening] = directions[closing] = own
            elif inside[1 - own]:  # N0 c
                before = latest if latest_slot > strong_slots[opening] else int(strong_directions[opening])
                directions[opening] = directions[closing] = before
        if opening in directions:
            latest_slot, latest = slot, directions[opening]
            row[slot] = latest
            # Marks after a bracket go with it.
            mark = slot + 1
            while original[mark] == NSM:
                row[mark] = latest
                mark += 1


def _bracket_pairs(characters: list[int], sequence: list[int]) -> dict[int, int]:
    """BD16: the closing bracket of each opening one that has one, by position in the lists."""
    pairs = brackets()
    partner: dict[int, int] = {}
    own: dict[int, int] = {}  # of the sequence at hand
    stack: list[tuple[int, int]] = []
    current, full = -1, False
    for index, (character, number) in enumerate(zip(characters, sequence, strict=True)):
        if number != current:
            partner |= own
            current, full, own, stack = number, False, {}, []
        if full:
            continue
        opening, opens = pairs[character]
        if opens:
            # A sequence nested deeper than the stack has no pairs at all.
            if len(stack) == MAX_OPEN_BRACKETS:
                full, own = True, {}
            else:
                stack.append((opening, index))
            continue
        for depth in range(len(stack) - 1, -1, -1):
            if stack[depth][0] == opening:
                own[stack[depth][1]] = index
                del stack[depth:]
                break
    return partner | own


def _resolve_neutral(row: NDArray[np.uint8], embedding: Levels) -> None:
    """N1, N2: neutrals take the direction around them if both sides agree, else that of the embedding."""
    neutral = NEUTRAL.take(row)
    at, before, after = runs(neutral)
    left, right = row[before] != L, row[after] != L
    row[at] = np.where(left == right, left, embedding[at] & 1)

"""Embedding levels and visual order: UAX #9 of Unicode 17.0, over a text of many paragraphs at once.

A paragraph is one isolating run sequence, or falls into several if it holds explicit formatting characters;
only for those are the X rules walked character by character. All sequences are then laid end to end, each
between two sentinels, its sos and eos, and the W, N and I rules run once over the whole row: with a sentinel
on either side no rule needs to know where a sequence ends. Brackets (N0) are the other loop, over brackets
alone. Arabic costs about 170 ns a character, a text with nothing right-to-left 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import BidiClass, Flag, brackets, records, table
from glyphrender.text.runs import runs

L, R, AL, EN, ES, ET, AN, CS, NSM, BN, B, S, WS, ON = (BidiClass(value) for value in range(14))
LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI = (BidiClass(value) for value in range(14, 23))

Base: TypeAlias = Literal["auto", "ltr", "rtl"]
Levels: TypeAlias = NDArray[np.uint8]
Indices: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]

MAX_DEPTH: Final = 125
MAX_OPEN_BRACKETS: Final = 63
BRACKET: Final = (Flag.BRACKET_OPEN | Flag.BRACKET_CLOSE).value


def _set(*classes: BidiClass) -> Mask:
    members = np.zeros(len(BidiClass), bool)
    members[list(classes)] = True
    return members


RIGHT_TO_LEFT: Final = _set(R, AL, AN)
EXPLICIT: Final = _set(LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI)
REMOVED: Final = _set(BN, LRE, LRO, RLE, RLO, PDF)  # by X9
STRONG: Final = _set(L, R, AL)
NEUTRAL: Final = _set(B, S, WS, ON, LRI, RLI, FSI, PDI)  # "NI" of N1
TRAILING: Final = _set(WS, BN, LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI)  # reset by L1 at a line end
SEPARATOR: Final = _set(B, S)

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
            bases[paragraph] = _first_strong(own, 0, len(own), _matching_isolates(own))
    return bases


def _reset_by_l1(classes: NDArray[np.uint8]) -> Indices:
    """Separators, and white space and isolate controls in front of them or of the end."""
    white, _, after = runs(TRAILING.take(classes))
    at_end = after == len(classes)
    at_separator = SEPARATOR[classes[np.where(at_end, 0, after)]]
    return np.concatenate([np.flatnonzero(SEPARATOR.take(classes)), white[at_end | at_separator]])


# X1 to X10


def _matching_isolates(classes: list[int]) -> dict[int, int]:
    """BD9: the PDI of each isolate initiator that has one, by index."""
    matching: dict[int, int] = {}
    unclosed: list[int] = []
    for index, type_ in enumerate(classes):
        if type_ == PDI:
            if unclosed:
                matching[unclosed.pop()] = index
        elif type_ >= LRI:
            unclosed.append(index)
    return matching


def _first_strong(classes: list[int], start: int, end: int, matching: dict[int, int]) -> int:
    """P2, P3: the level that the first strong character between `start` and `end` asks for."""
    index = start
    while index < end:
        type_ = classes[index]
        if type_ <= AL:
            return int(type_ != L)
        if LRI <= type_ <= FSI:
            index = matching.get(index, end)
        index += 1
    return 0


def _explicit_levels(classes: list[int], base: int, matching: dict[int, int]) -> tuple[list[int], list[int]]:
    """X1 to X8: the level of each character of one paragraph, and its class after overrides."""
    levels: list[int] = []
    types: list[int] = []
    stack = [(base, -1, False)]  # level, class that overrides or -1, whether an isolate
    overflow_isolates = overflow_embeddings = valid_isolates = 0
    for index, type_ in enumerate(classes):
        level, override, isolate = stack[-1]
        if RLE <= type_ <= RLO or LRE <= type_ <= LRO:  # X2 to X5
            deeper = (level + 1) | 1 if type_ >= RLE else (level + 2) & ~1
            if deeper <= MAX_DEPTH and not overflow_isolates and not overflow_embeddings:
                stack.append((deeper, R if type_ == RLO else L if type_ == LRO else -1, False))
            elif not overflow_isolates:
                overflow_embeddings += 1
        elif LRI <= type_ <= FSI:  # X5a to X5c
            rtl = type_ == RLI
            if type_ == FSI:
                rtl = bool(_first_strong(classes, index + 1, matching.get(index, len(classes)), matching))
            deeper = (level + 1) | 1 if rtl else (level + 2) & ~1
            if deeper <= MAX_DEPTH and not overflow_isolates and not overflow_embeddings:
                valid_isolates += 1
                stack.append((deeper, -1, True))
            else:
                overflow_isolates += 1
        elif type_ == PDI:  # X6a
            if overflow_isolates:
                overflow_isolates -= 1
            elif valid_isolates:
                overflow_embeddings = 0
                while not stack.pop()[2]:
                    pass
                valid_isolates -= 1
            level, override, _ = stack[-1]
        elif type_ == PDF:  # X7
            if not overflow_isolates:
                if overflow_embeddings:
                    overflow_embeddings -= 1
                elif not isolate and len(stack) > 1:
                    stack.pop()
        elif type_ == B:  # X8
            level, override = base, -1
        levels.append(level)
        types.append(type_ if override < 0 or REMOVED[type_] else override)
    return levels, types


def _isolating_sequences(
    classes: list[int], levels: list[int], base: int, matching: dict[int, int]
) -> Iterator[tuple[list[int], int, int]]:
    """X10: indices of each isolating run sequence of one paragraph, with its sos and eos."""
    level_runs: list[list[int]] = []
    for index, type_ in enumerate(classes):
        if REMOVED[type_]:
            continue
        if level_runs and levels[level_runs[-1][-1]] == levels[index]:
            level_runs[-1].append(index)
        else:
            level_runs.append([index])
    edge = [base, *(levels[run[0]] for run in level_runs), base]  # level around run i: edge[i], edge[i + 2]

    sequences: list[tuple[list[int], int, int]] = []  # indices, level before, level after
    awaiting: dict[int, int] = {}  # a PDI to the sequence that it continues
    for number, run in enumerate(level_runs):
        after = edge[number + 2]
        if run[0] in awaiting:
            sequence = awaiting.pop(run[0])
            indices, before, _ = sequences[sequence]
            indices += run
        else:
            sequence = len(sequences)
            indices, before = run, edge[number]
            sequences.append((indices, before, after))
        last = indices[-1]
        if LRI <= classes[last] <= FSI:
            if last in matching:
                awaiting[matching[last]] = sequence
            else:
                after = base
        sequences[sequence] = indices, before, after
    for indices, before, after in sequences:
        level = levels[indices[0]]
        yield indices, max(level, before) & 1, max(level, after) & 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Sequences:
    """All isolating run sequences, in one row of slots: sos, the characters, eos, sos, the characters, …"""

    order: Indices  # [characters] index into the text
    slots: Indices  # [characters] place in the row
    edges: NDArray[np.uint8]  # [sequences, 2] L or R: sos and eos
    edge_slots: Indices  # [sequences, 2]
    embedding: Levels  # [row] embedding level of each slot's sequence

    @classmethod
    def of(
        cls,
        types: NDArray[np.uint8],
        starts: Indices,
        lengths: Indices,
        bases: Levels,
        plain: Mask,
        explicit: Mask,
    ) -> Sequences:
        """The sequences of the `plain` paragraphs, one each, then those of the `explicit` ones.

        Overrides are applied to `types` in place.
        """
        # X9 may remove all of a paragraph; its sequence is then empty and harms nothing.
        kept = np.repeat(plain, lengths) & (types != BN)
        counts = np.add.reduceat(kept, starts, dtype=np.intp)[plain]
        orders = [np.flatnonzero(kept)]
        embeddings, sos, eos = [bases[plain]], [bases[plain]], [bases[plain] & 1]
        found_counts: list[int] = []
        found: list[tuple[int, int, int]] = []
        for paragraph in np.flatnonzero(explicit).tolist():
            start, base = int(starts[paragraph]), int(bases[paragraph])
            own = types[start : start + int(lengths[paragraph])].tolist()
            matching = _matching_isolates(own)
            levels, types[start : start + len(own)] = _explicit_levels(own, base, matching)
            indices: list[int] = []
            for sequence, before, after in _isolating_sequences(own, levels, base, matching):
                indices += sequence
                found_counts.append(len(sequence))
                found.append((levels[sequence[0]], before, after))
            orders.append(np.array(indices, np.intp) + start)
        added = np.array(found, np.uint8).reshape(-1, 3)
        counts = np.concatenate([counts, np.array(found_counts, np.intp)])
        order = np.concatenate(orders)
        edges = np.stack(
            [np.concatenate([*sos, added[:, 1]]), np.concatenate([*eos, added[:, 2]])],
            axis=1,
        )
        number = np.arange(len(counts))
        first = np.cumsum(counts) - counts + 2 * number
        return cls(
            order=order,
            slots=np.arange(len(order)) + np.repeat(2 * number + 1, counts),
            edges=edges,
            edge_slots=np.stack([first, first + counts + 1], axis=1),
            embedding=np.repeat(np.concatenate([*embeddings, added[:, 0]]), counts + 2),
        )

    def row(self, types: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The class in each slot."""
        row = np.empty(len(self.embedding), np.uint8)
        row[self.slots] = types[self.order]
        row[self.edge_slots] = self.edges  # 0 is L and 1 is R, as class and as direction
        return row


# W1 to W7, N0 to N2; all change the row in place


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

"""Isolating run sequences: rules X1 to X10 of UAX #9, and all sequences of a text laid out as one row.

Only paragraphs with explicit formatting characters (embeddings, overrides, isolates) are walked character by
character, at about 700 ns each. Any other paragraph is one sequence as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.bidi_classes import (
    AL,
    BN,
    FSI,
    LRE,
    LRI,
    LRO,
    PDF,
    PDI,
    REMOVED,
    RLE,
    RLI,
    RLO,
    B,
    L,
    R,
)
from glyphrender.text.runs import Indices, Mask

Levels: TypeAlias = NDArray[np.uint8]

MAX_DEPTH: Final = 125  # BD2


def matching_isolates(classes: list[int]) -> dict[int, int]:
    """Return the matching PDI of each isolate initiator that has one (BD9): index → index."""
    matching: dict[int, int] = {}
    unclosed: list[int] = []
    for index, type_ in enumerate(classes):
        if type_ == PDI:
            if unclosed:
                matching[unclosed.pop()] = index
        elif type_ >= LRI:
            unclosed.append(index)
    return matching


def first_strong(classes: list[int], start: int, end: int, matching: dict[int, int]) -> int:
    """Return the level (0 or 1) of the first strong character in `[start, end)`, or 0 if there is none (P2, P3)."""
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
    """Return the level of each character of one paragraph and its class after overrides (X1 to X8)."""
    levels: list[int] = []
    types: list[int] = []
    stack = [(base, -1, False)]  # level; class to override with, or -1; whether an isolate opened it
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
                rtl = bool(first_strong(classes, index + 1, matching.get(index, len(classes)), matching))
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
    """Yield the indices of each isolating run sequence of one paragraph, with its sos and eos (BD13, X10)."""
    level_runs: list[list[int]] = []
    for index, type_ in enumerate(classes):
        if REMOVED[type_]:
            continue
        if level_runs and levels[level_runs[-1][-1]] == levels[index]:
            level_runs[-1].append(index)
        else:
            level_runs.append([index])
    edge = [base, *(levels[run[0]] for run in level_runs), base]  # edge[i] is before run i, edge[i + 2] after it

    sequences: list[tuple[list[int], int, int]] = []  # indices, level before, level after
    awaiting: dict[int, int] = {}  # index of a PDI → number of the sequence that it continues
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
    """All isolating run sequences of a text, in one row of slots: sos, characters, eos, sos, characters, eos, …

    Attributes:
        order: index in the text of each character in a sequence; shape (characters,).
        slots: slot in the row of each of these characters; shape (characters,).
        edges: sos and eos of each sequence, L or R; shape (sequences, 2).
        edge_slots: slots of sos and eos; shape (sequences, 2).
        embedding: level of the sequence that each slot belongs to; shape (row,).
    """

    order: Indices
    slots: Indices
    edges: NDArray[np.uint8]
    edge_slots: Indices
    embedding: Levels

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
        """Return the sequences of the `plain` paragraphs, one each, then those of the `explicit` paragraphs.

        Args:
            types: bidi class of every character. Overrides (X4, X5) are applied to it in place.
            starts: index of each paragraph's first character.
            lengths: length of each paragraph.
            bases: base level of each paragraph.
            plain: paragraphs without explicit formatting characters.
            explicit: paragraphs with them. A paragraph in neither set is left out.
        """
        # X9 may remove every character of a paragraph. Its sequence is then empty, which is harmless.
        kept = np.repeat(plain, lengths) & (types != BN)
        counts = np.add.reduceat(kept, starts, dtype=np.intp)[plain]
        orders = [np.flatnonzero(kept)]
        embeddings, sos, eos = [bases[plain]], [bases[plain]], [bases[plain] & 1]
        found_counts: list[int] = []
        found: list[tuple[int, int, int]] = []
        for paragraph in np.flatnonzero(explicit).tolist():
            start, base = int(starts[paragraph]), int(bases[paragraph])
            classes = types[start : start + int(lengths[paragraph])].tolist()
            matching = matching_isolates(classes)
            levels, types[start : start + len(classes)] = _explicit_levels(classes, base, matching)
            indices: list[int] = []
            for sequence, before, after in _isolating_sequences(classes, levels, base, matching):
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
        """Return the class in each slot, given the class of each character of the text."""
        row = np.empty(len(self.embedding), np.uint8)
        row[self.slots] = types[self.order]
        row[self.edge_slots] = self.edges  # 0 is L and 1 is R, both as a class and as a direction
        return row

"""Isolating run sequences: rules X1 to X10 of UAX #9, and all sequences of a text laid out as one row.

Only paragraphs with explicit formatting characters (embeddings, overrides, isolates) are walked character by
character, at about 700 ns each; any other paragraph is one sequence as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import BidiClass

L, R, AL, EN, ES, ET, AN, CS, NSM, BN, B, S, WS, ON = (BidiClass(value) for value in range(14))
LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI = (BidiClass(value) for value in range(14, 23))

Levels: TypeAlias = NDArray[np.uint8]
Indices: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]

MAX_DEPTH: Final = 125


def class_set(*classes: BidiClass) -> Mask:
    """The set of classes, as a mask by class."""
    members = np.zeros(len(BidiClass), bool)
    members[list(classes)] = True
    return members


REMOVED: Final = class_set(BN, LRE, LRO, RLE, RLO, PDF)  # by X9


def matching_isolates(classes: list[int]) -> dict[int, int]:
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


def first_strong(classes: list[int], start: int, end: int, matching: dict[int, int]) -> int:
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
            matching = matching_isolates(own)
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

"""Isolating run sequences: rules X1 to X10 of UAX #9, and all sequences of a text laid out as one row.

A paragraph without explicit formatting characters is one sequence as it stands. In the others, the level can change
only at explicit formatting characters, so only these are walked one by one, at about 150 ns each (X1 to X8). Matching
isolates, level runs and sequences are found for all paragraphs at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import stable_order
from glyphrender.text.bidi_classes import (
    BN,
    EXPLICIT,
    FSI,
    LRI,
    LRO,
    PDF,
    PDI,
    REMOVED,
    RLE,
    RLI,
    RLO,
    STRONG,
    B,
    L,
    R,
)
from glyphrender.text.runs import Indices, Mask

Levels: TypeAlias = NDArray[np.uint8]

MAX_DEPTH: Final = 125  # BD2

# The state of X1 to X8 in one number: embedding level, whether an isolate opened it, and the class that overrides.
_LEVEL, _ISOLATE, _OVERRIDE = 3, 4, 3
_NONE, _TO_L, _TO_R = 0, 1, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolates:
    """The isolate initiators and PDIs of a text of many paragraphs.

    Attributes:
        at: index of each initiator and PDI; shape (isolates,).
        depth: number of open isolates after each; shape (isolates,). A paragraph begins with none open.
        matching: for each initiator, the index in the text of its matching PDI (BD9); if there is none, and for each
            PDI, the end of the paragraph; shape (isolates,).
        paragraph: number of the paragraph of each; shape (isolates,).
    """

    at: Indices
    depth: Indices
    matching: Indices
    paragraph: Indices

    @classmethod
    def of(cls, classes: NDArray[np.uint8], starts: Indices) -> Isolates:
        """Return the isolates of a text, given its bidi classes and the index of each paragraph's first character.

        >>> Isolates.of(np.array([PDI, LRI, LRI, L, PDI], np.uint8), np.array([0])).matching.tolist()
        [5, 5, 4, 5]
        """
        at = np.flatnonzero(classes >= LRI)
        paragraph = np.searchsorted(starts, at, side="right") - 1
        closes = classes[at] == PDI
        # A PDI without an open isolate is ignored: the depth is that above the lowest sum so far. Each paragraph
        # begins far below all sums before, so that their minimum does not reach into it.
        fall = (2 * len(at) + 2) * paragraph
        total = np.cumsum(1 - 2 * closes.astype(np.intp)) - fall
        new = np.flatnonzero(np.diff(paragraph, prepend=-1))
        ground = total[new] - (1 - 2 * closes[new])  # the sum before the first of each paragraph
        ground = np.repeat(ground, np.diff(new, append=len(at)))
        depth = total - np.minimum(np.minimum.accumulate(total), ground)
        matching = np.append(starts, len(classes))[paragraph + 1]
        # Among the initiators to one depth and the PDIs from it, each PDI comes right after the one that it closes.
        before = np.where(np.diff(paragraph, prepend=-1) != 0, 0, np.append(0, depth)[:-1])
        paired = np.where(closes, before, depth)
        order = np.argsort(paired, kind="stable")
        second = np.flatnonzero((closes & (paired > 0))[order])
        matching[order[second - 1]] = at[order[second]]
        return cls(at=at, depth=depth, matching=matching, paragraph=paragraph)

    def depth_at(self, characters: Indices, paragraph: Indices) -> Indices:
        """Return how many isolates are open at each of `characters`, which are neither initiators nor PDIs.

        `paragraph` tells the number of the paragraph of each.
        """
        if not len(self.at):
            return np.zeros(len(characters), np.intp)
        last = np.searchsorted(self.at, characters) - 1
        return np.where((last >= 0) & (self.paragraph[last] == paragraph), self.depth[last], 0)

    def settled(self, classes: NDArray[np.uint8], starts: Indices) -> NDArray[np.uint8]:
        """Return a copy of `classes` with RLI or LRI for each FSI, by the first strong character inside it (X5c)."""
        first = np.flatnonzero(classes[self.at] == FSI)
        if not len(first):
            return classes.copy()
        strong = np.flatnonzero(STRONG.take(classes))
        depth = self.depth_at(strong, np.searchsorted(starts, strong, side="right") - 1)
        order = np.argsort(depth, kind="stable")
        # Strong characters by depth, then by place: those of one depth inside an isolate stand side by side.
        key = depth[order] * (len(classes) + 1) + strong[order]
        next_one = np.searchsorted(key, self.depth[first] * (len(classes) + 1) + self.at[first])
        found = np.append(strong[order], len(classes))[next_one]
        same = np.append(depth[order], -1)[next_one] == self.depth[first]
        settled = classes.copy()
        settled[self.at[first]] = LRI
        rtl = np.flatnonzero(same & (found < self.matching[first]))
        settled[self.at[first[rtl]]] = np.where(classes[found[rtl]] == L, LRI, RLI)
        return settled


def _states(base: int, kinds: list[int], following: list[int]) -> list[int]:
    """Return the state after each explicit formatting character and paragraph end (X1 to X8).

    Args:
        base: base level of the first paragraph.
        kinds: bidi classes of these characters. FSI does not occur.
        following: base level of the paragraph of the character after each.
    """
    states: list[int] = []
    state = base << _LEVEL
    stack = [state]
    overflow_isolates = overflow_embeddings = valid_isolates = 0
    for kind, base in zip(kinds, following, strict=True):
        if kind == PDI:  # X6a
            if overflow_isolates:
                overflow_isolates -= 1
            elif valid_isolates:
                overflow_embeddings = 0
                while not stack.pop() & _ISOLATE:
                    pass
                valid_isolates -= 1
                state = stack[-1]
        elif kind == PDF:  # X7
            if overflow_isolates:
                pass
            elif overflow_embeddings:
                overflow_embeddings -= 1
            elif not state & _ISOLATE and len(stack) > 1:
                stack.pop()
                state = stack[-1]
        elif kind == B:  # X8
            state = base << _LEVEL
            stack = [state]
            overflow_isolates = overflow_embeddings = valid_isolates = 0
        else:  # X2 to X5c
            level = state >> _LEVEL
            level = (level + 1) | 1 if kind in (RLE, RLO, RLI) else (level + 2) & ~1
            isolate = kind >= LRI
            if level <= MAX_DEPTH and not overflow_isolates and not overflow_embeddings:
                valid_isolates += isolate
                override = _TO_R if kind == RLO else _TO_L if kind == LRO else _NONE
                state = level << _LEVEL | (_ISOLATE if isolate else override)
                stack.append(state)
            elif isolate:
                overflow_isolates += 1
            elif not overflow_isolates:
                overflow_embeddings += 1
        states.append(state)
    return states


def _explicit_levels(types: NDArray[np.uint8], base_of: Levels) -> Levels:
    """Return the level of each character of some paragraphs (X1 to X8), and apply overrides to `types` in place.

    Args:
        types: bidi classes, without FSI.
        base_of: base level of the paragraph of each character.
    """
    event = EXPLICIT.take(types) | (types == B)
    at = np.flatnonzero(event)
    kinds = types[at]
    following = base_of[np.minimum(at + 1, len(types) - 1)]
    states = np.array([int(base_of[0]) << _LEVEL, *_states(int(base_of[0]), kinds.tolist(), following.tolist())])
    state = states.astype(np.uint16)[np.cumsum(event)]
    opens = (kinds == LRI) | (kinds == RLI)
    state[at[opens]] = states[:-1][opens]  # an initiator is outside its isolate
    ends = at[kinds == B]
    state[ends] = base_of[ends].astype(np.uint16) << _LEVEL
    override = np.where(REMOVED.take(types), _NONE, state & _OVERRIDE)
    types[override == _TO_L] = L
    types[override == _TO_R] = R
    levels: Levels = (state >> _LEVEL).astype(np.uint8)
    return levels


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """The isolating run sequences of some paragraphs (BD13, X10).

    Attributes:
        order: index of each character in a sequence, sequence by sequence; shape (characters,).
        counts: number of characters of each sequence; shape (sequences,).
        levels: level of each sequence; shape (sequences,).
        edges: sos and eos of each sequence, L or R; shape (sequences, 2).
    """

    order: Indices
    counts: Indices
    levels: Levels
    edges: NDArray[np.uint8]

    @classmethod
    def of(
        cls, levels: Levels, kept: Indices, isolates: Isolates, opens: Mask, starts: Indices, bases: Levels
    ) -> _Found:
        """Join level runs to sequences.

        Args:
            levels: level of each character.
            kept: the characters that X9 does not remove.
            isolates: the isolates of the paragraphs.
            opens: which of these are initiators.
            starts, bases: first character and base level of each paragraph.
        """
        if not len(kept):
            return cls(order=kept, counts=kept, levels=levels[:0], edges=np.zeros((0, 2), np.uint8))
        paragraph = np.searchsorted(starts, kept, side="right") - 1
        level = levels[kept]
        new = np.append(True, (level[1:] != level[:-1]) | (paragraph[1:] != paragraph[:-1]))
        first = np.flatnonzero(new)  # of each level run, an index into `kept`
        lengths = np.diff(first, append=len(kept))
        level, paragraph = level[first], paragraph[first]
        base = bases[paragraph]
        inner = paragraph[1:] == paragraph[:-1]
        before, after = base.copy(), base.copy()
        before[1:][inner] = level[:-1][inner]
        after[:-1][inner] = level[1:][inner]

        # A run that ends in an initiator goes on in the run that begins with the matching PDI. If there is none, the
        # level after the sequence is that of the paragraph.
        run_first, run_last = kept[first], kept[first + lengths - 1]
        index = np.searchsorted(isolates.at, run_last)
        opening = np.flatnonzero(np.append(isolates.at, -1)[index] == run_last)
        opening = opening[opens[index[opening]]]
        matching = isolates.matching[index[opening]]
        matched = matching < np.append(starts[1:], len(levels))[paragraph[opening]]
        after[opening[~matched]] = base[opening[~matched]]
        head = np.arange(len(first))
        head[np.searchsorted(run_first, matching[matched])] = opening[matched]
        while ((further := head[head]) != head).any():  # each round doubles the number of runs that are passed
            head = further

        order = stable_order(head)
        begins = np.flatnonzero(np.diff(head[order], prepend=-1))
        begin, last = order[begins], order[np.append(begins[1:], len(order)) - 1]
        ordered = lengths[order]
        shift = first[order] - (np.cumsum(ordered) - ordered)
        outside = np.stack([before[begin], after[last]], axis=1)
        return cls(
            order=kept[np.arange(len(kept)) + np.repeat(shift, ordered)],
            counts=np.add.reduceat(ordered, begins),
            levels=level[begin],
            edges=np.maximum(level[begin][:, None], outside) & 1,
        )


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
        order, counts = np.flatnonzero(kept), np.add.reduceat(kept, starts, dtype=np.intp)[plain]
        levels, edges = bases[plain], np.stack([bases[plain], bases[plain] & 1], axis=1)
        if explicit.any():
            member = np.flatnonzero(np.repeat(explicit, lengths))
            found = _explicit_sequences(types, member, lengths[explicit], bases[explicit])
            order, counts = np.append(order, member[found.order]), np.append(counts, found.counts)
            levels, edges = np.append(levels, found.levels), np.append(edges, found.edges, axis=0)
        number = np.arange(len(counts))
        first = np.cumsum(counts) - counts + 2 * number
        return cls(
            order=order,
            slots=np.arange(len(order)) + np.repeat(2 * number + 1, counts),
            edges=edges,
            edge_slots=np.stack([first, first + counts + 1], axis=1),
            embedding=np.repeat(levels, counts + 2),
        )

    def row(self, types: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the class in each slot, given the class of each character of the text."""
        row = np.empty(len(self.embedding), np.uint8)
        row[self.slots] = types[self.order]
        row[self.edge_slots] = self.edges  # 0 is L and 1 is R, both as a class and as a direction
        return row


def _explicit_sequences(types: NDArray[np.uint8], member: Indices, lengths: Indices, bases: Levels) -> _Found:
    """Return the sequences of the paragraphs that hold the characters `member`, which are numbered as in `member`.

    `types` are the classes of the whole text; overrides are applied in place. `lengths` and `bases` are those of the
    paragraphs.
    """
    classes, starts = types[member], np.cumsum(lengths) - lengths
    isolates = Isolates.of(classes, starts)
    opens = classes[isolates.at] != PDI
    removed = REMOVED.take(classes)
    overridden = isolates.settled(classes, starts)
    levels = _explicit_levels(overridden, np.repeat(bases, lengths))
    types[member] = overridden
    return _Found.of(levels, np.flatnonzero(~removed), isolates, opens, starts, bases)

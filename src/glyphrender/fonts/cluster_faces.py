"""The faces of grapheme clusters whose characters have different faces, for many clusters at once.

A cluster gets the first face that claims all of its characters, as they are written or in a canonically equivalent
spelling. A text of code points at random has 2,000 such clusters in a chunk, no two alike. Python takes 70 µs for one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import kinds, stable_order

__all__ = ["Candidates", "first_faces"]

Claims = Callable[[int, NDArray[np.uint32]], NDArray[np.bool_]]

# Characters of a cluster that are composed in their order. No letter of Unicode is composed of more than four.
_LONGEST_COMPOSED: Final = 32
_LINE_END: Final = 0x0A  # is in no such cluster, and normalization leaves it and what is beside it alone


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """The faces that a cluster may get, in order: those that the user named, those of its characters, the last resorts.

    Attributes:
        named: how many faces the user named. Their numbers come first.
        alone: the number of the face of every code point on its own.
        bundled: the same, if the user had named no face.
        last_resort: the numbers of the faces that are tried last.
        emoji: the number of the face for emoji. It comes before all others for an emoji, and after them for other text.
        missing: the number in both tables that stands for no face.
        claims: a function of a number and of code points: whether that face draws each of them.
    """

    named: int
    alone: NDArray[np.uint8]
    bundled: NDArray[np.uint8]
    last_resort: tuple[int, ...]
    emoji: int
    missing: int
    claims: Claims

    def of(
        self, cps: NDArray[np.uint32], cluster: NDArray[np.intp], as_emoji: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return ([c] the cluster of each candidate, [c] its number): sorted by cluster, the best first.

        `cps` are the distinct characters of each cluster, `cluster` says whose each of them is.
        """
        every = np.arange(len(as_emoji))
        fixed = [np.full(len(every), number) for number in self.last_resort]
        number = np.concatenate(
            [
                np.tile(np.arange(self.named), len(every)),
                self.alone[cps],
                self.bundled[cps],
                *fixed,
                np.full(len(every), self.emoji),
            ]
        )
        of = np.concatenate([np.repeat(every, self.named), cluster, cluster, *(every for _ in fixed), every])
        rank = np.arange(1, len(of) + 1)
        is_emoji = number == self.emoji
        rank[is_emoji] = np.where(as_emoji[of[is_emoji]], 0, len(of) + 1)
        pair = (of << 8) | number
        by_rank = stable_order(rank)
        order = by_rank[stable_order(pair[by_rank])]
        order = order[number[order] != self.missing]
        order = order[np.append(True, pair[order][1:] != pair[order][:-1])]
        order = order[stable_order(of[order] * (len(of) + 2) + rank[order])]
        return of[order], number[order]

    def claimed(self, number: NDArray[np.intp], cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return [p] whether the face with each number draws the code point beside it."""
        order = stable_order(number)
        ends = np.append(np.flatnonzero(np.diff(number[order])) + 1, len(order))
        claimed = np.empty(len(order), bool)
        start = 0
        for end in ends.tolist():
            some = order[start:end]
            claimed[some] = self.claims(int(number[some[0]]), cps[some])
            start = end
        return claimed


def first_faces(
    cps: NDArray[np.uint32], lengths: NDArray[np.intp], as_emoji: NDArray[np.bool_], candidates: Candidates
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return ([k] the number of the face of each cluster, [n] whether this face lacks the character).

    If no face claims a whole cluster, the one that claims its base and most of the rest gets it. If none claims any of
    it, the number is that for missing faces, and no character is lacking.

    Args:
        cps: the n characters of k clusters, without those that take the face of their cluster.
        lengths: [k] characters of each cluster, at least one.
        as_emoji: [k] whether the cluster is to be drawn as an emoji.
        candidates: the faces.
    """
    cluster = np.repeat(np.arange(len(lengths)), lengths)
    key = (cluster.astype(np.int64) << 32) | cps
    distinct_keys, at, kind = kinds(key)
    first = stable_order(at)  # each character of a cluster once, in the order in which they stand
    at, counts = at[first], np.bincount(kind, minlength=len(distinct_keys))[first]
    of, number = candidates.of(cps[at], cluster[at], as_emoji)
    spelled = _Spelled.of(cps, lengths, at, counts)

    # Every candidate of a cluster, with every character of every spelling of this cluster.
    sizes = np.bincount(spelled.cluster, minlength=len(lengths))
    begins = (np.cumsum(sizes) - sizes)[of]
    sizes = sizes[of]
    ends = np.cumsum(sizes)
    candidate = np.repeat(np.arange(len(of)), sizes)
    character = np.repeat(begins - ends + sizes, sizes) + np.arange(len(candidate))
    claimed = candidates.claimed(number[candidate], spelled.cps[character])

    starts = np.append(0, np.flatnonzero(np.diff(candidate * 3 + spelled.spelling[character])) + 1)
    whole = np.zeros(len(of), bool)
    whole[candidate[starts[np.logical_and.reduceat(claimed, starts)]]] = True
    # The base counts for more than all other characters.
    score = np.bincount(candidate, claimed * spelled.written[character], len(of)).astype(np.int64)
    score += claimed[ends - sizes].astype(np.int64) << 40
    score[whole] = 1 << 41
    sizes = np.bincount(of, minlength=len(lengths))
    highest = np.maximum.reduceat(score, np.cumsum(sizes) - sizes)
    best = np.flatnonzero(score == np.repeat(highest, sizes))
    best = best[np.append(True, np.diff(of[best]) != 0)]  # the first of equals
    face = np.where(score[best] > 0, number[best], candidates.missing)

    is_best = np.zeros(len(of), bool)
    is_best[best[(score[best] > 0) & ~whole[best]]] = True
    lacks = np.flatnonzero(is_best[candidate] & ~claimed & (spelled.written[character] > 0))
    lacked = (of[candidate[lacks]].astype(np.int64) << 32) | spelled.cps[character[lacks]]
    lacking = np.zeros(len(distinct_keys), bool)
    lacking[np.searchsorted(distinct_keys, lacked)] = True
    return face, lacking[kind]


class _Spelled(NamedTuple):
    """The characters of the spellings of clusters, sorted by cluster and spelling. The first is the cluster's base."""

    cps: NDArray[np.uint32]
    cluster: NDArray[np.intp]
    spelling: NDArray[np.intp]  # 0 as it is written, 1 composed, 2 decomposed
    written: NDArray[np.intp]  # how often the character is written so

    @classmethod
    def of(
        cls, cps: NDArray[np.uint32], lengths: NDArray[np.intp], at: NDArray[np.intp], counts: NDArray[np.intp]
    ) -> _Spelled:
        """Return the spellings. `at` are the places where a character stands in its cluster for the first time.

        HarfBuzz composes and decomposes to suit the font: a font that has only "é" draws "e" + U+0301.
        """
        cluster = np.repeat(np.arange(len(lengths)), lengths)
        text = chr(_LINE_END).join(_texts(cps, lengths))
        rows = [(cps[at], cluster[at], counts)]
        for form in ("NFC", "NFD"):
            data = unicodedata.normalize(form, text).encode("utf-32-le", "surrogatepass")
            normalized = np.frombuffer(data, "<u4").astype(np.uint32)
            inside = normalized != _LINE_END
            rows.append((normalized[inside], np.cumsum(~inside)[inside], np.zeros(int(inside.sum()), np.intp)))
        spelling = np.repeat(np.arange(len(rows)), [len(characters) for characters, _, _ in rows])
        every, clusters, count = (np.concatenate(column) for column in zip(*rows, strict=True))
        order = stable_order(clusters)
        return cls(every[order], clusters[order], spelling[order], count[order])


def _texts(cps: NDArray[np.uint32], lengths: NDArray[np.intp]) -> Iterator[str]:
    """Yield the text of each cluster, as short as its normalized form needs it."""
    text, start = "".join(map(chr, cps.tolist())), 0
    for length in lengths.tolist():
        one = text[start : start + length]
        if length > _LONGEST_COMPOSED:  # Python sorts marks in quadratic time; what is composed stands at the front
            one = one[:_LONGEST_COMPOSED] + "".join(dict.fromkeys(one[_LONGEST_COMPOSED:]))
        yield one
        start += length

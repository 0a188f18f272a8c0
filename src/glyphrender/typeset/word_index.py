"""The word index: the words of a text → their numbers, the same number for the same word.

Making a `str` of each word and looking it up in a dict takes 0.2 µs a word. Nearly all words of a text are short and
were met before, so a hash table in front of the dict finds them by their bytes, with numpy for a whole chunk: 0.08 µs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import count, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Bytes of a word that the table can hold, as two numbers of eight bytes. 99.6% of the words of a novel are no longer.
_LONGEST: Final = 16
# The table has 2^17 places and takes 2.6 MB. Of 60,000 words of the King James Bible a tenth find neither of their two
# places free.
_BITS: Final = 17
# The dict is the faster one where words have fewer characters than this on average.
_SHORT: Final = 2

_LENGTHS = np.arange(_LONGEST + 1)
# By length of a word: masks of the bytes that belong to it, in the first eight bytes from its start and the next eight.
_HEAD, _TAIL = (np.array([(1 << int(n)) - 1 for n in 8 * np.clip(_LENGTHS - skip, 0, 8)], np.uint64) for skip in (0, 8))
# Odd 64-bit factors: the upper bits of a product depend on all bits of the other factor.
_HEAD_FACTOR, _TAIL_FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class WordIndex:
    """A dictionary of words: word → number, from 0 on in the order in which words are met."""

    def __init__(self, words: Sequence[str]) -> None:
        # A defaultdict that counts: looking a word up and numbering a new one are both done in C.
        self._number: defaultdict[str, int] = defaultdict()
        self._renumber()
        self._of_dict(list(words))
        # At each place of the table: the bytes of a word, and its number or -1. A word that finds its place taken takes
        # the one beside it; if that is taken too, the word is only in the dict.
        self._head = np.zeros(1 << _BITS, np.uint64)
        self._tail = np.zeros(1 << _BITS, np.uint64)
        self._found = np.full(1 << _BITS, -1, np.int32)

    def __len__(self) -> int:
        return len(self._number)

    @property
    def nbytes(self) -> int:
        """The memory of the dict and the table, in bytes; a word and its entry are taken to be 130."""
        return 130 * len(self._number) + self._head.nbytes + self._tail.nbytes + self._found.nbytes

    def _renumber(self) -> None:
        """Let the next new word have the next number, also if an exception fell between counting and entering one."""
        self._number.default_factory = count(len(self._number)).__next__

    def forget(self, known: int) -> None:
        """Remove the words numbered `known` and above."""
        while len(self._number) > known:
            self._number.popitem()
        self._found[self._found >= known] = -1

    def numbers(self, text: str, *, known: int) -> tuple[NDArray[np.int32], list[str]]:
        """Return (the number of each word between the spaces of `text`, the words numbered `known` and above).

        The empty text between two spaces is a word; the one after the last space is not.

        Args:
            text: words, each followed by a space; the last space may be left out.
            known: how many words the caller knows. After an interrupt these can be fewer than were entered.
        """
        self._renumber()
        data = text.encode("utf-8", "surrogatepass")
        spaced = data + bytes(_LONGEST) if data.endswith(b" ") else data + b" " + bytes(_LONGEST)
        end = np.flatnonzero(np.frombuffer(spaced, np.uint8) == 0x20)
        start = np.zeros_like(end)
        np.add(end[:-1], 1, out=start[1:])
        filled = np.flatnonzero(end > start)
        # A byte 0 could not be told from the zeros after a word. Ideographs are words of one character, and so small a
        # `str` is made and found in 0.06 µs.
        by_dict = "\0" in text or _SHORT * len(filled) > len(text) - len(end)
        if by_dict:
            number = self._of_dict(_words(text))
        elif 2 * len(filled) > len(end):
            number = self._of_table(text, spaced, start, end)
        else:
            # Code is indented by empty words.
            number = np.full(len(end), self._number[""], np.int32)
            number[filled] = self._of_table(text, spaced, start[filled], end[filled])
        return number, list(islice(reversed(self._number), len(self._number) - known))[::-1]

    def _of_dict(self, words: list[str]) -> NDArray[np.int32]:
        return np.fromiter(map(self._number.__getitem__, words), np.int32, len(words))

    def _of_table(self, text: str, spaced: bytes, start: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.int32]:
        """Return the numbers of the words from byte `start` to `end` of `spaced`: `text`, then zeros."""
        length = end - start
        inside = np.minimum(length, _LONGEST)
        # The eight bytes from any byte of the text on, as a number.
        head = np.ndarray(len(spaced) - _LONGEST, "<u8", spaced, 0, (1,))[start] & _HEAD.take(inside)
        tail = np.ndarray(len(spaced) - _LONGEST, "<u8", spaced, 8, (1,))[start] & _TAIL.take(inside)
        hash_ = (head * _HEAD_FACTOR) ^ (tail * _TAIL_FACTOR)
        place = (hash_ >> np.uint64(64 - _BITS)).view(np.int64)
        number = self._at(place, head, tail)
        number[length > _LONGEST] = -1
        rest = np.flatnonzero(number < 0)
        rest = rest[length[rest] <= _LONGEST]
        number[rest] = self._at(place[rest] ^ 1, head[rest], tail[rest])
        rest = np.flatnonzero(number < 0)
        spans = zip(start[rest].tolist(), end[rest].tolist(), strict=True)
        if text.isascii():
            words = [text[a:b] for a, b in spans]
        else:
            words = [spaced[a:b].decode("utf-8", "surrogatepass") for a, b in spans]
        number[rest] = self._of_dict(words)
        enters = rest[length[rest] <= _LONGEST]
        at = place[enters]
        at ^= self._found[at] >= 0
        # Where two words want one place, the last one written wins in all three arrays, so they agree. `_found` is
        # written last: a place whose number is still -1 is free.
        free = self._found[at] < 0
        at, enters = at[free], enters[free]
        self._head[at], self._tail[at], self._found[at] = head[enters], tail[enters], number[enters]
        return number

    def _at(self, place: NDArray[np.intp], head: NDArray[np.uint64], tail: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return the numbers of the words at places of the table; -1 where another word stands there."""
        same = (self._head.take(place) == head) & (self._tail.take(place) == tail)
        number: NDArray[np.int32] = np.where(same, self._found.take(place), np.int32(-1))
        return number


def _words(text: str) -> list[str]:
    words = text.split(" ")
    if len(words) > 1 and not words[-1]:
        words.pop()
    return words

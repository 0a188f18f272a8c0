"""The word index: the words of a text → their numbers. Equal words have the same number.

To make a `str` of each word and look it up in a dict takes 0.2 µs a word. But nearly all words of a text are short and
were met before. So a hash table stands in front of the dict: it finds such words by their bytes, with numpy for a whole
chunk, at 0.08 µs a word. Chinese has words of one character, whose numbers stand in an array by code point.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import count, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import kinds
from glyphrender.text.properties import codepoints

# The longest word that the table holds, in bytes: two numbers of eight bytes. 99.6% of the words of a novel are not
# longer.
_LONGEST: Final = 16
# The table has 2^17 places and takes 2.6 MB. A tenth of 60,000 words of the King James Bible find neither of their two
# places free.
_BITS: Final = 17
# If words have fewer characters than this on average, most of them have one.
_SHORT: Final = 2
_CODE_POINTS: Final = 1 << 16  # code points whose words are found by the array; others by the dict
_MARK: Final = 0x0A  # a word of a line feed and one character, set from right to left, stands in the array too

_LENGTHS = np.arange(_LONGEST + 1)
# Masks by the length of a word: the bytes that belong to the word, among the first eight bytes from its start and among
# the next eight.
_HEAD, _TAIL = (np.array([(1 << int(n)) - 1 for n in 8 * np.clip(_LENGTHS - skip, 0, 8)], np.uint64) for skip in (0, 8))
# Odd 64-bit factors: the upper bits of a product depend on all bits of the other factor.
_HEAD_FACTOR, _TAIL_FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class WordIndex:
    """A dictionary of words: word → number. Words are numbered from 0 on, in the order in which they are met.

    >>> index = WordIndex(["", "the"])
    >>> numbers, new = index.numbers("the cat the end", known=2)
    >>> numbers.tolist(), new
    ([1, 2, 1, 3], ['cat', 'end'])
    """

    def __init__(self, words: Sequence[str]) -> None:
        # The default of the defaultdict is the next number, so C code both looks up a word and numbers a new one.
        self._number: defaultdict[str, int] = defaultdict()
        self._renumber()
        self._of_dict(list(words))
        # The number of each word of one character, or -1; then of each with a line feed before it. It is made when a
        # text with such words is met: 512 KB.
        self._of_code_point = np.zeros(0, np.int32)
        # Each place of the table holds the bytes of a word, and the number of the word or -1. If the place of a word is
        # taken, the word takes the place beside it; if that is taken too, the word is only in the dict.
        self._head = np.zeros(1 << _BITS, np.uint64)
        self._tail = np.zeros(1 << _BITS, np.uint64)
        self._found = np.full(1 << _BITS, -1, np.int32)

    def __len__(self) -> int:
        return len(self._number)

    @property
    def nbytes(self) -> int:
        """The memory of the dict and the tables, in bytes. A word and its entry in the dict count as 130 bytes."""
        tables = self._head, self._tail, self._found, self._of_code_point
        return 130 * len(self._number) + sum(table.nbytes for table in tables)

    def _renumber(self) -> None:
        """Give the next new word the next free number.

        An exception between counting a word and entering it would otherwise leave a gap.
        """
        self._number.default_factory = count(len(self._number)).__next__

    def forget(self, known: int) -> None:
        """Remove the words numbered `known` and above."""
        while len(self._number) > known:
            self._number.popitem()
        self._found[self._found >= known] = -1
        self._of_code_point[self._of_code_point >= known] = -1

    def numbers(self, text: str, *, known: int) -> tuple[NDArray[np.int32], list[str]]:
        """Return (the number of each word between the spaces of `text`, the words numbered `known` and above).

        The empty text between two spaces is a word; the one after the last space is not.

        Args:
            text: words, each followed by a space; the last space may be left out.
            known: how many words the caller knows. After an interrupt the caller may know fewer words than the index.
        """
        self._renumber()
        try:
            data = text.encode()
        except UnicodeEncodeError:  # to decode the words again takes 500 ns for each lone surrogate
            return self._of_characters(text), self._new_words(known)
        spaced = data + bytes(_LONGEST) if data.endswith(b" ") else data + b" " + bytes(_LONGEST)
        end = np.flatnonzero(np.frombuffer(spaced, np.uint8) == 0x20)
        start = np.zeros_like(end)
        np.add(end[:-1], 1, out=start[1:])
        filled = np.flatnonzero(end > start)
        # The table cannot tell a byte 0 in a word from the zeros after a word.
        if "\0" in text or _SHORT * len(filled) > len(text) - len(end):
            number = self._of_characters(text)
        elif 2 * len(filled) > len(end):
            number = self._of_table(text, spaced, start, end)
        else:
            # In source code most words are empty: the indentation.
            number = np.full(len(end), self._number[""], np.int32)
            number[filled] = self._of_table(text, spaced, start[filled], end[filled])
        return number, self._new_words(known)

    def _new_words(self, known: int) -> list[str]:
        """Return the words numbered `known` and above."""
        return list(islice(reversed(self._number), len(self._number) - known))[::-1]

    def _of_dict(self, words: list[str]) -> NDArray[np.int32]:
        """Return the numbers of `words` by the dict; new words are entered."""
        return np.fromiter(map(self._number.__getitem__, words), np.int32, len(words))

    def _of_characters(self, text: str) -> NDArray[np.int32]:
        """Return the numbers of the words of `text`: those of one character by the array, all others by the dict."""
        if not len(self._of_code_point):
            self._of_code_point = np.full(2 * _CODE_POINTS, -1, np.int32)
        cps = codepoints(text if text.endswith(" ") else text + " ")
        end = np.flatnonzero(cps == 0x20)
        start = np.append(0, end[:-1] + 1)
        first, length = cps[start], end - start
        marked = (first == _MARK) & (length == 2)
        character = cps[start + marked]
        single = (marked | (length == 1)) & (character < _CODE_POINTS)
        first = character + _CODE_POINTS * marked
        number = np.where(single, self._of_code_point.take(first, mode="clip"), np.int32(-1))
        number[length == 0] = self._number[""]
        rest = np.flatnonzero(number < 0)
        # Each new character is looked up where it stands first.
        alone = single[rest]
        new, at, _ = kinds(first[rest[alone]])
        asked = np.sort(np.append(rest[~alone], rest[alone][at]))
        spans = zip(start[asked].tolist(), end[asked].tolist(), strict=True)
        number[asked] = self._of_dict([text[a:b] for a, b in spans])
        self._of_code_point[new] = number[rest[alone][at]]
        number[rest[alone]] = self._of_code_point[first[rest[alone]]]
        return number

    def _of_table(self, text: str, spaced: bytes, start: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.int32]:
        """Return the numbers of words by the table. Words that it lacks are found by the dict and entered in the table.

        Args:
            text: the words.
            spaced: `text` as bytes, then a space and `_LONGEST` zeros.
            start, end: [n] the bytes of `spaced` at which each word begins and ends. No word is empty.
        """
        length = end - start
        inside = np.minimum(length, _LONGEST)
        # The eight bytes from each word's first byte on, and the next eight, as numbers.
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
        words = [text[a:b] for a, b in spans] if text.isascii() else [spaced[a:b].decode() for a, b in spans]
        number[rest] = self._of_dict(words)
        enters = rest[length[rest] <= _LONGEST]
        at = place[enters]
        at ^= self._found[at] >= 0
        # If two words want the same place, the word written last wins in all three arrays, so the arrays agree.
        # `_found` is written last: until then the place counts as free.
        free = self._found[at] < 0
        at, enters = at[free], enters[free]
        self._head[at], self._tail[at], self._found[at] = head[enters], tail[enters], number[enters]
        return number

    def _at(self, place: NDArray[np.intp], head: NDArray[np.uint64], tail: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return the number of each word if it stands at `place` of the table, else -1."""
        same = (self._head.take(place) == head) & (self._tail.take(place) == tail)
        number: NDArray[np.int32] = np.where(same, self._found.take(place), np.int32(-1))
        return number

"""Liang's hyphenation algorithm (F. M. Liang, Word Hy-phen-a-tion by Com-put-er, 1983) over the patterns of pyphen.

pyphen looks up every substring of a word up to the length of its longest pattern: 19 letters in English, 35 in German.
Here a tree of letters is followed from each letter on, until no pattern begins so. That is 3 steps a letter in place
of 16 look-ups for random English letters, and the places are the same. pyphen also remembers every word for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

# A hyphen leaves as many letters on either side: pyphen's defaults.
_LEFT, _RIGHT = 2, 2

#: Values of a pattern: (offset from its first character, value), without zeros.
_Values: TypeAlias = tuple[tuple[int, int], ...]
#: A beginning of patterns: the letters that may follow, and the values of the pattern that ends here.
_Node: TypeAlias = tuple[dict[str, Any], _Values]
_NO_LETTERS: Final[dict[str, _Node]] = {}


class Patterns:
    """The hyphenation patterns of one language."""

    def __init__(self, patterns: Mapping[str, tuple[int, Iterable[int]]]) -> None:
        """Take the patterns as pyphen has them: letters → (offset of the first value, values)."""
        # Patterns with equal values share one tuple, and ends of patterns share one node for each such tuple.
        shared: dict[_Values, _Values] = {}
        ends: dict[_Values, _Node] = {}
        self._root: dict[str, _Node] = {}
        # Some patterns have two digits in a row, and so values beyond their last letter.
        self._longest = 0
        # A pattern comes after all longer ones that begin with it, so the node of an end gets no letters later.
        for letters in sorted(patterns, reverse=True):
            offset, values = patterns[letters]
            found = tuple((at, int(value)) for at, value in enumerate(values, offset) if value)
            found = shared.setdefault(found, found)
            self._longest = max([self._longest, *(at for at, _ in found)])
            children = self._root
            for letter in letters[:-1]:
                if letter not in children:
                    children[letter] = ({}, ())
                children = children[letter][0]
            if letters[-1] in children:
                children[letters[-1]] = (children[letters[-1]][0], found)
            else:
                children[letters[-1]] = ends.setdefault(found, (_NO_LETTERS, found))

    def positions(self, word: str) -> list[int]:
        """Return the positions before which `word` may be hyphenated, which rise.

        >>> Patterns({"ab": (1, [1]), "abc": (1, [2])}).positions("cababcab")
        [2]
        """
        pointed = f".{word.lower()}."  # a full stop stands for the end of a word in patterns
        highest = [0] * (len(pointed) + self._longest)
        for start in range(len(pointed) - 1):
            children = self._root
            for letter in pointed[start:]:
                node = children.get(letter)
                if node is None:
                    break
                children, values = node
                for at, value in values:
                    if highest[start + at] < value:
                        highest[start + at] = value
        inside = highest[_LEFT + 1 : len(word) - _RIGHT + 2]
        return [at for at, value in enumerate(inside, _LEFT) if value & 1]

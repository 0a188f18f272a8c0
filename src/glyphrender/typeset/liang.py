"""Liang's hyphenation algorithm (F. M. Liang, Word Hy-phen-a-tion by Com-put-er, 1983) over the patterns of pyphen.

pyphen looks up every substring of a word up to the length of its longest pattern: 19 letters in English, 35 in German.
Here the substrings from one letter on end with the first that begins no pattern. That is 4 look-ups a letter in place
of 16 for random English letters, and the places are the same. pyphen also remembers every word for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

# A hyphen leaves as many letters on either side: pyphen's defaults.
_LEFT, _RIGHT = 2, 2

#: Values of a pattern: (offset from its first character, value), without zeros.
_Values: TypeAlias = tuple[tuple[int, int], ...]
_NO_VALUES: Final[_Values] = ()


class Patterns:
    """The hyphenation patterns of one language."""

    def __init__(self, patterns: Mapping[str, tuple[int, Iterable[int]]]) -> None:
        """Take the patterns as pyphen has them: letters → (offset of the first value, values)."""
        # Every beginning of a pattern is a key too. Patterns with equal values share one tuple.
        self._values: dict[str, _Values] = {}
        shared: dict[_Values, _Values] = {}
        # Some patterns have two digits in a row, and so values beyond their last letter.
        self._longest = 0
        for letters, (offset, values) in patterns.items():
            found = tuple((at, int(value)) for at, value in enumerate(values, offset) if value)
            self._values[letters] = shared.setdefault(found, found)
            self._longest = max([self._longest, *(at for at, _ in found)])
            for end in range(len(letters) - 1, 0, -1):
                if letters[:end] in self._values:
                    break
                self._values[letters[:end]] = _NO_VALUES

    def positions(self, word: str) -> list[int]:
        """Return the positions before which `word` may be hyphenated, which rise.

        >>> Patterns({"ab": (1, [1]), "abc": (1, [2])}).positions("cababcab")
        [2]
        """
        pointed = f".{word.lower()}."  # a full stop stands for the end of a word in patterns
        highest = [0] * (len(pointed) + self._longest)
        values_of, ends = self._values.get, range(1, len(pointed) + 1)
        for start in range(len(pointed) - 1):
            for end in ends[start:]:
                values = values_of(pointed[start:end])
                if values is None:
                    break
                for at, value in values:
                    if highest[start + at] < value:
                        highest[start + at] = value
        inside = highest[_LEFT + 1 : len(word) - _RIGHT + 2]
        return [at for at, value in enumerate(inside, _LEFT) if value & 1]

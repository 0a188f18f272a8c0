"""Search a text exactly, then with case folded, then with any white space where the query has some.

A model reads a phrase from a page, where a line end looks like a space and capitals may be lost. The places that are
found are always ranges of the source, so what is quoted from them is the source itself. The time is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.cached_property import cached_property

__all__ = ["Matches", "SourceSearch"]

#: Places that are looked for. A letter alone may have millions, and nobody reads them.
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Matches:
    """The places of a query.

    Attributes:
        spans: (start, end) of each place, in characters of the text, in order. Places do not overlap.
        how: "exact", "ignoring case", or "ignoring case and line ends".
    """

    spans: tuple[tuple[int, int], ...]
    how: str = "exact"


class SourceSearch:
    """A text that is searched several times. Folding it is done once, when it is first needed.

    >>> search = SourceSearch("Die Straße\\nnach Ulm")
    >>> search.find("Ulm").spans, search.find("STRASSE").spans, search.find("straße nach")
    (((16, 19),), ((4, 10),), Matches(spans=((4, 15),), how='ignoring case and line ends'))
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, wanted: str) -> Matches:
        """Return the places of `wanted`, by the first of the three ways that finds any."""
        if not wanted:
            return Matches(())
        if spans := _occurrences(self.text, wanted):
            return Matches(spans)
        folded = wanted.casefold()
        if spans := self._in_source(_occurrences(self._folded, folded)):
            return Matches(spans, "ignoring case")
        words = folded.split()
        if len(words) > 1:
            # Possessive, so that the time stays linear where nothing is found.
            pattern = re.compile(r"\s++".join(map(re.escape, words)))
            found: list[tuple[int, int]] = []
            for match in pattern.finditer(self._folded):
                found.append(match.span())
                if len(found) == _MOST:
                    break
            return Matches(self._in_source(tuple(found)), "ignoring case and line ends")
        return Matches(())

    @cached_property
    def _folded(self) -> str:
        return self.text.casefold()

    @cached_property
    def _offsets(self) -> NDArray[np.int64] | None:
        """Return where each character of the source begins in the folded text; None if the two run alike."""
        if len(self._folded) == len(self.text):  # folding never shortens
            return None
        lengths = np.ones(len(self.text), np.int64)
        for character in set(self.text):
            if len(folded := character.casefold()) > 1:
                lengths[[match.start() for match in re.finditer(re.escape(character), self.text)]] = len(folded)
        return np.append(0, np.cumsum(lengths))

    def _in_source(self, spans: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """Return ranges of the folded text as ranges of the source. A part of a letter stands for the letter."""
        if self._offsets is None or not spans:
            return spans
        starts, ends = (np.array(column) for column in zip(*spans, strict=True))
        first = np.searchsorted(self._offsets, starts, "right") - 1
        last = np.searchsorted(self._offsets, ends, "left")
        found: list[tuple[int, int]] = []
        for start, end in zip(first.tolist(), last.tolist(), strict=True):
            if not found or start >= found[-1][1]:
                found.append((start, end))
        return tuple(found)


def line_of(starts: list[int], at: int) -> int:
    """Return the number of the line that holds character `at`; the first is 1. `starts` are where lines begin."""
    return max(1, bisect_right(starts, at))


def _occurrences(text: str, wanted: str) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    at = text.find(wanted)
    while at >= 0 and len(found) < _MOST:
        found.append((at, at + len(wanted)))
        at = text.find(wanted, at + len(wanted))
    return tuple(found)

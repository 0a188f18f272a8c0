"""`LineEnds`: a text whose line ends are all line feeds, and the way back to offsets in its source."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import DataError

_LINE_ENDS: Final = re.compile(r"\r\n?")
_PAIRS: Final = re.compile(r"\r\n")


def checked_text(name: str, value: object) -> str:
    """Return `value`, which must be str.

    Raises:
        DataError: it is of another type; the message calls it `name`.
    """
    if not isinstance(value, str):
        raise DataError(f"{name} is {type(value).__name__}, not str. Pass a str; decode bytes first.")
    return value


class LineEnds:
    """The way from offsets in a text whose line ends are all "\\n" back to offsets in its source.

    >>> LineEnds("a\\r\\nb").source(2)
    3
    """

    def __init__(self, source: str) -> None:
        self.text = source if "\r" not in checked_text("source", source) else _LINE_ENDS.sub("\n", source)
        # Place of the line feed of each CR LF, in `text`.
        self._pairs = [match.start() - count for count, match in enumerate(_PAIRS.finditer(source))]

    @property
    def are_those_of_source(self) -> bool:
        """Whether offsets in the text are offsets in the source: no line ends in CR LF."""
        return not self._pairs

    def source(self, offset: int) -> int:
        """Return the offset in the source of the character at `offset`."""
        return offset + bisect_left(self._pairs, offset) if self._pairs else offset

    def sources(self, offsets: Sequence[int]) -> NDArray[np.int64]:
        """Return [n] the offset in the source of each of `offsets`."""
        places = np.array(offsets, np.int64)
        return places + np.searchsorted(self._pairs, places) if self._pairs else places

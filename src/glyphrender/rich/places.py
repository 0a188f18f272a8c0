"""Places: where the tokens of markdown-it-py stand in the source (positions.py finds them)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from markdown_it.token import Token


class Lines(NamedTuple):
    """The places of the text of a block, which is made of parts of lines.

    Attributes:
        begins: offset in the text at which each part begins; the first is 0, the last is the length of the text.
        at: offset in the source at which each part begins.
        spaces: whether the part stands for spaces of a tab that was cut in two. Such a part is drawn as spaces.
    """

    begins: list[int]
    at: list[int]
    spaces: list[bool]

    @property
    def length(self) -> int:
        """Length of the text."""
        return self.begins[-1]

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int, str | None]]:
        """Yield (start, end, text) of the source for the text from `start` to `end - 1`; text None means as it is."""
        begins = self.begins
        part = bisect_right(begins, start) - 1
        while start < end:
            stop = min(end, begins[part + 1])
            at = self.at[part]
            if stop > start:
                if self.spaces[part]:
                    yield at, at + 1, " " * (stop - start)
                else:
                    shift = at - begins[part]
                    yield start + shift, stop + shift, None
            start = stop
            part += 1

    def source(self, offset: int) -> int:
        """Return the place in the source of the character at `offset` of the text."""
        part = min(bisect_right(self.begins, offset), len(self.at)) - 1
        return self.at[part] + (0 if self.spaces[part] else offset - self.begins[part])

    def sources(self, offsets: Sequence[int]) -> list[int]:
        """Return the place in the source of the character at each of `offsets` of the text."""
        place, begins, at = np.array(offsets, np.int64), np.array(self.begins), np.array(self.at)
        part = np.minimum(np.searchsorted(begins, place, "right"), len(at)) - 1
        inside = np.where(np.array(self.spaces)[part], 0, place - begins[part])
        sources: list[int] = (at[part] + inside).tolist()
        return sources

    def cut(self, start: int, end: int) -> Lines:
        """Return the places of the text from `start` to `end - 1`."""
        if start == 0 and end == self.begins[-1]:
            return self
        first = min(bisect_right(self.begins, start), len(self.at)) - 1
        last = max(bisect_left(self.begins, end, first + 1), first + 1)
        begins = [max(0, begin - start) for begin in self.begins[first:last]] + [end - start]
        at = self.at[first:last]
        if not self.spaces[first]:
            at[0] += start - self.begins[first]
        return Lines(begins, at, self.spaces[first:last])


class Inline(NamedTuple):
    """A token of a line, and the range of the block's text that it stands for.

    Attributes:
        token: the token of markdown-it-py.
        start, end: the first character of the range, and the character after its last.
        inside: the tokens between the brackets of an image; their ranges are those of `token.content`.
    """

    token: Token
    start: int
    end: int
    inside: Sequence[Inline] = ()


@dataclass(slots=True)
class PlacedToken:
    """A token of a block.

    Attributes:
        token: the token of markdown-it-py.
        lines: the places of its text, if it has one.
        inline: the tokens in its text, if it is `inline`.
        end: where the last line of the token's own text ends, in the source: at its line feed, or at the end.
        start: where its first line begins, behind the marks of what it stands in.
    """

    token: Token
    lines: Lines | None = None
    inline: Sequence[Inline] = ()
    end: int = -1
    start: int = -1

"""Flow: line ends of the source that are drawn as something else, so that a page has fewer and fuller lines.

Two policies of θ flow a text. *Unwrapping* joins the lines of a hard-wrapped paragraph (text/unwrap.py). A policy for
*blank lines* sets paragraphs apart by an indent, half a line or a mark in place of an empty line. Nothing is taken out
of the source: a line feed that is drawn as a space, a tab or ¶ stands for that character, and all other white space of
a join or a gap is consumed. What a character becomes depends on `CONTEXT` characters around it and on nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.unwrap import CONTEXT, LONGEST, Join, joins

#: What sets paragraphs apart where the source has blank lines.
BlankLines: TypeAlias = Literal["KEEP", "INDENT", "HALF", "MARK"]

#: The character that a mark between paragraphs is, and the one that an indent is.
MARK: Final = "¶"
INDENT: Final = "\t"

# A line end, and the blank lines after it. Their white space is bounded, so that a gap is found from its neighborhood.
_GAP: Final = re.compile(rf"(?:(?<=\n)|\A)(?:[ \t]{{0,{LONGEST}}}\r?\n)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Flowed:
    """A piece of text in which line ends are drawn as something else.

    Attributes:
        text: the piece with the characters that are drawn in place of line feeds; as long as the source.
        consumed: the stretches of it that are not drawn, (start, end); they rise and do not touch.
        ends: the places after line feeds that end a paragraph.
        seams: the places after line feeds that are drawn as a space before a letter or a digit.
    """

    text: str
    consumed: list[tuple[int, int]]
    ends: NDArray[np.int64]
    seams: NDArray[np.int64]

    def until(self, stop: int) -> Flowed:
        """Return the first `stop` characters."""
        return Flowed(
            text=self.text[:stop],
            consumed=[(start, min(end, stop)) for start, end in self.consumed if start < stop],
            ends=self.ends[self.ends <= stop],
            seams=self.seams[self.seams <= stop],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """A choice of how a text flows.

    Attributes:
        unwrap: whether the lines of a hard-wrapped paragraph are joined.
        blank_lines: what sets paragraphs apart.
    """

    unwrap: bool = False
    blank_lines: BlankLines = "KEEP"

    def __bool__(self) -> bool:
        return self.unwrap or self.blank_lines != "KEEP"

    def of(self, text: str, start: int, stop: int, *, begins: bool = True, ends: bool = True) -> Flowed:
        """Return characters `start` to `stop - 1` of `text` as they flow.

        Args:
            text: the piece, with `CONTEXT` characters on each side of it where the source has so many.
            start, stop: the piece.
            begins, ends: whether `text` begins and ends where the source does.

        >>> flow = Flow(blank_lines="MARK")
        >>> flow.of("One.\\n\\nTwo.", 0, 10).text
        'One. ¶Two.'
        """
        drawn = {}
        consumed: list[tuple[int, int]] = []
        if self.unwrap:
            for place, join in joins(text, start, stop, begins=begins, ends=ends):
                drawn[place] = " " if join is Join.SPACE else ""
                consumed += _around(text, place, kept=join is Join.SPACE)
        if self.blank_lines != "KEEP":
            for place, character, stretch in self._gaps(text, start, stop):
                if character:
                    drawn[place] = character
                consumed += stretch
        return _flowed(text, start, stop, drawn, consumed)

    def _gaps(self, text: str, start: int, stop: int) -> Iterator[tuple[int, str, list[tuple[int, int]]]]:
        """Yield (place of a line feed, what is drawn for it, what is consumed) for gaps between paragraphs."""
        for match in _GAP.finditer(text, max(0, start - CONTEXT)):
            if match.start() >= stop + CONTEXT:
                return
            first, end = match.span()  # the first character of the blank lines, and the first after them
            follows = re.match(r"[ \t]*[^\s]", text[end : end + LONGEST])
            last = end - 1
            if self.blank_lines == "MARK" and first and text[first - 1] == "\n":
                before = [(first - 2, first - 1)] if text.startswith("\r\n", first - 2) else []
                yield first - 1, " ", before
            if follows is None or self.blank_lines == "HALF" or (self.blank_lines == "INDENT" and text[end] in " \t"):
                yield last, "", [(first, end)]
            else:
                character = MARK if self.blank_lines == "MARK" else INDENT
                yield last, character, [(first, last)] if first < last else []

    def paragraph_end(self, text: str, at: int, *, before: bool) -> int:
        """Return a place in `text` where a paragraph ends under this flow.

        Args:
            text: the whole source.
            at: a place in it.
            before: whether to return the last such place up to `at`, or 0; else the first from `at` on, or the end.
        """
        reach = 1 << 13
        while True:
            lo, hi = (max(0, at - reach), at) if before else (at, min(len(text), at + reach))
            head, tail = max(0, lo - CONTEXT), min(len(text), hi + CONTEXT)
            found = self.of(text[head:tail], lo - head, hi - head, begins=not head, ends=tail == len(text)).ends
            if len(found):
                return lo + int(found[-1 if before else 0])
            if (lo == 0) if before else (hi == len(text)):
                return lo if before else hi
            reach *= 8


#: The text as it is.
STILL: Final = Flow()


def _around(text: str, place: int, *, kept: bool) -> list[tuple[int, int]]:
    """Return what a join consumes: the white space around the line feed at `place`, and the line feed unless `kept`."""
    start, end = place, place + 1
    while start and text[start - 1] in " \t\r":
        start -= 1
    while end < len(text) and text[end] in " \t":
        end += 1
    stretches = [(start, place), (place + 1, end)] if kept else [(start, end)]
    return [(first, last) for first, last in stretches if first < last]


def _flowed(text: str, start: int, stop: int, drawn: dict[int, str], consumed: list[tuple[int, int]]) -> Flowed:
    """Return the piece from `start` to `stop - 1`, in which `drawn` characters stand for line feeds."""
    hidden = np.zeros(len(text), bool)
    for first, last in consumed:
        hidden[first:last] = True
    hidden = hidden[start:stop]
    pieces, at = [], start
    for place in sorted(drawn):
        if start <= place < stop and drawn[place]:
            pieces += [text[at:place], drawn[place]]
            at = place + 1
    pieces.append(text[at:stop])
    shown = "".join(pieces)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hidden.view(np.int8), [0]])))
    feeds = np.array([match.start() for match in re.finditer("\n", shown)], np.int64)
    seams = [
        place + 1 - start
        for place in sorted(drawn)
        if start <= place < stop - 1 and drawn[place] == " " and text[place + 1].isalnum()
    ]
    return Flowed(
        text=shown,
        consumed=list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)),
        ends=feeds[~hidden[feeds]] + 1,
        seams=np.array(seams, np.int64),
    )

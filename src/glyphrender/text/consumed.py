"""Consumed characters: a terminal obeys them and does not show them. They stay in the source, but are not drawn.

Three things are consumed. *Control sequences* of ECMA-48 set colors and titles. *Overwritten text* stood on a line
before a carriage return (or CHA, "to column 1") took the cursor back, as progress bars do. A *backspace* takes back the
character before it, as in overstruck manual pages.

A control sequence never goes on over the end of a line. So a string that is not terminated hides no text: only its
introducer is consumed. All searches are linear.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from glyphrender.text.parts import LINE_ENDS, count_line_ends

#: The first consumed character, and the character after the last one.
Span: TypeAlias = tuple[int, int]

# Introducers in one character (C1): DCS, SOS, CSI, ST, OSC, PM, APC.
_C1: Final = "\x90\x98\x9b\x9c\x9d\x9e\x9f"
_ENDS_STRING: Final = rf"\x1b{_C1}\x18\x1a{LINE_ENDS}"  # CAN and SUB cancel a string
# What closes a string: ST, CAN or SUB; or any introducer, which begins the next sequence, as in the VT500's parser.
_CLOSED: Final = rf"(?:\x1b\\|[\x9c\x18\x1a]|(?=[\x1b{_C1}]))"
_SEQUENCE: Final = re.compile(
    # CSI: parameters, intermediates, a final character. A sequence that breaks off is consumed as far as it goes.
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    # OSC, which xterm lets BEL close too; then DCS, SOS, PM and APC.
    rf"|(?:\x1b\]|\x9d)[^\x07{_ENDS_STRING}]*+(?:\x07|{_CLOSED})"
    rf"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^{_ENDS_STRING}]*+{_CLOSED}"
    r"|(?P<open>\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])"
    # Two characters, or more with intermediates (ESC ( B); and an ESC or ST alone.
    r"|\x1b[ -/]*+[0-~]?|\x9c"
)
_INTRODUCERS: Final = "\x1b" + _C1
# EL and ED: a sequence that erases the line on which the cursor stands at the left.
_ERASES: Final = re.compile(r"(?:\x1b\[|\x9b)[0-3]?[KJ]")
# CHA: a sequence that takes the cursor to the first column, as npm and yarn do instead of a carriage return.
_TO_COLUMN_1: Final = re.compile(r"((?:\x1b\[|\x9b)[01]?)G")
_MOVES: Final = re.compile(r"\r(?!\n)|\x08")
_INNER_LINE_ENDS: Final = re.compile("[\v\f\x85\u2028\u2029]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumption:
    """A choice of what is consumed.

    Attributes:
        sequences: whether control sequences are consumed.
        overwritten: whether the text before a lone CR and the character before a backspace are consumed. If
            `sequences` is true too, a sequence that takes the cursor to the first column counts as a CR.
    """

    sequences: bool = False
    overwritten: bool = False

    def __bool__(self) -> bool:
        return self.sequences or self.overwritten

    def spans(self, text: str) -> list[Span]:
        """Return the consumed stretches of `text`, which rise and do not touch.

        If text may be overwritten, `text` must consist of whole lines.

        >>> Consumption(sequences=True).spans("a\\x1b[1mb\\x1b[0m\\x1b]0;x\\x07")
        [(1, 5), (6, 16)]
        >>> Consumption(overwritten=True).spans("10%\\r20%\\r\\n")
        [(0, 4)]
        """
        found = list(self.found_sequences(text, 0, len(text)))
        if self.overwritten and found:
            text = _TO_COLUMN_1.sub(r"\1\r", text)  # the final G becomes CR; the sequence is consumed anyway
        if self.overwritten and ("\b" in text or text.count("\r") != text.count("\r\n")):
            found += _overwritten(text, found)
            found.sort()
        return merged(found)

    def found_sequences(self, text: str, start: int, stop: int) -> Iterator[Span]:
        """Yield the control sequences that begin from `start` to `stop - 1`. They may end after `stop`."""
        if self.sequences and any(text.find(introducer, start, stop) >= 0 for introducer in _INTRODUCERS):
            for match in _SEQUENCE.finditer(text, start):
                if match.start() >= stop:
                    return
                yield match.span()

    def may_go_on(self, text: str, span: Span) -> bool:
        """Return whether the control sequence at `span` might be longer if more text followed `text`."""
        if span[1] == len(text):
            return True
        match = _SEQUENCE.match(text, span[0])
        return bool(match and match["open"]) and not any(text.find(end, span[1]) >= 0 for end in LINE_ENDS)

    def kept(self, text: str) -> str:
        """Return `text` without what is consumed."""
        return without(text, self.spans(text)) if self else text

    def count_line_ends(self, text: str) -> int:
        """Return the number of source lines that end in `text`. A lone CR that overwrites ends no line."""
        return text.count("\n") if self.overwritten else count_line_ends(text)


#: Nothing is consumed.
NOTHING: Final = Consumption()


def without(text: str, spans: list[Span]) -> str:
    """Return `text` without `spans`, which rise.

    >>> without("a--b", [(1, 3)])
    'ab'
    """
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    return "".join(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))


def merged(spans: list[Span]) -> list[Span]:
    """Return the union of `spans`, which rise by their starts."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _overwritten(text: str, sequences: list[Span]) -> list[Span]:
    """Return the spans that carriage returns and backspaces consume. `sequences` are those of control sequences."""
    found: list[Span] = []
    done = at = 0
    one_kind = _INNER_LINE_ENDS.search(text) is None
    for move in _MOVES.finditer(text):
        if move.start() < done:
            continue
        start = text.rfind("\n", done, move.start()) + 1 or done
        end = text.find("\n", move.start())
        done = len(text) if end < 0 else end + 1
        stop = len(text) if end < 0 else end - (text[end - 1] == "\r")
        while at < len(sequences) and sequences[at][1] <= start:
            at += 1
        inside = []
        while at < len(sequences) and sequences[at][0] < stop:
            inside.append(sequences[at])
            at += 1
        if one_kind:
            has_return = inside or text.find("\r", start, stop) >= 0
            found += (_overwritten_in_line if has_return else _taken_back)(text, start, stop, inside)
            continue
        inner_ends = _INNER_LINE_ENDS.finditer(text, start, stop)
        edges = [start, *(edge for inner in inner_ends for edge in inner.span()), stop]
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            found += _overwritten_in_line(text, first, last, inside)
    return found


def _overwritten_in_line(text: str, start: int, stop: int, sequences: list[Span]) -> Iterator[Span]:
    """Yield the consumed spans of the line from `start` to `stop - 1`.

    One stretch between carriage returns is kept: the last that draws something or erases the line.
    """
    first, last = _last_that_counts(text, start, stop, sequences)
    left = text.rfind("\r", start, first) + 1 or start
    right = text.find("\r", last, stop)
    if left > start:
        yield start, left
    if right >= 0:
        yield right, stop
    if text.find("\b", left, last) >= 0:
        yield from _taken_back(text, left, stop if right < 0 else right, sequences)


def _last_that_counts(text: str, start: int, stop: int, sequences: list[Span]) -> Span:
    """Return the span of the last drawn character or erasing sequence; the empty span at `start` if there is none."""
    end = stop
    for index in range(bisect_left(sequences, (stop, stop)) - 1, -1, -1):
        first, last = sequences[index]
        if last <= start:
            break
        if drawn := text[last:end].rstrip("\r"):
            return last + len(drawn) - 1, last + len(drawn)
        if _ERASES.fullmatch(text, first, last):
            return first, last
        end = first
    drawn = text[start:end].rstrip("\r")
    return (start + len(drawn) - 1, start + len(drawn)) if drawn else (start, start)


def _taken_back(text: str, start: int, stop: int, sequences: list[Span]) -> Iterator[Span]:
    """Yield each backspace, and the character that it takes back. If one of the two is `_`, that one is taken back."""
    skipped: set[int] = set()
    for first, last in sequences:
        skipped.update(range(max(first, start), min(last, stop)))
    shown: list[int] = []
    underlines = False
    for at in range(start, stop):
        if at in skipped:
            continue
        if text[at] == "\b":
            yield at, at + 1
            if not shown:
                continue
            taken = [shown.pop()]
            while shown and unicodedata.combining(text[taken[-1]]):
                taken.append(shown.pop())
            if text[at + 1 : at + 2] == "_" and text[taken[-1]] not in "_ ":
                shown += reversed(taken)
                underlines = True
                continue
            for index in taken:
                yield index, index + 1
        elif underlines:
            yield at, at + 1
        else:
            shown.append(at)
        underlines = False

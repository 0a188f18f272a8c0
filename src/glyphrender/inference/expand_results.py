"""The result of a tool call: its text and pictures, and which parts of the text are quotes of the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glyphrender.document.page import Page

__all__ = ["Quote", "ToolResult", "pages_said"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A part of the source that stands in a text, character for character.

    Attributes:
        start, end: the range, in characters of the source.
        at: the place in the text at which the range begins.
    """

    start: int
    end: int
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolResult:
    """The answer to one call.

    Attributes:
        call: the call in its normal form, such as "read_page(page=3)"; empty if it could not be understood.
        text: the text that the model gets.
        quotes: the parts of the source in it.
        pages: numbers of the pages that the model asked for, ascending.
        pictures: pages that go with the text.
        problem: why the call was not served, in a word or two: "tool", "arguments", "range", "not found", "repeated",
            "tokens", "calls" or "seconds"; empty if it was.
    """

    call: str
    text: str
    quotes: tuple[Quote, ...] = ()
    pages: tuple[int, ...] = ()
    pictures: tuple[Page, ...] = ()
    problem: str = ""


class NotServedError(Exception):
    """A call that cannot be served: the problem, and the sentence that the model gets."""

    def __init__(self, problem: str, text: str) -> None:
        super().__init__(text)
        self.problem, self.text = problem, text


class QuotingText:
    """The text of a result that is being written, with its quotes of the source."""

    def __init__(self, text: str) -> None:
        self._parts, self._length = [text], len(text)
        self._quotes: list[Quote] = []

    def add(self, text: str) -> None:
        """Append words of our own."""
        self._parts.append(text)
        self._length += len(text)

    def quote(self, start: int, end: int, text: str) -> None:
        """Append `text`, which is characters `start` to `end` of the source."""
        self._quotes.append(Quote(start, end, self._length))
        self.add(text)

    def result(self, call: str, pages: Sequence[int]) -> ToolResult:
        """Return the text with its quotes as the result of `call`."""
        return ToolResult(call=call, text="".join(self._parts), quotes=tuple(self._quotes), pages=tuple(pages))


def pages_said(numbers: Sequence[int]) -> str:
    """Return numbers of pages as a person writes them.

    >>> pages_said([3]), pages_said([3, 4, 5, 9])
    ('page 3', 'pages 3 to 5, 9')
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    names = [str(a) if a == b else f"{a}, {b}" if b == a + 1 else f"{a} to {b}" for a, b in runs]
    listed = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
    return f"page{'s'[: len(numbers) != 1]} {listed}"

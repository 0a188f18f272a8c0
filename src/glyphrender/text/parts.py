"""Texts that are made of several files: where each part begins, and what its line numbers are.

A `Part` in a stream of text says that a file begins. `PartReader` passes the text on as plain strings, and notes where
the parts are. So everything after it counts the line ends of the whole document, and only the drawing of line numbers
asks which part a line belongs to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from glyphrender.errors import DataError

#: Characters that end a line of the page: LF, CR, CRLF, VT, FF, NEL, LS, PS (UAX #14 BK, CR, LF, NL).
LINE_ENDS: Final = "\n\r\v\f\x85\u2028\u2029"

#: The line above each of several files, as `head` and `tail` print it. "{path}" stands for the name of the file.
HEADING: Final = "==> {path} <=="

# Characters that are read from an open file at a time.
_BLOCK: Final = 1 << 17


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The beginning of a part in a stream of text. The part goes on to the next `Part`, or to the end.

    Line numbers start at 1 in each part, and its heading has none.

    Attributes:
        name: name of the part, such as the path of a file.
        heading: lines above the text of the part, or "". A line end is added if it has none.

    >>> from glyphrender import Part, render
    >>> stream = [Part(name="a.py", heading="==> a.py <=="), "x = 1", Part(name="b.py"), "y = 2"]
    >>> page = next(render(stream))
    >>> page.text
    '==> a.py <==\\nx = 1\\ny = 2'
    >>> [(part.name, part.start) for part in page.parts]
    [('a.py', 0), ('b.py', 19)]
    """

    name: str = ""
    heading: str = ""

    def __post_init__(self) -> None:
        for field, value in (("name", self.name), ("heading", self.heading)):
            if not isinstance(value, str):
                raise DataError(f"{field} of a Part is {type(value).__name__}, not str. Pass a str, or leave it out.")


def headed(files: Iterable[tuple[str, Iterable[str]]], heading: str = HEADING) -> Iterator[str | Part]:
    """Yield the texts of files, one after the other, each below `heading`.

    Each text is a `Part`: its lines are numbered from 1, and the heading has no number. If a text does not end with a
    line end, one is added. Each heading but the first has an empty line before it.

    Args:
        files: name and pieces of the text of each file.
        heading: the line above each file, or "". "{path}" becomes the name.

    >>> [each if isinstance(each, str) else each.heading for each in headed([("a.py", ["x = ", "1"])])]
    ['==> a.py <==\\n', 'x = ', '1', '\\n']
    """
    first = True
    for name, pieces in files:
        gap = "" if first else "\n"
        yield Part(name=name, heading=heading and f"{gap}{heading.replace('{path}', name)}\n")
        first, last = False, "\n"
        for piece in pieces:
            yield piece
            last = piece or last
        if not last.endswith(("\n", "\r")):
            yield "\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class PartSpan:
    """A part of a document, in its place.

    Attributes:
        name: name of the part.
        start: number of characters of the document before the part.
        text_start: number of characters before the text of the part, which follows its heading.
        line: number of source lines that end before `text_start`.

    >>> from glyphrender import Document
    >>> document = Document.read([Part(name="a.txt", heading="a:"), "one"])
    >>> document.parts[0].text_start
    3
    """

    name: str
    start: int
    text_start: int
    line: int


def count_line_ends(text: str) -> int:
    """Return the number of source lines that end in `text`: at LF, CR LF and CR.

    Python's `open` and editors count in the same way. A form feed, VT, NEL, U+2028 or U+2029 ends no line of the
    source, though it ends a line of the page.

    >>> count_line_ends("a\\r\\nb\\nc\\rd\\fe\\u2028")
    3
    """
    # `in` stops at the first match, and passes a text without matches thirty times as fast as `count` does.
    ends = text.count("\n")
    return ends + text.count("\r") - text.count("\r\n") if "\r" in text else ends


class PartReader:
    """The strings of a stream of text, and the parts that were read so far.

    If the text before a part does not end a line, a line end is put in.

    Attributes:
        parts: the parts whose beginning was read.

    >>> reader = PartReader(["one", Part(name="b", heading="b:"), "two"])
    >>> "".join(reader), reader.parts
    ('one\\nb:\\ntwo', [PartSpan(name='b', start=4, text_start=7, line=2)])
    """

    def __init__(self, stream: Iterable[str | Part], count: Callable[[str], int] = count_line_ends) -> None:
        """Begin to read `stream`, an iterable or an open text file. `count` counts the source lines that end."""
        self._count = count
        self.parts: list[PartSpan] = []
        self._stream = stream
        self._ahead: list[str] = []
        self._rest = self._blocks()

    def ahead(self, length: int) -> str:
        """Return the first `length` characters or more, less only if the stream has no more; they are read later too.

        >>> reader = PartReader(["one", "two", "three"])
        >>> reader.ahead(4), "".join(reader)
        ('onetwo', 'onetwothree')
        """
        seen = 0
        while seen < length and (block := next(self._rest, "")):
            self._ahead.append(block)
            seen += len(block)
        return "".join(self._ahead)

    def __iter__(self) -> Iterator[str]:
        ahead, self._ahead = self._ahead, []
        yield from ahead
        yield from self._rest

    def _blocks(self) -> Iterator[str]:
        count = self._count
        lone, pair = count("\r"), count("\r\n")
        offset = line = 0
        last = "\n"
        read = getattr(self._stream, "read", None)
        for item in iter(lambda: read(_BLOCK), "") if callable(read) else self._stream:
            if isinstance(item, Part):
                heading = item.heading if not item.heading or item.heading.endswith("\n") else f"{item.heading}\n"
                # LF after CR makes CR LF, which is one line end.
                between = "" if last == "\n" else "\n"
                if between:
                    offset, line = offset + 1, line + (pair - lone if last == "\r" else 1)
                    yield between
                start = offset
                offset, line, last = offset + len(heading), line + count(heading), "\n"
                self.parts.append(PartSpan(name=item.name, start=start, text_start=offset, line=line))
                block = heading
            else:
                block = item
                if not isinstance(block, str):
                    raise DataError(f"text must be str, or give str; got {type(block).__name__}. Decode bytes first.")
                if block:
                    line += count(block)
                    if last == "\r" and block.startswith("\n"):
                        line += pair - lone - 1  # the two are one line end
                    offset, last = offset + len(block), block[-1]
            if block:
                yield block


def parts_between(parts: Sequence[PartSpan], start: int, end: int) -> tuple[PartSpan, ...]:
    """Return those of `parts`, which rise, that have characters from `start` to `end - 1` of the document."""
    lo = max(0, bisect_right(parts, start, key=lambda part: part.start) - 1)
    hi = bisect_right(parts, end - 1, key=lambda part: part.start)
    return tuple(parts[lo:hi])


def line_number(parts: Sequence[PartSpan], offset: int, line: int) -> int | None:
    """Return the number of the source line that begins at character `offset`, or None in a heading.

    Args:
        parts: the parts around `offset`, rising.
        offset: the first character of the line.
        line: number of source lines of the document that end before it.
    """
    at = bisect_right(parts, offset, key=lambda part: part.start) - 1
    if at < 0:
        return line + 1
    return line + 1 - parts[at].line if offset >= parts[at].text_start else None


def with_parts(text: str, parts: Sequence[PartSpan]) -> Iterator[str | Part]:
    """Yield a stream that reads as `text` with `parts`."""
    at = 0
    for part in parts:
        yield text[at : part.start]
        yield Part(name=part.name, heading=text[part.start : part.text_start])
        at = part.text_start
    yield text[at:]

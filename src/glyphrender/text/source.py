"""Where the text comes from: bytes → str, and str → chunks that can be analysed on their own.

Everything after this module works on one `Chunk` at a time, so its size bounds memory. A chunk ends at
the end of a paragraph wherever there is one; a paragraph longer than `CHUNK` is cut where UAX #14 allows
a break. Where the cuts fall depends on the text alone, never on how it arrived, so a text gives the same
pages whole, as an iterator of strings, or read from a file.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import numpy as np

from glyphrender.errors import DataError
from glyphrender.text import bidi, grapheme, linebreak
from glyphrender.text.properties import codepoints

#: What `render` and `layout` take as text: a string, an iterator of strings, or an open text file.
Text: TypeAlias = str | Iterable[str]

# 128 Ki characters are some 20 pages: large enough that numpy's calls (400 a chunk, 1–5 µs each) vanish, small
# enough for the lists of words to stay in the cache of a core; a known text took 10% longer at 256 Ki.
CHUNK = 1 << 17
# How far back from its end an over-long paragraph is searched for a place to cut.
CUT_WINDOW = 4096

# What ends a line of the source: LF, CR, CRLF, VT, FF, NEL, LS, PS (UAX #14 BK, CR, LF, NL).
LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"

# UTF-32 first: its mark begins with that of UTF-16.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A stretch of the source.

    Attributes:
        text: its characters, line ends included.
        offset: where it starts in the source, in characters.
        line: the number of line ends before it, so that lines can be numbered.
        base: base direction (0 or 1) of its first paragraph when that paragraph began in an earlier chunk;
            None when it begins here.
        open: whether it ends inside a paragraph.
    """

    text: str
    offset: int
    line: int
    base: int | None = None
    open: bool = False


def decode(data: bytes, *, name: str, encoding: str | None = None, errors: str = "strict") -> str:
    """Text of `data`; see `decoded`."""
    return "".join(decoded((data,), name=name, encoding=encoding, errors=errors))


def decoded(
    blocks: Iterable[bytes], *, name: str, encoding: str | None = None, errors: str = "strict"
) -> Iterator[str]:
    """Text of a file that comes in blocks: by its byte order mark, else as UTF-8, else as `encoding` says.

    Nothing is guessed: a guess that is wrong for one file in a thousand is a silent loss.

    Args:
        blocks: bytes; the first holds the byte order mark, if there is one.
        name: what messages call the file.

    Raises:
        DataError: it is binary, or is not text in that encoding; names the offset of the first bad byte.
    """
    rest = iter(blocks)
    head, at = next(rest, b""), 0  # `at` is the offset in the file of what is decoded next
    asked = encoding
    if encoding is None:
        encoding = next((codec for bom, codec in BYTE_ORDER_MARKS if head.startswith(bom)), "utf-8")
    guard = asked is None and encoding == "utf-8"
    if guard and head.startswith(codecs.BOM_UTF8):
        head, at = head.removeprefix(codecs.BOM_UTF8), len(codecs.BOM_UTF8)
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors)
        for block in chain((head,), rest, (b"",)):
            if guard and (nul := block.find(0)) >= 0:
                raise DataError(f"{name} looks binary (byte 0x00 at offset {at + nul}). Pass --encoding if it is text.")
            kept = len(decoder.getstate()[0])  # bytes of a character cut by the end of the last block
            if text := decoder.decode(block, not block):
                yield text
            at += len(block)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(
            f"{name} is not {encoding.upper()} (byte 0x{byte:02x} at offset {at - kept + error.start}). "
            "Pass --encoding cp1252 (or the right one), or --errors replace."
        ) from None
    except LookupError:
        raise DataError(f"--encoding {encoding} or --errors {errors} is not known to Python.") from None
    except UnicodeError as error:
        raise DataError(f"{name} is not {encoding.upper()} ({error}). Pass the right --encoding.") from None


def read(path: str | PathLike[str], *, encoding: str | None = None, errors: str = "strict") -> str:
    """Text of a file; see `decode`.

    Raises:
        DataError: the file cannot be read, or is not text.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    return decode(data, name=str(path), encoding=encoding, errors=errors)


def chunks(
    text: Text, *, size: int = CHUNK, base: int | None = None, offset: int = 0, line: int = 0
) -> Iterator[Chunk]:
    """Cut `text` into chunks of at most `size` characters; reads no further ahead than one chunk.

    `base` is the base direction that θ imposes on every paragraph, or None to take each paragraph's own;
    `offset` and `line` are the characters and line ends before `text`.
    """
    inherited: int | None = None
    for piece, whole in _pieces(text, size):
        yield Chunk(text=piece, offset=offset, line=line, base=inherited, open=not whole)
        if whole:
            inherited = None
        elif inherited is None:
            inherited = base if base is not None else _base_direction(piece)
        offset += len(piece)
        line += count_line_ends(piece)


def _pieces(text: Text, size: int) -> Iterator[tuple[str, bool]]:
    """(piece, whether it ends where a paragraph does)."""
    rest = ""
    for block in _blocks(text, size):
        buffer, start = rest + block, 0
        while len(buffer) - start > size:  # one character of look-ahead, so that CR LF is never cut
            end, whole = _cut(buffer, start, start + size)
            yield buffer[start:end], whole
            start = end
        rest = buffer[start:]
    if rest:
        yield rest, True


def _blocks(text: Text, size: int) -> Iterator[str]:
    """`text` as strings, each but the last of at least `size` characters."""
    if isinstance(text, str):
        yield text
        return
    read = getattr(text, "read", None)
    source: Iterable[str] = iter(lambda: read(size), "") if callable(read) else text
    parts: list[str] = []
    length = 0
    for part in source:
        if not isinstance(part, str):
            raise DataError(f"text must be str, or give str; got {type(part).__name__}. Decode bytes first.")
        parts.append(part)
        length += len(part)
        if length >= size:
            yield "".join(parts)
            parts, length = [], 0
    yield "".join(parts)


def _cut(buffer: str, start: int, stop: int) -> tuple[int, bool]:
    """Where the chunk that starts at `start` ends, at or just before `stop`; and if a paragraph ends there."""
    end = buffer.rfind("\n", start, stop) + 1
    if not end:
        last = max(buffer.rfind(mark, start, stop) for mark in LINE_ENDS)
        end = 0 if last < 0 else last + (2 if buffer.startswith("\r\n", last) else 1)
    if end:
        return end, True
    head = max(start, stop - CUT_WINDOW)
    cps = codepoints(buffer[head:stop])
    allowed = np.flatnonzero(linebreak.break_actions(cps)[:-1] == linebreak.ALLOWED) + 1
    spaced = allowed[cps[allowed - 1] == 0x20]
    clusters = np.flatnonzero(grapheme.cluster_starts(cps)[1:]) + 1
    for places in (spaced, allowed, clusters):
        if len(places):
            return head + int(places[-1]), False
    return stop, False


def _base_direction(paragraph: str) -> int:
    """Base direction of the paragraph that `paragraph` begins (UAX #9 P2, P3)."""
    cps = codepoints(paragraph[paragraph.rfind("\n") + 1 :])
    return int(bidi.paragraph_levels(cps, "auto")[0]) if len(cps) else 0


def count_line_ends(text: str) -> int:
    """How many line ends `text` holds; CR LF is one."""
    # `in` stops at the first and goes through text that has none thirty times as fast as `count` does.
    ends = sum(text.count(mark) for mark in LINE_ENDS if mark in text)
    return ends - text.count("\r\n") if "\r" in text else ends

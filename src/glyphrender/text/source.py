"""The source text: bytes are decoded to `str`, and a `str` is cut into chunks that are analysed on their own.

Everything after this module works on one `Chunk` at a time, so the size of a chunk bounds memory. A chunk ends at
the end of a paragraph if it holds one. A paragraph longer than `CHUNK` is cut where a line may end under every θ. The
cuts depend on the text alone and not on how it arrives, so a text gives the same pages as one string, as an
iterator of strings, or read from a file.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.paths import path_of
from glyphrender._system.regular_file import read_bytes
from glyphrender.errors import DataError, shown
from glyphrender.text import bidi, grapheme, tailored_breaks
from glyphrender.text.consumed import NOTHING, Consumption
from glyphrender.text.flow import STILL, Flow, Flowed
from glyphrender.text.parts import LINE_ENDS, Part, PartReader
from glyphrender.text.properties import codepoints
from glyphrender.text.unwrap import CONTEXT

#: What `render` and `layout` take as text: a string, an iterator of strings and of `Part`, or an open text file.
TextLike: TypeAlias = str | Iterable[str | Part]

# Characters per chunk. 128 Ki are some 20 pages: enough to make the cost of numpy calls (400 a chunk, 1–5 µs each)
# negligible, and few enough to keep the lists of words in the cache of a core. A known text took 10% longer at 256 Ki.
CHUNK = 1 << 17
# The last characters of an over-long paragraph's chunk, in which a place to cut is searched for.
CUT_WINDOW = 4096

# (mark, codec), UTF-32 first, because its mark begins with that of UTF-16.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A contiguous part of the source text.

    Attributes:
        text: the characters of the chunk, line ends included.
        offset: number of characters in the source before the chunk.
        line: number of source lines that end before the chunk; see `count_line_ends`.
        mid_line: whether the chunk begins inside a source line.
        base: base direction (0 or 1) of the first paragraph, if that paragraph began in an earlier chunk; else None.
        open: whether the chunk ends inside a paragraph.
        cuts: rising places, without 0, at which a word is cut because something was consumed there.
        looks: [c] a number for each character that says how rich text draws it, or None for plain text.
        flowed: how the line ends of the chunk are drawn, or None where each ends a line.
    """

    text: str
    offset: int
    line: int
    mid_line: bool = False
    base: int | None = None
    open: bool = False
    cuts: tuple[int, ...] = ()
    looks: NDArray[np.int32] | None = None
    flowed: Flowed | None = None


def decode(data: bytes, *, name: str, encoding: str | None = None, errors: str = "strict") -> str:
    """Return the text of `data`; see `decode_blocks`.

    >>> decode(b"\\xef\\xbb\\xbfcaf\\xc3\\xa9", name="menu.txt")
    'café'
    """
    return "".join(decode_blocks((data,), name=name, encoding=encoding, errors=errors))


def decode_blocks(
    blocks: Iterable[bytes], *, name: str, encoding: str | None = None, errors: str = "strict"
) -> Iterator[str]:
    """Yield the text of a file that comes in blocks of bytes.

    The codec is `encoding` if that is given, else the one that the byte order mark names, else UTF-8. Nothing is
    guessed: a guess that is wrong for one file in a thousand is a silent loss.

    Args:
        blocks: the bytes of the file; the first block holds the byte order mark, if the file has one.
        name: name of the file in error messages.
        encoding: name of a Python codec, or None.
        errors: error handler of the codec, such as "strict" or "replace".

    Raises:
        DataError: the file is binary, or is not text in that encoding. The message gives the offset of the first bad
            byte.
    """
    rest = iter(blocks)
    head, at = next(rest, b""), 0  # `at` is the offset in the file of the bytes that are decoded next
    encoding_given = encoding is not None
    if encoding is None:
        encoding = next((codec for bom, codec in BYTE_ORDER_MARKS if head.startswith(bom)), "utf-8")
    refuse_binary = not encoding_given and encoding == "utf-8"
    if refuse_binary and head.startswith(codecs.BOM_UTF8):
        head, at = head.removeprefix(codecs.BOM_UTF8), len(codecs.BOM_UTF8)
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors)
        for block in chain((head,), rest, (b"",)):
            if refuse_binary and (nul := block.find(0)) >= 0:
                raise DataError(f"{name} looks binary (byte 0x00 at offset {at + nul}). Pass --encoding if it is text.")
            kept = len(decoder.getstate()[0])  # bytes of a character that the end of the last block cut
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
        raise DataError(
            f"encoding={shown(encoding)} or errors={shown(errors)} is not known to Python. "
            "Name a codec such as cp1252, and a handler such as replace."
        ) from None
    except UnicodeError as error:
        raise DataError(f"{name} is not {encoding.upper()} ({error}). Pass the right --encoding.") from None


def read(path: str | PathLike[str], *, encoding: str | None = None, errors: str = "strict") -> str:
    """Return the text of the file at `path`, decoded as `decode_blocks` says.

    Raises:
        DataError: the file cannot be read, or is not text.
    """
    file = path_of(path, "Name a file of text.")
    for option, value in (("encoding", encoding), ("errors", errors)):
        if not isinstance(value, str | None) or "\0" in (value or ""):
            raise DataError(f"{option}={shown(value)} is not a name that Python knows. Leave it out.")
    try:
        data = read_bytes(file, pipes=True)
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}). Check the path.", path=file) from None
    return decode(data, name=str(file), encoding=encoding, errors=errors)


def whole(text: TextLike) -> str:
    """Return all of `text` as one str. A stream is read to its end.

    Raises:
        DataError: `text` is not a str and gives something other than str.
    """
    return text if isinstance(text, str) else "".join(PartReader(text))


def chunks(
    text: str | Iterable[str],
    *,
    size: int = CHUNK,
    base: int | None = None,
    offset: int = 0,
    line: int = 0,
    inert: str = "",
    consumed: Consumption = NOTHING,
    flow: Flow = STILL,
    before: str = "",
    after: str = "",
) -> Iterator[Chunk]:
    """Cut `text` into chunks of at most `size` characters.

    A stream is read at most one chunk ahead. A chunk may be one character longer, so that CR LF is never cut. It may be
    as long as a control sequence that is consumed, or as a source line in which text may be overwritten.

    Args:
        text: a string, an iterable of strings, or an open text file.
        size: characters per chunk.
        base: base direction (0 or 1) that θ imposes on every paragraph, or None if each paragraph has its own.
        offset: number of characters before `text`.
        line: number of source lines that end before `text`, which begins a line.
        inert: characters that have no effect on direction; see `bidi.without_effect`.
        consumed: what will not be drawn.
        flow: how line ends are drawn.
        before, after: with a `flow`, the `CONTEXT` characters on each side of `text`, or all where there are fewer.

    Raises:
        DataError: `text` is not a string and gives something other than strings.

    >>> [chunk.text for chunk in chunks("one two three", size=9)]
    ['one two ', 'three']
    """
    inherited: int | None = None
    mid_line = False
    pieces = _flowing_pieces(text, size, consumed, flow, before, after) if flow else _cut_pieces(text, size, consumed)
    for piece, closed, flowed in pieces:
        yield Chunk(
            text=piece, offset=offset, line=line, mid_line=mid_line, base=inherited, open=not closed, flowed=flowed
        )
        if closed:
            inherited = None
        elif inherited is None:
            kept = consumed.kept(piece if flowed is None else flowed.text)
            inherited = base if base is not None else _base_direction(kept, inert)
        offset += len(piece)
        line += consumed.count_line_ends(piece)
        mid_line = not piece.endswith(("\n", "\r"))


def _cut_pieces(text: str | Iterable[str], size: int, consumed: Consumption) -> Iterator[tuple[str, bool, None]]:
    """Yield (text of a chunk, whether it ends where a paragraph ends, None)."""
    held: list[str] = []  # what was read and not cut
    length = wanted = 0
    for block in chain(_blocks(text, size), (None,)):  # None is the end
        if block is not None:
            held.append(block)
            length += len(block)
            if length < wanted:
                continue
        buffer, start = "".join(held), 0
        wanted = 0
        while len(buffer) - start > size:  # one character of look-ahead, so that CR LF is never cut
            cut = _cut(buffer, start, start + size, consumed, final=block is None)
            if cut is None:
                wanted = 2 * (len(buffer) - start)  # so that a long line is looked at a few times, not at every block
                break
            end, closed = cut
            yield buffer[start:end], closed, None
            start = end
        held = [buffer[start:]]
        length = len(held[0])
    if held[0]:
        yield held[0], True, None


def _flowing_pieces(
    text: str | Iterable[str], size: int, consumed: Consumption, flow: Flow, before: str, after: str
) -> Iterator[tuple[str, bool, Flowed]]:
    """Yield (text of a chunk, whether it ends where a paragraph ends, how its line ends are drawn).

    A chunk is known when `CONTEXT` more characters were read. Where no paragraph ends in it, it ends where two lines
    are joined; a line longer than the chunk is cut as in a text that does not flow.
    """
    buffer, start = before, len(before)  # the characters from `start` on were not cut
    begins = True  # whether the source begins with `buffer`, as far as line ends are concerned

    def flowed_to(end: int, *, ends: bool) -> Flowed:
        head, tail = max(0, start - CONTEXT), min(len(buffer), end + CONTEXT)
        ends = ends and tail == len(buffer)
        return flow.of(buffer[head:tail], start - head, end - head, begins=begins and not head, ends=ends)

    for block in chain(_blocks(text, size), (None,)):  # None is the end
        final = block is None
        stop = len(buffer)
        buffer += after if block is None else block
        stop = stop if final else len(buffer) - CONTEXT  # line ends before `stop` can be judged
        while start < stop and (final or start + size < stop):
            end = min(start + size, stop)
            flowed = flowed_to(end, ends=final)
            closed = True
            if end < stop:
                cut = _cut_flowed(buffer, start, end, stop, flowed, consumed, final=final)
                if cut is None:
                    break  # a line that is not cut ends after `stop`
                length, closed = cut
                flowed = flowed.until(length) if length <= end - start else flowed_to(start + length, ends=final)
                end = start + length
                closed = closed or bool(len(flowed.ends) and flowed.ends[-1] == length)
            yield buffer[start:end], closed, flowed
            start = end
        if start > 2 * CONTEXT:
            buffer, start, begins = buffer[start - CONTEXT :], CONTEXT, False


def _cut_flowed(
    buffer: str, start: int, stop: int, known: int, flowed: Flowed, consumed: Consumption, *, final: bool
) -> tuple[int, bool] | None:
    """Return (how many characters from `start` on a chunk has, whether a paragraph ends there).

    Where control sequences are consumed, no line is cut. If the line does not end before `known`, the result is None,
    or all of the text if it is `final`.
    """
    for places, closed in ((flowed.ends, True), (flowed.seams, False)):
        if len(places):
            return int(places[-1]), closed
    if (feed := buffer.rfind("\n", start, stop)) >= 0:
        return feed + 1 - start, False
    if consumed:
        feed = buffer.find("\n", stop, known)
        return (feed + 1 - start, False) if feed >= 0 else (known - start, True) if final else None
    cut = _cut(buffer, start, stop, consumed, final=True)
    assert cut is not None
    return cut[0] - start, cut[1]


def _blocks(text: str | Iterable[str], size: int) -> Iterator[str]:
    """Yield `text` as strings. Each but the last has at least `size` characters."""
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


def _cut(buffer: str, start: int, stop: int, consumed: Consumption, *, final: bool) -> tuple[int, bool] | None:
    """Return the end of the chunk that begins at `start`, and whether a paragraph ends there.

    The end is at `stop` or before it, or one character after it if `stop` lies between CR and LF. In order of
    preference it is a line end, a break after a space, any other break, or a boundary of grapheme clusters. Where text
    may be overwritten, it is the end of a source line. It is never inside a consumed control sequence. The result is
    None if it depends on text after the buffer; with `final`, the buffer ends the text.
    """
    end = buffer.rfind("\n", start, stop) + 1
    if consumed.overwritten:
        end = end or buffer.find("\n", stop) + 1
        return (end, True) if end else None
    if not end:
        last = max(buffer.rfind(mark, start, stop) for mark in LINE_ENDS)
        end = 0 if last < 0 else last + (2 if buffer.startswith("\r\n", last) else 1)
    if end:
        return end, True
    sequences = list(consumed.found_sequences(buffer, start, stop))
    if sequences and not final and consumed.may_go_on(buffer, sequences[-1]):
        return None
    head = max(start, stop - CUT_WINDOW)
    kept = np.ones(stop - head, bool)
    for first, last in sequences:
        kept[max(first - head, 0) : max(last - head, 0)] = False
    after = np.flatnonzero(kept) + head + 1  # the place after each character that is drawn
    cps = codepoints(buffer[head:stop])[kept]
    allowed = np.flatnonzero(tailored_breaks.certain_breaks(cps)[:-1]) + 1
    spaced = allowed[cps[allowed - 1] == 0x20]
    clusters = np.flatnonzero(grapheme.cluster_starts(cps)[1:]) + 1
    for places in (spaced, allowed, clusters):
        if len(places):
            return int(after[places[-1] - 1]), False
    if sequences and sequences[-1][1] >= stop:  # nothing is drawn here; the next sequence may be what ends this one
        end = sequences[-1][1]
        for following in consumed.found_sequences(buffer, end, len(buffer)):
            if following[0] != end:
                break
            if not final and consumed.may_go_on(buffer, following):
                return None
            end = following[1]
        return end, False
    return stop, False


def _base_direction(text: str, inert: str) -> int:
    """Return the base direction of the paragraph whose beginning is the end of `text` (UAX #9 P2, P3)."""
    cps = bidi.without_effect(codepoints(text[text.rfind("\n") + 1 :]), inert)
    return int(bidi.paragraph_levels(cps, "auto")[0]) if len(cps) else 0

"""The pages of a parquet column: their sizes before anything is decoded, and their texts one at a time.

pyarrow decodes a page as a whole, and holds several copies. A page of 400 MB may take 13 KB in a file, so one cell
could take all memory. The header in front of each page says how large the page is. pyarrow decodes the columns whose
pages are all small. In the other columns, this module decodes one text after another, and drops texts that are too
long. The module reads the forms in which libraries write text: the encodings PLAIN and RLE_DICTIONARY, in data pages of
version 1 and 2.

The format: https://github.com/apache/parquet-format, in Thrift's compact protocol.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from glyphrender.adapters.corpus.decompression import Stream, page_stream
from glyphrender.adapters.corpus.faults import Damage

#: A page of more bytes is not decoded as a whole.
WIDE: Final = 1 << 25
#: A page of more values is refused: a run of equal values takes a few bytes, whatever its length.
MOST_VALUES: Final = 1 << 24
# A page header has some 50 bytes, and statistics of some KB at most.
_HEADER: Final = 1 << 20
_DEEPEST: Final = 8
_DATA, _INDEX, _DICTIONARY, _DATA_2 = range(4)
_PLAIN, _PLAIN_DICTIONARY, _RLE_DICTIONARY = 0, 2, 8
# A dictionary beyond this is kept in a temporary file.
_KEPT: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class TooLong:
    """A text that was not kept, of `bytes` bytes."""

    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PageHeader:
    """The header of a page of a column.

    Attributes:
        kind: data (0), dictionary (2) or data of version 2 (3).
        at: offset of the page's bytes in the file.
        stored: number of the page's bytes in the file.
        size: number of the page's bytes after decompression.
        values: number of the page's values, nulls included.
        encoding: encoding of the values.
        levels: in version 2, bytes of levels before the values, which are not compressed: (repetition, definition).
        compressed: whether the values are compressed.
    """

    kind: int
    at: int
    stored: int
    size: int
    values: int
    encoding: int
    levels: tuple[int, int] = (0, 0)
    compressed: bool = True


def pages_of(file: BinaryIO, column: Any) -> list[PageHeader]:
    """Return the headers of the pages of a column chunk, in order. Only the headers are read.

    Args:
        file: the parquet file.
        column: `pyarrow.parquet.ColumnChunkMetaData` of the chunk.

    Raises:
        Damage: a header cannot be read, or its values are impossible.
    """
    at = column.data_page_offset
    if column.has_dictionary_page and 0 < (column.dictionary_page_offset or 0) < at:
        at = column.dictionary_page_offset
    end = at + column.total_compressed_size
    pages = []
    values = 0
    while at < end and values < column.num_values:
        file.seek(at)
        header, length = _header(file, min(_HEADER, end - at))
        page = _page(header, at + length)
        if page is None or page.size < 0 or page.stored < 0 or page.values < 0 or page.at + page.stored > end:
            raise Damage(f"the header of a page at byte {at:,} cannot be right")
        if page.kind in (_DATA, _DATA_2):
            values += page.values
        if page.kind != _INDEX:
            pages.append(page)
        at = page.at + page.stored
    return pages


def _header(file: BinaryIO, most: int) -> tuple[dict[int, Any], int]:
    """Return the fields of the header at the current place of the file, and the length of the header in bytes."""
    data = b""
    while True:
        more = file.read(min(max(512, len(data)), most - len(data)))
        data += more
        try:
            return _struct(data, 0, 0)
        except IndexError:
            if not more:
                raise Damage("the header of a page is cut short") from None


def _page(header: dict[int, Any], at: int) -> PageHeader | None:
    kind, size, stored = (header.get(number, -1) for number in (1, 2, 3))
    of_kind = header.get({_DATA: 5, _INDEX: 6, _DICTIONARY: 7, _DATA_2: 8}.get(kind, -1), {})
    if not isinstance(of_kind, dict) or not all(isinstance(value, int) for value in (kind, size, stored)):
        return None
    values, encoding, levels, compressed = of_kind.get(1, 0), of_kind.get(2, _PLAIN), (0, 0), True
    if kind == _DATA_2:
        encoding, levels, compressed = of_kind.get(4, -1), (of_kind.get(6, 0), of_kind.get(5, 0)), of_kind.get(7, True)
    if kind not in (_DATA, _INDEX, _DICTIONARY, _DATA_2) or not all(
        isinstance(value, int) and value >= 0 for value in (values, encoding, *levels)
    ):
        return None
    return PageHeader(
        kind=kind,
        at=at,
        stored=stored,
        size=size,
        values=values,
        encoding=encoding,
        levels=levels,
        compressed=bool(compressed),
    )


# -- Thrift's compact protocol -----------------------------------------------------------------------


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise Damage("a number in the header of a page is too long")


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a struct by number, and the offset at which it ends. If `data` ends, raise IndexError."""
    if depth > _DEEPEST:
        raise Damage("the header of a page is nested too deep")
    fields: dict[int, Any] = {}
    number = 0
    while byte := data[at]:
        at += 1
        if byte >> 4:
            number += byte >> 4
        else:
            number, at = _zigzag(data, at)
        kind = byte & 15
        if kind in (1, 2):  # a truth value is its own type
            fields[number] = kind == 1
        else:
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    match kind:
        case 1 | 2 | 3:
            return data[at], at + 1
        case 4 | 5 | 6:
            return _zigzag(data, at)
        case 7:
            length = 8
        case 8:  # binary: statistics
            length, at = _varint(data, at)
        case 9 | 10:
            return _list(data, at, depth)
        case 12:
            return _struct(data, at, depth + 1)
        case _:
            raise Damage(f"the header of a page has a field of type {kind}")
    data[at + length - 1]  # raises IndexError if the header goes on after `data`
    return None, at + length


def _list(data: bytes, at: int, depth: int) -> tuple[None, int]:
    count, kind = data[at] >> 4, data[at] & 15
    at += 1
    if count == 15:
        count, at = _varint(data, at)
    for _ in range(count):
        _, at = _value(data, at, kind, depth + 1)
        if depth > _DEEPEST:
            raise Damage("the header of a page is nested too deep")
    return None, at


# -- Texts -------------------------------------------------------------------------------------------


class _Dictionary:
    """The texts of a dictionary page. Of a text that is too long, only the length is kept."""

    def __init__(self, stream: Stream, count: int, longest: int) -> None:
        self._lengths, self._starts = array("q"), array("q")
        self._file = tempfile.SpooledTemporaryFile(_KEPT)  # noqa: SIM115 -- see `close`
        at = 0
        for text in _plain(stream, count, longest):
            self._starts.append(at)
            if isinstance(text, TooLong):
                self._lengths.append(-text.bytes)
            else:
                self._lengths.append(len(text))
                self._file.write(text)
                at += len(text)

    def __getitem__(self, index: int) -> bytes | TooLong:
        if index >= len(self._lengths):
            raise Damage(f"a page names text {index:,} of a dictionary of {len(self._lengths):,}")
        length = self._lengths[index]
        if length < 0:
            return TooLong(-length)
        self._file.seek(self._starts[index])
        return self._file.read(length)

    def close(self) -> None:
        self._file.close()


def texts_of(
    file: BinaryIO, pages: list[PageHeader], codec: str, longest: int, *, optional: bool
) -> Iterator[bytes | TooLong | None]:
    """Yield the text of each row of a column that has no lists; None for a null.

    Args:
        file: the parquet file.
        pages: pages of the column chunk.
        codec: name of the chunk's compression.
        longest: a text of more bytes is not kept.
        optional: whether a row may have a null.

    Raises:
        Damage: a page cannot be decoded, or has an encoding or compression that this module does not know.
    """
    dictionary = None
    try:
        for page in pages:
            stream = page_stream(
                file, page.at, page.stored, page.size, codec if page.compressed else "UNCOMPRESSED", sum(page.levels)
            )
            if page.kind == _DICTIONARY:
                dictionary = _Dictionary(stream, page.values, longest)
                continue
            there = _present(stream, page, optional)
            count = sum(there)
            if page.encoding == _PLAIN:
                texts = _plain(stream, count, longest)
            elif page.encoding in (_PLAIN_DICTIONARY, _RLE_DICTIONARY) and dictionary is not None:
                texts = map(dictionary.__getitem__, _indices(stream, count))
            else:
                raise Damage(
                    f"a page of {page.size:,} bytes has the encoding {page.encoding}, which is not read in parts"
                )
            for present in there:
                yield next(texts, None) if present else None
    finally:
        if dictionary is not None:
            dictionary.close()


def _present(stream: Stream, page: PageHeader, optional: bool) -> bytes | bytearray:
    """Return, for each value of the page, 1 if it is there and 0 if it is null."""
    if page.kind == _DATA_2:
        stream.read(page.levels[0])
        levels = stream.read(page.levels[1])
    elif optional:
        levels = stream.read(int.from_bytes(stream.read(4), "little"))
    else:
        levels = b""
    if not levels:
        return b"\1" * page.values
    return bytearray(_runs(levels, 1, page.values))


def _plain(stream: Stream, count: int, longest: int) -> Iterator[bytes | TooLong]:
    for _ in range(count):
        length = int.from_bytes(stream.read(4), "little")
        if length > longest:
            stream.skip(length)
            yield TooLong(length)
        else:
            yield stream.read(length)


def _indices(stream: Stream, count: int) -> Iterator[int]:
    if not count:
        return iter(())
    width = stream.read(1)[0]
    if width > 32:
        raise Damage(f"indices of {width} bits")
    return _runs(stream.rest(), width, count)


def _runs(data: bytes, width: int, count: int) -> Iterator[int]:
    """Yield `count` numbers of `width` bits. They are stored as runs of equal numbers and as packed groups of eight."""
    at, size, mask = 0, (width + 7) // 8, (1 << width) - 1
    while count > 0:
        try:
            head, at = _varint(data, at)
        except IndexError:
            raise Damage("a page has fewer values than its header says") from None
        if head & 1:
            groups = head >> 1
            packed = data[at : at + groups * width]
            at += groups * width
            for group in range(groups):
                bits = int.from_bytes(packed[group * width : (group + 1) * width], "little")
                for place in range(min(8, count)):
                    yield (bits >> place * width) & mask
                count -= 8
                if count <= 0:
                    break
        else:
            value = int.from_bytes(data[at : at + size], "little")
            at += size
            for _ in range(min(head >> 1, count)):
                yield value
            count -= head >> 1
            if not head >> 1:
                raise Damage("a run of no values")

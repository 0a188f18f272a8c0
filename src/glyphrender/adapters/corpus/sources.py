"""Files of records: the protocol of a source, and JSONL (for parquet see `rows`, for folders of texts `text_files`).

A source is surveyed once, to find where it may be cut. After that, it can be read from any cut on. Broken parts become
records with a fault, never exceptions. Memory is one block of 1 MB and one record. This module knows nothing of the
meaning of a record.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol, Self

from glyphrender._system.regular_file import open_regular
from glyphrender.adapters.corpus.compressed import BLOCK, COMPRESSED, decompressed
from glyphrender.adapters.corpus.faults import Damage, readable, reason_of

# Lines without anything to read.
_BLANK: Final = re.compile(rb"(?:\n+|[ \t\r\v\f]+\n)+")


@dataclass(frozen=True, slots=True)
class Record:
    """One line, row or file.

    Attributes:
        number: its number within its source, from 0.
        values: its fields; None if it could not be read, or if it is blank.
        fault: why it could not be read.
    """

    number: int
    values: dict[str, Any] | None = None
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Records of one source that go into one shard.

    Attributes:
        source: the source.
        first: number of the first record; of a line, blank lines are counted.
        count: how many numbers the cut spans, blank lines included.
        items: how many records it has, blank lines not included.
        seek: the byte at which the first record stands, if the source is `seekable`.
    """

    source: CorpusSource
    first: int
    count: int
    items: int
    seek: int = 0

    def records(self, reader: SequentialReader) -> Iterator[Record]:
        """Return the records; `reader` reads them if the source cannot be read from the middle."""
        if self.source.seekable:
            return islice(self.source.records(self.first, self.seek), self.items)
        return reader.records(self.source, self.first, self.items)


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """The result of reading a source once.

    Attributes:
        cuts: its records, shard by shard.
        bytes: number of its bytes, decompressed.
        sha256: digest of these bytes, in hex.
        fault: why it was not read to its end; empty if it was.
    """

    cuts: tuple[Cut, ...]
    bytes: int
    sha256: str
    fault: str = ""

    @property
    def count(self) -> int:
        """Number of records."""
        return sum(cut.items for cut in self.cuts)


class CorpusSource(Protocol):
    """A file of records, or a folder of texts. Blank lines are no records, though they are counted in the numbers.

    Attributes:
        name: its name in messages, and in ids of records that have none.
        seekable: whether reading from the middle costs nothing.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def seekable(self) -> bool: ...  # noqa: D102

    def survey(self, items: int, size: int) -> Survey:
        """Read the source once and cut it after every `items` records or `size` bytes.

        Raises:
            DataError: it does not exist, or the disk fails.
        """

    def records(self, first: int, seek: int) -> Iterator[Record]:
        """Yield its records from number `first` on, which is at byte `seek` if the source is `seekable`."""

    def place(self, number: int) -> str:
        """Return where record `number` stands, for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonLines:
    """A file with one JSON object per line, in UTF-8; the suffixes .gz and .zst say that it is compressed."""

    path: Path
    name: str
    max_bytes: int

    @property
    def seekable(self) -> bool:  # noqa: D102
        return self.path.suffix not in COMPRESSED

    def place(self, number: int) -> str:  # noqa: D102
        return f"{self.name}, line {number + 1}"

    def survey(self, items: int, size: int) -> Survey:  # noqa: D102
        cutter = Cutter(self, items, size)
        digest = hashlib.sha256()
        fault = ""
        with readable(self.path):
            try:
                for line, length, count in _lines(_hashed(self._blocks(0), digest), self.max_bytes):
                    if line == b"":
                        cutter.skip(count, length)
                    else:
                        cutter.add(length)
            except Damage as damage:
                fault = f"{self.name} is damaged after line {cutter.lines} ({reason_of(damage)})"
        return Survey(cuts=cutter.cuts(), bytes=cutter.bytes, sha256=digest.hexdigest(), fault=fault)

    def records(self, first: int, seek: int) -> Iterator[Record]:  # noqa: D102
        number = first if self.seekable else 0
        # The survey has reported damage. Damage that came later ends the records early, which `render_shard` notices.
        with readable(self.path), suppress(Damage):
            for line, length, count in _lines(self._blocks(seek if self.seekable else 0), self.max_bytes):
                if line != b"" and number >= first:
                    too_much = too_long(length, self.max_bytes)
                    yield _object(number, line) if line is not None else Record(number, fault=too_much)
                number += count

    def _blocks(self, seek: int) -> Iterator[bytes]:
        if not self.seekable:
            yield from decompressed(self.path)
            return
        with open_regular(self.path) as file:
            file.seek(seek)
            yield from blocks_of(file)


class Cutter:
    """Decides where a source is cut, from the sizes of its records."""

    def __init__(self, source: CorpusSource, items: int, size: float) -> None:
        self._source, self._items, self._size = source, items, size
        self._ends: list[tuple[int, int, int]] = [(0, 0, 0)]  # line, byte and record at which a shard begins
        self.lines = 0
        self._bytes = 0.0
        self._records = 0

    @property
    def bytes(self) -> int:
        """Bytes of all records and blank lines."""
        return round(self._bytes)

    def add(self, size: float) -> None:
        """Count one more record. A record that is longer than a shard becomes a shard of its own."""
        _, begin, first = self._ends[-1]
        if self._records > first and (self._records - first >= self._items or self._bytes - begin + size > self._size):
            self._ends.append((self.lines, self.bytes, self._records))
        self.lines += 1
        self._records += 1
        self._bytes += size

    def skip(self, lines: int, size: int) -> None:
        """Count blank lines, of `size` bytes together. They go into the shard of the records before them."""
        self.lines += lines
        self._bytes += size

    def cuts(self) -> tuple[Cut, ...]:
        """Return a cut for each shard; none if there is no record."""
        ends = [*self._ends, (self.lines, self.bytes, self._records)]
        return tuple(
            Cut(source=self._source, first=first, count=end - first, items=records - before, seek=seek)
            for (first, seek, before), (end, _, records) in zip(ends, ends[1:], strict=False)
            if records > before
        )


class SequentialReader:
    """A reader of sources that cannot be read from the middle, such as .gz files; a context manager.

    The reader stays at the place where it stopped, and goes on from there if the next cut is further on in the same
    source. A process takes shards in order, so a process with one reader reads each such source once, not once a shard.
    """

    def __init__(self) -> None:
        self._source: CorpusSource | None = None
        self._records: Iterator[Record] = iter(())
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the source that is open, if there is one."""
        if isinstance(self._records, Generator):
            self._records.close()
        self._source, self._records = None, iter(())

    def records(self, source: CorpusSource, first: int, items: int) -> Iterator[Record]:
        """Yield `items` records of `source` from number `first` on; fewer if the source ends before."""
        if self._source != source or self._next > first:
            self.close()
            self._source, self._records, self._next = source, source.records(first, 0), first
        while items > 0 and (record := next(self._records, None)) is not None:
            self._next = record.number + 1
            if record.number >= first:
                items -= 1
                yield record


def _object(number: int, line: bytes) -> Record:
    """Return a line as a record."""
    try:
        text = line.decode("utf-8-sig" if number == 0 else "utf-8")
        if not text or text.isspace():
            return Record(number)
        values = json.loads(text)
    except UnicodeDecodeError as error:
        return Record(number, fault=f"not UTF-8 (byte 0x{line[error.start]:02x} at {error.start} of the line)")
    except (ValueError, RecursionError) as error:
        return Record(number, fault=f"not JSON ({reason_of(error)})")
    if not isinstance(values, dict):
        return Record(number, fault=f"JSON, but a {type(values).__name__} and not an object")
    return Record(number, values)


def blocks_of(file: Any) -> Iterator[bytes]:
    """Yield the bytes of an open file, up to the size that it has now: a file that grows for ever has an end."""
    left = os.fstat(file.fileno()).st_size - file.tell()
    while left > 0 and (block := file.read(min(BLOCK, left))):
        left -= len(block)
        yield block


def _hashed(blocks: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block


def _lines(blocks: Iterable[bytes], limit: int) -> Iterator[tuple[bytes | None, int, int]]:
    """Yield each line without its end, its length including the end, and 1. Blank lines are b"", many at a time.

    A line of more than `limit` bytes is not kept: None is yielded in its place.
    """
    parts: list[bytes] = []  # parts of a line that continues in the next block
    length = 0
    for block in blocks:
        start = 0
        while start < len(block):
            if not length and (blank := _BLANK.match(block, start)):
                yield b"", blank.end() - start, block.count(b"\n", start, blank.end())
                start = blank.end()
                continue
            end = block.find(b"\n", start) + 1
            if not end:
                break
            length += end - start
            yield _line(parts, block[start : end - 1], length, limit), length, 1
            parts, length, start = [], 0, end
        length += len(block) - start
        parts = [*parts, block[start:]] if length <= limit else []
    if length:
        yield _line(parts, b"", length, limit), length, 1


def _line(parts: list[bytes], last: bytes, length: int, limit: int) -> bytes | None:
    if length > limit:
        return None
    line = b"".join((*parts, last))
    return b"" if line.isspace() else line


def too_long(length: int, limit: int) -> str:
    """Return the fault of a record of `length` bytes."""
    return f"{length:,} bytes, more than max_bytes={limit}"

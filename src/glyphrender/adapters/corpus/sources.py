"""Files of records: the protocol of a source, JSONL, and folders whose files each hold one text (for parquet see
`rows`).

A source is surveyed once, to find where it may be cut. After that, it can be read from any cut on. Broken parts become
records with a fault, never exceptions. Memory is one block of 1 MB and one record. This module knows nothing of the
meaning of a record.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self

from glyphrender.errors import DataError, DependencyError
from glyphrender.text.source import decode_blocks

BLOCK = 1 << 20
# Errors that the readers raise for damaged files; an OSError with a number comes from the system instead.
DAMAGE = (EOFError, zlib.error, ValueError, NotImplementedError, OSError)


@dataclass(frozen=True, slots=True)
class Record:
    """One line, row or file.

    Attributes:
        number: its number within its source, from 0.
        values: its fields; None if it could not be read, or if a line is blank.
        fault: why it could not be read.
    """

    number: int
    values: dict[str, Any] | None = None
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Records of one source that go into one shard: `count` records from number `first` on, which is at byte `seek`."""

    source: Source
    first: int
    count: int
    seek: int = 0

    def records(self, reader: SequentialReader) -> Iterator[Record]:
        """Return the records; `reader` reads them if the source cannot be read from the middle."""
        if self.source.seekable:
            return islice(self.source.records(self.first, self.seek), self.count)
        return reader.records(self.source, self.first, self.count)


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
        """Number of records, blank lines included."""
        return sum(cut.count for cut in self.cuts)


class Source(Protocol):
    """A file of records, or a folder of texts.

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
        return self.path.suffix not in (".gz", ".zst")

    def place(self, number: int) -> str:  # noqa: D102
        return f"{self.name}, line {number + 1}"

    def survey(self, items: int, size: int) -> Survey:  # noqa: D102
        cutter = Cutter(self, items, size)
        digest = hashlib.sha256()
        fault = ""
        with readable(self.path), self._opened() as file:
            lines = _lines(_hashed(_blocks(file), digest), self.max_bytes)
            try:
                for _, length in lines:
                    cutter.add(length)
            except DAMAGE as error:
                if isinstance(error, OSError) and error.errno:
                    raise
                fault = f"{self.name} is damaged after line {cutter.count} ({reason_of(error)})"
        return Survey(cuts=cutter.cuts(), bytes=cutter.bytes, sha256=digest.hexdigest(), fault=fault)

    def records(self, first: int, seek: int) -> Iterator[Record]:  # noqa: D102
        with readable(self.path), self._opened() as file:
            if self.seekable:
                file.seek(seek)
                number = first
            else:
                number = 0
            for line, length in _lines(_blocks(file), self.max_bytes):
                if number >= first:
                    too_long = _too_long(length, self.max_bytes)
                    yield _object(number, line) if line is not None else Record(number, fault=too_long)
                number += 1

    def _opened(self) -> AbstractContextManager[Any]:
        if self.path.suffix == ".gz":
            from isal import igzip

            return igzip.open(self.path, "rb")  # type: ignore[no-untyped-call,no-any-return]
        if self.path.suffix == ".zst":
            arrow = pyarrow()
            stream: AbstractContextManager[Any] = arrow.CompressedInputStream(arrow.OSFile(str(self.path)), "zstd")
            return stream
        return self.path.open("rb")


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFiles:
    """Files that each hold one text: UTF-8, or the encoding of their byte order mark.

    `fields` are the names under which a record has the id (if there is one), and the text.
    """

    name: str
    names: tuple[str, ...]
    paths: tuple[Path, ...] = field(repr=False)
    fields: tuple[tuple[str, ...], tuple[str, ...]]
    max_bytes: int
    first: int = 0

    @property
    def seekable(self) -> bool:  # noqa: D102
        return True

    def place(self, number: int) -> str:  # noqa: D102
        return self.names[number - self.first]

    def survey(self, items: int, size: int) -> Survey:  # noqa: D102
        cutter = Cutter(self, items, size)
        digest = hashlib.sha256()
        for name, path in zip(self.names, self.paths, strict=True):
            before = digest.copy()
            try:
                _refuse_special(path)
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").hexdigest()
                    cutter.add(file.tell())
            except OSError:  # it may be readable later, and then the corpus is another one
                digest, content = before, "unreadable"
                cutter.add(0)
            digest.update(f"{name}\0{content}\0".encode("utf-8", "surrogateescape"))
        cuts = tuple(
            Cut(source=self._part(cut.first, cut.count), first=cut.first, count=cut.count) for cut in cutter.cuts()
        )
        return Survey(cuts=cuts, bytes=cutter.bytes, sha256=digest.hexdigest())

    def records(self, first: int, seek: int) -> Iterator[Record]:  # noqa: D102
        for number in range(first, self.first + len(self.paths)):
            name, path = self.names[number - self.first], self.paths[number - self.first]
            try:
                _refuse_special(path)
                if path.stat().st_size > self.max_bytes:
                    yield Record(number, fault=_too_long(path.stat().st_size, self.max_bytes))
                    continue
                with path.open("rb") as file:
                    text = "".join(decode_blocks(_blocks(file), name=name))
            except (DataError, OSError) as error:
                yield Record(number, fault=reason_of(error))
            else:
                ids, texts = self.fields
                yield Record(number, dict.fromkeys(ids, name) | dict.fromkeys(texts, text))

    def _part(self, first: int, count: int) -> TextFiles:
        """Return a source of only these files, so that a shard that is sent to another machine names no other files."""
        part = slice(first, first + count)
        return replace(self, names=self.names[part], paths=self.paths[part], first=first)


class Cutter:
    """Decides where a source is cut, from the sizes of its records."""

    def __init__(self, source: Source, items: int, size: float) -> None:
        self._source, self._items, self._size = source, items, size
        self._ends: list[tuple[int, int]] = [(0, 0)]  # record and byte at which a shard begins
        self.count = 0
        self._bytes = 0.0

    @property
    def bytes(self) -> int:
        """Bytes of all records."""
        return round(self._bytes)

    def add(self, size: float) -> None:
        """Count one more record. A record that is longer than a shard becomes a shard of its own."""
        first, begin = self._ends[-1]
        if self.count > first and (self.count - first >= self._items or self._bytes - begin + size > self._size):
            self._ends.append((self.count, self.bytes))
        self.count += 1
        self._bytes += size

    def cuts(self) -> tuple[Cut, ...]:
        """Return a cut for each shard."""
        ends = [*self._ends, (self.count, self.bytes)]
        return tuple(
            Cut(source=self._source, first=first, count=end - first, seek=seek)
            for (first, seek), (end, _) in zip(ends, ends[1:], strict=False)
            if end > first
        )


class SequentialReader:
    """A reader of sources that cannot be read from the middle, such as .gz files; a context manager.

    The reader stays at the place where it stopped, and goes on from there if the next cut is further on in the same
    source. A process takes shards in order, so a process with one reader reads each such source once, not once a shard.
    """

    def __init__(self) -> None:
        self._source: Source | None = None
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

    def records(self, source: Source, first: int, count: int) -> Iterator[Record]:
        """Yield `count` records of `source` from number `first` on; fewer if the source ends before."""
        if self._source != source or self._next > first:
            self.close()
            self._source, self._records, self._next = source, source.records(first, 0), first
        while self._next < first + count:
            record = next(self._records, None)
            if record is None:
                return
            self._next = record.number + 1
            if record.number >= first:
                yield record


def pyarrow() -> Any:
    """Return the library of that name.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError as error:
        raise DependencyError(
            "parquet and .zst files need pyarrow. Install it with: pip install 'glyphrender[corpus]'", extra="corpus"
        ) from error
    return arrow


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


def _refuse_special(path: Path) -> None:
    """Refuse anything but a regular file: reading a pipe in a folder would wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path.name} is no regular file")


def _blocks(file: Any) -> Iterator[bytes]:
    return iter(lambda: file.read(BLOCK), b"")


def _hashed(blocks: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block


def _lines(blocks: Iterable[bytes], limit: int) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line without its end, and its length including the end.

    A line of more than `limit` bytes is not kept: None is yielded in its place.
    """
    parts: list[bytes] = []  # parts of a line that continues in the next block
    length = 0
    for block in blocks:
        start = 0
        while (end := block.find(b"\n", start) + 1) > 0:
            length += end - start
            yield (b"".join((*parts, block[start : end - 1])) if length <= limit else None), length
            parts, length, start = [], 0, end
        length += len(block) - start
        parts = [*parts, block[start:]] if length <= limit else []
    if length:
        yield (b"".join(parts) if length <= limit else None), length


def _too_long(length: int, limit: int) -> str:
    return f"{length:,} bytes, more than max_bytes={limit}"


def reason_of(error: BaseException) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into a one-line `DataError`; errors from a damaged file pass through."""
    try:
        yield
    except OSError as error:
        if not error.errno:
            raise
        raise DataError(
            f"{path} cannot be read ({error.strerror}). Check the path and its rights.", path=path
        ) from error

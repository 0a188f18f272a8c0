"""Parquet: a source whose records are the rows of a file. Memory is a batch of rows, or one text of a large page.

pyarrow decodes rows in batches. The larger the largest page of a row group, the smaller its batches. Columns of texts
with pages beyond 32 MB are decoded one text at a time instead (`parquet_pages`), and texts beyond `max_bytes` are not
kept. Nothing is decoded before the sizes in its page headers are known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from glyphrender._system.regular_file import open_regular
from glyphrender.adapters.corpus.compressed import BLOCK
from glyphrender.adapters.corpus.faults import Damage, decoding, pyarrow, readable, reason_of
from glyphrender.adapters.corpus.parquet_pages import MOST_VALUES, WIDE, PageHeader, TooLong, pages_of, texts_of
from glyphrender.adapters.corpus.sources import Cutter, Record, Survey, blocks_of, too_long

# Number of rows that are decoded at a time.
_ROWS = 64
# A file with more rows for each of its bytes than this holds nothing but repetitions of one value.
_ROWS_A_BYTE = 64
# Bytes that the lists of a page may have once decoded, if each of their values is the longest of the dictionary.
_LISTS = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Parquet:
    """A parquet file in which each row is a record. Only the columns of `fields` are read.

    The columns of `plain_fields`, the id and the text, are not read if they hold lists or structs.
    """

    path: Path
    name: str
    fields: tuple[str, ...]
    text_fields: tuple[str, ...]
    plain_fields: tuple[str, ...]
    max_bytes: int

    @property
    def seekable(self) -> bool:
        """Return False, because the rows of a group can be decoded only from the beginning of the group."""
        return False

    def place(self, number: int) -> str:  # noqa: D102
        return f"{self.name}, row {number + 1}"

    def survey(self, items: int, size: int) -> Survey:  # noqa: D102
        digest = hashlib.sha256()
        with readable(self.path), open_regular(self.path) as file:
            for block in blocks_of(file):
                digest.update(block)
            length = file.tell()
        cutter = Cutter(self, items, size)
        fault = ""
        try:
            with readable(self.path), self._opened() as (rows, _), decoding():
                fault = self._unfit(rows, length)
                for group in range(0 if fault else rows.num_row_groups):
                    metadata = rows.metadata.row_group(group)
                    columns = map(metadata.column, range(metadata.num_columns))
                    read = [column for column in columns if column.path_in_schema.split(".")[0] in self.fields]
                    mean = sum(column.total_uncompressed_size for column in read) / max(1, metadata.num_rows)
                    for _ in range(metadata.num_rows):
                        cutter.add(max(0.0, mean))
        except Damage as damage:
            fault = f"{self.name} cannot be read as parquet ({reason_of(damage)})"
        return Survey(cuts=cutter.cuts(), bytes=length, sha256=digest.hexdigest(), fault=fault)

    def _unfit(self, rows: Any, length: int) -> str:
        columns = rows.schema_arrow.names
        if not set(self.text_fields) & set(columns):
            wanted, there = " or ".join(map(repr, self.text_fields)), ", ".join(map(repr, columns[:10]))
            return f"{self.name} has no column {wanted}; it has {there}"
        if rows.metadata.num_rows > _ROWS_A_BYTE * length:
            return f"{self.name} says that it has {rows.metadata.num_rows:,} rows in {length:,} bytes, which cannot be"
        return ""

    def records(self, first: int, seek: int) -> Iterator[Record]:  # noqa: D102
        end = 0
        with readable(self.path), self._opened() as (rows, file):
            for group in range(rows.num_row_groups):
                number, end = end, end + rows.metadata.row_group(group).num_rows
                if end <= first:
                    continue
                try:
                    for values, fault in _Group(self, rows, file, group).rows(max(0, first - number)):
                        if number >= first:
                            yield Record(number, values, fault)
                        number += 1
                    if number < end:
                        raise Damage("its row group has fewer rows than it says")
                except Damage as damage:
                    for lost in range(max(number, first), end):
                        yield Record(lost, fault=f"not readable ({reason_of(damage)})")

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, BinaryIO]]:
        """Open the file twice: for pyarrow, and for the parts that are read without pyarrow."""
        pyarrow()
        from pyarrow import parquet

        with open_regular(self.path) as one, open_regular(self.path) as other:
            # Without these arguments, a whole row group is read before its first row.
            with decoding():
                rows = parquet.ParquetFile(one, pre_buffer=False, buffer_size=BLOCK)
            yield rows, other


class _Group:
    """A row group of a file."""

    def __init__(self, source: Parquet, rows: Any, file: BinaryIO, group: int) -> None:
        self._source, self._rows, self._file, self._group = source, rows, file, group
        self._metadata = rows.metadata.row_group(group)

    def rows(self, skipped: int) -> Iterator[tuple[dict[str, Any] | None, str]]:
        """Yield (values, "") of each row, or (None, reason). The first `skipped` rows are (None, "").

        Raises:
            Damage: the rows from there on cannot be decoded.
        """
        with decoding():
            whole, nested, texts, at_once = self._planned()
        batches = self._batches(whole, at_once)
        number = 0
        for batch, count in batches:
            for row in range(count):
                with decoding():
                    more = {name: next(column, None) for name, column in texts.items()}
                number += 1
                yield (None, "") if number <= skipped else _row(batch, row, nested | more, self._source.max_bytes)

    def _batches(self, columns: list[str], at_once: int) -> Iterator[tuple[Any, int]]:
        if not columns:  # pyarrow would give no rows
            yield None, self._metadata.num_rows
            return
        with decoding():
            batches = self._rows.iter_batches(at_once, row_groups=[self._group], columns=columns)
        while True:
            with decoding():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch, len(batch)

    def _planned(self) -> tuple[list[str], dict[str, Any], dict[str, Iterator[Any]], int]:
        """Return how each column is read.

        Returns:
            the columns that pyarrow decodes; the columns that are not read, each with an empty value of its kind; the
            columns that are read text by text; and the number of rows that pyarrow may decode at a time.
        """
        whole: list[str] = []
        nested: dict[str, Any] = {}
        texts: dict[str, Iterator[Any]] = {}
        largest = 1
        for field in self._rows.schema_arrow:
            if field.name not in self._source.fields:
                continue
            if field.name in self._source.plain_fields and field.type.num_fields:
                nested[field.name] = {} if str(field.type).startswith(("struct", "map")) else []
                continue
            chunks = [
                (self._metadata.column(index), self._rows.schema.column(index))
                for index in range(self._metadata.num_columns)
                if self._metadata.column(index).path_in_schema.split(".")[0] == field.name
            ]
            size = 1
            for chunk, schema in chunks:
                pages = pages_of(self._file, chunk)
                _check(field.name, pages, lists=schema.max_repetition_level > 0)
                size = max([size, *(page.size for page in pages)])
            if size <= WIDE:
                whole.append(field.name)
                largest = max(largest, size)
                continue
            (chunk, schema), *others = chunks
            if others or schema.physical_type != "BYTE_ARRAY" or schema.max_repetition_level > 0:
                raise Damage(f"its column {field.name!r} has a page of {size:,} bytes, and is no column of texts")
            optional = schema.max_definition_level > 0
            found = texts_of(self._file, pages, chunk.compression, self._source.max_bytes, optional=optional)
            texts[field.name] = map(_decoded if "string" in str(field.type) else _same, found)
        return whole, nested, texts, max(1, min(_ROWS, WIDE // largest))


def _check(name: str, pages: list[PageHeader], *, lists: bool) -> None:
    """Refuse pages that would become far more values or bytes than they have."""
    values = max((page.values for page in pages), default=0)
    if values > MOST_VALUES:
        raise Damage(f"its column {name!r} has a page of {values:,} values, more than {MOST_VALUES:,}")
    longest = max((page.size for page in pages if page.kind == 2), default=0)
    if lists and longest * values > _LISTS:
        raise Damage(f"its column {name!r} has lists of {values:,} values of up to {longest:,} bytes")


def _same(value: Any) -> Any:
    return value


def _decoded(text: bytes | TooLong | None) -> str | TooLong | UnicodeDecodeError | None:
    if not isinstance(text, bytes):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        return error


def _row(batch: Any, row: int, more: dict[str, Any], longest: int) -> tuple[dict[str, Any] | None, str]:
    """Return (values of a row of a batch and of `more`, ""), or (None, reason)."""
    for value in more.values():
        if isinstance(value, TooLong):
            return None, too_long(value.bytes, longest)
        if isinstance(value, UnicodeDecodeError):
            return None, f"not readable ({reason_of(value)})"
    if batch is None:
        return more, ""
    try:
        with decoding():
            return batch.slice(row, 1).to_pylist()[0] | more, ""
    except Damage as damage:  # its text is not UTF-8
        return None, f"not readable ({reason_of(damage)})"

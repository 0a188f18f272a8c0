"""Parquet: a source whose records are the rows of a file; memory is a batch of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glyphrender._system.regular_file import open_regular
from glyphrender.adapters.corpus.compressed import BLOCK
from glyphrender.adapters.corpus.faults import Damage, decoding, pyarrow, readable, reason_of
from glyphrender.adapters.corpus.sources import Cutter, Record, Survey, blocks_of

# Number of rows that are decoded at a time.
_ROWS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Parquet:
    """A parquet file with a row a record; only the columns of `fields` are read."""

    path: Path
    name: str
    fields: tuple[str, ...]
    text_fields: tuple[str, ...]

    @property
    def seekable(self) -> bool:
        """False: rows of a group can only be decoded from its beginning on."""
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
            with readable(self.path), self._opened() as rows, decoding():
                fault = self._unfit(rows.schema_arrow.names)
                for group in range(0 if fault else rows.num_row_groups):
                    metadata = rows.metadata.row_group(group)
                    columns = map(metadata.column, range(metadata.num_columns))
                    read = [column for column in columns if column.path_in_schema.split(".")[0] in self.fields]
                    mean = sum(column.total_uncompressed_size for column in read) / max(1, metadata.num_rows)
                    for _ in range(metadata.num_rows):
                        cutter.add(mean)
        except Damage as damage:
            fault = f"{self.name} cannot be read as parquet ({reason_of(damage)})"
        return Survey(cuts=cutter.cuts(), bytes=length, sha256=digest.hexdigest(), fault=fault)

    def _unfit(self, columns: list[str]) -> str:
        if set(self.text_fields) & set(columns):
            return ""
        wanted, there = " or ".join(map(repr, self.text_fields)), ", ".join(map(repr, columns[:10]))
        return f"{self.name} has no column {wanted}; it has {there}"

    def records(self, first: int, seek: int) -> Iterator[Record]:  # noqa: D102
        end = 0
        with readable(self.path), self._opened() as rows:
            columns = [name for name in rows.schema_arrow.names if name in self.fields]
            for group in range(rows.num_row_groups):
                number, end = end, end + rows.metadata.row_group(group).num_rows
                if end <= first:
                    continue
                try:
                    with decoding():
                        batches = rows.iter_batches(_ROWS, row_groups=[group], columns=columns)
                    while (batch := _next(batches)) is not None:
                        skipped = min(max(0, first - number), len(batch))
                        number += skipped
                        for row in range(skipped, len(batch)):
                            yield Record(number, *_row(batch.slice(row, 1)))
                            number += 1
                except Damage as damage:
                    for lost in range(max(number, first), end):
                        yield Record(lost, fault=f"not readable ({reason_of(damage)})")

    def _opened(self) -> Any:
        pyarrow()
        from pyarrow import parquet

        # Without these, a whole row group is read before its first row.
        with decoding():
            return parquet.ParquetFile(self.path, pre_buffer=False, buffer_size=BLOCK)


def _next(batches: Iterator[Any]) -> Any:
    with decoding():
        return next(batches, None)


def _row(row: Any) -> tuple[dict[str, Any] | None, str]:
    """Return the values of a batch of one row, or the reason why it has none."""
    try:
        with decoding():
            return row.to_pylist()[0], ""
    except Damage as damage:  # its text is not UTF-8
        return None, f"not readable ({reason_of(damage)})"

"""Rows of data files (JSON lines, JSON, parquet) and of the hub, each with its place, and the revision of the data.

A row keeps the place where it stands, so that an error about a malformed row can name file and line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

from glyphrender._system.paths import path_of
from glyphrender._system.regular_file import open_regular
from glyphrender.errors import DataError, DependencyError, shown

__all__ = ["Row", "hub_rows", "read_rows", "revision_of"]

_SUFFIXES: Final = (".jsonl", ".ndjson", ".json", ".parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of data.

    Attributes:
        place: where it stands, such as "hotpotqa.jsonl:12", for messages.
        values: its fields.
    """

    place: str
    values: dict[str, Any]

    def text(self, name: str) -> str:
        """Return a field that must be a text.

        Raises:
            DataError: the field is missing or no text.
        """
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "not a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field that must be a list of texts.

        Raises:
            DataError: the field is missing or no list of texts.
        """
        value = self.values.get(name)
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise self._wrong(name, "not a list of texts")
        return tuple(value)

    def integer(self, name: str) -> int:
        """Return a field that must be an integer. A float without a fraction counts as one.

        Raises:
            DataError: the field is missing or no integer.
        """
        value = self.values.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise self._wrong(name, "no integer")
        return value

    def fault(self, reason: str) -> DataError:
        """Return the error for a malformed row: its place, `reason`, and the way out."""
        return DataError(f"{self.place}: {reason}. Correct the row or take the official file.", path=self.place)

    def _wrong(self, name: str, kind: str) -> DataError:
        if name not in self.values:
            return self.fault(f"{name} is missing")
        return self.fault(f"{name} is {shown(self.values[name])} and {kind}")


def read_rows(path: str | PathLike[str]) -> Iterator[Row]:
    """Yield the rows of a file. A blank line is no row.

    `.jsonl` and `.ndjson` have one object a line. `.json` is one list of objects, or lines of objects, as the official
    files of several benchmarks are. `.parquet` needs the package pyarrow.

    Raises:
        DataError: the file cannot be read, has another suffix, or a row is no object. The message names the line.
        DependencyError: pyarrow is not installed.
    """
    path = path_of(path, "Name a file of rows.")
    if path.suffix not in _SUFFIXES:
        raise DataError(f"{path} is no file of rows. Use a file whose name ends in {', '.join(_SUFFIXES)}.", path=path)
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    try:
        with open_regular(path, pipes=True) as file:
            if path.suffix == ".json":
                yield from _json(path, file.read())
            else:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield Row(f"{path.name}:{number}", _object(path, number, line))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a file of rows.", path=path) from error


def revision_of(paths: Iterable[str | PathLike[str]]) -> str:
    """Return "sha256:" and the first 16 hex digits of a digest of the files' bytes. Names and order do not matter.

    Raises:
        DataError: a file cannot be read.
    """
    digests = []
    for given in paths:
        path = path_of(given, "Name a file of rows.")
        try:
            with open_regular(path) as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}). Name a file of rows.", path=path) from error
    whole = digests[0] if len(digests) == 1 else hashlib.sha256("".join(sorted(digests)).encode("ascii")).hexdigest()
    return f"sha256:{whole[:16]}"


def hub_rows(name: str, *, config: str | None = None, split: str, revision: str | None = None) -> tuple[Any, str]:
    """Load one split of a data set of the hub through `datasets`, and return it with "hub:name@commit".

    The data set is a sequence of rows that are read when they are asked for. The commit is that of the files that were
    loaded, from the cache or the network; it is the `revision` that was asked for if the library does not tell.

    Raises:
        DataError: the data set cannot be loaded.
        DependencyError: the package datasets is not installed.
    """
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise DependencyError.of(error, "a data set of the hub needs the package datasets", extra="evals") from error
    try:
        loaded = load_dataset(name, config, split=split, revision=revision)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(
            f"{name} cannot be loaded from the hub ({reason}). Name a local file, or check the id."
        ) from error
    urls = " ".join(loaded.info.download_checksums or ())
    commits = set(re.findall(re.escape(name) + r"@([0-9a-f]{7,40})", urls))
    commit = commits.pop() if len(commits) == 1 else revision or "unknown"
    return loaded, f"hub:{name}@{commit}"


def _json(path: Path, data: bytes) -> Iterator[Row]:
    if data.lstrip()[:1] == b"[":
        listed = _parsed(path, 1, data)
        for number, value in enumerate(listed, 1):
            if not isinstance(value, dict):
                raise DataError(f"{path.name}, row {number}, is no object. Give it rows that are objects.", path=path)
            yield Row(f"{path.name}, row {number}", value)
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield Row(f"{path.name}:{number}", _object(path, number, line))


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    value = _parsed(path, number, line)
    if not isinstance(value, dict):
        raise DataError(f"{path.name}:{number} is no object. Give it one object a line.", path=path)
    return value


def _parsed(path: Path, number: int, data: bytes) -> Any:
    try:
        return json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path.name}:{number} is not JSON ({error}). Correct or remove the line.", path=path
        ) from error


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise DependencyError.of(error, f"{path} needs the package pyarrow", extra="evals") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=8):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(f"{path.name}, row {number}", values)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise DataError(f"{path} cannot be read as parquet ({error}). Name a file of rows.", path=path) from error

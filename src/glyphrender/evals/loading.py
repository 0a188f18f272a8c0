"""Steps that the loaders of benchmarks share: known names, and rows of files or of the hub."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias

from glyphrender.errors import DataError, shown
from glyphrender.evals.item import EvalProtocol, ScoredReply
from glyphrender.evals.rows import Row, hub_rows, read_rows, revision_of

__all__ = [
    "DataSource",
    "RowKeys",
    "check_paths",
    "checked_arguments",
    "files_of",
    "known_protocol",
    "mean_of_items",
    "refuse_unknown",
    "rows_of",
    "with_variants",
]

#: Files of rows, or one name of a data set on the hub, such as "openai/mrcr".
DataSource: TypeAlias = str | PathLike[str] | Sequence[str | PathLike[str]]

_HUB_NAME: Final = re.compile(r"[\w.-]+/[\w.-]+")
_SUFFIXES: Final = (".parquet", ".jsonl", ".ndjson", ".json")


class RowKeys:
    """Keys of items that depend on the row alone, so that a row has the same key in every choice of files.

    >>> keys = RowKeys()
    >>> keys.key("Memory", "Who?"), keys.key("Memory", "Who?")
    ('Memory-75d13969311d', 'Memory-75d13969311d-2')
    """

    def __init__(self) -> None:
        self._copies: dict[str, int] = {}

    def key(self, task: str, *texts: str | bytes) -> str:
        """Return `task` and a digest of the texts; for a row that was there before, also its number."""
        digest = hashlib.sha256()
        for text in texts:
            data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
            digest.update(b"%d:" % len(data) + data)
        key = f"{task}-{digest.hexdigest()[:12]}"
        copies = self._copies[key] = self._copies.get(key, 0) + 1
        return key if copies == 1 else f"{key}-{copies}"


def known_protocol(name: str, known: Mapping[str, EvalProtocol]) -> EvalProtocol:
    """Return the protocol of this name.

    Raises:
        DataError: the name is not known. The message lists the names.
    """
    refuse_unknown("protocol", [name], list(known))
    return known[name]


def with_variants(protocols: Sequence[EvalProtocol], suffix: str, note: str) -> dict[str, EvalProtocol]:
    """Return protocols by name: as they are, and each again as "name-suffix" with `note` before its own note."""
    variants = [replace(each, name=f"{each.name}-{suffix}", note=f"{note} {each.note}") for each in protocols]
    return {each.name: each for each in (*protocols, *variants)}


def refuse_unknown(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Check names of tasks, bins or protocols.

    Raises:
        DataError: `names` is one text, or a name is not in `known`. The message lists the known names.
    """
    if isinstance(names, str):
        raise DataError(f"{kind}s={shown(names)} is one text. Give a list of names.")
    for name in names:
        if name not in known:
            raise DataError(f"{kind}={shown(name)} is not known. Use one of: {', '.join(known)}.")


def checked_arguments(data: object, tasks: object, **texts: object) -> tuple[list[str], tuple[str, ...]]:
    """Return the data and the tasks of a loader as lists of texts.

    Args:
        data: a text or path, or a list of them.
        tasks: a list of texts.
        texts: other arguments, by name, which must be texts.

    Raises:
        DataError: an argument has another type, or a path cannot be one.

    >>> checked_arguments("rows.jsonl", ["hotpotqa"], protocol="official")
    (['rows.jsonl'], ('hotpotqa',))
    """
    paths = [data] if isinstance(data, str | PathLike) else data
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str | PathLike) for path in paths):
        raise DataError(f"data={shown(data)} is no list of files. Give paths, or names of data sets.")
    if not isinstance(tasks, list | tuple) or not all(isinstance(task, str) for task in tasks):
        raise DataError(f"tasks={shown(tasks)} is no list of texts. Give names of tasks.")
    for name, value in texts.items():
        if not isinstance(value, str):
            raise DataError(f"{name}={shown(value)} is no text. Give a text.")
    check_paths(paths)
    return [str(path) for path in paths], tuple(tasks)


def check_paths(paths: Iterable[str | PathLike[str]]) -> None:
    """Refuse names that no file can have. A path that does not exist may be a name on the hub, and is not refused.

    Raises:
        DataError: a name is too long, has a NUL, or stands in a folder that may not be read.
    """
    for path in paths:
        try:
            os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", error)
            raise DataError(f"data={shown(path)} is no path ({reason}). Name a file, or an id of the hub.") from error


def mean_of_items(scored: Sequence[ScoredReply], /) -> dict[str, float]:
    """Return {"average": the mean of the values of all items}; {} if there are none."""
    return {"average": sum(each.score.value for each in scored) / len(scored)} if scored else {}


def files_of(source: DataSource) -> list[Path] | None:
    """Return the files of data that `source` names, or None for a name on the hub.

    A folder stands for all data files in it and below it, in order of their paths.

    Raises:
        DataError: `source` is empty, or a folder holds no data file.
    """
    paths = [source] if isinstance(source, str | PathLike) else list(source)
    if not paths:
        raise DataError("the data of a benchmark is an empty list. Name files, or a data set of the hub.")
    check_paths(paths)
    name = str(paths[0])
    if len(paths) == 1 and _HUB_NAME.fullmatch(name) and not name.endswith(_SUFFIXES) and not Path(name).is_dir():
        return None
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = sorted(each for each in path.rglob("*") if each.suffix in _SUFFIXES and each.is_file())
            if not found:
                raise DataError(f"{path} holds no data file. Its name must end in {', '.join(_SUFFIXES)}.", path=path)
            files.extend(found)
        else:
            files.append(path)
    return files


def rows_of(source: DataSource, *, split: str, revision: str | None = None) -> tuple[Iterable[Row], str]:
    """Return the rows of files, or of one split of a data set of the hub, and the revision of the data.

    A text of the form "owner/name" without the suffix of a data file is a name on the hub; see `files_of`.

    Raises:
        DataError: a file cannot be read, or the data set cannot be loaded; or `source` is empty.
        DependencyError: datasets is not installed.
    """
    files = files_of(source)
    if files is None:
        name = str(source if isinstance(source, str | PathLike) else source[0])
        loaded, version = hub_rows(name, split=split, revision=revision)
        return (Row(f"{name}, row {number}", values) for number, values in enumerate(loaded, 1)), version
    version = revision_of(files)
    return (row for path in files for row in read_rows(path)), version

"""Where a benchmark's data come from: files, folders with files, or a data set of the hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from glyphrender.errors import DataError, shown

__all__ = ["HubName", "data_files", "hub_name"]

_HUB: Final = re.compile(r"(?P<name>[\w-]+/[\w.-]+)(?:@(?P<revision>[\w.-]+))?")


class HubName(tuple[str, "str | None"]):
    """The name of a data set of the hub, and its revision or None."""

    __slots__ = ()


def hub_name(data: Sequence[str]) -> HubName | None:
    """Return the data set that `data` names as "owner/name" or "owner/name@revision", or None if it names files.

    A path that exists is a file or folder, whatever its form.

    >>> hub_name(["zai-org/LongBench-v2@2b48e49"])
    ('zai-org/LongBench-v2', '2b48e49')
    """
    if len(data) != 1 or Path(data[0]).exists():
        return None
    match = _HUB.fullmatch(data[0])
    if match is None or Path(data[0]).suffix in (".json", ".jsonl", ".ndjson", ".parquet"):
        return None
    return HubName((match["name"], match["revision"]))


def data_files(data: Iterable[str], *, suffixes: Sequence[str]) -> list[Path]:
    """Return the files that `data` names. A folder stands for its files with one of `suffixes`, in order of name.

    Raises:
        DataError: nothing is named, a path does not exist, or a folder has no such file.
    """
    found: list[Path] = []
    for each in data:
        path = Path(each)
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix in suffixes and file.is_file())
            if not inside:
                raise DataError(f"{path} has no file that ends in {', '.join(suffixes)}. Name the data.", path=path)
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise DataError(
                f"data {shown(each)} does not exist. Name files, a folder, or a data set of the hub as owner/name.",
                path=path,
            )
    if not found:
        raise DataError("no data are given. Name files, a folder, or a data set of the hub as owner/name.")
    return found

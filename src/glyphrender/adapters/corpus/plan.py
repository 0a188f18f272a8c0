"""Inputs → shards. The plan depends only on the inputs and the options.

It is the same on every machine and for every number of processes.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glyphrender._system.regular_file import kind_of
from glyphrender.adapters.corpus.compressed import COMPRESSED
from glyphrender.adapters.corpus.items import id_of
from glyphrender.adapters.corpus.options import Options
from glyphrender.adapters.corpus.rows import Parquet
from glyphrender.adapters.corpus.sources import CorpusSource, Cut, JsonLines, SequentialReader
from glyphrender.adapters.corpus.text_files import TextFile, TextFiles, unreadable
from glyphrender.errors import DataError

_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """The records of one file of a corpus; enough to read them on any machine that sees the inputs.

    Attributes:
        number: number of the shard, from 0.
        total: number of all shards.
        cut: its records.
        position: position of the first of them in the whole corpus, from 0; blank lines between records are counted.
        repeats: positions of records whose id an earlier record has. They are looked for only if ids name folders.
    """

    number: int
    total: int
    cut: Cut
    position: int
    repeats: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        """Return the name of the shard, as the hub names files of a split."""
        return f"train-{self.number:05d}-of-{self.total:05d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardPlan:
    """All shards, and a description of the inputs.

    Attributes:
        shards: shards in the order of the input.
        inputs: name, kind, records, bytes and SHA-256 of each input.
        faults: files, or ends of files, that cannot be read at all.
    """

    shards: tuple[Shard, ...]
    inputs: tuple[dict[str, Any], ...]
    faults: tuple[str, ...]


def plan(inputs: Sequence[str | os.PathLike[str]], options: Options, away: Path) -> ShardPlan:
    """Read every input once, and cut it into shards.

    Args:
        inputs: JSONL (`.jsonl`, `.ndjson`, also with `.gz` or `.zst`) and `.parquet` files, texts, and folders of
            these. A folder is walked in the order of its paths; hidden names are left out.
        options: the options, which say how large shards are.
        away: a folder that is not entered.

    Raises:
        DataError: an input does not exist or cannot be opened, or no input holds a record.
        DependencyError: reading an input needs pyarrow.
    """
    cuts: list[Cut] = []
    described = []
    faults = []
    for source in _sources(inputs, options, away.resolve()):
        if isinstance(source, str):
            faults.append(source)
            continue
        survey = source.survey(options.shard_items, options.shard_bytes)
        cuts += survey.cuts
        faults += [survey.fault] if survey.fault else []
        entry = {"input": source.name, "kind": type(source).__name__, "records": survey.count, "bytes": survey.bytes}
        described.append(entry | {"sha256": survey.sha256})
    if not cuts:
        raise DataError(faults[0] + "." if faults else f"{os.fspath(inputs[0])} holds no record. Name other inputs.")
    starts = np.cumsum([0, *(cut.count for cut in cuts)]).tolist()
    repeats = _repeats(cuts, starts, options) if options.format == "png" else [frozenset[int]()] * len(cuts)
    shards = tuple(
        Shard(number=number, total=len(cuts), cut=cut, position=starts[number], repeats=repeats[number])
        for number, cut in enumerate(cuts)
    )
    return ShardPlan(shards=shards, inputs=tuple(described), faults=tuple(faults))


def _sources(inputs: Sequence[str | os.PathLike[str]], options: Options, away: Path) -> Iterator[CorpusSource | str]:
    """Yield the sources of all inputs; for a file in a folder that cannot be read, yield the fault in words."""
    for given in map(Path, inputs):
        if not given.exists():
            raise DataError(f"{given} does not exist. Name a file of items, a text, or a folder.", path=given)
        if not given.is_file() and not given.is_dir():
            raise DataError(
                f"{given} is no regular file but {kind_of(given.stat().st_mode)}, and inputs are read more than once. "
                "Save it to a file first.",
                path=given,
            )
        texts: list[TextFile] = []
        for name, path in _files(given, away):
            source = _source(name, path, options)
            if source is None:
                texts.append(TextFile(name=name, path=path))
            elif given.is_dir() and (reason := unreadable(path)):
                yield f"{name} is left out: {reason}"
            else:
                yield source
        if texts:
            fields = (options.id_field[:1], options.text_field[:1])
            yield TextFiles(name=_name(given), files=tuple(texts), fields=fields, max_bytes=options.max_bytes)


def _source(name: str, path: Path, options: Options) -> CorpusSource | None:
    """Return the records in the file at `path`; None if it is a text."""
    if path.suffix == ".parquet":
        fields = (*options.id_field, *options.text_field, *options.theta_field)
        return Parquet(
            path=path,
            name=name,
            fields=fields,
            text_fields=options.text_field,
            plain_fields=(*options.id_field, *options.text_field),
            max_bytes=options.max_bytes,
        )
    if (path.with_suffix("") if path.suffix in COMPRESSED else path).suffix in _LINES:
        return JsonLines(path=path, name=name, max_bytes=options.max_bytes)
    return None


def _files(given: Path, away: Path) -> Iterable[tuple[str, Path]]:
    """Return (name, absolute path) of a file, or of all files in a folder."""
    name = _name(given)
    if not given.is_dir():
        return [(name, given.absolute())]

    def refused(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}). Check its rights.")

    found = []
    for at, folders, files in os.walk(given.absolute(), onerror=refused):
        folders[:] = [each for each in folders if not each.startswith(".") and (Path(at) / each).resolve() != away]
        # `walk` does not follow links to folders. They are listed as texts, so that failed.jsonl names each.
        links = [each for each in folders if (Path(at) / each).is_symlink()]
        paths = (Path(at) / each for each in (*files, *links) if not each.startswith("."))
        found += [(f"{name}/{_shown(path.relative_to(given.absolute()))}", path) for path in paths]
    if not found:
        raise DataError(f"{given} is an empty folder. Name one that holds texts.")
    return sorted(found, key=lambda entry: entry[0].split("/"))


def _name(given: Path) -> str:
    """Return the path as given, or only its last part if it is absolute or contains "..".

    The name becomes part of ids, and ids must not name the machine.
    """
    if given.is_absolute() or ".." in given.parts:
        given = Path(given.resolve().name)
    return _shown(given)


def _shown(path: Path) -> str:
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")


def _repeats(cuts: list[Cut], starts: list[int], options: Options) -> list[frozenset[int]]:
    """Return, for each shard, the positions of records whose id an earlier record has.

    Memory is 8 bytes a record. If the 64 bits of two ids agree, which happens once in some 10¹⁹ pairs, the second
    counts as a repeat and is named like one.
    """
    hashes, positions = array("Q"), array("q")
    with SequentialReader() as reader:
        for cut, start in zip(cuts, starts, strict=False):
            for record in cut.records(reader):
                if record.values is None:
                    continue
                # A place counts as an id too: two inputs may have one name, such as a/in.jsonl and b/in.jsonl with
                # absolute paths.
                name = id_of(record.values, options) or cut.source.place(record.number)
                digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
                hashes.append(int.from_bytes(digest, "little"))
                positions.append(start + record.number - cut.first)
    _, first = np.unique(np.asarray(hashes), return_index=True)
    again = np.delete(np.asarray(positions), first)
    edges = np.searchsorted(again, starts).tolist()
    return [frozenset(again[low:high].tolist()) for low, high in zip(edges, edges[1:], strict=False)]

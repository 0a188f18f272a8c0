"""Folders whose files each hold one text. A file that is no text, or no regular file, is an item that failed."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from glyphrender._system.regular_file import open_regular
from glyphrender.adapters.corpus.faults import readable, reason_of
from glyphrender.adapters.corpus.sources import Cut, Cutter, Record, Survey, blocks_of, too_long
from glyphrender.errors import DataError
from glyphrender.text.source import decode_blocks

# Errors that a file has for every reader: it is gone, a dangling link, a loop of links, a pipe, or not ours to read.
# With any other error, the disk or the system fails.
_OF_THE_FILE: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EISDIR}
    | {errno.EINVAL, errno.ENXIO}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFile:
    """One file of a folder.

    Attributes:
        name: its name in ids and messages.
        path: where it is.
        size: its bytes, when the folder was surveyed.
        fault: why the file could not be read at that time; "" if it could.
    """

    name: str
    path: Path
    size: int = 0
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFiles:
    """Files that each hold one text: UTF-8, or the encoding of their byte order mark.

    `fields` are the names under which a record has the id (if there is one), and the text.
    """

    name: str
    files: tuple[TextFile, ...] = field(repr=False)
    fields: tuple[tuple[str, ...], tuple[str, ...]]
    max_bytes: int
    first: int = 0

    @property
    def seekable(self) -> bool:  # noqa: D102
        return True

    def place(self, number: int) -> str:  # noqa: D102
        return self.files[number - self.first].name

    def survey(self, items: int, size: int) -> Survey:  # noqa: D102
        cutter = Cutter(self, items, size)
        digest = hashlib.sha256()
        found = []
        for file in self.files:
            content, length, fault = "unreadable", 0, unreadable(file.path)
            if not fault:
                with readable(file.path), open_regular(file.path) as opened:
                    whole = hashlib.sha256()
                    for block in blocks_of(opened):
                        whole.update(block)
                    content, length = whole.hexdigest(), opened.tell()
            digest.update(f"{file.name}\0{content}\0".encode("utf-8", "surrogateescape"))
            cutter.add(length)
            found.append(replace(file, size=length, fault=fault))
        return Survey(
            # A shard's source names only its own files, because a shard may be sent to another machine.
            cuts=tuple(
                Cut(
                    source=replace(self, files=tuple(found[cut.first : cut.first + cut.count]), first=cut.first),
                    first=cut.first,
                    count=cut.count,
                    items=cut.items,
                )
                for cut in cutter.cuts()
            ),
            bytes=cutter.bytes,
            sha256=digest.hexdigest(),
        )

    def records(self, first: int, seek: int) -> Iterator[Record]:  # noqa: D102
        for number, file in enumerate(self.files[first - self.first :], first):
            if file.fault:
                yield Record(number, fault=file.fault)
            elif file.size > self.max_bytes:
                yield Record(number, fault=too_long(file.size, self.max_bytes))
            else:
                yield self._record(number, file)

    def _record(self, number: int, file: TextFile) -> Record:
        with readable(file.path), open_regular(file.path) as opened:
            size = os.fstat(opened.fileno()).st_size
            if size != file.size:
                raise DataError(
                    f"{file.path} has {size:,} bytes, and had {file.size:,} when the run began. Restore it and resume, "
                    "or begin a new corpus.",
                    path=file.path,
                )
            data = list(blocks_of(opened))
        try:
            text = "".join(decode_blocks(data, name=file.name))
        except DataError as error:
            return Record(number, fault=reason_of(error))
        ids, texts = self.fields
        return Record(number, dict.fromkeys(ids, file.name) | dict.fromkeys(texts, text))


def unreadable(path: Path) -> str:
    """Return why no reader can read the file at `path`; "" if it can be read.

    Raises:
        DataError: the disk or the system fails.
    """
    try:
        open_regular(path).close()
    except OSError as error:
        if error.errno in _OF_THE_FILE:
            if os.path.isdir(path):
                return "it is a link to a directory, and these are not followed"
            return f"it cannot be read ({error.strerror})"
        with readable(path):
            raise
    return ""

"""One shard: its records → its file and its receipt. A shard is the unit of work, and depends only on its arguments.

A complete file is synced and renamed to its place, and then its receipt is. So a shard that has a receipt is done, even
after a power cut. A shard without a receipt is rendered again, to the same bytes. Its files replace the files that a
killed process may have left.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.regular_file import read_bytes
from glyphrender._system.seal import is_sealed, sealed_json
from glyphrender._system.sync import sync_file, sync_files_of, sync_folder
from glyphrender.adapters.corpus.faults import machine_fault, reason_of, resource_error
from glyphrender.adapters.corpus.formats import SUFFIXES, Rendered, page_name, writer
from glyphrender.adapters.corpus.items import CorpusItem, first_of, item_of
from glyphrender.adapters.corpus.options import Options
from glyphrender.adapters.corpus.plan import Shard
from glyphrender.adapters.corpus.sources import Record, SequentialReader
from glyphrender.adapters.corpus.work_folder import WORK
from glyphrender.document.layout import layout
from glyphrender.errors import DataError, FontError, GlyphRenderError, ResourceError

#: A function that renders shards into a folder and yields their receipts, in the order in which shards are done.
ShardRunner: TypeAlias = "Callable[[list[Shard], Options, Path], Generator[ShardReceipt, None, None]]"
# Arrow's offsets are 32 bits wide, and an item's pages go into one column chunk.
_MAX_ITEM = (1 << 31) - (1 << 20)
_FORMAT = "glyphrender.shard 1"
_PAGE = re.compile(r"page_\d{3,}\.png")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardReceipt:
    """A record of a finished shard.

    Attributes:
        file: its file, inside the folder of the corpus.
        items: number of items rendered.
        pages: number of their pages.
        bytes: size of the file.
        sha256: digest of the file, in hex.
        missing: characters that no font has, by code point.
        images: with format "png", the sizes of the pages of each folder in "images", in order.
        failures: id, position, place and reason of each item that failed.
    """

    file: str
    items: int
    pages: int
    bytes: int
    sha256: str
    missing: dict[str, int]
    images: dict[str, list[int]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, shard: Shard, directory: Path) -> ShardReceipt | None:
        """Return the receipt of a shard that is done; None if there is none, it was changed, or a file is not whole."""
        try:
            data = read_bytes(_receipt(shard, directory))
            values = json.loads(data)
            if not is_sealed(data) or values.pop("format") != _FORMAT or not values.pop("sha256"):
                return None
            receipt = cls(**values["receipt"])
            whole = receipt._holds(directory)
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return receipt if whole else None

    def _holds(self, directory: Path) -> bool:
        """Return whether the files have the sizes that the receipt says."""
        if (directory / self.file).stat().st_size != self.bytes:
            return False
        for folder, sizes in self.images.items():
            place = directory / "images" / folder
            if len(os.listdir(place)) != len(sizes):
                return False
            if any((place / page_name(number)).stat().st_size != size for number, size in enumerate(sizes, 1)):
                return False
        return True


def render_shard(shard: Shard, options: Options, directory: Path, reader: SequentialReader) -> ShardReceipt:
    """Write the shard into `directory`, whose folders exist.

    Args:
        shard: the shard.
        options: the options of the corpus.
        directory: the folder of the corpus.
        reader: reads sources that cannot be read from the middle; pass the same one for every shard of a process.

    Raises:
        DataError: the input cannot be read or has become shorter, or the output cannot be written.
        ResourceError: the machine failed. The shard is not done, and can be rendered again.
        DependencyError: a library that an item needs is missing.
    """
    with _part(directory, shard.name) as part:
        try:
            drawn = _drawn(shard, options, part, reader)
        except MemoryError as error:
            raise resource_error(error, shard.name) from error
        if drawn.seen < shard.cut.items:
            raise DataError(
                f"{shard.cut.source.name} has become shorter since the run began: {shard.cut.items - drawn.seen:,} "
                f"records of {shard.name} are gone. Restore it and resume, or begin a new corpus."
            )
        file = f"data/{shard.name}{SUFFIXES[options.format]}"
        with (part / Path(file).name).open("rb") as written:
            size = os.fstat(written.fileno()).st_size
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        images = {folder.name: _sizes(folder) for folder in sorted(part.glob("images/*"))}
        # Everything that the receipt will claim must be on the disk before the receipt is written.
        sync_file(part / Path(file).name)
        sync_files_of(*(part / "images" / name for name in images))
        _take_places(part, directory / file)
        receipt = ShardReceipt(
            file=file,
            items=drawn.counts["items"],
            pages=drawn.counts["pages"],
            bytes=size,
            sha256=digest,
            missing=dict(sorted(drawn.missing.items())),
            images=images,
            failures=drawn.failures,
        )
        write_atomically(_receipt(shard, directory), sealed_json(json.dumps({"receipt": asdict(receipt)}), _FORMAT))
    return receipt


@dataclass(kw_only=True, slots=True)
class _Drawn:
    """Counts of a shard whose items have been written."""

    seen: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)


def _drawn(shard: Shard, options: Options, part: Path, reader: SequentialReader) -> _Drawn:
    """Render the items of a shard, and write them into the folder `part`."""
    drawn = _Drawn()
    out = writer(options.format, part, shard.name, shard.repeats)
    try:
        for record in shard.cut.records(reader):
            drawn.seen += 1
            position = shard.position + record.number - shard.cut.first
            result = _result(record, options, position, shard.cut.source.place(record.number))
            if isinstance(result, Rendered):
                out.add(result)
                drawn.missing.update(result.missing)
                drawn.counts.update(items=1, pages=len(result.pages))
            elif result is not None:
                drawn.failures.append(result)
    finally:
        out.close()
    return drawn


def _result(record: Record, options: Options, position: int, place: str) -> Rendered | dict[str, Any] | None:
    """Return the item of a record with its pages; a failure, as in `ShardReceipt.failures`; or None for a blank line.

    Raises:
        ResourceError, DependencyError: the machine is at fault, not the record.
    """
    if record.values is None and not record.fault:
        return None
    identity = None
    try:
        if record.values is None:
            raise DataError(record.fault)
        given = first_of(record.values, options.id_field)
        identity = None if given is None else str(given)[:200]
        return _rendered(item_of(record.values, options, position=position, place=place), options)
    except Exception as error:
        if machine_fault(error):
            raise resource_error(error, place) from error
        # A bug in one item of millions does not stop the run.
        reason = str(error) if isinstance(error, GlyphRenderError) else f"{type(error).__name__}: {reason_of(error)}"
    return {"position": position, "place": place, "id": identity, "reason": reason}


def _rendered(item: CorpusItem, options: Options) -> Rendered:
    size = len(item.text.encode())
    if size > options.max_bytes:
        raise DataError(f"{size:,} bytes of text, more than max_bytes={options.max_bytes}")
    pages, spans, size = [], [], 0
    missing: Counter[str] = Counter()
    try:
        for page in layout(item.text, item.theta, max_pages=options.max_pages):
            pages.append(page.png(bits=options.bits))
            spans.append(page.span)
            missing.update({f"U+{ord(character):04X}": count for character, count in page.missing.items()})
            size += len(pages[-1])
            if size > _MAX_ITEM:
                raise DataError(f"more than {_MAX_ITEM:,} bytes of pages; make its text shorter")
    except FontError as error:
        # The fonts that the record names have been checked. So a font of the corpus or of the bundle does not load,
        # perhaps because memory ran out: Skia and HarfBuzz do not tell.
        raise ResourceError(str(error)) from error
    return Rendered(item=item, pages=pages, spans=spans, missing=missing)


@contextmanager
def _part(directory: Path, name: str) -> Iterator[Path]:
    """Make a folder to work in, and remove it however the block ends. After a kill, the next run removes it."""
    part = directory / WORK / f"{name}.{secrets.token_hex(4)}.part"
    try:
        part.mkdir()
        yield part
    except OSError as error:
        if error.errno is None:  # pyarrow does not pass on the number, for a full disk for example
            raise resource_error(error, f"writing {directory}") from error
        raise DataError(
            f"{directory} cannot be written ({error.strerror}). Free space or choose another.", path=directory
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _take_places(part: Path, target: Path) -> None:
    """Move the written files to their places, over what a killed run has left there.

    Raises:
        DataError: a folder of pages holds something that is no page.
    """
    for folder in sorted(part.glob("images/*")):
        place = target.parent.parent / "images" / folder.name
        if os.path.lexists(place):
            foreign = (
                [place] if place.is_symlink() or not place.is_dir() else sorted(filter(_is_foreign, place.iterdir()))
            )
            if foreign:
                raise DataError(f"{foreign[0]} is no page of this corpus. Move it away, and resume.", path=foreign[0])
            shutil.rmtree(place)
        folder.rename(place)
    (part / target.name).replace(target)
    for folder in (target.parent, target.parent.parent / "images"):
        sync_folder(folder)


def _is_foreign(path: Path) -> bool:
    """Return whether a file in a folder of pages cannot be a page that a run wrote."""
    return _PAGE.fullmatch(path.name) is None or path.is_symlink() or not path.is_file()


def _sizes(folder: Path) -> list[int]:
    return [(folder / page_name(number)).stat().st_size for number in range(1, len(os.listdir(folder)) + 1)]


def _receipt(shard: Shard, directory: Path) -> Path:
    return directory / WORK / f"{shard.name}.json"

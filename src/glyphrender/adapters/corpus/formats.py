"""The three formats of a shard. A writer is given an empty folder and rendered items in order, and is then closed.

The files that the writer leaves in the folder are moved to their places afterwards. So nothing here knows about killed
processes, resuming or other shards. The same items give the same bytes: no time, no user and no path of the machine is
written.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from glyphrender.adapters.corpus.faults import pyarrow
from glyphrender.adapters.corpus.items import CorpusItem
from glyphrender.adapters.corpus.names import folder_of

# Bytes of pages after which a row group is written: a reader of one row has to skip at most this many.
_ROW_GROUP = 1 << 25
SUFFIXES = {"parquet": ".parquet", "webdataset": ".tar", "png": ".jsonl"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """An item and its pages.

    Attributes:
        item: the item.
        pages: PNG bytes.
        spans: for each page the characters of the text on it, (start, end).
        missing: characters that no font has, by code point ("U+0378").
    """

    item: CorpusItem
    pages: list[bytes]
    spans: list[tuple[int, int]]
    missing: Counter[str]


class ItemWriter(Protocol):
    """Writes rendered items to files."""

    def add(self, rendered: Rendered, /) -> None:
        """Write one item."""

    def close(self) -> None:
        """Write what is left."""


def writer(format: str, folder: Path, name: str, repeats: frozenset[int]) -> ItemWriter:
    """Return a writer of `folder`/`name` + suffix, and for "png" of folders under `folder`/images.

    Raises:
        DependencyError: the format is parquet and pyarrow is not installed.
    """
    path = folder / (name + SUFFIXES[format])
    if format == "parquet":
        return _Parquet(path)
    if format == "webdataset":
        return _Tar(path)
    return _Png(path, repeats)


class _Parquet:
    """A writer of parquet, one row per item. The datasets library decodes `images` to a list of PIL images."""

    def __init__(self, path: Path) -> None:
        arrow = pyarrow()
        image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
        columns = {
            "id": arrow.string(),
            "position": arrow.int64(),
            "text": arrow.string(),
            "images": arrow.list_(arrow.field("element", image)),
            "spans": arrow.list_(arrow.field("element", arrow.list_(arrow.field("element", arrow.int64())))),
            "missing": arrow.int64(),
            "theta": arrow.string(),
        }
        features = {name: _feature(str(column)) for name, column in columns.items()} | {
            "images": {"feature": {"_type": "Image"}, "_type": "List"},
            "spans": {"feature": {"feature": _feature("int64"), "_type": "List"}, "_type": "List"},
        }
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        self._schema = arrow.schema(list(columns.items()), metadata=metadata)
        self._rows: list[dict[str, Any]] = []
        self._size = 0
        self._arrow = arrow
        # PNG is compressed already; θ is the same for most rows, so it is stored once per row group.
        self._file = arrow.parquet.ParquetWriter(
            path,
            self._schema,
            compression={"text": "zstd", "id": "zstd", "images.list.element.bytes": "none"},
            use_dictionary=["theta"],
            write_statistics=["id", "position"],
        )

    def add(self, rendered: Rendered, /) -> None:
        item = rendered.item
        size = sum(map(len, rendered.pages))
        if self._rows and self._size + size > _ROW_GROUP:
            self._flush()
        self._size += size
        self._rows.append(
            {
                "id": item.id,
                "position": item.position,
                "text": item.text,
                "images": [{"bytes": page, "path": None} for page in rendered.pages],
                "spans": rendered.spans,
                "missing": rendered.missing.total(),
                "theta": _theta(item),
            }
        )

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._file.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._size = [], 0


class _Tar:
    """A writer of a tar, one sample per item, named by its position: `000000017.0000.png` …, `.json` and `.txt`."""

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 -- see `close`

    def add(self, rendered: Rendered, /) -> None:
        item = rendered.item
        for number, page in enumerate(rendered.pages):
            self._member(item, f"{number:04d}.png", page)
        values = {"id": item.id, "position": item.position, "pages": len(rendered.pages), "spans": rendered.spans}
        values |= {"missing": dict(sorted(rendered.missing.items())), "theta": item.theta.to_dict()}
        self._member(item, "json", json.dumps(values, ensure_ascii=False).encode())
        self._member(item, "txt", item.text.encode())

    def close(self) -> None:
        self._tar.close()

    def _member(self, item: CorpusItem, suffix: str, data: bytes) -> None:
        member = tarfile.TarInfo(f"{item.position:09d}.{suffix}")
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))


class _Png:
    """A writer of Glyph's layout: images/<id>/page_001.png …, and a line of JSON with `image_paths` for each item."""

    def __init__(self, path: Path, repeats: frozenset[int]) -> None:
        self._lines = path.open("w", encoding="utf-8", newline="\n")
        self._images = path.parent / "images"
        self._repeats = repeats

    def add(self, rendered: Rendered, /) -> None:
        item = rendered.item
        name = folder_of(item.id, repeat=item.position if item.position in self._repeats else None)
        folder = self._images / name
        folder.mkdir(parents=True)
        paths, digests = [], []
        for number, page in enumerate(rendered.pages, 1):
            paths.append(f"images/{name}/{page_name(number)}")
            digests.append(hashlib.sha256(page).hexdigest())
            (folder / page_name(number)).write_bytes(page)
        values: dict[str, Any] = {"unique_id": item.id, "context": item.text, "config": item.theta.to_dict()}
        values |= {"image_paths": paths, "image_sha256": digests, "spans": rendered.spans}
        values["missing"] = dict(sorted(rendered.missing.items()))
        self._lines.write(json.dumps(values, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._lines.close()


def page_name(number: int) -> str:
    """Return the name of the file of page `number`, from 1.

    >>> page_name(7)
    'page_007.png'
    """
    return f"page_{number:03d}.png"


def _feature(dtype: str) -> dict[str, str]:
    return {"dtype": dtype, "_type": "Value"}


def _theta(item: CorpusItem) -> str:
    return json.dumps(item.theta.to_dict(), ensure_ascii=False, separators=(",", ":"))

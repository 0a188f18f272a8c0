"""A document → a directory of PNG or npy files and a manifest: all of it, or nothing.

Everything is written into a hidden directory beside the target, which takes the target's place by renaming
once it is complete. An error, a full disk or an interrupt removes it; a kill leaves only the hidden one.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import glyphrender
from glyphrender._system.processes import can_fork, shared_out
from glyphrender.errors import DataError
from glyphrender.raster.canvas import rasteriser
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.text.properties import UNICODE_VERSION

if TYPE_CHECKING:
    from glyphrender.document.document import Document
    from glyphrender.document.page import Page

MANIFEST = "manifest.json"
# Characters of a text that is done sooner than a second process is forked: some four pages.
_ALONE = 1 << 15


def save(
    document: Document,
    directory: str | os.PathLike[str],
    *,
    bits: int | None = None,
    jobs: int = 1,
    progress: Callable[[int], object] | None = None,
    form: str = "png",
) -> dict[str, Any]:
    """See `Document.save`."""
    target = Path(directory)
    home = target.absolute()
    # Named before it is made: an interrupt may fall between the two.
    part = _hidden_name(home, "part")
    made: list[Path] = []
    try:
        try:
            _check_target(target)
            made = _made_parents(target)
            part.mkdir(mode=0o700)
        except OSError as error:
            raise DataError(f"{target} cannot be written ({error.strerror}). Choose another directory.") from error
        pages = []
        for entry in _written(document, part, _Encoding(form=form, bits=bits), jobs):
            pages.append(entry)
            if progress is not None:
                progress(len(pages))
        pages.sort(key=itemgetter("start", "file"))
        manifest = {**describe(document), "pages": pages}
        (part / MANIFEST).write_bytes(_json(manifest).encode("utf-8", "surrogatepass"))
        part.chmod(0o777 & ~_umask())
        _take_place(part, target)
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror}). Free space or choose another.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        _remove_empty(made)
    return manifest


def describe(document: Document) -> dict[str, Any]:
    """What the pixels of a document depend on."""
    return {
        "versions": _versions() | {"rasteriser": rasteriser()},
        "theta": document.theta.to_dict(),
        "theta_digest": document.theta.digest,
        "fonts_digest": default_typesetter().shaper.style(document.theta).stack.digest,
    }


@cache
def _versions() -> dict[str, str]:
    versions = {"glyphrender": glyphrender.__version__, "unicode": UNICODE_VERSION}
    for name in ("skia-python", "uharfbuzz"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _json(manifest: dict[str, Any]) -> str:
    """`manifest` for people to read, a page a line."""
    head = json.dumps(manifest | {"pages": []}, indent=1, ensure_ascii=False)
    pages = ",\n".join(json.dumps(page, ensure_ascii=False) for page in manifest["pages"])
    return head.removesuffix("[]\n}") + f"[\n{pages}\n]}}\n"


def file_name(number: int, form: str = "png") -> str:
    """The file of page `number`."""
    return f"page_{number:04d}.{form}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Encoding:
    """How a page becomes bytes."""

    form: str  # "png", or "npy" for the array of pixels as numpy.load reads it
    bits: int | None

    def of(self, page: Page) -> bytes:
        if self.form == "png":
            return page.png(bits=self.bits)
        file = BytesIO()
        np.save(file, page.array, allow_pickle=False)
        return file.getvalue()


def _written(document: Document, folder: Path, encoding: _Encoding, jobs: int) -> Iterator[dict[str, Any]]:
    """Write the pages; the manifest's entry of each as it is done."""
    if jobs <= 1 or document.text is None or len(document.text) < _ALONE or not can_fork():
        for page in document:
            yield _write(page, folder, encoding)
        return
    plan = document.shares(jobs)
    yield from shared_out(jobs, lambda job: (_write(page, folder, encoding) for page in plan(job)))


def _write(page: Page, folder: Path, encoding: _Encoding) -> dict[str, Any]:
    data = encoding.of(page)
    name = file_name(page.number, encoding.form)
    (folder / name).write_bytes(data)
    return {
        "file": name,
        "width": page.size[0],
        "height": page.size[1],
        "start": page.span[0],
        "end": page.span[1],
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "missing": {f"U+{ord(character):04X}": count for character, count in sorted(page.missing.items())},
    }


def _made_parents(target: Path) -> list[Path]:
    """Make the directories above `target`; those that were not there, the innermost first."""
    absent = [parent for parent in target.absolute().parents if not parent.exists()]
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        _remove_empty([parent for parent in absent if parent.exists()])
        raise
    return absent


def _remove_empty(directories: list[Path]) -> None:
    """Remove `directories` as far as they are empty: after a success they are not."""
    for directory in directories:
        try:
            directory.rmdir()
        except OSError:
            return


def _check_target(target: Path) -> None:
    if not target.exists():
        above = next(parent for parent in target.absolute().parents if parent.exists())
        if not above.is_dir():
            raise DataError(f"{target} cannot be written ({above} is a file). Choose another directory.")
        return
    if not target.is_dir():
        raise DataError(f"{target} is a file. Choose a directory for the pages.")
    if (target / MANIFEST).exists() or not any(target.iterdir()):
        return
    raise DataError(f"{target} holds other files. Choose an empty or a new directory for the pages.")


def _take_place(part: Path, target: Path) -> None:
    """Rename `part` to `target`; an earlier document there goes only once that has worked."""
    if not target.exists():
        part.rename(target)
        return
    old = _hidden_name(target.absolute(), "old")
    try:
        target.rename(old)
        part.rename(target)
    finally:
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(target)


def _hidden_name(home: Path, suffix: str) -> Path:
    return home.parent / f".{home.name}.{secrets.token_hex(4)}.{suffix}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

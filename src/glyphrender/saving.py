"""A document → a directory of PNG files and a manifest: all of it, or nothing.

Everything is written into a hidden directory beside the target, which takes the target's place by renaming
once it is complete. An error, a full disk or an interrupt removes it; a kill leaves only the hidden one.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import glyphrender
from glyphrender.errors import DataError
from glyphrender.raster.canvas import rasteriser
from glyphrender.text.properties import UNICODE_VERSION
from glyphrender.typeset.words import WordStyle

if TYPE_CHECKING:
    from glyphrender.document import Document, Page

MANIFEST = "manifest.json"
# Pages that a process draws at a time.
_SHARE = 16


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
    _check_target(target)
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        home = target.absolute()
        part = Path(tempfile.mkdtemp(prefix=f".{home.name}.", suffix=".part", dir=home.parent))
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror}). Choose another directory.") from error
    try:
        pages = []
        for entry in _written(document, part, bits, jobs, form):
            pages.append(entry)
            if progress is not None:
                progress(len(pages))
        manifest = {**describe(document), "pages": pages}
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        (part / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass") + b"\n")
        part.chmod(0o777 & ~_umask())
        _take_place(part, target)
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror}). Free space or choose another.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def describe(document: Document) -> dict[str, Any]:
    """What the pixels of a document depend on."""
    libraries = {"glyphrender": glyphrender.__version__, "unicode": UNICODE_VERSION, "rasteriser": rasteriser()}
    for name in ("skia-python", "uharfbuzz"):
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "versions": libraries,
        "theta": document.theta.to_dict(),
        "theta_digest": document.theta.digest,
        "fonts_digest": WordStyle.of(document.theta).stack.digest,
    }


def file_name(number: int, form: str = "png") -> str:
    """The file of page `number`."""
    return f"page_{number:04d}.{form}"


def _written(document: Document, folder: Path, bits: int | None, jobs: int, form: str) -> Iterator[dict[str, Any]]:
    """Write the pages; the manifest's entry of each, in order."""
    if jobs <= 1 or document.streams or "fork" not in multiprocessing.get_all_start_methods():
        for page in document:
            yield _write(page, folder, bits, form)
        return
    # The pages are laid out here and inherited by forked processes, which draw them: nothing large travels.
    _inherited[:] = list(document)
    shares = [(start, str(folder), bits, form) for start in range(0, len(_inherited), _SHARE)]
    pool = multiprocessing.get_context("fork").Pool(min(jobs, max(1, len(shares))), _ignore_interrupt)
    try:
        for entries in pool.imap(_write_share, shares):
            yield from entries
    finally:
        pool.terminate()
        pool.join()
        _inherited.clear()


_inherited: list[Page] = []


def _ignore_interrupt() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes itself


def _write_share(share: tuple[int, str, int | None, str]) -> list[dict[str, Any]]:
    start, folder, bits, form = share
    return [_write(page, Path(folder), bits, form) for page in _inherited[start : start + _SHARE]]


def _write(page: Page, folder: Path, bits: int | None, form: str) -> dict[str, Any]:
    name = file_name(page.number, form)
    if form == "npy":
        import io

        import numpy as np

        buffer = io.BytesIO()
        np.save(buffer, page.array, allow_pickle=False)
        data = buffer.getvalue()
    else:
        data = page.png(bits=bits)
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


def _check_target(target: Path) -> None:
    if not target.exists():
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
    old = Path(tempfile.mkdtemp(prefix=f".{target.absolute().name}.", suffix=".old", dir=part.parent))
    try:
        target.rename(old)
        try:
            part.rename(target)
        except OSError:
            old.rename(target)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

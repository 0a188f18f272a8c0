"""Atomic writes: at any time, a file holds all of its old content or all of its new content."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from glyphrender._system.paths import path_of
from glyphrender.errors import DataError


def write_atomically(path: str | os.PathLike[str], content: str | bytes, *, durable: bool = True) -> None:
    """Write `content` to a temporary file in the same folder, and rename that file to `path`.

    Args:
        path: the file. Its folder must exist.
        content: bytes, or text, which is written as UTF-8 with its line ends unchanged.
        durable: sync the file and its folder to the disk, so that the file is whole after a power cut too. Without the
            sync, the file is whole after an error, an interrupt or a killed process, but a power cut may leave it
            empty. Pass False only for files that can be made again.

    Raises:
        DataError: the file cannot be written. Its old content, if any, is still there.
    """
    target = path_of(path, "Name a file to write.")
    if not target.name:
        raise DataError(f"{target} is a folder. Name a file to write.", path=target)
    part = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with part.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(target)
        if durable:
            _sync_folder(target.parent)
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror}). Choose another file.", path=target) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _sync_folder(folder: Path) -> None:
    """Sync the names in `folder` to the disk: without this, a power cut can undo the renaming."""
    # Windows opens no folders, and some network file systems sync none. The file itself is synced by then.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

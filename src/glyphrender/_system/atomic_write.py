"""Atomic writes: at any time, a file holds all of its old content or all of its new content.

A file is written under a hidden name (see hidden_names.py) and renamed. What a killed process has left is removed by
the next write to the same file. A link is followed, and the rights of an old file are kept. A terminal, a pipe or a
device is written to in place, and so is every path below /dev and /proc.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from glyphrender._system.hidden_names import hidden_beside, hidden_name, lock, locked
from glyphrender._system.paths import path_of
from glyphrender._system.sync import sync_folder
from glyphrender.errors import DataError


def write_atomically(
    path: str | os.PathLike[str],
    content: str | bytes,
    *,
    durable: bool = True,
    replaces: Callable[[bytes], bool] | None = None,
) -> None:
    """Write `content` to a temporary file in the same folder, and rename that file to `path`.

    Args:
        path: the file. Its folder must exist.
        content: bytes, or text, which is written as UTF-8 with its line ends unchanged.
        durable: sync the file and its folder to the disk, so that the file is whole after a power cut too. Without the
            sync, the file is whole after an error, an interrupt or a killed process, but a power cut may leave it
            empty. Pass False only for files that can be made again.
        replaces: a function of the content of a file that is there. It returns whether the file may be replaced. By
            default every file may be replaced.

    Raises:
        DataError: the file cannot be written, or may not be replaced. Its old content, if any, is still there.
    """
    given = path_of(path, "Name a file to write.")
    if not given.name:
        raise DataError(f"{given} is a folder. Name a file to write.", path=given)
    target = Path(os.path.realpath(given))
    data = content.encode("utf-8") if isinstance(content, str) else content
    part = target
    try:
        check_replaceable(path, replaces)
        if _is_special(path):
            with open(path, "wb") as file:
                file.write(data)
            return
        _remove_left(target)
        part, held = _new_part(target)
        try:
            with part.open("r+b") as file:
                file.write(data)
                with suppress(FileNotFoundError):
                    part.chmod(stat.S_IMODE(target.stat().st_mode))
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            part.replace(target)
        finally:
            if held is not None:
                os.close(held)
        if durable:
            sync_folder(target.parent)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}). Choose another file.", path=path) from error
    finally:
        if part != target:
            with suppress(OSError):
                part.unlink()


def check_writable(path: str | os.PathLike[str], replaces: Callable[[bytes], bool] | None = None) -> None:
    """Refuse a file that cannot be written, or may not be replaced. Call this before work starts.

    Args:
        path: the file, which need not be there.
        replaces: see `write_atomically`.

    Raises:
        DataError: the folder of the file is not there or cannot be written to; the file is a folder, or its name is too
            long; or `check_replaceable` refuses it.
    """
    if problem := _obstacle(path):
        raise DataError(f"{path} cannot be written ({problem}). Choose another file.", path=path)
    check_replaceable(path, replaces)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Refuse a folder in which no file can be written, or that cannot be made. Call this before work starts.

    Args:
        path: the folder. It need not be there, and neither need the folders above it.

    Raises:
        DataError: the path, or one above it, is no folder or cannot be written to.
    """
    place = Path(os.path.realpath(path))
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise DataError(f"{path} cannot be a folder ({place} is a file). Choose another folder.", path=path)
    if not os.access(place, os.W_OK | os.X_OK):
        problem = os.strerror(errno.EACCES)
        raise DataError(f"{path} cannot be written to ({place}: {problem}). Choose another folder.", path=path)


def check_replaceable(path: str | os.PathLike[str], replaces: Callable[[bytes], bool] | None) -> None:
    """Refuse a file that may not be replaced. An empty file may always be replaced.

    Args:
        path: the file, which need not be there, and neither need its folder.
        replaces: see `write_atomically`.

    Raises:
        DataError: `replaces` returns False for the content of the file, or the file cannot be read.
    """
    if replaces is None or not os.path.isfile(path):
        return
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Choose another file.", path=path) from error
    if data and not replaces(data):
        raise DataError(
            f"{path} is there already, and glyphrender did not write it as it is now. "
            "Choose another file, or move it away.",
            path=path,
        )


def _obstacle(path: str | os.PathLike[str]) -> str:
    """Return why no file can be written to `path`, or "" if no reason is known."""
    if _is_special(path):
        return ""
    target = Path(os.path.realpath(path))
    try:
        if stat.S_ISDIR(target.lstat().st_mode):
            return os.strerror(errno.EISDIR)
    except FileNotFoundError:
        pass
    except OSError as error:  # the name is too long, a folder above is a file, or may not be searched
        return error.strerror or str(error)
    if not target.parent.is_dir():
        return os.strerror(errno.ENOENT)
    return "" if os.access(target.parent, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)


def _is_special(path: str | os.PathLike[str]) -> bool:
    """Return whether `path` is there and is no regular file, or leads to an open file, as /dev/stdout does."""
    return (os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)) or os.path.abspath(
        path
    ).startswith(("/dev/", "/proc/"))


def _new_part(target: Path) -> tuple[Path, int | None]:
    """Make an empty hidden file beside `target`; return its name and the descriptor that holds its lock, if any."""
    while True:
        part = hidden_name(target, "part")
        part.open("xb").close()
        held = lock(part)
        # Before it was locked, another process may have taken the file for one that was left, and removed it.
        if held is not None or part.exists():
            return part, held


def _remove_left(target: Path) -> None:
    """Remove the hidden files that killed processes have left beside `target`."""
    for hidden in hidden_beside(target):
        if hidden.suffix == ".part" and hidden.is_file():
            with locked(hidden) as left, suppress(OSError):
                if left:
                    hidden.unlink()

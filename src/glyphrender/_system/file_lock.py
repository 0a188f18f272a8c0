"""One writer at a time: a file that no second process of this machine takes."""

from __future__ import annotations

from typing import Any

from glyphrender.errors import DataError


def lock_file(file: Any, busy: str) -> None:
    """Lock an open `file` until it is closed, in forked processes too; who only reads it may go on.

    Where the system or the file system has no such locks, nothing is done.

    Raises:
        DataError: `busy`, where another process has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(busy) from error
    except OSError:  # a file system without locks
        return

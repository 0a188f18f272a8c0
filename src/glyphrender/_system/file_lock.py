"""File locks: at most one process of this machine writes a file at a time."""

from __future__ import annotations

from typing import Any

from glyphrender.errors import DataError


def lock_file(file: Any, busy: str) -> None:
    """Take an exclusive advisory lock on the open `file`.

    The lock is held until this process, and every forked process that inherited the file, has closed it. Readers that
    take no lock are not affected. Where the system (Windows) or the file system has no such locks, this does nothing.

    Args:
        file: a file object with a descriptor.
        busy: the error message if another process holds the lock.

    Raises:
        DataError: another process holds the lock; the message is `busy`.
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

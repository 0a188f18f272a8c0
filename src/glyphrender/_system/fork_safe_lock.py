"""A lock that a forked process finds free, whichever thread held it in the parent."""

from __future__ import annotations

import os
from threading import RLock
from typing import Any
from weakref import WeakSet


def fork_safe_lock() -> Any:
    """Return a reentrant lock that is free in every process that is forked while another thread holds it.

    A thread that held the lock in the parent does not exist in the child, so the child would wait for ever. Therefore
    the data that the lock guards must be consistent at any moment: write new rows first, and publish their number last.

    The lock is Python's own. `with` enters and leaves it in C, so an interrupt cannot fall between taking the lock and
    noting that it must be given back.

    >>> with fork_safe_lock():
    ...     pass
    """
    lock = RLock()
    _locks.add(lock)
    return lock


_locks: WeakSet[Any] = WeakSet()


def _renew_all() -> None:
    for lock in list(_locks):
        if lock.acquire(blocking=False):  # nobody held it, or the thread that forked did
            lock.release()
        else:
            lock._at_fork_reinit()  # as `threading` does with its own locks


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)

"""Repair of state in forked processes.

A fork copies the memory of a process but only the thread that forked. A lock that another thread held stays locked
for ever in the child, and data that the other thread was writing stays half written. Modules that own locks or shared
caches register a function here that replaces them in the child.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakSet

Instance = TypeVar("Instance")


def after_fork_in_child(renew: Callable[[], None]) -> None:
    """Call `renew()` in every process that is forked from this one, before any other code runs there.

    On systems that cannot fork, this does nothing.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)


def reinit_after_fork(renew: Callable[[Instance], None]) -> WeakSet[Instance]:
    """Return an empty WeakSet. After a fork, the child calls `renew(object)` for every object in the set."""
    alive: WeakSet[Instance] = WeakSet()

    def renew_all() -> None:
        for each in list(alive):
            renew(each)

    after_fork_in_child(renew_all)
    return alive

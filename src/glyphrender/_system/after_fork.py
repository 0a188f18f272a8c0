"""What a forked process must not inherit: locks of threads that are not there, and what they had half done."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakSet

Instance = TypeVar("Instance")


def in_child(renew: Callable[[], None]) -> None:
    """Call `renew` in every process that is forked from this one, before anything else runs there."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)


def renewed(renew: Callable[[Instance], None]) -> WeakSet[Instance]:
    """An empty set; in every process that is forked, `renew` is called with each that is in it then."""
    alive: WeakSet[Instance] = WeakSet()

    def all_of_them() -> None:
        for each in list(alive):
            renew(each)

    in_child(all_of_them)
    return alive

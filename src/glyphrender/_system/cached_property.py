"""`functools.cached_property` as it is from Python 3.12 on.

Before, all instances of a class shared a lock while any of them was computed: threads waited for one another, and a
process forked meanwhile waited for ever.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

Value = TypeVar("Value")

if sys.version_info >= (3, 12):
    cached_property = functools.cached_property
else:

    class cached_property(functools.cached_property[Value]):
        """Computed when it is first asked for; by two threads at once, twice."""

        def __init__(self, compute: Callable[[Any], Value]) -> None:
            super().__init__(compute)
            self.lock = nullcontext()

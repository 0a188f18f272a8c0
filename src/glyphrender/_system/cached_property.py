"""`functools.cached_property` as it behaves from Python 3.12 on.

Until Python 3.11, all instances of a class shared one lock per property. Threads waited for one another, and a child
that was forked while the lock was held waited for ever.
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
        """A property that is computed when it is first read; two threads that read it at once may both compute it."""

        def __init__(self, compute: Callable[[Any], Value]) -> None:
            super().__init__(compute)
            self.lock = nullcontext()

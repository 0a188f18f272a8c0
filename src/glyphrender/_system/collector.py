"""The garbage collector of Python, paused while many objects are made that all stay for a while."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Make no search for garbage inside the block, unless another thread asks for one.

    A megabyte of Markdown becomes 110,000 tokens. Python looks through all objects again and again while their number
    grows, and finds nothing: a third of the time of parsing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

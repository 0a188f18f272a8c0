"""The compiled code of stamp.py in this process: when it is loaded.

Compiled code draws faster than Skia, but to import numba and load the code costs what it then saves on some 200 pages.
So Skia draws the first pages. The code is loaded once 50 pages were drawn and more than 200 pages of text follow. Where
it is not known how much follows, it is loaded after 200 pages: then the loss is at most the cost of loading, whenever
the process ends. Pages are the same to the bit either way.

Loading stops the thread that draws for half a second. A thread of its own would not help: the import and Skia's calls
both hold the interpreter's lock, so the two take turns, and Skia draws 70 more pages meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final, NamedTuple
from weakref import WeakSet

import numpy as np

from glyphrender._system import log
from glyphrender._system.fork_safe_lock import fork_safe_lock
from glyphrender.errors import DependencyError, the_extra

# Glyphs on which compiled code saves as much CPU as loading it costs: 200 pages of 6,000 glyphs.
COSTS: Final = 1_200_000
# Glyphs after which loading begins if more than `COSTS` follow. A program that draws a few pages of a long text does
# not load anything.
LEAST: Final = 300_000
# Bytes after the pixels that stamping may rewrite, because it works on eight bytes at a time.
SPARE: Final = 8


class Loader:
    """Loads compiled code once it pays. Threads may share a loader.

    >>> loader = Loader(lambda: "code", costs=100, least=10)
    >>> loader.note(9, following=101), loader.note(1, following=100), loader.note(1, following=101)
    (None, None, 'code')

    Args:
        load: a function that returns the code. If it raises an `Exception`, the code cannot be had in this process.
        costs: glyphs that are worth loading.
        least: glyphs after which loading may begin.
    """

    def __init__(self, load: Callable[[], Any], *, costs: int = COSTS, least: int = LEAST) -> None:
        self._load, self._costs, self._least = load, costs, least
        self._drawn = 0
        self._code: Any = None
        self._failure: Exception | None = None
        self._loading = False
        self._lock = fork_safe_lock()
        _loaders.add(self)

    def note(self, glyphs: int, *, following: int = 0) -> Any:
        """Note that so many glyphs are drawn. Return the code, or None as long as it does not pay or cannot be had.

        Args:
            glyphs: number of glyphs.
            following: characters of the text after this page, as far as known.
        """
        if self._code is None and self._failure is None:
            self._drawn += glyphs  # threads may lose a count, which moves the beginning by a page
            if self._drawn >= (self._least if following > self._costs else self._costs):
                self._try()
        return self._code

    def now(self) -> Any:
        """Return the code, loaded now if it was not yet.

        Raises:
            Exception: what `load` raised, now or before.
        """
        if self._code is None:
            self._try()
        if self._failure is not None:
            raise self._failure
        return self._code

    def _try(self) -> None:
        with self._lock:
            if self._code is None and self._failure is None:
                self._loading = True
                try:
                    self._code = self._load()
                except Exception as error:
                    self._failure = error
                finally:
                    self._loading = False

    def after_fork(self) -> None:
        """Load nothing in a child that was forked while another thread loaded, for which the import would wait."""
        if self._loading:
            self._loading, self._failure = False, RuntimeError("the process was forked while numba was imported")


_loaders: WeakSet[Loader] = WeakSet()


def _after_fork() -> None:
    for loader in list(_loaders):
        loader.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Code(NamedTuple):
    """The compiled functions of stamp.py."""

    stamp: Callable[..., int]
    packed: Callable[..., int]


def load_stamp() -> Code:
    """Return the compiled functions of stamp.py.

    Raises:
        DependencyError: numba cannot be used.
    """
    try:
        if find_spec("numba") is None:
            raise ModuleNotFoundError("No module named 'numba'", name="numba")
        from glyphrender.raster.rows import Rows
        from glyphrender.raster.stamp import packed, stamp

        # These calls compile the functions. If that fails here (no numba, a full disk), Skia can still draw the page.
        rows, memory = Rows.of([]), np.zeros(SPARE, np.uint8)
        atlas = np.zeros(0, np.int32), np.zeros((0, 5), np.int32), np.zeros(0, np.uint64)
        stamp(memory, 0, 0, rows.baseline, rows.first, rows.last, rows.glyph, rows.x, 0, True, *atlas)
        packed(memory.reshape(1, -1), 1, 0, 0, 0, 0, *atlas[1:], 0)
    except Exception as error:
        raise DependencyError(
            f"GLYPHRENDER_RASTER=numba cannot be had ({type(error).__name__}: {error}). Install "
            f"{the_extra('fast')}, and see that there is room in the folder that NUMBA_CACHE_DIR names.",
            extra="fast",
        ) from error
    log.info(__name__, "compiled code draws pages from here on")
    return Code(stamp, packed)


#: The compiled code of this process.
LOADER: Final = Loader(load_stamp)

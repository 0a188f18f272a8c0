"""A sequence of pages that are laid out when they are reached, each once, whichever thread reaches it.

An error in the text, a signal handler that reads the sequence, and a fork in the middle of a page all leave a sequence
that can be read again: it begins anew.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from math import inf
from typing import overload

from glyphrender._system.fork_safe_lock import fork_safe_lock
from glyphrender.document.page import Page


class LazyPages(Sequence[Page]):
    """Pages, as a lazy sequence. A class that derives from this one says by `_laid_out` how pages come.

    Several threads may read one sequence: each gets the pages that one thread alone would get.
    """

    def __init__(self) -> None:
        # Held while pages are laid out, and while the pages and what they are made of change together.
        self._lock = fork_safe_lock()
        self._begin()

    @abstractmethod
    def _laid_out(self) -> Iterator[Page]:
        """Return an iterator of all pages, from the first on, that lays out each when it is asked for."""

    def __iter__(self) -> Iterator[Page]:
        number = 0
        while True:
            with self._lock:
                if not self._reach(number):
                    return
                page = self._pages[number]
            yield page
            number += 1

    def __len__(self) -> int:
        return len(self._all_pages())

    def __bool__(self) -> bool:
        return self._reach(0)

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Page]: ...
    def __getitem__(self, index: int | slice) -> Page | Sequence[Page]:
        with self._lock:
            if isinstance(index, int) and index >= 0:
                if not self._reach(index):
                    raise IndexError(f"page {index} of {len(self._pages)} (the first is 0)")
            else:
                self._reach(inf)
                if isinstance(index, int) and index < -len(self._pages):
                    raise IndexError(f"page {index} of {len(self._pages)} (the last is -1)")
            return self._pages[index]

    def _begin(self) -> None:
        """Forget all pages, and lay out from the first one when pages are reached."""
        self._pages: list[Page] = []
        self._reaching = False  # whether `_rest` is at work
        self._rest: Iterator[Page] | None = self._laid_out()

    def _reach(self, number: float) -> bool:
        """Lay out pages until page `number` is known; return whether there is one."""
        with self._lock:
            while len(self._pages) <= number and self._rest is not None:
                if self._reaching:
                    # The process was forked while another thread was in `_rest`, and here that thread does not exist.
                    # Or a signal interrupted this thread there, and the handler reads the document.
                    self._begin()
                rest, self._reaching = self._rest, True
                try:
                    page = next(rest, None)
                except BaseException:
                    self._begin()  # an iterator that raised looks exhausted, but the text has not ended
                    raise
                if rest is not self._rest:
                    continue  # a signal handler began anew
                if page is None:
                    self._rest = None
                else:
                    self._pages.append(page)
                self._reaching = False
            return number < len(self._pages)

    def _all_pages(self) -> list[Page]:
        """Return all pages, in a list that does not change."""
        with self._lock:
            self._reach(inf)
            return self._pages.copy()

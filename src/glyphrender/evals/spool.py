"""Items that are made when they are asked for, from values that wait in a temporary file.

MRCR holds 2,400 conversations of up to 5 million characters, and VTCBench 9 GB of images: they do not fit into memory
as `Item` objects. The file has no name after it is opened, so nothing is left behind, however the process ends.
"""

from __future__ import annotations

import os
import pickle
import tempfile
import threading
import weakref
import zlib
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from glyphrender.errors import ResourceError
from glyphrender.evals.item import Item, MadeItems

__all__ = ["Spool", "SpooledItems"]

Value = TypeVar("Value")
# Text shrinks to two fifths at this level, at 60 MB/s. Images do not shrink, and cost 30 ms a megabyte.
_LEVEL: Final = 1


class Spool(Generic[Value]):
    """Values in a temporary file without a name. Threads may share it.

    >>> spool = Spool()
    >>> place = spool.put(["a", "b"])
    >>> spool.get(place)
    ['a', 'b']

    Attributes:
        compress: whether values are compressed. Images do not shrink.
    """

    def __init__(self, *, compress: bool = True) -> None:
        self.compress = compress
        self._end = 0
        self._lock = threading.Lock()
        file = tempfile.TemporaryFile()  # noqa: SIM115
        self._file = file.fileno()
        weakref.finalize(self, file.close)

    def put(self, value: Value) -> tuple[int, int]:
        """Add a value, and return its place.

        Raises:
            ResourceError: the file cannot grow.
        """
        data = zlib.compress(pickle.dumps(value), _LEVEL if self.compress else 0)
        with self._lock:
            at, written = self._end, 0
            try:
                while written < len(data):
                    written += os.pwrite(self._file, data[written:], at + written)
            except OSError as error:
                raise ResourceError(
                    f"a temporary file of {at} bytes cannot grow ({error.strerror}). Free space in "
                    f"{tempfile.gettempdir()}, or set TMPDIR.",
                    errno=error.errno,
                ) from error
            self._end += len(data)
        return at, len(data)

    def get(self, place: tuple[int, int]) -> Value:
        """Return the value of a place, as a new object."""
        at, size = place
        parts, read = [], 0
        while read < size:
            parts.append(os.pread(self._file, size - read, at + read))
            read += len(parts[-1])
        value: Value = pickle.loads(zlib.decompress(b"".join(parts)))
        return value


class SpooledItems(MadeItems, Generic[Value]):
    """A sequence of items, each made by `make(value)` from a value in a temporary file. Threads may share it.

    >>> from glyphrender.evals.item import ItemTurn
    >>> def make(text):
    ...     return Item(key=text, task="letters", turns=(ItemTurn("user", (text,)),), answers=(), max_tokens=1)
    >>> items = SpooledItems(["a", "b"], make)
    >>> len(items), items[1].key
    (2, 'b')
    """

    def __init__(self, values: Iterable[Value], make: Callable[[Value], Item]) -> None:
        self._make = make
        self._spool: Spool[Value] = Spool()
        self._places = [self._spool.put(value) for value in values]

    def __len__(self) -> int:
        return len(self._places)

    def make(self, index: int) -> Item:
        """Return the item of this index."""
        return self._make(self._spool.get(self._places[index]))

"""`AloneGlyphs`: the glyphs of units of one character, which a style remembers whatever word they stand in.

Where a text changes its font or its script at every character, no two words are alike, but nearly all of their units
are. A call of HarfBuzz takes some 30 µs, and such a text has few units of the same face and script to share a call.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import stable_order
from glyphrender.text.runs import ranges
from glyphrender.typeset.shape import Glyphs

# A text of code points at random has twice as many such units as the Basic Multilingual Plane has characters, because a
# sign takes the script of the text around it; 8 MB.
_MOST: Final = 1 << 18
_COLUMNS: Final = ("glyph", "step", "dx", "dy")


class AloneGlyphs:
    """A dictionary: the key of a unit, a number that says all that its glyphs depend on → its glyphs."""

    __slots__ = ("_columns", "_index")

    def __init__(self) -> None:
        self._columns = {name: np.zeros(0, np.uint32 if name == "glyph" else np.int32) for name in _COLUMNS}
        # The keys, rising; the first glyph of each; how many it has.
        self._index = np.zeros(0, np.int64), np.zeros(0, np.intp), np.zeros(0, np.intp)

    @property
    def nbytes(self) -> int:
        """The memory of keys and glyphs, in bytes."""
        arrays: list[NDArray[Any]] = [*self._index, *self._columns.values()]
        return sum(each.nbytes for each in arrays)

    def places(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return (the place of each of `keys` among those that are remembered, whether it is not among them).

        If there is no room for the new ones, all that is remembered is forgotten. Then none of `keys` has a place.
        """
        known = self._index[0]
        if not len(known):
            return np.zeros(len(keys), np.intp), np.ones(len(keys), bool)
        place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        missing = known[place] != keys
        if missing.any() and len(known) + np.count_nonzero(missing) > _MOST:
            self.__init__()  # type: ignore[misc]
            missing[:] = True
        return place, missing

    def add(self, keys: NDArray[np.int64], glyphs: dict[str, NDArray[Any]], counts: NDArray[np.intp]) -> None:
        """Add new keys, and their glyphs: `counts` of each, in columns."""
        at = len(self._columns["glyph"])
        self._columns = {name: np.append(rows, glyphs[name]) for name, rows in self._columns.items()}
        added = keys, at + np.cumsum(counts) - counts, counts
        known, first, count = (np.append(old, new) for old, new in zip(self._index, added, strict=True))
        order = stable_order(known)
        self._index = known[order], first[order], count[order]

    def joined(self, glyphs: Glyphs, source: NDArray[np.intp], at: NDArray[np.intp]) -> Glyphs:
        """Return the glyphs of units in order.

        Args:
            glyphs: glyphs of other units.
            source: [u] the number of the unit of `glyphs` that a unit is, or -1 if it has a key.
            at: [u] the place of the key of each unit that has one.
        """
        _, first, count = self._index
        shaped = np.bincount(glyphs.unit, minlength=int(source.max(initial=0)) + 1)
        room = len(self._columns["glyph"])
        starts, counts = room + np.cumsum(shaped) - shaped, shaped
        has_key = source < 0
        start = np.where(has_key, first[at], starts[source])
        number = np.where(has_key, count[at], counts[source])
        rows = ranges(start, number)
        columns = {name: np.append(self._columns[name], getattr(glyphs, name))[rows] for name in _COLUMNS}
        return Glyphs(
            unit=np.repeat(np.arange(len(source), dtype=np.int32), number),
            cluster=np.append(np.zeros(room, np.int32), glyphs.cluster)[rows],
            **columns,
        )

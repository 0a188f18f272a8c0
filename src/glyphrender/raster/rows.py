"""`Rows`: glyphs of one face on their baselines, which a canvas is asked to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: A row of glyphs: (baseline, glyph ids, x of each glyph).
Row: TypeAlias = tuple[float, Sequence[int] | NDArray[Any], Sequence[float] | NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Glyphs on baselines, in pixels from the top left corner, y down.

    Attributes:
        baseline: [n] y of each row.
        bounds: [n + 1] number of the first glyph of each row.
        glyph: [g] glyph ids.
        x: [g] x of each glyph's origin.
    """

    baseline: NDArray[np.float64]
    bounds: NDArray[np.intp]
    glyph: NDArray[np.uint32]
    x: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Rows:
        """Return `rows` as columns.

        >>> Rows.of([(10.0, [36, 68], [1.0, 7.5]), (20.0, [36], [1.0])]).bounds.tolist()
        [0, 2, 3]
        """
        return cls(
            baseline=np.array([y for y, _, _ in rows], np.float64),
            bounds=np.cumsum([0, *(len(glyphs) for _, glyphs, _ in rows)], dtype=np.intp),
            glyph=np.concatenate([np.zeros(0, np.uint32), *(np.asarray(glyphs, np.uint32) for _, glyphs, _ in rows)]),
            x=np.concatenate([np.zeros(0), *(np.asarray(x, np.float64) for _, _, x in rows)]),
        )

    def lists(self) -> list[tuple[float, list[int], list[float]]]:
        """Return the rows that have glyphs."""
        glyph, x, bounds = self.glyph.tolist(), self.x.tolist(), self.bounds.tolist()
        return [
            (y, glyph[start:stop], x[start:stop])
            for y, start, stop in zip(self.baseline.tolist(), bounds[:-1], bounds[1:], strict=True)
            if stop > start
        ]

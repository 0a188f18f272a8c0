"""`Rows` and `GlyphRuns`: glyphs of one face on their baselines, which a canvas is asked to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.runs import ranges

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

    @property
    def first(self) -> NDArray[np.intp]:
        """[n] number of the first glyph of each row."""
        return self.bounds[:-1]

    @property
    def last(self) -> NDArray[np.intp]:
        """[n] number of the glyph after the last one of each row."""
        return self.bounds[1:]

    @property
    def count(self) -> int:
        """The number of all glyphs."""
        return len(self.glyph)

    @property
    def gathered(self) -> Rows:
        """These rows, for callers that may have `GlyphRuns`."""
        return self

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

    @classmethod
    def in_one(cls, parts: Sequence[Rows | GlyphRuns]) -> Rows:
        """Return the rows of several parts, from the highest baseline to the lowest.

        >>> low, high = Rows.of([(20.0, [36], [1.0])]), Rows.of([(10.0, [37, 38], [1.0, 2.0])])
        >>> Rows.in_one([low, high]).glyph.tolist()
        [37, 38, 36]
        """
        rows = [part.gathered for part in parts]
        baseline = np.concatenate([each.baseline for each in rows])
        count = np.concatenate([np.diff(each.bounds) for each in rows])
        order = np.argsort(baseline, kind="stable")
        at = ranges((np.cumsum(count) - count)[order], count[order])
        return cls(
            baseline=baseline[order],
            bounds=np.append(0, np.cumsum(count[order])),
            glyph=np.concatenate([each.glyph for each in rows])[at],
            x=np.concatenate([each.x for each in rows])[at],
        )

    def lists(self) -> list[tuple[float, list[int], list[float]]]:
        """Return the rows that have glyphs."""
        glyph, x, bounds = self.glyph.tolist(), self.x.tolist(), self.bounds.tolist()
        return [
            (y, glyph[start:stop], x[start:stop])
            for y, start, stop in zip(self.baseline.tolist(), bounds[:-1], bounds[1:], strict=True)
            if stop > start
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class GlyphRuns:
    """Glyphs on baselines among glyphs of other faces, in the order in which they are drawn. Nothing is copied.

    Attributes:
        baseline: [n] y of each run.
        first: [n] number of the first glyph of each run.
        last: [n] number of the glyph after the last one of each run.
        glyph: [g] glyph ids, of all faces.
        x: [g] x of each glyph's origin.
        count: the number of glyphs of all runs.
    """

    baseline: NDArray[np.float64]
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    glyph: NDArray[np.uint32]
    x: NDArray[np.float64]
    count: int

    @property
    def gathered(self) -> Rows:
        """The runs as rows: runs on one baseline, one after the other, are one row.

        >>> glyph, x = np.array([7, 8, 9], np.uint32), np.array([1.0, 2.0, 3.0])
        >>> y, first, last = np.array([5.0, 5.0]), np.array([0, 2]), np.array([1, 3])
        >>> runs = GlyphRuns(baseline=y, first=first, last=last, glyph=glyph, x=x, count=2)
        >>> runs.gathered.bounds.tolist(), runs.gathered.x.tolist()
        ([0, 2], [1.0, 3.0])
        """
        count = self.last - self.first
        at = ranges(self.first, count)
        begins = np.append(True, self.baseline[1:] != self.baseline[:-1])[: len(count)]
        ends = np.append(0, np.cumsum(count))
        return Rows(
            baseline=self.baseline[begins],
            bounds=np.append(ends[:-1][begins], ends[-1]),
            glyph=self.glyph[at],
            x=self.x[at],
        )

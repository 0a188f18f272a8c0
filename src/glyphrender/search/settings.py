"""The numbers that decide how far a search goes, checked before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from glyphrender._system.counts import checked_count
from glyphrender.errors import DataError
from glyphrender.search.evaluation import Evaluator
from glyphrender.search.result import FINAL_FACTOR, Budget

__all__ = ["SampleSizes", "SearchSettings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchSettings:
    """Numbers that say how far a search goes; see `search` for their meaning.

    Raises:
        DataError: a number is out of range.
    """

    rounds: int
    steps: int
    budget: Budget
    seed: int
    jobs: int
    max_error: float

    def __post_init__(self) -> None:
        for name in ("rounds", "steps", "jobs"):
            checked_count(getattr(self, name), name)
        if not 0 < self.max_error <= 1:
            raise DataError(f"max_error={self.max_error} is no share. Use a number above 0, up to 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleSizes:
    """Numbers of tasks that a θ is read on.

    Attributes:
        rungs: sizes of the halving, rising.
        final: size of the last sample, on which the front is read again.
    """

    rungs: tuple[int, ...]
    final: int

    @classmethod
    def of(cls, evaluator: Evaluator, rungs: Sequence[int] | None) -> Self:
        """Return the sizes that were asked for, or else those that the evaluator asks for, or else (1, 3, 10).

        Raises:
            DataError: the sizes do not rise, or the evaluator has fewer tasks.
        """
        sizes: tuple[int, ...] = tuple(rungs if rungs is not None else getattr(evaluator, "rungs", (1, 3, 10)))
        if not sizes or list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
            raise DataError(f"rungs={sizes} do not rise. Use sample sizes as (2, 6, 20).")
        available: int | None = getattr(evaluator, "available", None)
        if available is not None and sizes[-1] > available:
            raise DataError(
                f"rungs={sizes} ask for more than the {available} tasks of {evaluator.name}. Use smaller ones."
            )
        final = FINAL_FACTOR * sizes[-1]
        return cls(rungs=sizes, final=final if available is None else min(final, available))

"""What a search gives, and how much it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, log
from typing import Final

from glyphrender.errors import DataError
from glyphrender.search.candidate import Candidate
from glyphrender.search.pareto import Point, best, fronts

__all__ = [
    "Budget",
    "SearchProgress",
    "SearchResult",
    "ErrorSource",
    "conclude",
    "finalists",
    "objectives",
    "readable_front",
]

# Errors are compared by their logarithm, since 0.002 against 0.004 matters as 0.02 against 0.04 does; below this they
# are noise of the sample and count as alike.
_NOISE: Final = 1e-3
# At most so many are read again.
_FINALISTS: Final = 24
# The final sample is so many times the largest of the search, or all tasks there are.
FINAL_FACTOR: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Caps on a search; None where there is none. Reading the final front again comes on top of them.

    Attributes:
        evaluations: calls of the evaluator.
        samples: tasks of all calls together, as excerpts read.
        seconds: of time passed, those before a resumption included.

    Raises:
        DataError: a cap below 1.
    """

    evaluations: int | None = None
    samples: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("evaluations", "samples", "seconds"):
            value = getattr(self, name)
            if value is not None and not value >= 1:
                raise DataError(f"budget {name}={value} allows nothing. Use 1 or more, or leave it out.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchProgress:
    """How far a search is.

    Attributes:
        round, step, of: the round, the steps done and all steps asked for.
        evaluations, samples: asked of the evaluator so far.
        seconds: so far.
        front: the best so far, by ρ.
        hypervolume: of that front.
    """

    round: int
    step: int
    of: int
    evaluations: int
    samples: int
    seconds: float
    front: tuple[Candidate, ...]
    hypervolume: float


class ErrorSource(StrEnum):
    """What the errors of a front are of: the best of many noisy readings flatters itself until it is read again."""

    READ_AGAIN = "read again"
    """Of a final sample that the search had not seen."""
    SEEN = "seen"
    """Of all tasks that the evaluator has, so that those of the search are among them."""
    ABOVE = "above max_error"
    """Of the final sample, on which no θ is within `max_error` any more."""
    SEARCH = "search"
    """Of the search itself: it is under way, or the budget did not allow to read all of the front again."""

    @property
    def caveat(self) -> str:
        """What a reader of the front has to know, in a sentence or two; empty where it is as it should be."""
        return _CAVEATS[self]


_CAVEATS: Final = {
    ErrorSource.READ_AGAIN: "",
    ErrorSource.SEEN: "The front was read again on all tasks there are, which the search had seen some or all of. "
    "Its errors are likely too low.",
    ErrorSource.ABOVE: "No θ of the final sample is within max_error. This front is of more error than was asked for.",
    ErrorSource.SEARCH: "The front was not read again on a final sample. Its errors are likely too low.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """What a search found.

    Attributes:
        candidates: all, in order of their steps; those of the front with their evaluation on the final sample.
        front: those that no other beats in both error and ρ, from the least ρ to the greatest.
        standing: what the errors of the front are of; on the final sample, if all is well.
        hypervolumes: of the front after each round, before it was read again.
        evaluations, samples, seconds: what it cost.
        stopped: why it ended: "rounds", "no growth", "exhausted", or the cap of the budget that was reached.
    """

    candidates: tuple[Candidate, ...]
    front: tuple[Candidate, ...]
    error_source: ErrorSource
    hypervolumes: tuple[float, ...]
    evaluations: int
    samples: int
    seconds: float
    stopped: str

    def knee(self) -> Candidate:
        """The θ of the front from which both error and ρ are dearest to improve: the nearest to the ideal corner.

        Raises:
            DataError: the front is empty.
        """
        points = [objectives(candidate) for candidate in self._some()]
        spans = [(min(axis), (max(axis) - min(axis)) or 1.0) for axis in zip(*points, strict=True)]
        far = [sum(((x - low) / span) ** 2 for x, (low, span) in zip(p, spans, strict=True)) for p in points]
        return self.front[far.index(min(far))]

    def at_error(self, error: float) -> Candidate:
        """The θ of greatest ρ whose error is at most `error`.

        Raises:
            DataError: there is none.
        """
        found = [candidate for candidate in self._some() if candidate.error <= error]
        if not found:
            least = min(candidate.error for candidate in self.front)
            raise DataError(f"no θ of the front has an error of at most {error:g}; the least is {least:g}.")
        return max(found, key=lambda candidate: candidate.rho)

    def at_rho(self, rho: float) -> Candidate:
        """The θ of least error whose ρ is at least `rho`.

        Raises:
            DataError: there is none.
        """
        found = [candidate for candidate in self._some() if candidate.rho >= rho]
        if not found:
            most = max(candidate.rho for candidate in self.front)
            raise DataError(f"no θ of the front has a ρ of at least {rho:g}; the most is {most:g}.")
        return min(found, key=lambda candidate: candidate.error)

    def _some(self) -> Sequence[Candidate]:
        if not self.front:
            raise DataError("the front is empty: no θ was read within max_error. Allow larger type, or more error.")
        return self.front


def objectives(candidate: Candidate, max_error: float = 0.1) -> Point:
    """(log error, 1/ρ), the former from 0 for no error to 1 for `max_error`, both to be made small."""
    error, rho = candidate.error, candidate.rho
    if error == inf or rho <= 0:
        return inf, inf
    return log(1 + error / _NOISE) / log(1 + max_error / _NOISE), 1 / rho


def readable_front(candidates: Sequence[Candidate], max_error: float) -> list[Candidate]:
    """Those within `max_error` that no other dominates, from the least ρ to the greatest."""
    readable = [candidate for candidate in candidates if candidate.error <= max_error]
    ranked = fronts([objectives(candidate, max_error) for candidate in readable])
    return sorted((readable[index] for index in ranked[0]), key=lambda c: c.rho) if ranked else []


def finalists(searched: Sequence[Candidate], max_error: float) -> list[Candidate]:
    """Those to be read again of all that were read on the largest sample: the best within `max_error`."""
    readable = [candidate for candidate in searched if candidate.error <= max_error]
    kept = best([objectives(candidate, max_error) for candidate in readable], _FINALISTS)
    return [readable[index] for index in sorted(kept)]


def conclude(
    searched: Sequence[Candidate], final: Sequence[Candidate], max_error: float
) -> tuple[list[Candidate], ErrorSource]:
    """The front, and what it is of.

    Args:
        searched: with their evaluations on the largest sample of the search.
        final: those of them that were read again, with their evaluations on the final sample.
        max_error: of θ that are of use.
    """
    if not final or len(final) < len(finalists(searched, max_error)):  # the front of some would be that of the first
        return readable_front(searched, max_error), ErrorSource.SEARCH
    if not (front := readable_front(final, max_error)):
        return readable_front(final, max(candidate.error for candidate in final)), ErrorSource.ABOVE
    seen = max(_samples(candidate) for candidate in final) < FINAL_FACTOR * max(
        _samples(candidate) for candidate in searched
    )
    return front, ErrorSource.SEEN if seen else ErrorSource.READ_AGAIN


def _samples(candidate: Candidate) -> int:
    return candidate.evaluation.samples if candidate.evaluation is not None else 0

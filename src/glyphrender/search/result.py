"""The result of a search, its progress, and the caps on its cost."""

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
    "FINALISTS",
    "conclude",
    "finalists",
    "objectives",
    "readable_front",
]

# Errors are compared by their logarithm, because the step from 0.002 to 0.004 matters as much as that from 0.02 to
# 0.04. Errors below this value are noise of the sample and count as alike.
_NOISE: Final = 1e-3
# Highest number of candidates that are read again.
FINALISTS: Final = 24
# The final sample has this many times the tasks of the largest sample of the search, or all tasks there are.
FINAL_FACTOR: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Caps on a search; None means no cap. The final reading of the front comes on top of them.

    Attributes:
        evaluations: calls of the evaluator.
        samples: tasks of all calls together, such as excerpts read.
        seconds: time passed, including the time before a resumption.

    Raises:
        DataError: a cap is below 1.
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
    """The progress of a search, after each reading of a θ and after each batch.

    Attributes:
        round: number of the round.
        step: steps done, by whole batches.
        of: all steps asked for.
        evaluations: calls of the evaluator so far.
        samples: tasks of these calls.
        seconds: time passed.
        front: the best candidates so far, by ρ.
        hypervolume: hypervolume of that front.
        expected: tasks of all calls, the last reading of the front included, if no round ends the search early.
        final: whether the front is being read again, which ends the search.
    """

    round: int
    step: int
    of: int
    evaluations: int
    samples: int
    seconds: float
    front: tuple[Candidate, ...]
    hypervolume: float
    expected: int
    final: bool

    @property
    def seconds_left(self) -> float | None:
        """The seconds that the rest takes at the speed so far, or None before the first reading."""
        return self.seconds / self.samples * max(0, self.expected - self.samples) if self.samples else None


class ErrorSource(StrEnum):
    """The sample that the errors of a front were measured on.

    The sample matters because the best of many noisy readings looks better than it is, until it is read again.
    """

    READ_AGAIN = "read again"
    """The errors are those of a final sample that the search had not seen."""
    SEEN = "seen"
    """The errors are those of all tasks that the evaluator has, so the tasks of the search are among them."""
    ABOVE = "above max_error"
    """The errors are those of the final sample, on which no θ is within `max_error` any more."""
    SEARCH = "search"
    """The errors are those of the search: it is under way, or the budget was too small to read all of the front again.
    """

    @property
    def caveat(self) -> str:
        """A warning for readers of the front, in a sentence or two; empty if there is nothing to warn of."""
        return _CAVEATS[self]


_CAVEATS: Final = {
    ErrorSource.READ_AGAIN: "",
    ErrorSource.SEEN: "The front was read again on all tasks there are, and the search had seen some or all of them. "
    "Its errors are likely too low.",
    ErrorSource.ABOVE: "No candidate of the final sample is within max_error. "
    "This front has more error than was asked for.",
    ErrorSource.SEARCH: "The front was not read again on a final sample. Its errors are likely too low.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """The result of a search.

    Attributes:
        candidates: all candidates in the order of their steps; those of the front have their evaluation on the final
            sample.
        front: candidates that no other beats in both error and ρ, from the least ρ to the greatest.
        error_source: the sample that the errors of the front were measured on; the final one, if all is well.
        hypervolumes: hypervolume of the front after each round, before it was read again.
        evaluations: calls of the evaluator.
        samples: tasks of these calls.
        seconds: time passed.
        stopped: why the search ended: "rounds", "no growth", "exhausted", or the cap of the budget that was reached.
    """

    candidates: tuple[Candidate, ...]
    front: tuple[Candidate, ...]
    error_source: ErrorSource
    hypervolumes: tuple[float, ...]
    evaluations: int
    samples: int
    seconds: float
    stopped: str

    def _repr_html_(self) -> str:
        from glyphrender.report.notebook import cell, plot_image
        from glyphrender.search.front_table import front_table
        from glyphrender.search.plot import front_plot

        winner = self.knee() if self.front else None
        about = f"{len(self.candidates):,} θ, {self.evaluations:,} evaluations of {self.samples:,} samples. ★: knee()"
        plot = plot_image(front_plot(self.candidates, self.front, winner=winner), alt="ρ against error")
        return cell(about, self.error_source.caveat, plot, front_table(self.front, winner=winner))

    def knee(self) -> Candidate:
        """Return the candidate of the front that is nearest to the ideal corner (least error, greatest ρ).

        Beyond this candidate, a small gain in one costs much of the other.

        Raises:
            DataError: the front is empty.
        """
        points = [objectives(candidate) for candidate in self._some()]
        spans = [(min(axis), (max(axis) - min(axis)) or 1.0) for axis in zip(*points, strict=True)]
        far = [sum(((x - low) / span) ** 2 for x, (low, span) in zip(p, spans, strict=True)) for p in points]
        return self.front[far.index(min(far))]

    def at_error(self, error: float) -> Candidate:
        """Return the candidate of greatest ρ whose error is at most `error`.

        Raises:
            DataError: there is none.
        """
        found = [candidate for candidate in self._some() if candidate.error <= error]
        if not found:
            least = min(candidate.error for candidate in self.front)
            raise DataError(f"no candidate of the front has an error of at most {error:g}; the least is {least:g}.")
        return max(found, key=lambda candidate: candidate.rho)

    def at_rho(self, rho: float) -> Candidate:
        """Return the candidate of least error whose ρ is at least `rho`.

        Raises:
            DataError: there is none.
        """
        found = [candidate for candidate in self._some() if candidate.rho >= rho]
        if not found:
            most = max(candidate.rho for candidate in self.front)
            raise DataError(f"no candidate of the front has a ratio of at least {rho:g}; the most is {most:g}.")
        return min(found, key=lambda candidate: candidate.error)

    def _some(self) -> Sequence[Candidate]:
        if self.front:
            return self.front
        if self.stopped in ("rounds", "no growth", "exhausted"):
            raise DataError("the front is empty: no candidate is within max_error. Allow larger type, or more error.")
        raise DataError(f"the front is empty, and the search was stopped ({self.stopped}). Give it a larger budget.")


def objectives(candidate: Candidate, max_error: float = 0.1) -> Point:
    """Return (log error, 1/ρ), both to be made small; the former goes from 0 for no error to 1 for `max_error`."""
    error, rho = candidate.error, candidate.rho
    if error == inf or rho <= 0:
        return inf, inf
    return log(1 + error / _NOISE) / log(1 + max_error / _NOISE), 1 / rho


def readable_front(candidates: Sequence[Candidate], max_error: float) -> list[Candidate]:
    """Return the candidates within `max_error` that no other dominates, from the least ρ to the greatest."""
    readable = [candidate for candidate in candidates if candidate.error <= max_error]
    ranked = fronts([objectives(candidate, max_error) for candidate in readable])
    return sorted((readable[index] for index in ranked[0]), key=lambda c: c.rho) if ranked else []


def finalists(searched: Sequence[Candidate], max_error: float) -> list[Candidate]:
    """Return the candidates to read again: the best within `max_error` of those read on the largest sample."""
    readable = [candidate for candidate in searched if candidate.error <= max_error]
    kept = best([objectives(candidate, max_error) for candidate in readable], FINALISTS)
    return [readable[index] for index in sorted(kept)]


def conclude(
    searched: Sequence[Candidate], final: Sequence[Candidate], max_error: float
) -> tuple[list[Candidate], ErrorSource]:
    """Return the front, and the sample that its errors were measured on.

    Args:
        searched: candidates with their evaluations on the largest sample of the search.
        final: those of them that were read again, with their evaluations on the final sample.
        max_error: a θ of more error is of no use.
    """
    # A front of some finalists would be the front of those that happened to be read first.
    if not final or len(final) < len(finalists(searched, max_error)):
        return readable_front(searched, max_error), ErrorSource.SEARCH
    if not (front := readable_front(final, max_error)):
        return readable_front(final, max(candidate.error for candidate in final)), ErrorSource.ABOVE
    seen = max(_samples(candidate) for candidate in final) < FINAL_FACTOR * max(
        _samples(candidate) for candidate in searched
    )
    return front, ErrorSource.SEEN if seen else ErrorSource.READ_AGAIN


def _samples(candidate: Candidate) -> int:
    return candidate.evaluation.samples if candidate.evaluation is not None else 0

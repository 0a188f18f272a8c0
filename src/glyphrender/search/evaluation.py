"""The result of evaluating one θ, and the evaluators: any function from θ to an error with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isnan
from typing import Any, Protocol, runtime_checkable

from glyphrender.errors import DataError
from glyphrender.theta import Theta

__all__ = ["Evaluation", "Evaluator"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The result of one θ on sampled tasks.

    Attributes:
        error: the figure that the search minimizes, such as a character error rate or the share of wrong answers. 0
            means that everything was right.
        low, high: ends of its 95% interval.
        samples: number of tasks that the error was measured on.
        details: JSON values for people and proposers. Some keys have a meaning: "confusions" is a list of [true, read,
            count], the most frequent first ("" stands for nothing); "characters" is the number that `error` is a share
            of; "identifiers" is an object with "error", "exact" and "of".

    Raises:
        DataError: `error` is negative or no number, or an end of the interval is no number.
    """

    error: float
    low: float
    high: float
    samples: int
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("error", "low", "high"):
            object.__setattr__(self, name, float(getattr(self, name)))  # numpy's floats are no JSON values
        # Comparisons with NaN are always false, so a front with a NaN in it would be wrong.
        if not 0 <= self.error < inf or isnan(self.low) or isnan(self.high):
            raise DataError(
                f"an error of {self.error} in [{self.low}, {self.high}] cannot be compared. Give a number from 0 up."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {
            "error": self.error,
            "low": self.low,
            "high": self.high,
            "samples": self.samples,
            "details": dict(self.details),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation that `to_dict` wrote."""
        return cls(**values)


@runtime_checkable
class Evaluator(Protocol):
    """A function that measures the error of a θ. Equal arguments should give equal results, because results are reused.

    Three attributes are optional. `rungs: tuple[int, ...]` are the sample sizes that suit it, the smallest first.
    `available: int | None` is the number of its tasks, if that number is limited. `concurrency: str` says where it may
    run: in "processes" (the default; each forked process has its own copy), or in "threads", for an evaluator that
    waits for a server or keeps count of something.
    """

    @property
    def name(self) -> str:
        """A name that says what is measured, on which data and how. Equal names mean equal results."""

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        """Return the error of `theta` on `samples` tasks drawn with `seed`.

        The tasks of a smaller sample should be the first of a larger one, and the same for every θ, so that θ are
        compared on equal terms.
        """

"""What an evaluator says of one θ, and what an evaluator is: any function from θ to an error with an interval."""

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
    """How well one θ did on sampled tasks.

    Attributes:
        error: what the search minimises: 0 where everything was right, as a character error rate or the share of
            wrong answers.
        low, high: its 95% interval.
        samples: tasks it was measured on.
        details: JSON values for people and proposers. Known keys, each where it is measured: "confusions", a list of
            [true, read, count], the most frequent first ("" for nothing); "characters", what `error` is a share of;
            "identifiers", an object with "error", "exact" and "of".

    Raises:
        DataError: `error` is negative or no number, or an end of the interval is none.
    """

    error: float
    low: float
    high: float
    samples: int
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("error", "low", "high"):
            object.__setattr__(self, name, float(getattr(self, name)))  # numpy's smaller floats are no JSON values
        # Nothing compares with NaN, and a front in which one stands is no front.
        if not 0 <= self.error < inf or isnan(self.low) or isnan(self.high):
            raise DataError(
                f"an error of {self.error} in [{self.low}, {self.high}] cannot be compared. Give a number from 0 up."
            )

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return {
            "error": self.error,
            "low": self.low,
            "high": self.high,
            "samples": self.samples,
            "details": dict(self.details),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """What `to_dict` gave."""
        return cls(**values)


@runtime_checkable
class Evaluator(Protocol):
    """What judges a θ. Equal arguments should give equal results: they are journalled, and not asked for twice.

    Three attributes are optional. `rungs: tuple[int, ...]` is the sample sizes it does well with, the least first;
    `available: int | None` how many tasks it has, where more cannot be had; and `concurrency: str` where it may run:
    "processes" (the default; each forked process has its own copy), or "threads", for one that waits for a server or
    keeps count of something.
    """

    @property
    def name(self) -> str:
        """What is measured, on what and how: equal names mean equal results."""

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        """The error of `theta` on `samples` tasks drawn with `seed`.

        The tasks of a smaller sample should be the first of a larger one, and the same for every θ, so that θ are
        compared on equal terms.
        """

"""Measure how a model reads: the battery over a ladder of θ, beside plain text, with a price before it starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

from glyphrender.evals.arms import Arm, Condition, Poser
from glyphrender.evals.item import Benchmark
from glyphrender.evals.profile.battery import Verdict
from glyphrender.evals.runner import Run, run
from glyphrender.inference.model import Model
from glyphrender.inference.replies import RequestBudget
from glyphrender.models.prices import Price
from glyphrender.tasks.statistics import Interval, wilson
from glyphrender.theta import Theta

__all__ = ["Estimate", "Tally", "cells", "conditions_of_ladder", "estimate", "measure"]

#: Seconds that a hosted model takes for a short reply, for the estimate.
SECONDS: Final = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """The requests, tokens, price and time of a profile, computed before it starts.

    Attributes:
        requests: number of requests.
        text_tokens: tokens of all text in the prompts, by our count.
        image_tokens: visual tokens of all pages.
        output_tokens: most tokens of all replies.
        dollars: the price, at most: with full replies. None without a price.
        minutes: time at 6 s a request.
    """

    requests: int
    text_tokens: int
    image_tokens: int
    output_tokens: int
    dollars: float | None
    minutes: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """The replies to one kind of question in one condition.

    Attributes:
        kind: the kind of question.
        condition: name of the condition: "text", or a rung of the ladder.
        right, abstained, wrong: numbers of replies.
        missing: number of questions without a reply, or with an empty one. They count as not right.
    """

    kind: str
    condition: str
    right: int
    abstained: int
    wrong: int
    missing: int = 0

    @property
    def count(self) -> int:
        """Return the number of questions."""
        return self.right + self.abstained + self.wrong + self.missing

    @property
    def share(self) -> Interval:
        """Return the share of right replies with its 95% interval, by Wilson's score."""
        return wilson(self.right / self.count, self.count)


def conditions_of_ladder(rungs: Mapping[str, Theta]) -> tuple[Condition, ...]:
    """Return plain text, and pages under each θ."""
    pages = (Condition(arm=Arm.PAGES, theta=theta, name=name) for name, theta in rungs.items())
    return (Condition(arm=Arm.TEXT, theta=None, name="text"), *pages)


def estimate(
    benchmark: Benchmark,
    conditions: Sequence[Condition],
    poser: Poser,
    *,
    price: Price | None = None,
    concurrency: int = 8,
    thinking_tokens: int = 0,
) -> Estimate:
    """Return requests, tokens, price and time of a profile. Pages are laid out and not drawn; nothing is sent.

    Raises:
        ThetaError, FontError, TokenizerError, DependencyError: see `Poser.pose`.
    """
    costs = [poser.cost(item, condition) for item in benchmark.items for condition in conditions]
    output = sum(item.max_tokens + thinking_tokens for item in benchmark.items) * len(conditions)
    text, images = sum(cost.text_tokens for cost in costs), sum(cost.image_tokens + cost.overhead for cost in costs)
    paid = None if price is None else price.cost(text_tokens=text, image_tokens=images, output_tokens=output)
    return Estimate(
        requests=len(costs),
        text_tokens=text,
        image_tokens=images,
        output_tokens=output,
        dollars=paid,
        minutes=math.ceil(len(costs) / concurrency) * SECONDS / 60,
    )


def measure(
    model: Model,
    benchmark: Benchmark,
    rungs: Mapping[str, Theta],
    *,
    poser: Poser,
    replies: str | PathLike[str],
    budget: RequestBudget | None = None,
    price: Price | None = None,
    concurrency: int = 8,
    thinking_tokens: int = 0,
    sampling: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Run:
    """Ask a model the battery as text and under each θ of a ladder; see `evals.runner.run` for arguments and errors.

    A run that was interrupted goes on where it was, if `replies` is the same file.
    """
    return run(
        benchmark,
        model,
        conditions=conditions_of_ladder(rungs),
        poser=poser,
        replies=replies,
        budget=budget,
        price=price,
        concurrency=concurrency,
        thinking_tokens=thinking_tokens,
        sampling=sampling,
        progress=progress,
    )


def cells(verdicts: Sequence[tuple[str, str, Verdict]]) -> list[Tally]:
    """Return one cell for each kind and condition, from (kind, condition, verdict) of each reply, in their order.

    >>> cells([("exact", "text", "right"), ("exact", "text", "abstained")])[0].share.mean
    0.5
    """
    counted: dict[tuple[str, str], dict[str, int]] = {}
    for kind, condition, found in verdicts:
        counts = counted.setdefault((kind, condition), {"right": 0, "abstained": 0, "wrong": 0, "missing": 0})
        counts[found] += 1
    return [Tally(kind=kind, condition=name, **counts) for (kind, name), counts in counted.items()]

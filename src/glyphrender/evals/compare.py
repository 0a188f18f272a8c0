"""Two conditions on the same items: the paired difference with its interval, and McNemar's test.

A paired comparison is far sharper than two intervals side by side, because most of the variance is between items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

from glyphrender._system.arguments import all_of, checked, instance
from glyphrender.errors import DataError
from glyphrender.evals.outcome import Outcome
from glyphrender.tasks.statistics import Interval, bootstrap

__all__ = ["Comparison", "compare", "comparisons", "mcnemar"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The comparison of two conditions.

    Attributes:
        first, second: names of the conditions.
        difference: mean of (value of `first` − value of `second`) over items, with its 95% interval by a bootstrap over
            items.
        better, worse: items on which `first` is better, and worse.
        p: p of McNemar's exact test, two-sided. With scores other than 0 and 1, it is the sign test, which is the same
            formula.
        count: number of items.
    """

    first: str
    second: str
    difference: Interval
    better: int
    worse: int
    p: float
    count: int


def mcnemar(better: int, worse: int) -> float:
    """Return p of McNemar's exact test: the two-sided binomial test of the items on which two conditions differ.

    >>> mcnemar(9, 1), mcnemar(0, 0)
    (0.021484375, 1.0)

    Source: McNemar, Psychometrika 12 (1947), in its exact form; the same as `scipy.stats.binomtest(b, b + c).pvalue`.
    """
    total, least = better + worse, min(better, worse)
    if better == worse:
        return 1.0
    tail = sum(comb(total, count) for count in range(least + 1))
    return float(min(1.0, 2 * tail / 2**total))


_OUTCOMES = all_of("a list of outcomes", instance("an Outcome", Outcome))


@checked(first=_OUTCOMES, second=_OUTCOMES)
def compare(first: Sequence[Outcome], second: Sequence[Outcome], *, seed: int = 0) -> Comparison:
    """Return the comparison of two conditions, whose outcomes are of the same items in the same order.

    Raises:
        DataError: the items differ, or there are none.
    """
    keys = [each.item.key for each in first]
    if not keys or keys != [each.item.key for each in second]:
        raise DataError("two conditions were not asked the same items. Compare conditions of one run.")
    differences = [one.value - other.value for one, other in zip(first, second, strict=True)]
    better = sum(difference > 0 for difference in differences)
    worse = sum(difference < 0 for difference in differences)
    return Comparison(
        first=first[0].condition,
        second=second[0].condition,
        difference=bootstrap(differences, seed=seed),
        better=better,
        worse=worse,
        p=mcnemar(better, worse),
        count=len(keys),
    )


def comparisons(by_condition: Sequence[Sequence[Outcome]]) -> tuple[Comparison, ...]:
    """Return the comparisons of each two conditions, in order."""
    return tuple(compare(one, other) for one, other in combinations(by_condition, 2))

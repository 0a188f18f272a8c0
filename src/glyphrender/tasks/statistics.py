"""95% intervals of error rates: Wilson's score, a bootstrap, and the interval of a weighted mean.

Use `wilson` for answers that are right or wrong, and for few values. Use `bootstrap` for graded values. Use
`error_rate_interval` for the errors of a long text, which come in clumps. Use `weighted_mean` to combine several of
these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "bootstrap", "error_rate_interval", "mean_interval", "weighted_mean", "wilson"]

#: 95% of a normal distribution lies within this many standard deviations of its mean.
_Z: Final = 1.96
# A bootstrap of fewer graded values is too narrow.
_FEWEST_RESAMPLED: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A mean with its 95% interval.

    Attributes:
        mean: the mean that was measured.
        low, high: ends of the interval.
    """

    mean: float
    low: float
    high: float


def wilson(mean: float, count: int) -> Interval:
    """Return the 95% interval of the mean of `count` values from 0 to 1, by Wilson's score.

    The interval is (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96. It is made for values that are 0 or
    1. It also holds for any values from 0 to 1, whose variance is at most that of a coin with the same mean. If all
    values are equal, this interval still has a width; the interval of a bootstrap then has none.

    >>> interval = wilson(1 / 5, 5)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.036, 0.624)
    """
    widening = 1 + _Z * _Z / count
    middle = (mean + _Z * _Z / (2 * count)) / widening
    half = _Z / widening * math.sqrt(max(0.0, mean * (1 - mean) / count + _Z * _Z / (4 * count * count)))
    return Interval(mean=mean, low=max(0.0, min(mean, middle - half)), high=min(1.0, max(mean, middle + half)))


def bootstrap(
    values: Sequence[float] | NDArray[Any], *, total: float | None = None, seed: int = 0, resamples: int = 1000
) -> Interval:
    """Return the 95% interval of sum(values) / total, by drawing the values again with replacement.

    Args:
        values: independent values, or the sums of independent blocks.
        total: the divisor; by default the number of values, which makes the result an interval of the mean.
        seed: seed of the draws; its sign does not matter.
        resamples: number of draws; the ends of the interval are quantiles of their results.

    >>> interval = bootstrap([0.0, 0.1, 0.1, 0.2], seed=1)
    >>> interval.low < interval.mean < interval.high
    True
    """
    array = np.asarray(values)
    divisor = len(array) if total is None else total
    drawn = np.random.default_rng(abs(seed)).integers(len(array), size=(resamples, len(array)))
    low, high = np.quantile(array[drawn].sum(1) / divisor, (0.025, 0.975)).tolist()
    return Interval(mean=sum(array.tolist()) / divisor, low=low, high=high)


def mean_interval(values: Sequence[float], *, graded: bool, seed: int = 0) -> Interval:
    """Return the mean of scores or errors from 0 to 1 with its 95% interval.

    Args:
        values: the values, at least one.
        graded: whether values are shares. Five or more shares that differ get a bootstrap. All others get Wilson's
            interval, which holds for few values and for values that are all equal.
        seed: seed of the bootstrap.

    >>> mean_interval([1.0, 1.0, 1.0], graded=False).low > 0.4
    True
    """
    if graded and len(values) >= _FEWEST_RESAMPLED and len(set(values)) > 1:
        return bootstrap(values, seed=seed)
    return wilson(sum(values) / len(values), len(values))


def error_rate_interval(wrong: Sequence[int] | NDArray[Any], characters: int, *, seed: int = 0) -> Interval:
    """Return the 95% interval of an error rate, from the errors in each block of a text.

    Errors come in clumps (a lost line, a garbled word), so whole blocks are drawn again, 400 times. The upper end is at
    least 3 / characters, the "rule of three": a text of n characters without an error leaves a rate of 3/n possible.

    Args:
        wrong: errors in each block.
        characters: characters of all blocks together.
        seed: seed of the draws.

    >>> error_rate_interval([0, 0, 0, 0], 2000).high
    0.0015
    """
    if not characters:
        return Interval(mean=0.0, low=0.0, high=1.0)
    found = bootstrap(wrong, total=characters, seed=seed, resamples=400)
    return Interval(mean=found.mean, low=found.low, high=max(found.high, 3 / characters))


def weighted_mean(terms: Sequence[tuple[float, Interval]]) -> Interval:
    """Return the 95% interval of a weighted mean of independent means, within 0 … 1.

    The method is MOVER (Zou and Donner, "Construction of confidence limits about effect measures", Stat. Med. 27,
    2008). Each term has a distance from its own mean to its end on the same side, times its share of the weights. The
    distance from the mean to an end of the result is the square root of the sum of the squares of these distances.

    Args:
        terms: (weight, interval) of each term. The weights need not add up to 1.

    >>> both = weighted_mean([(3, wilson(0.0, 3)), (1, wilson(1.0, 1))])
    >>> both.mean, round(both.low, 3), round(both.high, 3)
    (0.25, 0.052, 0.671)
    """
    total = sum(weight for weight, _ in terms)
    shares = [(weight / total, term) for weight, term in terms]
    mean = sum(share * term.mean for share, term in shares)
    below = math.hypot(*(share * (term.mean - term.low) for share, term in shares))
    above = math.hypot(*(share * (term.high - term.mean) for share, term in shares))
    return Interval(mean=mean, low=max(0.0, mean - below), high=min(1.0, mean + above))

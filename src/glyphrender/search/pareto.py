"""Rankings on two objectives, both to be small: fronts, crowding and hypervolume, as in NSGA-II (Deb et al. 2002).

In two dimensions a front is a sorted sweep, so this is a few lines of Python. pymoo has the same for any number of
dimensions, at the price of scipy, matplotlib, autograd and cma; the tests compare with it where it is installed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import inf

__all__ = ["best", "crowding", "fronts", "hypervolume", "tournament"]

#: (error, 1/ρ), or a monotone function of each.
Point = tuple[float, float]


def fronts(points: Sequence[Point]) -> list[list[int]]:
    """Return the indices of `points` by rank.

    No point dominates the first front, only points of the first front dominate the second, and so on.

    Equal points share a rank.

    >>> fronts([(1, 3), (2, 2), (3, 3)])
    [[0, 1], [2]]
    """
    order = sorted(range(len(points)), key=lambda index: points[index])
    ranked: list[list[int]] = []
    for index in order:
        point = points[index]
        for front in ranked:
            last = points[front[-1]]  # in the order of the sweep, the least in the second objective
            if point[1] < last[1] or point == last:
                front.append(index)
                break
        else:
            ranked.append([index])
    return ranked


def crowding(points: Sequence[Point]) -> list[float]:
    """Return how far apart the neighbors of each point of one front are; infinite at its ends."""
    distance = [0.0] * len(points)
    for axis in (0, 1):
        order = sorted(range(len(points)), key=lambda index: points[index][axis])
        if not order:
            break
        span = points[order[-1]][axis] - points[order[0]][axis]
        distance[order[0]] = distance[order[-1]] = inf
        for before, here, after in zip(order, order[1:], order[2:], strict=False):
            distance[here] += (points[after][axis] - points[before][axis]) / span if span else 0.0
    return distance


def best(points: Sequence[Point], count: int) -> list[int]:
    """Return the indices of the `count` best points, best first: by rank, and within a rank by crowding."""
    chosen: list[int] = []
    for front in fronts(points):
        if len(chosen) >= count:
            break
        distance = crowding([points[index] for index in front])
        chosen += [index for _, index in sorted(zip(distance, front, strict=True), key=lambda pair: -pair[0])]
    return chosen[:count]


def tournament(count: int, rng: random.Random) -> int:
    """Return the better of two indices drawn below `count`, where a lower index is better, as `best` orders them."""
    return min(rng.randrange(count), rng.randrange(count))


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Return the area that `points` dominate, up to `reference`.

    >>> hypervolume([(0.5, 0.5)], (1.0, 1.0))
    0.25
    """
    area, height = 0.0, reference[1]
    for x, y in sorted(points):
        if x < reference[0] and y < height:
            area += (reference[0] - x) * (height - y)
            height = y
    return area

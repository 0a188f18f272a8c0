"""Ranking: by its definition, and beside pymoo where that is installed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender.search.pareto import best, crowding, fronts, hypervolume

coordinates = st.integers(0, 12).map(lambda n: n / 12)
clouds = st.lists(st.tuples(coordinates, coordinates), max_size=30)


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[0] and one[1] <= other[1] and one != other


@given(clouds)
def test_a_front_is_what_nothing_left_dominates(points) -> None:
    left = set(range(len(points)))
    for front in fronts(points):
        assert set(front) == {i for i in left if not any(dominates(points[j], points[i]) for j in left)}
        left -= set(front)
    assert not left


@given(clouds)
def test_the_hypervolume_is_the_area_of_the_cells_that_are_dominated(points) -> None:
    cells = [((x + 0.5) / 12, (y + 0.5) / 12) for x in range(12) for y in range(12)]
    covered = sum(any(p[0] <= x and p[1] <= y for p in points) for x, y in cells)
    assert hypervolume(points, (1.0, 1.0)) == pytest.approx(covered / 144)


@given(clouds, st.integers(0, 30))
def test_the_best_are_whole_ranks_and_the_least_crowded_of_the_last(points, count) -> None:
    chosen = best(points, count)
    assert len(chosen) == len(set(chosen)) == min(count, len(points))
    rank = {index: number for number, front in enumerate(fronts(points)) for index in front}
    assert [rank[index] for index in chosen] == sorted(rank[index] for index in chosen)
    outside = set(range(len(points))) - set(chosen)
    assert not chosen or all(rank[index] >= rank[chosen[-1]] for index in outside)


def test_the_ends_of_a_front_are_least_crowded() -> None:
    assert crowding([(0, 1), (0.1, 0.9), (0.2, 0.8), (1, 0)]) == pytest.approx([float("inf"), 0.4, 1.8, float("inf")])


def test_pymoo_says_the_same() -> None:
    pytest.importorskip("pymoo")
    import random

    import numpy as np
    from pymoo.indicators.hv import HV
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    rng = random.Random(0)
    points = [(rng.random(), rng.random()) for _ in range(200)]
    theirs = NonDominatedSorting().do(np.array(points))
    assert [sorted(front) for front in fronts(points)] == [sorted(front.tolist()) for front in theirs]
    assert hypervolume(points, (1.0, 1.0)) == pytest.approx(float(HV(ref_point=np.ones(2))(np.array(points))))

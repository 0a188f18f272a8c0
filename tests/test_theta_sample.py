"""Theta.sample draws what the paper says it draws."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from strategies import FAMILIES

from glyphrender.errors import ThetaError
from glyphrender.theta import Theta
from glyphrender.theta.parameter import PAPER

DRAWS = 5000


@pytest.fixture(scope="module")
def sampled():
    rng = np.random.default_rng(2510_17800)
    return [Theta.sample(rng) for _ in range(DRAWS)]


def share(sampled, condition):
    return sum(map(condition, sampled)) / len(sampled)


@pytest.mark.slow
def test_resolutions_favour_normal_and_medium(sampled):
    assert share(sampled, lambda theta: 72 <= theta.dpi <= 300) > 0.75
    for low, high in ((45, 59), (60, 71), (72, 119), (301, 400)):
        assert 0 < share(sampled, lambda theta, low=low, high=high: low <= theta.dpi <= high) < 0.8
    assert {72, 80, 96, 100, 110, 120, 144, 150, 300} <= {theta.dpi for theta in sampled}


@pytest.mark.slow
def test_left_and_justify_dominate(sampled):
    counts = Counter(str(theta.alignment) for theta in sampled)
    assert set(counts) == {"LEFT", "JUSTIFY", "CENTER", "RIGHT"}
    assert min(counts["LEFT"], counts["JUSTIFY"]) > 5 * max(counts["CENTER"], counts["RIGHT"])


def test_every_named_value_occurs(sampled):
    assert {theta.font_size for theta in sampled} == {7, 7.5, 8, 9, 9.5, 10, 11, 12, 14}
    assert {theta.line_height - theta.font_size for theta in sampled} == {0, 1, 2, 3}
    assert {theta.font for theta in sampled} == set(FAMILIES)
    assert set(PAPER.values()) <= {theta.page_size for theta in sampled}
    assert {theta.newline_marker is None for theta in sampled} == {True, False}
    assert {theta.font_italic for theta in sampled} == {True, False}
    assert {theta.border_width > 0 for theta in sampled} == {True, False}


def test_margins_follow_three_patterns_between_10_and_40(sampled):
    assert all(10 <= margin <= 40 for theta in sampled for margin in (theta.margin_x, theta.margin_y))
    assert share(sampled, lambda theta: theta.margin_x == theta.margin_y) > 0.4
    assert share(sampled, lambda theta: theta.margin_x < theta.margin_y) > 0.15
    assert share(sampled, lambda theta: theta.margin_x > theta.margin_y) > 0.15


def test_indents_are_none_first_line_block_or_hanging(sampled):
    assert share(sampled, lambda theta: theta.first_line_indent > 0) > 0.1
    assert share(sampled, lambda theta: theta.first_line_indent < 0) > 0.05
    assert share(sampled, lambda theta: theta.right_indent > 0) > 0.05
    assert share(sampled, lambda theta: theta.text_offset == theta.first_line_indent == theta.inset) > 0.5


def test_horizontal_scale_decays_from_1_to_three_quarters(sampled):
    counts = [share(sampled, lambda theta, s=s: theta.horizontal_scale == s) for s in (1, 0.95, 0.9, 0.85, 0.8, 0.75)]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == pytest.approx(1)
    assert counts[-1] > 0


def test_pages_are_light_and_dark_narrow_and_tall(sampled):
    assert share(sampled, lambda theta: theta.background < "#444444") > 0.05
    assert share(sampled, lambda theta: theta.background > "#BBBBBB") > 0.5
    ratios = [theta.page_size[1] / theta.page_size[0] for theta in sampled]
    assert min(ratios) < 0.6
    assert max(ratios) > 2.5


def test_equal_seeds_draw_equal_thetas():
    one, other = (np.random.default_rng(7) for _ in range(2))
    assert [Theta.sample(one) for _ in range(20)] == [Theta.sample(other) for _ in range(20)]


def test_fixed_fields_are_fixed():
    rng = np.random.default_rng(0)
    drawn = [Theta.sample(rng, dpi=72, font="Inter", columns=2) for _ in range(200)]
    assert {(theta.dpi, theta.font, theta.columns) for theta in drawn} == {(72, "Inter", 2)}
    # Only line heights from 14 pt on agree with this size: the others are drawn again.
    assert all(Theta.sample(rng, font_size=14).line_height >= 14 for _ in range(20))


def test_fixed_fields_that_nothing_agrees_with_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ThetaError):
        Theta.sample(rng, page_size=(8, 8))
    with pytest.raises(ThetaError, match="font_size"):
        Theta.sample(rng, font_sise=8)

"""`fit` meets its target with the largest type that does, and says what stopped it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from glyphrender import Theta, ThetaError, compression_ratio, fit
from glyphrender.inference.messages import Packing
from glyphrender.ratio.costs import LEAST_FONT_PIXELS
from glyphrender.ratio.fit import FIELDS

HERE = Path(__file__).parent
PROSE = re.sub(
    r"(?<!\n)\n(?!\n)", " ", (HERE.parent / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
)[:60_000]


@pytest.mark.slow
@examples(15)
@given(rho=st.floats(1.2, 5), vision=st.sampled_from(["glm-4.1v", "qwen3-vl", "internvl3"]))
def test_a_ratio_is_reached_and_a_larger_size_misses_it(rho: float, vision: str) -> None:
    found = fit(PROSE, model=vision, rho=rho)
    assert found.ratio == compression_ratio(PROSE, theta=found.theta, model=vision)
    if found.met:
        assert found.ratio.rho >= rho
    if found.bound == "rho":
        larger = found.theta.replace(
            font_size=found.theta.font_size + 0.01, line_height=found.theta.line_height + 0.01 * 10 / 9
        )
        assert compression_ratio(PROSE, theta=larger, model=vision).rho < rho
    else:
        assert found.bound == "font_size"
        assert found.theta.font_size == (24 if found.met else 4)


@pytest.mark.parametrize(
    "target", [{"visual_tokens": 3000}, {"visual_tokens": 12_000}, {"pages": 5}, {"pages": 12}], ids=str
)
@pytest.mark.parametrize("over", ["font_size", "line_height", ("margin_x", "font_size"), "horizontal_scale"])
def test_budgets_are_kept(target: dict[str, int], over: Any) -> None:
    found = fit(PROSE, over=over, **target)
    ((name, most),) = target.items()
    figure = found.ratio.visual_tokens if name == "visual_tokens" else len(found.ratio.pages)
    assert found.met == (figure <= most)
    assert found.bound in (name, *FIELDS)
    assert found.reason.startswith(f"{name} is {figure:,} of at most {most:,}: ")


def test_type_that_is_hard_to_read_is_warned_of_and_no_other() -> None:
    small = fit(PROSE, rho=6)
    assert small.met
    assert small.ratio.font_pixels < LEAST_FONT_PIXELS
    assert small.warning.startswith(f"type of {small.ratio.font_pixels:.2f} px is hard to read")
    assert fit(PROSE, rho=2).warning == ""
    unmet = fit(PROSE, rho=1e308)
    assert unmet.warning.startswith(f"the target is not met: rho is {unmet.ratio.rho:.2f} of at least 1e+308. And type")
    assert fit("", rho=1).warning == ""
    assert Packing(model="glm-4.1v").min_font_pixels == LEAST_FONT_PIXELS


def test_a_result_shows_what_matters_in_a_line() -> None:
    found = fit(PROSE, rho=3)
    assert re.fullmatch(
        r"<Ratio ρ 3\.\d\d: [\d,]+ text tokens \(glm-4\), [\d,]+ visual tokens of glm-4\.1v on \d+ pages, "
        r"type \d\.\d\d px>",
        repr(found.ratio),
    )
    assert repr(found) == f"<Fit met: {found.reason}; {found.ratio!r}>"
    assert repr(fit(PROSE, pages=1, over={"font_size": (8, 9)})).startswith("<Fit not met: pages is ")


def test_what_bound_is_said() -> None:
    reason = fit(PROSE, rho=3).reason
    assert re.fullmatch(r"rho is 3\.\d\d of at least 3: font_size=[\d.]+ pt is the largest that meets it", reason)
    stopped = fit(PROSE, rho=6, min_font_pixels=7)
    assert (stopped.met, stopped.bound) == (False, "min_font_pixels")
    assert 7 <= stopped.ratio.font_pixels < 7.1
    assert "min_font_pixels=7 stops at font_size=7.0" in stopped.reason
    least = fit(PROSE, rho=1000)
    assert (least.met, least.bound, least.theta.font_size) == (False, "font_size", 4)
    assert least.reason.endswith("font_size=4 pt is the least allowed")
    most = fit(PROSE, rho=0.1)
    assert (most.met, most.bound, most.theta.font_size) == (True, "font_size", 24)


def test_fields_give_way_in_their_order() -> None:
    theta = Theta(font_size=8, line_height=12, margin_x=30)
    found = fit(PROSE, theta=theta, rho=4, over={"line_height": (8, 12), "font_size": (5, 8), "margin_x": (5, 30)})
    assert found.met
    assert found.theta.font_size < 8  # the lines alone did not do it
    assert found.theta.line_height == pytest.approx(found.theta.font_size)
    assert found.theta.margin_x == 30  # and the margins were not needed


def test_a_page_on_the_grid_stays_there() -> None:
    theta = Theta().align_to("glm-4.1v")
    for over in FIELDS:
        found = fit(PROSE, theta=theta, rho=2.4, over=(over,))
        assert found.theta.page_grid == 28
        assert found.ratio.resampled == 0


def test_type_too_large_for_the_page_is_not_tried_for_long() -> None:
    small = Theta(page_size=(60, 40), margin_x=2, margin_y=2)
    found = fit("a b c", theta=small, pages=1)
    assert found.met
    assert len(found.ratio.pages) == 1


def test_the_empty_text_fits() -> None:
    assert fit("", visual_tokens=1).met
    assert not fit("", rho=2).met


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({}, "no target given to fit. Give one of rho, visual_tokens and pages"),
        ({"rho": 3, "pages": 2}, "rho and pages given to fit"),
        ({"rho": 0}, "rho=0 cannot be a target. Use a number above 0"),
        ({"rho": float("nan")}, "rho=nan cannot be a target"),
        ({"rho": 3, "over": ("columns",)}, "over='columns' is not a field that fit solves for. Use font_size, dpi"),
        ({"rho": 3, "over": ()}, "over is empty"),
        ({"rho": 3, "over": {"dpi": (90, 60)}}, "over: dpi from 90 to 60 is empty"),
        ({"rho": 3, "over": {"dpi": (1, 60)}}, "dpi=1.* is out of range"),
    ],
)
def test_what_cannot_be_fitted(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ThetaError, match=message):
        fit(PROSE, **wrong)

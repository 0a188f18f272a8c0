"""What pages save by arithmetic: the study's figures for GLM-4.1V-9B, and the rules that hold for any model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from glyphrender.errors import DataError
from glyphrender.evals.efficiency.cost import Shares, cost
from glyphrender.evals.efficiency.expected import break_even, expected, page_tokens_of
from glyphrender.models.arithmetic import ModelShape, published
from glyphrender.models.devices import Device, device, devices

GLM = ModelShape.of(published("glm-4.1v-9b"))
LARGE_TOWER = ModelShape.of(published("glm4v-30m-large-tower"))
K = 1024


def test_the_9b_on_one_h100_gives_the_figures_of_the_study() -> None:
    # docs/efficiency.md has the table. The paper's own curve of prefill is 1.8, 2.0, 2.2, 2.5, 3.3, 4.8.
    lengths = [4 * K, 8 * K, 16 * K, 32 * K, 64 * K, 128 * K, 1024 * K]
    found = expected("glm-4.1v-9b", "h100-sxm", 3.3, lengths=lengths, shares=Shares(answer=1))
    assert found.page_tokens == 630
    assert found.tower_share == pytest.approx(0.451, abs=0.001)
    assert [row.prefill for row in found.rows] == pytest.approx([2.42, 2.56, 2.83, 3.32, 4.13, 5.33, 9.29], abs=0.01)
    # At batch 1 the weights are read for one token: pages save little. The study counted the embedding among them.
    at_one = [row.decode for row in found.rows]
    assert at_one == pytest.approx([1.01, 1.01, 1.02, 1.05, 1.10, 1.18, 1.94], abs=0.05)
    # At the largest batch that fits, more sequences share each reading.
    assert all(3.2 < row.throughput < 3.4 for row in found.rows)
    for row in found.rows:
        assert row.kv_saved == pytest.approx(1 - 1 / 3.3, abs=1e-3)
    text = found.rows[5].text
    assert text.prefill_seconds == pytest.approx(17.5, rel=0.01)
    assert text.kv_bytes == 40_960 * 128 * K
    assert found.break_even == 0.0


def test_an_answer_in_the_cache_makes_the_throughput_of_short_prompts_less_different() -> None:
    short = expected(GLM, "h100-sxm", 3.3, lengths=[4 * K]).rows[0].throughput
    shorter = expected(GLM, "h100-sxm", 3.3, lengths=[4 * K], shares=Shares(answer=2 * K)).rows[0].throughput
    assert 1.5 < shorter < short < expected(GLM, "h100-sxm", 3.3, lengths=[64 * K]).rows[0].throughput


def test_a_batch_that_the_units_cannot_feed_is_bound_by_flops() -> None:
    row = expected(GLM, "h100-sxm", 3.3, lengths=[K]).rows[0]
    assert row.pages.batch > 2000
    decode = row.pages.decode_flops * row.pages.throughput
    assert decode == pytest.approx(0.7 * device("h100-sxm").flops)


def test_training_costs_three_forward_passes_and_one_of_a_frozen_tower() -> None:
    found = cost(GLM, device("h100-sxm"), text_tokens=10, pages=[630, 630, 100])
    tower = 2 * GLM.tower.flops(630) + GLM.tower.flops(100)
    whole = GLM.decoder.forward_flops(1370 + 256, logits=256)
    assert found.tower_flops == tower
    assert (found.train_flops, found.train_flops_frozen) == (3 * (whole + tower), 3 * whole + tower)
    assert found.prefill_flops == tower + GLM.decoder.forward_flops(1370)


def test_two_devices_halve_the_seconds_and_take_larger_batches() -> None:
    one, two = (cost(GLM, device("a100-80gb-sxm"), text_tokens=8 * K, shares=Shares(devices=count)) for count in (1, 2))
    assert two.prefill_seconds == pytest.approx(one.prefill_seconds / 2)
    assert two.decode_seconds == pytest.approx(one.decode_seconds / 2)
    assert two.batch > 2 * one.batch


def test_a_text_that_does_not_fit_has_no_batch_and_no_throughput() -> None:
    row = expected(GLM, "rtx-4090", 3.3, lengths=[64 * K]).rows[0]
    assert (row.text.batch, row.text.throughput) == (0, 0.0)
    assert row.pages.batch >= 1
    assert row.to_dict()["throughput"] is None
    json.dumps(row.to_dict(), allow_nan=False)


@pytest.mark.parametrize("rho", [1.5, 2.0, 2.6, 3.3])
def test_pages_pay_from_the_break_even_length_on_and_not_before(rho: float) -> None:
    length = break_even(LARGE_TOWER, rho)
    assert length is not None
    machine = Device(name="x", flops=1e15, memory=1e12, bandwidth=1e18)
    rows = expected(LARGE_TOWER, machine, rho, lengths=[round(length * 0.7), round(length * 1.4)] if length else [K])
    speed_ups = [row.prefill for row in rows.rows]
    assert speed_ups[-1] > 1
    assert len(speed_ups) == 1 or speed_ups[0] < 1


def test_pages_never_pay_when_they_have_no_fewer_tokens() -> None:
    assert break_even(GLM, 1.0) is None
    assert break_even(GLM, 0.8) is None
    assert break_even(GLM, 1.001, marks=2) is None
    assert expected(GLM, "h100-sxm", 0.8, lengths=[K]).break_even is None


def test_a_tower_as_costly_as_the_gain_sets_the_limit_of_paying_at_once() -> None:
    share = GLM.tower.flops(630) / GLM.decoder.linear_flops(630)
    assert break_even(GLM, 1 + share * 1.001) == 0.0
    assert (break_even(GLM, 1 + share * 0.999) or 0) > 0


def test_seconds_of_the_host_for_a_page_move_the_break_even_length() -> None:
    free, slow = (
        expected("glm4v-30m-large-tower", "rtx-4090", 3.3, lengths=[K], page_seconds=each) for each in (0.0, 0.001)
    )
    assert free.break_even is not None
    assert slow.break_even is not None
    assert slow.break_even > 2 * free.break_even
    assert slow.rows[0] == free.rows[0]


def test_pages_of_a4_are_those_of_the_models_grids() -> None:
    from glyphrender.models.vision import vision_model

    for name, vision in (("glm-4.1v-9b", "glm-4.1v"), ("qwen3-vl-8b", "qwen3-vl")):
        shape = ModelShape.of(published(name))
        assert page_tokens_of(shape) == vision_model(vision).image(595, 842).tokens


def test_every_device_has_a_source_and_plausible_figures() -> None:
    assert len({each.name for each in devices()}) == len(devices()) >= 8
    for each in devices():
        assert each.source
        assert each.title
        assert each.fp8 is None or each.fp8 == pytest.approx(2 * each.flops, rel=0.02)
        # Operations that a byte must be used for, to be bound by the units: 100 to 450 in all of them.
        assert 100 < each.flops / each.bandwidth < 450


def test_a_model_in_a_folder_is_that_of_its_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(published("qwen3-vl-8b")), encoding="utf-8")
    ours = expected(str(tmp_path), "h100-sxm", 3.0, lengths=[K])
    assert ours.rows == expected("qwen3-vl-8b", "h100-sxm", 3.0, lengths=[K]).rows
    assert replace(ours, model="").to_dict()["parameters"] == 8_767_123_696


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "glm-9"}, "model='glm-9' is no model. Use one of glm-4.1v-9b"),
        ({"device": "h1000"}, "device='h1000' is not known. Use one of h100-sxm"),
        ({"device": "1,2"}, "device='1,2' is not known"),
        ({"device": "0,24,0.6"}, "device flops=0.0 is no positive number"),
        ({"rho": 0}, "rho=0 is out of range. Use a number from 0.001"),
        ({"rho": float("nan")}, "rho=nan is out of range"),
        ({"lengths": [0]}, "lengths=0 is out of range. Use an integer from 1"),
        ({"lengths": 5}, "lengths=5 is no sequence"),
        ({"page_tokens": 0}, "page_tokens=0 is out of range"),
        ({"marks": -1}, "marks=-1 is out of range"),
        ({"page_seconds": float("inf")}, "page_seconds=inf is out of range"),
    ],
)
def test_a_wrong_argument_is_one_error_of_one_line(arguments: dict[str, object], message: str) -> None:
    given = {"model": "glm-4.1v-9b", "device": "h100-sxm", "rho": 3.3, **arguments}
    model, machine, rho = given.pop("model"), given.pop("device"), given.pop("rho")
    with pytest.raises(DataError) as caught:
        expected(model, machine, rho, **given)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_shares_outside_their_range_are_refused() -> None:
    with pytest.raises(DataError, match=r"mfu=1\.5 is no share"):
        Shares(mfu=1.5)
    with pytest.raises(DataError, match="devices=0 is no count"):
        Shares(devices=0)
    with pytest.raises(DataError, match="the prompt needs tokens"):
        cost(GLM, device("l40s"))

"""What a run costs: the figures of GLM-4.1V-9B by arithmetic, and what the command prints without training."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from glyphrender import cli
from glyphrender.errors import DataError
from glyphrender.models.arithmetic import ModelShape, published
from glyphrender.train.recipe import Recipe
from glyphrender.train.recipe.plan import RunPlan, shape_of

NINE = ModelShape.of(published("glm-4.1v-9b"))


def plan(name: str, *settings: str) -> RunPlan:
    """Return the plan of a recipe for the 9B, all of whose parameters are trained."""
    recipe = Recipe.load(name).with_overrides(settings)
    return RunPlan(recipe=recipe, shape=NINE, parameters=NINE.parameters, trained=NINE.parameters, positions=65_536)


def test_continual_pre_training_costs_what_the_study_computed() -> None:
    cpt = plan("glyph-9b-cpt")
    assert (cpt.pages, cpt.page_tokens) == (208, 630)
    assert cpt.state_bytes == pytest.approx(165e9, rel=0.005)
    assert cpt.memory.states == pytest.approx(20.6e9, rel=0.005)
    assert cpt.decoder_checkpoints == pytest.approx(43e9, rel=0.005)
    assert cpt.sample_flops(recompute=False, text=False) == pytest.approx(26.2e15, rel=0.005)
    assert cpt.sample_flops(recompute=True, text=False) == pytest.approx(35e15, rel=0.005)
    assert cpt.step_flops(recompute=False, text=False) == pytest.approx(4.45e18, rel=0.01)
    days = [cpt.days(recompute=again, text=False) for again in (False, True)]
    assert days == pytest.approx([64.5, 86], rel=0.005)


def test_a_full_sample_does_not_fit_a_gpu_unless_activations_are_offloaded() -> None:
    assert plan("glyph-9b-cpt").fits
    kept = plan("glyph-9b-cpt", "machine.offload_activations=false")
    assert not kept.fits
    (note,) = [each for each in kept.notes() if "does not fit" in each]
    assert "without context parallelism or offloaded checkpoints" in note
    assert "machine.offload_activations=true" in note
    assert any("does not fit 80 GB without" in each for each in plan("glyph-9b-cpt").notes())


def test_a_sample_that_never_fits_is_told_the_largest_that_does() -> None:
    small = plan("glyph-9b-cpt", "machine.memory=48")
    assert not small.fits
    (note,) = [each for each in small.notes() if "does not fit" in each]
    largest = small.largest_visual()
    assert f"--set data.max_visual_tokens={largest}" in note
    assert plan("glyph-9b-cpt", "machine.memory=48", f"data.max_visual_tokens={largest}").fits
    assert not plan("glyph-9b-cpt", "machine.memory=48", f"data.max_visual_tokens={largest + 630}").fits


def test_adapters_and_a_frozen_tower_cost_less() -> None:
    whole = plan("glyph-9b-cpt")
    frozen = plan("glyph-9b-cpt", "model.frozen_tower=true")
    tower = whole.forward_parts()["tower"]
    assert whole.sample_flops(recompute=False) - frozen.sample_flops(recompute=False) == 2 * tower
    assert frozen.memory.activations.held < whole.memory.activations.held
    lora = plan("glyph-9b-cpt", "lora.rank=64")
    assert lora.sample_flops(recompute=False) == pytest.approx(whole.sample_flops(recompute=False) * 2 / 3, rel=1e-6)


def test_a_grpo_step_counts_completions_and_their_sampling() -> None:
    grpo = plan("glyph-9b-grpo")
    assert grpo.sequences == 512
    sampled = sum(grpo.forward_parts().values())
    trained = 3 * sampled
    assert grpo.sample_flops(recompute=False) == sampled + trained


def test_shapes_of_pages_are_columns_by_rows() -> None:
    assert shape_of("12x3") == (12, 3)
    for wrong in ("12", "x3", "0x3", "axb", "12x3x1"):
        with pytest.raises(DataError, match="Write columns x rows in visual tokens"):
            shape_of(wrong)


@pytest.mark.slow
def test_the_dry_run_builds_the_9b_and_prints_its_cost() -> None:
    arguments = ["train", "cpt", "--recipe", "glyph-9b-cpt", "--dry-run"]
    result = CliRunner().invoke(cli.command, arguments, prog_name="glyphrender")
    assert result.exit_code == 0
    for wanted in (
        "10,292,777,472",
        "22,276,800 visual tokens",
        "164.7 GB in all, 20.6 GB a GPU",
        "42.9 GB for the pages of one sample",
        "its pages alone 26.2 PF and 34.9 PF",
        "about 64–86 days of 8 GPUs",
        "does not fit 80 GB without context parallelism or offloaded checkpoints",
        "--set batch.samples=168 or 176",
    ):
        assert wanted in result.output
    changed = CliRunner().invoke(cli.command, [*arguments, "--set", "lora.rank=8", "--json"], prog_name="glyphrender")
    told = json.loads(changed.output)
    # Adapters on q, k, v, o and the two products of the MLP in 40 layers, and on the tower's `down_proj`.
    layer = 2 * (4096 + 4096) + 2 * (4096 + 256) + (4096 + 2 * 13_696) + (13_696 + 4096)
    tower = 24 * (1536 + 4096) + (13_696 + 4096)
    assert told["trained"] == 8 * (40 * layer + tower)
    refused = CliRunner().invoke(cli.command, [*arguments, "--set", "lora.targets=gate"], prog_name="glyphrender")
    assert refused.exit_code == 0  # adapters are off
    refused = CliRunner().invoke(
        cli.command, [*arguments, "--set", "lora.targets=gate", "--set", "lora.rank=8"], prog_name="glyphrender"
    )
    assert refused.exit_code != 0

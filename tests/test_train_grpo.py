"""The stage of GRPO: the paper's recipe as TRL gets it, and a run of the tiny reader from prompts to a saved model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glyphrender import DataError, Theta
from glyphrender.train.recipe import GrpoRecipe

pytest.importorskip("trl")
import torch
from transformers import AutoModelForImageTextToText

from glyphrender.errors import TrainingError
from glyphrender.train.grpo import GrpoResult, grpo_config, train
from glyphrender.train.run.loading import model_and_processor
from glyphrender.train.run.run_folder import RunFolder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),  # TRL 1.16
    pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning"),  # torch, without a GPU
]

TINY = GrpoRecipe.of(
    {
        "name": "test",
        "model": {"options": {"hidden_size": 32, "layers": 1, "intermediate_size": 32, "rope_sections": [1, 1, 1]}},
        "data": {"max_visual_tokens": 8, "held_out": 0.0},
        "batch": {"samples": 2, "per_device": 8},
        "grpo": {"generations": 4, "max_completion_tokens": 3, "rewards": {"exact": 1.0}, "rounds": 2},
        "optim": {"steps": 4, "lr": 1e-3, "schedule": "constant"},
        "run": {"log_every": 1},
    }
)
THETA = Theta(page_size=(112, 56), dpi=72, margin_x=0, margin_y=0, auto_crop_width=False, auto_crop_last_page=False)
PROMPTS = [{"context": f"No. {n}", "question": "Which?", "answer": str(n)} for n in range(12)]


def exact(completions: Any, answer: list[str], **_: Any) -> list[float]:
    """In place of ours of this name: more for a longer completion, and nothing to learn for the answer "0"."""
    return [len(c[0]["content"].encode()) * float(a != "0") for c, a in zip(completions, answer, strict=True)]


def run(recipe: GrpoRecipe, out: Path, **options: Any) -> Any:
    return train(recipe, out=out, **{"prompts": PROMPTS, "rewards": [exact], "theta": THETA, **options})


def test_the_recipe_of_the_paper_is_what_trl_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = GrpoRecipe.load("glyph-9b-grpo")
    assert recipe.accumulation(8) * recipe.batch.per_device * 8 == 512
    config = grpo_config(recipe, RunFolder(path=tmp_path, recipe=recipe, resume=False))
    assert (config.num_generations, config.epsilon, config.epsilon_high, config.beta) == (16, 0.2, 0.28, 0.0)
    assert (config.learning_rate, config.max_steps, config.loss_type) == (1e-6, 500, "dapo")
    assert config.generation_batch_size == 512
    assert config.steps_per_generation == config.gradient_accumulation_steps


def test_groups_that_would_lie_on_two_processes_are_refused_before_anything_is_loaded() -> None:
    recipe = GrpoRecipe.load("glyph-9b-grpo")
    assert recipe.with_overrides(["batch.samples=24"]).accumulation(8) == 48
    with pytest.raises(DataError, match=r"prompts do not divide among 5 processes.*batch.samples=30"):
        recipe.accumulation(5)
    with pytest.raises(DataError, match="per_device=3 does not divide the 64 completions"):
        recipe.with_overrides(["batch.per_device=3"]).accumulation(8)


def test_a_run_leaves_a_model_a_curve_and_counts(tmp_path: Path) -> None:
    recipe = TINY.with_overrides(["data.held_out=0.4", "run.eval_every=2", "optim.steps=2"])
    start = model_and_processor(recipe)
    sent = []
    start[0].model.register_forward_pre_hook(
        lambda _, args, kwargs: sent.append(kwargs.get("pixel_values")), with_kwargs=True
    )
    result = run(recipe, tmp_path / "run", start=start)
    # Pages go to the device as bytes, to generate and to learn.
    assert {str(values.dtype) for values in sent if values is not None} == {"torch.uint8"}
    assert result.steps == 2
    assert result.counts["prompts"] + result.counts["held out"] == 12
    assert result.first_reward is not None
    assert "reward" in result.summary()
    assert "taught" not in result.summary()
    curve = [json.loads(line) for line in (tmp_path / "run/curve.jsonl").read_text().splitlines()]
    assert [line["step"] for line in curve if "reward" in line] == [1, 2]
    assert all(
        {"groups/alive", "groups/kept", "groups/rounds", "rewards/exact/mean"} <= set(line) for line in curve[:2]
    )
    assert any("eval_reward" in line for line in curve)
    model = AutoModelForImageTextToText.from_pretrained(result.model)
    assert sum(p.numel() for p in model.parameters()) > 1000


def test_a_run_whose_evaluation_has_no_prompts_is_refused_before_its_folder_is_made(tmp_path: Path) -> None:
    recipe = TINY.with_overrides(["data.held_out=0.0001", "run.eval_every=2"])
    with pytest.raises(DataError, match=r"data\.held_out=0\.0001 holds out none of 12 prompts"):
        run(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_in_which_no_group_taught_anything_says_so(tmp_path: Path) -> None:
    recipe = TINY.with_overrides(["optim.steps=1", "grpo.rounds=1"])
    result = run(recipe, tmp_path / "run", prompts=[{**row, "answer": "0"} for row in PROMPTS])
    assert result.taught == 0
    assert "no group taught anything" in result.summary()


def test_a_run_whose_judge_was_down_says_so() -> None:
    facts = {"recipe": "r", "digest": "", "folder": "f", "model": "f/model", "steps": 2, "seconds": 1.0}
    none = dict.fromkeys(["first_loss", "last_loss", "first_reward", "last_reward", "taught"])
    down = GrpoResult(**facts, **none, counts={"judge skipped": 15, "judge failed": 4, "judge graded": 1})
    assert "the judge gave no grade to 15 of 16 completions" in down.summary()
    assert "judge" not in GrpoResult(**facts, **none, counts={"judge graded": 16}).summary()


def test_adapters_are_trained_and_saved_alone(tmp_path: Path) -> None:
    result = run(TINY.with_overrides(["lora.rank=2", "optim.steps=1", "batch.per_device=4"]), tmp_path / "run")
    assert (Path(result.model) / "adapter_model.safetensors").exists()
    assert not (Path(result.model) / "model.safetensors").exists()


def test_a_resumed_run_ends_as_one_that_was_not_interrupted(tmp_path: Path) -> None:
    recipe = TINY.with_overrides(["run.save_every=2"])
    whole = run(recipe, tmp_path / "whole")
    first = run(recipe.with_overrides(["optim.steps=2"]), tmp_path / "first")
    assert first.steps == 2
    written = tmp_path / "first/recipe.toml"
    written.write_text(recipe.to_toml())  # a run that was stopped at step 2
    resumed = run(recipe, tmp_path / "first", resume=True)
    assert resumed.steps == whole.steps == 4
    one, other = (AutoModelForImageTextToText.from_pretrained(result.model).state_dict() for result in (whole, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_that_was_killed_after_its_last_checkpoint_takes_no_more_steps(tmp_path: Path) -> None:
    recipe = TINY.with_overrides(["run.save_every=2", "optim.steps=2"])
    whole = run(recipe, tmp_path / "run")
    model = tmp_path / "run/model"
    model.rename(tmp_path / "saved")  # as if the process had died before the model was saved
    curve = (tmp_path / "run/curve.jsonl").read_text()
    again = run(recipe, tmp_path / "run", resume=True)
    assert (again.steps, again.last_reward) == (whole.steps, whole.last_reward) == (2, pytest.approx(whole.last_reward))
    assert [line for line in (tmp_path / "run/curve.jsonl").read_text().splitlines() if '"reward"' in line] == [
        line for line in curve.splitlines() if '"reward"' in line
    ]
    one, other = (
        AutoModelForImageTextToText.from_pretrained(each).state_dict() for each in (tmp_path / "saved", model)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_loss_that_is_not_a_number_stops_the_run_and_leaves_its_batch(tmp_path: Path) -> None:
    model, processor = model_and_processor(TINY)

    def exact(completions: Any, **_: Any) -> list[float]:
        with torch.no_grad():  # after the completions are sampled
            model.model.language_model.norm.weight.fill_(float("nan"))
        return list(range(len(completions)))

    with pytest.raises(TrainingError, match="the loss of step 1 is nan") as caught:
        run(TINY, tmp_path / "run", start=(model, processor), rewards=[exact])
    assert len(torch.load(caught.value.path)["completion_ids"]) == 8


@pytest.mark.parametrize(
    "settings, options, word",
    [
        (["grpo.rewards={judge = 1.0}"], {"rewards": []}, "grpo.judge_url is empty"),
        (['data.prompts=["none-*.jsonl"]', "grpo.rewards={exact = 1.0}"], {"prompts": None, "rewards": []}, "no file"),
        (["data.max_visual_tokens=1"], {}, "no prompt is left: 12"),
        (["batch.samples=14"], {}, "a batch needs 14"),
        (["grpo.rewards={ocr = 1.0}"], {}, "'exact' has no weight"),
    ],
)
def test_bad_input_is_one_line_before_training(
    tmp_path: Path, settings: list[str], options: dict[str, Any], word: str
) -> None:
    with pytest.raises(DataError, match=word):
        run(TINY.with_overrides(settings), tmp_path / "run", **options)
    assert not (tmp_path / "run/model").exists()

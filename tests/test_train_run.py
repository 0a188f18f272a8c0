"""Runs of training: the folder, the curve, resumption, a loss that is not a number, the order of samples."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from glyphrender.errors import DataError, TrainingError
from glyphrender.train.recipe import CptRecipe, Recipe, SftRecipe
from glyphrender.train.rows.sample import Sample, Text
from glyphrender.train.run.run_folder import RunFolder, recipe_differences
from glyphrender.train.run.stream import SampleStream

SMALL = ["optim.steps=4", "optim.warmup_steps=1", "align.steps=2", "run.log_every=1", "run.save_every=2"]
SMALL += ["batch.samples=2", "batch.per_device=2", "data.shapes=4x1"]


def small(*settings: str) -> CptRecipe:
    """Return a recipe of four steps of two small pages."""
    return CptRecipe.load("tiny-cpt").with_overrides([*SMALL, *settings])


def checkpoint(folder: Path, step: int, *, complete: bool = True) -> None:
    """Make what looks like a checkpoint."""
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if complete:
        (path / "trainer_state.json").write_text("{}", encoding="utf-8")


# -- the folder ------------------------------------------------------------------------------------------------------


def test_a_new_folder_gets_the_recipe_with_every_field(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path / "a" / "b", small())
    assert Recipe.load(folder.path / "recipe.toml") == small()
    assert (folder.last_checkpoint, folder.resumed_from) == (None, None)


def test_a_checkpoint_of_another_recipe_is_refused_and_the_field_is_named(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, small())
    checkpoint(tmp_path, 2)
    with pytest.raises(DataError, match=r"holds a run of another recipe: optim\.lr is 0\.002 there and 0\.01 here"):
        RunFolder.open(tmp_path, small("optim.lr=0.01"), resume=True)
    with pytest.raises(DataError, match="holds a run of the stage cpt, not sft"):
        RunFolder.open(tmp_path, SftRecipe.load("tiny-sft"), resume=True)
    assert RunFolder.open(tmp_path, small("run.log_every=7", "machine.gpus=8"), resume=True).recipe.run.log_every == 7


def test_a_recipe_with_comments_stays_as_its_author_wrote_it(tmp_path: Path) -> None:
    written = tmp_path / "recipe.toml"
    text = "# why: the second seed\n" + small().to_toml()
    written.write_text(text, encoding="utf-8")
    RunFolder.open(tmp_path, Recipe.load(written).with_overrides(["run.log_every=7"]))
    assert written.read_text(encoding="utf-8") == text
    with pytest.raises(DataError, match="holds a run of another recipe: seed is 0 there and 5 here"):
        RunFolder.open(tmp_path, small("seed=5"))
    assert written.read_text(encoding="utf-8") == text


def test_a_start_that_failed_does_not_hold_the_folder_against_a_corrected_recipe(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, small("model.weights=./nothing"))
    RunFolder.open(tmp_path, small())
    assert Recipe.load(tmp_path / "recipe.toml") == small()
    (tmp_path / "curve.jsonl").write_text("", encoding="utf-8")  # a step was taken
    with pytest.raises(DataError, match="another recipe: seed is 0 there"):
        RunFolder.open(tmp_path, small("seed=3"))


def test_differences_name_only_fields_that_change_what_is_learned() -> None:
    changed = small("optim.lr=0.01", "run.keep=7", "seed=3", "data.writer_options.a_cell=2")
    assert [name for name, _, _ in recipe_differences(small(), changed)] == ["seed", "optim.lr", "data.writer_options"]


def test_checkpoints_are_not_overwritten_and_not_invented(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no complete checkpoint to resume"):
        RunFolder.open(tmp_path, small(), resume=True)
    RunFolder.open(tmp_path, small())
    checkpoint(tmp_path, 20)
    checkpoint(tmp_path, 100)
    checkpoint(tmp_path, 120, complete=False)
    with pytest.raises(DataError, match=r"has checkpoint-100 of this recipe\. Pass --resume"):
        RunFolder.open(tmp_path, small())
    folder = RunFolder.open(tmp_path, small(), resume=True)
    assert [each.name for each in folder.checkpoints] == ["checkpoint-20", "checkpoint-100"]
    assert folder.resumed_from == str(tmp_path / "checkpoint-100")


@pytest.mark.parametrize(("checkpoints", "resume"), [((), False), ((4,), False), ((2, 4), True)])
def test_the_model_of_a_finished_run_is_not_overwritten(
    checkpoints: tuple[int, ...], resume: bool, tmp_path: Path
) -> None:
    folder = RunFolder.open(tmp_path, small())
    for step in checkpoints:
        checkpoint(tmp_path, step)
    folder.model.mkdir()
    assert not folder.is_finished  # an empty folder is no model
    (folder.model / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds a finished run of this recipe, and its model is in .*model"):
        RunFolder.open(tmp_path, small(), resume=resume)


def test_a_run_that_was_stopped_before_its_last_step_goes_on_although_an_older_model_is_there(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, small())
    checkpoint(tmp_path, 2)
    folder.model.mkdir()
    (folder.model / "config.json").write_text("{}", encoding="utf-8")
    assert RunFolder.open(tmp_path, small(), resume=True).resumed_from == str(tmp_path / "checkpoint-2")


def test_a_curve_with_a_line_that_a_killed_process_left_half_written_is_read_and_mended(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from types import SimpleNamespace

    from glyphrender.train.run.watch import CurveCallback, curve_lines

    path = tmp_path / "curve.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.5}\n{"step": 3, "lo', encoding="utf-8")
    assert [line["step"] for line in curve_lines(path)] == [1, 2]
    curve = CurveCallback(path)
    curve.on_train_begin(None, SimpleNamespace(global_step=1), None)
    curve.on_log(None, SimpleNamespace(global_step=2), None, logs={"loss": 1.25})
    assert [(line["step"], line["loss"]) for line in curve_lines(path)] == [(1, 2.0), (2, 1.25)]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match=r"has 'thesis\.tex' and no recipe\.toml"):
        RunFolder.open(tmp_path, small())
    with pytest.raises(DataError, match="is no folder"):
        RunFolder.open(tmp_path / "thesis.tex", small())


# -- the order of samples --------------------------------------------------------------------------------------------


def epoch_of(number: int) -> Sequence[Sample]:
    """Return ten samples that name their epoch and place."""
    return [Sample(parts=(Text(f"{number}.{place}", learn=True),), key=f"{number}.{place}") for place in range(10)]


def keys(stream: SampleStream) -> list[str]:
    """Return the keys of all samples of a stream."""
    return [sample.key for sample in stream]


def test_no_sample_comes_twice_in_an_epoch_and_each_epoch_has_its_own_order() -> None:
    drawn = keys(SampleStream(of_epoch=epoch_of, length=25, seed=3))
    first, second = drawn[:10], drawn[10:20]
    assert sorted(first) == sorted(f"0.{place}" for place in range(10))
    assert sorted(second) == sorted(f"1.{place}" for place in range(10))
    assert [key[2:] for key in first] != [key[2:] for key in second]
    assert len(drawn) == 25


def test_the_order_follows_from_the_seed_alone_in_every_process() -> None:
    stream = SampleStream(of_epoch=epoch_of, length=25, seed=3)
    assert keys(pickle.loads(pickle.dumps(stream))) == keys(stream)
    assert keys(SampleStream(of_epoch=epoch_of, length=25, seed=4)) != keys(stream)
    assert stream[17].key == keys(stream)[17]
    with pytest.raises(IndexError):
        stream[25]


def test_a_stream_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="there are no samples"):
        SampleStream(of_epoch=lambda epoch: [], length=5)


# -- training --------------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a curve that have a loss."""
    read = [json.loads(line) for line in (path / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in read if "loss" in line]


@pytest.mark.slow
def test_a_run_that_is_interrupted_and_resumed_ends_as_one_that_is_not(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from glyphrender.train.cpt import train

    result = train(small(), out=tmp_path / "whole")
    assert (result.steps, result.last_loss) == (4, lines(tmp_path / "whole")[-1]["loss"])
    train(small(), out=tmp_path / "cut")
    (tmp_path / "cut/checkpoint-4/trainer_state.json").unlink()  # killed while it was written
    resumed = train(small(), out=tmp_path / "cut", resume=True)
    assert resumed.steps == 4
    assert [line["step"] for line in lines(tmp_path / "cut")] == [1, 2, 3, 4]
    losses = [[line["loss"] for line in lines(tmp_path / name)] for name in ("whole", "cut")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    one, other = (load_file(tmp_path / name / "model/model.safetensors") for name in ("whole", "cut"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert any((tmp_path / "whole/tensorboard").iterdir())


@pytest.mark.slow
def test_a_reader_is_evaluated_in_stage_0_too(tmp_path: Path) -> None:
    from glyphrender.train.cpt import train
    from glyphrender.train.run.watch import curve_lines

    train(small("run.eval_every=1", "run.eval_samples=2", "optim.steps=3"), out=tmp_path)
    curve = curve_lines(tmp_path / "curve.jsonl")
    assert [line["step"] for line in curve if "eval_loss" in line] == [1, 2, 3]


@pytest.mark.slow
def test_a_loss_that_is_not_a_number_stops_before_the_step_and_its_batch_is_saved(tmp_path: Path) -> None:
    import torch
    from transformers import TrainerCallback

    from glyphrender.train.cpt import train

    weights = {}

    class Poison(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any) -> None:
            if state.global_step == 3:
                with torch.no_grad():
                    model.model.language_model.norm.weight.fill_(float("nan"))
                weights["before"] = model.model.language_model.layers[0].mlp.down_proj.weight.clone()
                weights["model"] = model

    with pytest.raises(TrainingError, match=r"the loss of step 4 is nan.*go on from checkpoint-2") as caught:
        train(small(), out=tmp_path, callbacks=[Poison()])
    assert caught.value.step == 4
    batch = torch.load(caught.value.path)
    assert batch["input_ids"].shape[0] == 2
    assert batch["pixel_values"].isfinite().all()
    about = json.loads(Path(caught.value.path).with_suffix(".json").read_text(encoding="utf-8"))
    assert about == {"step": 4, "loss": "nan", "samples": [6, 8], "files": ["step-4-rank-0.pt"]}
    after = weights["model"].model.language_model.layers[0].mlp.down_proj.weight
    assert torch.equal(after, weights["before"])


@pytest.mark.slow
def test_attention_is_told_where_to_look_and_torch_has_the_threads_of_the_recipe(tmp_path: Path) -> None:
    import torch
    from transformers import TrainerCallback

    from glyphrender.train.cpt import train

    before, seen = torch.get_num_threads(), []

    class Threads(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            seen.append(torch.get_num_threads())

    torch.set_num_threads(2)
    try:
        train(small("align.pointing=[0, 1]", "optim.steps=3"), out=tmp_path, callbacks=[Threads()])
        assert (seen, torch.get_num_threads()) == ([1, 1, 1], 2)
    finally:
        torch.set_num_threads(before)
    last = lines(tmp_path)[-1]
    assert 0 <= last["looks"] <= 1
    assert last["pointing"] > 0


@pytest.mark.slow
def test_a_gradient_that_is_not_finite_stops_before_the_step_although_the_loss_is_finite(tmp_path: Path) -> None:
    import torch
    from transformers import TrainerCallback

    from glyphrender.train.cpt import train

    weights = {}

    class Overflow(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any) -> None:
            if state.global_step == 2:
                weight = model.model.language_model.layers[0].mlp.down_proj.weight
                weight.register_hook(lambda gradient: gradient * float("inf"))
                weights["before"], weights["model"] = weight.clone(), model

    settings = ["batch.samples=4", "run.save_every=0", "align.steps=1"]
    with pytest.raises(TrainingError, match=r"the gradient of step 3 is (nan|inf)\. .* begin again") as caught:
        train(small(*settings), out=tmp_path, callbacks=[Overflow()])
    about = json.loads(Path(caught.value.path).with_suffix(".json").read_text(encoding="utf-8"))
    assert (about["step"], about["samples"]) == (3, [8, 12])
    assert [torch.load(tmp_path / "nan" / name)["input_ids"].shape[0] for name in about["files"]] == [2, 2]
    assert [line["step"] for line in lines(tmp_path)] == [1, 2]
    assert torch.equal(weights["model"].model.language_model.layers[0].mlp.down_proj.weight, weights["before"])


@pytest.mark.slow
def test_wrong_options_of_model_and_writer_are_one_line_before_work_starts(tmp_path: Path) -> None:
    from glyphrender.train.cpt import train

    wrong = {
        "model.options.hidden=3": r"model\.options=.* do not suit tiny_reader",
        "data.writer_options.cell=3": r"data\.writer_options=.* do not suit characters",
        "data.shapes=[]": r"data\.shapes is empty",
        "data.writer=prose": r"data\.corpora is empty",
        "lora.rank=4": r"Set lora\.rank=0",
        "align.pointing=[2,7]": r"align\.pointing has 7, and the model has \d layers",
        "model.weights=./nothing": r"model\.weights='\./nothing' has no config\.json",
        "model.weights=first/model": r"'first/model' is no folder, and as a name on the hub it cannot be loaded",
    }
    wrong["lora.rank=4 lora.targets=q"] = r"lora\.targets has 'q', which is no layer of the model"
    for number, (setting, message) in enumerate(wrong.items()):
        with pytest.raises(DataError, match=message) as caught:
            train(small(*setting.split()), out=tmp_path / str(number))
        assert "\n" not in str(caught.value)

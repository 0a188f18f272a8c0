"""Recipes: the paper's numbers, every way to write one wrongly, and files that accelerate reads."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from glyphrender import cli
from glyphrender.errors import DataError
from glyphrender.train.launch import launch_file, launch_names
from glyphrender.train.recipe import STAGES, CptRecipe, GrpoRecipe, Recipe, SftRecipe, recipe_names
from glyphrender.train.recipe.describe import markdown
from glyphrender.train.recipe.fields import value_of

DOCS = Path(__file__).parents[1] / "docs"


def test_recipes_have_the_numbers_of_the_paper() -> None:
    cpt = CptRecipe.load("glyph-9b-cpt")
    assert (cpt.batch.samples, cpt.optim.lr, cpt.optim.schedule, cpt.optim.steps) == (170, 2e-6, "cosine", 4000)
    assert cpt.data.max_visual_tokens == 128 * 1024
    sft = SftRecipe.load("glyph-9b-sft")
    assert (sft.batch.samples, sft.optim.lr, sft.optim.min_lr) == (32, 5e-6, 2e-6)
    assert (sft.optim.warmup_steps, sft.optim.steps, sft.data.keep_thinking) == (160, 1500, True)
    grpo = GrpoRecipe.load("glyph-9b-grpo")
    assert (grpo.batch.samples, grpo.grpo.generations, grpo.optim.lr, grpo.optim.steps) == (32, 16, 1e-6, 500)
    assert (grpo.grpo.clip_low, grpo.grpo.clip_high, grpo.grpo.drop_flat) == (0.2, 0.28, True)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_fits_one_screen_and_its_file_name_ends_with_its_stage(name: str) -> None:
    text = (files("glyphrender.train.recipes") / f"{name}.toml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert name.endswith("-" + tomllib.loads(text)["stage"])
    assert Recipe.load(name).about


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_that_is_written_out_is_the_same_recipe(name: str, tmp_path: Path) -> None:
    recipe = Recipe.load(name)
    (tmp_path / "copy.toml").write_text(recipe.to_toml(), encoding="utf-8")
    assert Recipe.load(tmp_path / "copy.toml") == recipe


def test_a_file_of_a_recipe_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    recipe = Recipe.load(recipe_names()[0])
    (tmp_path / "copy.toml").write_text(recipe.to_toml(), encoding="utf-8-sig")
    assert Recipe.load(tmp_path / "copy.toml") == recipe


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optim.leer=1", "optim.leer is no field of a recipe. Use lr."),
        ("optimizer.lr=1", "optimizer is no field of a recipe. Use optim."),
        ("lr=1e-5", "--set lr=1e-5 names no section. Write --set optim.lr=1e-5."),
        ("optim.lr", "--set optim.lr has no value. Write --set section.field=value, as optim.lr=1e-5."),
        ("optim.lr=fast", "optim.lr='fast' is not a number. Use a number from 0 to 1."),
        ("optim.lr=2", "optim.lr=2 is out of range. Use a number from 0 to 1."),
        ("optim.lr=nan", "optim.lr=nan is out of range. Use a number from 0 to 1."),
        ("optim.steps=1.5", "optim.steps=1.5 is not a whole number. Use a whole number from 1 to 2147483648."),
        ("optim.steps=true", "optim.steps=True is not a number. Use a whole number from 1 to 2147483648."),
        ("optim.schedule=cos", "optim.schedule='cos' is not a choice. Use one of cosine, linear, stable, constant."),
        ("optim.betas=0.9", "optim.betas=0.9 is not 2 numbers. Use a list of 2: each a number from 0 to 1."),
        ("model.frozen_tower=1", "model.frozen_tower=1 is not true or false. Use true or false."),
        ("align.pointing=2", "align.pointing=2 is not a list. Use a list: each a whole number from 0 to 1023."),
        ("align.pointing=[0.5]", "align.pointing=0.5 is not a whole number."),
        ("model.name=3", "model.name=3 is not a text. Use a text."),
        ("data.corpora=[1]", 'data.corpora=[1] is not a list of texts. Use a list such as ["a", "b"].'),
        ("data.mixture.orc=1", "data.mixture.orc is no weight. Use ocr, interleaved, generation."),
        ("data.mixture.ocr=-1", "data.mixture.ocr=-1 is out of range. Use a number from 0 to 1000."),
        ("data.mixture={ocr = 0}", "data.mixture={'ocr': 0} has no weight above 0."),
        ("data.theta.x=1", "data.theta.x does not exist: data.theta is no table. Set that."),
        ("optim.warmup_steps=5000", "optim.warmup_steps=5000 is above optim.steps=4000. Lower it."),
        ("optim.min_lr=0.1", "optim.min_lr=0.1 is above optim.lr=2e-06. Lower it."),
        ("batch.per_device=171", "batch.per_device=171 is above the 170 rows of a step. Lower it."),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_status_2(setting: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        CptRecipe.load("glyph-9b-cpt").with_overrides([setting])
    assert message in str(caught.value)
    arguments = ["train", "cpt", "--recipe", "glyph-9b-cpt", "--set", setting, "--dry-run"]
    result = CliRunner().invoke(cli.command, arguments, prog_name="glyphrender")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stage = 'cpt'\n[optim]\nlr = fast", "is not TOML"),
        ("[optim]\nlr = 1e-5", "stage=None is no stage. Use cpt, sft, grpo."),
        ("stage = 'sft'", "is of the stage sft, not cpt. Run glyphrender train sft."),
        ("stage = 'cpt'\noptim = 1", "optim=1 is no table. Write [optim] above its fields."),
        ("stage = 'cpt'\n[optim]\nrate = 1", "optim.rate is no field of a recipe."),
        ("stage = 'cpt'\n[grpo]\nbeta = 1", "grpo is no field of a recipe."),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        CptRecipe.load(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"recipe {path}")


@pytest.mark.parametrize("stage", STAGES)
def test_an_evaluation_of_nothing_is_refused_in_every_stage(stage: str) -> None:
    recipe = Recipe.load(f"tiny-{stage}")
    with pytest.raises(DataError, match=r"^run\.eval_every=5 evaluates what is held out, and data\.held_out=0"):
        recipe.with_overrides(["run.eval_every=5", "data.held_out=0"])
    assert recipe.with_overrides(["data.held_out=0"]).run.eval_every == 0


def test_an_unknown_recipe_names_those_that_are_close() -> None:
    with pytest.raises(DataError, match=r"recipe 'glyph-9-cpt' does not exist\. Use glyph-9b-cpt"):
        Recipe.load("glyph-9-cpt")
    with pytest.raises(DataError, match=r"recipe none\.toml cannot be read"):
        Recipe.load("none.toml")


def test_settings_change_values_and_entries_of_tables_in_order() -> None:
    recipe = CptRecipe.load("glyph-9b-cpt").with_overrides(
        ["data.mixture.ocr=3", "data.mixture.generation=0", "optim.lr=1e-5", "seed=7", "data.corpora=a.txt"]
    )
    assert recipe.data.mixture == {"ocr": 3.0, "interleaved": 1.0, "generation": 0.0}
    assert (recipe.optim.lr, recipe.seed, recipe.data.corpora) == (1e-5, 7, ("a.txt",))
    both = recipe.with_overrides(["optim.steps=10", "optim.warmup_steps=5"])
    assert (both.optim.steps, both.optim.warmup_steps) == (10, 5)


def test_the_value_of_a_setting_is_toml_or_else_the_text_itself() -> None:
    values: dict[str, Any] = {"1e-5": 1e-5, "[1, 2]": [1, 2], "true": True, '"x"': "x", "a/b": "a/b", "": ""}
    assert {text: value_of(text) for text in values} == values
    assert value_of("1\nother = 2") == "1\nother = 2"


def test_the_digest_tells_apart_what_is_learned_and_nothing_else() -> None:
    recipe = CptRecipe.load("glyph-9b-cpt")
    same = ["machine.gpus=1", "run.log_every=7", "run.workers=0", "batch.per_device=2", "name=other", "run.keep=9"]
    other = ["optim.lr=3e-6", "seed=1", "data.mixture.ocr=2", "batch.samples=168", "run.dtype=float32", "lora.rank=8"]
    assert {recipe.with_overrides([each]).digest for each in same} == {recipe.digest}
    assert len({recipe.digest, *(recipe.with_overrides([each]).digest for each in other)}) == 1 + len(other)


def test_a_rehearsal_has_the_share_of_the_budget_and_the_same_model_and_rows() -> None:
    recipe = CptRecipe.load("glyph-9b-cpt")
    small = recipe.scaled(0.001)
    budget = recipe.batch.samples * recipe.optim.steps
    assert small.batch.samples * small.optim.steps == pytest.approx(budget * 0.001, rel=0.02)
    assert (small.model, small.data, small.optim.lr) == (recipe.model, recipe.data, recipe.optim.lr)
    tiny = recipe.scaled(1e-9)
    assert (tiny.batch.samples, tiny.optim.steps) == (1, 2)
    for share in (0, -1, 1.1, float("nan")):
        with pytest.raises(DataError, match="is no share"):
            recipe.scaled(share)


def test_samples_that_do_not_divide_among_processes_are_refused_with_the_next_counts() -> None:
    recipe = CptRecipe.load("glyph-9b-cpt")
    assert [recipe.accumulation(processes) for processes in (1, 2, 10)] == [170, 85, 17]
    with pytest.raises(DataError, match=r"Use --set batch\.samples=168 or 176"):
        recipe.accumulation(8)


def test_the_page_of_all_fields_is_up_to_date() -> None:
    assert (DOCS / "recipes.md").read_text(encoding="utf-8") == markdown()


@pytest.mark.slow
def test_accelerate_reads_every_launch_file_for_eight_gpus() -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.utils import DistributedType
    from transformers.models.glm4v import modeling_glm4v

    kinds = {"ddp": DistributedType.MULTI_GPU, "fsdp": DistributedType.FSDP, "deepspeed": DistributedType.DEEPSPEED}
    assert launch_names() == tuple(sorted(kinds))
    for name, kind in kinds.items():
        config = load_config_from_file(str(launch_file(name)))
        assert (config.distributed_type, config.num_processes, config.mixed_precision) == (kind, 8, "bf16")
    fsdp = load_config_from_file(str(launch_file("fsdp"))).fsdp_config
    for layer in fsdp["fsdp_transformer_layer_cls_to_wrap"].split(","):
        assert hasattr(modeling_glm4v, layer)
    with pytest.raises(DataError, match=r"launch file 'ray' does not exist\. Use ddp, deepspeed, fsdp"):
        launch_file("ray")


@pytest.mark.slow
def test_accelerate_launch_turns_each_file_into_arguments_and_the_fsdp_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    from accelerate.commands.launch import launch_command_parser
    from accelerate.utils import FullyShardedDataParallelPlugin
    from accelerate.utils.launch import prepare_multi_gpu_env

    fsdp = {}
    for name in launch_names():
        arguments = launch_command_parser().parse_args(["--config_file", str(launch_file(name)), "-m", "glyphrender"])
        assert arguments.module, name
        fsdp[name] = arguments
    from accelerate.commands import launch

    arguments, _, _ = launch._validate_launch_command(fsdp["fsdp"])
    for key, value in prepare_multi_gpu_env(arguments).items():
        if key.startswith("FSDP"):
            monkeypatch.setenv(key, value)
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2
    assert plugin.transformer_cls_names_to_wrap == ["Glm4vTextDecoderLayer", "Glm4vVisionBlock"]

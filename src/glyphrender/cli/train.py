"""`glyphrender train`: a recipe → a model that reads pages, or what that would cost."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli import CommandGroup
from glyphrender.cli.notices import say

if TYPE_CHECKING:
    from glyphrender.train.recipe import Recipe
    from glyphrender.train.recipe.plan import RunPlan


def _stage_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all stages share. The function gets the changed recipe, and the other options."""

    @click.option("--recipe", "source", metavar="NAME|FILE", required=True, help="A bundled recipe, or a TOML file.")
    @click.option(
        "--set",
        "settings",
        metavar="SECTION.FIELD=VALUE",
        multiple=True,
        help="Change one field of the recipe; repeatable. See docs/recipes.md.",
    )
    @click.option("--scale", type=float, metavar="N", help="Rehearse: cut batch × steps to this share, as 0.001.")
    @click.option("--out", type=click.Path(path_type=Path), help="Folder of the run; by default runs/NAME.")
    @click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the folder.")
    @click.option("--dry-run", is_flag=True, help="Train nothing: print tokens, FLOPs, memory and days.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON: the plan, or the result.")
    @functools.wraps(function)
    def wrapper(**options: Any) -> Any:
        return function(**options)

    return wrapper


@click.group(cls=CommandGroup)
def command() -> None:
    """Train a vision-language model to read pages, by a recipe.

    The stages follow one another: cpt makes a model that reads, sft one that answers, grpo one that answers better.
    """


@command.command()
def recipes() -> None:
    """List the bundled recipes."""
    from glyphrender.train.recipe import Recipe, recipe_names

    for name in recipe_names():
        recipe = Recipe.load(name)
        click.echo(f"{name:18} {recipe.stage:5} {recipe.about}")


@command.command()
@click.argument("name")
def launch(name: str) -> None:
    """Print the path of a file for `accelerate launch --config_file`: ddp, fsdp or deepspeed, for 8 GPUs."""
    from glyphrender.train.launch import launch_file

    click.echo(launch_file(name))


@command.command()
@_stage_options
def cpt(**options: Any) -> None:
    """Continue pre-training on plain texts: read pages, texts with pages in them, and what follows pages."""
    _run("cpt", **options)


@command.command()
@_stage_options
def sft(**options: Any) -> None:
    """Fine-tune on chats whose long contexts become pages, with transcription beside."""
    _run("sft", **options)


@command.command()
@_stage_options
def grpo(**options: Any) -> None:
    """Reinforce right answers about pages, by groups of completions and verifiable rewards."""
    _run("grpo", **options)


def _run(
    stage: str,
    *,
    source: str,
    settings: tuple[str, ...],
    scale: float | None,
    out: Path | None,
    resume: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from importlib import import_module

    from glyphrender.train.recipe import STAGES
    from glyphrender.train.run.run_folder import is_main_process

    recipe = STAGES[stage].load(source).with_overrides(settings)
    if scale is not None:
        recipe = recipe.scaled(scale)
    if dry_run:
        _print_plan(recipe, as_json)
        return
    folder = out if out is not None else Path("runs") / recipe.name
    result = import_module(f"glyphrender.train.{stage}").train(
        recipe, out=folder, resume=resume, callbacks=[_progress(recipe.optim.steps)]
    )
    if is_main_process():
        click.echo(json.dumps(result.to_dict(), indent=2) if as_json else result.summary())


def _progress(steps: int) -> Any:
    """Return a callback of transformers that writes one line to standard error for each log."""
    from transformers import TrainerCallback

    class Progress(TrainerCallback):  # type: ignore[misc]
        """A callback that says how far training is."""

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **rest: Any) -> None:
            """Write the numbers of a log."""
            if state.is_world_process_zero and logs and "train_runtime" not in logs:
                numbers = [f"{name} {value:.4g}" for name, value in logs.items() if isinstance(value, int | float)]
                say(f"step {state.global_step:,} of {steps:,}: {', '.join(numbers)}")

    return Progress()


def _print_plan(recipe: Recipe, as_json: bool) -> None:
    from glyphrender.train.recipe.dry_run import plan_of
    from glyphrender.train.recipe.plan_report import cost_sentence, plan_rows

    plan: RunPlan = plan_of(recipe)
    if as_json:
        click.echo(json.dumps(plan.to_dict(), indent=2))
        return
    rows = plan_rows(plan)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:{width}}  {value}")
    click.echo(cost_sentence(plan))
    for note in plan.notes():
        say(note)

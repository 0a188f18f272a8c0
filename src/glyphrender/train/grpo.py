"""Reinforcement by rewards (GRPO): a recipe, prompts, rewards, a trainer of TRL, a model. Read from top to bottom.

1. what fits       batch sizes, rewards and prompts are checked before a model is loaded
2. the folder      refuses checkpoints of another recipe
3. the model       loaded, or a tiny reader with random weights
4. the rows        prompts with pages, and the columns that rewards need
5. the trainer     `DapoTrainer`: TRL's GRPOTrainer, which drops groups without variance and refills the batch
6. the end         the model and its processor in one folder

Prompts that are held out are answered every `run.eval_every` steps, once each, by sampling: the curve `eval_reward`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from trl import GRPOConfig, GRPOTrainer

from glyphrender.adapters.device import for_device
from glyphrender.adapters.pixels import Patchify
from glyphrender.adapters.sft import epoch_callback
from glyphrender.adapters.theta_sources import Sampled, ThetaSource
from glyphrender.errors import DataError
from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.model import EndpointModel
from glyphrender.theta import ThetaLike
from glyphrender.train.recipe import GrpoRecipe
from glyphrender.train.rewards import RewardFunction, reward_functions
from glyphrender.train.rewards.dapo import DapoTrainer
from glyphrender.train.rewards.judge import Judge
from glyphrender.train.rows.grpo_rows import prompt_dataset, read_prompts, without_held_out
from glyphrender.train.run.adapters import adapters, keep_base
from glyphrender.train.run.arguments import on_threads_of_recipe, training_arguments
from glyphrender.train.run.loading import model_and_processor
from glyphrender.train.run.result import TrainingResult, finished
from glyphrender.train.run.run_folder import RunFolder
from glyphrender.train.run.streams import TokenCount, fixed_theta, named_files, nothing_held_out
from glyphrender.train.run.watch import StopsAtLastStep, StopsAtNaN, quiet, watchers

__all__ = ["GrpoResult", "grpo_config", "train"]


class _Dapo(StopsAtLastStep, StopsAtNaN, DapoTrainer):
    """The trainer that drops groups without variance, which stops at a loss or a gradient that is not finite."""


class _Grpo(StopsAtLastStep, StopsAtNaN, GRPOTrainer):  # type: ignore[misc]
    """TRL's trainer, which stops at a loss or a gradient that is not finite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GrpoResult(TrainingResult):
    """The end of a run of GRPO.

    Attributes:
        first_reward, last_reward: mean rewards of the first and of the last tenth of the curve; None without a curve.
        taught: mean share of the groups of a batch that had variance; None without a curve, or if none is dropped.
        counts: numbers of prompts, of prompts dropped by the budget and held out, and what the judge did.
    """

    first_reward: float | None
    last_reward: float | None
    taught: float | None
    counts: Mapping[str, int]

    def summary(self) -> str:
        """Return one line for a terminal."""
        reward = "" if self.last_reward is None else f", reward {self.first_reward:.3f} → {self.last_reward:.3f}"
        # A model that is never right, or always, gives groups without variance: the run ends, and nothing was learned.
        taught = " (no group taught anything; see docs/grpo.md)" if self.taught == 0 else ""
        skipped, graded = (self.counts.get(f"judge {name}", 0) for name in ("skipped", "graded"))
        judge = f" (the judge gave no grade to {skipped:,} of {skipped + graded:,} completions)" if skipped else ""
        return f"{self.recipe}: {self.steps:,} steps, {self.seconds:,.0f} s{reward}{taught}{judge}: {self.model}"


@on_threads_of_recipe
def train(
    recipe: GrpoRecipe,
    *,
    out: str | os.PathLike[str],
    resume: bool = False,
    prompts: Sequence[Mapping[str, Any]] | None = None,
    theta: ThetaLike | ThetaSource = None,
    start: tuple[Any, Any] | None = None,
    rewards: Sequence[RewardFunction] = (),
    callbacks: Sequence[Any] = (),
) -> GrpoResult:
    """Train a model by the rewards of its own answers.

    Args:
        recipe: the recipe.
        out: the folder of the run: recipe, curve, checkpoints, model (`RunFolder`).
        resume: go on from the last complete checkpoint in the folder.
        prompts: rows with context, question and answer, in place of the files of `data.prompts`.
        theta: θ of all pages, or a `ThetaSource`, in place of `data.theta`.
        start: (model, processor), in place of those that the recipe names.
        rewards: reward functions of your own, whose names stand among `grpo.rewards`: in place of ours, or besides.
        callbacks: more callbacks of transformers.

    Raises:
        DataError: the folder is of another recipe, a file of prompts cannot be read, or a value does not fit.
        TrainingError: a loss or a gradient is not finite. The batch is saved, and the step is not taken.
        DependencyError: an extra is missing, or this release of TRL was not verified.
    """
    functions, weights = _rewards(recipe, rewards)
    rows = prompts if prompts is not None else read_prompts(named_files(recipe.data.prompts, "prompts"))
    training, held_out = without_held_out(rows, recipe.data.held_out)
    if recipe.run.eval_every and not held_out:
        raise nothing_held_out(recipe, len(training), "prompts")
    folder = RunFolder.open(out, recipe, resume=resume)
    arguments = grpo_config(recipe, folder, reward_weights=weights)

    model, processor = start if start is not None else model_and_processor(recipe)
    keep_base(recipe, model, processor, folder)
    dataset_of = _dataset_maker(recipe, processor, theta)
    dataset, transform, counts = dataset_of(training)
    asked = dataset_of(held_out[: recipe.run.eval_samples])[0] if arguments.eval_strategy != "no" else None
    made = partial(_Dapo, rounds=recipe.grpo.rounds) if recipe.grpo.drop_flat else _Grpo
    trainer = quiet(
        made(
            model=model,
            args=arguments,
            train_dataset=dataset,
            eval_dataset=asked,
            processing_class=for_device(model, processor),  # pages go to the device as bytes
            reward_funcs=functions,
            peft_config=adapters(recipe),
            callbacks=[epoch_callback(transform.pages), *watchers(folder), *callbacks],
        )
    )
    trainer.run_folder = folder
    trainer.train(resume_from_checkpoint=folder.resumed_from)
    counts.update({"held out": len(held_out)})
    for judge in (each for each in functions if isinstance(each, Judge)):
        counts.update({f"{judge.name} {name}": count for name, count in judge.counts.items()})
    return _result(trainer, processor, folder, counts)


def _dataset_maker(recipe: GrpoRecipe, processor: Any, theta: ThetaLike | ThetaSource) -> Callable[..., Any]:
    """Return a function from rows of prompts to (data set, transform, counts), as `prompt_dataset` makes them."""
    vision = Patchify.of(processor).model
    data = recipe.data
    grid: Any = vision if data.aligned else ""
    return partial(
        prompt_dataset,
        theta=theta or fixed_theta(data, vision) or Sampled(fixed=data.fixed, model=grid),
        ratio=vision if "compression" in recipe.grpo.rewards else None,
        seed=recipe.seed,
        vision=vision,
        max_visual_tokens=data.max_visual_tokens,
        count_text=TokenCount(processor.tokenizer),
        max_text_tokens=data.max_text_tokens,
        over=data.over_budget,
    )


def _result(trainer: Any, processor: Any, folder: RunFolder, counts: Mapping[str, int]) -> GrpoResult:
    """Save the model, and return the figures of the run with the ends of its curve."""
    logs = trainer.state.log_history
    curve = [log["reward"] for log in logs if log.get("reward") is not None]
    kept = [log["groups/kept"] for log in logs if "groups/kept" in log]
    tenth = max(1, len(curve) // 10)
    return GrpoResult(
        **asdict(finished(trainer, processor, folder)),
        first_reward=sum(curve[:tenth]) / tenth if curve else None,
        last_reward=sum(curve[-tenth:]) / tenth if curve else None,
        taught=sum(kept) / len(kept) if kept else None,
        counts=dict(counts),
    )


def grpo_config(recipe: GrpoRecipe, folder: RunFolder, *, reward_weights: Sequence[float] = ()) -> GRPOConfig:
    """Return TRL's configuration of a recipe, for as many processes as this one was started with.

    A step makes one generation: `batch.samples` prompts × `grpo.generations` completions, over all processes. They are
    trained on once, in micro-batches of `batch.per_device` completions. So all probability ratios are 1, and clipping
    never acts: the paper's 0.2 and 0.28 are passed on, and its number of updates a generation is not known.

    Args:
        recipe: the recipe.
        folder: the folder of the run.
        reward_weights: weights of the rewards, in order.

    Raises:
        DataError: the prompts of a step do not divide among the processes, or their completions not into micro-batches.
    """
    grpo = recipe.grpo
    shared = training_arguments(recipe, folder)
    return GRPOConfig(
        **shared,
        num_generations=grpo.generations,
        num_generations_eval=1,
        max_completion_length=grpo.max_completion_tokens,
        temperature=grpo.temperature,
        epsilon=grpo.clip_low,
        epsilon_high=grpo.clip_high,
        beta=grpo.beta,
        loss_type="dapo",
        scale_rewards="group",
        reward_weights=list(reward_weights) or None,
    )


def _rewards(recipe: GrpoRecipe, others: Sequence[RewardFunction]) -> tuple[list[RewardFunction], list[float]]:
    names = {getattr(each, "__name__", "") for each in others}
    if "judge" in recipe.grpo.rewards and "judge" not in names:
        if not recipe.grpo.judge_url:
            raise DataError("grpo.rewards names judge, and grpo.judge_url is empty. Give the address of its server.")
        endpoint = Endpoint(base_url=recipe.grpo.judge_url, model=recipe.grpo.judge_model, temperature=0.0)
        others = [*others, Judge(model=EndpointModel(endpoint=endpoint))]
    return reward_functions(recipe.grpo.rewards, others=others)

"""A recipe → the arguments that TRL's and transformers' trainers share.

Samples come in the order of their indexes (`stream`), so each process takes its share of each step by its rank, and a
resumed run goes on with the sample after the last. The trainers' own shuffling is off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from transformers import TrainingArguments

from glyphrender.train.recipe import Recipe
from glyphrender.train.run.run_folder import RunFolder, process_count

__all__ = ["on_threads_of_recipe", "schedule", "training_arguments"]

F = TypeVar("F", bound=Callable[..., Any])

# transformers renamed the argument, and warns of the old name.
_NAMES = {each.name for each in fields(TrainingArguments)}
_CHECKPOINTING = "activation_checkpointing" if "activation_checkpointing" in _NAMES else "gradient_checkpointing"


def on_threads_of_recipe(stage: F) -> F:
    """Decorate a function of a recipe, so that torch has `machine.threads` threads in it, and its own after it."""

    @wraps(stage)
    def on_threads(recipe: Recipe, *arguments: Any, **named: Any) -> Any:
        before = torch.get_num_threads()
        torch.set_num_threads(recipe.machine.threads or before)
        try:
            return stage(recipe, *arguments, **named)
        finally:
            torch.set_num_threads(before)

    return cast(F, on_threads)


def schedule(recipe: Recipe) -> dict[str, Any]:
    """Return the type of the schedule and its arguments, in transformers' words."""
    optim = recipe.optim
    match optim.schedule:
        case "cosine" if optim.min_lr:
            return {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr": optim.min_lr}}
        case "stable":
            return {
                "lr_scheduler_type": "warmup_stable_decay",
                "lr_scheduler_kwargs": {
                    "num_decay_steps": round(optim.steps * optim.decay),
                    "decay_type": "linear",
                    "min_lr_ratio": optim.min_lr / optim.lr if optim.lr else 0.0,
                },
            }
        case "constant":
            return {"lr_scheduler_type": "constant_with_warmup"}
        case other:
            return {"lr_scheduler_type": other}


def training_arguments(recipe: Recipe, folder: RunFolder) -> dict[str, Any]:
    """Return keyword arguments of `transformers.TrainingArguments` and of its children in TRL.

    Raises:
        DataError: the samples of a step do not divide among the processes.
    """
    optim, run, machine = recipe.optim, recipe.run, recipe.machine
    return {
        "output_dir": str(folder.path),
        "max_steps": optim.steps,
        "per_device_train_batch_size": recipe.batch.per_device,
        "gradient_accumulation_steps": recipe.accumulation(process_count()),
        "learning_rate": optim.lr,
        "warmup_steps": optim.warmup_steps,
        "adam_beta1": optim.betas[0],
        "adam_beta2": optim.betas[1],
        "weight_decay": optim.weight_decay,
        "max_grad_norm": optim.max_grad_norm,
        **schedule(recipe),
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "train_sampling_strategy": "sequential",
        "use_cpu": not torch.cuda.is_available(),
        "bf16": run.dtype == "bfloat16",
        _CHECKPOINTING: machine.checkpoint_layers,
        "dataloader_num_workers": run.workers,
        "dataloader_persistent_workers": run.workers > 0,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "logging_steps": run.log_every,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps" if run.save_every else "no",
        "save_steps": run.save_every or optim.steps,
        "save_total_limit": run.keep,
        "eval_strategy": "steps" if run.eval_every else "no",
        "eval_steps": run.eval_every or None,
        "per_device_eval_batch_size": recipe.batch.per_device,
        "remove_unused_columns": False,
        "report_to": [],
        "disable_tqdm": True,
    }

"""A recipe → the model and the processor that a trainer gets.

Weights that are all trained are float32, and products are made in the recipe's type by autocast. With adapters, the
weights below them are loaded in the recipe's type, because they do not change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from glyphrender.errors import DataError, shown
from glyphrender.train.reader.equal_pages import equal_pages
from glyphrender.train.recipe import Recipe
from glyphrender.train.recipe.dry_run import TINY, config_of, trained_parameters
from glyphrender.train.run.adapters import has_adapters, merged
from glyphrender.train.thread_limit import keep_to_thread_limit

__all__ = ["attention", "model_and_processor"]


def attention(recipe: Recipe) -> str:
    """Return the implementation of attention: the recipe's on an accelerator, and sdpa on a CPU."""
    return recipe.machine.attention if torch.cuda.is_available() else "sdpa"


def model_and_processor(recipe: Recipe) -> tuple[Any, Any]:
    """Return the model, on the CPU, and its processor.

    Raises:
        DataError: the recipe names no weights and no tiny reader, the weights cannot be loaded, or a target of the
            adapters is no layer of the model.
        DependencyError: the weights are adapters, and peft is not installed.
    """
    keep_to_thread_limit()
    weights, tiny = recipe.model.weights, recipe.model.name == TINY
    if not weights and not tiny:
        raise DataError(f"model.weights is empty. Name a folder or a hub name with the weights of {recipe.model.name}.")
    processor: Any = None
    if tiny:
        from glyphrender.train.reader.tiny_reader import tiny_reader

        config_of(recipe.model)  # a wrong option is an error of one line
        model, processor = tiny_reader(**{"seed": recipe.seed, **recipe.model.options})
    if weights:
        model, loaded = _loaded(recipe)
        processor = processor or loaded
    else:
        model.set_attn_implementation(attention(recipe))
    if attention(recipe) == "sdpa" and hasattr(model.model, "visual"):
        equal_pages(model)
    if recipe.lora.rank and hasattr(model.model, "visual"):
        trained_parameters(model, recipe.lora, frozen_tower=recipe.model.frozen_tower)  # refuses a target without layer
    if recipe.model.frozen_tower:
        model.model.visual.requires_grad_(False)
    return model, processor


def _loaded(recipe: Recipe) -> tuple[Any, Any]:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    weights = recipe.model.weights
    local = Path(weights).is_dir() or weights.startswith((".", "/", "runs/"))
    if local and not any((Path(weights) / name).is_file() for name in ("config.json", "adapter_config.json")):
        raise DataError(f"model.weights={shown(weights)} has no config.json. Name the model folder of an earlier run.")
    dtype = getattr(torch, recipe.run.dtype) if recipe.lora.rank else torch.float32
    try:
        if has_adapters(weights):
            model = merged(weights, attention=attention(recipe)).to(dtype)
        else:
            load = AutoModelForImageTextToText.from_pretrained
            model = load(weights, dtype=dtype, attn_implementation=attention(recipe))
        processor = None if recipe.model.name == TINY else AutoProcessor.from_pretrained(weights)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        where = "" if Path(weights).is_dir() else "is no folder, and as a name on the hub it "
        raise DataError(f"model.weights={shown(weights)} {where}cannot be loaded ({reason}). Name another.") from error
    return model, processor

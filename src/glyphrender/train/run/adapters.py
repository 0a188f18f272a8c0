"""Low-rank adapters (peft): what a stage trains with `lora.rank`, and how the next stage begins from them.

A run with adapters saves the adapters alone. A stage whose `model.weights` names such a folder loads the weights that
the adapters were trained on, adds the adapters to them in float32 (`merged`), and trains from the sum: all of its
weights, or new adapters on top. So stages follow one another whichever of them have adapters, and a chain of adapters
is merged from its first link on.

The adapters name their weights as the recipe did: a folder or a hub name. Weights that no folder holds, such as those
of a tiny reader that begins at random, are kept in the folder of the run (`keep_base`), and found there beside the
adapters if the run was moved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from transformers.utils.peft_utils import find_adapter_config_file

from glyphrender.errors import DataError, DependencyError, shown
from glyphrender.train.recipe import Recipe
from glyphrender.train.run.run_folder import RunFolder, is_main_process

__all__ = ["adapters", "has_adapters", "keep_base", "merged"]

_FILE: Final = "adapter_config.json"


def adapters(recipe: Recipe) -> Any:
    """Return peft's configuration of the adapters, or None if all weights are trained.

    Raises:
        DependencyError: peft is not installed.
    """
    lora = recipe.lora
    if not lora.rank:
        return None
    # One expression in place of a list of names, because `down_proj` is in the tower too.
    names = "|".join(lora.targets)
    inside = r".*language_model.*\." if recipe.model.frozen_tower else r".*\."
    return _peft().LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=rf"{inside}({names})",
        task_type="CAUSAL_LM",
    )


def has_adapters(weights: str) -> bool:
    """Return whether a folder or a hub name holds adapters in place of a whole model."""
    if Path(weights).is_dir():
        return (Path(weights) / _FILE).is_file()
    return find_adapter_config_file(weights) is not None


def keep_base(recipe: Recipe, model: Any, processor: Any, folder: RunFolder) -> None:
    """Save the weights below the adapters of a run, if no folder holds them, so that the adapters can be used later."""
    if recipe.lora.rank and not model.name_or_path:
        if is_main_process():
            model.save_pretrained(folder.base)
            processor.save_pretrained(folder.base)
        model.name_or_path = str(folder.base)


def merged(weights: str, *, attention: str) -> Any:
    """Return the model below adapters with the adapters added to its weights, in float32.

    Args:
        weights: a folder or a hub name of adapters, as peft saves them.
        attention: the implementation of attention.

    Raises:
        DataError: the weights below the adapters are not there, or the adapters do not fit them.
        DependencyError: peft is not installed.
    """
    from transformers import AutoModelForImageTextToText

    peft = _peft()
    try:
        config = peft.PeftConfig.from_pretrained(weights)
        below = _below(weights, str(config.base_model_name_or_path or ""))
        if has_adapters(below):
            model = merged(below, attention=attention)
        else:
            load = AutoModelForImageTextToText.from_pretrained
            model = load(below, dtype=torch.float32, attn_implementation=attention)
        config.base_model_name_or_path = model.name_or_path  # where it was found
        wrapped = peft.get_peft_model(model, config)
        loaded = peft.set_peft_model_state_dict(wrapped, peft.load_peft_weights(weights, device="cpu"))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"model.weights={shown(weights)} are adapters that cannot be loaded ({reason}). Name another folder."
        ) from error
    strange = [*loaded.unexpected_keys, *(name for name in loaded.missing_keys if "lora_" in name)]
    if strange:
        raise DataError(
            f"model.weights={shown(weights)} are adapters that do not fit {below} ({strange[0]}). Name another folder."
        )
    whole = wrapped.merge_and_unload().requires_grad_(True)  # peft froze what is below the adapters
    whole.name_or_path = weights
    return whole


def _below(weights: str, named: str) -> str:
    """Return the weights that adapters name: a folder, `base` beside the adapters, or a hub name.

    Raises:
        DataError: they name a folder that is not there, or nothing.
    """
    beside = Path(weights).parent / "base"
    if Path(named).name == beside.name and not Path(named).is_dir() and beside.is_dir():
        return str(beside)
    if not named or (named.startswith((".", "/", "runs/")) and not Path(named).is_dir()):
        raise DataError(
            f"model.weights={shown(weights)} are adapters of {shown(named)}, which is not there. Put that folder back, "
            f"or write where it is into base_model_name_or_path of {Path(weights) / _FILE}."
        )
    return named


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise DependencyError.of(error, "adapters need the package peft", extra="train") from error
    return peft

"""The model of a recipe, built on torch's meta device: real modules without memory, so that parameters are counted.

A count by arithmetic alone could be wrong in silence, so `plan_of` takes parameters from the built model and compares
them with the arithmetic that everything else is computed from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, DependencyError, shown
from glyphrender.models.arithmetic import ModelShape, published, published_names
from glyphrender.train.recipe import Recipe
from glyphrender.train.recipe.plan import RunPlan
from glyphrender.train.recipe.sections import LoraSection, ModelSection

__all__ = ["config_of", "meta_model", "plan_of", "trained_parameters"]

TINY = "tiny-reader"
FAMILY = "glm4v"  # the family that recipes train


def config_of(model: ModelSection) -> Mapping[str, Any]:
    """Return the configuration of a recipe's model: a bundled one, that of a tiny reader, or a folder's config.json.

    Raises:
        DataError: there is no such configuration, or an option of the tiny reader is wrong.
        DependencyError: a tiny reader needs torch and transformers.
    """
    if model.name == TINY:
        from glyphrender.train.reader.tiny_reader import tiny_reader

        try:
            config: dict[str, Any] = tiny_reader(**model.options)[0].config.to_dict()
        except TypeError as error:
            raise DataError(f"model.options={shown(model.options)} do not suit tiny_reader ({error}).") from None
        return config
    if model.options:
        raise DataError(f"model.options={shown(model.options)} are of {TINY} only. Leave them out.")
    if model.name in published_names(FAMILY):
        return published(model.name)
    file = Path(model.name) / "config.json"
    try:
        read: dict[str, Any] = json.loads(read_text(file, pipes=False))
    except (OSError, ValueError, RecursionError):
        raise DataError(
            f"model.name={shown(model.name)} is no model. Use {TINY}, {', '.join(published_names(FAMILY))}, or a "
            "folder with a config.json."
        ) from None
    return read


def meta_model(config: Mapping[str, Any]) -> Any:
    """Return the model of a configuration on the meta device: all modules and shapes, no memory.

    Raises:
        DependencyError: torch or transformers is not installed.
    """
    try:
        import torch
        from transformers import Glm4vConfig, Glm4vForConditionalGeneration
    except ImportError as error:
        raise DependencyError.of(error, "a dry run needs torch and transformers", extra="train") from error
    with torch.device("meta"):
        return Glm4vForConditionalGeneration(Glm4vConfig(**config))


def trained_parameters(model: Any, lora: LoraSection, *, frozen_tower: bool) -> int:
    """Return the parameters that training changes: all, those outside the tower, or the adapters of `lora`.

    Raises:
        DataError: a target of the adapters is no layer of the model.
    """
    tower = {id(parameter) for parameter in model.model.visual.parameters()}
    if not lora.rank:
        return sum(
            parameter.numel() for parameter in model.parameters() if not (frozen_tower and id(parameter) in tower)
        )
    count, found = 0, set()
    for name, module in model.named_modules():
        last = name.rpartition(".")[2]
        weight = getattr(module, "weight", None)
        if last in lora.targets and weight is not None and weight.ndim == 2:
            found.add(last)
            if not (frozen_tower and id(weight) in tower):
                count += lora.rank * sum(weight.shape)
    if missing := [each for each in lora.targets if each not in found]:
        raise DataError(f"lora.targets has {missing[0]!r}, which is no layer of the model. Leave it out.")
    return count


def plan_of(recipe: Recipe) -> RunPlan:
    """Return the plan of a recipe, its parameters counted on the model that is built on the meta device.

    Raises:
        DataError: the model does not exist, or its count is not that of the arithmetic.
        DependencyError: torch or transformers is not installed.
    """
    config = config_of(recipe.model)
    if config.get("model_type") != FAMILY:
        raise DataError(f"model_type={shown(config.get('model_type'))} is not trained by recipes. Use {FAMILY}.")
    shape = ModelShape.of(config)
    model = meta_model(config)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if parameters != shape.parameters:
        raise DataError(
            f"model.name={shown(recipe.model.name)} has {parameters:,} parameters, and {shape.parameters:,} by "
            "arithmetic: its shapes are not those of GLM-4.1V. Use a model of that family."
        )
    return RunPlan(
        recipe=recipe,
        shape=shape,
        parameters=parameters,
        trained=trained_parameters(model, recipe.lora, frozen_tower=recipe.model.frozen_tower),
        positions=config["text_config"]["max_position_embeddings"],
    )

"""A backbone to be measured: a vision-language model with random or loaded weights, and prompts for it.

How fast a model is does not depend on its weights, so a configuration is enough. Prompts are made without a processor
and without a chat template: tokens of text are any tokens, and pages are patches of bytes between two marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from glyphrender.adapters.pixels import Patchify
from glyphrender.errors import DataError, DependencyError, shown
from glyphrender.evals.efficiency.expected import configuration
from glyphrender.inference.transformers import torch_device
from glyphrender.models.arithmetic import ModelShape
from glyphrender.models.families.grid import GridModel
from glyphrender.models.vision import vision_model

__all__ = ["Backbone", "Prompt", "backbone"]

_VISION = {"glm4v": "glm-4.1v", "qwen3_vl": "qwen3-vl"}
_MARKS = {
    "glm4v": ("image_start_token_id", "image_end_token_id"),
    "qwen3_vl": ("vision_start_token_id", "vision_end_token_id"),
}
# Mean and deviation of the channels, as the published processors have them. They do not change the speed.
_CHANNELS = {
    "glm4v": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "qwen3_vl": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """A prompt of one arm.

    Attributes:
        inputs: tensors for the model, on its device.
        text_tokens: tokens that are not visual, marks of pages with them.
        pages: visual tokens of each page.
    """

    inputs: Mapping[str, Any]
    text_tokens: int
    pages: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.text_tokens + sum(self.pages)


@dataclass(frozen=True, kw_only=True, slots=True)
class Backbone:
    """A model to be measured.

    Attributes:
        name: name of the configuration, or path.
        model: the model of transformers, on its device.
        shape: its shapes.
        config: its configuration.
        vision: the vision model that counts its visual tokens.
        patchify: pages to patches, as its processor does.
        random: whether the weights are random.
    """

    name: str
    model: Any
    shape: ModelShape
    config: Mapping[str, Any]
    vision: GridModel
    patchify: Patchify
    random: bool

    @property
    def device(self) -> Any:
        """The device of torch."""
        return self.model.device

    @property
    def number_bytes(self) -> int:
        """Bytes of a number of the weights."""
        return int(self.model.dtype.itemsize)

    @property
    def cache_argument(self) -> str:
        """Return the name of the model's argument for the cache. transformers 5.24 has renamed it."""
        return "cache" if "cache" in signature(self.model.forward).parameters else "past_key_values"

    @property
    def plain_tokens(self) -> int:
        """Number of tokens below all special ones."""
        return min(int(value) for name, value in self.config.items() if name.endswith("_token_id") and value)

    def text_prompt(self, tokens: int, *, seed: int = 0) -> Prompt:
        """Return a prompt of `tokens` tokens of text."""
        ids = np.random.default_rng(seed).integers(0, self.plain_tokens, tokens)
        return Prompt(inputs=self._inputs(ids), text_tokens=tokens)

    def page_prompt(self, patches: Any, grid: Any) -> Prompt:
        """Return a prompt of pages.

        Args:
            patches, grid: what `Patchify.patches` returns. The floats are made on the model's device.
        """
        import torch

        start, end = (self.config[name] for name in _MARKS[self.config["model_type"]])
        image = self.config["image_token_id"]
        pages = [int(count) // self.patchify.merge**2 for count in grid.prod(1)]
        ids = np.concatenate([np.array([start, *[image] * count, end]) for count in pages])
        inputs = self._inputs(ids)
        inputs["pixel_values"] = self.pixel_values(patches)
        inputs["image_grid_thw"] = torch.from_numpy(grid).to(self.device)
        return Prompt(inputs=inputs, text_tokens=2 * len(pages), pages=tuple(pages))

    def pixel_values(self, patches: Any) -> Any:
        """Return patches of bytes as floats of the model's type, made on its device."""
        import torch

        moved = patches if self.device.type == "cpu" else torch.from_numpy(patches).to(self.device)
        return self.patchify.pixel_values(moved, self.model.dtype)

    def _inputs(self, ids: Any) -> dict[str, Any]:
        import torch

        tokens = torch.from_numpy(np.asarray(ids, np.int64))[None].to(self.device)
        return {
            "input_ids": tokens,
            "attention_mask": torch.ones_like(tokens),
            "mm_token_type_ids": (tokens == self.config["image_token_id"]).int(),
        }


def backbone(name: str, *, device: str | None = None, dtype: str | None = None, seed: int = 0) -> Backbone:
    """Return a model to be measured.

    Args:
        name: a bundled configuration, or a folder with a config.json. The folder's weights are loaded if it has any;
            otherwise the weights are random.
        device: device of torch; by default the first accelerator, or the CPU if there is none.
        dtype: type of the weights; by default float32 on the CPU, bfloat16 elsewhere.
        seed: seed of random weights.

    Raises:
        DataError: there is no such model, device or dtype, or pages for it cannot be made here.
        DependencyError: torch or transformers is not installed.
    """
    config = configuration(name)
    shape = ModelShape.of(config)
    try:
        import torch
        from transformers import AutoConfig, AutoModelForImageTextToText
    except ImportError as error:
        raise DependencyError.of(error, "a model needs torch and transformers", extra="transformers") from error
    placed = torch_device(device)
    kind = getattr(torch, dtype or ("float32" if placed.type == "cpu" else "bfloat16"), None)
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise DataError(f"dtype={shown(dtype)} is no type of weights. Use float32, bfloat16 or float16.")
    family = config["model_type"]
    vision = vision_model(_VISION[family])
    if not isinstance(vision, GridModel) or vision.cell != shape.tower.cell:
        raise DataError(f"model={shown(name)} has cells of {shape.tower.cell} px; pages here have {vision.grid}.")
    folder = Path(name)
    weights = folder.is_dir() and any(each.suffix in (".safetensors", ".bin") for each in folder.iterdir())
    if weights:
        model = AutoModelForImageTextToText.from_pretrained(name, dtype=kind).to(placed)
    else:
        forked = [placed.index or 0] if placed.type == "cuda" else []
        with torch.random.fork_rng(devices=forked), torch.device(placed):
            torch.manual_seed(seed)
            model = AutoModelForImageTextToText.from_config(AutoConfig.for_model(**_plain(config)), dtype=kind)
        model = model.to(placed)
    mean, deviation = _CHANNELS[family]
    patchify = Patchify(
        model=vision,
        patch=shape.tower.patch,
        merge=shape.tower.merge,
        frames=shape.tower.frames,
        scale=tuple(1 / 255 / each for each in deviation),
        shift=tuple(-each / other for each, other in zip(mean, deviation, strict=True)),
        filter=None,
    )
    return Backbone(
        name=name,
        model=model.eval(),
        shape=shape,
        config=config,
        vision=vision,
        patchify=patchify,
        random=not weights,
    )


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without what only checkpoints need."""
    left_out: Sequence[str] = ("architectures", "transformers_version", "_name_or_path")
    return {name: value for name, value in config.items() if name not in left_out}

"""`RunPlan`: what a run of a recipe costs, by arithmetic: tokens, FLOPs, memory, days. Nothing here needs torch.

All samples are taken as full: as many visual and text tokens as the recipe's budgets allow. So the figures are upper
ends, and say so. The shapes and the bytes of activations are those of `models.arithmetic`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from glyphrender.errors import DataError
from glyphrender.models.arithmetic import Activations, ModelShape
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta
from glyphrender.train.recipe import CptRecipe, GrpoRecipe, Recipe

__all__ = ["Memory", "RunPlan", "shape_of", "span"]

_DAY = 86_400.0
_GB = 1e9
# Share of a GPU's memory that tensors can have: the rest is the context of CUDA, NCCL's buffers and fragmentation.
_USABLE = 0.95
# float32 weights, float32 gradients and the two float32 moments of AdamW. With bfloat16 weights and gradients beside a
# float32 master copy, as DeepSpeed has them, the sum is the same: 2 + 2 + 4 + 4 + 4.
_TRAINED_BYTES = 16


def shape_of(text: str) -> tuple[int, int]:
    """Return the columns and rows that a shape such as "12x3" names.

    Raises:
        DataError: the text is no shape.
    """
    columns, times, rows = text.partition("x")
    if not times or not columns.isdigit() or not rows.isdigit() or not int(columns) * int(rows):
        raise DataError(f"data.shapes has {text!r}. Write columns x rows in visual tokens, as 12x3.")
    return int(columns), int(rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Bytes on one GPU.

    Attributes:
        states: weights, gradients and moments that this GPU holds.
        gathered: weights that are whole for a moment, of layers that are split otherwise.
        activations: bytes of the sequences that the GPU takes at once.
        offloaded: whether held activations move to the host.
    """

    states: int
    gathered: int
    activations: Activations
    offloaded: bool

    @property
    def peak(self) -> int:
        """Highest sum."""
        held = 0 if self.offloaded else self.activations.held
        return self.states + self.gathered + self.activations.peak + held


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """The cost of a recipe.

    Attributes:
        recipe: the recipe.
        shape: shapes of the model.
        parameters: parameters of the model.
        trained: parameters that are trained.
        positions: number of positions of the language model.
    """

    recipe: Recipe
    shape: ModelShape
    parameters: int
    trained: int
    positions: int

    # ---- tokens -----------------------------------------------------------------------------------------------------

    @cached_property
    def page(self) -> tuple[int, int]:
        """Columns and rows, in visual tokens, of a page: the mean of the writer's shapes, or a page of θ."""
        data = self.recipe.data
        if shapes := [shape_of(each) for each in getattr(data, "shapes", ())]:
            return round(sum(c for c, _ in shapes) / len(shapes)), round(sum(r for _, r in shapes) / len(shapes))
        theta = Theta.preset(data.theta or "glyph-en").replace(**data.fixed)
        width, height = (round(side * theta.scale) for side in theta.page_size)
        width, height = vision_model("glm-4.1v").image(width, height).size
        return width // 28, height // 28

    @property
    def page_tokens(self) -> int:
        """Visual tokens of a page; a page that is cropped to the budget has as many as the budget."""
        whole = self.page[0] * self.page[1]
        return whole if self._filled else min(whole, self.recipe.data.max_visual_tokens)

    @property
    def _filled(self) -> bool:
        """Whether a writer fills pages, so that no budget crops them."""
        return bool(getattr(self.recipe.data, "writer", ""))

    @cached_property
    def pages(self) -> int:
        """Pages of a full sample. A writer fills one page."""
        return 1 if self._filled else self.recipe.data.max_visual_tokens // self.page_tokens

    @property
    def visual_tokens(self) -> int:
        """Visual tokens of a full sample."""
        return self.pages * self.page_tokens

    @property
    def text_tokens(self) -> int:
        """Text tokens of a full sample, the completion in GRPO."""
        data = self.recipe.data
        return int(data.max_text_tokens) + (
            self.recipe.grpo.max_completion_tokens if isinstance(self.recipe, GrpoRecipe) else 0
        )

    @property
    def learned_tokens(self) -> int:
        """Tokens whose loss is computed: the completion in GRPO, at most all text else."""
        if isinstance(self.recipe, GrpoRecipe):
            return self.recipe.grpo.max_completion_tokens
        return self.text_tokens

    @property
    def sequences(self) -> int:
        """Sequences of a step: samples, or completions in GRPO."""
        return self.recipe.step_rows

    @property
    def positions_used(self) -> int:
        """Positions of a full sample. A page advances them by its longer side only (M-RoPE), text by its tokens."""
        return self.pages * max(self.page) + self.text_tokens

    # ---- FLOPs ------------------------------------------------------------------------------------------------------

    def forward_parts(self, *, text: bool = True) -> dict[str, int]:
        """Return the FLOPs of one forward pass of a full sample: products with weights, attention, tower, logits."""
        tokens = self.visual_tokens + (self.text_tokens if text else 0)
        decoder = self.shape.decoder
        logits = 2 * (self.learned_tokens if text else 0) * decoder.hidden * decoder.vocabulary
        return {
            "linear": decoder.linear_flops(tokens),
            "attention": decoder.attention_flops(tokens),
            "tower": self.pages * self.shape.tower.flops(self.page_tokens),
            "logits": logits,
        }

    def sample_flops(self, *, recompute: bool, text: bool = True) -> int:
        """Return the FLOPs of one full sample in training.

        The backward pass costs two forward passes: one for the gradients of activations, one for those of weights.
        Adapters need only the first, a frozen tower none. Kept layers compute their forward pass again.

        Args:
            recompute: whether layers are computed again, as `machine.checkpoint_layers` has it.
            text: whether text tokens are counted, or the pages alone.
        """
        parts = self.forward_parts(text=text)
        recipe = self.recipe
        passes = 1 + (1 if recipe.lora.rank else 2)
        tower = parts.pop("tower")
        again = 1 if recompute else 0
        total = sum(parts.values()) * (passes + again) - parts["logits"] * again
        total += tower * (1 if recipe.model.frozen_tower else passes + again)
        if isinstance(recipe, GrpoRecipe):  # sampling reads and writes each sequence once
            total += sum(self.forward_parts().values())
        return total

    def step_flops(self, *, recompute: bool, text: bool = True) -> int:
        """Return the FLOPs of a step over all GPUs."""
        return self.sequences * self.sample_flops(recompute=recompute, text=text)

    def seconds(self, *, recompute: bool, text: bool = True) -> float:
        """Return the seconds of a step at the stated rate. Loading, communication and the optimizer are left out."""
        rate = self.recipe.machine.tflops * 1e12 * self.recipe.machine.gpus
        return self.step_flops(recompute=recompute, text=text) / rate

    def days(self, *, recompute: bool, text: bool = True) -> float:
        """Return the days of the whole run."""
        return self.recipe.optim.steps * self.seconds(recompute=recompute, text=text) / _DAY

    # ---- memory -----------------------------------------------------------------------------------------------------

    @property
    def state_bytes(self) -> int:
        """Bytes of weights, gradients and moments, all GPUs together if they are split."""
        frozen = self.parameters - self.trained if not self.recipe.lora.rank else self.parameters
        return _TRAINED_BYTES * self.trained + frozen * (2 if self.recipe.lora.rank else 4)

    @cached_property
    def memory(self) -> Memory:
        """Memory on one GPU."""
        machine, decoder = self.recipe.machine, self.shape.decoder
        half = self.recipe.run.dtype == "bfloat16"
        if machine.sharding == "none":
            states = self.state_bytes
            gathered = 2 * self.parameters if half else 0  # autocast keeps copies of two bytes
        else:
            states = math.ceil(self.state_bytes / machine.gpus)
            whole = decoder.embedding_parameters + 2 * decoder.layer_parameters + self.shape.tower.merger_matrices
            gathered = whole * (2 if half else 4)
        one = self.shape.activations(
            visual_tokens=self.visual_tokens,
            text_tokens=self.text_tokens,
            checkpoints=machine.checkpoint_layers,
            frozen_tower=self.recipe.model.frozen_tower,
        )
        # Autocast keeps the residual stream in float32; split weights are cast, so that it has two bytes.
        factor = self.recipe.batch.per_device * (1 if half and machine.sharding != "none" else 2)
        return Memory(
            states=states,
            gathered=gathered,
            activations=Activations(held=one.held * factor, peak=one.peak * factor),
            offloaded=machine.offload_activations,
        )

    @property
    def fits(self) -> bool:
        """Whether the peak is below 95% of the memory of a GPU."""
        return self.memory.peak <= self.recipe.machine.memory * _GB * _USABLE

    @property
    def decoder_checkpoints(self) -> int:
        """Bytes of the inputs of the language model's layers for the pages of one sample, if only these are kept."""
        return self.shape.decoder.layers * self.visual_tokens * self.shape.decoder.hidden * 2

    def with_machine(self, **changes: Any) -> Self:
        """Return the plan on another machine."""
        return replace(self, recipe=replace(self.recipe, machine=replace(self.recipe.machine, **changes)))

    def largest_visual(self) -> int:
        """Return the largest budget of visual tokens, in whole pages, with which a sample fits; 0 if none does."""
        data = self.recipe.data
        low, high = 0, max(1, data.max_visual_tokens // self.page_tokens)
        while low < high:
            middle = (low + high + 1) // 2
            smaller = replace(data, max_visual_tokens=middle * self.page_tokens)
            fits = replace(self, recipe=replace(self.recipe, data=smaller)).fits
            low, high = (middle, high) if fits else (low, middle - 1)
        return low * self.page_tokens

    # ---- notes ------------------------------------------------------------------------------------------------------

    def notes(self) -> list[str]:
        """Return what a reader of the plan must know, one sentence or two each."""
        notes = []
        recipe, machine = self.recipe, self.recipe.machine
        try:
            recipe.accumulation(machine.gpus)
        except DataError as error:
            notes.append(str(error))
        notes += self._memory_notes()
        if self.positions_used > self.positions:
            notes.append(
                f"A full sample uses {self.positions_used:,} positions, and the model was made for {self.positions:,}."
            )
        if isinstance(recipe, CptRecipe) and self.visual_tokens >= 65_536:
            eighth = replace(recipe, data=replace(recipe.data, max_visual_tokens=recipe.data.max_visual_tokens // 8))
            shorter = replace(self, recipe=eighth)
            notes.append(
                f"Samples of {shorter.visual_tokens:,} visual tokens on average would take "
                f"{span(shorter.days(recompute=False, text=False), shorter.days(recompute=True, text=False))} days, "
                "pages alone."
            )
        return notes

    def _memory_notes(self) -> list[str]:
        machine, memory = self.recipe.machine, self.memory
        limit = f"{machine.memory:g} GB"
        without = self.with_machine(offload_activations=False)
        if self.fits and machine.offload_activations and not without.fits:
            held = without.memory.activations.held / _GB
            return [
                f"A full sample does not fit {limit} without context parallelism or offloaded checkpoints: it holds "
                f"{held:.0f} GB of activations between the passes, and the peak would be "
                f"{without.memory.peak / _GB:.0f} GB. The recipe offloads them: each process needs {held:.0f} GB of "
                "host memory."
            ]
        if self.fits:
            return []
        outs = []
        if not machine.checkpoint_layers and self.with_machine(checkpoint_layers=True).fits:
            outs.append("--set machine.checkpoint_layers=true")
        both = self.with_machine(checkpoint_layers=True, offload_activations=True)
        if not outs and not machine.offload_activations and both.fits:
            outs.append("--set machine.offload_activations=true, with machine.checkpoint_layers=true")
        if not outs and (largest := self.largest_visual()):
            outs.append(f"--set data.max_visual_tokens={largest}")
        if not outs:
            outs.append("more GPUs with machine.sharding=fsdp, or --set lora.rank=64")
        return [
            f"A full sample does not fit {limit} without context parallelism or offloaded checkpoints: the peak is "
            f"{memory.peak / _GB:.0f} GB. Use {' or '.join(outs)}."
        ]

    # ---- output ------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values: counts, FLOPs, bytes, seconds and days."""
        return {
            "recipe": self.recipe.name,
            "digest": self.recipe.digest,
            "parameters": self.parameters,
            "trained": self.trained,
            "visual_tokens_a_sample": self.visual_tokens,
            "text_tokens_a_sample": self.text_tokens,
            "visual_tokens_a_step": self.sequences * self.visual_tokens,
            "text_tokens_a_step": self.sequences * self.text_tokens,
            "forward_flops": self.forward_parts(),
            "sample_flops": self._both(self.sample_flops),
            "step_flops": self._both(self.step_flops),
            "state_bytes": self.state_bytes,
            "state_bytes_a_gpu": self.memory.states,
            "gathered_bytes": self.memory.gathered,
            "held_activation_bytes": self.memory.activations.held,
            "layer_activation_bytes": self.memory.activations.peak,
            "decoder_checkpoint_bytes": self.decoder_checkpoints,
            "peak_bytes": self.memory.peak,
            "fits": self.fits,
            "step_seconds": self._both(self.seconds),
            "days": self._both(self.days),
            "notes": self.notes(),
        }

    @staticmethod
    def _both(function: Any) -> Mapping[str, Any]:
        return {
            name: function(recompute=again, text=text)
            for name, again, text in (
                ("plain", False, True),
                ("recomputed", True, True),
                ("pages_plain", False, False),
                ("pages_recomputed", True, False),
            )
        }


def span(low: float, high: float) -> str:
    """Return two numbers as a range with three digits, "65–86"."""

    def short(number: float) -> str:
        return f"{number:,.0f}" if number >= 20 else f"{number:.3g}"

    return short(low) if short(low) == short(high) else f"{short(low)}–{short(high)}"

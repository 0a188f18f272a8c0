"""One prompt on one device: prefill, tower, cache, decoding at batch 1 and at the largest batch, a step of training.

Three traps of such measurements are avoided: logits are computed for the last token alone, the positions that a model
keeps between prompts are reset, and the cache is counted from its tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from glyphrender.errors import DataError
from glyphrender.evals.efficiency.backbone import Backbone, Prompt
from glyphrender.evals.efficiency.clock import Clock, Timing
from glyphrender.evals.efficiency.cost import Cost, Shares, cost, step_seconds
from glyphrender.evals.efficiency.report import MeasuredPrompt
from glyphrender.models.devices import Device

__all__ = ["Plan", "TimedModel", "decoded", "free_bytes", "measured_arm", "prefilled"]

_GB = 1e9
# Memory is watched in a run of its own, if this many runs would not take longer than a pass may.
_WATCHED = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Lengths and stages that are measured.

    Attributes:
        lengths: text tokens.
        steps: tokens that are decoded, one by one.
        answer: tokens that are learned in training, and that the largest batch has room for.
        longest: passes that the arithmetic expects to take more seconds than this are left out.
        batches: whether decoding is measured at the largest batch that fits, too.
        cache_memory: bytes that the caches of this batch may have; None for what is free on an accelerator, and 1 GB
            on the CPU.
        train_up_to: longest text that is trained on; 0 leaves training out.
        recompute: whether training keeps the inputs of layers only.
    """

    lengths: Sequence[int] = (1024, 2048, 4096, 8192, 16384)
    steps: int = 8
    answer: int = 64
    longest: float = 120.0
    batches: bool = True
    cache_memory: float | None = None
    train_up_to: int = 4096
    recompute: bool = False

    def __post_init__(self) -> None:
        """Refuse counts below 1."""
        for name, values in (("lengths", self.lengths), ("steps", [self.steps]), ("answer", [self.answer])):
            if not values or any(isinstance(each, bool) or not isinstance(each, int) or each < 1 for each in values):
                raise DataError(f"{name}={getattr(self, name)!r} is no count. Use integers from 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedModel:
    """A model, its clock and the plan.

    Attributes:
        backbone: the model.
        plan: what is measured.
        clock: the clock of the model's device.
        device: the device as it was calibrated.
        shares: what of it the arithmetic takes.
    """

    backbone: Backbone
    plan: Plan
    clock: Clock
    device: Device
    shares: Shares


def measured_arm(timed_model: TimedModel, prompt: Prompt, *, train: bool) -> MeasuredPrompt:
    """Return the figures of one prompt. Passes that would take too long, or do not fit, are left out."""
    backbone, plan, clock = timed_model.backbone, timed_model.plan, timed_model.clock
    expected = cost(
        backbone.shape,
        timed_model.device,
        text_tokens=prompt.text_tokens,
        pages=prompt.pages,
        shares=timed_model.shares,
    )
    arm = MeasuredPrompt(
        tokens=prompt.tokens, visual_tokens=sum(prompt.pages), pages=len(prompt.pages), expected=expected
    )
    if expected.prefill_seconds > plan.longest:
        return replace(arm, left_out=(f"prefill: {expected.prefill_seconds:,.0f} s expected",))
    try:
        outputs: list[Any] = []  # the last one; two would need two caches
        prefill = clock.timing(lambda: outputs.append(prefilled(backbone, prompt)), before=outputs.clear)
        tower = None
        if prompt.pages:
            tower = clock.timing(lambda: _tower(backbone, prompt))
        output = outputs.pop()
        arm = replace(arm, prefill=prefill, tower=tower, kv_bytes=_cache_bytes(output))
        arm = replace(arm, decode=decoded(backbone, output, prompt, plan.steps, clock))
        if plan.batches:
            batch = _largest_batch(backbone, prompt, plan)
            arm = replace(arm, **_batched(backbone, output, prompt, batch, plan, clock))
            if arm.batch:
                cached = prompt.tokens + plan.steps // 2
                step = step_seconds(
                    backbone.shape, timed_model.device, cached=cached, sequences=arm.batch, shares=timed_model.shares
                )
                arm = replace(arm, batch_step_expected=step)
        del output
        if prefill.median * _WATCHED <= plan.longest:
            arm = replace(arm, prefill_peak=clock.peak(lambda: prefilled(backbone, prompt)))
        if train:
            arm = replace(arm, **_trained(backbone, prompt, expected, plan, clock))
    except _out_of_memory() as error:
        _emptied(backbone)
        return replace(arm, left_out=(*arm.left_out, f"out of memory: {str(error).splitlines()[0]}"))
    return arm


def prefilled(backbone: Backbone, prompt: Prompt) -> Any:
    """Return the output for a whole prompt: the last logits and the cache."""
    import torch

    backbone.model.model.rope_deltas = None  # of an earlier prompt
    with torch.no_grad():
        return backbone.model(**prompt.inputs, use_cache=True, logits_to_keep=1)


def _tower(backbone: Backbone, prompt: Prompt) -> None:
    import torch

    inputs = prompt.inputs
    with torch.no_grad():
        backbone.model.model.visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"])


def _cache(backbone: Backbone, output: Any) -> Any:
    return getattr(output, backbone.cache_argument)


def _cache_bytes(output: Any) -> int:
    """Return the bytes of the tensors of the cache."""
    cache = getattr(output, "cache", None) or output.past_key_values
    return sum(int(layer.keys.nbytes + layer.values.nbytes) for layer in cache.layers)


def decoded(backbone: Backbone, output: Any, prompt: Prompt, steps: int, clock: Clock, *, batch: int = 1) -> Timing:
    """Return the timing of single steps that follow a prompt. The first step is not counted.

    A token after pages has a smaller position than its number, because a page advances positions by its longer side.
    """
    import torch

    cache, model = _cache(backbone, output), backbone.model
    shift = model.model.rope_deltas
    offset = prompt.tokens + (int(shift.flatten()[0]) if shift is not None else 0)
    token = output.logits[:, -1:].argmax(-1).expand(batch, 1)
    seconds = []
    with torch.no_grad():
        for step in range(steps + 1):
            positions = torch.full((3, batch, 1), offset + step, device=backbone.device)
            taken, result = clock.once(
                lambda token=token, positions=positions: model(  # type: ignore[misc]
                    input_ids=token,
                    position_ids=positions,
                    **{backbone.cache_argument: cache},
                    use_cache=True,
                    logits_to_keep=1,
                )
            )
            seconds.append(taken)
            token = result.logits[:, -1:].argmax(-1)
    return Timing(seconds=tuple(seconds[1:]))


def _largest_batch(backbone: Backbone, prompt: Prompt, plan: Plan) -> int:
    """Return how many caches fit, with room for the answer."""
    budget = plan.cache_memory
    if budget is None:
        budget = _GB if backbone.device.type == "cpu" else 0.9 * free_bytes(backbone)
    each = backbone.shape.decoder.kv_bytes(prompt.tokens + plan.answer, bytes_each=backbone.number_bytes)
    return int(budget // each)


def _batched(backbone: Backbone, output: Any, prompt: Prompt, batch: int, plan: Plan, clock: Clock) -> dict[str, Any]:
    """Return the largest batch and the timing of its steps. If it does not fit after all, nine tenths are tried."""
    if batch < 1:
        return {"batch": 0}
    layers = _cache(backbone, output).layers
    kept = [(layer.keys[:, :, : prompt.tokens], layer.values[:, :, : prompt.tokens]) for layer in layers]
    for count in _shrinking(batch):
        try:
            for layer, (keys, values) in zip(layers, kept, strict=True):
                layer.keys, layer.values = (part.expand(count, -1, -1, -1).contiguous() for part in (keys, values))
            steps = max(1, min(plan.steps, 4))
            return {"batch": count, "batch_step": decoded(backbone, output, prompt, steps, clock, batch=count)}
        except _out_of_memory():
            for layer, (keys, values) in zip(layers, kept, strict=True):
                layer.keys, layer.values = keys, values
            _emptied(backbone)
    return {"batch": 0}


def _shrinking(batch: int) -> Iterator[int]:
    while batch:
        yield batch
        batch = batch * 9 // 10


def _trained(backbone: Backbone, prompt: Prompt, expected: Cost, plan: Plan, clock: Clock) -> dict[str, Any]:
    """Return timing and memory of a step of fine-tuning: forward and backward pass, without the optimizer."""
    import torch

    found: dict[str, Any] = {}
    answer = torch.zeros(1, plan.answer, dtype=torch.int64, device=backbone.device)
    inputs = dict(prompt.inputs)
    for name, filler in (("input_ids", 0), ("attention_mask", 1), ("mm_token_type_ids", 0)):
        inputs[name] = torch.cat([inputs[name], torch.full_like(answer, filler).to(inputs[name].dtype)], dim=1)
    model = backbone.model
    tower = list(model.model.visual.parameters())
    if plan.recompute:
        getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    model.train()

    def cleared() -> None:
        model.zero_grad(set_to_none=True)

    def step() -> None:
        model.model.rope_deltas = None
        output = model(**inputs, use_cache=False, logits_to_keep=plan.answer + 1)
        logits = output.logits[:, :-1].float().flatten(0, 1)
        torch.nn.functional.cross_entropy(logits, answer.flatten()).backward()

    try:
        for frozen in (False, True) if prompt.pages else (False,):
            seconds = expected.train_seconds_frozen if frozen else expected.train_seconds
            if seconds > plan.longest:
                continue
            for parameter in tower:
                parameter.requires_grad_(not frozen)
            timing = clock.timing(step, before=cleared)
            suffix = "_frozen" if frozen else ""
            found[f"train{suffix}"] = timing
            if timing.median * _WATCHED <= plan.longest:
                cleared()
                found[f"train_peak{suffix}"] = clock.peak(step)
    finally:
        for parameter in tower:
            parameter.requires_grad_(True)
        model.zero_grad(set_to_none=True)
        if plan.recompute:
            getattr(model, "activation_checkpointing_disable", model.gradient_checkpointing_disable)()
        model.eval()
    return found


def free_bytes(backbone: Backbone) -> float:
    """Return the bytes that are free on the device; on the CPU, the machine's memory."""
    import torch

    if backbone.device.type == "cuda":
        _emptied(backbone)
        return float(torch.cuda.mem_get_info(backbone.device)[0])
    import os

    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if hasattr(os, "sysconf") else 8 * _GB


def _emptied(backbone: Backbone) -> None:
    import gc

    import torch

    gc.collect()
    if backbone.device.type == "cuda":
        torch.cuda.empty_cache()


def _out_of_memory() -> tuple[type[BaseException], ...]:
    import torch

    return (MemoryError, torch.OutOfMemoryError)

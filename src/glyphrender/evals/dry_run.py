"""The cost of a run, before it starts: items, tokens, pages, ρ, dollars and hours. No model is asked.

Every figure is our own count. Pages are laid out and not drawn. With `sample`, only some items of each task and bucket
are laid out, and their group counts as many times as it has items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from glyphrender.errors import LayoutError, VisionModelError
from glyphrender.evals.arms import Condition, ItemCost, Poser
from glyphrender.evals.item import Benchmark, Item, labels_of
from glyphrender.evals.runner import check_counts
from glyphrender.models.arithmetic import ModelShape, published
from glyphrender.models.prices import Price

__all__ = ["Machine", "PlannedCondition", "Speed", "dry_run", "h100_of_glyph"]

_SECONDS: Final = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """How fast a server works, all requests together.

    Attributes:
        prompt: tokens of prompts a second.
        output: tokens of replies a second.
    """

    prompt: float
    output: float

    def seconds(self, cost: ItemCost, output: int) -> float:
        """Return the seconds of one request."""
        return cost.prompt_tokens / self.prompt + output / self.output


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A GPU that serves a model of known shape.

    Prefill takes the FLOPs of tower and decoder by the machine's rate, with attention over the whole prompt. Decoding
    reads the weights once for `batch` replies, and the cache of each reply, by the machine's bandwidth.

    Attributes:
        shape: the model.
        flops: FLOPs a second that prefill reaches.
        bandwidth: bytes a second of memory.
        batch: replies that are decoded together.
        bytes_each: bytes of a weight.
    """

    shape: ModelShape
    flops: float
    bandwidth: float
    batch: int = 8
    bytes_each: int = 2

    def seconds(self, cost: ItemCost, output: int) -> float:
        """Return the seconds of one request."""
        decoder, prompt = self.shape.decoder, cost.prompt_tokens
        page = cost.image_tokens / cost.pages if cost.pages else 0.0
        tower = cost.pages * self.shape.tower.flops(round(page)) if page else 0
        prefill = (tower + decoder.forward_flops(prompt)) / self.flops
        weights = decoder.parameters * self.bytes_each / self.batch
        return prefill + output * (weights + decoder.kv_bytes(prompt)) / self.bandwidth


def h100_of_glyph() -> Machine:
    """Return one H100 that serves GLM-4.1V-9B (Glyph): 45% of 989 TFLOP/s, 3.35 TB/s, eight replies at a time.

    The peak and the bandwidth are NVIDIA's figures for H100 SXM, dense bfloat16.
    """
    return Machine(shape=ModelShape.of(published("glm-4.1v-9b")), flops=0.45 * 989e12, bandwidth=3.35e12)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedCondition:
    """The needs of one condition of a run.

    Attributes:
        name: name of the condition.
        items: number of items.
        measured: number of items that were laid out; the others count as these do.
        pages: pages.
        context_tokens: text tokens of the contexts.
        shown_tokens: tokens in their place.
        plain_tokens: tokens of the items as plain text.
        prompt_tokens: tokens of all prompts.
        output_tokens: most tokens of all replies.
        longest_prompt: tokens of the longest prompt that was laid out.
        refused: items that the model or θ refuses.
        too_long: items that do not fit the context.
        dollars: most dollars, if every reply has its limit of tokens; None without a price.
        prompt_dollars: dollars of the prompts alone.
        hours: hours at the speed that was given; None without one.
    """

    name: str
    items: int
    measured: int
    pages: float
    context_tokens: float
    shown_tokens: float
    plain_tokens: float
    prompt_tokens: float
    output_tokens: float
    longest_prompt: int
    refused: float
    too_long: float
    dollars: float | None
    prompt_dollars: float | None
    hours: float | None

    @property
    def rho_visual(self) -> float | None:
        """Return text tokens of the contexts for one token in their place."""
        return self.context_tokens / self.shown_tokens if self.shown_tokens and self.context_tokens else None

    @property
    def rho_prompt(self) -> float | None:
        """Return tokens as plain text for one token of the prompts, by our count in place of the server's."""
        return self.plain_tokens / self.prompt_tokens if self.prompt_tokens else None


def dry_run(
    benchmark: Benchmark,
    *,
    conditions: Sequence[Condition],
    poser: Poser,
    limit: int | None = None,
    sample: int | None = None,
    price: Price | None = None,
    speed: Speed | Machine | None = None,
    context: int | None = None,
    thinking_tokens: int = 0,
    sampling: Mapping[str, Any] | None = None,
) -> tuple[PlannedCondition, ...]:
    """Return what a run would need, for each condition: the first request of each item.

    Follow-ups, to the model or to a judge, depend on the replies, and are not counted.

    Args:
        benchmark, conditions, poser, limit, context, thinking_tokens, sampling: as for `run`.
        sample: items of each task and bucket that are laid out; all if None.
        price: price of the model.
        speed: how fast the model works.

    Raises:
        DataError: a count is below 1.
        ThetaError, FontError, TokenizerError, DependencyError: see `Poser.pose`.
    """
    check_counts(limit=limit, sample=sample, context=context)
    groups, sampled = _groups(benchmark.items, limit, sample)
    sums = {condition.name: _Sums() for condition in conditions}
    fixed: Any = {**benchmark.protocol.sampling, **(sampling or {})}.get("max_tokens")
    for index, group in sampled:
        item = benchmark.items[index]
        total, measured = groups[group]
        output = (fixed or item.max_tokens) + thinking_tokens
        for condition in conditions:
            into = sums[condition.name]
            try:
                cost = poser.cost(item, condition)
            except (LayoutError, VisionModelError):
                into.add(refused=total / measured)
                continue
            into.count(cost, output, total / measured, price=price, speed=speed, context=context)
    items = sum(total for total, _ in groups.values())
    return tuple(
        sums[condition.name].planned(condition.name, items, len(sampled), price=price, speed=speed)
        for condition in conditions
    )


_Group = tuple[str, ...]


def _groups(
    items: Sequence[Item], limit: int | None, sample: int | None
) -> tuple[Mapping[_Group, tuple[int, int]], list[tuple[int, _Group]]]:
    """Return (items, items to lay out) of each group, and the items to lay out with their groups."""
    members: dict[_Group, list[int]] = {}
    of_task: dict[str, Any] = {}
    for index, label in enumerate(labels_of(items)):
        if limit is not None and next(of_task.setdefault(label.task, count())) >= limit:
            continue
        group = (label.task, *(f"{name}={value}" for name, value in sorted(label.buckets.items())))
        members.setdefault(group, []).append(index)
    chosen: list[tuple[int, _Group]] = []
    groups = {}
    for group, indices in members.items():
        step = 1.0 if sample is None else max(1.0, len(indices) / sample)
        taken = [indices[int(place * step)] for place in range(min(len(indices), sample or len(indices)))]
        groups[group] = (len(indices), len(taken))
        chosen += [(index, group) for index in taken]
    return groups, sorted(chosen)


class _Sums:
    """Running sums of one condition."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._longest = 0

    def add(self, **values: float) -> None:
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def count(
        self,
        cost: ItemCost,
        output: int,
        times: float,
        *,
        price: Price | None,
        speed: Speed | Machine | None,
        context: int | None,
    ) -> None:
        """Add an item that stands for `times` items."""
        if context is not None and cost.prompt_tokens + output > context:
            self.add(too_long=times)
            return
        self._longest = max(self._longest, cost.prompt_tokens)
        self.add(
            pages=times * cost.pages,
            context_tokens=times * cost.context_tokens,
            shown_tokens=times * cost.shown_tokens,
            plain_tokens=times * cost.plain_tokens,
            prompt_tokens=times * cost.prompt_tokens,
            output_tokens=times * output,
        )
        if price is not None:
            text, images = cost.text_tokens + cost.overhead, cost.image_tokens
            self.add(
                dollars=times * price.cost(text_tokens=text, image_tokens=images, output_tokens=output),
                prompt_dollars=times * price.cost(text_tokens=text, image_tokens=images),
            )
        if speed is not None:
            self.add(seconds=times * speed.seconds(cost, output))

    def planned(
        self, name: str, items: int, measured: int, *, price: Price | None, speed: Speed | Machine | None
    ) -> PlannedCondition:
        """Return the sums."""
        found = self._sums
        return PlannedCondition(
            name=name,
            items=items,
            measured=measured,
            pages=found.get("pages", 0.0),
            context_tokens=found.get("context_tokens", 0.0),
            shown_tokens=found.get("shown_tokens", 0.0),
            plain_tokens=found.get("plain_tokens", 0.0),
            prompt_tokens=found.get("prompt_tokens", 0.0),
            output_tokens=found.get("output_tokens", 0.0),
            longest_prompt=self._longest,
            refused=found.get("refused", 0.0),
            too_long=found.get("too_long", 0.0),
            dollars=None if price is None else found.get("dollars", 0.0),
            prompt_dollars=None if price is None else found.get("prompt_dollars", 0.0),
            hours=None if speed is None else found.get("seconds", 0.0) / _SECONDS,
        )

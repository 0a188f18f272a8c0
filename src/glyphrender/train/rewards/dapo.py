"""`DapoTrainer`: TRL's `GRPOTrainer`, in which only groups that teach something are trained on (extra `train`).

A group is the completions of one prompt. If all have the same reward, every advantage is 0: the group adds nothing to
the gradient. TRL still counts its tokens in the normaliser, so a batch with many such groups takes a smaller step. DAPO
(arXiv 2503.14476, "dynamic sampling") leaves flat groups out, and samples other prompts until the batch is full.

Three things are done here, and TRL does the rest.

- **Drop.** Completions that do not teach leave the loss and its normaliser, through TRL's mask of tokens that are not
  the model's own. Attention sees them as before, so ratios to old probabilities stay finite.
- **Refill.** While a process has flat groups, every process samples other prompts, since sampling is collective. Groups
  that teach take the places of flat ones.
- **Skip.** A completion without a reward that others of its group have, such as a judge's, leaves its group: the
  baseline, the loss and the normaliser. TRL would add up the rewards that are left, and so count the missing one as 0.

`_calculate_rewards` and `_generate_and_score_completions` are private to TRL. They were read in the versions of
`VERIFIED`; other versions are refused.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from glyphrender._system.counts import checked_count
from glyphrender.errors import DataError, DependencyError

try:
    import torch
    import trl
    from trl import GRPOTrainer
    from trl.trainer.utils import split_pixel_values_by_grid, unsplit_pixel_values_by_grid
except ImportError as error:
    raise DependencyError.of(error, "GRPO needs the package trl", extra="train") from error

__all__ = ["VERIFIED", "DapoTrainer", "check_groups", "check_trl", "is_complete", "teaches"]

#: The releases of TRL whose private methods were read for this class.
VERIFIED: Final = ("1.16",)
# Losses whose normaliser is the number of tokens in the loss. The others divide by rows or by a constant length, in
# which a dropped group would still count.
_TOKEN_NORMALIZED: Final = ("dapo", "cispo")


class DapoTrainer(GRPOTrainer):  # type: ignore[misc]
    """A `trl.GRPOTrainer` that drops groups without variance, and refills the batch.

    Curves of a step, beside those of TRL. All of TRL's, such as `reward`, are of the first round, so they show the
    policy on prompts that nobody chose:

    - `groups/alive`: share of the groups of the first round that teach.
    - `groups/kept`: share of the groups in the batch that teach, after refilling.
    - `groups/rounds`: rounds of sampling, the first included.
    - `groups/flat_reward`: mean reward of the flat groups of the first round. Near the best reward, prompts are too
      easy; near 0, too hard.
    - `groups/refill_reward`: mean reward of the further rounds.
    - `completions/skipped`: share of the completions of the first round that lack a reward.

    Args:
        rounds: most rounds of sampling for a batch; 1 only drops.
        flat: groups whose rewards lie within `flat` of each other do not teach.
        args: the `trl.GRPOConfig`.
        train_dataset: the prompts, a `datasets.Dataset`.
        kwargs: the other arguments of `GRPOTrainer`.

    Raises:
        DependencyError: this version of TRL is not among `VERIFIED`.
        DataError: a process would hold parts of groups; the loss or the scaling of rewards cannot leave groups out; or
            there are fewer prompts than a batch needs, or prompts that cannot be drawn again.

    Source: DAPO, https://arxiv.org/abs/2503.14476, section 3.2; TRL 1.16, `trl/trainer/grpo_trainer.py`.
    """

    _logs: dict[str, Any]

    def __init__(self, *, args: Any, train_dataset: Any, rounds: int = 4, flat: float = 1e-6, **kwargs: Any) -> None:
        check_trl()
        check_groups(
            per_process=args.per_device_train_batch_size * args.steps_per_generation, group=args.num_generations
        )
        _check_loss(args)
        _check_prompts(train_dataset, args.generation_batch_size // args.num_generations)
        self.rounds, self.flat = checked_count(rounds, "rounds"), flat
        self._scored: tuple[Any, Any] | None = None
        super().__init__(args=args, train_dataset=train_dataset, **kwargs)

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Sequence[Any], completion_ids_list: Sequence[Sequence[int]]
    ) -> Any:
        """Return the rewards, (completions of all processes, functions). Rows that lack one are NaN in all."""
        texts = map(self._whole_text, completion_ids_list)
        completions = [_with_text(completion, text) for completion, text in zip(completions, texts, strict=True)]
        rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if not self.model.training:
            return rewards
        weights = self.reward_weights.to(rewards.device)
        complete = is_complete(rewards, weights, self.num_generations)
        rewards = torch.where(complete.unsqueeze(1), rewards, torch.nan)
        self._scored = (rewards, teaches(rewards, weights, self.num_generations, self.flat))
        return rewards

    def _whole_text(self, ids: Sequence[int]) -> str:
        """Return the text of a completion with its special tokens, as <think> or boxes, and without its end tokens.

        TRL's own text has no special tokens, so a reward could not tell thoughts from the answer.
        """
        ends = {*self.eos_token_ids, self._tokenizer.pad_token_id}
        kept = len(ids)
        while kept and ids[kept - 1] in ends:
            kept -= 1
        text: str = self._tokenizer.decode(list(ids[:kept]), skip_special_tokens=False)
        return text

    def _generate_and_score_completions(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """Return a batch of which only completions that teach count."""
        batch = self._masked(super()._generate_and_score_completions(inputs))
        if not self.model.training:
            return batch
        first = self._first_round(batch)
        rounds = 1
        refill_rewards: list[float] = []
        while rounds < self.rounds and (missing := self._most_missing(batch)):
            with self._metrics_aside() as aside:
                extra = self._masked(super()._generate_and_score_completions(self._other_prompts(missing, rounds)))
            refill_rewards += aside["reward"]
            batch = refilled(batch, extra, group=self.num_generations, pad=self._tokenizer.pad_token_id)
            rounds += 1
        own = batch["completion_mask"] * batch["tool_mask"]
        batch["num_items_in_batch"] = self.accelerator.gather(own.sum()).sum()
        curves = {
            **first,
            "groups/kept": self._mean(_alive(batch, self.num_generations).float()),
            "groups/rounds": float(rounds),
            "groups/refill_reward": float(np.nanmean(refill_rewards)) if refill_rewards else float("nan"),
        }
        for name, value in curves.items():
            if value == value:  # a NaN is a mean of nothing
                self._metrics["train"][name].append(value)
        return batch

    def _masked(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return `batch` with TRL's `tool_mask` at 0 for completions that do not teach."""
        if not self.model.training:
            return batch
        assert self._scored is not None
        count = len(batch["advantages"])
        start = self.accelerator.process_index * count
        mine = self._scored[1][start : start + count].to(batch["completion_mask"].dtype).unsqueeze(1)
        own = batch.get("tool_mask", torch.ones_like(batch["completion_mask"]))
        return {**batch, "tool_mask": own * mine}

    def _first_round(self, batch: dict[str, Any]) -> dict[str, float]:
        """Return the curves of the first round, over all processes."""
        assert self._scored is not None
        rewards, useful = self._scored
        alive = useful.view(-1, self.num_generations).any(1)
        totals = torch.nansum(rewards * self.reward_weights.to(rewards.device), dim=1)
        lacking = torch.isnan(rewards).all(dim=1)
        flat = ~alive.repeat_interleave(self.num_generations) & ~lacking
        return {
            "groups/alive": alive.float().mean().item(),
            "groups/flat_reward": totals[flat].mean().item(),
            "completions/skipped": lacking.float().mean().item(),
        }

    def _most_missing(self, batch: dict[str, Any]) -> int:
        """Return the number of flat groups on the process that has most; the same on all processes."""
        flat = (~_alive(batch, self.num_generations)).sum()
        return int(self.accelerator.gather(flat).max().item())

    def _mean(self, values: Any) -> float:
        return float(self.accelerator.gather(values.mean()).mean().item())

    def _other_prompts(self, groups: int, number: int) -> list[Any]:
        """Return the rows of `groups` other prompts for this process, each as often as a group is large.

        They follow from the seed, the step and the number of the round, so a run that is resumed draws the same.
        """
        accumulated = self._step % self.args.gradient_accumulation_steps
        rng = np.random.default_rng([self.args.seed, self.state.global_step, accumulated, number])
        wanted = groups * self.accelerator.num_processes
        drawn = rng.choice(len(self.train_dataset), size=wanted, replace=wanted > len(self.train_dataset))
        start = self.accelerator.process_index * groups
        rows = [self.train_dataset[int(index)] for index in drawn[start : start + groups]]
        return [dict(row) for row in rows for _ in range(self.num_generations)]

    @contextmanager
    def _metrics_aside(self) -> Iterator[defaultdict[str, list[float]]]:
        """Keep what TRL notes in this block apart from its curves and its table of completions."""
        metrics, logs = self._metrics["train"], self._logs
        aside: defaultdict[str, list[float]] = defaultdict(list)
        self._metrics["train"] = aside
        self._logs = {name: deque() if isinstance(kept, deque) else defaultdict(deque) for name, kept in logs.items()}
        try:
            yield aside
        finally:
            self._metrics["train"], self._logs = metrics, logs
            if "num_tokens" in aside:  # a running total, not a mean
                metrics["num_tokens"] = aside["num_tokens"]


def check_trl(version: str = "") -> None:
    """Check that TRL is a release that `DapoTrainer` was written for.

    Args:
        version: the version of TRL; by default that of the installed one.

    Raises:
        DependencyError: it is not. The message names both versions.
    """
    version = version or str(trl.__version__)
    if ".".join(version.split(".")[:2]) not in VERIFIED:
        known = " or ".join(VERIFIED)
        raise DependencyError(
            f"trl {version} is installed, and GRPO here overrides private methods of trl {known}. "
            f"Run pip install 'trl=={VERIFIED[-1]}.*'.",
            extra="train",
        )


def check_groups(*, per_process: int, group: int) -> None:
    """Check that every process holds whole groups.

    Args:
        per_process: completions of a generation on one process: batch size on a device × steps per generation.
        group: completions of a prompt.

    Raises:
        DataError: it would hold parts of groups, which cannot be dropped or replaced on one process alone.
    """
    if per_process < group or per_process % group:
        raise DataError(
            f"{per_process} completions on each process (per_device_train_batch_size × steps_per_generation) do not "
            f"hold whole groups of num_generations={group}. Use a multiple of {group}."
        )


def _check_loss(args: Any) -> None:
    if args.loss_type not in _TOKEN_NORMALIZED:
        raise DataError(
            f"loss_type={args.loss_type!r} divides by rows, so flat groups would still count. "
            f"Use {' or '.join(_TOKEN_NORMALIZED)}."
        )
    if args.scale_rewards == "batch" or args.multi_objective_aggregation != "sum_then_normalize":
        raise DataError(
            f"scale_rewards={args.scale_rewards!r} with multi_objective_aggregation="
            f"{args.multi_objective_aggregation!r} lets flat groups change the advantages of others. "
            "Use scale_rewards='group' or 'none' with 'sum_then_normalize'."
        )


def _check_prompts(dataset: Any, batch: int) -> None:
    if not hasattr(dataset, "__len__"):
        raise DataError("the prompts are a stream, from which none can be drawn again. Use a datasets.Dataset.")
    if len(dataset) < batch:
        raise DataError(
            f"there are {len(dataset)} prompts, and a batch needs {batch}; TRL would train on none. "
            f"Give {batch} or more."
        )


def is_complete(rewards: Any, weights: Any, group: int) -> Any:
    """Return which completions have every reward that another completion of their group has: bool, (completions,).

    A function that returns nothing for a whole group does not apply to its prompt, and is not missed. A function of
    weight 0 is never missed.

    Args:
        rewards: (completions, functions), NaN where a function returned None.
        weights: (functions,).
        group: completions of a prompt.
    """
    has = ~torch.isnan(rewards).view(-1, group, rewards.shape[1])
    applies = has.any(dim=1, keepdim=True) & (weights != 0)
    return (has | ~applies).all(dim=2).reshape(-1) & (has & (weights != 0)).any(dim=2).reshape(-1)


def teaches(rewards: Any, weights: Any, group: int, flat: float) -> Any:
    """Return which completions teach: they are complete, and the rewards of their group differ: bool, (completions,).

    The range of a group's rewards is compared, not the advantages: TRL divides by the deviation + 1e-4, which makes
    7e-5 out of the last bit of sixteen equal float32.

    Args:
        rewards: (completions, functions), NaN in all functions where a completion is not complete.
        weights: (functions,).
        group: completions of a prompt.
        flat: the range up to which a group is flat.
    """
    complete = ~torch.isnan(rewards).all(dim=1)
    totals = torch.nansum(rewards * weights, dim=1)
    high = torch.where(complete, totals, -torch.inf).view(-1, group).amax(1)
    low = torch.where(complete, totals, torch.inf).view(-1, group).amin(1)
    return complete & (high - low > flat).repeat_interleave(group)


def _alive(batch: dict[str, Any], group: int) -> Any:
    """Return which groups of a masked batch have a completion that teaches: bool, (groups,)."""
    return batch["tool_mask"].view(-1, group * batch["tool_mask"].shape[1]).any(1)


def refilled(batch: dict[str, Any], extra: dict[str, Any], *, group: int, pad: int) -> dict[str, Any]:
    """Return `batch` with groups of `extra` that teach in the places of groups that do not.

    Both are batches of TRL with a `tool_mask`, of one process. Prompts are padded on the left, completions on the
    right, and token types run over both.

    Args:
        batch: a whole number of groups.
        extra: a whole number of groups, often fewer.
        group: completions of a prompt.
        pad: the token that pads.
    """
    dead = (~_alive(batch, group)).nonzero().flatten().tolist()
    good = _alive(extra, group).nonzero().flatten().tolist()
    pairs = list(zip(dead, good, strict=False))
    if not pairs or batch.keys() != extra.keys():  # keys differ if only one of them has images
        return batch
    source = [(0, row) for row in range(len(batch["advantages"]))]
    for old, new in pairs:
        for place in range(group):
            source[old * group + place] = (1, new * group + place)
    both = split_pixel_values_by_grid(batch), split_pixel_values_by_grid(extra)
    prompt, completion = (max(part[name].shape[1] for part in both) for name in ("prompt_ids", "completion_ids"))

    def padded(name: str, part: dict[str, Any]) -> Any:
        value, fill = part[name], pad if name in ("prompt_ids", "completion_ids") else 0
        if not isinstance(value, torch.Tensor) or value.ndim < 2 or all(each[name].shape[1] == 1 for each in both):
            return value
        if name in ("token_type_ids", "mm_token_type_ids"):
            before = part["prompt_ids"].shape[1]
            left, right = prompt - before, completion - (value.shape[1] - before)
        elif name.startswith("prompt_"):
            left, right = prompt - value.shape[1], 0
        elif value.shape[1] == part["completion_ids"].shape[1]:
            left, right = 0, completion - value.shape[1]
        else:
            return value
        return torch.nn.functional.pad(value, (left, right), value=fill)

    done: dict[str, Any] = {}
    for name, value in both[0].items():
        if isinstance(value, list) or (isinstance(value, torch.Tensor) and value.ndim):
            parts = [padded(name, part) for part in both]
            rows = [parts[which][row] for which, row in source]
            done[name] = rows if isinstance(value, list) else torch.stack(rows)
        else:
            done[name] = value
    merged: dict[str, Any] = unsplit_pixel_values_by_grid(done)
    return merged


def _with_text(completion: Any, text: str) -> Any:
    """Return a completion, a str or one message of the assistant, with another text."""
    if isinstance(completion, str):
        return text
    *before, last = completion
    return [*before, {**last, "content": text}] if not before else completion

"""Groups without variance leave the loss and its normaliser, and others take their places: TRL on a tiny GLM-4.1V."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from glyphrender import DataError, DependencyError, Theta
from glyphrender.adapters.data import PagesTransform
from glyphrender.adapters.sft import Prompts

pytest.importorskip("trl")
import torch
from datasets import Dataset
from tiny_glm4v import tiny_glm4v
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from glyphrender.adapters.pixels import fast
from glyphrender.train.rewards.dapo import DapoTrainer, check_groups, check_trl, is_complete, teaches

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),  # TRL 1.16
    pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning"),  # torch, without a GPU
]

GROUP = 4
THETA = Theta(page_size=(112, 56), dpi=72, margin_x=0, margin_y=0, auto_crop_width=False, auto_crop_last_page=False)
PROMPTS = Prompts(
    pages=PagesTransform(theta=THETA), prompt="{text}Read.", kind="prompt", keep=("text", "answer", "rewards")
)
#: What is said about a page, one for each completion of a group: texts of different length.
SAID = ("abc", "a", "abcd", "ab")
ALIVE, FLAT, GONE = (1.0, 0.0, 0.5, 0.25), (0.5,) * GROUP, (None,) * GROUP


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")  # of rollout_func


def rows(*prompts: tuple[str, Sequence[float | None]]) -> Dataset:
    """Texts, and what the completions of each group are worth, in the order of `SAID`."""
    listed = [{"text": text, "answer": text[::-1], "rewards": list(each)} for text, each in prompts]
    return Dataset.from_list(listed).with_transform(PROMPTS)


def given(completions: Sequence[Any], rewards: Sequence[Sequence[float]], **_: Any) -> list[float | None]:
    return [each[SAID.index(completion[0]["content"])] for completion, each in zip(completions, rewards, strict=True)]


def always_said(prompts: Sequence[Any], trainer: Any) -> dict[str, Any]:
    """A rollout in which the completions of each group are `SAID`, and the model is not asked."""
    encoded = trainer.processing_class.apply_chat_template(
        prompts, add_generation_prompt=True, tokenize=True, return_dict=True
    )
    end = trainer.processing_class.tokenizer.eos_token_id
    ids = [[*trainer.processing_class.tokenizer(SAID[i % GROUP])["input_ids"], end] for i in range(len(prompts))]
    return {
        "prompt_ids": encoded["input_ids"],
        "completion_ids": ids,
        "logprobs": [[0.0] * len(each) for each in ids],
    }


def three_said(prompts: Sequence[Any], trainer: Any) -> dict[str, Any]:
    """The same without the second of `SAID`."""
    rolled = always_said([*prompts, prompts[0]], trainer)
    return {name: [each for i, each in enumerate(values) if i != 1] for name, values in rolled.items()}


class Gradients(TrainerCallback):
    """Keeps the gradients of each optimizer step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, torch.Tensor]] = []

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self.steps.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})


def config(path: Path, **settings: Any) -> GRPOConfig:
    return GRPOConfig(
        **{
            "output_dir": str(path),
            "max_steps": 1,
            "per_device_train_batch_size": 4 * GROUP,
            "num_generations": GROUP,
            "max_completion_length": 8,
            "epsilon": 0.2,
            "epsilon_high": 0.28,
            "loss_type": "dapo",
            "beta": 0.0,
            "learning_rate": 1e-3,
            "max_grad_norm": 0.0,
            "lr_scheduler_type": "constant",
            "logging_steps": 1,
            "report_to": "none",
            "use_cpu": True,
            "bf16": False,
            "save_strategy": "no",
            "gradient_checkpointing": False,
            "disable_tqdm": True,
            "shuffle_dataset": False,
            "seed": 0,
            **settings,
        }
    )


def trained(
    trainer: Callable[..., Any], args: GRPOConfig, dataset: Dataset, **more: Any
) -> tuple[list[dict[str, Any]], list[dict[str, torch.Tensor]]]:
    """The curves and the gradients of a run."""
    model, processor = tiny_glm4v(hidden_size=32, layers=1, vision_layers=1)
    gradients = Gradients()
    done = trainer(
        model=model,
        args=args,
        train_dataset=dataset,
        processing_class=fast(processor),
        **{"reward_funcs": [given], "rollout_func": always_said, **more},
        callbacks=[gradients],
    )
    done.train()
    return [entry for entry in done.state.log_history if "loss" in entry], gradients.steps


def differing(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> dict[str, float]:
    """By parameter, how far gradients are apart, where that is beyond 1: what float32 makes of sums in another order.

    1 is 2e-4 of the parameter's gradient and 2e-6 of the whole one. Some are 0 in exact arithmetic, such as those of
    the biases of keys, and hold only what was rounded away of greater numbers. Of gradients that should be equal the
    furthest is at 0.01, with one thread, with two and over two processes; of those that should not the nearest at 100.
    """
    assert one.keys() == other.keys()
    whole = sum(float(gradient.norm()) ** 2 for gradient in other.values()) ** 0.5
    apart = {
        name: float((one[name] - gradient).norm()) / (2e-4 * float(gradient.norm()) + 2e-6 * whole)
        for name, gradient in other.items()
    }
    return {name: by for name, by in apart.items() if not by <= 1}  # not a number is a difference


ONE, TWO, LONG = ("one", ALIVE), ("two", ALIVE[::-1]), ("a longer one", ALIVE)
DEAD = (("longer", FLAT), ("flat", FLAT))


def test_a_batch_with_flat_groups_trains_as_if_they_had_never_been_there(tmp_path: Path) -> None:
    mixed = rows(ONE, ("longer", FLAT), TWO, ("none", GONE))
    dropped, gradients = trained(DapoTrainer, config(tmp_path), mixed, rounds=1)
    without, wanted = trained(GRPOTrainer, config(tmp_path, per_device_train_batch_size=2 * GROUP), rows(ONE, TWO))
    assert not differing(gradients[0], wanted[0])
    assert dropped[0]["loss"] == pytest.approx(without[0]["loss"], abs=1e-6)
    assert dropped[0]["groups/alive"] == dropped[0]["groups/kept"] == 0.5
    assert dropped[0]["completions/skipped"] == 0.25
    assert dropped[0]["groups/flat_reward"] == 0.5
    # TRL alone divides by the tokens of all four groups.
    _, halved = trained(GRPOTrainer, config(tmp_path), mixed)
    assert differing(halved[0], wanted[0])


def test_flat_groups_leave_no_trace_where_old_probabilities_are_kept(tmp_path: Path) -> None:
    several = {"max_steps": 2, "num_iterations": 2}
    mixed = rows(ONE, ("longer", FLAT), TWO, ("flat", FLAT))
    _, gradients = trained(DapoTrainer, config(tmp_path, **several), mixed, rounds=1)
    half = config(tmp_path, per_device_train_batch_size=2 * GROUP, **several)
    _, wanted = trained(GRPOTrainer, half, rows(ONE, TWO))
    assert len(gradients) == 2
    assert not any(differing(one, other) for one, other in zip(gradients, wanted, strict=True))


def test_if_no_group_teaches_the_loss_and_the_gradient_are_zero(tmp_path: Path) -> None:
    dead = rows(("a", FLAT), ("b", GONE), ("c", FLAT), ("d", FLAT))
    curves, gradients = trained(DapoTrainer, config(tmp_path), dead, rounds=3)
    assert curves[0]["loss"] == 0.0
    assert (curves[0]["groups/kept"], curves[0]["groups/rounds"]) == (0.0, 3)
    assert all((each == 0).all() for each in gradients[0].values())


@pytest.mark.parametrize("settings", [{}, {"per_device_train_batch_size": GROUP, "gradient_accumulation_steps": 2}])
def test_flat_groups_are_replaced_until_the_batch_is_full(tmp_path: Path, settings: dict[str, int]) -> None:
    """Both groups of the batch are flat. One prompt teaches, and its page and its text are longer."""
    args = config(tmp_path, **{"per_device_train_batch_size": 2 * GROUP, **settings})
    curves, gradients = trained(DapoTrainer, args, rows(("a", FLAT), ("b", FLAT), LONG), rounds=20)
    assert (curves[0]["groups/alive"], curves[0]["groups/kept"]) == (0.0, 1.0)
    assert 2 < curves[0]["groups/rounds"] < 20
    _, wanted = trained(GRPOTrainer, args, rows(LONG, LONG))
    assert not differing(gradients[0], wanted[0])
    # TRL's curves are of the first round, in which all rewards were 0.5.
    assert (curves[0]["reward"], curves[0]["reward_std"]) == (0.5, 0.0)
    assert curves[0]["groups/refill_reward"] != 0.5


def test_a_replacement_of_another_length_fits_into_the_batch(tmp_path: Path) -> None:
    args = config(tmp_path, per_device_train_batch_size=2 * GROUP)
    _, gradients = trained(DapoTrainer, args, rows(ONE, ("flat", FLAT), LONG), rounds=20)
    _, once = trained(GRPOTrainer, args, rows(ONE, LONG))
    _, twice = trained(GRPOTrainer, args, rows(ONE, ONE))
    assert bool(differing(gradients[0], once[0])) != bool(differing(gradients[0], twice[0]))


def test_a_completion_without_a_reward_that_others_have_leaves_its_group(tmp_path: Path) -> None:
    """A judge that was down for one completion of four. TRL counts what is left, as if the judge had said 0."""
    args = config(tmp_path, per_device_train_batch_size=GROUP)

    def other(completions: Sequence[Any], **_: Any) -> list[float]:
        return [0.25] * len(completions)

    both = {"reward_funcs": [given, other]}
    curves, gradients = trained(DapoTrainer, args, rows(("one", (1.0, None, 0.5, 0.0))), rounds=1, **both)
    assert curves[0]["completions/skipped"] == 0.25
    assert curves[0]["reward"] == 0.75
    three = config(tmp_path, per_device_train_batch_size=3, num_generations=3)
    _, wanted = trained(GRPOTrainer, three, rows(("one", (1.0, 9.0, 0.5, 0.0))), rollout_func=three_said, **both)
    assert not differing(gradients[0], wanted[0])
    _, counted = trained(GRPOTrainer, args, rows(("one", (1.0, None, 0.5, 0.0))), **both)
    assert differing(counted[0], wanted[0])


def test_rewards_see_thoughts_and_the_columns_of_their_rows(tmp_path: Path) -> None:
    seen: list[Any] = []

    def noted(completions: Sequence[Any], answer: Sequence[str], text: Sequence[str], **_: Any) -> list[float]:
        seen.extend(
            (completion[0]["content"], a, t) for completion, a, t in zip(completions, answer, text, strict=True)
        )
        return list(range(len(completions)))

    def thinks(prompts: Sequence[Any], trainer: Any) -> dict[str, Any]:
        rolled = always_said(prompts, trainer)
        (mark,) = trainer.processing_class.tokenizer("<|system|>")["input_ids"]  # a special token, as <think> is
        return {**rolled, "completion_ids": [[mark, *ids[1:]] for ids in rolled["completion_ids"]]}

    args = config(tmp_path, per_device_train_batch_size=GROUP)
    trained(DapoTrainer, args, rows(ONE), rounds=1, reward_funcs=[noted], rollout_func=thinks)
    assert seen == [(f"<|system|>{said[1:]}", "eno", "one") for said in SAID]


def test_the_model_itself_is_sampled_and_learns_what_is_rewarded(tmp_path: Path) -> None:
    """No rollout of ours: TRL generates. A reward for the letter "e" makes it more frequent."""

    def letters(completions: Sequence[Any], **_: Any) -> list[float]:
        return [completion[0]["content"].count("e") / 8 for completion in completions]

    args = config(tmp_path, max_steps=10, num_generations=8, per_device_train_batch_size=16, learning_rate=3e-2)
    curves, _ = trained(DapoTrainer, args, rows(ONE, TWO, LONG), rounds=3, reward_funcs=[letters], rollout_func=None)
    assert sum(each["reward"] for each in curves[-3:]) > 3 * sum(each["reward"] for each in curves[:3])
    assert all(each["grad_norm"] == each["grad_norm"] for each in curves)


def test_two_processes_refill_together_and_agree_with_one(tmp_path: Path) -> None:
    """All groups of one process teach, and none of the other's. Neither waits for ever, and the loss is that of one."""
    script = Path(__file__).with_name("dapo_two_processes.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    two = torch.load(tmp_path / "two.pt", weights_only=False)
    curves, gradients = trained(DapoTrainer, config(tmp_path), rows(ONE, TWO, *DEAD), rounds=1)
    assert two["dropped"][0]["loss"] == pytest.approx(curves[0]["loss"], abs=1e-6)
    assert not differing(two["gradients"], gradients[0])
    assert two["dropped"][0]["groups/kept"] == 0.5
    assert two["filled"][0]["groups/alive"] == 0.5
    assert two["filled"][0]["groups/kept"] == 1.0
    assert two["dead"][0]["groups/kept"] == two["dead"][0]["loss"] == 0.0
    assert "4 completions on each process" in two["refused"]


@pytest.mark.parametrize(
    "settings, word",
    [
        ({"loss_type": "grpo"}, "loss_type='grpo'"),
        ({"scale_rewards": "batch"}, "scale_rewards='batch'"),
        ({"per_device_train_batch_size": 80}, "a batch needs 10"),
    ],
)
def test_settings_that_cannot_leave_groups_out_are_refused(tmp_path: Path, settings: dict[str, Any], word: str) -> None:
    args = config(tmp_path, **{"num_generations": 8, "per_device_train_batch_size": 8, **settings})
    with pytest.raises(DataError, match=word):
        trained(DapoTrainer, args, rows(ONE, TWO))


def test_a_release_of_trl_that_was_not_read_is_refused() -> None:
    check_trl()
    for version in ("1.15.3", "1.17.0", "2.0.0.dev0"):
        with pytest.raises(DependencyError, match=rf"trl {version} .* trl 1\.16"):
            check_trl(version)


def test_a_process_holds_whole_groups() -> None:
    check_groups(per_process=64, group=16)
    for per_process in (8, 24):
        with pytest.raises(DataError, match="multiple of 16"):
            check_groups(per_process=per_process, group=16)


def test_equal_rewards_do_not_teach_whatever_their_last_bit() -> None:
    """The mean of 16 equal float32 may differ from them by a bit; divided by 1e-4, that looks like an advantage."""
    flat = torch.full((16, 1), 0.1)
    assert not teaches(flat, torch.ones(1), 16, 1e-6).any()
    flat[3] += 1e-7
    assert not teaches(flat, torch.ones(1), 16, 1e-6).any()
    flat[3] += 1e-3
    assert teaches(flat, torch.ones(1), 16, 1e-6).all()


def test_a_reward_that_does_not_apply_to_a_group_is_not_missed() -> None:
    none = float("nan")
    rewards = torch.tensor([[1.0, none], [0.0, none], [1.0, 0.5], [1.0, none], [none, 0.5], [0.5, 0.5]])
    assert is_complete(rewards, torch.ones(2), 2).tolist() == [True, True, True, False, False, True]
    assert is_complete(rewards, torch.tensor([1.0, 0.0]), 2).tolist() == [True, True, True, True, False, True]

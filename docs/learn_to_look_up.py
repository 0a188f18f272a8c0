"""Teach a vision-language model to look up values on pages, from random weights, on one CPU thread (extra `train`).

    python docs/learn_to_look_up.py OUT                 all stages, in the order of STAGES
    python docs/learn_to_look_up.py OUT --stage sft     one stage, after those that it needs
    python docs/learn_to_look_up.py OUT --stage exact --lr 1e-4 --seed 1

A page has lines as "K7= 4821", the question is "K7?", the answer "4821". `OUT/STAGE/report.json` has the exact matches
on held-out pages of 2, 4 and 8 lines, free running, with intervals; `curve.json` the curve; `model` the model, as
transformers loads it. `OUT/curves.png` draws the curves. docs/learn_to_read.md explains the stages.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HELD_OUT_SEED = 777_777
#: Held-out questions for each number of lines.
QUESTIONS = 512
#: Seed of the questions that GRPO and its comparison are trained on. Each is seen once.
FRESH = 31_337


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of training.

    Attributes:
        after: the stage whose model it starts from; "" for random weights.
        steps: its steps.
        lr: its highest learning rate.
        pairs: share of the batches that list pairs; see `Lookups`.
        alone: first steps, in which only the tower is trained.
        lines: numbers of lines of pages.
        pages: seed of the pages, to which the seed of the run is added. `sft` sees those of `start` again first.
        questions: questions about a page.
        batch: pages of a step.
        iterations: steps on each batch of questions.
        rewards: rewards of GRPO and their weights; None for a stage that learns from answers.
    """

    after: str = ""
    steps: int
    lr: float
    pairs: float = 0.0
    alone: int = 0
    lines: tuple[int, ...] = (4,)
    pages: int = 0
    questions: int = 4
    batch: int = 32
    iterations: int = 1
    rewards: dict[str, float] | None = None


STAGES = {
    # Continual pre-training: stage 0, then pairs.
    "pairs": Stage(steps=700, lr=2e-3, pairs=1.0, alone=100),
    # SFT, stopped early: the start of GRPO.
    "start": Stage(after="pairs", steps=120, lr=1e-3, pages=1_005),
    # SFT to its end.
    "sft": Stage(after="start", steps=400, lr=1e-3, pages=1_005),
    # SFT on pages of other lengths too.
    "sft-lines": Stage(after="sft", steps=250, lr=1e-3, pages=2_005, lines=(2, 4, 8)),
    # GRPO, and SFT on the same questions in as many steps.
    "graded": Stage(after="start", steps=60, lr=3e-4, pages=FRESH, batch=16, questions=1, rewards={"ocr": 1.0}),
    "exact": Stage(after="start", steps=60, lr=3e-4, pages=FRESH, batch=16, questions=1, rewards={"exact": 1.0}),
    "sft-same": Stage(after="start", steps=60, lr=3e-4, pages=FRESH, batch=16, questions=1),
    # The same questions again, in four times the steps.
    "graded-4": Stage(
        after="start",
        steps=240,
        lr=3e-4,
        pages=FRESH,
        batch=16,
        questions=1,
        iterations=4,
        rewards={"ocr": 1.0},
    ),
    "sft-same-4": Stage(after="start", steps=240, lr=3e-4, pages=FRESH, batch=16, questions=1, iterations=4),
}
#: Completions of a prompt.
GROUP = 16


def learn(name: str, out: Path, *, seed: int = 0, steps: int = 0, lr: float = 0.0) -> dict[str, Any]:
    """Train a stage, after those that it needs; write model, curve and report into `out / name`; return the report."""
    import torch

    from glyphrender.train.reader.look_back import LOOK_UP
    from glyphrender.train.reader.reading_trainer import load_reader
    from glyphrender.train.reader.tiny_reader import save_reader, tiny_reader

    stage = STAGES[name]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    if stage.after and not (out / stage.after / "report.json").exists():
        learn(stage.after, out, seed=seed)
    torch.set_num_threads(1)
    if stage.after:
        model, processor = load_reader(out / stage.after / "model")
    else:
        model, processor = tiny_reader(**LOOK_UP, seed=seed)
    steps, lr = steps or stage.steps, lr or stage.lr
    started = time.process_time()
    train = answered if stage.rewards is None else rewarded
    curve = train(model, processor, stage, folder / "trainer", steps=steps, lr=lr, seed=seed)
    seconds = time.process_time() - started
    save_reader(model, processor, folder / "model")
    report = {
        "stage": name,
        "after": stage.after,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "seed": seed,
        "steps": steps,
        "lr": lr,
        "cpu_seconds": round(seconds, 1),
        "held_out": held_out_scores(model, processor),
    }
    (folder / "curve.json").write_text(json.dumps(curve, indent=1) + "\n")
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(out)
    return report


def answered(
    model: Any, processor: Any, stage: Stage, out: Path, *, steps: int, lr: float, seed: int
) -> list[dict[str, float]]:
    """Train on right answers, and return the curve."""
    from glyphrender.train.reader.lookups import Lookups
    from glyphrender.train.reader.reading_trainer import train_reader

    data = Lookups(
        lines=stage.lines,
        questions=stage.questions,
        pairs=stage.pairs,
        batch=stage.batch,
        count=stage.batch * (steps // stage.iterations),
        seed=stage.pages + seed,
    )
    return train_reader(
        model,
        processor,
        data,
        out=out,
        steps=steps,
        alone=min(stage.alone, steps // 3),
        learning_rate=lr,
        share=0.2,
        sums=2.0,
        warmup=min(50, steps // 4),
        seed=seed,
        log_every=20,
    )


def rewarded(
    model: Any, processor: Any, stage: Stage, out: Path, *, steps: int, lr: float, seed: int
) -> list[dict[str, float]]:
    """Train by the rewards of the model's own answers, and return the curve."""
    from trl import GRPOConfig

    from glyphrender.adapters.pixels import fast
    from glyphrender.train.reader.lookups import lookup_rows, lookup_theta
    from glyphrender.train.rewards import reward_functions
    from glyphrender.train.rewards.dapo import DapoTrainer
    from glyphrender.train.rows.grpo_rows import prompt_dataset

    (lines,) = stage.lines
    rows = lookup_rows(stage.batch * (steps // stage.iterations), lines=lines, seed=stage.pages + seed)
    dataset, _, _ = prompt_dataset(rows, theta=lookup_theta(lines))
    functions, weights = reward_functions(stage.rewards or {})
    trainer = DapoTrainer(
        rounds=1,
        model=model,
        args=GRPOConfig(
            output_dir=str(out),
            seed=seed,
            data_seed=seed,
            max_steps=steps,
            per_device_train_batch_size=stage.batch * GROUP,
            num_generations=GROUP,
            num_iterations=stage.iterations,
            max_completion_length=6,
            temperature=1.0,
            top_k=0,
            epsilon_high=0.28,
            beta=0.0,
            loss_type="dapo",
            reward_weights=weights,
            learning_rate=lr,
            adam_beta2=0.98,
            lr_scheduler_type="constant_with_warmup",
            warmup_steps=5,
            use_cpu=True,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
        ),
        train_dataset=dataset,
        processing_class=fast(processor),
        reward_funcs=functions,
    )
    trainer.train()
    model.eval()
    kept = ("step", "loss", "reward", "entropy", "groups/alive")
    return [
        {name: entry[name] for name in kept if name in entry} for entry in trainer.state.log_history if "loss" in entry
    ]


def held_out_scores(model: Any, processor: Any) -> dict[str, Any]:
    """Return the score of `QUESTIONS` held-out questions for pages of 2, 4 and 8 lines."""
    from glyphrender.train.reader.lookups import Lookups
    from glyphrender.train.reader.reading_trainer import read_pages, score

    scores = {}
    for lines in (2, 4, 8):
        asked = list(Lookups(lines=(lines,), questions=1, batch=64, count=QUESTIONS, seed=HELD_OUT_SEED + lines))
        wanted = [sample.learned.removesuffix("<|endoftext|>") for sample in asked]
        scores[str(lines)] = score(read_pages(model, processor, asked), wanted).to_dict()
    return scores


def draw(out: Path) -> None:
    """Draw the curves of all stages that are in `out`: what is right, and the rewards, over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3), constrained_layout=True)
    before = 0
    for stage in ("pairs", "start", "sft", "sft-lines"):
        if (file := out / stage / "curve.json").exists():
            curve = json.loads(file.read_text())
            for name, color in (("cells", "C0"), ("characters", "C1"), ("pages", "C2")):
                known = [(before + entry["step"], entry[name]) for entry in curve if name in entry]
                left.plot(*zip(*known, strict=True), color=color, label=f"{name} right" if not before else None)
            before += curve[-1]["step"] if curve else 0
            left.axvline(before, color="0.8")
    left.set(xlabel="step of 32 pages: pairs | start | sft | sft-lines", ylim=(0, 1.02))
    for stage in (name for name, each in STAGES.items() if each.rewards):
        if (file := out / stage / "curve.json").exists():
            # TRL tells the rewards of a batch once, also where several steps learn from it.
            rewards = [entry["reward"] for entry in json.loads(file.read_text()) if "reward" in entry]
            smooth = [sum(rewards[max(0, end - 10) : end]) / min(10, end) for end in range(1, len(rewards) + 1)]
            right.plot(range(1, len(rewards) + 1), smooth, label=f"{stage}, mean of 10 batches")
    right.set(xlabel="batch of 16 prompts × 16 answers", ylabel="reward of sampled answers")
    for axes in (left, right):
        if axes.lines:
            axes.legend()
    figure.savefig(out / "curves.png", dpi=80)
    pyplot.close(figure)


def learn_all(out: Path, *, seed: int = 0, steps: int = 0) -> None:
    """Run all stages and print their reports; `steps` other than 0 are those of each stage, for a rehearsal."""
    for name in STAGES:
        show(learn(name, out, seed=seed, steps=steps))


def show(report: dict[str, Any]) -> None:
    """Print the report of a stage on one line."""
    exact = {lines: score["exact"] for lines, score in report["held_out"].items()}
    print(json.dumps({name: report[name] for name in report if name != "held_out"} | {"exact": exact}), flush=True)


def main() -> None:
    """Read the command line and run stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the stages: models, curves and reports")
    parser.add_argument("--stage", choices=list(STAGES), help="one stage, after those that it needs; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0, help="steps of that stage, in place of its own")
    parser.add_argument("--lr", type=float, default=0.0, help="learning rate of that stage, in place of its own")
    options = parser.parse_args()
    if (options.steps or options.lr) and not options.stage:
        parser.error("--steps and --lr are those of one stage. Name it by --stage.")
    if options.stage:
        show(learn(options.stage, options.out, seed=options.seed, steps=options.steps, lr=options.lr))
    else:
        learn_all(options.out, seed=options.seed)


if __name__ == "__main__":
    main()

"""Teach a vision-language model to read pages, from random weights, on one CPU thread (extra `train`).

    python docs/learn_to_read.py OUT                        the short lesson: 3 × 16 random characters, one a token
    python docs/learn_to_read.py OUT --lesson shapes        another lesson; `--list` names all
    python docs/learn_to_read.py OUT --seed 1 --steps 100   another seed, or fewer steps
    python docs/learn_to_read.py OUT --chain                reading, then look-ups by fine-tuning, then rewards

A lesson writes into OUT/LESSON: the model, as transformers loads it (`model`), the curve of the training (`curve.json`,
`curve.png`), and the score of held-out pages, read free running, with intervals (`report.json`). A lesson that goes on
from another one first gives that one, if OUT has it not. docs/learn_to_read.md explains it all.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from glyphrender.train.reader.reading import Prose, RandomCharacters, Shape, Transcriptions, Writer, plain_prose

BOOK = Path(__file__).parents[1] / "benchmarks" / "texts" / "pride-and-prejudice.txt"
HELD_OUT_SEED = 777_777


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a lesson: a learning rate that rises, stays, and falls to nearly nothing.

    Attributes:
        steps: steps of training.
        stop: steps after which it ends early, with the learning rate that it then has; 0 for none.
        batch: pages of a step.
        alone: steps of stage 0 among them, the first.
        frozen: whether the embeddings stand still, so that a tower learns a new type, and a language model that reads
            already goes on as it is.
        learning_rate, warmup, decay, share, slips: as `train_reader` has them.
        anywhere: whether pages of prose begin at any word (`Prose`).
        large: whether a shape is drawn as often as it has eights of cells. Otherwise, all shapes are drawn alike.
        seed: added to the seed of the pages, so that parts see other pages.
    """

    steps: int
    stop: int = 0
    batch: int = 16
    alone: int = 0
    frozen: bool = False
    learning_rate: float = 2e-3
    warmup: int = 50
    decay: float = 0.3
    share: float = 0.1
    slips: float = 0.0
    anywhere: bool = False
    large: bool = False
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is read, by which model, for how long.

    Attributes:
        writer: makes the writer of the pages of a part of the data: (0, 0.9) for training, (0.9, 1) held out.
        shapes: (columns, rows) of pages in visual tokens.
        parts: what is done, one after the other.
        pointing: layers that are told where to look.
        after: the lesson that this one goes on from; "" starts from random weights.
        tower: the lesson whose tower and embeddings this one takes; the language model starts from random weights.
        reader: arguments of `tiny_reader`.
        pages: held-out pages, as many of each shape.
    """

    writer: Callable[[tuple[float, float]], Writer]
    shapes: tuple[Shape, ...]
    parts: tuple[Part, ...]
    pointing: tuple[int, ...] = ()
    after: str = ""
    tower: str = ""
    reader: dict[str, Any] = field(default_factory=dict)
    pages: int = 256


def characters(a_cell: int) -> Callable[[tuple[float, float]], Writer]:
    """Return the writer of random characters. No page of random characters comes twice, so nothing is held out."""
    return lambda part: RandomCharacters(a_cell=a_cell)


def prose(**settings: Any) -> Callable[[tuple[float, float]], Writer]:
    """Return the writer of pages of a part of Pride and Prejudice."""
    return lambda part: Prose(text=plain_prose(BOOK.read_text(encoding="utf-8")), part=part, **settings)


#: A part of training in small type: stage 0 weighs as much as reading, and the reader learns to go on after an error.
robust = partial(Part, batch=4, learning_rate=8e-4, decay=0.95, share=1.0, slips=0.05, anywhere=True)


def up_to(columns: int, rows: int) -> tuple[Shape, ...]:
    """Return all shapes up to so many columns and rows."""
    return tuple((column, row) for column in range(1, columns + 1) for row in range(1, rows + 1))


LESSONS = {
    "characters": Lesson(
        writer=characters(1), shapes=((16, 3),), parts=(Part(steps=260, alone=60),), reader={"vision_layers": 0}
    ),
    "characters-4": Lesson(writer=characters(4), shapes=((4, 3),), parts=(Part(steps=900, alone=230),)),
    # Stage 0 needs many steps rather than many pages, so its batches are small.
    "tower": Lesson(
        writer=characters(4),
        shapes=tuple(sorted(up_to(8, 8), key=math.prod)),
        parts=(Part(steps=1000, batch=4, alone=1000, seed=500),),
        reader={"layers": 4},
        pages=0,
    ),
    # Up to 4 lines of 16 characters: where to look is known after 400 steps, what is there after 1,000.
    "shapes-start": Lesson(
        writer=characters(4),
        shapes=up_to(4, 4),
        parts=(Part(steps=2000, stop=1000),),
        pointing=(2,),
        after="tower",
        pages=512,
    ),
    "shapes-small": Lesson(
        writer=characters(4),
        shapes=up_to(4, 4),
        parts=(Part(steps=450, seed=500), Part(steps=600, seed=900)),
        pointing=(2,),
        after="shapes-start",
        pages=512,
    ),
    # Up to 8 lines of 32.
    "shapes": Lesson(
        writer=characters(4),
        shapes=up_to(8, 8),
        parts=(
            Part(steps=2000, batch=8),
            Part(
                steps=6400,
                stop=4000,
                batch=4,
                learning_rate=1.2e-3,
                warmup=100,
                decay=0.9,
                share=0.2,
                large=True,
                seed=1000,
            ),
            Part(steps=700, batch=4, learning_rate=5.5e-4, decay=0.92, share=0.2, large=True, seed=2000),
        ),
        pointing=(2,),
        after="shapes-start",
        pages=512,
    ),
    "prose-22": Lesson(writer=prose(font_size=22, slots=4), shapes=((8, 3),), parts=(Part(steps=1080, alone=150),)),
    # Two lines of type in a cell: ρ = 1.6 by GLM's own tokenizer.
    "prose-14": Lesson(
        writer=prose(font_size=14, line_height=14, slots=12),
        shapes=((8, 3),),
        parts=(
            Part(steps=1500, batch=4, alone=1500, seed=500),
            Part(steps=2600, batch=4, share=0.2),
            robust(steps=2400, stop=800, learning_rate=1e-3, warmup=100, seed=1000),
            robust(steps=650, warmup=30, seed=2000),
            robust(steps=2400, warmup=50, seed=2000),
        ),
        pointing=(2,),
        tower="prose-22",
        reader={"layers": 4, "intermediate_size": 512},
    ),
    # A third more characters a cell: ρ = 2.1.
    "prose-12": Lesson(
        writer=prose(font="DejaVu Sans Condensed", font_size=12, line_height=14, slots=12),
        shapes=((8, 3),),
        parts=(
            Part(steps=1000, batch=4, alone=1000, frozen=True, learning_rate=1e-3, decay=0.5, anywhere=True, seed=500),
            robust(steps=3600, stop=1674, seed=1000),
            robust(steps=1178, seed=3000),
        ),
        pointing=(2,),
        after="prose-14",
    ),
}
#: The lessons of `--chain`, before look-ups and rewards.
CHAIN = ("characters-4", "prose-22")


def learn(name: str, out: Path, *, seed: int = 0, steps: int | None = None) -> dict[str, Any]:
    """Give a lesson: train a reader, score it on held-out pages, write all into `out / name`, and return the report."""
    import torch

    from glyphrender.train.reader.reading_trainer import load_reader, read_pages, score, train_reader
    from glyphrender.train.reader.tiny_reader import READ, save_reader, tiny_reader

    lesson = LESSONS[name]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    for needed in filter(None, (lesson.after, lesson.tower)):
        if not (out / needed / "report.json").exists():
            learn(needed, out, seed=seed, steps=steps)
    torch.set_num_threads(1)
    if lesson.after:
        model, processor = load_reader(out / lesson.after / "model")
    else:
        model, processor = tiny_reader(**lesson.reader, seed=seed)
    if lesson.tower:
        other = load_reader(out / lesson.tower / "model")[0].state_dict()
        taken = {key: weight for key, weight in other.items() if ".visual." in key or "embed_tokens" in key}
        model.load_state_dict(taken, strict=False)
    started = time.process_time()
    curve: list[dict[str, float]] = []
    for part in lesson.parts:
        count = min(part.steps, steps or part.steps)
        model.get_input_embeddings().requires_grad_(not part.frozen)
        writer = lesson.writer((0.0, 0.9))
        pages = Transcriptions(
            writer=replace(writer, anywhere=True) if isinstance(writer, Prose) and part.anywhere else writer,
            shapes=[
                shape for shape in lesson.shapes for _ in range(math.ceil(math.prod(shape) / 8) if part.large else 1)
            ],
            question=READ,
            batch=part.batch,
            count=part.batch * count,
            seed=seed + part.seed,
        )
        log = train_reader(
            model,
            processor,
            pages,
            out=folder / "trainer",
            steps=count,
            alone=count if part.alone >= part.steps else min(part.alone, count // 3),
            learning_rate=part.learning_rate,
            warmup=part.warmup,
            decay=part.decay,
            share=part.share,
            slips=part.slips,
            pointing=lesson.pointing,
            seed=seed,
            log_every=20,
            callbacks=[stop_at(part.stop)] if part.stop else [],
        )
        last = curve[-1]["step"] if curve else 0
        curve += [{**entry, "step": entry["step"] + last} for entry in log]
    report = {
        "lesson": name,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "seed": seed,
        "steps": [min(part.stop or part.steps, steps or part.steps) for part in lesson.parts],
        "cpu_seconds": round(time.process_time() - started, 1),
    }
    save_reader(model, processor, folder / "model")
    if lesson.pages:
        each = lesson.pages // len(lesson.shapes)
        held_out = [
            sample
            for number, shape in enumerate(lesson.shapes)
            for sample in Transcriptions(
                writer=lesson.writer((0.9, 1.0)),
                shapes=[shape],
                question=READ,
                batch=each,
                count=each,
                seed=HELD_OUT_SEED + number,
            )
        ]
        # Pages that are read together have one shape.
        read = score(
            read_pages(model, processor, held_out, batch=min(each, 64)), [sample.learned for sample in held_out]
        )
        report |= read.to_dict()
    (folder / "curve.json").write_text(json.dumps(curve, indent=1) + "\n")
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(curve, folder / "curve.png")
    return report


def stop_at(step: int) -> Any:
    """Return a callback of transformers that ends a training after a step."""
    from transformers import TrainerCallback

    class Stop(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, arguments: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = state.global_step >= step

    return Stop()


def draw(curve: list[dict[str, float]], path: Path) -> None:
    """Draw loss and shares of what is right over the steps; a point of a long curve is a mean of several entries."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3), constrained_layout=True)
    each = math.ceil(len(curve) / 60)

    def points(name: str) -> tuple[list[float], list[float]]:
        known = [(entry["step"], entry[name]) for entry in curve if name in entry]
        groups = [known[at : at + each] for at in range(0, len(known), each)]
        return [group[-1][0] for group in groups], [sum(value for _, value in group) / len(group) for group in groups]

    left.semilogy(*points("loss"))
    left.set(xlabel="step", ylabel="loss, nats")
    for name in ("cells", "looks", "characters", "pages"):
        if any(name in entry for entry in curve):
            right.plot(*points(name), label=f"{name} right")
    right.set(xlabel="step", ylim=(0, 1.02))
    if right.lines:
        right.legend()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main() -> None:
    """Read the command line and run one lesson."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", help="folder of the lessons: models, curves and reports")
    parser.add_argument("--lesson", choices=list(LESSONS), default="characters")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="steps, fewer than the lesson has, for a rehearsal")
    parser.add_argument("--list", action="store_true", help="list the lessons")
    parser.add_argument("--chain", action="store_true", help="the lessons of CHAIN, then all of learn_to_look_up.py")
    options = parser.parse_args()
    if options.list:
        for name, lesson in LESSONS.items():
            steps = " + ".join(f"{part.stop or part.steps} × {part.batch}" for part in lesson.parts)
            print(f"{name:14} {steps} pages, {len(lesson.shapes)} shapes up to {lesson.shapes[-1]}")
        return
    if options.out is None:
        parser.error("OUT is missing. Name a folder.")
    for lesson in CHAIN if options.chain else (options.lesson,):
        report = learn(lesson, options.out, seed=options.seed, steps=options.steps)
        print(json.dumps({name: value for name, value in report.items() if name != "wrong"}), flush=True)
    if options.chain:
        import learn_to_look_up

        learn_to_look_up.learn_all(options.out, seed=options.seed, steps=options.steps or 0)


if __name__ == "__main__":
    main()

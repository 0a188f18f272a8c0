"""Additions of every stage to a trainer: a curve in a file, TensorBoard, and ends.

A run ends at a loss or a gradient that is not finite (`StopsAtNaN`), and at its last step (`StopsAtLastStep`).
"""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, TrainerCallback

from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.regular_file import read_text
from glyphrender.errors import TrainingError
from glyphrender.train.run.run_folder import RunFolder, is_main_process

__all__ = ["CurveCallback", "StopsAtLastStep", "StopsAtNaN", "curve_lines", "quiet", "watchers"]


def watchers(folder: RunFolder) -> list[Any]:
    """Return the callbacks of a run: the curve, and TensorBoard if it is installed."""
    callbacks: list[Any] = [CurveCallback(folder.curve)]
    if find_spec("tensorboard") and is_main_process():
        from torch.utils.tensorboard import SummaryWriter
        from transformers.integrations import TensorBoardCallback

        callbacks.append(TensorBoardCallback(SummaryWriter(str(folder.tensorboard))))
    return callbacks


def quiet(trainer: Any) -> Any:
    """Take the callback out that prints logs to standard output, and return the trainer."""
    trainer.remove_callback(PrinterCallback)
    return trainer


def curve_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a curve, without one that a killed process left half written; none without a file."""
    if not path.exists():
        return []
    lines = []
    for line in read_text(path, pipes=False).splitlines():
        with suppress(json.JSONDecodeError):
            lines.append(json.loads(line))
    return lines


class CurveCallback(TrainerCallback):  # type: ignore[misc]
    """A callback that writes each log of the trainer as one line of JSON, on the main process.

    When a run is resumed, lines of steps after the checkpoint are taken out first, so that each step is there once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.started = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take out the lines that the run will write again."""
        self.started = time.monotonic()
        if is_main_process() and self.path.exists():
            kept = [line for line in curve_lines(self.path) if line["step"] <= state.global_step]
            write_atomically(self.path, "".join(json.dumps(line) + "\n" for line in kept))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Write one line."""
        if not is_main_process() or not logs:
            return
        numbers = {name: value for name, value in logs.items() if isinstance(value, int | float)}
        line = {"step": state.global_step, **numbers, "seconds": round(time.monotonic() - self.started, 3)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


class StopsAtLastStep:
    """A base for trainers of transformers, named first: a run that has all its steps takes no more when it is resumed.

    transformers 5.24 looks at the number of steps after each step. So a run that was killed between its last checkpoint
    and the saving of its model would take one step too many, if its last epoch is not at its end.
    """

    run_folder: RunFolder

    def set_initial_training_values(self, *arguments: Any, **named: Any) -> Any:
        """Return the lengths of the run, the number of epochs first: 0 if no step is left."""
        epochs, *others = super().set_initial_training_values(*arguments, **named)  # type: ignore[misc]
        folder = self.run_folder
        return (0 if folder.resume and folder.is_trained else epochs, *others)


class StopsAtNaN:
    """A base for trainers of transformers, named first: `class Mine(StopsAtNaN, SFTTrainer)`.

    If the loss of a batch or the gradient of a step is not finite, the optimizer takes no step, the batch is saved, and
    `TrainingError` is raised. So the weights are those before the batch.

    The norm of the gradient is the one that the trainer computes of all processes for clipping and for its log. It is
    taken from a private method (transformers 5.24, `Trainer._get_grad_norm`), which runs before the optimizer does.
    """

    run_folder: RunFolder
    _micro_batches: list[dict[str, Any]]
    _at_step: int = -1

    def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Any:
        """Return the loss of a batch, and the model's outputs if they are asked for.

        Raises:
            TrainingError: the loss is not a finite number.
        """
        batch = dict(inputs)  # trainers take things out
        if model.training:
            self._keep(batch)
        computed = super().compute_loss(model, inputs, *rest, **named)  # type: ignore[misc]
        loss = float((computed[0] if isinstance(computed, tuple) else computed).detach())
        if model.training and not math.isfinite(loss):
            raise self._stopped("loss", loss, [batch])
        return computed

    def _keep(self, batch: dict[str, Any]) -> None:
        """Keep the micro-batches of one step. The trainer holds their tensors until the step ends anyway."""
        step: int = self.state.global_step  # type: ignore[attr-defined]
        if step != self._at_step:
            self._at_step, self._micro_batches = step, []
        self._micro_batches.append(batch)

    def _get_grad_norm(self, *arguments: Any, **named: Any) -> Any:
        norm = super()._get_grad_norm(*arguments, **named)  # type: ignore[misc]
        if norm is not None and not math.isfinite(float(norm)):
            raise self._stopped("gradient", float(norm), self._micro_batches)
        self._micro_batches = []
        return norm

    def _stopped(self, what: str, value: float, batches: list[dict[str, Any]]) -> TrainingError:
        """Save batches, and return the error that names the first file and the way out."""
        state: Any = self.state  # type: ignore[attr-defined]
        step, rank = state.global_step + 1, self.args.process_index  # type: ignore[attr-defined]
        folder = self.run_folder
        folder.nan.mkdir(parents=True, exist_ok=True)
        name = f"step-{step}-rank-{rank}"
        names = [f"{name}.pt", *(f"{name}-part-{number}.pt" for number in range(2, len(batches) + 1))]
        for file, batch in zip(names, batches, strict=True):
            tensors = {name: value.detach().cpu() for name, value in batch.items() if torch.is_tensor(value)}
            torch.save(tensors, folder.nan / file)
        path = folder.nan / names[0]
        first = (step - 1) * folder.recipe.batch.samples
        samples = [first, first + folder.recipe.batch.samples]
        about = {"step": step, what: str(value), "samples": samples, "files": names}
        path.with_suffix(".json").write_text(json.dumps(about) + "\n", encoding="utf-8")
        last = folder.last_checkpoint
        way = f"Look at the batch, or go on from {last.name} with" if last else "Look at the batch, or begin again with"
        return TrainingError(
            f"the {what} of step {step} is {value}. The step was not taken, and its batch is saved in {path}. {way} "
            "a lower optim.lr.",
            step=step,
            path=path,
        )

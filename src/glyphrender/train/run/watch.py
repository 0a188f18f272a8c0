"""Additions of every stage to a trainer: a curve in a file, TensorBoard, and a stop when the loss is not a number."""

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
from glyphrender.errors import TrainingError
from glyphrender.train.run.run_folder import RunFolder, is_main_process

__all__ = ["CurveCallback", "StopsAtNaN", "curve_lines", "quiet", "watchers"]


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
    for line in path.read_text(encoding="utf-8").splitlines():
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


class StopsAtNaN:
    """A base for trainers of transformers, named first: `class Mine(StopsAtNaN, SFTTrainer)`.

    If the loss of a batch is not finite, the optimizer takes no step, the batch is saved, and `TrainingError` is
    raised. So the weights are those before the batch.
    """

    run_folder: RunFolder

    def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Any:
        """Return the loss of a batch, and the model's outputs if they are asked for.

        Raises:
            TrainingError: the loss is not a finite number.
        """
        batch = dict(inputs)  # trainers take things out
        computed = super().compute_loss(model, inputs, *rest, **named)  # type: ignore[misc]
        loss = float((computed[0] if isinstance(computed, tuple) else computed).detach())
        if model.training and not math.isfinite(loss):
            raise self._stopped(batch, loss)
        return computed

    def _stopped(self, batch: dict[str, Any], loss: float) -> TrainingError:
        state: Any = self.state  # type: ignore[attr-defined]
        step, rank = state.global_step + 1, self.args.process_index  # type: ignore[attr-defined]
        folder = self.run_folder
        folder.nan.mkdir(parents=True, exist_ok=True)
        path = folder.nan / f"step-{step}-rank-{rank}.pt"
        tensors = {name: value.detach().cpu() for name, value in batch.items() if torch.is_tensor(value)}
        torch.save(tensors, path)
        first = (step - 1) * folder.recipe.batch.samples
        about = {"step": step, "loss": str(loss), "samples": [first, first + folder.recipe.batch.samples]}
        path.with_suffix(".json").write_text(json.dumps(about) + "\n", encoding="utf-8")
        last = folder.last_checkpoint
        way = f"Look at the batch, or go on from {last.name} with" if last else "Look at the batch, or begin again with"
        return TrainingError(
            f"the loss of step {step} is {loss}. The step was not taken, and its batch is saved in {path}. {way} "
            "a lower optim.lr.",
            step=step,
            path=path,
        )

"""`RunFolder`: the folder of one training run, and what may be written into it.

    recipe.toml       the recipe, every field written out when the folder is made
    curve.jsonl       one line a logged step: step, loss, learning rate, seconds
    tensorboard/      the same for TensorBoard
    checkpoint-N/     what transformers' Trainer saves to go on from step N
    nan/              batches whose loss or gradient was not finite
    model/            the trained model and its processor, at the end; with `lora.rank`, its adapters alone
    base/             the weights below the adapters, if no other folder holds them

A folder belongs to one recipe. Its digest is compared before a model is loaded, so a checkpoint of another recipe is
never continued by mistake. Fields that do not change what is learned may differ. recipe.toml stays as it is once a step
was taken, and a file that a person wrote is never written again. Nothing here needs torch.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from glyphrender._system.atomic_write import write_atomically
from glyphrender.errors import DataError, shown
from glyphrender.train.recipe import Recipe

__all__ = ["RunFolder", "is_main_process", "process_count", "recipe_differences"]

_RECIPE: Final = "recipe.toml"
# transformers writes this file last, so a checkpoint without it was interrupted.
_COMPLETE: Final = "trainer_state.json"


def process_count() -> int:
    """Return the number of processes that train together, as `torchrun` and `accelerate launch` state it."""
    return max(1, int(os.environ.get("WORLD_SIZE", "1")))


def is_main_process() -> bool:
    """Return whether this process writes what all processes share."""
    return int(os.environ.get("RANK", "0")) == 0


def recipe_differences(one: Recipe, other: Recipe) -> Iterator[tuple[str, Any, Any]]:
    """Yield the fields that differ and change what is learned: name, value of `one`, value of `other`."""
    left, right = one.to_dict(), other.to_dict()
    sections = one.sections()
    for name, value in left.items():
        if name in sections and isinstance(value, dict):
            free = sections[name].free()
            there = right.get(name, {})
            for field, each in value.items():
                if field not in free and each != there.get(field):
                    yield f"{name}.{field}", each, there.get(field)
        elif name not in one.free() and value != right.get(name):
            yield name, value, right.get(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFolder:
    """The folder of a run.

    Attributes:
        path: the folder.
        recipe: the recipe that is run.
        resume: whether the run goes on from a checkpoint.
    """

    path: Path
    recipe: Recipe
    resume: bool

    @classmethod
    def open(cls, path: str | os.PathLike[str], recipe: Recipe, *, resume: bool = False) -> Self:
        """Return the folder, made if it is missing, with the recipe in it.

        Raises:
            DataError: the folder holds other files, checkpoints of another recipe, the model of a finished run, or
                checkpoints and `resume` is False; or there is nothing to resume; or the folder cannot be written.
        """
        folder = cls(path=Path(path), recipe=recipe, resume=resume)
        written = folder.path / _RECIPE
        try:
            names = sorted(each.name for each in folder.path.iterdir()) if folder.path.exists() else []
        except OSError as error:
            raise DataError(f"{path} is no folder ({error.strerror}). Use another --out.", path=path) from error
        if names and not written.exists() and is_main_process():  # the others may see what the main one just began
            raise DataError(
                f"{path} has {names[0]!r} and no {_RECIPE}. Use an empty folder or another --out.", path=path
            )
        replaced = not written.exists()
        if written.exists():
            if not written.is_file():
                raise DataError(f"{written} is no regular file. Use another --out.", path=written)
            there = Recipe.load(written)
            # A start that failed left our own file and nothing else. Then a corrected recipe takes its place.
            replaced = not folder.has_begun and written.read_text(encoding="utf-8") == there.to_toml()
            if not replaced:
                folder._check_recipe(there)
        checkpoint = folder.last_checkpoint
        if folder.is_finished:
            raise DataError(
                f"{path} holds a finished run of this recipe, and its model is in {folder.model}. "
                "Use another --out, or remove that folder.",
                path=path,
            )
        if checkpoint is not None and not resume:
            raise DataError(
                f"{path} has {checkpoint.name} of this recipe. Pass --resume to go on, or use another --out.", path=path
            )
        if resume and checkpoint is None:
            raise DataError(f"{path} has no complete checkpoint to resume. Leave --resume out.", path=path)
        if is_main_process():
            try:
                folder.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DataError(
                    f"{path} cannot be written ({error.strerror}). Use another --out.", path=path
                ) from error
            if replaced:
                write_atomically(written, recipe.to_toml())
        return folder

    def _check_recipe(self, there: Recipe) -> None:
        if type(there) is not type(self.recipe):
            raise DataError(
                f"{self.path} holds a run of the stage {there.stage}, not {self.recipe.stage}. Use another --out.",
                path=self.path,
            )
        if there.digest != self.recipe.digest:
            name, here, other = next(recipe_differences(self.recipe, there))
            raise DataError(
                f"{self.path} holds a run of another recipe: {name} is {shown(other)} there and {shown(here)} here. "
                f"Use another --out, or --set {name} as there.",
                path=self.path,
            )

    @property
    def has_begun(self) -> bool:
        """Whether a step was taken: there is a curve, a checkpoint, a model or a batch that was saved."""
        parts = (self.curve, self.model, self.nan, *self.path.glob("checkpoint-*"))
        return any(part.exists() for part in parts)

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """The complete checkpoints, oldest first. One that was interrupted while it was written is left out."""
        if not self.path.is_dir():
            return ()
        steps = {
            int(match[1]): each
            for each in self.path.iterdir()
            if (match := re.fullmatch(r"checkpoint-(\d+)", each.name)) and (each / _COMPLETE).is_file()
        }
        return tuple(steps[step] for step in sorted(steps))

    @property
    def last_checkpoint(self) -> Path | None:
        """The last complete checkpoint."""
        return self.checkpoints[-1] if self.checkpoints else None

    @property
    def is_finished(self) -> bool:
        """Whether there is a model, and no checkpoint of an earlier step from which the run could go on."""
        ended = self.last_checkpoint is None or self.is_trained
        return ended and self.model.is_dir() and any(self.model.iterdir())

    @property
    def is_trained(self) -> bool:
        """Whether there is a checkpoint of the last step, after which only the model is saved."""
        last = self.last_checkpoint
        return last is not None and int(last.name.rpartition("-")[2]) >= self.recipe.optim.steps

    @property
    def resumed_from(self) -> str | None:
        """The checkpoint to go on from, as `Trainer.train` takes it; None for a new run."""
        return str(self.last_checkpoint) if self.resume else None

    @property
    def curve(self) -> Path:
        """The file of the curve."""
        return self.path / "curve.jsonl"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's events."""
        return self.path / "tensorboard"

    @property
    def model(self) -> Path:
        """The folder of the trained model."""
        return self.path / "model"

    @property
    def base(self) -> Path:
        """The folder of the weights below adapters, if no other folder holds them."""
        return self.path / "base"

    @property
    def nan(self) -> Path:
        """The folder of batches whose loss or gradient was not finite."""
        return self.path / "nan"

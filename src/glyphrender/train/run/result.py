"""`TrainingResult`: what a stage returns, and the end that all stages have."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from glyphrender.train.run.run_folder import RunFolder, is_main_process
from glyphrender.train.run.watch import curve_lines

__all__ = ["TrainingResult", "finished"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingResult:
    """The end of a run.

    Attributes:
        recipe: name of the recipe.
        digest: digest of the recipe.
        folder: folder of the run.
        model: folder of the model, as transformers loads it.
        steps: steps that were taken in all.
        first_loss, last_loss: the first and the last loss of the curve; None if nothing was logged.
        seconds: seconds of this process's training, without loading.
    """

    recipe: str
    digest: str
    folder: str
    model: str
    steps: int
    first_loss: float | None
    last_loss: float | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    def summary(self) -> str:
        """Return one line for a terminal."""
        loss = "" if self.last_loss is None else f", loss {self.first_loss:.4g} → {self.last_loss:.4g}"
        return f"{self.recipe}: {self.steps:,} steps, {self.seconds:,.0f} s{loss}: {self.model}"


def finished(trainer: Any, processor: Any, folder: RunFolder) -> TrainingResult:
    """Save the model and its processor, and return the result.

    Weights that are split over processes are gathered. With adapters, only the adapters are saved, beside the
    configuration of the model below them: peft looks for it when the next stage trains adapters on these.
    """
    if trainer.is_fsdp_enabled:
        trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
    trainer.save_model(str(folder.model))
    if is_main_process():
        processor.save_pretrained(folder.model)
        if folder.recipe.lora.rank:
            trainer.accelerator.unwrap_model(trainer.model).config.save_pretrained(folder.model)
    curve = [line["loss"] for line in curve_lines(folder.curve) if "loss" in line]
    return TrainingResult(
        recipe=folder.recipe.name,
        digest=folder.recipe.digest,
        folder=str(folder.path),
        model=str(folder.model),
        steps=int(trainer.state.global_step),
        first_loss=curve[0] if curve else None,
        last_loss=curve[-1] if curve else None,
        seconds=round(sum(log.get("train_runtime", 0.0) for log in trainer.state.log_history), 3),
    )

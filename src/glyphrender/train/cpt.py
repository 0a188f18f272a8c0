"""Continual pre-training: a recipe, rows, a trainer of TRL, a model. Read from top to bottom.

1. the folder       refuses checkpoints of another recipe
2. the model        loaded, or a tiny reader with random weights
3. the rows         pages to transcribe, texts with pages in them, documents that begin as pages
4. the trainer      TRL's SFTTrainer; with stage 0, `ReadingTrainer`
5. the end          the model and its processor in one folder
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from transformers import TrainingArguments

from glyphrender.errors import DataError
from glyphrender.train.reader.align import AlignmentHead, Pointing
from glyphrender.train.reader.reading_trainer import ReadingCollator, ReadingTrainer
from glyphrender.train.recipe import CptRecipe
from glyphrender.train.run.adapters import keep_base
from glyphrender.train.run.arguments import on_threads_of_recipe, training_arguments
from glyphrender.train.run.loading import model_and_processor
from glyphrender.train.run.result import TrainingResult, finished
from glyphrender.train.run.run_folder import RunFolder, process_count
from glyphrender.train.run.sft_trainer import sft_trainer
from glyphrender.train.run.streams import SampleStreams, cpt_streams
from glyphrender.train.run.watch import StopsAtLastStep, StopsAtNaN, quiet, watchers

__all__ = ["train"]


class _Reading(StopsAtLastStep, StopsAtNaN, ReadingTrainer):
    """The trainer with stage 0, which stops at a loss or a gradient that is not finite."""


@on_threads_of_recipe
def train(
    recipe: CptRecipe, *, out: str | os.PathLike[str], resume: bool = False, callbacks: Sequence[Any] = ()
) -> TrainingResult:
    """Train by a recipe, and return where the model is and how the loss fell.

    Args:
        recipe: the recipe.
        out: the folder of the run: recipe, curve, checkpoints, model (`RunFolder`).
        resume: go on from the last complete checkpoint in the folder.
        callbacks: more callbacks of transformers.

    Raises:
        DataError: the folder is of another recipe, a file of texts cannot be read, or a value does not fit.
        TrainingError: a loss or a gradient is not finite. The batch is saved, and the step is not taken.
        DependencyError: an extra is missing.
    """
    folder = RunFolder.open(out, recipe, resume=resume)
    arguments = training_arguments(recipe, folder)
    model, processor = model_and_processor(recipe)
    keep_base(recipe, model, processor, folder)
    samples = cpt_streams(recipe, processor)
    align = recipe.align
    make = _reading_trainer if align.steps or align.share or align.pointing else sft_trainer
    trainer = quiet(make(recipe, arguments, model, processor, samples, [*watchers(folder), *callbacks]))
    trainer.run_folder = folder
    trainer.train(resume_from_checkpoint=folder.resumed_from)
    return finished(trainer, processor, folder)


def _reading_trainer(
    recipe: CptRecipe,
    arguments: dict[str, Any],
    model: Any,
    processor: Any,
    samples: SampleStreams,
    callbacks: list[Any],
) -> Any:
    """Return the trainer with stage 0: the tower alone first, and its loss beside the model's afterwards.

    Raises:
        DataError: the characters of a cell are not known; or there are adapters, several processes, or pages off the
            model's grid; or a layer is told where to look that the model does not have, or on pages of no writer.
    """
    slots = recipe.align.slots or samples.slots
    if not slots:
        raise DataError(
            "align.slots=0 learns no characters of the corpora. Set align.slots=16, or align.steps=0 and align.share=0."
        )
    if not recipe.data.aligned:
        raise DataError("align needs pages of whole visual tokens. Set data.aligned=true.")
    if recipe.lora.rank or process_count() > 1:
        raise DataError("align trains the tower's own weights in one process. Set lora.rank=0, and start one process.")
    layers = model.config.text_config.num_hidden_layers
    if wrong := [layer for layer in recipe.align.pointing if layer >= layers]:
        raise DataError(f"align.pointing has {wrong[0]}, and the model has {layers} layers. Use 0 to {layers - 1}.")
    if recipe.align.pointing and not recipe.data.writer:
        raise DataError("align.pointing needs pages of one text and one shape. Set data.writer, or align.pointing=[].")
    return _Reading(
        model=model,
        args=TrainingArguments(**arguments),
        train_dataset=samples.train,
        eval_dataset=samples.held_out,
        data_collator=ReadingCollator(processor, slots, model=model),
        processing_class=processor,
        alignment=AlignmentHead(model.config.text_config.hidden_size, slots),
        alone=recipe.align.steps,
        share=recipe.align.share,
        pointing=Pointing(model, recipe.align.pointing) if recipe.align.pointing else None,
        callbacks=callbacks,
    )

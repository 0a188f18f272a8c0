"""Supervised fine-tuning: a recipe, chats, TRL's SFTTrainer, a model. Read from top to bottom.

1. the folder       refuses checkpoints of another recipe
2. the model        of an earlier stage, or a published one
3. the rows         chats whose long contexts are pages, and transcription beside
4. the trainer      TRL's SFTTrainer; the loss is on the answers
5. the end          the model and its processor in one folder
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from glyphrender.train.recipe import SftRecipe
from glyphrender.train.run.adapters import keep_base
from glyphrender.train.run.arguments import on_threads_of_recipe, training_arguments
from glyphrender.train.run.loading import model_and_processor
from glyphrender.train.run.result import TrainingResult, finished
from glyphrender.train.run.run_folder import RunFolder
from glyphrender.train.run.sft_trainer import sft_trainer
from glyphrender.train.run.streams import sft_streams
from glyphrender.train.run.watch import quiet, watchers

__all__ = ["train"]


@on_threads_of_recipe
def train(
    recipe: SftRecipe, *, out: str | os.PathLike[str], resume: bool = False, callbacks: Sequence[Any] = ()
) -> TrainingResult:
    """Train by a recipe, and return where the model is and how the loss fell.

    Args:
        recipe: the recipe.
        out: the folder of the run: recipe, curve, checkpoints, model (`RunFolder`).
        resume: go on from the last complete checkpoint in the folder.
        callbacks: more callbacks of transformers.

    Raises:
        DataError: the folder is of another recipe, a file of chats cannot be read, or a value does not fit.
        TrainingError: a loss or a gradient is not finite. The batch is saved, and the step is not taken.
        DependencyError: an extra is missing.
    """
    folder = RunFolder.open(out, recipe, resume=resume)
    arguments = training_arguments(recipe, folder)
    model, processor = model_and_processor(recipe)
    keep_base(recipe, model, processor, folder)
    samples = sft_streams(recipe, processor)
    callbacks = [*watchers(folder), *callbacks]
    trainer = quiet(sft_trainer(recipe, arguments, model, processor, samples, callbacks))
    trainer.run_folder = folder
    trainer.train(resume_from_checkpoint=folder.resumed_from)
    return finished(trainer, processor, folder)

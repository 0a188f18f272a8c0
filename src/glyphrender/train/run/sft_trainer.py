"""TRL's SFTTrainer on samples, as the stages `cpt` and `sft` use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trl import SFTConfig, SFTTrainer

from glyphrender.train.recipe import CptRecipe, SftRecipe
from glyphrender.train.rows.collate import SampleCollator
from glyphrender.train.rows.dataset import as_dataset
from glyphrender.train.run.adapters import adapters
from glyphrender.train.run.streams import SampleStreams
from glyphrender.train.run.token_mean import MeanOverTokens
from glyphrender.train.run.watch import StopsAtLastStep, StopsAtNaN

__all__ = ["sft_trainer"]


class _Sft(MeanOverTokens, StopsAtLastStep, StopsAtNaN, SFTTrainer):  # type: ignore[misc]
    """TRL's trainer with a mean over all tokens of a step, which stops at a loss or a gradient that is not finite."""


def sft_trainer(
    recipe: CptRecipe | SftRecipe,
    arguments: dict[str, Any],
    model: Any,
    processor: Any,
    samples: SampleStreams,
    callbacks: Sequence[Any],
) -> Any:
    """Return TRL's trainer of a recipe. The collator makes labels, so TRL prepares nothing.

    Pages go to the device as bytes.

    Args:
        recipe: the recipe, which says whether adapters are trained and activations are offloaded.
        arguments: the arguments of transformers' trainer (`training_arguments`).
        model: the model.
        processor: its processor.
        samples: what is trained on, and what is held out.
        callbacks: callbacks of transformers.

    Raises:
        DependencyError: the recipe has adapters, and peft is not installed.
    """
    return _Sft(
        model=model,
        args=SFTConfig(
            **arguments,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
            activation_offloading=recipe.machine.offload_activations,
        ),
        train_dataset=as_dataset(samples.train),
        eval_dataset=samples.held_out and as_dataset(samples.held_out),
        data_collator=SampleCollator(processor=processor, model=model),
        processing_class=processor,
        peft_config=adapters(recipe),
        callbacks=list(callbacks),
    )

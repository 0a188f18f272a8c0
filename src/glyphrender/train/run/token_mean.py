"""The loss of a step as the mean over its learned tokens, however the step is divided among processes."""

from __future__ import annotations

from typing import Any

__all__ = ["MeanOverTokens"]


class MeanOverTokens:
    """A base for TRL's `SFTTrainer`, named first: the loss is the mean over all learned tokens of a step.

    GLM-4.1V and Qwen2-VL tell trainers that they take no count of tokens (`accepts_loss_kwargs`). The loss of a step
    would then be a mean over micro-batches and processes of the means over their tokens. So a sample with three learned
    tokens would weigh as much as one with three thousand, and more processes would train another model. TRL computes
    the loss itself, by the count that the trainer gives, so the model is given nothing that it does not know.

    Source: transformers 5.24 (`Trainer._get_num_items_in_batch`), TRL 1.16 (`SFTTrainer.compute_loss`).
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.model_accepts_loss_kwargs = True

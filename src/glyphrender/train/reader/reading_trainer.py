"""`ReadingTrainer`: transformers' Trainer with the loss of reading, and the score of held-out pages.

The Trainer does all that a trainer does: batches, AdamW, the schedule, clipping, logs, checkpoints. Only the loss is
ours. TRL's SFTTrainer is not used here, because it computes its own loss and an entropy over all logits, and stage 0
has no logits: it trains the tower alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import SequentialSampler
from transformers import Trainer, TrainingArguments

from glyphrender.document.page import Page
from glyphrender.errors import DataError
from glyphrender.ocr.comparison import edit_distance
from glyphrender.tasks.statistics import Interval, error_rate_interval, wilson
from glyphrender.train.reader.align import AlignmentHead, Pointing, cell_labels, cells_of_text
from glyphrender.train.reader.equal_pages import equal_pages
from glyphrender.train.reader.lookups import Lookups
from glyphrender.train.reader.reading import CELL, Transcriptions
from glyphrender.train.rows.collate import SampleCollator
from glyphrender.train.rows.sample import Sample

__all__ = [
    "ReadingCollator",
    "ReadingScore",
    "ReadingTrainer",
    "load_reader",
    "read_pages",
    "score",
    "train_reader",
]


class ReadingCollator:
    """A function from samples to a batch that also has `cell_labels`, int64 (cells, slots), for stage 0.

    Batches are padded on the right, and have no attention mask: no token sees the padding after it, and without a mask
    attention is faster.

    Attributes:
        slots: characters of a cell.
        slips: share of the characters to learn that the model sees replaced by others of the batch, once written. The
            labels stay. So a reader learns to go on after an error of its own. Line ends are never replaced. The
            characters are drawn by torch's generator, which the Trainer seeds.

    Args:
        processor: see `SampleCollator`.
        slots, slips: the attributes.
        model: see `SampleCollator`.
    """

    def __init__(self, processor: Any, slots: int, *, slips: float = 0.0, model: Any = None) -> None:
        self.slots, self.slips = slots, slips
        padded_right = copy(processor)
        padded_right.tokenizer = copy(processor.tokenizer)
        padded_right.tokenizer.padding_side = "right"
        self.tokenizer = padded_right.tokenizer
        self.samples = _Remembering(processor=padded_right, model=model)
        self._tokens: dict[str, list[int]] = {}

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        """Return the keyword arguments of the model, `cell_labels`, and `looks`, int64 (samples, tokens).

        `looks` are the cells of the characters that follow each token; -1 where no character of a page follows.
        """
        batch = self.samples(samples)
        del batch["attention_mask"]
        blank = self.tokens_of(" ")[0]
        labels = [
            cell_labels(page, self.tokens_of, cell=CELL, slots=self.slots, blank=blank)
            for documents in self.samples.documents
            for pages in documents
            for page in pages
        ]
        looks = torch.full_like(batch["labels"], -1)
        for row, sample, documents in zip(range(len(samples)), samples, self.samples.documents, strict=True):
            if len(documents) == 1 and len(documents[0]) == 1 and self._is_transcription(sample):
                cells = cells_of_text(documents[0][0], cell=CELL)
                # The token before a character is the one that looks for it.
                first = int((batch["labels"][row] >= 0).int().argmax()) - 1
                looks[row, first : first + len(cells)] = torch.from_numpy(cells)
        if self.slips:
            self._slip(batch["input_ids"], batch["labels"])
        return {**batch, "cell_labels": torch.from_numpy(np.concatenate(labels)), "looks": looks}

    def _slip(self, ids: Any, labels: Any) -> None:
        """Replace a share of the characters of `ids` that are learned, in place."""
        ends = torch.tensor([*self.tokens_of("\n"), self.tokenizer.eos_token_id])
        written = (labels >= 0) & ~torch.isin(labels, ends)
        letters = ids[written]
        slipped = written & (torch.rand(ids.shape) < self.slips)
        ids[slipped] = letters[torch.randint(len(letters), (int(slipped.sum()),))]

    def _is_transcription(self, sample: Sample) -> bool:
        """Return whether what is learned is the text of the first pages, a token for each character."""
        return sample.learned == sample.pages[0].text and sample.learned.isascii()

    def tokens_of(self, text: str) -> list[int]:
        """Return the tokens of a few characters, remembered."""
        if (known := self._tokens.get(text)) is None:
            known = self._tokens[text] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return known


class _Remembering(SampleCollator):
    """A collator that keeps the pages of its last batch, so that they are not laid out again for their labels."""

    __slots__ = ("documents",)
    documents: list[list[tuple[Page, ...]]]

    def laid_out(self, samples: Sequence[Sample]) -> list[list[tuple[Page, ...]]]:
        """Return the pages of each part of each sample that is seen as pages."""
        object.__setattr__(self, "documents", super().laid_out(samples))
        return self.documents


class ReadingTrainer(Trainer):  # type: ignore[misc]
    """A Trainer whose loss is stage 0 alone for the first steps, and then transcription with a share of stage 0.

    One process only: stage 0 calls the tower without the rest of the model.
    """

    def __init__(
        self,
        *args: Any,
        alignment: AlignmentHead,
        alone: int,
        share: float,
        pointing: Pointing | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.alignment, self.alone, self.share, self.pointing = alignment, alone, share, pointing
        self.model_accepts_loss_kwargs = False
        self.started = time.process_time()
        self._measured: dict[str, float] = {}

    def _get_train_sampler(self, *args: Any, **kwargs: Any) -> Any:
        return SequentialSampler(self.train_dataset)  # the dataset is random already, and its batches have one shape

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **kwargs: Any) -> Any:
        """Return the loss of a batch, with the model's outputs if they are asked for."""
        labels, looks = inputs.pop("cell_labels"), inputs.pop("looks")
        whole = self.accelerator.unwrap_model(model)
        measure = model.training and self.state.global_step % self.args.logging_steps == self.args.logging_steps - 1
        if self.state.global_step < self.alone:
            visual = whole.model.visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"]).pooler_output
            outputs, loss, share = {}, 0.0, 1.0  # evaluation looks for logits in it
        else:
            with seen(whole) as tokens:
                outputs = model(**inputs)
            visual, loss, share = tokens[0], outputs.loss, self.share
            if self.pointing:
                pointed, found = self.pointing(looks, inputs["mm_token_type_ids"] == 1)
                loss = loss + pointed
            if measure:
                right = (outputs.logits[:, :-1].argmax(-1) == inputs["labels"][:, 1:]) | (inputs["labels"][:, 1:] < 0)
                count = (inputs["labels"][:, 1:] >= 0).sum()
                self._measured |= {
                    "pages": float(right.all(1).float().mean()),
                    "characters": float(1 - (~right).sum() / count),
                    "length": float(count / len(right)),
                }
                if self.pointing:
                    self._measured |= {"looks": float(found), "pointing": float(pointed.detach())}
        aligned, cells = self.alignment(visual, whole.get_input_embeddings().weight, labels)
        if measure:
            self._measured |= {"cells": float(cells)}
        loss = loss + share * aligned
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add what was measured on the last batch, and the CPU seconds so far, to a log."""
        if "loss" in logs:
            logs = {**logs, **self._measured, "cpu_seconds": round(time.process_time() - self.started, 2)}
        super().log(logs, *args, **kwargs)


@contextmanager
def seen(model: Any) -> Iterator[list[Any]]:
    """Yield a list that receives the visual tokens of each page batch that `model` sees in the `with` block."""
    tokens: list[Any] = []
    hook = model.model.visual.register_forward_hook(lambda _, __, outputs: tokens.append(outputs.pooler_output))
    try:
        yield tokens
    finally:
        hook.remove()


def load_reader(path: str | os.PathLike[str]) -> tuple[Any, Any]:
    """Return (model, processor) that `save_reader` wrote to a folder.

    Raises:
        DataError: there is no reader in `path`.
    """
    from transformers import AutoProcessor, Glm4vForConditionalGeneration

    try:
        model = Glm4vForConditionalGeneration.from_pretrained(path, local_files_only=True)
        return model, AutoProcessor.from_pretrained(path, trust_remote_code=True, local_files_only=True)
    except OSError as error:
        raise DataError(f"{os.fspath(path)} has no reader. Name a folder that save_reader wrote.") from error


def train_reader(
    model: Any,
    processor: Any,
    data: Transcriptions | Lookups,
    *,
    out: Path,
    steps: int,
    alone: int,
    learning_rate: float = 2e-3,
    share: float = 0.1,
    pointing: Sequence[int] = (),
    sums: float = 0.0,
    slips: float = 0.0,
    warmup: int = 50,
    decay: float = 0.3,
    seed: int = 0,
    log_every: int = 50,
    callbacks: Sequence[Any] = (),
) -> list[dict[str, float]]:
    """Train `model` to transcribe `data`, and return the log.

    Args:
        model, processor: a reader.
        data: the pages; its `batch` is the batch of training.
        out: folder for the Trainer's files.
        steps: steps in all.
        alone: steps of stage 0 among them, which come first.
        learning_rate: of AdamW, with β₂ = 0.98; constant, then falling linearly to 2%.
        share: weight of stage 0's loss after stage 0.
        pointing: layers of the language model that are told where to look (`Pointing`).
        sums: see `AlignmentHead`.
        slips: see `ReadingCollator`.
        warmup: steps until the learning rate is reached.
        decay: share of the steps in which it falls.
        seed: seed of the Trainer.
        log_every: steps between logs.
        callbacks: more callbacks of transformers.
    """
    arguments = TrainingArguments(
        output_dir=str(out),
        max_steps=steps,
        per_device_train_batch_size=data.batch,
        learning_rate=learning_rate,
        adam_beta2=0.98,
        weight_decay=0.01,
        max_grad_norm=1.0,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": int(steps * decay), "decay_type": "linear", "min_lr_ratio": 0.02},
        warmup_steps=warmup,
        logging_steps=log_every,
        save_strategy="no",
        report_to=[],
        remove_unused_columns=False,
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=seed,
        data_seed=seed,
    )
    equal_pages(model)
    told = Pointing(model, pointing) if pointing else None
    trainer = ReadingTrainer(
        pointing=told,
        model=model,
        args=arguments,
        train_dataset=data,
        data_collator=ReadingCollator(processor, data.writer.slots, slips=slips, model=model),
        alignment=AlignmentHead(model.config.text_config.hidden_size, data.writer.slots, sums=sums),
        alone=alone,
        share=share,
        callbacks=list(callbacks),
    )
    try:
        trainer.train()
    finally:
        if told:
            told.remove()
    model.eval()
    return [entry for entry in trainer.state.log_history if "loss" in entry]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingScore:
    """How well held-out pages were read, free running.

    Attributes:
        exact: share of pages without an error.
        error: character error rate, line ends included.
        pages: number of pages.
        reads: what was read, and what was on the page.
    """

    exact: Interval
    error: Interval
    pages: int
    reads: tuple[tuple[str, str], ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, with the first five pages that were not read exactly."""
        wrong = [{"read": read, "page": page} for read, page in self.reads if read != page]
        return {"exact": asdict(self.exact), "cer": asdict(self.error), "pages": self.pages, "wrong": wrong[:5]}


def read_pages(model: Any, processor: Any, samples: Sequence[Sample], *, batch: int = 64) -> list[str]:
    """Return what the model writes about each sample, greedily and free running.

    Samples that follow one another and have prompts of one length are generated together, at most `batch`.
    """
    collator = ReadingCollator(processor, 8).samples
    written: list[str] = []
    equal_pages(model)
    model.eval()
    for start in range(0, len(samples), batch):
        whole = collator(samples[start : start + batch])
        lengths = set((whole["labels"] >= 0).int().argmax(1).tolist())
        assert len(lengths) == 1, "prompts of one length"
        at = lengths.pop()
        prompt = whole["input_ids"][:, :at]
        with torch.no_grad():
            made = model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                mm_token_type_ids=whole["mm_token_type_ids"][:, :at],
                pixel_values=whole["pixel_values"],
                image_grid_thw=whole["image_grid_thw"],
                max_new_tokens=whole["input_ids"].shape[1] - at + 8,
                do_sample=False,
            )
        written += processor.tokenizer.batch_decode(made[:, at:], skip_special_tokens=True)
    return written


def score(written: Sequence[str], wanted: Sequence[str]) -> ReadingScore:
    """Return the score of what was written for pages whose texts are `wanted`."""
    wrong = [edit_distance(read, page) for read, page in zip(written, wanted, strict=True)]
    return ReadingScore(
        exact=wilson(sum(each == 0 for each in wrong) / len(wrong), len(wrong)),
        error=error_rate_interval(wrong, sum(map(len, wanted))),
        pages=len(wrong),
        reads=tuple(zip(written, wanted, strict=True)),
    )

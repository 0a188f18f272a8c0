"""A recipe → the samples of its run in order, and those that are held out, as `SampleStream`s.

A sample is drawn from (seed, epoch, index) alone. Each epoch has an object of its own, so loader workers on both sides
of the end of an epoch never share its number.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

from glyphrender._system.regular_file import read_text
from glyphrender.adapters.pixels import Patchify
from glyphrender.adapters.theta_sources import Sampled
from glyphrender.errors import DataError, shown
from glyphrender.models.model import VisionModel
from glyphrender.theta import Theta
from glyphrender.train.reader.reading import Prose, RandomCharacters, Transcriptions, Writer, plain_prose
from glyphrender.train.reader.tiny_reader import READ
from glyphrender.train.recipe import CptRecipe, Recipe, SftRecipe
from glyphrender.train.recipe.plan import shape_of
from glyphrender.train.recipe.sections import DataSection
from glyphrender.train.rows.chat_rows import ChatRow, chat_rows
from glyphrender.train.rows.cpt_rows import CptSamples
from glyphrender.train.rows.documents import CorpusTexts, split_of
from glyphrender.train.rows.page_policy import PagePolicy
from glyphrender.train.rows.sample import Sample, Text, visual_tokens
from glyphrender.train.rows.sft_rows import SftSamples
from glyphrender.train.rows.themes import Themed
from glyphrender.train.run.stream import SampleStream

__all__ = [
    "Epochs",
    "SampleStreams",
    "TokenCount",
    "WithinBudget",
    "cpt_streams",
    "fixed_theta",
    "named_files",
    "nothing_held_out",
    "sft_streams",
]

_TRAIN, _HELD_OUT = "train", "held out"
_HELD_OUT_SEED = 777_777
# Samples that are looked at in place of one above the budget.
_TRIES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleStreams:
    """The samples of a run.

    Attributes:
        train: the samples of the run, in order.
        held_out: samples of texts that the run does not see; None if nothing is evaluated.
        slots: characters of a cell that stage 0 learns; 0 if the pages are not a writer's.
        counts: what was read and left out: rows, texts, duplicates, empty responses and other faults.
    """

    train: SampleStream
    held_out: SampleStream | None
    slots: int = 0
    counts: Counter[str] = field(default_factory=Counter)


def cpt_streams(recipe: CptRecipe, processor: Any) -> SampleStreams:
    """Return the samples of a recipe of continual pre-training.

    Raises:
        DataError: a file of texts is missing or cannot be read, or a value does not fit.
    """
    if recipe.data.writer:
        return _written(recipe)
    data = recipe.data
    if not data.corpora:
        raise DataError('data.corpora is empty. Name files of text, as --set data.corpora=["books/*.txt"].')
    vision = Patchify.of(processor).model
    grid: Any = vision if data.aligned else ""
    shares = {_TRAIN: 1 - data.held_out, _HELD_OUT: data.held_out}
    counts: Counter[str] = Counter()

    def samples(split: str) -> CptSamples:
        documents = CorpusTexts.read(data.corpora, column=data.column, split=split, shares=shares)
        counts.update({f"{split}: {name}": count for name, count in documents.counts.items()})
        return CptSamples(
            documents=documents,
            vision=vision,
            visual_tokens=data.max_visual_tokens,
            text_tokens=data.max_text_tokens,
            count_text=TokenCount(processor.tokenizer),
            pack=data.pack,
            mixture=data.mixture,
            theta=fixed_theta(data, vision) or Themed(weights=data.themes, fixed=data.fixed, model=grid),
            over=data.over_budget,  # type: ignore[arg-type]
            seed=recipe.seed,
        )

    train = samples(_TRAIN)

    def held_out() -> Epochs:
        if not counts[f"{_TRAIN}: other splits"]:
            raise nothing_held_out(recipe, counts[f"{_TRAIN}: kept"], "texts")
        return Epochs(samples(_HELD_OUT))

    return SampleStreams(train=_run(recipe, Epochs(train)), held_out=_evaluated(recipe, held_out), counts=counts)


def sft_streams(recipe: SftRecipe, processor: Any) -> SampleStreams:
    """Return the samples of a recipe of fine-tuning.

    Raises:
        DataError: a file of chats is missing or cannot be read, a row is faulty, or a value does not fit.
    """
    data = recipe.data
    vision = Patchify.of(processor).model
    grid: Any = vision if data.aligned else ""
    counts: Counter[str] = Counter()
    policy = PagePolicy(min_characters=data.min_characters)
    shares = {_TRAIN: 1 - data.held_out, _HELD_OUT: data.held_out}
    rows: dict[str, list[ChatRow]] = {_TRAIN: [], _HELD_OUT: []}
    for path in named_files(data.chats, "chats"):
        for row in chat_rows(path, policy=policy, answers=data.answers, faults=data.faults, counts=counts):  # type: ignore[arg-type]
            rows[split_of(_source(row), shares)].append(row)
    texts = [_read(path) for path in named_files(data.corpora, "corpora")] if data.corpora else []
    within = partial(
        WithinBudget,
        vision=vision,
        count_text=TokenCount(processor.tokenizer),
        max_visual_tokens=data.max_visual_tokens,
        max_text_tokens=data.max_text_tokens,
        over=data.over_budget,
        counts=counts,
    )

    def samples(split: str, ocr_weight: float) -> Epochs:
        if split == _HELD_OUT and not rows[split]:
            raise nothing_held_out(recipe, len(rows[_TRAIN]), "rows")
        if not rows[split]:
            raise DataError(
                f"data.chats has {sum(map(len, rows.values()))} rows, none of them {split}. Give more rows."
            )
        read_aloud = [text for text in texts if split_of(text, shares) == split]
        if texts and ocr_weight and not read_aloud:
            raise DataError(
                f"data.corpora has {len(texts)} texts, none of them {split}, and data.ocr_weight={ocr_weight} reads "
                "them aloud. Give more texts, or set data.held_out=0."
            )
        chats = SftSamples(
            rows=rows[split],
            processor=processor,
            theta=fixed_theta(data, vision) or Sampled(fixed=data.fixed, model=grid),
            seed=recipe.seed,
            keep_thinking=data.keep_thinking,
            ocr_weight=ocr_weight,
            ocr_texts=read_aloud,
            ocr_characters=data.ocr_characters,
        )
        return Epochs(chats, within)

    return SampleStreams(
        train=_run(recipe, samples(_TRAIN, data.ocr_weight)),
        held_out=_evaluated(recipe, lambda: samples(_HELD_OUT, 0.0)),
        counts=counts,
    )


def _source(row: ChatRow) -> str:
    """Return the text that decides the split of a row: its first document, else the first turn of the user.

    Questions about one document, and the answers of one chat, are then in one split.
    """
    return row.documents[0] if row.documents else next(turn.text for turn in row.prompt if turn.role == "user")


def _written(recipe: CptRecipe) -> SampleStreams:
    """Return the pages of a writer. A micro-batch has one shape, so that nothing is padded."""
    data = recipe.data
    if not data.shapes:
        raise DataError('data.shapes is empty. Name the pages of the writer in visual tokens, as ["16x3"].')
    shapes = [shape_of(each) for each in data.shapes]
    cut = 1.0 - data.held_out
    train, held_out = _writer(recipe, (0.0, cut)), _writer(recipe, (cut, 1.0))

    def pages(writer: Writer, count: int, seed: int) -> Epochs:
        size = recipe.batch.per_device
        return Epochs(Transcriptions(writer=writer, shapes=shapes, question=READ, batch=size, count=count, seed=seed))

    count = recipe.optim.steps * recipe.batch.samples
    return SampleStreams(
        train=SampleStream(of_epoch=pages(train, count, recipe.seed), length=count, shuffled=False),
        held_out=_evaluated(recipe, lambda: pages(held_out, recipe.run.eval_samples, _HELD_OUT_SEED)),
        slots=train.slots,
    )


def _writer(recipe: CptRecipe, part: tuple[float, float]) -> Writer:
    """Return the writer of the pages of a part of the texts."""
    data = recipe.data
    try:
        if data.writer == "characters":
            return RandomCharacters(**data.writer_options)
        text = "\n".join(plain_prose(_read(path)) for path in named_files(data.corpora, "corpora"))
        return Prose(text=text, part=part, **data.writer_options)
    except TypeError as error:
        raise DataError(
            f"data.writer_options={shown(data.writer_options)} do not suit {data.writer} ({error}). Change them."
        ) from None


def _run(recipe: Recipe, epochs: Epochs) -> SampleStream:
    """Return the samples of all steps, shuffled within each epoch."""
    return SampleStream(of_epoch=epochs, length=recipe.optim.steps * recipe.batch.samples, seed=recipe.seed)


def _evaluated(recipe: Recipe, epochs: Callable[[], Epochs]) -> SampleStream | None:
    """Return the samples of an evaluation, the same ones each time; None if the recipe has no evaluations."""
    if not recipe.run.eval_every:
        return None
    made = epochs()
    return SampleStream(of_epoch=made, length=min(recipe.run.eval_samples, len(made(0))), shuffled=False)


def nothing_held_out(recipe: Recipe, count: int, what: str) -> DataError:
    """Return the error for an evaluation without rows: the share that is held out is too small for `count` rows."""
    return DataError(
        f"data.held_out={recipe.data.held_out} holds out none of {count} {what}, and run.eval_every="
        f"{recipe.run.eval_every} needs some. Raise data.held_out, or set run.eval_every=0."
    )


def fixed_theta(data: DataSection, vision: VisionModel) -> Theta | None:
    """Return the θ of all pages; None if θ is drawn for each row."""
    if not data.theta:
        return None
    theta = Theta.preset(data.theta).replace(**data.fixed)
    return theta.align_to(vision) if data.aligned else theta


def named_files(patterns: Sequence[str], field: str) -> list[str]:
    """Return the files that the patterns of a field name, sorted for each pattern.

    Raises:
        DataError: there is no pattern, or one names no file.
    """
    found = []
    for pattern in patterns:
        # A pipe is read only where the user names it, as `<(command)` does.
        paths = sorted(path for path in glob(pattern, recursive=True) if path == pattern or not Path(path).is_fifo())
        if not paths:
            raise DataError(f"data.{field} has {shown(pattern)}, which names no file. Set data.{field}.", path=pattern)
        found += paths
    if not found:
        raise DataError(f'data.{field} is empty. Name files, as --set data.{field}=["a.txt"].')
    return found


def _read(path: str) -> str:
    try:
        return read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}). Name a file of UTF-8 text.", path=path) from error


@dataclass(frozen=True, slots=True)
class Epochs:
    """A function from the number of an epoch to its samples.

    Attributes:
        samples: `CptSamples`, `SftSamples`, or a sequence that is the same in every epoch.
        within: a function of samples and `samples=` that leaves out those above a budget; None for none.
    """

    samples: Any
    within: Callable[..., Sequence[Sample]] | None = None

    def __call__(self, epoch: int) -> Sequence[Sample]:
        """Return the samples of an epoch."""
        own = self.samples
        if epoch and hasattr(own, "at"):
            own = own.at(epoch)
        elif epoch and hasattr(own, "set_epoch"):
            own = dataclasses.replace(own)  # with a number of its own
            own.set_epoch(epoch)
        return self.within(samples=own) if self.within else own


@dataclass(frozen=True, slots=True)
class TokenCount:
    """A function from a text to its number of tokens."""

    tokenizer: Any

    def __call__(self, text: str) -> int:
        """Return the number of tokens."""
        return len(self.tokenizer(text, add_special_tokens=False).input_ids)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithinBudget(Sequence[Sample]):
    """The samples of an epoch, without those above a budget.

    Attributes:
        samples: all samples.
        vision: the vision model.
        count_text: function from a text to its number of tokens.
        max_visual_tokens, max_text_tokens: the budget.
        over: "error", or "drop": the next sample that fits takes the place, so that one comes twice in the epoch.
        counts: "dropped": samples above the budget that were asked for in this process.
    """

    samples: Sequence[Sample]
    vision: VisionModel
    count_text: Callable[[str], int]
    max_visual_tokens: int
    max_text_tokens: int
    over: str
    counts: Counter[str] = field(default_factory=Counter, compare=False)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"there is no sample {index} among {len(self)}.")
        for step in range(min(_TRIES, len(self))):
            sample = self.samples[(index + step) % len(self)]
            visual = visual_tokens(sample, self.vision)
            written = sum(self.count_text(part.text) for part in sample.parts if isinstance(part, Text))
            if visual <= self.max_visual_tokens and written <= self.max_text_tokens:
                return sample
            if self.over == "error":
                raise DataError(
                    f"sample {shown(sample.key)} has {visual} visual and {written} text tokens, above "
                    f"data.max_visual_tokens={self.max_visual_tokens}, data.max_text_tokens={self.max_text_tokens}. "
                    "Raise them, or set data.over_budget=drop."
                )
            self.counts["dropped"] += 1
        raise DataError(
            f"{min(_TRIES, len(self))} samples in a row are above data.max_visual_tokens={self.max_visual_tokens}, "
            f"data.max_text_tokens={self.max_text_tokens}. Raise them."
        )

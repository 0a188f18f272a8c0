"""A recipe of continual pre-training → its samples: those of the run, and those that are held out."""

from __future__ import annotations

from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any

from glyphrender.errors import DataError, shown
from glyphrender.train.plan import shape_of
from glyphrender.train.reading import Prose, RandomCharacters, Transcriptions, Writer, plain_prose
from glyphrender.train.recipe import CptRecipe
from glyphrender.train.stream import Stream
from glyphrender.train.tiny_reader import READ

__all__ = ["CptSamples", "cpt_samples"]

_HELD_OUT_SEED = 777_777


@dataclass(frozen=True, kw_only=True, slots=True)
class CptSamples:
    """The samples of a run.

    Attributes:
        train: the samples of the run, in order.
        held_out: samples that the run does not see.
        slots: characters of a cell that stage 0 learns; 0 if the pages are not a writer's.
    """

    train: Stream
    held_out: Stream
    slots: int


def cpt_samples(recipe: CptRecipe, processor: Any) -> CptSamples:
    """Return the samples of a recipe.

    Raises:
        DataError: a file of texts is missing or cannot be read, or an option of the writer is wrong.
    """
    data = recipe.data
    if not data.writer:
        raise DataError("data.writer is empty, and rows of corpora are not here yet. Set data.writer.")
    if not data.shapes:
        raise DataError('data.shapes is empty. Name the pages of the writer, as ["16x3"].')
    shapes = [shape_of(each) for each in data.shapes]
    writers = [_writer(recipe, part) for part in ((0.0, 1.0 - data.held_out), (1.0 - data.held_out, 1.0))]
    counts = (recipe.optim.steps * recipe.batch.samples, recipe.run.eval_samples)
    streams = []
    for writer, count, seed in zip(writers, counts, (recipe.seed, _HELD_OUT_SEED), strict=True):
        # A micro-batch has one shape, so that nothing is padded.
        pages = Transcriptions(
            writer=writer, shapes=shapes, question=READ, batch=recipe.batch.per_device, count=count, seed=seed
        )
        streams.append(Stream(of_epoch=_Same(pages), count=count, seed=seed, shuffled=False))
    return CptSamples(train=streams[0], held_out=streams[1], slots=writers[0].slots)


@dataclass(frozen=True, slots=True)
class _Same:
    """A function from an epoch to the same samples: a writer's pages fill a run without an end."""

    pages: Any

    def __call__(self, epoch: int) -> Any:
        return self.pages


def _writer(recipe: CptRecipe, part: tuple[float, float]) -> Writer:
    """Return the writer of the pages of a part of the texts.

    Raises:
        DataError: an option is wrong, or there is no text.
    """
    data = recipe.data
    try:
        if data.writer == "characters":
            return RandomCharacters(**data.writer_options)
        text = "\n".join(plain_prose(_read(path)) for path in _paths(data.corpora))
        return Prose(text=text, part=part, **data.writer_options)
    except TypeError as error:
        raise DataError(
            f"data.writer_options={shown(data.writer_options)} do not suit {data.writer} ({error})."
        ) from None


def _paths(patterns: tuple[str, ...]) -> list[str]:
    """Return the files that patterns name, sorted.

    Raises:
        DataError: a pattern names no file.
    """
    found = []
    for pattern in patterns:
        paths = sorted(glob(pattern, recursive=True))
        if not paths:
            raise DataError(f"data.corpora has {shown(pattern)}, which names no file. Set data.corpora.", path=pattern)
        found += paths
    if not found:
        raise DataError("data.corpora is empty. Name files of text.")
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}). Name a file of UTF-8 text.", path=path) from error

"""Plain corpora → samples of continual pre-training: `CptSamples`, by index.

Three kinds of samples teach a model to read pages, as the Glyph paper names them (arXiv 2510.17800, section 3.1):

    ocr          pages, an instruction → the text of the pages
    interleaved  spans of a text in order, in turn as pages and as text; the spans of text are learned
    generation   the beginning of a text as pages → how the text goes on

A sample follows from (seed, epoch, index) alone, whatever the worker, the rank or the batch. So nothing has to be saved
to resume: a trainer that skips to an index gets the samples that it would have had. Every index has a piece of the
corpus of its own, so no text comes twice in an epoch. Sizes of pages are known before they are drawn, so a sample keeps
its budget of visual tokens exactly. The price is that a sample is laid out twice or more: here, and where it is drawn.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from glyphrender.adapters.data import Epoch
from glyphrender.adapters.theta_sources import ThetaSource
from glyphrender.errors import DataError, VisionModelError, shown
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta, ThetaLike
from glyphrender.train.rows.cuts import cut_before, pieces_of
from glyphrender.train.rows.documents import CorpusText
from glyphrender.train.rows.kinds import COPY_PAGES, CPT_KINDS
from glyphrender.train.rows.sample import Pages, Sample, SamplePart, Text, visual_tokens
from glyphrender.train.rows.themes import Themed

__all__ = ["CptSamples"]

OverBudgetPolicy: TypeAlias = Literal["split", "drop", "error"]
_Slice: TypeAlias = tuple[int, int, int]

# Between two documents of one piece.
_BETWEEN: Final = "\n\n"
# A piece of fewer characters is only transcribed: there is nothing to go on with.
_SHORT: Final = 32
# Most spans that are pages in one sample.
_SPANS: Final = 6
# θ are drawn until a page fits the budget, and pieces until one fits it, at most this often.
_TRIES: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class CptSamples:
    """The samples of one epoch, by index: a sequence for `SFTTrainer`, torch's DataLoader and `SampleCollator`.

    The corpus is cut into pieces when the object is made, at paragraphs, lines, sentences or words. Sample i shows
    piece i. Kind, θ and spans are drawn anew for each epoch (`set_epoch`; `epoch_callback` calls it).

    Attributes:
        documents: the texts, such as `CorpusTexts.read(["books/*.txt"])`.
        vision: the vision model, or its name.
        visual_tokens: most visual tokens of a sample.
        text_tokens: most tokens of the text of a sample, as `count_text` counts them; None for no limit.
        count_text: the number of tokens of a text, such as `lambda text: len(tokenizer(text).input_ids)`.
        characters: longest piece; None is 8 for each visual token, which is ρ ≈ 2 in English.
        pack: whether short documents share a piece, an empty line between them.
        mixture: weights of the kinds.
        theta: θ of all pages, or a `ThetaSource`; by default the paper's distributions and themes. If one page of a θ
            may be above the budget, another is drawn.
        over: what happens to a piece above the budget. "split": a part of the piece that fits is shown, another one in
            each epoch. "drop": a piece drawn at random takes its place, which may come twice. "error": an error.
        transcribe: the instruction of kind "ocr".
        seed: seed of everything random.
        counts: what happened so far in this process: samples by kind, "split", "dropped", and "refused" θ, whose pages
            the model does not take.

    Raises:
        DataError: there are no documents, or a number or a name is out of range.
        ThetaError, VisionModelError: θ is not valid, or there is no such model.
    """

    documents: Sequence[CorpusText]
    vision: str | VisionModel = "glm-4.1v"
    visual_tokens: int = 4096
    text_tokens: int | None = None
    count_text: Callable[[str], int] = len
    characters: int | None = None
    pack: bool = False
    mixture: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(CPT_KINDS, 1.0))
    theta: ThetaLike | ThetaSource = field(default_factory=Themed)
    over: OverBudgetPolicy = "split"
    transcribe: str = f"\n{COPY_PAGES}\n"
    seed: int = 0
    counts: Counter[str] = field(default_factory=Counter, compare=False)
    _epoch: Epoch = field(default_factory=Epoch, init=False, repr=False, compare=False)
    _slices: np.ndarray[Any, Any] = field(init=False, repr=False, compare=False)
    _starts: np.ndarray[Any, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.over not in ("split", "drop", "error"):
            raise DataError(f"over={shown(self.over)} is unknown. Use split, drop or error.")
        for name, value in (("visual_tokens", self.visual_tokens), ("text_tokens", self.text_tokens)):
            if value is not None and value < 1:
                raise DataError(f"{name}={value} leaves no room for a page. Use 1 or more.")
        if wrong := next((name for name in self.mixture if name not in CPT_KINDS), None):
            raise DataError(f"mixture has {shown(wrong)}, which is no kind. Use {', '.join(CPT_KINDS)}.")
        if not sum(self.mixture.values()) > 0 or any(weight < 0 for weight in self.mixture.values()):
            raise DataError(f"mixture={shown(dict(self.mixture))} has no weight above 0. Give ocr=1.")
        object.__setattr__(self, "vision", vision_model(self.vision))
        if not callable(self.theta):
            object.__setattr__(self, "theta", Theta.of(self.theta))
        length = 8 * self.visual_tokens if self.characters is None else self.characters
        if length < 1:
            raise DataError(f"characters={length} leaves nothing to read. Use 1 or more.")
        slices, starts = _pieces(self.documents, length, self.pack)
        object.__setattr__(self, "_slices", slices)
        object.__setattr__(self, "_starts", starts)
        self._theta(self._generator(0, 0))  # a θ that no budget fits fails here, not in a worker

    def __len__(self) -> int:
        """Return the number of pieces, which is that of samples in an epoch."""
        return len(self._starts) - 1

    @property
    def epoch(self) -> int:
        """The epoch that samples are drawn for; 0 at first."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Draw kinds, θ and spans for `epoch` from now on, here and in the DataLoader workers of this process."""
        self._epoch.set(epoch)

    def at(self, epoch: int) -> CptSamples:
        """Return the samples of an epoch, which do not change with `set_epoch`."""
        fixed = copy(self)
        object.__setattr__(fixed, "_epoch", Epoch(epoch))
        return fixed

    def __getitem__(self, index: int) -> Sample:
        """Return the sample of this index in this epoch.

        Raises:
            IndexError: there is no such sample.
            DataError: the piece is above the budget and `over` is "error", or no piece fits.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"there is no sample {index} among {len(self)}.")
        place = index
        for attempt in range(_TRIES):
            try:
                sample = self._sample(place, self._generator(index, attempt))
            except VisionModelError:  # a page that was cropped to a shape that the model refuses: another θ
                self.counts["refused"] += 1
                if isinstance(self.theta, Theta):
                    raise
                continue
            if sample is not None:
                self.counts[sample.kind] += 1
                return sample
            self.counts["dropped"] += 1
            place = int(self._generator(index, attempt, 1).integers(len(self)))
        raise DataError(
            f"{_TRIES} pieces in a row do not fit visual_tokens={self.visual_tokens}, text_tokens={self.text_tokens}. "
            'Raise them, give fewer characters a piece, or set over="split".'
        )

    def __iter__(self) -> Iterator[Sample]:
        """Return an iterator over the samples of this epoch."""
        return (self[index] for index in range(len(self)))

    def piece(self, index: int) -> str:
        """Return the text of a piece of the corpus. Each text of `documents` is the pieces of it, joined."""
        return _BETWEEN.join(self.documents[number].text[start:end] for number, start, end in self._of(index))

    def tokens(self, sample: Sample) -> tuple[int, int]:
        """Return the visual tokens of a sample, and the tokens of its texts as `count_text` counts them."""
        texts = sum(self.count_text(part.text) for part in sample.parts if isinstance(part, Text))
        return visual_tokens(sample, self.vision), texts

    def _of(self, index: int) -> list[_Slice]:
        return [
            (int(number), int(start), int(end))
            for number, start, end in self._slices[slice(*self._starts[index : index + 2])]
        ]

    def _generator(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.epoch, *numbers])

    def _theta(self, rng: np.random.Generator) -> Theta:
        """Return a θ whose page, uncropped, is within the budget."""
        assert isinstance(self.vision, VisionModel)
        source: Any = self.theta
        for _ in range(_TRIES):
            theta: Theta = source if isinstance(source, Theta) else source({}, rng)
            try:
                if self.vision.image(*theta.page_pixels).tokens <= self.visual_tokens:
                    return theta
            except VisionModelError:  # a shape that the model refuses
                pass
            if isinstance(source, Theta):
                break
        raise DataError(
            f"no θ has pages of at most visual_tokens={self.visual_tokens}: one of {theta.page_pixels[0]}×"
            f"{theta.page_pixels[1]} px takes more. Raise the budget, or fix a smaller page_size or dpi."
        )

    def _sample(self, place: int, rng: np.random.Generator) -> Sample | None:
        """Return the sample of a piece; None if it is above the budget and is to be dropped."""
        slices, text = self._of(place), self.piece(place)
        kinds = [kind for kind in CPT_KINDS if self.mixture.get(kind)]
        weights = np.array([self.mixture[kind] for kind in kinds])
        kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        theta = self._theta(rng)
        fractions = tuple(rng.random(3 + 2 * _SPANS).tolist())  # the same spans, however the text is cut
        number, start, end = slices[0][0], slices[0][1], slices[-1][2]
        key = self.documents[number].key + (f" and {len(slices) - 1} more" if len(slices) > 1 else f":{start}")
        ends = end == len(self.documents[slices[-1][0]].text)
        whole, left, written = text, 0.0, 1.0
        for _ in range(_TRIES):
            ended = ends and whole.endswith(text)
            sample = self._made(kind, text, theta, fractions, written, key=key, ends=ended)
            visual, texts = self.tokens(sample)
            shown_excess = visual / self.visual_tokens
            written_excess = texts / self.text_tokens if self.text_tokens else 0.0
            if max(shown_excess, written_excess) <= 1:
                return sample
            if self.over == "error":
                raise DataError(
                    f"{key} has {visual} visual tokens and {texts} of text, above visual_tokens={self.visual_tokens}, "
                    f'text_tokens={self.text_tokens}. Raise them, give fewer characters a piece, or set over="split".'
                )
            if self.over == "drop":
                return None
            if written_excess > 1 and sample.kind != "ocr" and written > 0.1:
                written *= min(0.9, 0.95 / written_excess)  # more of the text as pages, less as text
                continue
            if text is whole:
                self.counts["split"] += 1
                left = float(rng.random())
            # Tokens are about in proportion to the length of the text, but a page more or less is the least step.
            text = _part(whole, round(len(text) * min(0.9, 0.98 / max(shown_excess, written_excess))), left)
            if not text:
                break
        raise DataError(
            f"{key} does not fit visual_tokens={self.visual_tokens}, text_tokens={self.text_tokens} even in part. "
            "Raise them."
        )

    def _made(
        self,
        kind: str,
        text: str,
        theta: Theta,
        fractions: tuple[float, ...],
        written: float,
        *,
        key: str,
        ends: bool,
    ) -> Sample:
        """Return the sample of a text, whatever its tokens. `written` scales the share of it that stays text."""
        parts: tuple[SamplePart, ...] = ()
        if len(text) >= _SHORT and kind != "ocr":
            if kind == "generation":
                parts = _generation(text, theta, fractions, written)
            else:
                assert isinstance(self.vision, VisionModel)
                most = self.visual_tokens // self.vision.image(*theta.page_pixels).tokens
                parts = _interleaved(text, theta, fractions, written, most)
        if not parts:
            kind, ends = "ocr", True
            parts = (Pages(text, theta), Text(self.transcribe), Text(text, learn=True))
        return Sample(parts=parts, key=key, kind=kind, ends=ends)


def _generation(text: str, theta: Theta, fractions: tuple[float, ...], written: float) -> tuple[SamplePart, ...]:
    """Return a beginning of 30 to 70% as pages, and the rest to learn; nothing if the text cannot be cut."""
    place = round(len(text) * (1 - (0.3 + 0.4 * fractions[0]) * written))
    cut = cut_before(text, place, min(place, len(text) - place) // 3)
    if not text[:cut].strip() or not text[cut:].strip():
        return ()
    return Pages(text[:cut], theta), Text(text[cut:], learn=True)


def _interleaved(
    text: str, theta: Theta, fractions: tuple[float, ...], written: float, most: int
) -> tuple[SamplePart, ...]:
    """Return spans in order, in turn as pages and as text, the last as text; 1 to 6, and at most `most`, as pages."""
    count = 1 + int(fractions[0] * min(_SPANS, most, max(1, len(text) // (2 * _SHORT))))
    total = 2 * count + (fractions[1] < 0.5)  # an odd number begins with text
    # Spans of 0.5 to 1.5 of their mean; those that stay text are scaled by `written`.
    sizes = [
        (0.5 + fraction) * (written if (total - number) % 2 else 1.0)
        for number, fraction in enumerate(fractions[2 : 2 + total])
    ]
    ends = np.cumsum(sizes) / sum(sizes) * len(text)
    spans: list[str] = []
    at = 0
    for end in ends[:-1].tolist():
        size = round(end) - at
        cut = cut_before(text[at:], size, size // 3)
        if text[at : at + cut].strip() and text[at + cut :].strip():
            spans.append(text[at : at + cut])
            at += cut
    if not spans:
        return ()
    spans.append(text[at:])
    return tuple(
        Text(span, learn=True) if (len(spans) - number) % 2 else Pages(span, theta) for number, span in enumerate(spans)
    )


def _part(text: str, length: int, left: float) -> str:
    """Return about `length` characters of `text`, not all blank; `left` is the share of the rest that stands before."""
    if length < 1:
        return ""
    start = cut_before(text, round(left * (len(text) - length)), length // 2) if left else 0
    part = text[start : start + cut_before(text[start:], length, length // 3)]
    if part and not part.strip():
        rest = text[start:].lstrip() or text.lstrip()
        part = rest[: cut_before(rest, length, length // 3)]
    return part


def _pieces(
    documents: Sequence[CorpusText], length: int, pack: bool
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the slices (document, start, end) of all pieces, and the first slice of each piece and an end.

    Raises:
        DataError: no document has a text.
    """
    slices, starts = array("q"), array("q")
    count = held = 0
    for number, document in enumerate(documents):
        for start, end in pieces_of(document.text, length):
            if not document.text[start:end].strip():
                continue
            size = end - start
            if not (pack and count and held + len(_BETWEEN) + size <= length):
                starts.append(count)
                held = -len(_BETWEEN)
            held += len(_BETWEEN) + size
            slices.extend((number, start, end))
            count += 1
    if not count:
        raise DataError("the documents have no text. Give at least one that has.")
    starts.append(count)
    return np.array(slices, np.int64).reshape(-1, 3), np.array(starts, np.int64)

"""Samples → a batch that a model of transformers trains on: `SampleCollator` (extra `train`).

The batch is what the processor of the model makes of the same conversation: text around the pages is encoded in one
go, so tokens are those that the tokenizer gives the whole text; each page stands in the processor's own markup, and its
pixel values come from `Patchify`, which equals the image processor. So models of the GLM-4V and Qwen-VL families are
served. A token is learned if all its characters are; the token that ends a text is learned after a learned part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from glyphrender.adapters.collator import IGNORED, render_chat
from glyphrender.adapters.device import on_device
from glyphrender.adapters.pixels import Patchify
from glyphrender.adapters.processor import missing
from glyphrender.document.page import Page
from glyphrender.errors import DataError, VisionModelError, shown
from glyphrender.theta import Theta
from glyphrender.train.rows.sample import Pages, Sample, Text, laid_out

__all__ = ["SampleCollator", "image_markup"]

Policy: TypeAlias = Literal["error", "drop"]
#: The tokens of a sample, whether each is learned, and whether each is of an image (1) or not (0).
_Row: TypeAlias = tuple[list[int], list[bool], list[int]]

_BLANK: Final = Sample(
    parts=(
        Pages(".", Theta(page_size=(112, 112), auto_crop_last_page=False, auto_crop_width=False)),
        Text(".", learn=True),
    ),
    key="blank",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleCollator:
    """A function from samples to a batch, for `data_collator` of a Trainer or `collate_fn` of a DataLoader.

    With TRL's SFTTrainer, set `dataset_kwargs={"skip_prepare_dataset": True}` and `remove_unused_columns=False`.

    Attributes:
        processor: the processor of a model of the GLM-4V or Qwen-VL family.
        max_length: samples of more tokens are over budget; None means no limit. A sample is never cut here, because a
            cut could tear an image.
        over: what happens to samples over budget: "error", or "drop", which leaves them out of the batch. If all are
            left out, the batch is a small page of which nothing is learned: every process needs a batch for each step.
            `CptSamples` splits what is too long, before it comes here.
        model: the model that is trained; it is not kept. Pages then go to its device as bytes, in uint8 patches, and
            become floats there (`device.on_device`). Without it, `pixel_values` are floats.
        counts: what happened so far in this process: "samples", "dropped", "blank" batches, "tokens", "learned" and
            "visual" tokens.

    Raises:
        VisionModelError: the processor is of another family.
        DataError: the chat template has no markup of images.
        DependencyError: torch or transformers is not installed.
    """

    processor: Any
    max_length: int | None = None
    over: Policy = "error"
    model: InitVar[Any] = None
    counts: Counter[str] = field(default_factory=Counter, compare=False)
    _markup: tuple[list[int], list[int], int] = field(init=False, repr=False, compare=False)
    _patchify: Patchify = field(init=False, repr=False, compare=False)
    _prefix: list[int] = field(init=False, repr=False, compare=False)
    _bytes: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self, model: Any) -> None:
        if self.over not in ("error", "drop"):
            raise DataError(f"over={shown(self.over)} is unknown. Use error or drop.")
        object.__setattr__(self, "_patchify", Patchify.of(self.processor))
        object.__setattr__(self, "_bytes", model is not None)
        if model is not None:
            on_device(model, self.processor)
        markup = self.processor.tokenizer(image_markup(self.processor), add_special_tokens=False).input_ids
        token = self.processor.image_token_id
        if markup.count(token) != 1:
            raise VisionModelError(f"{type(self.processor).__name__} writes {markup.count(token)} tokens for an image.")
        place = markup.index(token)
        object.__setattr__(self, "_markup", (markup[:place], markup[place + 1 :], token))
        whole, bare = (self.processor.tokenizer("x", add_special_tokens=add).input_ids for add in (True, False))
        start = next(i for i in range(len(whole)) if whole[i : i + len(bare)] == bare)
        object.__setattr__(self, "_prefix", whole[:start])

    def __call__(self, rows: Sequence[Sample | Mapping[str, Sample]]) -> dict[str, Any]:
        """Return the keyword arguments of the model.

        Args:
            rows: samples, or rows {"sample": …} as `as_dataset` has them.

        Returns:
            `input_ids`, `attention_mask`, `mm_token_type_ids` and `labels`, int64 (samples, longest), padded on the
                side of the tokenizer; `labels` are -100 where nothing is learned. If there are pages, `pixel_values`
                (patches, numbers a patch), float32, or uint8 with a `model`, and `image_grid_thw`, int64 (pages, 3).

        Raises:
            DataError: there are no samples; a sample learns nothing, has pages without text, or is over budget.
            VisionModelError: the model refuses the size of a page.
            FontError, LayoutError: see `glyphrender.layout`.
            DependencyError: torch is not installed.
        """
        try:
            import torch
        except ImportError as error:
            raise missing(error) from error
        if not rows:
            raise DataError("a batch of no samples. Give at least one.")
        samples = [row["sample"] if isinstance(row, Mapping) else row for row in rows]
        encoded: list[_Row] = []
        drawn: list[Page] = []
        for sample, documents in zip(samples, self.laid_out(samples), strict=True):
            row = self._row(sample, documents)
            self.counts["samples"] += 1
            if self.max_length is not None and len(row[0]) > self.max_length:
                if self.over == "error":
                    raise DataError(
                        f"sample {shown(sample.key)} has {len(row[0])} tokens, above max_length={self.max_length}. "
                        'Make it shorter, raise max_length, or set over="drop".'
                    )
                self.counts["dropped"] += 1
                continue
            encoded.append(row)
            drawn.extend(page for pages in documents for page in pages)
        if not encoded:
            encoded, drawn = [self._blank()], [page for pages in laid_out([_BLANK])[0] for page in pages]
            self.counts["blank"] += 1
        batch = self._padded(encoded)
        self.counts["tokens"] += int(batch["attention_mask"].sum())
        self.counts["learned"] += int((batch["labels"] != IGNORED).sum())
        self.counts["visual"] += int(batch["mm_token_type_ids"].sum())
        tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
        if drawn:
            patches, grid = self._patchify.patches(drawn)
            values = torch.from_numpy(patches) if self._bytes else self._patchify.pixel_values(patches)
            tensors |= {"pixel_values": values, "image_grid_thw": torch.from_numpy(grid)}
        return tensors

    def _blank(self) -> _Row:
        """Return a row with a page, of which nothing is learned."""
        ids, learned, image = self._row(_BLANK, laid_out([_BLANK])[0])
        return ids, [False] * len(learned), image

    def laid_out(self, samples: Sequence[Sample]) -> list[list[tuple[Page, ...]]]:
        """Return the pages of each part of each sample that is seen as pages, none drawn yet."""
        return laid_out(samples)

    def _row(self, sample: Sample, documents: Sequence[Sequence[Page]]) -> _Row:
        """Return the tokens of a sample, which of them are learned, and which are of an image (1) or not (0)."""
        ids: list[int] = []
        learned: list[bool] = []
        image: list[int] = []

        def write(tokens: Sequence[int], learn: Sequence[bool] | bool = False, kind: int = 0) -> None:
            ids.extend(tokens)
            learned.extend([learn] * len(tokens) if isinstance(learn, bool) else learn)
            image.extend([kind] * len(tokens))

        before, after, token = self._markup
        drawn = iter(documents)
        for part in _stretches(sample):
            if isinstance(part, Pages):
                pages = next(drawn)
                if not pages:
                    raise DataError(f"sample {shown(sample.key)} has pages of an empty text. Drop it, or give text.")
                for page in pages:
                    write(before)
                    write([token] * self._patchify.model.image(*page.size).tokens, kind=1)
                    write(after)
            else:
                write(*self._encoded(part, sample))
        if ids[: len(self._prefix)] != self._prefix:
            ids[:0] = self._prefix
            learned[:0] = [False] * len(self._prefix)
            image[:0] = [0] * len(self._prefix)
        if learned:
            learned[0] = False  # no token comes before the first, so it cannot be told; padding must not tell it
        last, end = sample.parts[-1], self.processor.tokenizer.eos_token_id
        if not any(learned):
            raise DataError(
                f"sample {shown(sample.key)} has nothing to learn. Give a Text with learn=True that is not empty."
            )
        if sample.ends and isinstance(last, Text) and last.learn and end is not None and ids[-1] != end:
            write([end], learn=True)
        return ids, learned, image

    def _encoded(self, texts: Sequence[Text], sample: Sample) -> tuple[list[int], list[bool]]:
        """Return the tokens of texts that follow one another, encoded as one text, and which of them are learned."""
        text = "".join(part.text for part in texts)
        if not text:
            return [], []
        encoded = self.processor.tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            split_special_tokens=not texts[0].markup,
        )
        if self.processor.image_token_id in encoded.input_ids:
            raise DataError(
                f"sample {shown(sample.key)}: a text has {self.processor.image_token!r} in it, which stands for an "
                "image. Give Pages in its place."
            )
        learn = np.repeat([part.learn for part in texts], [len(part.text) for part in texts])
        unlearned = np.append(0, np.cumsum(~learn))
        return encoded.input_ids, [
            # A token that begins before a learned text, as "\n\n" may, belongs to the prompt.
            bool(end > start and unlearned[end] == unlearned[start])
            for start, end in encoded.offset_mapping
        ]

    def _padded(self, rows: Sequence[_Row]) -> dict[str, np.ndarray[Any, Any]]:
        tokenizer = self.processor.tokenizer
        length = max(len(ids) for ids, _, _ in rows)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        batch = {
            "input_ids": np.full((len(rows), length), pad, np.int64),
            "attention_mask": np.zeros((len(rows), length), np.int64),
            "mm_token_type_ids": np.zeros((len(rows), length), np.int64),
            "labels": np.full((len(rows), length), IGNORED, np.int64),
        }
        for number, (ids, learned, image) in enumerate(rows):
            place = slice(length - len(ids), length) if tokenizer.padding_side == "left" else slice(len(ids))
            batch["input_ids"][number, place] = ids
            batch["attention_mask"][number, place] = 1
            batch["mm_token_type_ids"][number, place] = image
            batch["labels"][number, place] = np.where(learned, ids, IGNORED)
        return batch


def image_markup(processor: Any) -> str:
    """Return the text that the processor's chat template writes for one image, with the processor's image token in it.

    Raises:
        DataError: the processor has no chat template, or its template writes no image between two texts.
    """
    first, last = "\ue000first\ue000", "\ue000last\ue000"
    content = [{"type": "text", "text": first}, {"type": "image"}, {"type": "text", "text": last}]
    text = render_chat(processor, [{"role": "user", "content": content}])
    markup = text.partition(first)[2].partition(last)[0].strip()
    if getattr(processor, "image_token", "") not in markup or not markup:
        raise DataError(f"the chat template of {type(processor).__name__} writes {shown(markup)} for an image.")
    return markup


def _stretches(sample: Sample) -> Iterator[Pages | list[Text]]:
    """Yield pages, and lists of texts that are encoded together."""
    texts: list[Text] = []
    for part in sample.parts:
        if texts and (isinstance(part, Pages) or part.markup != texts[0].markup):
            yield texts
            texts = []
        if isinstance(part, Pages):
            yield part
        else:
            texts.append(part)
    if texts:
        yield texts

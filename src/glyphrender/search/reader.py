"""The evaluator that needs no network and no GPU: an OCR program reads excerpts as the model sees them.

Tesseract takes two seconds for a page and a quarter of a second for a thousand characters, so it reads excerpts.
Excerpts have the same words for every θ. Each is set as a page of its own, with the measure, the leading and the pixels
of a column of that θ. The layout of the full page (number and length of columns) is not read; it counts only in ρ.

A reader guesses words that it cannot see. With `kind`, excerpts are text without language priors (`ocr.priorless`).

The error rate counts letters. White space does not count. The shape of quotation marks and dashes does not count
either, because each reader chooses its own. How well a reader predicts a vision-language model is not known; see
`docs/search.md`.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from glyphrender.document.render import render
from glyphrender.errors import DataError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ocr.comparison import comparable, load_levenshtein
from glyphrender.ocr.legibility import PageReader
from glyphrender.ocr.priorless import PriorlessText, TextKind, text_kind
from glyphrender.rich.rich_text import RichText, drawn_of
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.presets import is_han
from glyphrender.tasks.alignment import Edit, confusions, differences
from glyphrender.tasks.excerpts import Excerpts, identifiers
from glyphrender.tasks.statistics import error_rate_interval
from glyphrender.theta import PageNumber, ParagraphIds, TableHead, Theta

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ExcerptReading", "ReaderEvaluator", "excerpt_theta", "letters"]

# Number of letters in a block. Errors come in clumps (a lost line, a garbled word), so the interval resamples whole
# blocks.
_BLOCK: Final = 100
_KEPT: Final = 4096
# Quotation marks and dashes, and the plain characters that readers confuse them with.
_ALIKE: Final = {
    **dict.fromkeys(map(ord, "“”„‟″"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛′`´"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExcerptReading:
    """The result of reading one excerpt and the identifiers after it.

    Attributes:
        wrong: edits in each block of letters of the text.
        letters: letters of the text.
        edits: edits of text and identifiers.
        identifier_wrong, identifier_letters: edits and letters of the identifiers.
        exact, identifiers: identifiers that were read without an error, and identifiers in all.
    """

    wrong: tuple[int, ...]
    letters: int
    edits: tuple[Edit, ...]
    identifier_wrong: int
    identifier_letters: int
    exact: int
    identifiers: int


class ReaderEvaluator:
    """An `Evaluator` that measures the character error rate of a reader on excerpts of texts.

    Args:
        texts: texts that excerpts are taken from; of a rich text, what is drawn, without its styles.
        model: the vision model whose resize comes before the reader.
        reader: function from an image to text; by default Tesseract, which needs the extra `reader`.
        language: language of Tesseract's data, such as "eng" or "chi_sim".
        name: name of `reader`; needed if there is one.
        length: length of an excerpt in cells; an ideograph is two. By default 1,000, and 500 for Chinese, Japanese and
            Korean, whose letters take Tesseract six times as long.
        kind: a `TextKind` or its name: "prose" for excerpts as they are, or text without language priors in the same
            places.

    Raises:
        DataError: there is nothing to read in the texts, a reader has no name, or there is no such kind.
        DependencyError: rapidfuzz, tesserocr, or the data of the language, is not installed.
        VisionModelError: there is no model of that name.
    """

    concurrency = "processes"
    rungs = (2, 6, 20)

    def __init__(
        self,
        texts: str | RichText | Sequence[str | RichText],
        *,
        model: str | VisionModel = "glm-4.1v",
        reader: PageReader | None = None,
        language: str = "eng",
        name: str = "",
        length: int | None = None,
        kind: str | TextKind = TextKind.PROSE,
    ) -> None:
        self.kind = text_kind(kind)
        if reader is not None and not name:
            raise DataError("your own reader needs a name, by which its results are found again. Pass name.")
        if reader is None:
            from glyphrender.ocr.tesseract import Tesseract

            reader, name = Tesseract(language=language), f"tesseract-{language}"
        load_levenshtein()  # a missing package is found before the search begins
        self.reader = reader
        self.model = vision_model(model)
        texts = tuple(map(drawn_of, (texts,) if isinstance(texts, str | RichText) else texts))
        if length is None:
            length = 500 if any(map(is_han, texts)) else 1000
        self.excerpts = Excerpts(texts=texts, length=length)
        self._priorless = PriorlessText("\n".join(text[: 100_000 // len(texts)] for text in texts))
        self._base_name = f"reader:{name}/{self.model.name}/{self.excerpts.digest[:16]}"
        self._known: OrderedDict[tuple[str, int, int], ExcerptReading] = OrderedDict()

    @property
    def name(self) -> str:
        """Return the reader, the model, a digest of the texts, and the kind of text unless it is prose."""
        return self._base_name if self.kind is TextKind.PROSE else f"{self._base_name}/{self.kind}"

    def of_kind(self, kind: str | TextKind) -> ReaderEvaluator:
        """Return an evaluator with this reader on the same excerpts, as text of another kind.

        Raises:
            DataError: there is no such kind.
        """
        other = copy.copy(self)
        other.kind, other._known = text_kind(kind), OrderedDict()
        return other

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        """Return the error rate of `theta` on `samples` excerpts. See `Evaluator`."""
        readings = [self.reading(theta, number, seed) for number in range(samples)]
        total = sum(reading.letters for reading in readings)
        blocks = [wrong for reading in readings for wrong in reading.wrong]
        rate = error_rate_interval(blocks, total, seed=seed)
        named = sum(reading.identifier_letters for reading in readings)
        details: dict[str, Any] = {
            "characters": total,
            "wrong": sum(blocks),
            **({} if self.kind is TextKind.PROSE else {"text": str(self.kind)}),
            "identifiers": {
                "error": round(sum(reading.identifier_wrong for reading in readings) / named, 6) if named else 0.0,
                "exact": sum(reading.exact for reading in readings),
                "of": sum(reading.identifiers for reading in readings),
            },
            "confusions": [list(c) for c in confusions(edit for reading in readings for edit in reading.edits)],
        }
        return Evaluation(
            error=round(rate.mean, 6),
            low=round(rate.low, 6),
            high=round(rate.high, 6),
            samples=samples,
            details=details,
        )

    def reading(self, theta: Theta, number: int, seed: int) -> ExcerptReading:
        """Return the result of reading the excerpt of this number under `theta`. The last 4,096 are remembered."""
        key = theta.digest, number, seed
        if (known := self._known.pop(key, None)) is not None:  # one atomic step, because other threads may look too
            self._known[key] = known
            return known
        text, names = self.excerpts.excerpt(number, seed), identifiers(number, seed)
        text = self._priorless.of(text, self.kind, seed=seed)
        read = "".join(map(self.reader, self.images(theta, " ".join([text, *names]))))
        reading = self._known[key] = excerpt_reading(letters(text), [letters(name) for name in names], letters(read))
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return reading

    def images(self, theta: Theta, text: str) -> list[Image]:
        """Return `text` in a column as `theta` sets it, at the size at which the model sees pages of `theta`."""
        from PIL.Image import Resampling

        scale = self.model.image(*theta.page_pixels).scale
        images = [page.image for page in render(text, excerpt_theta(theta))]
        if scale == (1, 1):
            return images
        sizes = [tuple(max(1, round(side * by)) for side, by in zip(im.size, scale, strict=True)) for im in images]
        return [image.resize((w, h), Resampling.BICUBIC) for image, (w, h) in zip(images, sizes, strict=True)]


def excerpt_theta(theta: Theta) -> Theta:
    """Return the θ of a page as wide as one column of `theta`, as high as its text, with no numbers and marks."""
    width = theta.column_width - theta.gutter + 2 * theta.margin_x
    return theta.replace(
        columns=1,
        line_numbers=0,
        continuation_mark="",
        page_number=PageNumber.NONE,
        page_header="",
        paragraph_ids=ParagraphIds.NONE,
        table_head=TableHead.ONCE,
        page_size=(width, theta.page_size[1]),
        auto_crop_width=False,
        auto_crop_last_page=True,
        page_grid=1,
        min_pixels=0,
    )


def letters(text: str) -> str:
    """Return the characters of `text` that count, with plain quotation marks and dashes; see `comparable`.

    >>> letters("“It is late” –")
    '"Itislate"-'
    """
    return comparable(text).translate(_ALIKE)


def excerpt_reading(text: str, names: Sequence[str], read: str) -> ExcerptReading:
    """Compare the letters and the identifiers of an excerpt with the letters that were read."""
    edits = differences("".join([text, *names]), read)
    wrong = [0] * max(1, math.ceil(len(text) / _BLOCK))
    ends = np.cumsum([len(text), *map(len, names)])
    broken: set[int] = set()
    missed = 0
    for edit in edits:
        # Each true letter costs one, where it stands. Letters that were read beyond these cost where the edit begins.
        places = [*range(edit.start, edit.start + len(edit.true))] + [edit.start] * (edit.cost - len(edit.true))
        for place in places:
            if place < len(text):
                wrong[place // _BLOCK] += 1
            else:
                missed += 1
                broken.add(min(int(np.searchsorted(ends, place, side="right")), len(names)))
    return ExcerptReading(
        wrong=tuple(wrong),
        letters=len(text),
        edits=tuple(edits),
        identifier_wrong=missed,
        identifier_letters=sum(map(len, names)),
        exact=len(names) - len(broken),
        identifiers=len(names),
    )

"""The evaluator that needs no network and no GPU: excerpts drawn as the model sees them, read back by a reader.

Reading a page takes tesseract two seconds, a thousand characters a quarter of one, so each θ reads excerpts: the same
words for every θ, set as a page of their own with the measure, the leading and the pixels that they would have in a
column of the page. The page itself (how many columns, how long they are) is not read, it counts in ρ alone.

An error rate is that of letters: white space is not compared, nor straight with curly quotation marks, which readers
set by their own lights. How well a reader speaks for a vision-language model is not known; see `docs/search.md`.
"""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from glyphrender.document.document import render
from glyphrender.errors import DataError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ocr.legibility import PageReader, comparable
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.presets import is_han
from glyphrender.tasks.alignment import Edit, confusions, differences
from glyphrender.tasks.excerpts import Excerpts, identifiers
from glyphrender.theta import Theta

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Reader", "Reading", "excerpt_theta", "interval"]

# Errors come in clumps: a line that is lost, a word that is garbled. They are drawn again in blocks of so many letters.
_BLOCK: Final = 100
_RESAMPLES: Final = 400
_KEPT: Final = 4096
# Quotation marks and dashes, and the plain characters that readers take them for and they for them.
_ALIKE: Final = {
    **dict.fromkeys(map(ord, "“”„‟″"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛′`´"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One excerpt, and the identifiers after it, as they were read.

    Attributes:
        wrong: edits in each block of letters of the text.
        letters: of the text.
        edits: of text and identifiers.
        identifier_wrong, identifier_letters: edits and letters of the identifiers.
        exact, identifiers: how many of them were read without an error, of how many.
    """

    wrong: tuple[int, ...]
    letters: int
    edits: tuple[Edit, ...]
    identifier_wrong: int
    identifier_letters: int
    exact: int
    identifiers: int


class Reader:
    """An `Evaluator`: the character error rate of a reader on excerpts of texts.

    Args:
        texts: what excerpts are taken from.
        vision: the model whose resize comes before the reader.
        reader: function from an image to text; by default tesseract, which needs the extra `reader`.
        language: of tesseract's data, as "eng" or "chi_sim".
        name: of `reader`; must be given with one.
        length: of an excerpt, in cells; an ideograph is two. By default 1,000, and 500 of Chinese, Japanese and Korean,
            whose letters take tesseract six times as long.

    Raises:
        DataError: nothing to read in the texts, or a reader without a name.
        DependencyError: tesserocr, or the data of the language, is not there.
        VisionModelError: no model of that name.
    """

    concurrency = "processes"
    rungs = (2, 6, 20)

    def __init__(
        self,
        texts: str | Sequence[str],
        vision: str | VisionModel = "glm-4.1v",
        *,
        reader: PageReader | None = None,
        language: str = "eng",
        name: str = "",
        length: int | None = None,
    ) -> None:
        if reader is not None and not name:
            raise DataError("a reader of one's own needs a name, by which its results are known again. Pass name.")
        if reader is None:
            # Tesseract's threads are slower together than alone, and θ are read in processes. Read when it is loaded.
            os.environ.setdefault("OMP_THREAD_LIMIT", "1")
            from glyphrender.ocr.tesseract import Tesseract

            reader, name = Tesseract(language=language), f"tesseract-{language}"
        self.reader = reader
        self.model = vision_model(vision)
        texts = (texts,) if isinstance(texts, str) else tuple(texts)
        if length is None:
            length = 500 if any(map(is_han, texts)) else 1000
        self.excerpts = Excerpts(texts=texts, length=length)
        self.name = f"reader:{name}/{self.model.name}/{self.excerpts.digest[:16]}"
        self._known: OrderedDict[tuple[str, int, int], Reading] = OrderedDict()

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        """The error rate on `samples` excerpts. See `Evaluator`."""
        readings = [self.reading(theta, number, seed) for number in range(samples)]
        letters = sum(reading.letters for reading in readings)
        blocks = np.array([wrong for reading in readings for wrong in reading.wrong])
        low, high = interval(blocks, letters, seed)
        named = sum(reading.identifier_letters for reading in readings)
        details: dict[str, Any] = {
            "characters": letters,
            "wrong": int(blocks.sum()),
            "identifiers": {
                "error": round(sum(reading.identifier_wrong for reading in readings) / named, 6) if named else 0.0,
                "exact": sum(reading.exact for reading in readings),
                "of": sum(reading.identifiers for reading in readings),
            },
            "confusions": [list(c) for c in confusions(edit for reading in readings for edit in reading.edits)],
        }
        error = float(blocks.sum()) / letters if letters else 0.0
        return Evaluation(
            error=round(error, 6), low=round(low, 6), high=round(high, 6), samples=samples, details=details
        )

    def reading(self, theta: Theta, number: int, seed: int) -> Reading:
        """How the excerpt of this number is read under `theta`; what was read lately is remembered."""
        key = theta.digest, number, seed
        if (known := self._known.pop(key, None)) is not None:  # in one step: there may be other threads
            self._known[key] = known
            return known
        text, names = self.excerpts.excerpt(number, seed), identifiers(number, seed)
        read = "".join(map(self.reader, self.images(theta, " ".join([text, *names]))))
        reading = self._known[key] = _reading(_plain(text), [_plain(name) for name in names], _plain(read))
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return reading

    def images(self, theta: Theta, text: str) -> list[Image]:
        """`text` in a column as `theta` sets it, at the size at which the model sees the pages of `theta`."""
        from PIL.Image import Resampling

        scale = self.model.image(*theta.page_pixels).scale
        images = [page.image for page in render(text, excerpt_theta(theta))]
        if scale == (1, 1):
            return images
        sizes = [tuple(max(1, round(side * by)) for side, by in zip(im.size, scale, strict=True)) for im in images]
        return [image.resize((w, h), Resampling.BICUBIC) for image, (w, h) in zip(images, sizes, strict=True)]


def excerpt_theta(theta: Theta) -> Theta:
    """θ of a page as wide as one column of those of `theta`, and as high as its text, without line numbers."""
    width = theta.column_width - theta.gutter + 2 * theta.margin_x
    return theta.replace(
        columns=1,
        line_numbers=0,
        page_size=(width, theta.page_size[1]),
        auto_crop_width=False,
        auto_crop_last_page=True,
        page_grid=1,
        min_pixels=0,
    )


def interval(wrong: np.ndarray[Any, Any], letters: int, seed: int) -> tuple[float, float]:
    """The 95% interval of an error rate by a bootstrap over blocks; of no error among n letters, 0 … 3/n."""
    if not letters:
        return 0.0, 1.0
    drawn = np.random.default_rng(abs(seed)).integers(len(wrong), size=(_RESAMPLES, len(wrong)))
    rates = wrong[drawn].sum(1) / letters
    low, high = np.quantile(rates, (0.025, 0.975)).tolist()
    return low, max(high, 3 / letters)


def _plain(text: str) -> str:
    return comparable(text).translate(_ALIKE)


def _reading(text: str, names: Sequence[str], read: str) -> Reading:
    edits = differences("".join([text, *names]), read)
    wrong = [0] * max(1, math.ceil(len(text) / _BLOCK))
    ends = np.cumsum([len(text), *map(len, names)])
    broken: set[int] = set()
    missed = 0
    for edit in edits:
        # Each letter of the truth costs one, where it stands; what was read beyond that, where the stretch begins.
        places = [*range(edit.start, edit.start + len(edit.true))] + [edit.start] * (edit.cost - len(edit.true))
        for place in places:
            if place < len(text):
                wrong[place // _BLOCK] += 1
            else:
                missed += 1
                broken.add(min(int(np.searchsorted(ends, place, side="right")), len(names)))
    return Reading(
        wrong=tuple(wrong),
        letters=len(text),
        edits=tuple(edits),
        identifier_wrong=missed,
        identifier_letters=sum(map(len, names)),
        exact=len(names) - len(broken),
        identifiers=len(names),
    )

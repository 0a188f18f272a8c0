"""Measure legibility: a reader reads pages as a model sees them, and the wrong characters are counted.

ρ alone is highest for pages that nobody can read. So legibility is measured too. A reader, which is any function from
an image to text, gets the page after the model's own resize. The text that it returns is compared with the text of the
page. `ocr.tesseract` is a reader that installs from wheels and needs no network. It is not known how well a reader
predicts a vision-language model. So use a reader to compare θ, not to compare models.

A reader takes a second or more for a page, so only a sample of pages is read. The sample is drawn as places in the
text. The places depend on the seed and not on θ, so two θ are compared on the same words. A page with more characters
is more likely to be drawn.

A reader guesses words that it cannot see. `kind` has the same pages set with text that cannot be guessed (see
`ocr.priorless`); `tasks.priors` says how much of the legibility of prose is guessing.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from glyphrender.document.document import Document
from glyphrender.document.page import Page
from glyphrender.document.render import render
from glyphrender.document.stream import PageStream
from glyphrender.errors import DataError, LayoutError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ocr.comparison import comparable, errors_by_block, load_levenshtein
from glyphrender.ocr.priorless import PriorlessText, TextKind, text_kind

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Legibility", "PageReader", "PageReading", "legibility", "seen_image", "shown_text"]


class PageReader(Protocol):
    """A function that reads a page, such as an OCR program or a model behind an endpoint."""

    def __call__(self, image: Image, /) -> str:
        """Return the text on `image`, which has mode "L" or "RGB". White space is ignored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageReading:
    """The result of reading one page. Characters are counted after `comparable`.

    Attributes:
        number: number of the page; the first is 1.
        characters: characters on the page.
        read: characters that the reader found.
        wrong: edit distance between the two.
        blocks: the same edits, for each block of 100 characters. Errors come in clumps, so intervals draw blocks.
    """

    number: int
    characters: int
    read: int
    wrong: int
    blocks: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Legibility:
    """The result of reading a sample of pages.

    Attributes:
        pages: the sampled pages, in the order of their numbers.
        of: number of pages of the document.
        seed: seed with which the sample was drawn.
        kind: the kind of text that was read: the text itself, or one without language priors in its place.
    """

    pages: tuple[PageReading, ...]
    of: int
    seed: int
    kind: TextKind = TextKind.PROSE

    @property
    def characters(self) -> int:
        """Return the characters of the sample: the denominator of the error rate."""
        return sum(page.characters for page in self.pages)

    @property
    def wrong(self) -> int:
        """Return the edits between the sample and the text that was read."""
        return sum(page.wrong for page in self.pages)

    @property
    def error_rate(self) -> float:
        """Return the character error rate: `wrong / characters`, or 0 for a sample without characters.

        The rate may be above 1, if the reader returns more characters than there are.
        """
        return self.wrong / self.characters if self.characters else 0.0


def legibility(
    document: Document,
    reader: PageReader,
    *,
    model: str | VisionModel = "glm-4.1v",
    pages: int = 3,
    seed: int = 0,
    threads: int = 1,
    kind: str | TextKind = TextKind.PROSE,
) -> Legibility:
    """Let `reader` read pages of `document` as `model` sees them, and count the characters it gets wrong.

    White space is not compared. A newline marker counts as text. Line numbers, page furniture, and hyphens that
    hyphenation adds, do not count as text. So each of them that the reader returns is an error.

    >>> from glyphrender import render
    >>> legibility(render("In the beginning was the Word."), lambda image: "In the beginning was the").error_rate
    0.2

    Args:
        document: the pages. It must not be a stream, from which no pages can be sampled.
        reader: a function from an image to text.
        model: a name in `VISION_MODELS`, or a vision model.
        pages: number of random places, and so most pages to read. If two places are on one page, it is read once. If
            the document has no more pages, all are read.
        seed: seed of the sample. The same places of a text are read under every θ.
        threads: number of pages that are read at the same time. Above 1, `reader` is called from several threads.
        kind: a `TextKind` or its name. If it is not "prose", the text of each sampled page is replaced by text without
            language priors, which is set under the same θ. So all kinds are read in the same places.

    Raises:
        DataError: `pages` or `threads` is below 1, or there is no such kind.
        VisionModelError: there is no model of that name, or the model refuses a page.
        LayoutError: the document is a stream.
        DependencyError: rapidfuzz is not installed.
    """
    if isinstance(document, PageStream):
        raise LayoutError("pages of a stream can be had only once, and are not sampled. Pass the text as one str.")
    for name, value in (("pages", pages), ("threads", threads)):
        if value < 1:
            raise DataError(f"{name}={value} reads nothing. Use 1 or more.")
    kind = text_kind(kind)
    load_levenshtein()  # raises for a missing package before pages are read
    seen_by = vision_model(model)
    sample = _sampled(document, pages, seed)
    shown = _instead(sample, document, kind, seed)
    with ThreadPoolExecutor(threads) as pool:
        read = iter(list(pool.map(reader, [seen_image(page, seen_by) for each in shown for page in each])))
    readings = tuple(
        _reading(page.number, each, "".join(next(read) for _ in each)) for page, each in zip(sample, shown, strict=True)
    )
    return Legibility(pages=readings, of=len(document), seed=seed, kind=kind)


def seen_image(page: Page, model: VisionModel) -> Image:
    """Return the page at the size to which the processor of `model` resizes it.

    The processor's own interpolation is used (`VisionModel.interpolation`), and the bicubic one where a provider does
    not say which. If the processor does not resize the page, or a provider does not say to which size, the pixels do
    not change. `tests/test_studio_seen.py` compares the pixels with those of transformers' processors.

    Raises:
        VisionModelError: the model refuses a page of this size.
    """
    from PIL.Image import Resampling

    image, by = page.image, Resampling[(model.interpolation or "bicubic").upper()]
    for size in model.resizes(*page.size):
        image = image.resize(size, by)
    return image


def _sampled(document: Document, pages: int, seed: int) -> list[Page]:
    """Divide the text into `pages` equal parts, draw one place in each, and return the pages with these places."""
    if len(document) <= pages:
        return list(document)
    rng, end = random.Random(seed), document[-1].span[1]
    starts = [page.span[0] for page in document]
    places = ((stretch + rng.random()) / pages * end for stretch in range(pages))
    return [document[index] for index in sorted({bisect_right(starts, place) - 1 for place in places})]


def _instead(sample: Sequence[Page], document: Document, kind: TextKind, seed: int) -> list[list[Page]]:
    """Return the pages that are shown for each page of the sample.

    Text without priors may be wider than the text of its page, and then takes a second page.
    """
    if kind is TextKind.PROSE:
        return [[page] for page in sample]
    maker = PriorlessText(document.text)
    return [list(render(maker.of(page.text, kind, seed=seed), document.theta)) for page in sample]


def _reading(number: int, pages: Sequence[Page], read: str) -> PageReading:
    there, found = comparable("".join(map(shown_text, pages))), comparable(read)
    blocks = errors_by_block(there, found)
    return PageReading(number=number, characters=len(there), read=len(found), wrong=sum(blocks), blocks=blocks)


def shown_text(page: Page) -> str:
    """Return the text of a page as it is drawn there, with the marker of newlines: what a reader should find."""
    marker = page.theta.newline_marker
    text = page.drawn_text
    return text if marker is None else re.sub("\r\n?|\n", lambda _: marker[0], text)

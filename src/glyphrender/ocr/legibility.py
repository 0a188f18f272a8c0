"""Legibility: known text, drawn as a model sees it, read back, and the share of characters that come out wrong.

ρ alone is best where nothing can be read. Here a reader, any function from an image to text, gets the pixels after the
model's own resize, and what it reads is compared with what was set. `tesseract` is the reader that installs from wheels
and needs no network. How well it speaks for a vision-language model is not known: compare θ by it, not models.

Few pages are read, since a reader takes a second or more for each. They show places of the text that depend on the seed
and not on θ, so two θ are compared on the same words, and a page's chance goes with its characters.
"""

from __future__ import annotations

import random
import re
import unicodedata
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from glyphrender.document.document import Document
from glyphrender.document.page import Page
from glyphrender.errors import DataError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Legibility", "PageReader", "PageReading", "comparable", "edit_distance", "legibility", "seen_image"]


class PageReader(Protocol):
    """What reads a page: an OCR program, a model behind an endpoint, or any function."""

    def __call__(self, image: Image, /) -> str:
        """The text on `image`, mode "L" or "RGB"; white space does not matter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageReading:
    """How one page was read. Characters are those of `comparable`.

    Attributes:
        number: of the page, 1 for the first.
        characters: on the page.
        read: characters that the reader found.
        wrong: insertions, deletions and substitutions between the two.
    """

    number: int
    characters: int
    read: int
    wrong: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Legibility:
    """How well sampled pages were read.

    Attributes:
        pages: the sample, in order of their numbers.
        of: how many pages the document has.
        seed: what the sample was drawn with.
    """

    pages: tuple[PageReading, ...]
    of: int
    seed: int

    @property
    def characters(self) -> int:
        """Characters of the sample, the denominator of the error rate."""
        return sum(page.characters for page in self.pages)

    @property
    def wrong(self) -> int:
        """Edits between the sample and what was read."""
        return sum(page.wrong for page in self.pages)

    @property
    def error_rate(self) -> float:
        """Character error rate: edits for one character. Above 1 if more was read than is there; 0 of no characters."""
        return self.wrong / self.characters if self.characters else 0.0


def legibility(
    document: Document,
    reader: PageReader,
    vision: str | VisionModel = "glm-4.1v",
    *,
    pages: int = 3,
    seed: int = 0,
    threads: int = 1,
) -> Legibility:
    """Let `reader` read pages of `document` as `vision` sees them, and count what it gets wrong.

    White space is not compared. A marker for newlines counts as text, hyphens of hyphenation and line numbers do not,
    so each of those that is read is an error.

    Args:
        document: the pages; not of a stream.
        reader: function from an image to text.
        vision: a name in `VISION_MODELS`, or a model.
        pages: how many are read at most; all, if the document has no more. Places that fall on one page count once.
        seed: of the sample. The same places of a text are read whatever its θ.
        threads: how many pages are read at once; above 1 `reader` is called from several threads.

    Raises:
        DataError: `pages` or `threads` is below 1.
        VisionModelError: no model of that name, or one that refuses a page.
        LayoutError: the document is of a stream.
    """
    for name, value in (("pages", pages), ("threads", threads)):
        if value < 1:
            raise DataError(f"{name}={value} reads nothing. Use 1 or more.")
    model = vision_model(vision)
    sample = _sampled(document, pages, seed)
    with ThreadPoolExecutor(threads) as pool:
        read = list(pool.map(reader, [seen_image(page, model) for page in sample]))
    readings = tuple(_reading(page, text) for page, text in zip(sample, read, strict=True))
    return Legibility(pages=readings, of=len(document), seed=seed)


def seen_image(page: Page, model: VisionModel) -> Image:
    """The page at the size to which the processor of `model` resizes it; its own pixels where it resizes none.

    By bicubic interpolation with antialiasing, as the processors of GLM-4V, Qwen-VL and Mistral do it. Where a provider
    does not say how it resizes, the pixels are those that were drawn.
    """
    from PIL.Image import Resampling

    size = model.image(*page.size).size
    return page.image if size == page.size else page.image.resize(size, Resampling.BICUBIC)


def comparable(text: str) -> str:
    """`text` without white space and what is not seen, in NFKC: readers put spaces between ideographs."""
    shown = unicodedata.normalize("NFKC", text)
    return "".join(c for c in shown if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf"))


def edit_distance(a: str, b: str) -> int:
    """Fewest insertions, deletions and substitutions that make `b` of `a`.

    By bit-parallel rows (Myers, "A fast bit-vector algorithm for approximate string matching", J. ACM 46, 1999): a row
    of the table is two integers, so a page of 5,000 characters takes some 10 ms.
    """
    if not a:
        return len(b)
    where: dict[str, int] = {}
    for index, character in enumerate(a):
        where[character] = where.get(character, 0) | 1 << index
    mask, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    up, down, found = mask, 0, len(a)
    for character in b:
        equal = where.get(character, 0)
        diagonal = (((equal & up) + up) ^ up) | equal | down
        rise, fall = down | (~(diagonal | up) & mask), diagonal & up
        found += bool(rise & last) - bool(fall & last)
        rise = (rise << 1 | 1) & mask
        fall = (fall << 1) & mask
        up, down = fall | (~(diagonal | rise) & mask), rise & diagonal
    return found


def _sampled(document: Document, pages: int, seed: int) -> list[Page]:
    """All pages, or those that show a place in each of `pages` equal stretches of the text."""
    if len(document) <= pages:
        return list(document)
    rng, end = random.Random(seed), document[-1].span[1]
    starts = [page.span[0] for page in document]
    places = ((stretch + rng.random()) / pages * end for stretch in range(pages))
    return [document[index] for index in sorted({bisect_right(starts, place) - 1 for place in places})]


def _reading(page: Page, read: str) -> PageReading:
    marker = page.theta.newline_marker
    text = page.text if marker is None else re.sub("\r\n?|\n", lambda _: marker[0], page.text)
    there, found = comparable(text), comparable(read)
    return PageReading(number=page.number, characters=len(there), read=len(found), wrong=edit_distance(there, found))

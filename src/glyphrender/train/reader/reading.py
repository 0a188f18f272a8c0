"""Pages that a tiny reader learns to read: of random characters, and of prose, in many shapes.

A *shape* is (columns, rows) in cells of 28 px, the visual tokens of a page. All pages of a batch have one shape, so
nothing is padded and a batch is laid out as one document; the shape is drawn for each batch. A page is filled to its
last line. The text of a page holds its line ends, so the transcription of a page is its text.

Random characters tell whether a model reads: no language model can guess them. Prose tells what reading costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Protocol, TypeAlias

import numpy as np

from glyphrender.document.layout import layout
from glyphrender.errors import DataError
from glyphrender.theta import Overlap, Theta
from glyphrender.train.rows.sample import Pages, Sample, Text

__all__ = ["ALPHABET", "CELL", "Prose", "RandomCharacters", "Shape", "Transcriptions", "Writer", "plain_prose"]

#: Side of a visual token in pixels: 2 × 2 patches of 14 px.
CELL: Final = 28
#: The 73 characters of the study: letters, digits, punctuation.
ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?-()'"
#: (columns, rows) of a page in cells.
Shape: TypeAlias = tuple[int, int]

# Advance of DejaVu Sans Mono in em.
_MONO: Final = 1233 / 2048


class Writer(Protocol):
    """Something that fills pages with text. `slots` is the number of characters of a cell that stage 0 learns."""

    @property
    def slots(self) -> int:
        """Characters of a cell."""
        ...

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Pages:
        """Return the text of one full page of a shape, lines ended by newlines, and its θ."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomCharacters:
    """A `Writer` of random characters in monospaced type, so many to a cell.

    Attributes:
        a_cell: characters of a cell in a row: 1, 2 or 4, at an advance of 28, 14 or 7 px.
        alphabet: the characters that are drawn.
    """

    a_cell: int = 4
    alphabet: str = ALPHABET

    def __post_init__(self) -> None:
        if self.a_cell not in (1, 2, 4):
            raise DataError(f"a_cell={self.a_cell} characters do not fill a cell of {CELL} px. Use 1, 2 or 4.")

    @property
    def slots(self) -> int:
        """Characters of a cell."""
        return self.a_cell

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Pages:
        """Return one page of random characters."""
        columns, rows = shape
        drawn = rng.integers(len(self.alphabet), size=(rows, columns * self.a_cell))
        text = "\n".join("".join(self.alphabet[index] for index in line) for line in drawn.tolist())
        return Pages(text, self.theta(shape))

    def theta(self, shape: Shape) -> Theta:
        """Return θ of a page."""
        # Type is 7 or 14 px wide; one character a cell of 28 px has 14 px of space after it. The size is rounded down,
        # because a line must not be a hair wider than the page.
        advance = CELL / max(self.a_cell, 2)
        size = int(advance / _MONO * 1000) / 1000
        return _theta(shape, "DejaVu Sans Mono", size, CELL, letter_spacing=14.0 if self.a_cell == 1 else 0.0)


@dataclass(frozen=True, kw_only=True)
class Prose:
    """A `Writer` of consecutive lines of a text, in proportional type.

    Attributes:
        text: the text; line ends in it count as spaces, so that every line is full.
        font_size: em size in pixels.
        line_height: distance of lines in pixels, which divides a cell or is its multiple.
        slots: characters of a cell that stage 0 learns; the most that are likely.
        part: (from, to), the part of the text that is read, as fractions.
        font: family of the type.
        anywhere: whether the lines of a page are broken anew, from a random word. Otherwise a page is a part of the
            text as it was broken once, so a line always looks the same; a long training then sees few lines often.
    """

    text: str = field(repr=False)
    font_size: float
    line_height: float = CELL
    slots: int = 4
    part: tuple[float, float] = (0.0, 1.0)
    font: str = "DejaVu Sans"
    anywhere: bool = False
    _lines: dict[int, list[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Pages:
        """Return one page of consecutive lines that begins at a random line, or at a random word of it (`anywhere`)."""
        lines, count = self.lines(shape[0]), int(shape[1] * CELL // self.line_height)
        if len(lines) < count:
            raise DataError(f"the text has {len(lines)} lines of {shape[0]} cells, a page has {count}. Give more text.")
        first = int(rng.integers(len(lines) - count + 1))
        if self.anywhere and first + 2 * count <= len(lines):
            words = " ".join(lines[first : first + 2 * count]).split()
            lines = self._broken(words[int(rng.integers(len(lines[first].split()))) :], shape[0])
            first = 0
        return Pages("\n".join(lines[first : first + count]), self.theta(shape))

    def theta(self, shape: Shape) -> Theta:
        """Return θ of a page."""
        return _theta(shape, self.font, self.font_size, self.line_height)

    def lines(self, columns: int) -> list[str]:
        """Return the lines of the whole part, broken as the page breaks them."""
        if columns not in self._lines:
            words = self.text.split()
            first, last = (int(len(words) * end) for end in self.part)
            self._lines[columns] = self._broken(words[first:last], columns)
        return self._lines[columns]

    def _broken(self, words: Sequence[str], columns: int) -> list[str]:
        """Return the lines of words. Each of them fits a line when it stands alone, as it does on a page.

        A word can break inside: "energy.--Though" after its dashes. The kerning of "-T" then makes the first part
        narrower than it is alone, so the lines are broken again until they stay as they are.
        """
        text, lines = " ".join(words), [""]
        while (found := self._lines_of(text, columns)) != lines:
            lines, text = found, "\n".join(found)
        return lines

    def _lines_of(self, text: str, columns: int) -> list[str]:
        """Return the lines of a text."""
        return [line.text.strip() for page in layout(text, self.theta((columns, 30))) for line in page.lines]


@cache
def _theta(shape: Shape, font: str, size: float, line_height: float, letter_spacing: float = 0.0) -> Theta:
    """Return θ of full pages without margins, of whole cells."""
    return Theta(
        page_size=(shape[0] * CELL, shape[1] * CELL),
        dpi=72,
        margin_x=0,
        margin_y=0,
        font=font,
        font_size=size,
        line_height=line_height,
        letter_spacing=letter_spacing,
        overlap=Overlap.ALLOW,
        auto_crop_width=False,
        auto_crop_last_page=False,
    )


def plain_prose(text: str) -> str:
    """Return an English text in printable ASCII: straight quotation marks, "-" for a dash, no underscores of italics.

    >>> plain_prose("“Oh—_my_ dear!”")
    '"Oh-my dear!"'
    """
    plain = text.translate({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'", 0x2014: "-", 0x5F: None})
    return "".join(letter if " " <= letter <= "~" else " " for letter in plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcriptions:
    """A dataset of pages to transcribe, drawn when they are asked for: sample `i` follows from `seed` and `i` alone.

    Attributes:
        writer: the writer of the pages.
        shapes: the shapes of pages. `batch` samples in a row have the same one.
        question: the text after the page.
        batch: samples in a row that have one shape.
        count: number of samples.
        growing: (from, to), numbers of the samples between which the shapes are introduced, in their order. Before
            and after, all shapes are drawn alike.
        seed: seed of texts and shapes.
    """

    writer: Writer
    shapes: Sequence[Shape]
    question: str
    batch: int = 16
    count: int
    growing: tuple[int, int] = (0, 0)
    seed: int = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        batch = index // self.batch
        shape = self.shapes[int(np.random.default_rng((self.seed, 1, batch)).integers(self._known(batch * self.batch)))]
        pages = self.writer(shape, np.random.default_rng((self.seed, 0, index)))
        return transcription(pages, self.question, key=f"{self.seed}-{index}")

    def _known(self, index: int) -> int:
        """Return the number of shapes that are drawn from at sample `index`."""
        first, last = self.growing
        if not first <= index < last:
            return len(self.shapes)
        return math.ceil(len(self.shapes) * (index + 1 - first) / (last - first))

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(self.count))


def transcription(pages: Pages, question: str, *, key: str = "") -> Sample:
    """Return the sample that asks for the text of `pages`, in the turns of GLM-4.1V's chat template."""
    return Sample(
        parts=(
            Text("[gMASK]<sop><|user|>\n", markup=True),
            pages,
            Text(f"{question}<|assistant|>\n", markup=True),
            Text(pages.text, learn=True),
        ),
        key=key,
        kind="ocr",
    )

"""Look-ups: pages of key–value lines, and conversations that ask for values.

    K7= 4821
    B3= 0172        B3?  →  0172
    …

A value cannot be guessed, and the key alone tells which line is asked for. So a look-up shows whether a model finds a
place on a page by what stands there. Reading whole pages never needs that: there, the place of the next character
follows from how many were read. At four characters a visual token, a key fills one, and its value the one to its right.

Two kinds of samples teach it, both with several questions about a page, so that the page is seen once for all:

- `list_pairs`, for continual pre-training: keys in random order, each directly followed by its value, which is learned.
  The token that has to find the line is the end of the key itself. That is the shortest way to the comparison of keys.
- `ask_values`, for fine-tuning: a conversation in GLM-4.1V's turns. Three tokens lie between the key and its value. A
  model that knows pairs learns this in some hundred steps; one that does not never found the line.

No page is held out by name: of four lines, there are some 10^25 pages, and another seed is another set of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from glyphrender.errors import DataError
from glyphrender.theta import Theta
from glyphrender.train.reader.reading import RandomCharacters
from glyphrender.train.rows.sample import Pages, Sample, SamplePart, Text

__all__ = [
    "LOOKUP_KEYS",
    "KeyValueLines",
    "Lookups",
    "Pairs",
    "ask_values",
    "draw_pairs",
    "list_pairs",
    "lookup_rows",
    "lookup_theta",
    "page_of",
]

#: Keys of two characters. I and O are left out, because 1 and 0 look like them.
LOOKUP_KEYS: Final = tuple(letter + digit for letter in "ABCDEFGHJKLMNPQRSTUVWXYZ" for digit in "0123456789")
#: (key, value) of each line of a page.
Pairs: TypeAlias = Sequence[tuple[str, str]]

_END: Final = "<|endoftext|>"


def draw_pairs(lines: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return `lines` different keys, each with a value of four digits.

    Raises:
        DataError: there are fewer keys.
    """
    if not 1 <= lines <= len(LOOKUP_KEYS):
        raise DataError(f"lines={lines} is not from 1 to the {len(LOOKUP_KEYS)} keys. Use fewer lines a page.")
    keys = rng.choice(len(LOOKUP_KEYS), lines, replace=False)
    return [
        (LOOKUP_KEYS[key], f"{value:04d}") for key, value in zip(keys, rng.integers(10_000, size=lines), strict=True)
    ]


def page_of(pairs: Pairs) -> Pages:
    """Return the page of key–value lines: four characters a visual token, two tokens a line."""
    return Pages("\n".join(f"{key}= {value}" for key, value in pairs), lookup_theta(len(pairs)))


def lookup_theta(lines: int) -> Theta:
    """Return θ of a page of so many lines."""
    return RandomCharacters(a_cell=4).theta((2, lines))


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyValueLines:
    """A `reading.Writer` of key–value lines, so that they can be transcribed too (`reading.Transcriptions`).

    Attributes:
        slots: characters of a cell.
    """

    slots: int = 4

    def __call__(self, shape: tuple[int, int], rng: np.random.Generator) -> Pages:
        """Return a page of `shape[1]` lines; `shape[0]` is 2."""
        return page_of(draw_pairs(shape[1], rng))


def ask_values(pairs: Pairs, asked: Sequence[int], *, key: str = "") -> Sample:
    """Return the conversation about a page in which the values of the lines `asked` are asked for, one a turn.

    The turns are those of GLM-4.1V's chat template, and each answer is learned with its end token.

    >>> sample = ask_values([("K7", "4821"), ("B3", "0172")], [1, 0])
    >>> [part.text for part in sample.parts if isinstance(part, Text)][1:3]
    ['B3?<|assistant|>\\n', '0172<|endoftext|>']
    """
    parts: list[SamplePart] = [Text("[gMASK]<sop><|user|>\n", markup=True), page_of(pairs)]
    for turn, line in enumerate(asked):
        name, value = pairs[line]
        parts += [
            Text(("<|user|>\n" if turn else "") + f"{name}?<|assistant|>\n", markup=True),
            Text(value + _END, learn=True, markup=True),
        ]
    return Sample(parts=tuple(parts), key=key, kind="lookup")


def list_pairs(pairs: Pairs, listed: Sequence[int], *, key: str = "") -> Sample:
    """Return the sample in which the lines `listed` are written without a space, and their values are learned.

    >>> sample = list_pairs([("K7", "4821"), ("B3", "0172")], [1, 0])
    >>> "".join(part.text for part in sample.parts[3:])
    'B30172\\nK74821'
    """
    parts: list[SamplePart] = [
        Text("[gMASK]<sop><|user|>\n", markup=True),
        page_of(pairs),
        Text("Pairs.<|assistant|>\n", markup=True),
    ]
    for number, line in enumerate(listed):
        name, value = pairs[line]
        parts += [Text(("\n" if number else "") + name, markup=True), Text(value, learn=True, markup=True)]
    return Sample(parts=tuple(parts), key=key, kind="pairs")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """A dataset of look-ups, drawn when they are asked for: sample `i` follows from `seed` and `i` alone.

    Attributes:
        lines: numbers of lines of a page. One is drawn for each `batch` samples.
        questions: turns of a conversation; each asks for a line that is drawn anew.
        pairs: share of the batches that list pairs, where the others ask.
        batch: samples in a row that have one number of lines and one kind.
        count: number of samples.
        seed: seed of pages and questions.
    """

    lines: Sequence[int] = (4,)
    questions: int = 4
    pairs: float = 0.0
    batch: int = 32
    count: int
    seed: int = 0

    @property
    def writer(self) -> KeyValueLines:
        """The pages as stage 0 needs to know them."""
        return KeyValueLines()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        kind = np.random.default_rng((self.seed, 1, index // self.batch))
        lines, task = int(kind.choice(self.lines)), kind.random()
        rng = np.random.default_rng((self.seed, 0, index))
        pairs, key = draw_pairs(lines, rng), f"{self.seed}-{index}"
        make = list_pairs if task < self.pairs else ask_values
        return make(pairs, rng.integers(lines, size=self.questions).tolist(), key=key)

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(self.count))


def lookup_rows(count: int, *, lines: int = 4, seed: int = 0) -> list[dict[str, Any]]:
    """Return look-ups of one question as prompts for GRPO (`grpo_rows.prompt_dataset`): context, question, answer.

    Row `i` asks what sample `i` of `Lookups(lines=(lines,), questions=1, seed=seed)` asks.
    """
    rows = []
    for index in range(count):
        rng = np.random.default_rng((seed, 0, index))
        pairs = draw_pairs(lines, rng)
        name, value = pairs[int(rng.integers(lines, size=1)[0])]
        rows.append({"context": page_of(pairs).text, "question": f"{name}?", "answer": [value]})
    return rows

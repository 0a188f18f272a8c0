"""Texts without language priors: the letters of a text, without what lets a reader guess them.

A reader that knows a language guesses what it cannot see. DeepSeek-OCR falls from 90% to 20% when the words of a page
stop making sense (arXiv 2601.03714). So legibility is measured on such text too, beside the text itself:

| kind | what is left of the text | what is gone |
|---|---|---|
| `words` | its words, in random order | sentences |
| `pseudo` | words of the same lengths, in the letter sequences of the language; no word of the text | vocabulary |
| `letters` | its letters and its word lengths, the letters in random order | spelling |
| `alphanumeric` | its word lengths; every letter and digit is as likely | letter frequencies |

White space and marks stay where they are, so code keeps its lines, indentation and operators. `words` and `letters`
permute: the text has exactly the same letters as before, and any difference in errors comes from the prior. A letter
takes the place of a letter of its script, and a digit that of a digit.

Scripts that write no spaces have no words to permute. There, `words` permutes pairs of characters, since most Chinese
words have two. `pseudo` permutes single characters so that no two neighbors are a pair of the text. `alphanumeric`
draws every ideograph that the text has equally often.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from itertools import accumulate, pairwise
from string import ascii_letters, digits
from typing import Final, TypeAlias

from glyphrender.errors import DataError, shown

__all__ = ["PriorlessText", "TextKind", "text_kind"]

# Statistics come from this many characters of the text: more would not change them.
_COUNTED: Final = 100_000
# A letter beyond ASCII is drawn by `alphanumeric` if it is at least this share of the letters: é in French text, but
# not in English text with one "café".
_FREQUENT: Final = 0.001
# Attempts to draw a pseudo-word that the text does not have. Words of one and two letters often find none.
_ATTEMPTS: Final = 8
# Scripts without spaces between words, by the names of Unicode.
_SPACELESS: Final = ("Hani", "Hira", "Kana", "Bopo", "Thai", "Laoo", "Khmr", "Mymr")
_DIGIT, _MARK = -1, -2

#: The characters that a reader sees as one, such as a letter with its accents.
Unit: TypeAlias = str


class TextKind(StrEnum):
    """The kinds of text that legibility is measured on; see the module."""

    PROSE = "prose"
    """The text as it is."""
    WORDS = "words"
    """Its words in random order."""
    PSEUDO = "pseudo"
    """Words that do not exist, in the letter sequences of the text."""
    LETTERS = "letters"
    """Its letters in random order."""
    ALPHANUMERIC = "alphanumeric"
    """Random letters and digits, all equally frequent."""


def text_kind(value: object) -> TextKind:
    """Return the kind of this name.

    >>> text_kind("letters")
    <TextKind.LETTERS: 'letters'>

    Raises:
        DataError: there is no such kind.
    """
    if isinstance(value, str):
        for kind in TextKind:
            if value == kind.value:
                return kind
    raise DataError(f"text kind {shown(value)} is not known. Use one of: {', '.join(TextKind)}.")


@dataclass(frozen=True)
class PriorlessText:
    """A maker of texts without priors, with the statistics of one text.

    >>> maker = PriorlessText("In the beginning was the Word, and the Word was with God.")
    >>> maker.of("the Word was with God", TextKind.WORDS, seed=1)
    'the with Word God was'
    >>> sorted(maker.of("the Word", TextKind.LETTERS, seed=1)) == sorted("the Word")
    True

    Attributes:
        text: the text whose words and letters count. Its first 100,000 characters are counted.

    Raises:
        DataError: the text is no str.
    """

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        _checked(self.text, "text")

    def of(self, excerpt: str, kind: TextKind | str, *, seed: int = 0) -> str:
        """Return a text of this kind in place of `excerpt`. Equal arguments give equal texts.

        Args:
            excerpt: a part of the text, or another text of the same language.
            kind: a `TextKind` or its name.
            seed: seed of the draws.

        Raises:
            DataError: there is no such kind, or the excerpt is no str.
        """
        kind = text_kind(kind)
        _checked(excerpt, "excerpt")
        if kind is TextKind.PROSE or not excerpt:
            return excerpt
        if type(seed) is not int:
            raise DataError(f"seed={shown(seed)} is no whole number. Pass an int.")
        start = excerpt[:64].encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot seed a generator
        rng = random.Random(f"{seed}/{kind}/{start}/{len(excerpt)}")
        units, scripts = _units(excerpt)
        if kind is TextKind.WORDS:
            return _shuffled_words(units, scripts, rng)
        if kind is TextKind.LETTERS:
            return "".join(_permuted(units, scripts, rng))
        if kind is TextKind.ALPHANUMERIC:
            pools, latin = self._pools, [*ascii_letters, *digits, *self._beyond_ascii]
            drawn = [
                unit if script == _MARK else rng.choice(pools.get(script, latin))
                for unit, script in zip(units, scripts, strict=True)
            ]
            return "".join(drawn)
        return self._pseudo(units, scripts, rng)

    @cached_property
    def _counted(self) -> tuple[list[Unit], list[int]]:
        return _units(self.text[:_COUNTED])

    @cached_property
    def _letters(self) -> Counter[tuple[int, Unit]]:
        units, scripts = self._counted
        return Counter((script, unit) for unit, script in zip(units, scripts, strict=True) if script >= 0)

    @cached_property
    def _beyond_ascii(self) -> list[Unit]:
        latin = {unit: count for (script, unit), count in self._letters.items() if script == _script("Latn")}
        least = _FREQUENT * sum(latin.values())
        return sorted(unit for unit, count in latin.items() if count >= least and not unit.isascii())

    @cached_property
    def _pools(self) -> dict[int, list[Unit]]:
        """The letters of each script but Latin that `alphanumeric` draws from."""
        pools: dict[int, list[Unit]] = {}
        for script, unit in sorted(self._letters):
            if script != _script("Latn"):
                pools.setdefault(script, []).append(unit)
        return pools

    @cached_property
    def _chains(self) -> _Chains:
        return _Chains(*self._counted)

    def _pseudo(self, units: list[Unit], scripts: list[int], rng: random.Random) -> str:
        spaceless = _spaceless()
        made = _permuted(units, scripts, rng, only={_DIGIT})
        for start, stop in _runs(scripts):
            if scripts[start] >= 0 and scripts[start] not in spaceless:
                word = units[start:stop]
                drawn = self._chains.word(scripts[start], len(word), rng)
                made[start:stop] = [_cased(new, old) for new, old in zip(drawn, word, strict=True)]
        for script in spaceless & set(scripts):
            places = [place for place, each in enumerate(scripts) if each == script]
            found = [units[place] for place in places]
            rng.shuffle(found)
            adjacent = [right == left + 1 for left, right in pairwise(places)]
            for place, unit in zip(places, self._chains.apart(found, adjacent, rng), strict=True):
                made[place] = unit
        return "".join(made)


class _Chains:
    """The letter sequences, the vocabulary and the pairs of neighbors of a text."""

    def __init__(self, units: list[Unit], scripts: list[int]) -> None:
        self.words: set[str] = set()
        self.pairs: set[str] = set()
        counts: dict[tuple[int, str], Counter[Unit]] = {}
        spaceless = _spaceless()
        for start, stop in _runs(scripts):
            script = scripts[start]
            if script in spaceless:
                self.pairs.update(left + right for left, right in pairwise(units[start:stop]))
            elif script >= 0:
                word = [unit.lower() for unit in units[start:stop]]
                self.words.add("".join(word))
                for place, unit in enumerate(word):
                    # The letters before this one: two, one and none, for words that go where the text never went.
                    for before in (_before(word, place, 2), _before(word, place, 1), "*"):
                        counts.setdefault((script, before), Counter())[unit] += 1
        self._next = {key: (list(found), list(accumulate(found.values()))) for key, found in counts.items()}

    def word(self, script: int, length: int, rng: random.Random) -> list[Unit]:
        """Return a word of `length` letters, in lower case. The text has no such word, if one was found in 8 draws."""
        drawn: list[Unit] = []
        for _ in range(_ATTEMPTS):
            drawn = []
            for place in range(length):
                drawn.append(self._letter(script, drawn, place, rng))
            if "".join(drawn) not in self.words:
                break
        return drawn

    def _letter(self, script: int, drawn: list[Unit], place: int, rng: random.Random) -> Unit:
        for before in (_before(drawn, place, 2), _before(drawn, place, 1), "*"):
            if (found := self._next.get((script, before))) is not None:
                letters, sums = found
                return letters[bisect(sums, rng.random() * sums[-1])]
        # The text has no letter of this script, so one script stands for another.
        return rng.choice(ascii_letters[:26])

    def apart(self, found: list[Unit], adjacent: Sequence[bool], rng: random.Random) -> list[Unit]:
        """Return `found` in an order in which few neighbors are a pair of the text."""
        for place in range(1, len(found)):
            for _ in range(30):
                if not adjacent[place - 1] or found[place - 1] + found[place] not in self.pairs:
                    break
                other = rng.randrange(place, len(found))
                found[place], found[other] = found[other], found[place]
        return found


def _checked(value: object, name: str) -> None:
    if not isinstance(value, str):
        raise DataError(f"{name}={shown(value)} is no text. Pass a str.")


def _before(word: Sequence[Unit], place: int, order: int) -> str:
    """Return the `order` letters before `place`, with "^" for the beginning of the word, as a key."""
    start = place - order
    return f"{order}:" + ("" if start >= 0 else "^") + "".join(word[max(0, start) : place])


def _units(text: str) -> tuple[list[Unit], list[int]]:
    """Return the units of a text, and the script of each: a number, `_DIGIT`, or `_MARK` for what is no letter."""
    from glyphrender.text.grapheme import cluster_starts
    from glyphrender.text.properties import codepoints, records, table

    cps = codepoints(text)
    if text.isascii():
        units = list(text)
        named = table().script.take(records(cps)).tolist()
    else:
        starts = cluster_starts(cps).nonzero()[0]
        ends = [*starts[1:].tolist(), len(text)]
        units = [text[start:end] for start, end in zip(starts.tolist(), ends, strict=True)]
        named = table().script.take(records(cps[starts])).tolist()
    scripts = [
        _DIGIT if unit[0].isdecimal() else script if unit[0].isalpha() else _MARK
        for unit, script in zip(units, named, strict=True)
    ]
    return units, scripts


def _runs(scripts: list[int]) -> list[tuple[int, int]]:
    """Return the (start, stop) of stretches of one script."""
    edges = [0, *(place for place in range(1, len(scripts)) if scripts[place] != scripts[place - 1]), len(scripts)]
    return [(start, stop) for start, stop in pairwise(edges) if stop > start]


def _permuted(units: list[Unit], scripts: list[int], rng: random.Random, *, only: set[int] | None = None) -> list[Unit]:
    """Return `units` with the letters of each script, and the digits, in random order."""
    made = list(units)
    for script in sorted(set(scripts) if only is None else only):
        places = [place for place, each in enumerate(scripts) if each == script]
        if script != _MARK:
            for place, unit in zip(places, rng.sample([units[place] for place in places], len(places)), strict=True):
                made[place] = unit
    return made


def _shuffled_words(units: list[Unit], scripts: list[int], rng: random.Random) -> str:
    """Return the text with its words in random order, and all that is no word in its place."""
    spaceless = _spaceless()
    parts: list[tuple[bool, str]] = []
    joined: list[int] = [script if script in spaceless else min(script, 0) for script in scripts]
    # Digits are letters of a word: "x86" moves as one. Digits beside ideographs are a word of their own.
    joined = [0 if script == _DIGIT else script for script in joined]
    for start, stop in _runs(joined):
        if joined[start] == _MARK:
            parts.append((False, "".join(units[start:stop])))
        else:
            step = 2 if joined[start] in spaceless else stop - start
            parts += [(True, "".join(units[at : min(at + step, stop)])) for at in range(start, stop, step)]
    words = [part for is_word, part in parts if is_word]
    rng.shuffle(words)
    drawn = iter(words)
    return "".join(next(drawn) if is_word else part for is_word, part in parts)


def _cased(new: Unit, old: Unit) -> Unit:
    upper = new.upper()
    return upper if old[0].isupper() and len(upper) == len(new) else new


@cache
def _script(tag: str) -> int:
    from glyphrender.text.script import SCRIPT_TAGS

    return SCRIPT_TAGS.index(tag)


@cache
def _spaceless() -> frozenset[int]:
    return frozenset(map(_script, _SPACELESS))

"""Tasks with exact answers that can be drawn from any text.

Example *i* depends only on the texts, the seed and *i*. So a larger sample begins with the smaller one, and the replies
that were paid for the smaller sample can be used again.

- `transcribe`: copy an excerpt. The error is the character error rate, at most 1.
- `needle`: a sentence with a random code is put between two lines of an excerpt. Name the code.
- `hops`: four chains of three facts each, all in the same form, are put into an excerpt. Follow one chain. A guess
  among the chains is right one time in four.
- `quote`: name the words that follow a phrase which occurs once in the excerpt. Nothing is put in.

Replies to all kinds but the first are either right or wrong. A reply is right if it names the answer and is at most 120
characters longer. So "The code is 7GX2." is right, and a list of all codes is wrong. The names of `hops` would fit into
120 characters, so in `hops` a reply with a name of another chain is wrong too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from glyphrender._system.arguments import TEXTS, WHOLE, demand
from glyphrender.errors import DataError
from glyphrender.tasks.evidence import Evidence
from glyphrender.tasks.excerpts import Excerpts
from glyphrender.tasks.scoring import normalized
from glyphrender.tasks.task import TRANSCRIBE, Example, Score, score_reply

__all__ = ["KINDS", "GeneratedTask"]

# Codes hold the characters that small type confuses: 0 and O, 1 and I, 5 and S, 8 and B, 2 and Z.
_CODE: Final = "0O1I5S8B2ZKHCGQDMNWVEF3467"
_GIVEN: Final = ("Ada", "Bela", "Carlo", "Dina", "Emil", "Farah", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Levin")
_FAMILY: Final = ("Abbot", "Brandt", "Castell", "Dorn", "Eklund", "Farkas", "Groot", "Hale", "Ibsen", "Keller", "Lund")
_PLACES: Final = ("Antwerp", "Bergen", "Cadiz", "Dover", "Esbjerg", "Ferrara", "Gdansk", "Izmir", "Kotor", "Lisbon")
# A copy costs as many tokens as its text. So an excerpt to copy is a quarter as long as an excerpt for a question.
_COPIED: Final = 0.25
_CHAINS: Final = 4

#: The kinds of generated examples.
KINDS: Final = (TRANSCRIBE, "needle", "hops", "quote")


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratedTask:
    """A `Task` of generated examples. The kinds take turns.

    >>> task = GeneratedTask(texts=["All work and no play makes Jack a dull boy. " * 100], kinds=["needle"], count=3)
    >>> example = task[0]
    >>> f"is {example.answers[0]}." in example.context, task.score(example, example.answers[0]).error
    (True, 0.0)

    Attributes:
        texts: texts that excerpts are taken from.
        kinds: some of `KINDS`.
        count: number of examples.
        seed: seed of places, names and codes.
        characters: length of an excerpt in cells (see `Excerpts`). An excerpt to copy has a quarter of this length.

    Raises:
        DataError: a kind is unknown, there is nothing to ask, or the texts are empty. If an example cannot be made from
            its excerpt, `task[index]` raises DataError.
    """

    texts: Sequence[str]
    kinds: Sequence[str] = KINDS
    count: int
    seed: int = 0
    characters: int = 12_000
    _excerpts: Excerpts = field(init=False, repr=False, compare=False)
    _to_copy: Excerpts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        demand("texts", self.texts, TEXTS)
        demand("kinds", self.kinds, TEXTS)
        demand("count", self.count, WHOLE)
        demand("seed", self.seed, WHOLE)
        demand("characters", self.characters, WHOLE)
        for kind in self.kinds:
            if kind not in KINDS:
                raise DataError(f"task {kind!r} is not known. Use some of {', '.join(KINDS)}.")
        if not self.kinds or self.count < 1:
            raise DataError(f"{self.count} tasks of {len(self.kinds)} kinds ask nothing. Use 1 or more.")
        excerpts = Excerpts(texts=tuple(self.texts), length=self.characters)
        object.__setattr__(self, "_excerpts", excerpts)
        object.__setattr__(self, "_to_copy", replace(excerpts, length=max(100, int(self.characters * _COPIED))))

    @property
    def name(self) -> str:
        """Return the kinds, joined by "+"."""
        return "+".join(self.kinds)

    def __len__(self) -> int:
        """Return the number of examples."""
        return self.count

    def __getitem__(self, index: int) -> Example:
        """Make the example of this index.

        Raises:
            IndexError: there is no such example.
            DataError: the excerpt has no phrase that occurs once, which `quote` needs.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"there is no example {index} among {self.count}.")
        kind = self.kinds[index % len(self.kinds)]
        excerpt = (self._to_copy if kind == TRANSCRIBE else self._excerpts).excerpt(index, self.seed)
        lines = [line for line in excerpt.splitlines() if line.strip()]
        return _MAKERS[kind](lines, random.Random(f"{self.seed}/{kind}/{index}"))

    def __iter__(self) -> Iterator[Example]:
        """Return an iterator over all examples."""
        return (self[index] for index in range(self.count))

    def score(self, example: Example, reply: str) -> Score:
        """Return the score of `reply`; see `score_reply`."""
        return score_reply(example, reply)


def _transcribe(lines: list[str], rng: random.Random) -> Example:
    text = "\n".join(lines)
    question = "Copy all text of the page images, exactly as it stands there, and write nothing else."
    return Example(kind=TRANSCRIBE, context=text, question=question, answers=(text,))


def _needle(lines: list[str], rng: random.Random) -> Example:
    owner, code = _people(rng, 1)[0], _code(rng)
    fact = f"Note: the access code of {owner} is {code}."
    text = _with(lines, [fact], rng)
    question = f"The page images show a text. What is the access code of {owner} in it? Reply with the code alone."
    return Example(kind="needle", context=text, question=question, answers=(code,), evidence=Evidence.of(text, fact))


def _hops(lines: list[str], rng: random.Random) -> Example:
    people, places = _people(rng, 2 * _CHAINS), rng.sample(_PLACES, _CHAINS)
    owners, keepers, lockers = people[:_CHAINS], people[_CHAINS:], [_code(rng, 4) for _ in range(_CHAINS)]
    facts = []
    for owner, locker, place, keeper in zip(owners, lockers, places, keepers, strict=True):
        facts += [
            f"Note: the parcel of {owner} is in locker {locker}.",
            f"Note: locker {locker} stands in {place}.",
            f"Note: the keys in {place} are kept by {keeper}.",
        ]
    chain = facts[:3]
    rng.shuffle(facts)
    question = (
        f"The page images show a text. Who keeps the keys in the town where the parcel of {owners[0]} is? "
        "Reply with the name alone."
    )
    # Each given name and each family name is a decoy of its own, because a list of first names is a list of names too.
    # The person in the question is no decoy: "Ada Brandt keeps them, where Emil Dorn's parcel is" is right.
    decoys = tuple(word for name in owners[1:] + keepers[1:] for word in name.split())
    context = _with(lines, facts, rng)
    return Example(
        kind="hops",
        context=context,
        question=question,
        answers=(keepers[0],),
        decoys=decoys,
        evidence=Evidence.of(context, *chain),
    )


def _quote(lines: list[str], rng: random.Random) -> Example:
    text = "\n".join(lines)
    words = text.split()
    # If spaces do not separate the words, as in Chinese, characters are counted instead.
    spaced = len(words) > len(text) / 20
    units, joint = (words, " ") if spaced else (list("".join(words)), "")
    unit, before, after = ("words", 5, 3) if spaced else ("characters", 8, 6)
    whole = joint.join(units)
    for _ in range(200):
        at = rng.randrange(max(1, len(units) - before - after))
        asked, answer = joint.join(units[at : at + before]), joint.join(units[at + before : at + before + after])
        if answer and whole.count(asked) == 1 and normalized(answer):
            question = (
                f"The page images show a text. Which {after} {unit} follow in it directly after «{asked}»? "
                f"Reply with these {unit} alone."
            )
            place = Evidence.of(text, asked + joint + answer) if spaced else None
            return Example(kind="quote", context=text, question=question, answers=(answer,), evidence=place)
    raise DataError(f"no phrase of {before} {unit} occurs once in an excerpt of the texts. Use other tasks than quote.")


_MAKERS: Final[dict[str, Callable[[list[str], random.Random], Example]]] = {
    TRANSCRIBE: _transcribe,
    "needle": _needle,
    "hops": _hops,
    "quote": _quote,
}


def _people(rng: random.Random, count: int) -> list[str]:
    """Return `count` names of people. No given name and no family name occurs twice."""
    return [" ".join(name) for name in zip(rng.sample(_GIVEN, count), rng.sample(_FAMILY, count), strict=True)]


def _code(rng: random.Random, length: int = 8) -> str:
    return "".join(rng.sample(_CODE, length))


def _with(lines: list[str], facts: list[str], rng: random.Random) -> str:
    """Return the excerpt with each fact on a line of its own, at a random place."""
    found = list(lines)
    for fact in facts:
        found.insert(rng.randint(0, len(found)), fact)
    return "\n".join(found)

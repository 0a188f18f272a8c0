"""The needle map: one fact at a known depth of a text of known length, of six kinds, asked under any θ and as text.

    word        a word that belongs to a person          number    a number of seven digits
    uuid        a UUID                                   code      the value of a constant, in a text of code
    chinese     four ideographs, in a Chinese text       two_hops  a town, by two facts half a text apart

Five other facts of the same form stand in the same text, about other people, at random places. So a reply that names
any fact of this form is not yet right. The text around them comes from the user's files, or is drawn from a seed.
"""

from __future__ import annotations

import hashlib
import random
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final, NamedTuple

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, shown
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn, MadeItems
from glyphrender.evals.profile import filler
from glyphrender.tasks.answers import final_answer
from glyphrender.tasks.evidence import Evidence
from glyphrender.tasks.scoring import commits_to
from glyphrender.tasks.task import Score

__all__ = ["KINDS", "NeedleItems", "load", "needle"]

_PROTOCOL: Final = EvalProtocol(
    name="glyphrender",
    source="glyphrender.evals.needle, version 1",
    sampling={"temperature": 0.0},
    thoughts="all",
    note="Lengths are characters. Depth is that of the first fact; the second fact of two_hops is half a text on.",
)
_DECOYS: Final = 5
# None of the places of `filler`.
_TOWNS: Final = ("Aarhus", "Bilbao", "Cork", "Dresden", "Essen", "Faro", "Genoa", "Hamburg", "Imatra", "Jena")
_WORDS: Final = (
    *("anchor", "basket", "candle", "desert", "engine", "feather", "garden", "hammer", "island", "jacket", "kettle"),
    *("ladder", "mirror", "needle", "orchard", "pencil", "quarry", "ribbon", "saddle", "thimble", "valley", "walnut"),
)
_CHINESE_PEOPLE: Final = ("林安", "周宁", "沈青", "韩立", "顾言", "陆遥", "程溪", "叶舟")
_HAN: Final = "山水云月松竹梅兰雪雨风花石桥灯书茶舟"
_CHINESE_LINES: Final = (
    "{person}把{day}的会改到了下午,因为上午的房间被别人用了。",
    "{day}没有人来问仓库的事,大家都在整理旧的文件。",
    "{person}说这个计划可以再等一等,{other}也同意了。",
    "办公室在{day}关门,所以机器一直没有人看着。",
    "{person}打算在月底以前把已经知道的事情写下来。",
    "从南方来的信{day}才到,{person}读完以后放进了抽屉。",
)
_CHINESE_DAYS: Final = ("周一", "周二", "周三", "周四", "周五")
# A paragraph of more characters is cut after its sentences, so that a needle finds a place near its depth.
_LONG: Final = 400
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。!?])")


class _Needle(NamedTuple):
    """The facts of one item: the needle, a second fact or "", decoys, the question and the answer."""

    facts: tuple[str, ...]
    decoys: tuple[str, ...]
    ask: str
    answer: str
    wrong: tuple[str, ...]


def _simple(rng: random.Random, form: str, ask: str, drawn: Sequence[str]) -> _Needle:
    people = rng.sample(filler.PEOPLE, _DECOYS + 1)
    facts = [form.format(person=person, value=value) for person, value in zip(people, drawn, strict=True)]
    return _Needle((facts[0],), tuple(facts[1:]), ask.format(person=people[0]), drawn[0], tuple(drawn[1:]))


def _word(rng: random.Random) -> _Needle:
    drawn = rng.sample(_WORDS, _DECOYS + 1)
    return _simple(rng, "The secret word of {person} is {value}.", "What is the secret word of {person}?", drawn)


def _number(rng: random.Random) -> _Needle:
    drawn = [str(value) for value in rng.sample(range(1_000_000, 10_000_000), _DECOYS + 1)]
    return _simple(rng, "The magic number of {person} is {value}.", "What is the magic number of {person}?", drawn)


def _uuid(rng: random.Random) -> _Needle:
    drawn = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(_DECOYS + 1)]
    return _simple(rng, "The ticket of {person} is {value}.", "What is the ticket of {person}? Copy it exactly.", drawn)


def _code(rng: random.Random) -> _Needle:
    drawn = [str(value) for value in rng.sample(range(10_000, 100_000), _DECOYS + 1)]
    names = [f"LIMIT_{name.upper()}" for name in rng.sample(filler.THINGS, _DECOYS + 1)]
    facts = [f"{name} = {value}" for name, value in zip(names, drawn, strict=True)]
    ask = f"Which number is assigned to {names[0]}?"
    return _Needle((facts[0],), tuple(facts[1:]), ask, drawn[0], tuple(drawn[1:]))


def _chinese(rng: random.Random) -> _Needle:
    people = rng.sample(_CHINESE_PEOPLE, _DECOYS + 1)
    drawn = ["".join(rng.sample(_HAN, 4)) for _ in range(_DECOYS + 1)]
    facts = [f"{person}的口令是“{value}”。" for person, value in zip(people, drawn, strict=True)]
    ask = f"{people[0]}的口令是什么?只回答口令。"
    return _Needle((facts[0],), tuple(facts[1:]), ask, drawn[0], tuple(drawn[1:]))


def _two_hops(rng: random.Random) -> _Needle:
    count = _DECOYS + 1
    people, towns = rng.sample(filler.PEOPLE, count), rng.sample(_TOWNS, count)
    lockers = [str(value) for value in rng.sample(range(1000, 10_000), count)]
    first = [f"The parcel of {person} is in locker {locker}." for person, locker in zip(people, lockers, strict=True)]
    second = [f"Locker {locker} stands in {town}." for locker, town in zip(lockers, towns, strict=True)]
    ask = f"In which town is the parcel of {people[0]}?"
    return _Needle((first[0], second[0]), (*first[1:], *second[1:]), ask, towns[0], tuple(towns[1:]))


_MAKERS: Final[dict[str, Callable[[random.Random], _Needle]]] = {
    "word": _word,
    "number": _number,
    "uuid": _uuid,
    "code": _code,
    "chinese": _chinese,
    "two_hops": _two_hops,
}

#: The kinds of needles.
KINDS: Final = tuple(_MAKERS)


@dataclass(frozen=True, kw_only=True, slots=True)
class NeedleItems(MadeItems):
    """The items of a needle map, each made when it is asked for, so that long texts are not all in memory.

    Attributes:
        kinds, lengths, depths, repeats, seed: see `needle`.
        texts: texts that haystacks are taken from.
    """

    kinds: tuple[str, ...]
    lengths: tuple[int, ...]
    depths: tuple[int, ...]
    repeats: int
    seed: int
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.kinds) * len(self.lengths) * len(self.depths) * self.repeats

    def make(self, index: int) -> Item:
        """Return an item. The kinds take turns, then depths, then lengths, then repeats."""
        rest, kind = divmod(index, len(self.kinds))
        rest, depth = divmod(rest, len(self.depths))
        repeat, length = divmod(rest, len(self.lengths))
        return self._item(self.kinds[kind], self.lengths[length], self.depths[depth], repeat)

    def _item(self, kind: str, length: int, depth: int, repeat: int) -> Item:
        # The needle and its haystack do not depend on the depth: a column of the map differs in nothing else.
        rng = random.Random(f"needle-1/{self.seed}/{kind}/{length}/{repeat}")
        made = _MAKERS[kind](rng)
        units = self._haystack(kind, length, rng)
        for decoy in made.decoys:
            units.insert(rng.randint(0, len(units)), decoy)
        text = "\n".join(_placed(units, made.facts, depth))
        reply = "" if kind == "chinese" else " Reply with it alone."
        return Item(
            key=f"{kind}-{length}-{depth}-{repeat}",
            task=kind,
            turns=(ItemTurn("user", (Drawable(text), f"\n\n{made.ask}{reply}")),),
            answers=(made.answer,),
            max_tokens=64,
            buckets={"length": f"{length:,}", "depth": f"{depth}%"},
            meta={"decoys": made.wrong, "length": length, "depth": depth},
            evidence=(Evidence.of(text, *made.facts),),
        )

    def _haystack(self, kind: str, length: int, rng: random.Random) -> list[str]:
        """Return lines of about `length` characters together: of the user's texts, or drawn."""
        own = [text for text in self.texts if _is_han(text) == (kind == "chinese")]
        lines = _endless(own[rng.randrange(len(own))], rng) if own else _drawn(kind, rng)
        found: list[str] = []
        size = 0
        for line in lines:
            if size >= length:
                break
            # The last line of the user's text is cut; a drawn one is whole.
            found.append(line[: length - size] if own else line)
            size += len(found[-1]) + 1
        return found


def needle(
    texts: Sequence[str] = (),
    *,
    kinds: Sequence[str] = KINDS,
    lengths: Sequence[int] = (4_000, 16_000, 64_000),
    depths: Sequence[int] = (0, 25, 50, 75, 100),
    repeats: int = 2,
    seed: int = 0,
) -> Benchmark:
    """Return a needle map as a benchmark. It has one item for each kind, length, depth and repeat.

    >>> item = needle(kinds=["number"], lengths=[1000], depths=[50], repeats=1).items[0]
    >>> item.drawables[0].count(item.answers[0]), item.buckets["depth"]
    (1, '50%')

    Args:
        texts: texts that haystacks are taken from, line by line; Chinese ones for the kind "chinese". Without any,
            haystacks are drawn.
        kinds: some of `KINDS`.
        lengths: lengths of the haystacks in characters, from 200 to 10,000,000.
        depths: places of the needle in per cent of the text.
        repeats: number of needles for each kind, length and depth.
        seed: seed of everything that is drawn.

    Raises:
        DataError: a kind is unknown, a number is out of range, or there is nothing to read in a text.
    """
    for name, given in (("texts", texts), ("tasks", kinds), ("lengths", lengths), ("depths", depths)):
        if not isinstance(given, list | tuple):
            raise DataError(f"{name}={shown(given)} is no list. Pass a list.")
    if type(seed) is not int:
        raise DataError(f"seed={shown(seed)} is no whole number. Pass an int.")
    for kind in kinds:
        if kind not in KINDS:
            raise DataError(f"task {shown(kind)} is not known. Use some of: {', '.join(KINDS)}.")
    _check("lengths", lengths, 200, 10_000_000)
    _check("depths", depths, 0, 100)
    _check("repeats", [repeats], 1, 1000)
    if not kinds or len(set(kinds)) < len(kinds):
        raise DataError(f"tasks={shown(list(kinds))} must be some kinds, each once. Use some of: {', '.join(KINDS)}.")
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise DataError("a text for haystacks is empty or no text. Name texts that are not.")
    digest = hashlib.sha256(
        "".join(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts).encode()
    ).hexdigest()
    items = NeedleItems(
        kinds=tuple(kinds),
        lengths=tuple(lengths),
        depths=tuple(depths),
        repeats=repeats,
        seed=seed,
        texts=tuple(texts),
    )
    source = f"sha256:{digest[:16]}" if texts else "drawn"
    return Benchmark(name="needle", revision=f"{source}/seed-{seed}", protocol=_PROTOCOL, items=items, score=_score)


def load(
    data: Sequence[str],
    *,
    tasks: Sequence[str] = (),
    protocol: str = "glyphrender",
    lengths: str = "4000,16000,64000",
    depths: str = "0,25,50,75,100",
    repeats: str = "2",
    seed: str = "0",
) -> Benchmark:
    """Return the needle map of text files; see `needle`. Numbers are texts, separated by commas.

    Raises:
        DataError: a file cannot be read, or a number is none or out of range.
    """
    texts = []
    for path in map(Path, data):
        try:
            texts.append(read_text(path))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise DataError(f"{path} cannot be read ({reason}). Name a text file in UTF-8.", path=path) from error
    return needle(
        texts,
        kinds=tuple(tasks) or KINDS,
        lengths=_numbers("lengths", lengths),
        depths=_numbers("depths", depths),
        repeats=_numbers("repeats", repeats)[0],
        seed=_numbers("seed", seed)[0],
    )


def _numbers(name: str, given: str) -> list[int]:
    try:
        return [int(each) for each in str(given).split(",")]
    except ValueError:
        raise DataError(f"{name}={shown(given)} are no whole numbers. Write {name}=4000,16000.") from None


def _check(name: str, values: Sequence[int], low: int, high: int) -> None:
    for value in values:
        if type(value) is not int or not low <= value <= high:
            raise DataError(f"{name}={shown(value)} is out of range. Use {low:,} to {high:,}.")
    if not values or len(set(values)) < len(values):
        raise DataError(f"{name}={shown(list(values))} must be some numbers, each once. Give one or more.")


def _placed(units: Sequence[str], facts: Sequence[str], depth: int) -> list[str]:
    """Return the lines with the first fact at `depth` per cent of their characters, and others half a text on each."""
    total = sum(map(len, units))
    found: list[tuple[int, str]] = []
    for number, fact in enumerate(facts):
        share = depth if number == 0 else (depth + 50 * number) % 100
        place, passed = 0, 0
        while place < len(units) and passed + len(units[place]) / 2 < share / 100 * total:
            passed += len(units[place])
            place += 1
        found.append((len(units) if share == 100 else place, fact))
    lines = list(units)
    for place, fact in sorted(found, reverse=True):
        lines.insert(place, fact)
    return lines


def _endless(text: str, rng: random.Random) -> Iterator[str]:
    """Yield the lines of a text from a random one on, again and again. Long paragraphs are cut after sentences."""
    lines: list[str] = []
    for line in text.splitlines():
        lines += _SENTENCE_END.split(line) if len(line) > _LONG else [line]
    lines = [line for line in lines if line.strip()]
    at = rng.randrange(len(lines))
    yield from cycle(lines[at:] + lines[:at])


def _drawn(kind: str, rng: random.Random) -> Iterator[str]:
    """Yield lines, sentences or functions without end, in the language of the kind."""
    while True:
        if kind == "code":
            yield filler.code_line(rng, filler.function_names(rng, 1)[0], rng.randint(1000, 9999)).rstrip("\n")
        elif kind == "chinese":
            person, other = rng.sample(_CHINESE_PEOPLE, 2)
            yield rng.choice(_CHINESE_LINES).format(person=person, other=other, day=rng.choice(_CHINESE_DAYS))
        else:
            yield filler.sentence(rng)


def _is_han(text: str) -> bool:
    letters = [character for character in text[:20_000] if character.isalpha()]
    return sum(character >= "\u2e80" for character in letters) > 0.3 * len(letters)


def _score(item: Item, reply: str) -> Score:
    """Score a reply. A UUID counts letter by letter; all else as in `commits_to`, and no decoy may be named."""
    given, answer = final_answer(reply), item.answers[0]
    if item.task == "uuid":
        right = answer in given and not any(decoy in given for decoy in item.meta["decoys"])
        return Score(error=float(not right or len(given) > len(answer) + 120))
    return Score(error=1 - commits_to(given, answer, decoys=item.meta["decoys"]))

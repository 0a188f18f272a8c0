"""Samples of RULER's tasks, made for a length in tokens. Equal arguments give an equal sample.

Each sample has a random generator of its own, seeded by the seed, the task, the length and its number, so any sample
can be made alone. A sample is as long as fits. The search for its size always ends: the size falls until the sample
fits, and if the smallest does not, one error says so. (RULER's scripts catch that case and try again for ever.)
"""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from math import pi
from typing import Final

from glyphrender.errors import DataError
from glyphrender.evals.ruler_sources import RulerSources, sentences, word_lists
from glyphrender.evals.ruler_tasks import FAMILIES, RULER_TASKS, RulerFamily, RulerSample, RulerTask
from glyphrender.models.tokenizers import Tokenizer

__all__ = ["SampleMaker"]

_NOISE: Final = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
_NEEDLE: Final = "One of the special magic {kind} for {key} is: {value}."
# Needles stand at some of these 40 depths, in percent.
_DEPTHS: Final = tuple(round(100 * step / 39) for step in range(40))
# vt: tokens of the solved example. Below 4,096 tokens, cwe repeats its words less often.
_EXAMPLE_TOKENS: Final = 500
_FULL: Final = 4096


@dataclass(frozen=True, kw_only=True)
class SampleMaker:
    """A maker of samples for one tokenizer.

    Attributes:
        sources: essay, questions and words.
        tokenizer: counts tokens.
        seed: seed of all draws.
    """

    sources: RulerSources
    tokenizer: Tokenizer
    seed: int = 42
    _sizes: dict[tuple[str, int], int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def questions(self, task: str, length: int, count: int) -> list[int]:
        """Return the numbers of the first `count` questions whose own documents fit into `length` tokens.

        Raises:
            DataError: there are fewer.
        """
        source = RULER_TASKS[task].settings["source"]
        self.sources.require(task, source)
        found: list[int] = []
        for number, question in enumerate(self.sources.questions[source]):
            if len(found) == count:
                break
            sample = _qa(self, task, number, len(question.documents), random.Random(0))
            if self.tokens(task, sample) <= length:
                found.append(number)
        if len(found) < count:
            raise DataError(
                f"the task {task} has {len(found)} questions whose documents fit into length={length}, and samples="
                f"{count}. Use fewer samples, a longer length, or more questions."
            )
        return found

    def sample(self, task: str, length: int, index: int) -> RulerSample:
        """Return the sample of this number, at most `length` tokens long with its prefix and the longest reply.

        For qa_1 and qa_2, `index` is the number of a question of the source; `questions` finds those that fit.

        Raises:
            DataError: the smallest sample is longer than `length`, or the texts of the task are missing.
        """
        make, least = _made(self, task, length, index)
        size, grown = max(least, self._size(task, length)), False
        while True:
            sample = make(size)
            tokens = self.tokens(task, sample)
            if tokens < 0.98 * length and not grown:  # the words of this sample take fewer tokens than the first one's
                size, grown = max(size, int(0.995 * size * length / tokens)), True
                continue
            if tokens <= length:
                return sample
            if size <= least:
                raise DataError(
                    f"length={length} is too short for the task {task}: its smallest sample has {tokens} tokens. "
                    "Use a longer length, or leave the task out."
                )
            size = max(least, min(size - 1, int(size * length / tokens)))

    def tokens(self, task: str, sample: RulerSample) -> int:
        """Return the tokens of a sample with its prefix, and of the longest reply."""
        family = FAMILIES[RULER_TASKS[task].family]
        return self.tokenizer.count(sample.input + sample.prefix) + family.max_tokens

    def _size(self, task: str, length: int) -> int:
        """Return the size at which the search for every sample of a task begins, whichever is made first."""
        if (task, length) not in self._sizes:
            first = self.questions(task, length, 1)[0] if RULER_TASKS[task].family == "qa" else 0
            self._sizes[task, length] = self._largest(task, length, *_made(self, task, length, first))
        return self._sizes[task, length]

    def _largest(self, task: str, length: int, make: Callable[[int], RulerSample], least: int) -> int:
        """Return the largest size that fits, to half a percent; `least` if none does.

        Tokens grow nearly in proportion to the size, so the line through the two nearest known sizes tells where to
        look next. A step is at least one, and stays between a size that fits and one that does not.
        """
        low, low_tokens = least, self.tokens(task, make(least))
        high, high_tokens = 2 * least, self.tokens(task, make(2 * least))
        while high_tokens <= length:
            slope = (high_tokens - low_tokens) / (high - low)
            further = int((1.02 * length - high_tokens) / slope) if slope > 0 else high
            low, low_tokens, high = high, high_tokens, high + max(1, further)
            high_tokens = self.tokens(task, make(high))
        while high - low > 1 and low_tokens < 0.995 * length:
            share = (length - low_tokens) / (high_tokens - low_tokens) if high_tokens > low_tokens else 0.5
            middle = low + max(1, min(high - low - 1, int((high - low) * share)))
            tokens = self.tokens(task, make(middle))
            if tokens <= length:
                low, low_tokens = middle, tokens
            else:
                high, high_tokens = middle, tokens
        return low


def _made(maker: SampleMaker, task: str, length: int, index: int) -> tuple[Callable[[int], RulerSample], int]:
    """Return the function from a size to the sample of this number, and the smallest size."""
    known = RULER_TASKS[task]

    def drawn() -> random.Random:
        return random.Random(f"{maker.seed}/{task}/{length}/{index}")

    family, settings = FAMILIES[known.family], known.settings
    if known.family.startswith("niah"):
        if settings["haystack"] == "essay":
            maker.sources.require(task, "essay")
        least = 50 if settings["haystack"] == "essay" else settings["keys"] * settings["values"]
        return lambda size: _niah(maker.sources, family, known, size, drawn()), least
    if known.family == "variable_tracking":
        return lambda size: _vt(maker, family, known, size, drawn()), settings["hops"] + 1
    if known.family == "common_words_extraction":
        return lambda size: _cwe(maker.sources, family, known, size, drawn(), full=length >= _FULL), 20
    if known.family == "freq_words_extraction":
        vocabulary = max(10, (length - family.max_tokens) // 50)
        return lambda size: _fwe(family, known, size, drawn(), vocabulary), 100
    maker.sources.require(task, settings["source"])
    least = len(maker.sources.questions[settings["source"]][index].documents)
    return lambda size: _qa(maker, task, index, size, drawn()), least


def _niah(sources: RulerSources, family: RulerFamily, task: RulerTask, size: int, rng: random.Random) -> RulerSample:
    """Return needles in a haystack. `size` is words of the essay, or lines."""
    settings = task.settings
    kind = settings["value"] if family is FAMILIES["niah"] else settings["value"].removesuffix("s")
    # Keys and values are unlike each other, those of the haystack included. RULER's may be equal by chance.
    seen: set[str] = set()
    keys = [_fresh(settings["key"], rng, seen) for _ in range(settings["keys"])]
    values = {key: [_fresh(settings["value"], rng, seen) for _ in range(settings["values"])] for key in keys}
    needles = [_NEEDLE.format(kind=settings["value"], key=key, value=value) for key in keys for value in values[key]]
    rng.shuffle(needles)
    if settings["haystack"] == "essay":
        context = _in_essay(sources.essay_words, needles, size, rng)
    else:
        lines = [_NOISE] * size
        if settings["haystack"] == "needle":
            lines = [
                _NEEDLE.format(
                    kind=settings["value"],
                    key=_fresh(settings["key"], rng, seen),
                    value=_fresh(settings["value"], rng, seen),
                )
                for _ in range(size)
            ]
        for place, needle in zip(sorted(rng.sample(range(size), len(needles)), reverse=True), needles, strict=True):
            lines.insert(place, needle)
        context = "\n".join(lines)
    asked = rng.sample(keys, settings["queries"])
    query = ", ".join(asked[:-1]) + ", and " + asked[-1] if len(asked) > 1 else asked[0]
    return family.filled(context, tuple(value for key in asked for value in values[key]), kind=kind, query=query)


def _in_essay(words: list[str], needles: list[str], size: int, rng: random.Random) -> str:
    """Return the first `size` words of the essay, repeated if need be, with the needles between sentences."""
    repeated = words * (size // len(words) + 1) if size > len(words) else words
    found = sentences(" ".join(repeated[:size]))
    places = sorted(int(len(found) * (depth / 100)) for depth in rng.sample(_DEPTHS, len(needles)))
    parts: list[str] = []
    for before, after, needle in zip([0, *places], [*places, len(found)], [*needles, ""], strict=True):
        parts += [" ".join(found[before:after]), needle]
    return " ".join(parts[:-1])


def _fresh(kind: str, rng: random.Random, seen: set[str]) -> str:
    """Return a number of seven digits, an adjective and a noun, or a UUID, that is not in `seen`."""
    while True:
        if kind == "numbers":
            drawn = str(rng.randint(10**6, 10**7 - 1))
        elif kind == "uuids":
            drawn = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        else:
            adjectives, nouns, _ = word_lists()
            drawn = f"{rng.choice(adjectives)}-{rng.choice(nouns)}"
        if drawn not in seen:
            seen.add(drawn)
            return drawn


def _vt(maker: SampleMaker, family: RulerFamily, task: RulerTask, size: int, rng: random.Random) -> RulerSample:
    """Return a chain of assignments in `size` lines of noise, after a solved example of at most 500 tokens."""
    hops = task.settings["hops"]

    def tracked(lines: int, letters: int, drawn: random.Random) -> RulerSample:
        names: list[str] = []
        while len(names) <= hops:
            name = "".join(drawn.choices(string.ascii_uppercase, k=letters))
            names += [name] * (name not in names)
        value = str(drawn.randrange(10_000, 99_999))
        chain = [f"VAR {names[0]} = {value}"]
        chain += [f"VAR {new} = VAR {old} " for old, new in zip(names, names[1:], strict=False)]
        text = [_NOISE] * lines
        for number, place in enumerate(sorted(drawn.sample(range(lines), len(chain)))):
            text.insert(place + number, chain[number])
        context = "\n".join(text).replace(". \n", ".\n")
        return family.filled(context, tuple(names), query=value, count=hops + 1)

    def example(lines: int) -> str:
        solved = tracked(lines, 3, random.Random(f"{seed}/example"))
        return f"{solved.input}{solved.prefix} {' '.join(solved.answers)}\n\n"

    seed = rng.random()
    lines = hops + 1
    while maker.tokenizer.count(example(lines + 1)) <= _EXAMPLE_TOKENS:
        lines += 1
    sample = tracked(size, 5, rng)
    return RulerSample(
        examples=example(lines),
        head=sample.head,
        context=sample.context,
        tail=sample.tail,
        prefix=sample.prefix,
        answers=sample.answers,
    )


def _cwe(
    sources: RulerSources, family: RulerFamily, task: RulerTask, size: int, rng: random.Random, *, full: bool
) -> RulerSample:
    """Return a numbered list of `size` words, ten of which are common, after a solved example."""
    common = task.settings["answers"]

    def listed(count: int, often: int, seldom: int) -> tuple[str, list[str]]:
        words = _words(sources, count, rng)
        entries = words[:common] * often + words[common:] * seldom
        rng.shuffle(entries)
        return " ".join(f"{number}. {word}" for number, word in enumerate(entries, 1)), words[:common]

    def numbered(words: list[str]) -> str:
        return " ".join(f"{number}. {word}" for number, word in enumerate(words, 1))

    context, answers = listed(*((40, 10, 3) if full else (20, 3, 1)))
    solved = family.filled(context, tuple(answers))
    counts = (task.settings["common"], task.settings["uncommon"]) if full else (6, 1)
    context, answers = listed(size, *counts)
    examples = f"{solved.input}{solved.prefix} {numbered(list(solved.answers))}\n"
    return family.filled(context, tuple(answers), examples=examples)


def _words(sources: RulerSources, count: int, rng: random.Random) -> list[str]:
    """Return `count` words, all different.

    RULER takes a list of 370,000 English words if wonderwords has too few. So does this function if
    `RulerSources.more_words` are given; else it adds pairs of an adjective and a noun.
    """
    adjectives, nouns, verbs = word_lists()
    known = sorted({*adjectives, *nouns, *verbs})
    if count <= len(known):
        return rng.sample(known, count)
    if count <= len(sources.more_words):
        return rng.sample(sources.more_words, count)
    seen = set(known)
    words = known + [_fresh("words", rng, seen) for _ in range(count - len(known))]
    rng.shuffle(words)
    return words


def _fwe(family: RulerFamily, task: RulerTask, size: int, rng: random.Random, vocabulary: int) -> RulerSample:
    """Return some `size` coded words, whose frequencies follow a zeta distribution. The commonest are dots."""
    coded: list[str] = []
    seen: set[str] = set()
    while len(coded) < vocabulary:
        word = "".join(rng.choices(string.ascii_lowercase, k=task.settings["letters"]))
        if word not in seen:
            seen.add(word)
            coded.append(word)
    coded[0] = "..."
    # ζ(2) = π²/6. The exponent is 2 in RULER's one setting of this task.
    total = size / (pi**2 / 6)
    text = [word for rank, word in enumerate(coded, 1) for _ in range(int(total / rank ** task.settings["alpha"]))]
    rng.shuffle(text)
    return family.filled(" ".join(text), tuple(coded[1:4]))


def _qa(maker: SampleMaker, task: str, index: int, size: int, rng: random.Random) -> RulerSample:
    """Return a question among `size` documents: its own, related ones, and others."""
    settings = RULER_TASKS[task].settings
    documents = maker.sources.documents[settings["source"]]
    question = maker.sources.questions[settings["source"]][index]
    own, related = list(question.documents), list(question.related)
    if size >= len(documents):
        chosen = [number % len(documents) for number in range(size)]
    elif size - len(own) > len(related):
        taken = {*own, *related}
        others = [number for number in range(len(documents)) if number not in taken]
        chosen = own + related + rng.sample(others, size - len(own) - len(related))
    else:
        chosen = own + rng.sample(related, size - len(own))
    rng.shuffle(chosen)
    context = "\n\n".join(f"Document {place}:\n{documents[number]}" for place, number in enumerate(chosen, 1))
    return FAMILIES["qa"].filled(context, question.answers, query=question.query)

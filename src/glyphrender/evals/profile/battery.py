"""The battery: nine kinds of short questions about one page, with answers that are known exactly.

    arithmetic    a problem in words, whose numbers stand on the page
    gist          a decision, a number, a file, a person or a setting, with near misses beside it
    state         a setting that changes twice: its last value, its first one, or how many it had
    never_stated  a fact that the page does not give; the right reply is UNKNOWN
    code          the value that one of many functions returns
    exact         an id of 12 hexadecimal digits, or a UUID, from a log
    confusable    a key of letters that small type confuses, such as O 0 I l 1
    order         the step that follows another in a list
    position      the word on a line that is counted from the top or the bottom

The first five kinds are those of pxpipe's evaluation (github.com/teamchong/pxpipe, `eval/` at 3425cc8), whose tests
read many pages through an agent; here a question is one request about one text, so that a ladder of θ is affordable.
Question *i* of a kind depends only on the seed, the length and *i*. So more questions begin with the fewer.

Each question allows the reply UNKNOWN. So a reply is right, or it abstains, or it is wrong without saying so. The last
is what costs an agent its work, and is counted apart.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from glyphrender.errors import DataError, shown
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.evals.profile import filler
from glyphrender.tasks.answers import final_answer
from glyphrender.tasks.scoring import commits_to
from glyphrender.tasks.task import Score

__all__ = ["ABSTAINED", "KINDS", "Verdict", "battery", "verdict"]

#: The reply that a question asks for if the page does not say.
ABSTAINED: Final = "UNKNOWN"
_VERSION: Final = 1
# A reply has its answer and little more. Models that think get more by `thinking_tokens` of the runner.
_MAX_TOKENS: Final = 96
_CONFUSABLE: Final = "0OoQD1lI5S2Z8B6GrnmuvVwW"
_PROTOCOL: Final = EvalProtocol(
    name="reading-profile-1",
    source="glyphrender.evals.profile.battery",
    sampling={"temperature": 0.0},
    thoughts="all",
)
#: What a reply is: right, without an answer, wrong, or not there.
Verdict: TypeAlias = Literal["right", "abstained", "wrong", "missing"]


@dataclass(frozen=True, slots=True)
class _Question:
    """One question: the page, what is asked, the answer, and answers that look right and are wrong."""

    page: str
    ask: str
    answer: str
    decoys: tuple[str, ...] = ()


def _arithmetic(rng: random.Random, characters: int, index: int) -> _Question:
    thing, n = rng.choice(filler.THINGS), [rng.randint(1000, 9999) for _ in range(3)]
    small = [rng.randint(11, 99), rng.randint(11, 99), rng.randint(100, 999)]
    problems = (
        (
            f"The {thing} handled {n[0]} files on Monday, {n[1]} on Tuesday and {n[2]} on Wednesday.",
            f"How many files did the {thing} handle on the three days together?",
            sum(n),
        ),
        (
            f"The {thing} holds {n[0] + 2000} entries. {small[2]} of them expire, and later {small[0]} come in.",
            f"How many entries does the {thing} hold then?",
            n[0] + 2000 - small[2] + small[0],
        ),
        (
            f"The {thing} has {small[0]} shelves with {small[1]} boxes each, and {small[2]} loose boxes.",
            f"How many boxes does the {thing} have in all?",
            small[0] * small[1] + small[2],
        ),
        (
            f"The {thing} has {n[0] + 10_000} seats, and {n[1]} of them are sold.",
            f"How many seats of the {thing} are not sold?",
            n[0] + 10_000 - n[1],
        ),
    )
    fact, ask, answer = problems[index % len(problems)]
    page = filler.with_facts(filler.work_log(rng, characters), [fact], rng)
    return _Question(page, f"{ask} Compute it and reply with the number alone.", str(answer))


def _gist(rng: random.Random, characters: int, index: int) -> _Question:
    thing, other = rng.sample(filler.THINGS, 2)
    a, b = rng.sample(filler.TOOLS, 2)
    x, y = rng.sample(filler.PEOPLE, 2)
    p, q = rng.sample(filler.FILES, 2)
    n, m = rng.sample(range(110, 990, 10), 2)
    flag = f"{rng.choice(filler.FILES)}_{rng.choice(filler.FILES)}_v{rng.randint(2, 9)}"
    facts = (
        (
            f"For the {thing} we compared {a} and {b}. {a} has the better manual, and two of us wanted it. In the end "
            f"we chose {b}, because {a} cannot run without the network.",
            f"Which product was chosen for the {thing}? Reply with its name alone.",
            b,
            (a,),
        ),
        (
            f"The retry budget of the {thing} is {n} ms. Its cache keeps entries for {m} ms.",
            f"What is the retry budget of the {thing}, in ms? Reply with the number alone.",
            str(n),
            (str(m),),
        ),
        (
            f"The error of the {thing} showed in src/{p}.py, and its cause was in src/{q}.py.",
            f"In which file was the cause of the error of the {thing}? Reply with the path alone.",
            f"src/{q}.py",
            (f"src/{p}.py",),
        ),
        (
            f"{x} wrote the patch for the {thing}, and {y} reviewed it. {x} also wrote the one for the {other}.",
            f"Who reviewed the patch for the {thing}? Reply with the name alone.",
            y,
            (x,),
        ),
        (
            f"The flag {flag} is enabled in staging and disabled in production.",
            f"Is the flag {flag} enabled or disabled in production? Reply with that word alone.",
            "disabled",
            ("enabled",),
        ),
    )
    fact, ask, answer, decoys = facts[index % len(facts)]
    return _Question(filler.with_facts(filler.work_log(rng, characters), [fact], rng), ask, answer, decoys)


def _state(rng: random.Random, characters: int, index: int) -> _Question:
    knob = f"{rng.choice(filler.FILES)}_{rng.choice(('window', 'lease', 'delay', 'quota'))}".upper()
    first, second, third = map(str, rng.sample(range(1200, 9900, 300), 3))
    facts = [
        f"We begin with {knob} = {first}.",
        f"The load was too high, so {rng.choice(filler.PEOPLE)} changed {knob} from {first} to {second}.",
        f"After the test of this week we set {knob} to {third} and leave it there.",
    ]
    page = filler.with_facts(filler.work_log(rng, characters), facts, rng)
    asked: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        (f"What is the value of {knob} at the end of the log?", third, (first, second)),
        (f"What was the first value of {knob}?", first, (second, third)),
        (f"How many different values did {knob} have?", "3", ()),
    )
    ask, answer, decoys = asked[index % 3]
    return _Question(page, f"{ask} Reply with the number alone.", answer, decoys)


def _never_stated(rng: random.Random, characters: int, index: int) -> _Question:
    thing, tool = rng.choice(filler.THINGS), rng.choice(filler.TOOLS)
    n = rng.randrange(110, 990, 10)
    x = rng.choice(filler.PEOPLE)
    facts = (
        (f"The cache of the {thing} keeps entries for {n} ms.", f"What is the retry budget of the {thing}, in ms?"),
        (f"{x} wrote the patch for the {thing}.", f"Who reviewed the patch for the {thing}?"),
        (f"For the {thing} we looked at {tool}, among others.", f"Which product was chosen for the {thing}?"),
    )
    fact, ask = facts[index % len(facts)]
    page = filler.with_facts(filler.work_log(rng, characters), [fact], rng)
    return _Question(page, f"{ask} Reply with the answer alone.", ABSTAINED)


def _code(rng: random.Random, characters: int, index: int) -> _Question:
    count = max(4, characters // 190)
    names, values = filler.function_names(rng, count), rng.sample(range(1000, 9999), count)
    page = "\n\n".join(filler.code_line(rng, name, value) for name, value in zip(names, values, strict=True))
    at = rng.randrange(count)
    ask = f"Which number does the function {names[at]} return if its first argument is None? Reply with it alone."
    return _Question(page, ask, str(values[at]))


def _exact(rng: random.Random, characters: int, index: int) -> _Question:
    count = max(4, characters // 95)
    made: list[str] = [
        str(uuid.UUID(int=rng.getrandbits(128), version=4)) if index % 2 else filler.hex_digits(rng, 12)
        for _ in range(count)
    ]
    durations = rng.sample(range(1000, 9999), count)
    page = "\n".join(filler.log_line(rng, ms, name) for ms, name in zip(durations, made, strict=True))
    at = rng.randrange(count)
    ask = f"What is the id of the line whose dur_ms is {durations[at]}? Copy it exactly, and reply with it alone."
    return _Question(page, ask, made[at])


def _confusable(rng: random.Random, characters: int, index: int) -> _Question:
    count = max(4, characters // 40)
    keys = ["".join(rng.choice(_CONFUSABLE) for _ in range(8)) for _ in range(count)]
    numbers = rng.sample(range(100, 1000), min(count, 900))
    lines = [f"Drawer {number} opens with the key {key}." for number, key in zip(numbers, keys, strict=False)]
    at = rng.randrange(len(lines))
    ask = f"Which key opens drawer {numbers[at]}? Copy it exactly, in upper and lower case, and reply with it alone."
    return _Question("\n".join(lines), ask, keys[at])


def _order(rng: random.Random, characters: int, index: int) -> _Question:
    steps = [f"{verb} the {thing}" for verb in ("stop", "check", "clean", "start") for thing in filler.THINGS]
    rng.shuffle(steps)
    at = rng.randrange(len(steps) - 1)
    paragraphs = filler.work_log(rng, max(0, characters - 30 * len(steps)))
    page = filler.with_facts(paragraphs, [f"Next, we {step}." for step in steps], rng)
    form = f"Reply with the step alone, in the form “stop the {filler.THINGS[0]}”."
    ask = f"In this log, which step comes next after “we {steps[at]}”? {form}"
    return _Question(page, ask, steps[at + 1])


def _position(rng: random.Random, characters: int, index: int) -> _Question:
    words = [*filler.THINGS, *map(str.lower, filler.TOOLS), *filler.FILES]
    rng.shuffle(words)
    words = words[: max(8, min(len(words), characters // 40))]
    from_end = index % 2 == 1
    place = rng.randint(1, 5)
    answer = words[-place] if from_end else words[place - 1]
    side = "bottom" if from_end else "top"
    line = f"line {place}, counted from the {side} (the {side}most line is line 1)"
    ask = f"The text has one word on each line. Which word stands on {line}? Reply with the word alone."
    return _Question("\n".join(words), ask, answer)


_MAKERS: Final[dict[str, Callable[[random.Random, int, int], _Question]]] = {
    "arithmetic": _arithmetic,
    "gist": _gist,
    "state": _state,
    "never_stated": _never_stated,
    "code": _code,
    "exact": _exact,
    "confusable": _confusable,
    "order": _order,
    "position": _position,
}

#: The kinds of questions.
KINDS: Final = tuple(_MAKERS)
# Kinds whose answer is copied letter by letter, in upper and lower case.
_COPIED: Final = frozenset({"exact", "confusable"})
_NUMBERS: Final = frozenset({"arithmetic", "code", "state"})


def battery(*, kinds: Sequence[str] = KINDS, questions: int = 10, seed: int = 0, characters: int = 3_000) -> Benchmark:
    """Return the battery as a benchmark: `questions` items of each kind.

    >>> items = battery(kinds=["exact"], questions=2).items
    >>> items[0].task, items[0].answers[0] in items[0].drawables[0]
    ('exact', True)

    Args:
        kinds: some of `KINDS`.
        questions: number of questions of each kind.
        seed: seed of all texts and answers.
        characters: about how long a text is.

    Raises:
        DataError: a kind is unknown, or a number is out of range.
    """
    if not isinstance(kinds, list | tuple):
        raise DataError(f"kinds={shown(kinds)} is no list. Use some of: {', '.join(KINDS)}.")
    if type(seed) is not int:
        raise DataError(f"seed={shown(seed)} is no whole number. Pass an int.")
    for kind in kinds:
        if kind not in KINDS:
            raise DataError(f"kind {shown(kind)} is not known. Use some of: {', '.join(KINDS)}.")
    if not kinds or len(set(kinds)) < len(kinds):
        raise DataError(f"kinds={shown(list(kinds))} must be some kinds, each once. Use some of: {', '.join(KINDS)}.")
    if type(questions) is not int or not 1 <= questions <= 10_000:
        raise DataError(f"questions={shown(questions)} is no count. Use 1 to 10,000.")
    if type(characters) is not int or not 400 <= characters <= 100_000:
        raise DataError(f"characters={shown(characters)} is no length of a page. Use 400 to 100,000.")
    items = tuple(_item(kind, index, seed, characters) for index in range(questions) for kind in kinds)
    return Benchmark(
        name="reading-profile",
        revision=f"battery-{_VERSION}/seed-{seed}/{characters}-characters",
        protocol=_PROTOCOL,
        items=items,
        score=lambda item, reply: Score(error=float(verdict(item, reply) != "right")),
    )


@lru_cache(maxsize=4096)
def _item(kind: str, index: int, seed: int, characters: int) -> Item:
    question = _MAKERS[kind](random.Random(f"{_VERSION}/{seed}/{kind}/{index}/{characters}"), characters, index)
    ask = f"{question.ask} If the text does not say, reply {ABSTAINED}."
    return Item(
        key=f"{kind}-{index}",
        task=kind,
        turns=(ItemTurn("user", (Drawable(question.page), f"\n\n{ask}")),),
        answers=(question.answer,),
        max_tokens=_MAX_TOKENS,
        buckets={"kind": kind},
        meta={"decoys": question.decoys},
    )


def verdict(item: Item, reply: str | None) -> Verdict:
    """Return what the scored text of a reply is. A reply that is None or has no text is "missing".

    Ids and keys are compared letter by letter; quotation marks, code marks and a full stop around them do not count.
    A number is the last number of the reply, without thousands separators. All other answers are right by
    `commits_to`. UNKNOWN is the right reply to `never_stated`, and abstains otherwise.
    """
    if reply is None or not reply.strip():
        return "missing"
    given = final_answer(reply)
    if re.search(rf"\b{ABSTAINED}\b", given, re.IGNORECASE) and len(given) <= 120:
        return "right" if item.answers[0] == ABSTAINED else "abstained"
    if item.answers[0] == ABSTAINED:
        return "wrong"
    answer = item.answers[0]
    if item.task in _COPIED:
        tokens = {token.strip("`'\"“”‘’.,;:*()[]<>") for token in given.split()}
        # A list of ids is no answer: only one token of this form may stand there.
        others = {token for token in tokens if _formed(token, len(answer))} - {answer}
        return "right" if answer in tokens and not others else "wrong"
    if item.task in _NUMBERS:
        numbers = re.findall(r"\d+", re.sub(r"(?<=\d)[,\u202f\u00a0'](?=\d{3}\b)", "", given))
        return "right" if numbers and numbers[-1] == answer else "wrong"
    return "right" if commits_to(given, answer, decoys=item.meta["decoys"]) else "wrong"


def _formed(token: str, length: int) -> bool:
    """Return whether a token looks like an id or a key of this length, and not like a word."""
    letters = token.isalpha() and token in (token.lower(), token.capitalize())
    return len(token) == length and not letters

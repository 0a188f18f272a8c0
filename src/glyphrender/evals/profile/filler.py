"""Text around the questions of the battery: a work log, a log of requests, and a module of code, drawn from a seed.

The texts need no file, are in no training data, and say nothing that a question asks about. Names, things and places
come from short lists, so that a question about one of them has near misses all over the page.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

__all__ = [
    *("FILES", "PEOPLE", "THINGS", "TOOLS", "code_line", "function_names", "hex_digits", "log_line", "sentence"),
    *("with_facts", "work_log"),
]

PEOPLE: Final = ("Ada", "Bela", "Carlo", "Dina", "Emil", "Farah", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Levin")
THINGS: Final = (
    *("importer", "scheduler", "gateway", "indexer", "exporter", "archive", "ledger", "mailer", "parser", "resolver"),
    *("sampler", "tracker", "uploader", "viewer", "watcher", "worker"),
)
TOOLS: Final = (
    "Alder",
    "Birch",
    "Cedar",
    "Dogwood",
    "Elm",
    "Fir",
    "Ginkgo",
    "Hazel",
    "Juniper",
    "Larch",
    "Maple",
    "Oak",
)
FILES: Final = ("queue", "buffer", "session", "router", "config", "cursor", "budget", "filter", "window", "token")
_PLACES: Final = ("Antwerp", "Bergen", "Cadiz", "Dover", "Esbjerg", "Ferrara", "Gdansk", "Izmir", "Kotor", "Lisbon")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_SENTENCES: Final = (
    "{person} moved the meeting about the {thing} to {day}, because the room in {place} was taken.",
    "The {thing} in {place} was slow on {day}, and nobody has found out why yet.",
    "{person} asked whether the {thing} could wait until {day}, and {other} agreed.",
    "There were no complaints from {place} this week, apart from a note about the {thing}.",
    "{person} and {other} read the old notes about the {thing} and threw most of them away.",
    "On {day} the office in {place} was closed, so the {thing} ran without anyone watching.",
    "{person} will write up what we know about the {thing} before the next release.",
    "Somebody from {place} called about the {thing}; {person} took the call.",
)
_VERBS: Final = ("load", "merge", "split", "check", "count", "trim", "pack", "sort", "join", "scan", "probe", "queue")
_NAMES: Final = [f"{verb}_{thing}_{file}" for verb in _VERBS for thing in THINGS for file in FILES]


def sentence(rng: random.Random) -> str:
    """Return one sentence of a work log."""
    person, other = rng.sample(PEOPLE, 2)
    return rng.choice(_SENTENCES).format(
        person=person, other=other, thing=rng.choice(THINGS), place=rng.choice(_PLACES), day=rng.choice(_DAYS)
    )


def work_log(rng: random.Random, characters: int) -> list[str]:
    """Return paragraphs of a work log, about `characters` long together."""
    paragraphs: list[str] = []
    while sum(map(len, paragraphs)) < characters:
        paragraphs.append(" ".join(sentence(rng) for _ in range(rng.randint(3, 5))))
    return paragraphs


def with_facts(paragraphs: Sequence[str], facts: Sequence[str], rng: random.Random) -> str:
    """Return the paragraphs with each fact as a paragraph of its own, in their order, at random places."""
    found = list(paragraphs)
    places = sorted(rng.randint(0, len(found)) for _ in facts)
    for place, fact in zip(reversed(places), reversed(facts), strict=True):
        found.insert(place, fact)
    return "\n".join(found)


def hex_digits(rng: random.Random, length: int) -> str:
    """Return random hexadecimal digits in lower case."""
    return f"{rng.getrandbits(4 * length):0{length}x}"


def log_line(rng: random.Random, duration: int, name: str) -> str:
    """Return one line of a log of requests, with an id that nobody can guess."""
    thing, path = rng.choice(THINGS), rng.choice(FILES)
    return f'{{"service":"{thing}","id":"{name}","dur_ms":{duration},"status":200,"path":"/api/{path}"}}'


def code_line(rng: random.Random, name: str, value: int) -> str:
    """Return a function of Python that returns `value`."""
    argument = rng.choice(FILES)
    verb = rng.choice(_VERBS)
    return (
        f"def {name}({argument}, *, limit={rng.randint(2, 99)}):\n"
        f'    """{verb.capitalize()} the {argument} of the {rng.choice(THINGS)}."""\n'
        f"    if {argument} is None:\n"
        f"        return {value}\n"
        f"    return {verb}({argument}, limit)\n"
    )


def function_names(rng: random.Random, count: int) -> list[str]:
    """Return `count` different names of functions, alike in form."""
    return rng.sample(_NAMES, count)

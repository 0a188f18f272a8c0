"""Tasks with exact answers for a vision-language model: what is asked of pages, and how a reply is scored.

A task is text, a question and the answers that are right; it knows neither θ nor a model, so every θ is asked the same.
Task *i* of a seed depends on nothing but the texts, the seed and *i*: a larger sample begins with the smaller one, and
what was paid for the one is not paid again for the other.

- `transcribe`: copy an excerpt. Its error is the character error rate, at most 1.
- `needle`: a sentence with a random code is put between two lines of an excerpt; name the code.
- `hops`: four chains of three facts each, of one shape, are put in; follow one. Guessing among them is right once in 4.
- `quote`: what follows a phrase of the excerpt that occurs once in it? Nothing is put in.
- `jsonl`: lines of {context, question, answer}, see `read_tasks`.

All but the first are right or wrong: a reply is right if it is one of the answers after `normalised`, or holds one
whole and is at most 120 characters longer, so that "The code is 7GX2." counts and a list of all codes does not. The
names of `hops` are few enough to be listed in less, so there a reply with a name of the other chains is wrong.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Final

from glyphrender.errors import DataError
from glyphrender.ocr.legibility import comparable, edit_distance
from glyphrender.tasks.alignment import Edit, differences
from glyphrender.tasks.excerpts import Excerpts

__all__ = ["KINDS", "Task", "final_answer", "generated", "normalised", "read_tasks"]

# Codes hold the characters that small type confuses: 0 and O, 1 and I, 5 and S, 8 and B, 2 and Z.
_CODE: Final = "0O1I5S8B2ZKHCGQDMNWVEF3467"
_GIVEN: Final = ("Ada", "Bela", "Carlo", "Dina", "Emil", "Farah", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Levin")
_FAMILY: Final = ("Abbot", "Brandt", "Castell", "Dorn", "Eklund", "Farkas", "Groot", "Hale", "Ibsen", "Keller", "Lund")
_PLACES: Final = ("Antwerp", "Bergen", "Cadiz", "Dover", "Esbjerg", "Ferrara", "Gdansk", "Izmir", "Kotor", "Lisbon")
# A copy costs as many tokens as its text, so an excerpt to be copied is a quarter as long as one to be asked about.
_COPIED: Final = 0.25
_LONGER: Final = 120  # characters that a right reply may add to the answer
_CHAINS: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One question about one text.

    Attributes:
        kind: which of `KINDS` made it, or "jsonl".
        context: the text that goes on pages.
        question: the whole instruction that goes with them.
        answers: what is right; for `transcribe` the one text to compare with.
        decoys: words of the context that no right reply holds: it would be naming all that it saw.
    """

    kind: str
    context: str
    question: str
    answers: tuple[str, ...]
    decoys: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all that is asked and what is right."""
        parts = [self.kind, self.context, self.question, *self.answers]
        return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()

    @property
    def max_tokens(self) -> int:
        """Tokens that a reply may have: a quarter more than a token for each character of scripts of few letters.

        A model that thinks aloud needs more: give the evaluator `thinking_tokens`.
        """
        return 64 + int(1.25 * max(len(answer.encode()) for answer in self.answers) / 2)

    def error(self, reply: str) -> float:
        """0 if `reply` is right, 1 if it is wrong; of a transcription, the share of characters to be edited."""
        if self.kind != "transcribe":
            given = final_answer(reply)
            right = any(_holds(given, answer) for answer in self.answers)
            return 0.0 if right and not any(_holds(given, decoy) for decoy in self.decoys) else 1.0
        there = comparable(self.answers[0])
        return min(1.0, edit_distance(there, comparable(_copied(reply))) / max(1, len(there)))

    def edits(self, reply: str) -> list[Edit]:
        """Where `reply` differs from what is right; of a short answer, where it is wrong and about as long."""
        given, right = final_answer(reply), self.answers[0]
        if self.kind == "transcribe":
            return differences(comparable(right), comparable(_copied(reply)))
        if self.error(reply) == 0 or not 0.7 < len(given) / len(right) < 1.5:
            return []
        return differences(comparable(right), comparable(given))


def generated(texts: Sequence[str], kinds: Sequence[str], *, count: int, seed: int, characters: int) -> list[Task]:
    """`count` tasks, the kinds in turn, on excerpts of `characters` cells (see `Excerpts`), a quarter to be copied.

    Raises:
        DataError: a kind is unknown, or the texts have too little to ask about.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise DataError(f"task {kind!r} is not known. Use some of {', '.join(KINDS)}.")
    if not kinds or count < 1:
        raise DataError(f"{count} tasks of {len(kinds)} kinds ask nothing. Use 1 or more.")
    whole = Excerpts(texts=tuple(texts), length=characters)
    copied = replace(whole, length=max(100, int(characters * _COPIED)))
    tasks = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        excerpt = (copied if kind == "transcribe" else whole).excerpt(number, seed)
        lines = [line for line in excerpt.splitlines() if line.strip()]
        tasks.append(_MAKERS[kind](lines, random.Random(f"{seed}/{kind}/{number}")))
    return tasks


def read_tasks(path: str | PathLike[str]) -> list[Task]:
    """Tasks from a JSONL file, one {"context", "question", "answer"} a line; an answer may be a list of right ones.

    Raises:
        DataError: the file cannot be read, or a line (its number is named) is not such an object.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a JSONL file of tasks.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    tasks = [_task(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not tasks:
        raise DataError(f"{path} holds no tasks. Give it lines of " + '{"context", "question", "answer"}.')
    return tasks


def final_answer(reply: str) -> str:
    """What a model commits to: without its thoughts, its box, and what stands before "Answer:"."""
    answer = said = _said(reply)
    if marked := re.search(r"^\W*(?:final )?answer\W*:\s*(.+)\Z", said, re.IGNORECASE | re.DOTALL | re.MULTILINE):
        answer = marked[1]
    return answer.strip()


def _said(reply: str) -> str:
    said = re.split(r"</think(?:ing)?>", reply)[-1]
    box = re.findall(r"<\|begin_of_box\|>(.*?)<\|end_of_box\|>", said, re.DOTALL)
    return box[-1] if box else said


def _copied(reply: str) -> str:
    """A copy as `reply` gives it. A line that begins with "Answer:" may be of the text: nothing before it is lost."""
    said = _said(reply).strip()
    return _unfenced(final_answer(said) if re.match(r"\W*(?:final )?answer\W*:", said, re.IGNORECASE) else said)


def normalised(text: str) -> str:
    """`text` in NFKC, without case, outer punctuation and markup, its white space single spaces."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return folded.strip(" *_`\"'“”‘’«».,;:!?()[]{}<>")


def _holds(reply: str, answer: str) -> bool:
    """Whether `reply` is `answer`, or says little more."""
    said, right = normalised(reply), normalised(answer)
    if said == right or not right:
        return said == right
    if len(said) > len(right) + _LONGER:
        return False
    at = said.find(right)
    while at >= 0:
        end = at + len(right)
        if not (_joined(said[at - 1 : at] + right[0]) or _joined(right[-1] + said[end : end + 1])):
            return True
        at = said.find(right, at + 1)
    return False


def _joined(pair: str) -> bool:
    """Whether two characters side by side are of one word; ideographs stand for themselves."""
    return len(pair) == 2 and all(c.isalnum() and unicodedata.east_asian_width(c) not in "WF" for c in pair)


def _unfenced(text: str) -> str:
    """`text` out of the one code fence around it, which models like to add to what they copy."""
    fenced = re.fullmatch(r"\s*```[^\n]*\n(.*?)\n?```\s*", text, re.DOTALL)
    return fenced[1] if fenced else text


def _transcribe(lines: list[str], rng: random.Random) -> Task:
    text = "\n".join(lines)
    question = "Copy all text of the page images, exactly as it stands there, and write nothing else."
    return Task(kind="transcribe", context=text, question=question, answers=(text,))


def _needle(lines: list[str], rng: random.Random) -> Task:
    owner, code = _people(rng, 1)[0], _code(rng)
    text = _with(lines, [f"Note: the access code of {owner} is {code}."], rng)
    question = f"The page images show a text. What is the access code of {owner} in it? Reply with the code alone."
    return Task(kind="needle", context=text, question=question, answers=(code,))


def _hops(lines: list[str], rng: random.Random) -> Task:
    people, places = _people(rng, 2 * _CHAINS), rng.sample(_PLACES, _CHAINS)
    owners, keepers, lockers = people[:_CHAINS], people[_CHAINS:], [_code(rng, 4) for _ in range(_CHAINS)]
    facts = []
    for owner, locker, place, keeper in zip(owners, lockers, places, keepers, strict=True):
        facts += [
            f"Note: the parcel of {owner} is in locker {locker}.",
            f"Note: locker {locker} stands in {place}.",
            f"Note: the keys in {place} are kept by {keeper}.",
        ]
    rng.shuffle(facts)
    question = (
        f"The page images show a text. Who keeps the keys in the town where the parcel of {owners[0]} is? "
        "Reply with the name alone."
    )
    # Given names and family names apart, since a list of first names is a list of names. The person who is asked about
    # may be named again: "Ada Brandt keeps them, where Emil Dorn's parcel is".
    decoys = tuple(word for name in owners[1:] + keepers[1:] for word in name.split())
    context = _with(lines, facts, rng)
    return Task(kind="hops", context=context, question=question, answers=(keepers[0],), decoys=decoys)


def _quote(lines: list[str], rng: random.Random) -> Task:
    text = "\n".join(lines)
    words = text.split()
    # Where words are not set apart by spaces, ideographs are counted instead.
    spaced = len(words) > len(text) / 20
    units, joint = (words, " ") if spaced else (list("".join(words)), "")
    unit, before, after = ("words", 5, 3) if spaced else ("characters", 8, 6)
    whole = joint.join(units)
    for _ in range(200):
        at = rng.randrange(max(1, len(units) - before - after))
        asked, answer = joint.join(units[at : at + before]), joint.join(units[at + before : at + before + after])
        if answer and whole.count(asked) == 1 and normalised(answer):
            question = (
                f"The page images show a text. Which {after} {unit} follow in it directly after «{asked}»? "
                f"Reply with these {unit} alone."
            )
            return Task(kind="quote", context=text, question=question, answers=(answer,))
    raise DataError(f"no phrase of {before} {unit} occurs once in an excerpt of the texts. Use other tasks than quote.")


_MAKERS: Final = {"transcribe": _transcribe, "needle": _needle, "hops": _hops, "quote": _quote}
KINDS: Final = tuple(_MAKERS)


def _people(rng: random.Random, count: int) -> list[str]:
    """Different people, with different given and family names."""
    return [" ".join(name) for name in zip(rng.sample(_GIVEN, count), rng.sample(_FAMILY, count), strict=True)]


def _code(rng: random.Random, length: int = 8) -> str:
    return "".join(rng.sample(_CODE, length))


def _with(lines: list[str], facts: list[str], rng: random.Random) -> str:
    """The excerpt with each fact on a line of its own, at places all over it."""
    found = list(lines)
    for fact in facts:
        found.insert(rng.randint(0, len(found)), fact)
    return "\n".join(found)


def _task(line: str, place: str) -> Task:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place} is not JSON ({error}). Mend or remove the line.") from error
    if not isinstance(given, dict):
        raise DataError(f"{place} is no object. Give it the keys context, question and answer.")
    for key in ("context", "question"):
        if not isinstance(given.get(key), str) or not given[key].strip():
            raise DataError(f"{place} has no {key} that is text. Give it the keys context, question and answer.")
    answers = given.get("answer")
    answers = answers if isinstance(answers, list) else [answers]
    answers = [str(answer) if type(answer) in (int, float) else answer for answer in answers]
    if not answers or not all(isinstance(answer, str) and normalised(answer) for answer in answers):
        raise DataError(f"{place} has no answer that is text. Give it a string, a number, or a list of them.")
    question = f"The page images show a text. {given['question'].strip()} Reply with the answer alone."
    return Task(kind="jsonl", context=given["context"], question=question, answers=tuple(answers))

"""A task as a value. It has examples, each with a text, a question and the right answers, and scores each reply.

An example knows neither θ nor a model, so every θ and every model is asked the same. A `Task` is any object with
examples and a `score`: generated tasks, a JSONL file, or a benchmark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from glyphrender.ocr.comparison import comparable
from glyphrender.tasks.alignment import Edit, differences
from glyphrender.tasks.answers import copied_text, final_answer
from glyphrender.tasks.evidence import Evidence
from glyphrender.tasks.scoring import character_error_rate, commits_to

__all__ = ["TRANSCRIBE", "Example", "ExampleList", "Score", "Task", "score_reply"]

#: The kind of examples whose reply is a copy of a text. All others are right or wrong.
TRANSCRIBE: Final = "transcribe"


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One question about one text.

    Attributes:
        context: the text that goes on pages.
        question: the whole instruction that goes with the pages.
        answers: the right answers. For a copy, this is the one text to compare with.
        turns: earlier (question, reply) pairs about the same text, in order; usually none.
        kind: name of the kind of example. Results are summed up for each kind.
        decoys: words of the context that no right reply contains. A reply with one of them is wrong.
        meta: other facts about the example, such as an identifier, a category or a depth.
        evidence: where the answer stands in the context; None if that is not known.
    """

    context: str
    question: str
    answers: tuple[str, ...]
    turns: tuple[tuple[str, str], ...] = ()
    kind: str = ""
    decoys: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)
    evidence: Evidence | None = None

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of the kind, the text, earlier turns, the question and the right answers."""
        parts: list[Any] = [self.kind, self.context, self.question, *self.answers]
        if self.turns:
            parts = [parts, self.turns]
        return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()

    @property
    def max_tokens(self) -> int:
        """Return the most tokens of a reply: 64, plus 0.625 for each byte of the longest answer.

        0.625 is a quarter more than one token for every two bytes. A model that thinks aloud needs more tokens.
        """
        return 64 + int(1.25 * max(len(answer.encode("utf-8", "surrogatepass")) for answer in self.answers) / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The score of one reply.

    Attributes:
        error: 0 if the reply is right, 1 if it is wrong. For a graded reply, this is the share that is wrong.
        graded: whether `error` is a share. If not, it is 0 or 1.
        edits: places where the reply differs from the right answer; empty if the two have nothing in common.
    """

    error: float
    graded: bool = False
    edits: tuple[Edit, ...] = ()

    @property
    def value(self) -> float:
        """Return 1 − error: the reward of a right reply is 1."""
        return 1 - self.error


@runtime_checkable
class Task(Protocol):
    """Examples, and a score for a reply to one of them. Equal indices give equal examples."""

    @property
    def name(self) -> str:
        """Return a short name, for results and reports."""

    def __len__(self) -> int:
        """Return the number of examples."""

    def __getitem__(self, index: int, /) -> Example:
        """Return the example of this index.

        Raises:
            IndexError: there is no such example.
        """

    def score(self, example: Example, reply: str) -> Score:
        """Return the score of `reply`, the whole text that a model gave for `example`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleList:
    """A `Task` of given examples, scored by `score_reply`.

    >>> task = ExampleList(name="sums", examples=[Example(context="", question="2 + 2?", answers=("4",))])
    >>> len(task), task.score(task[0], "Answer: 4").error
    (1, 0.0)

    Attributes:
        name: name of the task.
        examples: the examples, in order.
    """

    name: str
    examples: Sequence[Example]

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        """Return the example of this index."""
        return self.examples[index]

    def __iter__(self) -> Iterator[Example]:
        """Return an iterator over the examples."""
        return iter(self.examples)

    def score(self, example: Example, reply: str) -> Score:
        """Return the score of `reply`; see `score_reply`."""
        return score_reply(example, reply)


def score_reply(example: Example, reply: str) -> Score:
    """Score a reply by the kind of `example`.

    A copy (kind "transcribe") is graded by its `character_error_rate`. Any other reply is right if it `commits_to` an
    answer. Thoughts, boxes and code fences do not count (see `glyphrender.tasks.answers`). The edits of a wrong answer
    are listed if its length is 0.7 to 1.5 times that of the right one.

    >>> example = Example(context="", question="Which code?", answers=("7GX2",))
    >>> score_reply(example, "<think>Is it 1111?</think>The code is 7GX2.").error
    0.0
    >>> score_reply(example, "7GXZ").edits
    (Edit(start=3, true='2', read='Z'),)

    Raises:
        DependencyError: rapidfuzz is not installed.
    """
    right = example.answers[0]
    if example.kind == TRANSCRIBE:
        copy = copied_text(reply)
        edits = differences(comparable(right), comparable(copy))
        return Score(error=character_error_rate(copy, right), graded=True, edits=tuple(edits))
    given = final_answer(reply)
    if commits_to(given, example.answers, decoys=example.decoys):
        return Score(error=0.0)
    alike = 0.7 < len(given) / max(1, len(right)) < 1.5
    return Score(error=1.0, edits=tuple(differences(comparable(right), comparable(given))) if alike else ())

"""A reward by a judge: a model, on a server or on this machine, grades a completion against the right answer.

A judge fails in ways that a rule does not: its server is down, or its reply names no grade. A completion without a
grade gets None, and None is no bad grade: `dapo.py` takes the completion out of its group. The judge
counts what it skipped. All completions of a batch wait for the judge, and so do all other processes. So after some
failures in a row the judge is taken to be down, and is not asked again before the next batch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Final, NamedTuple

from glyphrender._system.counts import checked_count
from glyphrender.errors import BudgetSpent, DataError, EndpointError, RequestRefused, shown
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.model import Model
from glyphrender.tasks.answers import final_answer
from glyphrender.train.rewards.functions import column_of, completion_text

__all__ = ["GRADE", "Judge"]

#: The question to the judge. It may name {question}, {answer} and {reply}.
GRADE: Final = (
    "Grade a reply to a question. Compare it with the right answer, and nothing else.\n\n"
    "Question:\n{question}\n\nRight answer:\n{answer}\n\nReply:\n{reply}\n\n"
    "Write one whole number from 0 (wrong) to 10 (right in every part), and nothing else."
)
_NUMBER: Final = re.compile(r"(?<![\w.,-])(\d+(?:\.\d+)?)(?:\s*/\s*10)?(?![\w%/])")
_FIELDS: Final = ("question", "answer", "reply")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """A reward function that asks a model for a grade from 0 to 10, and returns a tenth of it.

    Attributes:
        model: the judge. `EndpointModel(endpoint=Endpoint(…, temperature=0.0))` asks a server; its `timeout`,
            `deadline` and `retries` bound each request.
        prompt: the question to the judge; see `GRADE`.
        column: the column with the right answer. A row with None there is not judged.
        attempts: how often a completion is asked for, if the judge fails or names no grade.
        patience: after this many completions in a row without a reply, the rest of the batch is skipped.
        jobs: how many requests may run at once.
        max_tokens: most tokens of the judge's reply.
        name: the name, in curves.
        counts: what happened so far in this process: "graded", "failed" (no reply), "unreadable" (no grade in the
            reply), and "skipped" (completions that got None).

    Raises:
        DataError: the prompt is malformed or leaves out {reply}, or a number is below 1.
    """

    model: Model
    prompt: str = GRADE
    column: str = "answer"
    attempts: int = 2
    patience: int = 4
    jobs: int = 8
    max_tokens: int = 64
    name: str = "judge"
    counts: Counter[str] = field(default_factory=Counter, compare=False)

    def __post_init__(self) -> None:
        for name in ("attempts", "patience", "jobs", "max_tokens"):
            checked_count(getattr(self, name), name)
        try:
            named = {name for _, name, *_ in Formatter().parse(self.prompt) if name is not None}
        except ValueError as error:
            raise DataError(f"prompt={shown(self.prompt)} is malformed ({error}). Write {{{{ for a brace.") from None
        if "reply" not in named or named - set(_FIELDS):
            raise DataError(
                f"prompt={shown(self.prompt)} must name {{reply}}, and may name {{question}} and {{answer}}."
            )

    @property
    def __name__(self) -> str:
        """The name under which TRL keeps the curve."""
        return self.name

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        prompts: Sequence[Any],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Return a grade from 0 to 1 for each completion, or None where there is none. Equal questions are asked once.

        Raises:
            DataError: the rows have no such column.
            RequestRefused, BudgetSpent: the judge will never grade this, so training must not go on without it.
        """
        answers = column_of(columns, self.column, self.name)
        asked = [
            None if answer is None else self._question(prompt, answer, completion)
            for prompt, answer, completion in zip(prompts, answers, completions, strict=True)
        ]
        distinct = list(dict.fromkeys(question for question in asked if question is not None))
        failures = _Failures(self.patience)
        with ThreadPoolExecutor(min(self.jobs, max(1, len(distinct)))) as pool:
            outcomes = dict(
                zip(distinct, pool.map(lambda question: self._outcome(question, failures), distinct), strict=True)
            )
        for outcome in outcomes.values():
            self.counts["failed"] += outcome.failed
            self.counts["unreadable"] += outcome.unreadable
        grades = {question: outcome.grade for question, outcome in outcomes.items()}
        rewards = [None if question is None else grades[question] for question in asked]
        skipped = sum(question is not None and grades[question] is None for question in asked)
        self.counts["graded"] += sum(reward is not None for reward in rewards)
        self.counts["skipped"] += skipped
        if log_metric is not None:
            log_metric(f"{self.name}/skipped", float(skipped))
        return rewards

    def _question(self, prompt: Any, answer: Any, completion: Any) -> str:
        right = answer if isinstance(answer, str) else "\nor: ".join(map(str, answer))
        return self.prompt.format(question=_asked(prompt), answer=right, reply=completion_text(completion))

    def _outcome(self, question: str, failures: _Failures) -> _Outcome:
        failed = unreadable = 0
        for _ in range(self.attempts):
            if failures.too_many:
                break
            try:
                reply = self.model.complete(Conversation.ask(question), max_tokens=self.max_tokens)
            except (RequestRefused, BudgetSpent):
                raise
            except EndpointError:
                failed += 1
                failures.add()
                continue
            failures.clear()
            found = _NUMBER.findall(final_answer(reply.text))
            if found and float(found[-1]) <= 10:
                return _Outcome(float(found[-1]) / 10, failed, unreadable)
            unreadable += 1
        return _Outcome(None, failed, unreadable)


class _Outcome(NamedTuple):
    """The outcome of one question: the grade, and the numbers of attempts without a reply and without a grade."""

    grade: float | None
    failed: int
    unreadable: int


class _Failures:
    """A count of failures in a row, in one batch."""

    def __init__(self, patience: int) -> None:
        self._patience, self._count = patience, 0

    @property
    def too_many(self) -> bool:
        """Whether the judge is taken to be down."""
        return self._count >= self._patience

    def add(self) -> None:
        """Count one more failure."""
        self._count += 1

    def clear(self) -> None:
        """Start anew, after a reply."""
        self._count = 0


def _asked(prompt: Any) -> str:
    """Return the texts of the last turn of the user; a prompt is a str or a list of messages."""
    if isinstance(prompt, str):
        return prompt
    content = next(message["content"] for message in reversed(prompt) if message["role"] == "user")
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content if part.get("type") == "text")

"""Your own questions about your own texts: JSON lines of {"context", "question", "answer"}, scored as tasks are.

The context may become pages; the question stays text. Lines with the key "task" are grouped by it. The key "evidence"
quotes what the answer follows from, so that the arm `expanded` can say whether the right pages were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from glyphrender.errors import DataError, shown
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.evals.rows import revision_of
from glyphrender.tasks.answers import final_answer
from glyphrender.tasks.jsonl import read_task
from glyphrender.tasks.scoring import commits_to
from glyphrender.tasks.task import Score

__all__ = ["load"]

_PROTOCOL: Final = EvalProtocol(
    name="glyphrender",
    source="glyphrender.tasks.scoring.commits_to: the reply names an answer and at most 120 characters more",
    sampling={"temperature": 0.0},
)


def load(data: Sequence[str], *, tasks: Sequence[str] = (), protocol: str = "glyphrender") -> Benchmark:
    """Return the questions of JSONL files as a benchmark.

    Raises:
        DataError: no file is given, a file cannot be read, a line is malformed, or no line has one of `tasks`.
    """
    if not data:
        raise DataError("no file of questions is given. Name JSON lines of {context, question, answer}.")
    items = []
    for path in data:
        for number, example in enumerate(read_task(path), 1):
            task = example.meta.get("task", Path(path).stem)
            if not isinstance(task, str) or not task:
                raise DataError(f"{path}: question {number}: task={shown(task)} is no name. Give it a text.", path=path)
            if tasks and task not in tasks:
                continue
            items.append(
                Item(
                    key=f"{Path(path).name}:{number}",
                    task=task,
                    turns=(ItemTurn("user", (Drawable(example.context), f"\n\n{example.question}")),),
                    answers=example.answers,
                    max_tokens=example.max_tokens,
                    buckets={"length": _length(len(example.context))},
                    evidence=() if example.evidence is None else (example.evidence,),
                )
            )
    return Benchmark(name="questions", revision=revision_of(data), protocol=_PROTOCOL, items=items, score=_score)


def _score(item: Item, reply: str) -> Score:
    return Score(error=1 - commits_to(final_answer(reply), item.answers))


def _length(characters: int) -> str:
    """Return the bucket of a text by its length: powers of two of a thousand characters."""
    low, high = 0, 1
    while characters >= high * 1000:
        low, high = high, high * 2
    return f"{low}-{high}K characters"

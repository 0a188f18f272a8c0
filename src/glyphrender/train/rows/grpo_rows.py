"""Questions about texts → prompts for TRL's `GRPOTrainer`, with pages that are rendered as rows are read.

A row of a prompt has a context, which the model sees as pages, a question, and right answers. `read_prompts` takes such
rows from JSONL files, and `task_prompts` from a `Task`, so that training asks what evaluation asks. `prompt_dataset`
makes the dataset: the columns that rewards need stay, and nothing of the answer is in the prompt.

TRL reads each row once for each completion, and reads a whole batch again for each micro-batch that it is cut into,
although only the first reading counts. `PromptRows` renders the pages once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from os import PathLike
from pathlib import Path
from typing import Any, Final

from glyphrender._system.regular_file import read_text
from glyphrender.adapters.data import PagesTransform, train_extra
from glyphrender.adapters.rows import Row, document_of, text_of
from glyphrender.adapters.sft import Prompts
from glyphrender.adapters.theta_sources import Sampled, ThetaSource
from glyphrender.document.layout import layout
from glyphrender.errors import DataError, shown
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.rich.rich_text import RichText, source_of
from glyphrender.tasks.task import Task
from glyphrender.theta import ThetaLike
from glyphrender.train.rows.documents import split_of

__all__ = ["PromptRows", "prompt_dataset", "read_prompts", "task_prompts", "without_held_out"]

_NEEDED: Final = ("context", "question", "answer")
#: Columns that every prompt has; see `TaskReward`.
_KEPT: Final = ("answer", "kind", "decoys")


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptRows:
    """A function from rows with a context and a question to rows that TRL's `GRPOTrainer` takes.

    Attributes:
        pages: how the context becomes pages; its `text` is one column.
        prompt: the message of the user; see `Prompts`. {context} stands for the pages.
        system: the system message; "" for none.
        keep: columns that stay, for reward functions.
        ratio: a vision model or its name. If it is given, a column "ratio" has ρ of the context for this model, which
            `CompressionReward` needs.

    Raises:
        DataError: see `Prompts`; or `pages` has several text columns.
    """

    pages: PagesTransform = field(default_factory=lambda: PagesTransform(text="context"))
    prompt: str = "{context}{question}"
    system: str = ""
    keep: tuple[str, ...] = _KEPT
    ratio: str | VisionModel | None = None
    _prompts: Prompts = field(init=False, repr=False, compare=False)
    _last: _Last = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.pages.columns) != 1:
            raise DataError(f"text={self.pages.columns} are several columns. Name the one column of the context.")
        if self.ratio is not None:
            vision_model(self.ratio)
        prompts = Prompts(
            pages=self.pages, prompt=self.prompt, system=self.system, completion="", kind="prompt", keep=self.keep
        )
        object.__setattr__(self, "_prompts", prompts)
        object.__setattr__(self, "_last", _Last())

    def __call__(self, rows: Row) -> dict[str, Any]:
        """Return the row, or batch of rows: "images", "prompt", and the columns of `keep`.

        Raises:
            DataError: a column is missing, or a text is not str.
            ThetaError: θ of a row is not valid. All errors name the row.
        """
        if not isinstance(rows.get(self.pages.columns[0]), list):
            return {name: values[0] for name, values in self._batch({name: [rows[name]] for name in rows}).items()}
        before = self._last.done
        if before is None or self._last.rows != rows or self._last.epoch != self.pages.epoch:
            before = self._batch(rows)
            self._last.keep(dict(rows), self.pages.epoch, before)
        return {name: list(values) for name, values in before.items()}

    def _batch(self, rows: Row) -> dict[str, Any]:
        """Return a batch; rows that are equal to the row before are rendered once."""
        count = len(next(iter(rows.values()))) if rows else 0
        listed = [{name: rows[name][place] for name in rows} for place in range(count)]
        is_new = [not place or listed[place] != listed[place - 1] for place in range(count)]
        new = [place for place in range(count) if is_new[place]]
        once = {name: [rows[name][place] for place in new] for name in rows}
        done = self._prompts(once)
        if self.ratio is not None:
            done["ratio"] = [self._ratio(listed[place], self.ratio) for place in new]
        source = [number - 1 for number in accumulate(is_new)]
        return {name: [values[index] for index in source] for name, values in done.items()}

    def _ratio(self, row: Row, model: str | VisionModel) -> float:
        text = document_of(row, self.pages.columns[0])
        theta = self.pages.theta_of(row, [source_of(text)])
        return float(compression_ratio(text, theta=theta, model=model, over_limit="ignore").rho)


class _Last:
    """The rows of the last call, and what came of them. A copy, or the same in another process, begins empty."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] | None = None
        self.done: dict[str, Any] | None = None
        self.epoch = 0

    def keep(self, rows: dict[str, Any], epoch: int, done: dict[str, Any]) -> None:
        """Remember a call."""
        self.rows, self.epoch, self.done = rows, epoch, done

    def __reduce__(self) -> tuple[Any, ...]:
        return _Last, ()


def read_prompts(paths: Iterable[str | PathLike[str]]) -> list[dict[str, Any]]:
    """Read prompts from JSONL files: one {"context", "question", "answer"} a line.

    "answer" is a string, a number, or a list of them, each of which is right; null where only other rewards apply.
    "kind" and "decoys" serve `TaskReward`. Other keys become columns, with None where a line has no such key. Questions
    are taken as they are.

    Raises:
        DataError: a file cannot be read, a line is no such object, or there are no lines. The message names the line.
    """
    rows = [row for path in paths for row in _rows_of(Path(path))]
    if not rows:
        raise DataError("there are no prompts. Name JSONL files with lines of " + '{"context", "question", "answer"}.')
    return rows


def task_prompts(task: Task, *, instruction: str = "") -> list[dict[str, Any]]:
    """Return the examples of a task as rows, in order. `TaskReward` scores them as the task does.

    Args:
        task: the task.
        instruction: text after each question, such as the form of the reply.
    """
    return [
        {
            "context": example.context,
            "question": example.question + instruction,
            "answer": list(example.answers),
            "kind": example.kind,
            "decoys": list(example.decoys),
        }
        for example in map(task.__getitem__, range(len(task)))
    ]


def without_held_out(
    rows: Sequence[Mapping[str, Any]], share: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows for training, and the rows that only evaluation sees. No context is in both; see `split_of`.

    Args:
        rows: rows with a context.
        share: share of the contexts that are held out.

    Raises:
        DataError: a row has no context, or its context is no text.
    """
    sides: dict[str, list[dict[str, Any]]] = {"train": [], "held out": []}
    shares = {"train": 1 - share, "held out": share}
    for row in rows:
        side = split_of(source_of(document_of(row, "context")), shares)
        sides[side].append(dict(row))
    return sides["train"], sides["held out"]


def prompt_dataset(
    rows: Iterable[Mapping[str, Any]],
    *,
    theta: ThetaLike | ThetaSource = None,
    prompt: str = "{context}{question}",
    system: str = "",
    ratio: str | VisionModel | None = None,
    seed: int = 0,
    vision: str | VisionModel = "",
    max_visual_tokens: int | None = None,
    count_text: Callable[[str], int] = len,
    max_text_tokens: int | None = None,
    over: str = "drop",
) -> tuple[Any, PromptRows, Counter[str]]:
    """Return the dataset for `GRPOTrainer`, its transform, and counts: "prompts", "dropped", "visual" (tokens).

    Args:
        rows: rows with "context", "question" and "answer"; see `read_prompts`. All other columns are kept for rewards.
        theta: θ of all pages, or a `ThetaSource`; None draws θ from the paper's distributions, anew in each epoch.
        prompt: the message of the user; see `Prompts`.
        system: the system message; "" for none.
        ratio: see `PromptRows`.
        seed: seed of θ.
        vision: the vision model that counts tokens.
        max_visual_tokens: most tokens of the pages of a prompt, for `vision`; None means no limit. θ that is drawn is
            counted as drawn in the first epoch.
        count_text: function from a question to its number of tokens.
        max_text_tokens: most tokens of a question; None means no limit.
        over: what happens to prompts that cost more: "drop" or "error". They are not split, because the answer may be
            in any part.

    Raises:
        DataError: there are no rows, or none is left; a row costs too much and `over` is "error"; a column is missing.
        DependencyError: datasets is not installed.
    """
    if over not in ("drop", "error"):
        raise DataError(f"over={shown(over)} is unknown. Prompts are not split. Use drop or error.")
    pages = PagesTransform(text="context", theta=Sampled() if theta is None else theta, seed=seed)
    listed = [{"kind": "", "decoys": [], **row} for row in rows]
    if not listed:
        raise DataError("there are no prompts. Give rows with context, question and answer.")
    names = list(dict.fromkeys(name for row in listed for name in row))
    rich = [place for place, row in enumerate(listed) if isinstance(row.get("context"), RichText)]
    if rich:
        raise DataError(
            f"context of row {rich[0]} is a RichText, which no column of a datasets.Dataset holds. Give its source "
            "and name its markup in θ, or call PromptRows with such rows."
        )
    datasets = train_extra("datasets")
    if missing := [name for name in _NEEDED if name not in names]:
        raise DataError(f"the prompts have no column {missing[0]!r}. Give context, question and answer.")
    counts: Counter[str] = Counter(prompts=0, dropped=0, visual=0)
    kept = []
    for place, row in enumerate(listed):
        visual = _visual_tokens(row, pages, vision) if max_visual_tokens is not None else 0
        text = count_text(text_of(row, "question")) if max_text_tokens is not None else 0
        if visual > (max_visual_tokens or 0) or text > (max_text_tokens or 0):
            if over == "error":
                raise DataError(
                    f"row {place} costs {visual} visual tokens and {text} of text; the budgets are "
                    f"{max_visual_tokens} and {max_text_tokens}. Shorten it, choose a denser θ, or drop such rows."
                )
            counts["dropped"] += 1
            continue
        kept.append({name: row.get(name) for name in names})
        counts["visual"] += visual
    counts["prompts"] = len(kept)
    if not kept:
        raise DataError(
            f"no prompt is left: {counts['dropped']} cost more than max_visual_tokens={max_visual_tokens} or "
            f"max_text_tokens={max_text_tokens}. Raise them."
        )
    extra = tuple(name for name in names if name not in ("context", "question"))
    transform = PromptRows(pages=pages, prompt=prompt, system=system, keep=extra, ratio=ratio)
    return datasets.Dataset.from_list(kept).with_transform(transform), transform, counts


def _visual_tokens(row: Row, pages: PagesTransform, vision: str | VisionModel) -> int:
    model = vision_model(vision)
    text = document_of(row, "context")
    return sum(model.image(*page.size).tokens for page in layout(text, pages.theta_of(row, [source_of(text)])))


def _rows_of(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = read_text(path, encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a JSONL file of prompts.", path=path) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.", path=path) from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _checked(line)
            except DataError as error:
                error = error.with_context(f"{path}:{number}")
                error.path = str(path)
                raise error from None


def _checked(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not JSON ({error}). Correct or remove the line.") from None
    if not isinstance(row, dict):
        raise DataError("this is no object. Give it the keys context, question and answer.")
    for name in ("context", "question"):
        if not isinstance(row.get(name), str) or (name == "context" and not row[name].strip()):
            raise DataError(f"{name} is {shown(row.get(name))}. Give it a text.")
    if "answer" not in row:
        raise DataError("there is no answer. Give a text, a number, or a list of them; or null.")
    answers = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
    answers = [str(each) if type(each) in (int, float) else each for each in answers]
    if answers != [None] and (not answers or not all(isinstance(each, str) and each.strip() for each in answers)):
        raise DataError(f"answer is {shown(row['answer'])}. Give a text, a number, or a list of them; or null.")
    return {**row, "answer": None if answers == [None] else answers}

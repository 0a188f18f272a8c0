"""Tasks from a JSONL file: one {"context", "question", "answer"} a line."""

from __future__ import annotations

import json
from math import isfinite
from os import PathLike
from typing import Final

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError
from glyphrender.tasks.evidence import Evidence
from glyphrender.tasks.scoring import normalized
from glyphrender.tasks.task import Example, ExampleList

__all__ = ["read_task"]

_KEYS: Final = "Give it the keys context, question and answer."


def read_task(path: str | PathLike[str]) -> ExampleList:
    """Read a task from a JSONL file. Each line is an object with the keys "context", "question" and "answer".

    "answer" is a string, a number, or a list of strings and numbers, each of which is a right answer. "evidence", if it
    is there, is a list of quotes of the context that the answer follows from. Other keys of a line become the
    example's `meta`. The question gets two more sentences: the page images show a text, and the reply
    must be the answer alone.

    Raises:
        DataError: the file cannot be read, or a line is no such object. The message names the line.
    """
    try:
        lines = read_text(path, encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a JSONL file of tasks.", path=path) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.", path=path) from error
    examples = [_example(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not examples:
        raise DataError(f"{path} holds no tasks. Give it lines of " + '{"context", "question", "answer"}.', path=path)
    return ExampleList(name="jsonl", examples=examples)


def _example(line: str, place: str) -> Example:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place} is not JSON ({error}). Correct or remove the line.") from error
    if not isinstance(given, dict):
        raise DataError(f"{place} is no object. {_KEYS}")
    for key in ("context", "question"):
        if not isinstance(given.get(key), str) or not given[key].strip():
            raise DataError(f"{place} has no {key} that is text. {_KEYS}")
    answers = given.get("answer")
    answers = answers if isinstance(answers, list) else [answers]
    answers = [str(each) if type(each) is int or (type(each) is float and isfinite(each)) else each for each in answers]
    if not answers or not all(isinstance(answer, str) and normalized(answer) for answer in answers):
        raise DataError(f"{place} has no answer that is text. Give it a string, a number, or a list of them.")
    quotes = given.pop("evidence", None)
    quotes = [quotes] if isinstance(quotes, str) else quotes
    if quotes is not None and not (isinstance(quotes, list) and all(isinstance(each, str) for each in quotes)):
        raise DataError(f"{place}: evidence is no list of texts. Quote the context, or leave the key out.")
    try:
        evidence = Evidence.of(given["context"], *quotes) if quotes else None
    except DataError as error:
        raise error.with_context(place) from error
    return Example(
        evidence=evidence,
        kind="jsonl",
        context=given["context"],
        question=f"The page images show a text. {given['question'].strip()} Reply with the answer alone.",
        answers=tuple(answers),
        meta={key: value for key, value in given.items() if key not in ("context", "question", "answer")},
    )

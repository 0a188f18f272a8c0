"""LongBench v2: 503 questions with four choices about texts of up to 2 million words.

A question is asked at once, or as a chain of thought. The chain takes two requests: one asks the model to think, and
one shows its thoughts without the text and asks for the letter. Source: THUDM/LongBench, pred.py, result.py and
prompts/, at 2e00731.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.evals.item import (
    Benchmark,
    Drawable,
    EvalProtocol,
    FollowUp,
    Item,
    ItemTurn,
    ScoredReply,
    no_follow_up,
)
from glyphrender.evals.loading import checked_arguments, rows_of
from glyphrender.evals.rows import Row
from glyphrender.tasks.task import Score

__all__ = ["MODES", "PROTOCOLS", "TASKS", "extract_answer", "load"]

#: How a question is asked.
MODES: Final = ("direct", "chain-of-thought", "no-context")
#: The domains of the questions, which are the tasks of this benchmark.
TASKS: Final = (
    "Single-Document QA",
    "Multi-Document QA",
    "Long In-context Learning",
    "Long-dialogue History Understanding",
    "Code Repository Understanding",
    "Long Structured Data Understanding",
)
_DIRECT_TOKENS: Final = 128
_CHAIN_TOKENS: Final = 1024
_CHOICES: Final = ("A", "B", "C", "D")
_TEMPLATES: Final = {"direct": "0shot", "chain-of-thought": "0shot_cot", "no-context": "0shot_no_context"}

PROTOCOLS: Final[Mapping[str, EvalProtocol]] = {
    protocol.name: protocol
    for protocol in (
        EvalProtocol(
            name="official",
            source="THUDM/LongBench@2e00731: pred.py, result.py, prompts/",
            sampling={"temperature": 0.1},
            thoughts="kept",
            note="An empty reply counts as wrong; the script leaves the question out. A prompt that is too long for "
            "the model is not cut in the middle: it counts as wrong. An answer that is not found is worth 0, not 0.25 "
            "(`compensated` of result.py is off there too).",
        ),
        EvalProtocol(
            name="thinking",
            source="as official, for models that think; not of the authors",
            sampling={"temperature": 0.1, "max_tokens": 8192},
            thoughts="all",
            note="Prompts and the extraction of the letter are official. Thoughts are cut, also those that do not end.",
        ),
    )
}


def load(
    data: Sequence[str],
    *,
    tasks: Sequence[str] = (),
    protocol: str = "official",
    mode: str = "direct",
    revision: str = "",
) -> Benchmark:
    """Return LongBench v2.

    Args:
        data: files in the official format (data.json, JSON lines or parquet), a folder with such files, or the data set
            of the hub: "THUDM/LongBench-v2".
        tasks: domains, see `TASKS`; all if empty.
        protocol: one of `PROTOCOLS`.
        mode: one of `MODES`. "no-context" asks without the text, and shows what the model knows by heart.
        revision: commit of a data set of the hub; the newest if empty.

    Raises:
        DataError: the data cannot be read, a row is malformed (the message names file and line), or an argument is not
            known.
        DependencyError: a package that reads the data is not installed.
    """
    data, tasks = checked_arguments(data, tasks, protocol=protocol, mode=mode, revision=revision)
    if protocol not in PROTOCOLS:
        raise DataError(f"protocol={shown(protocol)} is none of LongBench v2. Use one of: {', '.join(PROTOCOLS)}.")
    if mode not in MODES:
        raise DataError(f"mode={shown(mode)} is not known. Use one of: {', '.join(MODES)}.")
    for task in tasks:
        if task not in TASKS:
            raise DataError(f"task {shown(task)} is no domain of LongBench v2. Use one of: {', '.join(TASKS)}.")
    rows, version = rows_of(data, split="train", revision=revision or None)
    items = [_item(row, mode) for row in rows if not tasks or row.text("domain") in tasks]
    if len({item.key for item in items}) < len(items):
        twice = Counter(item.key for item in items).most_common(1)[0][0]
        raise DataError(f"_id {shown(twice)} stands in the data twice. Name each file once.")
    if not items:
        raise DataError(f"the data have no rows of {', '.join(tasks) or 'any domain'}. Name other data.")
    return Benchmark(
        name="longbench-v2" + {"direct": "", "chain-of-thought": "-cot", "no-context": "-no-context"}[mode],
        revision=version,
        protocol=PROTOCOLS[protocol],
        items=items,
        score=_score,
        follow_up=_ask_for_the_letter if mode == "chain-of-thought" else no_follow_up,
        summary=_summary,
    )


def extract_answer(reply: str) -> str | None:
    """Return the letter that a reply commits to, or None.

    The letter must follow "The correct answer is", in brackets or bare. Asterisks do not count. A bare letter is taken
    even if it begins a word, as in "The correct answer is Common law".

    >>> extract_answer("**The correct answer is (B)**"), extract_answer("(B)")
    ('B', None)
    """
    plain = reply.replace("*", "")
    found = re.search(r"The correct answer is \(([A-D])\)", plain) or re.search(r"The correct answer is ([A-D])", plain)
    return found[1] if found else None


def _score(item: Item, reply: str) -> Score:
    return Score(error=float(extract_answer(reply.strip()) != item.answers[0]))


def _ask_for_the_letter(item: Item, reply: str) -> FollowUp | None:
    """Return the second request: the question and the thoughts, without the text."""
    thoughts = reply.strip()
    prompt = _filled(_templates()["0shot_cot_ans"], item.meta["row"]).replace("$COT$", thoughts)
    return FollowUp(turns=(ItemTurn("user", (prompt,)),), max_tokens=_DIRECT_TOKENS)


def _summary(scored: Sequence[ScoredReply]) -> dict[str, float]:
    """Return the accuracy over all questions, and over those of each difficulty and length, as result.py does."""
    values: dict[str, list[float]] = {}
    for each in scored:
        value = each.score.value if each.reply is not None else 0.0
        for name in ("overall", each.item.buckets["difficulty"], each.item.buckets["length"]):
            values.setdefault(name, []).append(value)
    order = ("overall", "easy", "hard", "short", "medium", "long")
    return {name: sum(values[name]) / len(values[name]) for name in order if name in values}


@cache
def _templates() -> dict[str, str]:
    data = (files("glyphrender.evals") / "prompts" / "longbench2.json").read_text(encoding="utf-8")
    read: dict[str, str] = json.loads(data)["prompts"]
    return read


def _item(row: Row, mode: str) -> Item:
    answer = row.text("answer")
    if answer not in _CHOICES:
        raise row.fault(f"answer is {shown(answer)} and none of {', '.join(_CHOICES)}")
    fields: dict[str, Any] = {name: row.text(name).strip() for name in ("question", *(f"choice_{c}" for c in _CHOICES))}
    template = _templates()[_TEMPLATES[mode]]
    before, drawn, after = template.partition("$DOC$")
    parts = (before, Drawable(row.text("context").strip()), _filled(after, fields)) if drawn else ()
    return Item(
        key=row.text("_id"),
        task=row.text("domain"),
        turns=(ItemTurn("user", parts or (_filled(template, fields),)),),
        answers=(answer,),
        max_tokens=_CHAIN_TOKENS if mode == "chain-of-thought" else _DIRECT_TOKENS,
        buckets={
            "difficulty": row.text("difficulty"),
            "length": row.text("length"),
            "sub_domain": row.text("sub_domain"),
        },
        meta={"row": fields},
    )


def _filled(template: str, fields: Mapping[str, str]) -> str:
    """Return a template with the question and the choices, in the order in which the script puts them in."""
    filled = template.replace("$Q$", fields["question"])
    for choice in _CHOICES:
        filled = filled.replace(f"$C_{choice}$", fields[f"choice_{choice}"])
    return filled

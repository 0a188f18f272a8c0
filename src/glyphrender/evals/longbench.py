"""LongBench v1: 21 sets of questions, summaries, few-shot examples, retrieval and code, in English and Chinese.

A row has a context, an input (the question), the right answers, a length and, in two sets, all classes. The context may
be drawn; the rest of the prompt stays text. Source: THUDM/LongBench, folder LongBench, at 2e00731. `clear_prediction`
and the prompts of `glyph@61afa7f` follow evaluation/longbench of thu-coai/Glyph.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, shown
from glyphrender.evals import metrics
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemPart, ItemTurn, ScoredReply
from glyphrender.evals.loading import checked_arguments, files_of
from glyphrender.evals.rouge import rouge_l, rouge_l_zh
from glyphrender.evals.rows import Row, hub_rows, read_rows, revision_of
from glyphrender.tasks.task import Score

__all__ = ["EXTENDED_TASKS", "METRICS", "PROTOCOLS", "TASKS", "clear_prediction", "load", "scored_line"]

#: (scored text, right answer, all classes) → score.
Metric: TypeAlias = Callable[[str, str, Sequence[str]], float]


def _of_two(metric: Callable[[str, str], float]) -> Metric:
    return lambda prediction, truth, classes: metric(prediction, truth)


# Set → its category, as Glyph's tables and LongBench's README name them, and its metric.
_SETS: Final[dict[str, tuple[str, Metric]]] = {
    "narrativeqa": ("single-document QA", _of_two(metrics.qa_f1)),
    "qasper": ("single-document QA", _of_two(metrics.qa_f1)),
    "multifieldqa_en": ("single-document QA", _of_two(metrics.qa_f1)),
    "multifieldqa_zh": ("single-document QA", _of_two(metrics.qa_f1_zh)),
    "hotpotqa": ("multi-document QA", _of_two(metrics.qa_f1)),
    "2wikimqa": ("multi-document QA", _of_two(metrics.qa_f1)),
    "musique": ("multi-document QA", _of_two(metrics.qa_f1)),
    "dureader": ("multi-document QA", _of_two(rouge_l_zh)),
    "gov_report": ("summarization", _of_two(rouge_l)),
    "qmsum": ("summarization", _of_two(rouge_l)),
    "multi_news": ("summarization", _of_two(rouge_l)),
    "vcsum": ("summarization", _of_two(rouge_l_zh)),
    "trec": ("few-shot", metrics.classification),
    "triviaqa": ("few-shot", _of_two(metrics.qa_f1)),
    "samsum": ("few-shot", _of_two(rouge_l)),
    "lsht": ("few-shot", metrics.classification),
    "passage_count": ("synthetic", _of_two(metrics.count_match)),
    "passage_retrieval_en": ("synthetic", _of_two(metrics.paragraph_match)),
    "passage_retrieval_zh": ("synthetic", _of_two(metrics.paragraph_match)),
    "lcc": ("code", _of_two(metrics.code_similarity)),
    "repobench-p": ("code", _of_two(metrics.code_similarity)),
}
#: The sets of LongBench.
TASKS: Final = tuple(_SETS)
#: The sets of LongBench-E, whose items are spread evenly over three lengths.
EXTENDED_TASKS: Final = (
    *("qasper", "multifieldqa_en", "hotpotqa", "2wikimqa", "gov_report", "multi_news", "trec", "triviaqa", "samsum"),
    *("passage_count", "passage_retrieval_en", "lcc", "repobench-p"),
)
#: The metric of each set.
METRICS: Final[Mapping[str, Metric]] = {task: metric for task, (_, metric) in _SETS.items()}

_FIRST_LINE: Final = ("trec", "triviaqa", "samsum", "lsht")
_PARAGRAPHS: Final = ("passage_retrieval_en", "passage_retrieval_zh")
_GLYPH_NAME: Final = "glyph@61afa7f"
# evaluation/longbench/scripts/add_uid_jsonl.py with --chose-newline, which Glyph's readme recommends.
_GLYPH_MARKED: Final = frozenset(
    (
        *("passage_retrieval_en", "hotpotqa", "narrativeqa", "qmsum", "gov_report", "vcsum", "triviaqa", "multi_news"),
        *("dureader", "qasper", "samsum", "trec"),
    )
)
_GLYPH_MARKUP: Final = '<font color="#FF0000"> \\n </font>'
_GLYPH_PROMPTS: Final = "evaluation/longbench/config/dataset2vlmprompt.json"
_THOUGHT_TOKENS: Final = 8192

PROTOCOLS: Final[Mapping[str, EvalProtocol]] = {
    protocol.name: protocol
    for protocol in (
        EvalProtocol(
            name="official",
            source="THUDM/LongBench@2e00731: LongBench/pred.py, eval.py, metrics.py, config/",
            sampling={"temperature": 0.0},
            thoughts="kept",
            note="Every set goes through the chat template of the server; the script leaves it out for trec, triviaqa, "
            "samsum, lsht, lcc and repobench-p. samsum is not stopped at a newline, because its first line alone is "
            "scored. A prompt that is too long for the model is not cut in the middle: it counts as wrong.",
        ),
        EvalProtocol(
            name="thinking",
            source="as official, for models that think; not of the authors",
            sampling={"temperature": 0.0, "max_tokens": _THOUGHT_TOKENS},
            thoughts="all",
            note="Prompts and metrics are official. Thoughts are cut, also those that do not end, and 8,192 tokens may "
            "be generated in place of 32 to 512.",
        ),
        EvalProtocol(
            name=_GLYPH_NAME,
            source="thu-coai/Glyph@61afa7f: evaluation/longbench/scripts/post_api_longbench.py, clear_pred.py",
            sampling={
                "temperature": 0.0001,
                "top_p": 1.0,
                "top_k": 1,
                "repetition_penalty": 1.1,
                "max_tokens": _THOUGHT_TOKENS,
                "stop_token_ids": [151329, 151348, 151336],
            },
            thoughts="kept",
            note="clear_pred removes thoughts that end and joins all lines, so fenced code scores on nothing and four "
            "sets lose their first-line rule. Failed requests count as wrong here; the script leaves them out, and "
            "`failures dropped` shows its average. Chinese sets use the Chinese config there: choose θ for them.",
        ),
    )
}


def load(
    data: Sequence[str],
    *,
    tasks: Sequence[str] = (),
    protocol: str = "official",
    extended: str = "no",
    prompts: str = "",
    revision: str = "",
) -> Benchmark:
    """Return LongBench under a protocol.

    Args:
        data: files in the official format (JSON lines, or parquet), a folder with such files, or a data set of the hub
            with one configuration a set, such as "Xnhyacinth/LongBench".
        tasks: sets; all sets that the data have, if empty.
        protocol: one of `PROTOCOLS`.
        extended: "yes" for LongBench-E: its 13 sets, with scores for the lengths 0-4k, 4-8k and 8k+.
        prompts: for `glyph@61afa7f`, the file evaluation/longbench/config/dataset2vlmprompt.json of Glyph's repository,
            which states no license; or dataset2prompt.json beside it, for what Glyph asks of plain text.
        revision: commit of a data set of the hub; the newest if empty.

    Raises:
        DataError: the data cannot be read, a row is malformed (the message names file and line), a set is not known, or
            there are no prompts.
        DependencyError: a package that reads the data is not installed.
    """
    data, tasks = checked_arguments(
        data, tasks, protocol=protocol, extended=extended, prompts=prompts, revision=revision
    )
    if protocol not in PROTOCOLS:
        raise DataError(f"protocol={shown(protocol)} is none of LongBench. Use one of: {', '.join(PROTOCOLS)}.")
    if extended not in ("yes", "no"):
        raise DataError(f"extended={shown(extended)} is neither yes nor no. Use yes for LongBench-E.")
    known = EXTENDED_TASKS if extended == "yes" else TASKS
    for task in tasks:
        if task not in known:
            raise DataError(f"task {shown(task)} is no set of LongBench. Use one of: {', '.join(known)}.")
    rules = PROTOCOLS[protocol]
    templates = _templates(rules, prompts)
    found, version = _rows(data, tuple(tasks) or known, every=not tasks, extended=extended == "yes", revision=revision)
    items = [
        item
        for task, rows in found.items()
        for item in _items(task, rows, rules, templates[task], extended=extended == "yes")
    ]
    if not items:
        raise DataError(f"the data have no rows of {', '.join(tasks or known)}. Name other files or other tasks.")
    return Benchmark(
        name="longbench-e" if extended == "yes" else "longbench",
        revision=version,
        protocol=rules,
        items=items,
        score=_score_of_glyph if protocol == _GLYPH_NAME else _score,
        summary=_summary_of_glyph if protocol == _GLYPH_NAME else _summary,
    )


def clear_prediction(reply: str) -> str:
    """Return a reply as Glyph's clear_pred.py leaves it: without thoughts that end, special tokens and line ends.

    >>> clear_prediction("<think>x</think>\\n```\\nreturn 1\\n```<|user|>")
    '``` return 1 ```'
    """
    without = re.sub(r"<think>.*?</think>\s*", "", reply, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<\|[^|]+\|>", "", without)).strip()


def scored_line(task: str, reply: str) -> str:
    """Return the part of a reply that is scored: in trec, triviaqa, samsum and lsht, its first line that is not empty.

    >>> scored_line("trec", "\\nDate\\nQuestion: another")
    'Date'
    """
    return reply.lstrip("\n").split("\n")[0] if task in _FIRST_LINE else reply


def _score(item: Item, reply: str) -> Score:
    metric, line = METRICS[item.task], scored_line(item.task, reply)
    value = max((metric(line, answer, item.meta["classes"]) for answer in item.answers), default=0.0)
    return Score(error=1 - value, graded=True)


def _score_of_glyph(item: Item, reply: str) -> Score:
    return _score(item, clear_prediction(reply))


def _summary(scored: Sequence[ScoredReply]) -> dict[str, float]:
    """Return the mean over sets: of all, of each category, and of each length of LongBench-E."""
    values: dict[str, dict[str, list[float]]] = {}
    for each in scored:
        value = each.score.value if each.reply is not None else 0.0
        lengths = [each.item.buckets["length"]] if each.item.meta["extended"] else []
        for name in ("average", each.item.buckets["category"], *lengths):
            values.setdefault(name, {}).setdefault(each.item.task, []).append(value)
    means = {name: [sum(of) / len(of) for of in sets.values()] for name, sets in values.items()}
    return {name: sum(of) / len(of) for name, of in means.items()}


def _summary_of_glyph(scored: Sequence[ScoredReply]) -> dict[str, float]:
    answered = [each for each in scored if each.reply is not None]
    return {**_summary(scored), "failures dropped": _summary(answered).get("average", 0.0)}


@cache
def _official() -> dict[str, Any]:
    data = (files("glyphrender.evals") / "prompts" / "longbench.json").read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads(data)
    return read


def _templates(protocol: EvalProtocol, prompts: str) -> Mapping[str, str]:
    official: Mapping[str, str] = _official()["prompts"]
    if protocol.name != _GLYPH_NAME:
        if prompts:
            raise DataError(f"prompts={shown(prompts)} is only for the protocol {_GLYPH_NAME}. Leave it out.")
        return official
    if not prompts:
        raise DataError(
            f"the protocol {_GLYPH_NAME} needs its prompts. Give prompts=… {_GLYPH_PROMPTS} of thu-coai/Glyph."
        )
    try:
        given = json.loads(read_text(prompts))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{prompts} cannot be read ({error}). Name Glyph's {_GLYPH_PROMPTS}.", path=prompts) from error
    missing = [task for task in TASKS if not isinstance(given, dict) or not isinstance(given.get(task), str)]
    if missing:
        raise DataError(f"{prompts} has no prompt for {missing[0]}. Name Glyph's {_GLYPH_PROMPTS}.", path=prompts)
    return {task: given[task] for task in TASKS}


def _rows(
    data: Sequence[str], tasks: Sequence[str], *, every: bool, extended: bool, revision: str
) -> tuple[dict[str, list[Row]], str]:
    """Return the rows of each set, and the revision. `every`: sets that the data do not have are left out."""
    found: dict[str, list[Row]] = {}
    paths = files_of(data)
    if paths is None:
        version = ""
        for task in tasks:
            rows, version = hub_rows(data[0], config=task + "_e" * extended, split="test", revision=revision or None)
            found[task] = [Row(f"{data[0]} {task}, row {number}", dict(row)) for number, row in enumerate(rows, 1)]
        return found, version
    seen = set()
    for path in paths:
        for row in read_rows(path):
            task = row.text("dataset").removesuffix("_e")
            if task not in METRICS:
                raise row.fault(f"dataset is {shown(task)}, which is no set of LongBench")
            seen.add(task)
            if task in tasks:
                found.setdefault(task, []).append(row)
    if not every and (absent := [task for task in tasks if task not in found]):
        raise DataError(f"the data have no rows of {absent[0]}. They have: {', '.join(sorted(seen)) or 'none'}.")
    return found, revision_of(paths)


def _items(task: str, rows: Sequence[Row], protocol: EvalProtocol, template: str, *, extended: bool) -> Iterator[Item]:
    # eval.py reads `all_classes` of every row into one name, so the last row's classes score the whole set.
    classes = rows[-1].texts("all_classes") if METRICS[task] is metrics.classification else ()
    keys: set[str] = set()
    glyph = protocol.name == _GLYPH_NAME
    for row in rows:
        key = f"{task}/{row.text('_id')}"
        if key in keys:
            raise row.fault(f"_id {shown(row.text('_id'))} stands in {task} twice")
        keys.add(key)
        answers, length = row.texts("answers"), row.integer("length")
        if task in _PARAGRAPHS and not all(re.search(r"(Paragraph |段落)\d", answer) for answer in answers):
            raise row.fault(f"answers is {shown(answers)} and names no paragraph")
        yield Item(
            key=key,
            task=task,
            turns=(ItemTurn("user", (_glyph_parts if glyph else _parts)(template, row)),),
            answers=answers,
            max_tokens=_official()["max_tokens"][task],
            buckets={
                "length": "0-4k" if length < 4000 else "4-8k" if length < 8000 else "8k+",
                "language": row.text("language"),
                "category": _SETS[task][0],
            },
            theta={"newline_markup": _GLYPH_MARKUP} if glyph and task in _GLYPH_MARKED else {},
            meta={"classes": classes, "extended": extended},
        )


def _parts(template: str, row: Row) -> tuple[ItemPart, ...]:
    before, after = template.split("{context}")
    parts = (before, Drawable(row.text("context")), after.replace("{input}", row.text("input")))
    return tuple(part for part in parts if part)


def _glyph_parts(template: str, row: Row) -> tuple[ItemPart, ...]:
    """Return the parts as post_api_longbench.py sends them: the pages, then the prompt, both without outer spaces."""
    context = row.text("context").strip()
    question = row.text("input").strip()
    if "{context}" not in template:
        return Drawable(context), template.replace("{input}", question).strip()
    before, after = template.strip().split("{context}")
    return tuple(part for part in (before, Drawable(context), after.replace("{input}", question)) if part)

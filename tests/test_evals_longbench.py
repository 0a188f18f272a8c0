"""LongBench v1 and v2 as benchmarks: prompts, what may be drawn, scores under each protocol, malformed data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glyphrender.errors import DataError
from glyphrender.evals import longbench, longbench2
from glyphrender.evals.benchmarks import BENCHMARKS, load_benchmark
from glyphrender.evals.item import Benchmark, Drawable, ScoredReply
from glyphrender.tasks.task import Score

CONTEXT = "The ferry leaves at nine. The market opens at ten."
TASKS = {
    "hotpotqa": {"input": "When does the ferry leave?", "answers": ["at nine", "nine o'clock"]},
    "trec": {"input": "Question: How far is it?\nType:", "answers": ["Distance"], "all_classes": ["Distance", "Date"]},
    "samsum": {"input": "Dialogue: A: Hi\nSummary:", "answers": ["A says hi."]},
    "lcc": {"input": "", "answers": ["    return x"]},
    "passage_retrieval_en": {"input": "An abstract.", "answers": ["Paragraph 3"]},
    "vcsum": {"input": "", "answers": ["会议讨论了预算。"], "language": "zh"},
}


def row(task: str, **changes: Any) -> dict[str, Any]:
    """Return a row in the official format, of content made for these tests."""
    known = {
        "context": CONTEXT,
        "length": 5000,
        "dataset": task,
        "language": "en",
        "all_classes": None,
        "_id": task * 2,
    }
    return {**known, **TASKS[task], **changes}


def written(folder: Path, rows: list[dict[str, Any]], name: str = "data.jsonl") -> str:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def data(tmp_path: Path) -> str:
    (tmp_path / "longbench").mkdir()
    for task in TASKS:
        written(tmp_path / "longbench", [row(task)], f"{task}.jsonl")
    return str(tmp_path / "longbench")


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    """Return a file in the form of Glyph's dataset2vlmprompt.json, with wording of our own."""
    path = tmp_path / "dataset2vlmprompt.json"
    path.write_text(json.dumps({task: f"{task}: see the pages.\n\n{{input}}\nAnswer:\n" for task in longbench.TASKS}))
    return str(path)


def values(benchmark: Benchmark, reply: str) -> dict[str, float]:
    return {item.task: benchmark.score(item, reply).value for item in benchmark.items}


def test_the_prompt_is_the_official_one_and_the_context_alone_may_be_drawn(data: str) -> None:
    item = next(item for item in load_benchmark("longbench", [data]).items if item.task == "hotpotqa")
    assert item.drawables == (CONTEXT,)
    assert item.turns[0].text == (
        "Answer the question based on the given passages. Only give me the answer and do not output any other "
        f"words.\n\nThe following are given passages.\n{CONTEXT}\n\nAnswer the question based on the given passages. "
        "Only give me the answer and do not output any other words.\n\nQuestion: When does the ferry leave?\nAnswer:"
    )
    assert (item.max_tokens, item.key) == (32, "hotpotqa/hotpotqahotpotqa")
    assert item.buckets == {"length": "4-8k", "language": "en", "category": "multi-document QA"}


def test_braces_in_context_and_question_stay_as_they_are(tmp_path: Path) -> None:
    braces = row("lcc", context="x = {context} + {input}{}", input="{0}")
    item = load_benchmark("longbench", [written(tmp_path, [braces])]).items[0]
    assert item.turns[0].text == "Please complete the code given below. \nx = {context} + {input}{}Next line of code:\n"


def test_same_replies_score_otherwise_under_glyphs_protocol(data: str, prompts: str) -> None:
    official = load_benchmark("longbench", [data])
    glyph = load_benchmark("longbench", [data], protocol="glyph@61afa7f", options={"prompts": prompts})
    fenced = "```python\n    return x\n```"
    assert (values(official, fenced)["lcc"], values(glyph, fenced)["lcc"]) == (1.0, 0.0)
    two_lines = "Distance\nQuestion: When? Type: Date"
    assert (values(official, two_lines)["trec"], values(glyph, two_lines)["trec"]) == (1.0, 0.5)
    thought = "<think>Not Paragraph 9.</think>Paragraph 3"
    assert (values(official, thought)["passage_retrieval_en"], values(glyph, thought)["passage_retrieval_en"]) == (
        0.5,
        1.0,
    )
    unclosed = "<think>Paragraph 3, not 9"
    assert values(glyph, unclosed)["passage_retrieval_en"] == 0.5


def test_glyphs_protocol_puts_pages_before_the_prompt_and_marks_newlines_of_some_sets(data: str, prompts: str) -> None:
    items = {
        item.task: item
        for item in load_benchmark("longbench", [data], protocol="glyph@61afa7f", options={"prompts": prompts}).items
    }
    assert items["hotpotqa"].turns[0].parts == (
        Drawable(CONTEXT),
        "hotpotqa: see the pages.\n\nWhen does the ferry leave?\nAnswer:",
    )
    assert set(items["hotpotqa"].theta) == {"newline_markup"}
    assert not items["lcc"].theta


def test_a_missing_reply_is_wrong_and_glyphs_average_without_it_is_shown_beside(data: str, prompts: str) -> None:
    benchmark = load_benchmark(
        "longbench", [data], tasks=["hotpotqa", "lcc"], protocol="glyph@61afa7f", options={"prompts": prompts}
    )
    scored = [
        ScoredReply(item=item, reply="r" if item.task == "lcc" else None, score=Score(error=float(item.task != "lcc")))
        for item in benchmark.items
    ]
    summary = benchmark.summary(scored)
    assert (summary["average"], summary["failures dropped"]) == (0.5, 1.0)


def test_the_classes_of_a_files_last_row_score_all_its_rows(tmp_path: Path) -> None:
    rows = [row("trec", _id="1"), row("trec", _id="2", all_classes=["Distance", "Dist", "ance"])]
    benchmark = load_benchmark("longbench", [written(tmp_path, rows)])
    assert [benchmark.score(item, "Distance").value for item in benchmark.items] == [0.5, 0.5]


def test_the_extended_sets_have_an_average_for_each_length(tmp_path: Path) -> None:
    rows = [
        row("hotpotqa", dataset="hotpotqa_e", _id=str(length), length=length) for length in (3999, 4000, 7999, 8000)
    ]
    benchmark = load_benchmark("longbench", [written(tmp_path, rows)], options={"extended": "yes"})
    assert benchmark.name == "longbench-e"
    scored = [
        ScoredReply(item=item, reply="x", score=Score(error=1 - right))
        for item, right in zip(benchmark.items, (1, 1, 0, 0), strict=True)
    ]
    summary = benchmark.summary(scored)
    assert {name: summary[name] for name in ("0-4k", "4-8k", "8k+")} == {"0-4k": 1.0, "4-8k": 0.5, "8k+": 0.0}
    with pytest.raises(DataError, match="no set of LongBench"):
        load_benchmark("longbench", [written(tmp_path, rows)], tasks=["vcsum"], options={"extended": "yes"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answers": "at nine"}, "data.jsonl:2: answers is 'at nine' and not a list of texts"),
        ({"answers": [9]}, "answers"),
        ({"context": None}, "data.jsonl:2: context is None"),
        ({"length": "long"}, "length"),
        ({"dataset": "hotpot"}, "no set of LongBench"),
        ({"_id": "trectrec"}, "twice"),
        ({"all_classes": None}, "all_classes"),
    ],
)
def test_a_malformed_row_is_one_line_with_file_line_and_reason(tmp_path: Path, change: dict, words: str) -> None:
    path = written(tmp_path, [row("trec"), row("trec", _id="second") | change])
    with pytest.raises(DataError, match=words):
        load_benchmark("longbench", [path])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tasks": ["hotpot"]}, "Use one of: narrativeqa"),
        ({"tasks": ["musique"]}, "no rows of musique. They have: .*hotpotqa"),
        ({"protocol": "glyph@61afa7f"}, "needs its prompts"),
        ({"protocol": "glyph@61afa7f", "options": {"prompts": "absent.json"}}, "absent.json"),
        ({"options": {"prompts": "x"}}, "only for the protocol"),
        ({"options": {"extended": "maybe"}}, "neither yes nor no"),
    ],
)
def test_what_longbench_does_not_have_is_one_line(data: str, given: dict, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load_benchmark("longbench", [data], **given)


def test_the_table_of_benchmarks_names_what_the_modules_have() -> None:
    for name, module in (("longbench", longbench), ("longbench-v2", longbench2)):
        assert BENCHMARKS[name].tasks == module.TASKS
        assert BENCHMARKS[name].protocols == tuple(module.PROTOCOLS)


def question(**changes: str) -> dict[str, Any]:
    """Return a row of LongBench v2, of content made for these tests."""
    known = {
        "_id": "66f0",
        "domain": "Single-Document QA",
        "sub_domain": "Legal",
        "difficulty": "easy",
        "length": "short",
    }
    choices = {f"choice_{letter}": f" choice {letter} " for letter in "ABCD"}
    return {**known, **choices, "question": " When? ", "answer": "C", "context": f" {CONTEXT}\n", **changes}


def test_a_direct_question_of_v2_draws_the_document_and_takes_one_letter(tmp_path: Path) -> None:
    benchmark = load_benchmark("longbench-v2", [written(tmp_path, [question()])])
    item = benchmark.items[0]
    assert item.drawables == (CONTEXT,)
    assert item.turns[0].text == (
        "Please read the following text and answer the question below.\n\n<text>\n" + CONTEXT + "\n</text>\n\n"
        "What is the correct answer to this question: When?\nChoices:\n(A) choice A\n(B) choice B\n(C) choice C\n"
        '(D) choice D\n\nFormat your response as follows: "The correct answer is (insert answer here)".'
    )
    replies = {
        "The correct answer is (C)": 1,
        "**The correct answer is C**": 1,
        "(C)": 0,
        "The correct answer is (A)": 0,
    }
    assert {reply: benchmark.score(item, reply).value for reply in replies} == replies
    assert benchmark.follow_up(item, "anything") is None


def test_a_chain_of_thought_is_shown_again_without_the_document(tmp_path: Path) -> None:
    path = written(tmp_path, [question()])
    benchmark = load_benchmark("longbench-v2", [path], options={"mode": "chain-of-thought"})
    item = benchmark.items[0]
    assert item.max_tokens == 1024
    assert item.turns[0].text.endswith("Let’s think step by step:")
    second = benchmark.follow_up(item, " It opens at ten, $Q$. \n")
    assert second is not None
    text = second.turns[0].text
    assert (second.max_tokens, second.by, CONTEXT in text) == (128, "model", False)
    assert "The text is too long and omitted here." in text
    assert "Let’s think step by step: It opens at ten, $Q$.\n" in text


def test_accuracy_of_v2_is_also_by_difficulty_and_length(tmp_path: Path) -> None:
    rows = [question(), question(_id="2", difficulty="hard", length="long")]
    benchmark = load_benchmark("longbench-v2", [written(tmp_path, rows)])
    scored = [
        ScoredReply(item=item, reply=reply, score=Score(error=error))
        for item, reply, error in zip(benchmark.items, ("x", None), (0.0, 1.0), strict=True)
    ]
    assert benchmark.summary(scored) == {"overall": 0.5, "easy": 1.0, "hard": 0.0, "short": 1.0, "long": 0.0}


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"answer": "E"}, "none of A, B, C, D"), ({"choice_B": None}, "choice_B"), ({"_id": "66f0"}, "twice")],
)
def test_malformed_rows_of_v2_are_one_line(tmp_path: Path, changes: dict, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load_benchmark("longbench-v2", [written(tmp_path, [question(), question(_id="2") | changes])])

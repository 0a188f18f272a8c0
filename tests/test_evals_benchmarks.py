"""Benchmarks by name, and questions from a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glyphrender.errors import DataError
from glyphrender.evals.benchmarks import BENCHMARKS, load_benchmark

LINES = [
    {"context": "The parcel is 8841. " * 9, "question": "Which parcel?", "answer": "8841"},
    {"context": "Ann has 3 cats. " * 80, "question": "How many cats?", "answer": [3, "three"], "task": "counts"},
]


@pytest.fixture
def questions(tmp_path: Path) -> str:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)), encoding="utf-8")
    return str(path)


def test_questions_become_items_with_tasks_lengths_and_a_revision(questions: str) -> None:
    benchmark = load_benchmark("questions", [questions])
    assert [item.task for item in benchmark.items] == ["mine", "counts"]
    assert [item.buckets["length"] for item in benchmark.items] == ["0-1K characters", "1-2K characters"]
    assert benchmark.revision.startswith("sha256:")
    assert benchmark.protocol.name == "glyphrender"
    item = benchmark.items[1]
    assert [benchmark.score(item, reply).value for reply in ("Answer: three.", "four")] == [1.0, 0.0]
    assert [item.key for item in load_benchmark("questions", [questions], tasks=["counts"]).items] == ["mine.jsonl:2"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "longbenh"}, "questions"),
        ({"protocol": "officiel"}, "Use one of: glyphrender"),
        ({"tasks": ["nothing"]}, "no items"),
        ({"options": {"depth": "3"}}, "option 'depth'"),
        ({"data": []}, "no file"),
        ({"name": "absent_module:load"}, "cannot be loaded"),
        ({"name": "json:absent"}, "cannot be loaded"),
        ({"name": "json:loads"}, "failed to load"),
        ({"name": "builtins:list", "data": []}, "is no Benchmark"),
        ({"data": ["absent.jsonl"]}, "absent.jsonl"),
    ],
)
def test_what_is_not_known_is_one_line_that_lists_what_is(questions: str, changes: dict, words: str) -> None:
    given = {"name": "questions", "data": [questions], **changes}
    with pytest.raises(DataError, match=words):
        load_benchmark(given.pop("name"), given.pop("data"), **given)


def test_every_benchmark_of_the_table_has_a_loader_and_a_protocol() -> None:
    for entry in BENCHMARKS.values():
        assert callable(entry.load)
        assert entry.protocols


def test_a_benchmark_of_your_own_is_named_by_module_and_function(
    questions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
from glyphrender.evals.questions import load as questions

def load(data, depth="1"):
    return questions(data * int(depth))
"""
    (tmp_path / "own_benchmark.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert len(load_benchmark("own_benchmark:load", [questions]).items) == 2
    assert len(load_benchmark("own_benchmark:load", [questions], options={"depth": "2"}).items) == 4
    with pytest.raises(DataError, match="does not take"):
        load_benchmark("own_benchmark:load", [questions], protocol="official")


@pytest.mark.parametrize("name", list(BENCHMARKS))
@pytest.mark.parametrize("path", ["a\0b", "a" * 5000])
def test_a_path_that_no_file_can_have_is_one_line_for_every_benchmark(name: str, path: str) -> None:
    with pytest.raises(DataError, match="is no path") as raised:
        load_benchmark(name, [path])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("answer", "right"), [("NaN", 0), ("Infinity", 0), ("4.5", 1), ('"\\ud800"', 1)])
def test_an_answer_is_a_text_or_a_finite_number(tmp_path: Path, answer: str, right: bool) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(f'{{"context": "c", "question": "q", "answer": {answer}}}\n', encoding="utf-8")
    if right:
        assert load_benchmark("questions", [path]).items[0].max_tokens > 64
    else:
        with pytest.raises(DataError, match=r"mine\.jsonl:1 has no answer"):
            load_benchmark("questions", [path])

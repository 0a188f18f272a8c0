"""The values that benchmarks are made of, and the rows of their data files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glyphrender.errors import DataError
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.evals.rows import read_rows, revision_of
from glyphrender.tasks.task import Score

GIVEN: dict[str, Any] = {
    "key": "a",
    "task": "t",
    "turns": (ItemTurn("user", ("Read.\n", Drawable("The text."), "\nAnswer:")),),
    "answers": ("x",),
    "max_tokens": 8,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ""},
        {"task": 3},
        {"turns": ()},
        {"turns": (ItemTurn("assistant", ("a",)),)},
        {"turns": (ItemTurn("user", ("a",)), ItemTurn("system", ("a",)), ItemTurn("user", ("a",)))},
        {"answers": "x"},
        {"answers": (1,)},
        {"max_tokens": 0},
        {"max_tokens": True},
        {"buckets": {"length": 4}},
        {"stop": "\n"},
    ],
)
def test_an_item_that_cannot_be_asked_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        Item(**(GIVEN | changes))


def test_a_turn_joins_its_texts_without_a_separator() -> None:
    assert Item(**GIVEN).turns[0].text == "Read.\nThe text.\nAnswer:"
    assert Item(**GIVEN).drawables == ("The text.",)


def test_a_benchmark_needs_items_and_a_protocol_with_a_name() -> None:
    with pytest.raises(DataError, match="protocol"):
        EvalProtocol(name=" ", source="")
    protocol = EvalProtocol(name="official", source="a test")
    with pytest.raises(DataError, match="no items"):
        Benchmark(name="b", revision="r", protocol=protocol, items=(), score=lambda item, reply: Score(error=1))


def test_rows_are_read_from_every_format_and_name_their_place(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"a": "x", "n": 1}, {"a": "ü", "n": 2}]
    lines = "\n\n".join(json.dumps(row) for row in rows)
    (tmp_path / "a.jsonl").write_text("\ufeff" + lines, encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "c.json").write_text(lines, encoding="utf-8")
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "d.parquet")
    for name in ("a.jsonl", "b.json", "c.json", "d.parquet"):
        assert [row.values for row in read_rows(tmp_path / name)] == rows
    assert [row.place for row in read_rows(tmp_path / "a.jsonl")] == ["a.jsonl:1", "a.jsonl:3"]
    with pytest.raises(DataError, match=r"a\.jsonl:3: n is 2 and not a text"):
        list(read_rows(tmp_path / "a.jsonl"))[1].text("n")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", '{"a": 1}\n[', r"a\.jsonl:2 is not JSON"),
        ("a.jsonl", "[1]", r"a\.jsonl:1 is no object"),
        ("a.json", "[1]", r"a\.json, row 1, is no object"),
        ("a.parquet", "no", r"cannot be read as parquet"),
        ("a.csv", "a", r"no file of rows"),
    ],
)
def test_a_malformed_file_is_one_line_with_its_place(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        list(read_rows(tmp_path / name))


def test_the_revision_of_files_does_not_depend_on_names_or_order(tmp_path: Path) -> None:
    for name, text in (("a", "1"), ("b", "2"), ("c", "1")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    a, b, c = (tmp_path / name for name in "abc")
    assert revision_of([a, b]) == revision_of([b, c])
    assert revision_of([a]) == revision_of([c]) != revision_of([b])


@pytest.mark.parametrize("field", ["key", "task", "buckets"])
def test_names_that_no_file_can_hold_are_refused_before_a_request(field: str) -> None:
    turns = (ItemTurn("user", ("Which?",)),)
    value: Any = {"length": "a\ud800"} if field == "buckets" else "a\ud800"
    given: dict[str, Any] = {"key": "k", "task": "t", "turns": turns, "answers": (), "max_tokens": 1, field: value}
    with pytest.raises(DataError, match="half a character"):
        Item(**given)

"""NoLiMa: needles stand where the official script puts them, and its needle set becomes items."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from glyphrender.errors import DataError
from glyphrender.evals.benchmarks import load_benchmark
from glyphrender.evals.nolima import Haystack, load_nolima

BOOK = "".join(f"Line {n}: the {['tide', 'mill', 'road'][n % 3]} is quiet.{' Still.' * (n % 4)}\n" for n in range(600))
ENTRY = {
    "id": "0401",
    "reasoning_type": "world_knowledge",
    "system_prompt": "",
    "needle": "Actually, {CHAR} lives next to {1}.",
    "character_set": ["Yuki", "Stuart", "Katie"],
    "questions": {"onehop": "Which character has been to {2}?", "twohop": "Which character has been to {3}?"},
    "tests": {"T1": {"input_args": ["the Kiasma museum", "Helsinki", "Uusimaa"]}},
}
PLAIN = {"id": "0410", "needle": "The {1} is red.", "questions": {"onehop": "What colour is the {1}?"}}
PLAIN |= {"tests": {"T1": {"input_args": ["door"], "gold_answers": ["red", "crimson"]}}}
# Depth of the distractor if there is one, and SHA-256 of the text that `BookHaystack.generate_w_needle_placement` of
# adobe-research/NoLiMa @ 7532e4e makes of BOOK with one token a byte.
PLACED = [
    (250, 0.0, None, "d2ec2f129991"),
    (250, 0.32, 0.7, "8425a620b776"),
    (250, 0.5, None, "8dfd461e55bf"),
    (250, 1.0, 0.6, "98a2383bdc88"),
    (900, 0.0, None, "7a2e5fac50a4"),
    (900, 0.0, 0.459920917056, "f6c9e59ec8bd"),
    (900, 0.32, 0.654471030448, "8217c30d5342"),
    (900, 0.5, None, "8805a94f0378"),
    (900, 1.0, 0.592153751279, "7756249e8a0a"),
    (5000, 0.0, None, "92b4272d14ab"),
    (5000, 0.32, 0.782518613179, "43609e62d254"),
    (5000, 0.5, 0.200382206803, "6056bd155cae"),
    (5000, 1.0, None, "497d6a476714"),
]


@pytest.fixture
def needles(tmp_path: Path) -> Path:
    (tmp_path / "needlesets").mkdir()
    (tmp_path / "haystack/rand_shuffle").mkdir(parents=True)
    for number in (1, 2):
        (tmp_path / f"haystack/rand_shuffle/rand_book_{number}.txt").write_text(BOOK[number:], encoding="utf-8")
    path = tmp_path / "needlesets/needle_set.json"
    path.write_text(json.dumps([ENTRY, PLAIN]), encoding="utf-8")
    return path


@pytest.mark.parametrize(("length", "depth", "other", "digest"), PLACED)
def test_a_needle_stands_where_the_official_script_puts_it(
    length: int, depth: float, other: float | None, digest: str
) -> None:
    book = Haystack("book", BOOK, encode=lambda text: list(text.encode()), decode=bytes)
    if other is None:
        text = book.placed("Yuki lives here.", length, depth)
    else:
        text = book.placed_with_distractor("Yuki lives here.", "There was talk of tea.", length, depth, other)
    assert " Yuki lives here.\n" in text
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == digest


def test_each_test_of_the_needle_set_is_asked_in_each_book_at_each_depth(needles: Path) -> None:
    benchmark = load_benchmark("nolima", [str(needles)], options={"lengths": "250, 500", "depths": "3"})
    items = list(benchmark.items)
    assert len(items) == len({item.key for item in items}) == 2 * 2 * 3 * 3
    assert {item.buckets["depth"] for item in items} == {"0%", "50%", "100%"}
    item = items[0]
    name = item.answers[0]
    assert f"Actually, {name} lives next to the Kiasma museum." in item.drawables[0]
    assert "Question: Which character has been to Helsinki?" in item.turns[1].text
    assert [benchmark.score(item, reply).value for reply in (f"It is {name}.", "Nobody", name.lower())] == [
        1.0,
        0.0,
        0.0,
    ]
    plain = next(item for item in items if item.key.startswith("0410"))
    assert plain.answers == ("red", "crimson")
    assert {item.task for item in load_nolima(needles, tasks=["twohop"], lengths=[250]).items} == {"twohop"}


def test_a_book_that_is_too_short_says_so(needles: Path) -> None:
    benchmark = load_nolima([needles, needles.parent.parent / "haystack/rand_shuffle"], lengths=[30_000])
    with pytest.raises(DataError, match=r"rand_book_1 has \d+ tokens, too few for 30000"):
        list(benchmark.items)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "x1"}, "row 1: id='x1' does not begin with four digits"),
        ({"character_set": None}, "row 1: needle has {CHAR}, and character_set is missing"),
        ({"tests": []}, "row 1: questions or tests is no object"),
        ({"tests": {"T1": {}}}, "row 1, test T1: input_args is missing"),
        ({"task_template": "{haystack} {haystack}"}, "task_template does not have {haystack} once"),
        ({"task_template": "{haystack} {book}"}, "task_template has other fields"),
        ({"questions": {"onehop": 3}}, "question 'onehop' is 3 and not a text"),
        ({"distractors": ["a"]}, "distractors is no object of texts"),
        ({"needle": "The door is red."}, "test T1: gold_answers is missing"),
    ],
)
def test_a_malformed_entry_of_the_needle_set_is_named(needles: Path, changes: dict[str, Any], words: str) -> None:
    needles.write_text(json.dumps([{**ENTRY, **changes}]), encoding="utf-8")
    with pytest.raises(DataError) as raised:
        load_nolima(needles)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lengths": "long"}, "lengths='long' is no count"),
        ({"depths": "0"}, "depths='0' is no count"),
        ({"depths": "9" * 20}, "is out of range"),
        ({"tasks": ["threehop"]}, "Use one of: onehop, twohop"),
        ({"protocol": "glyph"}, "Use one of: official"),
    ],
)
def test_what_nolima_does_not_know_is_answered_with_the_way_out(
    needles: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        load_nolima(needles, **given)

"""Scorers by their formulas, intervals by what they cover, and tasks whose examples stay as they were."""

from __future__ import annotations

import doctest
import importlib
import math
import pkgutil
import random
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glyphrender.inference
import glyphrender.ocr
import glyphrender.tasks
from glyphrender.errors import DataError
from glyphrender.ocr.comparison import edit_distance
from glyphrender.tasks.alignment import differences
from glyphrender.tasks.generated import KINDS, GeneratedTask
from glyphrender.tasks.scoring import (
    character_error_rate,
    commits_to,
    contains,
    exact,
    levenshtein_similarity,
    number_match,
    token_f1,
)
from glyphrender.tasks.statistics import Interval, bootstrap, error_rate_interval, weighted_mean, wilson
from glyphrender.tasks.task import Example, ExampleList, Score, Task, score_reply

ROOMS = (glyphrender.ocr, glyphrender.tasks, glyphrender.inference)
MODULES = [info.name for room in ROOMS for info in pkgutil.iter_modules(room.__path__, f"{room.__name__}.")]
SCORERS = (exact, contains, commits_to, token_f1, character_error_rate, levenshtein_similarity, number_match)

words = st.text(st.sampled_from("ab 1東\U0001f600é"), max_size=14)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


# -- scoring -----------------------------------------------------------------------------------------


def by_table(a: str, b: str) -> int:
    """The edit distance by the textbook's table."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y)))
        rows.append(row)
    return rows[-1][-1]


@given(words, words)
def test_the_distance_is_that_of_the_table_and_the_edits_add_up_to_it(a: str, b: str) -> None:
    distance = by_table(a, b)
    assert edit_distance(a, b) == distance
    edits = differences(a, b)
    assert sum(edit.cost for edit in edits) == distance
    made, at = "", 0
    for edit in edits:
        assert a[edit.start : edit.start + len(edit.true)] == edit.true
        made, at = made + a[at : edit.start] + edit.read, edit.start + len(edit.true)
    assert made + a[at:] == b


@given(words, st.lists(words, min_size=1, max_size=3))
def test_every_measure_is_a_share_and_the_best_answer_counts(reply: str, answers: list[str]) -> None:
    for scorer in SCORERS:
        value = scorer(reply, answers)
        assert isinstance(value, float)
        assert 0 <= value <= 1
        if scorer is not contains:
            best = min if scorer is character_error_rate else max
            assert value == best(scorer(reply, answer) for answer in answers)
    assert exact(answers[0], answers) == levenshtein_similarity(answers[0], answers) == 1
    assert character_error_rate(answers[0], answers) == 0


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), max_size=6))
def test_token_f1_is_the_harmonic_mean_of_precision_and_recall(given_words: list[str], right: list[str]) -> None:
    common = sum((Counter(given_words) & Counter(right)).values())
    expected = 0.0
    if common:
        precision, recall = common / len(given_words), common / len(right)
        expected = 2 * precision * recall / (precision + recall)
    elif not given_words and not right:
        expected = 1.0
    assert token_f1(" ".join(given_words), " ".join(right)) == pytest.approx(expected)


def test_ideographs_are_words() -> None:
    assert token_f1("北京市", "北京") == pytest.approx(0.8)
    assert contains("答案是北京。", "北京") == 1


@pytest.mark.parametrize(
    ("reply", "answer", "right"),
    [
        ("The answer is 42.", "42", 1.0),
        ("It costs $1,234.50.", "1234.5", 1.0),
        ("-3", "3", 0.0),
        ("−3 degrees", "-3", 1.0),
        ("1e3", "1000", 1.0),
        ("pages 10-12", "12", 1.0),
        ("none", "0", 0.0),
        ("7", "seven", 0.0),
    ],
)
def test_the_last_number_of_a_reply_counts(reply: str, answer: str, right: float) -> None:
    assert number_match(reply, answer) == right


def test_without_rapidfuzz_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['rapidfuzz'] = None\n"
        "from glyphrender.errors import DependencyError\n"
        "from glyphrender.tasks.scoring import character_error_rate, exact\n"
        "print(exact('a', 'a'))\n"
        "try: character_error_rate('a', 'a')\n"
        "except DependencyError as error: print(error.extra, error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "1.0"
    assert second.startswith("reader ")
    assert "'.[reader]'" in second


# -- statistics --------------------------------------------------------------------------------------


def test_wilsons_interval_covers_a_coin() -> None:
    rng, trials = random.Random(0), 2000
    for chance in (0.02, 0.3, 0.9):
        held = 0
        for _ in range(trials):
            heads = sum(rng.random() < chance for _ in range(30))
            interval = wilson(heads / 30, 30)
            held += interval.low <= chance <= interval.high
        assert 0.92 < held / trials < 0.99, chance


def test_the_bootstrap_covers_a_mean_and_depends_on_the_seed_alone() -> None:
    rng, held = np.random.default_rng(1), 0
    for trial in range(200):
        values = rng.beta(1, 9, size=40)
        interval = bootstrap(values.tolist(), seed=trial)
        assert interval == bootstrap(values, seed=trial)
        held += interval.low <= 0.1 <= interval.high
    assert 178 <= held <= 199


def test_a_text_without_letters_leaves_every_rate_possible() -> None:
    assert error_rate_interval([], 0) == Interval(mean=0.0, low=0.0, high=1.0)


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1)), min_size=1, max_size=4))
def test_a_weighted_mean_is_one_and_its_interval_is_no_wider_than_the_widest(terms: list[tuple[int, float]]) -> None:
    intervals = [(float(count), wilson(mean, count)) for count, mean in terms]
    whole = weighted_mean(intervals)
    total = sum(count for count, _ in terms)
    assert whole.mean == pytest.approx(sum(count * mean for count, mean in terms) / total)
    assert 0 <= whole.low <= whole.mean + 1e-12
    assert whole.mean - 1e-12 <= whole.high <= 1
    assert whole.high - whole.low <= max(each.high - each.low for _, each in intervals) + 1e-9
    if len(terms) == 1:
        assert math.isclose(whole.low, intervals[0][1].low, abs_tol=1e-12)


# -- tasks -------------------------------------------------------------------------------------------

TEXTS = ["All work and no play makes Jack a dull boy.\nNothing else was written on that page.\n" * 60]


def test_generated_examples_are_those_that_were_stored_before() -> None:
    """The digests are part of the keys of stored replies: with other ones, everything would be paid for again."""
    task = GeneratedTask(texts=TEXTS, kinds=("transcribe", "needle", "hops"), count=3, seed=5, characters=800)
    assert [example.digest[:12] for example in task] == ["7de2573cdf0f", "218d0bcc8341", "9fdcee82fd35"]
    assert [example.max_tokens for example in task] == [194, 69, 69]


def test_tasks_are_sequences_of_examples() -> None:
    generated = GeneratedTask(texts=TEXTS, kinds=("needle", "hops"), count=3)
    listed = ExampleList(name="two", examples=list(generated)[:2])
    for task in (generated, listed):
        assert isinstance(task, Task)
        examples = [task[index] for index in range(len(task))]
        assert examples == list(task)
        assert all(task.score(example, example.answers[0]).error == 0 for example in examples)
        with pytest.raises(IndexError):
            task[len(task)]
    assert not isinstance(KINDS, Task)
    assert generated.name == "needle+hops"
    with pytest.raises(DataError, match="0 tasks of 4 kinds ask nothing"):
        GeneratedTask(texts=TEXTS, count=0)


def test_earlier_turns_are_part_of_an_example() -> None:
    one = Example(context="a", question="b?", answers=("c",))
    other = Example(context="a", question="b?", answers=("c",), turns=(("x?", "y"),))
    assert one.digest != other.digest
    assert {one, other} == {one, other}


def test_a_score_is_an_error_and_a_reward() -> None:
    assert Score(error=0.25, graded=True).value == 0.75
    example = Example(kind="transcribe", context="", question="", answers=("abcd",))
    assert score_reply(example, "abxd").graded
    assert score_reply(example, "abxd").error == 0.25

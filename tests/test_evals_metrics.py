"""Metrics of LongBench and RULER: the values of the official scripts, and what is peculiar to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glyphrender.errors import DataError
from glyphrender.evals import metrics, rouge
from glyphrender.evals.chinese import chinese_words

RECORDED = json.loads((Path(__file__).parent / "data" / "longbench-ruler-scores.json").read_text(encoding="utf-8"))
FUNCTIONS = {**vars(metrics), **vars(rouge)}


@pytest.mark.parametrize("name", sorted({case["metric"] for case in RECORDED["cases"]}))
def test_metrics_have_the_values_that_the_official_scripts_gave(name: str) -> None:
    cases = [case for case in RECORDED["cases"] if case["metric"] == name]
    assert len(cases) >= 3
    for case in cases:
        given = [case["prediction"], case["truth"], *([case["classes"]] if "classes" in case else [])]
        scale = 100 if name.startswith("string_match") else 1
        assert FUNCTIONS[name](*given) * scale == pytest.approx(case["score"], abs=0.005 if scale > 1 else 1e-12), given


@pytest.mark.parametrize(("metric", "longest"), [(rouge.rouge_l, 990), (rouge.rouge_l_zh, 989)])
def test_a_sentence_of_a_thousand_words_scores_nothing_as_under_the_recursion_of_the_script(metric, longest) -> None:
    # Measured with eval.py of LongBench: a copy of 990 English words scores 1, one of 991 scores 0.
    copies = [" ".join(f"w{number}" for number in range(count)) for count in (longest, longest + 1)]
    if metric is rouge.rouge_l_zh:
        copies = ["，".join(["我们"] * ((longest + 1) // 2)), "，".join(["我们"] * ((longest + 3) // 2))]
    assert metric(copies[0], copies[0]) > 0.99
    assert metric(copies[1], copies[1]) == 0.0
    assert metric(copies[1], copies[1], most_steps=None) > 0.99


def test_a_long_line_is_compared_with_difflibs_heuristic_and_the_other_matcher_differs() -> None:
    line, right = "a" * 150 + "b" * 100, "b" * 100 + "a" * 150
    assert metrics.code_similarity(line, right) == 0.0  # letters that make up over 1% of 200 characters are no match
    assert metrics.code_similarity(line, right, matcher="levenshtein") == 0.6
    with pytest.raises(DataError, match="difflib or levenshtein"):
        metrics.code_similarity(line, right, matcher="fuzzy")


def test_a_right_answer_without_a_paragraph_is_refused() -> None:
    with pytest.raises(DataError, match="names no paragraph"):
        metrics.paragraph_match("7", "the seventh")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("小明硕士毕业于中国科学院计算所", ["小明", "硕士", "毕业", "于", "中国科学院", "计算所"]),
        ("e-mail和state-of-the-art", ["e", "-", "mail", "和", "state", "-", "of", "-", "the", "-", "art"]),
        ("x.3.14%㐀C++", ["x.3", ".", "14%", "㐀", "C++"]),
        (" 你好\r\n\t①", [" ", "你好", "\r\n", "\t", "①"]),
        ("", []),
    ],
)
def test_chinese_words_are_those_of_jieba(text: str, words: list[str]) -> None:
    assert chinese_words(text) == words  # recorded from jieba 0.42.1

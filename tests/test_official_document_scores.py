"""Scores of MRCR, VTCBench, MMLongBench-Doc and LoCoMo, beside values that the official scripts gave.

tests/data/official_scores_documents.json has the cases, each with its source and commit. They were drawn by
benchmarks/equality/, which compares 20,000 predictions a metric.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender.evals.locomo import score_locomo
from glyphrender.evals.mmlongbench_score import extracted_answer, mmlongbench_f1, score_mmlongbench
from glyphrender.evals.mrcr import MRCR_BINS, grade_mrcr, mrcr_bin, mrcr_reply
from glyphrender.evals.stemmed import stemmed_f1, stemmed_rouge_l
from glyphrender.evals.vtcbench import context_of_evalscope, score_vtcbench

CASES = json.loads((Path(__file__).parent / "data/official_scores_documents.json").read_text(encoding="utf-8"))


def score(benchmark: str, metric: str, case: list[Any]) -> float:
    kind = metric.rpartition(", ")[2].lower().removesuffix("'s")
    if benchmark == "mrcr":
        reply, answer, prefix = case
        protocol = {"grade": "official", "evalscope's filter": "evalscope", "glyph": "glyph@61afa7f"}[kind]
        reply = reply.split("</think>")[-1] if kind == "glyph" else reply
        return grade_mrcr(mrcr_reply(reply, prefix, protocol), answer, prefix)
    scorer = {"vtcbench": score_vtcbench, "mmlongbench": score_mmlongbench, "locomo": score_locomo}[benchmark]
    return scorer(*case, protocol=kind)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_score_is_that_of_the_official_script(number: int) -> None:
    case = CASES[number]
    ours = score(case["benchmark"], case["metric"], case["case"])
    assert ours == pytest.approx(case["score"], abs=1e-12), f"{case['metric']} of {case['source']}: {case['case']}"


def test_each_bin_of_mrcr_holds_its_upper_end_but_evalscopes_bins_hold_their_lower_end() -> None:
    edges = MRCR_BINS[2:-1]
    assert [mrcr_bin(edge) for edge in edges] == [mrcr_bin(edge - 1) for edge in edges]
    assert [mrcr_bin(edge, protocol="evalscope") for edge in edges] == [mrcr_bin(edge + 1) for edge in edges]
    assert mrcr_bin(8192) == mrcr_bin(8192, protocol="evalscope") == "4k-8k"
    assert (mrcr_bin(4096), mrcr_bin(1 << 20)) == ("4k-8k", "512k-1m")
    assert (mrcr_bin(4095), mrcr_bin((1 << 20) + 1)) == ("below 4k", "above 1m")
    assert mrcr_bin((1 << 20) + 1, protocol="evalscope") == "4k-8k"


def test_the_grade_of_mrcr_keeps_difflibs_frequent_characters() -> None:
    answer = "x7" + "the rain in the plain " * 40
    reply = "x7" + "the train on the plane " * 40
    assert grade_mrcr(reply, answer, "x7") < 0.2  # with autojunk=False it is 0.8


def test_an_extraction_without_its_words_is_no_answer() -> None:
    assert extracted_answer("The answer is 8.") is None
    assert extracted_answer("Extracted answer: ['a']\nAnswer format: List\nExtracted answer: 9") == "['a']"


@pytest.mark.parametrize("text", ["[__import__('os').getcwd()]", "[1/0]", "[", "[" * 9000, "['a\\d']", "[]", "['a', "])
def test_the_words_of_a_model_are_never_run_and_never_raise(text: str) -> None:
    assert score_mmlongbench("['7', '8']", text, "List") == 0.0
    assert score_mmlongbench("[]", text, "List") == 0.0


def test_a_list_with_an_unknown_escape_keeps_its_backslash() -> None:
    assert score_mmlongbench(r"['C:\\data', '5']", r"['5', 'C:\data']", "List") == 1.0


def test_fail_to_answer_is_an_answer_in_the_precision() -> None:
    rows = [("8", "8", 1.0), ("Not answerable", "Fail to answer", 0.0)]
    assert mmlongbench_f1(rows) == pytest.approx(2 / 3)
    assert mmlongbench_f1([rows[0], ("Not answerable", "Not answerable", 1.0)]) == 1.0
    assert mmlongbench_f1([("8", "Not answerable", 0.0)]) == 0.0
    assert mmlongbench_f1([]) == 0.0


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["Int", "Float", "Str", "List", "None", "Other"]))
def test_any_answer_has_a_score_from_0_to_1(answer: str, extracted: str, kind: str) -> None:
    for protocol in ("official", "vlmevalkit"):
        assert 0.0 <= score_mmlongbench(answer, extracted, kind, protocol=protocol) <= 1.0


@given(st.text(max_size=60), st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_any_reply_to_vtcbench_and_locomo_has_a_score_from_0_to_1(reply: str, answers: list[str]) -> None:
    for protocol in ("official", "vlmevalkit", "evalscope"):
        for task in ("Retrieval", "Reasoning", "Memory"):
            assert 0.0 <= score_vtcbench(reply, answers, task, protocol=protocol) <= 1.0
    for category in range(1, 6):
        assert 0.0 <= score_locomo(reply, answers[0], category) <= 1.0
    assert stemmed_rouge_l(reply, reply) in (0.0, 1.0)
    assert stemmed_f1(reply, reply) in (0.0, pytest.approx(1.0))


def test_the_three_protocols_of_vtcbench_disagree_about_the_same_replies() -> None:
    two = ["alpha", "beta"]
    found = {
        protocol: [
            score_vtcbench("Alpha.", two, "Reasoning", protocol=protocol),
            score_vtcbench("alpha", two, "Retrieval", protocol=protocol),
            score_vtcbench("<think>alpha beta</think>none", two, "Reasoning", protocol=protocol),
        ]
        for protocol in ("official", "vlmevalkit", "evalscope")
    }
    assert found["official"] == found["evalscope"] == [0.5, 0.5, 0.0]
    assert found["vlmevalkit"] == [0.0, 1.0, 1.0]


def test_the_text_mode_of_evalscope_joins_lines_unless_speakers_are_marked() -> None:
    assert context_of_evalscope("One\ntwo\n\n three ") == "One two three"
    spans = "<div><span class='timestamp'>8 May</span><span data-speaker='Ann'> Hi &amp; bye </span></div>"
    assert context_of_evalscope(spans) == "8 May\nAnn: Hi & bye"

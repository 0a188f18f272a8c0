"""The same replies under each protocol of MRCR, VTCBench, MMLongBench-Doc and LoCoMo: what a name of a protocol hides.

    python benchmarks/protocol_faults.py --scripts scripts --write      # tables of docs/mrcr-vtcbench.md

The scores are ours, which equal the official ones (metric_equality.py). The column of lmms-eval is run from its own
file, cloned into scripts/lmms-eval/.
"""

from __future__ import annotations

import argparse
import ast
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import texts
from equality.comparison import function_of
from report import table, write

from glyphrender.evals.locomo import chosen_answer, score_locomo
from glyphrender.evals.mmlongbench_score import score_mmlongbench
from glyphrender.evals.mrcr import grade_mrcr, mrcr_reply
from glyphrender.evals.vtcbench import score_vtcbench
from glyphrender.ocr.comparison import load_levenshtein

PAGE = "mrcr-vtcbench.md"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--scripts", type=Path, required=True, help="folder with a clone of lmms-eval")
    options.add_argument("--write", action="store_true", help="write the tables into docs/")
    given = options.parse_args()
    for name, (head, rows) in {
        "mrcr": mrcr(),
        "vtcbench": vtcbench(),
        "mmlongbench": mmlongbench(given.scripts),
        "locomo": locomo(),
    }.items():
        text = table(head, rows)
        print(text)
        if given.write:
            write(f"faults-{name}", text, page=PAGE)


def shown(value: float) -> str:
    return "1" if value == 1 else "0" if value == 0 else f"{value:.3f}"


def mrcr() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the grades of replies to a question whose answer has 3,000 characters."""
    prefix, text = "aYo7SG8CQg", texts.novel()[20_000:23_000]
    answer = prefix + text
    replies = {
        "the answer": answer,
        "the answer after a newline": f"\n{answer}",
        "the answer after closed thoughts": f"<think>Which one?</think>\n{answer}",
        "the answer and the token `<\\|user\\|>`": f"{answer}<|user|>",
        "the answer without the random string": text,
        "the answer, all words in another order": prefix + " ".join(sorted(text.split())),
        "the random string, and another text of the same book": prefix + texts.novel()[400_000:403_000],
    }
    rows = []
    for name, reply in replies.items():
        grades = [
            grade_mrcr(mrcr_reply(cut, prefix, protocol), answer, prefix)
            for protocol, cut in (
                ("official", reply),
                ("glyph@61afa7f", reply.split("</think>")[-1]),
                ("evalscope", reply),
            )
        ]
        indel = _indel(reply, answer, prefix)
        rows.append((name, *map(shown, grades), shown(indel)))
    return ("reply", "official", "glyph@61afa7f", "evalscope", "with rapidfuzz in place of difflib"), rows


def _indel(reply: str, answer: str, prefix: str) -> float:
    load_levenshtein()
    from rapidfuzz.distance import Indel

    if not reply.startswith(prefix):
        return 0.0
    return Indel.normalized_similarity(reply.removeprefix(prefix), answer.removeprefix(prefix))


def vtcbench() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the scores of replies under the three protocols."""
    cases = [
        ("Retrieval", ("7192", "8841"), "7192"),
        ("Retrieval", ("7192", "8841"), "7192 and 8841"),
        ("Retrieval", ("pepper-mill",), "Pepper-Mill"),
        ("Reasoning", ("Yuki",), "yuki"),
        ("Reasoning", ("Yuki",), "<think>Yuki or Gary?</think>Gary"),
        ("Reasoning", ("Yuki",), "Yuki or Gary? </think> Gary"),
        ("Reasoning", ("Yuki",), "Megan, Gary, Caleb, Yuki, Diana"),
        ("Memory", ("7 May 2023",), "On May 7, 2023"),
        ("Memory", ("7 May 2023",), "<think>The 8th is the call.</think>7 May 2023"),
        ("Memory", ("東京",), "東京"),
    ]
    rows = []
    for task, answers, reply in cases:
        scores = [
            score_vtcbench(reply, answers, task, protocol=name) for name in ("official", "vlmevalkit", "evalscope")
        ]
        rows.append((task, ", ".join(answers), f"`{reply}`", *map(shown, scores)))
    return ("task", "right", "reply", "official", "vlmevalkit", "evalscope"), rows


def mmlongbench(scripts: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the scores of extracted answers under the rules of three harnesses."""
    theirs = _of_lmms_eval(scripts / "lmms-eval/lmms_eval/tasks/mmlongbench_doc/utils.py")
    cases = [
        ("Str", "5 miles", "5"),
        ("Str", "3.2 million", "3.2"),
        ("Int", "8", "8.9"),
        ("Int", "8", "8 cats"),
        ("Int", "8", "1,008"),
        ("Float", "18.29%", "0.1829"),
        ("Float", "18.29%", "18.4"),
        ("Float", "18.29%", "18.29 percent"),
        ("List", "['White', '10%']", "['10%', 'White']"),
        ("List", "['White', '10%']", "White, 10%"),
        ("List", "['White', '10%']", "[White, 10%]"),
        ("List", "['7', '8']", "[3 + 4, 8]"),
        ("List", "[]", "[]"),
        ("None", "Not answerable", "Not answerable"),
        ("None", "Not answerable", "Not answered"),
        ("None", "Not answerable", "Fail to answer"),
        ("None", "Not answerable", "['Not answerable']"),
    ]
    rows = []
    for kind, answer, extracted in cases:
        ours = [score_mmlongbench(answer, extracted, kind, protocol=name) for name in ("official", "vlmevalkit")]
        note = _note(kind, answer, extracted)
        rows.append((kind, answer, f"`{extracted}`", *map(shown, ours), shown(theirs(answer, extracted, kind)), note))
    head = ("format", "right", "extracted", "official", "vlmevalkit", "lmms-eval", "what the official script does")
    return head, rows


def _note(kind: str, answer: str, extracted: str) -> str:
    if kind == "List" and extracted.startswith("["):
        try:
            value = eval(extracted)
        except Exception as error:
            return f"ends the run ({type(error).__name__})"
        if not value:
            return "ends the run (IndexError)"
        try:
            ast.literal_eval(extracted)
        except ValueError:
            return "runs the words as code: 1.00"
    return ""


@cache
def _of_lmms_eval(path: Path) -> Callable[[str, str, str], float]:
    from rapidfuzz.distance import Levenshtein

    names: dict[str, Any] = {
        "re": re,
        "ast": ast,
        "math": math,
        "Any": Any,
        "levenshtein_distance": Levenshtein.distance,
    }
    names["_UNANSWERABLE"] = "not answerable"
    for name in (
        *("_safe_literal_eval", "_clean_string", "_is_exact_match_candidate", "_anls_score", "_extract_first_number"),
        *("_float_precision", "_is_float_equal", "_parse_list", "_normalize_answer_format", "_score_int"),
        *("_score_float", "_score_str", "_score_list", "_score_answer"),
    ):
        names[name] = function_of(path, name, names)
    score: Callable[[str, str, str], float] = names["_score_answer"]
    return score


def locomo() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the scores of replies under two protocols. The choices are (a) what was not said and (b) the trap."""
    choices = ("Not mentioned in the conversation", "self-care is important")
    cases = [
        (5, "", "(a)"),
        (5, "", "a."),
        (5, "", "yes"),
        (5, "", "She never said."),
        (5, "", "No information available."),
        (4, "café", "cafe\u0301"),
        (1, "pottery, camping", "camping and pottery"),
        (3, "Likely no; she wants to paint", "Likely no"),
    ]
    rows = []
    for category, answer, reply in cases:
        official = chosen_answer(reply, choices) if category == 5 else reply
        scores = (
            score_locomo(official, answer, category),
            score_locomo(reply, answer, category, protocol="evalscope"),
        )
        rows.append((str(category), answer or "not mentioned", f"`{reply}`", *map(shown, scores)))
    return ("category", "right", "reply", "official", "evalscope"), rows


if __name__ == "__main__":
    main()

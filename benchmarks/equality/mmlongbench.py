"""MMLongBench-Doc's rules, as its own script and VLMEvalKit compute them."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import math
import re
from collections.abc import Callable
from functools import partial
from math import isclose
from pathlib import Path
from random import Random
from typing import Any

from equality.comparison import Comparison, function_of
from equality.predictions import odd, prediction, words
from glyphrender.evals.mmlongbench_score import mmlongbench_f1, score_mmlongbench

PAGE = "mrcr-vtcbench.md"
_FORMATS = ("Int", "Float", "Str", "List", "None")


def comparisons(scripts: Path) -> list[Comparison]:
    """Return the comparisons with MMLongBench-Doc/ and VLMEvalKit/."""
    official, kit = "MMLongBench-Doc/eval/eval_score.py", "VLMEvalKit/vlmeval/dataset/mmlongbenchdoc.py"
    samples = json.loads((scripts / "MMLongBench-Doc/data/samples.json").read_text(encoding="utf-8"))
    truths = {kind: [row["answer"] for row in samples if row["answer_format"] == kind] for kind in _FORMATS}
    distance = function_of(scripts / official, "levenshtein_distance", {})
    found = []
    for source, protocol in ((official, "official"), (kit, "vlmevalkit")):
        names: dict[str, Any] = {"re": re, "math": math, "isclose": isclose, "levenshtein_distance": distance}
        for name in ("anls_compute", "is_float_equal", "get_clean_string", "is_exact_match", "isfloat"):
            names[name] = function_of(scripts / source, name, names)
        score = function_of(scripts / source, "eval_score", names)
        for kind in _FORMATS:
            found.append(
                Comparison(
                    name=f"{kind}, {protocol}",
                    source=source,
                    official=partial(_official, score),
                    ours=lambda *case, protocol=protocol: score_mmlongbench(*case, protocol=protocol),
                    case=partial(_case, kind=kind, truths=truths),
                    known=_known,
                )
            )
    f1 = function_of(scripts / official, "eval_acc_and_f1", {})
    found.append(
        Comparison(
            name="F1",
            source=official,
            official=lambda rows: f1([{"answer": a, "pred": p, "score": s} for a, p, s in rows])[1],
            ours=mmlongbench_f1,
            case=_rows,
        )
    )
    return found


def _official(score: Callable[..., float], answer: str, extracted: str, kind: str) -> float:
    """Return the official score; 0 where the script raises, as VLMEvalKit has it. The script prints, too."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return score(answer, extracted, kind)
    except Exception:
        return 0.0


def _known(answer: str, extracted: str, kind: str) -> str:
    """Explain a difference: the script runs the model's words as code."""
    if not extracted.startswith("["):
        return ""
    try:
        value = eval(extracted)
    except Exception:
        return ""
    try:
        ast.literal_eval(extracted)
    except Exception:
        return f"eval gives {type(value).__name__}, and literal_eval refuses it"
    return ""


def _case(rng: Random, kind: str, truths: dict[str, list[str]]) -> tuple[str, str, str]:
    truth = rng.choice(truths[kind])
    return truth, _extracted(rng, truth, kind, truths), kind


def _extracted(rng: Random, truth: str, kind: str, truths: dict[str, list[str]]) -> str:
    other = rng.choice(truths[rng.choice(_FORMATS)])
    shape = rng.randrange(12)
    if shape < 3:
        return prediction(rng, truth, [other, "Not answerable", "Fail to answer"])
    if shape == 3:
        return rng.choice((truth, other, "Not answerable", "Fail to answer", "not answerable", "", "[]", "None"))
    if shape == 4:
        return rng.choice(("${}", "{}%", "'{}'", "{} (2015)", "{} miles", "{} million", " {} ", "{}.0", "[{}]")).format(
            truth
        )
    number = re.search(r"-?\d+(?:\.\d+)?", truth)
    if shape == 5 and number:
        value = float(number[0]) * rng.choice((1, 100, 0.01, 1.005, 1.02, 0.995, -1, 1.0000001)) + rng.choice(
            (0, 0, 0.004, 1)
        )
        return rng.choice((repr(value), f"{value:.2f}", f"{value:g}%", f"{value:,.0f}", str(int(value)), f"{value:e}"))
    if shape == 6:
        return rng.choice(("nan", "inf", "-inf", "1e400", "1_000", "٣", "0x10", "True", "1/2", "[1/2]", "[2*4]", "(8)"))
    if shape >= 7 and truth.startswith("["):
        with contextlib.suppress(Exception):
            entries = [str(entry) for entry in eval(truth)]
            return _list(rng, entries, other)
    if shape == 7:
        return f"[{truth!r}]"
    if shape == 8:
        return rng.choice(
            (truth.upper(), truth.title(), truth + " " + words(rng, rng.randrange(1, 4)), truth[: len(truth) // 2])
        )
    return prediction(rng, truth, [other])


def _list(rng: Random, entries: list[str], other: str) -> str:
    rng.shuffle(entries)
    change = rng.randrange(8)
    if change == 0 and entries:
        entries.pop()
    elif change == 1:
        entries.append(other)
    elif change == 2 and entries:
        entries[0] = prediction(rng, entries[0], [other])
    elif change == 3:
        return "[" + ", ".join(entries) + "]"
    elif change == 4:
        return ", ".join(entries)
    elif change == 5:
        return json.dumps(entries) + rng.choice(("", " ", "\n", "[0]", odd(rng)))
    elif change == 6:
        return "[" + ", ".join(f"'{entry}'" for entry in entries) + "]"
    return repr(entries)


def _rows(rng: Random) -> tuple[list[tuple[str, str, float]]]:
    answers = ("Not answerable", "8", "red")
    preds = ("Not answerable", "Fail to answer", "8", "not answerable", "")
    rows = [
        (
            rng.choice(answers[: rng.randrange(1, 4)]),
            rng.choice(preds[: rng.randrange(1, 6)]),
            rng.choice((0.0, 1.0, rng.random())),
        )
        for _ in range(rng.choice((1, 2, 5, 30)))
    ]
    return (rows,)

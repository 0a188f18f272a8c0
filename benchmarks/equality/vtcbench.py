"""VTCBench's scores, as Moenupa/VTCBench, VLMEvalKit and evalscope compute them, and evalscope's text mode."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any, Literal

from equality.comparison import Comparison, function_of
from equality.predictions import odd, prediction, words
from glyphrender.evals.vtcbench import VTCBENCH_TASKS, context_of_evalscope, score_vtcbench

PAGE = "mrcr-vtcbench.md"
_OFFICIAL = {"Retrieval": "contains_all", "Reasoning": "contains_all", "Memory": "ROUGE-L"}


def comparisons(scripts: Path) -> list[Comparison]:
    """Return the comparisons with VTCBench/, VLMEvalKit/ and the wheel of evalscope, in evalscope/.

    They need the packages rouge-score and beautifulsoup4.
    """
    from bs4 import BeautifulSoup
    from rouge_score import rouge_scorer

    metric = "VTCBench/src/vtcbench/metric.py"
    kit, adapter = (
        "VLMEvalKit/vlmeval/dataset/utils/vtcbench.py",
        "evalscope/evalscope/benchmarks/vtcbench/vtcbench_adapter.py",
    )
    names: dict[str, Any] = {"re": re, "Literal": Literal, "rouge_scorer": rouge_scorer, "List": list, "Dict": dict}
    names["remove_think_tags"] = function_of(scripts / metric, "remove_think_tags", names)
    official = function_of(scripts / metric, "calc_metrics", names)
    istype = function_of(scripts / "VLMEvalKit/vlmeval/smp/misc.py", "istype", {})
    calc = function_of(scripts / kit, "calc_vtc_metrics", names)
    line = function_of(scripts / kit, "process_vtc_line", {"istype": istype, "calc_vtc_metrics": calc})
    names["_THINK_PATTERN"] = re.compile(r"<think>.*?</think>", flags=re.DOTALL)
    names["_normalize_response"] = function_of(scripts / adapter, "_normalize_response", names)
    metrics = function_of(scripts / adapter, "_calculate_metrics", names)
    # The function imports BeautifulSoup itself, after a check of evalscope's own.
    text = function_of(
        scripts / adapter, "_remove_html_tags", {"re": re, "check_import": lambda **given: BeautifulSoup}
    )

    def of_kit(reply: str, answers: list[str], task: str) -> float:
        stored = {"answer": json.dumps(answers, ensure_ascii=False), "prediction": str(reply), "category": task}
        return float(line(stored)["score"])

    found = []
    for task in VTCBENCH_TASKS:
        chosen = _OFFICIAL[task]
        key = {"ROUGE-L": "rouge_l"}.get(chosen, chosen)
        found += [
            Comparison(
                name=f"{task}, official",
                source=metric,
                official=lambda reply, answers, task, chosen=chosen: official(reply, answers, [chosen])[chosen],
                ours=score_vtcbench,
                case=lambda rng, task=task: _case(rng, task),
            ),
            Comparison(
                name=f"{task}, VLMEvalKit's",
                source=kit,
                official=of_kit,
                ours=lambda *case: score_vtcbench(*case, protocol="vlmevalkit"),
                case=lambda rng, task=task: _case(rng, task),
                known=_known,
            ),
            Comparison(
                name=f"{task}, evalscope's",
                source=adapter,
                official=lambda reply, answers, task, key=key: metrics(reply, answers)[key],
                ours=lambda *case: score_vtcbench(*case, protocol="evalscope"),
                case=lambda rng, task=task: _case(rng, task),
            ),
        ]
    found.append(
        Comparison(
            name="text mode, evalscope's",
            source=adapter,
            official=text,
            ours=context_of_evalscope,
            case=_context,
        )
    )
    return found


def _known(reply: str, answers: list[str], task: str) -> str:
    """Explain a difference: no file of the data can hold a lone surrogate, and VLMEvalKit's `eval` fails on one."""
    lone = any("\ud800" <= character <= "\udfff" for answer in answers for character in answer)
    return "an answer has a lone surrogate, and its JSON text becomes the answer" if lone else ""


def _case(rng: Random, task: str) -> tuple[str, list[str], str]:
    if task == "Memory":
        answers = [words(rng, rng.randrange(1, 12)) for _ in range(rng.choice((1, 1, 2)))]
    else:
        draw = rng.choice((lambda: str(rng.randrange(10**6, 10**7)), lambda: words(rng, 1), lambda: words(rng, 2)))
        answers = [draw() for _ in range(rng.choice((1, 1, 2, 4)))]
    if rng.random() < 0.03:
        answers[0] = rng.choice((f" {answers[0]}\n", "", "42", answers[0].upper(), odd(rng)))
    said = rng.choice((answers[0], ", ".join(answers), words(rng, 4) + " " + answers[-1]))
    return prediction(rng, said, [*answers, words(rng, 2)]), answers, task


def _context(rng: Random) -> tuple[str]:
    if rng.random() < 0.3:
        return (words(rng, 30).replace(". ", ".\n") + odd(rng).replace("<", "("),)
    parts = []
    for _ in range(rng.randrange(1, 4)):
        parts.append("<div class='session'>")
        parts.append(f"<span class='timestamp'>{rng.randrange(1, 13)}:56 pm on 8 May, 2023</span>")
        for number in range(rng.randrange(1, 5)):
            inner = words(rng, rng.randrange(1, 12))
            inner = rng.choice(
                (inner, f" {inner}\n", f"[a photo] {inner}", f"{inner} &amp; more", f"<b>{inner}</b> so", "")
            )
            speaker = rng.choice(("Ann", "Bo", ""))
            parts.append(f"<span class='dialogue' data-speaker='{speaker}' data-dia-id='D1:{number}'>{inner}</span>")
        parts.append("</div>")
    return ("".join(parts),)

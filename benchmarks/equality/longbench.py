"""LongBench v1 and v2, and the parts of Glyph's scripts that differ from them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from equality.comparison import Comparison, function_of, module_of, stack_of_a_script
from equality.predictions import characters, chinese, code, english, odd, prediction, words
from glyphrender.evals import longbench2, metrics, rouge
from glyphrender.evals.longbench import METRICS, clear_prediction, scored_line

PAGE = "longbench-ruler.md"
CLASSES = ["a", "ab", "abc", "city", "Other city", "country", "Number of something", "Date", "体育", "体育新闻", "经济"]


def comparisons(scripts: Path) -> list[Comparison]:
    """Return the comparisons with THUDM/LongBench and thu-coai/Glyph, cloned into LongBench/ and Glyph/."""
    source = "LongBench/LongBench/metrics.py"
    official = module_of(scripts / source)
    evaluate = module_of(scripts / "LongBench/LongBench/eval.py", beside=True)
    clear = module_of(scripts / "Glyph/evaluation/longbench/scripts/clear_pred.py")
    extract = function_of(scripts / "LongBench/pred.py", "extract_answer", {"re": re})

    def row(
        name: str, function: str, ours: Callable[..., Any], case: Callable[[Random], tuple[Any, ...]]
    ) -> Comparison:
        def theirs(*given: Any) -> float:
            kwargs = {"all_classes": given[2]} if len(given) > 2 else {}
            with stack_of_a_script(2):
                return float(getattr(official, function)(*given[:2], **kwargs))

        return Comparison(name=name, source=source, official=theirs, ours=ours, case=case)

    def scorer(task: str, reply: str, answers: list[str], classes: list[str]) -> float:
        with stack_of_a_script(1):
            return float(evaluate.scorer(task, [reply], [answers], classes))

    def our_scorer(task: str, reply: str, answers: list[str], classes: list[str]) -> float:
        line = scored_line(task, reply)
        return round(100 * max((METRICS[task](line, answer, classes) for answer in answers), default=0.0), 2)

    return [
        row("qa_f1", "qa_f1_score", metrics.qa_f1, _pair(lambda rng: words(rng, rng.randrange(1, 9)))),
        row("qa_f1_zh", "qa_f1_zh_score", metrics.qa_f1_zh, _pair(lambda rng: characters(rng, rng.randrange(1, 30)))),
        row("rouge_l", "rouge_score", rouge.rouge_l, _pair(_summary, long=_long_summary)),
        row("rouge_l_zh", "rouge_zh_score", rouge.rouge_l_zh, _pair(_chinese_summary, long=_long_chinese_summary)),
        row("classification", "classification_score", metrics.classification, _classes),
        row("paragraph_match", "retrieval_score", metrics.paragraph_match, _pair(_paragraph)),
        row("paragraph_match, Chinese", "retrieval_zh_score", metrics.paragraph_match, _pair(_chinese_paragraph)),
        row("count_match", "count_score", metrics.count_match, _pair(lambda rng: str(rng.randrange(1, 31)))),
        row("code_similarity", "code_sim_score", metrics.code_similarity, _pair(_code_line)),
        Comparison(
            name="scorer of the 21 sets",
            source="LongBench/LongBench/eval.py",
            official=scorer,
            ours=our_scorer,
            case=_set,
        ),
        Comparison(
            name="extract_answer of v2",
            source="LongBench/pred.py",
            official=extract,
            ours=longbench2.extract_answer,
            case=_choice,
        ),
        Comparison(
            name="clear_prediction of Glyph",
            source="Glyph/evaluation/longbench/scripts/clear_pred.py",
            official=clear.extract_answer_from_text,
            ours=clear_prediction,
            case=lambda rng: _pair(_summary)(rng)[:1],
        ),
    ]


def _long_summary(rng: Random) -> str:
    return words(rng, rng.randrange(400, 1050))


def _long_chinese_summary(rng: Random) -> str:
    return "".join(rng.choices(chinese(), k=60))[: rng.randrange(600, 1900)]


def _paragraph(rng: Random) -> str:
    return f"Paragraph {rng.randrange(1, 31)}"


def _chinese_paragraph(rng: Random) -> str:
    return f"段落{rng.randrange(1, 31)}"


def _pair(
    truth: Callable[[Random], str], *, long: Callable[[Random], str] | None = None
) -> Callable[[Random], tuple[Any, ...]]:
    """Return a function that draws a prediction and a right answer. One case in 250 is long."""

    def case(rng: Random) -> tuple[str, str]:
        if long is not None and rng.random() < 0.004:
            right = long(rng)
            return rng.choice((right, long(rng), prediction(rng, right, [long(rng)]))), right
        right = truth(rng)
        if long is not None and rng.random() < 0.02:
            return prediction(rng, right, [truth(rng)]), odd(rng)
        return prediction(rng, right, [truth(rng) for _ in range(3)]), right

    return case


def _summary(rng: Random) -> str:
    at = rng.randrange(len(english()) - 4)
    return " ".join(english()[at : at + rng.randrange(1, 3)])


def _chinese_summary(rng: Random) -> str:
    at = rng.randrange(len(chinese()) - 3)
    return "".join(chinese()[at : at + rng.randrange(1, 3)])


def _code_line(rng: Random) -> str:
    line = rng.choice(code())
    return line * rng.randrange(2, 8) if rng.random() < 0.1 else line  # difflib changes at 200 characters


def _classes(rng: Random) -> tuple[str, str, list[str]]:
    classes = rng.sample(CLASSES, rng.randrange(2, len(CLASSES)))
    truth = rng.choice([*classes, rng.choice(CLASSES)])
    return prediction(rng, truth, classes), truth, classes


def _set(rng: Random) -> tuple[str, str, list[str], list[str]]:
    task = rng.choice(sorted(METRICS))
    draw = {
        "passage_retrieval_en": lambda: f"Paragraph {rng.randrange(1, 31)}",
        "passage_retrieval_zh": lambda: f"段落{rng.randrange(1, 31)}",
        "passage_count": lambda: str(rng.randrange(1, 31)),
        "trec": lambda: rng.choice(CLASSES),
        "lsht": lambda: rng.choice(CLASSES),
        "lcc": lambda: rng.choice(code()),
        "repobench-p": lambda: rng.choice(code()),
    }.get(
        task,
        lambda: (
            characters(rng, rng.randrange(1, 30))
            if task in ("dureader", "vcsum", "multifieldqa_zh")
            else words(rng, rng.randrange(1, 20))
        ),
    )
    answers = [draw() for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    reply = prediction(rng, rng.choice([*answers, draw()]), [draw(), draw()])
    if rng.random() < 0.3:
        reply = rng.choice(("\n", "\n\n", "")) + reply + "\n" + draw()
    return task, reply, answers, CLASSES


def _choice(rng: Random) -> tuple[str]:
    letter = rng.choice("ABCDE")
    said = rng.choice(
        (
            "The correct answer is ({})",
            "The correct answer is {}",
            "The correct answer is: {}",
            "**The correct answer is ({})**",
            "The correct answer is **({})**",
            "the correct answer is ({})",
            "({})",
            "The correct answer is (insert answer here)",
            "The *correct* answer is ({}) or ({})",
            "The correct answer is\n({})",
        )
    ).replace("{}", letter)
    return (prediction(rng, said, [said.replace(letter, rng.choice("ABCD")), words(rng, 6)]),)

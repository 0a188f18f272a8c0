"""The same predictions under each protocol of LongBench and RULER: what the name of a protocol decides.

    python benchmarks/longbench_faults.py            # print the table
    python benchmarks/longbench_faults.py --write    # and write it into docs/longbench-ruler.md

Each line is one reply to an item made here, scored as a run scores it: thoughts are cut as the protocol says,
then its own cleaning and metric. "–" stands where a protocol does not have the item.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from report import table, write

from glyphrender.evals.benchmarks import load_benchmark
from glyphrender.evals.item import Benchmark, ScoredReply
from glyphrender.evals.longbench import TASKS
from glyphrender.evals.metrics import code_similarity
from glyphrender.evals.rouge import rouge_l_zh
from glyphrender.evals.ruler import GLYPH_TASKS
from glyphrender.evals.ruler_samples import SampleMaker
from glyphrender.evals.ruler_sources import RulerSources
from glyphrender.evals.sampling import spoken
from glyphrender.models.tokenizers import tokenizer
from glyphrender.tasks.task import Score

PROTOCOLS = ("official", "thinking", "glyph@61afa7f")
ROW = {"context": "c", "length": 1, "language": "en", "all_classes": None, "_id": "1", "input": "?"}


def longbench(folder: Path, protocol: str, rows: Sequence[dict[str, Any]]) -> Benchmark:
    path, prompts = folder / "rows.jsonl", folder / "prompts.json"
    path.write_text("\n".join(json.dumps(ROW | row) for row in rows), encoding="utf-8")
    prompts.write_text(json.dumps(dict.fromkeys(TASKS, "{input}")), encoding="utf-8")
    options = {"prompts": str(prompts)} if protocol.startswith("glyph") else {}
    return load_benchmark("longbench", [str(path)], protocol=protocol, options=options)


def scored(benchmark: Benchmark, replies: Sequence[str | None]) -> list[ScoredReply]:
    """Return the replies with their scores, as a run gives them; None is a failed request."""
    found = []
    for item, reply in zip(benchmark.items, replies, strict=True):
        if reply is None:
            found.append(ScoredReply(item=item, reply=None, score=Score(error=1.0)))
            continue
        text = spoken(reply, thoughts=benchmark.protocol.thoughts, stop=item.stop)
        found.append(ScoredReply(item=item, reply=text, score=benchmark.score(item, text)))
    return found


def shown(value: float) -> str:
    return f"{100 * value:.0f}"


def of_longbench(folder: Path) -> list[tuple[str, ...]]:
    classes = ["Distance", "Date"]
    lines: list[tuple[str, str, dict[str, Any], str]] = [
        ("code in a fence", "lcc", {"answers": ["return x"]}, "```python\nreturn x\n```"),
        (
            "few-shot model goes on",
            "trec",
            {"answers": ["Distance"], "all_classes": classes},
            "Distance\nQuestion: Date",
        ),
        ("answer, then more lines", "triviaqa", {"answers": ["Paris"]}, "Paris\nQuestion: who was\nAnswer: he"),
        ("thoughts that end", "passage_retrieval_en", {"answers": ["Paragraph 3"]}, "<think>9?</think>Paragraph 3"),
        ("thoughts cut at the limit", "passage_count", {"answers": ["3"]}, "<think>It may be 3"),
        ("a class within a class", "lsht", {"answers": ["abc"], "all_classes": ["a", "ab", "abc"]}, "abc"),
    ]
    rows = []
    for name, task, changes, reply in lines:
        cells = []
        for protocol in PROTOCOLS:
            benchmark = longbench(folder, protocol, [changes | {"dataset": task}])
            cells.append(shown(scored(benchmark, [reply])[0].score.value))
        rows.append((f"LongBench `{task}`: {name}", *cells))
    two = [{"dataset": "hotpotqa", "answers": ["nine"], "_id": str(number)} for number in range(2)]
    cells = []
    for protocol in PROTOCOLS:
        benchmark = longbench(folder, protocol, two)
        summary = benchmark.summary(scored(benchmark, ["nine", None]))
        dropped = summary.get("failures dropped")
        cells.append(shown(summary["average"]) + (f" (its script: {shown(dropped)})" if dropped is not None else ""))
    rows.append(("LongBench: one right reply, one failed request", *cells))
    return rows


def of_ruler() -> list[tuple[str, ...]]:
    maker = SampleMaker(sources=RulerSources(), tokenizer=tokenizer("glm-4"))
    options = {"lengths": "1024", "samples": "1"}
    rows = []
    for name, task, made in (
        ("right, in thoughts only", "niah_single_1", lambda answer: f"<think>{answer}, perhaps</think>I cannot tell."),
        ("right, after thoughts that do not end", "vt", lambda answer: f"<think>The first is {answer}"),
        ("a UUID, copied", "niah_multikey_3", lambda answer: answer),
    ):
        cells = []
        for protocol in PROTOCOLS:
            if protocol.startswith("glyph") and task not in GLYPH_TASKS:
                cells.append("–")
                continue
            benchmark = load_benchmark("ruler", [], tasks=[task], protocol=protocol, options=options)
            item = benchmark.items[0]
            assert item.answers == maker.sample(task, 1024, 0).answers
            cells.append(shown(scored(benchmark, [made(item.answers[0])])[0].score.value))
        rows.append((f"RULER `{task}`: {name}", *cells))
    return rows


def of_metrics() -> str:
    """Return a table of what a metric makes of its own faults: official value, and value without the fault."""
    copy = "，".join(["我们讨论了预算"] * 240)
    line, right = "a" * 150 + "b" * 100, "b" * 100 + "a" * 150
    rows = [
        (
            "`vcsum`: a copy of 1,199 words without a full stop",
            rouge_l_zh(copy, copy),
            rouge_l_zh(copy, copy, most_steps=None),
        ),
        (
            "`lcc`: a line of 250 characters, halves swapped",
            code_similarity(line, right),
            code_similarity(line, right, matcher="levenshtein"),
        ),
    ]
    return table(
        ("metric", "official", "without the limit, or with python-Levenshtein"),
        [(n, shown(a), shown(b)) for n, a, b in rows],
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--write", action="store_true", help="write the tables into docs/longbench-ruler.md")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = of_longbench(Path(folder))
    text = table(("same reply", *(f"`{name}`" for name in PROTOCOLS)), [*rows, *of_ruler()]) + "\n" + of_metrics()
    print(text)
    if given.write:
        write("protocol-faults", text, page="longbench-ruler.md")


if __name__ == "__main__":
    main()

"""What whole benchmarks cost before they are run: LongBench, LongBench v2, RULER to 128 K and MRCR to 1 M tokens.

    python benchmarks/eval_dry_run.py                        # GLM-4.1V (Glyph) on one H100
    python benchmarks/eval_dry_run.py --vision claude-opus-5 --write

The data are stand-ins: for each set, as many items as it has, each with a text of its published mean length and a limit
of reply as the official script gives it. Texts are a novel in English, the Universal Declaration of Human Rights in
Chinese, and Python; passages begin at different places. Sources of counts and lengths: table 1 of LongBench (arXiv
2308.14508; words, and characters for Chinese), LongBench v2 (arXiv 2412.15204; short to 32 K words, medium to 128 K,
long to 2 M: we take 14 K, 70 K and 300 K words for 180, 215 and 108 items), RULER's `synthetic.yaml` with 500 samples a
task and length, MRCR's bins of 100 items for each number of needles, at the middle of each bin. With your own copy of
the data, `glyphrender eval NAME DATA --dry-run` gives the same table for it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import report
import texts

from glyphrender import Theta
from glyphrender.evals.arms import Poser, conditions_of
from glyphrender.evals.dry_run import PlannedCondition, dry_run, h100_of_glyph
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.models.prices import prices
from glyphrender.models.tokenizers import Tokenizer, tokenizer, tokenizer_of
from glyphrender.models.vision import vision_model
from glyphrender.tasks.task import Score

QUESTION = (
    "Answer the question based on the given passages. Only give me the answer and do not output any other words.\n"
)
# (set, items, published mean length, tokens of a reply, language)
LONGBENCH = (
    ("narrativeqa", 200, 18_409, 128, "en"),
    ("qasper", 200, 3_619, 128, "en"),
    ("multifieldqa_en", 150, 4_559, 64, "en"),
    ("multifieldqa_zh", 200, 6_701, 64, "zh"),
    ("hotpotqa", 200, 9_151, 32, "en"),
    ("2wikimqa", 200, 4_887, 32, "en"),
    ("musique", 200, 11_214, 32, "en"),
    ("dureader", 200, 15_768, 128, "zh"),
    ("gov_report", 200, 8_734, 512, "en"),
    ("qmsum", 200, 10_614, 512, "en"),
    ("multi_news", 200, 2_113, 512, "en"),
    ("vcsum", 200, 15_380, 512, "zh"),
    ("trec", 200, 5_177, 64, "en"),
    ("triviaqa", 200, 8_209, 32, "en"),
    ("samsum", 200, 6_258, 128, "en"),
    ("lsht", 200, 22_337, 64, "zh"),
    ("passage_count", 200, 11_141, 32, "en"),
    ("passage_retrieval_en", 200, 9_289, 32, "en"),
    ("passage_retrieval_zh", 200, 6_745, 32, "zh"),
    ("lcc", 500, 1_235, 64, "code"),
    ("repobench-p", 500, 4_206, 64, "code"),
)
LONGBENCH_2 = (("short", 180, 14_000, 128, "en"), ("medium", 215, 70_000, 128, "en"), ("long", 108, 300_000, 128, "en"))
RULER = {"niah": (8, 128), "vt": (1, 30), "cwe": (1, 120), "fwe": (1, 50), "qa": (2, 32)}  # (tasks, tokens of a reply)
LENGTHS = (4, 8, 16, 32, 64, 128)  # K tokens
MRCR_BINS = (6, 12, 24, 48, 96, 192, 384, 768)  # K tokens, the middles of 4–8 … 512–1024
MRCR_REPLY = 1_500


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Items of one set that are alike.

    Attributes:
        task: name of the set.
        bucket: their length.
        count: number of items.
        size: length of the context: words, characters (zh), or tokens.
        unit: "words", "characters" or "tokens".
        reply: tokens of a reply.
        language: "en", "zh" or "code".
    """

    task: str
    bucket: str
    count: int
    size: int
    unit: str
    reply: int
    language: str = "en"


class StandIns:
    """A sequence of items of cells, each made when it is asked for."""

    def __init__(self, cells: list[Cell], tokens: Tokenizer) -> None:
        self._of = [cell for cell in cells for _ in range(cell.count)]
        self._sources = {"en": texts.novel(), "zh": texts.chinese(), "code": texts.code()}
        self._characters = {name: len(text) / tokens.count(text) for name, text in self._sources.items()}

    def __len__(self) -> int:
        return len(self._of)

    def __getitem__(self, index: int) -> Item:
        cell = self._of[index]
        turns = (ItemTurn("user", (Drawable(self._text(cell, index)), "\n\n" + QUESTION)),)
        bucket = {"length": cell.bucket}
        return Item(key=str(index), task=cell.task, turns=turns, answers=(), max_tokens=cell.reply, buckets=bucket)

    def _text(self, cell: Cell, index: int) -> str:
        """Return a text of the length of a cell, from a place of its own in the source."""
        source = self._sources[cell.language]
        characters = {"words": 5.7, "characters": 1.0, "tokens": self._characters[cell.language]}[cell.unit]
        size = int(cell.size * characters)
        start = (index * 7_919) % len(source)
        return (source * (2 + size // len(source)))[start : start + size]


def benchmarks() -> dict[str, list[Cell]]:
    def listed(rows: Any, bucket: bool = False) -> list[Cell]:
        return [
            Cell(task=name, bucket=name if bucket else "all", count=count, size=size, reply=reply, language=language,
                 unit="characters" if language == "zh" else "words")
            for name, count, size, reply, language in rows
        ]  # fmt: skip

    ruler = [
        Cell(
            task=task,
            bucket=f"{length}k",
            count=500 * tasks,
            size=length * 1024 - reply - 60,
            unit="tokens",
            reply=reply,
        )
        for length in LENGTHS
        for task, (tasks, reply) in RULER.items()
    ]  # fmt: skip
    mrcr = [
        Cell(task=f"{needles}needle", bucket=f"{middle}k", count=100, size=middle * 1024 - MRCR_REPLY, unit="tokens",
             reply=MRCR_REPLY)
        for needles in (2, 4, 8)
        for middle in MRCR_BINS
    ]  # fmt: skip
    return {"LongBench": listed(LONGBENCH), "LongBench v2": listed(LONGBENCH_2, bucket=True), "RULER to 128 K": ruler,
            "MRCR to 1 M": mrcr}  # fmt: skip


def planned(cells: list[Cell], name: str, given: argparse.Namespace) -> tuple[PlannedCondition, ...]:
    vision = vision_model(given.vision)
    theta = Theta.preset(given.preset)
    theta = theta.align_to(vision) if vision.grid is not None else theta
    counted = tokenizer(tokenizer_of(vision.name) or "glm-4")
    benchmark = Benchmark(
        name=name,
        revision="stand-in",
        protocol=EvalProtocol(name="official", source="counts and lengths of the papers"),
        items=StandIns(cells, counted),
        score=lambda item, reply: Score(error=1.0),
    )
    return dry_run(
        benchmark,
        conditions=conditions_of(["pages", "text"], [theta]),
        poser=Poser(vision=vision, tokenizer=counted),
        sample=given.sample,
        price=prices().of(given.vision),
        speed=h100_of_glyph() if vision.name == "glm-4.1v" else None,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vision", default="glm-4.1v", help="vision model")
    parser.add_argument("--preset", default="glyph-en", help="θ of the pages")
    parser.add_argument("--sample", type=int, default=2, help="items of each set and length that are laid out")
    parser.add_argument("--write", action="store_true", help="write the table into docs/evals.md")
    given = parser.parse_args()
    rows = []
    for name, cells in benchmarks().items():
        for each in planned(cells, name, given):
            ratios = [f"{each.rho_visual:.2f}", f"{each.rho_prompt:.2f}"]
            tokens = [f"{each.context_tokens / 1e6:,.0f}", f"{each.prompt_tokens / 1e6:,.0f}"]
            dollars = "" if each.prompt_dollars is None else f"{each.prompt_dollars:,.0f}–{each.dollars:,.0f}"
            hours = "" if each.hours is None else f"{each.hours:,.1f}"
            sizes = [f"{each.pages:,.0f}", *ratios, f"{each.longest_prompt:,}"]
            rows.append([name, each.name, f"{each.items:,}", *tokens, *sizes, dollars, hours])
    head = ("benchmark", "arm", "items", "context, M tokens", "prompts, M tokens", "pages", "ρ visual", "ρ prompt",
            "longest prompt", "dollars", "hours")  # fmt: skip
    about = f"{given.vision}, θ {given.preset}, {given.sample} items of each set and length laid out."
    text = f"{about}\n\n{report.table(head, rows)}"
    print(text)
    if given.write:
        report.write(f"dry-run-{given.vision}", text, page="evals.md")


if __name__ == "__main__":
    main()

"""What the parts of the search are worth at equal budget: random draws, the operators, and these with the expert.

    python benchmarks/search_ablation.py [--seeds 3] [--rounds 4] [--steps 30] [--write]

Every run reads as many θ of the space `reader` with tesseract, on the same excerpts of the novel, and its front is
read again on excerpts that no run has seen; the figures are of those. Readings are kept in build/ablation.json, so a
run that is repeated takes seconds. `--write` puts the table into docs/search-vlm.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import report
import texts

from glyphrender.search import search as engine
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.expert import ExpertProposer
from glyphrender.search.pareto import hypervolume
from glyphrender.search.reader import Reader
from glyphrender.search.result import SearchResult, point
from glyphrender.search.space import Space
from glyphrender.theta import Theta

KEPT = Path(__file__).parent.parent / "build/ablation.json"
VISION = "glm-4.1v"
RHOS = (2, 3, 4)
# Arms: what share of θ are drawn blindly, and who proposes.
ARMS: dict[str, tuple[float, Any]] = {
    "random draws": (1.0, None),
    "genetic": (0.1, None),
    "genetic and expert": (0.1, ExpertProposer()),
}


class Kept:
    """The reader, with a memory on disk."""

    concurrency = "threads"

    def __init__(self, reader: Reader) -> None:
        self.reader, self.name, self.rungs = reader, reader.name, (1, 4)
        self.known: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        self.read = 0

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        key = f"{self.name} {theta.digest} {samples} {seed}"
        if key not in self.known:
            self.known[key] = self.reader(theta, samples=samples, seed=seed).to_dict()
            self.read += samples
        return Evaluation.from_dict(self.known[key])

    def save(self) -> None:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(self.known))


def run(arm: str, seed: int, judge: Kept, text: str, rounds: int, steps: int) -> SearchResult:
    """One search. The constants of the engine that make arms unequal are set aside."""
    strangers, proposer = ARMS[arm]
    engine._STRANGERS = strangers
    engine._GROWTH = -1.0  # no early end: the budget is the same
    engine._FINALISTS = 8
    space = Space.preset("reader", VISION, text=text)
    return engine.search(
        text,
        VISION,
        space=space,
        evaluator=judge,
        proposer=proposer,
        rounds=rounds,
        steps=steps,
        seed=seed,
        jobs=1,
        start={},
    )


def figures(result: SearchResult) -> dict[str, float]:
    """Hypervolume of the front as it was read again, and its least error at each ρ; 1 where nothing has that ρ."""
    found = {"hypervolume": hypervolume([point(each) for each in result.front], (1.0, 1.0))}
    for rho in RHOS:
        found[f"ρ ≥ {rho}"] = min((each.error for each in result.front if each.rho >= rho), default=1.0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    text = texts.novel()[:200_000]
    judge = Kept(Reader(text, VISION, length=500))
    begun = time.process_time()
    rows = []
    for arm in ARMS:
        runs = []
        for seed in range(given.seeds):
            result = run(arm, seed, judge, text, given.rounds, given.steps)
            runs.append(figures(result))
            print(
                arm,
                seed,
                runs[-1],
                f"{result.evaluations} evaluations, {time.process_time() - begun:.0f} s",
                flush=True,
            )
            judge.save()
        forms = ["{:.3f}", *["{:.2%}"] * len(RHOS)]
        rows.append(
            [arm, *(spread([each[key] for each in runs], form) for key, form in zip(runs[0], forms, strict=True))]
        )
    table = report.table(["", "hypervolume", *(f"error at ρ ≥ {rho}" for rho in RHOS)], rows)
    print(table)
    if given.write:
        report.write("ablation", table, "search-vlm.md")


def spread(values: list[float], form: str) -> str:
    """Mean, least and greatest."""
    low, mean, high = (form.format(each) for each in (min(values), statistics.mean(values), max(values)))
    return f"{mean} ({low} … {high})"


if __name__ == "__main__":
    main()

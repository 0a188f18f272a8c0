"""The value of each part of the search at equal budget: random draws, the genetic operators, and these with the expert.

    python benchmarks/search_ablation.py [--seeds 3] [--rounds 4] [--steps 30]    # print the table
    python benchmarks/search_ablation.py --write                                  # and put it into docs/search-vlm.md

Every run reads the same number of θ from the space `reader` with tesseract, on the same excerpts of the novel. Its
front is then read again on excerpts that no run has seen, and the figures come from that reading. From the end of each
genetic run, the expert proposes 24 θ and the operators make 24; the run prints how much each adds to the front.
Readings are kept in build/ablation.json, so a repeated run takes seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import report
import texts

from glyphrender.models.vision import vision_model
from glyphrender.search import result as results
from glyphrender.search import run as engine
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.expert import ExpertProposer, sampled_front
from glyphrender.search.pareto import best, hypervolume, tournament
from glyphrender.search.reader import ReaderEvaluator
from glyphrender.search.result import SearchResult, objectives
from glyphrender.search.search import search
from glyphrender.search.space import Space
from glyphrender.search.workers import Work
from glyphrender.theta import Theta

KEPT = Path(__file__).parent.parent / "build/ablation.json"
VISION = "glm-4.1v"
RHOS = (2, 3)
CHILDREN = 24
# name of an arm → (share of θ that are drawn at random, proposer)
ARMS: dict[str, tuple[float, Any]] = {
    "random draws": (1.0, None),
    "genetic": (0.1, None),
    "genetic and expert": (0.1, ExpertProposer()),
}


class KeptReader:
    """A reader whose readings are kept in a file."""

    concurrency = "threads"

    def __init__(self, reader: ReaderEvaluator) -> None:
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


def run(arm: str, seed: int, judge: KeptReader, text: str, rounds: int, steps: int) -> SearchResult:
    """Run one search, without the constants of the engine that would make the arms unequal."""
    strangers, proposer = ARMS[arm]
    engine._STRANGERS = strangers
    engine._GROWTH = -1.0  # no early end: the budget is the same
    results.FINALISTS = 8
    space = Space.preset("reader", VISION, text=text)
    return search(
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


def next_step(seed: int, judge: KeptReader, text: str, rounds: int, steps: int) -> list[tuple[str, float]]:
    """Return the growth of the front's hypervolume by 24 more θ, from the operators and from the expert.

    The θ are made from the end of a genetic run. The result is (who made them, factor of growth).
    """
    result = run("genetic", seed, judge, text, rounds, steps)
    space = Space.preset("reader", VISION, text=text)
    work = Work(texts=(text,), model=vision_model(VISION), tokenizer=None, evaluator=judge)

    def read(candidate: Candidate) -> Candidate:
        """Return the candidate with the evaluation that the search saw, before the front was read again."""
        return replace(candidate, evaluation=judge(candidate.theta, samples=judge.rungs[-1], seed=seed))

    def volume(candidates: list[Candidate]) -> float:
        return hypervolume([objectives(candidate) for candidate in sampled_front(candidates)], (1.0, 1.0))

    at_last = [c for c in result.candidates if c.evaluation is not None and c.evaluation.samples >= judge.rungs[-1]]
    history = [read(candidate) for candidate in at_last]
    parents = [history[index] for index in best([objectives(each) for each in history], 40)]
    rng = random.Random(seed)
    children: list[Theta] = []
    while len(children) < CHILDREN:
        one, other = (parents[tournament(len(parents), rng)].theta for _ in range(2))
        child = space.mutate(space.crossover(one, other, rng) if rng.random() < 0.5 else one, rng)
        children += [child] if child not in {each.theta for each in history} else []
    proposed = ExpertProposer().propose(history, space, CHILDREN, rng).thetas
    before = volume(history)
    grown = []
    for name, thetas in (("operators", children), ("expert", proposed)):
        new = [
            read(Candidate(theta=theta, origin=name, round=9, step=10_000 + step, rho=float(work.rho(theta))))
            for step, theta in enumerate(thetas)
        ]
        grown.append((name, volume(history + new) / before))
    return grown


def figures(result: SearchResult) -> dict[str, float]:
    """Return the hypervolume of the reread front, and its least error at each ρ (1 if nothing has that ρ)."""
    found = {"hypervolume": hypervolume([objectives(each) for each in result.front], (1.0, 1.0))}
    for rho in RHOS:
        found[f"ρ ≥ {rho}"] = min((each.error for each in result.front if each.rho >= rho), default=1.0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="runs of each arm")
    parser.add_argument("--rounds", type=int, default=4, help="rounds of a search")
    parser.add_argument("--steps", type=int, default=30, help="θ of a round")
    parser.add_argument("--write", action="store_true", help="write the table into docs/search-vlm.md")
    given = parser.parse_args()
    text = texts.novel()[:200_000]
    judge = KeptReader(ReaderEvaluator(text, model=VISION, length=500))
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
    for seed in range(given.seeds):
        print("next step", seed, next_step(seed, judge, text, given.rounds, given.steps), flush=True)
        judge.save()
    table = report.table(["", "hypervolume", *(f"error at ρ ≥ {rho}" for rho in RHOS)], rows)
    print(table)
    if given.write:
        report.write("ablation", table, "search-vlm.md")


def spread(values: list[float], form: str) -> str:
    """Return "mean (least … greatest)"."""
    low, mean, high = (form.format(each) for each in (min(values), statistics.mean(values), max(values)))
    return f"{mean} ({low} … {high})"


if __name__ == "__main__":
    main()

"""The search over θ: the pages that read best for a visual token, by a genetic algorithm on two objectives.

A *round* is so many *steps*, one θ each; between rounds a proposer may speak. Within a round θ come in batches: made by
the operators from the best so far (NSGA-II: rank, then crowding; two-way tournaments), laid out for ρ, dropped where
that is hopeless, and read by successive halving: all on a small sample, the better half on a larger one, and so on. The
front is made of θ read on the largest sample, and read again at the end on words that the search has not seen, since
the best of many noisy readings flatters itself.

What happens depends on the seed and on what evaluator and proposer answered; see `journal` for how it is resumed.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Final

from glyphrender.errors import BudgetSpent, DataError, ThetaError
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.models.vision import vision_model
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation, Evaluator
from glyphrender.search.journal import Journal
from glyphrender.search.pareto import best, hypervolume, tournament
from glyphrender.search.proposer import Proposals, Proposer
from glyphrender.search.result import (
    FINAL,
    Budget,
    Progress,
    SearchResult,
    Standing,
    concluded,
    finalists,
    front_of,
    point,
)
from glyphrender.search.rho_text import rho_texts
from glyphrender.search.space import Space
from glyphrender.search.workers import Work, Workers
from glyphrender.theta import Theta

__all__ = ["search"]

# θ made from the same parents, and halved among themselves.
_BATCH: Final = 20
# A space is exhausted once so many children in a row were seen before.
_MISSES: Final = 200
# The best so far, of which parents are drawn.
_POPULATION: Final = 40
# Of a batch: strangers, and children of two parents; the others are mutants of one.
_STRANGERS, _CROSSED = 0.1, 0.5
# Of a round's steps, those that a proposer may fill.
_PROPOSED: Final = 0.2
# A round that adds less than this share to the hypervolume is the last.
_GROWTH: Final = 0.002
# A θ counts as hopeless by ρ alone once so many were evaluated, and only with this much room for luck.
_KNOWN, _MARGIN = 40, 1.15


def search(
    texts: str | Sequence[str],
    vision: str | VisionModel = "glm-4.1v",
    *,
    space: Space | None = None,
    evaluator: Evaluator | None = None,
    proposer: Proposer | None = None,
    rounds: int = 5,
    steps: int = 200,
    budget: Budget | None = None,
    seed: int = 0,
    journal: str | os.PathLike[str] | None = None,
    resume: bool = False,
    jobs: int | None = None,
    tokenizer: TokenizerLike | None = None,
    rungs: Sequence[int] | None = None,
    max_error: float = 0.1,
    start: Mapping[str, Theta] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> SearchResult:
    """Search the θ of `space` for low error and high ρ.

    Args:
        texts: what ρ is of (see `rho_texts`), and by default what is read.
        vision: a name in `VISION_MODELS`, or a model.
        space: what may vary; by default `Space.preset("reader", vision)`.
        evaluator: what says the error of a θ; by default `Reader(texts, vision)`.
        proposer: asked once a round, from the second on, for a fifth of its steps.
        rounds, steps: at most so many rounds of so many θ.
        budget: caps on evaluations, samples and time.
        seed: equal seeds give equal searches, whatever `jobs`.
        journal: a file to write each step to; see `glyphrender.search.journal`.
        resume: go on with that file, if it is there.
        jobs: processes, or threads for an evaluator that says so; by default one a core.
        tokenizer: see `compression_ratio`.
        rungs: sample sizes of the halving; by default what the evaluator says, else (1, 3, 10).
        max_error: θ of more error are of no use, whatever their ρ.
        start: θ to begin with, by name, moved into the space; by default the presets glyph-en and dense.
        progress: called after each batch.

    Raises:
        DataError: no text, an argument out of range, or a journal that cannot be written or is of another search.
        ThetaError, VisionModelError, DependencyError, TokenizerError: see `Space.preset`, `Reader` and
            `compression_ratio`.
    """
    texts = (texts,) if isinstance(texts, str) else tuple(texts)
    model = vision_model(vision)
    if not any(text.strip() for text in texts):
        raise DataError("there is no text to search for. Pass one that is not empty.")
    jobs = jobs if jobs is not None else os.cpu_count() or 1
    for name, value in (("rounds", rounds), ("steps", steps), ("jobs", jobs)):
        if value < 1:
            raise DataError(f"{name}={value} does nothing. Use 1 or more.")
    if not 0 < max_error <= 1:
        raise DataError(f"max_error={max_error} is no share. Use a number above 0, up to 1.")
    if space is None:
        space = Space.preset("reader", model, text=texts[0])
    if evaluator is None:
        from glyphrender.search.reader import ReaderEvaluator

        evaluator = ReaderEvaluator(texts, model=model)
    sizes: tuple[int, ...] = tuple(rungs if rungs is not None else getattr(evaluator, "rungs", (1, 3, 10)))
    if not sizes or list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
        raise DataError(f"rungs={sizes} do not rise. Use sample sizes as (2, 6, 20).")
    available: int | None = getattr(evaluator, "available", None)
    if available is not None and sizes[-1] > available:
        raise DataError(f"rungs={sizes} ask for more than the {available} tasks of {evaluator.name}. Use smaller ones.")
    final = FINAL * sizes[-1]
    if start is None:
        start = {name: Theta.preset(name) for name in ("glyph-en", "dense")}
    work = Work(texts=rho_texts(texts), vision=model, tokenizer=tokenizer, evaluator=evaluator)
    settings = {
        "seed": seed,
        "steps": steps,
        "vision": model.name,
        "evaluator": evaluator.name,
        "proposer": proposer.name if proposer is not None else None,
        "rungs": sizes,
        "max_error": max_error,
        "space": space.digest,
        "axes": space.describe(),
        "start": {name: theta.digest for name, theta in start.items()},
        # What ρ is of and counted in.
        "text": _digest(work.texts),
        "tokenizer": _name(tokenizer),
    }
    with ExitStack() as stack:
        book = stack.enter_context(Journal(journal, settings, resume=resume))
        workers = stack.enter_context(Workers(work, jobs, forked=book.close))
        run = _Run(
            space=space,
            workers=workers,
            journal=book,
            seed=seed,
            rungs=sizes,
            final_samples=final if available is None else min(final, available),
            budget=budget or Budget(),
            max_error=max_error,
            steps=steps,
            of=rounds * steps,
            progress=progress or (lambda progress: None),
        )
        return run.whole(rounds, proposer, start)


@dataclass(kw_only=True, slots=True)
class _Run:
    space: Space
    workers: Workers
    journal: Journal
    seed: int
    rungs: tuple[int, ...]
    final_samples: int
    budget: Budget
    max_error: float
    steps: int
    of: int
    progress: Callable[[Progress], None]
    candidates: list[Candidate] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    hypervolumes: list[float] = field(default_factory=list)
    evaluations: int = 0
    samples: int = 0
    stopped: str = ""
    began: float = 0.0

    def whole(self, rounds: int, proposer: Proposer | None, start: Mapping[str, Theta]) -> SearchResult:
        self.began = time.monotonic() - self.journal.elapsed
        for round in range(1, rounds + 1):
            self.round(round, proposer, start)
            front = self.front()
            self.hypervolumes.append(self.hypervolume(front))
            if self.stopped:
                break
            self.journal.add_round(round, self.hypervolumes[-1], [candidate.digest for candidate in front])
            if round > 1 and self.hypervolumes[-1] < self.hypervolumes[-2] * (1 + _GROWTH):
                self.stopped = "no growth"
                break
        final = self.final()
        front, standing = concluded(self.full(), final, self.max_error)
        again = {candidate.step: candidate for candidate in final} if standing is not Standing.SEARCH else {}
        return SearchResult(
            candidates=tuple(again.get(candidate.step, candidate) for candidate in self.candidates),
            front=tuple(front),
            standing=standing,
            hypervolumes=tuple(self.hypervolumes),
            evaluations=self.evaluations,
            samples=self.samples,
            seconds=self.seconds(),
            stopped=self.stopped or "rounds",
        )

    def round(self, round: int, proposer: Proposer | None, start: Mapping[str, Theta]) -> None:
        """One round of steps."""
        made: list[tuple[Theta, str, tuple[str, ...]]] = []
        if round == 1:
            made += [(self.space.repair(theta), f"preset:{name}", ()) for name, theta in _repairable(start, self.space)]
        elif proposer is not None:
            made += [(theta, f"proposer:{proposer.name}", ()) for theta in self.proposals(round, proposer).thetas]
        end = round * self.steps
        batch = 0
        while len(self.candidates) < end and not self.stopped:
            rng = random.Random(f"{self.seed}/{round}/{batch}")
            size = min(_BATCH, end - len(self.candidates))
            given, made = made[:size], made[size:]
            self.batch(round, given, size, rng)
            batch += 1
            front = tuple(self.front())
            self.progress(
                Progress(
                    round=round,
                    step=len(self.candidates),
                    of=self.of,
                    evaluations=self.evaluations,
                    samples=self.samples,
                    seconds=self.seconds(),
                    front=front,
                    hypervolume=self.hypervolume(front),
                )
            )

    def batch(
        self, round: int, given: Iterable[tuple[Theta, str, tuple[str, ...]]], size: int, rng: random.Random
    ) -> None:
        """`size` new θ, the given ones first: made, laid out, dropped or read."""
        made = []
        parents = self.parents()
        for theta, origin, ancestors in given:
            if theta.digest not in self.seen:
                self.seen.add(theta.digest)
                made.append((theta, origin, ancestors))
        misses = 0
        while len(made) < size and misses < _MISSES:
            theta, origin, ancestors = self.child(parents, rng)
            if theta.digest in self.seen:
                misses += 1
                continue
            self.seen.add(theta.digest)
            made.append((theta, origin, ancestors))
        if not made:
            self.stopped = "exhausted"
            return
        first = len(self.candidates) + 1
        known = [self.journal.rho(first + index) for index in range(len(made))]
        missing = self.workers.rhos([theta for (theta, _, _), rho in zip(made, known, strict=True) if rho is None])
        fresh: list[Candidate] = []
        for index, (theta, origin, ancestors) in enumerate(made):
            rho = known[index]
            reason = self.journal.reason(first + index) if rho == 0 else ""
            if rho is None:
                laid = next(missing)
                rho, reason = (0.0, f"it cannot be laid out: {laid}") if isinstance(laid, str) else (laid, "")
            candidate = Candidate(
                theta=theta, origin=origin, parents=ancestors, round=round, step=first + index, rho=rho, reason=reason
            )
            candidate = replace(candidate, reason=reason or self.hopeless(candidate))
            self.journal.add_candidate(candidate)
            fresh.append(candidate)
        self.candidates += fresh
        self.halve([candidate for candidate in fresh if not candidate.reason])

    def child(self, parents: Sequence[Candidate], rng: random.Random) -> tuple[Theta, str, tuple[str, ...]]:
        """A θ made by the operators; a random one where there are no parents."""
        if len(parents) < 2 or rng.random() < _STRANGERS:
            return self.space.sample(rng), "random", ()
        one = parents[tournament(len(parents), rng)]
        if rng.random() < _CROSSED / (1 - _STRANGERS):
            other = parents[tournament(len(parents), rng)]
            theta = self.space.crossover(one.theta, other.theta, rng)
            if rng.random() < 0.5 or theta in (one.theta, other.theta):
                theta = self.space.mutate(theta, rng)
            return theta, "crossover", (one.digest, other.digest)
        return self.space.mutate(one.theta, rng), "mutation", (one.digest,)

    def hopeless(self, candidate: Candidate) -> str:
        """Why a θ need not be drawn, by its ρ alone; empty where it may be worth it.

        Two bounds are learnt. Nothing reads better than the best so far by more than a little, so a θ of less ρ than
        one that reads nearly as well adds nothing. And nothing of much more ρ than all that could be read will be.
        """
        full = self.full()
        evaluated = [c for c in self.candidates if c.evaluation is not None]
        if len(evaluated) < _KNOWN or not full:
            return ""
        least = min(c.error for c in full)
        better = [c for c in full if c.error <= least * _MARGIN + 1e-4]
        above = max(better, key=lambda c: c.rho)
        if candidate.rho * _MARGIN < above.rho:
            return f"ρ {candidate.rho:.2f} is far below that of step {above.step}, which none reads better than"
        most = max((c.rho for c in evaluated if c.error <= self.max_error), default=0.0)
        if most and candidate.rho > most * _MARGIN:
            return f"ρ {candidate.rho:.2f} is far above {most:.2f}, the most that was read"
        return ""

    def halve(self, candidates: list[Candidate]) -> None:
        """Successive halving: all on the smallest sample, the better half of them on the next."""
        front = self.front()
        for rung, samples in enumerate(self.rungs):
            candidates = self.evaluated(candidates, samples, self.seed)
            for candidate in candidates:
                self.candidates[candidate.step - 1] = candidate
            candidates = [c for c in candidates if c.evaluation and not self.beaten(c, c.evaluation, front)]
            if rung + 1 < len(self.rungs):
                points = [point(candidate, self.max_error) for candidate in candidates]
                kept = best(points, -(-len(candidates) // 2))
                candidates = [candidates[index] for index in sorted(kept)]

    def beaten(self, candidate: Candidate, evaluation: Evaluation, front: Sequence[Candidate]) -> bool:
        """Whether a θ is out whatever a larger sample says: unreadable, or beaten outside both intervals."""
        if evaluation.low > self.max_error:
            return True
        return any(
            other.rho >= candidate.rho and other.evaluation is not None and other.evaluation.high < evaluation.low
            for other in front
        )

    def evaluated(
        self, candidates: Sequence[Candidate], samples: int, seed: int, *, final: bool = False
    ) -> list[Candidate]:
        """Those of the candidates that the budget allows, each with its evaluation, in their order."""
        found: list[Candidate] = []
        if not final:
            candidates = self.allowed(candidates, samples, seed)
        known = [self.journal.evaluation(candidate.step, samples, seed) for candidate in candidates]
        asked = [(c.theta, samples, seed) for c, told in zip(candidates, known, strict=True) if told is None]
        answers = self.workers.evaluations(asked)
        for candidate, evaluation in zip(candidates, known, strict=True):
            if evaluation is None:
                try:
                    evaluation = next(answers)
                except BudgetSpent as error:
                    self.stopped = str(error)
                    break
                self.journal.add_evaluation(candidate.step, seed, evaluation, self.seconds())
                # As it will be read back, so that a resumed search sees the same.
                evaluation = self.journal.evaluation(candidate.step, samples, seed) or evaluation
            self.evaluations += 1
            self.samples += samples
            found.append(replace(candidate, evaluation=evaluation))
        return found

    def allowed(self, candidates: Sequence[Candidate], samples: int, seed: int) -> Sequence[Candidate]:
        """As many of the candidates as the budget has room for."""
        budget = self.budget
        room = len(candidates)
        if budget.evaluations is not None:
            room = min(room, budget.evaluations - self.evaluations)
        if budget.samples is not None:
            room = min(room, (budget.samples - self.samples) // samples)
        if room < len(candidates):
            spent = budget.evaluations is not None and budget.evaluations - self.evaluations <= room
            self.stopped = "budget of evaluations" if spent else "budget of samples"
        if budget.seconds is not None and self.seconds() >= budget.seconds:
            # What is in the journal was paid for.
            room = sum(self.journal.evaluation(c.step, samples, seed) is not None for c in candidates[:room])
            if room < len(candidates):
                self.stopped = self.stopped or "budget of seconds"
        return candidates[:room]

    def proposals(self, round: int, proposer: Proposer) -> Proposals:
        """What the proposer says, from the journal if it has spoken already; only θ of the space are taken."""
        known = self.journal.proposals(round)
        if known is None:
            rng = random.Random(f"{self.seed}/{round}/proposer")
            count = max(1, int(_PROPOSED * self.steps))
            known = proposer.propose(tuple(self.candidates), self.space, count, rng).within(self.space)
            self.journal.add_proposals(round, proposer.name, known)
            known = self.journal.proposals(round) or known
        return known

    def parents(self) -> list[Candidate]:
        """The best so far, best first, of those that passed the first halving; else of all that could be read."""
        least = self.rungs[min(1, len(self.rungs) - 1)]
        read = [c for c in self.candidates if c.evaluation is not None and c.error <= self.max_error]
        pool = [c for c in read if c.evaluation is not None and c.evaluation.samples >= least] or read
        return [pool[index] for index in best([point(c, self.max_error) for c in pool], _POPULATION)]

    def full(self) -> list[Candidate]:
        """Those read on the largest sample."""
        return [c for c in self.candidates if c.evaluation is not None and c.evaluation.samples >= self.rungs[-1]]

    def front(self) -> list[Candidate]:
        """The front of those."""
        return front_of(self.full(), self.max_error)

    def hypervolume(self, front: Sequence[Candidate]) -> float:
        """Share of the square from no error to `max_error`, and from ρ = ∞ to ρ = 1, that the front dominates."""
        return round(hypervolume([point(candidate, self.max_error) for candidate in front], (1.0, 1.0)), 6)

    def final(self) -> list[Candidate]:
        """The best, read again on a larger sample of another seed; fewer where the evaluator may ask no more."""
        chosen = finalists(self.full(), self.max_error)
        return self.evaluated(chosen, self.final_samples, self.seed + 1, final=True)

    def seconds(self) -> float:
        """Seconds of search, those before a resumption included."""
        return time.monotonic() - self.began


def _digest(texts: Sequence[str]) -> str:
    told = hashlib.sha256()
    for text in texts:
        told.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return told.hexdigest()


def _name(tokenizer: TokenizerLike | None) -> str | None:
    if tokenizer is None or isinstance(tokenizer, str | os.PathLike):
        return None if tokenizer is None else os.fspath(tokenizer)
    return type(tokenizer).__name__


def _repairable(start: Mapping[str, Theta], space: Space) -> list[tuple[str, Theta]]:
    found = []
    for name, theta in start.items():
        try:
            space.repair(theta)
        except ThetaError:
            continue
        found.append((name, theta))
    return found

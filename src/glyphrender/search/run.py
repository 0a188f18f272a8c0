"""One run of a search: rounds of steps, batches in a round, successive halving, the last reading of the front."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from glyphrender.errors import BudgetSpent, ThetaError
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.journal import Journal
from glyphrender.search.pareto import best, hypervolume, tournament
from glyphrender.search.proposer import Proposals, Proposer
from glyphrender.search.result import (
    FINALISTS,
    ErrorSource,
    SearchProgress,
    SearchResult,
    conclude,
    finalists,
    objectives,
    readable_front,
)
from glyphrender.search.settings import SampleSizes, SearchSettings
from glyphrender.search.space import Space
from glyphrender.search.workers import Workers
from glyphrender.theta import Theta

__all__ = ["SearchRun"]

# Number of θ in a batch: they have the same parents, and are halved among themselves.
_BATCH: Final = 20
# A space is exhausted once this many children in a row were seen before.
_MISSES: Final = 200
# Parents are drawn from this many of the best candidates so far.
_POPULATION: Final = 40
# Shares of a batch: random θ, and children of two parents; the others are mutants of one parent.
_STRANGERS, _CROSSED = 0.1, 0.5
# The share of a round that a proposer may fill.
_PROPOSED: Final = 0.2
# A round that adds less than this share to the hypervolume is the last.
_GROWTH: Final = 0.002
# A θ can count as hopeless by ρ alone only after this many evaluations, and only beyond this margin for luck.
_KNOWN, _MARGIN = 40, 1.15

#: A θ with its origin and the digests of its parents, before it is a candidate.
_Made: TypeAlias = tuple[Theta, str, tuple[str, ...]]


@dataclass(kw_only=True, slots=True)
class SearchRun:
    """A search under way: what was found and spent so far, and what it works with.

    Attributes:
        settings: rounds, steps, budget, seed and the largest useful error.
        sizes: sample sizes of the halving, and of the last reading.
        space: the θ that may be tried.
        workers: lay out and evaluate θ.
        journal: the file that everything is written to, and that answers what is known already.
        progress: called after each reading of a θ and after each batch.
        candidates: every θ so far, in the order of their steps.
        seen: digests of these.
        hypervolumes: hypervolume of the front after each round.
        evaluations: calls of the evaluator so far, including those answered by the journal.
        samples: tasks of these calls.
        stopped: why the run ends; empty while it goes on.
        began: when it began, on the monotonic clock.
        told: the progress that the caller was told last.
        samples_of_steps: tasks of the whole batches so far.
    """

    settings: SearchSettings
    sizes: SampleSizes
    space: Space
    workers: Workers
    journal: Journal
    progress: Callable[[SearchProgress], None]
    candidates: list[Candidate] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    hypervolumes: list[float] = field(default_factory=list)
    evaluations: int = 0
    samples: int = 0
    stopped: str = ""
    began: float = 0.0
    told: SearchProgress = field(init=False)
    samples_of_steps: int = 0

    def __post_init__(self) -> None:
        self.told = SearchProgress(
            round=1,
            step=0,
            of=self.settings.rounds * self.settings.steps,
            evaluations=0,
            samples=0,
            seconds=0.0,
            front=(),
            hypervolume=0.0,
            expected=0,
            final=False,
        )

    def whole(self, proposer: Proposer | None, start: Mapping[str, Theta]) -> SearchResult:
        """Search round after round until something stops the search, then read the front again."""
        self.began = time.monotonic() - self.journal.elapsed
        for round in range(1, self.settings.rounds + 1):
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
        front, error_source = conclude(self.full(), final, self.settings.max_error)
        again = {candidate.step: candidate for candidate in final} if error_source is not ErrorSource.SEARCH else {}
        return SearchResult(
            candidates=tuple(again.get(candidate.step, candidate) for candidate in self.candidates),
            front=tuple(front),
            error_source=error_source,
            hypervolumes=tuple(self.hypervolumes),
            evaluations=self.evaluations,
            samples=self.samples,
            seconds=self.seconds(),
            stopped=self.stopped or "rounds",
        )

    def round(self, round: int, proposer: Proposer | None, start: Mapping[str, Theta]) -> None:
        """Take the steps of one round, batch by batch."""
        made: list[_Made] = []
        if round == 1:
            made += [(self.space.repair(theta), f"preset:{name}", ()) for name, theta in _repairable(start, self.space)]
        elif proposer is not None:
            made += [(theta, f"proposer:{proposer.name}", ()) for theta in self.proposals(round, proposer).thetas]
        end = round * self.settings.steps
        batch = 0
        while len(self.candidates) < end and not self.stopped:
            rng = random.Random(f"{self.settings.seed}/{round}/{batch}")
            size = min(_BATCH, end - len(self.candidates))
            given, made = made[:size], made[size:]
            self.batch(round, given, size, rng)
            batch += 1
            front = tuple(self.front())
            self.samples_of_steps = self.samples
            self.told = replace(
                self.told,
                round=round,
                step=len(self.candidates),
                front=front,
                hypervolume=self.hypervolume(front),
            )
            self.tell()

    def tell(self) -> None:
        """Tell the caller how far the search is."""
        self.told = replace(
            self.told,
            evaluations=self.evaluations,
            samples=self.samples,
            seconds=self.seconds(),
            expected=self.expected(),
        )
        self.progress(self.told)

    def expected(self) -> int:
        """Return the number of tasks that the whole search reads if no round ends it early.

        The steps to come cost what those of the whole batches so far did on average. Before the first batch, no θ is
        expected to be dropped by its ρ or its error.
        """
        if self.told.final:
            return self.told.expected
        rungs, to_come = self.sizes.rungs, self.told.of - self.told.step
        of_batch = sum(-(-_BATCH // 2**rung) * samples for rung, samples in enumerate(rungs))
        each = self.samples_of_steps / self.told.step if self.told.step else of_batch / _BATCH
        expected = round(self.samples_of_steps + each * to_come)
        if self.settings.budget.samples is not None:
            expected = min(expected, self.settings.budget.samples)
        readable = min(FINALISTS, max(1, self.told.of // 4))
        return max(expected, self.samples) + readable * self.sizes.final

    def batch(self, round: int, given: Iterable[_Made], size: int, rng: random.Random) -> None:
        """Try `size` new θ, those of `given` first: make them, lay them out for ρ, then drop or read them."""
        made = self.new(given, size, rng)
        if not made:
            self.stopped = "exhausted"
            return
        fresh = self.laid_out(made, round)
        self.candidates += fresh
        self.halve([candidate for candidate in fresh if not candidate.reason])

    def new(self, given: Iterable[_Made], size: int, rng: random.Random) -> list[_Made]:
        """Return up to `size` θ that were never seen: those of `given`, then children of the best so far."""
        made: list[_Made] = []
        parents = self.parents()
        misses = 0
        waiting = iter(given)
        while len(made) < size and misses < _MISSES:
            next_given = next(waiting, None)
            each = next_given or self.child(parents, rng)
            if each[0].digest not in self.seen:
                self.seen.add(each[0].digest)
                made.append(each)
            elif next_given is None:
                misses += 1
        return made

    def laid_out(self, made: Sequence[_Made], round: int) -> list[Candidate]:
        """Return `made` as candidates with their ρ, and a reason if they need not be read; add them to the journal."""
        first = len(self.candidates) + 1
        known = [self.journal.rho(first + index) for index in range(len(made))]
        missing = self.workers.rhos([theta for (theta, _, _), rho in zip(made, known, strict=True) if rho is None])
        fresh: list[Candidate] = []
        for step, ((theta, origin, parents), rho) in enumerate(zip(made, known, strict=True), first):
            reason = self.journal.reason(step) if rho == 0 else ""
            if rho is None:
                found = next(missing)
                rho, reason = (0.0, f"it cannot be laid out: {found}") if isinstance(found, str) else (found, "")
            candidate = Candidate(theta=theta, origin=origin, parents=parents, round=round, step=step, rho=rho)
            candidate = replace(candidate, reason=reason or self.hopeless(candidate))
            self.journal.add_candidate(candidate)
            fresh.append(candidate)
        return fresh

    def child(self, parents: Sequence[Candidate], rng: random.Random) -> _Made:
        """Return a θ made by the operators; a random one if there are no parents."""
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
        """Return why a θ need not be drawn, judged by its ρ alone; empty if it may be worth drawing.

        Two bounds are learnt. First, hardly any θ reads better than the best so far. So a θ adds nothing if its ρ is
        far below that of one that reads nearly as well as the best. Second, a θ with much more ρ than every readable θ
        will not be readable either.
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
        most = max((c.rho for c in evaluated if c.error <= self.settings.max_error), default=0.0)
        if most and candidate.rho > most * _MARGIN:
            return f"ρ {candidate.rho:.2f} is far above {most:.2f}, the most that was read"
        return ""

    def halve(self, candidates: list[Candidate]) -> None:
        """Read by successive halving: all candidates on the smallest sample, the better half on the next, and so on."""
        front = self.front()
        for rung, samples in enumerate(self.sizes.rungs):
            candidates = self.evaluated(candidates, samples, self.settings.seed)
            for candidate in candidates:
                self.candidates[candidate.step - 1] = candidate
            candidates = [c for c in candidates if c.evaluation and not self.beaten(c, c.evaluation, front)]
            if rung + 1 < len(self.sizes.rungs):
                points = [objectives(candidate, self.settings.max_error) for candidate in candidates]
                kept = best(points, -(-len(candidates) // 2))
                candidates = [candidates[index] for index in sorted(kept)]

    def beaten(self, candidate: Candidate, evaluation: Evaluation, front: Sequence[Candidate]) -> bool:
        """Return whether to drop a θ now.

        Its error is surely above max_error, or a θ of the front has at least its ρ and a surely lower error.
        """
        if evaluation.low > self.settings.max_error:
            return True
        return any(
            other.rho >= candidate.rho and other.evaluation is not None and other.evaluation.high < evaluation.low
            for other in front
        )

    def evaluated(
        self, candidates: Sequence[Candidate], samples: int, seed: int, *, final: bool = False
    ) -> list[Candidate]:
        """Return the candidates that the budget allows to read, each with its evaluation, in their order."""
        read: list[Candidate] = []
        if not final:
            candidates = self.allowed(candidates, samples, seed)
        known = [self.journal.evaluation(candidate.step, samples, seed) for candidate in candidates]
        asked = [(c.theta, samples, seed) for c, found in zip(candidates, known, strict=True) if found is None]
        answers = self.workers.evaluations(asked)
        for candidate, evaluation in zip(candidates, known, strict=True):
            if evaluation is None:
                try:
                    evaluation = next(answers)
                except BudgetSpent as error:
                    self.stopped = str(error)
                    break
                self.journal.add_evaluation(candidate.step, seed, evaluation, self.seconds())
                # Take it as the journal will read it back, so that a resumed search sees the same.
                evaluation = self.journal.evaluation(candidate.step, samples, seed) or evaluation
            self.evaluations += 1
            self.samples += samples
            read.append(replace(candidate, evaluation=evaluation))
            self.tell()
        return read

    def allowed(self, candidates: Sequence[Candidate], samples: int, seed: int) -> Sequence[Candidate]:
        """Return as many of the candidates as the budget has room for."""
        budget = self.settings.budget
        room = len(candidates)
        if budget.evaluations is not None:
            room = min(room, budget.evaluations - self.evaluations)
        if budget.samples is not None:
            room = min(room, (budget.samples - self.samples) // samples)
        if room < len(candidates):
            spent = budget.evaluations is not None and budget.evaluations - self.evaluations <= room
            self.stopped = "budget of evaluations" if spent else "budget of samples"
        if budget.seconds is not None and self.seconds() >= budget.seconds:
            # Evaluations in the journal are paid for already.
            room = sum(self.journal.evaluation(c.step, samples, seed) is not None for c in candidates[:room])
            if room < len(candidates):
                self.stopped = self.stopped or "budget of seconds"
        return candidates[:room]

    def proposals(self, round: int, proposer: Proposer) -> Proposals:
        """Return the answer of the proposer, from the journal if it holds one; all θ are in the space."""
        known = self.journal.proposals(round)
        if known is None:
            rng = random.Random(f"{self.settings.seed}/{round}/proposer")
            count = max(1, int(_PROPOSED * self.settings.steps))
            known = proposer.propose(tuple(self.candidates), self.space, count, rng).within(self.space)
            self.journal.add_proposals(round, proposer.name, known)
            known = self.journal.proposals(round) or known
        return known

    def parents(self) -> list[Candidate]:
        """Return the best so far, best first: those that passed the first halving, or else all that could be read."""
        least = self.sizes.rungs[min(1, len(self.sizes.rungs) - 1)]
        read = [c for c in self.candidates if c.evaluation is not None and c.error <= self.settings.max_error]
        pool = [c for c in read if c.evaluation is not None and c.evaluation.samples >= least] or read
        return [pool[index] for index in best([objectives(c, self.settings.max_error) for c in pool], _POPULATION)]

    def full(self) -> list[Candidate]:
        """Return the candidates that were read on the largest sample."""
        return [c for c in self.candidates if c.evaluation is not None and c.evaluation.samples >= self.sizes.rungs[-1]]

    def front(self) -> list[Candidate]:
        """Return the front of the candidates that were read on the largest sample."""
        return readable_front(self.full(), self.settings.max_error)

    def hypervolume(self, front: Sequence[Candidate]) -> float:
        """Return how much the front dominates of the square from no error to `max_error` and from ρ = ∞ to ρ = 1."""
        return round(
            hypervolume([objectives(candidate, self.settings.max_error) for candidate in front], (1.0, 1.0)), 6
        )

    def final(self) -> list[Candidate]:
        """Return the best, read again on a larger sample of another seed; fewer if the evaluator may ask no more."""
        chosen = finalists(self.full(), self.settings.max_error)
        self.told = replace(self.told, final=True, expected=self.samples + len(chosen) * self.sizes.final)
        return self.evaluated(chosen, self.sizes.final, self.settings.seed + 1, final=True)

    def seconds(self) -> float:
        """Return the seconds of search, including those before a resumption."""
        return time.monotonic() - self.began


def _repairable(start: Mapping[str, Theta], space: Space) -> list[tuple[str, Theta]]:
    found = []
    for name, theta in start.items():
        try:
            space.repair(theta)
        except ThetaError:
            continue
        found.append((name, theta))
    return found

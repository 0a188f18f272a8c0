"""The prior's share on the front of a search: the same excerpts read as they are and without language priors.

A search minimizes the errors on prose, and a reader guesses prose. So the front is read once more, after the search, on
excerpts that the search has not seen: as they are, and as text that nobody can guess. Nothing is chosen by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from glyphrender.errors import DataError
from glyphrender.ocr.priorless import TextKind, text_kind
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.reader import ReaderEvaluator
from glyphrender.search.workers import Work, Workers
from glyphrender.tasks.priors import share_of
from glyphrender.theta import Theta

__all__ = ["PRIOR_SAMPLES", "PriorEvaluator", "with_priors"]

#: Number of excerpts that each θ of a front is read on, twice.
PRIOR_SAMPLES: Final = 20


class PriorEvaluator:
    """An `Evaluator` of the error without priors, which reads the same excerpts as prose too.

    The key "prior" of an evaluation's details has "text" (the kind), "prose" and "error" (the two rates), and "share":
    [the prior's share, low, high], or None if nothing was read wrong without priors.

    Args:
        evaluator: the reader, the texts and the model.
        kind: the kind of text without priors.

    Raises:
        DataError: there is no such kind, or it is "prose".
    """

    concurrency = "processes"

    def __init__(self, evaluator: ReaderEvaluator, kind: str | TextKind) -> None:
        self.kind = text_kind(kind)
        if self.kind is TextKind.PROSE:
            raise DataError("priors=prose has all language priors. Use words, pseudo, letters or alphanumeric.")
        self._prose, self._without = evaluator.of_kind(TextKind.PROSE), evaluator.of_kind(self.kind)
        self.name = f"{self._without.name}/beside-prose"

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        """Return the error without priors of `theta` on `samples` excerpts. See `Evaluator`."""
        readings = [
            [each.reading(theta, number, seed) for number in range(samples)] for each in (self._prose, self._without)
        ]
        counted: list[Any] = []
        for found in readings:
            counted += [[wrong for each in found for wrong in each.wrong], sum(each.letters for each in found)]
        share = share_of(self.kind, *counted, seed=seed)
        prior = {
            "text": str(self.kind),
            "prose": round(share.prose.mean, 6),
            "error": round(share.without.mean, 6),
            "share": share.share and [round(each, 4) for each in (share.share.mean, share.share.low, share.share.high)],
            "samples": samples,
        }
        return Evaluation(
            error=share.without.mean,
            low=share.without.low,
            high=share.without.high,
            samples=samples,
            details={"prior": prior},
        )


def with_priors(
    front: Sequence[Candidate], kind: str | TextKind, work: Work, *, seed: int, jobs: int = 1
) -> tuple[Candidate, ...]:
    """Return the candidates of a front with the prior's share among the details of their evaluations.

    Args:
        front: candidates that were evaluated.
        kind: the kind of text without priors.
        work: texts, model and evaluator of the search. The evaluator must be a `ReaderEvaluator`.
        seed: seed of the excerpts.
        jobs: number of processes.

    Raises:
        DataError: the evaluator reads no excerpts, or there is no such kind.
    """
    if not isinstance(work.evaluator, ReaderEvaluator):
        raise DataError(f"priors={kind} needs an evaluator that reads excerpts. Use --evaluator reader or rapidocr.")
    judge = PriorEvaluator(work.evaluator, kind)
    with Workers(replace(work, evaluator=judge), jobs) as workers:
        found = list(workers.evaluations([(each.theta, PRIOR_SAMPLES, seed) for each in front]))
    return tuple(
        each
        if each.evaluation is None
        else replace(each, evaluation=replace(each.evaluation, details={**each.evaluation.details, **other.details}))
        for each, other in zip(front, found, strict=True)
    )

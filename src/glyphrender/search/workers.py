"""ρ and errors of many θ at once: in forked processes that keep what they have learnt, in threads, or right here.

Results come in the order of the θ, whichever worker computed them, so a search does not depend on the number of
workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

from glyphrender._system.counts import checked_count
from glyphrender._system.processes import ForkedPool, can_fork
from glyphrender.errors import DataError, FontError, LayoutError, ThetaError, VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.rich.rich_text import RichText
from glyphrender.search.evaluation import Evaluation, Evaluator
from glyphrender.theta import Theta

__all__ = ["Work", "Workers"]

# Errors that are the fault of one θ, and not of the search.
_ITS_OWN: Final = (FontError, LayoutError, ThetaError, VisionModelError)


@dataclass(frozen=True, kw_only=True)
class Work:
    """The settings of what is computed for each θ.

    Attributes:
        texts: the texts whose ρ is computed.
        model, tokenizer: see `compression_ratio`.
        evaluator: computes the error.
    """

    texts: tuple[str | RichText, ...]
    model: VisionModel
    tokenizer: TokenizerLike | None
    evaluator: Evaluator

    def rho(self, theta: Theta) -> float | str:
        """Return the text tokens per visual token over all texts, or the reason why there is no ρ."""
        try:
            ratios = [
                compression_ratio(text, theta=theta, model=self.model, tokenizer=self.tokenizer, over_limit="ignore")
                for text in self.texts
            ]
        except _ITS_OWN as error:
            return str(error)
        visual = sum(ratio.visual_tokens for ratio in ratios)
        return round(sum(ratio.text_tokens for ratio in ratios) / visual, 6) if visual else 1.0

    def evaluation(self, asked: tuple[Theta, int, int]) -> Evaluation:
        """Return the evaluation of (θ, samples, seed); its error is 1 if that θ cannot be used at all.

        Raises:
            DataError: the evaluator returned no `Evaluation`.
        """
        theta, samples, seed = asked
        try:
            found: Any = self.evaluator(theta, samples=samples, seed=seed)
        except _ITS_OWN as error:
            return Evaluation(error=1.0, low=1.0, high=1.0, samples=samples, details={"failed": str(error)})
        if not isinstance(found, Evaluation):
            raise DataError(f"evaluator {self.evaluator.name} gave {found!r:.60}, which is no Evaluation. Return one.")
        # Halving, front and journal identify an evaluation by the rung that was asked for, whatever the evaluator
        # counts.
        return replace(found, samples=samples)


class Workers:
    """`jobs` workers that compute ρ and errors. A context manager: after the block, no worker remains.

    The workers are forked processes, which keep what they have learnt from one call to the next. They are threads if
    the evaluator has `concurrency = "threads"`, for example because it waits for a server, or if this process cannot
    fork. With one job there are no workers: this process computes everything.

    Args:
        work: the settings of the computation.
        jobs: number of workers.
        forked: called first in each forked process, to close files that the process has from its parent.
    """

    def __init__(self, work: Work, jobs: int, *, forked: Callable[[], None] = lambda: None) -> None:
        checked_count(jobs)
        self._work = work
        self._processes: ForkedPool[tuple[str, Any], Any] | None = None
        self._threads: ThreadPoolExecutor | None = None
        if jobs > 1 and getattr(work.evaluator, "concurrency", "processes") == "processes" and can_fork():
            self._processes = ForkedPool(jobs, self._computed, begin=forked)
        elif jobs > 1:
            self._threads = ThreadPoolExecutor(jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._processes is not None:
            self._processes.__exit__(kind, error, trace)
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def rhos(self, thetas: Sequence[Theta]) -> Iterator[float | str]:
        """Yield `Work.rho` of each θ, in their order."""
        return self._map("rho", thetas)

    def evaluations(self, asked: Sequence[tuple[Theta, int, int]]) -> Iterator[Evaluation]:
        """Yield `Work.evaluation` of each (θ, samples, seed), in their order, as they come."""
        return self._map("evaluation", asked)

    def _map(self, name: str, items: Iterable[Any]) -> Iterator[Any]:
        if self._processes is not None:
            return self._processes.imap((name, item) for item in items)
        compute = getattr(self._work, name)
        return map(compute, items) if self._threads is None else self._threads.map(compute, items)

    def _computed(self, asked: tuple[str, Any]) -> Any:
        name, item = asked
        return getattr(self._work, name)(item)

"""ρ and errors of many θ at once: in forked processes that keep what they have learnt, in threads, or right here.

The order of results is that of the θ, whoever computed them, so a search does not depend on how many workers it has.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from glyphrender._system.processes import can_fork
from glyphrender.errors import DataError, FontError, GlyphRenderError, LayoutError, ThetaError, VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.search.evaluation import Evaluation, Evaluator
from glyphrender.theta import Theta

__all__ = ["Work", "Workers"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# What is wrong with one θ, and not with the search.
_ITS_OWN: Final = (FontError, LayoutError, ThetaError, VisionModelError)
# A process looks so often, in seconds, whether its parent is there still: one that was killed tells nobody.
_WATCH: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is asked of each θ.

    Attributes:
        texts: what ρ is of.
        model, tokenizer: see `compression_ratio`.
        evaluator: what says the error.
    """

    texts: tuple[str, ...]
    model: VisionModel
    tokenizer: TokenizerLike | None
    evaluator: Evaluator

    def rho(self, theta: Theta) -> float | str:
        """Text tokens for one visual token over all texts; or why there is none."""
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
        """The evaluation of (θ, samples, seed); an error of 1 where that θ cannot be read at all.

        Raises:
            DataError: the evaluator gave no `Evaluation`.
        """
        theta, samples, seed = asked
        try:
            found: Any = self.evaluator(theta, samples=samples, seed=seed)
        except _ITS_OWN as error:
            return Evaluation(error=1.0, low=1.0, high=1.0, samples=samples, details={"failed": str(error)})
        if not isinstance(found, Evaluation):
            raise DataError(f"evaluator {self.evaluator.name} gave {found!r:.60}, which is no Evaluation. Return one.")
        # The rung that was asked for, by which halving, front and journal know it, whatever the evaluator counts.
        return replace(found, samples=samples)


class Workers:
    """`jobs` workers for some work; a context manager that leaves none behind.

    Args:
        work: what is asked.
        jobs: how many.
        forked: called first in each forked process, to close what it has from its parent.
    """

    def __init__(self, work: Work, jobs: int, *, forked: Callable[[], None] = lambda: None) -> None:
        self._work = work
        self._pool: Executor | None = None
        self._forked = getattr(work.evaluator, "concurrency", "processes") == "processes" and can_fork()
        if jobs > 1 and self._forked:
            fork = multiprocessing.get_context("fork")  # what they need is inherited, and need not be pickled
            given = (work, os.getpid(), forked)
            self._pool = ProcessPoolExecutor(jobs, mp_context=fork, initializer=_begin, initargs=given)
        elif jobs > 1:
            self._pool = ThreadPoolExecutor(jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=kind is None or not self._forked, cancel_futures=True)

    def rhos(self, thetas: Sequence[Theta]) -> Iterator[float | str]:
        """`Work.rho` of each."""
        return self._map(self._work.rho, _rho, thetas)

    def evaluations(self, asked: Sequence[tuple[Theta, int, int]]) -> Iterator[Evaluation]:
        """`Work.evaluation` of each, as they come in their order."""
        return self._map(self._work.evaluation, _evaluation, asked)

    def _map(
        self, here: Callable[[Item], Result], there: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        if self._pool is None:
            yield from map(here, items)
            return
        try:
            yield from self._pool.map(there if self._forked else here, items)
        except BrokenProcessPool as error:
            message = "a process of the search was killed, perhaps for want of memory. Use fewer jobs."
            raise GlyphRenderError(message) from error


_inherited: Work


def _begin(work: Work, parent: int, forked: Callable[[], None]) -> None:
    global _inherited
    _inherited = work
    forked()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent sees it too, and ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _rho(theta: Theta) -> Any:
    return _inherited.rho(theta)


def _evaluation(asked: tuple[Theta, int, int]) -> Any:
    return _inherited.evaluation(asked)

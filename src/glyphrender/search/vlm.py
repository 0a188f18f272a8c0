"""A vision-language model as the judge of θ: pages go in, exact answers are expected, the share of errors comes out.

The model is any OpenAI-compatible endpoint, or one of transformers on this machine. Every reply is kept by the digest
of θ, the task and the model, so a search that is repeated or resumed asks nothing twice, and a larger sample asks only
what the smaller one did not. What the server does not serve is never scored as misread: it is left out and counted, and
where more than a fifth of a sample is missing there is no evaluation but an error.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

from glyphrender._system.version import __version__
from glyphrender.document.document import render
from glyphrender.errors import DataError, EndpointError, LayoutError, RequestRefused
from glyphrender.inference.judge_endpoint import Endpoint, Reply
from glyphrender.inference.page_model import EndpointModel, LocalModel, PageModel
from glyphrender.inference.replies import Replies, RequestBudget, key_of
from glyphrender.search.evaluation import Evaluation
from glyphrender.tasks.alignment import confusions
from glyphrender.tasks.generated import KINDS, Task, generated, read_tasks
from glyphrender.theta import Theta

__all__ = ["VLMEvaluator", "evaluator"]

# Missing answers are not missing at random: beyond this share of a sample, the rest says little of θ.
_TOLERATED: Final = 0.2
_RESAMPLES: Final = 1000


class VLMEvaluator:
    """An `Evaluator` that asks a model.

    Args:
        texts: what generated tasks are about.
        model: what is asked.
        replies: the file of replies; several searches may share it, and then share a budget.
        tasks: kinds of generated tasks, in turn; or tasks, of which each sample takes some.
        characters: about how many an excerpt has; a quarter of it where it is to be copied.
        budget: of requests and tokens.
        concurrency: requests under way at once.
        thinking_tokens: that a reply may have beyond those of its answer.

    Raises:
        DataError: the texts have too little to ask about, a task is unknown, or the file of replies is not usable.
    """

    #: The engine may call it from several threads; the limit on requests under way holds for all of them.
    concurrency = "threads"

    def __init__(
        self,
        texts: Sequence[str],
        model: PageModel,
        *,
        replies: str | PathLike[str],
        tasks: Sequence[str] | Sequence[Task] = KINDS,
        characters: int = 12_000,
        budget: RequestBudget | None = None,
        concurrency: int = 4,
        thinking_tokens: int = 0,
    ) -> None:
        if concurrency < 1:
            raise DataError(f"concurrency={concurrency} asks nothing. Use 1 or more.")
        self.model, self.replies, self.budget = model, Replies(replies), budget or RequestBudget()
        self._texts, self._characters, self._thinking = list(texts), characters, thinking_tokens
        self._kinds = [task for task in tasks if isinstance(task, str)]
        # Each once: a task that is given twice would count twice, and narrow the interval for nothing.
        self._given = list({task.digest: task for task in tasks if isinstance(task, Task)}.values())
        self._threads, self._turn = concurrency, threading.Semaphore(concurrency)
        self._tasks(1, 0)  # what cannot be asked is refused before the search begins

    @property
    def name(self) -> str:
        """The model, the tasks, and a digest of all that decides the result."""
        given = [task.digest for task in self._given]
        told = key_of(self.model.identity, given or [self._kinds, self._characters, self._texts], self._thinking)
        what = "jsonl" if self._given else "+".join(self._kinds)
        return f"vlm {self.model.identity[0]} {what} {told[:12]}"

    @property
    def rungs(self) -> tuple[int, ...]:
        """Sample sizes that have as many of each kind: one, three and nine."""
        if self._given:
            return tuple(sorted({max(1, len(self._given) // share) for share in (9, 3, 1)}))
        return tuple(times * len(self._kinds) for times in (1, 3, 9))

    @property
    def available(self) -> int | None:
        """How many tasks there are; None where they are generated, as many as are asked for."""
        return len(self._given) or None

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        """The error of `theta` on `samples` tasks, or on all that there are.

        Raises:
            BudgetSpent: the budget does not cover the questions that were not asked before; what was answered is kept.
            EndpointError: more than a fifth of the sample was not answered.
            ThetaError, FontError, LayoutError: the texts cannot be set under `theta`, or the model refuses such pages.
        """
        tasks = self._tasks(samples, seed)
        with ThreadPoolExecutor(min(self._threads, len(tasks))) as pool:
            found = list(pool.map(lambda task: self._ask(theta, task), tasks))
        failures = [reply for reply in found if isinstance(reply, EndpointError)]
        if len(failures) > _TOLERATED * len(tasks):
            problem = f"{len(failures)} of {len(tasks)} questions were not answered. {failures[-1]}"
            # A model that has answered others refuses these pages: too many, or too large. That is θ's own fault.
            refused = all(isinstance(each, RequestRefused) for each in failures)
            if refused and self.replies.answered(self.model.identity[0]):
                raise LayoutError(problem)
            raise EndpointError(problem)
        answered = [(task, reply) for task, reply in zip(tasks, found, strict=True) if isinstance(reply, Reply)]
        return _evaluation(answered, samples=len(tasks), seed=seed)

    def _tasks(self, samples: int, seed: int) -> list[Task]:
        if self._given:
            return random.Random(seed).sample(self._given, len(self._given))[:samples]
        return generated(self._texts, self._kinds, count=samples, seed=seed, characters=self._characters)

    def _ask(self, theta: Theta, task: Task) -> Reply | EndpointError:
        """The reply to one task, from the file or from the model; or why there is none."""
        max_tokens = task.max_tokens + self._thinking
        key = key_of(theta.digest, task.digest, self.model.identity, task.question, max_tokens, __version__)
        if (reply := self.replies.get(key)) is not None:
            return reply
        with self._turn:
            self.replies.reserve(key, self.budget)
            try:
                reply = self.model.ask(render(task.context, theta), task.question, max_tokens)
            except EndpointError as error:
                self.replies.release(key)
                return error
            except BaseException:
                self.replies.release(key)
                raise
        about = {"theta": theta.digest, "task": task.kind, "model": self.model.identity[0], "question": task.question}
        self.replies.put(key, reply, about)
        return reply


def evaluator(
    texts: Sequence[str],
    *,
    model: str,
    base_url: str | None = None,
    local: bool = False,
    replies: str | PathLike[str] = "replies.sqlite",
    tasks: str = ",".join(KINDS),
    characters: int = 12_000,
    max_requests: int | None = None,
    max_tokens: int | None = None,
    concurrency: int = 4,
    thinking_tokens: int = 0,
    timeout: float = 120.0,
    retries: int = 4,
) -> VLMEvaluator:
    """The evaluator that options on a command line describe.

    Args:
        texts: what generated tasks are about.
        model: as the server names it; with `local`, a directory or a name on the hub for transformers.
        base_url: of an OpenAI-compatible server; the key is taken from OPENAI_API_KEY.
        tasks: kinds, separated by commas, or a JSONL file of {"context", "question", "answer"}.
        max_requests, max_tokens: see `RequestBudget`.
        replies, characters, concurrency, thinking_tokens: see `VLMEvaluator`.
        timeout, retries: see `Endpoint`.

    Raises:
        DataError: see `VLMEvaluator` and `read_tasks`.
    """
    asked: PageModel
    if local:
        asked = LocalModel(path_or_id=model)
    else:
        asked = EndpointModel(endpoint=Endpoint(model=model, base_url=base_url, timeout=timeout, retries=retries))
    given: Sequence[str] | Sequence[Task] = [kind.strip() for kind in tasks.split(",")]
    if tasks.endswith((".jsonl", ".json")):
        given = read_tasks(tasks)
    return VLMEvaluator(
        texts,
        asked,
        replies=replies,
        tasks=given,
        characters=characters,
        budget=RequestBudget(requests=max_requests, tokens=max_tokens),
        concurrency=concurrency,
        thinking_tokens=thinking_tokens,
    )


def _evaluation(answered: Sequence[tuple[Task, Reply]], *, samples: int, seed: int) -> Evaluation:
    """The mean error of the tasks that were answered, with the interval that follows from those of the kinds."""
    errors: dict[str, list[float]] = {}
    for task, reply in answered:
        errors.setdefault(task.kind, []).append(task.error(reply.text))
    kinds = {kind: _Mean.of(values, graded=kind == "transcribe", seed=seed) for kind, values in errors.items()}
    # MOVER (Zou and Donner, "Construction of confidence limits about effect measures", Stat. Med. 27, 2008): limits of
    # a weighted sum from those of its terms, each to its own side. All answers that are right or wrong are one term.
    total = len(answered)
    plain = [error for kind, values in errors.items() if kind != "transcribe" for error in values]
    terms = [(len(plain), _Mean.of(plain, graded=False, seed=seed))] if plain else []
    terms += [(len(errors[kind]), kinds[kind]) for kind in errors if kind == "transcribe"]
    mean = sum(count / total * each.mean for count, each in terms)
    below = math.hypot(*(count / total * (each.mean - each.low) for count, each in terms))
    above = math.hypot(*(count / total * (each.high - each.mean) for count, each in terms))
    details: Mapping[str, Any] = {
        "tasks": {kind: {"error": each.mean, "low": each.low, "high": each.high} for kind, each in kinds.items()},
        "confusions": [
            list(found) for found in confusions(edit for task, reply in answered for edit in task.edits(reply.text))
        ],
        "answered": total,
        "cut_off": sum(reply.finish == "length" for _, reply in answered),
        "prompt_tokens": sum(reply.prompt_tokens for _, reply in answered),
        "completion_tokens": sum(reply.completion_tokens for _, reply in answered),
    }
    return Evaluation(
        error=mean, low=max(0.0, mean - below), high=min(1.0, mean + above), samples=samples, details=details
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mean:
    """A mean of errors and its 95% interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float], *, graded: bool, seed: int) -> _Mean:
        """Of answers that are right or wrong by Wilson's score; of graded ones by resampling, or Wilson's too if few.

        Wilson's interval holds for any values from 0 to 1, whose variance is at most that of a coin of the same mean,
        and has a width when all are equal.
        """
        mean, n = sum(values) / len(values), len(values)
        if graded and n >= 5 and len(set(values)) > 1:
            rng = random.Random(seed)
            means = sorted(sum(rng.choices(values, k=n)) / n for _ in range(_RESAMPLES))
            return cls(mean=mean, low=means[int(0.025 * _RESAMPLES)], high=means[int(0.975 * _RESAMPLES)])
        z = 1.96
        middle = (mean + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(max(0.0, mean * (1 - mean) / n + z * z / (4 * n * n)))
        return cls(mean=mean, low=max(0.0, min(mean, middle - half)), high=min(1.0, max(mean, middle + half)))

"""A vision-language model as the judge of θ: it answers questions with known answers about pages of each θ.

The model is any `Model`: an OpenAI-compatible server, or transformers on this machine. Every reply is stored by θ, the
example and the model, so a search that is repeated or resumed asks nothing twice, and a larger sample asks only what
the smaller one did not. A question that the server does not serve is never scored as misread: it is left out and
counted. If more than a fifth of a sample is missing, the evaluator raises an error.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from typing import Any, Final

from glyphrender._system.version import __version__
from glyphrender.document.render import render
from glyphrender.errors import DataError, EndpointError, LayoutError, RequestRefused
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.model import EndpointModel, Model, finished_reply
from glyphrender.inference.replies import Replies, RequestBudget, reply_key
from glyphrender.ocr.comparison import load_levenshtein
from glyphrender.rich.rich_text import drawn_of
from glyphrender.search.evaluation import Evaluation
from glyphrender.tasks.alignment import confusions
from glyphrender.tasks.generated import KINDS, GeneratedTask
from glyphrender.tasks.jsonl import read_task
from glyphrender.tasks.statistics import Interval, mean_interval, weighted_mean
from glyphrender.tasks.task import Example, ExampleList, Score, Task
from glyphrender.theta import Theta

__all__ = ["VLMEvaluator", "evaluator"]

# Missing answers are not missing at random: beyond this share of a sample, the rest says little about θ.
_TOLERATED: Final = 0.2


class VLMEvaluator:
    """An `Evaluator` that asks a model.

    Args:
        texts: texts that generated tasks are about.
        model: the model that is asked.
        replies: file of the stored replies. Several searches may share it, and then share a budget.
        tasks: kinds of generated tasks, in turn; or examples or a `Task`, of which each sample takes some.
        characters: cells of an excerpt; an excerpt to be copied has a quarter of them.
        budget: limits on requests and tokens.
        concurrency: largest number of requests under way at once.
        thinking_tokens: tokens that a reply may have beyond those of its answer.

    Raises:
        DataError: the texts have too little to ask about, a task is unknown, or the file of replies cannot be used.
        DependencyError: rapidfuzz is not installed.
    """

    #: The search may call the evaluator from several threads. The limit on requests holds for all of them together.
    concurrency = "threads"

    def __init__(
        self,
        texts: Sequence[str],
        model: Model,
        *,
        replies: str | PathLike[str],
        tasks: Sequence[str] | Sequence[Example] | Task = KINDS,
        characters: int = 12_000,
        budget: RequestBudget | None = None,
        concurrency: int = 4,
        thinking_tokens: int = 0,
    ) -> None:
        if concurrency < 1:
            raise DataError(f"concurrency={concurrency} asks nothing. Use 1 or more.")
        load_levenshtein()  # a missing package is found before the search begins
        self.model, self.replies, self.budget = model, Replies(replies), budget or RequestBudget()
        # Tasks ask about letters, so a rich text is what is drawn of it.
        self._texts, self._characters, self._thinking = [*map(drawn_of, texts)], characters, thinking_tokens
        items = [tasks[index] for index in range(len(tasks))]
        self._kinds = [item for item in items if isinstance(item, str)]
        # Keep each example once. An example that is given twice would count twice, and narrow the interval wrongly.
        self._given = list({item.digest: item for item in items if isinstance(item, Example)}.values())
        self._task: Task = tasks if isinstance(tasks, Task) else ExampleList(name="jsonl", examples=self._given)
        self._threads, self._free = concurrency, threading.Semaphore(concurrency)
        self._examples(1, 0)  # a task that cannot be asked is refused before the search begins

    @property
    def name(self) -> str:
        """The model, the tasks, and a digest of everything that decides the result."""
        given = [example.digest for example in self._given]
        digest = reply_key(self.model.identity, given or [self._kinds, self._characters, self._texts], self._thinking)
        tasks = self._task.name if self._given else "+".join(self._kinds)
        return f"vlm {self.model.identity[0]} {tasks} {digest[:12]}"

    @property
    def rungs(self) -> tuple[int, ...]:
        """Return sample sizes with equally many of each kind: one, three and nine of each.

        If examples are given, the sizes are a ninth, a third and all of them.
        """
        if self._given:
            return tuple(sorted({max(1, len(self._given) // share) for share in (9, 3, 1)}))
        return tuple(times * len(self._kinds) for times in (1, 3, 9))

    @property
    def available(self) -> int | None:
        """Return the number of examples; None for generated ones, whose number is not limited."""
        return len(self._given) or None

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        """Return the error of `theta` on `samples` examples, or on all that there are.

        Raises:
            BudgetSpent: the budget does not cover the questions that were not asked before. Replies so far are kept.
            EndpointError: more than a fifth of the sample was not answered.
            ThetaError, FontError, LayoutError: the texts cannot be set under `theta`, or the model refuses such pages.
        """
        examples = self._examples(samples, seed)
        with ThreadPoolExecutor(min(self._threads, len(examples))) as pool:
            found = list(pool.map(lambda example: self._ask(theta, example), examples))
        failures = [reply for reply in found if isinstance(reply, EndpointError)]
        if len(failures) > _TOLERATED * len(examples):
            problem = f"{len(failures)} of {len(examples)} questions were not answered. {failures[-1]}"
            # A model that has answered others refuses these pages: too many, or too large. θ itself is at fault.
            refused = all(isinstance(each, RequestRefused) for each in failures)
            if refused and self.replies.answered(self.model.identity[0]):
                raise LayoutError(problem)
            raise EndpointError(problem)
        answered = [
            (example.kind, self._task.score(example, reply.text), reply)
            for example, reply in zip(examples, found, strict=True)
            if isinstance(reply, Reply)
        ]
        return _evaluation(answered, samples=len(examples), seed=seed)

    def _examples(self, samples: int, seed: int) -> list[Example]:
        if self._given:
            return random.Random(seed).sample(self._given, len(self._given))[:samples]
        drawn = GeneratedTask(
            texts=self._texts, kinds=self._kinds, count=samples, seed=seed, characters=self._characters
        )
        return list(drawn)

    def _ask(self, theta: Theta, example: Example) -> Reply | EndpointError:
        """Return the reply to one example, from the file or from the model; or the error that explains its absence."""
        max_tokens = example.max_tokens + self._thinking
        key = reply_key(theta.digest, example.digest, self.model.identity, example.question, max_tokens, __version__)
        if (reply := self.replies.get(key)) is not None:
            return reply
        with self._free:
            self.replies.reserve(key, self.budget)
            try:
                conversation = Conversation.about(render(example.context, theta), example)
                reply = finished_reply(self.model, conversation, max_tokens=max_tokens)
            except EndpointError as error:
                self.replies.release(key)
                return error
            except BaseException:
                self.replies.release(key)
                raise
        model = self.model.identity[0]
        about = {"theta": theta.digest, "task": example.kind, "model": model, "question": example.question}
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
    """Return the evaluator that the options of a command line describe.

    Args:
        texts: texts that generated tasks are about.
        model: name of the model on the server; with `local`, a directory or a name on the hub for transformers.
        base_url: address of an OpenAI-compatible server; the key is taken from OPENAI_API_KEY.
        local: whether transformers loads the model on this machine.
        tasks: kinds, separated by commas, or a JSONL file of {"context", "question", "answer"}.
        max_requests, max_tokens: see `RequestBudget`.
        replies, characters, concurrency, thinking_tokens: see `VLMEvaluator`.
        timeout, retries: see `Endpoint`.

    Raises:
        DataError: see `VLMEvaluator` and `read_task`.
    """
    asked: Model
    if local:
        from glyphrender.inference.transformers import LazyModel

        asked = LazyModel(path_or_id=model)
    else:
        endpoint = Endpoint(model=model, base_url=base_url, temperature=0.0, timeout=timeout, retries=retries)
        asked = EndpointModel(endpoint=endpoint)
    given: Sequence[str] | Task = [kind.strip() for kind in tasks.split(",")]
    if tasks.endswith((".jsonl", ".json")):
        given = read_task(tasks)
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


def _evaluation(answered: Sequence[tuple[str, Score, Reply]], *, samples: int, seed: int) -> Evaluation:
    """Return the mean error of (kind, score, reply) of all answers, with the interval that follows from the kinds."""
    scores: dict[str, list[Score]] = {}
    for kind, score, _ in answered:
        scores.setdefault(kind, []).append(score)
    kinds = {kind: _interval(found, seed) for kind, found in scores.items()}
    # All answers that are right or wrong make one term. Each graded kind has its own interval, and makes a term of its
    # own.
    right_or_wrong = [score for _, score, _ in answered if not score.graded]
    terms = [(float(len(right_or_wrong)), _interval(right_or_wrong, seed))] if right_or_wrong else []
    for kind, found in scores.items():
        if graded := [score for score in found if score.graded]:
            terms.append((len(graded), kinds[kind] if len(graded) == len(found) else _interval(graded, seed)))
    whole = weighted_mean(terms)
    details: Mapping[str, Any] = {
        "tasks": {kind: {"error": each.mean, "low": each.low, "high": each.high} for kind, each in kinds.items()},
        "confusions": [list(found) for found in confusions(edit for _, score, _ in answered for edit in score.edits)],
        "answered": len(answered),
        "cut_off": sum(reply.finish_reason == "length" for _, _, reply in answered),
        "prompt_tokens": sum(reply.prompt_tokens or 0 for _, _, reply in answered),
        "completion_tokens": sum(reply.completion_tokens or 0 for _, _, reply in answered),
    }
    return Evaluation(error=whole.mean, low=whole.low, high=whole.high, samples=samples, details=details)


def _interval(scores: Sequence[Score], seed: int) -> Interval:
    """Return the mean error of `scores` with its interval: a bootstrap of enough graded scores, else Wilson's."""
    return mean_interval([score.error for score in scores], graded=all(score.graded for score in scores), seed=seed)

"""One runner for every benchmark: items × conditions, asked of one model, kept in a store, within budgets.

A reply is stored under a key of all that decides it, so nothing is asked twice: a run that was killed goes on where it
was, and ends with the same results. A request without a reply is never dropped. It counts as wrong and is listed. Only
a server that fails several times in a row ends the run, because its zeros would say nothing about the model.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Final
from weakref import WeakValueDictionary

from glyphrender._system.version import __version__
from glyphrender.errors import (
    BudgetSpent,
    DataError,
    EndpointError,
    LayoutError,
    RequestRefused,
    VisionModelError,
    shown,
)
from glyphrender.evals.arms import Condition, ItemCost, Posed, Poser
from glyphrender.evals.item import Benchmark, FollowUp, Item, ItemTurn
from glyphrender.evals.outcome import Outcome, Status
from glyphrender.evals.sampling import sampled, spoken
from glyphrender.inference.conversation import Conversation, Turn
from glyphrender.inference.endpoint import BROKEN_OFF, Reply
from glyphrender.inference.model import Model
from glyphrender.inference.replies import Replies, RequestBudget, Spent, reply_key
from glyphrender.models.prices import Price
from glyphrender.tasks.task import Score

__all__ = ["Run", "check_counts", "run"]

# A server that fails this many times in a row is down.
_FAILURES: Final = 8
_WRONG: Final = Score(error=1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The results of a run.

    Attributes:
        benchmark: the benchmark.
        model: name of the model.
        judge: name of the judge; empty if there is none.
        conditions: the conditions.
        outcomes: one for each item in each condition, item by item.
        sampling: the sampling that held.
        poser: the vision model and the tokenizer by which tokens are counted.
        settings: other settings that decide the results.
        spent: requests, tokens and dollars of all runs with this store of replies.
    """

    benchmark: Benchmark
    model: str
    judge: str
    conditions: tuple[Condition, ...]
    outcomes: tuple[Outcome, ...]
    sampling: Mapping[str, Any]
    poser: Poser
    settings: Mapping[str, Any] = field(default_factory=dict)
    spent: Spent

    def of(self, condition: Condition) -> list[Outcome]:
        """Return the outcomes of one condition, in the order of the items."""
        return [each for each in self.outcomes if each.condition == condition.name]


def run(
    benchmark: Benchmark,
    model: Model,
    *,
    conditions: Sequence[Condition],
    poser: Poser,
    replies: str | PathLike[str],
    limit: int | None = None,
    budget: RequestBudget | None = None,
    price: Price | None = None,
    judge: Model | None = None,
    judge_price: Price | None = None,
    concurrency: int = 4,
    context: int | None = None,
    thinking_tokens: int = 0,
    sampling: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Run:
    """Ask a model all items of a benchmark in all conditions, and score its replies.

    Args:
        benchmark: the benchmark.
        model: the model. The sampling of the protocol is applied to it, see `sampled`.
        conditions: the conditions, see `conditions_of`.
        poser: the vision model and the tokenizer.
        replies: file of the stored replies. Runs with the same file share a budget.
        limit: number of items of each task that are asked, from the first on; all if None.
        budget: limits on requests, tokens and dollars.
        price: price of the model; needed for a limit on dollars.
        judge: model that follow-ups to a judge go to.
        judge_price: price of the judge.
        concurrency: most requests under way at once.
        context: tokens of the model's context. An item whose prompt and reply need more by our count is not sent: it is
            too long, and counts as wrong.
        thinking_tokens: tokens that a reply may have beyond the protocol's limit. More than 0 departs from the
            protocol, and the report says so.
        sampling: fields in place of those of the protocol; a value of None leaves the field out. The report says so.
        progress: called with the numbers of outcomes so far and in all.

    Raises:
        BudgetSpent: a limit is reached. All replies so far are stored; run again with a higher limit.
        EndpointError: the server failed several times in a row, or never replied.
        DataError: an item is malformed, two items have one key, or a limit on dollars has no price.
        ThetaError, FontError, TokenizerError, DependencyError: see `Poser.pose`.
    """
    check_counts(concurrency=concurrency, limit=limit, context=context)
    if type(thinking_tokens) is not int or thinking_tokens < 0:
        raise DataError(f"thinking_tokens={shown(thinking_tokens)} is no count. Use 0 or more.")
    if not conditions:
        raise DataError("no condition is given. Make some with conditions_of.")
    budget = budget or RequestBudget()
    if budget.dollars is not None and price is None:
        raise DataError(f"a limit of {budget.dollars:.4g} dollars needs the price of the model. Give a price.")
    wanted = {**benchmark.protocol.sampling, **(sampling or {})}
    asked, held = sampled(model, {name: value for name, value in wanted.items() if value is not None})
    asking = _Asking(
        benchmark=benchmark,
        model=_Priced(asked, price),
        judge=None if judge is None else _Priced(judge, judge_price),
        poser=poser,
        replies=Replies(replies),
        budget=budget,
        context=context,
        thinking_tokens=thinking_tokens,
        max_tokens=held.get("max_tokens"),
        health=_Health(max(_FAILURES, 2 * concurrency)),
        locks=_Locks(),
    )
    chosen = list(_chosen(benchmark.items, limit))
    total = len(chosen) * len(conditions)
    outcomes = []
    for outcome in _in_order(asking, chosen, conditions, concurrency):
        outcomes.append(outcome)
        if progress is not None:
            progress(len(outcomes), total)
    asking.health.check_any()
    settings = {
        "limit": limit,
        "context": context,
        "thinking_tokens": thinking_tokens,
        "changed_sampling": dict(sampling or {}),
    }
    return Run(
        benchmark=benchmark,
        model=str(asked.identity[0]),
        judge="" if judge is None else str(judge.identity[0]),
        conditions=tuple(conditions),
        outcomes=tuple(outcomes),
        sampling=held,
        poser=poser,
        settings=settings,
        spent=asking.replies.spent,
    )


def check_counts(**counts: int | None) -> None:
    """Refuse counts that are neither None nor an integer from 1 up.

    Raises:
        DataError: a count is anything else.
    """
    for name, value in counts.items():
        if value is not None and (type(value) is not int or value < 1):
            raise DataError(f"{name}={shown(value)} is no count. Use 1 or more.")


def _chosen(items: Sequence[Item], limit: int | None) -> Iterator[int]:
    """Yield the numbers of the items to ask: all, or the first `limit` of each task."""
    seen: dict[str, int] = {}
    keys: set[str] = set()
    for index in range(len(items)):
        item = items[index]
        if item.key in keys:
            raise DataError(f"two items have the key {item.key}. Give each item its own key.")
        keys.add(item.key)
        seen[item.task] = seen.get(item.task, 0) + 1
        if limit is None or seen[item.task] <= limit:
            yield index


def _in_order(
    asking: _Asking, chosen: Sequence[int], conditions: Sequence[Condition], concurrency: int
) -> Iterator[Outcome]:
    """Yield outcomes item by item. Few items are in memory at once: twice as many as requests under way."""
    waiting: deque[Future[Outcome]] = deque()
    items = asking.benchmark.items
    with ThreadPoolExecutor(concurrency, thread_name_prefix="eval") as pool:
        try:
            for index in chosen:
                item = items[index]
                for condition in conditions:
                    waiting.append(pool.submit(asking.outcome, item, condition))
                    if len(waiting) >= 2 * concurrency:
                        yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@dataclass(slots=True)
class _Health:
    """Whether the server works: failures in a row, and whether there was a reply at all."""

    most: int
    in_a_row: int = 0
    replied: bool = False
    last: EndpointError | None = None
    _lock: Any = field(default_factory=threading.Lock)

    def good(self) -> None:
        with self._lock:
            self.in_a_row, self.replied = 0, True

    def bad(self, error: EndpointError) -> None:
        """Note a failure.

        Raises:
            EndpointError: there were too many in a row.
        """
        with self._lock:
            self.in_a_row += 1
            self.last = error
            if self.in_a_row >= self.most:
                raise EndpointError(f"{self.in_a_row} requests in a row failed: {error}", url=error.url)

    def check_any(self) -> None:
        """Raise the last failure if no request was ever served."""
        if self.last is not None and not self.replied:
            raise self.last


class _Locks:
    """A lock for each key, so that two threads do not ask the same at once."""

    def __init__(self) -> None:
        self._all: WeakValueDictionary[str, _Lock] = WeakValueDictionary()
        self._lock = threading.Lock()

    def of(self, key: str) -> _Lock:
        with self._lock:
            found = self._all.get(key)
            if found is None:
                found = self._all[key] = _Lock()
            return found


class _Lock:
    """A lock that can be referred to weakly."""

    def __init__(self) -> None:
        self.held = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Priced:
    """A model with its price."""

    model: Model
    price: Price | None

    def most(self, cost: ItemCost, max_tokens: int) -> float:
        """Return the most dollars of a request: a tenth more than our count of the prompt, and a full reply."""
        if self.price is None:
            return 0.0
        text, images = cost.text_tokens + 64, cost.image_tokens + cost.overhead
        return self.price.cost(text_tokens=1.1 * text, image_tokens=1.1 * images, output_tokens=max_tokens)

    def paid(self, cost: ItemCost, reply: Reply) -> float:
        """Return the dollars of a reply, by the server's counts where it gives them."""
        if self.price is None:
            return 0.0
        prompt = cost.prompt_tokens if reply.prompt_tokens is None else reply.prompt_tokens
        images = min(prompt, cost.image_tokens)
        return self.price.cost(
            text_tokens=prompt - images,
            image_tokens=images,
            cached_tokens=reply.cached_tokens or 0,
            output_tokens=reply.completion_tokens or 0,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asking:
    """Everything that the questions of one run share."""

    benchmark: Benchmark
    model: _Priced
    judge: _Priced | None
    poser: Poser
    replies: Replies
    budget: RequestBudget
    context: int | None
    thinking_tokens: int
    max_tokens: int | None
    health: _Health
    locks: _Locks

    def outcome(self, item: Item, condition: Condition) -> Outcome:
        """Return what comes of one item in one condition."""
        try:
            posed = self.poser.pose(item, condition)
        except (LayoutError, VisionModelError) as error:
            none = ItemCost(context_tokens=0, plain_tokens=0, shown_tokens=0, text_tokens=0)
            return self._missing(item, condition, none, "refused", str(error))
        limit = (self.max_tokens or item.max_tokens) + self.thinking_tokens
        needed = posed.cost.prompt_tokens + limit
        if self.context is not None and needed > self.context:
            return self._missing(item, condition, posed.cost, "too long", f"{needed} tokens of {self.context}")
        key = reply_key(
            "evals", self.benchmark.revision, item.digest,
            condition.identity if item.drawables else ["as it is"],  # no arm changes what is sent
            self.poser.identity,
            self.model.model.identity, limit, __version__,
        )  # fmt: skip
        about = {"benchmark": self.benchmark.name, "item": item.key, "condition": condition.name}
        replies: list[tuple[_Priced, ItemCost, Reply]] = []
        try:
            reply = self._reply(key, self.model, posed, limit, about)
            replies.append((self.model, posed.cost, reply))
            text = spoken(reply.text, thoughts=self.benchmark.protocol.thoughts, stop=item.stop)
            if (follow_up := self.benchmark.follow_up(item, text)) is not None:
                priced, posed_again = self._posed(follow_up)
                again = follow_up.max_tokens + (self.thinking_tokens if follow_up.by == "model" else 0)
                key = reply_key("evals", key, _value(follow_up), priced.model.identity, again, __version__)
                reply = self._reply(key, priced, posed_again, again, {**about, "by": follow_up.by})
                replies.append((priced, posed_again.cost, reply))
                text = spoken(reply.text, thoughts=self.benchmark.protocol.thoughts)
        except BudgetSpent:
            raise
        except RequestRefused as error:
            return self._missing(item, condition, posed.cost, "refused", str(error))
        except EndpointError as error:
            self.health.bad(error)
            return self._missing(item, condition, posed.cost, "failed", str(error))
        for _, _, each in replies:
            if each.cut and each.finish_reason != "length":
                problem = f"finish_reason={each.finish_reason}"
                return self._missing(item, condition, posed.cost, "unfinished", problem, reply=each.text)
        return self._answered(item, condition, posed.cost, replies, text)

    def _answered(
        self,
        item: Item,
        condition: Condition,
        cost: ItemCost,
        replies: Sequence[tuple[_Priced, ItemCost, Reply]],
        text: str,
    ) -> Outcome:
        first = replies[0][2]
        prompts = [reply.prompt_tokens for _, _, reply in replies]
        completions = [reply.completion_tokens for _, _, reply in replies]
        priced = self.model.price is not None
        return Outcome(
            item=_light(item),
            condition=condition.name,
            status="answered",
            reply=first.text,
            scored=text,
            score=self.benchmark.score(item, text),
            cut=any(reply.cut for _, _, reply in replies),
            cost=cost,
            prompt_tokens=first.prompt_tokens,
            all_prompt_tokens=_sum(prompts),
            completion_tokens=_sum(completions),
            requests=len(replies),
            dollars=sum(who.paid(each, reply) for who, each, reply in replies) if priced else None,
        )

    def _missing(
        self,
        item: Item,
        condition: Condition,
        cost: ItemCost,
        status: Status,
        problem: str,
        *,
        reply: str | None = None,
    ) -> Outcome:
        return Outcome(
            item=item, condition=condition.name, status=status, problem=problem, reply=reply, score=_WRONG, cost=cost
        )

    def _reply(self, key: str, asked: _Priced, posed: Posed, max_tokens: int, about: Mapping[str, Any]) -> Reply:
        """Return a stored reply, or ask the model and store its reply."""
        lock = self.locks.of(key)
        with lock.held:
            return self._stored_or_asked(key, asked, posed, max_tokens, about)

    def _stored_or_asked(
        self, key: str, asked: _Priced, posed: Posed, max_tokens: int, about: Mapping[str, Any]
    ) -> Reply:
        if (found := self.replies.get(key)) is not None:
            self.health.good()
            return found
        most = asked.most(posed.cost, max_tokens)
        self.replies.reserve(key, self.budget, dollars=most)
        try:
            reply = asked.model.complete(posed.conversation, max_tokens=max_tokens)
            if reply.finish_reason == BROKEN_OFF:  # the server died; asking again may give a whole reply
                raise EndpointError(f"{asked.model.identity[0]} broke off its reply. Check the server's log.")
        except BaseException:
            self.replies.release(key, reserved=most)
            raise
        self.health.good()
        about = {**about, "model": asked.model.identity[0]}
        self.replies.put(key, reply, about, dollars=asked.paid(posed.cost, reply), reserved=most)
        return reply

    def _posed(self, follow_up: FollowUp) -> tuple[_Priced, Posed]:
        """Return who is asked a follow-up, and its conversation. Its drawables stay text."""
        if follow_up.by == "judge" and self.judge is None:
            raise DataError(f"{self.benchmark.name} under {self.benchmark.protocol.name} needs a judge. Name one.")
        priced = self.judge if follow_up.by == "judge" and self.judge is not None else self.model
        conversation = Conversation(tuple(_as_text(turn) for turn in follow_up.turns))
        tokens = sum(self.poser.tokenizer.count(turn.text) for turn in follow_up.turns)
        cost = ItemCost(context_tokens=0, plain_tokens=tokens, shown_tokens=0, text_tokens=tokens)
        return priced, Posed(conversation=conversation, cost=cost)


def _light(item: Item) -> Item:
    """Return an item without its texts, which may have millions of characters and were sent and scored."""
    return replace(item, turns=(ItemTurn("user", ("",)),))


def _as_text(turn: ItemTurn) -> Turn:
    return Turn(turn.role, (turn.text,))


def _value(follow_up: FollowUp) -> list[Any]:
    return [[turn.role, turn.text] for turn in follow_up.turns]


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None

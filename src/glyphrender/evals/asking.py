"""One item in one condition: a reply from the store or the model, a follow-up, the score, and what was paid.

An error of the server becomes an outcome that counts as wrong. The runner sends items here from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
)
from glyphrender.evals.arms import Condition, ItemCost, Posed, Poser
from glyphrender.evals.item import Benchmark, FollowUp, Item, ItemTurn
from glyphrender.evals.outcome import Outcome, Status
from glyphrender.evals.sampling import spoken
from glyphrender.inference.conversation import Conversation, Turn, image_size
from glyphrender.inference.endpoint import BROKEN_OFF, Reply
from glyphrender.inference.expand import expand_conversation
from glyphrender.inference.expand_trace import ExpandTrace
from glyphrender.inference.messages import Packing
from glyphrender.inference.model import Model
from glyphrender.inference.replies import Replies, RequestBudget, reply_key
from glyphrender.inference.reply import total_tokens
from glyphrender.models.prices import Price
from glyphrender.tasks.task import Score

_WRONG: Final = Score(error=1.0)


@dataclass(slots=True)
class Health:
    """Whether the server works: failures in a row, and whether there was a reply at all."""

    most: int
    in_a_row: int = 0
    replied: bool = False
    last: EndpointError | None = None
    _lock: Any = field(default_factory=threading.Lock)

    def good(self) -> None:
        """Note a reply."""
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


class Locks:
    """A lock for each key, so that two threads do not ask the same at once."""

    def __init__(self) -> None:
        self._all: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._lock = threading.Lock()

    def of(self, key: str) -> Lock:
        """Return the lock of a key."""
        with self._lock:
            found = self._all.get(key)
            if found is None:
                found = self._all[key] = Lock()
            return found


class Lock:
    """A lock that can be referred to weakly."""

    def __init__(self) -> None:
        self.held = threading.Lock()


@dataclass(frozen=True, slots=True)
class Priced:
    """A model with its price, and whether its server works."""

    model: Model
    price: Price | None
    health: Health

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
class Asking:
    """Everything that the questions of one run share."""

    benchmark: Benchmark
    model: Priced
    judge: Priced | None
    poser: Poser
    replies: Replies
    budget: RequestBudget
    context: int | None
    thinking_tokens: int
    max_tokens: int | None
    locks: Locks

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
            condition.identity if any(item.drawables) else ["as it is"],  # no arm changes what is sent
            self.poser.identity,
            self.model.model.identity, limit, __version__,
        )  # fmt: skip
        about = {"benchmark": self.benchmark.name, "item": item.key, "condition": condition.name}
        replies: list[tuple[Priced, ItemCost, Reply]] = []
        priced = self.model
        try:
            trace = None
            if posed.document is not None:
                said, trace, replies = self._expanded(key, condition, posed, limit, about)
            else:
                reply = self._reply(key, self.model, posed, limit, about)
                said, replies = reply.text, [(self.model, posed.cost, reply)]
            text = spoken(said, thoughts=self.benchmark.protocol.thoughts, stop=item.stop)
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
            priced.health.bad(error)
            return self._missing(item, condition, posed.cost, "failed", str(error))
        for _, _, each in replies:
            if each.cut and each.finish_reason != "length":
                problem = f"finish_reason={each.finish_reason}"
                return self._missing(item, condition, posed.cost, "unfinished", problem, reply=each.text)
        return self._answered(item, condition, posed, replies, text, trace)

    def _expanded(
        self, key: str, condition: Condition, posed: Posed, limit: int, about: Mapping[str, Any]
    ) -> tuple[str, ExpandTrace, list[tuple[Priced, ItemCost, Reply]]]:
        """Return the answer of a model that was given tools, every call of it, and its replies.

        Each request is stored alone, so a run that was killed goes on in the middle of an item.
        """
        assert posed.document is not None
        asked = _Turns(self, key, posed, about)
        packing = Packing(model=self.poser.vision, tokenizer=self.poser.tokenizer)
        found = expand_conversation(
            posed.conversation,
            posed.document,
            asked,
            tools=condition.tools,
            budget=condition.budget,
            packing=packing,
            max_tokens=limit,
        )
        return found.text, found.trace, asked.replies

    def _answered(
        self,
        item: Item,
        condition: Condition,
        posed: Posed,
        replies: Sequence[tuple[Priced, ItemCost, Reply]],
        text: str,
        trace: ExpandTrace | None,
    ) -> Outcome:
        first = replies[0][2]
        # The judge is a cost of the evaluation, not of the way in which the model is asked.
        own = [reply for who, _, reply in replies if who is self.model]
        prompts = [reply.prompt_tokens for reply in own]
        completions = [reply.completion_tokens for reply in own]
        priced = self.model.price is not None
        return Outcome(
            item=light(item),
            condition=condition.name,
            status="answered",
            reply=first.text,
            reasoning=first.reasoning,
            scored=text,
            score=self.benchmark.score(item, text),
            cut=any(reply.cut for _, _, reply in replies),
            cost=posed.cost,
            trace=trace,
            evidence=posed.evidence,
            prompt_tokens=first.prompt_tokens,
            all_prompt_tokens=total_tokens(prompts),
            completion_tokens=total_tokens(completions),
            requests=len(replies),
            dollars=sum(who.paid(each, reply) for who, each, reply in replies) if priced else None,
            alike=not any(item.drawables),
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
            item=light(item),
            condition=condition.name,
            status=status,
            problem=problem,
            reply=reply,
            score=_WRONG,
            cost=cost,
            alike=not any(item.drawables),
        )

    def _reply(self, key: str, asked: Priced, posed: Posed, max_tokens: int, about: Mapping[str, Any]) -> Reply:
        """Return a stored reply, or ask the model and store its reply."""
        lock = self.locks.of(key)
        with lock.held:
            return self._stored_or_asked(key, asked, posed, max_tokens, about)

    def _stored_or_asked(
        self, key: str, asked: Priced, posed: Posed, max_tokens: int, about: Mapping[str, Any]
    ) -> Reply:
        if (found := self.replies.get(key)) is not None:
            asked.health.good()
            return found
        most = asked.most(posed.cost, max_tokens)
        with self.replies.reserved(key, self.budget, dollars=most):
            reply = asked.model.complete(posed.conversation, max_tokens=max_tokens)
            if reply.finish_reason == BROKEN_OFF:  # the server died; asking again may give a whole reply
                raise EndpointError(f"{asked.model.identity[0]} broke off its reply. Check the server's log.")
        asked.health.good()
        about = {**about, "model": asked.model.identity[0]}
        self.replies.put(key, reply, about, dollars=asked.paid(posed.cost, reply), reserved=most)
        return self.replies.get(key) or reply  # as a resumed run reads it

    def _posed(self, follow_up: FollowUp) -> tuple[Priced, Posed]:
        """Return who is asked a follow-up, and its conversation. Its drawables stay text."""
        if follow_up.by == "judge" and self.judge is None:
            raise no_judge(self.benchmark)
        priced = self.judge if follow_up.by == "judge" and self.judge is not None else self.model
        conversation = Conversation(tuple(_as_text(turn) for turn in follow_up.turns))
        tokens = sum(self.poser.tokenizer.count(turn.text) for turn in follow_up.turns)
        cost = ItemCost(context_tokens=0, plain_tokens=tokens, shown_tokens=0, text_tokens=tokens)
        return priced, Posed(conversation=conversation, cost=cost)


class _Turns:
    """A `Model` that asks the model of a run, and keeps each reply of an item in the store and in `replies`."""

    def __init__(self, asking: Asking, key: str, posed: Posed, about: Mapping[str, Any]) -> None:
        self._asking, self._key, self._posed, self._about = asking, key, posed, about
        self.replies: list[tuple[Priced, ItemCost, Reply]] = []

    @property
    def identity(self) -> list[Any]:
        """Return the identity of the model of the run."""
        return self._asking.model.model.identity

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Reply:
        """Return the stored reply to what was said so far, or ask for it."""
        asking, cost = self._asking, self._posed.cost
        # Pages do not change; the texts say which were asked for again.
        said = [turn.text for turn in conversation.turns]
        opening = self._posed.conversation.turns
        new = conversation.turns[len(opening) + (opening[0].role != "system") :]
        added = sum(asking.poser.tokenizer.count(turn.text) for turn in new)
        images = [asking.poser.vision.image(*image_size(each)) for turn in new for each in turn.pictures]
        cost = replace(
            cost,
            text_tokens=cost.text_tokens + added,
            image_tokens=cost.image_tokens + sum(each.tokens for each in images),
            overhead=cost.overhead + sum(each.overhead for each in images),
        )
        posed = replace(self._posed, conversation=conversation, cost=cost)
        limit = max_tokens or 1
        reply = asking._reply(reply_key(self._key, said), asking.model, posed, limit, self._about)
        self.replies.append((asking.model, cost, reply))
        return reply


def no_judge(benchmark: Benchmark) -> DataError:
    """Return the error for a benchmark that asks a judge, in a run without one."""
    return DataError(
        f"{benchmark.name}, protocol {benchmark.protocol.name}, needs a model that judges replies. "
        "Name one with --judge, or as judge= of run."
    )


def light(item: Item) -> Item:
    """Return an item without its texts, which may have millions of characters and were sent and scored."""
    return replace(item, turns=(ItemTurn("user", ("",)),), evidence=())


def _as_text(turn: ItemTurn) -> Turn:
    return Turn(turn.role, (turn.text,))


def _value(follow_up: FollowUp) -> list[Any]:
    return [[turn.role, turn.text] for turn in follow_up.turns]

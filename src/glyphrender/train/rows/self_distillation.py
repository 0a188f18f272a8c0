"""Self-distillation: a model's own answers to texts become the targets of its answers to pages (`distilled`).

A model that answers well when a context is text, and badly when the same context is pages, learns the second from the
first: nothing else in the target is new to it. "Reading, Not Thinking" (arXiv 2603.09095) raises GSM8K on pages from
30.7 to 92.7% in this way. A trace is kept whole, with its thoughts, and only if it is right.

Each request is in the store of replies before it is sent, and each reply as soon as it has come. So a run that was
interrupted is repeated with the same arguments, and asks only what was not answered.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from typing import Final, TypeAlias

from glyphrender.errors import DataError, EndpointError, RequestRefused, shown
from glyphrender.inference.conversation import Conversation, Turn
from glyphrender.inference.endpoint import Reply
from glyphrender.inference.model import Model, finished_reply
from glyphrender.inference.replies import Replies, RequestBudget, reply_key
from glyphrender.tasks.answers import final_answer
from glyphrender.tasks.scoring import commits_to
from glyphrender.train.rows.chat_rows import ChatRow, Counts

__all__ = ["RowScorer", "distilled", "names_the_answer"]

#: A function from a row and a reply to a score from 0 to 1.
RowScorer: TypeAlias = Callable[[ChatRow, str], float]

_KIND: Final = "self-distillation"
# Rows in turn that no reply comes for, after which the server counts as down.
_FAILURES: Final = 20


def names_the_answer(row: ChatRow, reply: str) -> float:
    """Return 1.0 if the final answer in `reply` names a right answer of the row and little else, else 0.0.

    >>> row = ChatRow(turns=(), key="", answers=("7GX2",))
    >>> names_the_answer(row, "<think>9KD4?</think>It is 7GX2."), names_the_answer(row, "<think>7GX2</think>9KD4")
    (1.0, 0.0)
    """
    return commits_to(final_answer(reply), row.answers)


def distilled(
    rows: Iterable[ChatRow],
    model: Model,
    *,
    replies: Replies | str | PathLike[str],
    score: RowScorer = names_the_answer,
    threshold: float = 1.0,
    attempts: int = 1,
    max_tokens: int | None = None,
    budget: RequestBudget | None = None,
    concurrency: int = 4,
    counts: Counts | None = None,
) -> Iterator[ChatRow]:
    """Yield the rows that the model answers rightly as text, each with the model's own answer as the answer to learn.

    The rows keep their pages. Their order is kept, and so is what is right.

    Args:
        rows: the rows, as `chat_rows` gives them.
        model: the model that is to be trained. A server must give thoughts as a part of the answer (start it without a
            reasoning parser); where it hides them, the row is left out and counted.
        replies: the store of replies, or its file.
        score: judges a reply. By default `names_the_answer`, for rows whose right answer is short.
        threshold: lowest score of a trace that is kept.
        attempts: most replies that are asked for until one is right. More than one needs a temperature above 0.
        max_tokens: most tokens of a reply; None for the model's own limit.
        budget: limits on requests and tokens, over all runs with the same store.
        concurrency: requests at a time.
        counts: counts "rows", "kept", and the rows left out, by the reason of their last attempt: "wrong", "cut off",
            "empty", "hidden thoughts", "refused" (by the server, for their length for example), "no reply".

    Raises:
        DataError: a number is out of range, or a row has a turn of a tool, which a conversation does not take.
        BudgetSpent: the budget is spent. Raise it, and repeat the call.
        EndpointError: 20 rows in turn got no reply. Repeat the call when the server is back.
    """
    for name, number in (("attempts", attempts), ("concurrency", concurrency)):
        if number < 1:
            raise DataError(f"{name}={number} is too few. Use 1 or more.")
    if not 0 <= threshold <= 1:
        raise DataError(f"threshold={threshold} is no score. Use a number from 0 to 1.")
    store = replies if isinstance(replies, Replies) else Replies(replies)
    asking = _Asking(
        model=model,
        replies=store,
        score=score,
        threshold=threshold,
        attempts=attempts,
        max_tokens=max_tokens,
        budget=budget or RequestBudget(),
    )
    return _distilled(rows, asking, concurrency, Counter() if counts is None else counts)


def _distilled(rows: Iterable[ChatRow], asking: _Asking, concurrency: int, counts: Counts) -> Iterator[ChatRow]:
    source = iter(rows)
    pool = ThreadPoolExecutor(concurrency)
    try:
        # A few rows are asked ahead of the one that is waited for, and no more are held in memory.
        waiting: deque[Future[_Outcome]] = deque(
            pool.submit(asking.outcome, row) for row in islice(source, 2 * concurrency)
        )
        failures = 0
        while waiting:
            outcome = waiting.popleft().result()
            if (row := next(source, None)) is not None:
                waiting.append(pool.submit(asking.outcome, row))
            counts["rows"] += 1
            counts[outcome.what] += 1
            failures = failures + 1 if outcome.error is not None else 0
            if outcome.error is not None and failures >= _FAILURES:
                raise outcome.error.with_context(f"{failures} rows in turn got no reply")
            if outcome.row is not None:
                yield outcome.row
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """The outcome of a row: the row with its trace, or why there is none."""

    what: str
    row: ChatRow | None = None
    error: EndpointError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asking:
    """Everything that decides what comes of a row."""

    model: Model
    replies: Replies
    score: RowScorer
    threshold: float
    attempts: int
    max_tokens: int | None
    budget: RequestBudget

    def outcome(self, row: ChatRow) -> _Outcome:
        """Ask for a row until a reply is right, and return what came of it."""
        what = ""
        for attempt in range(self.attempts):
            try:
                reply = self._reply(row, attempt)
            except RequestRefused:
                return _Outcome(what="refused")
            except EndpointError as error:
                if type(error) is not EndpointError:
                    raise  # the budget is spent
                return _Outcome(what="no reply", error=error)
            what = self._fault(row, reply)
            if not what:
                return _Outcome(what="kept", row=row.with_response(reply.text))
        return _Outcome(what=what)

    def _fault(self, row: ChatRow, reply: Reply) -> str:
        """Return why a reply is no target; "" if it is one."""
        if reply.cut:
            return "cut off"
        if reply.reasoning:
            return "hidden thoughts"
        if not final_answer(reply.text):
            return "empty"
        # A token is one byte at least. So more tokens than bytes were not all given.
        if reply.completion_tokens is not None and reply.completion_tokens > len(reply.text.encode()) + 8:
            return "hidden thoughts"
        return "" if self.score(row, reply.text) >= self.threshold else "wrong"

    def _reply(self, row: ChatRow, attempt: int) -> Reply:
        """Return the reply to the text of a row, from the store if it is there."""
        turns = [(turn.role, turn.text) for turn in row.prompt]
        key = reply_key(_KIND, self.model.identity, turns, self.max_tokens, attempt)
        if (reply := self.replies.get(key)) is not None:
            return reply
        conversation = _conversation(row)
        with self.replies.reserved(key, self.budget):
            reply = finished_reply(self.model, conversation, max_tokens=self.max_tokens)
        self.replies.put(key, reply, {"model": self.model.identity[0], "task": _KIND, "row": row.key})
        return reply


def _conversation(row: ChatRow) -> Conversation:
    """Return the prompt of a row as text."""
    turns = []
    for turn in row.prompt:
        if turn.role not in ("system", "user", "assistant"):
            raise DataError(f"row {shown(row.key)} has a turn of a {turn.role}, which cannot be asked. Leave it out.")
        turns.append(Turn(turn.role, (turn.text,)))  # type: ignore[arg-type]
    return Conversation(tuple(turns))

"""Outcomes of requests: one for each item in each condition, as a value and as a line of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from glyphrender.evals.arms import ItemCost
from glyphrender.evals.item import Item, ScoredReply
from glyphrender.inference.expand_trace import ExpandTrace
from glyphrender.tasks.evidence import PageSelection, page_selection
from glyphrender.tasks.task import Score

__all__ = ["Outcome", "Status"]

#: "answered"; "refused": the server or the library refuses the request; "too long": the prompt is longer than the
#: context that was stated; "unfinished": the server ended the reply for a reason of its own; "failed": no reply. All
#: but the first count as wrong.
Status: TypeAlias = Literal["answered", "refused", "too long", "unfinished", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One item in one condition.

    Attributes:
        item: the item.
        condition: name of the condition.
        status: what became of the request.
        problem: why there is no reply; empty if there is one.
        reply: the whole reply of the model; None if there is none.
        reasoning: the thoughts that the server gave apart from the reply. They are not scored.
        scored: the text that was scored; None if there is none.
        score: the score; wrong if there is no reply.
        cut: whether the reply was cut off at its limit of tokens.
        cost: tokens of the first request, by our count.
        prompt_tokens: tokens of the first prompt, by the server's count; None if it is not known.
        all_prompt_tokens: tokens of all prompts of the model for the item, its follow-ups included and those to a judge
            not; None if one is not known.
        completion_tokens: tokens of all replies of the model for the item; None if one is not known.
        requests: requests that have a reply, those to a judge included.
        dollars: what the requests cost, those to a judge included; None without a price.
        alike: whether every arm sends the item as it is, because it has no text that may be drawn.
        trace: what the model asked for in the arm `expanded`; None in others.
        evidence: numbers of the pages that hold evidence, in that arm.
    """

    item: Item
    condition: str
    status: Status
    problem: str = ""
    reply: str | None = None
    reasoning: str = ""
    scored: str | None = None
    score: Score
    cut: bool = False
    cost: ItemCost
    prompt_tokens: int | None = None
    all_prompt_tokens: int | None = None
    completion_tokens: int | None = None
    requests: int = 0
    dollars: float | None = None
    alike: bool = False
    trace: ExpandTrace | None = None
    evidence: tuple[int, ...] = ()

    @property
    def selection(self) -> PageSelection | None:
        """Return how well the pages that the model read are those of the evidence; None if either is not known."""
        return page_selection(self.trace.pages_read, self.evidence) if self.trace and self.evidence else None

    @property
    def value(self) -> float:
        """Return the score as a share: 1 is right."""
        return self.score.value

    @property
    def reply_scored(self) -> ScoredReply:
        """Return the reply with its score, as the summary of a benchmark takes it."""
        return ScoredReply(item=self.item, reply=self.scored, score=self.score)

    def to_dict(self) -> Mapping[str, Any]:
        """Return JSON values: everything but the turns of the item."""
        cost = self.cost
        return {
            "key": self.item.key,
            "task": self.item.task,
            "buckets": dict(sorted(self.item.buckets.items())),
            "condition": self.condition,
            "status": self.status,
            "problem": self.problem,
            "value": self.value,
            "reply": self.reply,
            "reasoning": self.reasoning,
            "scored": self.scored,
            "answers": list(self.item.answers),
            "cut": self.cut,
            "context_tokens": cost.context_tokens,
            "plain_tokens": cost.plain_tokens,
            "shown_tokens": cost.shown_tokens,
            "text_tokens": cost.text_tokens,
            "image_tokens": cost.image_tokens,
            "overhead": cost.overhead,
            "pages": cost.pages,
            "prompt_tokens": self.prompt_tokens,
            "all_prompt_tokens": self.all_prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "requests": self.requests,
            "dollars": self.dollars,
            **({} if self.trace is None else {"expanded": _expanded(self.trace, self)}),
        }


def _expanded(trace: ExpandTrace, outcome: Outcome) -> dict[str, Any]:
    selection = outcome.selection
    return {
        "calls": len(trace.calls),
        "served": len(trace.served),
        "tokens": trace.expansion_tokens,
        "overhead": trace.tool_overhead,
        "ended": trace.ended,
        "pages_read": list(trace.pages_read),
        "evidence_pages": list(outcome.evidence),
        "page_recall": None if selection is None else selection.recall,
        "page_precision": None if selection is None else selection.precision,
    }

"""The loop of a question about a document: ask, answer the calls of the reply, and ask again.

The loop ends: each turn with calls takes at least one from the budget, and then the model is asked for its answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from glyphrender._system.version import __version__
from glyphrender.document.document import Document
from glyphrender.errors import DependencyError, TokenizerError
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import BROKEN_OFF, Reply
from glyphrender.inference.expand_ledger import ExpandBudget, Ledger
from glyphrender.inference.expand_protocol import Opening, Speaker, Step
from glyphrender.inference.expand_results import ToolResult
from glyphrender.inference.expand_schema import chat_tools, instruction
from glyphrender.inference.expand_tools import PageTools
from glyphrender.inference.expand_trace import Ended, ExpandTrace, TraceTurn
from glyphrender.inference.messages import INSTRUCTION, Packing, Request
from glyphrender.inference.replies import Replies, RequestBudget, reply_key
from glyphrender.inference.sidecar import ExactString, exact_strings, listed_strings, most_tokens, sidecar
from glyphrender.inference.tool_calls import ToolCall, without_calls
from glyphrender.models.tokenizers import tokenizer, tokenizer_of
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta

__all__ = ["Expanded"]

_THOUGHT_END: Final = "</think>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expanded:
    """A model's answer, and how it came to it.

    Attributes:
        text: the answer: the last reply, without calls in it.
        trace: every turn and call.
        replies: the replies of all turns.
        request: the first request, which shows the pages.
    """

    text: str
    trace: ExpandTrace
    replies: tuple[Reply, ...]
    request: Request


@dataclass(frozen=True, slots=True)
class ReplyStore:
    """Stored replies, and the limits on new ones."""

    replies: Replies
    spend: RequestBudget

    def reply(self, key: str, ask: Callable[[], Reply], model: str) -> Reply:
        """Return the reply that is stored under `key`, or ask for it and store it."""
        if (found := self.replies.get(key)) is not None:
            return found
        with self.replies.reserved(key, self.spend):
            reply = ask()
        if reply.finish_reason == BROKEN_OFF:  # the server died; asking again may give a whole reply
            self.replies.release(key)
            return reply
        self.replies.put(key, reply, {"model": model, "by": "expand"})
        return self.replies.get(key) or reply


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpandLoop:
    """A question about a document, with everything that decides how it is asked; see `expand`."""

    document: Document
    question: str
    names: Sequence[str]
    budget: ExpandBudget
    packing: Packing
    zoom: Theta | None
    store: ReplyStore | None
    max_tokens: int | None
    on_turn: Callable[[TraceTurn], object] | None
    clock: Callable[[], float]

    def ask(self, speaker: Speaker) -> Expanded:
        """Ask the question."""
        return self.read(speaker, self._opening(speaker))

    def read(self, speaker: Speaker, opening: Opening) -> Expanded:
        """Answer calls from an opening on, until there is an answer or nothing is left of the budget."""
        begin = self.clock()
        count = _counter(self.packing)
        request, exact = opening.request, self.packing.exact
        text = "".join(page.text for page in request.pages)
        names = self.names if self._offers(request) else ()
        strings = exact_strings(request.pages, text=text) if exact and request.images else ()
        ledger = self._ledger(opening, names, strings, count)
        steps, turns, ended = self._steps(speaker, opening, names, ledger)
        vision = vision_model(self.packing.model)
        images = [vision.image(*page.size) for page in request.pages] if request.images else []
        described = "" if speaker.in_text or not names else json.dumps(chat_tools(names))
        written = [json.dumps(call.to_dict()) for step in steps for call in step.calls]
        trace = ExpandTrace(
            question=self.question,
            pages=tuple(page.number for page in request.pages),
            turns=tuple(turns),
            ended=ended,
            text_tokens=count(text),
            visual_tokens=sum(each.tokens for each in images),
            page_overhead=sum(each.overhead for each in images),
            exact_tokens=count(sidecar(strings, budget=exact, expandable=bool(names))),
            expansion_tokens=ledger.tokens,
            tool_overhead=max(0, count(opening.system) - count(INSTRUCTION))
            + sum(map(count, [described, *written]))
            + ledger.overhead,
            seconds=self.clock() - begin,
        )
        replies = tuple(step.reply for step in steps)
        return Expanded(text=_spoken(replies[-1].text), trace=trace, replies=replies, request=request)

    def _ledger(
        self, opening: Opening, names: Sequence[str], strings: Sequence[ExactString], count: Callable[[str], int]
    ) -> Ledger:
        """Return the ledger that answers calls and pays for them."""
        listed = listed_strings(strings, budget=self.packing.exact, expandable=bool(names))
        return Ledger(
            PageTools(opening.request.pages, zoom=self.zoom, names=self.names),
            self._within_context(opening) if names else ExpandBudget(calls=0),
            count=count,
            vision=vision_model(self.packing.model),
            listed={each.text: each.pages for each in listed},
            clock=self.clock,
        )

    def _steps(
        self, speaker: Speaker, opening: Opening, names: Sequence[str], ledger: Ledger
    ) -> tuple[list[Step], list[TraceTurn], Ended]:
        """Ask until a reply has no calls. Return the steps, the turns of the trace, and why the loop ended."""
        steps: list[Step] = []
        turns: list[TraceTurn] = []
        spent = ledger.spent
        while not steps or steps[-1].calls:
            spent = ledger.spent
            reply = self._reply(speaker, opening, steps, names, offer=spent is None)
            calls, results = _answers(ledger, speaker.calls(reply) if spent is None else (), in_text=not reply.calls)
            turn = TraceTurn(
                said=reply.text,
                calls=tuple(map(ledger.traced, calls, results)),
                prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
                cached_tokens=reply.cached_tokens,
            )
            turns.append(turn)
            if self.on_turn is not None:
                self.on_turn(turn)
            steps.append(Step(reply=reply, calls=calls, results=results, note=_note(ledger, results)))
        return steps, turns, "answered" if spent is None or not names else spent

    def _opening(self, speaker: Speaker) -> Opening:
        """Return the first request, with the tools in its system prompt if they are called in plain text."""
        packing = replace(self.packing, provider=speaker.provider)
        packing = replace(packing, over="error") if packing.over == "split" else packing
        conversation = Conversation.ask(self.document, self.question)
        system = packing.instruction
        if system in ("", INSTRUCTION):
            system = instruction(self.names, listed=packing.exact > 0, in_text=speaker.in_text)
        request = replace(packing, instruction=system, expandable=True).request(conversation)
        if not self._offers(request):
            system = packing.instruction
            request = packing.request(conversation)
        content = request.content["messages"][-1]["content"]
        texts = [content] if isinstance(content, str) else [part["text"] for part in content if "text" in part]
        return Opening(request=request, system=system, tail="\n\n".join(texts))

    def _offers(self, request: Request) -> bool:
        """Return whether the model gets tools. Text need not be read, and a budget of no calls buys nothing."""
        return request.images and self.budget.calls > 0

    def _reply(
        self, speaker: Speaker, opening: Opening, steps: Sequence[Step], names: Sequence[str], *, offer: bool
    ) -> Reply:
        """Return a stored reply, or ask for it."""

        def ask() -> Reply:
            return speaker.say(opening, steps, tools=names, offer=offer, max_tokens=self.max_tokens)

        if self.store is None:
            return ask()
        said = [step.identity for step in steps]
        own = [opening.identity, said, list(names), self.packing.identity, offer, self.max_tokens, __version__]
        return self.store.reply(reply_key("expand", speaker.identity, own), ask, str(speaker.identity[0]))

    def _within_context(self, opening: Opening) -> ExpandBudget:
        """Return a budget whose tokens fit the context of the model beside the pages."""
        packing, budget = self.packing, self.budget
        if packing.context is None:
            return budget
        room = packing.context - opening.request.tokens - (packing.answer or self.max_tokens or 0)
        room = max(0, room - 64 * budget.calls)  # calls, and answers that bring nothing
        return replace(budget, tokens=room if budget.tokens is None else min(room, budget.tokens))


def _answers(
    ledger: Ledger, calls: Sequence[ToolCall], *, in_text: bool
) -> tuple[tuple[ToolCall, ...], tuple[ToolResult, ...]]:
    """Return the calls that get an answer, and the answers. A server wants one for each of its calls."""
    answered, results = [], []
    for call in calls:
        over = ledger.spent is not None
        answered.append(call)
        results.append(ledger.answer(call))
        if over and in_text:
            break
    return tuple(answered), tuple(results)


def _note(ledger: Ledger, results: Sequence[ToolResult]) -> str:
    """Return the sentence that ends the reading, if the last answer does not say it."""
    said = results and results[-1].problem in ("calls", "tokens", "seconds")
    return "" if ledger.spent is None or said else "Nothing more can be read. Answer now."


def _counter(packing: Packing) -> Callable[[str], int]:
    """Return the counter of text tokens; an upper bound if the package of tokenizers is not installed."""
    try:
        name = tokenizer_of(vision_model(packing.model).name)
        return tokenizer(packing.tokenizer or name or "glm-4").count
    except (DependencyError, TokenizerError):
        if packing.tokenizer is not None:
            raise
        return most_tokens


def _spoken(text: str) -> str:
    """Return the answer in a reply: without calls, and without what comes before the end of thoughts."""
    return without_calls(text.rpartition(_THOUGHT_END)[2])

"""Read, then expand: a model scans dense pages, and asks for the exact text or a larger picture of what it needs.

The pages are cheap, because their type is small, and the model need only see which of them matter. It gets those as
text, character for character, or drawn larger. LensVLM (arXiv 2605.07019) trained a model for this; any model with tool
calls can be asked so, and in plain text any model.

    from glyphrender.inference.expand import expand
    answer = expand(document, "Which order went to Dover?", endpoint)
    answer.text, answer.trace.pages_read, answer.trace.effective_rho

The loop ends: each turn with calls takes at least one from the budget, and then the model is asked for its answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from glyphrender._system.arguments import TEXT, WHOLE, Wanted, checked, instance, optional
from glyphrender._system.version import __version__
from glyphrender.document.document import Document
from glyphrender.errors import DataError, DependencyError, RequestRefused, TokenizerError, shown
from glyphrender.inference.conversation import Conversation, Turn
from glyphrender.inference.endpoint import BROKEN_OFF, Endpoint, Reply
from glyphrender.inference.expand_ledger import ExpandBudget, Ledger
from glyphrender.inference.expand_protocol import ChatSpeaker, ModelSpeaker, Opening, Speaker, Step, ToolProtocol
from glyphrender.inference.expand_results import ToolResult
from glyphrender.inference.expand_schema import chat_tools, instruction, tool_names
from glyphrender.inference.expand_tools import PageTools
from glyphrender.inference.expand_trace import ExpandTrace, TraceTurn
from glyphrender.inference.messages import INSTRUCTION, Packing, Request
from glyphrender.inference.model import EndpointModel, Model
from glyphrender.inference.replies import Replies, RequestBudget, reply_key
from glyphrender.inference.sidecar import exact_strings, listed_strings, most_tokens, sidecar
from glyphrender.inference.tool_calls import ToolCall, without_calls
from glyphrender.models.names import family_name
from glyphrender.models.tokenizers import tokenizer, tokenizer_of
from glyphrender.models.vision import VISION_MODELS, vision_model
from glyphrender.theta import Theta

__all__ = ["Expanded", "expand", "expand_conversation", "speaker_of"]

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


@checked(
    document=instance("a Document", Document),
    question=TEXT,
    model=Wanted(lambda value: hasattr(value, "identity"), "an Endpoint, a Model or a Speaker"),
    packing=optional(instance("a Packing", Packing)),
    replies=optional(instance("a store of replies (Replies)", Replies)),
    max_tokens=optional(WHOLE),
    clock=Wanted(callable, "a function that returns seconds"),
)
def expand(
    document: Document,
    question: str,
    model: Endpoint | Model | Speaker,
    *,
    tools: str | Sequence[str] = "text",
    budget: ExpandBudget | None = None,
    packing: Packing | None = None,
    protocol: ToolProtocol = "auto",
    zoom: Theta | None = None,
    replies: Replies | None = None,
    spend: RequestBudget | None = None,
    max_tokens: int | None = None,
    on_turn: Callable[[TraceTurn], object] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Expanded:
    """Ask a model about pages, and answer its calls until it answers or the budget is spent.

    If `packing` sends the document as text, because that costs fewer tokens, there is nothing to expand: the model gets
    no tools.

    Args:
        document: the document. Small pages are best: what a call brings is a page or less.
        question: the question.
        model: a server; any `Model`, which is told of the tools in plain text; or a `Speaker`.
        tools: "text", "zoom", "enlarge", or names of tools. ["read_page"] alone is what LensVLM was trained on.
        budget: limits on what calls may bring; see `ExpandBudget`.
        packing: how the pages are sent. All pages go in one request. Its `instruction` is used if it is not the default
            one; the tools that are called in plain text are described after it.
        protocol: how tools are called; see `ToolProtocol`. It matters for a server alone.
        zoom: θ of parts that are drawn again; see `PageTools`.
        replies: a store of replies. A question that was asked before, or was interrupted, is not paid for again.
        spend: limits on requests and tokens of all runs with this store.
        max_tokens: most tokens of a reply; None for the model's own limit.
        on_turn: called with each turn when its calls are answered.
        clock: seconds since any moment.

    Raises:
        DataError: the document or the question is empty, or an option has a wrong value.
        VisionModelError: the pages do not fit one request.
        BudgetSpent: a limit of `spend` is reached. The replies so far are stored.
        EndpointError: there is no reply.
        ThetaError, FontError, DependencyError, TokenizerError: see `Packing.requests`.

    >>> from glyphrender import render
    >>> class Reads:  # a model that reads page 1, then answers with its last word
    ...     identity = ["reads"]
    ...     def complete(self, conversation, *, max_tokens=None, on_text=None):
    ...         said = conversation.turns[-1].text
    ...         if "<tool_response>" in said:
    ...             return Reply(text=said.split()[-2])
    ...         return Reply(text='<tool_call>{"name": "read_page", "arguments": {"page": 1}}</tool_call>')
    >>> document = render("The parcel went to Dover")
    >>> answer = expand(document, "Where did it go?", Reads(), packing=Packing(send="pages"))
    >>> answer.text, answer.trace.pages_read
    ('Dover', (1,))
    """
    names = tool_names(tools)
    budget = budget or ExpandBudget()
    if not isinstance(budget, ExpandBudget):
        raise DataError(f"budget={shown(budget)} is no ExpandBudget. Give one, or leave it out.")
    packing = packing or Packing(model=_vision(model))
    asked = _Question(
        document=document,
        question=question,
        names=names,
        budget=budget,
        packing=packing,
        zoom=zoom,
        store=None if replies is None else _Store(replies, spend or RequestBudget()),
        max_tokens=max_tokens,
        on_turn=on_turn,
        clock=clock,
    )
    speaker = speaker_of(model, protocol)
    try:
        return asked.of(speaker)
    except RequestRefused as error:
        # Servers without a parser of tool calls refuse tools. The pages then go once more, with the tools as text.
        refused = isinstance(speaker, ChatSpeaker) and not speaker.in_text and "tool" in str(error).lower()
        if protocol != "auto" or not refused or not isinstance(speaker, ChatSpeaker):
            raise
        return asked.of(replace(speaker, in_text=True))


def expand_conversation(
    conversation: Conversation,
    document: Document,
    model: Model,
    *,
    tools: str | Sequence[str] = "text",
    budget: ExpandBudget | None = None,
    packing: Packing | None = None,
    max_tokens: int | None = None,
) -> Expanded:
    """Do as `expand` does for a conversation that has the pages of `document` anywhere in its turns.

    The tools are called in plain text, and described in the turn of the system, after what is said there.

    Args:
        conversation: the conversation. It shows the pages of `document`, and no others that have numbers.
        document: the document.
        model: the model.
        tools, budget: see `expand`.
        packing: its `model` and `tokenizer` count tokens; nothing else of it is used.
        max_tokens: most tokens of a reply; None for the model's own limit.

    Raises:
        DataError, EndpointError: see `expand`.
    """
    names = tool_names(tools)
    asked = _Question(
        document=document,
        question=conversation.turns[-1].text,
        names=names,
        budget=budget or ExpandBudget(),
        packing=replace(packing or Packing(model=_vision(model)), exact=0),
        zoom=None,
        store=None,
        max_tokens=max_tokens,
        on_turn=None,
        clock=time.monotonic,
    )
    first, *rest = conversation.turns
    system = instruction(names, listed=False, in_text=True)
    if first.role == "system":
        opened = Conversation((Turn("system", (f"{first.text}\n\n{system}",)), *rest))
    else:
        opened = Conversation((Turn("system", (system,)), first, *rest))
    request = Request(content={}, pages=tuple(document), images=True, tokens=0, bytes=0)
    opening = Opening(request=request, system=system, tail=asked.question, conversation=opened)
    return asked.read(ModelSpeaker(model=model), opening)


def speaker_of(model: Endpoint | Model | Speaker, protocol: ToolProtocol = "auto") -> Speaker:
    """Return the speaker of a model: a server's own tool calls unless `protocol` is "text"; plain text for a `Model`.

    Raises:
        DataError: `model` is none of these, or the protocol is not known.
    """
    if protocol not in ("auto", "tools", "text"):
        raise DataError(f"protocol={shown(protocol)} is not known. Use auto, tools or text.")
    if isinstance(model, EndpointModel) and protocol != "text":
        model = model.endpoint
    if isinstance(model, Endpoint):
        return ChatSpeaker(endpoint=model, in_text=protocol == "text")
    if isinstance(model, Speaker):
        return model
    if isinstance(model, Model):
        return ModelSpeaker(model=model)
    raise DataError(f"model={shown(model)} cannot be asked. Give an Endpoint, a Model or a Speaker.")


@dataclass(frozen=True, slots=True)
class _Store:
    """Stored replies, and the limits on new ones."""

    replies: Replies
    spend: RequestBudget

    def reply(self, key: str, ask: Callable[[], Reply], model: str) -> Reply:
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
class _Question:
    """A question about a document, with everything that decides how it is asked; see `expand`."""

    document: Document
    question: str
    names: Sequence[str]
    budget: ExpandBudget
    packing: Packing
    zoom: Theta | None
    store: _Store | None
    max_tokens: int | None
    on_turn: Callable[[TraceTurn], object] | None
    clock: Callable[[], float]

    def of(self, speaker: Speaker) -> Expanded:
        """Ask the question."""
        return self.read(speaker, self._opening(speaker))

    def read(self, speaker: Speaker, opening: Opening) -> Expanded:
        """Answer calls from an opening on, until there is an answer or nothing is left of the budget."""
        begin = self.clock()
        count = _counter(self.packing)
        request, vision, exact = opening.request, vision_model(self.packing.model), self.packing.exact
        names = self.names if self._offers(request) else ()
        text = "".join(page.text for page in request.pages)
        strings = exact_strings(request.pages, text=text) if exact and request.images else ()
        listed = listed_strings(strings, budget=exact, expandable=bool(names))
        ledger = Ledger(
            PageTools(request.pages, zoom=self.zoom, names=self.names),
            self._within_context(opening) if names else ExpandBudget(calls=0),
            count=count,
            vision=vision,
            listed={each.text: each.pages for each in listed},
            clock=self.clock,
        )
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
        images = [vision.image(*page.size) for page in request.pages] if request.images else []
        described = "" if speaker.in_text or not names else json.dumps(chat_tools(names))
        written = [json.dumps(call.to_dict()) for step in steps for call in step.calls]
        trace = ExpandTrace(
            question=self.question,
            pages=tuple(page.number for page in request.pages),
            turns=tuple(turns),
            ended="answered" if spent is None or not names else spent,
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


def _vision(model: Any) -> str:
    """Return the vision model that follows from the name of a model."""
    name = str(model.model if isinstance(model, Endpoint) else model.identity[0])
    return family_name(name, VISION_MODELS) or "glm-4.1v"


def _spoken(text: str) -> str:
    """Return the answer in a reply: without calls, and without what comes before the end of thoughts."""
    return without_calls(text.rpartition(_THOUGHT_END)[2])

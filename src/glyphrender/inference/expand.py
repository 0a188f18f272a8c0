"""Read, then expand: a model scans dense pages, and asks for the exact text or a larger picture of what it needs.

The pages are cheap, because their type is small, and the model need only see which of them matter. It gets those as
text, character for character, or drawn larger. LensVLM (arXiv 2605.07019) trained a model for this; any model with tool
calls can be asked so, and in plain text any model.

    from glyphrender.inference.expand import expand
    answer = expand(document, "Which order went to Dover?", endpoint)
    answer.text, answer.trace.pages_read, answer.trace.effective_rho

`expand_loop.py` has the loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from glyphrender._system.arguments import TEXT, WHOLE, Wanted, checked, instance, optional
from glyphrender.document.document import Document
from glyphrender.errors import DataError, RequestRefused, shown
from glyphrender.inference.conversation import Conversation, Turn
from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.expand_ledger import ExpandBudget
from glyphrender.inference.expand_loop import Expanded, ExpandLoop, ReplyStore
from glyphrender.inference.expand_protocol import ChatSpeaker, ModelSpeaker, Opening, Speaker, ToolProtocol
from glyphrender.inference.expand_schema import instruction, tool_names
from glyphrender.inference.expand_trace import TraceTurn
from glyphrender.inference.messages import Packing, Request
from glyphrender.inference.model import EndpointModel, Model
from glyphrender.inference.replies import Replies, RequestBudget
from glyphrender.models.names import family_name
from glyphrender.models.vision import VISION_MODELS
from glyphrender.theta import Theta

__all__ = ["Expanded", "expand", "expand_conversation", "speaker_of"]


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
    >>> from glyphrender.inference.endpoint import Reply
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
    asked = ExpandLoop(
        document=document,
        question=question,
        names=names,
        budget=budget,
        packing=packing,
        zoom=zoom,
        store=None if replies is None else ReplyStore(replies, spend or RequestBudget()),
        max_tokens=max_tokens,
        on_turn=on_turn,
        clock=clock,
    )
    speaker = speaker_of(model, protocol)
    try:
        return asked.ask(speaker)
    except RequestRefused as error:
        # Servers without a parser of tool calls refuse tools. The pages then go once more, with the tools as text.
        refused = isinstance(speaker, ChatSpeaker) and not speaker.in_text and "tool" in str(error).lower()
        if protocol != "auto" or not refused or not isinstance(speaker, ChatSpeaker):
            raise
        return asked.ask(replace(speaker, in_text=True))


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
    asked = ExpandLoop(
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


def _vision(model: Any) -> str:
    """Return the vision model that follows from the name of a model."""
    name = str(model.model if isinstance(model, Endpoint) else model.identity[0])
    return family_name(name, VISION_MODELS) or "glm-4.1v"

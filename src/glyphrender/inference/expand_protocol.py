"""How tools are called and answered: chat completions, Anthropic's Messages, and plain text for any model.

A `Speaker` is asked for the next reply of a question so far: the opening with the pages, and steps, each a reply with
the answers to its calls. A speaker keeps nothing between replies. So a question that was killed goes on from stored
replies.

- `ChatSpeaker`: a server of chat completions, by its own tool calls or in plain text.
- `AnthropicSpeaker`: a function that sends a body of Anthropic's Messages and returns the answer.
- `ModelSpeaker`: any `Model`, such as a model on this machine, in plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

from glyphrender.document.page import Page
from glyphrender.errors import EndpointError
from glyphrender.inference.conversation import Conversation, Turn, TurnPart, base64_png, packed_png
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.expand_results import ToolResult
from glyphrender.inference.expand_schema import anthropic_tools, chat_tools
from glyphrender.inference.message_formats import image_content
from glyphrender.inference.messages import Request
from glyphrender.inference.model import Model
from glyphrender.inference.tool_calls import CALL_END, ToolCall, calls_in_content, calls_in_text

__all__ = ["AnthropicSpeaker", "ChatSpeaker", "ModelSpeaker", "Opening", "Speaker", "Step", "ToolProtocol"]

#: Tool calls of the server; calls in plain text; or the first, and the second if the server knows no tools.
ToolProtocol: TypeAlias = Literal["auto", "tools", "text"]

_RESPONSE: Final = "<tool_response>"
_CONTENT_BLOCK: Final = re.compile(r"[^\w-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """The beginning of a question: the pages, and the question.

    Attributes:
        request: the request that shows the pages, in the form of the speaker's provider.
        system: the system prompt in it.
        tail: the text after the pages: exact strings and the question. If the document is sent as text, it stands
            before them.
        conversation: the conversation that shows the pages, if it is more than pages and a question. `ModelSpeaker`
            alone takes one.
    """

    request: Request
    system: str
    tail: str
    conversation: Conversation | None = None

    @property
    def identity(self) -> list[Any]:
        """Return JSON values that decide what the model sees."""
        pages = [[page.number, page.theta.digest, page.size, page.text] for page in self.request.pages]
        return [self.system, pages, self.tail]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A reply with calls, and the answers to them.

    Attributes:
        reply: the reply.
        calls: the calls, each with an answer.
        results: the answers.
        note: a sentence that follows the answers; usually empty.
    """

    reply: Reply
    calls: tuple[ToolCall, ...]
    results: tuple[ToolResult, ...]
    note: str = ""

    @property
    def in_text(self) -> bool:
        """Return whether the calls stand in the text of the reply, and not beside it."""
        return not self.reply.calls

    @property
    def said(self) -> str:
        """Return the reply up to its last call. Some models go on, and write the answer to their call themselves."""
        text = self.reply.text.partition(_RESPONSE)[0].rstrip()
        return text if text.count("<tool_call>") <= text.count(CALL_END) else text + CALL_END

    @property
    def answer(self) -> str:
        """Return the answers to calls in plain text, as the text of the next turn."""
        texts = [f"{_RESPONSE}\n{result.text}\n</tool_response>" for result in self.results]
        return "\n".join([*texts, *filter(None, [self.note])])

    @property
    def pictures(self) -> tuple[Page, ...]:
        """Return the pictures of all answers."""
        return tuple(page for result in self.results for page in result.pictures)

    @property
    def identity(self) -> list[Any]:
        """Return JSON values that decide what the model sees of this step."""
        results = [[each.text, [[page.theta.digest, page.text] for page in each.pictures]] for each in self.results]
        return [self.reply.text, [call.to_dict() for call in self.calls], results, self.note]


@runtime_checkable
class Speaker(Protocol):
    """An object that gives the next reply of a question with tools."""

    @property
    def identity(self) -> list[Any]:
        """Return the JSON values that decide a reply, together with what was said. First comes the model's name."""

    @property
    def provider(self) -> str:
        """Return the name of the provider in whose form openings are made; see `Packing.provider`."""

    @property
    def in_text(self) -> bool:
        """Return whether tools are described and called in plain text."""

    def say(
        self, opening: Opening, steps: Sequence[Step], *, tools: Sequence[str], offer: bool, max_tokens: int | None
    ) -> Reply:
        """Return the next reply.

        Args:
            opening: the beginning.
            steps: what was said since.
            tools: names of the tools.
            offer: whether calls are still answered. If not, the model is to give its answer.
            max_tokens: most tokens of the reply; None for the model's own limit.

        Raises:
            RequestRefused: the model does not take this.
            EndpointError: there is no reply.
        """

    def calls(self, reply: Reply) -> tuple[ToolCall, ...]:
        """Return the calls of a reply."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatSpeaker:
    """A model on a server of chat completions.

    Attributes:
        endpoint: the server and the model.
        in_text: whether tools are called in plain text. If not, the server finds the calls.
    """

    endpoint: Endpoint
    in_text: bool = False

    @property
    def identity(self) -> list[Any]:
        """Return the identity of the endpoint, and how tools are called."""
        return [*self.endpoint.identity, "text" if self.in_text else "tools"]

    @property
    def provider(self) -> str:
        """Return "openai"."""
        return "openai"

    def say(
        self, opening: Opening, steps: Sequence[Step], *, tools: Sequence[str], offer: bool, max_tokens: int | None
    ) -> Reply:
        """Return the next reply; see `Speaker.say` and `Endpoint.complete`."""
        messages = [*opening.request.content["messages"], *(each for step in steps for each in _chat_step(step))]
        if self.in_text:
            return self._said(messages, max_tokens, stops=offer)
        known = chat_tools(tools) or None
        choice = None if offer else "none"
        return self.endpoint.complete(messages, max_tokens=max_tokens, tools=known, tool_choice=choice, stream=False)

    def _said(self, messages: list[dict[str, Any]], max_tokens: int | None, *, stops: bool) -> Reply:
        """Return the reply; with `stops`, up to the end of its first call."""
        if not stops:
            return self.endpoint.complete(messages, max_tokens=max_tokens, stream=False)
        stopping = replace(self.endpoint, extra={**self.endpoint.extra, "stop": [CALL_END]})
        try:
            return stopping.complete(messages, max_tokens=max_tokens, stream=False)
        except EndpointError as error:
            # `transformers serve` fails on any stop text for some models (5.24: it hands generate no tokenizer).
            if error.status is None or error.status < 500:
                raise
            return self.endpoint.complete(messages, max_tokens=max_tokens, stream=False)

    def calls(self, reply: Reply) -> tuple[ToolCall, ...]:
        """Return the calls that the server found. If it found none, return those in the text."""
        return reply.calls or calls_in_text(reply.text.partition(_RESPONSE)[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class AnthropicSpeaker:
    """A model behind Anthropic's Messages. The request is sent by a function of the caller.

    >>> def send(body):  # client.messages.create(model=…, **body).model_dump()
    ...     return {"content": [{"type": "text", "text": "It is 7GX2."}], "stop_reason": "end_turn"}
    >>> AnthropicSpeaker(send=send, model="claude").calls(Reply(text="It is 7GX2."))
    ()

    Attributes:
        send: a function from the body of a request, with "messages", "system", "tools" and "max_tokens", to the answer
            as JSON values.
        model: name of the model, for keys of stored replies.
        max_tokens: most tokens of a reply, which this API requires.
    """

    send: Callable[[dict[str, Any]], Mapping[str, Any]] = field(repr=False)
    model: str = "claude"
    max_tokens: int = 1024

    @property
    def identity(self) -> list[Any]:
        """Return the name of the model, and that it is asked through Messages."""
        return [self.model, "anthropic"]

    @property
    def provider(self) -> str:
        """Return "anthropic"."""
        return "anthropic"

    @property
    def in_text(self) -> bool:
        """Return False: the server finds the calls."""
        return False

    def say(
        self, opening: Opening, steps: Sequence[Step], *, tools: Sequence[str], offer: bool, max_tokens: int | None
    ) -> Reply:
        """Return the next reply; see `Speaker.say`.

        Raises:
            EndpointError: the answer is no answer of Messages.
        """
        messages = [*opening.request.body["messages"], *(each for step in steps for each in _anthropic_step(step))]
        body = {**opening.request.body, "messages": messages}
        body["max_tokens"] = self.max_tokens if max_tokens is None else max_tokens
        if tools:
            body["tools"] = anthropic_tools(tools)
            body |= {} if offer else {"tool_choice": {"type": "none"}}
        answer = self.send(body)
        content = answer.get("content") if isinstance(answer, Mapping) else None
        if not isinstance(content, list):
            raise EndpointError("the answer has no list of content. Let send return the JSON of Anthropic's Messages.")
        found = answer.get("usage")
        usage: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        parts = [part for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
        names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
        prompt, cached, cache_made, completion = (_count(usage.get(name)) for name in names)
        return Reply(
            text="".join(str(part.get("text") or "") for part in parts),
            prompt_tokens=None if prompt is None else prompt + (cached or 0) + (cache_made or 0),
            completion_tokens=completion,
            cached_tokens=cached,
            finish_reason=answer.get("stop_reason") if isinstance(answer.get("stop_reason"), str) else None,
            calls=calls_in_content(content),
        )

    def calls(self, reply: Reply) -> tuple[ToolCall, ...]:
        """Return the calls of a reply."""
        return reply.calls


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpeaker:
    """Any `Model`, which knows of tools what its prompt says.

    Attributes:
        model: the model, such as `LocalModel` of `glyphrender.inference.transformers`.
    """

    model: Model

    @property
    def identity(self) -> list[Any]:
        """Return the identity of the model."""
        return [*self.model.identity, "text"]

    @property
    def provider(self) -> str:
        """Return "transformers"."""
        return "transformers"

    @property
    def in_text(self) -> bool:
        """Return True."""
        return True

    def say(
        self, opening: Opening, steps: Sequence[Step], *, tools: Sequence[str], offer: bool, max_tokens: int | None
    ) -> Reply:
        """Return the next reply; see `Speaker.say` and `Model.complete`."""
        return self.model.complete(conversation_of(opening, steps), max_tokens=max_tokens)

    def calls(self, reply: Reply) -> tuple[ToolCall, ...]:
        """Return the calls in the text of a reply."""
        return calls_in_text(reply.text.partition(_RESPONSE)[0])


def conversation_of(opening: Opening, steps: Sequence[Step]) -> Conversation:
    """Return a question so far as a conversation, with calls and their answers as text."""
    pages = opening.request.pages if opening.request.images else ()
    conversation = opening.conversation or Conversation.ask(*pages, opening.tail, system=opening.system)
    for step in steps:
        parts: list[TurnPart] = [*step.pictures, step.answer]
        said = Turn("assistant", (step.said or "…",))
        conversation = Conversation((*conversation.turns, said, Turn("user", tuple(parts))))
    return conversation


def _chat_step(step: Step) -> list[dict[str, Any]]:
    """Return a step as messages of chat completions."""
    images = [image_content(packed_png(page)) for page in step.pictures]
    if step.in_text:
        text = {"type": "text", "text": step.answer}
        content: Any = [*images, text] if images else step.answer
        return [{"role": "assistant", "content": step.said}, {"role": "user", "content": content}]
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": _tool_name(call), "arguments": json.dumps(dict(call.arguments))},
        }
        for call in step.calls
    ]
    messages: list[dict[str, Any]] = [{"role": "assistant", "content": step.reply.text, "tool_calls": calls}]
    for number, (call, result) in enumerate(zip(step.calls, step.results, strict=True), 1):
        note = f"\n\n{step.note}" if step.note and number == len(step.calls) else ""
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result.text + note})
    if images:  # tool messages hold no images, so they follow as a turn of the user
        text = {"type": "text", "text": "These are the images of the answers above, in their order."}
        messages.append({"role": "user", "content": [*images, text]})
    return messages


def _anthropic_step(step: Step) -> list[dict[str, Any]]:
    """Return a step as messages of Anthropic's Messages."""
    content: list[dict[str, Any]] = [{"type": "text", "text": step.reply.text}] if step.reply.text.strip() else []
    results: list[dict[str, Any]] = []
    for call, result in zip(step.calls, step.results, strict=True):
        content.append({"type": "tool_use", "id": call.id, "name": _tool_name(call), "input": dict(call.arguments)})
        parts: list[dict[str, Any]] = [{"type": "text", "text": result.text}]
        for page in result.pictures:
            source = {"type": "base64", "media_type": "image/png", "data": base64_png(page)}
            parts.append({"type": "image", "source": source})
        results.append({"type": "tool_result", "tool_use_id": call.id, "content": parts})
    if step.note:
        results.append({"type": "text", "text": step.note})
    return [{"role": "assistant", "content": content}, {"role": "user", "content": results}]


def _tool_name(call: ToolCall) -> str:
    """Return the name of a call in characters that servers take back, whatever the model wrote."""
    return _CONTENT_BLOCK.sub("_", call.name)[:64] or "unknown"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

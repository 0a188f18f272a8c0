"""A model that replies to conversations: the protocol, and a model on a server.

A model of transformers on this machine is in `glyphrender.inference.transformers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from glyphrender.errors import EndpointError, RequestRefused, VisionModelError
from glyphrender.inference.conversation import Conversation, Turn, png_bytes
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.message_formats import PackedImage, PackedTurn, chat_messages
from glyphrender.inference.messages import Packing

__all__ = ["EndpointModel", "Model"]


@runtime_checkable
class Model(Protocol):
    """An object that replies to conversations. Search, evaluation and rewards use models only by this protocol."""

    @property
    def identity(self) -> list[Any]:
        """Return the JSON values that decide a reply, together with the conversation. First comes the model's name."""

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Reply:
        """Return the reply to the last turn of `conversation`.

        Args:
            conversation: any number of turns, each with texts, documents or images.
            max_tokens: most tokens of the reply; None for the model's own limit.
            on_text: called with each piece of the reply as it comes.

        Raises:
            RequestRefused: the model does not take this conversation: too many pages, or too large ones.
            EndpointError: there is no reply.
        """


def finished_reply(model: Model, conversation: Conversation, *, max_tokens: int | None) -> Reply:
    """Return the reply of `model`, which is whole, or was cut at `max_tokens`.

    Raises:
        RequestRefused: see `Model.complete`.
        EndpointError: there is no reply, or something else cut it off, so that it says nothing about the question.
    """
    reply = model.complete(conversation, max_tokens=max_tokens)
    if reply.cut and reply.finish_reason != "length":
        raise EndpointError(
            f"{model.identity[0]} did not finish its answer (finish_reason={reply.finish_reason!r}). "
            "Check the server's log."
        )
    return reply


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointModel:
    """A `Model` on a server.

    Attributes:
        endpoint: the server and the model.
        packing: how documents are sent. With a packing, they are sent as `ask` sends them: as pages or text, with exact
            strings and an instruction, and within limits. None sends the conversation and nothing else: each page is a
            PNG of 8 bits in its place, and we check no limits.
    """

    endpoint: Endpoint
    packing: Packing | None = None

    @property
    def identity(self) -> list[Any]:
        """Return the identity of the endpoint, and that of the packing if there is one."""
        if self.packing is None:
            return self.endpoint.identity
        return [*self.endpoint.identity, self.packing.for_chat_completions().identity]

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
        on_reasoning: Callable[[str], object] | None = None,
        response_format: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Return the server's reply; see `Model.complete`. Without `on_text`, the answer is not streamed.

        Args:
            conversation: the conversation.
            max_tokens: most tokens of the reply; None for the endpoint's limit.
            on_text: called with each piece of the reply as it comes.
            on_reasoning: called with each piece of the thoughts that the server gives apart.
            response_format: the form of the reply, see `Endpoint.complete`.

        Raises:
            RequestRefused: the server, or the packing, refuses the conversation.
            EndpointError, DependencyError: see `Endpoint.complete`.
            DataError: the document or the question is empty.
        """
        return self.endpoint.complete(
            self._messages(conversation),
            max_tokens=max_tokens,
            on_text=on_text,
            on_reasoning=on_reasoning,
            stream=on_text is not None,
            response_format=response_format,
        )

    def _messages(self, conversation: Conversation) -> list[dict[str, Any]]:
        if self.packing is None:
            return chat_messages([_as_it_is(turn) for turn in conversation.turns])
        try:
            packing = self.packing.for_chat_completions(self.endpoint.url)
            messages: list[dict[str, Any]] = packing.request(conversation).content["messages"]
        except VisionModelError as error:
            raise RequestRefused(str(error)) from error
        return messages


def _as_it_is(turn: Turn) -> PackedTurn:
    parts = tuple(part if isinstance(part, str) else PackedImage(png_bytes(part), part) for part in turn.flat())
    return PackedTurn(turn.role, parts)

"""One model on an OpenAI-compatible server, and its answer.

The `openai` client (extra `chat`) does the HTTP; `server` and `call` bound it. This module adds three things: an
endpoint that is a value and can be pickled, an answer apart from the model's thoughts, and requests that drop the
parameters a server does not know (`sending`). Once an answer has begun to stream, the request is not repeated, because
the caller already has a part of the text.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from glyphrender._system.arguments import NUMBER, WHOLE, optional
from glyphrender.errors import DataError, EndpointError, shown
from glyphrender.inference.call import Call
from glyphrender.inference.completion import (
    Delta,
    Usage,
    parsed,
    read_chunk,
    read_completion,
    without_lone_surrogates,
)
from glyphrender.inference.events import Event, events
from glyphrender.inference.reply import BROKEN_OFF, Reply, says_cut
from glyphrender.inference.sending import sendable, sent
from glyphrender.inference.server import Server
from glyphrender.inference.tool_calls import ToolCall

__all__ = ["BROKEN_OFF", "LISTING_BYTES", "ChatMessage", "Endpoint", "Reply"]

#: One message of the chat completions API: {"role": …, "content": …}.
ChatMessage: TypeAlias = Mapping[str, Any]

# A chunk of a stream takes 300 to 600 bytes for each token; thoughts and counts come on top.
_BYTES_A_TOKEN: Final = 2048
_BYTES: Final = 1 << 20
# The counts of tokens follow the end of an answer at once. A server that goes on to send pings is not waited for.
_AFTER_THE_END: Final = 5.0
#: The longest list of models that is read, in bytes; OpenRouter's has half a megabyte.
LISTING_BYTES: Final = 8 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A model on a server. An endpoint is a plain value: it can be compared and pickled, and holds no connection.

    Attributes:
        model: name of the model on the server. If empty, the server must list one model only, and that one is used.
        base_url: address of the API, such as "http://127.0.0.1:8000/v1"; by default the value of OPENAI_BASE_URL, else
            OpenAI's own address. An address may hold a password, so the repr does not show it.
        api_key: the key; by default the value of `key_variable`. Your own server needs no key. No message shows the
            key.
        key_variable: name of the environment variable that holds the key.
        max_tokens: most tokens of an answer.
        temperature: temperature of sampling; None for the server's default. Some models accept only their default.
        seed: seed of sampling; None sends none.
        timeout: most seconds that the server may be silent, before an answer and between two pieces of an answer.
        deadline: most seconds that a whole answer may take, with retries, pauses and redirects. None stands for
            `timeout` × (2 + `max_tokens` / 256), which is 720 s by default.
        retries: most times that a failed request is sent again, if the failure may be temporary.
        extra: more fields of the request, such as {"chat_template_kwargs": {"enable_thinking": False}}.

    Raises:
        DataError: `timeout` or `deadline` is no number above 0, `temperature` is no finite number from 0, or
            `max_tokens`, `retries` or `seed` is no whole number (`max_tokens` from 1, `retries` from 0).
    """

    model: str = ""
    base_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    key_variable: str = "OPENAI_API_KEY"
    max_tokens: int = 1024
    temperature: float | None = None
    seed: int | None = None
    timeout: float = 120.0
    deadline: float | None = None
    retries: int = 3
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check the numbers: a request that is never given up would hang, and JSON has no NaN."""
        for name, least, value in (("max_tokens", 1, self.max_tokens), ("retries", 0, self.retries)):
            if not WHOLE.holds(value) or value < least:
                raise DataError(f"{name}={shown(value)} of an endpoint is no whole number from {least}.")
        if not optional(WHOLE).holds(self.seed):
            raise DataError(f"seed={shown(self.seed)} of an endpoint is no whole number. Leave it out for none.")
        warmth = self.temperature
        if warmth is not None and not (NUMBER.holds(warmth) and 0 <= warmth < math.inf):
            raise DataError(
                f"temperature={shown(warmth)} of an endpoint is no finite number from 0. Leave it out for the server's."
            )
        for name, seconds in (("timeout", self.timeout), ("deadline", self.deadline)):
            if seconds is None and name == "deadline":
                continue
            if seconds is None or not NUMBER.holds(seconds) or seconds <= 0:
                raise DataError(f"{name}={shown(seconds)} of an endpoint is no number of seconds above 0.")

    @property
    def url(self) -> str:
        """Return the address of the server without secrets, for messages."""
        return self.server.url

    @property
    def is_openai(self) -> bool:
        """Return whether the server is OpenAI's own."""
        return self.server.is_openai

    @property
    def identity(self) -> list[Any]:
        """Return the JSON values that, together with the messages, decide a reply. They go into keys of stored replies.

        The address is not among them: the same model behind another server gives the same replies.
        """
        return [self.model, self.temperature, self.seed, dict(self.extra)]

    @property
    def server(self) -> Server:
        """Return the server of this address and key. What is left out is read from the environment."""
        return Server(
            base_url=(self.base_url or os.environ.get("OPENAI_BASE_URL") or "").strip(),
            # A file or a shell may leave a newline at the end of the key.
            key=(self.api_key or os.environ.get(self.key_variable) or "").strip(),
            key_variable=self.key_variable,
            timeout=self.timeout,
            retries=self.retries,
        )

    def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
        on_reasoning: Callable[[str], object] | None = None,
        stream: bool = True,
        response_format: Mapping[str, Any] | None = None,
        model: str = "",
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: str | None = None,
    ) -> Reply:
        """Return the model's answer to `messages`.

        A server may refuse a parameter that it does not know. The request is then sent again with one parameter changed
        or left out, until the server accepts it. `max_tokens` becomes `max_completion_tokens`, or the reverse.
        `temperature`, `seed`, `tool_choice` and `stop` are left out. `response_format` first gets its older form, and
        is then left out.

        The server may send 1 MiB, and 2 KiB more for each of `max_tokens`.

        Args:
            messages: messages of the chat completions API. Images may be `Base64Image`s, as in `Request.content`: then
                the request is never in memory as a whole.
            max_tokens: most tokens of the answer; None for the endpoint's `max_tokens`.
            on_text: called with each piece of the answer as it comes, and not with thoughts that the server gives
                apart. If it raises an error, the caller gets that error.
            on_reasoning: called with each piece of those thoughts.
            stream: ask for the answer piece by piece, so that a server that stalls is noticed early. If the server
                streams nothing, the request is sent again without streaming. If False, the answer comes in one piece,
                for `on_text` too.
            response_format: the form of the answer, such as a JSON schema.
            model: name of the model; empty for the endpoint's `model`.
            tools: tools that the model may call, as JSON schemas of chat completions. With tools, the answer comes in
                one piece. Its calls are in `Reply.calls`.
            tool_choice: "none" if the model is to answer without a call; None leaves the choice to the model.

        Raises:
            RequestRefused: the server refuses this request, also after parameters were left out.
            EndpointError: the server is down, refuses the key, fails, stalls, takes longer than `deadline`, sends too
                much, redirects to another origin, or its answer cannot be read.
            DependencyError: the package openai is not installed.
            DataError: a message holds a value that JSON has not.
        """
        limit = self.max_tokens if max_tokens is None else max_tokens
        request = self._request(messages, model, limit)
        if response_format is not None:
            request["response_format"] = dict(response_format)
        if tools is not None:
            request["tools"], stream = [dict(tool) for tool in tools], False
            if tool_choice is not None:
                request["tool_choice"] = tool_choice
        answer = _Answer()
        call = self.call(limit)
        pieces: list[str] = []
        with call, closing(self._pieces(request, stream, call, answer)) as received:
            watched = received if on_reasoning is None else _watched(received, answer.reasoning, on_reasoning)
            for piece in without_lone_surrogates(watched):
                pieces.append(piece)
                if on_text is not None:
                    on_text(piece)
        return Reply(
            text="".join(pieces),
            reasoning="".join(without_lone_surrogates(answer.reasoning)),
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            cached_tokens=answer.usage.cached_tokens,
            finish_reason=answer.finish_reason,
            calls=answer.calls,
        )

    def _request(self, messages: Sequence[ChatMessage], model: str, limit: int) -> dict[str, Any]:
        """Return the fields of a request that follow from the messages and from this endpoint."""
        name = model or self.model or self.only_model()
        request: dict[str, Any] = {"messages": sendable(list(messages)), "model": name}
        request["max_completion_tokens" if self.is_openai else "max_tokens"] = limit
        if self.temperature is not None:
            request["temperature"] = self.temperature
        if self.seed is not None:
            request["seed"] = self.seed
        if self.extra:
            request["extra_body"] = dict(self.extra)
        return request

    def call(self, limit: int) -> Call:
        """Return a call for an answer of at most `limit` tokens, with the time and the bytes that it may take.

        Raises:
            DependencyError: see `complete`.
        """
        seconds = self.timeout * (2 + limit / 256) if self.deadline is None else self.deadline
        self.server.client()  # the clock begins when the libraries are loaded
        return self.server.call(seconds=seconds, max_bytes=_BYTES + _BYTES_A_TOKEN * limit)

    def models(self) -> dict[str, int | None]:
        """Return the models that the server lists: name → tokens of the context, or None if unknown.

        vLLM and SGLang give the context as `max_model_len`.

        Raises:
            EndpointError, DependencyError: see `complete`.
        """
        return {model["id"]: context_of(model) for model in listed_models(self, seconds=self.timeout)}

    def only_model(self) -> str:
        """Return the name of the one model that the server lists.

        Raises:
            EndpointError: the server lists none or several; or see `complete`.
        """
        names = list(self.models())
        if len(names) != 1:
            listed = self.server.redacted(", ".join(names[:8]) + (" …" if len(names) > 8 else ""))
            raise EndpointError(
                f"{self.url} serves {len(names)} models ({listed or 'none'}). Name one as model.", url=self.url
            )
        return names[0]

    def _pieces(self, request: dict[str, Any], stream: bool, call: Call, answer: _Answer) -> Generator[str]:
        """Yield the pieces of the answer as they come, and note in `answer` how it ended.

        This is a generator, so that an error in the caller is not reported as an error of the server.
        """
        server = self.server
        with server.errors(request["model"], call):
            if stream:
                options = {"stream": True, "stream_options": {"include_usage": True}}
                with sent(server, call, request | options) as response:
                    yield from _streamed(server, call, events(response.iter_raw()), answer)
                if answer.begun:
                    return
                # Some servers end the stream when they fail, and some cannot stream. Both answer a request without
                # streaming.
            with sent(server, call, request) as response:
                body = parsed(b"".join(response.iter_raw()))
            _raise_stated_error(server, body)
            found = read_completion(body)
            if found is None:
                raise server.error(f"{server.url} answered without any choice. Check that it serves chat completions.")
            answer.note(found)
            yield found.text


@dataclass(slots=True)
class _Answer:
    """A note of how an answer ended and of its counts, made while the answer comes."""

    begun: bool = False
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    reasoning: list[str] = field(default_factory=list)
    calls: tuple[ToolCall, ...] = ()

    def note(self, delta: Delta) -> None:
        self.begun = self.begun or bool(delta.text or delta.reasoning) or delta.finish_reason is not None
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)
        if not says_cut(self.finish_reason):  # a gateway may send "stop" behind a server's "length"
            self.finish_reason = delta.finish_reason or self.finish_reason
        self.usage = delta.usage or self.usage
        self.calls += delta.calls


def _watched(received: Iterable[str], thoughts: list[str], told: Callable[[str], object]) -> Generator[str]:
    """Yield the pieces of an answer. Before each, call `told` with the thoughts that came since the last one."""
    count = 0
    for piece in received:
        for thought in thoughts[count:]:
            told(thought)
        count = len(thoughts)
        yield piece


def _streamed(server: Server, call: Call, received: Iterable[Event], answer: _Answer) -> Generator[str]:
    """Yield the texts of a stream, and note in `answer` how the stream ended."""
    stream = iter(received)
    while True:
        try:
            event = next(stream, None)
        except Exception:
            if answer.finish_reason is None:
                raise
            return  # the answer has ended; only the counts are missing
        if event is None:
            break
        if event.data.startswith("[DONE]"):
            return
        try:
            value = parsed(event.data)
        except ValueError:
            if event.whole:
                raise
            break  # the stream ended in the middle of this event
        _raise_stated_error(server, value, event.kind)
        delta = read_chunk(value)
        if delta.finish_reason is not None:
            call.end_within(_AFTER_THE_END)
        answer.note(delta)
        yield delta.text
    if answer.begun and answer.finish_reason is None:
        answer.finish_reason = BROKEN_OFF


def _raise_stated_error(server: Server, value: Any, kind: str = "") -> None:
    """Raise the error that a body or an event states, if there is one, although the HTTP status was good."""
    stated = value.get("error") if isinstance(value, dict) else None
    if not stated and kind != "error":
        return
    for name in ("message", "detail", "type"):
        if isinstance(stated, dict) and stated.get(name):
            stated = stated[name]
    said = server.redacted(stated if isinstance(stated, str) else str(stated or value))
    raise server.error(f"{server.url} failed while it answered ({said}). Ask again, or see its log.")


def listed_models(endpoint: Endpoint, *, seconds: float) -> list[dict[str, Any]]:
    """Return the objects of the models that a server lists, each with a name as its `id`.

    Raises:
        EndpointError, DependencyError: see `Endpoint.complete`.
    """
    server = endpoint.server
    server.client()
    call = server.call(seconds=seconds, max_bytes=LISTING_BYTES)

    def send(client: Any, timeout: float) -> Any:
        return client.models.with_streaming_response.list(timeout=timeout)

    with call, server.errors(endpoint.model, call), server.response(call, send) as response:
        body = parsed(b"".join(response.iter_raw()))
        listed = body.get("data") if isinstance(body, dict) else body
        if not isinstance(listed, list):
            raise TypeError("the list of models is no list")
    return [model for model in listed if isinstance(model, dict) and isinstance(model.get("id"), str)]


def context_of(listed: Mapping[str, Any]) -> int | None:
    """Return the tokens of the context of a listed model; None if the server does not say."""
    value = listed.get("max_model_len")
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

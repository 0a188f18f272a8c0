"""One model on an OpenAI-compatible server, and its answer.

The `openai` client (extra `chat`) does the HTTP, the timeouts and the retries. This module adds three things: an
endpoint that is a value and can be pickled, a reply that can be stored, and requests that drop the parameters a server
does not know. Once an answer has begun to stream, the request is not repeated, because the caller already has a part of
the text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from glyphrender.errors import EndpointError
from glyphrender.inference.server import REFUSALS, Server

__all__ = ["ChatMessage", "Endpoint", "Reply"]

#: One message of the chat completions API: {"role": …, "content": …}.
ChatMessage: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A model's answer and its token counts. An unknown count is None, never 0.

    Attributes:
        text: the answer.
        prompt_tokens: tokens of the prompt.
        completion_tokens: tokens of the answer, including the model's thoughts.
        cached_tokens: tokens of the prompt that the server had in its cache.
        finish_reason: "stop"; "length" if the answer was cut off; None if the server gives no reason.
    """

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    finish_reason: str | None = None

    @property
    def tokens(self) -> int | None:
        """Return the tokens of prompt and answer, without an unknown count; None if both are unknown."""
        counted = [count for count in (self.prompt_tokens, self.completion_tokens) if count is not None]
        return sum(counted) if counted else None


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
        retries: most times that a failed request is sent again, if the failure may be temporary.
        extra: more fields of the request, such as {"chat_template_kwargs": {"enable_thinking": False}}.
    """

    model: str = ""
    base_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    key_variable: str = "OPENAI_API_KEY"
    max_tokens: int = 1024
    temperature: float | None = None
    seed: int | None = None
    timeout: float = 120.0
    retries: int = 3
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def url(self) -> str:
        """Return the address of the server without secrets, for messages."""
        return self._server.url

    @property
    def is_openai(self) -> bool:
        """Return whether the server is OpenAI's own."""
        return self._server.is_openai

    @property
    def identity(self) -> list[Any]:
        """Return the JSON values that, together with the messages, decide a reply. They go into keys of stored replies.

        The address is not among them: the same model behind another server gives the same replies.
        """
        return [self.model, self.temperature, self.seed, dict(self.extra)]

    @property
    def _server(self) -> Server:
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
        stream: bool = True,
        response_format: Mapping[str, Any] | None = None,
        model: str = "",
    ) -> Reply:
        """Return the model's answer to `messages`.

        A server may refuse a parameter that it does not know. The request is then sent again with one parameter changed
        or left out, until the server accepts it. `max_tokens` becomes `max_completion_tokens`, or the reverse.
        `temperature` and `seed` are left out. `response_format` first gets its older form, and is then left out.

        Args:
            messages: messages of the chat completions API.
            max_tokens: most tokens of the answer; None for the endpoint's `max_tokens`.
            on_text: called with each piece of the answer as it comes. If it raises an error, the caller gets that
                error.
            stream: ask for the answer piece by piece, so that a server that stalls is noticed early. If the server
                streams nothing, the request is sent again without streaming. If False, the answer comes in one piece,
                for `on_text` too.
            response_format: the form of the answer, such as a JSON schema.
            model: name of the model; empty for the endpoint's `model`.

        Raises:
            RequestRefused: the server refuses this request, also after parameters were left out.
            EndpointError: the server is down, refuses the key, fails, stalls, or its answer cannot be read.
            DependencyError: the package openai is not installed.
        """
        name = model or self.model or self.only_model()
        request: dict[str, Any] = {"messages": list(messages), "model": name}
        limit = self.max_tokens if max_tokens is None else max_tokens
        request["max_completion_tokens" if self.is_openai else "max_tokens"] = limit
        if self.temperature is not None:
            request["temperature"] = self.temperature
        if self.seed is not None:
            request["seed"] = self.seed
        if response_format is not None:
            request["response_format"] = dict(response_format)
        if self.extra:
            request["extra_body"] = dict(self.extra)
        pieces: list[str] = []
        finish_reason, usage = None, None
        with closing(self._pieces(request, stream)) as answers:
            for piece, ended, counted in answers:
                finish_reason, usage = ended or finish_reason, counted or usage
                if piece:
                    pieces.append(piece)
                    if on_text is not None:
                        on_text(piece)
        details = getattr(usage, "prompt_tokens_details", None)
        return Reply(
            text="".join(pieces),
            prompt_tokens=getattr(usage, "prompt_tokens", None),
            completion_tokens=getattr(usage, "completion_tokens", None),
            cached_tokens=getattr(details, "cached_tokens", None),
            finish_reason=finish_reason,
        )

    def models(self) -> dict[str, int | None]:
        """Return the models that the server lists: name → tokens of the context, or None if unknown.

        vLLM and SGLang give the context as `max_model_len`.

        Raises:
            EndpointError, DependencyError: see `complete`.
        """
        server = self._server
        with server.errors(self.model):
            listed = [model.model_dump() for model in server.client().models.list()]
            return {str(model["id"]): _positive(model.get("max_model_len")) for model in listed}

    def only_model(self) -> str:
        """Return the name of the one model that the server lists.

        Raises:
            EndpointError: the server lists none or several; or see `complete`.
        """
        names = list(self.models())
        if len(names) != 1:
            listed = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
            raise EndpointError(
                f"{self.url} serves {len(names)} models ({listed or 'none'}). Name one as model.", url=self.url
            )
        return names[0]

    def _pieces(self, request: dict[str, Any], stream: bool) -> Generator[tuple[str, str | None, Any]]:
        """Yield (piece of the answer, finish_reason, usage) as they come.

        This is a generator, so that an error in the caller is not reported as an error of the server.
        """
        server = self._server
        with server.errors(request["model"]):
            if stream:
                answered = False
                options = {"stream": True, "stream_options": {"include_usage": True}}
                with _create(server.client(), request | options) as chunks:
                    for chunk in chunks:
                        yield "", None, chunk.usage
                        for choice in chunk.choices or ():
                            piece = (choice.delta.content if choice.delta is not None else None) or ""
                            answered = answered or bool(piece) or choice.finish_reason is not None
                            yield piece, choice.finish_reason, None
                if answered:
                    return
                # Some servers end the stream when they fail, and some cannot stream. Both answer a request without
                # streaming.
            completion = _create(server.client(), request)
            choices = getattr(completion, "choices", None)
            if not isinstance(choices, list) or not choices or getattr(choices[0], "message", None) is None:
                raise server.error(f"{server.url} answered without any choice. Check that it serves chat completions.")
            yield choices[0].message.content or "", choices[0].finish_reason, getattr(completion, "usage", None)


def _create(client: Any, request: dict[str, Any]) -> Any:
    """Send a request. While the server refuses a parameter, change or drop that parameter and send again."""
    import openai

    request = dict(request)
    given_up: set[str] = set()
    while True:
        try:
            return client.chat.completions.create(**request)
        except openai.APIStatusError as error:
            if not _give_up(request, given_up, error.status_code, str(error)):
                raise


def _give_up(request: dict[str, Any], given_up: set[str], status: int, complaint: str) -> bool:
    """Change or drop one parameter of `request` that the server's complaint names. Return whether there was one.

    Args:
        request: the parameters of the call; changed in place.
        given_up: names that were given up before; no name is given up twice.
        status: HTTP status of the complaint.
        complaint: the server's own words.
    """
    # The server of llama-cpp-python answers 500 to a response_format that it does not know.
    if status not in REFUSALS and "response_format" not in complaint:
        return False
    for old, new in (("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")):
        # OpenAI's newer models take only max_completion_tokens, and their complaint names it. Older servers complain
        # about that name.
        if "max_completion_tokens" in complaint and old in request and old not in given_up and new not in given_up:
            request[new] = request.pop(old)
            given_up.add(old)
            return True
    for name in ("temperature", "seed", "stream_options"):
        if name in complaint and name in request:
            del request[name]
            return True
    form = request.pop("response_format", None)
    if form is not None and form.get("type") == "json_schema":  # the older way to say the same
        request["response_format"] = {"type": "json_object", "schema": form["json_schema"]["schema"]}
    return form is not None


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

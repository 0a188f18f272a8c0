"""A chat endpoint as the search needs it: messages in, text and what it cost out, errors of one kind.

The `openai` client (extra `chat`) does the HTTP, the timeouts and the retries with backoff, so any server that speaks
its chat completions will do. What is added is a value that can be pickled, a reply that can be cached, and the
distinction between a request that this server will never take and a server that does not answer.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from glyphrender.errors import EndpointError, RequestRefused
from glyphrender.inference.server import NO_KEY, Server

if TYPE_CHECKING:
    from glyphrender.document.page import Page

__all__ = ["Endpoint", "Message", "Reply", "image_part", "image_parts"]

Message = Mapping[str, Any]

# The request itself is at fault: too long, too many images, an unknown parameter. A retry changes nothing.
_REFUSALS: Final = frozenset({400, 413, 415, 422})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a model said, and what it cost.

    Attributes:
        text: of the reply.
        prompt_tokens, completion_tokens: as the server counts them; 0 where it does not.
        finish: why it ended: "stop", "length", …
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish: str = "stop"

    @property
    def tokens(self) -> int:
        """Tokens of prompt and completion."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One model behind an OpenAI-compatible server.

    Attributes:
        model: as the server names it.
        base_url: of the API, as "http://127.0.0.1:8000/v1"; None is OpenAI's own, or what OPENAI_BASE_URL says.
        key_variable: the variable of the environment that has the key; servers of one's own need none.
        timeout: seconds for one try.
        retries: tries after the first, with backoff, for lost connections, 408, 409, 429 and 5xx.
        temperature: of sampling; 0 takes the likeliest token.
        seed: of sampling, sent where it is given.
        extra: further fields of the request's body, as {"chat_template_kwargs": {"enable_thinking": False}}.
    """

    model: str
    base_url: str | None = None
    key_variable: str = "OPENAI_API_KEY"
    timeout: float = 120.0
    retries: int = 4
    temperature: float = 0.0
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> list[Any]:
        """What decides a reply besides the messages: for keys of caches. The address is not part of it."""
        return [self.model, self.temperature, self.seed, dict(self.extra)]

    def complete(self, messages: Sequence[Message], *, max_tokens: int, form: Mapping[str, Any] | None = None) -> Reply:
        """The model's reply to `messages`.

        Args:
            messages: role and content of each, as the chat completions API has them.
            max_tokens: of the reply.
            form: a `response_format`, put in older words or left out if the server refuses it.

        Raises:
            DependencyError: the package openai is missing.
            RequestRefused: the server answers that this request cannot be served.
            EndpointError: the server cannot be reached, fails after all retries, refuses the key, or answers nonsense.
        """
        client = self._client()
        import openai

        request: dict[str, Any] = {"model": self.model, "messages": list(messages), "max_tokens": max_tokens}
        request |= {"temperature": self.temperature, "extra_body": dict(self.extra) or None}
        request |= {} if self.seed is None else {"seed": self.seed}
        request |= {} if form is None else {"response_format": form}
        while True:
            try:
                return _reply(client.chat.completions.create(**request), self)
            except openai.APIStatusError as error:
                if not _gives_way(request, error.status_code, str(error)):
                    raise self._error(error) from error
            except (openai.APIError, ValueError) as error:  # ValueError: a body that is not JSON
                raise self._error(error) from error

    @property
    def _server(self) -> Server:
        # NO_KEY where there is none, so that the key of OPENAI_API_KEY goes to no server that it was not named for.
        key = (os.environ.get(self.key_variable) or "").strip() or NO_KEY
        return Server(base_url=self.base_url, api_key=key, timeout=self.timeout, retries=self.retries)

    def _client(self) -> Any:
        server = self._server
        if server.own and server.key == NO_KEY:
            raise EndpointError(
                f"{self.key_variable} has no key. Set it, or give the base URL of a server of your own."
            )
        return _shared_client(server)

    @property
    def _place(self) -> str:
        return f"model {self.model!r} at {self._server.url}"

    def _error(self, error: Exception) -> EndpointError:
        import openai

        said = self._server.shown(str(error))
        if isinstance(error, openai.APIStatusError):
            status = error.status_code
            if status in _REFUSALS:
                return RequestRefused(f"{self._place} refuses the request: {said}")
            key = f"Set {self.key_variable}."
            way_out = {401: key, 403: key, 404: "Check the model and base URL."}.get(status, "Try again later.")
            return EndpointError(f"{self._place} failed: {said} {way_out}")
        if isinstance(error, openai.APITimeoutError):
            return EndpointError(f"{self._place} did not answer in {self.timeout:g} s. Raise the timeout.")
        if isinstance(error, openai.APIConnectionError):
            return EndpointError(f"{self._place} cannot be reached ({said}). Start the server, or check the base URL.")
        return EndpointError(f"{self._place} answered what is no chat completion ({said}). Check the base URL.")


def image_parts(pages: Iterable[Page]) -> list[Message]:
    """Content parts with the pages as PNG, in order."""
    return [image_part(page.png()) for page in pages]


def image_part(png: bytes) -> Message:
    """A content part with one PNG, as a data URL."""
    url = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    return {"type": "image_url", "image_url": {"url": url}}


@cache
def _shared_client(server: Server) -> Any:
    """A client, shared by threads: it keeps connections."""
    return server.client()


def _gives_way(request: dict[str, Any], status: int, complaint: str) -> bool:
    """Whether a request was changed to suit a server that does not take all of it; each pass gives up one thing."""
    # llama.cpp's server in Python answers 500 to a form that it does not know.
    if status not in _REFUSALS and "response_format" not in complaint:
        return False
    if "max_completion_tokens" in complaint and "max_tokens" in request:  # what OpenAI's newer models call it
        request["max_completion_tokens"] = request.pop("max_tokens")
        return True
    if "temperature" in complaint and "temperature" in request:
        del request["temperature"]
        return True
    form = request.pop("response_format", None)
    if form is not None and form.get("type") == "json_schema":  # the older way to say the same
        request["response_format"] = {"type": "json_object", "schema": form["json_schema"]["schema"]}
    return form is not None


def _reply(completion: Any, endpoint: Endpoint) -> Reply:
    """The first choice of a completion.

    Raises:
        EndpointError: there is none, or it has no text.
    """
    choices = getattr(completion, "choices", None)
    if not isinstance(choices, list) or not choices or getattr(choices[0], "message", None) is None:
        raise EndpointError(f"{endpoint._place} answered without a choice. Check that it serves chat completions.")
    usage = getattr(completion, "usage", None)
    return Reply(
        text=choices[0].message.content or "",
        prompt_tokens=int(getattr(usage, "prompt_tokens", 0) or 0),
        completion_tokens=int(getattr(usage, "completion_tokens", 0) or 0),
        finish=str(choices[0].finish_reason or "stop"),
    )

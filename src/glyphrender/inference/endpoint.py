"""A server of OpenAI's chat completions, spoken to through OpenAI's own client: its answers, and its errors in a line.

The client retries what may pass (429, 5xx, a connection that breaks) with backoff, and waits as long as the server's
Retry-After says. What has begun to answer is not asked again, since its text has been handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from glyphrender.errors import DependencyError, EndpointError
from glyphrender.inference.server import Server

__all__ = ["Endpoint", "Reply"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a model answered, and what the server counted.

    Attributes:
        text: the answer.
        prompt_tokens, completion_tokens: from the server's usage; None where it sends none.
        cached_tokens: of the prompt, those that its cache held; None where it does not say.
        finish_reason: "stop"; "length" where the answer was cut off.
    """

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A model on a server.

    Attributes:
        model: its name there; empty for the only one that the server lists.
        base_url: as "http://127.0.0.1:8000/v1"; by default OPENAI_BASE_URL, else OpenAI's own. It may hold
            a password, so it is in no repr.
        api_key: by default OPENAI_API_KEY; a server of one's own needs none. It is in no message.
        max_tokens: of an answer.
        temperature: None for the server's default, which is all that reasoning models of OpenAI take.
        timeout: seconds in which the server must say something, at first and between two pieces of its answer.
        retries: of a request that failed and may yet succeed.
        extra: further fields of the request's body, as {"chat_template_kwargs": {"enable_thinking": False}}.
    """

    model: str = ""
    base_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    max_tokens: int = 1024
    temperature: float | None = None
    timeout: float = 120.0
    retries: int = 3
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it is, for messages."""
        return self._server.url

    @property
    def own(self) -> bool:
        """Whether it is OpenAI's own."""
        return self._server.own

    @property
    def _server(self) -> Server:
        return Server(base_url=self.base_url, api_key=self.api_key, timeout=self.timeout, retries=self.retries)

    def complete(
        self, messages: list[dict[str, Any]], on_text: Callable[[str], object] | None = None, *, model: str = ""
    ) -> Reply:
        """The model's answer to `messages`.

        Args:
            messages: of chat completions.
            on_text: is given each piece of the answer as it comes; what it raises passes.
            model: in place of this endpoint's.

        Raises:
            EndpointError: the server is down, refuses, fails, stalls, or answers what cannot be read.
            DependencyError: the client is not installed.
        """
        options: dict[str, Any] = {"messages": messages, "model": model or self.model or self.only_model()}
        options["max_completion_tokens" if self.own else "max_tokens"] = self.max_tokens
        if self.temperature is not None:
            options["temperature"] = self.temperature
        if self.extra:
            options["extra_body"] = dict(self.extra)
        pieces: list[str] = []
        reason, usage = None, None
        with closing(self._answered(options)) as answers:
            for piece, ended, counted in answers:
                reason, usage = ended or reason, counted or usage
                if piece:
                    pieces.append(piece)
                    if on_text is not None:
                        on_text(piece)
        cached = getattr(usage, "prompt_tokens_details", None)
        return Reply(
            text="".join(pieces),
            prompt_tokens=getattr(usage, "prompt_tokens", None),
            completion_tokens=getattr(usage, "completion_tokens", None),
            cached_tokens=getattr(cached, "cached_tokens", None),
            finish_reason=reason,
        )

    def _answered(self, options: dict[str, Any]) -> Generator[tuple[str, str | None, Any]]:
        """(piece of the answer, finish_reason, usage), as they come.

        A generator, so that what its reader raises is not taken for an error of the server.
        """
        answered = False
        with self._told(), self._server.client() as client:
            stream = client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **options)
            for answer in stream:
                yield "", None, answer.usage
                for choice in answer.choices or ():
                    piece = (choice.delta.content if choice.delta is not None else None) or ""
                    answered = answered or bool(piece) or choice.finish_reason is not None
                    yield piece, choice.finish_reason, None
            if not answered:
                # Some servers end the stream where they fail, and some know no streams: asked at once, they answer.
                answer = client.chat.completions.create(**options)
                choice = _first(answer.choices, self.url)
                yield choice.message.content or "", choice.finish_reason, answer.usage

    def models(self) -> dict[str, int | None]:
        """Names of the models that the server lists, with the tokens of context each takes where it says so.

        vLLM and SGLang say so, as `max_model_len`.

        Raises:
            EndpointError, DependencyError: see `complete`.
        """
        with self._told(), self._server.client() as client:
            listed = [model.model_dump() for model in client.models.list()]
            return {str(model["id"]): _whole(model.get("max_model_len")) for model in listed}

    def only_model(self) -> str:
        """The name of the model that the server lists, if it is one.

        Raises:
            EndpointError: it lists none or several; or see `complete`.
        """
        names = list(self.models())
        if len(names) != 1:
            listed = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
            raise EndpointError(f"{self.url} serves {len(names)} models ({listed or 'none'}). Name one as model.")
        return names[0]

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the client as one line that names the way out."""
        try:
            yield
        except (EndpointError, DependencyError, KeyboardInterrupt):
            raise
        except Exception as error:
            told = self._message(error)
            if told is None:
                raise
            raise EndpointError(told) from error

    def _message(self, error: Exception) -> str | None:
        import openai

        shown = self._server.shown
        match error:
            case openai.APITimeoutError():
                return (
                    f"{self.url} said nothing for {self.timeout:g} s. Raise timeout, send fewer pages, or look whether "
                    "the server is busy."
                )
            case openai.APIConnectionError():
                cause = shown(str(error.__cause__ or error))
                return f"{self.url} cannot be reached ({cause}). Start the server, or correct base_url."
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return f"{self.url} refused the key ({shown(_said(error))}). Set OPENAI_API_KEY."
            case openai.NotFoundError():
                return (
                    f"{self.url} knows no such model or path ({shown(_said(error))}). Correct model={self.model!r}, or "
                    "base_url, which ends in /v1 as a rule."
                )
            case openai.RateLimitError():
                return f"{self.url} takes no more requests now ({shown(_said(error))}). Wait, or raise retries."
            case openai.APIStatusError() if error.status_code >= 500:
                return f"{self.url} failed with status {error.status_code} ({shown(_said(error))}). See its log."
            case openai.APIStatusError():
                return (
                    f"{self.url} refused the request with status {error.status_code} ({shown(_said(error))}). Where it "
                    "is too long, set context, or split it."
                )
            case openai.APIError():
                return f"{self.url} failed while it answered ({shown(error.message)}). Ask again, or see its log."
            case ValueError() | TypeError() | AttributeError() | KeyError():
                return (
                    f"{self.url} answered what cannot be read ({shown(f'{type(error).__name__}: {error}')}). Check "
                    "that base_url is of an OpenAI-compatible server."
                )
        return None


def _first(choices: Any, url: str) -> Any:
    if not choices:
        raise EndpointError(f"{url} answered without any choice. Check that it serves chat completions.")
    return choices[0]


def _said(error: Any) -> str:
    """What the server wrote, without the JSON around it."""
    body = error.body
    for name in ("error", "detail", "message"):
        if isinstance(body, dict) and body.get(name):
            body = body[name]
    return body if isinstance(body, str) else str(error.message)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

"""A model server: its address, the client that calls it, and its failures as errors of one line.

The client is OpenAI's own (extra `chat`). It retries requests that may succeed later (429, 5xx, a broken connection)
with backoff, and waits as long as the server's Retry-After says. No message shows the key or a password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from glyphrender.errors import DependencyError, EndpointError, GlyphRenderError, RequestRefused

__all__ = ["REFUSALS", "Server"]

#: HTTP statuses that say that the request itself is wrong: too long, or too many images. Asking again changes nothing.
REFUSALS: Final = frozenset({400, 413, 415, 422})

# The client always sends a key, even to servers that need none.
_NO_KEY: Final = "none"
# Most characters of a server's own message that an error repeats.
_SHOWN: Final = 300
_OPENAI: Final = "https://api.openai.com/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """An OpenAI-compatible server.

    Attributes:
        base_url: address of the API; empty for OpenAI's own server. It may hold a password, so the repr does not show
            it.
        key: the key that is sent to the server, or "" for none. No repr and no message shows it.
        key_variable: the environment variable that the key comes from, for error messages.
        timeout: most seconds that the server may be silent.
        retries: most times that a failed request is sent again, if the failure may be temporary.
    """

    base_url: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    key_variable: str = "OPENAI_API_KEY"
    timeout: float = 120.0
    retries: int = 3

    @property
    def url(self) -> str:
        """Return the address without user, password and query, for messages."""
        # Gateways want a name and a password in the address. The client gets them; messages never show them.
        return re.sub(r"//[^?#]*@", "//", self.base_url or _OPENAI).partition("?")[0]

    @property
    def is_openai(self) -> bool:
        """Return whether this is OpenAI's own server."""
        return self.url.removeprefix("https://").partition("/")[0] == "api.openai.com"

    def client(self) -> Any:
        """Return the client of this server. The threads of a process share it, because it keeps connections open.

        Raises:
            DependencyError: the package openai is not installed.
            EndpointError: OpenAI's own server needs a key and there is none, an HTTP header cannot hold the key, or the
                address is no URL.
        """
        if not self.key and self.is_openai:
            raise self.error(
                f"there is no key for OpenAI's own server. Set {self.key_variable}, or give the base_url of another "
                "server."
            )
        if not (self.key.isascii() and self.key.isprintable()):
            # An HTTP header cannot hold such a key, and the errors of libraries would show the key.
            raise self.error(f"the key has characters that no key has. Set {self.key_variable} again, in ASCII.")
        return _client(self, os.getpid())

    def error(self, message: str, *, status: int | None = None) -> EndpointError:
        """Return an error of this server: a `RequestRefused` if `status` says so, else an `EndpointError`."""
        kind = RequestRefused if status in REFUSALS else EndpointError
        return kind(message, url=self.url, status=status)

    def redacted(self, text: str) -> str:
        """Return the beginning of `text` on one line, without the key. Some servers repeat a key that they refuse."""
        line = " ".join(text.split())
        if self.key:
            line = line.replace(self.key, "…")
        return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"

    @contextmanager
    def errors(self, model: str) -> Iterator[None]:
        """Turn errors of the client into one-line errors that name a way out. Other errors stay as they are.

        Raises:
            RequestRefused: the server will not serve this request.
            EndpointError: the server is down, refuses the key, fails, stalls, or its answer cannot be read.
        """
        try:
            yield
        except (GlyphRenderError, KeyboardInterrupt):
            raise
        except Exception as error:
            message = self._message(error, model)
            if message is None:
                raise
            raise self.error(message, status=getattr(error, "status_code", None)) from error

    def _message(self, error: Exception, model: str) -> str | None:
        import openai

        shown = self.redacted
        match error:
            case openai.APITimeoutError():
                return (
                    f"{self.url} said nothing for {self.timeout:g} s. Raise timeout, send fewer pages, or check "
                    "whether the server is busy."
                )
            case openai.APIConnectionError():
                cause = shown(str(error.__cause__ or error))
                return f"{self.url} cannot be reached ({cause}). Start the server, or correct base_url."
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return f"{self.url} refused the key ({shown(_reason(error))}). Set {self.key_variable}."
            case openai.NotFoundError():
                return (
                    f"{self.url} knows no such model or path ({shown(_reason(error))}). Correct model={model!r}, or "
                    "base_url, which usually ends in /v1."
                )
            case openai.RateLimitError():
                return f"{self.url} takes no more requests now ({shown(_reason(error))}). Wait, or raise retries."
            case openai.APIStatusError() if error.status_code >= 500:
                return f"{self.url} failed with status {error.status_code} ({shown(_reason(error))}). See its log."
            case openai.APIStatusError():
                return (
                    f"{self.url} refused the request with status {error.status_code} ({shown(_reason(error))}). If it "
                    "is too long, set context, or split it."
                )
            case openai.APIError():
                return f"{self.url} failed while it answered ({shown(error.message)}). Ask again, or see its log."
            case ValueError() | TypeError() | AttributeError() | KeyError():
                return (
                    f"{self.url} gave an answer that cannot be read ({shown(f'{type(error).__name__}: {error}')}). "
                    "Check that base_url is of an OpenAI-compatible server."
                )
        return None


# The cache key has the process too, because a forked child must not write to its parent's connections.
@lru_cache(maxsize=16)
def _client(server: Server, process: int) -> Any:
    try:
        from openai import OpenAI
    except ImportError as error:
        raise DependencyError(
            "a model server needs the package openai. Install glyphrender[chat].", extra="chat"
        ) from error
    try:
        return OpenAI(
            base_url=server.base_url or _OPENAI,
            api_key=server.key or _NO_KEY,
            timeout=server.timeout,
            max_retries=server.retries,
        )
    except Exception as error:  # the class depends on the library that parses the URL
        raise server.error(
            f"base_url={server.url!r} is no URL ({type(error).__name__}). Write it as http://127.0.0.1:8000/v1."
        ) from error


def _reason(error: Any) -> str:
    """Return the server's own words, without the JSON around them."""
    body = error.body
    for name in ("error", "detail", "message"):
        if isinstance(body, dict) and body.get(name):
            body = body[name]
    return body if isinstance(body, str) else str(error.message)

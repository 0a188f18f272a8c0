"""A model server: its address, the client that calls it, and its failures as errors of one line.

The client is OpenAI's own (extra `chat`). Requests that may succeed later (429, 5xx, a broken connection) are sent
again with backoff, or after the time that the server's Retry-After says, as long as the call has time. No message shows
the key or a password.
"""

from __future__ import annotations

import email.utils
import math
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from glyphrender.errors import DependencyError, EndpointError, GlyphRenderError, RequestRefused
from glyphrender.inference.call import Call, on_request, on_response
from glyphrender.inference.masking import masked

__all__ = ["REFUSALS", "Server", "reason_of"]

#: HTTP statuses that say that the request itself is wrong: too long, or too many images. Asking again changes nothing.
REFUSALS: Final = frozenset({400, 413, 415, 422})

# The client always sends a key, even to servers that need none.
_NO_KEY: Final = "none"
# Most characters of a server's own message that an error repeats.
_SHOWN: Final = 300
# Only so much of a server's own message is searched for secrets.
_SEARCHED: Final = 4096
# The first pause before a request is sent again, and the longest, in seconds.
_PAUSES: Final = (0.5, 8.0)
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
        # The address of a gateway may hold a user and a password. The client gets both, and no message shows them.
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

    def call(self, *, seconds: float, max_bytes: int) -> Call:
        """Return a call to this server that takes at most so many seconds and bytes."""
        return Call(self, seconds=seconds, max_bytes=max_bytes)

    def redacted(self, text: str) -> str:
        """Return the beginning of `text` on one line, without secrets: some servers repeat a key that they refuse.

        The key, and the user and the password of the address, are removed in every usual form. Characters that do not
        print are escaped.
        """
        line = masked(" ".join(text[:_SEARCHED].split()), self._secrets)
        line = "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in line[: _SHOWN + 1]
        )
        return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"

    @property
    def _secrets(self) -> list[str]:
        user, password = _user(self.base_url)
        # A query may hold a key too. Short values, such as a version, are none.
        query = [value for _, value in parse_qsl(_split(self.base_url).query) if len(value) >= 8]
        secrets = [self.key, user, password, *_user(self.base_url, encoded=True), *query]
        return [each for each in (*secrets, f"{user}:{password}" if password else "") if each]

    @contextmanager
    def response(self, call: Call, send: Callable[[Any, float], Any]) -> Iterator[Any]:
        """Send a request, and send it again if the failure may pass. Yield the response before its body is read.

        Args:
            call: the call that the request belongs to.
            send: a function of the client and a timeout in seconds; it returns the client's context manager of a
                streamed response.

        Raises:
            Exception: what the client raises; see `errors`.
        """
        attempt = 0
        while True:
            manager = send(self.client(), max(0.001, min(self.timeout, call.remaining)))
            try:
                opened = call.run(manager.__enter__)
                break
            except Exception as error:
                pause = _pause(error, attempt) if attempt < self.retries else None
                if pause is None or pause >= call.remaining:
                    raise
            time.sleep(pause)
            attempt += 1
        try:
            yield opened.http_response
        finally:
            manager.__exit__(None, None, None)

    @contextmanager
    def errors(self, model: str, call: Call) -> Iterator[None]:
        """Turn everything that the client raises into errors of one line that name a way out.

        Raises:
            RequestRefused: the server will not serve this request.
            EndpointError: the server is down, refuses the key, fails, stalls, takes too long, or its answer cannot be
                read.
        """
        try:
            yield
        except (GlyphRenderError, MemoryError):
            raise
        except Exception as error:
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, GlyphRenderError):
                cause = cause.__cause__  # the client may have wrapped an error of a hook
            if cause is not None:
                raise cause from None
            if call.is_late:
                raise call.late() from None
            # Without the cause: its text may repeat the key.
            raise self.error(self._message(error, model), status=getattr(error, "status_code", None)) from None

    def _message(self, error: Exception, model: str) -> str:
        import openai

        shown, url = self.redacted, self.url
        match error:
            case openai.APITimeoutError():
                return self._silent()
            case openai.APIConnectionError():
                cause = shown(str(error.__cause__ or error))
                return f"{url} cannot be reached ({cause}). Start the server, or correct base_url."
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return f"{url} refused the key ({shown(reason_of(error))}). Set {self.key_variable}."
            case openai.NotFoundError():
                return (
                    f"{url} knows no such model or path ({shown(reason_of(error))}). Correct model={shown(model)!r}, "
                    "or base_url, which usually ends in /v1."
                )
            case openai.RateLimitError():
                return f"{url} takes no more requests now ({shown(reason_of(error))}). Wait, or raise retries."
            case openai.APIStatusError() if error.status_code >= 500:
                return f"{url} failed with status {error.status_code} ({shown(reason_of(error))}). See its log."
            case openai.APIStatusError():
                return (
                    f"{url} refused the request with status {error.status_code} ({shown(reason_of(error))}). If it is "
                    "too long, set context, or split it."
                )
        # The other errors come from reading a body, from the HTTP library or from us.
        said = shown(f"{type(error).__name__}: {error}")
        if isinstance(error, TimeoutError) or type(error).__name__.endswith("Timeout"):
            return self._silent()
        if type(error).__module__.startswith("http"):
            return f"{url} broke off its answer ({said}). Ask again, or see its log."
        return (
            f"{url} gave an answer that cannot be read ({said}). Check that base_url is of an OpenAI-compatible server."
        )

    def _silent(self) -> str:
        return (
            f"{self.url} said nothing for {self.timeout:g} s. Raise timeout, send fewer pages, or check whether the "
            "server is busy."
        )


# The cache key has the process too, because a forked child must not write to its parent's connections.
@lru_cache(maxsize=16)
def _client(server: Server, process: int) -> Any:
    try:
        from openai import OpenAI
    except ImportError as error:
        raise DependencyError.of(error, "a model server needs the package openai", extra="chat") from error
    try:
        user, password = _user(server.base_url)
        parts = urlsplit(server.base_url or _OPENAI)
        if parts.port == 0:  # and above 65,535 it raises: the system would take the port modulo 65,536
            raise ValueError("port 0")
        # The address of each request goes into logs of the HTTP library, so the client gets user and password apart.
        url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        return OpenAI(
            base_url=url,
            api_key=server.key or _NO_KEY,
            timeout=server.timeout,
            max_retries=0,  # `Server.response` retries, within the bounds of the call
            default_query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            http_client=_http_client(url, server.timeout, (user, password) if user or password else None),
        )
    except Exception as error:  # the class depends on the library that parses the URL
        raise server.error(
            f"base_url={server.url!r} is no URL ({type(error).__name__}). Write it as http://127.0.0.1:8000/v1."
        ) from None


def _http_client(url: str, timeout: float, auth: tuple[str, str] | None) -> Any:
    """Return the HTTP client: OpenAI's own, with the hooks of `call`, and without compression."""
    from openai import DefaultHttpxClient

    # The library is httpx, or httpx2 in newer versions of the client.
    library: Any = next(
        sys.modules[each.__module__.partition(".")[0]]
        for each in DefaultHttpxClient.__mro__
        if each.__name__ == "Client"
    )

    class Bounded(library.SyncByteStream):  # type: ignore[misc]
        """A stream of bounded pieces."""

        def __init__(self, stream: Any, pieces: Iterator[bytes]) -> None:
            self._stream, self._pieces = stream, pieces

        def __iter__(self) -> Iterator[bytes]:
            return self._pieces

        def close(self) -> None:
            self._stream.close()

    class Streamed(library.SyncByteStream):  # type: ignore[misc]
        """The pieces of a body. They are yielded from the beginning each time, so that a redirect sends them again."""

        def __init__(self, pieces: Iterable[bytes]) -> None:
            self._pieces = pieces

        def __iter__(self) -> Iterator[bytes]:
            return iter(self._pieces)

    return DefaultHttpxClient(
        base_url=url,
        timeout=timeout,
        auth=auth,
        headers={"Accept-Encoding": "identity"},
        limits=library.Limits(max_connections=1000, max_keepalive_connections=0),  # see `call`
        event_hooks={
            "request": [lambda request: on_request(request, Streamed)],
            "response": [lambda response: on_response(response, Bounded)],
        },
    )


def _user(base_url: str, *, encoded: bool = False) -> tuple[str, str]:
    """Return user and password of an address. They are decoded, unless `encoded` is true."""
    user, _, password = _split(base_url).netloc.rpartition("@")[0].partition(":")
    return (user, password) if encoded else (unquote(user), unquote(password))


def _split(base_url: str) -> SplitResult:
    try:
        return urlsplit(base_url)
    except ValueError:  # no URL; the client will say so
        return urlsplit("")


def _pause(error: Exception, attempt: int) -> float | None:
    """Return the seconds to wait before a request that failed is sent again; None if it should not be."""
    import openai

    first, longest = _PAUSES
    backoff = min(first * 2.0**attempt, longest) * random.uniform(0.75, 1.0)
    if isinstance(error, openai.APIConnectionError):
        return None if isinstance(error.__cause__, GlyphRenderError) else backoff
    if not isinstance(error, openai.APIStatusError):
        return None
    headers, status = error.response.headers, error.status_code
    may_pass = {"true": True, "false": False}.get(headers.get("x-should-retry", ""))
    if may_pass is None:
        may_pass = status in (408, 409, 429) or status >= 500
    asked = _retry_after(headers.get("retry-after", ""))
    return (asked or backoff) if may_pass else None


def _retry_after(value: str) -> float | None:
    """Return the seconds that a Retry-After names, as a number or a date; None if it names none above 0."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return seconds if seconds > 0 and math.isfinite(seconds) else None


def reason_of(error: Any) -> str:
    """Return the server's own words, without the JSON around them."""
    body = error.body
    for name in ("error", "detail", "message"):
        if isinstance(body, dict) and body.get(name):
            body = body[name]
    return body if isinstance(body, str) else str(error.message)

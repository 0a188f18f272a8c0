"""One call to a server, bounded in time and in bytes, and kept to one origin.

The timeout of an HTTP client bounds only the silence between two bytes: a server that sends a byte now and then is
never late. A `Call` bounds everything together: retries, redirects, headers, error bodies, and the answer. At the
deadline, a timer shuts down the sockets of the call, which wakes every thread that waits for them. A socket is known
only to the call that connected it, so a connection serves one call. The price is one more TLS handshake for each call.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import urljoin, urlsplit

from glyphrender.errors import EndpointError
from glyphrender.inference.json_stream import JsonStream

if TYPE_CHECKING:
    from glyphrender.inference.server import Server

__all__ = ["Call", "on_request", "on_response", "origin"]

_Result = TypeVar("_Result")
# The beginning of an error body is enough, because a message repeats some hundred characters of it.
_ERROR_BYTES: Final = 1 << 16
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}
# The call of this thread, for the hooks of the HTTP client that the threads share.
_CURRENT: ContextVar[Call | None] = ContextVar("glyphrender_call", default=None)


class Call:
    """A call to a server, with its retries and redirects. This is a context manager; its clock starts with the block.

    Args:
        server: the server, which makes the errors.
        seconds: most seconds that the call may take.
        max_bytes: most bytes that the server may send, over all its answers.

    Attributes:
        messages: the messages of the requests of this call, with images as `Base64Image`s; None if they have none. The
            client makes a body without messages, and a hook streams the body with them: a client that is given the
            messages holds a request of 40 MB four times.
    """

    def __init__(self, server: Server, *, seconds: float, max_bytes: int) -> None:
        self.server, self.seconds, self.max_bytes = server, seconds, max_bytes
        self.messages: list[Any] | None = None
        self._received = 0
        self._deadline = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = self._new_timer(seconds)

    def __enter__(self) -> Self:
        self._deadline = time.monotonic() + self.seconds
        self._timer.start()
        return self

    def end_within(self, seconds: float) -> None:
        """Let the call end `seconds` from now, or at its deadline if that comes first."""
        if seconds < self.remaining:
            self._timer.cancel()
            self._deadline = time.monotonic() + seconds
            self._timer = self._new_timer(seconds)
            self._timer.start()

    def _new_timer(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._expire)
        timer.daemon = True
        return timer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets.clear()

    @property
    def remaining(self) -> float:
        """Return the seconds until the deadline; below 0 after it."""
        return self._deadline - time.monotonic()

    @property
    def is_late(self) -> bool:
        """Return whether the deadline has passed."""
        return self.remaining <= 0

    def check(self) -> None:
        """Raise the error of a late call, if the deadline has passed."""
        if self.is_late:
            raise self.late()

    def late(self) -> EndpointError:
        """Return the error of a call whose deadline has passed."""
        return self.server.error(
            f"{self.server.url} did not finish its answer in {self.seconds:g} s. Raise deadline, lower "
            "max_tokens, or check whether the server is busy."
        )

    def run(self, function: Callable[[], _Result]) -> _Result:
        """Return `function()`. The requests that it sends belong to this call.

        Raises:
            EndpointError: the deadline has passed.
        """
        self.check()
        token = _CURRENT.set(self)
        try:
            return function()
        finally:
            _CURRENT.reset(token)

    def pieces(self, received: Iterable[bytes], *, failed: bool) -> Iterator[bytes]:
        """Yield the bytes of a body as they come.

        If `failed`, the body belongs to an error. Then only its beginning is yielded, and a failure to read the body is
        not raised.

        Raises:
            EndpointError: the deadline has passed, or the server sends too much.
        """
        try:
            size = 0
            for piece in received:
                self.check()
                size += len(piece)
                self._received += len(piece)
                if failed and size > _ERROR_BYTES:
                    return
                if self._received > self.max_bytes:
                    raise self.server.error(
                        f"{self.server.url} sent more than the {self.max_bytes:,} bytes that such an answer may have. "
                        "Raise max_tokens, or check the server."
                    )
                yield piece
        except Exception:
            if not failed:
                raise
        # A body without a length ends where the connection ends, and the timer ends connections.
        if not failed:
            self.check()

    def watch(self, event: str, info: dict[str, Any]) -> None:
        """Remember the socket of each new connection. This is the hook `trace` of the HTTP client."""
        if not event.endswith("connect_tcp.complete"):
            return
        connected = info["return_value"].get_extra_info("socket")
        if isinstance(connected, socket.socket):
            # A second descriptor of the same connection, which stays valid when TLS takes over the first.
            with self._lock:
                self._sockets.append(connected.dup())
            if self.is_late:
                self._expire()

    def follow(self, method: str, url: str, status: int, location: str) -> None:
        """Let a redirect pass, or refuse it.

        The document goes only to the origin that the user named: scheme, host and port must stay the same. A redirect
        that turns POST into GET would lose the document.

        Raises:
            EndpointError: the redirect is refused.
        """
        try:
            target = origin(urljoin(url, location))
            same = target == origin(url)
        except ValueError:
            target, same = ("", location, None), False
        scheme, host, port = target
        shown = self.server.redacted(f"{scheme}://{host}{f':{port}' if port else ''}" if scheme else host)
        if not same:
            raise self.server.error(
                f"{self.server.url} redirects to another server ({shown}), and nothing is sent there. If that is "
                "right, pass its address as base_url."
            )
        if method not in ("GET", "HEAD") and status not in (307, 308):
            raise self.server.error(
                f"{self.server.url} redirects with status {status}, which drops the request. Correct base_url, which "
                "usually ends in /v1."
            )

    def _expire(self) -> None:
        with self._lock:
            for each in self._sockets:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the connection has ended by itself


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of `url`.

    Raises:
        ValueError: `url` is no URL.

    >>> origin("https://Example.org/v1") == origin("https://example.org:443/")
    True
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def on_request(request: Any, streamed: type[Any]) -> None:
    """Connect a request with the call of this thread, and put its messages in. This is a hook of the HTTP client.

    Args:
        request: the request.
        streamed: the class that makes a stream of the HTTP library from the pieces of a body.
    """
    call = _CURRENT.get()
    if call is None:
        return
    call.check()
    request.extensions["trace"] = call.watch
    if call.messages is not None and not isinstance(request.stream, streamed):  # a redirect keeps the stream
        body = JsonStream({**json.loads(request.content), "messages": call.messages})
        request.stream = streamed(body)
        request.headers["Content-Length"] = str(len(body))


def on_response(response: Any, bounded: Callable[[Any, Iterator[bytes]], Any]) -> None:
    """Bound the body of a response. Refuse a bad redirect and a compressed body. This is a hook of the HTTP client.

    Args:
        response: the response, whose body was not read yet.
        bounded: makes a stream of the HTTP library from another stream and its bounded pieces.

    Raises:
        EndpointError: the response is a redirect that is refused, or its body is compressed.
    """
    call = _CURRENT.get()
    if call is None:
        return
    request, headers = response.request, response.headers
    if response.status_code in _REDIRECTS and "location" in headers:
        call.follow(request.method, str(request.url), response.status_code, headers["location"])
    if (encoding := headers.get("content-encoding", "").strip().lower()) not in ("", "identity"):
        # We ask for no compression. A small compressed body can expand to any size.
        raise call.server.error(
            f"{call.server.url} compressed its answer ({call.server.redacted(encoding)}), unasked, which may expand to "
            "any size. Turn compression off there."
        )
    response.stream = bounded(response.stream, call.pieces(response.stream, failed=response.status_code >= 300))

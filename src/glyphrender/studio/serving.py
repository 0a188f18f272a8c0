"""The studio as a web server: on loopback, without a network, and with a policy that lets no text become a script.

Gradio makes the page. This module changes four things about it. The page gets our style and scripts, and loses the tags
that name other hosts. A route beside Gradio answers keystrokes (`live.py`). Each answer carries a
Content-Security-Policy: scripts run only from this server or with the nonce of the page, and the browser may ask no
other host for anything. And a server on loopback answers only to a name of loopback, so that no web page can reach it
by a name of its own.
"""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from importlib.resources import files
from ipaddress import ip_address
from typing import Any, Final

from glyphrender.errors import DataError, ResourceError
from glyphrender.studio import live
from glyphrender.studio.app import build, gradio
from glyphrender.studio.handlers import Handlers, Settings
from glyphrender.studio.page_view import head
from glyphrender.studio.sitting import Typing

__all__ = ["PORT", "is_loopback", "listening", "serve", "web_app"]

#: The port of the studio, if it is free. Spaces expect a server there too.
PORT: Final = 7860
# How many ports are tried, `PORT` included.
_PORTS: Final = 40
# Most bytes of a request that is no upload: a text in the box, as JSON.
_MOST_BODY: Final = 32_000_000
# The same for paths of our own.
_MOST_BODIES: Final = {live.PATH: live.MOST_BODY}

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, and nobody else can reach it.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def web_app(settings: Settings | None = None, *, host: str = "127.0.0.1", embedded: bool = False) -> Any:
    """Return the studio as an ASGI application, for `uvicorn` or another server.

    Args:
        settings: what is shown at first, and what visitors may do.
        host: the host that the server will listen on. On loopback, other host names are refused.
        embedded: whether Hugging Face may show the studio in a frame, as it does with spaces.

    Raises:
        DependencyError: the extra studio is not installed.
    """
    settings = settings or Settings()
    gr = gradio()
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    typing = Typing(Handlers(settings))
    app.add_route(live.PATH, live.endpoint(typing), methods=["POST"])
    blocks = build(typing)
    # Names of families, and not Gradio's fonts, which come from a server of Google.
    plain = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
    theme = gr.themes.Default(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_sm,
        text_size=gr.themes.sizes.text_sm,
        font=plain,
        font_mono=["ui-monospace", "SFMono-Regular", "DejaVu Sans Mono", "monospace"],
    )
    # Gradio's own greys have a contrast of 2.5 : 1, and WCAG asks for 4.5.
    theme.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_700",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
    )
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        server_name=host,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        show_error=True,
        max_file_size=settings.most_bytes,
        theme=theme,
    )
    return _Guard(app, loopback=is_loopback(host), embedded=embedded, most_upload=settings.most_bytes + 1_000_000)


def serve(
    settings: Settings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    embedded: bool = False,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the studio until the process is interrupted.

    Args:
        settings: what is shown at first, and what visitors may do.
        host: the address to listen on; by default only this machine can reach the studio.
        port: the port; by default `PORT`, or the next one that is free.
        embedded: see `web_app`.
        ready: called with the address of the studio once it can be opened.

    Raises:
        DependencyError: the extra studio is not installed.
        DataError: `host` is not an address of this machine.
        ResourceError: the port is taken.
    """
    with listening(host, port) as bound:
        app = web_app(settings, host=host, embedded=embedded)
        import uvicorn

        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", ws="none"))
        address, number = bound.getsockname()[:2]
        shown = "127.0.0.1" if address in ("0.0.0.0", "::") else address
        place = f"[{shown}]" if ":" in shown else shown
        if ready is not None:
            ready(f"http://{place}:{number}/")
        server.run(sockets=[bound])


def listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens on `host`, at `port` or the first free one from `PORT` on.

    Raises:
        DataError: `host` is not an address of this machine, or `port` is not a port.
        ResourceError: the port is taken.
    """
    if port is not None and not 0 <= port <= 65535:
        raise DataError(f"port={port} is not a port. Use 0 for any free one, or a number up to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise DataError(f"host={host} is not known ({error}). Use 127.0.0.1.") from error
    failed: OSError | None = None
    for number in [port] if port is not None else range(PORT, PORT + _PORTS):
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((address[0], number, *address[2:]))
            bound.listen(128)
        except OSError as error:
            bound.close()
            failed = error
        else:
            return bound
    assert failed is not None
    tried = f"port {port}" if port is not None else f"each port from {PORT} to {PORT + _PORTS - 1}"
    raise ResourceError(
        f"{tried} of {host} cannot be used ({failed.strerror}). Pass another --port.", errno=failed.errno
    ) from failed


class _Guard:
    """An ASGI application around the studio: host names, sizes of requests, the policy, and our style and script."""

    def __init__(self, app: Any, *, loopback: bool, embedded: bool, most_upload: int) -> None:
        self._app, self._loopback, self._most_upload = app, loopback, most_upload
        self._ancestors = "'self' https://huggingface.co https://*.hf.space" if embedded else "'self'"
        room = files("glyphrender.studio")
        self._style = (room / "studio.css").read_text(encoding="utf-8")
        self._script = "".join((room / name).read_text(encoding="utf-8") for name in ("studio.js", "live.js"))

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if self._loopback and not is_loopback(_host_of(headers.get(b"host", ""))):
            await _refuse(send, 421, "This studio answers only to 127.0.0.1 and localhost.")
            return
        # A page of another host could not read an answer, but its forms could fill the disk with uploads.
        origin = headers.get(b"origin", "")
        if self._loopback and origin and not is_loopback(_host_of(origin.partition("://")[2])):
            await _refuse(send, 403, "This studio takes no requests from pages of other hosts.")
            return
        size = headers.get(b"content-length", "0")
        most = self._most_upload if scope["path"].endswith("/upload") else _MOST_BODIES.get(scope["path"], _MOST_BODY)
        if not size.isdigit() or int(size) > most:
            await _refuse(send, 413, f"This studio takes requests of up to {most / 1e6:.0f} MB.")
            return
        nonce = secrets.token_urlsafe(16)
        page = scope["path"] == "/" and scope["method"] == "GET"
        if page:  # whole, and not compressed, because it is changed here
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        bounded = _bounded(receive, most)
        await self._app(scope, bounded, _Answer(self, send, nonce) if page else _plain(self, send))

    def policy(self, nonce: str) -> bytes:
        """Return the Content-Security-Policy. Gradio compiles templates, which needs 'unsafe-eval'."""
        allowed = f" 'nonce-{nonce}'" if nonce else ""
        return (
            f"default-src 'self'; script-src 'self' 'unsafe-eval'{allowed}; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
            "media-src 'self' data: blob:; frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; "
            f"frame-ancestors {self._ancestors}"
        ).encode("ascii")

    def changed(self, body: bytes, nonce: str) -> bytes:
        """Return the page with our style and script, without tags that name other hosts, and with the nonce."""
        html = body.decode("utf-8")
        html = re.sub(r"\s*<meta\s[^>]*(?:og:|twitter:)[^>]*>", "", html)
        ours = f"<style>{self._style}</style>{head()}<script>{self._script}</script>"
        html = html.replace("</head>", f"{ours}</head>", 1)
        return re.sub(r"<script(?=[\s>])", f'<script nonce="{nonce}"', html).encode("utf-8")


class _Answer:
    """A `send` that gathers the page, changes it, and sends it."""

    def __init__(self, guard: _Guard, send: _Send, nonce: str) -> None:
        self._guard, self._send, self._nonce = guard, send, nonce
        self._start: MutableMapping[str, Any] = {}
        self._body = b""

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        if dict(self._start["headers"]).get(b"content-type", b"").startswith(b"text/html"):
            self._body = self._guard.changed(self._body, self._nonce)
        ours = {b"content-length": str(len(self._body)).encode("ascii"), b"cache-control": b"no-store"}
        await self._send(_protected(self._start, self._guard.policy(self._nonce), ours))
        await self._send({"type": "http.response.body", "body": self._body})


def _bounded(receive: _Receive, most: int) -> _Receive:
    """Return a `receive` that ends the connection after `most` bytes: a body in chunks has no length in its head."""
    got = 0

    async def received() -> MutableMapping[str, Any]:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        return message if got <= most else {"type": "http.disconnect"}

    return received


def _plain(guard: _Guard, send: _Send) -> _Send:
    """Return a `send` that adds the policy to an answer, and passes its body on as it comes."""

    async def passed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = _protected(message, guard.policy(""), {})
        await send(message)

    return passed


def _protected(start: Mapping[str, Any], policy: bytes, more: Mapping[bytes, bytes]) -> MutableMapping[str, Any]:
    """Return the start of an answer with the policy and `more` headers, in place of those of the same names."""
    ours = {
        b"content-security-policy": policy,
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
        **more,
    }
    # Of other headers there may be several of one name, such as set-cookie.
    others = [(name, value) for name, value in start["headers"] if name.lower() not in ours]
    return {**start, "headers": [*others, *ours.items()]}


def _host_of(value: str) -> str:
    """Return the host of a Host header, without its port.

    >>> _host_of("127.0.0.1:7860"), _host_of("[::1]:80"), _host_of("localhost")
    ('127.0.0.1', '::1', 'localhost')
    """
    if value.startswith("["):
        return value[1:].partition("]")[0]
    return value.rpartition(":")[0] if value.count(":") == 1 else value


async def _refuse(send: _Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode("utf-8")})

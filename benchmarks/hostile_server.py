"""A hostile model server on 127.0.0.1, and what `glyphrender ask` makes of it: status, seconds, memory, secrets.

    python benchmarks/hostile_server.py                     # every mode, as `ask` meets it
    python benchmarks/hostile_server.py endless drip        # some modes

Each mode answers a chat completion, or the list of models, as no honest server does. For each mode a process runs
`glyphrender ask --timeout 3` and is killed after 40 seconds. A line says how it ended, and what should not be: a hang,
a traceback, a secret in the output, an escape sequence, the document at another origin, more than 300 MB.
`tests/test_inference_hostile.py` runs the same modes with short times.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY = "sk-SECRETKEY1234567890"
USER, PASSWORD = "gateway-user", "p@ss:WORD/1"
# No mode goes on longer. A mode that a client has to end by itself is endless only for so long.
_LONGEST = 60.0


@dataclass
class Exchange:
    """One request, and the connection on which a mode answers it."""

    connection: socket.socket
    server: Hostile
    mode: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def send(self, *data: bytes | str) -> None:
        self.connection.sendall(b"".join(each.encode() if isinstance(each, str) else each for each in data))

    def head(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines), "\r\n\r\n")

    def json(self, status: int, value: Any, **headers: str) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.head(status, "application/json", content_length=str(len(data)), **headers)
        self.send(data)

    def error(self, status: int, message: str, **headers: str) -> None:
        self.json(status, {"error": {"message": message}}, **headers)

    def events(self, *data: str) -> None:
        self.head()
        self.send(*(f"data: {each}\n\n" for each in data))

    def forever(self, data: bytes, pause: float) -> None:
        """Send `data` again and again, until the client is gone or the time of a mode is over."""
        end = time.monotonic() + _LONGEST
        while time.monotonic() < end:
            self.send(data)
            time.sleep(pause)
        self.server.outlasted.append(self.mode)


@dataclass
class Hostile:
    """The server: what it has been sent, and the modes that no client ended."""

    port: int = 0
    other: int = 0
    got: list[tuple[str, str, str, int]] = field(default_factory=list)  # mode, method, authorization, bytes
    outlasted: list[str] = field(default_factory=list)

    def url(self, mode: str, *, user: bool = False) -> str:
        who = f"{USER}:{PASSWORD.replace('@', '%40').replace(':', '%3A').replace('/', '%2F')}@" if user else ""
        return f"http://{who}127.0.0.1:{self.port}/{mode}/v1"


def chunk(text: str | None, reason: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    return json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


def completion(text: str, reason: str | None = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


Mode = Callable[[Exchange], None]
MODES: dict[str, Mode] = {}


def mode(function: Mode) -> Mode:
    MODES[function.__name__.strip("_").replace("_", "-")] = function
    return function


def _events(name: str, *data: str) -> None:
    MODES[name] = lambda to: to.events(*data)


def _raw(name: str, *data: bytes, kind: str = "text/event-stream", status: int = 200) -> None:
    def answer(to: Exchange) -> None:
        to.head(status, kind)
        to.send(*data)

    MODES[name] = answer


# -- whole answers, said oddly ------------------------------------------------------------------------
_events("good", chunk("ok"), chunk("", "stop"), "[DONE]")
_events("no-done", chunk("ok", "stop"))
_events("no-reason", chunk("ok"), "[DONE]")
_events("bad-utf8", '{"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}', "[DONE]")
_raw("lone-surrogate", b'data: {"choices":[{"delta":{"content":"ok \\ud800"},"finish_reason":"stop"}]}\n\n')
_raw("invalid-utf8", b'data: {"choices":[{"delta":{"content":"ok \xff"},"finish_reason":"stop"}]}\n\n')
_raw("carriage-returns", b"data: " + chunk("ok", "stop").encode() + b"\r\rdata: [DONE]\r\r")
_events("escapes", chunk("\x1b]52;c;ZXZpbA==\x07 ok \x1b[31m", "stop"), "[DONE]")
_events(
    "odd-usage",
    chunk("ok", "stop"),
    '{"choices":[],"usage":{"prompt_tokens":-5,"completion_tokens":1e308,"prompt_tokens_details":"x"}}',
    "[DONE]",
)
_events("usage-is-text", chunk("ok", "stop"), '{"choices":[],"usage":"many"}', "[DONE]")
_events("two-choices", '{"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"},{"index":1}]}')
_raw("byte-order-mark", b"\xef\xbb\xbfdata: " + chunk("ok", "stop").encode() + b"\n\ndata: [DONE]\n\n")
_events("reason-is-the-word-null", chunk("o", "null"), chunk("k", "null"), chunk("", "stop"), "[DONE]")
_events("refusal", '{"choices":[{"index":0,"delta":{"content":null,"refusal":"ok"},"finish_reason":"stop"}]}', "[DONE]")


@mode
def pings_after_the_end(to: Exchange) -> None:
    to.events(chunk("ok", "stop"))
    to.forever(b": ping\n\n", 0.1)


@mode
def same_origin_redirect(to: Exchange) -> None:
    if "again" in to.path:
        to.events(chunk("ok", "stop"), "[DONE]")
    else:
        to.head(307, location=f"/{to.mode}/again/v1/chat/completions", content_length="0")


# -- answers that are not whole ------------------------------------------------------------------------
_events("cut-off", chunk("The order is 88"))
_raw("half-a-line", f"data: {chunk('The order is')}\n\ndata: {chunk(' 88')[:60]}".encode())
_raw("half-a-mark", f"data: {chunk('The order is')}\n\ndata: [DO".encode())
_events("length", chunk("The order is", "length"), "[DONE]")
_events("length-and-stop", chunk("The order is", "length"), chunk("", "stop"), "[DONE]")
_events("content-filter", chunk("The order is", "content_filter"), "[DONE]")
_events("tool-calls", chunk(None, "tool_calls"), "[DONE]")
_events("aborted", chunk("The order", "abort"), "[DONE]")
_events("empty", chunk("", "stop"), "[DONE]")


# -- no end -----------------------------------------------------------------------------------------
@mode
def endless(to: Exchange) -> None:
    to.head()
    to.forever(f"data: {chunk('spam ' * 200)}\n\n".encode(), 0)


@mode
def endless_drip_of_text(to: Exchange) -> None:
    to.head()
    to.forever(f"data: {chunk('spam ')}\n\n".encode(), 0.1)


@mode
def pings(to: Exchange) -> None:
    to.head()
    to.forever(b": keep-alive\n\n", 0.1)


@mode
def empty_deltas(to: Exchange) -> None:
    to.head()
    to.forever(f"data: {chunk('')}\n\n".encode(), 0.1)


@mode
def drip(to: Exchange) -> None:
    to.head()
    to.send("data: ")
    to.forever(b"x", 0.1)


@mode
def slow_head(to: Exchange) -> None:
    to.send("HTTP/1.1 200 OK\r\nX-A: ")
    to.forever(b"a", 0.1)


@mode
def slow_headers(to: Exchange) -> None:
    to.send("HTTP/1.1 200 OK\r\n")
    to.forever(b"X-A: a\r\n", 0.1)


@mode
def informational(to: Exchange) -> None:
    to.forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)


@mode
def slow_body(to: Exchange) -> None:
    to.head(200, "application/json")
    to.forever(b" ", 0.1)


@mode
def slow_error(to: Exchange) -> None:
    to.head(500, "application/json")
    to.forever(b" ", 0.1)


@mode
def slow_chunks(to: Exchange) -> None:
    to.head(200, transfer_encoding="chunked")
    to.forever(b"1\r\n \r\n", 0.1)


@mode
def silent(to: Exchange) -> None:
    time.sleep(10)


@mode
def stalled_error(to: Exchange) -> None:
    to.head(500, "application/json", content_length="100")
    to.send("{")
    time.sleep(10)


@mode
def stalled_answer(to: Exchange) -> None:
    to.events(chunk("The order is"))
    time.sleep(10)


@mode
def redirect_loop(to: Exchange) -> None:
    to.head(307, location=to.path, content_length="0")


@mode
def retry_soon(to: Exchange) -> None:
    to.error(429, "not yet", retry_after="0.1")


# -- too much ---------------------------------------------------------------------------------------
@mode
def huge_head(to: Exchange) -> None:
    to.send(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * (50 << 20), b"\r\n\r\n")


@mode
def huge_line(to: Exchange) -> None:
    to.head()
    to.send("data: ")
    for _ in range(300):
        to.send(b"a" * (1 << 20))


@mode
def huge_json(to: Exchange) -> None:
    to.head(200, "application/json")
    to.send('{"choices":[{"message":{"content":"')
    for _ in range(200):
        to.send(b"a" * (1 << 20))
    to.send('"}}]}')


@mode
def huge_error(to: Exchange) -> None:
    to.head(400, "text/plain")
    for _ in range(100):
        to.send(b"no " * (1 << 18))


def _compressed(name: str, encoding: str, data: Callable[[], bytes], status: int = 200) -> None:
    def answer(to: Exchange) -> None:
        to.head(status, "application/json", content_encoding=encoding)
        to.send(data())

    MODES[name] = answer


_compressed("gzip-bomb", "gzip", lambda: gzip.compress(bytes(100 << 20), 1))
_compressed("gzip-bomb-error", "gzip", lambda: gzip.compress(bytes(100 << 20), 1), status=500)
_compressed("brotli", "br", lambda: b"\x1b\xff\xff\xff" * 10)
_compressed("zstd", "zstd, gzip", lambda: b"\x28\xb5\x2f\xfd")

# -- nonsense ---------------------------------------------------------------------------------------
_events("deep-json", "[" * 200_000)
_raw("deep-json-error", b'{"error": ' + b"[" * 100_000, kind="application/json", status=400)
_raw("deep-json-error-whole", b'{"error": ' + b"[" * 900 + b"]" * 900 + b"}", kind="application/json", status=400)
_events("wrong-content", '{"choices":[{"index":0,"delta":{"content":5},"finish_reason":"stop"}]}')
_events("wrong-reason", '{"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":7}]}')
_events("nulls", "null", "5", '{"choices":[null]}', "[DONE]")
_events("choices-are-text", '{"choices":"abc"}', "[DONE]")
_events("delta-is-a-list", '{"choices":[{"delta":[1]}]}', "[DONE]")
_raw("garbage", b"\x00\xff" * 2000)
MODES["no-http"] = lambda to: to.send(b"\x16\x03\x01" + bytes(5000))
MODES["bad-chunks"] = lambda to: to.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nfoo")
MODES["short-body"] = lambda to: to.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\ndata: {}\n\n")
MODES["closed"] = lambda to: None
_raw("html", b"<h1>Welcome</h1>", kind="text/html")

# -- errors -----------------------------------------------------------------------------------------
MODES["429"] = lambda to: to.error(429, "slow down")
MODES["429-long"] = lambda to: to.error(429, "slow down", retry_after="999999")
MODES["429-negative"] = lambda to: to.error(429, "slow down", retry_after="-5")
MODES["429-nan"] = lambda to: to.error(429, "slow down", retry_after="nan")
MODES["429-date"] = lambda to: to.error(429, "slow down", retry_after="Fri, 31 Dec 9999 23:59:59 GMT")
MODES["500"] = lambda to: to.error(500, "out of memory")
MODES["escapes-error"] = lambda to: to.error(400, "\x1b[2J\x1b]0;evil\x07 bad \u202e")
_events("error-in-the-stream", chunk("The order"), '{"error": {"message": "worker died"}}')
_raw(
    "anthropic-error",
    b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
)
_raw("error-event", b'event: error\ndata: {"message": "worker died"}\n\n')


# -- secrets ----------------------------------------------------------------------------------------
def _forms(secret: str) -> str:
    data = secret.encode()
    return " ".join(
        [
            secret, secret.upper(), f"{secret[:10]} {secret[10:]}", secret.replace("-", "%2D"),
            "".join(f"%{byte:02X}" for byte in data), base64.b64encode(data).decode(), data.hex(),
            base64.urlsafe_b64encode(b"Bearer " + data).decode(), base64.b64encode(b"x:" + data).decode(), secret[::-1],
        ]
    )  # fmt: skip


@mode
def echo(to: Exchange) -> None:
    to.error(401, f"bad key {to.headers.get('authorization')}")


@mode
def echo_forms(to: Exchange) -> None:
    sent = to.headers.get("authorization", "").partition(" ")[2]
    whole = base64.b64decode(sent).decode() if ":" not in sent and to.headers["authorization"][:5] == "Basic" else sent
    user, _, password = whole.partition(":")
    to.error(400, " ".join([sent, _forms(whole), _forms(password) if password else "", user]))


@mode
def echo_in_the_stream(to: Exchange) -> None:
    to.events(chunk("The order"), json.dumps({"error": {"message": f"boom {to.headers.get('authorization')}"}}))


@mode
def echo_in_a_redirect(to: Exchange) -> None:
    to.head(307, location=f"http://{to.headers.get('authorization', '').split()[-1]}.example/v1", content_length="0")


# -- other origins ----------------------------------------------------------------------------------
def _redirect(status: int, target: str) -> None:
    def answer(to: Exchange) -> None:
        to.head(status, location=target.format(other=to.server.other, port=to.server.port), content_length="0")

    MODES[f"redirect-{status}-{len(MODES)}"] = answer


REDIRECTS_FROM = len(MODES)
for _status in (301, 302, 303, 307, 308):
    _redirect(_status, "http://127.0.0.1:{other}/caught/v1/chat/completions")
for _target in (
    "//127.0.0.1:{other}/caught/v1/chat/completions",
    "https://127.0.0.1:{port}/caught/v1/chat/completions",
    "http://localhost:{port}/caught/v1/chat/completions",
    "http://127.0.0.1:{port}@127.0.0.1:{other}/caught/v1/chat/completions",
    "http://[::1",
    "http://127.0.0.1:99999/",
    "file:///etc/passwd",
):
    _redirect(307, _target)
# A POST that becomes a GET at the same origin.
for _status in (301, 302, 303):
    _redirect(_status, "/caught/v1/chat/completions")
REDIRECTS = tuple(MODES)[REDIRECTS_FROM:]
_events("caught", chunk("caught", "stop"), "[DONE]")


# -- lists of models (asked without a name of a model) ----------------------------------------------
MODELS: dict[str, Mode] = {
    "models-odd": lambda to: to.json(
        200, b'{"data":[{"id":"m\\u001b[31m","max_model_len":-5},{"id":5,"max_model_len":1e400},null,{"noid":1}]}'
    ),
    "models-many": lambda to: to.json(200, {"data": [{"id": f"m{number}"} for number in range(300_000)]}),
    "models-too-many": lambda to: to.json(200, {"data": [{"id": f"m{number}"} for number in range(900_000)]}),
    "models-deep": lambda to: to.json(200, b"[" * 100_000),
    "models-text": lambda to: to.json(200, {"data": "many"}),
    "models-number": lambda to: to.json(200, 5),
    "models-elsewhere": lambda to: to.head(302, location=f"http://127.0.0.1:{to.server.other}/caught/v1/models"),
    "models-slow": lambda to: MODES["slow-body"](to),
    "models-slow-head": lambda to: MODES["slow-head"](to),
    "models-bomb": lambda to: MODES["gzip-bomb"](to),
    "models-endless": lambda to: MODES["huge-json"](to),
    "models-echo": lambda to: MODES["echo-forms"](to),
}


@contextmanager
def serving() -> Iterator[Hostile]:
    """Serve all modes on two ports of 127.0.0.1; the second is the other origin of redirects."""
    state = Hostile()
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    state.port, state.other = (each.getsockname()[1] for each in listeners)

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_answer, args=(connection, state), daemon=True).start()

    for each in listeners:
        threading.Thread(target=accept, args=(each,), daemon=True).start()
    try:
        yield state
    finally:
        for each in listeners:
            each.close()


def _answer(connection: socket.socket, state: Hostile) -> None:
    try:
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                if not (more := connection.recv(1 << 16)):
                    return
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            while len(body) < int(headers.get("content-length", 0)):
                body += connection.recv(1 << 16)
            method, path, _ = first.split(" ", 2)
            name = path.split("/")[1]
            state.got.append((name, method, headers.get("authorization", ""), len(body)))
            exchange = Exchange(connection, state, name, method, path, headers, body)
            # A list of models is wanted by all, and each mode of MODES answers completions alone.
            if method == "GET" and name in MODES and name != "caught":
                exchange.json(200, {"data": []})
            else:
                (MODES | MODELS)[name](exchange)
    except OSError:
        pass  # the client has gone


SECRETS = (KEY, KEY[3:], PASSWORD, USER, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()[:12])


def main(names: list[str]) -> None:
    found: Counter[str] = Counter()
    with serving() as state, tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "q.txt")
        text.write_text("The order is 8841-2207. " * 40)
        for name in names or [*MODES, *MODELS]:
            for user in (False, True) if name.startswith("echo") else (False,):
                line, flags = _run(state, name, text, user)
                found.update(flags)
                print(line, flush=True)
    print(f"{len(names) or len(MODES) + len(MODELS)} modes; {dict(found) or 'nothing that should not be'}")


def _run(state: Hostile, name: str, text: Path, user: bool) -> tuple[str, list[str]]:
    model = [] if name in MODELS else ["--model", "m"]
    command = [
        sys.executable,
        "-m",
        "glyphrender",
        "ask",
        str(text),
        "Which order?",
        "--timeout",
        "3",
        "--retries",
        "2",
    ]
    command += ["--base-url", state.url(name, user=user), *model]
    start = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OPENAI_API_KEY": KEY}
    )
    peak = [0]
    threading.Thread(target=_watch, args=(process, peak), daemon=True).start()
    try:
        out, error = process.communicate(timeout=40)
        hangs = False
    except subprocess.TimeoutExpired:
        process.kill()
        (out, error), hangs = process.communicate(), True
    seconds, written = time.monotonic() - start, (out + error).decode("utf-8", "replace")
    flags = [
        flag
        for flag, holds in {
            "HANGS": hangs,
            "TRACEBACK": "Traceback" in written or "a bug" in written,
            "SECRET": any(secret.lower() in written.lower() for secret in SECRETS),
            "ESCAPE": "\x1b" in written or "\u202e" in written,
            "ELSEWHERE": any(each[0] == "caught" for each in state.got),
            "MEMORY": peak[0] > 300,
        }.items()
        if holds
    ]
    state.got.clear()
    last = re.sub(r"http://\S+", "URL", written.strip().splitlines()[-1] if written.strip() else "")
    return f"{name:22} {process.returncode:4} {seconds:5.1f} s {peak[0]:4} MB {flags or 'ok'} {last[:110]!r}", flags


def _watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak[0] = max(peak[0], int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) >> 10)
        except (OSError, IndexError):
            pass
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])

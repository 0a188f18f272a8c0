"""Send a request of chat completions, without the parameters that a server refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from glyphrender.errors import DataError
from glyphrender.inference.call import Call
from glyphrender.inference.json_stream import Base64Image
from glyphrender.inference.server import REFUSALS, Server

__all__ = ["sendable", "sent"]


@contextmanager
def sent(
    server: Server, call: Call, request: dict[str, Any], changed: Callable[[str], object] = lambda _: None
) -> Generator[Any]:
    """Send a request of chat completions and yield the response, before its body is read.

    While the server refuses a parameter, change or drop it and send again.

    Args:
        server: the server.
        call: the call that the request belongs to.
        request: the parameters of the client's method.
        changed: called with the server's complaint about a parameter that is then changed or dropped.

    Raises:
        Exception: what the client raises; see `Server.errors`.
    """
    server.client()  # says what to install
    import openai

    # The client gets no messages. A hook puts them into the body, as a stream.
    call.messages, request = request["messages"], {**request, "messages": []}
    given_up: set[str] = set()

    def send(client: Any, timeout: float) -> Any:
        return client.chat.completions.with_streaming_response.create(**request, timeout=timeout)

    with ExitStack() as opened:
        while True:
            try:
                response = opened.enter_context(server.response(call, send))
                break
            except openai.APIStatusError as error:
                if not _give_up(request, given_up, error.status_code, str(error)):
                    raise
                changed(str(error))
        yield response


def sendable(value: Any) -> Any:
    """Return a JSON value with mappings as dicts. Images may be `Base64Image`s.

    Raises:
        DataError: a value is none of JSON's.
    """
    if isinstance(value, Mapping):
        return {name: sendable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [sendable(each) for each in value]
    if value is None or isinstance(value, str | int | float | Base64Image):
        return value
    raise DataError(f"a message has a {type(value).__name__}, which JSON cannot hold. Send texts, numbers and lists.")


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
    for name in ("temperature", "seed", "stream_options", "tool_choice"):
        if name in complaint and name in request:
            del request[name]
            return True
    extra = request.get("extra_body", {})
    if "stop" in extra and re.search(r"\bstop\b", complaint):
        request["extra_body"] = {name: value for name, value in extra.items() if name != "stop"}
        return True
    form = request.pop("response_format", None)
    if form is not None and form.get("type") == "json_schema":  # the older way to say the same
        request["response_format"] = {"type": "json_object", "schema": form["json_schema"]["schema"]}
    return form is not None

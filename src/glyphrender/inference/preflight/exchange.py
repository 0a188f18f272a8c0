"""Send one request to a server and note everything that its answer shows, right or wrong.

`Endpoint.complete` bears with servers: it reads an answer whatever its content type is, and asks again where a server
cannot stream. A preflight must see such things, so it sends its requests by this module. Bounds on time and bytes, and
the care for secrets, are the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from glyphrender.errors import EndpointError
from glyphrender.inference.call import Call
from glyphrender.inference.completion import Usage, parsed, read_chunk, read_completion, without_lone_surrogates
from glyphrender.inference.endpoint import Endpoint, context_of, listed_models
from glyphrender.inference.events import events
from glyphrender.inference.sending import sendable, sent
from glyphrender.inference.server import Server, reason_of

__all__ = ["Listing", "Observation", "exchange", "listing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """The answer of a server to one request, or its refusal.

    Attributes:
        probe: name of the probe.
        refusal: the server's own words, if it refused the request, failed or said nothing; else empty.
        status: HTTP status of a refusal; None if there was none.
        text: the answer.
        reasoning: the thoughts that the server gave apart.
        finish_reason: the reason why the answer ended; None if the server gave none.
        usage: the counts of tokens; None where there was no object `usage`.
        model: the model that the answer names.
        content_type: the content type of the answer, without its parameters.
        streamed: whether the answer was asked for piece by piece.
        pieces: number of events that had a part of an answer or of thoughts.
        ended: whether a stream had its end mark.
        changed: the server's complaints about parameters, which were then changed or left out.
        odd: values of the answer that have another type than they should.
        seconds: seconds from sending to the end of the answer.
    """

    probe: str
    refusal: str = ""
    status: int | None = None
    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str = ""
    content_type: str = ""
    streamed: bool = False
    pieces: int = 0
    ended: bool = False
    changed: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def prompt_tokens(self) -> int | None:
        """Return the tokens of the prompt, by the server's count."""
        return self.usage.prompt_tokens if self.usage else None

    @property
    def completion_tokens(self) -> int | None:
        """Return the tokens of the answer, by the server's count."""
        return self.usage.completion_tokens if self.usage else None

    @property
    def cached_tokens(self) -> int | None:
        """Return the tokens of the prompt that the server had in its cache; None if it does not say."""
        return self.usage.cached_tokens if self.usage else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The models that a server lists.

    Attributes:
        contexts: name → tokens of the context, or None if it is not known.
        program: "vllm", "sglang", "llama.cpp" or "transformers", if the list says so; else empty.
    """

    contexts: Mapping[str, int | None]
    program: str = ""


def exchange(endpoint: Endpoint, probe: str, messages: list[dict[str, Any]], limit: int, stream: bool) -> Observation:
    """Send one request and return what came of it. A refusal is an observation too.

    Args:
        endpoint: the server and the model.
        probe: name of the probe.
        messages: messages of the chat completions API.
        limit: most tokens of the answer.
        stream: whether to ask for the answer piece by piece.

    Raises:
        EndpointError: the server cannot be reached, or refuses the key.
        DependencyError: the package openai is not installed.
    """
    server = endpoint.server
    request: dict[str, Any] = {"messages": sendable(messages), "model": endpoint.model}
    request["max_completion_tokens" if endpoint.is_openai else "max_tokens"] = limit
    if endpoint.temperature is not None:
        request["temperature"] = endpoint.temperature
    if stream:
        request |= {"stream": True, "stream_options": {"include_usage": True}}
    if endpoint.extra:
        request["extra_body"] = dict(endpoint.extra)
    call = endpoint.call(limit)
    import openai

    changed: list[str] = []
    seen = Observation(probe=probe, streamed=stream)
    start = time.perf_counter()
    try:
        with call, server.errors(endpoint.model, call):
            try:
                with sent(server, call, request, lambda words: changed.append(server.redacted(words))) as response:
                    kind = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
                    seen = replace(seen, content_type=kind)
                    body = response.iter_raw()
                    seen = (
                        _of_stream(seen, server, call, body)
                        if stream and kind != "application/json"
                        else _of_body(seen, server, b"".join(body))
                    )
            except openai.APIStatusError as error:
                if error.status_code in (401, 403, 404):
                    raise
                seen = replace(seen, status=error.status_code, refusal=server.redacted(reason_of(error)))
    except EndpointError as error:
        if error.status in (401, 403, 404) or "cannot be reached" in str(error):
            raise
        seen = replace(seen, refusal=str(error))
    return replace(seen, changed=tuple(changed), seconds=time.perf_counter() - start)


def listing(endpoint: Endpoint) -> Listing:
    """Return the models that the server lists; an empty list if it lists none, or not in a form that can be read.

    Raises:
        EndpointError: the server cannot be reached, or refuses the key.
    """
    try:
        rows = listed_models(endpoint, seconds=min(endpoint.timeout, 30.0))
    except EndpointError as error:
        if error.status in (401, 403) or "cannot be reached" in str(error):
            raise
        return Listing(contexts={})
    owners = " ".join(str(row.get("owned_by", "")) for row in rows).lower()
    known = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llama.cpp", "llama.cpp": "llama.cpp"}
    program = next((name for word, name in known.items() if word in owners), "")
    return Listing(contexts={row["id"]: context_of(row) for row in rows}, program=program)


def _of_body(seen: Observation, server: Server, data: bytes) -> Observation:
    """Return an observation of an answer that came in one piece."""
    try:
        body = parsed(data)
    except ValueError:
        start = server.redacted(data[:80].decode("utf-8", "replace"))
        return replace(seen, odd=(f"the answer is no JSON ({start})",))
    if stated := _stated_error(body, server):
        return replace(seen, refusal=stated)
    odd = list(_odd_content(body, "message"))
    try:
        found = read_completion(body)
    except TypeError as error:
        return replace(seen, odd=(*odd, str(error)))
    if found is None:
        return replace(seen, odd=(*odd, "the answer has no choice"))
    return replace(
        seen,
        text="".join(without_lone_surrogates([found.text])),
        reasoning="".join(without_lone_surrogates([found.reasoning])),
        finish_reason=found.finish_reason,
        usage=found.usage,
        model=_model(body),
        odd=tuple(odd),
    )


def _of_stream(seen: Observation, server: Server, call: Call, body: Any) -> Observation:
    """Return an observation of an answer that came as events."""
    texts: list[str] = []
    thoughts: list[str] = []
    odd: dict[str, None] = {}
    reason, usage, model, ended, pieces = None, None, "", False, 0
    for event in events(body):
        if event.data.startswith("[DONE]"):
            ended = True
            break
        try:
            value = parsed(event.data)
            if stated := _stated_error(value, server):
                return replace(seen, refusal=stated)
            delta = read_chunk(value)
        except (ValueError, TypeError) as error:
            odd[f"a part of the stream cannot be read ({error})"] = None
            break
        odd |= dict.fromkeys(_odd_content(value, "delta"))
        texts.append(delta.text)
        thoughts.append(delta.reasoning)
        pieces += bool(delta.text or delta.reasoning)
        reason, usage, model = delta.finish_reason or reason, delta.usage or usage, _model(value) or model
        if reason is not None:
            call.end_within(5.0)
    return replace(
        seen,
        text="".join(without_lone_surrogates(texts)),
        reasoning="".join(without_lone_surrogates(thoughts)),
        finish_reason=reason,
        usage=usage,
        model=model,
        pieces=pieces,
        ended=ended,
        odd=tuple(odd),
    )


def _odd_content(value: Any, name: str) -> list[str]:
    """Return what is odd about the content of a body or a chunk, although it can be read."""
    choices = value.get("choices") if isinstance(value, dict) else None
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    holder = first.get(name)
    content = holder.get("content") if isinstance(holder, dict) else None
    return ["content is a list of parts, not a text"] if isinstance(content, list) else []


def _stated_error(value: Any, server: Server) -> str:
    stated = value.get("error") if isinstance(value, dict) else None
    if isinstance(stated, dict):
        stated = stated.get("message") or stated
    return server.redacted(re.sub(r"\s+", " ", str(stated))) if stated else ""


def _model(value: Any) -> str:
    name = value.get("model") if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""

"""A model server on 127.0.0.1 that counts tokens as a named model does, and that can be misconfigured by a switch.

There is no model behind it: it knows the pages of a preflight by their bytes, and what stands on them. Everything else
is as in a server of chat completions: images cost what the model's rule says, texts what its tokenizer counts, a prefix
cache of blocks of 16 tokens, thoughts apart from the answer, `max_tokens`, usage, streams.
"""

from __future__ import annotations

import base64
import http.server
import json
import math
import re
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from loopback import QuietHandler, listening

from glyphrender.errors import VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import Tokenizer
from glyphrender.models.vision import VISION_MODELS, vision_model

BLOCK = 16


@dataclass(frozen=True, kw_only=True)
class Script:
    """How a server behaves. The defaults are those of a server that is configured well.

    Attributes:
        model: the model that counts images.
        tokenizer: counts texts.
        name: the model's name on the server.
        reads: the PNG in base64 → the code that stands on it.
        around: tokens that the template writes around an image beyond the known ones.
        program: the word `owned_by` of the list of models.
        times: how often each image is counted.
        keeps: images of a prompt that are kept: "all", "first", "last", "none".
        longest: longest side in pixels to which a gateway shrinks images; None for no limit.
        scale: factor by which a gateway scales images.
        crops: share of a page that a proxy crops if the page is not blank.
        hidden: tokens of a prompt that a gateway puts before each request.
        takes_system: whether the template writes the instruction.
        context: tokens after which a prompt is cut without a word; None for no limit.
        refuses_above: tokens above which a prompt is refused.
        most_images: most images; more are refused.
        encoder_cache: most tokens of an image; larger ones are refused.
        takes_grey: whether PNGs below 8 bits are taken.
        takes_images: whether images are taken.
        thoughts: "apart", "inline", "half" (without the opening mark), "swallowed" (the answer too), "none".
        thoughts_field: the field of thoughts that are given apart.
        limit: "obeyed", "ignored", or a lower limit.
        finish: "right", "stop" (always), "none".
        usage: "right", "none", "no answer" (no completion_tokens).
        stream: "right", "no usage", "whole" (answered in one piece), "refused", "no finish", "other counts",
            "plain" (content type).
        cache: "right", "unreported", "none", "text".
        images_first: whether the template moves images before all text.
        confuses: whether a cache of images answers with the page that was sent before.
        answers_as: the model that answers name; empty for the one that was asked for.
        content: "text", or "parts" for a list of parts.
        content_type: content type of answers in one piece.
        suffix: text after each answer, such as a stop token.
    """

    model: VisionModel
    tokenizer: Tokenizer
    name: str = "served"
    reads: Mapping[str, str] = field(default_factory=dict)
    around: int = 1
    program: str = ""
    times: int = 1
    keeps: str = "all"
    longest: int | None = None
    scale: float = 1.0
    crops: float = 0.0
    hidden: int = 0
    takes_system: bool = True
    context: int | None = None
    refuses_above: int | None = None
    most_images: int | None = None
    encoder_cache: int | None = None
    takes_grey: bool = True
    takes_images: bool = True
    thoughts: str = "apart"
    thoughts_field: str = "reasoning_content"
    limit: str | int = "obeyed"
    finish: str = "right"
    usage: str = "right"
    stream: str = "right"
    cache: str = "right"
    images_first: bool = False
    confuses: bool = False
    answers_as: str = ""
    content: str = "text"
    content_type: str = "application/json"
    suffix: str = ""


class Refused(Exception):
    """A request that is refused with a status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ScriptedServer:
    """A running server. A new `script` may be given at any time; it begins with an empty cache.

    Attributes:
        url: the base URL.
    """

    def __init__(self) -> None:
        self.url = ""
        self._script: Script | None = None
        self.prompts: list[list[Any]] = []
        self.before: list[str] = []
        self.lock = threading.Lock()

    @property
    def script(self) -> Script:
        assert self._script is not None
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        with self.lock:
            self._script, self.prompts, self.before = script, [], []


@contextmanager
def serving(script: Script | None = None) -> Iterator[ScriptedServer]:
    """Serve by `script` while the `with` block runs."""
    state = ScriptedServer()
    if script is not None:
        state.script = script

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            row: dict[str, Any] = {"id": state.script.name, "object": "model", "owned_by": state.script.program}
            _json(self, 200, {"object": "list", "data": [row]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            script = state.script
            try:
                with state.lock:
                    answer = _answer(script, body, state.prompts, state.before)
            except Refused as error:
                _json(self, error.status, {"error": {"message": str(error), "type": "BadRequestError"}})
                return
            if body.get("stream") and script.stream != "whole":
                _stream(self, script, answer)
            else:
                _whole(self, script, answer)

    with listening(Handler) as state.url:
        yield state


@dataclass(kw_only=True)
class Answer:
    """An answer before it is written: its pieces are tokens."""

    thoughts: str
    pieces: list[str]
    reason: str | None
    usage: dict[str, Any] | None
    model: str


def _answer(script: Script, body: dict[str, Any], prompts: list[list[Any]], before: list[str]) -> Answer:
    texts, images = _parts(body["messages"])
    if body.get("stream") and script.stream == "refused":
        raise Refused(400, "streaming is not supported")
    if images and not script.takes_images:
        raise Refused(400, "served is not a multimodal model")
    if script.most_images is not None and len(images) > script.most_images:
        raise Refused(400, f"At most {script.most_images} image(s) may be provided in one prompt.")
    prompt = _prompt(script, body["messages"], len(images))
    if script.refuses_above is not None and len(prompt) > script.refuses_above:
        raise Refused(400, f"This model's maximum context length is {script.refuses_above} tokens.")
    if script.context is not None:
        prompt = prompt[-script.context :]
    cached = _cached(script, prompt, prompts)
    prompts.append(prompt)
    tokens = list(_said(script, "\n".join(texts), images, before))
    reason = "stop"
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or 1 << 20
    if script.limit != "ignored":
        most = min(limit, script.limit) if isinstance(script.limit, int) else limit
        if len(tokens) > most:
            tokens, reason = tokens[:most], "length"
    thoughts, pieces = _separated(script, tokens)
    usage: dict[str, Any] | None = {
        "prompt_tokens": len(prompt), "completion_tokens": len(tokens), "total_tokens": len(prompt) + len(tokens)
    }  # fmt: skip
    if usage is not None and cached is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    if usage is not None and script.usage == "no answer":
        del usage["completion_tokens"]
    if script.usage == "none":
        usage = None
    shown = {"right": reason, "stop": "stop", "none": None}[script.finish]
    return Answer(thoughts=thoughts, pieces=pieces, reason=shown, usage=usage, model=script.answers_as or body["model"])


def _parts(messages: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    texts, images = [], []
    for message in messages:
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] == "text":
                texts.append(part["text"])
            else:
                images.append(part["image_url"]["url"].partition(",")[2])
    return texts, images


def _prompt(script: Script, messages: list[dict[str, Any]], images: int) -> list[Any]:
    """The tokens of a prompt, as values that are equal where the tokens are."""
    tokens: list[Any] = ["bos", *(("hidden", number) for number in range(script.hidden))]
    number = 0
    for message in messages:
        if message["role"] == "system" and not script.takes_system:
            continue
        tokens += [("role", message["role"])] * 3
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if script.images_first:
            parts = sorted(parts, key=lambda part: part["type"] == "text")
        for part in parts:
            if part["type"] == "text":
                tokens += _text(script, part["text"])
                continue
            number += 1
            kept = {"all": True, "none": False, "first": number == 1, "last": number == images}[script.keeps]
            if kept:
                tokens += _image(script, part["image_url"]["url"].partition(",")[2], images)
    return [*tokens, "assistant", "newline"]


def _text(script: Script, text: str) -> list[Any]:
    """Tokens of a text: pieces of about equal length, each with a number that depends on all that came before."""
    count = script.tokenizer.count(text)
    ends = [math.ceil(len(text) * number / count) for number in range(count + 1)]
    tokens, state = [], 0
    for begin, end in zip(ends, ends[1:], strict=False):
        state = zlib.crc32(text[begin:end].encode(), state)
        tokens.append(("text", state))
    return tokens


def _image(script: Script, data: str, images: int) -> list[Any]:
    png = base64.b64decode(data)
    if not png.startswith(b"\x89PNG"):
        raise Refused(400, "cannot identify image file")
    width, height, bits = struct.unpack(">IIB", png[16:25])
    if bits < 8 and not script.takes_grey:
        raise Refused(400, "unsupported image mode")
    if script.crops and data in script.reads:
        height = round(height * (1 - script.crops))
    factor = script.scale if script.longest is None else min(1.0, script.longest / max(width, height))
    width, height = max(1, round(width * factor)), max(1, round(height * factor))
    several = f"{script.model.name}-several"
    model = vision_model(several) if images > 1 and several in VISION_MODELS else script.model
    try:
        cost = model.image(width, height)
    except VisionModelError as error:
        raise Refused(400, str(error)) from error
    tokens = (cost.tokens + cost.overhead) * script.times
    if script.encoder_cache is not None and cost.tokens > script.encoder_cache:
        raise Refused(
            400,
            f"The decoder prompt contains a(n) image item with length {cost.tokens}, which exceeds the pre-allocated "
            f"encoder cache size {script.encoder_cache}. Please reduce the input size or increase the encoder cache "
            "size by setting --limit-mm-per-prompt at startup.",
        )
    return [*(("image", data, number) for number in range(tokens)), *["around"] * script.around]


def _cached(script: Script, prompt: list[Any], prompts: list[list[Any]]) -> int | None:
    if script.cache == "unreported":
        return None
    if script.cache == "none":
        return 0
    longest = 0
    for other in prompts:
        same = 0
        for here, there in zip(prompt[:-1], other, strict=False):
            if here != there or (script.cache == "text" and isinstance(here, tuple) and here[0] == "image"):
                break
            same += 1
        longest = max(longest, same)
    return longest // BLOCK * BLOCK


def _said(script: Script, text: str, images: list[str], before: list[str]) -> Iterator[str]:
    """The tokens of what the model says: thoughts between marks, then the answer."""
    if "from 1 to 500" in text:
        for number in range(1, 501):
            yield from (f"{number}", "\n")
        return
    known = [script.reads[data] for data in images if data in script.reads]
    if script.confuses and known:
        before.append(known[0])
        known = before[:1]
    answer = known[0] if "Which code" in text and known else "NONE" if "Which code" in text else "12"
    if script.thoughts != "none":
        yield from ("<think>", "Let", " me", " look", " at", " it", ".", "</think>")
    yield from re.findall(r"[A-Z0-9]+|-", answer)
    if script.suffix:
        yield script.suffix


def _separated(script: Script, tokens: list[str]) -> tuple[str, list[str]]:
    """Thoughts and the pieces of the answer, as the server's parser gives them."""
    if "<think>" not in tokens or script.thoughts == "inline":
        return "", tokens
    if script.thoughts == "half":
        return "", tokens[1:]
    end = tokens.index("</think>") if "</think>" in tokens else len(tokens)
    if script.thoughts == "swallowed":
        return "".join(tokens[1:end] + tokens[end + 1 :]), []
    return "".join(tokens[1:end]), tokens[end + 1 :]


def _whole(to: http.server.BaseHTTPRequestHandler, script: Script, answer: Answer) -> None:
    text = "".join(answer.pieces)
    content: Any = [{"type": "text", "text": text}] if script.content == "parts" else text
    message = {"role": "assistant", "content": content}
    if answer.thoughts:
        message[script.thoughts_field] = answer.thoughts
    body: dict[str, Any] = {
        "id": "1", "object": "chat.completion", "created": 0, "model": answer.model,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.reason}],
    }  # fmt: skip
    if answer.usage is not None:
        body["usage"] = answer.usage
    _json(to, 200, body, script.content_type)


def _stream(to: http.server.BaseHTTPRequestHandler, script: Script, answer: Answer) -> None:
    to.send_response(200)
    to.send_header("content-type", "text/plain" if script.stream == "plain" else "text/event-stream")
    to.end_headers()

    def chunk(delta: dict[str, Any], reason: str | None = None, usage: Any = None) -> None:
        value: dict[str, Any] = {
            "id": "1", "object": "chat.completion.chunk", "created": 0, "model": answer.model,
            "choices": [] if usage else [{"index": 0, "delta": delta, "finish_reason": reason}],
        }  # fmt: skip
        if usage:
            value["usage"] = usage
        to.wfile.write(f"data: {json.dumps(value)}\n\n".encode())

    if answer.thoughts:
        chunk({"role": "assistant", script.thoughts_field: answer.thoughts})
    for piece in answer.pieces:
        chunk({"content": piece})
    if script.stream != "no finish":
        chunk({}, answer.reason)
    if answer.usage is not None and script.stream != "no usage":
        more = 7 if script.stream == "other counts" else 0
        chunk({}, usage=answer.usage | {"prompt_tokens": answer.usage["prompt_tokens"] + more})
    to.wfile.write(b"data: [DONE]\n\n")


def _json(to: http.server.BaseHTTPRequestHandler, status: int, body: Any, kind: str = "application/json") -> None:
    data = json.dumps(body).encode()
    to.send_response(status)
    to.send_header("content-type", kind)
    to.send_header("content-length", str(len(data)))
    to.end_headers()
    to.wfile.write(data)

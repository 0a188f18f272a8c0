"""The JSON of chat completions, read with suspicion: every value that a server sends may be of another type.

Five things are read: the text, the model's thoughts, the calls of tools, the reason why the text ended, and the counts
of tokens. A text or a reason of another type makes the answer unreadable. A count of another type is unknown, and
thoughts of another type are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.inference.tool_calls import ToolCall, calls_in_message

__all__ = ["Delta", "Usage", "parsed", "read_chunk", "read_completion", "without_lone_surrogates"]

# No prompt has as many tokens; a larger number would not be exact in JSON either.
_MOST_TOKENS: Final = 1 << 53
# The fields in which servers give thoughts apart from the answer: SGLang, llama.cpp, DeepSeek, transformers and vLLM
# before 0.12 the first, newer vLLM and OpenRouter the second, Ollama's own the third.
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """The counts of tokens of an answer; None where a count is not known."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """A piece of an answer.

    Attributes:
        text: the text.
        reasoning: the thoughts that the server gives apart from the text.
        finish_reason: the reason for which the answer ended; None if it goes on, or if there is no reason.
        usage: the counts, where they are given.
        calls: the calls of tools. Only an answer that came in one piece has some.
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    calls: tuple[ToolCall, ...] = ()


def parsed(data: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: the text is no JSON, or nested too deeply.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def read_chunk(value: Any) -> Delta:
    """Return the piece of an answer in one chunk of a stream.

    Raises:
        TypeError: a value has another type than it should.

    >>> read_chunk({"choices": [{"index": 0, "delta": {"content": "Jane"}, "finish_reason": "stop"}]})
    Delta(text='Jane', reasoning='', finish_reason='stop', usage=None, calls=())
    """
    value = _mapping("a chunk", value)
    texts: list[str] = []
    thoughts: list[str] = []
    reason = None
    for choice in _choices(value):
        delta = _mapping("delta", choice.get("delta") or {})
        texts.append(_text(delta.get("content")) or _refusal(delta))
        thoughts.append(_thoughts(delta))
        reason = _reason(choice) or reason
    return Delta(text="".join(texts), reasoning="".join(thoughts), finish_reason=reason, usage=_usage(value))


def read_completion(value: Any) -> Delta | None:
    """Return the answer in a body that came in one piece; None if it has no choice.

    Raises:
        TypeError: a value has another type than it should.
    """
    for choice in _choices(value) if isinstance(value, Mapping) else ():
        if choice.get("message") is None:
            break
        message = _mapping("message", choice["message"])
        return Delta(
            text=_text(message.get("content")) or _refusal(message),
            reasoning=_thoughts(message),
            finish_reason=_reason(choice),
            usage=_usage(value),
            calls=calls_in_message(message),
        )
    return None


def without_lone_surrogates(pieces: Iterable[str]) -> Iterator[str]:
    """Yield `pieces` with U+FFFD in place of lone surrogates. The halves of a character in two pieces are joined.

    >>> list(without_lone_surrogates(["a\\ud83d", "\\ude00", "\\ud800b"]))
    ['a', '😀', '�b']
    """
    held = ""
    for piece in pieces:
        text = held + piece
        held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, held = text[:-1], text[-1]
        if text:
            yield _well_formed(text)
    if held:
        yield "�"


def _well_formed(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _choices(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices = value.get("choices")
    if choices is None:
        return []
    if not isinstance(choices, list):
        raise TypeError(f"choices is {_name(choices)}, not a list")
    # We ask for one choice. A server that sends several gives them numbers.
    return [each for each in (_mapping("a choice", each) for each in choices) if each.get("index") in (None, 0)]


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # parts; those of other types are the model's thoughts
        parts = [_mapping("a part of content", part) for part in content]
        return "".join(_text(part.get("text")) for part in parts if part.get("type") in (None, "text", "output_text"))
    raise TypeError(f"content is {_name(content)}, not a text")


def _thoughts(message: Mapping[str, Any]) -> str:
    # A server may fill two of the fields with the same text, so the first that is filled is taken.
    return next((message[name] for name in _REASONING if isinstance(message.get(name), str) and message[name]), "")


def _refusal(message: Mapping[str, Any]) -> str:
    """Return the words in which a model refuses to answer, which OpenAI gives in place of a content."""
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def _reason(choice: Mapping[str, Any]) -> str | None:
    reason = choice.get("finish_reason")
    if reason is None or isinstance(reason, str):
        # DashScope, and gateways before it, send the word "null" in each event before the last.
        return None if reason in ("", "null") else reason
    raise TypeError(f"finish_reason is {_name(reason)}, not a text")


def _usage(value: Mapping[str, Any]) -> Usage | None:
    usage = value.get("usage")
    if not isinstance(usage, Mapping):
        return None
    details = usage.get("prompt_tokens_details")
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(details.get("cached_tokens")) if isinstance(details, Mapping) else None,
    )


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST_TOKENS:
        return None
    return int(value) if value == int(value) else None


def _mapping(what: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} is {_name(value)}, not an object")
    return value


def _name(value: Any) -> str:
    return "null" if value is None else type(value).__name__

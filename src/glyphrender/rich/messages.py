"""Messages → their parts: the forms of OpenAI's and Anthropic's APIs.

A message is a mapping with a role, or an item of OpenAI's Responses API, which has a type in its place. Objects that
their SDKs return are read too, because each can say itself as a mapping. The parts of a message are said, called, given
back by a tool, or left out by name. Another form is an error, and what a tool gave back in a form of its own is shown
as JSON. Not shown are ids of messages and calls, the `name` of a speaker, `is_error` of a result, citations, and what
only the server reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.errors import DataError, shown

_TEXTS: Final = (
    "text",
    "input_text",
    "output_text",
    "summary_text",
    "reasoning_text",
    "refusal",
    "thinking",
    "reasoning",
)
# Parts of these types may come without their text, because the server keeps it.
_HIDDEN: Final = ("thinking", "reasoning")
_IMAGES: Final = ("image", "image_url", "input_image", "image_file", "computer_screenshot")
_OTHER_MEDIA: Final = (
    "input_audio", "output_audio", "audio", "file", "document", "input_file", "video", "video_url", "container_upload",
)  # fmt: skip
# Fields of a result that are not shown: what only the server can read, and the number of the call.
_OPAQUE: Final = (
    "tool_use_id", "approval_request_id", "cache_control", "citations", "encrypted_content", "encrypted_index",
    "encrypted_stdout",
)  # fmt: skip
# Fields of a result that are shown as the text that they are, and not as JSON.
_STREAMS: Final = ("stdout", "stderr", "logs")
# Fields that hold what a call is given; the first that it has is shown.
_ARGUMENTS: Final = ("arguments", "input", "args", "action", "actions", "operation", "queries", "code")
# Fields that hold what came back from a call, where one item of the Responses API has both.
_BACK: Final = ("output", "outputs", "results", "error")
# Items of the Responses API that mean something to the server alone.
_OF_THE_SERVER: Final = ("mcp_list_tools", "compaction", "item_reference")
# Fields of a message with a role; a message without any of them is of another form, such as {"role": …, "parts": …}.
_FIELDS: Final = frozenset(
    ("content", "reasoning_content", "reasoning", "refusal", "audio", "tool_calls", "function_call")
)
# How deep results of tools may lie inside each other.
_DEEPEST: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePart:
    """A part of a message.

    Attributes:
        kind: "text", "call", "result" or "left out".
        text: what is said, the arguments of a call, the result, or what stands for what is left out.
        name: the tool that is called.
    """

    kind: str
    text: str
    name: str = ""


def parts_of(number: int, message: object) -> tuple[str, list[MessagePart]]:
    """Return (role, parts) of message `number`.

    Raises:
        DataError: the message or a part has another form.

    >>> parts_of(1, {"type": "function_call", "name": "ls", "arguments": "{}"})
    ('function_call', [MessagePart(kind='call', text='{}', name='ls')])
    """
    message = _plain(message)
    if not isinstance(message, Mapping):
        raise DataError(f"message {number} is {type(message).__name__}, not a mapping with role and content.")
    role = message.get("role", message.get("type"))
    if not isinstance(role, str) or not role.strip() or not role.isprintable():
        raise DataError(f"message {number} has the role {shown(role)}. Give it a role such as user or assistant.")
    role = role.strip()
    return role, _said(number, role, message) if "role" in message else _item(number, role, message)


def _said(number: int, role: str, message: Mapping[Any, Any]) -> list[MessagePart]:
    """Return the parts of a message with a role."""
    if not _FIELDS & message.keys():
        raise DataError(f"message {number} has neither content nor calls. Give it content, which may be None.")
    found: list[MessagePart] = []
    if (thoughts := _first(message, "reasoning_content", "reasoning")) is not None:
        found.append(MessagePart(kind="text", text=_text(number, "reasoning", thoughts)))
    content = message.get("content")
    if isinstance(content, str):
        kind = "result" if _is_tool(role) else "text"
        found += [MessagePart(kind=kind, text=content)] if content else []
    elif isinstance(content, Sequence):
        for part in content:
            found += _content_part(number, role, part)
    elif content is not None:
        raise DataError(
            f"message {number} has content of type {type(content).__name__}. Pass a str or a list of parts."
        )
    if (refusal := _first(message, "refusal")) is not None:
        found.append(MessagePart(kind="text", text=_text(number, "refusal", refusal)))
    if (audio := _first(message, "audio")) is not None:
        found += _medium(number, role, "audio", {"audio": audio})
    calls = [*_sequence(number, "tool_calls", message.get("tool_calls"))]
    if (old := _first(message, "function_call")) is not None:
        calls.append({"function": old})
    return found + [_call(number, call) for call in calls]


def _item(number: int, kind: str, item: Mapping[Any, Any]) -> list[MessagePart]:
    """Return the parts of an item of the Responses API: a thought, a call or what came back from one."""
    if kind.endswith("_call_output"):
        return _result(number, item.get("output"))
    if kind.endswith("_call"):
        called = {"name": kind.removesuffix("_call")} | {key: value for key, value in item.items() if value is not None}
        back = [each for key in _BACK if not _is_empty(item.get(key)) for each in _result(number, item[key])]
        if kind == "image_generation_call" and not _is_empty(item.get("result")):
            back.append(_left_out("image", {"format": item.get("output_format")}))
        return [_call(number, {"function": called}), *back]
    if kind == "mcp_approval_request":
        return [_call(number, item)]
    if kind == "mcp_approval_response":
        return _result(number, {key: item[key] for key in ("approve", "reason") if key in item})
    if kind in _OF_THE_SERVER:
        return [MessagePart(kind="left out", text=f"[{kind}]")]
    if kind == "reasoning":
        given = (_sequence(number, kind, item.get(key)) for key in ("summary", "content"))
        found = [each for parts in given for part in parts for each in _content_part(number, kind, part)]
        return found or [MessagePart(kind="left out", text="[reasoning]")]
    if not {"content", "tool_calls", "function_call"} & item.keys():
        raise DataError(
            f"message {number} has no role and the unknown type {shown(kind)}. Give it a role and content, or leave it "
            f"out."
        )
    return _said(number, kind, item)


def _content_part(number: int, role: str, part: object, depth: int = 0) -> list[MessagePart]:
    part = {"type": "text", "text": part} if isinstance(part, str) else _plain(part)
    if not isinstance(part, Mapping):
        raise DataError(f"message {number} has a part of type {type(part).__name__}. A part is a mapping with a type.")
    if (depth or _is_tool(role)) and "type" not in part and part.keys() != {"text"}:
        return _result(number, part, depth)
    kind = part.get("type", "text")
    if not isinstance(kind, str):
        raise DataError(f"message {number} has a part whose type is {shown(kind)}. Make it a part of type text.")
    if kind in _TEXTS:
        text = _text(
            number,
            f"the text of a part of type {kind}",
            part.get("text", part.get(kind, "" if kind in _HIDDEN else None)),
        )
        return [MessagePart(kind="result" if _is_tool(role) else "text", text=text)] if text else []
    if kind == "redacted_thinking":
        return [MessagePart(kind="left out", text="[redacted thinking]")]
    if kind.endswith("tool_use"):
        return [_call(number, {"function": {"name": part.get("name"), "arguments": part.get("input", {})}})]
    if kind in _IMAGES or kind in _OTHER_MEDIA:
        return _medium(number, role, kind, part)
    if kind.endswith("tool_result"):
        return _result(number, part.get("content"), depth)
    if depth or _is_tool(role) or kind == "search_result":
        return _result(number, part, depth)
    raise DataError(
        f"message {number} has a part of the unknown type {shown(kind)}. Make it a part of type text, or leave it out."
    )


def _result(number: int, content: object, depth: int = 0) -> list[MessagePart]:
    """Return the parts of what a tool gave back: a text, a list of parts, or a mapping of a form of its own."""
    if depth == _DEEPEST:
        raise DataError(f"message {number} has tool results inside each other, {_DEEPEST} deep. Give their text.")
    content = _plain(content)
    if content is None or isinstance(content, str):
        return [MessagePart(kind="result", text=content)] if content else []
    if isinstance(content, Sequence):
        return [each for inner in content for each in _content_part(number, "tool", inner, depth + 1)]
    if not isinstance(content, Mapping):
        raise DataError(f"message {number} has a tool result of type {type(content).__name__}. Pass a str or a list.")
    kind = content.get("type")
    if isinstance(kind, str) and kind in (*_IMAGES, *_OTHER_MEDIA, *_TEXTS):
        return _content_part(number, "tool", content, depth + 1)
    inner = content.get("content")
    nested = isinstance(inner, Mapping) or (isinstance(inner, Sequence) and not isinstance(inner, str))
    said = [_text(number, key, content[key]) for key in _STREAMS if not _is_empty(content.get(key))]
    # The type of a result of a server's tool says no more than its call; a tool of the user may mean something by it.
    known = isinstance(kind, str) and (kind == "logs" or kind.endswith(("_result", "_error", "_output")))
    hidden = (*_OPAQUE, *_STREAMS, *(("type",) if known else ()), *(("content",) if nested else ()))
    rest = {key: value for key, value in content.items() if key not in hidden and not _is_empty(value)}
    found = [MessagePart(kind="result", text=text) for text in said]
    if rest:
        found.append(MessagePart(kind="result", text=_json(number, "a tool result", rest)))
    return found + (_result(number, inner, depth + 1) if nested else [])


def _call(number: int, call: object) -> MessagePart:
    call = _plain(call)
    function = _plain(_first(call, "function", "custom") or call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise DataError(f"message {number} has a tool call without a name: {shown(call)}. Give it function.name.")
    arguments = next((function[key] for key in _ARGUMENTS if function.get(key) is not None), "")
    if not isinstance(arguments, str):
        arguments = _json(number, "arguments", arguments)
    return MessagePart(kind="call", name=function["name"], text=arguments)


def _json(number: int, what: str, value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):  # a key that is a tuple, or a value inside itself
        raise DataError(f"message {number} has {what} that are no JSON value. Pass them as JSON text.") from None


def _medium(number: int, role: str, kind: str, part: Mapping[Any, Any]) -> list[MessagePart]:
    """Return the words of a sound, if they are given, or what stands for a medium."""
    inner = part.get("audio")
    words = _first(inner if isinstance(inner, Mapping) else part, "transcript")
    if words is None:
        return [_left_out(kind, part)]
    return [MessagePart(kind="result" if _is_tool(role) else "text", text=_text(number, "a transcript", words))]


def _left_out(kind: str, part: Mapping[Any, Any]) -> MessagePart:
    """Return what a page shows for an image or another medium: its file name or address, or its media type."""
    inner = part.get(kind, part.get("source", part.get("file", part)))
    inner = inner if isinstance(inner, Mapping) else {"url": inner}
    keys = (
        (part, "filename"),
        (inner, "filename"),
        (part, "title"),
        (inner, "url"),
        (part, "image_url"),
        (inner, "file_id"),
    )
    named = next((value for mapping, key in keys if (value := mapping.get(key))), None)
    if not isinstance(named, str) or named.startswith("data:"):
        address = named if isinstance(named, str) else ""
        named = inner.get("media_type") or inner.get("format") or address[5:].partition(";")[0]
    what = "image" if kind in _IMAGES else kind.removeprefix("input_")
    label = " ".join(f"{what} {named or ''}".split())
    return MessagePart(kind="left out", text=f"[{label[:200]}]")


def _plain(value: object) -> object:
    """Return the mapping that a model of pydantic stands for, as the SDKs return it; other values as they are."""
    dump = None if isinstance(value, type) else getattr(value, "model_dump", None)
    return dump() if callable(dump) else value


def _first(mapping: Mapping[Any, Any], *keys: str) -> Any:
    """Return the value of the first key that has one, or None."""
    return next((value for key in keys if not _is_empty(value := mapping.get(key))), None)


def _is_empty(value: object) -> bool:
    """Return whether a field says nothing: None, or an empty text or list."""
    return value is None or (isinstance(value, Sequence) and not value)


def _is_tool(role: str) -> bool:
    return role.lower() in ("tool", "function")


def _sequence(number: int, what: str, value: object) -> Sequence[object]:
    if value is not None and (not isinstance(value, Sequence) or isinstance(value, str)):
        raise DataError(f"message {number} has {what} of type {type(value).__name__}. Pass a list of parts.")
    return () if value is None else value


def _text(number: int, what: str, value: object) -> str:
    if not isinstance(value, str):
        raise DataError(f"message {number} has {what} that is {type(value).__name__}, not str. Pass its text as str.")
    return value

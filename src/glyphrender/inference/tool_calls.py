"""The tool calls of a model: in chat completions, in Anthropic's Messages, and in plain text.

A model may write anything as a call. So a call keeps the name and the arguments as they came, and a call that cannot be
read is a call too, with a `problem` that its answer repeats. In plain text, a call is JSON between `<tool_call>` and
`</tool_call>`. Qwen and Hermes models are trained on this form, and so is LensVLM (apple-aiml-research/ml-lensvlm,
lensvlm/prompts.py, cd8df32).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["CALL_END", "ToolCall", "calls_in_content", "calls_in_message", "calls_in_text", "without_calls"]

#: The mark that ends a call in plain text. A server can be told to stop there.
CALL_END: Final = "</tool_call>"
_BEGIN: Final = "<tool_call>"
# Thoughts may name tools without calling them. Thoughts that never end are all of the reply, and hold no call.
_THOUGHTS: Final = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
# A name or an argument of a call is repeated in messages and traces, so neither may have any length.
_LONGEST: Final = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A call of a tool by a model.

    Attributes:
        name: the name of the tool, as the model wrote it; empty if there is none.
        arguments: the arguments by name.
        id: the id under which a server expects the answer; empty in plain text.
        problem: why the call cannot be read; empty if it can.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    id: str = ""
    problem: str = ""

    @property
    def shown(self) -> str:
        """Return the call as a person writes it.

        >>> ToolCall(name="read_lines", arguments={"page": 3, "first": 1, "last": 9}).shown
        'read_lines(page=3, first=1, last=9)'
        """
        values = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in self.arguments.items())
        shown = f"{self.name}({values})"
        return shown if len(shown) <= 120 else f"{shown[:100]}…)"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, from which `from_dict` makes an equal call."""
        found: dict[str, Any] = {"name": self.name, "arguments": dict(self.arguments), "id": self.id}
        return found | {"problem": self.problem} if self.problem else found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ToolCall:
        """Return the call whose `to_dict` is `values`."""
        return cls(
            name=values["name"], arguments=values["arguments"], id=values["id"], problem=values.get("problem", "")
        )


def calls_in_message(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """Return the calls of a message of chat completions, with the older `function_call` among them.

    >>> function = {"name": "read_page", "arguments": '{"page": 3}'}
    >>> calls_in_message({"tool_calls": [{"id": "a", "type": "function", "function": function}]})
    (ToolCall(name='read_page', arguments={'page': 3}, id='a', problem=''),)
    """
    listed = message.get("tool_calls")
    if isinstance(listed, list):
        calls = [each for each in listed if isinstance(each, Mapping)]
        return _numbered(_call(each.get("function"), each.get("id")) for each in calls)
    old = message.get("function_call")
    return _numbered([_call(old, None)]) if isinstance(old, Mapping) else ()


def calls_in_content(content: Any) -> tuple[ToolCall, ...]:
    """Return the calls of an answer of Anthropic's Messages: its parts of type "tool_use".

    >>> calls_in_content([{"type": "tool_use", "id": "a", "name": "search", "input": {"text": "parcel"}}])
    (ToolCall(name='search', arguments={'text': 'parcel'}, id='a', problem=''),)
    """
    if not isinstance(content, list):
        return ()
    parts = [part for part in content if isinstance(part, Mapping) and part.get("type") == "tool_use"]
    return _numbered(
        _call({"name": part.get("name"), "arguments": part.get("input")}, part.get("id")) for part in parts
    )


def calls_in_text(text: str) -> tuple[ToolCall, ...]:
    """Return the calls that a reply makes in plain text. Calls inside thoughts do not count.

    A call at the end of the reply may lack its end mark, because servers leave out the text at which they stop.

    >>> calls_in_text('I look. <tool_call>{"name": "read_page", "arguments": {"page": 2}}')
    (ToolCall(name='read_page', arguments={'page': 2}, id='', problem=''),)
    >>> calls_in_text('<tool_call>read page 2</tool_call>')[0].problem
    'a call is JSON such as {"name": "read_page", "arguments": {"page": 2}}'
    """
    found: list[ToolCall] = []
    text = _spoken(text)
    at = text.find(_BEGIN)
    while at >= 0:
        begin = at + len(_BEGIN)
        following = text.find(_BEGIN, begin)
        end = text.find(CALL_END, begin)
        if end < 0 or 0 <= following < end:
            end = following if following >= 0 else len(text)
        found.append(_written_call(text[begin:end].strip()))
        at = following
    return tuple(found)


def without_calls(text: str) -> str:
    """Return a reply without the calls in it: what is left is said to the reader.

    >>> without_calls('It is on page 2.<tool_call>{"name": "read_page"}</tool_call>')
    'It is on page 2.'
    """
    return re.sub(f"{_BEGIN}.*?(?:{CALL_END}|\\Z)", "", text, flags=re.DOTALL).strip()


def _spoken(text: str) -> str:
    """Return a reply without thoughts. Where the chat template opens them, only their end is in the reply."""
    before, mark, after = text.partition("</think>")
    return _THOUGHTS.sub("", after if mark and "<think>" not in before else text)


_FORM: Final = 'a call is JSON such as {"name": "read_page", "arguments": {"page": 2}}'


def _written_call(written: str) -> ToolCall:
    value = _json(written)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, Mapping):
        return ToolCall(name="", problem=_FORM)
    # Some models write the OpenAI form, or "parameters", in their text.
    inner = value.get("function")
    value = inner if isinstance(inner, Mapping) else value
    return _call({"name": value.get("name"), "arguments": value.get("arguments", value.get("parameters", {}))}, None)


def _call(function: Any, identifier: Any) -> ToolCall:
    """Return the call of a "function" of a server, whose arguments are an object or JSON text."""
    name_of = function.get("name") if isinstance(function, Mapping) else None
    name = name_of[:_LONGEST] if isinstance(name_of, str) else ""
    given = function.get("arguments") if isinstance(function, Mapping) else None
    key = identifier if isinstance(identifier, str) else ""
    arguments: Any = _json(given) if isinstance(given, str) and given.strip() else given or {}
    if not isinstance(arguments, Mapping):
        return ToolCall(name=name, id=key, problem="arguments are a JSON object")
    return ToolCall(name=name, arguments=_bounded(arguments), id=key)


def _numbered(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    """Return calls whose ids all differ, because servers match answers by id and some models repeat theirs."""
    found: dict[str, ToolCall] = {}
    for number, call in enumerate(calls, 1):
        name = call.id if call.id and call.id not in found else f"call_{number}"
        while name in found:
            name += "_"
        found[name] = ToolCall(name=call.name, arguments=call.arguments, id=name, problem=call.problem)
    return tuple(found.values())


def _bounded(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments whose texts have a bounded length. Values that are longer are cut; no tool takes such ones."""
    return dict(_shortened(arguments))


def _shortened(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in list(arguments.items())[:32]:
        if len(json.dumps(value)) <= _LONGEST:
            yield str(name)[:_LONGEST], value
        else:
            yield str(name)[:_LONGEST], value[:_LONGEST] if isinstance(value, str) else None


def _json(text: str) -> Any:
    """Return the value of a JSON text; None if it is none."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None

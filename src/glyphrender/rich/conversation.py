"""A conversation → rich text: one block a message, its role as furniture, its turn number in the margin.

The source is a transcript, one string, because pages account for each character of one string. A message is a head line
(`#3 assistant`), then its parts, each on lines of its own, as they were given. The head is consumed: the marker of the
block says the same in two characters. So `Page.span` and `find` speak of the transcript, and `Message.parts` say where
in it each part of each message stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.rich.code import from_code
from glyphrender.rich.inlines import MONOSPACED
from glyphrender.rich.markdown import from_markdown
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.style import BlockStyle, Rule, Style
from glyphrender.rich.terminal import from_terminal
from glyphrender.theta import Theta, ThetaLike

#: The mark of each role: it stands behind the turn number. Any other role is marked by `OTHER`.
MARKS: Final[Mapping[str, str]] = {
    "system": "§", "developer": "§", "user": "▸", "human": "▸", "assistant": "◂", "ai": "◂", "model": "◂",
    "tool": "←", "function": "←",
}  # fmt: skip
OTHER: Final = "·"
_CALL: Final = "→"
_RESULT: Final = "←"
_MONO: Final = Style(family=MONOSPACED)
_NAME: Final = Style(weight=700)
_BAR: Final = BlockStyle(indent=0.9, rule=Rule.SIDE)
_LEFT_OUT: Final = Style(italic=True)
_IMAGES: Final = ("image", "image_url", "input_image", "image_file")
# How deep results of tools may lie inside each other.
_DEEPEST: Final = 32
_OTHER_MEDIA: Final = ("input_audio", "audio", "file", "document", "input_file", "video", "video_url")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A part of a message: "text", "call", "result" or "left out", with the role that speaks it."""

    kind: str
    text: str
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptTurn:
    """A message in the transcript.

    Attributes:
        number: number of the message; the first is 1.
        role: its role, as it was given.
        start, end: the first character of its head line, and the character after its last.
        parts: (start, end) of each part.
    """

    number: int
    role: str
    start: int
    end: int
    parts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """A conversation as rich text, and the places of its messages in the source of that text.

    Attributes:
        text: what pages are made of; `text.source` is the transcript.
        turns: the messages.

    >>> turn = from_messages([{"role": "user", "content": "Why?"}]).turns[0]
    >>> turn.role, turn.start, turn.parts
    ('user', 0, ((8, 13),))
    """

    text: RichText
    turns: tuple[TranscriptTurn, ...]


def from_messages(messages: Iterable[Mapping[str, Any]], theta: ThetaLike = None) -> Transcript:
    """Return `messages` as rich text.

    The forms of OpenAI and Anthropic are read: `content` as a string or as a list of parts, `tool_calls`, messages of
    the role `tool`, parts of type `tool_use` and `tool_result`, thoughts, refusals. Messages of users and models are
    read as Markdown. Results of tools are set as the output of a terminal, and arguments as JSON. Of an image or
    another medium, the page shows a name in brackets.

    Args:
        messages: the messages, each a mapping with "role" and "content".
        theta: how their markup is set.

    Raises:
        DataError: a message or a part has another form; the message says which.
        ThetaError: `theta` is not valid.
        DependencyError: markdown-it-py or Pygments is not installed.

    >>> talk = from_messages([{"role": "user", "content": "Is *this* it?"}, {"role": "assistant", "content": "Yes."}])
    >>> talk.text.source
    '#1 user\\nIs *this* it?\\n#2 assistant\\nYes.\\n'
    >>> talk.text.drawn
    'Is this it?\\nYes.\\n'
    """
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Iterable):
        raise DataError(f"messages is {type(messages).__name__}, not a list of messages. Pass a list of mappings.")
    theta = Theta.of(theta)
    transcript = _TranscriptBuilder()
    turns: list[TranscriptTurn] = []
    for number, message in enumerate(messages, 1):
        role, parts = _parts(number, message)
        start, places = transcript.length, []
        transcript.hide(f"#{number} {role}\n")
        indent = round(0.7 + 0.6 * (len(str(number)) + 1), 2)
        for index, part in enumerate(parts):
            mark = {"call": _CALL, "result": _RESULT}.get(part.kind) or MARKS.get(role.lower(), OTHER)
            marker = f"{number}{mark}" if not index else mark if part.kind in ("call", "result") else ""
            places.append(transcript.add(part, theta, BlockStyle(indent=indent, marker=marker)))
        turns.append(TranscriptTurn(number=number, role=role, start=start, end=transcript.length, parts=tuple(places)))
    return Transcript(text=transcript.text(), turns=tuple(turns))


class _TranscriptBuilder:
    """The transcript that is being made, and what a rich text says of it.

    Attributes:
        length: its characters so far.
    """

    def __init__(self) -> None:
        self.length = 0
        self._texts: list[str] = []
        self._spans: list[tuple[int, int, Style]] = []
        self._blocks: list[tuple[int, int, BlockStyle]] = []
        self._consumed: list[tuple[int, int]] = []
        self._replaced: list[tuple[int, int, str]] = []

    def hide(self, text: str) -> None:
        """Add `text`, which is not drawn."""
        self._consumed.append((self.length, self.length + len(text)))
        self._append(text)

    def add(self, part: _Part, theta: Theta, around: BlockStyle) -> tuple[int, int]:
        """Add a part of a message, in its own lines and in the block of the message; return its place."""
        start = self.length
        text = f"{part.name} {part.text}" if part.name else part.text
        if not text.endswith(("\n", "\r")):
            text += "\n"
        end = start + len(text)
        self._blocks.append((start, end, around))
        match part.kind:
            case "text":
                self._say(from_markdown(part.text, theta), start)
            case "call":
                arguments = start + len(part.name) + 1
                self._spans += (start, arguments - 1, _NAME), (arguments, end, _MONO)
                self._say(from_code(part.text, "json", theta), arguments)
            case "result":
                self._blocks.append((start, end, _BAR))
                self._say(from_terminal(part.text, theta), start)
            case _:
                self._spans.append((start, end, _LEFT_OUT))
        self._append(text)
        return start, end

    def text(self) -> RichText:
        """Return the transcript as rich text."""
        return RichText(
            "".join(self._texts),
            self._spans,
            blocks=self._blocks,
            consumed=self._consumed,
            replaced=self._replaced,
        )

    def _append(self, text: str) -> None:
        self._texts.append(text)
        self.length += len(text)

    def _say(self, piece: RichText, by: int) -> None:
        """Say of the characters from `by` on what `piece` says of its own."""
        self._spans += ((a + by, b + by, style) for a, b, style in piece.spans)
        self._blocks += ((a + by, b + by, style) for a, b, style in piece.blocks)
        self._consumed += ((a + by, b + by) for a, b in piece.consumed)
        self._replaced += ((a + by, b + by, text) for a, b, text in piece.replaced)


def _parts(number: int, message: object) -> tuple[str, list[_Part]]:
    """Return (role, parts) of a message."""
    if not isinstance(message, Mapping):
        raise DataError(f"message {number} is {type(message).__name__}, not a mapping with role and content.")
    role = message.get("role", message.get("type"))
    if not isinstance(role, str) or not role.strip() or not role.isprintable():
        raise DataError(f"message {number} has the role {shown(role)}. Give it a role such as user or assistant.")
    role = role.strip()
    content = message.get("content")
    found: list[_Part] = []
    if thoughts := message.get("reasoning_content") or message.get("reasoning"):
        found.append(_Part(kind="text", text=_text(number, "reasoning", thoughts)))
    if isinstance(content, str):
        kind = "result" if role.lower() in ("tool", "function") else "text"
        found += [_Part(kind=kind, text=content)] if content else []
    elif isinstance(content, Sequence):
        for part in content:
            found += _content_part(number, role, part)
    elif content is not None:
        raise DataError(
            f"message {number} has content of type {type(content).__name__}. Pass a str or a list of parts."
        )
    if refusal := message.get("refusal"):
        found.append(_Part(kind="text", text=_text(number, "refusal", refusal)))
    calls = message.get("tool_calls") or ()
    if old := message.get("function_call"):
        calls = [*calls, {"function": old}]
    if not isinstance(calls, Sequence) or isinstance(calls, str):
        raise DataError(f"message {number} has tool_calls of type {type(calls).__name__}. Pass a list of calls.")
    found += (_call(number, call) for call in calls)
    return role, found


def _content_part(number: int, role: str, part: object, depth: int = 0) -> list[_Part]:
    if isinstance(part, str):
        part = {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        raise DataError(f"message {number} has a part of type {type(part).__name__}. A part is a mapping with a type.")
    kind = part.get("type", "text")
    if kind in ("text", "input_text", "output_text", "refusal", "thinking", "reasoning"):
        text = _text(number, f"a part of type {kind}", part.get("text", part.get(kind, "")))
        spoken = "result" if role.lower() in ("tool", "function") else "text"
        return [_Part(kind=spoken, text=text)] if text else []
    if kind == "redacted_thinking":
        return [_Part(kind="left out", text="[redacted thinking]")]
    if kind in ("tool_use", "server_tool_use"):
        return [_call(number, {"function": {"name": part.get("name"), "arguments": part.get("input", {})}})]
    if kind in ("tool_result", "web_search_tool_result"):
        content = part.get("content") or ""
        if isinstance(content, str):
            return [_Part(kind="result", text=content)] if content else []
        if not isinstance(content, Sequence):
            raise DataError(
                f"message {number} has a tool result of type {type(content).__name__}. Pass a str or a list."
            )
        if depth == _DEEPEST:
            raise DataError(f"message {number} has tool results inside each other, {_DEEPEST} deep. Give their text.")
        return [each for inner in content for each in _content_part(number, "tool", inner, depth + 1)]
    if kind in _IMAGES or kind in _OTHER_MEDIA:
        return [_Part(kind="left out", text=_name_of(str(kind), part))]
    raise DataError(
        f"message {number} has a part of the unknown type {shown(kind)}. Make it a part of type text, or leave it out."
    )


def _call(number: int, call: object) -> _Part:
    function = call.get("function", call.get("custom", call)) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise DataError(f"message {number} has a tool call without a name: {shown(call)}. Give it function.name.")
    arguments = function.get("arguments", function.get("input", ""))
    if not isinstance(arguments, str):
        try:
            arguments = json.dumps(arguments, ensure_ascii=False, default=str)
        except (TypeError, ValueError, RecursionError):  # a key that is a tuple, or a value inside itself
            raise DataError(f"message {number} has arguments that are no JSON value. Pass them as JSON text.") from None
    return _Part(kind="call", name=function["name"], text=arguments)


def _name_of(kind: str, part: Mapping[str, Any]) -> str:
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
    return f"[{label[:200]}]"


def _text(number: int, what: str, value: object) -> str:
    if not isinstance(value, str):
        raise DataError(f"message {number} has {what} of type {type(value).__name__}, not str.")
    return value

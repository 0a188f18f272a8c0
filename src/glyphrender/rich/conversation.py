"""A conversation → rich text: one block a message, its role as furniture, its turn number in the margin.

The source is a transcript, one string, because pages account for each character of one string. A message is a head line
(`#3 assistant`), then its parts, each on lines of its own, as they were given. The head is consumed: the marker of the
block says the same in two characters. So `Page.span` and `find` speak of the transcript, and `Message.parts` say where
in it each part of each message stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.errors import DataError
from glyphrender.rich.code import from_code
from glyphrender.rich.inlines import MONOSPACED
from glyphrender.rich.markdown import from_markdown
from glyphrender.rich.messages import MessagePart, parts_of
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.style import BlockStyle, Rule, Style
from glyphrender.rich.table import Table
from glyphrender.rich.terminal import from_terminal
from glyphrender.theta import Theta, ThetaLike

#: The mark of each role: it stands behind the turn number. Any other role is marked by `OTHER`.
MARKS: Final[Mapping[str, str]] = {
    "system": "§", "developer": "§", "user": "▸", "human": "▸", "assistant": "◂", "ai": "◂", "model": "◂",
    "reasoning": "◂", "tool": "←", "function": "←",
}  # fmt: skip
OTHER: Final = "·"
_CALL: Final = "→"
_RESULT: Final = "←"
_MONO: Final = Style(family=MONOSPACED)
_NAME: Final = Style(weight=700)
_BAR: Final = BlockStyle(indent=0.9, rule=Rule.SIDE)
_LEFT_OUT: Final = Style(italic=True)


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

    The forms of OpenAI and Anthropic are read (`rich/messages.py`): `content` as a string or as a list of parts,
    `tool_calls`, messages of the role `tool`, items of the Responses API, parts of type `tool_use` and `tool_result`
    and those of tools that a server runs, thoughts, refusals. Messages of users and models are read as Markdown.
    Results of tools are set as the output of a terminal, and arguments as JSON. The page shows the
    name of an image, or of another medium, in brackets.

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
        role, parts = parts_of(number, message)
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
        self._tables: list[Table] = []

    def hide(self, text: str) -> None:
        """Add `text`, which is not drawn."""
        self._consumed.append((self.length, self.length + len(text)))
        self._append(text)

    def add(self, part: MessagePart, theta: Theta, around: BlockStyle) -> tuple[int, int]:
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
            tables=self._tables,
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
        self._tables += (table.moved(by) for table in piece.tables)

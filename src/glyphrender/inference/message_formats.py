"""The message shapes of the providers: packed turns → the body of a request.

Each function takes the same turns and returns the keyword arguments of one client's method. The content before a
question does not depend on the question or on anything after it, so prompt caches can be used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from glyphrender.inference.conversation import ImageLike, Role, pil_image
from glyphrender.inference.providers import MessageFormat

__all__ = ["FORMATS", "TURNS_KEYS", "PackedImage", "PackedTurn", "chat_messages", "image_content"]

#: The keys under which a body may hold the turns.
TURNS_KEYS: Final = ("messages", "input", "contents")


@dataclass(frozen=True, slots=True)
class PackedImage:
    """An image in the form in which it is sent.

    Attributes:
        data: the PNG in base64.
        picture: the image itself, for a model on this machine.
    """

    data: str
    picture: ImageLike


@dataclass(frozen=True, slots=True)
class PackedTurn:
    """A turn in the form in which it is sent: texts and images, in order.

    Attributes:
        role: "system", "user" or "assistant".
        parts: the texts and images.
    """

    role: Role
    parts: tuple[str | PackedImage, ...]

    @property
    def text(self) -> str:
        """Return the texts, joined by empty lines."""
        return "\n\n".join(part for part in self.parts if isinstance(part, str))

    @property
    def has_images(self) -> bool:
        """Return whether there are images."""
        return any(isinstance(part, PackedImage) for part in self.parts)


Turns: TypeAlias = Sequence[PackedTurn]
Content: TypeAlias = list[dict[str, Any]]


def chat_messages(turns: Turns, *, detail: str | None = None) -> list[dict[str, Any]]:
    """Return turns as messages of OpenAI's chat completions.

    A turn without images becomes one string, because the chat templates of text-only models accept nothing else.

    >>> chat_messages([PackedTurn("user", ("Here is a riddle.", "Who am I?"))])
    [{'role': 'user', 'content': 'Here is a riddle.\\n\\nWho am I?'}]

    Args:
        turns: the turns.
        detail: OpenAI's `detail` for each image. Other servers do not know this field.
    """

    def content(turn: PackedTurn) -> str | Content:
        if not turn.has_images:
            return turn.text
        return [_text(part) if isinstance(part, str) else image_content(part.data, detail) for part in turn.parts]

    return [{"role": turn.role, "content": content(turn)} for turn in turns]


def image_content(data: str, detail: str | None = None) -> dict[str, Any]:
    """Return a content part of chat completions with one PNG, given in base64."""
    more = {"detail": detail} if detail else {}
    return {"type": "image_url", "image_url": {"url": _url(data), **more}}


def _openai(turns: Turns, detail: str | None, cache: bool) -> dict[str, Any]:
    return {"messages": chat_messages(turns, detail=detail)}


def _responses(turns: Turns, detail: str | None, cache: bool) -> dict[str, Any]:
    def content(turn: PackedTurn) -> str | Content:
        if turn.role == "assistant":
            return turn.text
        return [
            {"type": "input_text", "text": part}
            if isinstance(part, str)
            else {"type": "input_image", "image_url": _url(part.data), "detail": detail or "auto"}
            for part in turn.parts
        ]

    instruction, turns = _without_system(turns)
    body: dict[str, Any] = {"instructions": instruction} if instruction else {}
    return body | {"input": [{"role": turn.role, "content": content(turn)} for turn in turns]}


def _anthropic(turns: Turns, detail: str | None, cache: bool) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png"}

    def content(turn: PackedTurn) -> Content:
        return [
            _text(part) if isinstance(part, str) else {"type": "image", "source": {**source, "data": part.data}}
            for part in turn.parts
        ]

    instruction, turns = _without_system(turns)
    messages = [{"role": turn.role, "content": content(turn)} for turn in turns]
    if cache:
        # Mark the last turn that has images. In it, mark the last image, so that the next question finds the pages in
        # the cache, and the last image but one, in case the document grows. Without images, mark the first text.
        number = next((number for number in range(len(turns))[::-1] if turns[number].has_images), 0)
        marked: Any = messages[number]["content"]
        images = [part for part in marked if part["type"] == "image"]
        for part in images[-2:] or marked[:1]:
            part["cache_control"] = {"type": "ephemeral"}
    body: dict[str, Any] = {"system": instruction} if instruction else {}
    return body | {"messages": messages}


def _gemini(turns: Turns, detail: str | None, cache: bool) -> dict[str, Any]:
    def parts(turn: PackedTurn) -> Content:
        return [
            {"text": part} if isinstance(part, str) else {"inlineData": {"mimeType": "image/png", "data": part.data}}
            for part in turn.parts
        ]

    instruction, turns = _without_system(turns)
    body: dict[str, Any] = {"systemInstruction": {"parts": [{"text": instruction}]}} if instruction else {}
    roles = {"assistant": "model"}
    return body | {"contents": [{"role": roles.get(turn.role, turn.role), "parts": parts(turn)} for turn in turns]}


def _transformers(turns: Turns, detail: str | None, cache: bool) -> dict[str, Any]:
    def content(turn: PackedTurn) -> Content:
        return [
            _text(part) if isinstance(part, str) else {"type": "image", "image": pil_image(part.picture)}
            for part in turn.parts
        ]

    return {"messages": [{"role": turn.role, "content": content(turn)} for turn in turns]}


def _without_system(turns: Turns) -> tuple[str, Turns]:
    """Return the system's text and the other turns: some providers take the instruction beside the turns."""
    system = [turn.text for turn in turns if turn.role == "system"]
    return "\n\n".join(system), [turn for turn in turns if turn.role != "system"]


def _url(data: str) -> str:
    return f"data:image/png;base64,{data}"


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


#: For each format, a function: (turns, OpenAI's detail, whether to mark pages for Anthropic's prompt cache) → body of
#: the request.
FORMATS: Final[dict[MessageFormat, Callable[[Turns, str | None, bool], dict[str, Any]]]] = {
    "openai": _openai,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "transformers": _transformers,
}

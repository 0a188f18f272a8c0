"""The message shapes of the providers: packed turns → the body of a request.

Each function takes the same turns and returns the keyword arguments of one client's method. The content before a
question does not depend on the question or on anything after it, so prompt caches can be used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, TypeAlias

from glyphrender.inference.conversation import ImageLike, Role, pil_image
from glyphrender.inference.json_stream import Base64Image
from glyphrender.inference.providers import MessageFormat
from glyphrender.models.model import VisionModel

__all__ = ["FORMATS", "TURNS_KEYS", "Marks", "PackedImage", "PackedTurn", "chat_messages", "image_content", "image_id"]

#: The keys under which a body may hold the turns.
TURNS_KEYS: Final = ("messages", "input", "contents")


@dataclass(frozen=True, slots=True)
class PackedImage:
    """An image in the form in which it is sent.

    Attributes:
        png: the bytes of the PNG.
        picture: the image itself, for a model on this machine.
    """

    png: bytes
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """Fields of a request that not every server knows.

    Attributes:
        detail: OpenAI's `detail` for each image; None for servers that do not know this field.
        cache: mark the last two pages for Anthropic's prompt cache.
        ids: give each image its id as vLLM's `uuid`.
    """

    detail: str | None = None
    cache: bool = False
    ids: bool = False


Turns: TypeAlias = Sequence[PackedTurn]
Content: TypeAlias = list[dict[str, Any]]


def image_id(png: bytes) -> str:
    """Return the id of an image: the SHA-256 of its bytes, in hexadecimal. It is the same on every machine.

    vLLM keeps processed images and their features under the id, and need not hash the pixels.

    >>> image_id(b"PNG")[:16]
    '796120837694d3f3'
    """
    return sha256(png).hexdigest()


def chat_messages(turns: Turns, marks: Marks | None = None) -> list[dict[str, Any]]:
    """Return turns as messages of OpenAI's chat completions.

    A turn without images becomes one string, because the chat templates of text-only models accept nothing else.

    >>> chat_messages([PackedTurn("user", ("Here is a riddle.", "Who am I?"))])
    [{'role': 'user', 'content': 'Here is a riddle.\\n\\nWho am I?'}]

    Args:
        turns: the turns.
        marks: the fields that the server knows; by default none.
    """

    def content(turn: PackedTurn) -> str | Content:
        if not turn.has_images:
            return turn.text
        return [_text(part) if isinstance(part, str) else image_content(part.png, marks) for part in turn.parts]

    return [{"role": turn.role, "content": content(turn)} for turn in turns]


def image_content(png: bytes, marks: Marks | None = None) -> dict[str, Any]:
    """Return a content part of chat completions with one PNG, as a `Base64Image`."""
    chosen = marks or Marks()
    detail = {"detail": chosen.detail} if chosen.detail else {}
    # The id comes after the data, as in the examples of vLLM's documentation.
    uuid = {"uuid": image_id(png)} if chosen.ids else {}
    return {"type": "image_url", "image_url": {"url": _url(png), **detail}, **uuid}


def detail_of(model: VisionModel) -> str | None:
    """Return OpenAI's `detail` for images of `model`, which decides their cost; other servers know no such field."""
    if not model.family.startswith("openai"):
        return None
    return "high" if "detail high" in model.source else "auto"


def _openai(turns: Turns, marks: Marks) -> dict[str, Any]:
    return {"messages": chat_messages(turns, marks)}


def _responses(turns: Turns, marks: Marks) -> dict[str, Any]:
    def content(turn: PackedTurn) -> str | Content:
        if turn.role == "assistant":
            return turn.text
        return [
            {"type": "input_text", "text": part}
            if isinstance(part, str)
            else {"type": "input_image", "image_url": _url(part.png), "detail": marks.detail or "auto"}
            for part in turn.parts
        ]

    instruction, turns = _without_system(turns)
    body: dict[str, Any] = {"instructions": instruction} if instruction else {}
    return body | {"input": [{"role": turn.role, "content": content(turn)} for turn in turns]}


def _anthropic(turns: Turns, marks: Marks) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png"}

    def content(turn: PackedTurn) -> Content:
        return [
            _text(part)
            if isinstance(part, str)
            else {"type": "image", "source": {**source, "data": Base64Image(part.png)}}
            for part in turn.parts
        ]

    instruction, turns = _without_system(turns)
    messages = [{"role": turn.role, "content": content(turn)} for turn in turns]
    if marks.cache:
        # Mark the last turn that has images. In it, mark the last image, so that the next question finds the pages in
        # the cache, and the last image but one, in case the document grows. Without images, mark the first text.
        number = next((number for number in range(len(turns))[::-1] if turns[number].has_images), 0)
        marked: Any = messages[number]["content"]
        images = [part for part in marked if part["type"] == "image"]
        for part in images[-2:] or marked[:1]:
            part["cache_control"] = {"type": "ephemeral"}
    body: dict[str, Any] = {"system": instruction} if instruction else {}
    return body | {"messages": messages}


def _gemini(turns: Turns, marks: Marks) -> dict[str, Any]:
    def parts(turn: PackedTurn) -> Content:
        return [
            {"text": part}
            if isinstance(part, str)
            else {"inlineData": {"mimeType": "image/png", "data": Base64Image(part.png)}}
            for part in turn.parts
        ]

    instruction, turns = _without_system(turns)
    body: dict[str, Any] = {"systemInstruction": {"parts": [{"text": instruction}]}} if instruction else {}
    roles = {"assistant": "model"}
    return body | {"contents": [{"role": roles.get(turn.role, turn.role), "parts": parts(turn)} for turn in turns]}


def _transformers(turns: Turns, marks: Marks) -> dict[str, Any]:
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


def _url(png: bytes) -> Base64Image:
    return Base64Image(png, "data:image/png;base64,")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


#: For each format, a function: (turns, marks) → body of the request, with its images as `Base64Image`.
FORMATS: Final[dict[MessageFormat, Callable[[Turns, Marks], dict[str, Any]]]] = {
    "openai": _openai,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "transformers": _transformers,
}

"""A conversation with a model, as plain values: turns, each with a role and parts.

A part is one of these: a `str`; a rendered `Document`, which stands for all its pages in order; one `Page`; a PIL
image; or the bytes of a PNG. Any part may stand in any turn. A conversation does not say how its parts are sent: the
sender decides this.

    >>> from glyphrender import render
    >>> conversation = Conversation.ask(render("The parcel is 8841-2207."), "Which parcel?")
    >>> conversation = conversation.then("8841-2207.", "How many digits?")
    >>> [turn.role for turn in conversation.turns]
    ['user', 'assistant', 'user']
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, Union, get_args

from glyphrender._system.arguments import all_of, demand, instance
from glyphrender.document.document import Document
from glyphrender.document.page import Page
from glyphrender.errors import DataError
from glyphrender.tasks.task import Example

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Conversation", "ImageLike", "Role", "Turn", "TurnPart", "pil_image", "png_bytes"]

Role: TypeAlias = Literal["system", "user", "assistant"]
#: One image of a turn: a page, a PIL image, or the bytes of a PNG.
ImageLike: TypeAlias = Union[Page, "Image", bytes]
#: One part of a turn; see the module.
TurnPart: TypeAlias = str | Document | ImageLike

_ROLES: Final[tuple[str, ...]] = get_args(Role)
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation.

    Attributes:
        role: "system", "user" or "assistant".
        parts: the texts, documents and images, in order.

    Raises:
        DataError: the role is unknown, there are no parts, a part has another type, or bytes are no PNG.
    """

    role: Role
    parts: tuple[TurnPart, ...]

    def __post_init__(self) -> None:
        if self.role not in _ROLES:
            raise DataError(f"role={self.role!r} is not known. Use one of: {', '.join(_ROLES)}.")
        object.__setattr__(self, "parts", tuple(self.parts))
        if not self.parts:
            raise DataError(f"a turn of the {self.role} is empty. Give it a text, a document or an image.")
        for part in self.parts:
            if isinstance(part, bytes) and not part.startswith(_PNG):
                raise DataError("the bytes of an image are no PNG. Give the bytes of a PNG file, or a PIL image.")
            if not isinstance(part, str | Document | Page | bytes) and not hasattr(part, "convert"):
                raise DataError(
                    f"a part of a turn is a {type(part).__name__}. Use a str, a Document, a Page, a PIL image, or the "
                    "bytes of a PNG."
                )

    @property
    def text(self) -> str:
        """Return the texts of this turn, joined by empty lines."""
        return "\n\n".join(part for part in self.parts if isinstance(part, str))

    def flat(self) -> Iterator[str | ImageLike]:
        """Yield the parts, with each document replaced by its pages."""
        for part in self.parts:
            if isinstance(part, Document):
                yield from part
            else:
                yield part

    @property
    def pictures(self) -> tuple[ImageLike, ...]:
        """Return the images of this turn, pages of documents among them, in order."""
        return tuple(part for part in self.flat() if not isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation whose next turn is the model's.

    Attributes:
        turns: the turns, in order. The last one is the user's.

    Raises:
        DataError: there are no turns, the last is not the user's, or a system turn is not the first.
    """

    turns: tuple[Turn, ...]

    def __post_init__(self) -> None:
        demand("turns", self.turns, all_of("a list of turns", instance("a Turn", Turn)))
        object.__setattr__(self, "turns", tuple(self.turns))
        if not self.turns or self.turns[-1].role != "user":
            raise DataError("a conversation must end with a turn of the user. Add the question.")
        if any(turn.role == "system" for turn in self.turns[1:]):
            raise DataError("only the first turn may be the system's. Put the instruction there.")

    @classmethod
    def ask(cls, *parts: TurnPart, system: str = "") -> Conversation:
        """Return a new conversation: the instruction `system`, if it is not empty, and one turn of the user."""
        opening = (Turn("system", (system,)),) if system else ()
        return cls((*opening, Turn("user", parts)))

    @classmethod
    def about(cls, document: Document, example: Example) -> Conversation:
        """Return the earlier turns of `example`, then its question about `document`, as a conversation."""
        questions = [*(question for question, _ in example.turns), example.question]
        conversation = cls.ask(document, questions[0])
        for (_, reply), question in zip(example.turns, questions[1:], strict=True):
            conversation = conversation.then(reply, question)
        return conversation

    @property
    def pictures(self) -> tuple[ImageLike, ...]:
        """Return all images, pages of documents among them, in order."""
        return tuple(picture for turn in self.turns for picture in turn.pictures)

    @property
    def documents(self) -> tuple[Document, ...]:
        """Return all documents, in order."""
        return tuple(part for turn in self.turns for part in turn.parts if isinstance(part, Document))

    def then(self, reply: str, *parts: TurnPart) -> Conversation:
        """Return a longer conversation: this one, then the model's `reply`, then one more turn of the user."""
        return Conversation((*self.turns, Turn("assistant", (reply,)), Turn("user", parts)))


def png_bytes(picture: ImageLike, *, bits: int | None = None) -> bytes:
    """Return an image as the bytes of a PNG.

    Args:
        picture: a page, a PIL image, or the bytes of a PNG, which come back as they are.
        bits: bits of a grey pixel of a page; see `Page.png`.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, Page):
        return picture.png(bits=bits)
    buffer = BytesIO()
    image = picture if picture.mode in ("1", "L", "RGB") else picture.convert("RGB")
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def pil_image(picture: ImageLike) -> Image:
    """Return an image as a PIL image.

    Raises:
        DataError: the bytes are no image.
    """
    if isinstance(picture, Page):
        return picture.image
    if not isinstance(picture, bytes):
        return picture
    image = _opened(picture)
    try:
        image.load()
    except (OSError, SyntaxError) as error:
        raise DataError(f"the bytes of an image are no image ({error}). Give the bytes of a PNG file.") from error
    return image


def _opened(data: bytes) -> Image:
    from PIL import Image

    try:
        return Image.open(BytesIO(data))
    except (OSError, SyntaxError) as error:
        raise DataError(f"the bytes of an image are no image ({error}). Give the bytes of a PNG file.") from error


def image_size(picture: ImageLike) -> tuple[int, int]:
    """Return width and height of an image in pixels. A page is not drawn, and of a PNG only the header is read."""
    if isinstance(picture, Page):
        return picture.size
    size: tuple[int, int] = (_opened(picture) if isinstance(picture, bytes) else picture).size
    return size


def packed_png(picture: ImageLike, *, bits: int | None = None) -> bytes:
    """Return the PNG bytes of an image to send. A page has 4 bits a pixel, unless `bits` or its θ says otherwise."""
    depth = 4 if bits is None and isinstance(picture, Page) and picture.theta.antialias else bits
    return png_bytes(picture, bits=depth)


def base64_png(picture: ImageLike, *, bits: int | None = None) -> str:
    """Return the bytes of `packed_png` in base64."""
    return b2a_base64(packed_png(picture, bits=bits), newline=False).decode("ascii")

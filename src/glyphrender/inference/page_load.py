"""Count the tokens, images and bytes of pages, and form groups of pages that each fit into one request.

A `PageLoad` is a list of pages in the form in which they will be sent: images or text. A `Room` is the space for pages
in a request. Images are drawn only when their bytes are needed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from glyphrender.document.page import Page
from glyphrender.errors import VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import Tokenizer

__all__ = ["PageLoad", "Room", "excess", "image_load", "text_load"]

# In every format, an image takes some 120 bytes of JSON in addition to its data.
_ENVELOPE = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The part of a request that pages may take. None means no limit.

    Attributes:
        images: most images.
        bytes: most bytes of JSON.
        tokens: most tokens.
    """

    images: int | None = None
    bytes: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PageLoad:
    """Pages in the form in which they will be sent, with the tokens and bytes of each.

    Attributes:
        pages: the pages, in order.
        images: whether the pages are sent as images. If not, they are sent as text.
        tokens: tokens of each page.
        sizes: bytes of JSON of each page; None for images, whose bytes are known only after they are drawn.
        data: a function that returns the content of a page to send: its text, or its PNG in base64.
    """

    pages: tuple[Page, ...]
    images: bool
    tokens: tuple[int, ...]
    sizes: tuple[int, ...] | None
    data: Callable[[Page], str]

    @property
    def total(self) -> int:
        """Return the tokens of all pages."""
        return sum(self.tokens)

    @property
    def size(self) -> int:
        """Return the bytes of JSON of all pages."""
        return sum(self.bytes())

    def bytes(self) -> tuple[int, ...]:
        """Return the bytes of JSON of each page. Images are drawn."""
        if self.sizes is not None:
            return self.sizes
        return tuple(len(self.data(page)) + _ENVELOPE for page in self.pages)

    def overhead(self, model: VisionModel) -> int:
        """Return the tokens that `model` spends around the images of all pages."""
        return sum(model.image(*page.size).overhead for page in self.pages)

    def excess(self, room: Room) -> list[str]:
        """Return the limits of `room` that these pages exceed. Each is the beginning of a sentence; see `excess`."""
        return excess(
            room,
            tokens=self.total,
            images=len(self.pages) if self.images else None,
            size=self.size if room.bytes is not None else None,
        )

    def groups(self, room: Room) -> Iterator[PageLoad]:
        """Yield runs of consecutive pages that fit into `room`, each as long as it can be.

        Groups are formed from the front, so the groups of old pages stay the same when a document grows.

        Raises:
            VisionModelError: one page alone does not fit.
        """
        begin, count = 0, len(self.pages)
        sizes = self.bytes() if room.bytes is not None else (0,) * count
        sums = {"tokens": [0, *accumulate(self.tokens)], "bytes": [0, *accumulate(sizes)]}
        limits = {"tokens": room.tokens, "bytes": room.bytes}
        most = room.images if self.images and room.images else count
        while begin < count:
            end = min(begin + most, count)
            while any(
                limit is not None and sums[name][end] - sums[name][begin] > limit for name, limit in limits.items()
            ):
                end -= 1
            if end == begin:
                raise VisionModelError(
                    f"page {self.pages[begin].number} alone takes {self.tokens[begin]:,} tokens and {sizes[begin]:,} "
                    f"bytes, of {room.tokens} and {room.bytes} that a request has room for. Use smaller pages."
                )
            share = slice(begin, end)
            yield replace(
                self,
                pages=self.pages[share],
                tokens=self.tokens[share],
                sizes=self.sizes and self.sizes[share],
            )
            begin = end


def excess(room: Room, *, tokens: int, images: int | None, size: int | None) -> list[str]:
    """Return each limit of `room` that is exceeded, as the beginning of a sentence. The caller adds who sets it.

    >>> excess(Room(images=3), tokens=900, images=5, size=None)
    ["the document's 5 images are 2 more than the 3 that"]

    Args:
        room: the limits.
        tokens: tokens to send.
        images: number of images to send; None if text is sent.
        size: bytes to send; None if bytes are not limited.
    """
    taken = ((tokens, room.tokens, "tokens"), (images, room.images, "images"), (size, room.bytes, "bytes"))
    return [
        f"the document's {has:,} {unit} are {has - most:,} more than the {most:,} that"
        for has, most, unit in taken
        if has is not None and most is not None and has > most
    ]


def image_load(pages: tuple[Page, ...], model: VisionModel, *, bits: int | None = None) -> PageLoad:
    """Return the load of pages that are sent as images.

    Args:
        pages: the pages.
        model: the model that says what an image costs.
        bits: bits of a grey pixel; by default 4, or 1 where θ turns antialiasing off.

    Raises:
        VisionModelError: the model refuses a page.
    """
    drawn: dict[int, str] = {}

    def data(page: Page) -> str:
        if page.number not in drawn:
            depth = bits if bits is not None else 4 if page.theta.antialias else None
            drawn[page.number] = base64.b64encode(page.png(bits=depth)).decode("ascii")
        return drawn[page.number]

    def tokens(page: Page) -> int:
        try:
            cost = model.image(*page.size)
        except VisionModelError as error:
            raise error.with_context(f"page {page.number}") from error
        return cost.tokens + cost.overhead

    return PageLoad(pages=pages, images=True, tokens=tuple(map(tokens, pages)), sizes=None, data=data)


def text_load(pages: tuple[Page, ...], counted: Tokenizer) -> PageLoad:
    """Return the load of pages that are sent as text.

    Args:
        pages: the pages.
        counted: the tokenizer that counts.
    """
    return PageLoad(
        pages=pages,
        images=False,
        tokens=tuple(counted.count(page.text) for page in pages),
        sizes=tuple(len(json.dumps(page.text)) for page in pages),
        data=lambda page: page.text,
    )

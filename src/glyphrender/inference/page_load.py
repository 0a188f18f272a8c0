"""Count the tokens, images and bytes of pages, and form groups of pages that each fit into one request.

A `PageLoad` is a list of pages in the form in which they will be sent: images or text. A `Room` is the space for pages
in a request. Images are drawn only when their bytes are needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Final

from glyphrender.document.page import Page
from glyphrender.errors import VisionModelError
from glyphrender.inference.conversation import packed_png
from glyphrender.inference.json_stream import base64_length
from glyphrender.inference.providers import Provider
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import Tokenizer
from glyphrender.raster.png import recompressed

__all__ = ["PageLoad", "Pictures", "Room", "check_image_bytes", "excess", "image_load", "text_load", "too_much"]

# In every format, an image takes up to 90 bytes of JSON in addition to its data. Its id takes 75 more, and the mark of
# a prompt cache 42.
_ENVELOPE = 192
# zlib's levels for a request that is too large. Pages of a novel take 0.93 of ISA-L's bytes at level 6 (9 ms a page)
# and 0.90 at level 9 (70 ms), so one page is tried first, and other pages may gain this much more.
_LEVELS: Final = (6, 9)
_MORE: Final = 0.97


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
class Pictures:
    """The PNGs of pages. Each page is drawn once, when its PNG is first asked for.

    Attributes:
        bits: bits of a grey pixel; None for 4, or 1 where θ turns antialiasing off.
        level: zlib's level, if the PNGs are compressed again; None for PNGs as `Page.png` gives them.
        drawn: the PNGs so far, by the number of the page.
    """

    bits: int | None = None
    level: int | None = None
    drawn: dict[int, bytes] = field(default_factory=dict)

    def __call__(self, page: Page) -> bytes:
        """Return the PNG of `page`."""
        found = self.drawn.get(page.number)
        if found is None:
            found = packed_png(page, bits=self.bits)
            self.drawn[page.number] = found = found if self.level is None else recompressed(found, self.level)
        return found

    def smaller(self, level: int) -> Pictures:
        """Return the same pictures, compressed again at one of zlib's levels. No pixel changes."""
        drawn = {number: recompressed(png, level) for number, png in self.drawn.items()}
        return Pictures(bits=self.bits, level=level, drawn=drawn)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageLoad:
    """Pages in the form in which they will be sent, with the tokens and bytes of each.

    Attributes:
        pages: the pages, in order.
        tokens: tokens of each page.
        pictures: the PNGs of the pages if they are sent as images, None if they are sent as text.
    """

    pages: tuple[Page, ...]
    tokens: tuple[int, ...]
    pictures: Pictures | None

    @property
    def images(self) -> bool:
        """Return whether the pages are sent as images. If not, they are sent as text."""
        return self.pictures is not None

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
        if self.pictures is None:
            return tuple(len(json.dumps(page.text)) for page in self.pages)
        return tuple(base64_length(len(self.pictures(page))) + _ENVELOPE for page in self.pages)

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

    def fitted(self, room: Room) -> PageLoad:
        """Return this load with smaller PNGs if only its bytes exceed `room`, and smaller PNGs fit; else this load.

        Each PNG is compressed again, with fewer bits if no pixel needs more. No pixel changes.
        """
        rest = replace(room, bytes=None)
        if self.pictures is None or room.bytes is None or self.excess(rest) or self.size <= room.bytes:
            return self
        largest = max(map(self.pictures, self.pages), key=len, default=b"")
        for level in _LEVELS:
            share = len(recompressed(largest, level)) / len(largest)
            if self.size * share * _MORE > room.bytes:
                continue
            found = replace(self, pictures=self.pictures.smaller(level))
            if found.size <= room.bytes:
                return found
        return self

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
            yield replace(self, pages=self.pages[share], tokens=self.tokens[share])
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

    def tokens(page: Page) -> int:
        try:
            return model.image(*page.size).prompt_tokens
        except VisionModelError as error:
            raise error.with_context(f"page {page.number}") from error

    return PageLoad(pages=pages, tokens=tuple(map(tokens, pages)), pictures=Pictures(bits=bits))


def text_load(pages: tuple[Page, ...], counted: Tokenizer) -> PageLoad:
    """Return the load of pages that are sent as text.

    Args:
        pages: the pages.
        counted: the tokenizer that counts.
    """
    return PageLoad(pages=pages, tokens=tuple(counted.count(page.text) for page in pages), pictures=None)


def too_much(problem: str, model: VisionModel, to: Provider) -> VisionModelError:
    """Return the error for a request that exceeds a limit; `problem` is one of those that `excess` returns."""
    fewer = ", fewer bits of grey (bits)" if " bytes are" in problem else ""
    return VisionModelError(
        f"{problem} {model.name} takes in a request to {to.name}. Ask in parts (over='split'; --over map), use smaller "
        f"type (downshift){fewer}, or raise the limit.",
        model=model.name,
    )


def check_image_bytes(sizes: Sequence[int], to: Provider) -> None:
    """Raise an error if an image is too large for a provider; `sizes` are the bytes of the PNGs.

    Raises:
        VisionModelError: an image, in base64, has more bytes than `to` takes.
    """
    if to.max_image_bytes is None or to.format == "transformers":
        return
    for number, size in enumerate(map(base64_length, sizes), 1):
        if size > to.max_image_bytes:
            raise VisionModelError(
                f"page {number} has {size:,} bytes, {size - to.max_image_bytes:,} more than an image to {to.name} may "
                "have. Use a smaller page_size or dpi, or fewer bits."
            )

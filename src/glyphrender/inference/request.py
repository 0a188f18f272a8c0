"""`Request`: one request to a model, with its images as PNGs, as Python values, or as the bytes that are sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from glyphrender._system.cached_property import cached_property
from glyphrender.document.page import Page
from glyphrender.errors import DataError
from glyphrender.inference.json_stream import Base64Image, JsonStream, with_text
from glyphrender.inference.message_formats import image_id

__all__ = ["Request"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, ready for the provider's client.

    Attributes:
        content: the body, with each image as a `Base64Image` that is not encoded yet. It is what `stream` sends.
        pages: the pages that the request shows.
        images: whether the pages are sent as images. If not, they are sent as text.
        tokens: tokens of the prompt, by our count. For instruction and question, the count is an upper bound.
        bytes: bytes of the body as it is sent, in compact JSON; 0 for transformers, which gets no JSON.
    """

    content: dict[str, Any]
    pages: tuple[Page, ...]
    images: bool
    tokens: int
    bytes: int

    @cached_property
    def body(self) -> dict[str, Any]:
        """Keyword arguments of the client's method, such as {"messages": […]}. Model and sampling are left to you.

        The images are texts in base64 here: a third more bytes than `content` holds. `stream` does without them.
        """
        body: dict[str, Any] = with_text(self.content)
        return body

    def stream(self, **fields: Any) -> JsonStream:
        """Return the bytes of the request, piece by piece, for any HTTP client.

        >>> from glyphrender import render
        >>> from glyphrender.inference.messages import Packing
        >>> (request,) = Packing(send="pages").requests(render("In the beginning was the Word."), "What was?")
        >>> stream = request.stream(model="glm-4.1v", max_tokens=64)
        >>> len(stream) == len(b"".join(stream)), b"".join(stream)[:39]
        (True, b'{"model":"glm-4.1v","max_tokens":64,"me')

        `httpx.post(url, content=stream, headers={"Content-Length": str(len(stream)), …})` sends it.

        Args:
            fields: the other fields of the body, which come first.

        Raises:
            DataError: the request is for transformers, or a field is no JSON value.
        """
        try:
            return JsonStream({**fields, **self.content})
        except (TypeError, ValueError) as error:
            raise DataError(f"the request cannot be sent as JSON ({error}). Give JSON values.") from error

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the images, in order; see `image_id`."""
        return tuple(image_id(image.png) for image in _images(self.content))

    def without_data(self, known: Collection[str]) -> Request:
        """Return this request without the data of the images that the server still has in its cache.

        Only vLLM takes such a request, and refuses it if its cache has forgotten one of the images: then send the whole
        request. See `Provider.takes_ids`.

        Args:
            known: ids of images that were sent to this server before; see `ids`.

        Raises:
            DataError: the images of this request have no ids.
        """

        def kept(part: Any) -> Any:
            if isinstance(part, list):
                return [kept(each) for each in part]
            if not isinstance(part, dict):
                return part
            if part.get("type") == "image_url":
                if "uuid" not in part:
                    raise DataError("the images of this request have no ids. Pack it for provider='vllm'.")
                return {**part, "image_url": None} if part["uuid"] in known else part
            return {name: kept(each) for name, each in part.items()}

        content = kept(self.content)
        return replace(self, content=content, bytes=len(JsonStream(content)))


def _images(value: Any) -> Iterator[Base64Image]:
    if isinstance(value, Base64Image):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _images(each)

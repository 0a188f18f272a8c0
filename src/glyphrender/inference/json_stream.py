"""A JSON value as the bytes of an HTTP body, piece by piece: an image is encoded in base64 when its turn comes.

A request of 500 pages is 40 MB of JSON. `json.dumps` and a client hold it four times: the texts in base64, their
quoted copies, the whole as a str, and the whole as bytes. A `JsonStream` holds the PNGs, three quarters of the output,
and one page in base64 at a time. Its length is known before, so the body needs no chunked transfer.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Iterator
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from glyphrender.inference.completion import without_lone_surrogates

__all__ = ["Base64Image", "JsonStream", "with_text"]


@dataclass(frozen=True, slots=True)
class Base64Image:
    """An image in a JSON value, which stands for the text `prefix` + the PNG in base64.

    >>> image = Base64Image(b"PNG", "data:image/png;base64,")
    >>> str(image), len(image)
    ('data:image/png;base64,UE5H', 26)

    Attributes:
        png: the bytes of the image.
        prefix: ASCII text before the base64, without quotes and backslashes.
    """

    png: bytes
    prefix: str = ""

    def __len__(self) -> int:
        return len(self.prefix) + base64_length(len(self.png))

    def __str__(self) -> str:
        return self.encoded.decode("ascii")

    @property
    def encoded(self) -> bytes:
        """Return the text as ASCII bytes."""
        return self.prefix.encode("ascii") + b2a_base64(self.png, newline=False)


def base64_length(size: int) -> int:
    """Return the number of base64 characters for `size` bytes.

    >>> base64_length(4)
    8
    """
    return -(-size // 3) * 4


class JsonStream:
    """The compact JSON of a value, in UTF-8: `len` gives its bytes, and each iteration yields them from the beginning.

    The bytes are those of `json.dumps(value, ensure_ascii=False, separators=(",", ":"))`, with U+FFFD in place of lone
    surrogates, which UTF-8 cannot hold. A `Base64Image` is written as its text.

    >>> stream = JsonStream({"data": Base64Image(b"PNG"), "text": "é"})
    >>> b"".join(stream).decode(), len(stream)
    ('{"data":"UE5H","text":"é"}', 27)

    Args:
        value: a JSON value, which may hold `Base64Image`s. It must not change while the stream is used.

    Raises:
        TypeError, ValueError: `value` is no JSON value.
    """

    def __init__(self, value: Any) -> None:
        self._images: list[Base64Image] = []
        # The word is random and drawn after the texts were written, so no text holds it.
        word = token_hex(16)

        def mark(each: Any) -> str:
            if not isinstance(each, Base64Image):
                raise TypeError(f"a {type(each).__name__} is no JSON value")
            self._images.append(each)
            return word

        whole = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=mark)
        # The quotes around an image are in the texts before and after it.
        self._texts = [_utf8(text) for text in whole.split(word)]

    def __len__(self) -> int:
        return sum(map(len, self._texts)) + sum(map(len, self._images))

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes, one image at a time."""
        first, *others = self._texts
        yield first
        for image, text in zip(self._images, others, strict=True):
            yield image.encoded + text


def with_text(value: Any) -> Any:
    """Return a copy of a JSON value with the texts of its images: what `json.loads` would read from its stream.

    >>> with_text([{"data": Base64Image(b"PNG")}])
    [{'data': 'UE5H'}]
    """
    if isinstance(value, Base64Image):
        return str(value)
    if isinstance(value, dict):
        return {name: with_text(each) for name, each in value.items()}
    return [with_text(each) for each in value] if isinstance(value, list) else value


def _utf8(text: str) -> bytes:
    return text.encode() if text.isascii() else "".join(without_lone_surrogates([text])).encode()

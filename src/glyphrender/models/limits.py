"""Define the limits on the images and requests that a model takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The limits on the images and requests that a model takes. None means that there is no limit, or no known limit.

    Attributes:
        min_pixels: an image of fewer pixels is enlarged.
        max_pixels: an image of more pixels is shrunk.
        max_tokens: most tokens that an image costs.
        max_patches: an image of more patches, after the resize, is refused.
        max_side: an image with a longer side, in pixels, is refused.
        max_side_of_many: `(count, pixels)`: if a request has more than `count` images, no side may exceed `pixels`.
        max_aspect: an image whose longer side is more than this many times the shorter one is refused.
        max_images: most images in a request.
        max_bytes: most bytes in a request, including its images in base64.
    """

    min_pixels: int | None = None
    max_pixels: int | None = None
    max_tokens: int | None = None
    max_patches: int | None = None
    max_side: int | None = None
    max_side_of_many: tuple[int, int] | None = None
    max_aspect: float | None = None
    max_images: int | None = None
    max_bytes: int | None = None

    def in_words(self) -> Iterator[str]:
        """Yield each limit in a few words, for tables.

        >>> list(Limits(max_tokens=6144, max_side_of_many=(20, 2000)).in_words())
        ['≤ 6,144 tokens', '≤ 2,000 px above 20 images']
        """
        if self.min_pixels is not None and self.max_pixels is not None:
            yield f"{self.min_pixels:,} … {self.max_pixels:,} px"
        if self.max_tokens is not None:
            yield f"≤ {self.max_tokens:,} tokens"
        if self.max_patches is not None:
            yield f"≤ {self.max_patches:,} patches"
        if self.max_side is not None:
            yield f"side ≤ {self.max_side:,} px"
        if self.max_side_of_many is not None:
            count, side = self.max_side_of_many
            yield f"≤ {side:,} px above {count} images"
        if self.max_aspect is not None:
            yield f"sides within {self.max_aspect:g} : 1"
        if self.max_images is not None:
            yield f"≤ {self.max_images:,} images"
        if self.max_bytes is not None:
            yield f"≤ {self.max_bytes // 1_000_000} MB a request"

"""What is asked of a vision model: the tokens an image of w × h pixels costs, and what becomes of its pixels.

Pure arithmetic on sizes: nothing here opens an image, and no family needs torch or transformers. A family is a
subclass with the constants of its processor as fields and one method, `cost`; see `families/`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from glyphrender.errors import VisionModelError


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a model takes; None where there is no limit, or none is known.

    Attributes:
        min_pixels: an image of fewer pixels is enlarged.
        max_pixels: an image of more pixels is shrunk.
        max_tokens: no image costs more.
        max_patches: an image of more patches, after the resize, is refused.
        max_side: an image with a longer side, in pixels, is refused.
        max_side_of_many: (images, pixels): of more images a request than the one, sides are limited to the other.
        max_aspect: an image whose longer side exceeds this many shorter ones is refused.
        max_images: images a request.
        max_bytes: bytes a request, images in base64 included.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageCost:
    """What one image costs, and the size at which the model sees it.

    Attributes:
        tokens: visual tokens, the denominator of ρ: positions of the prompt that are filled with image features.
        overhead: all other tokens that the processor writes for the image: start, end, row and tile markers.
        size: width and height in pixels after the processor's resize, padding not counted. Of a model that sees
            an image more than once, the size in its finest view.
        scale: `size` divided by the image's own size, in x and in y.
        resampled: whether the processor interpolates pixels; where it does not, the model sees them as drawn. True
            where a provider does not say how it resizes, with the image's own size as `size`.
    """

    tokens: int
    overhead: int
    size: tuple[int, int]
    scale: tuple[float, float]
    resampled: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionModel(ABC):
    """How one model, or several with the same processor, turns an image into tokens.

    Attributes:
        name: the name `vision_model` knows it by.
        family: the file of `families/` that has its arithmetic, or the provider's rule in `hosted.py`.
        date: when the constants were last checked, as YYYY-MM.
        source: where they are from.
        hosted: whether a provider counts, whose arithmetic can only be inferred.
        grid: width and height in pixels of the cell that page sizes should be multiples of; None where no such
            cell keeps an image from being resampled.
        limits: what an image and a request may be.
    """

    name: str
    family: str
    date: str
    source: str
    hosted: bool = False
    grid: tuple[int, int] | None = None
    limits: Limits = Limits()

    def image(self, width: int, height: int) -> ImageCost:
        """Cost of one image of `width` × `height` pixels.

        Raises:
            VisionModelError: a side is below 1, or the model refuses an image of this size.
        """
        if width < 1 or height < 1:
            raise VisionModelError(f"an image of {width}×{height} px has no pixels. Use sides of 1 px or more.")
        side = self.limits.max_side
        if side is not None and max(width, height) > side:
            raise self.refusal(width, height, f"takes sides up to {side} px. Use a smaller page_size or dpi.")
        return self.cost(width, height)

    @abstractmethod
    def cost(self, width: int, height: int) -> ImageCost:
        """`image`, of a size that has pixels and is within `limits.max_side`."""

    def refusal(self, width: int, height: int, reason: str) -> VisionModelError:
        """The error that says the model, which `reason` goes on, has no use for an image of this size."""
        return VisionModelError(f"an image of {width}×{height} px is refused: {self.name} {reason}")

    def too_thin(self, width: int, height: int, size: tuple[int, int]) -> VisionModelError:
        """The error that says an image scaled to `size` would have no, or too few, pixels across."""
        scaled = f"takes no image that it scales to {size[0]}×{size[1]} px. Use a page_size nearer to a square."
        return self.refusal(width, height, scaled)


def seen(width: int, height: int, size: tuple[int, int], *, tokens: int, overhead: int) -> ImageCost:
    """Cost of an image of `width` × `height` that is resized to `size`."""
    return ImageCost(
        tokens=tokens,
        overhead=overhead,
        size=size,
        scale=(size[0] / width, size[1] / height),
        resampled=size != (width, height),
    )

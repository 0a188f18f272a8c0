"""A vision model: the tokens that it charges for an image of w × h pixels, and the size at which it sees the image.

This is arithmetic on sizes only: no code here opens an image, and no family needs torch or transformers. A family is a
subclass of `VisionModel`. The fields are the constants of the model's processor. The only method that a family must
have is `cost`; see `families/`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from glyphrender.errors import VisionModelError
from glyphrender.models.limits import Limits

__all__ = ["CHECKED", "ImageCost", "Limits", "VisionModel", "resized_cost"]

#: The month in which the constants of the models were last compared with their sources. A model that was compared in
#: another month has its own `VisionModel.checked`.
CHECKED = "2026-11"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageCost:
    """Cost of one image, and the size at which the model sees it.

    Attributes:
        tokens: visual tokens, the denominator of ρ: positions of the prompt that are filled with image features.
        overhead: all other tokens that the processor writes for the image: start, end, row and tile markers.
        size: width and height in pixels after the processor's resize, without padding. If a model sees an image more
            than once, this is the size in the finest view.
        scale: `size` divided by the size of the image, in x and in y.
        resampled: whether the processor interpolates pixels. If not, the model sees the pixels as they were drawn. If a
            provider does not say how it resizes, this is True, and `size` is the size of the image.
    """

    tokens: int
    overhead: int
    size: tuple[int, int]
    scale: tuple[float, float]
    resampled: bool

    @property
    def prompt_tokens(self) -> int:
        """Tokens of a prompt that the image needs: visual tokens and overhead."""
        return self.tokens + self.overhead


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionModel(ABC):
    """A model, or several models with the same processor, that turns an image into tokens.

    Attributes:
        name: the name that `vision_model` finds it by.
        family: the file of `families/` that has its arithmetic, or the provider's rule in `hosted.py`.
        source: the source of the constants.
        checked: month in which the constants were last checked, as YYYY-MM.
        hosted: whether a provider counts the tokens. If so, its arithmetic can only be inferred.
        grid: width and height in pixels of the cell that page sizes should be multiples of; None if no such cell
            keeps an image from being resampled.
        limits: the images and requests that the model takes.
        interpolation: how the processor interpolates pixels: "bicubic", "bilinear" or "lanczos", each with
            antialiasing; "" if a provider does not say.
    """

    name: str
    family: str
    source: str
    checked: str = CHECKED
    hosted: bool = False
    grid: tuple[int, int] | None = None
    limits: Limits = field(default_factory=Limits)
    interpolation: str = "bicubic"

    def image(self, width: int, height: int) -> ImageCost:
        """Return the cost of one image of `width` × `height` pixels.

        Raises:
            VisionModelError: a side is below 1 px, or the model refuses an image of this size.

        >>> from glyphrender.models.vision import vision_model
        >>> cost = vision_model("glm-4.1v").image(595, 842)
        >>> cost.tokens, cost.overhead, cost.size, cost.resampled
        (630, 2, (588, 840), True)
        """
        if width < 1 or height < 1:
            raise VisionModelError(
                f"an image of {width}×{height} px has no pixels. Use sides of 1 px or more.", model=self.name
            )
        side = self.limits.max_side
        if side is not None and max(width, height) > side:
            raise self.refusal(width, height, f"takes sides up to {side} px. Use a smaller page_size or dpi.")
        return self.cost(width, height)

    def resizes(self, width: int, height: int) -> tuple[tuple[int, int], ...]:
        """Return the sizes to which the processor resizes an image, in turn; empty if it keeps the pixels.

        The last is `ImageCost.size`. Padding, tiles and coarser views are left out.

        Raises:
            VisionModelError: see `image`.

        >>> from glyphrender.models.vision import vision_model
        >>> vision_model("glm-4.1v").resizes(595, 842), vision_model("glm-4.1v").resizes(588, 840)
        (((588, 840),), ())
        """
        cost = self.image(width, height)
        return (cost.size,) if cost.size != (width, height) else ()

    @abstractmethod
    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image whose sides are at least 1 px and at most `limits.max_side`."""

    def refusal(self, width: int, height: int, reason: str) -> VisionModelError:
        """Return the error for an image that the model refuses. `reason` follows the name of the model."""
        return VisionModelError(f"an image of {width}×{height} px is refused: {self.name} {reason}", model=self.name)

    def too_thin(self, width: int, height: int, size: tuple[int, int]) -> VisionModelError:
        """Return the error for an image that would have too few pixels across after scaling it to `size`."""
        scaled = f"takes no image that it scales to {size[0]}×{size[1]} px. Use a page_size nearer to a square."
        return self.refusal(width, height, scaled)


def resized_cost(width: int, height: int, size: tuple[int, int], *, tokens: int, overhead: int) -> ImageCost:
    """Return the cost of an image of `width` × `height` pixels that the processor resizes to `size`."""
    return ImageCost(
        tokens=tokens,
        overhead=overhead,
        size=size,
        scale=(size[0] / width, size[1] / height),
        resampled=size != (width, height),
    )

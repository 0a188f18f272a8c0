"""A page as a model sees it: the pixels after the resize of the model's own processor, and one sentence about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glyphrender.document.page import Page
from glyphrender.models.model import ImageCost, VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ocr.legibility import seen_image
from glyphrender.raster import png
from glyphrender.studio.page_view import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Seen", "seen"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A page as a model sees it.

    Attributes:
        model: name of the model.
        image: the pixels, as a PIL image of mode "L" or "RGB"; padding, tiles and coarser views are not shown.
        cost: tokens of the page, and the size of the image.
        note: a sentence about what happened to the pixels.
        dpi: pixels per inch of the page, for the image file.
    """

    model: str
    image: Image
    cost: ImageCost
    note: str
    dpi: float

    @property
    def picture(self) -> Picture:
        """Return the image as a picture of a view, whose label names the model and the size."""
        width, height = self.image.size
        data = png.encode(np.ascontiguousarray(self.image), dpi=self.dpi)
        return Picture(png=data, size=(width, height), label=f"{self.model} sees {width}×{height} px")


def seen(page: Page, model: str | VisionModel) -> Seen:
    """Return `page` as `model` sees it.

    The pixels are those of transformers' processors for PIL; processors that resize tensors may differ by one level of
    grey. Providers do not publish how they interpolate, and some not even the size: the note says so.

    >>> from glyphrender import render
    >>> found = seen(render("In the beginning")[0], "qwen3-vl")
    >>> found.image.size, found.cost.tokens
    ((480, 160), 75)

    Args:
        page: the page.
        model: a name in `VISION_MODELS`, or a vision model.

    Raises:
        VisionModelError: there is no such model, or it refuses a page of this size.
    """
    known = vision_model(model)
    cost = known.image(*page.size)
    return Seen(
        model=known.name,
        image=seen_image(page, known),
        cost=cost,
        note=_note(page.size, known, cost),
        dpi=page.theta.dpi,
    )


def _note(size: tuple[int, int], model: VisionModel, cost: ImageCost) -> str:
    (width, height), (wide, high) = size, cost.size
    tokens = f"{cost.tokens:,} visual tokens"
    if cost.size == size and cost.resampled:
        return f"{model.name}: the provider does not say at which size the model sees the page. {tokens}."
    if cost.size == size:
        return f"{model.name} sees the {width}×{height} px as they were drawn. {tokens}."
    how = (
        f"{model.interpolation} interpolation"
        if model.interpolation
        else "the provider does not say how; shown bicubic"
    )
    grid = "" if model.grid is None else " Theta.align_to puts pages on its grid, so that no pixel changes."
    return f"{model.name} resizes the page from {width}×{height} to {wide}×{high} px ({how}). {tokens}.{grid}"

"""Gemma: Gemma 3 resizes every image to one square, and Gemma 4 scales it to fill a budget of tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glyphrender.models.config_values import edge, integer
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost

# The budgets that Gemma 4 was trained with. Its processor takes no others.
BUDGETS = (70, 140, 280, 560, 1120)


@dataclass(frozen=True, kw_only=True, slots=True)
class SquareModel(VisionModel):
    """A model that sees every image as a square of one size.

    Attributes:
        side: side of the square in pixels.
        tokens: tokens of an image.
        overhead: tokens for markers around the image.
    """

    family: str = "gemma"
    interpolation: str = "bilinear"
    side: int
    tokens: int
    overhead: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        return resized_cost(width, height, (self.side, self.side), tokens=self.tokens, overhead=self.overhead)


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetModel(VisionModel):
    """A model that scales every image, up or down, to the most cells that fit a budget.

    Attributes:
        cell: side in pixels of the square of patches that is pooled into one token.
        budget: most tokens of an image.
    """

    family: str = "gemma"
    cell: int
    budget: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        scale = math.sqrt(self.budget * self.cell**2 / (height * width))
        columns, rows = math.floor(scale * width / self.cell), math.floor(scale * height / self.cell)
        # An image that is narrower than a cell becomes one row, or one column, of cells.
        if rows == 0:
            columns, rows = min(width // height, self.budget), 1
        elif columns == 0:
            columns, rows = 1, min(height // width, self.budget)
        return resized_cost(width, height, (columns * self.cell, rows * self.cell), tokens=columns * rows, overhead=2)


def square(name: str, source: str, *, side: int, tokens: int = 256) -> VisionModel:
    """Return a Gemma 3 model. The overhead of 4 is a start and an end token, and a blank line before and after them."""
    return SquareModel(
        name=name,
        source=source,
        grid=None,
        limits=Limits(max_tokens=tokens),
        side=side,
        tokens=tokens,
        overhead=4,
    )


def budgeted(name: str, source: str, *, budget: int, cell: int = 48) -> VisionModel:
    """Return a Gemma 4 model with this budget of tokens for each image."""
    if budget not in BUDGETS:
        raise ValueError(f"max_soft_tokens={budget} is none of {', '.join(map(str, BUDGETS))}")
    limits = Limits(max_tokens=budget)
    return BudgetModel(name=name, source=source, limits=limits, cell=cell, budget=budget)


PROCESSOR = "processor of transformers 5.23"

MODELS = (
    square("gemma-3", "preprocessor_config.json of gemma-3-4b-it, without pan and scan", side=896),
    square("gemma-3n", "preprocessor_config.json of gemma-3n-E4B-it", side=768),
    budgeted("gemma-4", f"{PROCESSOR}, the default of max_soft_tokens", budget=280),
    budgeted("gemma-4-560", f"{PROCESSOR}, max_soft_tokens=560", budget=560),
    budgeted("gemma-4-1120", f"{PROCESSOR}, max_soft_tokens=1120", budget=1120),
)


def _gemma_3(config: Mapping[str, Any], source: str) -> VisionModel:
    if config.get("do_pan_and_scan"):
        raise ValueError("do_pan_and_scan=true is not counted here; set it to false")
    return square("gemma-3", source, side=edge(config, "size", 896), tokens=integer(config, "image_seq_length", 256))


def _gemma_4(config: Mapping[str, Any], source: str) -> VisionModel:
    cell = integer(config, "patch_size", 16) * integer(config, "pooling_kernel_size", 3)
    return budgeted("gemma-4", source, budget=integer(config, "max_soft_tokens", 280), cell=cell)


PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {
    "Gemma3ImageProcessor": _gemma_3,
    "Gemma4ImageProcessor": _gemma_4,
}

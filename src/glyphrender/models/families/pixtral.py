"""Pixtral and Mistral Small: the image keeps its size up to a longest side, on a grid of patches.

A page whose sides are multiples of the patch and within the limit is not resampled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glyphrender.models.config_values import edge, integer
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchModel(VisionModel):
    """A model with one token for each patch of an image of variable size, and a marker after each row.

    Attributes:
        cell: side of a (merged) patch in pixels.
        longest: longest side in pixels; an image with a longer side is scaled down to it.
    """

    family: str = "pixtral"
    cell: int
    longest: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`.

        The overhead is a marker after each row: [IMG_BREAK], and [IMG_END] after the last row.
        """
        w, h = width, height
        excess = max(h / self.longest, w / self.longest)
        if excess > 1:
            w, h = math.floor(w / excess), math.floor(h / excess)
            if min(w, h) == 0:
                raise self.too_thin(width, height, (w, h))
        columns, rows = (w - 1) // self.cell + 1, (h - 1) // self.cell + 1
        return resized_cost(
            width, height, (columns * self.cell, rows * self.cell), tokens=columns * rows, overhead=rows
        )


def patch_model(name: str, source: str, *, cell: int, longest: int) -> VisionModel:
    """Return a model whose limit on tokens follows from its longest side."""
    side = math.ceil(longest / cell)
    limits = Limits(max_tokens=side * side)
    return PatchModel(
        name=name,
        source=source,
        grid=(cell, cell),
        limits=limits,
        cell=cell,
        longest=longest,
    )


MODELS = (
    patch_model("pixtral", "preprocessor_config.json of Pixtral-12B", cell=16, longest=1024),
    patch_model("mistral-small-3.1", "processor_config.json of Mistral-Small-3.1-24B-Instruct", cell=28, longest=1540),
    patch_model("mistral-small-3.2", "processor_config.json of Mistral-Small-3.2-24B-Instruct", cell=28, longest=1540),
)


def _pixtral(config: Mapping[str, Any], source: str) -> VisionModel:
    cell = edge(config, "patch_size", 16) * integer(config, "spatial_merge_size", 1)
    return patch_model("pixtral", source, cell=cell, longest=edge(config, "size", 1024))


PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {"PixtralImageProcessor": _pixtral}

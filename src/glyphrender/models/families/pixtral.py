"""Pixtral and Mistral Small: an image of its own size, on a grid of patches, up to a longest side.

A page whose sides are multiples of the patch and within the limit reaches the model pixel by pixel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glyphrender.models.configuration import edge, integer
from glyphrender.models.model import ImageCost, Limits, VisionModel, seen

CHECKED = "2026-11"


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchModel(VisionModel):
    """A model with one token for each patch of an image of variable size, and a marker after each row.

    Attributes:
        cell: side of a (merged) patch in pixels.
        longest: a longer side than this is scaled down to it.
    """

    cell: int
    longest: int

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`. The markers [IMG_BREAK] and, after the last row, [IMG_END] are the overhead."""
        w, h = width, height
        excess = max(h / self.longest, w / self.longest)
        if excess > 1:
            w, h = math.floor(w / excess), math.floor(h / excess)
            if min(w, h) == 0:
                raise self.too_thin(width, height, (w, h))
        columns, rows = (w - 1) // self.cell + 1, (h - 1) // self.cell + 1
        return seen(width, height, (columns * self.cell, rows * self.cell), tokens=columns * rows, overhead=rows)


def patch_model(name: str, source: str, *, cell: int, longest: int) -> VisionModel:
    """A model whose limit on tokens follows from its longest side."""
    side = math.ceil(longest / cell)
    limits = Limits(max_tokens=side * side)
    return PatchModel(
        name=name,
        family="pixtral",
        date=CHECKED,
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

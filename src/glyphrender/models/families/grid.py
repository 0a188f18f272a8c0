"""GLM-4V and Qwen-VL: the image keeps nearly its own size, on a grid of merged patches (cells).

Both sides are rounded to multiples of the cell. If the area is then outside the limits, both sides are scaled. A page
whose sides are multiples of the cell and whose area is within the limits is not resampled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glyphrender._system.arguments import TEXT, WHOLE, Wanted, all_of, checked
from glyphrender.models.config_values import integer, section
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost

# transformers' processors of both families refuse an image whose longer side exceeds this many times the shorter one.
MAX_ASPECT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class GridModel(VisionModel):
    """A model with one token for each cell of an image of variable size.

    Attributes:
        cell: side of a merged patch in pixels (patch size × merge size).
        min_area: smallest area in pixels × `frames`.
        max_area: largest area in pixels × `frames`.
        frames: factor for the area of an image. GLM's limits are those of a video, and one image counts as
            `temporal_patch_size` frames.
        enlarge: whether an image with a side below one cell is scaled up to one cell before its aspect is checked.
        markers: tokens around the image: start and end.
    """

    family: str = "grid"
    cell: int
    min_area: int
    max_area: int
    frames: int = 1
    enlarge: bool = False
    markers: int = 2

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`. `round` rounds halves to even, as the processors do."""
        cell, frames = self.cell, self.frames
        w, h = width, height
        if self.enlarge and min(w, h) < cell:
            scale = max(cell / h, cell / w)
            w, h = int(w * scale), int(h * scale)
        if max(w, h) / min(w, h) > MAX_ASPECT:
            raise self.refusal(
                width, height, f"takes sides within {MAX_ASPECT} : 1. Use a page_size nearer to a square."
            )
        columns, rows = round(w / cell), round(h / cell)
        area = frames * columns * rows * cell * cell
        if area > self.max_area:
            shrink = math.sqrt(frames * h * w / self.max_area)
            columns, rows = (max(1, math.floor(side / shrink / cell)) for side in (w, h))
        elif area < self.min_area:
            grow = math.sqrt(self.min_area / (frames * h * w))
            columns, rows = (math.ceil(side * grow / cell) for side in (w, h))
        return resized_cost(width, height, (columns * cell, rows * cell), tokens=columns * rows, overhead=self.markers)


_WHOLES = all_of("whole numbers", WHOLE)
_SIDE = Wanted(lambda side: WHOLE.holds(side) and side > 0, "a whole number of pixels")
_AREAS = Wanted(lambda pair: _WHOLES.holds(pair) and len(pair) == 2, "a pair of areas in pixels")


@checked(name=TEXT, cell=_SIDE, areas=_AREAS, source=TEXT)
def grid_model(name: str, cell: int, areas: tuple[int, int], source: str, *, glm: bool = False) -> GridModel:
    """Return a Qwen-VL model, or a GLM-4V model if `glm`. The limits of the model follow from `cell` and `areas`."""
    (least, most), frames = areas, 2 if glm else 1
    limits = Limits(
        min_pixels=math.ceil(least / frames),
        max_pixels=most // frames,
        max_tokens=most // frames // cell**2,
        max_aspect=MAX_ASPECT,
    )
    return GridModel(
        name=name,
        source=source,
        grid=(cell, cell),
        limits=limits,
        cell=cell,
        min_area=least,
        max_area=most,
        frames=frames,
        enlarge=glm,
    )


MODELS = (
    grid_model("glm-4.1v", 28, (12_544, 9_633_792), "preprocessor_config.json of GLM-4.1V-9B-Thinking", glm=True),
    grid_model("glm-4.5v", 28, (12_544, 9_633_792), "preprocessor_config.json of GLM-4.5V", glm=True),
    grid_model("glm-4.6v", 28, (12_544, 9_633_792), "preprocessor_config.json of GLM-4.6V", glm=True),
    grid_model("glm-ocr", 28, (12_544, 9_633_792), "preprocessor_config.json of GLM-OCR", glm=True),
    grid_model("qwen2-vl", 28, (3_136, 12_845_056), "preprocessor_config.json of Qwen2-VL-7B-Instruct"),
    grid_model("qwen2.5-vl", 28, (3_136, 12_845_056), "preprocessor_config.json of Qwen2.5-VL-7B-Instruct"),
    grid_model("qwen3-vl", 32, (65_536, 16_777_216), "preprocessor_config.json of Qwen3-VL-8B-Instruct"),
    grid_model("qwen3.5", 32, (65_536, 16_777_216), "preprocessor_config.json of Qwen3.5"),
    grid_model("qwen3.6", 32, (65_536, 16_777_216), "preprocessor_config.json of Qwen3.6"),
)


def _areas(config: Mapping[str, Any], least: int, most: int) -> tuple[int, int]:
    """Return the smallest and the largest area. Files use one of two names for each."""
    size = section(config, "size")
    least = integer(config, "min_pixels", integer(size, "shortest_edge", least))
    most = integer(config, "max_pixels", integer(size, "longest_edge", most))
    if least > most:
        raise ValueError(f"min_pixels={least} is above max_pixels={most}")
    return least, most


def _glm(config: Mapping[str, Any], source: str) -> VisionModel:
    cell = integer(config, "patch_size", 14) * integer(config, "merge_size", 2)
    return grid_model("glm-4v", cell, _areas(config, 12_544, 11_760_000), source, glm=True)


def _qwen(config: Mapping[str, Any], source: str) -> VisionModel:
    cell = integer(config, "patch_size", 14) * integer(config, "merge_size", 2)
    return grid_model("qwen-vl", cell, _areas(config, 3_136, 1_003_520), source)


# If a file leaves out a key, the default of transformers 5.23 is used.
PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {
    "Glm4vImageProcessor": _glm,
    "Glm46VImageProcessor": _glm,
    "Qwen2VLImageProcessor": _qwen,
    "Qwen2_5_VLImageProcessor": _qwen,
}

"""Llama 4: the image is padded to the canvas of tiles that holds it with the least enlargement.

A page whose sides are multiples of the tile is cut into tiles without resampling. A view of the whole image is added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import pack, unpack
from typing import Any

from glyphrender.models.config_values import edge, flag, integer
from glyphrender.models.families.tiles import arrangements
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost


@dataclass(frozen=True, kw_only=True, slots=True)
class CanvasModel(VisionModel):
    """A Llama 4 model.

    Attributes:
        tile: side of a tile in pixels.
        tokens: tokens of a tile.
        most: most tiles of a canvas.
        enlarge: whether the model takes the canvas in which the image is largest, instead of the one in which it is
            enlarged least.
    """

    family: str = "llama4"
    interpolation: str = "bilinear"
    tile: int
    tokens: int
    most: int
    enlarge: bool = False

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        columns, rows = self.canvas(width, height)
        tiles = columns * rows
        canvas_width, canvas_height = columns * self.tile, rows * self.tile
        # An image is enlarged to one tile at most. The processor scales in single precision if the canvas limits a
        # side, and in double precision if the image does. So 3200 × 1280 px become one pixel less than their canvas.
        x = _double if not self.enlarge and max(width, self.tile) <= canvas_width else _single
        y = _double if not self.enlarge and max(height, self.tile) <= canvas_height else _single
        box_width = max(width, self.tile) if x is _double else canvas_width
        box_height = max(height, self.tile) if y is _double else canvas_height
        across, down = x(box_width / width), y(box_height / height)
        if _single(across) < _single(down):
            size = (box_width, max(1, min(math.floor(x(height * across)), box_height)))
        else:
            size = (max(1, min(math.floor(y(width * down)), box_width)), box_height)
        # The overhead is start, view marker and end. If there are several tiles, a separator follows each, across or
        # down.
        overhead = 3 + (tiles if tiles > 1 else 0)
        return resized_cost(width, height, size, tokens=self.tokens * (tiles + (tiles > 1)), overhead=overhead)

    def canvas(self, width: int, height: int) -> tuple[int, int]:
        """Return columns and rows of the canvas for an image.

        Scales are compared in single precision, as in the processor. Some different scales are equal there.
        """
        scales = {
            (columns, rows): min(_single(columns * self.tile / width), _single(rows * self.tile / height))
            for columns, rows in arrangements(1, self.most)
        }
        chosen = max(scales.values())
        if chosen >= 1 and not self.enlarge:
            chosen = min(scale for scale in scales.values() if scale >= 1)
        return min((pair for pair, scale in scales.items() if scale == chosen), key=math.prod)


def _double(value: float) -> float:
    return value


def _single(value: float) -> float:
    """Return `value` rounded to single precision."""
    return float(unpack("f", pack("f", value))[0])


def llama(
    name: str, source: str, *, tile: int = 336, tokens: int = 144, most: int = 16, enlarge: bool = False
) -> VisionModel:
    """Return a Llama 4 model. Its limit on tokens follows from its tiles."""
    return CanvasModel(
        name=name,
        source=source,
        grid=(tile, tile),
        limits=Limits(max_tokens=tokens * (most + (most > 1))),
        tile=tile,
        tokens=tokens,
        most=most,
        enlarge=enlarge,
    )


MODELS = (llama("llama-4", "preprocessor_config.json of Llama-4-Scout-17B-16E-Instruct"),)


def _llama(config: Mapping[str, Any], source: str) -> VisionModel:
    # Four patches of a tile are merged into one token.
    tile = edge(config, "size", 336)
    patches = tile // integer(config, "patch_size", 14)
    return llama(
        "llama-4",
        source,
        tile=tile,
        tokens=patches**2 // 4,
        most=integer(config, "max_patches", 16),
        enlarge=flag(config, "resize_to_max_canvas", False),
    )


PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {"Llama4ImageProcessor": _llama}

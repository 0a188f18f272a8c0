"""Llama 4: the image is padded to the canvas of tiles that holds it with the least enlargement.

A page of whole tiles is its own canvas and is cut up pixel by pixel; a view of the whole image is added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import pack, unpack
from typing import Any

from glyphrender.models.configuration import edge, flag, integer
from glyphrender.models.model import ImageCost, Limits, VisionModel, seen

CHECKED = "2026-11"


@lru_cache(maxsize=16)
def canvases(most: int) -> tuple[tuple[int, int], ...]:
    """Columns and rows of all canvases of at most `most` tiles."""
    return tuple((columns, rows) for columns in range(1, most + 1) for rows in range(1, most // columns + 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class CanvasModel(VisionModel):
    """Llama 4.

    Attributes:
        tile: side of a tile in pixels.
        tokens: tokens a tile.
        most: most tiles of a canvas.
        enlarge: whether the canvas that lets the image be largest is taken, instead of that which lets it be least
            enlarged.
    """

    tile: int
    tokens: int
    most: int
    enlarge: bool = False

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`."""
        columns, rows = self.canvas(width, height)
        tiles = columns * rows
        canvas_width, canvas_height = columns * self.tile, rows * self.tile
        # An image is enlarged to one tile at most. The processor scales in single precision where the canvas limits a
        # side, and in double where the image does: so 3200 × 1280 px come out one pixel short of their canvas.
        x = _double if not self.enlarge and max(width, self.tile) <= canvas_width else _single
        y = _double if not self.enlarge and max(height, self.tile) <= canvas_height else _single
        box_width = max(width, self.tile) if x is _double else canvas_width
        box_height = max(height, self.tile) if y is _double else canvas_height
        across, down = x(box_width / width), y(box_height / height)
        if _single(across) < _single(down):
            size = (box_width, max(1, min(math.floor(x(height * across)), box_height)))
        else:
            size = (max(1, min(math.floor(y(width * down)), box_width)), box_height)
        # Start, view marker and end; where there are tiles, a separator after each, across or down.
        overhead = 3 + (tiles if tiles > 1 else 0)
        return seen(width, height, size, tokens=self.tokens * (tiles + (tiles > 1)), overhead=overhead)

    def canvas(self, width: int, height: int) -> tuple[int, int]:
        """Columns and rows of the canvas for an image.

        Scales are compared as the processor has them, in single precision, where some that differ are equal.
        """
        scales = {
            (columns, rows): min(_single(columns * self.tile / width), _single(rows * self.tile / height))
            for columns, rows in canvases(self.most)
        }
        chosen = max(scales.values())
        if chosen >= 1 and not self.enlarge:
            chosen = min(scale for scale in scales.values() if scale >= 1)
        return min((pair for pair, scale in scales.items() if scale == chosen), key=math.prod)


def _double(value: float) -> float:
    return value


def _single(value: float) -> float:
    """`value` rounded to single precision."""
    return float(unpack("f", pack("f", value))[0])


def llama(
    name: str, source: str, *, tile: int = 336, tokens: int = 144, most: int = 16, enlarge: bool = False
) -> VisionModel:
    """A Llama 4, whose limit on tokens follows from its tiles."""
    return CanvasModel(
        name=name,
        family="llama4",
        date=CHECKED,
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
    # The patches of a tile, four of which are merged.
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

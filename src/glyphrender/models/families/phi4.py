"""Phi-4-multimodal: the image is padded to whole tiles. A mask excludes the padding from the count."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from glyphrender.models.config_values import edge, integer
from glyphrender.models.families.tiles import closest
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost

# The processor refuses an image if it would scale a side to fewer pixels than this.
NARROWEST = 10


@lru_cache(maxsize=16)
def arrangements_in_set_order(most: int) -> tuple[tuple[int, int], ...]:
    """Return columns and rows of all arrangements of at most `most` tiles, small ones first, in the processor's order.

    The processor sorts a set by area only. So two arrangements of equal area keep the order of the set. In CPython,
    this order is the same for every set that is filled in this way. `tiles.arrangements` has another order.
    """
    every = {
        (columns, rows)
        for tiles in range(1, most + 1)
        for columns in range(1, tiles + 1)
        for rows in range(1, tiles + 1)
        if columns * rows <= most
    }
    return tuple(sorted(every, key=math.prod))


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedTiles(VisionModel):
    """A Phi-4-multimodal model.

    Attributes:
        tile: side of a tile in pixels.
        patch: side of a patch in pixels. Two by two patches are merged into one token.
        most: most tiles of an image.
    """

    family: str = "phi4"
    interpolation: str = "bilinear"
    tile: int
    patch: int
    most: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        columns, rows = math.ceil(width / self.tile), math.ceil(height / self.tile)
        if columns * rows > self.most:
            columns, rows = closest(width, height, self.tile, arrangements_in_set_order(self.most))
        box_width, box_height = columns * self.tile, rows * self.tile
        across, down = box_width / width, box_height / height
        size = (box_width, int(height * across)) if across < down else (int(width * down), box_height)
        if min(size) < NARROWEST:
            raise self.too_thin(width, height, size)
        # Count the patches of the canvas that the image covers at least in part. Every second one is a token.
        side = self.tile // self.patch
        seen_columns = self.unmasked(columns * side, box_width - size[0], side)
        seen_rows = self.unmasked(rows * side, box_height - size[1], side)
        # The view of the whole image has 16 × 16 tokens, and one more for each row. One token separates the view from
        # the tiles. One token ends each row of the tiles.
        tokens = 256 + 16 + 1 + seen_columns * seen_rows + seen_rows
        return resized_cost(width, height, size, tokens=tokens, overhead=0)

    def unmasked(self, patches: int, padding: int, side: int) -> int:
        """Return the tokens along a side of the canvas that has `patches` patches and `padding` masked pixels."""
        covered = patches - padding // self.patch if padding >= self.patch else patches
        tiles, rest = divmod(covered, side)
        return tiles * math.ceil(side / 2) + math.ceil(rest / 2)


def masked(name: str, source: str, *, tile: int = 448, patch: int = 14, most: int = 36) -> VisionModel:
    """Return a Phi-4 model. Its limit on tokens follows from its tiles."""
    side = math.ceil(tile // patch / 2)
    return MaskedTiles(
        name=name,
        source=source,
        grid=(tile, tile),
        limits=Limits(max_tokens=256 + 16 + 1 + most * side * (side + 1)),
        tile=tile,
        patch=patch,
        most=most,
    )


MODELS = (masked("phi-4-multimodal", "processor of transformers 5.23, dynamic_hd=36"),)


def _phi(config: Mapping[str, Any], source: str) -> VisionModel:
    tile, patch = edge(config, "size", 448), integer(config, "patch_size", 14)
    return masked("phi-4-multimodal", source, tile=tile, patch=patch, most=integer(config, "dynamic_hd", 36))


PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {"Phi4MultimodalImageProcessor": _phi}

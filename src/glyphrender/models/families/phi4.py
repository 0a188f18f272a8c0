"""Phi-4-multimodal: the image is padded to whole tiles, and the padding is left out of the count by a mask."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from glyphrender.models.configuration import edge, integer
from glyphrender.models.families.tiles import closest
from glyphrender.models.model import ImageCost, Limits, VisionModel, seen

CHECKED = "2026-11"
# The processor refuses an image that it would scale to a side of fewer pixels.
NARROWEST = 10


@lru_cache(maxsize=16)
def arrangements(most: int) -> tuple[tuple[int, int], ...]:
    """Columns and rows of all arrangements of at most `most` tiles, small ones first.

    The processor sorts a set by area alone, so that which of two equally near ones is met first depends on the order
    of a set, which CPython gives to any that is filled in this way.
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
    """Phi-4-multimodal.

    Attributes:
        tile: side of a tile in pixels.
        patch: side of a patch in pixels; two by two are merged into a token.
        most: most tiles of an image.
    """

    tile: int
    patch: int
    most: int

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`."""
        columns, rows = math.ceil(width / self.tile), math.ceil(height / self.tile)
        if columns * rows > self.most:
            columns, rows = closest(width, height, self.tile, arrangements(self.most))
        box_width, box_height = columns * self.tile, rows * self.tile
        across, down = box_width / width, box_height / height
        size = (box_width, int(height * across)) if across < down else (int(width * down), box_height)
        if min(size) < NARROWEST:
            raise self.too_thin(width, height, size)
        # Patches of the canvas that the image covers, if only in part; every second one of each tile is a token.
        side = self.tile // self.patch
        seen_columns = self.unmasked(columns * side, box_width - size[0], side)
        seen_rows = self.unmasked(rows * side, box_height - size[1], side)
        # The view of the whole has 16 × 16 tokens and one a row; one divides it from the tiles, whose rows end in one.
        tokens = 256 + 16 + 1 + seen_columns * seen_rows + seen_rows
        return seen(width, height, size, tokens=tokens, overhead=0)

    def unmasked(self, patches: int, padding: int, side: int) -> int:
        """Tokens along one side of the canvas of `patches` patches, of which `padding` pixels are masked."""
        covered = patches - padding // self.patch if padding >= self.patch else patches
        tiles, rest = divmod(covered, side)
        return tiles * math.ceil(side / 2) + math.ceil(rest / 2)


def masked(name: str, source: str, *, tile: int = 448, patch: int = 14, most: int = 36) -> VisionModel:
    """A Phi-4, whose limit on tokens follows from its tiles."""
    side = math.ceil(tile // patch / 2)
    return MaskedTiles(
        name=name,
        family="phi4",
        date=CHECKED,
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

"""Idefics3 and SmolVLM: the longer side of the image is scaled to one length, and the image is cut into tiles.

Both sides are stretched to whole tiles, and a small view of the whole image is added. Every image is resampled, unless
its longer side already has that length and its shorter side is a multiple of the tile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glyphrender.models.config_values import edge, flag, integer
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost

# MAX_IMAGE_SIZE of the processors.
LONGEST = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class LongestEdgeTiles(VisionModel):
    """A model that scales the longer side of every image to one length.

    Attributes:
        longest: the length of the longer side in pixels; 0 if the image is only stretched to whole tiles.
        tile: side of a tile in pixels.
        tokens: tokens of a tile.
        split: whether the image is cut into tiles. If not, there is only the view of the whole image.
    """

    family: str = "idefics"
    interpolation: str = "lanczos"
    longest: int
    tile: int
    tokens: int
    split: bool = True

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        if not self.split:
            return resized_cost(width, height, (self.tile, self.tile), tokens=self.tokens, overhead=3)
        w, h = self.rescaled(width, height)
        columns, rows = self.stretched(w, h)
        size = (columns * self.tile, rows * self.tile)
        if columns == rows == 1:
            return resized_cost(width, height, size, tokens=self.tokens, overhead=3)
        # Two markers, <fake_token_around_image><row_i_col_j>, stand before each tile. A newline stands after each row,
        # and three markers stand around the view. The last newline and the newline before the view are one token in the
        # models' vocabularies.
        overhead = 3 + rows * (2 * columns + 1)
        return resized_cost(width, height, size, tokens=self.tokens * (rows * columns + 1), overhead=overhead)

    def resizes(self, width: int, height: int) -> tuple[tuple[int, int], ...]:
        """Return the size with the longer side at `longest`, and the size of whole tiles."""
        sizes = self.rescaled(width, height), self.image(width, height).size
        before = ((width, height), *sizes)
        return tuple(size for size, last in zip(sizes, before, strict=False) if size != last)

    def rescaled(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height with the longer side at `longest`, the other side even, and no side above LONGEST."""
        aspect = width / height
        if width >= height:
            w, h = self.longest, int(self.longest / aspect)
            h += h % 2
        else:
            w, h = int(self.longest * aspect), self.longest
            w += w % 2
        w, h = max(w, 1), max(h, 1)
        aspect = w / h
        if w >= h and w > LONGEST:
            w, h = LONGEST, int(LONGEST / aspect)
        elif h > w and h > LONGEST:
            w, h = int(LONGEST * aspect), LONGEST
        return max(w, 1), max(h, 1)

    def stretched(self, width: int, height: int) -> tuple[int, int]:
        """Return columns and rows of tiles. The longer side is rounded up. The other scales along and is rounded up."""
        aspect = width / height
        if width >= height:
            columns = math.ceil(width / self.tile)
            return columns, math.ceil(int(columns * self.tile / aspect) / self.tile)
        rows = math.ceil(height / self.tile)
        return math.ceil(int(rows * self.tile * aspect) / self.tile), rows


def longest_edge(name: str, source: str, longest: int, tile: int, tokens: int, *, split: bool = True) -> VisionModel:
    """Return a model. Its limit on tokens follows from its lengths: at most a square of tiles, plus the view."""
    side = math.ceil(min(longest, LONGEST) / tile)
    return LongestEdgeTiles(
        name=name,
        source=source,
        limits=Limits(max_tokens=tokens * (side * side + 1) if split else tokens),
        longest=longest,
        tile=tile,
        tokens=tokens,
        split=split,
    )


MODELS = (
    longest_edge("idefics3", "preprocessor_config.json of Idefics3-8B-Llama3", 1456, 364, 169),
    longest_edge("smolvlm", "preprocessor_config.json of SmolVLM-Instruct", 1536, 384, 81),
    longest_edge("smolvlm-256m", "preprocessor_config.json of SmolVLM-256M-Instruct", 2048, 512, 64),
)


def _idefics(config: Mapping[str, Any], source: str) -> VisionModel:
    return longest_edge(
        "idefics3",
        source,
        edge(config, "size", 1456),
        edge(config, "max_image_size", 364),
        integer(config, "image_seq_len", 169),
        split=flag(config, "do_image_splitting", True),
    )


PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {
    "Idefics3ImageProcessor": _idefics,
    "SmolVLMImageProcessor": _idefics,
}

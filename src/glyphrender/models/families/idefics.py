"""Idefics3 and SmolVLM: the longer side is brought to one length, then cut into tiles.

Both sides are stretched up to whole tiles, and a small view of the whole image is added. Every image is resampled but
one whose longer side has that length already and whose shorter one is of whole tiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glyphrender.models.configuration import edge, flag, integer
from glyphrender.models.model import ImageCost, Limits, VisionModel, seen

CHECKED = "2026-11"
# MAX_IMAGE_SIZE of the processors.
LONGEST = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class LongestEdgeTiles(VisionModel):
    """A model that brings the longer side of every image to one length.

    Attributes:
        longest: that length in pixels; 0 where the image is only stretched to whole tiles.
        tile: side of a tile in pixels.
        tokens: tokens a tile.
        split: whether there are tiles, or only the view of the whole.
    """

    longest: int
    tile: int
    tokens: int
    split: bool = True

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`."""
        if not self.split:
            return seen(width, height, (self.tile, self.tile), tokens=self.tokens, overhead=3)
        w, h = self.rescaled(width, height)
        columns, rows = self.stretched(w, h)
        size = (columns * self.tile, rows * self.tile)
        if columns == rows == 1:
            return seen(width, height, size, tokens=self.tokens, overhead=3)
        # <fake_token_around_image><row_i_col_j> before each tile and a newline after each row; around the view of the
        # whole three markers. The last newline and the one before the view are one token in the models' vocabularies.
        overhead = 3 + rows * (2 * columns + 1)
        return seen(width, height, size, tokens=self.tokens * (rows * columns + 1), overhead=overhead)

    def rescaled(self, width: int, height: int) -> tuple[int, int]:
        """Width and height with the longer side at `longest`, the other even, neither above LONGEST."""
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
        """Columns and rows of tiles: the longer side rounded up, the other scaled with it and rounded up."""
        aspect = width / height
        if width >= height:
            columns = math.ceil(width / self.tile)
            return columns, math.ceil(int(columns * self.tile / aspect) / self.tile)
        rows = math.ceil(height / self.tile)
        return math.ceil(int(rows * self.tile * aspect) / self.tile), rows


def longest_edge(name: str, source: str, longest: int, tile: int, tokens: int, *, split: bool = True) -> VisionModel:
    """A model whose limit on tokens follows from its lengths: at most a square of tiles, and the view."""
    side = math.ceil(min(longest, LONGEST) / tile)
    return LongestEdgeTiles(
        name=name,
        family="idefics",
        date=CHECKED,
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

"""InternVL and DeepSeek-OCR: square tiles in the arrangement whose aspect ratio is nearest to that of the image.

The image is stretched to fill the arrangement. So a page whose sides are multiples of the tile is cut into tiles
without resampling. A thumbnail or a padded view of the whole page is added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from glyphrender.models.config_values import edge, flag, integer
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost


@lru_cache(maxsize=16)
def arrangements(least: int, most: int) -> tuple[tuple[int, int], ...]:
    """Return columns and rows of all arrangements of `least` … `most` tiles, small ones first."""
    every = ((columns, rows) for columns in range(1, most + 1) for rows in range(1, most // columns + 1))
    return tuple(sorted((pair for pair in every if pair[0] * pair[1] >= least), key=math.prod))


def closest(width: int, height: int, tile: int, among: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return columns and rows of the arrangement whose aspect ratio is nearest to that of an image.

    If several are equally near, the result is the last of them whose area is less than twice that of the image.
    """
    aspect, best, least = width / height, (1, 1), math.inf
    for columns, rows in among:
        difference = abs(aspect - columns / rows)
        if difference < least:
            best, least = (columns, rows), difference
        elif difference == least and width * height > 0.5 * tile * tile * columns * rows:
            best = (columns, rows)
    return best


@dataclass(frozen=True, kw_only=True, slots=True)
class ThumbnailTiles(VisionModel):
    """An InternVL model. Each tile has a fixed number of tokens. If there are several, one more shows the whole image.

    Attributes:
        tile: side of a tile in pixels.
        tokens: tokens of a tile.
        least: fewest tiles of an image, without the thumbnail.
        most: most tiles of an image, without the thumbnail.
    """

    family: str = "tiles"
    tile: int
    tokens: int
    least: int = 1
    most: int = 12

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        columns, rows = closest(width, height, self.tile, arrangements(self.least, self.most))
        tiles = columns * rows
        size = (columns * self.tile, rows * self.tile)
        return resized_cost(width, height, size, tokens=self.tokens * (tiles + (tiles > 1)), overhead=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaddedViewTiles(VisionModel):
    """A DeepSeek-OCR model: the whole image, padded to a square. An image larger than a tile is also cut into tiles.

    Attributes:
        tile: side of a tile in pixels.
        view: side of the square in pixels.
        least: fewest tiles of an image that is cut into tiles.
        most: most tiles of an image; 0 for the modes without tiles.
        newlines: whether a token ends each row of each view, as in the first DeepSeek-OCR.
    """

    family: str = "tiles"
    tile: int
    view: int
    least: int
    most: int
    newlines: bool

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`.

        One token covers 64 × 64 px, and one more token ends the image.
        """
        side, inner = math.ceil(self.view / 64), math.ceil(self.tile / 64)
        tokens = side * (side + self.newlines) + 1
        scale = self.view / max(width, height)
        size = (round(width * scale), round(height * scale))
        if min(size) == 0:
            raise self.too_thin(width, height, size)
        if self.most and max(width, height) > self.tile:
            columns, rows = closest(width, height, self.tile, arrangements(self.least, self.most))
            tokens += rows * inner * (columns * inner + self.newlines)
            size = (columns * self.tile, rows * self.tile)
        return resized_cost(width, height, size, tokens=tokens, overhead=0)


def internvl(
    name: str, source: str, *, tile: int = 448, tokens: int = 256, least: int = 1, most: int = 12
) -> VisionModel:
    """Return an InternVL model. Its limit on tokens follows from its tiles."""
    return ThumbnailTiles(
        name=name,
        source=source,
        grid=(tile, tile),
        limits=Limits(max_tokens=tokens * (most + (most > 1))),
        tile=tile,
        tokens=tokens,
        least=least,
        most=most,
    )


def deepseek(name: str, source: str, *, tile: int, view: int, most: int, newlines: bool, least: int = 2) -> VisionModel:
    """Return a DeepSeek-OCR model. Its limit on tokens follows from its views."""
    side, inner = math.ceil(view / 64), math.ceil(tile / 64)
    return PaddedViewTiles(
        name=name,
        source=source,
        grid=(tile, tile) if most else None,
        limits=Limits(max_tokens=side * (side + newlines) + 1 + most * inner * (inner + newlines)),
        tile=tile,
        view=view,
        least=least,
        most=most,
        newlines=newlines,
    )


MODELS = (
    internvl("internvl2.5", "preprocessor_config.json of InternVL2_5-8B"),
    internvl("internvl3", "preprocessor_config.json of InternVL3-8B-hf"),
    internvl("internvl3.5", "preprocessor_config.json of InternVL3_5-8B-HF"),
    deepseek("deepseek-ocr", "code of DeepSeek-OCR, mode Gundam", tile=640, view=1024, most=9, newlines=True),
    deepseek("deepseek-ocr-base", "code of DeepSeek-OCR, mode Base", tile=640, view=1024, most=0, newlines=True),
    deepseek("deepseek-ocr-large", "code of DeepSeek-OCR, mode Large", tile=640, view=1280, most=0, newlines=True),
    deepseek("deepseek-ocr-2", "processor of transformers 5.23", tile=768, view=1024, most=6, newlines=False),
    deepseek("unlimited-ocr", "processor of transformers 5.23", tile=640, view=1024, most=32, newlines=True),
)


def _internvl(config: Mapping[str, Any], source: str) -> VisionModel:
    cropped = flag(config, "crop_to_patches", False)
    return internvl(
        "internvl",
        source,
        tile=edge(config, "size", 384),
        tokens=integer(config, "image_seq_length", 256),
        least=integer(config, "min_patches", 1) if cropped else 1,
        most=integer(config, "max_patches", 12) if cropped else 1,
    )


def _deepseek_2(config: Mapping[str, Any], source: str) -> VisionModel:
    return _deepseek(config, "deepseek-ocr-2", source, tile=768, most=6, newlines=False)


def _unlimited(config: Mapping[str, Any], source: str) -> VisionModel:
    return _deepseek(config, "unlimited-ocr", source, tile=640, most=32, newlines=True)


def _deepseek(
    config: Mapping[str, Any], name: str, source: str, *, tile: int, most: int, newlines: bool
) -> VisionModel:
    cropped = flag(config, "crop_to_patches", True)
    return deepseek(
        name,
        source,
        tile=integer(config, "tile_size", tile),
        view=edge(config, "size", 1024),
        least=integer(config, "min_patches", 2),
        most=integer(config, "max_patches", most) if cropped else 0,
        newlines=newlines,
    )


PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {
    "GotOcr2ImageProcessor": _internvl,
    "DeepseekOcr2ImageProcessor": _deepseek_2,
    "UnlimitedOcrImageProcessor": _unlimited,
}

"""Models whose providers count the tokens (Claude, OpenAI, Gemini): the published rules, with dates.

Providers do not publish everything that they count, and they change their rules. Before you rely on a price, calibrate
the model with the provider's count endpoint (`calibrated`). If a provider does not say how it resizes an image,
`ImageCost.size` is the size of the image and `resampled` is true, because the provider may resample it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaudeModel(VisionModel):
    """A Claude model: patches of 28 px. An image beyond a limit is scaled to the largest size within both, then padded.

    Attributes:
        edge: longest side in pixels, after padding to whole patches.
        budget: most tokens of an image.
    """

    family: str = "claude"
    hosted: bool = True
    interpolation: str = ""
    edge: int
    budget: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        w, h = self.resized(width, height)
        return resized_cost(width, height, (w, h), tokens=math.ceil(w / 28) * math.ceil(h / 28), overhead=0)

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height before padding.

        Find the longer side by bisection, as the provider does. Another method may find another side: because the other
        side is rounded, a length may fit although a shorter length does not.
        """
        if self.fits(width, height):
            return width, height
        long, short = max(width, height), min(width, height)
        aspect = long / short
        fitting, beyond = 1, long
        while beyond - fitting > 1:
            middle = (fitting + beyond) // 2
            if self.fits(middle, max(1, round(middle / aspect))):
                fitting = middle
            else:
                beyond = middle
        other = max(1, round(fitting / aspect))
        return (fitting, other) if width >= height else (other, fitting)

    def fits(self, width: int, height: int) -> bool:
        """Return whether an image of this size is within both limits, so that it is not scaled."""
        columns, rows = math.ceil(width / 28), math.ceil(height / 28)
        return max(columns, rows) * 28 <= self.edge and columns * rows <= self.budget


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAITiles(VisionModel):
    """An older OpenAI model: an image is scaled into 2048 px, then to a shorter side of 768 px, and cut into tiles.

    A tile is 512 px wide and high.

    Attributes:
        base: tokens for each image.
        tile: tokens for each tile.
    """

    family: str = "openai-tiles"
    hosted: bool = True
    interpolation: str = ""
    base: int
    tile: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image at `detail` high."""
        scale = min(Fraction(1), Fraction(2048, max(width, height)), Fraction(768, min(width, height)))
        tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
        return resized_cost(
            width, height, _scaled(width, height, scale), tokens=self.base + self.tile * tiles, overhead=0
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAIPatches(VisionModel):
    """A newer OpenAI model: patches of 32 px within a budget. Each patch is billed as `price` tokens.

    Attributes:
        price: tokens for each patch.
        budget: most patches; an image with more patches is scaled down. None for no limit.
        edge: longest side in pixels; an image with a longer side is scaled down first. None for no limit.
    """

    family: str = "openai-patches"
    hosted: bool = True
    interpolation: str = ""
    price: Fraction
    budget: int | None
    edge: int | None

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        scale = 1.0 if self.edge is None else min(1.0, self.edge / max(width, height))
        w, h = width * scale, height * scale
        patches = _cells(w) * _cells(h)
        if self.budget is not None and patches > self.budget:
            # Scale to the area of the budget, then a little further, so that one side has whole patches.
            scale *= math.sqrt(self.budget * 32 * 32 / (w * h))
            columns, rows = width * scale / 32, height * scale / 32
            scale *= min(max(1, math.floor(side)) / side for side in (columns, rows))
            patches = min(self.budget, _cells(width * scale) * _cells(height * scale))
        most = self.limits.max_patches
        if most is not None and patches > most:
            raise self.refusal(width, height, f"takes up to {most} patches of 32 px. Use a smaller page_size or dpi.")
        size = _scaled(width, height, scale)
        return resized_cost(width, height, size, tokens=math.ceil(patches * self.price), overhead=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class GeminiTiles(VisionModel):
    """A Gemini 2 model: one tile if no side exceeds 384 px, else square crops that are each scaled to 768 px.

    The side of a crop is the shorter side of the image ÷ 1.5.
    """

    family: str = "gemini"
    hosted: bool = True
    interpolation: str = ""

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`. Crops are held between 256 and 768 px."""
        if max(width, height) <= 384:
            return _unpublished(width, height, tokens=258)
        crop = min(768, max(256, math.floor(min(width, height) / 1.5)))
        tiles = math.ceil(width / crop) * math.ceil(height / crop)
        return resized_cost(width, height, _scaled(width, height, 768 / crop), tokens=258 * tiles, overhead=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class GeminiBudget(VisionModel):
    """A Gemini 3 model: tokens depend on the media resolution, not on the size. A small image may cost a little less.

    Attributes:
        tokens: most tokens of an image at this resolution.
    """

    family: str = "gemini"
    hosted: bool = True
    interpolation: str = ""
    tokens: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        return _unpublished(width, height, tokens=self.tokens)


def _cells(side: float) -> int:
    """Return the number of patches along a side. Rounding keeps a small error of the scale from adding a patch."""
    return math.ceil(round(side / 32, 6))


def _scaled(width: int, height: int, scale: float | Fraction) -> tuple[int, int]:
    return max(1, round(width * scale)), max(1, round(height * scale))


def _unpublished(width: int, height: int, *, tokens: int) -> ImageCost:
    return ImageCost(tokens=tokens, overhead=0, size=(width, height), scale=(1.0, 1.0), resampled=True)


def claude(name: str, models: str, *, edge: int, budget: int) -> VisionModel:
    """Return a resolution tier of Claude."""
    return ClaudeModel(
        name=name,
        source=f"Claude documentation, Vision and Coordinates: {models}",
        grid=(28, 28),
        limits=Limits(
            max_tokens=budget, max_side=8000, max_side_of_many=(20, 2000), max_images=600, max_bytes=32_000_000
        ),
        edge=edge,
        budget=budget,
    )


OPENAI_GUIDE = "OpenAI guide, Images and vision"


def openai_tiles(name: str, *, base: int, tile: int) -> VisionModel:
    """Return a model of OpenAI that counts tiles. An image has at most 2 × 4 tiles."""
    return OpenAITiles(
        name=name,
        source=f"{OPENAI_GUIDE}, tile-based, detail high",
        limits=Limits(max_tokens=base + 8 * tile, max_images=1500, max_bytes=512_000_000),
        base=base,
        tile=tile,
    )


def openai_patches(
    name: str, source: str, *, price: str, budget: int | None, edge: int | None, max_patches: int = 30_000
) -> VisionModel:
    """Return a model of OpenAI that counts patches."""
    tokens = Fraction(price) * (budget or max_patches)
    return OpenAIPatches(
        name=name,
        source=f"{OPENAI_GUIDE}, patch-based, {source}",
        grid=(32, 32),
        limits=Limits(max_tokens=math.ceil(tokens), max_patches=max_patches, max_images=1500, max_bytes=512_000_000),
        price=Fraction(price),
        budget=budget,
        edge=edge,
    )


def gemini_3(name: str, resolution: str, tokens: int) -> VisionModel:
    """Return Gemini 3 at a media resolution."""
    return GeminiBudget(
        name=name,
        source=f"Gemini API documentation, Media resolution: {resolution}",
        limits=Limits(max_tokens=tokens, max_images=3600, max_bytes=20_000_000),
        tokens=tokens,
    )


MODELS = (
    claude("claude", "high-resolution tier, Claude 4.7 and later", edge=2576, budget=4784),
    claude("claude-standard", "standard tier, models before Claude 4.7", edge=1568, budget=1568),
    openai_patches("gpt-6", "detail auto", price="1.2", budget=None, edge=65_535),
    openai_patches("gpt-6-high", "detail high; the edge as measured", price="1.2", budget=2500, edge=None),
    openai_patches("gpt-5.5", "detail auto", price="1.2", budget=10_000, edge=6000),
    openai_patches("gpt-5.4", "detail high", price="1.2", budget=2500, edge=2048),
    openai_patches("gpt-5-mini", "detail high; 1.2 tokens a patch as measured", price="1.2", budget=1536, edge=2048),
    openai_patches("gpt-4.1-mini", "detail high", price="1.62", budget=1536, edge=2048),
    openai_patches("gpt-4.1-nano", "detail high", price="2.46", budget=1536, edge=2048),
    openai_patches("o4-mini", "detail high", price="1.72", budget=1536, edge=2048),
    openai_tiles("gpt-5", base=70, tile=140),
    openai_tiles("gpt-4.1", base=85, tile=170),
    openai_tiles("gpt-4o", base=85, tile=170),
    openai_tiles("gpt-4o-mini", base=2833, tile=5667),
    openai_tiles("o3", base=75, tile=150),
    GeminiTiles(
        name="gemini-2.5",
        source="Gemini API and Vertex AI documentation, Image understanding",
        limits=Limits(max_images=3600, max_bytes=20_000_000),
    ),
    gemini_3("gemini-3", "high, the default of images", 1120),
    gemini_3("gemini-3-medium", "medium", 560),
    gemini_3("gemini-3-low", "low", 280),
    gemini_3("gemini-3-ultra", "ultra high", 2240),
)

"""Claude, OpenAI and Gemini, which count on their own machines: their published rules, dated.

What is published is not all that is counted, and it changes: calibrate with the provider's count endpoint before you
pay by it (`calibrated`). Where a provider does not say how it resizes, the size is the image's own and `resampled` is
true, since nothing says that it is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from glyphrender.models.model import ImageCost, Limits, VisionModel, seen

CHECKED = "2026-11"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaudeModel(VisionModel):
    """Claude: patches of 28 px; a larger image is scaled to the largest size within both limits, then padded.

    Attributes:
        edge: longest side in pixels, padded to whole patches.
        budget: most tokens.
    """

    edge: int
    budget: int

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`."""
        w, h = self.resized(width, height)
        return seen(width, height, (w, h), tokens=math.ceil(w / 28) * math.ceil(h / 28), overhead=0)

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """Width and height before the padding.

        The longer side is found by bisection, as the provider finds it. That matters: whether a side fits is not
        monotonic, since the other is rounded.
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
        """Whether an image of this size is seen as it is."""
        columns, rows = math.ceil(width / 28), math.ceil(height / 28)
        return max(columns, rows) * 28 <= self.edge and columns * rows <= self.budget


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAITiles(VisionModel):
    """OpenAI's older models: scaled into 2048 px and to a shorter side of 768 px, then tiles of 512 px.

    Attributes:
        base: tokens an image.
        tile: tokens a tile.
    """

    base: int
    tile: int

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`, at `detail` high."""
        scale = min(Fraction(1), Fraction(2048, max(width, height)), Fraction(768, min(width, height)))
        tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
        return seen(width, height, _scaled(width, height, scale), tokens=self.base + self.tile * tiles, overhead=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAIPatches(VisionModel):
    """OpenAI's newer models: patches of 32 px within a budget, each of which is billed as so many tokens.

    Attributes:
        price: tokens a patch.
        budget: most patches; an image of more is scaled down.
        edge: longest side in pixels; a longer one is scaled down first. None for any.
    """

    price: Fraction
    budget: int | None
    edge: int | None

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`."""
        scale = 1.0 if self.edge is None else min(1.0, self.edge / max(width, height))
        w, h = width * scale, height * scale
        patches = _cells(w) * _cells(h)
        if self.budget is not None and patches > self.budget:
            # Scaled to the area of the budget, then a little more, so that one side is of whole patches.
            scale *= math.sqrt(self.budget * 32 * 32 / (w * h))
            columns, rows = width * scale / 32, height * scale / 32
            scale *= min(max(1, math.floor(side)) / side for side in (columns, rows))
            patches = min(self.budget, _cells(width * scale) * _cells(height * scale))
        most = self.limits.max_patches
        if most is not None and patches > most:
            raise self.refusal(width, height, f"takes up to {most} patches of 32 px. Use a smaller page_size or dpi.")
        size = _scaled(width, height, scale)
        return seen(width, height, size, tokens=math.ceil(patches * self.price), overhead=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class GeminiTiles(VisionModel):
    """Gemini 2: one tile up to 384 px a side, else crops of the shorter side ÷ 1.5, each scaled to 768 px."""

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`. Crops are held between 256 and 768 px."""
        if max(width, height) <= 384:
            return _unpublished(width, height, tokens=258)
        crop = min(768, max(256, math.floor(min(width, height) / 1.5)))
        tiles = math.ceil(width / crop) * math.ceil(height / crop)
        return seen(width, height, _scaled(width, height, 768 / crop), tokens=258 * tiles, overhead=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class GeminiBudget(VisionModel):
    """Gemini 3: the tokens of a media resolution, whatever the size; a small image may cost a little less.

    Attributes:
        tokens: the most an image costs at this resolution.
    """

    tokens: int

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`."""
        return _unpublished(width, height, tokens=self.tokens)


def _cells(side: float) -> int:
    """Patches along a side, which a rounding error of the scale must not make one more."""
    return math.ceil(round(side / 32, 6))


def _scaled(width: int, height: int, scale: float | Fraction) -> tuple[int, int]:
    return max(1, round(width * scale)), max(1, round(height * scale))


def _unpublished(width: int, height: int, *, tokens: int) -> ImageCost:
    return ImageCost(tokens=tokens, overhead=0, size=(width, height), scale=(1.0, 1.0), resampled=True)


def claude(name: str, models: str, *, edge: int, budget: int) -> VisionModel:
    """A resolution tier of Claude."""
    return ClaudeModel(
        name=name,
        family="claude",
        hosted=True,
        date=CHECKED,
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
    """A model of OpenAI's that counts tiles: at most 2 × 4 of them."""
    return OpenAITiles(
        name=name,
        family="openai-tiles",
        hosted=True,
        date=CHECKED,
        source=f"{OPENAI_GUIDE}, tile-based, detail high",
        limits=Limits(max_tokens=base + 8 * tile, max_images=1500, max_bytes=512_000_000),
        base=base,
        tile=tile,
    )


def openai_patches(
    name: str, source: str, *, price: str, budget: int | None, edge: int | None, max_patches: int = 30_000
) -> VisionModel:
    """A model of OpenAI's that counts patches."""
    tokens = Fraction(price) * (budget or max_patches)
    return OpenAIPatches(
        name=name,
        family="openai-patches",
        hosted=True,
        date=CHECKED,
        source=f"{OPENAI_GUIDE}, patch-based, {source}",
        grid=(32, 32),
        limits=Limits(max_tokens=math.ceil(tokens), max_patches=max_patches, max_images=1500, max_bytes=512_000_000),
        price=Fraction(price),
        budget=budget,
        edge=edge,
    )


def gemini_3(name: str, resolution: str, tokens: int) -> VisionModel:
    """Gemini 3 at a media resolution."""
    return GeminiBudget(
        name=name,
        family="gemini",
        hosted=True,
        date=CHECKED,
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
        family="gemini",
        hosted=True,
        date=CHECKED,
        source="Gemini API and Vertex AI documentation, Image understanding",
        limits=Limits(max_images=3600, max_bytes=20_000_000),
    ),
    gemini_3("gemini-3", "high, the default of images", 1120),
    gemini_3("gemini-3-medium", "medium", 560),
    gemini_3("gemini-3-low", "low", 280),
    gemini_3("gemini-3-ultra", "ultra high", 2240),
)

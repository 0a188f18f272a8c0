"""LLaVA-NeXT and LLaVA-OneVision: the image is fitted into the best of a list of canvases.

The tokens of the padding around the image are dropped. One token ends each row. A view of the whole image comes first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glyphrender.models.config_values import edge, integer
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel, resized_cost

NEXT_CANVASES = ((336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008))
ONEVISION_CANVASES = tuple((384 * rows, 384 * columns) for rows in range(1, 7) for columns in range(1, 7))


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyResolution(VisionModel):
    """A model with a list of canvases.

    Attributes:
        canvases: height and width in pixels of each canvas.
        view: side in pixels of the view of the whole image, and of a tile of a canvas.
        side: tokens along a side of the view.
        extra: tokens of the view in addition to its patches, without the tokens that the model drops.
        most: largest area of the features of a canvas, in views. Larger features are shrunk. None for no limit.
    """

    family: str = "anyres"
    canvases: tuple[tuple[int, int], ...]
    view: int
    side: int
    extra: int = 0
    most: int | None = None

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        canvas_height, canvas_width = self.canvas(width, height)
        rows, columns = canvas_height // self.view * self.side, canvas_width // self.view * self.side
        # The processors round to 7 digits, which turns 23.999999999999996 into 24.
        if width / height > columns / rows:
            rows -= (rows - int(round(height * (columns / width), 7))) // 2 * 2
        else:
            columns -= (columns - int(round(width * (rows / height), 7))) // 2 * 2
        if self.most is not None:
            excess = math.sqrt(rows * columns / (self.most * self.side**2))
            if excess > 1.1:
                rows, columns = int(rows // excess), int(columns // excess)
        tokens = rows * columns + rows + self.side**2 + self.extra
        return resized_cost(
            width, height, _fitted(width, height, canvas_width, canvas_height), tokens=tokens, overhead=0
        )

    def canvas(self, width: int, height: int) -> tuple[int, int]:
        """Return height and width of the canvas that keeps most pixels of the image. Less padding decides a tie."""
        best, most, wasted = self.canvases[0], 0, math.inf
        for canvas_height, canvas_width in self.canvases:
            scale = min(canvas_width / width, canvas_height / height)
            kept = min(int(width * scale) * int(height * scale), width * height)
            waste = canvas_width * canvas_height - kept
            if kept > most or (kept == most and waste < wasted):
                best, most, wasted = (canvas_height, canvas_width), kept, waste
        return best


def _fitted(width: int, height: int, canvas_width: int, canvas_height: int) -> tuple[int, int]:
    """Return width and height of an image after it is scaled into a canvas."""
    across, down = canvas_width / width, canvas_height / height
    if across < down:
        return canvas_width, min(math.ceil(height * across), canvas_height)
    return min(math.ceil(width * down), canvas_width), canvas_height


def any_resolution(
    name: str,
    source: str,
    canvases: tuple[tuple[int, int], ...],
    *,
    view: int,
    side: int,
    extra: int = 0,
    most: int | None = None,
    grid: tuple[int, int] | None = None,
) -> VisionModel:
    """Return a model whose limit on tokens follows from its canvases."""
    largest = 0
    for height, width in canvases:
        rows, columns = height // view * side, width // view * side
        # The model shrinks features only if they exceed the limit by more than 1.1 in each direction.
        area = rows * columns if most is None else min(rows * columns, int(1.21 * most * side**2))
        largest = max(largest, area + rows)
    return AnyResolution(
        name=name,
        source=source,
        grid=grid,
        limits=Limits(max_tokens=largest + side**2 + extra),
        canvases=canvases,
        view=view,
        side=side,
        extra=extra,
        most=most,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewOnly(VisionModel):
    """LLaVA-OneVision for prompts with several images. Each image is only stretched to the view.

    Attributes:
        view: side of the view in pixels.
        tokens: tokens of an image.
    """

    family: str = "anyres"
    view: int
    tokens: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        return resized_cost(width, height, (self.view, self.view), tokens=self.tokens, overhead=0)


NEXT, ONEVISION = "preprocessor_config.json of llava-v1.6-mistral-7b-hf", "preprocessor_config.json of llava-onevision"

MODELS = (
    any_resolution("llava-next", NEXT, NEXT_CANVASES, view=336, side=24),
    any_resolution("llava-onevision", ONEVISION, ONEVISION_CANVASES, view=384, side=27, most=9, grid=(384, 384)),
    ViewOnly(
        name="llava-onevision-several",
        source="processor of transformers 5.23, two images or more a prompt",
        grid=None,
        limits=Limits(max_tokens=730),
        view=384,
        tokens=730,
    ),
)


def _canvases(config: Mapping[str, Any], default: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    pairs = config.get("image_grid_pinpoints")
    if pairs is None:
        return default
    try:
        canvases = tuple((int(height), int(width)) for height, width in pairs)
    except (TypeError, ValueError):
        canvases = ()
    if not canvases:
        raise ValueError(f"image_grid_pinpoints={pairs!r} is not a list of height and width")
    return canvases


def _next(config: Mapping[str, Any], source: str) -> VisionModel:
    view = edge(config, "size", 336)
    # num_additional_image_tokens counts the encoder's class token, which the strategy "default" drops.
    added, dropped = (
        config.get("num_additional_image_tokens", 1),
        config.get("vision_feature_select_strategy", "default"),
    )
    side, extra = view // integer(config, "patch_size", 14), int(added) - (dropped == "default")
    return any_resolution("llava-next", source, _canvases(config, NEXT_CANVASES), view=view, side=side, extra=extra)


def _onevision(config: Mapping[str, Any], source: str) -> VisionModel:
    view = edge(config, "size", 384)
    side = math.isqrt(integer(config, "num_image_tokens", 729))
    ratio = str(config.get("vision_aspect_ratio", "anyres_max_9"))
    most = ratio.removeprefix("anyres_max_")
    if not most.isdecimal():
        raise ValueError(f"vision_aspect_ratio={ratio!r} is not of the form anyres_max_9")
    canvases = _canvases(config, ONEVISION_CANVASES)
    grid = (view, view)
    return any_resolution("llava-onevision", source, canvases, view=view, side=side, most=int(most), grid=grid)


PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {
    "LlavaNextImageProcessor": _next,
    "LlavaOnevisionImageProcessor": _onevision,
}

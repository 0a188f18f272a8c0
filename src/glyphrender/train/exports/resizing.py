"""The sizes that trainers make of an image before the model's own processor sees it, from sizes alone.

Each function repeats one function of a trainer. `benchmarks/trainer_sizes.py` calls their own code on a few hundred
sizes and writes what it gave to tests/data/trainer_sizes.json, with the versions; a test compares.
"""

from __future__ import annotations

import math
from typing import Final

from glyphrender.errors import DataError

__all__ = ["llama_factory_size", "ms_swift_size", "qwen_vl_utils_size"]

#: `image_max_pixels` and `image_min_pixels` of LLaMA-Factory, unless a configuration says otherwise.
LLAMA_FACTORY_MAX: Final = 768 * 768
LLAMA_FACTORY_MIN: Final = 32 * 32
#: Tokens of an image of qwen_vl_utils, at least and at most, unless the environment or the image says otherwise.
QWEN_MIN_TOKENS: Final = 4
QWEN_MAX_TOKENS: Final = 16_384
_MERGE: Final = 2
_MAX_RATIO: Final = 200


def llama_factory_size(
    width: int, height: int, *, max_pixels: int = LLAMA_FACTORY_MAX, min_pixels: int = LLAMA_FACTORY_MIN
) -> tuple[int, int]:
    """Return the size that LLaMA-Factory makes of an image for models of the GLM-4V and Qwen-VL families.

    Source: `_preprocess_image` of `MMPluginMixin` and `Qwen2VLPlugin`, llamafactory 0.9.5, data/mm_plugin.py.

    >>> llama_factory_size(595, 842), llama_factory_size(595, 842, max_pixels=262_144)
    ((595, 842), (430, 609))
    """
    if width * height > max_pixels:
        factor = math.sqrt(max_pixels / (width * height))
        width, height = int(width * factor), int(height * factor)
    if width * height < min_pixels and width * height:
        factor = math.sqrt(min_pixels / (width * height))
        width, height = int(width * factor), int(height * factor)
    if not width or not height:
        raise DataError("a page is so thin that LLaMA-Factory leaves no pixels of it. Use a page_size nearer a square.")
    if min(width, height) < 28:
        width, height = max(width, 28), max(height, 28)
    if width / height > _MAX_RATIO:
        width = height * 180
    if height / width > _MAX_RATIO:
        height = width * 180
    return width, height


def qwen_vl_utils_size(
    width: int,
    height: int,
    *,
    patch: int = 14,
    min_tokens: int = QWEN_MIN_TOKENS,
    max_tokens: int = QWEN_MAX_TOKENS,
) -> tuple[int, int]:
    """Return the size that `fetch_image` makes of an image: multiples of 2 × `patch` px, within an area.

    verl calls `fetch_image` for every model, ms-swift for Qwen-VL.

    Source: `smart_resize` and `fetch_image` of qwen_vl_utils 0.0.14, vision_process.py.

    Raises:
        DataError: one side is more than 200 times the other.

    >>> qwen_vl_utils_size(595, 842), qwen_vl_utils_size(595, 842, patch=16)
    ((588, 840), (608, 832))
    """
    factor = patch * _MERGE
    most, least = max_tokens * factor**2, min_tokens * factor**2
    if max(width, height) / min(width, height) > _MAX_RATIO:
        raise DataError(f"a page of {width}×{height} px is refused by qwen_vl_utils: its sides must be within 200 : 1.")
    columns, rows = (max(1, round(side / factor)) for side in (width, height))
    if columns * rows * factor**2 > most:
        shrink = math.sqrt(height * width / most)
        columns, rows = (math.floor(side / shrink / factor) for side in (width, height))
    elif columns * rows * factor**2 < least:
        grow = math.sqrt(least / (height * width))
        columns, rows = (math.ceil(side * grow / factor) for side in (width, height))
    return columns * factor, rows * factor


def ms_swift_size(width: int, height: int, *, max_pixels: int | None = None) -> tuple[int, int]:
    """Return the size that ms-swift makes of an image for its own argument `max_pixels`, which holds for all models.

    Source: `rescale_image` of ms-swift 4.6.0, template/vision_utils.py.

    >>> ms_swift_size(595, 842), ms_swift_size(595, 842, max_pixels=262_144)
    ((595, 842), (430, 609))
    """
    if max_pixels is None or max_pixels <= 0 or width * height <= max_pixels:
        return width, height
    ratio = width / height
    tall = math.sqrt(max_pixels / ratio)
    return int(tall * ratio), int(tall)

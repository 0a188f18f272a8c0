"""One file for each way of turning an image into tokens.

Each lists its models in `MODELS`; its `PROCESSORS` maps `image_processor_type`, as a `preprocessor_config.json` names
it, to the function that builds a model of the family from such a file. A new family is a file here and its name in
`FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from glyphrender.models.families import anyres, gemma, grid, idefics, llama4, phi4, pixtral, tiles
from glyphrender.models.model import VisionModel

FAMILIES = (grid, tiles, idefics, anyres, pixtral, gemma, llama4, phi4)

MODELS: tuple[VisionModel, ...] = tuple(model for family in FAMILIES for model in family.MODELS)

PROCESSORS: dict[str, Callable[[Mapping[str, Any], str], VisionModel]] = {
    name: build for family in FAMILIES for name, build in family.PROCESSORS.items()
}

"""Families of open vision models. There is one file for each way of turning an image into tokens.

Each file lists its models in `MODELS`. Its `PROCESSORS` maps the `image_processor_type` of a
`preprocessor_config.json` to the function that builds a model of the family from such a file. To add a family, add a
file here and its name to `FAMILIES`.
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

"""Make a vision model from the `preprocessor_config.json` that lies beside its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glyphrender._system.paths import path_of
from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, VisionModelError
from glyphrender.models.families import PROCESSORS
from glyphrender.models.model import VisionModel

# Endings of class names. Some versions of transformers had one class for each backend.
SUFFIXES = ("Fast", "Pil")


def vision_from_config(
    path: str | Path, *, min_pixels: int | None = None, max_pixels: int | None = None
) -> VisionModel:
    """Return the vision model for the image processor that a local file configures.

    Args:
        path: a `preprocessor_config.json`, a `processor_config.json`, or the directory that has them.
        min_pixels: least area of an image, in place of the file's value and in its unit (for GLM: area × 2 frames).
        max_pixels: greatest area of an image, in place of the file's value and in its unit.

    Raises:
        DataError: the file cannot be read, or is not a JSON object.
        VisionModelError: the file names an unknown processor, has a bad value, or has no limits on pixels to replace.
    """
    file = path_of(path, "Name a preprocessor_config.json, or the folder of a model.")
    config = _read(file)
    kind = str(config.get("image_processor_type", ""))
    for suffix in SUFFIXES:
        kind = kind.removesuffix(suffix)
    build = PROCESSORS.get(kind)
    if build is None:
        raise VisionModelError(
            f"{file}: image_processor_type={kind!r} is not known. Use one of: {', '.join(PROCESSORS)}."
        )
    if min_pixels is not None:
        config["min_pixels"] = min_pixels
    if max_pixels is not None:
        config["max_pixels"] = max_pixels
    try:
        model = build(config, str(file))
    except ValueError as error:
        raise VisionModelError(f"{file}: {error}.") from error
    if model.limits.max_pixels is None and not (min_pixels is None and max_pixels is None):
        raise VisionModelError(f"{file}: {kind} has no limits on pixels. Leave out min_pixels and max_pixels.")
    return model


def _read(path: Path) -> dict[str, Any]:
    """Return the configuration of the image processor, merged with that of the processor that contains it."""
    files = [path]
    if path.is_dir():
        files = [
            file for name in ("processor_config.json", "preprocessor_config.json") if (file := path / name).exists()
        ]
        if not files:
            raise DataError(
                f"{path} has no preprocessor_config.json. Name the file, or the model's directory.", path=path
            )
    config: dict[str, Any] = {}
    for file in files:
        try:
            found = json.loads(read_text(file, pipes=file == path))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(
                f"{file} cannot be read as JSON: {error}. Name a preprocessor_config.json.", path=file
            ) from error
        if not isinstance(found, dict):
            raise DataError(f"{file} is not a JSON object. Name a preprocessor_config.json.", path=file)
        inner = found.pop("image_processor", {})
        config |= found | (inner if isinstance(inner, dict) else {})
    return config

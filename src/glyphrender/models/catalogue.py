"""The vision models in a table: what is counted for each, within what limits, and from where it is known."""

from __future__ import annotations

from glyphrender.models.model import Limits
from glyphrender.models.vision import VISION_MODELS, vision_model


def vision_table() -> str:
    """A Markdown table of the vision models: what `glyphrender.models.vision` counts, and from where."""
    rows = [
        "| model | grid | tokens of A4 at 72 dpi | limits | checked | source |",
        "| --- | --- | ---: | --- | --- | --- |",
    ]
    for name in VISION_MODELS:
        model = vision_model(name)
        cost = model.image(595, 842)
        tokens = f"{cost.tokens:,} + {cost.overhead}" if cost.overhead else f"{cost.tokens:,}"
        grid = f"{model.grid[0]} px" if model.grid else ""
        rows.append(f"| `{name}` | {grid} | {tokens} | {_limits(model.limits)} | {model.date} | {model.source} |")
    return "\n".join(rows) + "\n"


def _limits(limits: Limits) -> str:
    shown = []
    if limits.min_pixels is not None and limits.max_pixels is not None:
        shown.append(f"{limits.min_pixels:,} … {limits.max_pixels:,} px")
    if limits.max_tokens is not None:
        shown.append(f"≤ {limits.max_tokens:,} tokens")
    if limits.max_patches is not None:
        shown.append(f"≤ {limits.max_patches:,} patches")
    if limits.max_side is not None:
        shown.append(f"side ≤ {limits.max_side:,} px")
    if limits.max_side_of_many is not None:
        images, side = limits.max_side_of_many
        shown.append(f"≤ {side:,} px above {images} images")
    if limits.max_aspect is not None:
        shown.append(f"sides within {limits.max_aspect:g} : 1")
    if limits.max_images is not None:
        shown.append(f"≤ {limits.max_images:,} images")
    if limits.max_bytes is not None:
        shown.append(f"≤ {limits.max_bytes // 1_000_000} MB a request")
    return ", ".join(shown)

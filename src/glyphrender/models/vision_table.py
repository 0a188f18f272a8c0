"""Write the table of vision models in `docs/vision.md`: the tokens of a page, and each model's limits and source."""

from __future__ import annotations

from glyphrender.models.vision import VISION_MODELS, vision_model


def vision_table() -> str:
    """Return a Markdown table with a row for each vision model."""
    rows = [
        "| model | grid | tokens of A4 at 72 dpi | limits | checked | source |",
        "| --- | --- | ---: | --- | --- | --- |",
    ]
    for name in VISION_MODELS:
        model = vision_model(name)
        cost = model.image(595, 842)
        tokens = f"{cost.tokens:,} + {cost.overhead}" if cost.overhead else f"{cost.tokens:,}"
        grid = f"{model.grid[0]} px" if model.grid else ""
        limits = ", ".join(model.limits.in_words())
        rows.append(f"| `{name}` | {grid} | {tokens} | {limits} | {model.checked} | {model.source} |")
    return "\n".join(rows) + "\n"

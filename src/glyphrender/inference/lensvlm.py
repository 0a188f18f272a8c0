"""LensVLM's pages: its own presets with what a server makes of them, and θ of ours in their place.

LensVLM (arXiv 2605.07019) scans pages of 128 to 256 px and reads those that matter with `read_page`. Its presets are
named by the text tokens for each visual token that they aim at. Its loader starts vLLM with `min_pixels` 1. A server
with Qwen3.5's default of 65,536 px enlarges the pages of "10x" and "15x". The numbers are those of
apple-aiml-research/ml-lensvlm, lensvlm/rendering_config.py, cd8df32; nothing else is taken from there.

    expand(render(text, lens_theta("10x")), question, endpoint, tools=["read_page"], protocol="text")
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from glyphrender.errors import DataError, shown
from glyphrender.models.enlarged import enlarged
from glyphrender.models.families.grid import GridModel
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.theta import PageNumber, Theta

__all__ = ["LENS_PRESETS", "LensPreset", "lens_theta"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LensPreset:
    """A preset of LensVLM, with the arithmetic of its pages.

    Attributes:
        width: width of a page in pixels.
        font_size: size of the type in pixels.
        line_spacing: distance of lines, in sizes of the type.
        margin: margin in pixels.
        tokens: text tokens that a full page is meant to hold, at 4 characters a token.
    """

    width: int
    font_size: int
    line_spacing: float
    margin: int
    tokens: int

    @property
    def line_height(self) -> int:
        """Return the distance of lines in pixels."""
        return max(1, int(self.font_size * self.line_spacing))

    @property
    def lines(self) -> int:
        """Return the lines of a full page, at 0.55 em a character."""
        across = max(1, int((self.width - 2 * self.margin) / (self.font_size * 0.55)))
        return max(5, self.tokens * 4 // across)

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height of a full page in pixels."""
        return self.width, 2 * self.margin + self.lines * self.line_height

    def ratio(self, model: str | VisionModel = "qwen3.5") -> float:
        """Return text tokens ÷ visual tokens of a full page, as a server with the model's defaults sees it.

        >>> [round(preset.ratio(), 1) for preset in LENS_PRESETS.values()]
        [5.6, 7.7, 5.4]
        """
        return self.tokens / vision_model(model).image(*self.size).tokens

    def intended_ratio(self, model: str | VisionModel = "qwen3.5") -> float:
        """Return the same for a server that enlarges nothing.

        >>> [round(preset.intended_ratio(), 1) for preset in LENS_PRESETS.values()]
        [5.6, 11.2, 15.8]
        """
        found = enlarged(self.size, model)
        return self.ratio(model) if found is None else self.tokens / found.tokens_without


LENS_PRESETS: Final[Mapping[str, LensPreset]] = {
    "5x": LensPreset(width=256, font_size=8, line_spacing=1.15, margin=7, tokens=405),
    "10x": LensPreset(width=192, font_size=6, line_spacing=1.1, margin=6, tokens=540),
    "15x": LensPreset(width=128, font_size=5, line_spacing=1.05, margin=5, tokens=378),
}
"""The presets by name."""


def lens_theta(name: str, model: str | VisionModel = "qwen3.5") -> Theta:
    """Return a θ like a preset of LensVLM, whose pages the model neither enlarges nor resamples.

    The type, the distance of lines and the width are those of the preset. A page is as many cells high as its least
    area needs, so a page holds more text than theirs. A newline becomes a space, as there; other white space is kept,
    and so is the source. The number of the page stands at the bottom right in the size of the text; theirs has 10 px.

    >>> lens_theta("10x").page_pixels, lens_theta("15x").page_pixels
    ((192, 352), (128, 512))

    Args:
        name: a name in `LENS_PRESETS`.
        model: the model that is served.

    Raises:
        DataError: there is no such preset.
        VisionModelError: there is no such model.
    """
    if not isinstance(name, str) or name not in LENS_PRESETS:
        raise DataError(f"preset={shown(name)} is not LensVLM's. Use one of: {', '.join(LENS_PRESETS)}.")
    preset, known = LENS_PRESETS[name], vision_model(model)
    width, height = preset.size
    if isinstance(known, GridModel):
        width, height = (math.ceil(side / known.cell) * known.cell for side in (width, height))
        least = known.min_area // known.frames
        height = max(height, math.ceil(least / width / known.cell) * known.cell)
    theta = Theta(
        page_size=(float(width), float(height)),
        margin_x=float(preset.margin),
        margin_y=float(max(preset.margin, preset.font_size)),
        auto_crop_width=False,
        font="DejaVu Sans",
        font_size=float(preset.font_size),
        line_height=float(preset.line_height),
        newline_markup=" ",
        page_number=PageNumber.BOTTOM_RIGHT,
    )
    return theta.align_to(known)

"""Find the nearest θ whose pages a model's processor does not resample.

A processor that resizes a page blurs every glyph, and charges for the resized page. `align` gives the page the size
that the processor would resize it to. At the same number of tokens the text keeps its lines, and the model sees the
pixels that were drawn. Cropped pages stay on the same grid (`page_grid`, `min_pixels`). If a model resamples some of
the cropped pages, pages are not cropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, lcm
from typing import Final, TypeVar, overload

from glyphrender.errors import VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta, ThetaLike

__all__ = ["align", "align_if_possible", "unresampled_size"]

ThetaT = TypeVar("ThetaT", bound=Theta)

# A size that is not resampled is searched for within this distance from the size of the page, in cells.
_NEAR: Final = 3
# Step between the cropped sizes that are tried, in pixels, for a model without a grid.
_STEP_WITHOUT_GRID: Final = 16
# To fit the grid, margins may shrink to this share of their size. If that is not enough, the type gets smaller.
_LEAST_MARGIN: Final = 0.4


@overload
def align(theta: ThetaT, model: str | VisionModel) -> ThetaT: ...
@overload
def align(theta: ThetaLike, model: str | VisionModel) -> Theta: ...
def align(theta: ThetaLike, model: str | VisionModel) -> Theta:
    """Return the nearest θ whose pages, cropped ones too, `model` does not resample, at equal or better ρ.

    The page becomes what the model would resize it to. If that is smaller by less than a cell, the margins shrink and
    the lines stay as they are. If it is smaller by more, `dpi` is lowered by the factor by which the model would have
    shrunk the page. If it is larger, the text gets more room. `Theta.align_to` is the same as a method.

    Args:
        theta: a θ, the name of a preset, a mapping of fields, or None for the defaults.
        model: a name in `VISION_MODELS`, or a `VisionModel`.

    Raises:
        VisionModelError: there is no such model, or it resamples every page near this one.
        ThetaError: `theta` is not valid, or no valid θ is near.

    >>> theta = align("glyph-en", "qwen3-vl")
    >>> Theta.preset("glyph-en").page_pixels, theta.page_pixels
    ((595, 842), (608, 832))
    """
    theta, model = Theta.of(theta), vision_model(model)
    page = theta.replace(page_grid=1).page_pixels
    size = unresampled_size(page, model)
    cell = model.grid or (1, 1)
    grid, least = lcm(*cell), model.limits.min_pixels or 0
    changed = theta
    if size != page or grid != theta.page_grid:  # else θ is aligned already
        changed = _resized(theta, size, cell)
    changed = changed.replace(page_grid=grid, min_pixels=least)
    # A model without a grid resamples either no cropped page up to some size, or nearly all.
    step = grid if model.grid else _STEP_WITHOUT_GRID
    widths, heights = range(step, size[0] + 1, step), range(step, size[1] + 1, step)

    def untouched(widths: range | tuple[int], heights: range | tuple[int]) -> bool:
        sizes = ((width, height) for width in widths for height in heights if width * height >= least)
        return not any(_resampled(model, size) for size in sizes)

    narrower = theta.auto_crop_width and untouched(widths, (size[1],))
    across = widths if narrower else (size[0],)
    return changed.replace(
        auto_crop_width=narrower, auto_crop_last_page=theta.auto_crop_last_page and untouched(across, heights)
    )


def align_if_possible(theta: Theta, model: str | VisionModel) -> Theta:
    """Return `theta` aligned to a model, or as it is if the model resamples every page near it.

    Raises:
        VisionModelError: there is no such model.
        ThetaError: no valid θ is near.
    """
    known = vision_model(model)
    try:
        return align(theta, known)
    except VisionModelError:
        return theta


def unresampled_size(page: tuple[int, int], model: VisionModel) -> tuple[int, int]:
    """Return the size that `model` does not resample and that is nearest to its own resize of `page`.

    Args:
        page: width and height in pixels.
        model: the vision model.

    Raises:
        VisionModelError: the model resamples every size near the page.
    """
    for size in _sizes(model, page):
        if not _resampled(model, size):
            return size
    raise VisionModelError(
        f"model={model.name!r} resamples every page near {page[0]}×{page[1]} px. Use another page_size or dpi.",
        model=model.name,
    )


def _resampled(model: VisionModel, size: tuple[int, int]) -> bool:
    """Return whether a model resamples, or refuses, a page of this size."""
    try:
        return model.image(*size).resampled
    except VisionModelError:
        return True


def _sizes(model: VisionModel, page: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield sizes that the page may get, best first: the model's own resize, then sizes on the grid nearby."""
    resized = model.image(*page).size
    if model.grid is None:
        yield resized
        return
    grid = lcm(*model.grid)
    if resized[0] % grid == resized[1] % grid == 0:
        yield resized
    columns, rows = (ceil(side / grid) for side in resized)
    steps = range(-_NEAR, _NEAR + 1)
    # The nearest size comes first. If two are equally near, the larger comes first, because it has room for more text.
    for right, down in sorted(((x, y) for x in steps for y in steps), key=lambda at: (max(map(abs, at)), -sum(at))):
        if columns + right > 0 and rows + down > 0:
            yield (columns + right) * grid, (rows + down) * grid


def _resized(theta: ThetaT, size: tuple[int, int], grid: tuple[int, int]) -> ThetaT:
    """Return θ with pages of `size` pixels that hold at least as much text as its own pages."""
    width, height = (side * theta.scale for side in theta.page_size)  # not rounded to pixels
    margin_x, margin_y = theta.margin_x * theta.scale, theta.margin_y * theta.scale
    sides = (
        _Side(page=width, size=size[0], cell=grid[0], margin=margin_x, crop=theta.auto_crop_width),
        _Side(
            page=height, size=size[1], cell=grid[1], margin=margin_y, crop=theta.auto_crop_last_page,
            furniture=theta.font_pixels if theta.has_margin_texts else 0.0,
        ),
    )  # fmt: skip
    if all(side.fits_in_margins for side in sides):
        scale, (margin_x, margin_y) = 1.0, (side.aligned_margin / theta.scale for side in sides)
    else:
        scale, margin_x, margin_y = min(1.0, *(side.size / side.page for side in sides)), theta.margin_x, theta.margin_y
    dpi = theta.dpi * scale
    return theta.replace(
        dpi=dpi,
        page_size=(round(size[0] * 72 / dpi, 6), round(size[1] * 72 / dpi, 6)),
        margin_x=round(margin_x, 6),
        margin_y=round(margin_y, 6),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """One side of a page, in pixels: its present length, its new length, and the margin that shrinks for it."""

    page: float
    size: int
    cell: int
    margin: float
    crop: bool
    furniture: float = 0.0  # the room that page numbers need in the margin

    @property
    def least_margin(self) -> float:
        """Return the size to which the margin may shrink."""
        return max(_LEAST_MARGIN * self.margin, self.furniture)

    @property
    def fits_in_margins(self) -> bool:
        """Return whether the margins alone can take the whole loss of the side."""
        lost = self.page - self.size
        return lost <= 0 or (lost < self.cell and lost / 2 <= self.margin - self.least_margin)

    @property
    def aligned_margin(self) -> float:
        """Return the new margin at each end.

        If a page were cropped to a size less than half a cell above a multiple of the cell, the model would shrink it.
        To avoid this, the text keeps its size and moves into the margin. It moves by the part of that half cell that
        the other margin does not cover.
        """
        moved = self.cell / 2 - self.margin if self.crop else 0.0
        return min(self.margin, max(self.least_margin, self.margin - max(moved, (self.page - self.size) / 2)))

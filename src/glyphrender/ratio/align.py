"""θ → the nearest θ whose pages a model's processor leaves alone.

A processor that resizes a page blurs every glyph, and charges for the resized page. So the page is given the size
that the processor would make of it: at the same tokens the text keeps its lines, and the model sees the pixels
that were drawn. Cropped pages are kept on the same grid (`page_grid`, `min_pixels`); where a model resamples some
of those, they are not cropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, lcm
from typing import Final, TypeVar

from glyphrender.errors import VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta

ThetaT = TypeVar("ThetaT", bound=Theta)

# How far around the page, in cells, a size that is not resampled is looked for.
_NEAR: Final = 3
# Cropped sizes that are tried, in pixels, where a model has no grid.
_SAMPLED: Final = 16
# A margin gives way to the grid down to this share of itself; beyond that the type gets smaller instead.
_LEAST_MARGIN: Final = 0.4


def aligned(theta: ThetaT, vision: str | VisionModel) -> ThetaT:
    """See `Theta.align_to`.

    The page becomes what the model would resize it to. Where that is smaller by less than a cell, margins give
    way and the lines stay as they are; where it is smaller by more, `dpi` is lowered as far as the model would
    have shrunk the page; where it is larger, there is more room on it.
    """
    model = vision_model(vision)
    page = theta.replace(page_grid=1).page_pixels
    size = kept_size(page, model)
    cell = model.grid or (1, 1)
    grid, least = lcm(*cell), model.limits.min_pixels or 0
    changed = theta
    if size != page or grid != theta.page_grid:  # else θ is aligned to it already
        changed = _resized(theta, size, cell)
    changed = changed.replace(page_grid=grid, min_pixels=least)
    # Without a grid either no cropped page is resampled, up to some size, or nearly all are.
    step = grid if model.grid else _SAMPLED
    widths, heights = range(step, size[0] + 1, step), range(step, size[1] + 1, step)

    def untouched(widths: range | tuple[int], heights: range | tuple[int]) -> bool:
        sizes = ((width, height) for width in widths for height in heights if width * height >= least)
        return not any(_resampled(model, size) for size in sizes)

    narrower = theta.auto_crop_width and untouched(widths, (size[1],))
    across = widths if narrower else (size[0],)
    return changed.replace(
        auto_crop_width=narrower, auto_crop_last_page=theta.auto_crop_last_page and untouched(across, heights)
    )


def kept_size(page: tuple[int, int], model: VisionModel) -> tuple[int, int]:
    """The size in pixels, near what `model` makes of a page of that size, which it leaves alone.

    Raises:
        VisionModelError: there is none.
    """
    for size in _sizes(model, page):
        if not _resampled(model, size):
            return size
    raise VisionModelError(
        f"vision={model.name!r} resamples every page near {page[0]}×{page[1]} px. Use another page_size or dpi."
    )


def _resampled(model: VisionModel, size: tuple[int, int]) -> bool:
    """Whether a model resamples, or refuses, a page of this size."""
    try:
        return model.image(*size).resampled
    except VisionModelError:
        return True


def _sizes(model: VisionModel, page: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Sizes that pages might have, best first: as the model resizes them, then others on the grid nearby."""
    resized = model.image(*page).size
    if model.grid is None:
        yield resized
        return
    grid = lcm(*model.grid)
    if resized[0] % grid == resized[1] % grid == 0:
        yield resized
    columns, rows = (ceil(side / grid) for side in resized)
    steps = range(-_NEAR, _NEAR + 1)
    # From the nearest on; of two as near the larger, which has room for more text.
    for right, down in sorted(((x, y) for x in steps for y in steps), key=lambda at: (max(map(abs, at)), -sum(at))):
        if columns + right > 0 and rows + down > 0:
            yield (columns + right) * grid, (rows + down) * grid


def _resized(theta: ThetaT, size: tuple[int, int], grid: tuple[int, int]) -> ThetaT:
    """θ with pages of `size` pixels that hold at least what its own do."""
    width, height = (side * theta.scale for side in theta.page_size)  # exactly, without rounding to pixels
    margin_x, margin_y = theta.margin_x * theta.scale, theta.margin_y * theta.scale
    sides = (
        _Side(page=width, size=size[0], cell=grid[0], margin=margin_x, crop=theta.auto_crop_width),
        _Side(page=height, size=size[1], cell=grid[1], margin=margin_y, crop=theta.auto_crop_last_page),
    )
    if all(side.gives_way for side in sides):
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
    """One side of a page, in pixels: as it is, as it will be, and how much of its margin that takes."""

    page: float
    size: int
    cell: int
    margin: float
    crop: bool

    @property
    def gives_way(self) -> bool:
        """Whether the margins can take all that the side loses."""
        lost = self.page - self.size
        return lost <= 0 or (lost < self.cell and lost / 2 <= (1 - _LEAST_MARGIN) * self.margin)

    @property
    def aligned_margin(self) -> float:
        """The margin at each end.

        A page cropped to within half a cell above a multiple would be shrunk to it by the model. Here its text
        keeps its size and moves into the margin by as much as the other margin does not give.
        """
        least = _LEAST_MARGIN * self.margin
        moved = self.cell / 2 - self.margin if self.crop else 0.0
        return min(self.margin, max(least, self.margin - max(moved, (self.page - self.size) / 2)))

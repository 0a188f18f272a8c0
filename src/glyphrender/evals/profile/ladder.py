"""The ladder of θ that a profile climbs down: one design in falling sizes, from large type to very small type.

The design is the preset `dense` (a bold serif on a page of 840 × 868 px), aligned to the model's grid. Only the size of
the type changes, and the distance of lines with it. So a profile says how small type may be, and the density follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from glyphrender.errors import DataError, VisionModelError, shown
from glyphrender.models.model import VisionModel
from glyphrender.theta import Theta

__all__ = ["SIZES", "ladder"]

#: Sizes of the rungs, in pixels of the em as the page is drawn.
SIZES: Final = (14.0, 10.0, 8.0, 6.75, 5.5)


def ladder(vision: VisionModel, *, sizes: Sequence[float] = SIZES, base: Theta | None = None) -> Mapping[str, Theta]:
    """Return θ by name, such as "14 px", from the largest size to the smallest.

    >>> from glyphrender.models.vision import vision_model
    >>> list(ladder(vision_model("glm-4.1v")))
    ['14 px', '10 px', '8 px', '6.75 px', '5.5 px']

    Args:
        vision: the vision model. θ is aligned to its grid, unless it resamples every page anyway.
        sizes: sizes in pixels.
        base: θ whose size changes; by default the preset `dense`.

    Raises:
        DataError: a size is no number of pixels.
        ThetaError: a size is out of range.
    """
    theta = Theta.preset("dense") if base is None else Theta.of(base)
    for size in sizes if isinstance(sizes, list | tuple) else [None]:
        if not isinstance(size, int | float) or not 0 < size < 1000:
            raise DataError(f"sizes={shown(sizes)} are no sizes. Use a list of numbers of pixels, such as [14, 8].")
    leading = theta.line_height / theta.font_size
    found = {}
    for size in sorted(sizes, reverse=True):
        points = size * 72 / theta.dpi
        rung = theta.replace(font_size=points, line_height=round(points * leading, 4))
        try:
            rung = rung.align_to(vision)
        except VisionModelError:  # every page of this size is resampled; it is drawn as it is
            pass
        found[f"{size:g} px"] = rung
    return found

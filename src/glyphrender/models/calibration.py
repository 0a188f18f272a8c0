"""A hosted model corrected by its provider's count endpoint.

A provider's arithmetic is published in part, and changes. A few counts of blank images show what a token of the
formula is worth (`slope`), and what is added to each request (`intercept`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from statistics import fmean

from glyphrender.errors import EndpointError, VisionModelError
from glyphrender.models.model import ImageCost, VisionModel


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibratedModel(VisionModel):
    """`base`, with counts of `slope` × its tokens, and the measured count where there is one.

    Attributes:
        base: the model that was corrected; its sizes and limits hold.
        slope: counted tokens a token of `base`.
        intercept: tokens in each count that do not depend on the size; they are `ImageCost.overhead`.
        counts: what was counted: width, height, tokens.
        worst: the greatest difference, in tokens, between a count and the fitted line. Where it is not small,
            `base` is another kind of model than the provider's.
    """

    base: VisionModel
    slope: float
    intercept: int
    counts: tuple[tuple[int, int, int], ...]
    worst: float

    def cost(self, width: int, height: int) -> ImageCost:
        """See `VisionModel.image`."""
        cost = self.base.image(width, height)
        tokens = round(self.slope * cost.tokens)
        for measured_width, measured_height, counted in self.counts:
            if (measured_width, measured_height) == (width, height):
                tokens = counted - self.intercept
        return replace(cost, tokens=tokens, overhead=self.intercept)


def calibrated(
    model: VisionModel, count: Callable[[int, int], int], sizes: Iterable[tuple[int, int]]
) -> CalibratedModel:
    """`model` corrected by what `count(width, height)` says of images of `sizes`, each asked once.

    The tokens of the prompt around the image belong in `count`, or are subtracted there; what is left of them is in
    the overhead. Fitted by least squares.

    Raises:
        VisionModelError: the sizes cost `model` all the same, so that no line can be fitted.
        EndpointError: a count is not a positive whole number.
    """
    counts = {(width, height): count(width, height) for width, height in dict.fromkeys(sizes)}
    for (width, height), counted in counts.items():
        if not isinstance(counted, int) or counted < 1:
            raise EndpointError(f"the count of an image of {width}×{height} px is {counted!r}. Return its tokens.")
    expected = {size: model.image(*size).tokens for size in counts}
    if len(set(expected.values())) < 2:
        raise VisionModelError(
            f"{len(counts)} sizes that cost {model.name} the same cannot calibrate it. "
            "Use two or more of different areas."
        )
    mean, middle = fmean(counts.values()), fmean(expected.values())
    variance = sum((tokens - middle) ** 2 for tokens in expected.values())
    slope = sum((expected[size] - middle) * (counts[size] - mean) for size in counts) / variance
    intercept = round(mean - slope * middle)
    return CalibratedModel(
        name=model.name,
        family=model.family,
        date=model.date,
        source=f"{model.source}; {len(counts)} counts",
        hosted=model.hosted,
        grid=model.grid,
        limits=model.limits,
        base=model,
        slope=slope,
        intercept=intercept,
        counts=tuple((*size, counted) for size, counted in counts.items()),
        worst=max(abs(counts[size] - slope * expected[size] - intercept) for size in counts),
    )

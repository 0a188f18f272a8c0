"""Correct a hosted model by its provider's count endpoint.

Providers publish their arithmetic only in part, and they change it. Counts of a few blank images show two numbers: the
tokens that the provider counts for each token of the formula (`slope`), and the tokens that it adds to each request
(`intercept`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from statistics import fmean

from glyphrender._system.arguments import Wanted, all_of, checked, instance
from glyphrender.errors import EndpointError, VisionModelError
from glyphrender.models.model import ImageCost, VisionModel


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibratedModel(VisionModel):
    """A model that charges `slope` times the tokens of `base`. A size that was counted costs its measured count.

    Attributes:
        base: the model that is corrected. Its sizes and limits are used.
        slope: tokens counted by the provider for each token of `base`.
        intercept: tokens of each count that do not depend on the size. They become `ImageCost.overhead`.
        counts: the measurements: width, height and tokens of each image.
        worst: the greatest difference, in tokens, between a count and the fitted line. If it is not small, the
            provider's arithmetic is not that of `base`.
    """

    base: VisionModel
    slope: float
    intercept: int
    counts: tuple[tuple[int, int, int], ...]
    worst: float

    def cost(self, width: int, height: int) -> ImageCost:
        """Return the cost of an image; see `VisionModel.image`."""
        cost = self.base.image(width, height)
        tokens = round(self.slope * cost.tokens)
        for measured_width, measured_height, counted in self.counts:
            if (measured_width, measured_height) == (width, height):
                tokens = counted - self.intercept
        return replace(cost, tokens=tokens, overhead=self.intercept)


@checked(
    model=instance("a VisionModel", VisionModel),
    count=Wanted(callable, "a function of width and height"),
    sizes=all_of("a list of (width, height)", instance("a pair", tuple, list)),
)
def calibrated(
    model: VisionModel, count: Callable[[int, int], int], sizes: Iterable[tuple[int, int]]
) -> CalibratedModel:
    """Return `model` corrected by counts of images of some sizes. The correction is fitted by least squares.

    Args:
        model: the model to correct.
        count: a function from width and height to the tokens that the provider counts. The function may include the
            tokens of the prompt around the image, which then become part of the overhead, or may subtract them.
        sizes: widths and heights in pixels. Each is counted once.

    Raises:
        VisionModelError: all sizes cost `model` the same, so that no line can be fitted.
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
            "Use two or more of different areas.",
            model=model.name,
        )
    mean, middle = fmean(counts.values()), fmean(expected.values())
    variance = sum((tokens - middle) ** 2 for tokens in expected.values())
    slope = sum((expected[size] - middle) * (counts[size] - mean) for size in counts) / variance
    intercept = round(mean - slope * middle)
    return CalibratedModel(
        name=model.name,
        family=model.family,
        checked=model.checked,
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

"""Solve θ for a target: find the most legible pages that reach a ratio, or stay within a budget.

Fields are changed in the order given. Each gets the largest value that meets the target. A smaller value of any of
these fields needs fewer tokens, so bisection over a ladder of round values finds it. A target that cannot be reached is
not an error: the result says how close it came and which limit stopped it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final

from glyphrender._system.counts import as_number
from glyphrender.document.layout import check_text
from glyphrender.errors import ThetaError, VisionModelError, shown
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.models.vision import vision_model
from glyphrender.raster.typesetter import Typesetter
from glyphrender.ratio.align import align
from glyphrender.ratio.costs import LEAST_FONT_PIXELS, Ratio
from glyphrender.ratio.propose import chosen
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.rich.rich_text import RichText
from glyphrender.text.source import whole
from glyphrender.theta import PARAMETERS, Overlap, Theta, ThetaLike

__all__ = ["FIELDS", "Fit", "fit"]

FIELDS: Final[Mapping[str, tuple[float, float, float]]] = {
    "font_size": (4.0, 24.0, 0.01),
    "dpi": (36.0, 300.0, 0.1),
    "line_height": (4.0, 48.0, 0.01),
    "horizontal_scale": (0.75, 1.0, 0.005),
    "letter_spacing": (0.0, 2.0, 0.01),
    "space_before": (0.0, 24.0, 0.1),
    "space_after": (0.0, 24.0, 0.1),
    "margin_x": (0.0, 72.0, 0.5),
    "margin_y": (0.0, 72.0, 0.5),
}
"""The fields that `fit` can solve for: name → (default least value, default greatest value, step)."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Fit:
    """The result of `fit`: a θ, and how it meets the target.

    Attributes:
        theta: the rendering parameters.
        ratio: ρ of the text under them.
        met: whether the target is met.
        bound: name of the limit that stopped the search: the target ("rho", "visual_tokens" or "pages"),
            "min_font_pixels", or the field that reached the end of its range.
        reason: the limit in one sentence, with its value.

    >>> found = fit("It was the best of times. " * 400, rho=3)
    >>> found.bound, found.theta.font_size > 9
    ('rho', True)
    """

    theta: Theta
    ratio: Ratio
    met: bool
    bound: str
    reason: str

    def __repr__(self) -> str:
        return f"<Fit {'met' if self.met else 'not met'}: {self.reason}; {self.ratio!r}>"

    def _repr_html_(self) -> str:
        from glyphrender.ratio.tables import changed_fields, ratio_table
        from glyphrender.report.notebook import cell

        met = f"{'met' if self.met else 'not met'}: {self.reason}"
        return cell(met, self.warning, ratio_table([self.ratio]), changed_fields(self))

    @property
    def warning(self) -> str:
        """Return what type of this size loses; "" if the type has at least `LEAST_FONT_PIXELS`.

        If the target is not met, the warning says that first. Then smaller type is no way out: the limits allow none.
        """
        seen = self.ratio.font_pixels
        if seen >= LEAST_FONT_PIXELS or not self.ratio.pages:
            return ""
        unmet = "" if self.met else f"the target is not met: {self.reason.partition(':')[0]}. And "
        return (
            f"{unmet}type of {seen:.2f} px is hard to read: an OCR program reads 2.2% of the letters wrong at 7 px, "
            "0.3% at 9 px, and at 6.75 px 2 of 240 random identifiers exactly. Set min_font_pixels=7, or ask for less."
        )


def fit(
    text: str | RichText | Iterable[str],
    *,
    theta: ThetaLike = None,
    model: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
    rho: float | None = None,
    visual_tokens: int | None = None,
    pages: int | None = None,
    over: Iterable[str] | Mapping[str, tuple[float, float]] = ("font_size",),
    min_font_pixels: float = 0.0,
    typesetter: Typesetter | None = None,
) -> Fit:
    """Return the most legible θ under which `text` reaches a ratio, or stays within a budget of tokens or pages.

    `line_height` keeps its proportion to `font_size`. A θ that is aligned to the grid of the model stays aligned.

    Args:
        text: the text, or a rich text. An iterator is read into memory.
        theta: values of the other fields; see `Theta.of`. "auto" is what `propose` proposes.
        model, tokenizer: see `compression_ratio`.
        rho, visual_tokens, pages: the target, exactly one of the three: reach at least this ρ, or need at most this
            many visual tokens or pages.
        over: names of fields in `FIELDS` to solve for, in the order in which they change. A mapping gives each field
            its least and greatest value.
        min_font_pixels: smallest em of the text, in pixels, as the model sees it. By default there is no limit, and
            `Fit.warning` says what type below 7 px loses.
        typesetter: see `compression_ratio`.

    Raises:
        ThetaError: `theta` is not valid; there is no target or there are several; the target is not above 0; a field is
            not in `FIELDS`; or no θ is valid within the limits.
        VisionModelError, TokenizerError, DependencyError, FontError: see `compression_ratio`.

    >>> found = fit("It was the best of times. " * 400, rho=3)
    >>> found.met, found.ratio.rho >= 3
    (True, True)
    """
    check_text(text)
    target = _target(rho=rho, visual_tokens=visual_tokens, pages=pages)
    ranges = _ranges(over)
    text = text if isinstance(text, RichText) else whole(text)
    if not 0 <= as_number(min_font_pixels) < inf:
        raise ThetaError(
            f"min_font_pixels={shown(min_font_pixels)} is not a number of 0 or more. Use 0 for no limit.",
            field="min_font_pixels",
        )
    search = _Search(
        text=text,
        model=vision_model(model),
        tokenizer=tokenizer,
        least_pixels=min_font_pixels,
        target=target,
        typesetter=typesetter,
    )
    theta = chosen(theta, text, model)
    for name, limits in ranges.items():
        theta, found = search.solve(theta, name, limits)
        if found.met:
            break
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """A target: a figure of the ratio must be at least, or at most, `value`."""

    name: str
    value: float
    figure: Callable[[Ratio], float]
    least: bool

    def met(self, ratio: Ratio) -> bool:
        figure = self.figure(ratio)
        return figure >= self.value if self.least else figure <= self.value

    def shown(self, ratio: Ratio) -> str:
        figure = self.figure(ratio)
        if self.least:
            return f"{self.name} is {figure:.2f} of at least {self.value:g}"
        return f"{self.name} is {figure:,} of at most {self.value:,}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    text: str | RichText
    model: VisionModel
    tokenizer: TokenizerLike | None
    least_pixels: float
    target: _Target
    typesetter: Typesetter | None
    measured: dict[Theta, Ratio] = field(default_factory=dict)

    def solve(self, theta: Theta, name: str, limits: tuple[float, float]) -> tuple[Theta, Fit]:
        """Set the field `name` to its largest value that meets the target, or else to its smallest legible value."""
        low, high = limits
        step = FIELDS[name][2]
        count = max(0, round((high - low) / step))

        def at(rung: int) -> Theta | None:
            value = high if rung == count else round(low + rung * step, 6)
            try:
                return self._with(theta, name, value)
            except (ThetaError, VisionModelError):
                if rung == 0:
                    raise
                return None  # the value is too large for the page, so the search goes lower

        def meets(rung: int) -> bool:
            tried = at(rung)
            return tried is not None and self.target.met(self._ratio(tried))

        def legible(rung: int) -> bool:
            tried = at(rung)
            return tried is None or self._ratio(tried).font_pixels >= self.least_pixels

        reached = _last(meets, count)
        if reached is not None and legible(reached):
            bound = name if reached == count else self.target.name
            return self._found(at(reached), name, bound, met=True)
        # The target needs a value below the range, or a value that is not legible. Take the smallest legible value.
        illegible = _last(lambda rung: not legible(rung), count)
        if illegible is None:
            return self._found(at(0), name, name, met=False)
        return self._found(at(min(illegible + 1, count)), name, "min_font_pixels", met=False)

    def _with(self, theta: Theta, name: str, value: float) -> Theta:
        changes = {name: value}
        if name == "font_size":
            changes["line_height"] = round(theta.line_height * value / theta.font_size, 6)
        if name == "line_height" and theta.overlap is Overlap.FORBID:
            changes[name] = max(value, theta.font_size)
        changed = theta.replace(**changes)
        # A new dpi may take an aligned page off the grid, and `page_grid` would then fill the page up with margin.
        return align(changed, self.model) if theta.page_grid > 1 and name == "dpi" else changed

    def _ratio(self, theta: Theta) -> Ratio:
        if theta not in self.measured:
            self.measured[theta] = compression_ratio(
                self.text,
                theta=theta,
                model=self.model,
                tokenizer=self.tokenizer,
                over_limit="ignore",
                typesetter=self.typesetter,
            )
        return self.measured[theta]

    def _found(self, theta: Theta | None, name: str, bound: str, *, met: bool) -> tuple[Theta, Fit]:
        if theta is None:
            raise ThetaError(
                f"{name} has no valid value within its limits. Widen them, or change page_size.", field=name
            )
        ratio, unit = self._ratio(theta), PARAMETERS[name].unit
        value = f"{name}={getattr(theta, name):g}{f' {unit}' if unit else ''}"
        if bound == self.target.name:
            reason = f"{value} is the largest that meets it"
        elif bound == "min_font_pixels":
            reason = f"min_font_pixels={self.least_pixels:g} stops at {value}"
        else:
            reason = f"{value} is the {'largest' if met else 'least'} allowed"
        return theta, Fit(
            theta=theta, ratio=ratio, met=met, bound=bound, reason=f"{self.target.shown(ratio)}: {reason}"
        )


def _last(holds: Callable[[int], bool], count: int) -> int | None:
    """Return the last of the rungs 0 … `count` on which `holds` is true, or None if it is true on none.

    `holds` is true up to some rung and false from there on.
    """
    if holds(count):
        return count
    if not holds(0):
        return None
    low, high = 0, count  # true on `low`, false on `high`
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _target(*, rho: float | None, visual_tokens: int | None, pages: int | None) -> _Target:
    given = {
        name: value
        for name, value in (("rho", rho), ("visual_tokens", visual_tokens), ("pages", pages))
        if value is not None
    }
    if len(given) != 1:
        raise ThetaError(
            f"{' and '.join(given) or 'no target'} given to fit. Give one of rho, visual_tokens and pages.", field="rho"
        )
    ((name, value),) = given.items()
    if not 0 < as_number(value) < inf:
        raise ThetaError(f"{name}={shown(value)} cannot be a target. Use a number above 0.", field=name)
    figures: dict[str, Callable[[Ratio], float]] = {
        "rho": lambda ratio: ratio.rho,
        "visual_tokens": lambda ratio: ratio.visual_tokens,
        "pages": lambda ratio: len(ratio.pages),
    }
    return _Target(name=name, value=value, figure=figures[name], least=name == "rho")


def _ranges(over: Iterable[str] | Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Return the least and the greatest value of each field to solve for."""
    if isinstance(over, str):
        over = (over,)
    if not isinstance(over, Iterable):
        raise ThetaError(f"over is {type(over).__name__}, not names of fields. Use {', '.join(FIELDS)}.", field="over")
    limits = {}
    for name in over:
        if name not in FIELDS:
            way_out = f"Use {', '.join(FIELDS)}."
            raise ThetaError(f"over={shown(name)} is not a field that fit solves for. {way_out}", field=str(name))
        limits[name] = over[name] if isinstance(over, Mapping) else FIELDS[name][:2]
    for name, limit in limits.items():
        try:
            low, high = map(float, limit)
        except (TypeError, ValueError):
            raise ThetaError(f"over: {name} has {shown(limit)}. Give the pair (least, greatest).", field=name) from None
        if not low <= high:
            raise ThetaError(f"over: {name} from {low:g} to {high:g} is empty. Swap them.", field=name)
    if not limits:
        raise ThetaError(f"over is empty. Use {', '.join(FIELDS)}.", field="over")
    return limits

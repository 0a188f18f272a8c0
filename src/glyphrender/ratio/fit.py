"""θ solved for a target: the most legible pages that reach a ratio, or stay within a budget.

Fields are given up in the order asked. Each is set to the largest value that meets the target, found by bisection
over a ladder of round values, since fewer tokens follow from a smaller value of every field here. What cannot be
reached is not an error: the result says how far it got and which limit stopped it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from glyphrender.errors import ThetaError, VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.models.vision import vision_model
from glyphrender.ratio.align import aligned
from glyphrender.ratio.ratio import Ratio, compression_ratio
from glyphrender.theta import PARAMETERS, Overlap, Theta

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
"""Fields that `fit` can solve for, with their usual limits and the step between values tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A θ solved for a target.

    Attributes:
        theta: the rendering parameters.
        ratio: ρ of the text under them.
        met: whether the target is met.
        bound: what stopped the search: the target ("rho", "visual_tokens" or "pages"), "min_font_pixels", or the
            field that reached the end of its range.
        reason: the same in a sentence, with the values.
    """

    theta: Theta
    ratio: Ratio
    met: bool
    bound: str
    reason: str


def fit(
    text: str | Iterable[str],
    vision: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
    *,
    theta: Theta | None = None,
    rho: float | None = None,
    visual_tokens: int | None = None,
    pages: int | None = None,
    over: Iterable[str] | Mapping[str, tuple[float, float]] = ("font_size",),
    min_font_pixels: float = 0.0,
) -> Fit:
    """The most legible θ under which `text` reaches ρ ≥ `rho`, or needs at most so many tokens or pages.

    `line_height` keeps its proportion to `font_size`. A θ that is on the model's grid stays on it.

    Args:
        text: the text; an iterator is read into memory.
        vision, tokenizer: see `compression_ratio`.
        theta: what the other fields are; by default the searched θ of the Glyph paper.
        rho, visual_tokens, pages: the target, one of them.
        over: fields of `FIELDS` to solve for, the first to change first; a mapping gives each its least and
            greatest value.
        min_font_pixels: the em of the text, as the model sees it, gets no smaller.

    Raises:
        ThetaError: none or several targets, a target that is not above 0, a field that is not in `FIELDS`, or
            limits between which no θ is valid.
        VisionModelError, TokenizerError, DependencyError, FontError: see `compression_ratio`.
    """
    target = _target(rho=rho, visual_tokens=visual_tokens, pages=pages)
    ranges = _ranges(over)
    text = text if isinstance(text, str) else "".join(text)
    search = _Search(
        text=text,
        model=vision_model(vision),
        tokenizer=tokenizer,
        least_pixels=min_font_pixels,
        target=target,
    )
    theta = theta or Theta()
    for name, limits in ranges.items():
        theta, found = search.solve(theta, name, limits)
        if found.met:
            break
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """What is asked for: that a figure of the ratio be at least, or at most, so much."""

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
    text: str
    model: VisionModel
    tokenizer: TokenizerLike | None
    least_pixels: float
    target: _Target
    measured: dict[Theta, Ratio] = field(default_factory=dict)

    def solve(self, theta: Theta, name: str, limits: tuple[float, float]) -> tuple[Theta, Fit]:
        """θ with the field `name` at its largest value that meets the target, or at its least legible one."""
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
                return None  # too large for the page; the search goes lower

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
        # The target needs a smaller value than there is, or than can be read: the least that can.
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
        # A page that was on the grid may no longer be, and `page_grid` would then fill it up with margin.
        return aligned(changed, self.model) if theta.page_grid > 1 and name == "dpi" else changed

    def _ratio(self, theta: Theta) -> Ratio:
        if theta not in self.measured:
            self.measured[theta] = compression_ratio(self.text, theta, self.model, self.tokenizer, over_limit="ignore")
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
    """The last of the rungs 0 … `count` on which `holds`, which does up to some rung; None if on none."""
    if holds(count):
        return count
    if not holds(0):
        return None
    low, high = 0, count  # holds, does not
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
    if not 0 < value < float("inf"):
        raise ThetaError(f"{name}={value} is no target. Use a number above 0.", field=name)
    figures: dict[str, Callable[[Ratio], float]] = {
        "rho": lambda ratio: ratio.rho,
        "visual_tokens": lambda ratio: ratio.visual_tokens,
        "pages": lambda ratio: len(ratio.pages),
    }
    return _Target(name=name, value=value, figure=figures[name], least=name == "rho")


def _ranges(over: Iterable[str] | Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Least and greatest value of each field to solve for."""
    if isinstance(over, str):
        over = (over,)
    limits = dict(over) if isinstance(over, Mapping) else {name: FIELDS.get(name, (0.0, 0.0))[:2] for name in over}
    for name, (low, high) in limits.items():
        if name not in FIELDS:
            raise ThetaError(f"over={name!r} is not a field that fit solves for. Use {', '.join(FIELDS)}.", field=name)
        if not low <= high:
            raise ThetaError(f"over: {name} from {low:g} to {high:g} is empty. Swap them.", field=name)
    if not limits:
        raise ThetaError(f"over is empty. Use {', '.join(FIELDS)}.", field="over")
    return limits

"""One thing that a search varies, as a ladder of values: a field of θ, or a proportion between fields.

A field's own metadata says which values it accepts (see `glyphrender.theta.parameter`). An axis adds which of them are
worth trying, and in what steps. Fields that only make sense together are one axis. For example, the leading is varied
as a multiple of the size. So a child with the size of one parent and the leading of the other is set as tightly as the
other.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from glyphrender.errors import ThetaError, shown
from glyphrender.ratio.fit import FIELDS
from glyphrender.theta import PARAMETERS, Overlap, Theta, check_field_names
from glyphrender.theta.parameter import Choice, Number, Parameter, TrueOrFalse

__all__ = ["DERIVED", "Axis", "Derived", "axis", "ladder", "varied"]

# A ladder with more rungs than this is a typing error, such as 0:1000:0.001.
_MOST_VALUES: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """An axis that is not a field: how to read its value from a θ, and which fields it sets.

    Attributes:
        help: one line that says what the axis is.
        read: θ → value.
        fields: (value, fields set so far over those of the base) → more fields.
        parameter: the values that are accepted.
    """

    help: str
    read: Callable[[Theta], Any]
    fields: Callable[[Any, Mapping[str, Any]], dict[str, Any]]
    parameter: Parameter | None = None


def _leading(value: float, given: Mapping[str, Any]) -> dict[str, Any]:
    overlap = Overlap.ALLOW if value < 1 else Overlap.FORBID
    return {"line_height": round(given["font_size"] * value, 4), "overlap": overlap}


def _gap(value: float, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"line_height": given["font_size"] + value}


def _width(value: float, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"page_size": (round(value * 72 / given["dpi"], 6), given["page_size"][1])}


def _height(value: float, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"page_size": (given["page_size"][0], round(value * 72 / given["dpi"], 6))}


def _colors(value: tuple[str, str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    page, paragraph, font = value
    return {"page_bg_color": page, "para_bg_color": paragraph, "font_color": font, "para_border_color": font}


DERIVED: Final[Mapping[str, Derived]] = {
    "leading": Derived(
        help="line_height ÷ font_size",
        read=lambda theta: theta.line_height / theta.font_size,
        fields=_leading,
        parameter=Number(range=(0.5, 10), unit="× font_size", help="baseline to baseline"),
    ),
    "line_gap": Derived(
        help="line_height − font_size, in points",
        read=lambda theta: theta.line_height - theta.font_size,
        fields=_gap,
        parameter=Number(range=(0, 1000), unit="pt", help="between lines"),
    ),
    "page_width": Derived(
        help="width of the page in pixels",
        read=lambda theta: theta.page_pixels[0],
        fields=_width,
        parameter=Number(range=(8, 20000), unit="px", integer=True, help="of the page"),
    ),
    "page_height": Derived(
        help="height of the page in pixels",
        read=lambda theta: theta.page_pixels[1],
        fields=_height,
        parameter=Number(range=(8, 20000), unit="px", integer=True, help="of the page"),
    ),
    "colors": Derived(
        help="colors of page, paragraph and text, which go together",
        read=lambda theta: (theta.page_bg_color, theta.para_bg_color, theta.font_color),
        fields=_colors,
    ),
}
"""Axes that are not fields of θ, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """A ladder of values.

    Attributes:
        name: a field of θ, or one of `DERIVED`.
        values: the values that are tried.
        ordered: whether neighboring values are alike. If so, a mutation moves a few rungs; if not, to any other value.
    """

    name: str
    values: tuple[Any, ...]
    ordered: bool

    def read(self, theta: Theta) -> Any:
        """Return the rung nearest to the value of θ; the first one, if an unordered axis lacks that value."""
        return min(self.values, key=lambda value: self.distance(theta, value))

    def distance(self, theta: Theta, value: Any) -> float:
        """Return how far `value` is from the value of θ; 0 or 1 if the axis has no order."""
        has = DERIVED[self.name].read(theta) if self.name in DERIVED else getattr(theta, self.name)
        if self.name == "page_size":  # no order, but aligning moves its sides
            return math.dist(has, value)
        return abs(has - value) if self.ordered else float(has != value)

    def fields(self, value: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of θ that `value` sets, if those of `given` are set already."""
        return DERIVED[self.name].fields(value, given) if self.name in DERIVED else {self.name: value}

    def sample(self, rng: random.Random) -> Any:
        """Return any of the values, each equally likely."""
        return self.values[rng.randrange(len(self.values))]

    def mutate(self, value: Any, rng: random.Random) -> Any:
        """Return another value: on average a tenth of the ladder away, or any other one if there is no order."""
        if len(self.values) < 2:
            return value
        at = self.values.index(value)
        if not self.ordered:
            return self.values[(at + rng.randrange(1, len(self.values))) % len(self.values)]
        # Exponential: mostly one or two rungs, now and then across the ladder.
        steps = 1 + int(rng.expovariate(10 / len(self.values)))
        down, up = at - steps, at + steps
        target = up if (rng.random() < 0.5 and up < len(self.values)) or down < 0 else down
        return self.values[min(max(target, 0), len(self.values) - 1)]

    def to_dict(self) -> dict[str, Any]:
        """Return name, meaning, unit and values as JSON values, for people and proposers."""
        known_as = DERIVED[self.name].parameter if self.name in DERIVED else PARAMETERS[self.name]
        help = DERIVED[self.name].help if self.name in DERIVED else PARAMETERS[self.name].help
        described: dict[str, Any] = {"name": self.name, "help": help, "unit": known_as.unit if known_as else ""}
        if self.ordered and len(self.values) > 8:
            return described | {"from": self.values[0], "to": self.values[-1], "values": len(self.values)}
        return described | {"values": [list(v) if isinstance(v, tuple) else v for v in self.values]}


def axis(name: str, values: Iterable[Any]) -> Axis:
    """Return an axis of these values, each checked by the field's own metadata; numbers are ordered.

    Raises:
        ThetaError: there is no field or axis of that name, no value is given, or the field refuses a value.
    """
    parameter = _parameter(name)
    accepted = tuple(parameter.normalise(name, value) if parameter else value for value in values)
    # Values such as "auto" are not numbers, so an axis with one of them has no order.
    ordered = isinstance(parameter, Number) and not any(isinstance(value, str) for value in accepted)
    distinct = tuple(sorted(set(accepted)) if ordered else dict.fromkeys(accepted))
    if not distinct:
        raise ThetaError(f"{name} has no value to try. Give one or more.", field=name)
    return Axis(name=name, values=distinct, ordered=ordered)


def _parameter(name: str) -> Parameter | None:
    """Return what a field or an axis of its own takes; None if it takes no values of the user's."""
    if name in DERIVED:
        return DERIVED[name].parameter
    check_field_names([name])
    return PARAMETERS[name]


def ladder(low: float, high: float, step: float) -> tuple[float, ...]:
    """Return `low`, `low + step`, … up to `high`, without the noise of binary fractions.

    >>> ladder(0.1, 0.4, 0.1)
    (0.1, 0.2, 0.3, 0.4)
    """
    return tuple(round(low + index * step, 6) for index in range(math.floor((high - low) / step + 1e-9) + 1))


def varied(setting: str) -> Axis:
    """Return the axis that "NAME=LOW:HIGH:STEP", "NAME=VALUE|VALUE" or "NAME" stands for.

    A name alone takes every member of an enumeration, both values of a flag, or the usual limits of a field that `fit`
    can solve for.

    Raises:
        ThetaError: the setting has another form, or the field refuses a value.
    """
    name, given, text = setting.partition("=")
    name = name.strip().replace("-", "_")
    parameter = _parameter(name)
    if parameter is None:
        raise ThetaError(f"{name} takes no values of your own. Use --vary page_bg_color and font_color.", field=name)
    if not given:
        return axis(name, _usual(name, parameter))
    if isinstance(parameter, Number) and ":" in text:
        return axis(name, _stepped(name, text, parameter))
    return axis(name, (parameter.parse(name, value.strip()) for value in text.split("|")))


def _usual(name: str, parameter: Parameter) -> Iterable[Any]:
    if isinstance(parameter, Choice):
        return tuple(parameter.choices)
    if isinstance(parameter, TrueOrFalse):
        return (False, True)
    if name in FIELDS:
        low, high, step = FIELDS[name]
        return ladder(low, high, max(step, (high - low) / 100))
    raise ThetaError(f"{name} has no usual values. Write {name}=A|B, or {name}=LOW:HIGH:STEP.", field=name)


def _stepped(name: str, text: str, parameter: Number) -> Iterable[float]:
    try:
        low, high, *rest = map(float, text.split(":"))
        (step,) = rest or (1.0,)
    except ValueError:
        raise ThetaError(
            f"{name}={shown(text)} is no range. Write {name}=LOW:HIGH:STEP, as font_size=6:10:0.25.", field=name
        ) from None
    # `step > 0` alone is not enough: NaN and infinities would give a ladder without end.
    if not (0 < step < math.inf and -math.inf < low <= high < math.inf) or (high - low) / step > _MOST_VALUES:
        raise ThetaError(
            f"{name}={shown(text)} has no steps from low to high, or more than {_MOST_VALUES}. "
            f"Write {name}=LOW:HIGH:STEP, as font_size=6:10:0.25.",
            field=name,
        )
    for value in (low, high):
        parameter.normalise(name, value if not parameter.integer else float(round(value)))
    return islice((round(v) if parameter.integer else v for v in ladder(low, high, step)), _MOST_VALUES + 1)

"""The fields of θ as widgets, made from their own metadata, and the values of widgets as θ.

A field that is added to `Theta` gets its widget here without a change: its `Parameter` says which values it accepts,
and its place in the class says in which group it stands. A wrong value is no exception here. `theta_of` says in words
what is wrong at which field, because a person is still typing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from glyphrender.errors import ThetaError
from glyphrender.ratio.fit import FIELDS as LADDERS
from glyphrender.theta import DEFAULTS, PARAMETERS, Theta, check_field_names
from glyphrender.theta.describe import value_text
from glyphrender.theta.parameter import PAPER, Choice, Names, Number, PageSize, TrueOrFalse

__all__ = ["FOREMOST", "Field", "Problem", "Widget", "fields", "groups", "problems_of", "theta_of", "widget_value"]

#: The fields that people move first. They stand above the groups.
FOREMOST: Final = ("font_size", "line_height", "dpi", "columns", "page_size", "font")

# The first field of each section of the class `Theta`, and the title of its group.
_SECTIONS: Final[Mapping[str, str]] = {
    "page_size": "Page",
    "font": "Font",
    "alignment": "Paragraphs",
    "font_color": "Colors",
    "newline_markup": "Lines",
    "page_number": "Page numbers",
    "markup": "Markup and code",
    "language": "Language and special characters",
    "hinting": "Pixels",
}
# Sliders of counts: fields that `fit` does not solve for.
_COUNTS: Final[Mapping[str, tuple[float, float, float]]] = {"columns": (1, 6, 1)}
# Ladders of `fit` that are finer than a hand on a slider.
_STEPS: Final[Mapping[str, float]] = {"font_size": 0.25, "line_height": 0.25, "dpi": 1.0}


class Widget(StrEnum):
    """The kind of widget that shows a field."""

    SLIDER = "slider"
    NUMBER = "number"
    CHOICE = "choice"
    SUGGESTIONS = "suggestions"
    FLAG = "flag"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field of θ as a widget.

    Attributes:
        name: the name of the field.
        label: what stands above the widget: the name in words, and the unit.
        help: one line: what the field does, and what it accepts.
        widget: the kind of widget.
        choices: (text, value) of each choice or suggestion.
        limits: (least, greatest, step) of a slider, or of a number.
    """

    name: str
    label: str
    help: str
    widget: Widget
    choices: tuple[tuple[str, str], ...] = ()
    limits: tuple[float, float, float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A value that cannot be used.

    Attributes:
        field: the field of θ, or "" if no field is to blame.
        message: what is wrong, and the way out.
    """

    field: str
    message: str


def fields(families: Sequence[str] = ()) -> dict[str, Field]:
    """Return the widget of every field of θ, in the order of the class.

    Args:
        families: names of font families to suggest for `font`.

    >>> fields()["columns"].widget, fields()["alignment"].choices[0]
    (<Widget.SLIDER: 'slider'>, ('LEFT', 'LEFT'))
    """
    return {name: _field(name, families) for name in PARAMETERS}


def groups() -> dict[str, tuple[str, ...]]:
    """Return the title of each group → the names of its fields, without `FOREMOST`.

    >>> list(groups())[:3], "font_weight" in groups()["Font"]
    (['Page', 'Font', 'Paragraphs'], True)
    """
    found: dict[str, tuple[str, ...]] = {}
    title = ""
    for name in PARAMETERS:
        title = _SECTIONS.get(name, title)
        if name not in FOREMOST:
            found[title] = (*found.get(title, ()), name)
    return found


def widget_value(name: str, value: Any) -> str | float | int | bool:
    """Return what the widget of a field shows for a value of θ.

    >>> widget_value("page_size", (595.0, 842.0)), widget_value("kerning", True), widget_value("fallback", ())
    ('595,842', True, '')
    """
    accepted = PARAMETERS[name]
    if isinstance(accepted, Number | TrueOrFalse):
        return value  # type: ignore[no-any-return]
    return value_text(value)


def theta_of(values: Mapping[str, Any]) -> tuple[Theta | None, tuple[Problem, ...]]:
    """Return the θ of the values of widgets, or None and what is wrong, field by field.

    Args:
        values: field → value of its widget. Fields that are left out keep their defaults.

    >>> theta_of({"font_size": 8})[0]
    Theta(font_size=8.0)
    >>> theta_of({"font_size": 0, "line_height": None})[1][1].field
    'line_height'
    """
    found: dict[str, Any] = {}
    wrong: list[Problem] = []
    for name, value in values.items():
        try:
            found[name] = _read(name, value)
        except ThetaError as error:
            wrong.append(Problem(field=name, message=str(error)))
    if wrong:
        return None, tuple(wrong)
    try:
        return Theta(**found), ()
    except ThetaError as error:
        return None, problems_of(error)


def problems_of(error: ThetaError) -> tuple[Problem, ...]:
    """Return the mistakes that an error tells of, each at its field."""
    return tuple(
        Problem(field=each.field if each.field in PARAMETERS else "", message=str(each))
        for each in error.mistakes or (error,)
    )


def _read(name: str, value: Any) -> Any:
    check_field_names([name])
    accepted = PARAMETERS[name]
    if isinstance(accepted, Number) and value is None:  # the person has emptied the field
        raise accepted.error(name, "", "is empty")
    if isinstance(value, str) or value is None:
        return accepted.parse(name, value or "")
    return accepted.normalise(name, value)


def _field(name: str, families: Sequence[str]) -> Field:
    accepted = PARAMETERS[name]
    label = name.replace("_", " ")
    if accepted.unit and accepted.unit != label:
        label = f"{label} ({accepted.unit})"
    text = f"{accepted.help[:1].upper()}{accepted.help[1:]}."
    match accepted:
        case Number(range=(low, high)):
            if name in LADDERS or name in _COUNTS:
                least, greatest, step = LADDERS.get(name) or _COUNTS[name]
                limits = (least, greatest, _STEPS.get(name, step))
                return Field(name=name, label=label, help=text, widget=Widget.SLIDER, limits=limits)
            step = 1.0 if accepted.integer else 0.01 if high <= 2 else 0.5
            return Field(name=name, label=label, help=text, widget=Widget.NUMBER, limits=(low, high, step))
        case TrueOrFalse():
            return Field(name=name, label=label, help=text, widget=Widget.FLAG)
        case Choice():
            members = tuple((member.value, member.value) for member in accepted.choices)
            return Field(name=name, label=label, help=text, widget=Widget.CHOICE, choices=members)
        case PageSize():
            papers = tuple((f"{paper} ({value_text(size)})", value_text(size)) for paper, size in PAPER.items())
            return Field(name=name, label=label, help=text, widget=Widget.SUGGESTIONS, choices=papers)
        case _:
            if name == "font":
                known = tuple((family, family) for family in dict.fromkeys((DEFAULTS[name], *families)))
                return Field(name=name, label=label, help=text, widget=Widget.SUGGESTIONS, choices=known)
            more = f" Accepts {accepted.domain()}." if not isinstance(accepted, Names) else " Names, with commas."
            return Field(name=name, label=label, help=f"{text}{more}", widget=Widget.TEXT)

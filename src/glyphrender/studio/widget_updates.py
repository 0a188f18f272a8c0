"""Changes of widgets, as Gradio takes them: of one property, and of all widgets that show a θ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from glyphrender.studio.fields import Widget, fields, widget_value
from glyphrender.theta import Theta

__all__ = ["SKIP", "field_update", "preset_info", "sizes_of", "slider_bounds", "theta_updates", "update"]

#: What leaves a widget as it is.
SKIP: Final[Mapping[str, Any]] = {"__type__": "update"}
# Most fields that the line below the preset names.
_NAMED: Final = 4


def update(**changes: Any) -> dict[str, Any]:
    """Return a change of a widget's properties.

    >>> update(visible=False)
    {'visible': False, '__type__': 'update'}
    """
    return {**changes, "__type__": "update"}


def sizes_of(theta: Theta) -> tuple[float, float, float]:
    """Return (font size, line height, their ratio)."""
    return theta.font_size, theta.line_height, theta.line_height / theta.font_size


def slider_bounds(name: str, value: float) -> dict[str, float]:
    """Return the ends of a field's slider, wide enough for `value`.

    >>> slider_bounds("font_size", 30.0)
    {'minimum': 4.0, 'maximum': 30.0}
    """
    limits = _FIELDS[name].limits
    assert limits is not None
    return {"minimum": min(limits[0], value), "maximum": max(limits[1], value)}


def preset_info(theta: Theta, preset: str) -> str:
    """Return the line below the preset: which fields of θ differ from it.

    >>> preset_info(Theta(dpi=96, font_size=8), "")
    '2 fields differ from it: dpi, font_size'
    >>> preset_info(Theta(), "")
    'A θ to begin with'
    """
    names = list(theta.diff(Theta.of(preset or None)))
    if not names:
        return "A θ to begin with"
    count = "1 field differs" if len(names) == 1 else f"{len(names)} fields differ"
    return f"{count} from it: {', '.join(names[:_NAMED])}{', …' if len(names) > _NAMED else ''}"


def theta_updates(theta: Theta) -> tuple[Any, ...]:
    """Return (sizes, fields…) for a θ."""
    values = ((name, widget_value(name, value)) for name, value in theta.fields().items())
    return sizes_of(theta), *(field_update(name, value) for name, value in values)


_FIELDS: Final = fields()


def field_update(name: str, value: Any) -> Any:
    """Return the update that sets the widget of a field."""
    if _FIELDS[name].widget is Widget.SLIDER:
        return update(value=value, **slider_bounds(name, value))
    return value

"""Read and write Glyph's config files: kebab-case JSON, with the defaults of Glyph's own script.

Both functions turn one mapping into another, key by key. The caller passes the fields of θ, with the values they accept
and their defaults. A config also holds the fields of θ that Glyph lacks, under kebab-case names of their own. Glyph's
script ignores these names. ReportLab, which draws Glyph's pages, adds 6 pt of padding inside the margins on every side.
This padding is not part of the config, so margins are used as the config states them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from glyphrender.errors import ThetaError
from glyphrender.theta.parameter import Parameter, plain

# The field of θ for every Glyph key, in the order of Glyph's config files.
_KEYS = {
    "page-size": "page_size",
    "dpi": "dpi",
    "margin-x": "margin_x",
    "margin-y": "margin_y",
    "font-path": "font",
    "font-size": "font_size",
    "line-height": "line_height",
    "font-color": "font_color",
    "alignment": "alignment",
    "horizontal-scale": "horizontal_scale",
    "first-line-indent": "first_line_indent",
    "left-indent": "left_indent",
    "right-indent": "right_indent",
    "space-after": "space_after",
    "space-before": "space_before",
    "border-width": "border_width",
    "border-padding": "border_padding",
    "page-bg-color": "page_bg_color",
    "para-bg-color": "para_bg_color",
    "para-border-color": "para_border_color",
    "auto-crop-width": "auto_crop_width",
    "auto-crop-last-page": "auto_crop_last_page",
    "newline-markup": "newline_markup",
}

# The values that Glyph's script uses for keys that a config lacks, where they differ from our defaults.
_DEFAULTS: dict[str, Any] = {
    "margin_x": 20.0,
    "margin_y": 20.0,
    "alignment": "JUSTIFY",
    "para_bg_color": "#FFFFFF",
    "para_border_color": "#FFFFFF",
    "auto_crop_width": False,
    "auto_crop_last_page": False,
}

# Keys of the same files that say where pages are written or how many processes draw them. They do not affect a page.
_NOT_RENDERING = frozenset(
    {
        "result-root",
        "output-dir",
        "out-root",
        "output-jsonl",
        "json-file",
        "processes",
        "recover",
        "unique-id",
    }
)

# ReportLab's alignment constants are numbers in Python. Configs hold either the numbers or the names.
_ALIGNMENTS = {0: "LEFT", 1: "CENTER", 2: "RIGHT", 4: "JUSTIFY"}


def is_glyph(values: Mapping[str, Any]) -> bool:
    """Return whether `values` is a Glyph config: whether a key is in kebab-case."""
    return any("-" in str(key) for key in values)


def to_fields(config: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the fields of θ for a Glyph config, with Glyph's own defaults for the keys it leaves out.

    A null value means that the key is left out, as when Glyph merges configs. Keys that are not rendering parameters
    (the output folder, the number of processes) cause a warning. Other unknown keys stay, so that `Theta.from_dict`
    refuses them.

    Args:
        config: keys in kebab-case. Fields of θ may also have their own names.
        parameters: every field of θ, with what it accepts.

    Raises:
        ThetaError: two keys set the same field, or a text is not a valid value of its field.
    """
    given: dict[str, Any] = {}
    ignored = []
    for key, value in config.items():
        if str(key).replace("_", "-") in _NOT_RENDERING:
            ignored.append(str(key))
            continue
        if value is None:
            continue
        own = str(key).replace("-", "_")
        field = _KEYS.get(key) or (own if own in parameters else key)
        if field in given:
            raise ThetaError(f"{key} sets {field} a second time. Keep one of the two keys.", field=field)
        given[field] = _field_value(field, value, parameters)
    if ignored:
        warnings.warn(
            f"{', '.join(ignored)}: no rendering parameter, not part of θ. Pass it to the command instead.",
            stacklevel=3,
        )
    # For Glyph's script, a missing "line-height" and the value 0 both mean the font size plus one point.
    if not given.get("line_height"):
        given["line_height"] = _number(given.get("font_size", 9.0)) + 1.0
    return _DEFAULTS | given


def from_fields(fields: Mapping[str, Any], defaults: Mapping[str, Any], *, background: str) -> dict[str, Any]:
    """Return a Glyph config: all keys of Glyph, then each other field of θ that differs from its default.

    Args:
        fields: every field of θ as a JSON value.
        defaults: their defaults, as JSON values too.
        background: the color behind the text.
    """
    config = {key: _config_value(fields[field]) for key, field in _KEYS.items()}
    config["page-size"] = ",".join(plain(side) for side in fields["page_size"])
    # Glyph always paints the background of a paragraph. If the page has the same color, this background is not
    # visible.
    config["para-bg-color"] = background
    known_to_glyph = set(_KEYS.values())
    for field, value in fields.items():
        if field not in known_to_glyph and value != defaults[field]:
            config[field.replace("_", "-")] = _config_value(value)
    return config


def _field_value(field: str, value: Any, parameters: Mapping[str, Parameter]) -> Any:
    """Return a value of a config in a form that θ accepts. Text is parsed as on a command line."""
    if field == "alignment":
        if isinstance(value, str):
            return value.strip().upper().removeprefix("TA_")
        if type(value) is int:
            return _ALIGNMENTS.get(value, value)
    if isinstance(value, str) and field in parameters:
        return parameters[field].parse(field, value)
    return value


def _number(value: Any) -> float:
    try:
        return float(value) if isinstance(value, (int, float)) else 9.0
    except OverflowError:  # the check of the field says so
        return 9.0


def _config_value(value: Any) -> Any:
    """Return whole numbers without a fraction, as in Glyph's files, and other values as they are."""
    return int(value) if isinstance(value, float) and value.is_integer() else value

"""Glyph's config files: kebab-case JSON, as the script of that project reads and fills it in.

Both ways are here, key by key, with no knowledge of what a value means beyond its form. A config carries
θ fields that Glyph lacks under kebab-case names of their own; its script ignores what it does not know.
ReportLab, which draws Glyph's pages, pads its frame by a further 6 pt on every side; that is a matter of its
page and not of its config, so margins are taken as they are written.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from glyphrender.errors import ThetaError
from glyphrender.theta.parameter import plain

if TYPE_CHECKING:
    from glyphrender.theta.theta import Theta

# θ field of every Glyph key, in the order of its config files.
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

# What Glyph's script takes for a key its config lacks, where that is not our default.
_DEFAULTS: dict[str, Any] = {
    "margin_x": 20.0,
    "margin_y": 20.0,
    "alignment": "JUSTIFY",
    "para_bg_color": "#FFFFFF",
    "para_border_color": "#FFFFFF",
    "auto_crop_width": False,
    "auto_crop_last_page": False,
}

# Keys of the same files that say where pages go or how many processes draw them, and nothing about a page.
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

# ReportLab's alignment constants are numbers in Python; both forms turn up in configs.
_ALIGNMENTS = {0: "LEFT", 1: "CENTER", 2: "RIGHT", 4: "JUSTIFY"}


def is_glyph(values: Mapping[str, Any]) -> bool:
    """Whether `values` is a Glyph config: a key is in kebab-case."""
    return any("-" in str(key) for key in values)


def fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of θ for a Glyph config, with its script's defaults for the keys it leaves out.

    A null is a key left out, as in Glyph's own merging. Keys that are no rendering parameters (where pages
    go, how many processes) cause a warning. Other unknown keys stay, for `Theta.from_dict` to refuse.

    Raises:
        ThetaError: two keys set one field.
    """
    given: dict[str, Any] = {}
    ignored = []
    for key, value in values.items():
        if str(key).replace("_", "-") in _NOT_RENDERING:
            ignored.append(str(key))
            continue
        if value is None:
            continue
        field = _KEYS.get(key) or (key.replace("-", "_") if _is_field(key) else key)
        if field in given:
            raise ThetaError(f"{key} sets {field} a second time. Keep one of the two keys.", field=field)
        given[field] = _value(field, value)
    if ignored:
        warnings.warn(
            f"{', '.join(ignored)}: no rendering parameter, not part of θ. Pass it to the command instead.",
            stacklevel=3,
        )
    # "line-height": 0 and a missing one mean the same to Glyph's script: one point more than the font size.
    if not given.get("line_height"):
        given["line_height"] = _number(given.get("font_size", 9.0)) + 1.0
    return _DEFAULTS | given


def config(theta: Theta) -> dict[str, Any]:
    """θ as a Glyph config: all its keys, then further fields of θ where they differ from their default."""
    from glyphrender.theta.theta import DEFAULTS

    written = theta.to_dict()
    values = {key: _written(written.pop(field)) for key, field in _KEYS.items()}
    values["page-size"] = ",".join(plain(side) for side in theta.page_size)
    # Glyph always paints a paragraph; over a page of the same colour that shows nothing.
    values["para-bg-color"] = theta.background
    for field, value in written.items():
        if getattr(theta, field) != DEFAULTS[field]:
            values[field.replace("_", "-")] = _written(value)
    return values


def _is_field(key: object) -> bool:
    from glyphrender.theta.theta import PARAMETERS

    return isinstance(key, str) and key.replace("-", "_") in PARAMETERS


def _value(field: str, value: Any) -> Any:
    """A config's value in a form that θ accepts: text is read as on a command line."""
    if field == "alignment":
        if isinstance(value, str):
            return value.strip().upper().removeprefix("TA_")
        if type(value) is int:
            return _ALIGNMENTS.get(value, value)
    if isinstance(value, str) and _is_field(field):
        from glyphrender.theta.theta import PARAMETERS

        return PARAMETERS[field].parse(field, value)
    return value


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 9.0


def _written(value: Any) -> Any:
    """Whole numbers without a fraction, as in Glyph's files."""
    return int(value) if isinstance(value, float) and value.is_integer() else value

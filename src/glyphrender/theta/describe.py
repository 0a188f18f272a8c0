"""Describe θ in words: parse `name=value`, explain a field, and write the table of all fields (`docs/theta.md`).

All words come from the metadata of the fields. A new field of `Theta` needs no change here.
"""

from __future__ import annotations

from typing import Any

from glyphrender.theta import parameter
from glyphrender.theta.fields import DEFAULTS, PARAMETERS, check_field_names


def parse_value(field: str, text: str) -> Any:
    """Return the value that `text` stands for as a value of `field`, as in `--set field=text`.

    Raises:
        ThetaError: the field does not exist, or `text` is not a value of it.

    >>> parse_value("page-size", "A4")
    (595.0, 842.0)
    """
    name = field.strip().replace("-", "_")
    check_field_names([name])
    return PARAMETERS[name].parse(name, text)


def value_text(value: Any) -> str:
    """Return a value of a field as a user would type it after `--set name=`; `parse_value` reads it back.

    Names that hold a comma, as the path of a font may, cannot be told from several names.

    >>> value_text((595.0, 842.0)), value_text(True), value_text(8.25)
    ('595,842', 'true', '8.25')
    """
    if isinstance(value, tuple):
        return ",".join(value_text(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return parameter.plain(value) if isinstance(value, int | float) else str(value)


def explain(field: str) -> str:
    """Return a few lines about one field of θ: what it does, what it accepts, its default.

    Raises:
        ThetaError: the field does not exist.

    >>> print(explain("overlap"))
    overlap: whether line_height may be smaller than font_size
      accepts  one of FORBID, ALLOW
      default  FORBID
      Whether lines may overlap. FORBID refuses a line height below the font size.
    """
    name = field.strip().replace("-", "_")
    check_field_names([name])
    accepted = PARAMETERS[name]
    lines = [f"{name}: {accepted.help}", f"  accepts  {accepted.domain()}", f"  default  {_written(name)}"]
    if isinstance(accepted, parameter.Choice) and accepted.choices.__doc__:
        lines.append(f"  {' '.join(accepted.choices.__doc__.split())}")
    return "\n".join(lines)


def theta_table() -> str:
    """Return all fields of θ as a Markdown table."""
    rows = ["| field | default | accepts | meaning |", "|---|---|---|---|"]
    for name, accepted in PARAMETERS.items():
        accepts = accepted.domain().replace("<", r"\<")  # Markdown would take markup for HTML
        rows.append(f"| `{name}` | {_written(name, '`')} | {accepts} | {accepted.help} |")
    return "\n".join(rows) + "\n"


def theta_page() -> str:
    """Return the text of `docs/theta.md`."""
    return (
        "# Rendering parameters θ\n\n"
        "Lengths are points (1/72 in). `python -m glyphrender.theta.describe > docs/theta.md` writes this page, and a\n"
        "test compares it with the code.\n\n"
        f"{theta_table()}"
    )


def _written(name: str, quote: str = "") -> str:
    """Return the default of a field as a user would type it after `--set name=`, or "none" if it is empty."""
    written = value_text(DEFAULTS[name])
    return f"{quote}{written}{quote}" if written else "none"


if __name__ == "__main__":
    print(theta_page(), end="")

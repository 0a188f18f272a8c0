"""θ in words: reading `name=value`, explaining a field, the table of all fields.

All of it is drawn from the fields' own metadata; adding a field to `Theta` adds it here.
"""

from __future__ import annotations

from typing import Any

from glyphrender.theta import parameter
from glyphrender.theta.theta import DEFAULTS, PARAMETERS, known


def parse_value(field: str, text: str) -> Any:
    """The value of `field` that `text` stands for, as in `--set field=text`.

    Raises:
        ThetaError: the field does not exist, or `text` is no value for it.
    """
    name = field.strip().replace("-", "_")
    known([name])
    return PARAMETERS[name].parse(name, text)


def explain(field: str) -> str:
    """A few lines about one field of θ: what it does, what it accepts, its default.

    Raises:
        ThetaError: the field does not exist.
    """
    name = field.strip().replace("-", "_")
    known([name])
    accepted = PARAMETERS[name]
    lines = [f"{name}: {accepted.help}", f"  accepts  {accepted.domain()}", f"  default  {_written(name)}"]
    if isinstance(accepted, parameter.Choice) and accepted.choices.__doc__:
        lines.append(f"  {accepted.choices.__doc__}")
    return "\n".join(lines)


def theta_table() -> str:
    """All fields of θ as a Markdown table."""
    rows = ["| field | default | accepts | meaning |", "|---|---|---|---|"]
    for name, accepted in PARAMETERS.items():
        accepts = accepted.domain().replace("<", r"\<")  # Markdown would take markup for HTML
        rows.append(f"| `{name}` | {_written(name, '`')} | {accepts} | {accepted.help} |")
    return "\n".join(rows) + "\n"


def theta_page() -> str:
    """The text of `docs/theta.md`."""
    return (
        "# Rendering parameters θ\n\n"
        "Written by `python -m glyphrender.theta.describe`; a test compares. Lengths are points (1/72 in).\n\n"
        f"{theta_table()}"
    )


def _written(name: str, quote: str = "") -> str:
    """The default of a field as one would type it after `--set name=`."""
    default = DEFAULTS[name]
    if isinstance(default, tuple):
        written = ",".join(parameter.plain(item) if isinstance(item, float) else item for item in default)
    elif isinstance(default, bool):
        written = str(default).lower()
    else:
        written = parameter.plain(default) if isinstance(default, float) else str(default)
    return f"{quote}{written}{quote}" if written else "none"


if __name__ == "__main__":
    print(theta_page(), end="")

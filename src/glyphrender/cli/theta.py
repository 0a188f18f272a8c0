"""`glyphrender theta`: look at, check and convert rendering parameters."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group("theta")
def command() -> None:
    """Look at, check and convert rendering parameters."""


@command.command("presets")
def presets() -> None:
    """List the presets."""
    from glyphrender.theta import Theta

    for name, about in Theta.presets().items():
        click.echo(f"{name:16} {about}")


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print a preset or a file as JSON."""
    from glyphrender.theta import Theta

    theta = Theta.preset(name) if name in Theta.presets() else Theta.load(name)
    click.echo(theta.to_json(), nl=False)


@command.command("validate")
@click.argument("file", type=click.Path(path_type=Path))
def validate(file: Path) -> None:
    """Check a file and print the digest of its θ."""
    from glyphrender.theta import Theta

    click.echo(f"{file}: valid, digest {Theta.load(file).digest}")


@command.command("convert")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice(["glyph", "json"]), default="json", show_default=True)
def convert(file: Path, form: str) -> None:
    """Print a θ file, ours or Glyph's, in the other form."""
    from glyphrender.theta import Theta

    theta = Theta.load(file)
    text = theta.to_json() if form == "json" else json.dumps(theta.to_glyph(), indent=2, ensure_ascii=False) + "\n"
    click.echo(text, nl=False)


@command.command("explain")
@click.argument("field", required=False)
def explain(field: str | None) -> None:
    """Say what a field means and accepts; all of them without FIELD."""
    from glyphrender import describe
    from glyphrender.theta import PARAMETERS

    for name in [field] if field else PARAMETERS:
        click.echo(describe.explain(name))

"""`glyphrender theta`: look at, check and convert rendering parameters."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender.cli import CommandGroup
from glyphrender.cli.notices import say
from glyphrender.errors import one_line

if TYPE_CHECKING:
    from glyphrender.theta import Theta


@click.group(cls=CommandGroup)
def command() -> None:
    """Look at, check and convert rendering parameters."""


@command.command()
def presets() -> None:
    """List the bundled presets."""
    from glyphrender.theta import Theta

    width = max(map(len, Theta.preset_names()))
    for name, about in Theta.preset_names().items():
        click.echo(f"{name:{width}}  {about}")


@command.command()
@click.argument("source", metavar="NAME|FILE")
def show(source: str) -> None:
    """Print all fields of a preset or a file as JSON.

    A file that has the name of a preset is read as ./NAME.
    """
    from glyphrender.theta import Theta

    click.echo(_named(source, Theta).to_json(), nl=False)


@command.command()
@click.argument("file", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--no-fonts", is_flag=True, help="Do not check whether the fonts are on this machine.")
def validate(file: tuple[Path, ...], no_fonts: bool) -> None:
    """Check files of parameters, ours or Glyph's: every field, the fields together, and the fonts.

    Every file is checked. The exit status is 2 if one of them is not valid.
    """
    from glyphrender.errors import GlyphRenderError
    from glyphrender.theta import Theta

    faults = 0
    for path in file:
        try:
            theta = Theta.load(path)
            if not no_fonts:
                from glyphrender.raster.typesetter import default_typesetter

                default_typesetter().shaper.style(theta)
        except GlyphRenderError as error:
            faults += 1
            named = str(error) if str(path) in str(error) else f"{path}: {error}"
            say(named)
        else:
            click.echo(one_line(f"{path}: valid, digest {theta.digest}"))
    if faults:
        raise click.exceptions.Exit(2)


@command.command()
@click.argument("source", metavar="NAME|FILE")
@click.option("--to", "format", type=click.Choice(["json", "glyph"]), default="json", show_default=True)
def convert(source: str, format: str) -> None:
    """Print a preset or a file, ours or Glyph's, in our format or in Glyph's."""
    from glyphrender.theta import Theta

    theta = _named(source, Theta)
    text = theta.to_json() if format == "json" else json.dumps(theta.to_glyph(), indent=2, ensure_ascii=False) + "\n"
    click.echo(text, nl=False)


@command.command()
@click.argument("field", required=False)
def explain(field: str | None) -> None:
    """Explain what a field does and accepts; without FIELD, explain all fields."""
    from glyphrender.theta import PARAMETERS, describe

    click.echo("\n\n".join(describe.explain(name) for name in ([field] if field else PARAMETERS)))


def _named(source: str, cls: type[Theta]) -> Theta:
    if source in cls.preset_names():
        return cls.preset(source)
    if not os.path.lexists(source) and "." not in source and os.sep not in source:
        return cls.preset(source)  # the error lists the presets
    return cls.load(source)

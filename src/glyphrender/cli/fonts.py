"""`glyphrender fonts`: the families there are, and which face draws which characters of a text."""

from __future__ import annotations

from pathlib import Path

import click

from glyphrender.cli.options import theta_options


@click.command("fonts")
@click.option("--text", help="Say which face draws each character of this text.")
@click.option("--file", type=click.Path(path_type=Path), help="The same for a file.")
@theta_options
def command(text: str | None, file: Path | None, theta: object) -> None:
    """List families and styles, or which faces draw a text."""
    from glyphrender.fonts.library import families

    if text is None and file is None:
        for family in families():
            styles = ", ".join(f"{s.weight}{' italic' if s.italic else ''}" for s in family.styles)
            click.echo(f"{family.name:36} {'bundled' if family.bundled else 'system'}  {styles}")
        return
    import numpy as np

    from glyphrender.fonts import MISSING
    from glyphrender.text.grapheme import cluster_starts
    from glyphrender.text.properties import codepoints
    from glyphrender.text.source import read
    from glyphrender.theta import Theta
    from glyphrender.typeset.words import WordStyle

    assert isinstance(theta, Theta)
    stack = WordStyle.of(theta).stack
    cps = codepoints(text if text is not None else read(file or ""))
    numbers = stack.assign(cps, cluster_starts(cps))
    for number, count in zip(*np.unique(numbers, return_counts=True), strict=True):
        distinct = np.unique(cps[numbers == number])
        if number == MISSING:
            listed = " ".join(f"U+{cp:04X}" for cp in distinct[:20])
            click.echo(f"no font: {count} characters: {listed}{' …' if len(distinct) > 20 else ''}")
        else:
            face = stack.faces[number]
            click.echo(f"{face.family} {face.style}: {count} characters, {len(distinct)} distinct")

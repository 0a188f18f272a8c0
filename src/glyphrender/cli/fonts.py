"""`glyphrender fonts`: the available font families, or the face for each character of a text."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.options import text_options, theta_options
from glyphrender.errors import one_line

if TYPE_CHECKING:
    from glyphrender.fonts import Family
    from glyphrender.theta import Theta

# Most characters that a line shows.
_SHOWN = 24
# No face draws line ends, controls, joiners and spaces.
_UNDRAWN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


@click.command()
@click.option("--text", help="Show which face draws each character of this text.")
@click.option("--file", type=click.Path(path_type=Path), help="Show which face draws each character of this file.")
@click.option("--bundled", is_flag=True, help="List only the fonts that come with glyphrender.")
@theta_options
@text_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *,
    text: str | None,
    file: Path | None,
    bundled: bool,
    theta: Theta,
    encoding: str | None,
    errors: str,
    as_json: bool,
) -> None:
    """List the fonts, or which of them draw a text.

    Without --text and --file, the families are listed: first the bundled families, then those in the folders of
    GLYPHRENDER_FONTS and of the system. With --text or --file, the faces that the rendering parameters choose for the
    text are listed, and the characters that no font has.
    """
    if text is not None and file is not None:
        raise click.UsageError(f"--text and --file {file} are both given. Choose one.")
    if text is None and file is None:
        from glyphrender.fonts import families

        _list(families(system=not bundled), as_json)
        return
    if file is not None:
        from glyphrender.text.source import read

        text = read(file, encoding=encoding, errors=errors)
    found = coverage(text or "", theta)
    if as_json:
        click.echo(json.dumps(found))
        return
    width = max((len(entry["face"] or "no font") for entry in found), default=0)
    for entry in found:
        characters = entry["characters"]
        shown = " ".join(f"U+{ord(c):04X}" for c in characters[:_SHOWN]) if entry["face"] is None else None
        cut = " …" if len(characters) > _SHOWN else ""
        label = entry["face"] or "no font"
        line = f"{label:{width}}  {entry['count']:>9,} ({len(characters):,} different)  "
        click.echo(one_line(f"{line}{shown or characters[:_SHOWN]}{cut}"))


def coverage(text: str, theta: Theta) -> list[dict[str, Any]]:
    """Return the faces that draw `text`, the most used face first, and last the characters that no font has.

    Each entry has `face` (None if no font has the characters), `path`, `count`, and `characters`: the different
    characters, by code point. Spaces, controls and joiners are left out.
    """
    import numpy as np

    from glyphrender.fonts import MISSING
    from glyphrender.raster.typesetter import default_typesetter
    from glyphrender.text.grapheme import cluster_starts
    from glyphrender.text.properties import codepoints

    stack = default_typesetter().shaper.style(theta).stack
    cps = codepoints(text)
    numbers = stack.assign(cps, cluster_starts(cps))
    found: list[dict[str, Any]] = []
    for number in np.unique(numbers).tolist():
        distinct, counts = np.unique(cps[numbers == number], return_counts=True)
        drawn = {chr(cp): count for cp, count in zip(distinct.tolist(), counts.tolist(), strict=True)}
        drawn = {c: count for c, count in drawn.items() if unicodedata.category(c) not in _UNDRAWN}
        if not drawn:
            continue
        face = None if number == MISSING else stack.faces[number]
        found.append(
            {
                "face": f"{face.family} {face.style}" if face else None,
                "path": str(face.path) if face else None,
                "count": sum(drawn.values()),
                "characters": "".join(drawn),
            }
        )
    return sorted(found, key=lambda entry: (entry["face"] is None, -entry["count"]))


def _list(families: tuple[Family, ...], as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "family": family.name,
                "bundled": family.bundled,
                "styles": [
                    {"style": s.style, "weight": s.weight, "italic": s.italic, "path": str(s.path), "index": s.index}
                    for s in family.styles
                ],
            }
            for family in families
        ]
        click.echo(json.dumps(rows))
        return
    width = max(len(family.name) for family in families)
    for family in families:
        styles = ", ".join(style.style for style in family.styles)
        click.echo(one_line(f"{family.name:{width}}  {'bundled' if family.bundled else 'system '}  {styles}"))

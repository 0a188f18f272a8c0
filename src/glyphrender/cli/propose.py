"""`glyphrender propose`: the rendering parameters under which a text costs least."""

from __future__ import annotations

import json
from pathlib import Path

import click

from glyphrender.cli.fit import text_of
from glyphrender.cli.inputs import Input, Reader, check_outputs
from glyphrender.cli.options import text_options
from glyphrender.report.tables import text_table

# Candidates that a table shows.
_SHOWN = 12


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--vision", metavar="MODEL", default="glm-4.1v", show_default=True, help="The vision model.")
@click.option("--tokenizer", metavar="NAME|FILE", help="Counts the text; by default the model's own.")
@click.option(
    "--min-font-pixels",
    type=float,
    default=7.0,
    show_default=True,
    help="Smallest em that the model may see, in pixels.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the parameters to this JSON file."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@text_options
def command(
    *,
    file: str,
    vision: str,
    tokenizer: str | None,
    min_font_pixels: float,
    output: Path | None,
    as_json: bool,
    encoding: str | None,
    errors: str,
) -> None:
    """Propose rendering parameters for a text: presets, flows and columns compared.

    The text is looked at: prose, wrapped prose, code, a log, a chat or a table. Of the presets and flows for this kind,
    the one with the highest ratio is proposed whose type the model sees at --min-font-pixels or more. The reason names
    what was left out. `glyphrender render --theta FILE` then draws the text.
    """
    from glyphrender._system.atomic_write import check_writable
    from glyphrender.ratio.propose import propose
    from glyphrender.theta.json_file import is_saved_theta

    if output is not None:
        check_outputs([output], [] if file == "-" else [Input(name="", path=Path(file))])
        check_writable(output, is_saved_theta)
    text = text_of(file, Reader(encoding=encoding, errors=errors))
    found = propose(text, model=vision, tokenizer=tokenizer, min_font_pixels=min_font_pixels)
    if output is not None:
        found.theta.save(output)
    if as_json:
        rows = [
            {"name": each.name, "rho": each.rho, "font_pixels": each.font_pixels, "legible": each.legible}
            for each in found.alternatives
        ]
        values = {"kind": found.kind.value, "reason": found.reason, "theta": found.theta.to_dict()}
        click.echo(json.dumps({**values, "alternatives": rows}, indent=2, ensure_ascii=False))
        return
    cells = [
        [each.name, f"{each.rho:.2f}", f"{each.font_pixels:.2f}", "" if each.legible else "too small"]
        for each in found.alternatives[:_SHOWN]
    ]
    click.echo(found.reason)
    click.echo(text_table(("parameters", "ratio", "font px", ""), cells, left=1))

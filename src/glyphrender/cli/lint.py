"""`glyphrender lint`: what a trainer would show the model of exported rows."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--settings", type=click.Path(path_type=Path), metavar="FILE", help="Settings of the run.")
@click.option("--trainer", metavar="NAME", default="", help="The trainer; by default that of the export.")
@click.option("--model", metavar="NAME", default="", help="The vision model; by default that of the export.")
@click.option("--tokenizer", metavar="NAME|FILE", help="Counts tokens of text; by default the model's own.")
def command(*, folder: Path, settings: Path | None, trainer: str, model: str, tokenizer: str | None) -> int:
    """Tell at which size a trainer shows the pages of an export.

    Also told are the rows that the trainer would cut, drop or refuse. FOLDER is an export, or rows of another program
    in the form of --trainer. The exit status is 1 if there is an error.
    """
    from glyphrender.train.exports.export import lint

    report = lint(folder, trainer=trainer, model=model, settings=settings, tokenizer=tokenizer)
    click.echo(str(report))
    return 1 if report.errors else 0

"""`glyphrender bench`: compression ratios over texts × presets × models, as a table, CSV and a plot."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender.cli import one_line
from glyphrender.cli.inputs import Reader, inputs_of
from glyphrender.cli.options import text_options
from glyphrender.cli.scatter import scatter
from glyphrender.cli.table import table
from glyphrender.errors import DataError, VisionModelError

if TYPE_CHECKING:
    from glyphrender.ratio.ratio import Ratio
    from glyphrender.theta import Theta

_HEADINGS = ("text", "preset", "model", "ρ", "font px", "pages", "chars/token", "text tokens", "visual", "resampled")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option("--preset", "presets", metavar="NAME", multiple=True, help="A bundled θ; repeatable. By default five.")
@click.option("--theta", "thetas", type=click.Path(path_type=Path), multiple=True, help="θ from a file; repeatable.")
@click.option("--vision", metavar="NAME", multiple=True, help="A vision model; repeatable. By default three.")
@click.option("--dpi", type=float, multiple=True, metavar="N", help="Try each θ at this resolution; repeatable.")
@click.option("--align/--no-align", default=True, show_default=True, help="Align each θ to each model's grid.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default each model's own.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the figures to this file.")
@click.option("--plot", type=click.Path(path_type=Path), help="Write an SVG of ρ against the height of the type.")
@text_options
def command(
    *,
    files: tuple[str, ...],
    presets: tuple[str, ...],
    thetas: tuple[Path, ...],
    vision: tuple[str, ...],
    dpi: tuple[float, ...],
    align: bool,
    tokenizer: str | None,
    csv_file: Path | None,
    plot: Path | None,
    encoding: str | None,
    errors: str,
) -> None:
    """Compare compression ratios over texts, θ and models.

    Each line is a text under a θ for a model. Only lines of equal "font px", the em of the text as the model sees it,
    show the same legibility, which is why the plot has it as its axis. Nothing is drawn.
    """
    from glyphrender.ratio.vision import vision_model
    from glyphrender.theta import Theta

    named = {path.name: Theta.load(path) for path in thetas}
    chosen = presets or (() if named else ("glyph-en", "dense", "code", "code-flow", "book"))
    named |= {name: Theta.preset(name) for name in chosen}
    if dpi:
        named = {f"{name} {each:g} dpi": theta.replace(dpi=each) for name, theta in named.items() for each in dpi}
    models = vision or ("glm-4.1v", "qwen3-vl", "claude")
    for name in models:
        vision_model(name)
    reader = Reader(encoding=encoding, errors=errors)
    found: list[tuple[str, str, Ratio]] = []
    for source in inputs_of(files):
        if (blocks := reader.text(source)) is None:
            continue
        text = "".join(blocks)
        for name, theta in named.items():
            found += [
                (one_line(source.name), name, _ratio(text, theta, model, tokenizer, align=align)) for model in models
            ]
    if not found:
        raise DataError(f"none of {len(reader.skipped)} files is text. Pass --encoding if they are text.")
    rows = [_row(*each) for each in found]
    if csv_file is not None:
        sheet = io.StringIO()
        csv.writer(sheet, lineterminator="\n").writerows([_HEADINGS, *rows])
        _write(csv_file, sheet.getvalue())
    if plot is not None:
        _write(plot, _plotted(found))
    shown = [[*row[:5], *(f"{int(row[5]):,}", row[6], *(f"{int(cell):,}" for cell in row[7:]))] for row in rows]
    click.echo(table(_HEADINGS, shown, left=3))
    for path, reason in reader.skipped:
        click.echo(one_line(f"glyphrender: {path} was passed over: {reason}."), err=True)


def _ratio(text: str, theta: Theta, model: str, tokenizer: str | None, *, align: bool) -> Ratio:
    from glyphrender.ratio.ratio import compression_ratio

    if align:
        try:
            theta = theta.align_to(model)
        except VisionModelError:
            pass  # a model that resamples whatever it gets; the last column says so
    return compression_ratio(text, theta, model, tokenizer, over_limit="ignore")


def _row(text: str, preset: str, ratio: Ratio) -> list[str]:
    return [
        text,
        preset,
        ratio.vision,
        f"{ratio.rho:.3f}",
        f"{ratio.font_pixels:.2f}",
        str(len(ratio.pages)),
        f"{ratio.characters_per_token:.2f}",
        str(ratio.text_tokens),
        str(ratio.visual_tokens),
        str(ratio.resampled),
    ]


def _plotted(found: list[tuple[str, str, Ratio]]) -> str:
    """ρ against the em in pixels, a series for each text and model."""
    series: dict[str, list[tuple[float, float, str]]] = {}
    for text, preset, ratio in found:
        points = series.setdefault(f"{text}, {ratio.vision}", [])
        points.append((ratio.font_pixels, ratio.rho, f"{text}, {preset}, {ratio.vision}: ρ {ratio.rho:.2f}"))
    return scatter(series, x="em of the text as the model sees it, in pixels", y="ρ")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}). Choose another file.") from error

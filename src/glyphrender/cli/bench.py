"""`glyphrender bench`: compression ratios over texts × presets × models, as a table, CSV and a plot."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender._system.atomic_write import write_whole
from glyphrender.cli import one_line
from glyphrender.cli.inputs import Reader
from glyphrender.cli.options import text_options
from glyphrender.cli.ratio import aligned, texts
from glyphrender.cli.scatter import Point, scatter
from glyphrender.cli.table import table
from glyphrender.errors import DataError, DependencyError

if TYPE_CHECKING:
    from glyphrender.ocr.legibility import Legibility, PageReader
    from glyphrender.ratio.ratio import Ratio
    from glyphrender.theta import Theta

_HEADINGS = ("text", "preset", "model", "ρ", "font px", "pages", "chars/token", "text tokens", "visual", "resampled")
_READ = ("error rate", "characters read", "pages read")
# Three pages of 9 px are some 10,000 characters and 5 s of one core; one alone is ± 0.005 at best.
_PAGES = 3


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option("--preset", "presets", metavar="NAME", multiple=True, help="A bundled θ; repeatable. By default five.")
@click.option("--theta", "thetas", type=click.Path(path_type=Path), multiple=True, help="θ from a file; repeatable.")
@click.option("--vision", metavar="NAME", multiple=True, help="A vision model; repeatable. By default three.")
@click.option("--dpi", type=float, multiple=True, metavar="N", help="Try each θ at this resolution; repeatable.")
@click.option("--align/--no-align", default=True, show_default=True, help="Align each θ to each model's grid.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default each model's own.")
@click.option("--read", "pages", type=click.IntRange(min=0), metavar="N", help="Pages read for legibility; 0 for none.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the choice of pages that are read.")
@click.option("--reader-language", "language", metavar="NAME", help="Tesseract's language; by default eng.")
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
    pages: int | None,
    seed: int,
    language: str | None,
    csv_file: Path | None,
    plot: Path | None,
    encoding: str | None,
    errors: str,
) -> None:
    """Compare compression ratios over texts, θ and models.

    Each line is a text under a θ for a model. Only lines of equal "font px", the em of the text as the model sees it,
    show the same legibility, which is why the plot has it as its axis. With the extra "reader" some pages are drawn,
    resized as the model does it and read by tesseract: "error rate" is the share of characters that it gets wrong.
    """
    from glyphrender.models.vision import vision_model
    from glyphrender.theta import Theta

    named = {path.name: Theta.load(path) for path in thetas}
    chosen = presets or (() if named else ("glyph-en", "dense", "code", "code-flow", "book"))
    named |= {name: Theta.preset(name) for name in chosen}
    if dpi:
        named = {f"{name} {each:g} dpi": theta.replace(dpi=each) for name, theta in named.items() for each in dpi}
    models = vision or ("glm-4.1v", "qwen3-vl", "claude")
    for name in models:
        vision_model(name)
    ocr = _page_reader(pages, language)
    reader = Reader(encoding=encoding, errors=errors)
    found: list[tuple[str, str, Ratio, Legibility | None]] = []
    for source, text in texts(files, reader):
        for name, theta in named.items():
            for model in models:
                ratio = _ratio(text, theta, model, tokenizer, align=align)
                read = None if ocr is None else _legibility(text, ratio, ocr, pages or _PAGES, seed)
                found.append((source, name, ratio, read))
    if not found:
        raise DataError(f"none of {len(reader.skipped)} files is text. Pass --encoding if they are text.")
    headings = _HEADINGS if ocr is None else (*_HEADINGS, *_READ)
    rows = [_row(*each) for each in found]
    if csv_file is not None:
        sheet = io.StringIO()
        csv.writer(sheet, lineterminator="\n").writerows([headings, *rows])
        write_whole(csv_file, sheet.getvalue())
    if plot is not None:
        write_whole(plot, _plotted(found))
    click.echo(table(headings, [_shown(row) for row in rows], left=3))
    for path, reason in reader.skipped:
        click.echo(one_line(f"glyphrender: {path} was passed over: {reason}."), err=True)


def _ratio(text: str, theta: Theta, model: str, tokenizer: str | None, *, align: bool) -> Ratio:
    from glyphrender.ratio.ratio import compression_ratio

    if align:
        theta = aligned(theta, model, lenient=True)  # where it cannot be, "resampled" says so
    return compression_ratio(text, theta, model, tokenizer, over_limit="ignore")


def _page_reader(pages: int | None, language: str | None) -> PageReader | None:
    """Tesseract, or None where nothing is to be read, or it is not there and was not asked for."""
    from glyphrender.ocr.tesseract import Tesseract

    if pages == 0:
        return None
    try:
        return Tesseract(language=language or "eng")
    except DependencyError as error:
        if pages is not None or language is not None:
            raise
        click.echo(one_line(f"glyphrender: legibility is not measured: {error} --read 0 leaves it out."), err=True)
        return None


def _legibility(text: str, ratio: Ratio, reader: PageReader, pages: int, seed: int) -> Legibility:
    from glyphrender.document.document import render
    from glyphrender.ocr.legibility import legibility

    document = render(text, ratio.theta)
    return legibility(document, reader, model=ratio.vision, pages=pages, seed=seed, threads=os.cpu_count() or 1)


def _row(text: str, preset: str, ratio: Ratio, read: Legibility | None) -> list[str]:
    """The cells of a line as the CSV has them."""
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
        *([] if read is None else [f"{read.error_rate:.5f}", str(read.characters), str(len(read.pages))]),
    ]


def _shown(row: list[str]) -> list[str]:
    """The same cells as the table has them."""
    read = [f"{float(row[10]):.2%}", f"{int(row[11]):,}", row[12]] if len(row) > len(_HEADINGS) else []
    return [*row[:5], f"{int(row[5]):,}", row[6], *(f"{int(cell):,}" for cell in row[7:10]), *read]


def _plotted(found: list[tuple[str, str, Ratio, Legibility | None]]) -> str:
    """ρ against the em in pixels, a series for each text and model; beside each point the error rate, where known."""
    series: dict[str, list[Point]] = {}
    for text, preset, ratio, read in found:
        title = f"{text}, {preset}, {ratio.vision}: ρ {ratio.rho:.2f}"
        wrong = "" if read is None else f"{read.error_rate:.1%}"
        point = Point(ratio.font_pixels, ratio.rho, f"{title}, {wrong} read wrong" if wrong else title, wrong)
        series.setdefault(f"{text}, {ratio.vision}", []).append(point)
    return scatter(series, x="em of the text as the model sees it, in pixels", y="ρ")

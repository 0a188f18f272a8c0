"""`glyphrender bench`: compression ratios over texts × presets × models, as a table, CSV and a plot."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from glyphrender._system.atomic_write import check_writable, write_atomically
from glyphrender._system.seal import is_sealed, is_sealed_csv, sealed, sealed_csv
from glyphrender.cli.evaluator import TEXT_KINDS
from glyphrender.cli.inputs import Input, Reader, check_outputs, inputs_of
from glyphrender.cli.notices import say
from glyphrender.cli.options import Pricing, price_options, text_options
from glyphrender.cli.ratio import MONEY, check_some_text, known_models, money, print_skipped, texts, verdict
from glyphrender.errors import DependencyError
from glyphrender.report.tables import text_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from glyphrender.ocr.legibility import Legibility, PageReader
    from glyphrender.ratio.costs import PromptCost, Ratio
    from glyphrender.theta import Theta

_HEADINGS = ("text", "preset", "model", "ρ", "font px", "pages", "chars/token", "text tokens", "visual", "resampled")
_READ = ("error rate", "characters read", "pages read")
# A line of the table: the names of text and θ, the ratio, and the results of the reader: of the text, and of text
# without priors.
_Line: TypeAlias = "tuple[str, str, Ratio, list[Legibility]]"
# Three pages of 9 px type have some 10,000 characters and take 5 s of one core. An error rate from one page is exact to
# ± 0.005 at best.
_PAGES = 3


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option(
    "--preset", "presets", metavar="NAME", multiple=True, help="A bundled preset; repeatable. By default five."
)
@click.option(
    "--theta",
    "thetas",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Rendering parameters from a file; repeatable.",
)
@click.option("--vision", metavar="NAME", multiple=True, help="A vision model; repeatable. By default three.")
@click.option(
    "--dpi", type=float, multiple=True, metavar="N", help="Try all parameters at this resolution; repeatable."
)
@click.option("--align/--no-align", default=True, show_default=True, help="Align the parameters to each model's grid.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default each model's own.")
@click.option("--read", "pages", type=click.IntRange(min=0), metavar="N", help="Pages read for legibility; 0 for none.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the choice of pages that are read.")
@click.option(
    "--priors",
    type=click.Choice(TEXT_KINDS[1:]),
    multiple=True,
    help="Read the same pages without language priors too; repeatable.",
)
@click.option("--reader-language", "language", metavar="NAME", help="Tesseract's language; by default eng.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the figures to this file.")
@click.option("--plot", type=click.Path(path_type=Path), help="Write an SVG: the ratio against the height of the type.")
@price_options
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
    priors: tuple[str, ...],
    language: str | None,
    csv_file: Path | None,
    plot: Path | None,
    pricing: Pricing,
    encoding: str | None,
    errors: str,
) -> None:
    """Compare compression ratios over texts, parameters and models.

    Each line shows one text under some rendering parameters for one model. "font px" is the em of the text, in pixels,
    as the model sees it. Only lines with equal "font px" are equally legible, so "font px" is the axis of the plot.
    With the extra "reader", some pages are drawn, resized as the model resizes them, and read by tesseract. "error
    rate" is the share of characters that tesseract reads wrong. With --priors, it reads the same pages with text that
    cannot be guessed. "prior's share" is the share of those errors that it avoids on the text itself.
    """
    from glyphrender.ratio.bench import MODELS
    from glyphrender.rich.door import for_file

    _check_files(csv_file, plot, files, thetas)
    named = _thetas(thetas, presets, dpi)
    models = known_models(vision or MODELS)
    ocr = _page_reader(pages, language, asked=bool(priors))
    reader = Reader(encoding=encoding, errors=errors)
    found: list[_Line] = []
    costs: list[PromptCost | None] = []
    named_ratios: list[tuple[str, str, Ratio]] = []
    for (source, text), (name, theta), model in _combinations(texts(files, reader), named, models):
        ratio = _ratio(text, for_file(theta, source), model, tokenizer, align=align)
        read = [] if ocr is None else _legibility(text, ratio, ocr, pages or _PAGES, seed, priors)
        found.append((source, name, ratio, read))
        price = pricing.of(model)
        costs.append(None if price is None else ratio.cost(price))
        named_ratios.append((f"{source}, {name}", model, ratio))
    check_some_text(found, reader)
    has_price = any(cost is not None for cost in costs)
    money_headings = MONEY if has_price else ()
    headings = (*_HEADINGS, *_read_headings(ocr, priors), *money_headings)
    rows = [_row(*line) for line in found]
    if csv_file is not None:
        sums = [_exact_money(cost) if has_price else () for cost in costs]
        columns = (*_HEADINGS, *_read_headings(ocr, priors, ends=True), *money_headings)
        cells = [columns, *((*row, *each) for row, each in zip(rows, sums, strict=True))]
        write_atomically(csv_file, sealed_csv(cells), replaces=is_sealed_csv)
    if plot is not None:
        write_atomically(plot, sealed(_plotted(found)), replaces=is_sealed)
    say(verdict(named_ratios, pricing))
    say(pricing.hint(vision))
    shown = [[*_shown(row), *(money(cost) if has_price else ())] for row, cost in zip(rows, costs, strict=True)]
    click.echo(text_table(headings, shown, left=3))
    print_skipped(reader)


def _read_headings(reader: PageReader | None, priors: Sequence[str], *, ends: bool = False) -> list[str]:
    """Return the headings of what was read; with `ends`, those of the ends of intervals too, which only CSV has."""
    more = ("low", "high") if ends else ()
    shares = [name for kind in priors for name in (f"error {kind}", "prior's share", *more)]
    return [] if reader is None else [*_READ, *shares]


def _check_files(csv_file: Path | None, plot: Path | None, files: Sequence[str], thetas: Sequence[Path]) -> None:
    """Refuse to write over an input, or over a file that this command did not write."""
    outputs = [path for path in (csv_file, plot) if path is not None]
    if outputs:
        check_outputs(outputs, [*inputs_of(files), *(Input(name="", path=path) for path in thetas)])
    if csv_file is not None:
        check_writable(csv_file, is_sealed_csv)
    if plot is not None:
        check_writable(plot, is_sealed)


def _exact_money(cost: PromptCost | None) -> tuple[str, str]:
    """Return the two cells of the CSV file for what a text costs, as pages and as text."""
    return ("", "") if cost is None else (f"{cost.as_pages:.9f}", f"{cost.as_text:.9f}")


def _thetas(files: Sequence[Path], presets: Sequence[str], dpi: Sequence[float]) -> dict[str, Theta]:
    """Return name → θ, for files and presets, at each resolution. The name is the one in the table."""
    from glyphrender.ratio.bench import PRESETS
    from glyphrender.theta import Theta

    named = {path.name: Theta.load(path) for path in files}
    chosen = presets or (() if named else PRESETS)
    named |= {name: Theta.preset(name) for name in chosen}
    if not dpi:
        return named
    return {f"{name} {each:g} dpi": theta.replace(dpi=each) for name, theta in named.items() for each in dpi}


def _combinations(
    found: Iterable[tuple[str, str]], thetas: Mapping[str, Theta], models: Sequence[str]
) -> Iterator[tuple[tuple[str, str], tuple[str, Theta], str]]:
    """Yield every (text, θ, model), one text after another. Each text is read only when it is needed."""
    for text in found:
        for theta, model in product(thetas.items(), models):
            yield text, theta, model


def _ratio(text: str, theta: Theta, model: str, tokenizer: str | None, *, align: bool) -> Ratio:
    from glyphrender.ratio.align import align_if_possible
    from glyphrender.ratio.ratio import compression_ratio

    if align:
        theta = align_if_possible(theta, model)  # if θ cannot be aligned, "resampled" shows it
    return compression_ratio(text, theta=theta, model=model, tokenizer=tokenizer, over_limit="ignore")


def _page_reader(pages: int | None, language: str | None, *, asked: bool) -> PageReader | None:
    """Return Tesseract; None if no page is to be read, or if Tesseract is not installed and no option asks for it."""
    from glyphrender.ocr.tesseract import Tesseract

    if pages == 0:
        if asked:
            raise click.UsageError("--priors needs pages that are read. Leave out --read 0.")
        return None
    try:
        return Tesseract(language=language or "eng")
    except DependencyError as error:
        if asked or pages is not None or language is not None:
            raise
        say(f"legibility is not measured: {error} --read 0 leaves it out.")
        return None


def _legibility(
    text: str, ratio: Ratio, reader: PageReader, pages: int, seed: int, priors: Sequence[str]
) -> list[Legibility]:
    from glyphrender.document.render import render
    from glyphrender.ocr.legibility import legibility

    document = render(text, ratio.theta)
    threads = os.cpu_count() or 1
    return [
        legibility(document, reader, model=ratio.model, pages=pages, seed=seed, threads=threads, kind=kind)
        for kind in ("prose", *priors)
    ]


def _row(text: str, preset: str, ratio: Ratio, read: list[Legibility]) -> list[str]:
    """Return the cells of a line, in the form for CSV."""
    from glyphrender.tasks.priors import prior_share

    shares = []
    for without in read[1:]:
        share = prior_share(read[0], without).share
        ends = ["", "", ""] if share is None else [f"{each:.4f}" for each in (share.mean, share.low, share.high)]
        shares += [f"{without.error_rate:.5f}", *ends]
    return [
        text,
        preset,
        ratio.model,
        f"{ratio.rho:.3f}",
        f"{ratio.font_pixels:.2f}",
        str(len(ratio.pages)),
        f"{ratio.characters_per_token:.2f}",
        str(ratio.text_tokens),
        str(ratio.visual_tokens),
        str(ratio.resampled),
        *(cell for each in read[:1] for cell in (f"{each.error_rate:.5f}", str(each.characters), str(len(each.pages)))),
        *shares,
    ]


def _shown(row: list[str]) -> list[str]:
    """Return the same cells, in the form for the table."""
    read = [f"{float(row[10]):.2%}", f"{int(row[11]):,}", row[12]] if len(row) > len(_HEADINGS) else []
    for at in range(len(_HEADINGS) + len(_READ), len(row), 4):
        rate, *ends = row[at : at + 4]
        share, low, high = (f"{float(end):.0%}" if end else "" for end in ends)
        read += [f"{float(rate):.2%}", f"{share} [{low}, {high}]" if share else ""]
    return [*row[:5], f"{int(row[5]):,}", row[6], *(f"{int(cell):,}" for cell in row[7:10]), *read]


def _plotted(found: list[_Line]) -> str:
    """Return a plot of ρ against the em in pixels. The label of a point has the error rate if that is known."""
    from glyphrender.ratio.bench import BenchLine, bench_plot

    lines = [BenchLine(text=text, theta=name, ratio=ratio) for text, name, ratio, _ in found]
    return bench_plot(lines, notes=[f"{read[0].error_rate:.1%}" if read else "" for *_, read in found])

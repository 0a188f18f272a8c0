"""`glyphrender show`: a text, or pages that `render` wrote → one HTML file for a browser."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender._system.atomic_write import write_atomically
from glyphrender.cli.inputs import Input, Reader
from glyphrender.cli.options import text_options, theta_options
from glyphrender.document.sheet import Picture, saved, sheet
from glyphrender.errors import DataError, one_line

if TYPE_CHECKING:
    from glyphrender.theta import Theta


def _page_range(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[int, int | None]:
    """Return (first, last) for "7", "3-9" or "5-", both included. The first page is 1; None means the last page."""
    match = re.fullmatch(r"(\d{1,9})(?:(-)(\d{1,9})?)?", value.strip())
    if match:
        first = int(match[1])
        last = int(match[3]) if match[3] else None if match[2] else first
        if first >= 1 and (last is None or last >= first):
            return first, last
    raise click.BadParameter(f"{value!r} is not a range of pages. Write 7, 3-9 or 5-.")


@click.command()
@click.argument("source", metavar="FILE|DIR|-")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("pages.html"),
    show_default=True,
    help="The HTML file to write.",
)
@click.option(
    "--pages",
    metavar="RANGE",
    callback=_page_range,
    default="1-20",
    show_default=True,
    help="The pages to show: 7, 3-9 or 5-.",
)
@theta_options
@text_options
def command(
    *,
    source: str,
    output: Path,
    pages: tuple[int, int | None],
    theta: Theta,
    encoding: str | None,
    errors: str,
) -> None:
    """Make one HTML file to look at pages in a browser.

    Zoom with + and -, go from page to page with the arrow keys, and point at a word to see its text and its place in
    the source. SOURCE is a text, or a DIR written by render. The pages in a DIR have no text to point at, and the
    rendering options do not change these pages.
    """
    first, last = pages
    path = None if source == "-" else Path(source)
    if path is not None and path.is_dir():
        pictures, total = saved(path, first, last or 10**9)
        more, title = (f" of {total}", path.resolve().name)
        cut = len(pictures) < total
    else:
        # One page after the last is laid out too, which shows whether there are more pages.
        pictures, cut_after = _rendered(path, theta, first, last, Reader(encoding=encoding, errors=errors))
        title = path.name if path else "standard input"
        more, cut = (", and there are more" if cut_after else ""), cut_after or first > 1
    if not pictures and (first > 1 or (path is not None and path.is_dir())):
        raise DataError(f"{source} has no page {first}. Choose --pages that exist, such as 1-20.")
    shown = f"page {first}" if len(pictures) == 1 else f"pages {first}–{first + len(pictures) - 1}"
    note = f"{shown}{more}; --pages shows others" if cut else f"{len(pictures)} page{'' if len(pictures) == 1 else 's'}"
    write_atomically(output, sheet(pictures, title=one_line(title), note=note))
    click.echo(one_line(f"{output}: {note}"))


def _rendered(
    path: Path | None, theta: Theta, first: int, last: int | None, reader: Reader
) -> tuple[list[Picture], bool]:
    """Return pages `first` to `last` of a text, and whether there are more after them."""
    from glyphrender.document.layout import layout

    text = reader.text(Input(name="", path=path))
    assert text is not None  # only files found in a folder are skipped
    laid_out = layout(text, theta)
    chosen = [Picture.of(page) for page in islice(laid_out, first - 1, last)]
    return chosen, next(laid_out, None) is not None

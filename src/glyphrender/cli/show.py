"""`glyphrender show`: texts, or pages that `render` wrote → one HTML file for a browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender._system.atomic_write import check_writable, write_atomically
from glyphrender._system.seal import is_sealed, sealed
from glyphrender.cli.inputs import Input, Reader, check_outputs, escapes_hint, inputs_of, joined, listed
from glyphrender.cli.notices import say
from glyphrender.cli.options import text_options, theta_options
from glyphrender.document.manifest import is_pages_folder
from glyphrender.document.sheet import SheetPage, saved, sheet
from glyphrender.errors import DataError, counted, one_line
from glyphrender.text.parts import HEADING

if TYPE_CHECKING:
    from glyphrender.text.parts import Part
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
    the source. SOURCE is a text, a DIR of texts, or a DIR written by render. Pages that were written have no text to
    point at, and the rendering options do not change them.
    """
    from glyphrender.rich.door import for_file

    first, last = pages
    path = None if source == "-" else Path(source)
    reader = Reader(encoding=encoding, errors=errors)
    if written := path is not None and is_pages_folder(path):
        assert path is not None
        check_writable(output, is_sealed)
        pictures, total = saved(path, first, last or 10**9)
        more, title = (f" of {total}", path.resolve().name)
        cut = len(pictures) < total
    else:
        text = _text(path, output, reader)
        check_writable(output, is_sealed)
        # One page after the last is laid out too, which shows whether there are more pages.
        alone = theta if path is None or path.is_dir() else for_file(theta, path.name)
        pictures, cut_after = _rendered(text, alone, first, last)
        title = "standard input" if path is None else path.resolve().name if path.is_dir() else path.name
        more, cut = (", and there are more" if cut_after else ""), cut_after or first > 1
    say(listed(reader.skipped))
    say(escapes_hint(reader, theta))
    if not pictures and (first > 1 or written):
        raise DataError(f"{source} has no page {first}. Choose --pages that exist, such as 1-20.")
    shown = f"page {first}" if len(pictures) == 1 else f"pages {first}–{first + len(pictures) - 1}"
    note = f"{shown}{more}; --pages shows others" if cut else counted(len(pictures), "page")
    write_atomically(output, sealed(sheet(pictures, title=one_line(title), note=note)), replaces=is_sealed)
    click.echo(one_line(f"{output}: {note}"))


def _text(path: Path | None, output: Path, reader: Reader) -> Iterator[str | Part]:
    """Return the text of a file or of standard input, or the texts of a folder under headings, block by block."""
    is_folder = path is not None and path.is_dir()
    inputs = inputs_of([str(path)]) if is_folder else [Input(name="", path=path)]
    if is_folder:
        # An earlier sheet in the folder is not a text of it.
        inputs = [source for source in inputs if os.path.realpath(source.shown) != os.path.realpath(output)]
        return joined(inputs, reader, HEADING)
    check_outputs([output], inputs)
    text = reader.text(inputs[0])
    assert text is not None  # only files found in a folder are skipped
    return text


def _rendered(text: Iterator[str | Part], theta: Theta, first: int, last: int | None) -> tuple[list[SheetPage], bool]:
    """Return pages `first` to `last` of a text, and whether there are more after them."""
    from glyphrender.document.layout import layout

    laid_out = layout(text, theta)
    chosen = [SheetPage.of(page) for page in islice(laid_out, first - 1, last)]
    return chosen, next(laid_out, None) is not None

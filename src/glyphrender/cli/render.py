"""`glyphrender render`: text → PNG pages and a manifest."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.inputs import Input, Reader, inputs_of, joined, total_bytes
from glyphrender.cli.options import text_options, theta_options

if TYPE_CHECKING:
    from glyphrender.theta import Theta

# Texts up to this size are read whole, so that several processes can draw their pages; larger ones stream.
WHOLE = 256 << 20


@click.command("render")
@click.argument("sources", metavar="FILE... | DIR | -", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("pages"), show_default=True)
@theta_options
@text_options
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that draw.")
@click.option("--each", is_flag=True, help="One document a file, in OUTPUT/<its path>.")
@click.option("--include", multiple=True, metavar="GLOB", help="What a folder is searched for.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="What is left out of a folder.")
@click.option("--max-pages", type=click.IntRange(1), help="A limit on the pages of a document.")
@click.option("--format", "form", type=click.Choice(["png", "npy"]), default="png", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    sources: tuple[str, ...],
    output: Path,
    theta: Theta,
    encoding: str | None,
    errors: str,
    jobs: int,
    each: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    max_pages: int | None,
    form: str,
    as_json: bool,
) -> None:
    """Typeset text into page images.

    Several files, or the files of a folder, make one document with a heading line a file.
    """
    from glyphrender.document import Document

    inputs = inputs_of(sources, include=include, exclude=exclude, output=output)
    reader = Reader(encoding=encoding, errors=errors)
    started = time.perf_counter()
    totals = {"pages": 0, "bytes": 0, "missing": 0}
    # A folder always gets headings, one named file never does.
    headed = len(inputs) > 1 or any(source.walked for source in inputs)
    groups: list[tuple[list[Input], Path, str]] = (
        [([source], output / source.name, "") for source in inputs]
        if each
        else [(inputs, output, "==> {path} <==" if headed else "")]
    )
    for members, folder, heading in groups:
        size = total_bytes(members)
        text: Any = joined(members, reader, heading) if heading else _text(members[0], reader)
        if text is None:
            continue
        if size is not None and size <= WHOLE:
            text = "".join(text)
        document = Document(text, theta, max_pages=max_pages)
        with _progress(size, reader) as step:
            manifest = document.save(folder, jobs=jobs, progress=step, form=form)
        totals["pages"] += len(manifest["pages"])
        totals["bytes"] += sum(page["bytes"] for page in manifest["pages"])
        totals["missing"] += sum(sum(page["missing"].values()) for page in manifest["pages"])
    seconds = time.perf_counter() - started
    for file, why in reader.skipped:
        click.echo(f"glyphrender: passed over {file} ({why})", err=True)
    if as_json:
        click.echo(json.dumps({**totals, "seconds": round(seconds, 3), "output": str(output)}))
        return
    each_page = 1e3 * seconds / max(1, totals["pages"])
    missing = f", {totals['missing']} characters that no font has" if totals["missing"] else ""
    click.echo(
        f"{output}: {totals['pages']} pages, {totals['bytes'] / 1e6:.1f} MB, {seconds:.2f} s "
        f"({each_page:.1f} ms a page){missing}"
    )


def _text(source: Input, reader: Reader) -> Any:
    return reader.text(source)


class _progress:
    """A bar on a terminal, nothing in a pipe."""

    def __init__(self, size: int | None, reader: Reader) -> None:
        self.shown = sys.stderr.isatty()
        self.count = 0

    def __enter__(self) -> Any:
        return self.step

    def step(self, pages: int) -> None:
        if self.shown and pages % 16 == 0:
            click.echo(f"\r{pages} pages", nl=False, err=True)

    def __exit__(self, *error: object) -> None:
        if self.shown:
            click.echo("\r\x1b[K", nl=False, err=True)

"""`glyphrender render`: text files → directories of page images, or PDFs."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from glyphrender.cli.inputs import (
    Input,
    Reader,
    check_outputs,
    escapes_hint,
    inputs_of,
    joined,
    listed,
    total_bytes,
)
from glyphrender.cli.notices import say
from glyphrender.cli.options import text_options, theta_options
from glyphrender.errors import DataError, LayoutError, counted, one_line
from glyphrender.text.parts import HEADING

if TYPE_CHECKING:
    from glyphrender.text.parts import Part
    from glyphrender.theta import Theta

# Most characters that the summary lists.
_LISTED = 5


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Directory for the pages: new, empty, or of an earlier render and nothing else, which is replaced; or a PDF.  "
    "[default: pages, or pages.pdf]",
)
@theta_options
@click.option(
    "--format",
    type=click.Choice(["png", "npy", "pdf"]),
    help="Format of the pages: PNG files, numpy arrays, or one PDF.  [default: pdf for an OUTPUT in .pdf, else png]",
)
@click.option("--bits", type=click.Choice(["1", "2", "4", "8"]), help="Bits of a grey pixel.")
@click.option("--max-pages", type=click.IntRange(min=1), help="Refuse a document that has more pages.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Number of processes.")
@click.option("--each", is_flag=True, help="Make each file its own document, in OUTPUT/<path of the file>.")
@click.option("--heading", default=HEADING, show_default=True, help="Line above each of several files; may be empty.")
@click.option("--include", metavar="GLOB", multiple=True, help="In a DIR, read only files that match; repeatable.")
@click.option(
    "--exclude", metavar="GLOB", multiple=True, help="In a DIR, skip files and folders that match; repeatable."
)
@text_options
@click.option("--json", "as_json", is_flag=True, help="Print the summary as a JSON object.")
def command(
    *,
    files: tuple[str, ...],
    output: Path | None,
    theta: Theta,
    format: str | None,
    bits: str | None,
    max_pages: int | None,
    jobs: int,
    each: bool,
    heading: str,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    encoding: str | None,
    errors: str,
    as_json: bool,
) -> None:
    """Typeset text into page images.

    FILE may be a glob, or - for standard input. In a DIR, all text files are read. Hidden folders are skipped, and
    binary files are skipped and reported. Several files make one document, with a heading above each file. With --each,
    each file makes its own document. A document is written completely or not at all. With one job, the text is streamed
    and may have any length. With more jobs, the text is held in memory.
    """
    start = time.perf_counter()
    if format is None:
        format = "pdf" if output is not None and output.suffix.lower() == ".pdf" and not each else "png"
    if output is None:
        output = Path("pages.pdf" if format == "pdf" and not each else "pages")
    if bits is not None and format == "npy":
        raise click.UsageError(f"--bits {bits} does not go with --format npy. Leave one out.")
    inputs = inputs_of(files, include=include, exclude=exclude, output=output)
    reader = Reader(encoding=encoding, errors=errors)
    job = _Job(theta=theta, format=format, bits=int(bits) if bits else None, jobs=jobs, max_pages=max_pages)
    check_outputs([job.place(output, source) for source in inputs] if each else [output], inputs)
    with _progress(total_bytes(inputs) if jobs == 1 else None, reader) as progress:
        if each:
            done = list(_each(job, inputs, output, reader, progress))
        else:
            under = heading if len(inputs) > 1 or inputs[0].walked else None
            done = [_one(job, inputs, output, reader, progress, under)]
    summary = _Summary(output=output, documents=done, skipped=reader.skipped, seconds=time.perf_counter() - start)
    if not as_json:
        say(listed(reader.skipped))
        say(escapes_hint(reader, theta))
    click.echo(json.dumps(summary.to_dict()) if as_json else one_line(summary.line()))


class Progress(Protocol):
    """A function that shows progress. It is called with the number of pages of a document that are written so far."""

    def __call__(self, pages: int, /) -> object: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A run's settings, which are the same for all documents."""

    theta: Theta
    format: str
    bits: int | None
    jobs: int
    max_pages: int | None

    def save(self, text: Iterator[str | Part], place: Path, progress: Progress) -> _Written:
        """Write the pages of `text` to `place`, a directory or the file of a PDF."""
        from glyphrender.document.document import Document
        from glyphrender.document.stream import PageStream

        bits, format = self.bits, self.format
        if self.jobs == 1:
            stream = PageStream(text, self.theta, max_pages=self.max_pages)
            manifest = stream.save(place, bits=bits, progress=progress, format=format)
        else:
            document = Document.read(text, self.theta, max_pages=self.max_pages)
            manifest = document.save(place, bits=bits, jobs=self.jobs, progress=progress, format=format)
        return _Written.of(place, manifest)

    def for_file(self, source: Input) -> _Job:
        """Return the job for a document that is one file, whose name may decide its markup."""
        from glyphrender.rich.door import for_file

        return replace(self, theta=for_file(self.theta, source.name))

    def place(self, output: Path, source: Input) -> Path:
        """Return the place of the document of `source`, if each input is its own document."""
        return output / (f"{source.name}.pdf" if self.format == "pdf" else source.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """A written document: its place, and sums over the pages of its manifest."""

    output: Path
    pages: int
    bytes: int
    missing: Counter[str]
    collisions: dict[str, float]
    scale: float  # pixels a point

    @classmethod
    def of(cls, output: Path, manifest: dict[str, Any]) -> _Written:
        missing: Counter[str] = Counter()
        collisions: dict[str, float] = {}
        for page in manifest["pages"]:
            missing.update(page["missing"])
            for script, pixels in page.get("collisions", {}).items():
                collisions[script] = max(collisions.get(script, 0.0), pixels)
        return cls(
            output=output,
            pages=len(manifest["pages"]),
            bytes=manifest.get("bytes") or sum(page["bytes"] for page in manifest["pages"]),
            missing=missing,
            collisions=collisions,
            scale=manifest["theta"]["dpi"] / 72,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "output": str(self.output),
            "pages": self.pages,
            "bytes": self.bytes,
            "missing": dict(self.missing),
            "collisions": self.collisions,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Summary:
    """The figures that are printed at the end."""

    output: Path
    documents: list[_Written]
    skipped: list[tuple[str, str]]
    seconds: float
    missing: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for document in self.documents:
            self.missing.update(document.missing)

    @property
    def pages(self) -> int:
        return sum(document.pages for document in self.documents)

    @property
    def bytes(self) -> int:
        return sum(document.bytes for document in self.documents)

    def line(self) -> str:
        parts = [f"{counted(self.pages, 'page')}, {self.bytes:,} bytes, {self.seconds * 1000:,.0f} ms: {self.output}"]
        if len(self.documents) > 1:
            parts.append(counted(len(self.documents), "document"))
        if self.missing:
            found = [f"{name} ×{often:,}" for name, often in self.missing.most_common(_LISTED)]
            more = ", …" if len(self.missing) > _LISTED else ""
            parts.append(f"{counted(self.missing.total(), 'character')} that no font has: {', '.join(found)}{more}")
        if colliding := [document for document in self.documents if document.collisions]:
            worst = max(colliding, key=lambda document: max(document.collisions.values()))
            script, pixels = max(worst.collisions.items(), key=lambda item: item[1])
            parts.append(
                f"lines collide: {script} reaches {pixels:.1f} px over the next line. Use --set leading=FIT, or a "
                f"line_height {ceil(2 * pixels / worst.scale) / 2:g} pt larger"
            )
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        return {
            "output": str(self.output),
            "pages": self.pages,
            "bytes": self.bytes,
            "ms": round(self.seconds * 1000, 1),
            "missing": dict(self.missing),
            "collisions": {
                script: max(document.collisions.get(script, 0.0) for document in self.documents)
                for script in dict.fromkeys(script for document in self.documents for script in document.collisions)
            },
            "documents": [document.to_dict() for document in self.documents],
            "skipped": [{"file": file, "reason": reason} for file, reason in self.skipped],
        }


def _one(
    job: _Job, inputs: list[Input], output: Path, reader: Reader, progress: Progress, heading: str | None
) -> _Written:
    """Write all inputs as one document. `heading` is None if the only input is the whole document."""
    if heading is not None:
        return job.save(joined(inputs, reader, heading), output, progress)
    text = reader.text(inputs[0])
    assert text is not None  # only files found in a folder are skipped
    return job.for_file(inputs[0]).save(text, output, progress)


def _each(job: _Job, inputs: list[Input], output: Path, reader: Reader, progress: Progress) -> Iterator[_Written]:
    """Write each input as its own document, in `output`/<its name>."""
    if (output / "manifest.json").exists():
        raise DataError(f"{output} holds the pages of one document. Choose another directory for --each.", path=output)
    twice = [name for name, times in Counter(source.name for source in inputs).items() if times > 1]
    if twice:
        raise DataError(
            f"{output / twice[0]} would be written twice, for two files of that name. Render one at a time."
        )
    if job.jobs > 1 and len(inputs) > 1:
        yield from _each_forked(job, inputs, output, reader, progress)
        return
    for source in inputs:
        text = reader.text(source)
        if text is None:
            continue
        try:
            yield job.for_file(source).save(text, job.place(output, source), progress)
        except LayoutError as error:
            raise LayoutError(f"{source.shown}: {error}") from error


def _each_forked(
    job: _Job, inputs: list[Input], output: Path, reader: Reader, progress: Progress
) -> Iterator[_Written]:
    """Write the documents in several processes, and yield them in the order of `inputs`. A document has one process."""
    from glyphrender._system.processes import imap_forked  # imports multiprocessing, which takes a while
    from glyphrender._system.shared_work import work_queue
    from glyphrender.raster.canvas import rasteriser

    rasteriser()  # once for all processes
    alone, queue = replace(job, jobs=1), work_queue(len(inputs))

    def share(_: int) -> Iterator[tuple[int, _Written | None, list[tuple[str, str]], int]]:
        for index in queue():
            own = Reader(encoding=reader.encoding, errors=reader.errors)
            written = next(_each(alone, [inputs[index]], output, own, lambda pages: None), None)
            yield index, written, own.skipped, own.escapes

    done: dict[int, _Written | None] = {}
    skipped: dict[int, list[tuple[str, str]]] = {}
    for index, written, passed_over, escapes in imap_forked(job.jobs, share):
        done[index], skipped[index] = written, passed_over
        reader.escapes += escapes
        progress(sum(document.pages for document in done.values() if document))
    for index in range(len(inputs)):
        reader.skipped += skipped[index]
        if (document := done[index]) is not None:
            yield document


@contextmanager
def _progress(total: int | None, reader: Reader) -> Iterator[Progress]:
    """Show a bar on stderr, if stderr is a terminal. Yield the function that moves the bar.

    The bar shows the bytes that were read out of `total`. Without a total (for standard input, or if the whole text is
    read first), the bar only counts pages.
    """
    if not _on_terminal():
        yield lambda pages: None
        return
    with click.progressbar(
        range(total) if total else count(),
        label="render",
        file=sys.stderr,
        show_percent=bool(total),
        show_eta=bool(total),
        item_show_func=lambda pages: counted(pages, "page") if pages else None,
    ) as bar:

        def show(pages: int) -> None:
            bar.update((reader.bytes if total else pages) - bar.pos, pages)

        yield show


def _on_terminal() -> bool:
    return sys.stderr.isatty()

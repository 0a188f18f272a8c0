"""`glyphrender render`: text files → directories of page images."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from glyphrender.cli import one_line
from glyphrender.cli.inputs import Input, Reader, inputs_of, joined, total_bytes
from glyphrender.cli.options import text_options, theta_options
from glyphrender.errors import DataError, LayoutError

if TYPE_CHECKING:
    from glyphrender.theta import Theta

HEADING = "==> {path} <=="  # as head and tail print it above each of several files
# Names that a message lists before it only counts.
_LISTED = 5


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("pages"),
    show_default=True,
    help="Directory for the pages: new, empty, or of an earlier render, which is replaced.",
)
@theta_options
@click.option(
    "--format", "form", type=click.Choice(["png", "npy"]), default="png", show_default=True, help="Of the pages."
)
@click.option("--bits", type=click.Choice(["1", "2", "4", "8"]), help="Bits of a grey PNG pixel.")
@click.option("--max-pages", type=click.IntRange(min=1), help="Refuse a document of more pages.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that draw.")
@click.option("--each", is_flag=True, help="One document a file, in OUTPUT/<path of the file>/.")
@click.option("--heading", default=HEADING, show_default=True, help="Line above each of several files; may be empty.")
@click.option("--include", metavar="GLOB", multiple=True, help="Of a DIR, only files that match; repeatable.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Of a DIR, no files or folders that match; repeatable.")
@text_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of the summary.")
def command(
    *,
    files: tuple[str, ...],
    output: Path,
    theta: Theta,
    form: str,
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

    FILE may be a glob, a folder that is walked (hidden folders and binary files are left out, the latter
    reported), or - for standard input. Several files make one document with a line of heading for each,
    or one document each with --each. A document is written whole or not at all. With one job text
    of any length streams through; with more it is held in memory.
    """
    start = time.perf_counter()
    if bits is not None and form != "png":
        raise click.UsageError(f"--bits {bits} does not go with --format {form}. Leave one out.")
    inputs = inputs_of(files, include=include, exclude=exclude, output=output)
    reader = Reader(encoding=encoding, errors=errors)
    job = _Job(theta=theta, form=form, bits=int(bits) if bits else None, jobs=jobs, max_pages=max_pages)
    with _progress(total_bytes(inputs) if jobs == 1 else None, reader) as progress:
        if each:
            done = list(_each(job, inputs, output, reader, progress))
        else:
            under = heading if len(inputs) > 1 or inputs[0].walked else None
            done = [_one(job, inputs, output, reader, progress, under)]
    summary = _Summary(output=output, documents=done, skipped=reader.skipped, seconds=time.perf_counter() - start)
    if reader.skipped and not as_json:
        click.echo(f"glyphrender: {one_line(_listed(reader.skipped))}", err=True)
    click.echo(json.dumps(summary.to_dict()) if as_json else one_line(summary.line()))


class Progress(Protocol):
    """Called with the number of pages written of a document."""

    def __call__(self, pages: int, /) -> object: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """What is the same for every document of a run."""

    theta: Theta
    form: str
    bits: int | None
    jobs: int
    max_pages: int | None

    def save(self, text: Iterator[str], directory: Path, progress: Progress) -> dict[str, Any]:
        """The manifest of `text`, written."""
        from glyphrender.document.document import render

        document = render(text if self.jobs == 1 else "".join(text), self.theta, max_pages=self.max_pages)
        return document.save(directory, bits=self.bits, jobs=self.jobs, progress=progress, form=self.form)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """One document: where it is, and the sums over its manifest."""

    output: Path
    pages: int
    bytes: int
    missing: Counter[str]

    @classmethod
    def of(cls, output: Path, manifest: dict[str, Any]) -> _Written:
        missing: Counter[str] = Counter()
        for page in manifest["pages"]:
            missing.update(page["missing"])
        size = sum(page["bytes"] for page in manifest["pages"])
        return cls(output=output, pages=len(manifest["pages"]), bytes=size, missing=missing)

    def to_dict(self) -> dict[str, Any]:
        return {"output": str(self.output), "pages": self.pages, "bytes": self.bytes, "missing": dict(self.missing)}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Summary:
    """What is said at the end."""

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
        parts = [f"{_counted(self.pages, 'page')}, {self.bytes:,} bytes, {self.seconds * 1000:,.0f} ms: {self.output}"]
        if len(self.documents) > 1:
            parts.append(_counted(len(self.documents), "document"))
        if self.missing:
            found = [f"{name} ×{often:,}" for name, often in self.missing.most_common(_LISTED)]
            more = ", …" if len(self.missing) > _LISTED else ""
            parts.append(f"{_counted(self.missing.total(), 'character')} that no font has: {', '.join(found)}{more}")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        return {
            "output": str(self.output),
            "pages": self.pages,
            "bytes": self.bytes,
            "ms": round(self.seconds * 1000, 1),
            "missing": dict(self.missing),
            "documents": [document.to_dict() for document in self.documents],
            "skipped": [{"file": file, "reason": reason} for file, reason in self.skipped],
        }


def _one(
    job: _Job, inputs: list[Input], output: Path, reader: Reader, progress: Progress, heading: str | None
) -> _Written:
    """All inputs as one document; `heading` is None where the only text is the document."""
    text = joined(inputs, reader, heading) if heading is not None else reader.text(inputs[0])
    assert text is not None  # only what a folder holds is passed over
    return _Written.of(output, job.save(text, output, progress))


def _each(job: _Job, inputs: list[Input], output: Path, reader: Reader, progress: Progress) -> Iterator[_Written]:
    """Each input as a document of its own, in `output`/<its name>."""
    if (output / "manifest.json").exists():
        raise DataError(f"{output} holds the pages of one document. Choose another directory for --each.")
    twice = [name for name, times in Counter(source.name for source in inputs).items() if times > 1]
    if twice:
        raise DataError(f"{output / twice[0]} would be written twice, for two files of that name. Name one at a time.")
    if job.jobs > 1 and len(inputs) > 1:
        yield from _each_forked(job, inputs, output, reader, progress)
        return
    for source in inputs:
        text = reader.text(source)
        if text is None:
            continue
        try:
            yield _Written.of(output / source.name, job.save(text, output / source.name, progress))
        except LayoutError as error:
            raise LayoutError(f"{source.shown}: {error}") from error


def _each_forked(
    job: _Job, inputs: list[Input], output: Path, reader: Reader, progress: Progress
) -> Iterator[_Written]:
    """Documents by several processes, each of which makes whole ones; in the order of `inputs`."""
    from glyphrender._system.processes import imap_forked, work_queue  # multiprocessing comes with it

    alone, mine = replace(job, jobs=1), work_queue(len(inputs))

    def share(number: int) -> Iterator[tuple[int, _Written | None, list[tuple[str, str]]]]:
        for index in mine():
            own = Reader(encoding=reader.encoding, errors=reader.errors)
            written = next(_each(alone, [inputs[index]], output, own, lambda pages: None), None)
            yield index, written, own.skipped

    done: dict[int, _Written | None] = {}
    skipped: dict[int, list[tuple[str, str]]] = {}
    for index, written, passed_over in imap_forked(job.jobs, share):
        done[index], skipped[index] = written, passed_over
        progress(sum(document.pages for document in done.values() if document))
    for index in range(len(inputs)):
        reader.skipped += skipped[index]
        if (document := done[index]) is not None:
            yield document


@contextmanager
def _progress(total: int | None, reader: Reader) -> Iterator[Progress]:
    """A bar on stderr, over the bytes read, if that is a terminal; given the pages written, it moves."""
    if not _on_terminal():
        yield lambda pages: None
        return
    # Without a total (standard input, or a text read whole before) the pages are counted, nothing promised.
    with click.progressbar(
        range(total) if total else count(),
        label="render",
        file=sys.stderr,
        show_percent=bool(total),
        show_eta=bool(total),
        item_show_func=lambda pages: f"{pages} pages" if pages else None,
    ) as bar:

        def show(pages: int) -> None:
            bar.update((reader.bytes if total else pages) - bar.pos, pages)

        yield show


def _on_terminal() -> bool:
    return sys.stderr.isatty()


def _listed(skipped: list[tuple[str, str]]) -> str:
    names = [f"{file} ({reason})" for file, reason in skipped[:_LISTED]]
    more = f" and {len(skipped) - _LISTED:,} more" if len(skipped) > _LISTED else ""
    return f"passed over {_counted(len(skipped), 'file')} without text: {', '.join(names)}{more}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

"""`glyphrender corpus`: files of texts → shards of page images."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.notices import say
from glyphrender.cli.options import theta_options
from glyphrender.errors import counted, one_line

if TYPE_CHECKING:
    from glyphrender.adapters.corpus import CorpusProgress
    from glyphrender.theta import Theta

# Seconds between two lines of progress, if stderr is not a terminal.
SILENCE = 30.0


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for the shards. It must be new or empty; with --resume, the same command must have begun it.",
)
@theta_options
@click.option(
    "--format",
    type=click.Choice(["parquet", "webdataset", "png"]),
    default="parquet",
    show_default=True,
    help="Format of the shards.",
)
@click.option("--id-field", metavar="NAME", help="Field of the id in JSONL and parquet; by default id, or unique_id.")
@click.option("--text-field", metavar="NAME", help="Field of the text; by default text, or context.")
@click.option(
    "--theta-field", metavar="NAME", help="Field of the parameters: a preset or an object; by default theta, or config."
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    metavar="SEED",
    help="Draw the parameters of each item from the Glyph paper's priors.",
)
@click.option("--bits", type=click.Choice(["1", "2", "4", "8"]), help="Bits for each pixel of a grey PNG.")
@click.option(
    "--max-pages", type=click.IntRange(min=1), metavar="N", help="Items with more pages fail.  [default: 1000]"
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Records with more bytes are not read, and fail.  [default: 67108864]",
)
@click.option("--shard-items", type=click.IntRange(min=1), metavar="N", help="Records in a shard.  [default: 1000]")
@click.option(
    "--shard-bytes", type=click.IntRange(min=1), metavar="N", help="Bytes of input in a shard.  [default: 8388608]"
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of processes, or of Ray tasks.  [default: 1; with Ray all CPUs]",
)
@click.option("--ray", metavar="ADDRESS", help='A Ray cluster, "auto", or "local" to start one here.')
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted or killed.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of the summary.")
def command(
    *,
    inputs: tuple[str, ...],
    output: Path,
    theta: Theta,
    format: str,
    bits: str | None,
    jobs: int | None,
    ray: str | None,
    resume: bool,
    as_json: bool,
    **rest: Any,
) -> int:
    """Render corpora of texts into shards of page images.

    INPUT is a file of items (.jsonl or .ndjson, also with .gz or .zst, or .parquet), a text, or a folder of these.
    Items that cannot be rendered are listed in OUTPUT/failed.jsonl and do not stop the run. If no item could be
    rendered, the exit status is 1.
    """
    from glyphrender.adapters.corpus import Options, render_corpus

    start = time.perf_counter()
    given = {name: value for name, value in rest.items() if value is not None}
    options = Options(theta=theta, format=format, bits=int(bits) if bits else None, **given)
    progress = _ProgressLine()
    try:
        manifest = render_corpus(inputs, output, options, jobs=jobs, ray=ray, resume=resume, progress=progress)
    finally:
        progress.end()
    seconds = time.perf_counter() - start
    if manifest["failed"] and not as_json:
        say(f"{manifest['failed']:,} failed, see {output}/failed.jsonl")
    if as_json:
        counts = {name: manifest[name] for name in ("items", "failed", "pages", "bytes", "missing")}
        click.echo(json.dumps({"output": str(output), "shards": len(manifest["shards"]), "s": seconds, **counts}))
    else:
        figures = ", ".join(counted(manifest[f"{noun}s"], noun) for noun in ("item", "page", "byte"))
        shards = counted(len(manifest["shards"]), "shard")
        click.echo(one_line(f"{figures} in {shards}, {seconds:,.1f} s: {output}"))
    return 1 if manifest["failed"] and not manifest["items"] else 0


class _ProgressLine:
    """A printer of a run's progress on stderr: one changing line on a terminal, else a new line every 30 seconds."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._printed = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __call__(self, progress: CorpusProgress, /) -> None:
        now = time.monotonic()
        if self._begun is None:  # the inputs have been read, and nothing has been rendered yet
            self._begun = now
        elif self._terminal or now - self._printed >= SILENCE:
            self._printed = now
            before = "\r\033[K" if self._terminal else ""
            click.echo(before + self._line(progress, now), err=True, nl=not self._terminal)

    def _line(self, progress: CorpusProgress, now: float) -> str:
        assert self._begun is not None
        seconds = max(now - self._begun, 1e-9)
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        left = seconds / progress.done * (progress.shards - progress.before - progress.done) if progress.done else 0
        return (
            f"corpus {progress.before + progress.done:,}/{progress.shards:,} shards, {progress.items:,} items, "
            f"{progress.pages:,} pages{failed}; "
            f"{progress.items / seconds:,.1f} items/s, {progress.pages / seconds:,.1f} pages/s, {left:,.0f} s left"
        )

    def end(self) -> None:
        """End the changing line on the terminal with a newline."""
        if self._terminal and self._begun is not None:
            click.echo("", err=True)

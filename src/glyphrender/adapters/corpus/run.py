"""A run: inputs → a complete folder, however often the run was killed on the way.

    DIR/data/train-00000-of-00012.parquet …   one file a shard
    DIR/images/<id>/page_001.png …            with format "png"
    DIR/failed.jsonl                          what could not be rendered, and why
    DIR/manifest.json                         written last: a folder that has it is complete
    DIR/.run/                                 until then: how the run began, receipts of shards, parts

No byte depends on the number of processes, on where they run, or on how often the run was begun.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.counts import checked_count
from glyphrender._system.file_lock import lock_file
from glyphrender._system.processes import can_fork, imap_forked
from glyphrender._system.regular_file import read_text
from glyphrender._system.shared_work import work_queue
from glyphrender.adapters.corpus.faults import pyarrow
from glyphrender.adapters.corpus.options import Options
from glyphrender.adapters.corpus.plan import Shard, ShardPlan, plan
from glyphrender.adapters.corpus.shard import ShardReceipt, ShardRunner, render_shard
from glyphrender.adapters.corpus.sources import SequentialReader
from glyphrender.adapters.corpus.work_folder import BEGUN, FAILED, WORK, foreign_entry, remove_left, remove_work
from glyphrender.document.saving import describe
from glyphrender.errors import DataError
from glyphrender.report.progress import Tell, progress_bar

MANIFEST = "manifest.json"
# Number of differences that a message lists.
_LISTED = 3


@dataclass(kw_only=True, slots=True)
class CorpusProgress:
    """The progress of a run.

    Attributes:
        shards: shards of the plan.
        before: shards that an earlier run has done.
        done: shards that this run has done.
        items: items that this run has rendered.
        failed: items that failed in this run.
        pages: pages that this run has rendered.
        bytes: bytes that this run has written.
    """

    shards: int = 0
    before: int = 0
    done: int = 0
    items: int = 0
    failed: int = 0
    pages: int = 0
    bytes: int = 0

    def add(self, receipt: ShardReceipt) -> None:
        """Count one more shard."""
        self.done += 1
        self.items += receipt.items
        self.failed += len(receipt.failures)
        self.pages += receipt.pages
        self.bytes += receipt.bytes


def render_corpus(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    options: Options | None = None,
    *,
    jobs: int | None = None,
    ray: str | None = None,
    resume: bool = False,
    progress: Callable[[CorpusProgress], object] | bool | None = None,
) -> dict[str, Any]:
    """Render every item of `inputs` into shards in the folder `output`.

    Items that cannot be rendered, and lines, rows and files that cannot be read, are listed in `failed.jsonl` and do
    not stop the run.

    Args:
        inputs: see `plan.plan`.
        output: created if missing. If it exists, it must be empty; with `resume`, it may also have been begun by the
            same call.
        options: θ, the format, and the size of shards; by default parquet under the default θ.
        jobs: number of processes on this machine, one by default. With `ray`, number of tasks at a time, one per CPU by
            default.
        ray: the address of a Ray cluster, "auto" for the cluster this machine is in, or "local" to start one here. Its
            machines must see inputs and output under the same paths, and have this version of glyphrender.
        resume: leave out the shards that are done.
        progress: called at the beginning and after each shard. By default a bar of tqdm is shown in a notebook and on a
            terminal, if tqdm is installed; False shows none.

    Returns:
        the manifest: inputs, options, versions, counts, and each file with its SHA-256.

    Raises:
        DataError: an input does not exist, holds no record, or cannot be opened; or `output` cannot be written, holds
            other files, or was begun with other inputs, options or versions.
        FontError: a font of θ cannot be used.
        DependencyError: the extra `corpus` or `ray` is needed.
        EndpointError: there is no Ray cluster at that address.
        GlyphRenderError: a process was killed. Finished shards stay.
    """
    options = options or Options()
    if jobs is not None:
        checked_count(jobs)
    directory = Path(os.path.abspath(output))
    _check(directory, resume=resume)
    versions = describe(options.theta)  # before anything is written, since a font may be missing
    if options.format == "parquet":
        versions["versions"] |= {"pyarrow": pyarrow().__version__}
    runner: AbstractContextManager[ShardRunner]
    if ray is None:
        runner = nullcontext(partial(_rendered, jobs or 1))
    else:
        from glyphrender.adapters.corpus.cluster import connected

        runner = connected(ray, jobs)
    with runner as rendered, progress_bar("corpus", unit="shard", asked=progress) as tell:
        planned = plan(inputs, options, directory)
        begun = versions | {"options": options.to_dict(), "inputs": list(planned.inputs)}
        told = progress if callable(progress) else partial(_told, tell)
        return _completed(planned, begun, options, directory, rendered, told)


def _told(tell: Tell, done: CorpusProgress) -> None:
    failed = f", {done.failed:,} failed" if done.failed else ""
    tell(done.before + done.done, done.shards, f"{done.items:,} items, {done.pages:,} pages{failed}")


def _completed(
    planned: ShardPlan,
    begun: dict[str, Any],
    options: Options,
    directory: Path,
    rendered: ShardRunner,
    progress: Callable[[CorpusProgress], object],
) -> dict[str, Any]:
    """Render all shards that are not done yet, and return the manifest."""
    if (directory / MANIFEST).exists():
        manifest = _read(directory / MANIFEST)
        _compare(directory, manifest, begun)
        remove_work(directory)
        progress(CorpusProgress(shards=len(planned.shards), before=len(planned.shards)))
        return manifest
    with _begun(directory, begun, options):
        pending = [shard for shard in planned.shards if ShardReceipt.of(shard, directory) is None]
        done = CorpusProgress(shards=len(planned.shards), before=len(planned.shards) - len(pending))
        progress(done)
        with closing(rendered(pending, options, directory)) as receipts:
            for receipt in receipts:
                done.add(receipt)
                progress(done)
        manifest = _finish(directory, planned, begun)
    remove_work(directory)
    return manifest


def _rendered(jobs: int, shards: list[Shard], options: Options, directory: Path) -> Generator[ShardReceipt, None, None]:
    """Yield the receipts of `shards`, in the order in which shards are done."""
    jobs = min(jobs, len(shards))
    if jobs <= 1 or not can_fork():
        yield from _in_order(shards, options, directory)
        return
    mine = work_queue(len(shards))
    yield from imap_forked(jobs, lambda job: _in_order((shards[number] for number in mine()), options, directory))


def _in_order(shards: Iterable[Shard], options: Options, directory: Path) -> Iterator[ShardReceipt]:
    """Render `shards` one after another in this process, with one reader for all of them."""
    with SequentialReader() as reader:
        for shard in shards:
            yield render_shard(shard, options, directory, reader)


def _check(directory: Path, *, resume: bool) -> None:
    """Refuse a folder that this run may not write, before the inputs are read."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise DataError(f"{directory} is a file. Choose a folder for the corpus.", path=directory)
    try:
        names = {path.name for path in directory.iterdir()}
    except OSError as error:
        raise DataError(
            f"{directory} cannot be read ({error.strerror}). Choose another folder.", path=directory
        ) from error
    begun = (directory / WORK / BEGUN).exists()
    if names == {WORK} and not begun and (foreign := foreign_entry(directory)):
        raise DataError(
            f"{foreign} is of another program, and a corpus works in {WORK}. Choose an empty or a new folder.",
            path=directory,
        )
    if names <= {WORK} and not begun:  # killed before its first step
        return
    if not begun and not (MANIFEST in names and "inputs" in _read(directory / MANIFEST)):
        raise DataError(
            f"{directory} holds other files. Choose an empty or a new folder for the corpus.", path=directory
        )
    if not resume:
        what = "a corpus that is not complete, which --resume goes on with" if begun else "a corpus"
        raise DataError(f"{directory} holds {what}. Choose an empty or a new folder.", path=directory)


@contextmanager
def _begun(directory: Path, begun: dict[str, Any], options: Options) -> Iterator[None]:
    """Make the folder ready for shards, and keep all other runs from writing it."""
    work = directory / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = open(work / "lock", "a", opener=_at_once)  # noqa: SIM115 -- closed below
    except OSError as error:
        raise DataError(
            f"{directory} cannot be written ({error.strerror}). Choose another folder.", path=directory
        ) from error
    with lock:
        lock_file(lock, f"{directory} is being written by another run. Wait for its end.")
        if (work / BEGUN).exists():
            _compare(directory, _read(work / BEGUN), begun)
        else:
            write_atomically(work / BEGUN, json.dumps(begun))
        try:
            remove_left(directory)
            (directory / "data").mkdir(exist_ok=True)
            if options.format == "png":
                (directory / "images").mkdir(exist_ok=True)
        except OSError as error:
            raise DataError(
                f"{directory} cannot be written ({error.strerror}). Choose another folder.", path=directory
            ) from error
        yield


def _at_once(path: str, flags: int) -> int:
    """Open a file; a pipe without a reader is refused, and not waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def _finish(directory: Path, planned: ShardPlan, begun: dict[str, Any]) -> dict[str, Any]:
    """Write failed.jsonl and, last, the manifest."""
    counts: Counter[str] = Counter(items=0, failed=0, pages=0, bytes=0)
    missing: Counter[str] = Counter()
    shards = []
    part = directory / WORK / FAILED
    try:
        with part.open("w", encoding="utf-8", newline="\n") as failed:
            for fault in planned.faults:
                failed.write(_line({"position": None, "place": None, "id": None, "reason": fault}))
            for shard in planned.shards:
                receipt = ShardReceipt.of(shard, directory)
                if receipt is None:
                    raise DataError(f"{directory / 'data' / shard.name} is gone. Pass --resume to render it again.")
                failed.writelines(map(_line, receipt.failures))
                missing.update(receipt.missing)
                entry = {"file": receipt.file, "items": receipt.items, "failed": len(receipt.failures)}
                entry |= {"pages": receipt.pages, "bytes": receipt.bytes, "sha256": receipt.sha256}
                counts.update({name: entry[name] for name in counts})
                shards.append(entry)
        part.replace(directory / FAILED)
    except OSError as error:
        raise DataError(
            f"{directory} cannot be written ({error.strerror}). Free space, and resume.", path=directory
        ) from error
    counts["failed"] += len(planned.faults)
    manifest = begun | counts | {"missing": dict(sorted(missing.items())), "shards": shards}
    head = json.dumps(manifest | {"shards": []}, indent=1, ensure_ascii=False).removesuffix("[]\n}")
    write_atomically(directory / MANIFEST, head + "[\n" + ",\n".join(map(json.dumps, shards)) + "\n]}\n")
    return manifest


def _line(failure: dict[str, Any]) -> str:
    return json.dumps(failure) + "\n"


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(read_text(path, pipes=False))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read ({error}). Choose another folder.", path=path) from error
    return values if isinstance(values, dict) else {}


def _compare(directory: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on if the corpus that was begun is not the same; the message says where the two differ."""
    old = _flat({name: before.get(name) for name in now})
    new = _flat(json.loads(json.dumps(now)))
    differ = [name for name in (new | old) if old.get(name) != new.get(name)]
    if differ:
        shown = [f"{name} was {old.get(name)!r} and is {new.get(name)!r}" for name in differ[:_LISTED]]
        more = f", and {len(differ) - _LISTED} more" if len(differ) > _LISTED else ""
        raise DataError(
            f"{directory} was begun with other settings: {'; '.join(shown)}{more}. Choose another folder.",
            path=directory,
        )


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested values under names such as "inputs.0.sha256"."""
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        parts = (_flat(each, f"{name}.{key}" if name else str(key)) for key, each in inner)
        return {key: leaf for part in parts for key, leaf in part.items()}
    return {name: value}

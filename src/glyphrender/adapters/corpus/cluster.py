"""Shards on many machines, by Ray Data: the function that renders a shard is called on another machine.

Only the description of each shard and its receipt are sent. Inputs and pages go between each machine and the file
system that all machines share. If a machine is lost, Ray calls the function of its shard again, which is as safe as
resuming.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

from glyphrender.adapters.corpus.options import Options
from glyphrender.adapters.corpus.plan import Shard
from glyphrender.adapters.corpus.shard import ShardReceipt, ShardRunner, render_shard
from glyphrender.adapters.corpus.sources import SequentialReader
from glyphrender.errors import DataError, DependencyError, EndpointError, GlyphRenderError
from glyphrender.raster.canvas import rasteriser


def required() -> Any:
    """Return Ray.

    Raises:
        DependencyError: Ray Data is not installed.
    """
    # Send no reports of usage, and give no advice on the state of the dashboard.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise DependencyError.of(error, "--ray needs the package ray", extra="ray") from error
    return ray


@contextmanager
def connected(address: str, tasks: int | None) -> Iterator[ShardRunner]:
    """Connect to a cluster, and give a function that renders shards there, as `ShardRunner` says.

    Args:
        address: host:port of a cluster, "auto", or "local" to start one on this machine.
        tasks: number of tasks at a time, of one CPU each; by default one for each CPU.

    Raises:
        DependencyError: Ray Data is not installed.
        EndpointError: there is no cluster at that address.
    """
    ray = required()
    ours = not ray.is_initialized()
    if ours:
        try:
            _refuse_closed(address)
            here = {"num_cpus": tasks, "include_dashboard": False} if address == "local" else {"address": address}
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **here)
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise EndpointError(f"--ray {address}: no Ray cluster ({reason}). Start one, or use local.") from error
    try:
        yield partial(_rendered, ray, tasks)
    finally:
        if ours:
            ray.shutdown()


def _refuse_closed(address: str) -> None:
    """Raise OSError if nothing listens at `address`: Ray itself would go on trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()


def _rendered(
    ray: Any, tasks: int | None, shards: list[Shard], options: Options, directory: Path
) -> Generator[ShardReceipt, None, None]:
    """Yield the receipts of `shards`.

    Raises:
        DataError, ResourceError, DependencyError: see `render_shard`.
        GlyphRenderError: a task failed in another way, for example because its machine was lost again and again.
    """
    if not shards:
        return
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    rows = [{"shard": pickle.dumps(shard)} for shard in shards]
    given = {"options": options, "directory": directory, "drawn_by": rasteriser()}
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
    try:
        for row in dataset.map(_task, fn_kwargs=given, num_cpus=1, concurrency=tasks).iter_rows():
            if row["error"]:
                raise pickle.loads(row["error"])
            yield ShardReceipt(**json.loads(row["receipt"]))
    except ray.exceptions.RayError as error:
        raise GlyphRenderError(f"a task of Ray failed: {' '.join(str(error).split())[:300]}") from error


@cache
def _reader() -> SequentialReader:
    """Return the reader of this worker process. Ray calls `_task` anew for each shard and keeps no object for it."""
    return SequentialReader()


def _task(row: dict[str, Any], options: Options, directory: Path, drawn_by: str) -> dict[str, Any]:
    """Return the receipt of a shard as JSON, or the pickled error: Ray would wrap an exception beyond recognition."""
    try:
        if rasteriser() != drawn_by:  # pages of two rasterisers differ, and the manifest names only one
            raise DataError(f"a machine draws with {rasteriser()}, not {drawn_by}. Set GLYPHRENDER_RASTER on all.")
        receipt = render_shard(pickle.loads(row["shard"]), options, directory, _reader())
        return {"receipt": json.dumps(asdict(receipt)), "error": b""}
    except GlyphRenderError as error:
        return {"receipt": "", "error": pickle.dumps(error)}

"""Shards on many machines, by Ray Data: the same function of a shard, called elsewhere.

What travels is a description of each shard and its receipt; inputs and pages go between each machine and the file
system they share. Ray calls again for a shard whose machine is lost, which is as safe as resuming is.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from glyphrender.adapters.corpus.options import Options
from glyphrender.adapters.corpus.plan import Shard
from glyphrender.adapters.corpus.shard import Receipt, render_shard
from glyphrender.errors import DependencyError, EndpointError, GlyphRenderError


def required() -> Any:
    """The library of that name.

    Raises:
        DependencyError: Ray Data is not installed.
    """
    # No reports of usage, and no advice on the state of its dashboard.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise DependencyError("--ray needs Ray Data. Install it with: pip install 'glyphrender[ray]'") from error
    return ray


def rendered(
    shards: list[Shard], options: Options, directory: Path, *, address: str, tasks: int
) -> Iterator[Receipt]:
    """Receipts, in the order in which shards are done.

    Args:
        address: of a cluster, "auto", or "local" to start one on this machine.
        tasks: at a time, of one CPU each.

    Raises:
        EndpointError: there is no cluster at that address.
        GlyphRenderError: a task failed otherwise than by an item.
    """
    if not shards:
        return
    ray = required()
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(
                address=None if address == "local" else address,
                num_cpus=tasks if address == "local" else None,
                include_dashboard=False if address == "local" else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise EndpointError(f"--ray {address}: no Ray cluster ({' '.join(str(error).split())[:200]}).") from error
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        rows = [{"shard": pickle.dumps(shard)} for shard in shards]
        dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _task, fn_kwargs={"options": options, "directory": directory}, num_cpus=1, concurrency=tasks
        )
        for row in dataset.iter_rows():
            yield Receipt(**json.loads(row["receipt"]))
    except ray.exceptions.RayError as error:
        cause = error.__cause__ or error
        raise GlyphRenderError(f"a task of Ray failed ({' '.join(str(cause).split())[:300]}).") from error
    finally:
        if ours:
            ray.shutdown()


def _task(row: dict[str, Any], options: Options, directory: Path) -> dict[str, Any]:
    return {"receipt": json.dumps(asdict(render_shard(pickle.loads(row["shard"]), options, directory)))}

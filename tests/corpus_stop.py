"""A corpus that is stopped by its own progress function, as by an interrupt, once two shards are written; its files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from glyphrender.adapters.corpus import CorpusProgress


class Stopped(Exception):
    """Raised by `stop_after_two_shards`."""


def stop_after_two_shards(progress: CorpusProgress) -> None:
    """Stop the run."""
    if progress.done == 2:
        raise Stopped


def tree(directory: Path) -> dict[str, str]:
    """Every file below `directory` by the digest of its bytes."""
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

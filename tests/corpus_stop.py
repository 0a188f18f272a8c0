"""A corpus that is stopped by its own progress function, as by an interrupt, once two shards are written."""

from __future__ import annotations

from glyphrender.adapters.corpus import CorpusProgress


class Stopped(Exception):
    """Raised by `stop_after_two_shards`."""


def stop_after_two_shards(progress: CorpusProgress) -> None:
    """Stop the run."""
    if progress.done == 2:
        raise Stopped

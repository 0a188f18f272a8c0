"""The folder `.run`, in which a run of a corpus works until its manifest is written.

Other programs have a folder of that name too: IDEs keep configurations in it. So only what a run writes there is taken
for ours, and only that is removed.
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

WORK: Final = ".run"
BEGUN: Final = "run.json"
FAILED: Final = "failed.jsonl"
_SHARD: Final = r"[\w-]+-\d{5,}-of-\d{5,}"
_OURS: Final = re.compile(rf"lock|{re.escape(BEGUN)}|{re.escape(FAILED)}|{_SHARD}\.json")
_LEFT: Final = re.compile(
    rf"{_SHARD}\.[0-9a-f]{{8}}\.part|\.(?:{re.escape(BEGUN)}|{_SHARD}\.json)\.[0-9a-f]{{16}}\.part"
)


def foreign_entry(directory: Path) -> Path | None:
    """Return a file or folder in the work folder of a corpus that no run writes there, or None if there is none.

    A work folder that is a file or a link is foreign itself.
    """
    work = directory / WORK
    if work.is_symlink() or (work.exists() and not work.is_dir()):
        return work
    entries = sorted(work.iterdir()) if work.exists() else []
    return next((each for each in entries if not _OURS.fullmatch(each.name) and not _LEFT.fullmatch(each.name)), None)


def remove_left(directory: Path) -> None:
    """Remove what killed processes left in the work folder: folders of shards, and files of `write_atomically`."""
    for each in (directory / WORK).iterdir():
        if _LEFT.fullmatch(each.name):
            _remove(each)


def remove_work(directory: Path) -> None:
    """Remove the work folder of a corpus that is complete, but for what no run has written there."""
    work = directory / WORK
    if work.is_symlink():
        return
    with suppress(OSError):
        for each in work.iterdir():
            if _OURS.fullmatch(each.name) or _LEFT.fullmatch(each.name):
                _remove(each)
        work.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

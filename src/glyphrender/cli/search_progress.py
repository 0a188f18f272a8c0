"""How far a search is, on stderr: a bar that is drawn again on a terminal, and lines in a file or a pipe."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from glyphrender.search.result import SearchProgress

# Characters of the bar, and the most seconds without a line where there is no bar.
_BAR, _QUIET = 20, 60.0


def progress_printer() -> Callable[[SearchProgress], None]:
    """Return a function that shows on stderr how far the search is, and how long the rest takes at most.

    A terminal gets a bar that is drawn again after each reading of a θ. A file or a pipe gets a line after each batch,
    and at least one a minute.
    """
    terminal = sys.stderr.isatty()
    last_step, last_line = 0, time.monotonic()

    def show(progress: SearchProgress) -> None:
        nonlocal last_step, last_line
        ends = progress.final and progress.samples >= progress.expected
        if terminal:
            line = f"{_bar(progress)} {_line(progress)}"[: shutil.get_terminal_size().columns - 1]
            click.echo(f"\r\x1b[K{line}", err=True, nl=ends)
        elif ends or progress.step > last_step or time.monotonic() - last_line > _QUIET:
            last_step, last_line = progress.step, time.monotonic()
            click.echo(_line(progress), err=True)

    return show


def _bar(progress: SearchProgress) -> str:
    done = round(_BAR * min(1.0, progress.samples / max(1, progress.expected)))
    return f"[{'#' * done}{'-' * (_BAR - done)}]"


def _line(progress: SearchProgress) -> str:
    what = "reading the front again" if progress.final else f"round {progress.round}"
    left = progress.seconds_left
    line = f"{what}, step {progress.step} of {progress.of}, {progress.samples:,} of {progress.expected:,} samples, "
    line += f"{_duration(progress.seconds)}, at most {_duration(left)} left" if left is not None else "starting"
    front = progress.front
    return f"{line}: ρ {front[0].rho:.2f}–{front[-1].rho:.2f}" if front else line


def _duration(seconds: float) -> str:
    """Return "48 s", "12 min" or "3 h 05 min"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"

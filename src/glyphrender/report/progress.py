"""Progress bars of long work: tqdm's, in a notebook or on a terminal, if tqdm is installed.

Nothing is loaded or shown where nobody looks: in a script whose stderr is a file, or for work of less than a second.
tqdm is no dependency of the core; datasets, transformers and many others bring it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

__all__ = ["Tell", "is_watched", "progress_bar"]

#: Tells a bar how far the work is: done, in all, and a few words.
Tell: TypeAlias = Callable[[int, int, str], object]

# Seconds of work before a bar appears.
_DELAY: Final = 1.0


def is_watched() -> bool:
    """Return whether somebody can see a bar: in a notebook, or on a terminal."""
    ipython = sys.modules.get("IPython")  # never imported from here
    shell = ipython.get_ipython() if ipython is not None else None
    if hasattr(shell, "kernel"):
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # None, an object that can only write, or closed
        return False


@contextmanager
def progress_bar(title: str, *, unit: str, asked: object = None) -> Iterator[Tell]:
    """Yield a function that shows progress on a bar, or does nothing.

    Args:
        title: what is under way, in a word or two.
        unit: what is counted, such as "sample".
        asked: what the caller passed as `progress`. True shows a bar; None shows one where `is_watched` is true; a
            function of the caller's own, or False, shows none.

    >>> with progress_bar("work", unit="step", asked=False) as tell:
    ...     tell(1, 2, "")
    """
    make = _tqdm() if (asked is True or (asked is None and is_watched())) else None
    if make is None:
        yield lambda done, total, words: None
        return
    bar = make(total=1, desc=title, unit=f" {unit}s", delay=_DELAY)

    def tell(done: int, total: int, words: str) -> None:
        bar.total = total
        bar.set_postfix_str(words, refresh=False)
        bar.update(done - bar.n)

    try:
        yield tell
    finally:
        bar.close()


def _tqdm() -> Any:
    try:
        with warnings.catch_warnings():
            # Without ipywidgets, tqdm shows its bar as text, and warns.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return None
    # tqdm's monitor is a thread, and the work may fork.
    return type("Bar", (tqdm,), {"monitor_interval": 0})

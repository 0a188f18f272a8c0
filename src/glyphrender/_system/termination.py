"""Signals that end a process by an exception, so that `finally` clauses run and nothing half-written is left.

Python drops an exception that is raised in a destructor or in a callback from C: it prints "Exception ignored in …",
and the process works on. pyarrow has many destructors. Here the signal is sent again until the exception gets through.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType
from typing import Any, Final, NoReturn

# Seconds until a signal is sent again: by then the destructor has returned.
_PAUSE: Final = 0.02


def exit_on(numbers: Iterable[int], status: int | None = None) -> None:
    """Raise SystemExit in the main thread when one of the signals `numbers` arrives. Call this in the main thread.

    A signal that this process was started to ignore, as nohup does, stays ignored. An interrupt (KeyboardInterrupt)
    that is dropped is sent again too.

    Args:
        numbers: numbers of signals.
        status: the exit status; by default 128 + the number of the signal, as a shell reports it.
    """
    numbers = tuple(numbers)
    last, shown = numbers[0], sys.unraisablehook

    def leave(number: int, _: FrameType | None) -> NoReturn:
        nonlocal last
        last = number
        raise SystemExit(128 + number if status is None else status)

    def dropped(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, SystemExit | KeyboardInterrupt):
            number = last if issubclass(unraisable.exc_type, SystemExit) else signal.SIGINT
            timer = threading.Timer(_PAUSE, _send, (number,))
            timer.daemon = True
            with suppress(RuntimeError):  # the interpreter is ending already
                timer.start()
        else:
            shown(unraisable)

    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)
    sys.unraisablehook = dropped


def _send(number: int) -> None:
    # To the main thread, whose system call is then interrupted.
    if hasattr(signal, "pthread_kill") and (main := threading.main_thread().ident) is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)

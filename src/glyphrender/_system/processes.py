"""Work shared out to forked processes: they inherit what they need, and send back results as they come.

multiprocessing.Pool waits for ever for a process that was killed, and concurrent.futures pickles what forks
can inherit; this notices the one and needs not the other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from glyphrender.errors import GlyphRenderError

Result = TypeVar("Result")


def can_fork() -> bool:
    """Whether this system can fork, and so share work out."""
    return "fork" in multiprocessing.get_all_start_methods()


def shared_out(jobs: int, work: Callable[[int], Iterator[Result]]) -> Iterator[Result]:
    """What `work(0)` to `work(jobs - 1)` give, each in a process of its own, in the order in which it comes.

    An error in one of them is raised here. However this ends, no process is left, and each has cleaned up. Where
    the system cannot fork, this process does all of it.

    Raises:
        GlyphRenderError: a process was killed.
    """
    if not can_fork():
        for job in range(jobs):
            yield from work(job)
        return
    fork = multiprocessing.get_context("fork")
    processes, pipes = [], []
    try:
        for job in range(jobs):
            ours, theirs = fork.Pipe(duplex=False)
            processes.append(fork.Process(target=_run, args=(theirs, work, job), daemon=True))
            processes[-1].start()
            pipes.append(ours)
            theirs.close()  # so that the end of the process is the end of the pipe
        open_pipes = dict(zip(pipes, processes, strict=True))
        while open_pipes:
            for pipe in wait(list(open_pipes)):
                assert isinstance(pipe, Connection)
                try:
                    kind, value = pipe.recv()
                except EOFError:
                    process = open_pipes[pipe]
                    process.join()
                    raise GlyphRenderError(
                        f"a process was killed (exit status {process.exitcode}), perhaps for want of memory. "
                        "Use fewer jobs."
                    ) from None
                if kind == "error":
                    raise value
                if kind == "end":
                    del open_pipes[pipe]
                else:
                    yield value
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for pipe in pipes:
            pipe.close()


def _run(pipe: Connection, work: Callable[[int], Iterator[Any]], job: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent sees it too, and ends us
    signal.signal(signal.SIGTERM, _leave)
    try:
        for value in work(job):
            pipe.send(("value", value))
        pipe.send(("end", None))
    except BrokenPipeError:
        os._exit(1)  # the parent is gone
    except SystemExit:
        raise
    except BaseException as error:
        try:
            pipe.send(("error", error))
        except Exception:  # it cannot be pickled
            pipe.send(("error", GlyphRenderError(f"{type(error).__name__}: {error}")))


def _leave(*_: object) -> None:
    raise SystemExit(1)  # so that what has been begun is cleaned up


def turns(count: int) -> Callable[[], Iterator[int]]:
    """For `shared_out`: what gives each process the next of the numbers below `count` when it is done with one.

    To be asked for before the processes are: pieces of work that are not equally long are shared out evenly.
    """
    if not can_fork():
        numbers = iter(range(count))
        return lambda: numbers
    taken = multiprocessing.get_context("fork").Value("q", 0)

    def mine() -> Iterator[int]:
        while True:
            with taken.get_lock():
                number = taken.value
                taken.value += 1
            if number >= count:
                return
            yield number

    return mine


class Baton:
    """Pairs of numbers, one for each step of a chain, that processes hand on to one another."""

    def __init__(self, steps: int, first: tuple[int, int]) -> None:
        fork = multiprocessing.get_context("fork")
        self._pairs = fork.RawArray("q", [-1] * (2 * steps))
        self._turn = fork.Condition()
        self._parent = os.getpid()
        self.hand(0, first)

    def hand(self, step: int, pair: tuple[int, int]) -> None:
        """Give `pair` to `step`."""
        with self._turn:
            self._pairs[2 * step : 2 * step + 2] = list(pair)
            self._turn.notify_all()

    def take(self, step: int) -> tuple[int, int]:
        """The pair of `step`, when it comes; to be called in a forked process."""
        with self._turn:
            while not self._turn.wait_for(lambda: self._pairs[2 * step] >= 0, timeout=5):
                if os.getppid() != self._parent:
                    os._exit(1)  # the parent was killed: nobody will hand it on
            number, at = self._pairs[2 * step : 2 * step + 2]
        return number, at

"""Work shared among forked processes. This is the only way in which the package uses several processes.

A forked process inherits everything that its parent has in memory: texts, fonts, caches. So functions need not be
pickled, only items and results. Each process has a pipe of its own to the parent. When a process is killed, because
memory ran out for instance, its pipe closes and the parent raises an error at once; multiprocessing.Pool would wait
for ever. When the parent is killed, its processes end at once: Linux kills them, and elsewhere a thread of theirs sees
the end of a pipe that the parent held.

This module always uses `fork`, although Python 3.14 starts processes in another way by default. A spawned process would
import everything again, and could be given only objects that can be pickled. Some processes cannot fork: on Windows, or
inside a daemonic process of multiprocessing, such as a worker of a torch DataLoader. There, the calling process does
all the work itself, with the same results. Forking is fragile on macOS once system frameworks are loaded, and where
threads of other libraries hold locks. Locks of this package are renewed (see fork_safe_lock.py). What processes share
while they run is in shared_work.py.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, Generic, Self, TypeVar

from glyphrender._system.termination import exit_on
from glyphrender.errors import GlyphRenderError, ResourceError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Seconds between two checks of a process that its parent is still there. The pipe alone does not tell, if another
# process holds its other end.
_WATCH: Final = 0.5
# From linux/prctl.h: the signal that a process gets when the thread that forked it ends.
_PR_SET_PDEATHSIG: Final = 1
# Seconds that a process gets to clean up before it is killed.
_GRACE: Final = 10.0
# Seconds that this process waits for the signal that has ended another one: the signal may be meant for both.
_GROUP: Final = 0.25


def can_fork() -> bool:
    """Return whether this process can fork others."""
    return "fork" in multiprocessing.get_all_start_methods() and not multiprocessing.current_process().daemon


def imap_forked(jobs: int, work: Callable[[int], Iterator[Result]]) -> Iterator[Result]:
    """Run `work(0)` … `work(jobs - 1)`, each in a forked process, and yield their results in the order they come.

    An error in one process is raised here. However the iteration ends, every process is stopped and gets time to clean
    up. Where this process cannot fork, it does all the work itself.

    Raises:
        ResourceError: a process was killed.
    """
    if not can_fork():
        for job in range(jobs):
            yield from work(job)
        return

    def send_results(pipe: Connection, job: int) -> None:
        for value in work(job):
            _send(pipe, ("value", value))
        _send(pipe, ("end", None))

    with _Children(daemon=True) as children:
        running = {children.fork(send_results, job) for job in range(jobs)}
        while running:
            for pipe, (kind, value) in children.received(running):
                if kind == "error":
                    raise _received(value)
                if kind == "end":
                    running.discard(pipe)
                else:
                    yield value


class ForkedPool(Generic[Item, Result]):
    """Forked processes that answer one item after another and keep what they have learnt in between.

    Use a pool as a context manager; after the block, no process remains. The processes are forked when the first item
    is sent. With one job, or if this process cannot fork, this process calls `answer` itself.

    Args:
        jobs: number of processes.
        answer: computes the result of an item. It is inherited, so it may be any callable; items and results are
            pickled.
        begin: called first in each process, for example to close files that the process inherited from its parent.
    """

    def __init__(
        self, jobs: int, answer: Callable[[Item], Result], *, begin: Callable[[], None] = lambda: None
    ) -> None:
        self._jobs = jobs if can_fork() else 1
        self._answer, self._begin = answer, begin
        # Not daemonic: `answer` may use processes of its own.
        self._children = _Children(daemon=False)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._asked = 0  # items so far, of all calls of `imap`
        self._answers: dict[int, tuple[str, Any]] = {}  # number of the item → kind and value
        self._unwanted: set[int] = set()  # asked by a call of `imap` that was given up

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._children.stop()

    def imap(self, items: Iterable[Item]) -> Iterator[Result]:
        """Yield the result of each item, in the order of the items.

        An error of `answer` is raised when the turn of its item comes.

        Raises:
            ResourceError: a process was killed.
        """
        if self._jobs <= 1:
            yield from map(self._answer, items)
            return
        while len(self._children) < self._jobs:
            self._idle.append(self._children.fork(self._serve))
        left, more = iter(items), True
        mine: deque[int] = deque()  # numbers of the items whose results are still to be yielded
        try:
            while more or mine:
                while more and self._idle:
                    try:
                        item = next(left)
                    except StopIteration:
                        more = False
                    else:
                        mine.append(self._ask(item))
                if mine and mine[0] in self._answers:
                    kind, value = self._answers.pop(mine.popleft())
                    if kind == "error":
                        raise _received(value)
                    yield value
                elif more or mine:
                    self._collect()
        finally:
            self._unwanted.update(mine)

    def _ask(self, item: Item) -> int:
        """Send `item` to an idle process, and return its number."""
        pipe, number = self._idle.pop(), self._asked
        self._asked += 1
        self._busy.add(pipe)
        self._children.send(pipe, (number, item))
        return number

    def _collect(self) -> None:
        """Wait for results, and keep them until their turn comes."""
        for pipe, (kind, value) in self._children.received(self._busy):
            if kind == "error":
                raise _received(value)  # the process itself failed, before it took an item
            number, kind, value = value
            self._busy.discard(pipe)
            self._idle.append(pipe)
            if number in self._unwanted:
                self._unwanted.discard(number)
            else:
                self._answers[number] = kind, value

    def _serve(self, pipe: Connection) -> None:
        self._begin()
        while True:
            try:
                number, item = pipe.recv()
            except EOFError:
                os._exit(1)  # the parent is gone
            try:
                _send(pipe, ("answer", (number, "value", self._answer(item))))
            except Exception as error:  # `answer` failed, or its result cannot be pickled
                _send(pipe, ("answer", (number, "error", _sendable(error))))


class _Children:
    """Forked processes, each with a pipe to this one. A context manager: after the block, none remains."""

    def __init__(self, *, daemon: bool) -> None:
        self._daemon = daemon
        self._processes: list[BaseProcess] = []
        self._of_pipe: dict[Connection, BaseProcess] = {}
        self._life: tuple[Connection, Connection] | None = None  # (the processes' end of a pipe, the end of this one)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __len__(self) -> int:
        return len(self._of_pipe)

    def fork(self, main: Callable[..., None], *arguments: Any) -> Connection:
        """Start a process that calls `main(its pipe, *arguments)`; return this end of the pipe."""
        fork = multiprocessing.get_context("fork")
        try:
            if self._life is None:
                self._life = fork.Pipe(duplex=False)
            ours, theirs = fork.Pipe()
            parent = _Parent(os.getpid(), *self._life, kills=_main_thread_on_linux())
            process = fork.Process(target=_child, args=(parent, theirs, main, arguments), daemon=self._daemon)
            self._processes.append(process)
            process.start()
        except OSError as error:  # too many files are open, or too many processes run
            raise ResourceError(
                f"a process cannot be started ({error.strerror}). Use fewer jobs, or raise the limit.",
                errno=error.errno,
            ) from error
        self._of_pipe[ours] = process
        theirs.close()  # that end is now open in the child alone, so the pipe closes when the child ends
        return ours

    def send(self, pipe: Connection, message: Any) -> None:
        """Send `message` to the process at the other end of `pipe`."""
        try:
            pipe.send(message)
        except ConnectionError:
            raise self._ended(pipe) from None

    def received(self, pipes: Collection[Connection]) -> Iterator[tuple[Connection, Any]]:
        """Wait until at least one of `pipes` has a message; yield the messages with their pipes."""
        for pipe in wait(list(pipes)):
            assert isinstance(pipe, Connection)
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                raise self._ended(pipe) from None
            yield pipe, message

    def stop(self) -> None:
        """Stop all processes. Each gets some seconds to clean up."""
        started = [process for process in self._processes if process.pid is not None]
        for process in started:
            process.terminate()
        end = time.monotonic() + _GRACE
        for process in started:
            process.join(max(0.0, end - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in (*self._of_pipe, *(self._life or ())):
            pipe.close()
        self._life = None
        self._processes.clear()
        self._of_pipe.clear()

    def _ended(self, pipe: Connection) -> BaseException:
        """Return the error of a process that has ended."""
        with suppress(EOFError, OSError):
            if pipe.poll():  # the process sent its error and ended before it was sent an item
                kind, error = pipe.recv()
                if kind == "error":
                    return _received(error)
        process = self._of_pipe[pipe]
        process.join(_GRACE)
        if process.exitcode in (-signal.SIGTERM, 128 + signal.SIGTERM):
            # The signal may have been sent to the whole group. Then its exception is raised here, in this moment.
            time.sleep(_GROUP)
            return ResourceError("a process was terminated (SIGTERM). Run this again.")
        return ResourceError(
            f"a process was killed (exit status {process.exitcode}), perhaps because memory ran out. Use fewer jobs."
        )


@dataclass(frozen=True, slots=True)
class _Parent:
    """The parent of a forked process.

    Attributes:
        pid: its process id.
        life: a pipe that nothing is ever written to; it ends when the parent does.
        held: the other end of this pipe, which the parent holds open.
        kills: whether the kernel can kill the process when the parent ends.
    """

    pid: int
    life: Connection
    held: Connection
    kills: bool

    def follow(self) -> None:
        """Let this process end as soon as its parent has ended. A parent that was killed cannot say so."""
        self.held.close()
        if self.kills:
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while os.getppid() == self.pid and not self.life.poll(_WATCH):
            pass
        os._exit(1)


def _main_thread_on_linux() -> bool:
    # The kernel looks at the thread that forked, not at the process: a worker thread may end before its children.
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()


def _child(parent: _Parent, pipe: Connection, main: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Run `main` in a forked process, and send its error, if any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt reaches the parent too, which then ends this process
    exit_on([signal.SIGTERM])
    try:
        parent.follow()
        main(pipe, *arguments)
    except SystemExit:
        raise
    except BaseException as error:
        _send(pipe, ("error", _sendable(error)))


def _send(pipe: Connection, message: Any) -> None:
    try:
        pipe.send(message)
    except ConnectionError:
        os._exit(1)  # the parent is gone


def _sendable(error: BaseException) -> tuple[BaseException, BaseException | None]:
    """Return `error` and its cause. If `error` cannot be pickled and read back, return a description in its place."""
    cause = error.__cause__
    return (
        error if _can_be_sent(error) else GlyphRenderError(f"{type(error).__name__}: {error}"),
        cause if _can_be_sent(cause) else None,
    )


def _can_be_sent(error: BaseException | None) -> bool:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True


def _received(sent: tuple[BaseException, BaseException | None]) -> BaseException:
    """Return the error that `_sendable` was given, with its cause, which pickling would lose."""
    error, cause = sent
    error.__cause__ = cause
    return error

"""Numbers that forked processes share while they run: a queue of work items, and a chain of steps."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator

from glyphrender._system.processes import can_fork


def work_queue(count: int) -> Callable[[], Iterator[int]]:
    """Return a function that yields the work items `0 … count - 1`. Each item goes to exactly one process.

    Call `work_queue` before forking, and the returned function in each process. A process takes the next item when it
    has finished one, so uneven work balances itself.
    """
    if not can_fork():
        numbers = iter(range(count))
        return lambda: numbers
    taken = multiprocessing.get_context("fork").Value("q", 0)

    def items() -> Iterator[int]:
        while True:
            with taken.get_lock():
                number = taken.value
                taken.value += 1
            if number >= count:
                return
            yield number

    return items


class HandOff:
    """A chain of steps among forked processes, in which each step hands a pair of numbers to the next.

    Args:
        steps: number of steps.
        first: the pair of step 0.
    """

    def __init__(self, steps: int, first: tuple[int, int]) -> None:
        fork = multiprocessing.get_context("fork")
        self._pairs = fork.RawArray("q", [-1] * (2 * steps))
        self._changed = fork.Condition()
        self.give(0, first)

    def give(self, step: int, pair: tuple[int, int]) -> None:
        """Hand `pair` to `step`."""
        with self._changed:
            self._pairs[2 * step : 2 * step + 2] = list(pair)
            self._changed.notify_all()

    def take(self, step: int) -> tuple[int, int]:
        """Wait for the pair of `step`, and return it."""
        with self._changed:
            self._changed.wait_for(lambda: self._pairs[2 * step] >= 0)
            number, at = self._pairs[2 * step : 2 * step + 2]
        return number, at

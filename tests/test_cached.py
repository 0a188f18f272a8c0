"""Properties computed once: one object does not wait for another."""

from __future__ import annotations

import threading

from glyphrender import Page
from glyphrender._system.cached_property import cached_property


def test_it_is_computed_once() -> None:
    computed = []

    class Odd:
        @cached_property
        def square(self) -> int:
            computed.append(self)
            return 9

    odd = Odd()
    assert (odd.square, odd.square) == (9, 9)
    assert computed == [odd]


def test_a_thread_may_compute_it_while_another_does() -> None:
    begun, done = threading.Event(), threading.Event()

    class Slow:
        def __init__(self, waits: bool) -> None:
            self.waits = waits

        @cached_property
        def value(self) -> bool:
            if not self.waits:
                return True
            begun.set()
            return done.wait(300)

    slow = Slow(waits=True)
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert begun.wait(300)
    assert Slow(waits=False).value
    done.set()
    thread.join()
    assert slow.value


def test_pages_are_such() -> None:
    assert isinstance(vars(Page)["lines"], cached_property)

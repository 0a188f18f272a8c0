"""Threads that read one document or stream, with one typesetter: the pages of one thread alone, and no hang."""

from __future__ import annotations

import copy
import itertools
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from glyphrender import Document, LayoutError, Theta, Typesetter, render
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.paginate import Paginator

SMALL = Theta(page_size=(120, 60), margin_x=4, margin_y=4)
TEXT = "In the beginning was the Word, and the Word was with God. " * 20


def in_threads(work: Callable[[int], object], count: int = 8) -> list[Any]:
    """Return the results, or the errors, of `work(0)`, `work(1)`, … in threads that start and switch together."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def guarded(number: int) -> None:
        barrier.wait(300)
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=guarded, args=(number,), daemon=True) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
            assert not thread.is_alive()
    finally:
        sys.setswitchinterval(interval)
    return results


READERS: list[Callable[[Document], Any]] = [
    lambda document: [page.span for page in document],
    lambda document: [document[at].span for at in range(len(document))],
    lambda document: [page.span for page in document[:]],
    lambda document: [page.span for page in reversed(document)][::-1],
]


def test_threads_that_read_one_document_get_the_pages_that_one_thread_gets() -> None:
    expected = [page.span for page in render(TEXT * 3, SMALL)]
    assert len(expected) > 20
    document = render(TEXT * 3, SMALL, typesetter=Typesetter())
    found = in_threads(lambda number: READERS[number % len(READERS)](document))
    assert found == [expected] * len(found)
    first = list(document)
    assert all(page is again for page, again in zip(document, first, strict=True))


def test_threads_that_draw_one_document_get_the_same_bytes_while_its_typesetter_forgets() -> None:
    expected = [page.png() for page in render(TEXT, SMALL)]
    typesetter = Typesetter()
    document = render(TEXT, SMALL, typesetter=typesetter)

    def work(number: int) -> list[bytes]:
        if number == 0:
            for _ in range(30):
                typesetter.clear()
        return [page.png() for page in document]

    assert in_threads(work) == [expected] * 8


def test_every_thread_gets_the_error_in_the_text_and_the_pages_before_it() -> None:
    document = render(TEXT * 3, SMALL, max_pages=5)
    expected = [page.span for page in render(TEXT * 3, SMALL)][:5]

    def work(number: int) -> list[Any]:
        spans = [document[at].span for at in range(5)]
        for look in (len, list):
            with pytest.raises(LayoutError, match="max_pages=5"):
                look(document)
        return spans

    assert in_threads(work) == [expected] * 8


def test_an_exception_in_one_thread_does_not_disturb_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [page.span for page in render(TEXT * 3, SMALL)]
    document = render(TEXT * 3, SMALL)
    calls, add = itertools.count(), Paginator.add

    def failing(self: Paginator, table: Any) -> Iterator[PageLayout]:
        for number, page in enumerate(add(self, table)):
            if number == 10 and next(calls) < 3:
                raise MemoryError
            yield page

    monkeypatch.setattr(Paginator, "add", failing)
    found = in_threads(lambda number: READERS[number % len(READERS)](document))
    assert [type(one) for one in found].count(MemoryError) == 3
    assert [one for one in found if not isinstance(one, MemoryError)] == [expected] * 5


def test_threads_that_read_while_the_text_is_extended_see_whole_pages() -> None:
    document = render("", SMALL)
    parts = [f"{number} {TEXT[:90]}\n" for number in range(12)]
    states = [[page.span for page in render("".join(parts[:count]), SMALL)] for count in range(13)]

    def work(number: int) -> list[Any]:
        if number == 0:
            return [document.extend_text(part).pages for part in parts]
        return [[page.span for page in document[:]] for _ in range(40)]

    extended, *seen = in_threads(work)
    assert extended == [len(state) for state in states[1:]]
    assert all(state in states for one in seen for state in one)
    assert [page.span for page in document] == states[-1]


def test_each_page_of_a_stream_goes_to_one_thread() -> None:
    expected = [page.span for page in render(TEXT * 3, SMALL)]
    stream = render(iter([TEXT] * 3), SMALL)
    found = in_threads(lambda number: [page.span for page in iter(lambda: next(stream, None), None)])
    assert sorted(span for one in found for span in one) == expected


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_stream_that_is_pickled_or_copied_says_what_can_be(copied: Callable[[Any], Any]) -> None:
    stream = render(iter([TEXT]), SMALL)
    with pytest.raises(LayoutError, match="Pass the text as one str"):
        copied(stream)
    assert len(list(stream)) > 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_lays_out_the_document_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    document = render(TEXT * 3, SMALL)
    expected = [page.span for page in render(TEXT * 3, SMALL)]
    inside, forked = threading.Event(), threading.Event()
    finish = Paginator.finish

    def waiting(self: Paginator) -> Iterator[PageLayout]:
        inside.set()
        forked.wait(300)
        return finish(self)

    monkeypatch.setattr(Paginator, "finish", waiting)
    reader = threading.Thread(target=lambda: len(document))
    reader.start()
    inside.wait(300)
    child = os.fork()
    if not child:
        monkeypatch.undo()
        signal.alarm(300)
        os._exit(0 if [page.span for page in document] == expected else 1)
    forked.set()
    reader.join()
    assert os.waitpid(child, 0)[1] == 0
    assert [page.span for page in document] == expected

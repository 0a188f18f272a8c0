"""Work in several processes: what one process makes, whatever happens to them."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty import NASTY
from strategies import examples, texts, thetas

from glyphrender import DataError, GlyphRenderError, LayoutError, ResourceError, Theta, render
from glyphrender._system import processes as processes
from glyphrender._system.processes import ForkedPool, imap_forked
from glyphrender._system.shared_work import HandOff, work_queue
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.theta.choices import Emoji, MissingGlyph
from glyphrender.typeset import shares as module
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.shares import Share, lay_out, shares_of
from glyphrender.typeset.style import consumption, flow_of

SMALL = Theta(page_size=(120, 90), margin_x=4, margin_y=4)


def in_shares(text: str, parts: list[Share], theta: Theta) -> list[PageLayout]:
    pages: list[PageLayout] = []
    following, shaper = (0, 0), default_typesetter().shaper
    for part in parts:
        more, following = lay_out(text, part, theta, shaper, lambda given=following: given)  # type: ignore[misc]
        pages += more
    assert following == (len(pages), len(text))
    return pages


def check(text: str, theta: Theta, shares: int) -> None:
    parts = shares_of(text, shares, consumption(theta), flow_of(theta))
    assert "".join(text[part.start : part.end] for part in parts) == text
    whole = list(default_typesetter().layout_pages(text, theta))
    shared = in_shares(text, parts, theta)
    for one, other in zip(whole, shared, strict=True):
        assert (one.number, one.start, one.end, one.size) == (other.number, other.start, other.end, other.size)
        assert np.array_equal(*map(default_typesetter().draw, (one, other)))


@pytest.mark.slow
@examples(60)
@given(
    text=texts(),
    theta=thetas(newline_markup="<br/>", emoji=Emoji.MONO, missing_glyph=MissingGlyph.BOX, hyphenate=False),
    size=st.integers(1, 60),
)
def test_segments_make_the_pages_of_the_whole(text: str, theta: Theta, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SHARE", size)
        patch.setattr(module, "_BORROWED", 7)
        check(text, theta, 3)


@pytest.mark.parametrize("name", ["every C0 and C1 control", "only newlines", "unpaired isolates"])
def test_nasty_texts_in_shares(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE", 50)
    check(NASTY[name] * 2, SMALL, 2)


def test_a_page_longer_than_segments_skips_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE", 20)
    text = "".join(f"line {number}\n" for number in range(300))
    assert len(shares_of(text, 1)) > 50
    check(text, SMALL.replace(page_size=(120, 600)), 1)


def test_line_numbers_go_on_over_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE", 30)
    check("one\r\ntwo\nthree\x85four\n" * 20, SMALL.replace(line_numbers=4), 2)


def test_results_come_from_all_processes() -> None:
    def work(job: int) -> Iterator[tuple[int, int]]:
        for number in range(3):
            yield job, number

    assert sorted(imap_forked(3, work)) == [(job, number) for job in range(3) for number in range(3)]


def test_an_error_is_raised_here_and_ends_all() -> None:
    def work(job: int) -> Iterator[int]:
        if job == 1:
            raise LayoutError("too long")
        time.sleep(600)
        yield job

    start = time.monotonic()
    with pytest.raises(LayoutError, match="too long"):
        list(imap_forked(2, work))
    assert time.monotonic() - start < 300


def test_an_error_that_cannot_be_sent_is_described() -> None:
    class Odd(Exception):
        pass

    def work(job: int) -> Iterator[int]:
        yield job
        raise Odd("a local class has no name to be found by")

    with pytest.raises(GlyphRenderError, match="Odd: a local class"):
        list(imap_forked(1, work))


def test_the_cause_of_an_error_comes_along() -> None:
    def work(job: int) -> Iterator[int]:
        yield job
        raise DataError("the page cannot be written") from OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match="cannot be written") as caught:
        list(imap_forked(1, work))
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC

    def answer(item: int) -> int:
        raise DataError("the page cannot be written") from OSError(errno.ENOSPC, "No space left on device")

    with ForkedPool(2, answer) as pool, pytest.raises(DataError) as caught:
        list(pool.imap([1, 2]))
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EAGAIN])
@pytest.mark.parametrize("call", ["pipe", "fork"])
def test_a_process_that_cannot_be_started_is_told_of(monkeypatch: pytest.MonkeyPatch, number: int, call: str) -> None:
    calls = 0

    def scarce() -> Any:
        nonlocal calls
        calls += 1
        if calls < 3:
            return real()
        raise OSError(number, os.strerror(number))

    real = getattr(os, call)
    monkeypatch.setattr(os, call, scarce)

    def work(job: int) -> Iterator[int]:
        time.sleep(600)
        yield job

    start = time.monotonic()
    with pytest.raises(ResourceError, match=r"a process cannot be started \(.*\)\. Use fewer jobs") as caught:
        list(imap_forked(8, work))
    assert caught.value.errno == number
    assert time.monotonic() - start < 300
    assert not multiprocessing.active_children()


def test_a_process_that_is_killed_is_an_error() -> None:
    def work(job: int) -> Iterator[int]:
        yield job
        if job == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(600)

    with pytest.raises(ResourceError, match=r"a process was killed \(exit status -9\).*Use fewer jobs\."):
        list(imap_forked(2, work))


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 40])
def test_each_item_goes_to_one_process_and_the_slow_take_fewer(count: int) -> None:
    mine = work_queue(count)

    def work(job: int) -> Iterator[tuple[int, int]]:
        for number in mine():
            time.sleep(1 if job == 0 else 0.01)
            yield number, job

    done = sorted(imap_forked(3, work))
    assert [number for number, _ in done] == list(range(count))
    assert sum(job == 0 for _, job in done) <= max(1, count // 4)


def test_a_process_killed_at_its_item_is_an_error() -> None:
    mine = work_queue(1000)

    def work(job: int) -> Iterator[int]:
        for number in mine():
            if number == 20:
                os.kill(os.getpid(), signal.SIGKILL)
            yield number

    with pytest.raises(GlyphRenderError, match="a process was killed"):
        list(imap_forked(3, work))


def test_without_forks_one_process_has_all_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "can_fork", lambda: False)
    mine = work_queue(5)
    assert list(imap_forked(3, lambda job: ((number, job) for number in mine()))) == [(n, 0) for n in range(5)]


def test_a_step_waits_for_what_the_one_before_hands_on() -> None:
    hand_off = HandOff(4, (0, 0))

    def work(job: int) -> Iterator[tuple[int, tuple[int, int]]]:
        for step in range(job, 4, 2):
            pair = hand_off.take(step)
            if step < 3:
                hand_off.give(step + 1, (pair[0] + 1, pair[1] + 10))
            yield step, pair

    assert sorted(imap_forked(2, work)) == [(step, (step, 10 * step)) for step in range(4)]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_pool_answers_in_the_order_of_its_items(jobs: int) -> None:
    def answer(number: int) -> int:
        time.sleep(0.1 if number % 7 == 0 else 0)
        return number * number

    with ForkedPool(jobs, answer) as pool:
        assert list(pool.imap(range(30))) == [number * number for number in range(30)]
        assert list(pool.imap([])) == []
        assert list(pool.imap(iter([5]))) == [25]


def test_processes_of_a_pool_keep_what_they_have_learnt() -> None:
    learnt: list[int] = []

    def answer(number: int) -> tuple[int, int]:
        learnt.append(number)
        time.sleep(0.01)
        return os.getpid(), len(learnt)

    with ForkedPool(2, answer) as pool:
        first, second = list(pool.imap(range(10))), list(pool.imap(range(10)))
    assert {process for process, _ in first} == {process for process, _ in second}
    assert max(known for _, known in second) > 5
    assert learnt == []


def test_a_pool_goes_on_after_a_call_that_was_given_up_and_after_an_error() -> None:
    def answer(number: int) -> int:
        time.sleep(0.05)
        if number < 0:
            raise LayoutError(f"negative: {number}")
        return number

    with ForkedPool(3, answer) as pool:
        given_up = pool.imap(range(100, 200))
        assert next(given_up) == 100
        given_up.close()  # type: ignore[attr-defined]
        results = pool.imap([1, 2, -3, 4])
        assert [next(results), next(results)] == [1, 2]
        with pytest.raises(LayoutError, match="negative: -3"):
            next(results)
        one, other = pool.imap(range(5)), pool.imap(range(10, 15))
        assert list(zip(one, other, strict=True)) == [(n, n + 10) for n in range(5)]
    assert not multiprocessing.active_children()


def test_a_process_of_a_pool_that_is_killed_is_an_error_at_once() -> None:
    def answer(number: int) -> int:
        if number == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(600 if number > 5 else 0)
        return number

    start = time.monotonic()
    with ForkedPool(2, answer) as pool, pytest.raises(GlyphRenderError, match=r"a process was killed \(exit status -9"):
        list(pool.imap(range(10)))
    assert time.monotonic() - start < 300
    assert not multiprocessing.active_children()


def test_processes_of_a_pool_begin_first_and_can_fail_to() -> None:
    def begin() -> None:
        raise LayoutError("cannot begin")

    with ForkedPool(2, abs, begin=begin) as pool, pytest.raises(LayoutError, match="cannot begin"):
        list(pool.imap([1, 2, 3]))


def test_a_process_that_may_not_fork_does_all_work_itself() -> None:
    """As a worker of a torch DataLoader: it is daemonic, and must not have children."""

    def work(job: int) -> Iterator[tuple[list[int], list[int]]]:
        with ForkedPool(2, abs) as pool:
            queue = work_queue(2)
            yield list(pool.imap([-1, -2])), list(imap_forked(2, lambda job: queue()))

    assert list(imap_forked(1, work)) == [([1, 2], [0, 1])]


@pytest.mark.slow
def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys, time\n"
        "from glyphrender._system.processes import ForkedPool\n"
        "def answer(name):\n"
        "    pathlib.Path(sys.argv[1], str(os.getpid())).touch()\n"
        "    time.sleep(600)\n"
        "with ForkedPool(2, answer) as pool:\n"
        "    list(pool.imap('ab'))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    deadline = time.monotonic() + 300
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    parent.kill()
    parent.wait()
    left = {int(path.name) for path in tmp_path.iterdir()}
    assert len(left) == 2
    while left and time.monotonic() < deadline:
        left = {process for process in left if _runs(process)}
        time.sleep(0.05)
    assert not left


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel kills them on Linux alone")
def test_processes_write_nothing_after_their_parent_was_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from glyphrender._system.processes import imap_forked\n"
        "def work(job):\n"
        "    while True:\n"
        "        pathlib.Path(sys.argv[1], str(job)).write_text(str(time.monotonic_ns()))\n"
        "        yield job\n"
        "for job in imap_forked(2, work): print(job, flush=True)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    seen: set[bytes] = set()
    while len(seen) < 2:  # both are at work; on a busy machine one of them begins late
        seen.add(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    killed = time.monotonic_ns()
    time.sleep(0.7)
    # A writing that had begun by then may end; 50 ms are more than it takes on a busy machine.
    written = [path.read_text() for path in tmp_path.iterdir()]
    assert len(written) == 2
    assert all(not when or int(when) < killed + 50_000_000 for when in written)


def test_a_process_that_is_told_to_end_within_a_destructor_ends(capfd: pytest.CaptureFixture[str]) -> None:
    """Python drops an exception raised in a destructor: the process would work on, and be waited for."""

    class Kept:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass

    def work(job: int) -> Iterator[int]:
        kept = Kept()
        del kept
        yield job
        time.sleep(600)

    start = time.monotonic()
    with pytest.raises(ResourceError, match=r"a process was terminated \(SIGTERM\)"):
        list(imap_forked(1, work))
    assert time.monotonic() - start < 300
    assert capfd.readouterr().err == ""


def _runs(process: int) -> bool:
    """Whether a process runs still: one that has ended and that nobody waits for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_page_limit_holds_in_processes(tmp_path: Path) -> None:
    text = "word " * 20_000
    with pytest.raises(LayoutError, match="max_pages=5"):
        render(text + "\n" + text, SMALL, max_pages=5).save(tmp_path / "pages", jobs=2)
    assert not list(tmp_path.iterdir())

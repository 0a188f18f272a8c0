"""Work in several processes: what one process makes, whatever happens to them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty import NASTY
from strategies import examples, texts, thetas

from glyphrender import GlyphRenderError, LayoutError, Theta, render
from glyphrender._system import processes as parallel
from glyphrender._system.processes import Baton, shared_out, turns
from glyphrender.raster.page import draw_page
from glyphrender.theta.choices import Emoji, MissingGlyph
from glyphrender.typeset import shares as module
from glyphrender.typeset.layout import layout_pages
from glyphrender.typeset.paginate import PageLayout
from glyphrender.typeset.shares import Segment, lay_out, segments

SMALL = Theta(page_size=(120, 90), margin_x=4, margin_y=4)


def in_segments(text: str, parts: list[Segment], theta: Theta) -> list[PageLayout]:
    pages: list[PageLayout] = []
    told = (0, 0)
    for part in parts:
        more, told = lay_out(text, part, theta, lambda told=told: told)  # type: ignore[misc]
        pages += more
    assert told == (len(pages), len(text))
    return pages


def check(text: str, theta: Theta, shares: int) -> None:
    parts = segments(text, shares)
    assert "".join(text[part.start : part.end] for part in parts) == text
    whole = list(layout_pages(text, theta))
    shared = in_segments(text, parts, theta)
    for one, other in zip(whole, shared, strict=True):
        assert (one.number, one.start, one.end, one.size) == (other.number, other.start, other.end, other.size)
        assert (draw_page(one) == draw_page(other)).all()


@pytest.mark.slow
@examples(60)
@given(
    text=texts(),
    theta=thetas(newline_markup="<br/>", emoji=Emoji.MONO, missing_glyph=MissingGlyph.BOX, hyphenate=False),
    size=st.integers(1, 60),
)
def test_segments_make_the_pages_of_the_whole(text: str, theta: Theta, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SEGMENT", size)
        patch.setattr(module, "_BORROWED", 7)
        check(text, theta, 3)


@pytest.mark.parametrize("name", ["every C0 and C1 control", "only newlines", "unpaired isolates"])
def test_nasty_texts_in_segments(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 50)
    check(NASTY[name] * 2, SMALL, 2)


def test_a_page_longer_than_segments_skips_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 20)
    text = "".join(f"line {number}\n" for number in range(300))
    assert len(segments(text, 1)) > 50
    check(text, SMALL.replace(page_size=(120, 600)), 1)


def test_line_numbers_go_on_over_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 30)
    check("one\r\ntwo\nthree\x85four\n" * 20, SMALL.replace(line_numbers=4), 2)


def test_results_come_from_all_processes() -> None:
    def work(job: int) -> Iterator[tuple[int, int]]:
        for number in range(3):
            yield job, number

    assert sorted(shared_out(3, work)) == [(job, number) for job in range(3) for number in range(3)]


def test_an_error_is_raised_here_and_ends_all() -> None:
    def work(job: int) -> Iterator[int]:
        if job == 1:
            raise LayoutError("too long")
        time.sleep(60)
        yield job

    start = time.monotonic()
    with pytest.raises(LayoutError, match="too long"):
        list(shared_out(2, work))
    assert time.monotonic() - start < 30


def test_an_error_that_cannot_be_sent_is_described() -> None:
    class Odd(Exception):
        pass

    def work(job: int) -> Iterator[int]:
        yield job
        raise Odd("a local class has no name to be found by")

    with pytest.raises(GlyphRenderError, match="Odd: a local class"):
        list(shared_out(1, work))


def test_a_process_that_is_killed_is_an_error() -> None:
    def work(job: int) -> Iterator[int]:
        yield job
        if job == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    with pytest.raises(GlyphRenderError, match=r"a process was killed \(exit status -9\).*Use fewer jobs\."):
        list(shared_out(2, work))


@pytest.mark.parametrize("count", [0, 1, 40])
def test_each_number_is_one_process_s_turn_and_the_slow_take_fewer(count: int) -> None:
    mine = turns(count)

    def work(job: int) -> Iterator[tuple[int, int]]:
        for number in mine():
            time.sleep(1 if job == 0 else 0.01)
            yield number, job

    done = sorted(shared_out(3, work))
    assert [number for number, _ in done] == list(range(count))
    assert sum(job == 0 for _, job in done) <= max(1, count // 4)


def test_a_process_killed_in_its_turn_is_an_error() -> None:
    mine = turns(1000)

    def work(job: int) -> Iterator[int]:
        for number in mine():
            if number == 20:
                os.kill(os.getpid(), signal.SIGKILL)
            yield number

    with pytest.raises(GlyphRenderError, match="a process was killed"):
        list(shared_out(3, work))


def test_without_forks_one_process_has_all_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "can_fork", lambda: False)
    mine = turns(5)
    assert list(shared_out(3, lambda job: ((number, job) for number in mine()))) == [(n, 0) for n in range(5)]


def test_a_baton_waits_for_its_turn() -> None:
    baton = Baton(4, (0, 0))

    def work(job: int) -> Iterator[tuple[int, tuple[int, int]]]:
        for step in range(job, 4, 2):
            pair = baton.take(step)
            if step < 3:
                baton.hand(step + 1, (pair[0] + 1, pair[1] + 10))
            yield step, pair

    assert sorted(shared_out(2, work)) == [(step, (step, 10 * step)) for step in range(4)]


def test_a_page_limit_holds_in_processes(tmp_path: Path) -> None:
    text = "word " * 20_000
    with pytest.raises(LayoutError, match="max_pages=5"):
        render(text + "\n" + text, SMALL, max_pages=5).save(tmp_path / "pages", jobs=2)
    assert not list(tmp_path.iterdir())

"""Styles share the glyph store: a line may hold several, and one that fails leaves the others as they were."""

from __future__ import annotations

import copy
import gc
import pickle
import signal
import threading
import weakref
from contextlib import suppress
from random import Random
from typing import Any

import numpy as np
import pytest

from glyphrender import DataError, FontError, Page, Theta, Typesetter, layout
from glyphrender.fonts.stack import FontStack
from glyphrender.text.source import Chunk
from glyphrender.typeset.analyse import analyse
from glyphrender.typeset.layout import set_lines
from glyphrender.typeset.paginate import Paginator
from glyphrender.typeset.place import place
from glyphrender.typeset.segments import SegmentTable

REGULAR = Theta(font="DejaVu Sans", line_height=12, auto_crop_width=False)
BOLD = REGULAR.replace(font_weight=700)


def segments(text: str, theta: Theta, typesetter: Typesetter, offset: int = 0) -> SegmentTable:
    shaper = typesetter.shaper
    return analyse(Chunk(text=text, offset=offset, line=0), shaper.words(shaper.style(theta)), base=None)


def mixed_page(*parts: tuple[str, Theta]) -> Page:
    """A page of `parts` on one line, each in the style of its θ and all with the sizes of the first."""
    typesetter, theta, offset = Typesetter(), parts[0][1], 0
    table: SegmentTable | None = None
    for text, style in parts:
        part = segments(text, style, typesetter, offset)
        table = part if table is None else table.joined(part)
        offset += len(text)
    assert table is not None
    lines = set_lines([table], theta, typesetter.shaper.style(theta), typesetter.shaper)
    (page,) = Paginator(theta).fill(lines)
    return Page(page, typesetter)


def glyphs(page: Page) -> list[int]:
    return [glyph for block in page._layout.blocks for glyph in place(block, page.theta).glyph.tolist()]


def test_each_segment_is_drawn_by_the_faces_of_its_style() -> None:
    page = mixed_page(("light ", REGULAR), ("heavy ", BOLD), ("light", REGULAR))
    (light,), (heavy,) = layout("light", REGULAR), layout("heavy", BOLD)
    assert glyphs(page) == glyphs(light) + glyphs(heavy) + glyphs(light)
    assert page.text == "light heavy light"
    assert [word.text for word in page.words] == ["light", "heavy", "light"]
    widths = [word.box[2] - word.box[0] for word in page.words]
    assert widths[0] == widths[2]
    assert abs(widths[1] - (heavy.words[0].box[2] - heavy.words[0].box[0])) < 1e-9
    (plain,) = layout("light heavy light", REGULAR)
    begins = round(page.words[1].box[0]) - 1
    assert np.array_equal(page.array[:, :begins], plain.array[:, :begins])
    ink = [255 - array[:, begins : begins + 30].astype(int) for array in (page.array, plain.array)]
    assert ink[0].sum() > 1.15 * ink[1].sum()


def test_the_styles_of_a_line_may_have_other_fonts_for_the_same_face_number() -> None:
    """Face 0 is the first face of each style, so the number alone does not name a font."""
    serif = REGULAR.replace(font="DejaVu Serif")
    page = mixed_page(("abc ", REGULAR), ("abc", serif))
    (alone,) = layout("abc", serif)
    x0 = page.words[1].box[0]
    assert page.words[1].box[2] - x0 == alone.words[0].box[2] - alone.words[0].box[0]
    (sans,) = layout("abc abc", REGULAR)
    assert not np.array_equal(page.array, sans.array)


def test_one_style_in_two_tables_has_one_number() -> None:
    typesetter = Typesetter()
    for text in ("a b", "c d"):
        table = segments(text, REGULAR, typesetter)
    assert len(table.store.styles) == 1
    segments("e", BOLD, typesetter)
    assert len(table.store.styles) == 2
    assert set(table.store.style.take(table.number).tolist()) == {0}


def test_a_text_that_cannot_be_shaped_does_not_spoil_the_texts_after_it() -> None:
    typesetter, theta = Typesetter(), REGULAR.replace(missing_glyph="ERROR")
    for _ in range(2):
        with pytest.raises(FontError, match=r"U\+FFFFF"):
            list(layout("good \U000fffff words", theta, typesetter=typesetter))
        (page,) = layout("good words again", theta, typesetter=typesetter)
        (alone,) = layout("good words again", theta, typesetter=Typesetter())
        assert page.png() == alone.png()


def test_a_page_can_be_pickled_whatever_styles_were_set_before() -> None:
    typesetter = Typesetter()
    for theta in (REGULAR, BOLD, REGULAR.replace(font="Spleen")):
        (page,) = layout("one 犬\ttwo\n\nthree", theta, typesetter=typesetter)
        again = pickle.loads(pickle.dumps(page))
        assert again.png() == page.png()
        assert (again.words, again.lines, again.missing) == (page.words, page.lines, page.missing)
        assert copy.deepcopy(page).png() == page.png()


@pytest.mark.slow
def test_many_styles_stay_within_the_bound() -> None:
    """Each style has font tables of 2.2 MB, which the store keeps alive as long as it is in use."""
    typesetter = Typesetter(max_bytes=40 << 20)
    tables: weakref.WeakSet[FontStack] = weakref.WeakSet()
    for weight in range(100, 900, 20):
        theta = REGULAR.replace(font_weight=weight, language="en")
        (page,) = layout("x y", theta, typesetter=typesetter)
        page.png()
        tables.add(typesetter.shaper.style(theta).stack)
        assert typesetter.nbytes <= typesetter.max_bytes
    del page
    gc.collect()
    assert len(tables) * 2.2e6 < typesetter.max_bytes
    typesetter.clear()
    gc.collect()
    assert not len(tables)


@pytest.mark.parametrize("arguments", [{"max_bytes": -1}, {"max_bytes": "9"}, {"chunk_size": 0}, {"chunk_size": 1.5}])
def test_bounds_of_a_typesetter_are_checked(arguments: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=f"{next(iter(arguments))}=.* is not a whole number of"):
        Typesetter(**arguments)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
# An interrupt between the opening of a font file and its `with` leaves the file to be closed when it is freed.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupts_at_any_moment_leave_a_typesetter_usable() -> None:
    """The lock is free afterwards, for other threads too, and pages are right."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def lock_is_free() -> bool:
        taken: list[bool] = []
        thread = threading.Thread(target=lambda: taken.append(typesetter.lock.acquire(timeout=300)))
        thread.start()
        thread.join()
        if taken[0]:
            typesetter.lock._at_fork_reinit()  # the thread that took it is gone
        return taken[0]

    typesetter, random = Typesetter(), Random(0)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for number in range(400):
            theta = REGULAR if number % 2 else BOLD
            with suppress(KeyboardInterrupt):
                try:
                    signal.setitimer(signal.ITIMER_REAL, random.random() * 0.006 + 1e-5)
                    for _ in range(30):
                        next(layout(f"word{random.randrange(10**6)} x ", theta, typesetter=typesetter)).png()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            if number % 40 == 0:
                assert lock_is_free()
    finally:
        signal.signal(signal.SIGALRM, before)
    (page,), (fresh,) = (
        layout("word x y", BOLD, typesetter=typesetter),
        layout("word x y", BOLD, typesetter=Typesetter()),
    )
    assert page.png() == fresh.png()

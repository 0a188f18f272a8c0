"""Invariants of every text and every valid θ: nothing is lost, nothing leaves the page, nothing depends on chance."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import unicodedata
from contextlib import suppress
from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from isal import isal_zlib
from nasty import NASTY, every_code_point
from strategies import examples, exploring, texts, thetas

from glyphrender import Page, Theta, Typesetter, default_typesetter, layout, render
from glyphrender.document.span import Span
from glyphrender.raster import png
from glyphrender.text.properties import Flag, codepoints, records, table
from glyphrender.theta import Emoji, MissingGlyph
from glyphrender.typeset.glyph_store import Column
from glyphrender.typeset.style import consumption, flow_of

# Characters that may be in no piece: separators, spaces and line ends.
SEPARATORS = frozenset(" \t\n\r\v\f\x85\u2028\u2029")
# Positions are float32 when they are drawn, so an edge may be off by this many pixels on pages of 1000 pixels.
ROUNDING = 0.01
# Values of θ that need nothing that a machine may lack (a color font, hyphenation patterns) and ask for no error.
lenient = st.one_of(
    thetas(missing_glyph=MissingGlyph.BOX, emoji=Emoji.MONO, hyphenate=False),
    thetas(missing_glyph=MissingGlyph.NOTDEF, emoji=Emoji.MONO, hyphenate=False),
    st.sampled_from(("", "en", "de-1996")).flatmap(
        lambda language: thetas(missing_glyph=MissingGlyph.BOX, emoji=Emoji.MONO, hyphenate=True, language=language)
    ),
)
SMALL = Theta(page_size=(150, 80), margin_x=4, margin_y=4)


def check_accounts(text: str, pages: list[Page]) -> None:
    """Check that every character is on exactly one page, and in a word of it, but separators and what is consumed."""
    assert "".join(page.text for page in pages) == text
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    consumed = np.zeros(len(text), bool)
    for first, last in consumption(pages[0].theta).spans(text) if pages else ():
        consumed[first:last] = True
    edges = [0, *(page.span[1] for page in pages)]
    assert [page.span for page in pages] == list(zip(edges[:-1], edges[1:], strict=True))
    assert edges[-1] == len(text)
    for page in pages:
        start, end = page.span
        assert page.text == text[start:end]
        edges = [start, *(line.end for line in page.lines)]
        assert [(line.start, line.end) for line in page.lines] == list(zip(edges[:-1], edges[1:], strict=True))
        assert edges[-1] == end
        assert outside(page, page.pieces, consumed) <= SEPARATORS
        # Words have none of the other spaces, and none of the characters that are not drawn.
        assert {
            character for character in outside(page, page.words, consumed) - SEPARATORS if not may_be_blank(character)
        } == set()
        for line in page.lines:
            assert line.text == text[line.start : line.end]


def outside(page: Page, spans: tuple[Span, ...], consumed: np.ndarray) -> set[str]:
    """Return the characters of the page that no span has and that are drawn. The spans do not overlap, in order."""
    start, end = page.span
    inside = np.zeros(end - start, bool)
    at = start
    for span in spans:
        assert span.text == page.text[span.start - start : span.end - start] != ""
        assert at <= span.start
        inside[span.start - start : (at := span.end) - start] = True
    return {page.text[at] for at in np.flatnonzero(~inside & ~consumed[start:end])}


def may_be_blank(character: str) -> bool:
    """Return whether the character is a space, one that θ may hide, or invisible by its properties."""
    ignorable = bool(table().flags[records(codepoints(character))][0] & Flag.DEFAULT_IGNORABLE)
    return ignorable or unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cc", "Cs")


def check_boxes(pages: list[Page]) -> None:
    for page in pages:
        width, height = map(float, page.size)
        whole = page.theta.page_pixels
        assert 1 <= width <= whole[0]
        assert 1 <= height <= whole[1]
        # A page is a whole number of pixels, so up to half a pixel of its right and bottom margin is cut off.
        if width == whole[0]:
            width = max(width, page.theta.page_size[0] * page.theta.scale)
        if height == whole[1]:
            height = max(height, page.theta.page_size[1] * page.theta.scale)
        for span in page.lines + page.words + page.pieces:
            x0, y0, x1, y1 = span.box
            assert -ROUNDING <= x0 <= x1 <= width + ROUNDING, span
            assert -ROUNDING <= y0 <= y1 <= height + ROUNDING, span


def same(ours: list[Page], theirs: list[Page], *, tolerance: int = 0) -> None:
    """Check that the pages show the same characters, at the same places, in the same pixels."""
    assert [page.span for page in ours] == [page.span for page in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.size == other.size
        assert [line.text for line in one.lines] == [line.text for line in other.lines]
        assert np.abs(one.array.astype(int) - other.array).max() <= tolerance


@pytest.mark.slow
@examples(150)
@given(texts(), lenient)
def test_every_character_is_accounted_for_and_nothing_leaves_the_page(text: str, theta: Theta) -> None:
    pages = list(layout(text, theta))
    check_accounts(text, pages)
    check_boxes(pages)


@pytest.mark.slow
@examples(60)
@given(texts(), lenient)
def test_any_text_under_any_theta_is_drawn_at_the_size_known_before(text: str, theta: Theta) -> None:
    for page in layout(text, theta):
        channels = () if theta.is_grey else (3,)
        assert page.array.shape == (*page.size[::-1], *channels)
        assert page.array.dtype == np.uint8
        assert page.png()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.slow
@examples(60)
@given(texts(), lenient, st.randoms(use_true_random=False))
def test_pages_do_not_depend_on_how_the_text_arrives(text: str, theta: Theta, random: object) -> None:
    whole = list(layout(text, theta))
    cuts = sorted(random.randint(0, len(text)) for _ in range(5))  # type: ignore[attr-defined]
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    same(list(layout(iter(parts), theta)), whole)
    same(list(layout(io.StringIO(text, newline=""), theta)), whole)


@pytest.mark.slow
@examples(40)
@given(texts(), lenient, st.lists(texts(max_size=20), max_size=2))
def test_pages_do_not_depend_on_words_met_before(text: str, theta: Theta, others: list[str]) -> None:
    default_typesetter().clear()
    fresh = list(layout(text, theta))
    drawn = [page.array for page in fresh]
    for other in [*others, text]:
        list(layout(other, theta))
    again = list(layout(text, theta))
    same(again, fresh)
    assert all(map(np.array_equal, drawn, (page.array for page in again)))


@pytest.mark.slow
@examples(30)
@given(st.lists(texts(), min_size=2, max_size=3), lenient)
def test_texts_set_in_turn_with_stores_that_fill_up_do_not_disturb_each_other(some: list[str], theta: Theta) -> None:
    expected = [list(layout(text, theta)) for text in some]
    # So little memory that every chunk begins a new store.
    typesetter = Typesetter(max_bytes=1000, chunk_size=64)
    small = [list(layout(text, theta, typesetter=typesetter)) for text in some]
    turns = [layout(text, theta, typesetter=typesetter) for text in some]
    pages: list[list[Page]] = [[] for _ in some]
    for row in zip_longest(*turns):
        for page, into in zip(row, pages, strict=True):
            into += [page] if page is not None else []
    for ours, alone in zip(pages, small, strict=True):
        same(ours, alone)
    for ours, text in zip(pages, some, strict=True):
        check_accounts(text, ours)
    for ours, theirs, text in zip(pages, expected, some, strict=True):
        if len(text) <= 64:
            same(ours, theirs)


class Interrupted(BaseException):
    """An interrupt like Ctrl-C, at a place that the test chooses."""


@pytest.mark.slow
@pytest.mark.parametrize("at", [*range(1, 40, 3), 60, 90])
@pytest.mark.parametrize("again", [0, 3, 20])
def test_interrupts_do_not_spoil_the_words_met_before(at: int, again: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook, the process and its caches live on after an interrupt, and the user may interrupt again."""
    text = "the quick שועל 褐色の狐 jumps\tover the lazy 犬 " + "x" * 90 + " and away\n"
    other = "another שועל that is 褐色 and jumps " + "y" * 90
    default_typesetter().clear()
    expected = list(layout(text + other, SMALL))
    default_typesetter().clear()
    list(layout(text, SMALL))
    calls, write = 0, Column.write

    def interrupted(column: Column, at_row: int, rows: np.ndarray) -> None:
        nonlocal calls
        calls += 1
        if calls in (at, at + again):
            raise Interrupted
        write(column, at_row, rows)

    monkeypatch.setattr(Column, "write", interrupted)
    for _ in range(2):
        with suppress(Interrupted):
            list(layout(other, SMALL))
    monkeypatch.undo()
    same(list(layout(text + other, SMALL)), expected)


@pytest.mark.slow
@examples(60)
@given(st.lists(texts(max_size=24), max_size=8).map("\n".join), lenient, st.sampled_from((64, 257)))
@example(text="\n\n" * 100, theta=SMALL, size=64)
@example(text="אבג\nabc\n" * 40, theta=SMALL.replace(alignment="RIGHT"), size=64)
@example(text="one\ttwo words\n" * 40, theta=SMALL.replace(newline_markup=" ↵ "), size=64)
@example(text="a\f" * 100, theta=SMALL.replace(form_feed="PAGE"), size=64)
def test_pages_do_not_depend_on_the_size_of_chunks(text: str, theta: Theta, size: int) -> None:
    """This holds for paragraphs shorter than a chunk. A longer one is cut, which may move an OPTIMAL break."""
    if theta.newline_marker:  # the whole text is then one paragraph
        theta = theta.replace(line_breaker="GREEDY")
    longest = max(map(len, text.split("\n")), default=0) + 1
    if flow_of(theta):  # a paragraph may be as long as the text
        longest = len(text)
    whole = list(layout(text, theta))
    chunked = list(layout(text, theta, typesetter=Typesetter(chunk_size=max(size, longest))))
    # Glyphs of two chunks that overlap are blended in another order, which rounds differently.
    same(chunked, whole, tolerance=16)


def test_a_long_paragraph_may_be_cut_into_chunks() -> None:
    """Latin words do not reach across a space, so not even the cuts inside a paragraph show."""
    text = "It is a truth universally acknowledged, that a single man " * 30 + "\nin possession\n" * 3
    for alignment in ("LEFT", "JUSTIFY"):
        theta = SMALL.replace(alignment=alignment, first_line_indent=10, space_after=3)
        whole = list(layout(text, theta))
        same(list(layout(text, theta, typesetter=Typesetter(chunk_size=64))), whole)


@pytest.mark.slow
@examples(60)
@given(texts(), lenient)
def test_the_measured_width_gives_the_same_lines(text: str, theta: Theta) -> None:
    """A page exactly as wide as its widest line breaks lines where the wide page did."""
    theta = theta.replace(columns=1, line_breaker="GREEDY", auto_crop_width=False, letter_spacing=0.0)
    blocks = [block for page in default_typesetter().layout_pages(text, theta) for block in page.blocks]
    if not blocks or theta.first_line_indent > 0:
        return
    widest = max(int((block.table.width + block.table.indent)[block.lo : block.hi].max()) for block in blocks)
    from glyphrender.errors import ThetaError
    from glyphrender.fonts.face import EM

    room = widest * theta.em / EM
    if theta.first_line_indent < 0 or room > theta.measure:
        return
    narrower = theta.page_size[0] - theta.measure + room
    try:
        narrow = theta.replace(page_size=(narrower + 1e-6, theta.page_size[1]))
    except ThetaError:  # less than an em is left
        return
    assert [line.text for page in layout(text, narrow) for line in page.lines] == [
        line.text for page in layout(text, theta) for line in page.lines
    ]


@pytest.mark.slow
@examples(25)
@given(texts(), lenient)
def test_png_bytes_are_the_same_twice(text: str, theta: Theta) -> None:
    once = [page.png() for page in layout(text, theta)]
    default_typesetter().clear()
    assert [page.png() for page in layout(text, theta)] == once


@pytest.mark.slow
@pytest.mark.parametrize("theta", [SMALL, SMALL.replace(font_color="#E6E6E6", page_bg_color="#101820", margin_y=0)])
def test_png_bytes_do_not_depend_on_where_the_deflate_stream_is_in_memory(
    theta: Theta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ISA-L hashes bits 16 and up of the stream's address into a table of 8,192 slots; see `png.deflated`."""
    pixels = render("It is a truth universally acknowledged, that a single man", theta)[0].array
    streams = [isal_zlib.compressobj(png.LEVEL) for _ in range(16_384)]  # 82 KB each, untouched until used
    assert len({id(stream) >> 16 for stream in streams}) > 8192
    monkeypatch.setattr(isal_zlib, "compressobj", lambda level: streams.pop())
    assert len({png.encode(pixels, dpi=72) for _ in range(len(streams))}) == 1


@pytest.mark.slow
def test_png_bytes_do_not_depend_on_the_seed_of_hashing() -> None:
    program = (
        "import hashlib; from glyphrender import Theta, render\n"
        "theta = Theta(page_size=(200, 90), alignment='JUSTIFY', fallback=('Inter', 'Noto Sans'))\n"
        "text = 'The Word שלום (אבג) 中文 العربية \\u0e44\\u0e17\\u0e22 👍🏽 \\U000fffff\\n' * 9\n"
        "print(*[hashlib.sha256(page.png()).hexdigest() for page in render(text, theta)])"
    )
    seen = set()
    for seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1
    assert len(seen.pop().split()) > 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NASTY)
def test_nasty_texts_are_set_and_drawn(name: str) -> None:
    text = NASTY[name]
    pages = list(layout(text, Theta(page_size=(400, 400))))
    check_accounts(text, pages)
    check_boxes(pages)
    for page in pages[:2]:
        assert page.array.shape == page.size[::-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, text in NASTY.items() if len(text) <= 3000])
@pytest.mark.parametrize(
    "fields",
    [
        {"alignment": "JUSTIFY", "columns": 2, "column_gap": 4},
        {"newline_markup": " ↵ ", "direction": "RTL"},
        {"line_breaker": "OPTIMAL", "spaces": "COLLAPSE", "zero_width": "ESCAPE", "line_numbers": 3},
    ],
    ids=["columns", "flowing", "optimal"],
)
def test_nasty_texts_fit_a_tiny_page(name: str, fields: dict[str, object]) -> None:
    text = NASTY[name]
    theta = Theta(page_size=(90, 60), margin_x=3, margin_y=3, **fields)  # type: ignore[arg-type]
    pages = list(layout(text, theta))
    check_accounts(text, pages)
    check_boxes(pages)
    if pages:
        assert pages[0].array.shape[:2] == pages[0].size[::-1]


@pytest.mark.slow
def test_every_code_point_is_accounted_for() -> None:
    # After the shuffle, a high surrogate may come before a low one. Python keeps them two characters, and so do pages.
    some = every_code_point()
    for text in some if exploring() else some[::16]:
        pages = list(layout(text, Theta()))
        check_accounts(text, pages)
        check_boxes(pages[:1])


def test_an_empty_text_has_no_pages() -> None:
    assert list(render("")) == []
    assert list(layout(iter([]), Theta())) == []
    assert list(layout(iter(["", ""]), Theta())) == []

"""Many texts laid out together: each has the pages that it has alone."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples, texts, thetas

from glyphrender import Page, Theta, Typesetter, layout, layout_each
from glyphrender.errors import DataError, LayoutError
from glyphrender.theta import Emoji, FormFeed, MissingGlyph

SMALL = Theta(page_size=(150, 80), margin_x=4, margin_y=4)
ARABIC = "العربية والنص, 12 (34)"
lenient = thetas(missing_glyph=MissingGlyph.BOX, emoji=Emoji.MONO, hyphenate=False, max_pixels=2e5)


def assert_same_pages(one: list[Page], other: list[Page]) -> None:
    """Check that two lists of pages have the same pixels, and that the same text is in the same places."""
    assert [page.size for page in one] == [page.size for page in other]
    for left, right in zip(one, other, strict=True):
        assert (left.number, left.text, left.span) == (right.number, right.text, right.span)
        assert (left.lines, left.words) == (right.lines, right.words)
        np.testing.assert_array_equal(left.array, right.array)


@pytest.mark.slow
@given(st.lists(texts(max_size=30), max_size=5), lenient)
@example(["", "\n", "\n\n", "a", "", "a\n", "a \n", " ", "a  "], SMALL)
@example(["a\fb", "\f", "a\f", "\fa\n", "a\v", "b\r", "\nc", "d\r\n", "e\u2028"], SMALL)
@example(["a\fb", "\f", "a\f\n", "c"], SMALL.replace(form_feed=FormFeed.PAGE))
@example([ARABIC, "abc " + ARABIC + "  ", ARABIC + "\n\n" + ARABIC, "abc"], SMALL)
@example(["one two three " * 9, "tail", "中文字日本語漢 " * 9], SMALL.replace(alignment="JUSTIFY", line_numbers=3))
@example(["a\tb\t", "\t", "x" * 99, "\u0301a", "a\u200d"], SMALL.replace(columns=2, spaces="COLLAPSE"))
@example(["─── │", "abc", "かな漢", "漢", "a\x1b[1mb"], SMALL.replace(ansi="STRIP"))
@example(["one\ntwo", "three\n"], SMALL.replace(newline_markup=" ↵ "))
@example(["0\x1e", "one", "\x1e\n"], Theta(page_size=(8, 8), margin_x=0, margin_y=0, font_size=4, line_height=4))
@examples(20)
def test_texts_together_have_the_pages_that_each_has_alone(some: list[str], theta: Theta) -> None:
    together = layout_each(some, theta, typesetter=Typesetter())
    assert len(together) == len(some)
    for text, pages in zip(some, together, strict=True):
        assert_same_pages(pages, list(layout(text, theta)))


@pytest.mark.slow
@given(st.lists(texts(max_size=30), max_size=6), st.integers(1, 80))
@examples(10)
def test_texts_that_do_not_fit_a_chunk_together_have_the_same_pages(some: list[str], chunk_size: int) -> None:
    typesetter = Typesetter(chunk_size=chunk_size)
    for text, pages in zip(some, layout_each(some, SMALL, typesetter=typesetter), strict=True):
        assert_same_pages(pages, list(layout(text, SMALL, typesetter=Typesetter(chunk_size=chunk_size))))


def test_bad_input_is_refused_before_work_starts() -> None:
    with pytest.raises(DataError, match="text 1 is bytes, not str"):
        layout_each(["a", b"b"])
    with pytest.raises(LayoutError, match="more than max_pages=1"):
        layout_each(["a", "line\n" * 99], SMALL, max_pages=1)
    with pytest.raises(LayoutError, match="max_pages=-1 is not"):
        layout_each(["a"], max_pages=-1)

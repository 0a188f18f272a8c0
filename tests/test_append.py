"""A document whose text is extended is the document of the whole text, and says which pages stayed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts, thetas

from glyphrender import DataError, Document, Extended, LayoutError, Theta, render
from glyphrender.theta.choices import Emoji, MissingGlyph

SMALL = Theta(page_size=(120, 90), margin_x=4, margin_y=4)


def same(document: Document, whole: Document) -> None:
    assert document.text == whole.text
    for page, other in itertools.zip_longest(document, whole):
        assert (page.number, page.span, page.size, page.text) == (other.number, other.span, other.size, other.text)
        np.testing.assert_array_equal(page.array, other.array)


@pytest.mark.slow
@examples(60)
@given(
    parts=st.lists(texts(max_size=30), min_size=1, max_size=5),
    theta=thetas(emoji=Emoji.MONO, missing_glyph=MissingGlyph.BOX, hyphenate=False),
)
def test_any_text_in_parts(parts: list[str], theta: Theta) -> None:
    document = render(parts[0], theta)
    for part in parts[1:]:
        before = [(page, page.array) for page in document]
        kept = document.extend_text(part).unchanged
        assert 0 <= kept <= len(before)
        for (page, pixels), now in zip(before[:kept], document, strict=False):
            assert now is page
            np.testing.assert_array_equal(now.array, pixels)
    same(document, render("".join(parts), theta))


def test_a_turn_of_a_chat_touches_only_the_last_page() -> None:
    document = render("".join(f"user: what is {number}?\n" for number in range(200)), SMALL)
    pages = len(document)
    assert pages > 20
    for turn in range(30):
        kept = document.extend_text(f"model: the number after {turn}.\n").unchanged
        assert kept >= pages - 1
        pages = len(document)
    assert document.extend_text("") == Extended(unchanged=pages, pages=pages)


def test_what_comes_later_may_change_a_paragraph_from_its_start() -> None:
    # The base direction is that of the first strong character, which is the last to come.
    document = render("123 456 " * 100, SMALL)
    assert document.extend_text("\u05d0").unchanged == 0
    same(document, render("123 456 " * 100 + "\u05d0", SMALL))


def test_an_empty_document_can_be_begun() -> None:
    document = render("", SMALL)
    assert document.extend_text("") == Extended(unchanged=0, pages=0)
    assert document.extend_text("a\r") == Extended(unchanged=0, pages=1)
    assert document.extend_text("\nb") == Extended(unchanged=0, pages=1)
    same(document, render("a\r\nb", SMALL))


def test_a_document_that_would_pass_its_limit_stays_as_it_was() -> None:
    document = render("a", SMALL, max_pages=1)
    with pytest.raises(LayoutError, match="max_pages=1"):
        document.extend_text("b\n" * 100)
    same(document, render("a", SMALL))


def test_only_a_str_extends_a_document() -> None:
    with pytest.raises(DataError, match="text is bytes, not str"):
        render("a").extend_text(b"b")  # type: ignore[arg-type]


def test_a_border_that_opens_is_a_page_that_changes() -> None:
    theta = SMALL.replace(border_width=1, page_size=(60, 30))
    document = render("one two three four", theta)
    pages = len(document)
    assert document.extend_text(" five").unchanged == pages - 1
    same(document, render("one two three four five", theta))


def test_a_line_that_becomes_lower_moves_to_the_page_before() -> None:
    theta = Theta(page_size=(260, 100), leading="FIT")
    tall = "\ua9b2\ua9c0\ua9c0\ua9c0\ufeff"
    start = "\x85\x0c\x85\r\r\x0c\x0c\ua9c0\x85\x85\ua9c0\x85\x0c\ua9c0\x0c"
    first = (
        "\u0631\u062d\u0628\x08\u0645\u0631\u062d\u093f\x08\u0645\u0631\u062d\u0628\x1b[31\ua9c0\ua9c0\u1823\u1829\u0645\u0631\u062d"
        "\u0628\x1b[2K\u0915\x85\x85\x85\n\n"
    )
    last = "\x08\u0645\u0631\u062d::::::\x08\u1823\u1829::\u201cq\u201d \u093f\u1823\u1829\x1b[2K"
    old, new = start + first + last + tall, "K\x08\u0645\u0631"
    document = render(old, theta)
    assert len(document)
    document.extend_text(new)
    assert [page.text for page in document] == [page.text for page in render(old + new, theta)]

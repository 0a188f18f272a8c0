"""`Page.find`: the boxes of a string, whichever way it runs and wherever its lines were broken."""

from __future__ import annotations

import numpy as np
import pytest
from box_fonts import BOXES
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts, thetas

from glyphrender import DataError, Page, Span, Theta, render
from glyphrender.theta import Alignment, Emoji, MissingGlyph

SMALL = Theta(page_size=(160, 90), margin_x=4, margin_y=4)
PLAIN = Theta(font=str(BOXES), font_size=10, line_height=12, page_size=(160, 90), margin_x=4, margin_y=4)


def word_at(page: Page, start: int) -> Span:
    return next(word for word in page.words if word.start <= start < word.end)


def test_words_are_found_where_they_stand() -> None:
    page = render("the cat sat on the mat\nThe end", SMALL)[0]
    assert page.find("cat") == (word_at(page, 4),)
    assert page.find("the") == (word_at(page, 0), word_at(page, 15))
    assert page.find("the cat")[0].box == (*word_at(page, 0).box[:2], *word_at(page, 4).box[2:])
    assert page.find("dog") == ()
    assert [span.text for span in page.find("at")] == ["at", "at", "at"]


def test_a_part_of_a_word_has_a_box_of_its_letters() -> None:
    page = render("WAVE iiii", PLAIN)[0]
    word = page.words[0]
    parts = [page.find(letter)[0].box for letter in "WAVE"]
    assert parts[0][0] == word.box[0]
    assert parts[-1][2] == pytest.approx(word.box[2])
    for left, right in zip(parts, parts[1:], strict=False):
        assert left[2] == pytest.approx(right[0])
    assert page.find("AV")[0].box == (parts[1][0], word.box[1], parts[2][2], word.box[3])
    first, second = page.find("ii")
    assert first.box[2] == pytest.approx(second.box[0])


def test_letters_from_right_to_left_are_found_from_the_right() -> None:
    page = render("שלום עולם", SMALL)[0]
    (first,), (last,) = page.find("ש"), page.find("ם עולם")[:1]
    assert first.box[2] == page.words[0].box[2]
    assert first.box[0] > page.words[0].box[0]
    assert last.box[0] == page.words[1].box[0]
    assert (first.start, first.end) == (0, 1)


def test_an_occurrence_over_lines_has_a_span_on_each() -> None:
    text = "alpha beta gamma delta epsilon zeta eta theta iota kappa"
    page = render(text, SMALL)[0]
    lines = page.lines
    assert len(lines) > 1
    spans = page.find(text)
    assert [span.text for span in spans] == [line.text.strip() for line in lines]
    for span, line in zip(spans, lines, strict=True):
        assert span.box == pytest.approx(line.box)
    page = render("one two\nthree", SMALL)[0]
    assert [span.text for span in page.find("two\nth")] == ["two", "th"]


def test_ideographs_columns_and_later_pages() -> None:
    theta = SMALL.replace(columns=2, column_gap=6)
    text = "東京タワーは高い。" * 60
    pages = list(render(text, theta))
    assert len(pages) > 1
    for page in pages:
        for span in page.find("タワー"):
            assert text[span.start : span.end] == span.text
            assert span.text in "タワー"
    found = "".join(span.text for page in pages for span in page.find("東京"))
    assert found.count("東京") >= 50


def test_spaces_have_no_box_and_nothing_cannot_be_found() -> None:
    page = render("a b\n\nc", SMALL)[0]
    assert page.find(" ") == page.find("\n\n") == ()
    for nothing in ("", None, b"a"):
        with pytest.raises(DataError, match="cannot be found"):
            page.find(nothing)  # type: ignore[arg-type]


def test_pixels_of_what_was_found_are_inside_its_box() -> None:
    text = "office affluent WAVE naïve e\u0301t "
    theta = Theta(page_size=(400, 300), font_size=30, line_height=40, alignment=Alignment.JUSTIFY)
    page = render(text, theta)[0]
    bare = page.array
    for query in ("office", "fluent", "naïve", "e\u0301t"):
        (span,) = page.find(query)
        x0, y0, x1, y1 = (round(side) for side in span.box)
        assert (bare[y0:y1, x0:x1] < 128).any()
        assert (bare[y0:y1, x0 - 2 : x0] > 100).all() or query == "fluent"


@pytest.mark.slow
@examples(60)
@given(texts(), thetas(emoji=Emoji.MONO, missing_glyph=MissingGlyph.BOX, hyphenate=False), st.data())
def test_what_is_found_is_the_text_in_a_box_on_its_line(text: str, theta: Theta, data: st.DataObject) -> None:
    for page in list(render(text, theta))[:2]:
        source, first = page.text, page.span[0]
        start = data.draw(st.integers(0, len(source) - 1))
        query = source[start : data.draw(st.integers(start + 1, min(len(source), start + 12)))]
        spans = page.find(query)
        assert list(spans) == sorted(spans, key=lambda span: span.start)
        for span in spans:
            assert source[span.start - first : span.end - first] == span.text
            assert span.text in query
            pieces = [piece for piece in page.pieces if piece.start < span.end and span.start < piece.end]
            assert pieces
            x0, y0, x1, y1 = span.box
            assert x0 <= x1
            assert any((piece.box[1], piece.box[3]) == (y0, y1) for piece in pieces)
            assert min(piece.box[0] for piece in pieces) - 1e-6 <= x0
            assert x1 <= max(piece.box[2] for piece in pieces) + 1e-6
        visible = [
            piece for piece in page.pieces if start <= piece.start - first and piece.end - first <= start + len(query)
        ]
        if visible and source.find(query) == start:
            covered = np.zeros(len(source), bool)
            for span in spans:
                covered[span.start - first : span.end - first] = True
            assert all(covered[piece.start - first : piece.end - first].all() for piece in visible)

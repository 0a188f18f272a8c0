"""Words are those of UAX #29, and each has a box that holds its ink."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from box_fonts import BOXES
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts
from unicode_data import break_cases, extents, unicode_texts

from glyphrender import Theta, layout, render
from glyphrender.document.page import Page
from glyphrender.text.properties import codepoints
from glyphrender.text.wordbreak import word_starts

BOX = Theta(font=str(BOXES), font_size=10, line_height=12, page_size=(60.1, 500), margin_x=0, margin_y=0)


def starts(text: str) -> list[int]:
    return np.flatnonzero(word_starts(codepoints(text))).tolist()


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in pairwise([*starts(text), len(text)])]


def page_of(text: str, **fields: object) -> Page:
    return next(iter(layout(text, BOX.replace(**fields))))


@extents
def test_conforms_to_the_word_break_test(folder: Path) -> None:
    # U+2701 is no pictograph any more in Unicode 17; files of older versions take it as one.
    cases = [case for case in break_cases(folder, "WordBreakTest.txt") if "\u200d\u2701" not in case[0]]
    assert len(cases) > 400
    assert not [(text, breaks) for text, breaks in cases if [*starts(text), len(text)] != breaks]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("can't 3.14 1,000 a.b don’t", ["can't", " ", "3.14", " ", "1,000", " ", "a.b", " ", "don’t"]),
        ("well-known and/or", ["well", "-", "known", " ", "and", "/", "or"]),
        ("snake_case x2 2x", ["snake_case", " ", "x2", " ", "2x"]),
        ("漢字かなカナ", ["漢", "字", "か", "な", "カナ"]),
        ("צה״ל צה\"ל א'", ["צה״ל", " ", 'צה"ל', " ", "א'"]),
        ("🇫🇷🇩🇪🇮 👩‍👩‍👧 👍🏽", ["🇫🇷", "🇩🇪", "🇮", " ", "👩‍👩‍👧", " ", "👍🏽"]),
        ("a  b\u00a0c\r\nd", ["a", "  ", "b", "\u00a0", "c", "\r\n", "d"]),
        ("e\u0301t\u00ade", ["e\u0301t\u00ade"]),
        ("1.a a.1 'a' ..", ["1", ".", "a", " ", "a", ".", "1", " ", "'", "a", "'", " ", ".", "."]),
        ("", []),
    ],
)
def test_words_are_what_a_reader_expects(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(unicode_texts(), unicode_texts())
def test_no_word_reaches_over_a_line_end(before: str, after: str) -> None:
    assert starts(before + "\n" + after) == [
        *starts(before + "\n"),
        *(len(before) + 1 + start for start in starts(after)),
    ]


def test_runs_of_a_million_are_not_slow() -> None:
    for run in ("a", "1,", "🇫", "\u200d", "a'"):
        assert len(starts(run * 500_000)) <= 1_000_000


# -- on a page -------------------------------------------------------------------------------------------------


def test_boxes_stand_where_the_letters_are() -> None:
    page = page_of("ab-c.")
    assert [(word.text, word.start, word.end) for word in page.words] == [
        ("ab", 0, 2),
        ("-", 2, 3),
        ("c", 3, 4),
        (".", 4, 5),
    ]
    assert [pytest.approx(x, abs=0.01) for x in (0, 12, 17, 23)] == [word.box[0] for word in page.words]
    assert [pytest.approx(x, abs=0.01) for x in (12, 17, 23, 26)] == [word.box[2] for word in page.words]


def test_a_word_over_two_lines_has_a_span_on_each() -> None:
    page = page_of("aaaaaaaaaaaaa bb")
    assert [(word.text, word.start, word.box[1]) for word in page.words] == [
        ("aaaaaaaaaa", 0, 0),
        ("aaa", 10, 12),
        ("bb", 14, 12),
    ]


def test_letters_that_share_a_glyph_share_a_box() -> None:
    """Inter draws -> as one arrow, of which UAX #29 makes two words."""
    page = render("a -> b", Theta(font="Inter", ligatures=True))[0]
    dash, head = page.words[1:3]
    assert (dash.text, head.text) == ("-", ">")
    assert dash.box == head.box


def test_words_from_right_to_left_have_their_boxes_from_the_right() -> None:
    page = page_of("אב גד, ab", page_size=(200, 100))
    boxes = {word.text: word.box for word in page.words}
    assert list(boxes) == ["אב", "גד", ",", "ab"]
    assert boxes["אב"][0] > boxes["גד"][2] > boxes["גד"][0] >= boxes[","][2] - 0.01
    assert boxes[","][0] > boxes["ab"][2]


def test_spaces_and_invisible_characters_are_no_words_unless_they_are_drawn() -> None:
    text = "a \u00a0\u200b\u2060 b\u00ad\x07"
    assert [word.text for word in page_of(text).words] == ["a", "b\u00ad", "\x07"]
    assert [word.text for word in page_of(text, control_characters="HIDE").words] == ["a", "b\u00ad"]
    shown = [word.text for word in page_of(text, zero_width="ESCAPE", page_size=(600, 100)).words]
    assert {"\u200b", "\u2060"} <= set("".join(shown))


def test_thai_has_words_by_a_dictionary_or_else_from_space_to_space() -> None:
    text = "ภาษาไทย ง่าย"
    theta = Theta(page_size=(300, 100))
    assert [word.text for word in render(text, theta)[0].words] == ["ภาษาไทย", "ง่าย"]
    pytest.importorskip("icu4py")
    dictionary = theta.replace(complex_breaks="DICTIONARY")
    assert [word.text for word in render(text, dictionary)[0].words] == ["ภาษา", "ไทย", "ง่าย"]


@pytest.mark.slow
@examples(60)
@given(texts() | st.text("ab.' -fi漢カאב\u0301\u200d🙂🇫\u00ad1,", max_size=80), st.integers(30, 300))
def test_words_are_those_of_the_text_of_the_page(text: str, width: int) -> None:
    """On each line, the words that begin and end on it are words of UAX #29 over the page, or Thai and its like."""
    for page in list(layout(text, BOX.replace(page_size=(width, 60))))[:3]:
        edges = {*starts(page.text), len(page.text)}
        lines = {line.start for line in page.lines} | {page.span[1]}
        for word in page.words:
            assert word.start in lines or word.start - page.span[0] in edges
            assert word.end in lines or word.end - page.span[0] in edges
            piece = [piece for piece in page.pieces if piece.start < word.end and word.start < piece.end]
            assert min(other.box[0] for other in piece) - 0.01 <= word.box[0]
            assert word.box[2] <= max(other.box[2] for other in piece) + 0.01
            assert {other.box[1] for other in piece} == {word.box[1]}

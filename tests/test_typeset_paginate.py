"""Lines → columns → pages. The box font at 10 pt with lines of 12 pt makes heights easy to count."""

from __future__ import annotations

import numpy as np
import pytest
from box_fonts import BOXES
from hypothesis import given
from hypothesis import strategies as st

from glyphrender import LayoutError, Page, Theta, layout, render

BASE = Theta(
    font=str(BOXES),
    font_size=10,
    line_height=12,
    page_size=(100, 60),
    margin_x=0,
    margin_y=0,
    auto_crop_width=False,
    auto_crop_last_page=False,
)


def pages(text: str, **fields: object) -> list[Page]:
    return list(layout(text, BASE.replace(**fields)))


def tops(page: Page) -> list[float]:
    return [line.box[1] for line in page.lines]


def near(value: float) -> object:
    return pytest.approx(value, abs=0.12)


def words(count: int) -> str:
    """Return `count` lines of one letter."""
    return "\n".join("abcdefghijklmnopqrstuvwxyz"[at % 26] for at in range(count))


# -- pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count, expected", [(1, [1]), (5, [5]), (6, [5, 1]), (11, [5, 5, 1])])
def test_a_page_holds_the_lines_that_fit_it(count: int, expected: list[int]) -> None:
    assert [len(page.lines) for page in pages(words(count))] == expected


def test_lines_stand_line_height_apart_from_the_margin_down() -> None:
    (page,) = pages(words(4), margin_y=5)
    assert tops(page) == [5, 17, 29, 41]
    assert page.lines[0].box[3] == 17
    assert [len(page.lines) for page in pages(words(5), margin_y=5)] == [4, 1]


@given(st.integers(2, 60), st.sampled_from((7.3, 10.1, 12.7)), st.sampled_from((36, 72, 97, 100.5)))
def test_sums_of_fractions_lose_no_line(count: int, leading: float, dpi: float) -> None:
    """A page that is exactly `count` lines high holds `count` lines, however the sums round."""
    fields = {"font_size": 7, "line_height": leading, "dpi": dpi, "page_size": (100, leading * count)}
    assert [len(page.lines) for page in pages(words(count + 1), **fields)] == [count, 1]


def test_the_number_of_pages_can_be_limited() -> None:
    assert len(list(layout(words(10), BASE, max_pages=2))) == 2
    with pytest.raises(LayoutError, match="more than max_pages=2"):
        list(layout(words(11), BASE, max_pages=2))
    with pytest.raises(LayoutError, match="more than max_pages=2"):
        len(render(words(11), BASE, max_pages=2))


def test_a_form_feed_ends_the_page_where_theta_says_so() -> None:
    assert [page.text for page in pages("a\fb\nc\f", form_feed="PAGE")][:2] == ["a\f", "b\nc\f"]
    assert len(pages("a\fb", form_feed="LINE")) == 1
    assert len(pages("a\fb", form_feed="LINE")[0].lines) == 2
    assert [page.text for page in pages("a\f\fb", form_feed="PAGE")] == ["a\f", "\f", "b"]


# -- columns -------------------------------------------------------------------------------------------


def test_columns_are_filled_one_after_the_other() -> None:
    (page,) = pages(words(10), columns=2, column_gap=20)
    assert [(line.box[0], line.box[1]) for line in page.lines] == [
        *((0, 12 * row) for row in range(5)),
        *((60, 12 * row) for row in range(5)),
    ]


def test_columns_break_lines_to_their_own_width() -> None:
    (page,) = pages("aaaa bbbb", columns=2, column_gap=20)
    assert [line.text for line in page.lines] == ["aaaa ", "bbbb"]


def test_a_paragraph_goes_on_in_the_next_column() -> None:
    (page,) = pages(" ".join(["aaaaaa"] * 7), columns=2, column_gap=20)
    assert [line.box[0] for line in page.lines] == [0] * 5 + [60] * 2
    assert tops(page)[5:] == [0, 12]


def test_right_aligned_columns_end_at_their_own_edge() -> None:
    (page,) = pages(words(6), columns=2, column_gap=20, alignment="RIGHT")
    assert [line.box[2] for line in page.lines] == [near(40)] * 5 + [near(100)]


# -- paragraphs ----------------------------------------------------------------------------------------


def test_space_stands_between_paragraphs_and_not_at_the_top() -> None:
    (page,) = pages("a\nb\nc", space_before=3, space_after=4)
    assert tops(page) == [0, 19, 38]


def test_space_before_is_dropped_at_the_top_of_each_page_and_column() -> None:
    first, second = pages(words(6), space_before=4)
    assert tops(first) == [0, 16, 32, 48]
    assert tops(second) == [0, 16]
    (page,) = pages(words(6), space_before=4, columns=2, column_gap=20)
    assert tops(page) == [0, 16, 32, 48, 0, 16]


def test_space_after_the_last_line_of_a_page_may_run_off_it() -> None:
    assert [len(page.lines) for page in pages(words(2), space_after=40, page_size=(100, 24))] == [1, 1]
    assert [len(page.lines) for page in pages("a b", space_after=40, page_size=(100, 12))] == [1]


def test_borders_and_padding_take_room_around_each_paragraph() -> None:
    (page,) = pages("aaa\nb", border_width=1, border_padding=4)
    assert tops(page) == [5, 27]
    assert page.lines[0].box[0] == 5


# -- cropping ------------------------------------------------------------------------------------------


def test_the_last_page_is_cropped_below_its_last_line() -> None:
    first, last = pages(words(5), auto_crop_last_page=True, margin_y=5)
    assert first.size == (100, 60)
    assert last.size == (100, 22)


def test_pages_are_cropped_at_the_right() -> None:
    first, last = pages("aaa\nb\nb\nb\nb\nbbbbbb", auto_crop_width=True, margin_x=7, page_size=(100, 60))
    assert first.size[0] == pytest.approx(7 + 18 + 7, abs=1)
    assert last.size[0] == pytest.approx(7 + 36 + 7, abs=1)


def test_right_aligned_text_is_not_cropped_away() -> None:
    for alignment in ("RIGHT", "CENTER", "JUSTIFY"):
        (page,) = pages("aaa", auto_crop_width=True, alignment=alignment, margin_x=7)
        assert page.words[0].box[2] <= page.size[0] - 7 + 0.01
    (page,) = pages("אב", auto_crop_width=True, margin_x=7)
    assert page.size[0] == 100


def test_the_border_of_a_paragraph_is_not_cropped() -> None:
    (page,) = pages("a", auto_crop_width=True, auto_crop_last_page=True, border_width=2, border_padding=3)
    assert page.size == (100, 22)
    ink = page.array < 128
    assert ink[0].all()
    assert ink[-1].all()
    assert ink[:, -1].all()


def test_the_background_of_a_paragraph_ends_where_its_column_does() -> None:
    (page,) = pages("a\nb", para_bg_color="#808080", space_after=4, left_indent=10, right_indent=20)
    grey = page.array == 0x80
    assert not grey[:, :10].any()
    assert not grey[:, 80:].any()
    assert grey[0, 10:80].all()
    assert not grey[12:16].any()
    assert grey[16:17, 60:80].all()


# -- line numbers --------------------------------------------------------------------------------------


def test_line_numbers_stand_in_a_gutter_at_the_first_line_of_each_paragraph() -> None:
    theta = BASE.replace(line_numbers=2, page_size=(100, 60))
    (page,) = layout("aaaaaaa bbbbbbb\nb\n\nd", theta)
    assert theta.gutter == pytest.approx(22)  # 2 × 0.7 em and 0.8 em
    assert {line.box[0] for line in page.lines} == {22}
    gutter = page.array[:, :22] < 255
    rows = [bool(gutter[12 * row : 12 * row + 12].any()) for row in range(5)]
    assert rows == [True, False, True, True, True]


def test_line_numbers_go_on_over_pages_and_chunks() -> None:
    """Lines are numbered by the source, so a line has the same digits whichever page it is on."""
    theta = BASE.replace(font="DejaVu Sans Mono", line_numbers=3, page_size=(100, 12))
    many = list(layout("a\n" * 120, theta))
    ones = list(layout("a\n" * 99 + "a", theta))
    assert np.array_equal(many[98].array, ones[98].array)
    assert not np.array_equal(many[98].array, many[97].array)


def test_line_numbers_wider_than_their_gutter_are_condensed() -> None:
    (page,) = pages("\n" * 4 + "a", line_numbers=1)
    many = list(layout("a\n" * 1234, BASE.replace(line_numbers=1, page_size=(100, 12))))
    gutter = many[1233].array[:, :15]
    assert (gutter < 255).any()
    assert (gutter[:, 7:] == 255).all()  # the gap of 0.8 em stays clear
    assert page.lines[0].box[0] == pytest.approx(15)


# -- text that flows over newlines ---------------------------------------------------------------------


def test_a_newline_marker_lets_the_text_flow_on() -> None:
    (page,) = pages("aa\nbb", newline_markup="-")
    assert len(page.lines) == 1
    # a a - b b: 6 + 6 + 5 + 6 + 6 pt
    assert page.lines[0].box[2] == near(29)
    assert [(word.text, word.box[0]) for word in page.words] == [("aa", 0), ("bb", near(17))]


def test_a_line_may_break_before_and_after_a_newline_marker() -> None:
    (page,) = pages("aaaaaa\nbbbbbb", newline_markup="-", page_size=(42, 60))
    assert [line.text for line in page.lines] == ["aaaaaa\n", "bbbbbb"]
    (page,) = pages("aaaaaaa\nbbbbbb", newline_markup="-", page_size=(42.1, 60))
    assert [line.text for line in page.lines] == ["aaaaaaa", "\nbbbbbb"]


def test_a_newline_marker_may_have_a_color() -> None:
    markup = '<font color="#FF0000">-</font>'
    (page,) = pages("aa\nbb", newline_markup=markup)
    assert page.array.ndim == 3
    red = (page.array[..., 0] > 128) & (page.array[..., 1] < 128)
    columns = np.flatnonzero(red.any(axis=0))
    assert columns.min() >= 11
    assert columns.max() <= 17
    assert pages("aa\nbb")[0].array.ndim == 2

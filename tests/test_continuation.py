"""Continuation lines, in the box font at 10 pt: a–z are 6 pt wide, A–Z 10, digits 4, a space 5."""

from __future__ import annotations

import numpy as np
import pytest
from box_fonts import BOXES
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts
from test_invariants import check_accounts, check_boxes, same

from glyphrender import Page, Theta, Typesetter, default_typesetter, layout, render
from glyphrender.typeset import shares as module

BASE = Theta(
    font=str(BOXES), font_size=10, line_height=12, page_size=(100.1, 240), margin_x=0, margin_y=0,
    auto_crop_width=False, auto_crop_last_page=False, continuation_indent=12, tab_width=2,
)  # fmt: skip


def lines(text: str, **fields: object) -> list[tuple[str, float, float]]:
    """Return the text of each line, and its left and right edges."""
    found = [line for page in layout(text, BASE.replace(**fields)) for line in page.lines]
    return [(line.text, line.box[0], line.box[2]) for line in found]


def near(value: float) -> object:
    return pytest.approx(value, abs=0.15)


def inked(page: Page, row: int) -> list[int]:
    """Return the columns with ink of a row of the page."""
    return np.flatnonzero((page.array[12 * row : 12 * row + 12] < 200).any(axis=0)).tolist()


def test_lines_after_the_first_stand_further_in_than_their_paragraph() -> None:
    assert lines("aaaaaa bbbbbb cccccc dddddd\neeee") == [
        ("aaaaaa bbbbbb ", 0, near(77)),
        ("cccccc dddddd\n", near(12), near(89)),  # 12 + 36 + 5 + 36
        ("eeee", 0, near(24)),
    ]


def test_the_indent_follows_the_leading_spaces_of_the_paragraph() -> None:
    found = lines("    aaaaaa bbbbb ccccc dddd")
    assert [(text, left) for text, left, _ in found] == [
        ("    aaaaaa bbbbb ", 0),
        ("ccccc dddd", near(32)),  # 4 × 5 + 12
    ]


@pytest.mark.parametrize("lead, left", [("\t", 22), (" \t", 22), ("\t ", 27), ("\t\t", 32), ("   \t", 32)])
def test_the_indent_follows_leading_tabs(lead: str, left: float) -> None:
    found = lines(f"{lead}aaaaa bbbbb ccccc ddddd")
    assert found[1][1] == near(left)


def test_the_indent_takes_at_most_half_of_the_line() -> None:
    found = lines(f"{' ' * 15}aaaa bbbb cccc dddd", continuation_indent=1000)
    assert [left for _, left, _ in found[1:]] == [near(50)] * (len(found) - 1)
    assert all(right <= 100.1 for _, _, right in found)


def test_long_words_and_optimal_lines_know_the_narrower_measure() -> None:
    for fields in ({}, {"line_breaker": "OPTIMAL"}, {"alignment": "JUSTIFY"}, {"hyphenate": True, "language": "en"}):
        for text in ("a" * 60, "aaa " * 30, "aa\tbb " * 20, f"bb {'a' * 60} {'hyphenation ' * 9}"):
            for _, left, right in lines(text, **fields)[1:]:
                assert left == near(12)
                assert right <= 100.2
    justified = lines("aaa bbbb ccc dd eeee fff ggg hhhh", alignment="JUSTIFY")
    assert [right for _, _, right in justified[:-1]] == [near(100)] * (len(justified) - 1)


def test_a_line_from_right_to_left_is_indented_at_the_right() -> None:
    found = lines("אבגדה אבגדה אבגדה אבגדה אבגדה", font="DejaVu Sans")
    assert found[0][2] == near(100)
    assert found[1][2] == near(88)


def test_a_hanging_first_line_counts_as_part_of_the_lead() -> None:
    found = lines("aaaaaa bbbbbb cccccc dddddd", first_line_indent=10)
    assert [left for _, left, _ in found] == [near(10), near(22)]
    found = lines("aaaaaa bbbbbb cccccc dddddd", first_line_indent=-10, left_indent=20)
    assert [left for _, left, _ in found] == [near(10), near(22)]


def test_text_that_flows_over_newlines_has_no_continuation_lines() -> None:
    marked = lines("aaaaaa bbbbbb\ncccccc dddddd", newline_markup="-", continuation_mark="A")
    assert [left for _, left, _ in marked] == [0, 0]


def test_the_mark_stands_in_the_indent_of_each_continuation_line_on_every_page() -> None:
    theta = BASE.replace(continuation_indent=0, continuation_mark="A", page_size=(100.1, 24))
    first, second = layout("aaaaaa bbbbbb cccccc dddddd eeeeee ffffff\ngg", theta)
    assert [line.box[0] for page in (first, second) for line in page.lines] == [0, near(15), near(15), 0]
    for page, row in ((first, 1), (second, 0)):
        assert min(inked(page, row)) < 2  # the mark, 10 pt wide, and a space of 5
        assert not {11, 12, 13} & {*inked(page, row)}
    assert "A" not in "".join(word.text for page in (first, second) for word in page.words)
    plain = render("aaaaaa bbbbbb", theta.replace(continuation_mark=""))[0]
    assert (inked(first, 0), first.missing) == (inked(plain, 0), {})


def test_a_mark_that_the_first_face_lacks_is_drawn_by_the_first_that_has_it() -> None:
    theta = BASE.replace(continuation_mark="↪", continuation_indent=20)
    page = render("aaaaaa bbbbbb cccccc", theta)[0]
    without = render("aaaaaa bbbbbb cccccc", theta.replace(continuation_mark=""))[0]
    assert [line.box for line in page.lines] == [line.box for line in without.lines]
    assert not np.array_equal(page.array[12:, :20], without.array[12:, :20])
    np.testing.assert_array_equal(page.array[12:, 20:], without.array[12:, 20:])


def test_in_a_grid_the_indent_is_a_whole_number_of_cells() -> None:
    theta = Theta.preset("code").replace(line_numbers=0, page_size=(168, 280), continuation_indent=8)
    (page,) = layout("word " * 20, theta)
    cell = render("ab", theta)[0].words[0].box[2] / 2 - theta.margin_x / 2
    lefts = [line.box[0] - theta.margin_x for line in page.lines[1:]]
    assert lefts == [pytest.approx(2 * cell, abs=0.05)] * len(lefts)


CONTINUED = BASE.replace(page_size=(70, 60), continuation_mark="»", font="DejaVu Sans Mono")
sources = st.lists(
    st.builds(
        lambda lead, text: lead + text, st.sampled_from(("", "  ", "\t", " \t ", "        ")), texts(max_size=24)
    ),
    max_size=6,
).map("\n".join)


@pytest.mark.slow
@examples(10)
@given(sources, st.sampled_from(("GREEDY", "OPTIMAL")), st.sampled_from((1, 30, 64)))
def test_pages_do_not_depend_on_how_the_text_arrives_or_is_cut(text: str, breaker: str, size: int) -> None:
    theta = CONTINUED.replace(line_breaker=breaker)
    whole = list(layout(text, theta))
    check_accounts(text, whole)
    check_boxes(whole)
    same(list(layout(iter(text), theta)), whole)
    document = render("", theta)
    for start in range(0, len(text), 7):
        document.extend_text(text[start : start + 7])
    same(list(document), whole)
    longest = max(map(len, text.split("\n")), default=0) + 1
    same(list(layout(text, theta, typesetter=Typesetter(chunk_size=max(size, longest)))), whole, tolerance=16)


@pytest.mark.slow
def test_a_paragraph_cut_into_chunks_keeps_its_indent() -> None:
    text = f"    {'It is a truth universally acknowledged, ' * 30}\n\tin possession {'of a fortune ' * 9}\n" * 2
    for mark, alignment in (("»", "LEFT"), ("", "JUSTIFY")):
        theta = CONTINUED.replace(page_size=(150, 80), continuation_mark=mark, alignment=alignment)
        whole = list(layout(text, theta))
        for size in (64, 257):
            same(list(layout(text, theta, typesetter=Typesetter(chunk_size=size))), whole)


def test_processes_lay_out_shares_with_continuation_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"{' ' * (step % 9)}step {step} of a long line of words\n" for step in range(60))
    monkeypatch.setattr(module, "SHARE", 90)
    whole = list(layout(text, CONTINUED))
    pages = []
    following = (0, 0)
    for share in module.shares_of(text, 2):
        own, following = module.lay_out(
            text, share, CONTINUED, default_typesetter().shaper, lambda given=following: given
        )
        pages += own
    for page, other in zip(pages, whole, strict=True):
        np.testing.assert_array_equal(default_typesetter().draw(page), other.array)

"""Tables: cells stand in columns that fit the measure, are broken inside them, and account for the whole source."""

from __future__ import annotations

import pickle
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich_documents import check, check_memory, same
from strategies import examples, texts

from glyphrender import BlockStyle, Document, Page, RichText, Style, Theta, Typesetter, from_markdown, layout, render
from glyphrender.errors import DataError
from glyphrender.rich import Cell, Table
from glyphrender.typeset.column_widths import TableCells, set_columns

PAGE = Theta(page_size=(300, 200), margin_x=4, margin_y=4, auto_crop_width=False)
LONG = "| Option | What it does | Since |\n|:--|---|--:|\n" + "".join(
    f"| name{row} | {'some words of a description ' * row}| {row} |\n" for row in range(9)
)


def boxes(page: Page, *texts: str) -> list[tuple[float, float, float, float]]:
    return [page.find(text)[0].box for text in texts]


def check_apart(pages: list[Page]) -> None:
    """Check that no two lines stand over each other."""
    for page in pages:
        edges = np.array([line.box for line in page.lines if line.text.strip()]).reshape(-1, 4)
        x0, y0, x1, y1 = edges.T
        over = (np.minimum.outer(x1, x1) - np.maximum.outer(x0, x0) > 0.01) & (
            np.minimum.outer(y1, y1) - np.maximum.outer(y0, y0) > 0.01
        )
        np.fill_diagonal(over, False)
        assert not over.any(), [page.lines[at] for at in np.flatnonzero(over.any(axis=0))]


def test_the_columns_of_a_table_that_fits_are_as_wide_as_their_cells() -> None:
    page = render(from_markdown("| a | long head | r |\n|---|---|--:|\n| wide cell | `x\\|y` | 1 |\n"))[0]
    a, wide, long, code, r, one = boxes(page, "a", "wide cell", "long head", "x\\|y", "r |", "1")
    assert a[0] == wide[0]
    assert long[0] == code[0] > wide[2]
    assert r[2] > r[0] > long[2]
    assert abs(one[2] - page.find("r")[0].box[2]) < 40
    assert page.drawn_text == "a\nlong head\nr\nwide cell\nx|y\n1\n"
    assert wide[1] == code[1] == one[1] > a[1] == long[1]


@pytest.mark.slow
def test_cells_are_broken_into_lines_inside_their_columns() -> None:
    pages = list(render(from_markdown(LONG), PAGE))
    check_apart(pages)
    for page in pages:
        for row in range(9):
            found = page.find(f"name{row}")
            if found:
                words = [word for word in page.words if word.text == "description" and word.box[1] >= found[0].box[1]]
                assert all(word.box[0] > found[0].box[2] for word in words)
    lines = [line.text for page in pages for line in page.lines]
    assert len(lines) > 3 * 10


def test_a_row_is_whole_on_its_page_and_the_head_stays_with_the_next_row() -> None:
    source = "text\n\n" * 9 + LONG
    for height in range(100, 210, 30):
        theta = PAGE.replace(page_size=(300, height))
        pages = check(from_markdown(source), theta, draw=False)
        for page in pages[:-1]:
            assert page.text.endswith("\n")  # and not inside a row
            assert not page.text.rstrip().endswith("Since |")


COUNTED = "Before.\n\n| Name | Value |\n|---|--:|\n" + "".join(f"| row{row} | {row} |\n" for row in range(60)) + "\nEnd"
NUMBERED = PAGE.replace(page_size=(200, 100), markup="MARKDOWN", auto_crop_last_page=False)


def test_the_head_of_a_table_is_drawn_again_above_each_column_and_stands_for_nothing() -> None:
    for theta in (NUMBERED, NUMBERED.replace(columns=2, line_numbers=2)):
        pages = check(from_markdown(COUNTED), theta)
        assert len(pages) > 2
        first, head = pages[0], pages[0].find("Name")[0]
        x0, y0, x1, y1 = round(head.box[0]), round(head.box[1]), round(head.box[2]), round(head.box[3])
        drawn = first.array[y0:y1, x0:x1]
        assert (drawn < 128).any()
        top = round(theta.margin_y * theta.scale)
        for page in pages[1:-1]:
            # Its pixels are those of the first head; words begin below it, and do not have it.
            assert (page.array[top : top + y1 - y0, x0:x1] == drawn).all()
            assert min(word.box[1] for word in page.words) >= top + y1 - y0
            assert not page.find("Name")
            assert "Name" not in page.drawn_text
        once = list(layout(COUNTED, theta.replace(table_head="ONCE")))
        assert len(once[1].text) > len(pages[1].text)  # the head takes room
        assert once[1].words[0].box[1] < pages[1].words[0].box[1]


def test_a_head_is_repeated_where_it_takes_little_and_the_next_row_fits() -> None:
    def spans(source: str, theta: Theta) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        both = (check(from_markdown(source), theta.replace(table_head=how), draw=False) for how in ("REPEAT", "ONCE"))
        ours, theirs = ([page.span for page in pages] for pages in both)
        return ours, theirs

    low = NUMBERED.replace(page_size=(200, 45))  # three lines: a head takes a third of the column
    ours, theirs = spans(COUNTED, low)
    assert ours == theirs
    check_apart(check(from_markdown(COUNTED), NUMBERED.replace(dpi=110, leading="FIT", border_width=1), draw=False))
    high = COUNTED.replace("| row20 |", f"| {'many words ' * 36} |")  # as high as the page
    ours, theirs = spans(high, NUMBERED)
    assert ours != theirs
    parted = f"| a | b |\n|---|---|\n| {'left ' * 90}| {'right ' * 90}|\n"  # higher than the page
    check_apart(check(from_markdown(parted), NUMBERED))


def test_repeated_heads_are_the_same_however_pages_are_made() -> None:
    whole = list(layout(COUNTED, NUMBERED))
    same(list(layout(iter([COUNTED[:100], COUNTED[100:]]), NUMBERED)), whole)
    same(list(layout(COUNTED, NUMBERED, typesetter=Typesetter(chunk_size=64))), whole, tolerance=16)
    grown = render(COUNTED[:500], NUMBERED)
    grown.extend_text(COUNTED[500:])
    same(list(grown), whole)
    again = pickle.loads(pickle.dumps(whole[1]))
    assert (again.array == whole[1].array).all()
    joined = Document.joined([("Text\n", None), (from_markdown(COUNTED), NUMBERED)])
    assert (joined[2].array == whole[1].array).all()


def test_the_cells_of_a_row_higher_than_a_page_stand_below_each_other() -> None:
    source = f"| a | b |\n|---|---|\n| {'left ' * 90}| {'right ' * 90}|\n"
    pages = check(from_markdown(source), PAGE.replace(page_size=(120, 60)))
    assert len(pages) > 5
    check_apart(pages)
    texts = [(page.text, [word.box for word in page.words]) for page in pages[1:]]
    ends = [max(box[2] for box in boxes) for text, boxes in texts if "right" not in text]
    starts = [min(box[0] for box in boxes) for text, boxes in texts if "left" not in text]
    assert max(ends) <= min(starts)


def test_columns_that_do_not_fit_stand_on_further_shelves() -> None:
    names = [f"column{number}" for number in range(24)]
    source = f"|{'|'.join(names)}|\n|{'---|' * 24}\n|{'|'.join(f'v{number}' for number in range(24))}|\n"
    pages = check(from_markdown(source), PAGE)
    check_apart(pages)
    tops = {word.box[1] for word in pages[0].words if word.text.startswith("column")}
    assert 2 < len(tops) < 12
    # The values stand under the names of their columns.
    lefts = {word.text: word.box[0] for page in pages for word in page.words}
    assert all(lefts[f"column{number}"] == lefts[f"v{number}"] for number in range(24))


def test_no_word_is_cut_where_all_longest_words_fit() -> None:
    source = "| one | two |\n|---|---|\n| incomprehensibility | " + "a b c d " * 60 + "|\n"
    page = render(from_markdown(source), PAGE)[0]
    assert any(word.text == "incomprehensibility" for word in page.words)
    token = "| a | b |\n|---|---|\n| " + "x" * 300 + " | words of a cell |\n"
    check_apart(check(from_markdown(token), PAGE))


def test_a_table_runs_as_its_first_strong_letter_does() -> None:
    source = "| 1 | שם | תיאור |\n|---|---|---|\n| a | b | c |\n"
    page = render(from_markdown(source), PAGE)[0]
    first, second, third = (page.find(f"| {cell} |")[0].box for cell in "abc")
    assert first[0] > second[0] > third[0]
    assert first[2] <= PAGE.page_size[0] - 4 + 0.01
    forced = render(from_markdown(source), PAGE.replace(direction="LTR"))[0]
    assert forced.find("a")[0].box[0] < forced.find("b")[0].box[0]


def test_alignments_are_those_of_the_marks() -> None:
    wide = "wide wide wide"
    source = f"| l | c | r |\n|:--|:-:|--:|\n| {wide} 1 | {wide} 2 | {wide} 3 |\n"
    page = render(from_markdown(source), PAGE)[0]
    left, center, right, *head = boxes(page, *(f"{wide} {number}" for number in (1, 2, 3)), "l", "c", "r")
    assert head[0][0] == left[0]
    assert sum(head[1][::2]) == pytest.approx(sum(center[::2]))
    assert head[2][2] == pytest.approx(right[2])


def test_cells_keep_their_styles_and_the_head_has_a_rule() -> None:
    source = "| a | b |\n|---|---|\n| **bold** | [link](u) |\n"
    page = render(from_markdown(source))[0]
    weights = {word.text: [style.weight for style in word.styles] for word in page.words}
    assert weights["bold"] == weights["a"] == [700]
    a, bold = boxes(page, "a", "bold")
    between = page.array[int(a[3]) - 1 : int(bold[1]) + 2, int(bold[0]) : int(bold[2])]
    assert (between < 255).all(axis=1).any()
    assert not (page.array[int(a[3]) - 1 : int(bold[1]) + 2, int(bold[2]) + 1 : int(bold[2]) + 4] < 255).any()


def test_a_table_in_a_quotation_stands_beside_its_bar() -> None:
    rich = from_markdown("> | a | b |\n> |---|---|\n> | c | d |\n")
    page = check(rich, PAGE)[0]
    assert page.find("a")[0].box[0] > 4 + 8


def test_the_tag_br_breaks_a_line_in_a_cell_and_is_text_elsewhere() -> None:
    source = (
        "| a<br>b <BR /> c | **d<br/>e** |\n|--:|---|\n| <br>x<br><br>y<br> | `<br>` \\<br> <br class=x> |\n\nz<br>"
    )
    pages = check(from_markdown(source), PAGE)
    assert pages[0].drawn_text == "a\nb \nc\nd\ne\n\nx\n\ny\n<br> <br> <br class=x>\nz<br>"
    a, b, c, d = boxes(pages[0], "a", "b", "c", "d")
    assert a[1] < b[1] < c[1]
    assert a[1] == d[1]
    assert a[2] == b[2] == c[2]  # all at the right of their column
    # A table with a cell of several lines has rules between its rows, whether the page or the tag breaks the lines.
    rows = "| a | b |\n|---|---|\n| c | d{0}e |\n| f | g |\n"
    broken, joined = (render(from_markdown(rows.format(tag)), PAGE)[0] for tag in ("<br>", ""))
    below = [page.find("f")[0].box[1] - page.find("c")[0].box[1] for page in (broken, joined)]
    assert below[0] == pytest.approx(2 * below[1] + 0.2 * below[1])
    flowing = check(from_markdown(source, {"newline_markup": " ⏎ "}), PAGE.replace(newline_markup=" ⏎ "))
    assert flowing[0].drawn_text.startswith("a b  c | d e\n")


def test_bars_and_box_drawing_in_tables_change_no_typeface() -> None:
    theta = PAGE.replace(newline_markup=" ⏎ ", markup="MARKDOWN")
    table, text = "| a | b |\n|---|---|\n| c | d |\n\n", "wide and illegible\n"
    page = render(table + text, theta)[0]
    width = page.find("illegible")[0].box
    alone = render(text, theta)[0].find("illegible")[0].box
    assert width[2] - width[0] == pytest.approx(alone[2] - alone[0], abs=0.01)
    cells = render("| illegible │ | illegible |\n|---|---|\n", PAGE.replace(markup="MARKDOWN"))[0].find("illegible")
    assert cells[0].box[2] - cells[0].box[0] == pytest.approx(cells[1].box[2] - cells[1].box[0], abs=0.01)


def test_where_newlines_end_no_lines_a_table_has_bars() -> None:
    theta = PAGE.replace(newline_markup=" ↵ ")
    rich = from_markdown("| a | b |\n|---|---|\n| c | d |\n", theta)
    assert rich.drawn == "a | b\nc | d\n"
    assert not rich.tables
    check(from_markdown("| a | b |\n|---|---|\n| c | d |\n"), theta)


def test_empty_cells_keep_their_columns() -> None:
    page = check(from_markdown("| a | b | c |\n|---|---|---|\n| | | x |\n| y | | |\n| | | |\n| | z | |\n"), PAGE)[0]
    head = boxes(page, "a", "b", "c")
    assert [page.find(text)[0].box[0] for text in "yzx"] == [box[0] for box in head]
    assert len({line.box[1] for line in page.lines}) == 5


@pytest.mark.slow
@examples(20)
@given(st.lists(st.lists(texts(max_size=30), min_size=1, max_size=4), min_size=1, max_size=4), st.integers(0, 3))
def test_any_cells_stand_apart_and_lose_nothing(rows: list[list[str]], kind: int) -> None:
    source, cells = "", []
    for row, given_cells in enumerate(rows):
        for column, text in enumerate(given_cells):
            cells.append(Cell(len(source), row, column))
            source += text.replace("\n", " ").replace("\x1b", "") + "\n"
    rich = RichText(source, tables=[Table(start=0, end=len(source), cells=tuple(cells), head=1)])
    fields = ({}, {"leading": "FIT"}, {"cells": "GRID", "line_breaker": "OPTIMAL"}, {"border_width": 1.0, "columns": 2})
    theta = PAGE.replace(page_size=(160, 120), **fields[kind])
    pages = check(rich, theta, draw=kind == 3)
    if kind != 1:
        check_apart(pages)


@pytest.mark.slow
def test_a_table_has_the_same_columns_however_the_text_is_cut() -> None:
    rich = from_markdown(("a paragraph\n\n" + LONG) * 3)
    check_memory(rich, PAGE, list(layout(rich, PAGE)), size=300)


def test_a_table_leaves_the_heights_of_other_lines_as_they_are() -> None:
    text, theta = "first\nשלום large\n", PAGE.replace(font_size=8, leading="FIT")
    table = Table(start=17, end=20, cells=[(17, 0, 0), (19, 0, 1)])
    for tenths in range(11, 30):
        spans = [(6, 16, Style(size=tenths / 10))]
        alone = render(RichText(text, spans), theta)[0].lines
        assert render(RichText(text + "a\nb", spans, tables=[table]), theta)[0].lines[:2] == alone


def test_the_columns_of_a_table_do_not_depend_on_the_cells_of_another_paragraph() -> None:
    """A tab takes a tab stop of its own paragraph; those of a paragraph with box drawing are wider."""
    cells = "wide\tcell\nb\n"
    found = []
    for before in ("a line\n", "──┼──\n"):
        at = len(before)
        table = Table(start=at, end=at + len(cells), cells=[(at, 0, 0), (at + 10, 0, 1)])
        found.append(render(RichText(before + cells, tables=[table]), PAGE)[0].find("b")[0].box[0])
    assert found[0] == found[1]


@pytest.mark.slow
def test_a_page_with_a_table_can_be_pickled_and_parts_of_a_table_can_be_set() -> None:
    rich = from_markdown(LONG)
    page = render(rich, PAGE)[0]
    again = pickle.loads(pickle.dumps(page))
    assert again.lines == page.lines
    assert (again.array == page.array).all()
    assert pickle.loads(pickle.dumps(rich)) == rich
    cuts = sorted(Random(1).sample(range(len(LONG)), 6))
    inside = {at for lo, hi, _ in rich.replaced for at in range(lo + 1, hi)}
    edges = [0, *(cut for cut in cuts if cut not in inside), len(LONG)]
    parts = [rich[lo:hi] for lo, hi in pairwise(edges)]
    assert [part.source for part in parts] == [LONG[lo:hi] for lo, hi in pairwise(edges)]
    for part in parts:
        check(part, PAGE, draw=False)
    assert RichText.joined([rich, "x\n", rich]).tables[1] == rich.tables[0].moved(len(LONG) + 2)
    same(list(layout(rich, PAGE)), list(layout(rich, PAGE, typesetter=Typesetter())))


def test_widths_give_no_more_lines_than_those_of_css() -> None:
    random = np.random.default_rng(3)
    for _ in range(60):
        wants = random.integers(1, 3000, (random.integers(1, 9), random.integers(1, 6)))
        least = np.minimum(random.integers(1, 300, wants.shape[1]), wants.max(axis=0))
        room = int(least.sum() + random.integers(0, 2000)) + 10 * (wants.shape[1] - 1)
        row, column = (each.ravel() for each in np.indices(wants.shape))
        first, of_table = np.zeros(1, np.intp), np.array([room])
        cells = TableCells(wants=wants.ravel(), row=row, column=column, least=least, first=first, room=of_table)
        found = set_columns(cells, gap=10)
        assert (found.shelf == 0).all()
        assert (found.width >= least).all()
        assert (found.left[1:] >= found.left[:-1] + found.width[:-1] + 10).all()
        assert found.left[-1] + found.width[-1] <= room
        widest, free = wants.max(axis=0), room - 10 * (wants.shape[1] - 1)
        css = widest
        if widest.sum() > free:
            css = least + (free - least.sum()) * (widest - least) // max(1, (widest - least).sum())
        lines = [(-(-wants // width)).max(axis=1).sum() for width in (found.width, css)]
        assert lines[0] <= lines[1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Table(start=0, end=4, cells=[(1, 0, 0), (1, 0, 1)]), "Starts must rise"),
        (lambda: Table(start=0, end=4, cells=[(1, 1, 0), (2, 0, 1)]), "Starts must rise"),
        (lambda: Table(start=0, end=4, cells=[(1, 0, 1 << 63)]), "columns of a row must rise below"),
        (lambda: Table(start=0, end=4, cells=[(1, 1 << 63, 0)]), "as rows do"),
        (lambda: Table(start=0, end=4, cells=[], head=1 << 63), "head of a Table"),
        (lambda: Table(start=0, end=4, cells=[(4, 0, 0)]), "between 0 and 4"),
        (lambda: Table(start=0, end=4, cells=["ab"]), "cells of a Table are"),
        (lambda: Table(start=-1, end=4, cells=[]), "start of a Table is -1"),
        (lambda: Table(start=0, end=4, cells=[], alignments=["JUSTIFY"]), "not LEFT, CENTER, RIGHT or None"),
        (lambda: RichText("abc", tables=[Table(start=0, end=4, cells=())]), "in a source from 0 to 3"),
        (lambda: RichText("abc", tables=[(0, 3)]), "where a Table must be"),
    ],
)
def test_a_table_that_cannot_be_is_one_error(make: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("fields", "height"), [({}, 28), ({"space_before": 3, "space_after": 3, "border_width": 1}, 38)]
)
def test_a_row_as_high_as_a_column_is_whole_whatever_room_is_above_it(fields: dict[str, float], height: float) -> None:
    theta = PAGE.replace(page_size=(120, height + 8), line_height=14, **fields)
    pages = list(render(from_markdown("x\n\n| a<br>b | c |\n|---|---|\n| d | e<br>f |\n"), theta))
    assert [page.text.strip()[0] for page in pages] == ["x", "|", "|"]
    for page, (left, right) in zip(pages[1:], ("ac", "de"), strict=True):
        one, other = boxes(page, left, right)
        assert one[1] == other[1]


def test_a_cell_that_is_cut_stays_above_the_bottom_margin_whatever_room_is_below_paragraphs() -> None:
    theta = PAGE.replace(page_size=(60, 50), font_size=6, line_height=10, space_after=4)
    for page in render(from_markdown("| a |\n|---|\n| " + "word " * 40 + "|\n"), theta):
        assert page.lines[-1].box[3] <= 46


@pytest.mark.parametrize("leftward", [False, True])
def test_rules_of_a_row_go_over_its_empty_cells(leftward: bool) -> None:
    a, b, c = ("السلام", "النوارس", "الطائر") if leftward else ("first", "second", "third")
    rows = f"| | {a} | {b} |\n|---|---|---|\n| {c} | | x<br>y |\n| {c} | {a} | |\n| | | x |\n"
    theta = PAGE.replace(page_size=(200, 70), markup="MARKDOWN")
    pages = check(from_markdown(rows + f"| {c} | | x |\n" * 8), theta)
    assert len(pages) > 1
    for page in pages:
        dark = page.array < 200
        light = [np.flatnonzero(np.concatenate([[True], ~row, [True]])) for row in dark]
        longest = [int(np.diff(each).max()) - 1 for each in light]  # the longest run of dark pixels in each row
        starts = [line for line in range(1, len(dark)) if longest[line] >= 20 > longest[line - 1]]
        rules = {tuple(np.flatnonzero(dark[line]).tolist()) for line in starts}
        assert len(rules) == 1  # each rule goes over all columns
        assert len(starts) >= 3


def test_lines_beside_a_table_give_no_rules_to_it() -> None:
    table = "| الطائر | المكان |\n|---|---|\n| ا<br>ب | |\n| | ج |\n"
    for other in ("> q\n\n", "1. item\n\n"):
        page = render(other + table + "\n" + other, PAGE.replace(page_size=(200, 100), markup="MARKDOWN"))[0]
        (first,), (second,), (last,) = map(page.find, ("الطائر", "المكان", "ج"))
        beside = page.array[int(first.box[1]) : int(last.box[3]), : int(second.box[0]) - 1]
        assert (beside == 255).all()


@pytest.mark.parametrize("separator", "\x1c\x1d\x1e\x85\v\f\u2029")
def test_a_separator_in_a_cell_ends_no_table(separator: str) -> None:
    text = f"1{separator}אב|x\nab|ג"
    table = Table(start=0, end=len(text), cells=[(0, 0, 0), (5, 0, 1), (7, 1, 0), (10, 1, 1)], alignments=[None, None])
    for direction, leftward in (("AUTO", True), ("LTR", False)):
        theta = PAGE.replace(direction=direction)
        (page,) = check(RichText(text, tables=[table], replaced=[(4, 5, "\n"), (9, 10, "\n")]), theta)
        (first,), (second,) = boxes(page, "ab"), boxes(page, "ג")
        assert (first[0] > second[0]) == leftward


def test_a_row_that_begins_with_an_overwriting_carriage_return_begins_below_the_line_above() -> None:
    text = "x\nzz\rab\ncd\n\ref\ngh\n"
    table = Table(start=2, end=len(text), cells=[(2, 0, 0), (8, 0, 1), (11, 1, 0), (15, 1, 1)], alignments=[None, None])
    (page,) = check(RichText(text, tables=[table]), PAGE.replace(carriage_return="OVERWRITE"))
    x, ab, cd, ef, gh = (page.find(each)[0].box for each in ("x", "ab", "cd", "ef", "gh"))
    assert x[3] <= ab[1] == cd[1] < ef[1] == gh[1]
    assert ab[0] == ef[0] < cd[0] == gh[0]


@pytest.mark.parametrize("direction", ["LTR", "RTL"])
def test_gaps_beside_empty_columns_stay_on_the_page(direction: str) -> None:
    for count in range(1, 30):
        text = "\n" * count
        table = Table(start=0, end=count, cells=[(at, 0, at) for at in range(count)], alignments=[None] * count)
        theta = PAGE.replace(page_size=(24, 80), font_size=8, direction=direction)
        check(RichText(text, tables=[table]), theta)


@pytest.mark.parametrize("height", range(40, 90, 10))
def test_a_row_whose_paragraphs_stay_with_the_next_is_not_cut(height: int) -> None:
    text = (
        "\r\ne\u0301te\u0301 e\u0301te\u0301 quick  \r\nquick The \xabquote\xbb "
        "\n\u0627\u0644\u0639\u0631\u0628\u064a\u0629 brown\n\r\n\ud55c\uae00 \x1b[1m\ud55c\uae00 "
        "http://a.b/c?d=e \r\n\U0001f469\u200d\U0001f469\u200d\U0001f467 \u6f22\u5b57na\xefve "
        "\ud55c\uae00 http://a.b/c?d=e \u05e9\u05dc\u05d5\u05dd "
        "\u0915\u094d\u0937\u0924\u094d\u0930\u093f\u092f \u304b\u306a\ud55c\uae00 "
        "\u05e9\u05dc\u05d5\u05dd \x1b[1m\u0915\u094d\u0937\u0924\u094d\u0930\u093f\u092f fox\t"
    )
    block = (3, 83, BlockStyle(space_before=0.5, space_after=1.0, keep_with_next=True))
    cells = [(52, 0, 0), (55, 1, 0), (62, 1, 1), (65, 1, 5), (71, 3, 0)]
    table = Table(start=49, end=72, cells=cells, alignments=[], head=1)
    check(
        RichText(text, blocks=[block], tables=[table]),
        Theta(page_size=(200, height), margin_x=4, margin_y=4, font_size=8),
    )

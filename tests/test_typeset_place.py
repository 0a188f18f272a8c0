"""The places of lines and words, in the box font at 10 pt: a–z are 6 pt wide, A–Z 10, digits 4, a space 5, Han 10."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from box_fonts import BOXES

from glyphrender import Page, Theta, default_typesetter, layout
from glyphrender.typeset.place import place

# A measure of 60 pt holds ten letters. The tenth of a point is room for rounding, because advances are rounded to a
# 65536th of an em.
BASE = Theta(
    font=str(BOXES), font_size=10, line_height=12, page_size=(60.1, 240), margin_x=0, margin_y=0, auto_crop_width=False
)
UDHR = Path(__file__).parent / "data"


def page(text: str, **fields: object) -> Page:
    return next(iter(layout(text, BASE.replace(**fields))))


def near(value: float) -> object:
    return pytest.approx(value, abs=0.12)


def line_edges(text: str, **fields: object) -> list[tuple[float, float]]:
    return [(line.box[0], line.box[2]) for line in page(text, **fields).lines]


def word_edges(text: str, **fields: object) -> dict[str, tuple[float, float]]:
    return {word.text: (word.box[0], word.box[2]) for word in page(text, **fields).words}


# -- alignment -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("alignment, left", [("LEFT", 0), ("CENTER", 24), ("RIGHT", 48), ("JUSTIFY", 0)])
def test_a_short_line_stands_where_alignment_says(alignment: str, left: float) -> None:
    ((x0, x1),) = line_edges("aa", alignment=alignment)
    assert (x0, x1) == (near(left), near(left + 12))


def test_spaces_at_a_line_end_do_not_move_a_line() -> None:
    for alignment in ("RIGHT", "CENTER"):
        assert line_edges("aa   \nbb", alignment=alignment)[0] == line_edges("aa", alignment=alignment)[0]


def test_spaces_at_a_line_start_are_indentation() -> None:
    assert word_edges("  aa")["aa"] == (near(10), near(22))
    assert word_edges("  aa", alignment="RIGHT")["aa"] == (near(48), near(60))


# -- justification -------------------------------------------------------------------------------------


def test_justified_lines_end_at_the_measure_and_the_last_of_a_paragraph_does_not() -> None:
    edges = line_edges("aaa bbb cccc dd eee\nff gg", alignment="JUSTIFY")
    assert edges == [(0, near(60)), (0, near(60)), (0, near(18)), (0, near(29))]


def test_justification_widens_all_gaps_alike() -> None:
    words = word_edges("aa bb cc dddddd", alignment="JUSTIFY")
    # 36 pt of letters in 60: two gaps of 12.
    assert words["aa"] == (0, near(12))
    assert words["bb"] == (near(24), near(36))
    assert words["cc"] == (near(48), near(60))


def test_justification_widens_implicit_boundaries_between_ideographs() -> None:
    # Five ideographs of 10 pt in 60 pt: each of the four boundaries gets 2.5 pt.
    set_page = page("一丁七丂七 aaaaa", alignment="JUSTIFY")
    assert set_page.lines[0].box[2] == near(60)
    starts = [word.box[0] for word in set_page.words if word.end <= 5]
    assert starts == [near(12.5 * at) for at in range(5)]


def test_marks_keep_their_distance_from_what_they_belong_to() -> None:
    """Nothing is stretched where no line may break: before 、 and after 「."""
    pieces = page("一丁、「七」aaa", alignment="JUSTIFY", page_size=(64.1, 240)).pieces
    by_text = {piece.text: piece.box for piece in pieces}
    assert "丁、" in by_text
    assert by_text["丁、"][2] - by_text["丁、"][0] == near(20)


def test_indentation_is_not_stretched() -> None:
    words = word_edges("    aa bb dddddd", alignment="JUSTIFY")
    assert words["aa"] == (near(20), near(32))
    assert words["bb"] == (near(48), near(60))


def test_a_line_that_would_need_very_wide_spaces_is_left_alone() -> None:
    text = "aa bb cccccccccc"
    assert word_edges(text, alignment="JUSTIFY", justify_stretch=8)["bb"] == (near(48), near(60))
    # One gap of 36 pt is 7.2 spaces.
    assert word_edges(text, alignment="JUSTIFY", justify_stretch=7)["bb"] == (near(17), near(29))


def test_words_before_a_tab_are_not_stretched() -> None:
    words = word_edges("a b\tcc dd eeeeee", alignment="JUSTIFY", tab_width=4)
    assert words["a"] == (0, near(6))
    assert words["b"] == (near(11), near(17))
    assert words["cc"] == (near(20), near(32))
    assert words["dd"] == (near(48), near(60))


def test_real_prose_is_flush_at_both_sides() -> None:
    text = (UDHR / "udhr-eng.txt").read_text(encoding="utf-8")
    theta = Theta(page_size=(300, 800), alignment="JUSTIFY", justify_stretch=1000)
    lines = [line for page in layout(text, theta) for line in page.lines]
    inner = [line for line in lines if not line.text.endswith("\n") and " " in line.text.strip()]
    assert len(inner) > 100
    assert {round(line.box[2], 2) for line in inner} == {290.0}
    assert {round(line.box[0], 2) for line in lines} == {10.0}


# -- indents -------------------------------------------------------------------------------------------

LONG = "aaaaa bbbb ccccc dddd eeeee"


def test_indents_move_lines_and_narrow_them() -> None:
    lines = page(LONG, page_size=(100.1, 240), left_indent=25, right_indent=15).lines
    assert [line.text for line in lines] == ["aaaaa bbbb ", "ccccc dddd ", "eeeee"]
    assert [line.box[0] for line in lines] == [near(25)] * 3
    assert lines[0].box[2] == near(25 + 59)


def test_a_first_line_indent_is_for_the_first_line_of_each_paragraph() -> None:
    lines = page("aaaaa bbb ccccc\ndd", first_line_indent=10).lines
    assert [line.text for line in lines] == ["aaaaa ", "bbb ccccc\n", "dd"]
    assert [line.box[0] for line in lines] == [near(10), 0, near(10)]


def test_a_hanging_indent_hangs_out_of_the_left_indent() -> None:
    lines = page("aaaaa bbbb ccccc dd", first_line_indent=-12, left_indent=12, page_size=(72.1, 240)).lines
    assert [line.box[0] for line in lines] == [0, near(12)]
    assert lines[0].text == "aaaaa bbbb "


@pytest.mark.parametrize("right_indent, end", [(0, 72), (12, 72), (5, 72), (20, 64)])
def test_from_right_to_left_it_hangs_no_further_than_the_right_indent(right_indent: float, end: float) -> None:
    first = page(
        "אאאאא בבבב גגגגג דד", first_line_indent=-12, left_indent=12, right_indent=right_indent, page_size=(72.1, 240)
    ).lines[0]
    assert first.box[0] >= -0.01
    assert first.box[2] == pytest.approx(end, abs=0.2)


def test_justified_lines_end_at_the_right_indent() -> None:
    lines = page("aa bb cc dddddd", alignment="JUSTIFY", left_indent=5, right_indent=10, page_size=(75.1, 99)).lines
    assert (lines[0].box[0], lines[0].box[2]) == (near(5), near(65))


# -- spacing -------------------------------------------------------------------------------------------


def test_letter_spacing_is_added_to_every_cluster() -> None:
    words = word_edges("abc e\u0301f", letter_spacing=1)
    assert words["abc"] == (0, near(3 * 7))
    assert words["e\u0301f"] == (near(21 + 6), near(27 + 14))  # the space is spaced too


@pytest.mark.parametrize("nothing", ["\u200b", "\u200d", "\u200e", "\u2060", "\ufe0f", "\u00ad"])
def test_what_draws_nothing_is_not_spaced(nothing: str) -> None:
    """CSS Text 3, 8.2: letter-spacing is not applied to zero-width formatting characters."""
    line = page(f"a{nothing}b", letter_spacing=3).lines[0]
    assert line.box[2] == near(18)
    assert page(f"a{nothing}b" * 2 + "a", letter_spacing=3).lines[0].box[2] == near(45)


def test_word_spacing_is_added_to_spaces_only() -> None:
    words = word_edges("ab cd", word_spacing=3)
    assert words["ab"] == (0, near(12))
    assert words["cd"] == (near(20), near(32))


def test_spacing_may_be_negative() -> None:
    assert word_edges("abc de", letter_spacing=-1)["de"] == (near(15 + 4), near(15 + 4 + 10))


def test_horizontal_scale_scales_letters_and_spaces_alike() -> None:
    words = word_edges("ab cd", horizontal_scale=0.5)
    assert words == {"ab": (0, near(6)), "cd": (near(8.5), near(14.5))}


def test_spaces_may_collapse() -> None:
    assert word_edges("ab    cd", spaces="COLLAPSE")["cd"] == (near(17), near(29))
    assert word_edges("ab    cd", spaces="KEEP")["cd"] == (near(32), near(44))


def test_spaces_that_begin_a_line_collapse_to_one_on_every_line_and_page() -> None:
    pages = layout("   a\n   a\n   a\n\ta\n a", BASE.replace(spaces="COLLAPSE", page_size=(60.1, 24)))
    assert [word.box[0] for one in pages for word in one.words] == [near(5)] * 3 + [near(20), near(5)]


def test_kerned_letters_overlap_and_ligatures_are_one_word() -> None:
    assert word_edges("AV")["AV"] == (0, near(18))
    assert word_edges("fi")["fi"] == (0, near(12))


# -- tabs ----------------------------------------------------------------------------------------------


def test_tabs_reach_to_the_next_stop() -> None:
    """Stops are four spaces of 5 pt apart; a tab at a stop reaches to the one after."""
    words = word_edges("a\tb\t\tc", page_size=(120, 99))
    assert words == {"a": (0, near(6)), "b": (near(20), near(26)), "c": (near(60), near(66))}
    assert word_edges("1111 \tb", page_size=(120, 99))["b"] == (near(40), near(46))
    assert word_edges("\tb", tab_width=2)["b"] == (near(10), near(16))


def test_tab_stops_count_from_the_start_of_a_wrapped_line() -> None:
    lines = page("aaaaaaaaa b\tc").lines
    assert [line.text for line in lines] == ["aaaaaaaaa ", "b\tc"]
    words = page("aaaaaaaaa b\tc").words
    assert words[-1].box[0] == near(20)


def test_a_line_may_break_after_a_tab() -> None:
    assert [line.text for line in page("aaaaaa\tbbbb").lines] == ["aaaaaa\t", "bbbb"]
    assert [line.text for line in page("aaa\tbb\tcccc").lines] == ["aaa\tbb\t", "cccc"]


def test_tabs_align_columns_whatever_stands_before_them() -> None:
    text = "a\t1\nbbb\t2\n\t3"
    assert [word.box[0] for word in page(text).words if word.text in "123"] == [near(20)] * 3


# -- right to left -------------------------------------------------------------------------------------


def test_a_right_to_left_paragraph_starts_at_the_right() -> None:
    words = word_edges("אבג דה")
    assert words == {"אבג": (near(42), near(60)), "דה": (near(25), near(37))}
    assert word_edges("אב", alignment="RIGHT")["אב"] == (near(0), near(12))
    assert word_edges("אב", alignment="CENTER")["אב"] == (near(24), near(36))


def test_left_to_right_words_keep_their_order_in_a_right_to_left_line() -> None:
    words = word_edges("אב cd ef")
    assert words["אב"] == (near(48), near(60))
    assert words["ef"] == (near(31), near(43))
    assert words["cd"] == (near(14), near(26))


def test_right_to_left_words_inside_a_left_to_right_line() -> None:
    words = word_edges("ab גד הו cd", page_size=(100, 99))
    assert words["ab"] == (0, near(12))
    assert words["הו"] == (near(17), near(29))
    assert words["גד"] == (near(34), near(46))
    assert words["cd"] == (near(51), near(63))


def test_numbers_run_left_to_right_in_a_right_to_left_line() -> None:
    words = word_edges("אב 12 ג")
    assert words["אב"] == (near(48), near(60))
    assert words["12"] == (near(35), near(43))
    assert words["ג"] == (near(24), near(30))


def test_lines_are_reordered_after_they_are_broken() -> None:
    """UAX #9 L2 reorders each line by itself: the first words of the text are on the first line in any direction."""
    lines = page("אאאא בבבב גגגג").lines
    assert [line.text for line in lines] == ["אאאא בבבב ", "גגגג"]
    words = {word.text: word.box for word in page("אאאא בבבב גגגג").words}
    assert words["אאאא"][0] > words["בבבב"][0]
    assert words["גגגג"][2] == near(60)


def test_direction_may_be_imposed() -> None:
    assert word_edges("ab", direction="RTL")["ab"] == (near(48), near(60))
    assert word_edges("אב", direction="LTR")["אב"] == (0, near(12))
    # "ab!" in a right-to-left paragraph: the mark follows, to the left.
    assert page("ab!", direction="RTL").lines[0].box[0] == near(45)


def test_brackets_are_mirrored() -> None:
    """UAX #9 L4, applied by HarfBuzz: "(" in right-to-left text has the glyph that ")" has in left-to-right text."""

    def glyphs(text: str) -> list[int]:
        (block,) = next(default_typesetter().layout_pages(text, Theta(font="DejaVu Sans"))).blocks
        placed = place(block, Theta(font="DejaVu Sans"))
        return [int(glyph) for _, glyph in sorted(zip(placed.x.tolist(), placed.glyph.tolist(), strict=True))]

    opening, _, closing = glyphs("(a)")
    assert glyphs("(א)")[0] == opening
    assert glyphs("(א)")[-1] == closing
    # UAX #9 N0: brackets take the direction of the paragraph, not of the text that they enclose.
    assert glyphs("א(b)")[0] == opening
    assert glyphs("א(b)")[2] == closing


def test_isolates_do_not_disturb_what_is_around_them() -> None:
    plain = word_edges("ab cd", page_size=(100, 99))
    isolated = word_edges("ab \u2067גד\u2069 cd", page_size=(100, 99))
    assert isolated["ab"] == plain["ab"]
    assert isolated["cd"][0] == near(12 + 5 + 12 + 5)


def test_a_justified_right_to_left_line_fills_the_measure() -> None:
    words = word_edges("אא בב גג דדדדדד", alignment="JUSTIFY")
    assert words["אא"] == (near(48), near(60))
    assert words["בב"] == (near(24), near(36))
    assert words["גג"] == (near(0), near(12))


def test_a_hyphen_stands_at_the_end_of_its_line() -> None:
    line = page("abcdefgh\u00adijklmn").lines[0]
    assert (line.box[0], line.box[2]) == (0, near(53))
    line = page("abcdefgh\u00adijklmn", alignment="RIGHT").lines[0]
    assert (line.box[0], line.box[2]) == (near(7), near(60))


def test_placed_words_do_not_overlap_in_real_texts() -> None:
    for name in ("eng", "rus", "heb", "arb", "jpn", "kor"):
        text = (UDHR / f"udhr-{name}.txt").read_text(encoding="utf-8")
        theta = Theta(page_size=(240, 400), alignment="JUSTIFY")
        for number, one in enumerate(layout(text, theta)):
            by_row: dict[float, list[tuple[float, float]]] = {}
            for word in one.words:
                by_row.setdefault(word.box[1], []).append((word.box[0], word.box[2]))
            for edges in by_row.values():
                edges.sort()
                for (_, right), (left, _) in zip(edges[:-1], edges[1:], strict=True):
                    assert left >= right - 0.01, (name, number)


@pytest.mark.parametrize("text", ["א\x07ב", "א \x07 ב", "a\ud800", "א\ud800"])
def test_escapes_read_left_to_right_everywhere(text: str) -> None:
    theta = Theta(font="DejaVu Sans Mono")

    def glyphs(text: str) -> list[int]:
        (block,) = next(default_typesetter().layout_pages(text, theta)).blocks
        placed = place(block, theta)
        return [int(glyph) for _, glyph in sorted(zip(placed.x.tolist(), placed.glyph.tolist(), strict=True))]

    escape = glyphs("\\x07" if "\x07" in text else "\\ud800")
    drawn = glyphs(text)
    assert any(drawn[at : at + len(escape)] == escape for at in range(len(drawn)))


@pytest.mark.parametrize("language", ["eng", "ell", "vie", "arb", "heb", "hin", "tha", "jpn", "kor"])
@pytest.mark.parametrize(
    "fields",
    [
        {"alignment": "JUSTIFY", "columns": 2},
        {"alignment": "RIGHT", "dpi": 110, "letter_spacing": 0.7, "first_line_indent": 20},
        {"alignment": "CENTER", "horizontal_scale": 0.8, "left_indent": 15, "direction": "RTL"},
    ],
    ids=["justified", "right", "centred"],
)
def test_ink_is_where_the_boxes_of_words_say(language: str, fields: dict[str, object]) -> None:
    """On every page, every word has ink in its box, and no ink is elsewhere."""
    text = (UDHR / f"udhr-{language}.txt").read_text(encoding="utf-8")
    theta = Theta(page_size=(300, 240), line_height=18, **fields)  # type: ignore[arg-type]
    for page in list(layout(text, theta))[:2]:
        ink = page.array < 200
        outside = ink.copy()
        over = round(0.3 * theta.font_pixels)  # letters may reach this far beyond their advance
        for word in page.words:
            x0, y0, x1, y1 = (round(edge) for edge in word.box)
            if any(character.isalnum() for character in word.text):
                assert ink[y0:y1, x0 : x1 + 1].any(), word
            outside[max(0, y0 - over) : y1 + over, max(0, x0 - over) : x1 + over] = False
        assert not outside.any()


def test_marks_stand_off_their_letters_alike_on_every_line() -> None:
    theta = Theta(font="Noto Nastaliq Urdu", font_size=16, line_height=36.3, page_size=(200, 400))
    (block,) = next(default_typesetter().layout_pages("\n".join(["ہوئے ہیں۔"] * 5), theta)).blocks
    placed = place(block, theta)
    lines = [placed.y[a:b] for a, b in pairwise(placed.glyph_bounds)]
    assert len({float(y % 1) for y in placed.baseline}) > 1
    assert np.ptp(lines[0]) > 5  # Nastaliq slopes
    for line in lines[1:]:
        assert line - lines[0] == pytest.approx(round(float(line[0] - lines[0][0])), abs=1e-4)


def test_a_cropped_page_keeps_a_first_line_that_hangs_out_of_its_box() -> None:
    theta = Theta(
        page_size=(90, 80),
        margin_x=0,
        margin_y=0,
        right_indent=30,
        left_indent=6,
        first_line_indent=-6,
        border_width=1,
        auto_crop_width=True,
    )
    first = next(layout("אאאאא בבבבב גגגגג", theta))
    assert first.lines[0].box[2] <= first.size[0]

"""Letters that join do so over a border of styles inside a word, as in browsers."""

from __future__ import annotations

import numpy as np
import pytest

from glyphrender import Page, RichText, Style, Theta, layout
from glyphrender.typeset.joining import in_sight, joined_cuts, without_sight

# Words of scripts whose letters join. N'Ko is left out: DejaVu Sans joins it by a feature of its own, which sees no
# letter outside the part. Noto Sans NKo joins as these do, and Chromium draws both so too.
WORDS = {
    "Arabic": "مستشفى",
    "Arabic with marks": "مُسْتَشْفى",
    "lam and alef": "إسلام",
    "lam and alef with marks": "السَّلَآمُ",
    "Urdu": "پہنچنے",
    "Syriac": "ܡܠܟܘܬܐ",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ",
    "Adlam": "𞤆𞤵𞤤𞤢𞤪",
}


def drawn(text: str | RichText, theta: Theta) -> np.ndarray:
    [page] = layout(text, theta)
    return page.array.astype(int)


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_a_border_of_styles_that_look_alike_is_not_seen(word: str) -> None:
    theta = Theta(font_size=24, line_height=40, page_size=(400, 60), kerning=False)
    text = f"{word} {word}"
    plain = drawn(text, theta)
    for at in range(1, len(word)):
        rich = drawn(RichText(text, [(at, len(word), Style(color=theta.font_color))]), theta)
        assert rich.shape == plain.shape
        # A join is a place where two glyphs overlap; each style is drawn alone, so levels there may differ a little.
        assert np.abs(rich - plain).max() <= 64
        assert np.count_nonzero(np.abs(rich - plain) > 16) <= 4


@pytest.mark.parametrize("hidden", ["**", "\x1b[1m"])
def test_letters_join_over_markup_that_is_consumed(hidden: str) -> None:
    theta = Theta(font_size=24, line_height=40, page_size=(400, 60))
    source = f"مس{hidden}تشفى"
    rich = RichText(source, [(0, 1, Style())], consumed=[(2, 2 + len(hidden))])
    assert np.abs(drawn(rich, theta) - drawn("مستشفى", theta)).max() <= 64


def test_a_non_joiner_that_is_drawn_for_an_entity_keeps_letters_apart() -> None:
    theta = Theta(font_size=24, line_height=40, page_size=(400, 60))
    rich = RichText("می&zwnj;خواهم", replaced=[(2, 8, "\u200c")])
    assert np.abs(drawn(rich, theta) - drawn("می\u200cخواهم", theta)).max() <= 64
    assert np.abs(drawn(rich, theta) - drawn("میخواهم", theta)).max() > 64


def width_of(page: Page) -> float:
    [word] = page.words
    return word.box[2] - word.box[0]


def test_bold_letters_take_the_forms_that_they_have_inside_the_word() -> None:
    """The width of a word with a bold part is that of joined letters, not that of letters alone."""
    theta = Theta(font="DejaVu Sans", font_size=24, line_height=40, page_size=(400, 60))
    word = "ببب"
    [plain], [bold] = (list(layout(RichText(word, [(0, 3, Style(weight=weight))]), theta)) for weight in (400, 700))
    for part in ((0, 1), (1, 2), (2, 3)):
        [page] = layout(RichText(word, [(*part, Style(weight=700))]), theta)
        assert width_of(plain) - 0.5 <= width_of(page) <= width_of(bold) + 0.5
    [apart] = layout("ب\u200cب\u200cب", theta)
    assert width_of(apart) > width_of(bold)


def test_text_whose_letters_do_not_join_has_no_such_cuts() -> None:
    cps = np.array([*map(ord, "abب1ب")], np.uint32)
    assert joined_cuts(cps, np.ones(len(cps), bool)).tolist() == []
    joined = np.array([*map(ord, "بب ب")], np.uint32)
    assert joined_cuts(joined, np.ones(len(joined), bool)).tolist() == [1]


def test_what_stands_beside_a_part_is_taken_off_again() -> None:
    cps = np.array([*map(ord, "xx بتث y")], np.uint32)
    text = in_sight("xx \nب \nت \nث y", cps, np.array([4, 5]), np.array([2, 3]), "\n")
    words, around = without_sight(text.split(" "), "\n")
    assert words == ["xx", "\nب", "\nت", "\nث", "y"]
    assert around == {1: ("", "تث"), 2: ("ب", "ث"), 3: ("بت", "")}


@pytest.mark.parametrize(
    ("style", "stays"),
    [
        (Style(color="#FF0000"), True),
        (Style(underline=True), True),
        (Style(size=1.2), False),
        (Style(weight=700), False),
        (Style(letter_spacing=0.1), False),
    ],
)
def test_lam_and_alef_stay_one_glyph_if_one_shaping_serves_both_styles(style: Style, stays: bool) -> None:
    """As in Chromium: the glyph has the style of the lam, and where the font or the size changes, the letters join."""
    theta = Theta(font_size=24, line_height=40, page_size=(400, 60))
    [page] = layout(RichText("سلام", [(2, 3, style)]), theta)
    [whole], [alef] = page.find("لا"), page.find("ا")
    assert (alef.box == whole.box) == stays  # the box of a letter is that of its glyph
    [lam] = layout(RichText("سلام", [(1, 2, style)]), theta)
    assert (lam.find("ا")[0].styles == (style,)) == stays
    [marked] = layout(RichText("سلَام", [(3, 4, style)]), theta)
    assert (marked.find("ا")[0].box == marked.find("لَا")[0].box) == stays
    [apart] = layout(RichText("سل\u200cام", [(3, 4, style)]), theta)
    assert apart.find("ا")[0].box != apart.find("ل\u200cا")[0].box
    assert apart.find("ا")[0].styles == (style,)

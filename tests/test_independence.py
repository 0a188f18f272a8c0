"""A word is laid out the same whatever stands elsewhere: in other paragraphs, before it or after it, in any script."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from glyphrender import Theta, Typesetter, layout
from glyphrender.text.properties import SCRIPT_TAGS, GeneralCategory, records, table
from glyphrender.typeset import analyse
from glyphrender.typeset.place import place

WIDE = Theta(page_size=(4000, 4000), auto_crop_width=False)
NARROW = Theta(page_size=(70, 4000), auto_crop_width=False)
# Paragraphs that are analysed in every way there is: right to left, mixed, ideographs, explicit controls, line ends.
OTHERS = ("\u05d0", "שלום abc (def)", "العربية", "東京", "a\u2067ב\u2069", "\u202eabc\u202c", "x\x85y", "ab cd")
# What words are made of beside the letters and signs of their script.
BETWEEN = "\u00ad\u200b\u200c\u200d-()\"'/a1\u0301$%«»"
SEPARATORS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029 "

Line = tuple[int, int, int, list[int], list[int]]


def letters_and_signs() -> dict[str, tuple[list[str], list[str]]]:
    """Return script → (its characters, those of them that are combining marks), of all scripts of Unicode."""
    cps = np.setdiff1d(np.arange(0x110000, dtype=np.uint32), np.arange(0xD800, 0xE000))
    script, category = table().script.take(records(cps)), table().general_category.take(records(cps))
    mark = np.isin(category, [GeneralCategory.Mn, GeneralCategory.Mc, GeneralCategory.Me])
    found = {}
    for number in np.unique(script).tolist():
        if SCRIPT_TAGS[number] not in ("Zzzz", "Zyyy", "Zinh"):
            own = script == number
            found[SCRIPT_TAGS[number]] = ([*map(chr, cps[own])], [*map(chr, cps[own & mark])])
    return found


def a_word(rng: random.Random, characters: list[str], signs: list[str]) -> str:
    """Return a word in which many signs stand without a base."""
    parts = (characters, signs or characters, characters, BETWEEN)
    word = [rng.choice(rng.choices(parts, (10, 8, 1, 1))[0]) for _ in range(rng.choice((1, 2, 3, 4, 8, 20)))]
    return "".join(character for character in word if character not in SEPARATORS)


def lines(text: str, theta: Theta, typesetter: Typesetter) -> list[Line]:
    """Return (first character, character after the last, width, glyphs, faces) of each line."""
    found = []
    for page in typesetter.layout_pages(text, theta):
        for block in page.blocks:
            placed, segments = place(block, theta), block.table.segments
            character = segments.offset + np.append(0, np.cumsum(segments.lengths()))
            bounds = placed.glyph_bounds.tolist()
            for line, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True), block.lo):
                first, last = character[block.table.first[line]], character[block.table.last[line]]
                glyphs, faces = placed.glyph[start:stop].tolist(), placed.face[start:stop].tolist()
                found.append((int(first), int(last), int(block.table.width[line]), glyphs, faces))
    return found


def check(words: list[str], theta: Theta, between: list[str]) -> None:
    """Check that each word has the lines in a text of all words that it has alone.

    In the text, word k is a paragraph between the paragraphs `between[k]` and `between[k + 1]`.
    """
    alone, together = Typesetter(), Typesetter()
    paragraphs = [between[0]]
    for word, other in zip(words, between[1:], strict=True):
        paragraphs += [word, other]
    whole: dict[int, list[Line]] = {}
    starts = np.cumsum([0, *(len(paragraph) + 1 for paragraph in paragraphs)])
    for line in lines("\n".join(paragraphs), theta, together):
        whole.setdefault(int(np.searchsorted(starts, line[0], "right")) - 1, []).append(line)
    for number, word in enumerate(words):
        at = int(starts[2 * number + 1])
        expected = lines(word, theta, alone)
        found = [(first - at, min(last - at, len(word)), *rest) for first, last, *rest in whole.get(2 * number + 1, [])]
        assert found == expected, ascii(word)


STYLES: list[dict[str, Any]] = [
    {},
    {"soft_hyphens": "HIDE"},
    {"soft_hyphens": "SHOW", "zero_width": "ESCAPE", "font": "Noto Sans"},
    {"line_breaker": "OPTIMAL", "letter_spacing": 0.5},
    {"line_breaks": "BROWSER"},
]


@pytest.mark.slow
@pytest.mark.parametrize("fields", STYLES, ids=["default", "hide", "show", "optimal", "browser"])
def test_words_of_every_script_do_not_depend_on_other_paragraphs(fields: dict[str, Any]) -> None:
    rng = random.Random(f"{fields}")
    scripts = letters_and_signs()
    assert len(scripts) > 160
    words = [word for own in scripts.values() if (word := a_word(rng, *own))]
    for some, theta in ((words[::2], WIDE.replace(**fields)), (words[1::2], NARROW.replace(**fields))):
        check(some, theta, [rng.choice(OTHERS) for _ in range(len(some) + 1)])


def test_a_sign_without_a_base_is_as_wide_beside_a_paragraph_that_runs_to_the_left() -> None:
    """Javanese: a break between the two characters that share a glyph is none, and was taken for one."""
    word = "\ua9c0\ua9b2\ua9c0\ua9b2"
    check([word], WIDE, ["\u05d0", "\u05d0"])
    check([word], NARROW, ["ab", "\u05d0"])


@pytest.mark.parametrize("policy", ["HIDE", "SHOW"])
def test_a_hidden_soft_hyphen_offers_no_break_beside_a_paragraph_that_runs_to_the_left(policy: str) -> None:
    theta = NARROW.replace(soft_hyphens=policy, page_size=(40, 4000))
    check(["character\u00adization"], theta, ["\u05d0", "東京"])


def test_letters_that_harfbuzz_takes_apart_do_not_depend_on_marks_in_other_words() -> None:
    """Kaithi dddha, Devanagari nnna: put together again only if a mark is in the buffer."""
    for letter, marked in (("\U000110ab", "\U00011083\U000110ba"), ("\u0929", "\u0915\u0901")):
        words = [letter, marked, letter + letter, marked + letter]
        check(words, WIDE, ["ab"] * 5)


def test_a_word_that_turns_its_direction_is_cut_in_the_same_way_in_any_text() -> None:
    words = ["abc(\u05d0\u05d1)\u201cdef\u201d", "\u05d0/usr/lib", "x\u2067\u05d1\u2069-(y)", "12\u05d0\u00bbab\u00ab"]
    for theta in (WIDE, NARROW, NARROW.replace(page_size=(40, 4000))):
        check(words, theta, ["ab", "\u05d0", "東京", "x", "y"])


def a_text_of_many_scripts(rng: random.Random) -> str:
    """Return a text in which letters of all scripts, signs, ideographs and characters without a font are neighbors."""
    words = "東京語界 한국어 ꀀꀁ abcXYZ αβγ бвг Աբ कख กข اب שב →≠☃㍍① ()[]“” 0129 -/.,:"
    pools = [*words.split(" "), " \n"]
    pools += ["\ue000\uf8ff\u0378\ufdd0", "\u0301\u093c\u200d\ufe0f", "\ud800\x01"]
    return "".join(rng.choice(rng.choice(pools)) for _ in range(rng.choice((30, 300, 1500))))


@pytest.mark.parametrize("fields", [{}, {"cells": "GRID", "font": "DejaVu Sans Mono"}, {"zero_width": "ESCAPE"}])
def test_words_that_are_cut_where_the_script_changes_look_as_whole_words_do(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    theta = WIDE.replace(page_size=(160, 4000), **fields)
    text = "".join(a_text_of_many_scripts(random.Random(seed)) for seed in range(16))
    cut = lines(text, theta, Typesetter())
    monkeypatch.setattr(analyse, "script_cuts", lambda *_: None)
    assert lines(text, theta, Typesetter()) == cut


def test_glyphs_of_several_styles_overlap_in_the_same_order_whatever_was_drawn_before() -> None:
    """Where glyphs overlap, rounding makes a pixel depend on the glyph that is drawn first."""
    theta = Theta(font_size=20, line_height=5, overlap="ALLOW", page_size=(200, 100))  # type: ignore[arg-type]
    text = "".join(f"{line}\n" for line in ("かな漢字かな", "│wave│agog│", "aegis 漢字 wave") * 4)
    [cold] = layout(text, theta, typesetter=Typesetter())
    for earlier in ("│", "가漢", "か", "agog"):
        typesetter = Typesetter()
        for page in layout(earlier, theta, typesetter=typesetter):
            assert page.array.any()
        [warm] = layout(text, theta, typesetter=typesetter)
        assert np.array_equal(warm.array, cold.array)


@pytest.mark.parametrize("marks", ["", "\u0302\u0324"])
def test_glyphs_of_several_faces_overlap_in_the_same_order_however_a_text_is_cut(marks: str) -> None:
    theta = Theta(font_size=20, line_height=5, overlap="ALLOW", page_size=(200, 100))  # type: ignore[arg-type]
    rng = random.Random(1)
    words = [word + marks for word in ("wave", "агое", "ქართ", "漢字", "gjq", "ᏣᎳᎩ", "ⲀⲂ")]
    text = "".join(" ".join(rng.choices(words, k=3)) + "\n" for _ in range(60))
    whole = [page.array.copy() for page in layout(text, theta, typesetter=Typesetter())]
    for size in (64, 300):
        cut = [page.array for page in layout(text, theta, typesetter=Typesetter(chunk_size=size))]
        assert len(cut) == len(whole)
        assert all(map(np.array_equal, cut, whole))

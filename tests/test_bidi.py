from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import thread_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unicode_data import extents, lines, unicode_texts

from glyphrender.text.bidi import (
    Base,
    levels,
    mirrored,
    needs_bidi,
    paragraph_levels,
    paragraph_starts,
    visual_order,
)
from glyphrender.text.properties import codepoints

# A character of each class that BidiTest.txt names.
SAMPLES = {
    **{"L": "a", "R": "\u05d0", "AL": "\u0627", "EN": "0", "ES": "+", "ET": "#", "AN": "\u0660", "CS": ","},
    **{"NSM": "\u0300", "BN": "\u00ad", "B": "\u2029", "S": "\t", "WS": " ", "ON": "!"},
    **{"LRE": "\u202a", "LRO": "\u202d", "RLE": "\u202b", "RLO": "\u202e", "PDF": "\u202c"},
    **{"LRI": "\u2066", "RLI": "\u2067", "FSI": "\u2068", "PDI": "\u2069"},
}
# The characters of SAMPLES that L1 resets at the end of a line.
RESET_AT_LINE_END = "\u00ad\u2029\t \u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
DIRECTIONS: tuple[Base, ...] = ("auto", "ltr", "rtl")
bases = st.sampled_from(DIRECTIONS)

Case = tuple[str, list[str], list[int]]  # text, level or "x" of each character, visual order without the "x"


def class_cases(folder: Path, direction: Base) -> Iterator[Case]:
    """Yield the cases of BidiTest.txt for one base direction."""
    bit = 1 << DIRECTIONS.index(direction)
    expected: list[str] = []
    order: list[int] = []
    for line in lines(folder, "BidiTest.txt"):
        if line.startswith("@Levels:"):
            expected = line.partition(":")[2].split()
        elif line.startswith("@Reorder:"):
            order = [int(index) for index in line.partition(":")[2].split()]
        else:
            classes, directions = line.split(";")
            if int(directions) & bit:
                yield "".join(map(SAMPLES.__getitem__, classes.split())), expected, order


@extents
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_conforms_to_the_bidi_test(folder: Path, direction: Base) -> None:
    """All cases are paragraphs of one text. The separator after a case changes nothing in it."""
    cases = list(class_cases(folder, direction))
    closed = [text if text.endswith("\u2029") else text + "\u2029" for text, _, _ in cases]
    got = levels(codepoints("".join(closed)), direction)
    position, wrong = 0, []
    for (text, expected, order), paragraph in zip(cases, closed, strict=True):
        own = got[position : position + len(text)].tolist()
        position += len(paragraph)
        if any(want not in ("x", str(level)) for want, level in zip(expected, own, strict=True)):
            wrong.append((text, expected, own))
        if position % 50 == 0:  # the order of one case in fifty: visual_order takes one line at a time
            visible = [i for i in visual_order(np.array(own, np.uint8)).tolist() if expected[i] != "x"]
            if visible != order:
                wrong.append((text, order, visible))
    assert not wrong


@extents
def test_conforms_to_the_bidi_character_test(folder: Path) -> None:
    wrong = []
    cases = [line.split(";") for line in lines(folder, "BidiCharacterTest.txt")]
    directions: list[tuple[str, Base]] = [("0", "ltr"), ("1", "rtl"), ("2", "auto")]
    for number, direction in directions:
        chosen = [case for case in cases if case[1] == number]
        texts = ["".join(chr(int(cp, 16)) for cp in case[0].split()) for case in chosen]
        cps = codepoints("\u2029".join(texts))
        got, own_bases = levels(cps, direction), paragraph_levels(cps, direction).tolist()
        starts = paragraph_starts(cps).tolist()
        for (_, _, base, expected, order), text, start, own_base in zip(chosen, texts, starts, own_bases, strict=True):
            own = got[start : start + len(text)]
            want = expected.split()
            visible = [i for i in visual_order(own).tolist() if want[i] != "x"]
            if (
                own_base != int(base)
                or any(w not in ("x", str(level)) for w, level in zip(want, own.tolist(), strict=True))
                or visible != [int(index) for index in order.split()]
            ):
                wrong.append((text, direction, own.tolist()))
    assert not wrong


@given(st.lists(unicode_texts(14), max_size=6), bases)
def test_many_paragraphs_are_as_one_at_a_time(paragraphs: list[str], direction: Base) -> None:
    paragraphs = [paragraph.replace("\r", "") + "\n" for paragraph in paragraphs]
    alone = [level for paragraph in paragraphs for level in levels(codepoints(paragraph), direction).tolist()]
    assert levels(codepoints("".join(paragraphs)), direction).tolist() == alone


explicit = st.text(st.sampled_from("".join(SAMPLES.values()) + "([)]<>\u2329\u3009"), max_size=40)


@given(st.lists(explicit, max_size=6), bases)
def test_paragraphs_with_controls_are_as_one_at_a_time(parts: list[str], direction: Base) -> None:
    paragraphs = "\u2029".join(parts).splitlines(keepends=True)
    alone = [level for paragraph in paragraphs for level in levels(codepoints(paragraph), direction).tolist()]
    assert levels(codepoints("".join(paragraphs)), direction).tolist() == alone


def test_an_isolate_counts_no_further_than_its_paragraph() -> None:
    """What one paragraph leaves open is closed by no PDI of the next, however deep the overflow was."""
    left_open, closing = "\u2067" * 200 + "\u202e" * 3 + "a\u2029", "\u2069\u202ca\u05d0\u2029"
    alone = levels(codepoints(left_open)).tolist() + levels(codepoints(closing)).tolist()
    assert levels(codepoints(left_open + closing)).tolist() == alone


@given(explicit, bases)
def test_any_text_has_levels_and_an_order(text: str, direction: Base) -> None:
    cps = codepoints(text)
    got = levels(cps, direction)
    assert len(got) == len(text)
    assert not len(got) or got.max() <= 126
    assert sorted(visual_order(got).tolist()) == list(range(len(text)))
    starts, own = paragraph_starts(cps), paragraph_levels(cps, direction)
    assert len(starts) == len(own)
    # L1: separators, and the white space at the end of a paragraph, are at the paragraph's level.
    for start, end, base in zip(starts, np.append(starts[1:], len(text)), own, strict=False):
        paragraph = text[start:end]
        end_of_text = start + len(paragraph.rstrip(RESET_AT_LINE_END))
        assert (got[end_of_text:end] == base).all()
        assert all(got[start + at] == base for at, character in enumerate(paragraph) if character in "\t\u2029")


@given(explicit)
def test_a_text_that_does_not_need_bidi_is_at_level_0(text: str) -> None:
    if not needs_bidi(codepoints(text)):
        assert not levels(codepoints(text)).any()


def test_carriage_return_and_line_feed_end_one_paragraph() -> None:
    cps = codepoints("a\r\n\u05d0\r\u05d0\n\nb")
    assert paragraph_starts(cps).tolist() == [0, 3, 5, 7, 8]
    assert paragraph_levels(cps).tolist() == [0, 1, 1, 0, 0]


@pytest.mark.parametrize(
    "given_levels, order",
    [
        ([0, 0, 0], [0, 1, 2]),
        ([1, 1, 1], [2, 1, 0]),
        ([0, 1, 1, 2, 2, 1, 0], [0, 5, 3, 4, 2, 1, 6]),
        ([1, 2, 2, 3, 3, 2, 1], [6, 1, 2, 4, 3, 5, 0]),
        ([], []),
    ],
)
def test_visual_order_reverses_from_the_deepest_level_up(given_levels: list[int], order: list[int]) -> None:
    assert visual_order(np.array(given_levels, np.uint8)).tolist() == order


def test_brackets_nested_deeper_than_63_have_no_pairs() -> None:
    """BD16: 63 open brackets are paired, 64 are not.

    Paired brackets are right-to-left, like the number inside and the letter before. Unpaired closing brackets stand
    between the number and an L, and take the level of the paragraph.
    """
    for depth, closing in ((63, 1), (64, 0)):
        got = levels(codepoints("\u05d0" + "(" * depth + "1" + ")" * depth + "a"), "ltr")
        assert got.tolist() == [1, *[1] * depth, 2, *[closing] * depth, 0]


def test_levels_of_a_long_deeply_nested_text_take_linear_time() -> None:
    def seconds(text: str) -> float:
        start = thread_time()
        levels(codepoints(text))
        return thread_time() - start

    for unit, closing in (
        ("(\u05d0", ")"),
        ("\u2068", "\u2069"),
        ("\u202b", "\u202c"),
        ("\u05d0\u0300", "["),
    ):
        short, long = (seconds(unit * n + closing * n) for n in (2_000, 16_000))
        assert long < 0.2 + 30 * short


def test_mirrored() -> None:
    for one, other in ("()", "[]", "<>", "«»", "≤≥"):
        assert mirrored(ord(one)) == ord(other)
        assert mirrored(ord(other)) == ord(one)
    assert mirrored(ord("a")) == ord("a")


def test_every_pair_of_classes_has_levels() -> None:
    text = "\u2029".join(map("".join, product(SAMPLES.values(), repeat=2)))
    assert len(levels(codepoints(text))) == len(text)

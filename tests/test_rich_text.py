"""Rich text as a value: spans become runs, what is consumed or replaced is not drawn, errors say where."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender.errors import DataError
from glyphrender.rich import BlockStyle, RichText, Rule, Style

STYLES = [Style(weight=700), Style(italic=True), Style(weight=300, color="red"), Style(), Style(underline=False)]


@st.composite
def rich_texts(draw: st.DrawFn) -> RichText:
    source = draw(st.text("ab &\n", max_size=30))
    place = st.integers(0, len(source))
    pairs = draw(st.lists(st.tuples(place, place, st.sampled_from(STYLES)), max_size=12))
    spans = [(min(a, b), max(a, b), style) for a, b, style in pairs]
    edges = sorted(draw(st.sets(place, max_size=8)))
    stretches = list(zip(edges[::2], edges[1::2], strict=False))
    consumed = [pair for pair in stretches if draw(st.booleans())]
    replaced = [(*pair, draw(st.text("xy ", max_size=3))) for pair in stretches if pair not in consumed]
    return RichText(source, spans, consumed=consumed, replaced=replaced)


def style_of(text: RichText, at: int) -> Style:
    """The style of a character, one span after the other."""
    style = Style()
    for start, end, inner in text.spans:
        if start <= at < end:
            style = inner.over(style)
    return style


@given(rich_texts())
def test_the_run_of_each_character_has_the_style_of_all_spans_around_it(text: RichText) -> None:
    runs, styles = text.runs()
    assert runs.bounds[-1] == len(text)
    assert (runs.bounds[1:] > runs.bounds[:-1]).all()
    for number, (start, end) in enumerate(zip(runs.bounds[:-1].tolist(), runs.bounds[1:].tolist(), strict=True)):
        for at in range(start, end):
            assert styles[runs.style[number]] == style_of(text, at)
    assert (runs.style[1:] != runs.style[:-1]).all()
    assert styles[0] == Style()


def test_ten_thousand_spans_that_overlap_all_are_swept_and_not_painted_one_by_one() -> None:
    source = "x" * 20_000
    spans = [(at, at + 10_000, Style(weight=1 + at % 900)) for at in range(10_000)]
    runs, styles = RichText(source, spans).runs()
    at = 15_000
    run = int(runs.bounds.searchsorted(at, "right")) - 1
    assert styles[runs.style[run]] == Style(weight=1 + 9_999 % 900)


@given(rich_texts())
def test_the_drawn_text_has_replacements_and_nothing_consumed(text: RichText) -> None:
    drawn, at = [], 0
    edits = sorted([(*pair, "") for pair in text.consumed] + [tuple(each) for each in text.replaced])
    for start, end, instead in edits:
        drawn += [text.source[at:start], instead]
        at = end
    assert text.drawn == "".join(drawn) + text.source[at:]


@given(rich_texts(), st.data())
def test_a_text_that_is_cut_beside_its_replacements_is_joined_again(text: RichText, data: st.DataObject) -> None:
    inside = {at for start, end, _ in text.replaced for at in range(start + 1, end)}
    cut = data.draw(st.sampled_from(sorted(set(range(len(text) + 1)) - inside)))
    again = text[:cut] + text[cut:]
    assert (again.source, again.drawn) == (text.source, text.drawn)
    for at in range(len(text)):
        assert style_of(again, at) == style_of(text, at)


@given(rich_texts())
def test_a_copy_is_equal_and_has_the_same_hash(text: RichText) -> None:
    copy = pickle.loads(pickle.dumps(text))
    assert copy == text
    assert hash(copy) == hash(text)
    assert copy.drawn == text.drawn
    assert text != text.source


def test_inner_styles_change_what_they_set_and_leave_the_rest() -> None:
    outer = Style(weight=700, underline=True, size=1.5)
    assert Style(underline=False, color="#00f").over(outer) == Style(
        weight=700, underline=False, size=1.5, color="#0000FF"
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: Style(weight=0), "weight of a Style is 0"),
        (lambda: Style(weight=400.5), "not a whole number"),
        (lambda: Style(italic=1), "not True or False"),  # type: ignore[arg-type]
        (lambda: Style(size=float("nan")), "not a number from 0.1 to 10"),
        (lambda: Style(size="2"), "not a number"),  # type: ignore[arg-type]
        (lambda: Style(letter_spacing=-0.5), "not a number from -0.25 to 10"),
        (lambda: Style(family=" "), "family of a Style is empty"),
        (lambda: Style(color="reddish"), "no color"),
        (lambda: BlockStyle(indent=-1), "indent of a BlockStyle is -1"),
        (lambda: BlockStyle(marker="a\nb"), "one line"),
        (lambda: BlockStyle(rule="AROUND"), "not one of NONE, ABOVE"),  # type: ignore[arg-type]
        (lambda: RichText(b"x"), "source is bytes, not str"),  # type: ignore[arg-type]
        (lambda: RichText("abc", [(2, 4, Style())]), "spans have 2 to 4, but the source goes from 0 to 3"),
        (lambda: RichText("abc", [(0, 1)]), "rows of 3 values"),  # type: ignore[list-item]
        (lambda: RichText("abc", [(0, 1, "bold")]), "where a Style must be"),  # type: ignore[list-item]
        (lambda: RichText("abc", [(0.5, 1, Style())]), "must be whole numbers"),  # type: ignore[list-item]
        (lambda: RichText("abc", consumed=[(0, 2)], replaced=[(1, 3, "x")]), "0 to 2 and 1 to 3, which overlap"),
        (lambda: RichText("abc", replaced=[(0, 1, 5)]), "the text to draw"),  # type: ignore[list-item]
        (lambda: RichText("abc", replaced=[(0, 2, "x")])[1:], "cuts the replaced characters 0 to 2"),
        (lambda: RichText("abc")[0.5:], "sliced as text[start:stop], by whole numbers"),  # type: ignore[misc]
        (lambda: RichText("abc", consumed=np.array([0, 1, 2])), "the shape (3,), not [k, 2]"),
        (lambda: RichText.of_columns("abc", [0], [1], [0], 5), "styles are 5, not a list"),  # type: ignore[arg-type]
        (lambda: RichText.of(5), "source is int, not str"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_value_is_one_line_that_says_where(wrong: Any, words: str) -> None:
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_blocks_take_names_of_rules_and_alignments_in_any_case() -> None:
    assert BlockStyle(rule="side").rule is Rule.SIDE  # type: ignore[arg-type]

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unicode_data import break_cases, extents, unicode_texts

from glyphrender.text import browser_breaks, linebreak, tailored_breaks
from glyphrender.text.linebreak import ALLOWED, MANDATORY, PROHIBITED, break_actions
from glyphrender.text.properties import codepoints, records, table


def actions(text: str) -> list[int]:
    return break_actions(codepoints(text)).tolist()


def pieces(text: str) -> list[str]:
    ends = (np.flatnonzero(break_actions(codepoints(text))) + 1).tolist()
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@extents
def test_conforms_to_the_line_break_test_of_unicode_17(folder: Path) -> None:
    wrong = [
        (text, breaks)
        for text, breaks in break_cases(folder, "LineBreakTest.txt")
        if [index + 1 for index, action in enumerate(actions(text)) if action] != breaks
    ]
    assert not wrong


@extents
def test_conforms_with_all_cases_in_one_text(folder: Path) -> None:
    """A case that ends in a separator does not affect the next. Cases that end in CR are left out: LF may follow."""
    text, expected = "", []
    for case, breaks in break_cases(folder, "LineBreakTest.txt"):
        if case[-1] in "\n\v\f\x85\u2028\u2029":
            expected += [len(text) + index for index in breaks]
            text += case
    assert (np.flatnonzero(break_actions(codepoints(text))) + 1).tolist() == expected


def test_rules_use_every_condition_and_no_other() -> None:
    named = {line.partition(" if ")[2].strip() for line in linebreak.RULES.splitlines() if " if " in line}
    assert named == set(linebreak.CONDITIONS)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("The quick brown", ["The ", "quick ", "brown"]),
        ("a well-known case", ["a ", "well-", "known ", "case"]),
        ("costs $3.50 (net) or 12,5 %", ["costs ", "$3.50 ", "(net) ", "or ", "12,5 ", "%"]),
        ("see https://example.org/a/b", ["see ", "https://", "example.org/", "a/", "b"]),
        ("一つ、「二つ」。三つ", ["一", "つ、", "「二", "つ」。", "三", "つ"]),
        ("가나 다라", ["가", "나 ", "다", "라"]),
        ("🇫🇷🇩🇪 👩‍👩‍👧👍🏽", ["🇫🇷", "🇩🇪 ", "👩‍👩‍👧", "👍🏽"]),
        ("a\u00a0b\u200bc\u2060d", ["a\u00a0b\u200b", "c\u2060d"]),
        ("one\r\ntwo\n\nthree", ["one\r\n", "two\n", "\n", "three"]),
    ],
)
def test_breaks_where_a_reader_expects(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@given(unicode_texts())
def test_the_end_is_mandatory_and_controls_never_start_a_line(text: str) -> None:
    result = actions(text)
    assert len(result) == len(text)
    assert set(result) <= {PROHIBITED, ALLOWED, MANDATORY}
    if text:
        assert result[-1] == MANDATORY
    for index, character in enumerate(text[1:]):
        if character in " \n\r\u2028":
            assert result[index] == PROHIBITED or text[index] in "\n\r\v\f\x85\u2028\u2029"


@given(st.lists(unicode_texts(12), max_size=8))
def test_many_paragraphs_are_as_one_at_a_time(paragraphs: list[str]) -> None:
    paragraphs = [paragraph.rstrip("\r") + "\n" for paragraph in paragraphs]
    assert actions("".join(paragraphs)) == [action for paragraph in paragraphs for action in actions(paragraph)]


def test_runs_of_a_million_are_not_slow() -> None:
    for run in (" ", "\u0301", "1,", "🇫", "\u201c "):
        assert len(actions("(" + run * 500_000 + ")")) == 2 + len(run) * 500_000


def test_no_rule_is_hidden_by_those_before_it() -> None:
    rules = linebreak.compiled()
    assert (rules.names[0], rules.names[-1]) == ("LB4", "LB31")
    asked = {number for _, otherwise in rules.conditions.values() for number in np.unique(otherwise).tolist()}
    asked |= set(np.unique(rules.first).tolist())
    assert asked == set(range(len(rules.names)))


# -- the tailorings -------------------------------------------------------------------------------------------


def tailored_pieces(text: str) -> list[str]:
    ends = (np.flatnonzero(tailored_breaks.break_actions(codepoints(text))) + 1).tolist()
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(
    "text, expected",
    [
        (r"C:\Users\x \\host\a$\b", ["C:\\Users\\x ", r"\\host\a$\b"]),
        (r"a \\ b \(c\) \[d\] %\alpha", ["a ", "\\\\ ", "b ", r"\(c\) ", r"\[d\] ", r"%\alpha"]),
        ("C++ i++ $$x ${HOME}/bin $(pwd) 100%%", ["C++ ", "i++ ", "$$x ", "${HOME}/", "bin ", "$(pwd) ", "100%%"]),
        ("ls /usr/bin --all -l ./a ../b", ["ls /usr/", "bin ", "--all ", "-l ./a ../b"]),
        (
            "“/usr” (/bin) ‘--all’ //see </b> |x| !x ~/y",
            ["“/usr” ", "(/bin) ", "‘--all’ //see ", "</b> ", "|x| !x ", "~/y"],
        ),
        ("https://example.org/a-b and/or", ["https://", "example.org/", "a-", "b ", "and/", "or"]),
        ("東京/大阪 \\漢", ["東", "京/", "大", "阪 ", "\\漢"]),
    ],
)
def test_tailored_breaks_keep_paths_options_and_escapes_together(text: str, expected: list[str]) -> None:
    assert tailored_pieces(text) == expected


@given(unicode_texts() | st.text("ab1 \\/.:-+$%([{}])|é漢\u0301\t", max_size=30))
def test_tailorings_change_nothing_but_breaks_beside_marks_of_ascii(text: str) -> None:
    plain, tailored = break_actions(codepoints(text)), tailored_breaks.break_actions(codepoints(text))
    for index in np.flatnonzero(plain != tailored).tolist():
        absorbed = linebreak.MARK[table().line_break[records(codepoints(text[: index + 2]))]]  # LB9
        beside = "".join(text[at] for at in np.flatnonzero(~absorbed))[-2:]
        assert any(character.isascii() and character.isprintable() and not character.isalnum() for character in beside)
        if "\\" not in beside:
            assert (plain[index], tailored[index]) == (ALLOWED, PROHIBITED)


@given(unicode_texts() | st.text("ab1 \\/.:-+$%([{}])|é漢\u0301\t", max_size=30))
def test_a_text_is_cut_only_where_a_line_may_end_under_every_theta(text: str) -> None:
    certain = np.flatnonzero(tailored_breaks.certain_breaks(codepoints(text)))
    for rules in (linebreak, tailored_breaks, browser_breaks):
        assert (rules.break_actions(codepoints(text))[certain] == ALLOWED).all()

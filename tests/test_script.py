from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unicode_data import unicode_texts

from glyphrender.text.properties import codepoints, records, table
from glyphrender.text.script import COMMON, SCRIPT_TAGS, resolve_scripts


def itemise(text: str) -> list[tuple[str, str]]:
    """Return (tag, text) of each run of neighboring characters of one script."""
    runs: list[tuple[str, str]] = []
    for character, script in zip(text, resolve_scripts(codepoints(text)).tolist(), strict=True):
        tag = SCRIPT_TAGS[script]
        if runs and runs[-1][0] == tag:
            runs[-1] = tag, runs[-1][1] + character
        else:
            runs.append((tag, character))
    return runs


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", []),
        ("123", [("Zyyy", "123")]),
        ("(abc) 12", [("Latn", "(abc) 12")]),
        ("12 кот", [("Cyrl", "12 кот")]),
        ("e\u0301 \u0301b", [("Latn", "e\u0301 \u0301b")]),
        ("a\ue000b", [("Latn", "a\ue000b")]),
        # The extensions of ー are Hira and Kana; those of 、 are Hira, Kana, Hani and others.
        ("カー、", [("Kana", "カー、")]),
        ("東京（とう）は、", [("Hani", "東京（"), ("Hira", "とう"), ("Hani", "）"), ("Hira", "は、")]),
        ("は、ABC。", [("Hira", "は、"), ("Latn", "ABC"), ("Hani", "。")]),
        ("क। ", [("Deva", "क। ")]),
        ("ক। ", [("Beng", "ক। ")]),
        ("।", [("Deva", "।")]),
        ("\u25cc\u064b", [("Arab", "\u25cc\u064b")]),
        # Closing brackets take the script of their opening brackets, and the text after them goes on in that script.
        ("abc (العربية) 1", [("Latn", "abc ("), ("Arab", "العربية"), ("Latn", ") 1")]),
        ("a [б (c) ", [("Latn", "a ["), ("Cyrl", "б ("), ("Latn", "c"), ("Cyrl", ") ")]),
        ("a [б (c] ", [("Latn", "a ["), ("Cyrl", "б ("), ("Latn", "c] ")]),
        ("(б\nc) кот", [("Cyrl", "(б"), ("Zyyy", "\n"), ("Latn", "c) "), ("Cyrl", "кот")]),
    ],
)  # fmt: skip
def test_runs_of_one_script(text: str, expected: list[tuple[str, str]]) -> None:
    assert itemise(text) == expected


@given(st.lists(unicode_texts(14).map(lambda text: text.replace("\n", "")), max_size=8))
def test_pieces_between_line_feeds_are_resolved_alone(pieces: list[str]) -> None:
    together = resolve_scripts(codepoints("\n".join(pieces))).tolist()
    alone = [resolve_scripts(codepoints(piece)).tolist() for piece in pieces]
    expected = [script for piece in alone for script in [*piece, COMMON]][:-1]
    assert together == expected


@given(unicode_texts(40))
def test_every_character_gets_a_script_that_it_may_have(text: str) -> None:
    cps = codepoints(text)
    got = resolve_scripts(cps)
    own, sets = table().script[records(cps)], table().script_set[records(cps)]
    real = own >= 3
    assert (got[real & (sets == 0)] == own[real & (sets == 0)]).all()
    assert not set(np.unique(got).tolist()) & {1, 2}
    brackets = (table().flags[records(cps)] & 96) != 0
    limited = (sets != 0) & (own != 1) & ~brackets  # marks go with their base, brackets with one another
    assert table().script_sets[sets[limited], got[limited]].all()


def test_many_words_of_one_script_stay_together() -> None:
    words = "Straße naïve 1.5 “quoted” don’t (a) [b] 100% a—b"
    assert itemise(words) == [("Latn", words)]

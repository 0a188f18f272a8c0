from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unicode_data import break_cases, extents, unicode_texts

from glyphrender.text.grapheme import cluster_starts
from glyphrender.text.properties import codepoints


def starts(text: str) -> list[int]:
    return np.flatnonzero(cluster_starts(codepoints(text))).tolist()


@extents
def test_conforms_to_the_grapheme_break_test_of_unicode_17(folder: Path) -> None:
    cases = break_cases(folder, "GraphemeBreakTest.txt")
    assert len(cases) == 766
    assert not [(text, breaks) for text, breaks in cases if [*starts(text), len(text)] != breaks]


@pytest.mark.parametrize(
    "text, clusters",
    [
        ("e\u0301a", ["e\u0301", "a"]),
        ("क्षत्रिय", ["क्ष", "त्रि", "य"]),
        ("각\u1100\u1161\u11a8", ["각", "\u1100\u1161\u11a8"]),
        ("👩‍👩‍👧👍🏽1️⃣", ["👩‍👩‍👧", "👍🏽", "1️⃣"]),
        ("🇫🇷🇩🇪🇮", ["🇫🇷", "🇩🇪", "🇮"]),
        ("a\r\n\u0301", ["a", "\r\n", "\u0301"]),
        ("", []),
    ],
)
def test_a_cluster_is_what_a_reader_calls_a_character(text: str, clusters: list[str]) -> None:
    assert [text[start:end] for start, end in pairwise([*starts(text), len(text)])] == clusters


@given(st.lists(unicode_texts(12), max_size=8))
def test_many_lines_are_as_one_at_a_time(lines: list[str]) -> None:
    lines = ["\n" + line.replace("\r", "") for line in lines]
    joined = np.concatenate([np.zeros(0, bool), *(cluster_starts(codepoints(line)) for line in lines)])
    assert cluster_starts(codepoints("".join(lines))).tolist() == joined.tolist()


@given(unicode_texts(60))
def test_agrees_with_another_implementation(text: str) -> None:
    regex = pytest.importorskip("regex")
    # This release has our Unicode version; a later one knows more characters.
    if regex.__version__ != "2025.11.3":
        pytest.skip("regex 2025.11.3 has Unicode 17.0")
    assert starts(text) == [match.start() for match in regex.finditer(r"\X", text)]

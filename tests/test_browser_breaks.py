"""Lines start where Chromium starts them, as benchmarks/breaks.py and browser_breaks.py recorded it."""

from __future__ import annotations

import json
from collections import Counter
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from glyphrender import Theta, layout

DATA = Path(__file__).parent / "data"
CASES: list[dict[str, Any]] = json.loads((DATA / "chromium-breaks.json").read_text(encoding="utf-8"))["cases"]

SPACE = "UAX #14 LB13 and LB15d: nothing breaks before ; or / or ., even after a space; Chromium breaks after any space"
SLASH = "UAX #14 LB13 and LB31: a break after / is allowed; Chromium's own table for ASCII has none"
HYPHEN = "UAX #14 LB25: 1588-0000 is one number; Chromium breaks after a hyphen between digits"
KANA = "the font kerns kana (れ、 by .01 em) across break opportunities, where words are shaped apart"
DOT = "U+00B7 has no Hangul among its Script_Extensions: Chromium leaves the font's Korean form, θ's language takes it"
SUM = "the line is as wide as the measure, and a sum of advances in 65536ths of an em is .0002 px more"

# (file, width, paragraph): why it differs. The rest of the paragraph differs as a consequence.
EXPLAINED = {
    ("udhr-fra.txt", 200, 19): SPACE,
    ("udhr-heb.txt", 200, 61): SUM,
    ("udhr-jpn.txt", 480, 3): KANA,
    ("udhr-jpn.txt", 480, 7): KANA,
    ("udhr-kor.txt", 200, 64): DOT,
    ("web.txt", 200, 0): SLASH,
    ("web.txt", 200, 3): SLASH,
    ("web.txt", 200, 7): HYPHEN,
    ("web.txt", 330, 0): SLASH,
    ("web.txt", 330, 5): SLASH,
    ("web.txt", 330, 7): HYPHEN,
    ("web.txt", 480, 0): SLASH,
    ("web.txt", 480, 3): SPACE,
}


def our_breaks(case: dict[str, Any]) -> tuple[list[str], list[list[int]]]:
    """The paragraphs, and of each the characters that begin its second and later lines."""
    text = (DATA / case["file"]).read_text(encoding="utf-8").rstrip("\n")
    theta = Theta(
        font=case["font"],
        font_size=16,
        line_height=24,
        page_size=(case["width"], 14400),
        margin_x=0,
        margin_y=0,
        language=case["language"],
        complex_breaks=case["complex_breaks"],
    )
    starts = [line.start for page in layout(text, theta) for line in page.lines]
    paragraphs = text.split("\n")
    edges = list(accumulate((len(paragraph) + 1 for paragraph in paragraphs), initial=0))
    return paragraphs, [
        [start - edge for start in starts if edge < start < following]
        for edge, following in zip(edges, edges[1:], strict=False)
    ]


def their_breaks(case: dict[str, Any]) -> list[list[int]]:
    return [list(accumulate(lengths)) for lengths in case["lines"]]


@pytest.mark.parametrize("file", sorted({case["file"] for case in CASES}))
def test_lines_break_where_chromium_breaks_them_or_the_reason_is_known(file: str) -> None:
    for case in (case for case in CASES if case["file"] == file):
        if case["complex_breaks"] == "DICTIONARY":
            pytest.importorskip("icu4py")
        paragraphs, ours = our_breaks(case)
        theirs = their_breaks(case)
        assert len(ours) == len(theirs) == len(paragraphs)
        for number, paragraph in enumerate(paragraphs):
            if (file, case["width"], number) not in EXPLAINED:
                assert ours[number] == theirs[number], paragraph


def test_first_lines_and_all_lines_agree_in_98_of_100() -> None:
    first = agree = lines = same = 0
    languages = set()
    for case in (case for case in CASES if case["complex_breaks"] != "DICTIONARY"):
        languages.add(case["language"])
        _, ours = our_breaks(case)
        for mine, other in zip(ours, their_breaks(case), strict=True):
            lines += len(other)
            same += len(set(mine) & set(other))
            if other:
                first += 1
                agree += mine[:1] == other[:1]
    assert len(languages) >= 10
    assert first > 1000
    assert agree / first >= 0.98
    assert same / lines >= 0.98


# -- line_breaks=BROWSER: every place where Chromium lets a line end ------------------------------------------------

# Chromium takes ° after a bracketed number as it takes it elsewhere; UAX #14 LB25 ties it to the number.
DEGREE = {"x=1 [1]°a/b?é", "C:\\x–(注)…Hello,°[1]) foo.bar", "Hello,€$9.99:[1]°3.14 ((brackets)", "x=1, [1]°!"}


def recorded() -> dict[str, list[tuple[str, list[int]]]]:
    """Return language → (text, where Chromium's lines of no width start)."""
    found: dict[str, list[tuple[str, list[int]]]] = {}
    for line in (DATA / "browser-breaks.txt").read_text(encoding="utf-8").split("\n")[1:-1]:
        language, marked = line.split("\t", 1)
        pieces = marked.split("¦")
        found.setdefault(language, []).append(("".join(pieces), [0, *accumulate(map(len, pieces))][:-1]))
    return found


def test_the_record_has_more_than_two_thousand_texts_in_ten_languages() -> None:
    counts = Counter({language: len(texts) for language, texts in recorded().items()})
    assert counts.total() > 2300
    assert len(counts) == 10


@pytest.mark.parametrize("language", recorded())
def test_browser_breaks_are_those_of_chromium(language: str) -> None:
    """The texts are the paragraphs of one document on a page that is wider than each of them."""
    if language == "th":
        pytest.importorskip("icu4py")
    theta = Theta(
        line_breaks="BROWSER",
        language=language,
        page_size=(6000, 14400),
        ligatures=False,
        complex_breaks="DICTIONARY" if language == "th" else "CLUSTER",
    )
    texts = recorded()[language]
    source = "\n".join(text for text, _ in texts)
    pieces = [piece.start for page in layout(source, theta) for piece in page.pieces]
    different, at = set(), 0
    for text, starts in texts:
        # A piece begins where something is drawn.
        visible = {len(text) - len(text[start:].lstrip(" \t")) for start in starts} - {len(text)}
        if visible != {piece - at for piece in pieces if at <= piece < at + len(text)}:
            different.add(text)
        at += len(text) + 1
    assert different == (DEGREE if language == "en" else set())

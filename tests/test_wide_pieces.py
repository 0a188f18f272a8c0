"""What is wider than a line is cut at its most natural places: at spaces, at marks, and only then inside words."""

from __future__ import annotations

import re

import numpy as np
import pytest
from box_fonts import BOXES
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from glyphrender import Theta, layout
from glyphrender.text import linebreak, tailored_breaks
from glyphrender.text.properties import codepoints

DOTS = ".png, .jpg, .jpeg, .jpe, .gif, .zip, .doc, .docx, .docm, .xls, .xlsx, .xlsm, .ppt, .pptx, .odt, .webm"
LISTS = [
    DOTS,
    "Hide .env .gitignore .dockerignore .editorconfig .eslintrc .npmrc .prettierrc .travis.yml .flake8",
    "cp -a /etc /usr /var /opt /srv /mnt /tmp /home /root /boot /dev /proc /sys /run /media /lib /bin /sbin",
    "cl /W /O2 /MD /EHsc /std:c++17 /nologo /Zi /Fo:out /link /DEBUG /INCREMENTAL:NO /OPT:REF",
    "a { color: red !important; margin: 0 !important } b { top: 1px !important } c { left: 2px !important }",
    "grep !important !default ?x ?y }x }y )x )y !a !b !c !d !e !f !g !h !i",
    "use :foo :bar :baz :qux :quux :corge :grault :garply :waldo :fred :plugh",
    "«un» ; «deux» ; «trois» ; «quatre» : «cinq» ! «six» ? «sept» ; «huit»",
    "std :: vector :: iterator :: operator :: type :: name :: value :: size :: max",
]
# At 10 pt, a–z are 6 pt wide and a space is 5 pt; a measure of 60 pt holds ten letters.
BOX = Theta(font=str(BOXES), font_size=10, line_height=12, page_size=(60.1, 500), margin_x=0, margin_y=0)


def set_lines(text: str, theta: Theta = BOX) -> list[str]:
    return [line.text for page in layout(text, theta) for line in page.lines]


@pytest.mark.parametrize("text", LISTS)
def test_a_list_of_marked_words_is_cut_at_its_spaces_at_every_width(text: str) -> None:
    widest = max(len(word) for word in re.split(r"(?<=[\s/-])", text))
    for columns in range(widest + 2, 100, 3):
        theta = Theta(font="DejaVu Sans Mono", font_size=10, page_size=(6.03 * columns, 2000), margin_x=0)
        for line in set_lines(text, theta)[:-1]:
            # UAX #14 lets a line end after a slash or a hyphen inside a token.
            assert re.search(r"(\s|\w[/-])$", line), line
        # A mark that stands alone in the text may begin a line where nothing else is left to part.
        assert not [
            line for line in set_lines(text, theta) if re.match(r"[./:!?;}](?=\s|$)", line) and "::" not in text
        ]


@pytest.mark.parametrize(
    "text, lines",
    [
        ("aaaaaaaaaaaa bb", ["aaaaaaaaaa", "aa bb"]),
        ("aaaa.bbbb.cccc.dd", ["aaaa.bbbb.", "cccc.dd"]),  # 56 pt, then two marks are 3 pt each
        ("aaaaaaaaa.", ["aaaaaaaaa."]),
        ("aaaaaaaaaa.", ["aaaaaaaaa", "a."]),  # no line begins with a lone mark
        ("aa .bbbb .cccc", ["aa .bbbb ", ".cccc"]),
        ("aaaaaaaa ! bb", ["aaaaaaaa ! ", "bb"]),
        ("aaaaaaaaa ! bb", ["aaaaaaaaa ", "! bb"]),  # rather than in the word
        ("aaaaa\u00a0bbbbb cc", ["aaaaa\u00a0", "bbbbb cc"]),  # wider than a line: the author's glue gives way last
        ("aaa\u00a0bbb ccc", ["aaa\u00a0bbb ", "ccc"]),
        ("ccc aaa\u00a0bbb", ["ccc ", "aaa\u00a0bbb"]),
        ("aaaa\u00a0.bbb .cccccc", ["aaaa\u00a0.bbb ", ".cccccc"]),  # spaces before glue
        ("          .bbbb", ["          ", ".bbbb"]),  # rather than in the word
        ("aaaaaaaa(bbbbb)", ["aaaaaaaa", "(bbbbb)"]),
        ("1234567890.12345678", ["1234567890.1234", "5678"]),  # a number is one thing: cut as a word is
        ("aaaaaaaaaaaa\u2060bb", ["aaaaaaaaaa", "aa\u2060bb"]),
    ],
)
def test_the_most_natural_place_is_taken(text: str, lines: list[str]) -> None:
    assert set_lines(text) == lines


def test_under_browser_breaks_words_are_cut_as_css_cuts_them() -> None:
    browser = BOX.replace(line_breaks="BROWSER")
    assert set_lines("aaaa.bbbb.cccc.dd", browser) == ["aaaa.bbbb.c", "ccc.dd"]
    assert set_lines("aa .bbbb .cccc", browser) == ["aa .bbbb ", ".cccc"]


@pytest.mark.slow
@examples(200)
@given(st.text("ab1 ./!?:;}{-_\\\t\u00a0(é", max_size=60), st.integers(30, 160))
def test_a_line_ends_inside_a_token_only_if_the_token_is_wider_than_a_line(text: str, width: int) -> None:
    theta = BOX.replace(page_size=(width, 500), tab_width=2)
    wide = BOX.replace(page_size=(7000, 500))
    allowed = tailored_breaks.break_actions(codepoints(text.replace("\t", " "))) == linebreak.ALLOWED
    for page in layout(text, theta):
        for line in page.lines[:-1]:
            at = line.end
            if text[at - 1] in " \t" or allowed[at - 1]:
                continue
            places = np.flatnonzero(allowed) + 1
            spaces = [match.end() for match in re.finditer(r"[ \t]", text)]
            edges = sorted({0, len(text), *places.tolist(), *spaces})
            start, end = max(edge for edge in edges if edge < at), min(edge for edge in edges if edge > at)
            (piece,) = next(iter(layout(text[start:end], wide))).lines
            assert piece.box[2] > width - 0.01, (line.text, text[start:end])


def test_no_line_ends_inside_a_pair_of_backslashes_or_after_a_drive() -> None:
    text = r'Copy C:\Users\jdoe\AppData to \\server01\share$\out.dll, a & b \\ c, re.sub(r"\\d+\\.\\w+", "\\\\n")'
    for columns in range(4, 90):
        lines = set_lines(
            text, Theta(font="DejaVu Sans Mono", font_size=10, page_size=(6.03 * columns, 2000), margin_x=0)
        )
        for before, after in zip(lines, lines[1:], strict=False):
            assert not (before.endswith("\\") and after.startswith("\\")), (before, after)
            assert not (before.endswith(":") and after.startswith("\\")), (before, after)

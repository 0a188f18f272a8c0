"""Code, differences, terminals and indents as rich text; and the door, where θ says what a text is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glyphrender import (
    RichText,
    Style,
    Theta,
    ThetaError,
    from_code,
    from_diff,
    from_markdown,
    from_messages,
    from_terminal,
)
from glyphrender.rich import compressed, decompressed, with_markup
from glyphrender.text.consumed import Consumption
from glyphrender.text.parts import PartSpan

BOLD, LIGHT_ITALIC = Style(weight=700), Style(weight=400, italic=True)
escapes = st.lists(
    st.sampled_from(["\x1b[", "\x9b", "m", ";", ":", "1", "0", "38;5;", "38;2;1;2;3", "48", "7", "a", " b\n", "\r"])
    | st.just("\x1b]0;t\x07")
    | st.text(max_size=2),
    max_size=20,
).map("".join)  # fmt: skip
lines = st.text(st.sampled_from(" \t»⇥\\\n\rab\u2028"), max_size=24) | st.text()


def styled(text: RichText) -> list[tuple[str, Style]]:
    return [(text.source[span.start : span.end], span.style) for span in text.spans]


# -- code ---------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["python", "c++", "html", "console", "rst", "yaml", "nolexer.json", "diff"]), st.text())
def test_code_is_drawn_as_it_is_whatever_the_lexer_says(language: str, source: str) -> None:
    text = from_code(source, name=language) if "." in language else from_code(source, language)
    assert text.drawn == source
    assert all(0 <= span.start < span.end <= len(source) for span in text.spans)


def test_grey_code_differs_by_weight_and_italic_alone() -> None:
    found = styled(from_code("def f(x):  # no\n    return 'a'\n", "python"))
    assert ("def", BOLD) in found
    assert ("f", BOLD) in found
    assert ("# no", LIGHT_ITALIC) in found
    assert all(style.color is None for _, style in found)


def test_spans_of_code_keep_their_places_after_cr_lf() -> None:
    assert ("return", BOLD) in styled(from_code("def f():\r\n\r\n    return 1\r\n", "python"))


def test_the_name_of_a_file_chooses_the_language() -> None:
    assert ("fn", BOLD) in styled(from_code("fn main() {}", name="main.rs"))
    assert from_code("fn main() {}", name="main.unknown").spans == ()


def test_colored_code_follows_the_page_behind_it() -> None:
    light = dict(styled(from_code("if x", "python", {"highlighting": "COLOR"})))["if"].color
    theta = {"highlighting": "COLOR", "font_color": "#FFFFFF", "page_bg_color": "#000000"}
    dark = dict(styled(from_code("if x", "python", theta)))["if"].color
    assert light is not None
    assert dark is not None
    assert light != dark


def test_an_unknown_language_is_an_error_that_names_the_field() -> None:
    with pytest.raises(ThetaError, match="code_language='klingon' is no language of Pygments") as caught:
        from_code("x", "klingon")
    assert caught.value.field == "code_language"


# -- code in differences ------------------------------------------------------------------------------

CODE_DIFF = """--- a/x.py
+++ b/x.py\t2026-01-01
@@ -1,3 +1,4 @@
 def kept():
-    return 1  # one
+    return 2  # two
+    text = '''open
 still a string
@@ -20 +20,2 @@
 for x in y: pass
+while x: pass
"""


def test_code_in_differences_has_the_styles_of_its_language() -> None:
    rich = from_diff(CODE_DIFF)
    assert rich.drawn == CODE_DIFF
    found = styled(rich)
    assert ("def", Style(weight=700)) in found  # a line that is the same
    assert ("return", Style(weight=700)) in found  # in the removed line, which is light and italic
    assert ("# one", Style(weight=400, italic=True)) in found
    assert ("# two", Style(italic=True)) in found  # added lines are bold, whatever stands in them
    assert ("for", Style(weight=700)) in found  # a hunk begins anew
    assert not any("still" in text for text, style in found if style.weight == 700)
    assert ("-    return 1  # one", Style(weight=400, italic=True)) in found


def test_code_in_differences_has_backgrounds_in_color() -> None:
    for fields in ({}, {"font_color": "#ffffff", "page_bg_color": "#000000"}):
        rich = from_diff(CODE_DIFF, {"highlighting": "COLOR", **fields})
        lines = {text[:1]: style for text, style in styled(rich) if style.background}
        assert set(lines) == {"+", "-"}
        assert all(style.color is None for style in lines.values())
    assert from_diff(CODE_DIFF, {"highlighting": "NONE"}).is_plain


DIFF_PARTS = (
    "+", "-", " ", "\\ No newline", "@@ -1,9 +1,9 @@ f", "+++ b/a.c", "--- a/b.rs", "\r\n", "x = '''", "/*", "\n",
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(DIFF_PARTS), max_size=40))
def test_spans_of_differences_stay_inside_their_lines(parts: list[str]) -> None:
    source = "".join(parts)
    for start, end, _ in from_diff(source).spans:
        assert 0 <= start < end <= len(source)
        assert "\n" not in source[start:end]
        assert "\r" not in source[start:end]


def test_a_fence_of_differences_is_set_as_differences() -> None:
    quoted = CODE_DIFF.replace("\n", "\n> ")
    source = f"> ```diff\n> {quoted}\n> ```\n"
    found = [(source[lo:hi], style) for lo, hi, style in from_markdown(source).spans]
    assert ("def", Style(weight=700)) in found
    assert ("-    return 1  # one", Style(weight=400, italic=True)) in found
    talk = from_messages([{"role": "user", "content": f"```diff\n{CODE_DIFF}```"}]).text
    assert ("def", Style(weight=700)) in [(talk.source[lo:hi], style) for lo, hi, style in talk.spans]


# -- differences --------------------------------------------------------------------------------------

DIFF = """diff --git a/a.sql b/a.sql
--- a/a.sql
+++ b/a.sql
@@ -1,2 +1,2 @@ head
 same
--- comment that was removed
+new
\\ No newline at end of file
not part of it
"""


def test_a_hunk_with_a_count_of_any_length_is_drawn() -> None:
    source = f"@@ -1,{'9' * 5000} +1 @@\n-old\n+new\n"
    assert from_diff(source).drawn == source


def test_lines_of_a_hunk_are_told_apart_by_its_counts() -> None:
    found = dict(styled(from_diff(DIFF)))
    assert found["--- comment that was removed"] == LIGHT_ITALIC
    assert found["+new"] == BOLD
    assert found["--- a/a.sql"].underline
    assert "not part of it" not in found
    assert from_diff(DIFF).drawn == DIFF


# -- terminals ----------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(escapes)
def test_the_output_of_a_terminal_is_drawn_without_its_sequences(source: str) -> None:
    for theta in (Theta(), Theta(highlighting="COLOR", carriage_return="OVERWRITE")):
        overwritten = theta.carriage_return == "OVERWRITE"
        text = from_terminal(source, theta)
        assert text.drawn == Consumption(sequences=True, overwritten=overwritten).kept(source)


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ("1", BOLD),
        ("3;4", Style(italic=True, underline=True)),
        ("9", Style(strike=True)),
        ("4:3", Style(underline=True)),
        ("4:0", None),
        ("1;22", None),
        ("1;0", None),
        ("", None),
        ("31", Style(color="#A40E26")),
        ("97", Style(color="#24292F")),
        ("38;5;196", Style(color="#FF0000")),
        ("38;5;244", Style(color="#808080")),
        ("38;2;1;2;3", Style(color="#010203")),
        ("38:2::1:2:3", Style(color="#010203")),
        ("38:2:1:2:3;1", Style(weight=700, color="#010203")),
        ("38;5;300", None),
        ("48;5;16", Style(color="#000000", background="#000000")),
        ("7", Style(color="#FFFFFF", background="#000000")),
        ("31;39", None),
        ("99999999999999999999;1", BOLD),
    ],
)
def test_sgr_sequences_become_styles(values: str, style: Style | None) -> None:
    text = from_terminal(f"\x1b[{values}mx\x1b[m y", {"highlighting": "COLOR"})
    assert text.drawn == "x y"
    assert [span.style for span in text.spans] == ([] if style is None else [style])


def test_grey_pages_keep_all_of_a_terminal_but_its_colors() -> None:
    found = styled(from_terminal("\x1b[1;31mbad\x1b[0m \x1b[32mgood\x1b[0m \x1b[7mbar\x1b[0m"))
    assert found == [("bad", BOLD), ("bar", Style(color="#FFFFFF", background="#000000"))]


# -- indents ------------------------------------------------------------------------------------------


@settings(max_examples=500)
@given(lines)
def test_every_text_is_had_back_from_its_marks(text: str) -> None:
    assert decompressed(compressed(text)) == text


def test_four_spaces_and_a_tab_become_one_mark_each() -> None:
    assert compressed("if x:\n          y\n\t\tz\n") == "if x:\n»»  y\n⇥⇥z\n"
    assert compressed("» literal\n\\» twice") == "\\» literal\n\\\\» twice"


# -- the door -----------------------------------------------------------------------------------------


def test_a_text_without_markup_comes_back_as_the_same_object() -> None:
    text = "*as it is*"
    assert with_markup(text, Theta()) is text
    rich = RichText(text)
    assert with_markup(rich, Theta(markup="MARKDOWN")) is rich


def test_each_file_of_a_document_is_read_by_its_name() -> None:
    sources = ["*a*\n", "if x: pass\n", "+*b*\n", "*c*\n"]
    names = ["a.md", "b.py", "c.patch", "d.txt"]
    parts, at = [], 0
    for name, source in zip(names, sources, strict=True):
        parts.append(PartSpan(name=name, start=at, text_start=at + 4, line=0))
        at += 4 + len(source)
    text = "".join(f"*h*\n{source}" for source in sources)
    rich = with_markup(text, Theta(markup="FILES"), parts)
    assert isinstance(rich, RichText)
    assert rich.source == text
    assert rich.drawn == "*h*\na\n*h*\nif x: pass\n*h*\n+*b*\n*h*\n*c*\n"
    assert ("if", BOLD) in styled(rich)


def test_indents_become_marks_with_markup_and_without() -> None:
    for markup in ("NONE", "CODE"):
        rich = with_markup("if x:\n    y", Theta(markup=markup, code_language="python", indentation="MARK"))
        assert isinstance(rich, RichText)
        assert rich.drawn == "if x:\n»y"


def test_without_the_extra_one_line_says_what_to_install() -> None:
    program = """
import sys
sys.modules["markdown_it"] = sys.modules["pygments"] = None
from glyphrender import DependencyError, from_code, from_markdown
for make in (from_markdown, lambda text: from_code(text, "python")):
    try:
        make("a")
    except DependencyError as error:
        assert error.extra == "markup" and "\\n" not in str(error), error
    else:
        raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_context_without_its_space_ends_no_hunk() -> None:
    source = "@@ -1,4 +1,4 @@\nindex = 3\n-a\n+b\ncopy (x)\n-c\n+d\n"
    styles = {source[start:end]: style for start, end, style in from_diff(source).spans}
    assert styles["-a"] == styles["-c"] != styles["+b"] == styles["+d"]
    assert not {"index = 3", "copy (x)"} & styles.keys()


def test_a_hunk_that_is_shorter_than_its_head_says_ends_at_the_next_head() -> None:
    source = "@@ -1,9 +1,9 @@\n-a\n+b\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-c\n+d\n"
    styles = {source[start:end]: style for start, end, style in from_diff(source).spans}
    assert styles["diff --git a/x b/x"] == styles["--- a/x"] == styles["+++ b/x"] != styles["+d"]
    assert styles["@@ -1 +1 @@"] == styles["@@ -1,9 +1,9 @@"]

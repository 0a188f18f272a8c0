"""Markdown as rich text: pages draw the text that a browser shows, and each character of the source has its place."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_markdown import flat, has_html, reference, text_of_html

from glyphrender import RichText, Style, from_markdown
from glyphrender.rich import BlockStyle, Rule

MD = reference()
# The examples of CommonMark 0.31.2 (spec.commonmark.org, CC BY-SA 4.0), as markdown-it-py has them in its tests.
SUITE = Path(os.environ.get("GLYPHRENDER_COMMONMARK") or Path(__file__).parents[2] / "shared" / "commonmark.json")
SUITE_SHA256 = "d431b29d97b6f73e69d547109cf5081578fac931e72afe95639ebe766c1b2a20"
PIECES = [
    "*", "**", "_", "`", "``", "~~", "~", "[", "]", "(", ")", "![", "<", ">", "a", "b c", "\n", "\n\n", "> ", "- ",
    "1. ", "    ", "\t", "# ", "|", "|-|", "\\", "&amp;", "&#10;", "---", "===", "```", "<b>", "</b>", "\r\n", "\r",
    "中", "文", "é", "[x] ", "- [x] t", '[a]: /u "t"\n', "http://a.b", "<http://a%20b>", "\0", "\u2028", "\x0c", ":",
    '"', "!", "```py\nif x: pass\n```\n", "|a|b|\n|-|:-:|\n|c|`d\\|`|\n",
]  # fmt: skip
documents = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def letters(text: str) -> str:
    """The text without white space."""
    return "".join(text.replace("\0", "\ufffd").split())


@settings(max_examples=250, deadline=None)
@given(documents)
def test_pages_draw_the_text_that_the_reference_renderer_shows(source: str) -> None:
    assert letters(from_markdown(source).drawn) == letters(text_of_html(MD.render(source)))


@settings(max_examples=100, deadline=None)
@given(documents)
def test_every_character_is_drawn_consumed_or_replaced_once(source: str) -> None:
    text = from_markdown(source)
    covered = sorted([(a, b) for a, b in text.consumed] + [(a, b) for a, b, _ in text.replaced])
    assert all(end <= start for (_, end), (start, _) in zip(covered, covered[1:], strict=False))
    assert text.source == source
    consumed = sum(b - a for a, b in text.consumed)
    replaced = sum(b - a for a, b, _ in text.replaced)
    texts = sum(len(new) for *_, new in text.replaced)
    assert len(text.drawn) == len(source) - consumed - replaced + texts


def test_the_commonmark_suite_survives_in_full() -> None:
    if not SUITE.is_file():
        pytest.skip("no examples: set GLYPHRENDER_COMMONMARK to commonmark.json (benchmarks/commonmark.py says where)")
    data = SUITE.read_bytes()
    assert hashlib.sha256(data).hexdigest() == SUITE_SHA256
    examples = json.loads(data)
    assert len(examples) == 652
    for example in examples:
        source = example["markdown"]
        drawn = flat(from_markdown(source).drawn)
        assert drawn == text_of_html(MD.render(source)), source
        if not has_html(MD, source):  # then the suite's own HTML is a second witness
            assert drawn == text_of_html(example["html"]), source


def styles(text: RichText) -> dict[str, Style]:
    """The spans, by their text without the marks at its front."""
    return {text.source[span.start : span.end].lstrip("*~`[!"): span.style for span in text.spans}


@pytest.mark.parametrize(
    ("source", "drawn"),
    [
        ("a *b* **c** ~~d~~ `e`", "a b c d e"),
        ("`` a ` b ``", "a ` b"),
        ("`a\n  b`", "a   b"),
        ("[text](/url 'title') <http://x.y>", "text http://x.y"),
        ("![alt *text*](/i.png)", "alt text"),
        ("a &amp; b &copy; \\* \\a", "a & b © * \\a"),
        ("one\ntwo  \nthree\\\nfour", "one two\nthree\nfour"),
        ("# One #\n\nTwo\n===\n", "One\nTwo\n"),
        ("> quoted\nlazy\n", "quoted lazy\n"),
        ("- [x] done\n- [ ] not\n", "done\nnot\n"),
        ("1. a\n2. b\n\n   c\n", "a\nb\nc\n"),
        ("```\ncode  x\n\n y\n```\nend", "code  x\n\n y\nend"),
        ("\tcode\n\t\ttab\n", "code\n\ttab\n"),
        ("- a\n\n\tb\n", "a\nb\n"),
        ("- a tab\n\n\t\tcut in two\n", "a tab\n  cut in two\n"),
        ("<div>\n*raw*\n</div>\n", "<div>\n*raw*\n</div>\n"),
        ("a <b>c</b>", "a <b>c</b>"),
        ("中文\n字 and\nmore", "中文字 and more"),
        ("a\r\nb\r\n\r\nc\r\n", "a b\r\nc\r\n"),
        ("[a]\n\n[a]: /url\n", "a\n"),
        ("***\n", "\n"),
        ("x\n\n---", "x\n\n"),
        ("-\n- b\n", "\nb\n"),
        ("", ""),
    ],
)
def test_each_construct_is_drawn_as_its_text(source: str, drawn: str) -> None:
    assert from_markdown(source).drawn == drawn


def test_emphasis_code_links_and_images_are_styles() -> None:
    found = styles(from_markdown("*i* **b** ~~s~~ `c` [l](u) ![m](v) **d *e***"))
    assert found == {
        "i": Style(italic=True),
        "b": Style(weight=700),
        "s": Style(strike=True),
        "c": Style(family="DejaVu Sans Mono"),
        "l": Style(underline=True),
        "m": Style(italic=True),
        "d *e": Style(weight=700),
        "e": Style(italic=True),
    }


def test_a_mark_that_stays_literal_is_outside_the_strike() -> None:
    text = from_markdown("~~a~~ ~")
    assert [text.source[span.start : span.end] for span in text.spans] == ["~~a"]


def test_headings_are_set_by_weight_unless_theta_asks_for_sizes() -> None:
    assert {span.style for span in from_markdown("# a\n\n## b\n").spans} == {Style(weight=700)}
    sizes = [span.style.size for span in from_markdown("# a\n\n###### b\n", {"heading_size": 2}).spans]
    assert sizes == [2.0, None]


def test_targets_of_links_are_shown_by_policy() -> None:
    source = "[a](/b 'c') [d][e] <http://f.g>\n\n[e]: /h\n"
    assert from_markdown(source).drawn == "a d http://f.g\n"
    assert from_markdown(source, {"link_targets": "SHOW"}).drawn == "a </b> d </h> http://f.g\n"


def test_lists_and_quotes_are_nested_blocks_with_markers() -> None:
    text = from_markdown("> 3. a\n>    - [x] b\n")
    kinds = [(text.source[block.start : block.end].strip(), block.style) for block in text.blocks]
    assert [style.marker for _, style in kinds if style.marker] == ["3.", "☑"]
    assert kinds[0][1] == BlockStyle(indent=1.0, rule=Rule.SIDE)
    assert kinds[0][0].endswith("b")


def test_a_block_begins_where_its_first_paragraph_begins() -> None:
    text = from_markdown("a\n\n- b\n")
    item = next(block for block in text.blocks if block.style.marker)
    assert text.source[item.start : item.end] == "\n- b\n"


def test_code_in_fences_is_highlighted_by_its_language() -> None:
    text = from_markdown("> ```python\n> if x: # no\n> ```\n")
    found = [(text.source[span.start : span.end], span.style) for span in text.spans]
    assert ("if", Style(weight=700)) in found
    assert ("# no", Style(weight=400, italic=True)) in found
    assert len(from_markdown("```python\nif x\n```", {"highlighting": "NONE"}).spans) == 1
    assert len(from_markdown("```nolanguage\nif x\n```").spans) == 1


def test_what_is_nested_too_deep_for_the_parser_is_drawn_as_it_is() -> None:
    deep = ">" * 300 + " end"
    assert from_markdown(deep).drawn.rstrip("\n").endswith("end")
    assert from_markdown("- " * 300 + "end").drawn.rstrip("\n").endswith("end")


@pytest.mark.parametrize("unit", ["![", "[", "*a ", "**a *", "<", "&", "\\", "> a\n", "_*", "|a", "- "])
def test_nesting_and_unclosed_marks_lose_no_text(unit: str) -> None:
    source = unit * 400
    text = from_markdown(source)
    assert letters(text.drawn).count("a") == source.count("a")


def test_items_of_a_list_count_from_the_first_as_in_a_browser() -> None:
    source = "7. a\n7. b\n   1. c\n   1. [x] d\n7. e\n\n1) f\n- g\n\n0. h\n0. i\n"
    markers = [block.style.marker for block in from_markdown(source).blocks if block.style.marker]
    assert markers == ["7.", "8.", "1.", "2. ☑", "9.", "1)", "•", "0.", "1."]

"""Pages of a text whose markup θ names: every way to make pages reads it, and the source is accounted for."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts, thetas

from glyphrender import (
    BlockStyle,
    Document,
    Part,
    RichText,
    Style,
    Theta,
    Typesetter,
    default_typesetter,
    from_markdown,
    layout,
    layout_each,
    render,
    render_file,
)
from glyphrender.cli import command
from glyphrender.document.extension import count_alike
from glyphrender.raster.block_marks import marked_lines, markers
from glyphrender.rich import with_markup
from glyphrender.theta import Emoji, MissingGlyph
from glyphrender.typeset.style import consumption

MARKDOWN = Theta(markup="MARKDOWN")
SOURCE = "# Head\n\nRead *this* &amp; `that`,\nor [those](/x).\n\n- one\n- two\n"
SOURCE += "\n| a | b |\n|---|--:|\n| c | 1 |\n\nend\n"
DRAWN = "Head\nRead this & that, or those.\none\ntwo\na\nb\nc\n1\nend\n"


def drawn(pages: object) -> str:
    return "".join(page.drawn_text for page in pages)  # type: ignore[attr-defined]


def test_every_way_to_make_pages_reads_the_markup() -> None:
    ways = [
        render(SOURCE, MARKDOWN),
        list(layout(SOURCE, MARKDOWN)),
        list(layout(iter([SOURCE[:20], SOURCE[20:]]), MARKDOWN)),
        list(render(iter([SOURCE]), MARKDOWN)),
        layout_each(["x", SOURCE], MARKDOWN)[1],
        Document.read(iter([SOURCE]), MARKDOWN),
        render(from_markdown(SOURCE, MARKDOWN)),
    ]
    arrays = [[page.array for page in way] for way in ways]
    for way, pages in zip(ways, arrays, strict=True):
        assert drawn(way) == DRAWN
        assert "".join(page.text for page in way) == SOURCE
        assert all(np.array_equal(a, b) for a, b in zip(pages, arrays[0], strict=True))


pieces = ["*a*", "**", "`c d`", "\n", "\n\n", "# h\n", "- i\n", "> q\n", "|a|b|\n|-|-|\n", "&lt;", "\\*"]
pieces += ["```\nx\n```\n", "\r\n", "中文", "نص", "\t", " ", "w " * 60]
documents = st.lists(st.sampled_from(pieces), max_size=12).map("".join)


@st.composite
def marked(draw: st.DrawFn) -> Theta:
    """A θ with a markup, and random values in all other fields."""
    markup = draw(st.sampled_from(["MARKDOWN", "CODE", "DIFF", "TERMINAL", "NONE"]))
    indentation = "MARK" if markup == "NONE" else draw(st.sampled_from(["KEEP", "MARK"]))
    fixed = {"missing_glyph": MissingGlyph.BOX, "emoji": Emoji.MONO, "hyphenate": False, "complex_breaks": "CLUSTER"}
    fixed |= {"unwrap": False, "blank_lines": "KEEP"}  # flow replaces line ends of the drawn text once more
    size = draw(st.sampled_from([1.0, 1.0, 1.5]))
    language = draw(st.sampled_from(["", "python", "json"]))
    return draw(thetas(markup=markup, indentation=indentation, heading_size=size, code_language=language, **fixed))


@settings(max_examples=25, deadline=None)
@given(documents | texts(), marked())
def test_spans_of_pages_add_up_to_the_source(source: str, theta: Theta) -> None:
    pages = list(layout(source, theta, typesetter=Typesetter()))
    assert "".join(page.text for page in pages) == source
    assert [page.span[0] for page in pages[1:]] == [page.span[1] for page in pages[:-1]]
    for page in pages[:3]:
        assert all(source[word.start : word.end] == word.text for word in page.words)
        assert page.array.shape[:2] == page.size[::-1]


@settings(max_examples=15, deadline=None)
@given(documents, marked())
def test_pages_draw_what_the_rich_text_draws(source: str, theta: Theta) -> None:
    rich = with_markup(source, theta)
    expected = rich.drawn if isinstance(rich, RichText) else rich
    assert drawn(layout(source, theta, typesetter=Typesetter())) == consumption(theta).kept(expected)


def test_a_growing_document_has_the_pages_of_the_whole_text() -> None:
    document = render(SOURCE[:40], MARKDOWN)
    document.extend_text(SOURCE[40:])
    assert drawn(document) == DRAWN
    document.extend_text(RichText("*as it is*"))
    assert drawn(document) == f"{DRAWN}*as it is*"
    assert document.text == f"{SOURCE}*as it is*"


def test_a_grown_document_has_color_where_the_whole_text_has() -> None:
    theta = Theta(markup="TERMINAL", highlighting="COLOR", page_size=(100, 30), margin_x=4, margin_y=5)
    text = "one\ntwo\nthree\nfour\n\x1b[31mred\n"
    document = render(text[:20], theta)
    assert [page.array.ndim for page in document] == [2, 2]
    assert document.extend_text(text[20:]).unchanged == 0
    for ours, whole in zip(document, layout(text, theta), strict=True):
        assert np.array_equal(ours.array, whole.array)
        assert ours.lines == whole.lines


@pytest.mark.parametrize(
    "changed",
    [
        RichText("one two", [(0, 3, Style(color="#777777"))]),
        RichText("one two", [(0, 7, Style(underline=True))]),
        RichText("one two", [(3, 4, Style(background="#dddddd"))]),
        RichText("one two", blocks=[(0, 7, BlockStyle(background="#dddddd"))]),
    ],
)
def test_pages_that_differ_in_a_style_alone_are_not_alike(changed: RichText) -> None:
    theta = Theta()
    typesetter = default_typesetter()
    plain, styled, again = (
        list(typesetter.layout_pages(text, theta)) for text in ("one two", changed, RichText(changed.source) + "")
    )
    assert count_alike(plain, styled) == count_alike(styled, plain) == 0
    assert count_alike(plain, again) == 1
    assert count_alike(styled, list(typesetter.layout_pages(changed, theta))) == 1


def test_the_files_of_a_stream_are_read_by_their_names() -> None:
    parts = [Part(name="a.md", heading="==> *a* <=="), "*x*\n", Part(name="b.txt", heading="==> b <=="), "*y*\n"]
    assert drawn(layout(parts, {"markup": "FILES"})) == "==> *a* <==\nx\n==> b <==\n*y*\n"


@pytest.mark.parametrize(("name", "expected"), [("a.md", "x\n"), ("a.txt", "*x*\n"), ("a.patch", "*x*\n")])
def test_the_name_of_one_file_decides_its_markup(tmp_path: Path, name: str, expected: str) -> None:
    path = tmp_path / name
    path.write_text("*x*\n", encoding="utf-8")
    assert drawn(render_file(path, {"markup": "FILES"})) == expected
    assert drawn(render_file(path)) == "*x*\n"


def test_the_command_line_reads_files_by_their_names_if_asked(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("*x* " * 40, encoding="utf-8")
    (tmp_path / "b.txt").write_text("*x* " * 40, encoding="utf-8")

    def pages(*arguments: str) -> dict[str, bytes]:
        out = tmp_path / f"pages{len(list(tmp_path.iterdir()))}"
        result = CliRunner().invoke(command, ["render", *arguments, "-o", str(out)])
        assert result.exit_code == 0, result.output
        assert json.loads((out / "manifest.json").read_text())["pages"]
        return {path.name: path.read_bytes() for path in out.glob("*.png")}

    a, b = str(tmp_path / "a.md"), str(tmp_path / "b.txt")
    asked = pages(a, "--set", "markup=FILES")
    assert asked == pages(a, "--set", "markup=MARKDOWN")
    assert pages(a) == pages(b)
    assert pages(b, "--set", "markup=FILES") == pages(b)
    assert asked != pages(a)


def test_markup_changes_no_page_of_a_text_without_marks() -> None:
    plain = "Words without any mark.\n" * 3
    assert np.array_equal(render(plain)[0].array, render(plain, {"markup": "TERMINAL"})[0].array)
    assert np.array_equal(render(plain)[0].array, render(plain, {"markup": "CODE"})[0].array)


@pytest.mark.parametrize(("marker", "shown"), [("1.", ".1"), ("12)", "(12"), ("3. ☐", "☐ .3"), ("•", "•")])
def test_the_number_of_an_item_is_mirrored_where_lines_run_from_right_to_left(marker: str, shown: str) -> None:
    for text, expected in (("שלום", shown), ("word", marker)):
        rich = RichText(text, blocks=[(0, len(text), BlockStyle(indent=3, marker=marker))])
        (page,) = Typesetter().layout_pages(rich, Theta())
        (block,) = page.blocks
        assert [place.text for place in markers(marked_lines(block, page.theta), block, page.theta)] == [expected]


@pytest.mark.parametrize("seed", range(12))
def test_a_cropped_page_is_a_page_without_its_empty_edges(seed: int) -> None:
    random = Random(seed)
    pieces = (
        "- بند\n", "1. شيء\n", "> اقتباس\n", "text\n\n", "# عنوان\n", "- a\n",
        "| ا | ب |\n|---|---|\n| ج<br>د | |\n| | ه |\n\n", "> q\n\n",
        "| a | b |\n|-|:-:|\n| long words in a cell | c |\n\n", "---\n", "- [x] مهمة\n", "  - داخلي\n",
    )  # fmt: skip
    source = "".join(random.choices(pieces, k=random.randint(1, 12)))
    ids = random.choice(("NONE", "MARGIN"))
    theta = Theta(page_size=(260, 200), margin_x=12, margin_y=12, markup="MARKDOWN", paragraph_ids=ids)
    whole, cropped = (list(layout(source, theta.replace(auto_crop_width=crop))) for crop in (False, True))
    for page, part in zip(whole, cropped, strict=True):
        assert np.array_equal(page.array[: part.size[1], : part.size[0]], part.array)
        assert (page.array[:, part.size[0] :] == 255).all()

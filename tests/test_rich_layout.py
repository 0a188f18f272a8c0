"""Rich text on pages: the source is accounted for, lines are those of one text, styles are drawn, plain text stays."""

from __future__ import annotations

import pickle
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich_documents import check, check_memory, random_rich, same
from strategies import examples, texts

from glyphrender import (
    BlockStyle,
    Page,
    RichText,
    Style,
    Theta,
    Typesetter,
    compression_ratio,
    fit,
    from_markdown,
    layout,
    layout_each,
    render,
)
from glyphrender.errors import FontError
from glyphrender.fonts.library import find_face
from glyphrender.raster.canvas import SkiaCanvas
from glyphrender.raster.glyph_style import GlyphStyle
from glyphrender.raster.harfbuzz import HarfBuzzCanvas
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.rows import Rows
from glyphrender.rich import Rule
from glyphrender.text.properties import codepoints
from glyphrender.text.source import Chunk
from glyphrender.theta import Alignment
from glyphrender.typeset.analyse import analyse_cut, analyse_full
from glyphrender.typeset.furniture import Furniture

SMALL = Theta(page_size=(160, 80), margin_x=4, margin_y=4)
FIELDS: list[dict[str, Any]] = [
    {},
    {"alignment": "JUSTIFY", "columns": 2, "column_gap": 4},
    {"line_breaker": "OPTIMAL", "spaces": "COLLAPSE", "ansi": "STRIP"},
    {"newline_markup": " ↵ ", "direction": "RTL", "leading": "FIT"},
    {"cells": "GRID", "letter_spacing": 1.0, "first_line_indent": 9},
]


def one(text: str, start: int, end: int, style: Style, **given: Any) -> RichText:
    return RichText(text, [(start, end, style)], **given)


def ink(page: Page) -> float:
    return float((255 - page.array.astype(float)).sum())


@pytest.mark.slow
@examples(60)
@given(texts(max_size=60), st.integers(0, 10**6), st.sampled_from(FIELDS))
def test_every_character_of_the_source_is_accounted_for(text: str, seed: int, fields: dict[str, Any]) -> None:
    rich = random_rich(text, Random(seed))
    check(rich, SMALL.replace(**fields))


@pytest.mark.slow
@examples(15)
@given(texts(max_size=60), st.integers(0, 10**6))
def test_pages_do_not_depend_on_chunks_or_on_what_is_remembered(text: str, seed: int) -> None:
    rich = random_rich(text, Random(seed))
    longest = max(map(len, rich.drawn.split("\n"))) + 1
    check_memory(rich, SMALL, list(layout(rich, SMALL)), size=max(64, longest))


@pytest.mark.slow
@examples(30)
@given(texts(max_size=60), st.integers(0, 10**6))
def test_the_measured_width_gives_the_same_lines(text: str, seed: int) -> None:
    # The columns of a table share out the room that the page has, so another page gives other columns.
    rich, theta = (
        random_rich(text, Random(seed), tables=False),
        SMALL.replace(auto_crop_width=False, page_size=(160, 400)),
    )
    lines = [line for page in layout(rich, theta) for line in page.lines]
    if not lines:
        return
    room = max(line.box[2] for line in lines) - theta.margin_x
    narrow = theta.replace(page_size=(max(room, theta.em) + 2 * theta.margin_x + 1e-3, 400))
    assert [line.text for page in layout(rich, narrow) for line in page.lines] == [line.text for line in lines]


@given(texts(max_size=40), st.sampled_from(FIELDS))
def test_styles_that_change_nothing_give_the_pages_of_the_source(text: str, fields: dict[str, Any]) -> None:
    theta = SMALL.replace(**fields)
    plain, rich = list(layout(text, theta)), list(layout(RichText(text, [(0, len(text) // 2, Style())]), theta))
    assert [page.size for page in rich] == [page.size for page in plain]
    for ours, theirs in zip(rich, plain, strict=True):
        assert [(line.start, line.end, line.box) for line in ours.lines] == [
            (line.start, line.end, line.box) for line in theirs.lines
        ]
        assert [word.box for word in ours.words] == [word.box for word in theirs.words]
        assert np.abs(ours.array.astype(int) - theirs.array).max() <= 16


def test_a_rich_text_without_anything_is_its_source_to_the_byte() -> None:
    text = "The word שלום, and 東京.\n" * 20
    rich = render(RichText(text), SMALL)
    assert [page.png() for page in rich] == [page.png() for page in render(text, SMALL)]
    assert rich.rich is None
    assert rich[0].words[0].styles == ()


def test_a_style_does_not_give_a_word_a_break() -> None:
    text = "an unbreakable word here " * 6
    spans = [(at, at + 3, Style(color="#777777")) for at in range(0, len(text) - 3, 5)]
    plain = render(text, SMALL.replace(kerning=False, ligatures=False))
    rich = render(RichText(text, spans), SMALL.replace(kerning=False, ligatures=False))
    assert [line.text for line in rich[0].lines] == [line.text for line in plain[0].lines]


def test_kerning_does_not_reach_over_the_border_of_a_style() -> None:
    plain, rich = render("AV AV")[0], render(one("AV AV", 1, 2, Style(color="#333333")))[0]
    wider = rich.words[0].box[2] - plain.words[0].box[2]
    assert wider > 0.3
    assert rich.words[1].box[2] - plain.words[1].box[2] == pytest.approx(wider, abs=1e-6)


def test_direction_is_that_of_the_whole_paragraph() -> None:
    text = "abc אבג דהו 123, xyz"
    theta = SMALL.replace(kerning=False)
    plain = render(text, theta)[0]
    rich = render(RichText(text, [(4, 7, Style(color="#555555")), (9, 14, Style(color="#777777"))]), theta)[0]
    left = {int(at): x for at, x in zip(plain.characters.start, plain.characters.left, strict=True)}
    for at, x in zip(rich.characters.start, rich.characters.left, strict=True):
        assert x == pytest.approx(left[int(at)], abs=0.01)


def test_consumed_markup_is_counted_and_not_drawn() -> None:
    rich = one("say **yes** now", 4, 11, Style(weight=700), consumed=[(4, 6), (9, 11)])
    page = render(rich)[0]
    assert (page.text, page.drawn_text) == ("say **yes** now", "say yes now")
    assert [(word.text, word.styles) for word in page.words] == [
        ("say", ()),
        ("yes", (Style(weight=700),)),
        ("now", ()),
    ]
    assert [span.text for span in page.find("yes")] == ["yes"]


def test_a_replacement_is_one_box_and_is_never_cut() -> None:
    rich = RichText("one &amp; two&hellip;", replaced=[(4, 9, "&"), (13, 21, "...")])
    page = render(rich)[0]
    assert page.drawn_text == "one & two..."
    assert [word.text for word in page.words] == ["one", "&amp;", "two", "&hellip;"]
    joined = render(RichText("one\ntwo", replaced=[(3, 4, " ")]))[0]
    assert [line.text for line in joined.lines] == ["one\ntwo"]


def test_text_that_is_put_in_stands_for_nothing() -> None:
    page = render(RichText("item", replaced=[(0, 0, "1. ")]))[0]
    assert (page.text, page.drawn_text) == ("item", "1. item")
    assert [word.text for word in page.words] == ["item"]
    assert page.words[0].box[0] > render("item")[0].words[0].box[0] + 5


def test_styles_of_one_line_share_a_baseline() -> None:
    page = render(one("aaaa xxxx", 5, 9, Style(size=0.5, family="DejaVu Serif")), {"dpi": 288})[0]
    rows = [np.flatnonzero((page.array[:, int(w.box[0]) : int(w.box[2])] < 128).any(axis=1)) for w in page.words]
    assert abs(int(rows[0][-1]) - int(rows[1][-1])) <= 1
    assert len(rows[1]) < 0.7 * len(rows[0])


def test_sizes_are_limited_by_a_line_height_that_is_fixed() -> None:
    def width(size: float, **fields: Any) -> float:
        page = render(one("xxxx", 0, 4, Style(size=size)), {"font_size": 8, "line_height": 10, **fields})[0]
        return page.words[0].box[2] - page.words[0].box[0]

    assert width(1.25) == pytest.approx(1.25 * width(1), abs=0.01)
    assert width(2) == width(1.25)
    assert width(2, overlap="ALLOW") == pytest.approx(2 * width(1), abs=0.01)
    assert width(2, leading="FIT") == pytest.approx(2 * width(1), abs=0.01)


def test_letter_spacing_is_in_em_of_the_style() -> None:
    plain, spaced = (render(one("abcd", 0, 4, style))[0].words[0].box for style in (Style(), Style(letter_spacing=0.5)))
    assert (spaced[2] - spaced[0]) - (plain[2] - plain[0]) == pytest.approx(4 * 0.5 * 9, abs=0.01)


def test_weights_and_slopes_that_a_family_lacks_are_made_and_keep_its_advances() -> None:
    text = "中文的粗体字"
    pages = [
        render(one(text, 0, 6, style), {"dpi": 144})[0] for style in (Style(), Style(weight=700), Style(italic=True))
    ]
    assert pages[1].size == pages[0].size
    assert ink(pages[1]) > 1.1 * ink(pages[0])
    assert abs(ink(pages[2]) / ink(pages[0]) - 1) < 0.02
    assert not np.array_equal(pages[2].array, pages[0].array)
    bold = render(one("regular", 0, 7, Style(weight=700)))[0]
    assert bold.size == render("regular", {"font_weight": 700})[0].size  # a real face


@pytest.mark.parametrize("made", [{"bold": True}, {"oblique": True}])
def test_the_second_rasteriser_makes_the_same_styles(made: dict[str, bool]) -> None:
    face = find_face("DejaVu Sans")
    style = GlyphStyle(face=face, size=40.0, scale_x=1.0, hinting="NONE", subpixel=True, antialias=True, **made)
    masks = MaskCache(max_bytes=1 << 24)
    glyph = face.hb_font.get_nominal_glyph(ord("H"))
    pages = []
    for kind in (SkiaCanvas, HarfBuzzCanvas):
        canvas = kind(60, 50, grey=True, background=(255, 255, 255), masks=masks)
        canvas.glyphs(style, Rows.of([(42.0, [glyph], [10.0])]), (0, 0, 0))
        pages.append(canvas.pixels.astype(float))
    assert abs(pages[0].mean() - pages[1].mean()) < 3
    assert (np.abs(pages[0] - pages[1]) > 100).mean() < 0.02


def test_colors_make_all_pages_of_a_text_rgb_and_greys_do_not() -> None:
    text = "a red word\n" * 30
    red = list(layout(one(text, 2, 5, Style(color="#CC0000")), SMALL))
    assert len(red) > 1
    assert {page.array.ndim for page in red} == {3}
    x0, y0, x1, y1 = map(int, red[0].words[1].box)
    word = red[0].array[y0:y1, x0:x1].astype(int)
    assert (word[..., 0] - word[..., 1]).max() > 100
    grey = render(one(text, 2, 5, Style(color="#888888", background="#eeeeee")), SMALL)
    assert grey[0].array.ndim == 2


def test_backgrounds_and_lines_go_through_spaces_and_no_further() -> None:
    text = "nnnnn some worms nnnnn"
    for style in (Style(background="#000000", color="#ffffff"), Style(underline=True)):
        page = render(one(text, 6, 16, style), {"dpi": 144})[0]
        x0, x1 = page.words[1].box[0], page.words[2].box[2]
        y0, y1 = page.words[1].box[1], page.words[1].box[3]
        rows = page.array[int(y0) + 1 : int(y1) - 1]
        dark = (rows[:, int(x0) + 1 : int(x1) - 1] < 60).all(axis=1)
        assert dark.any(), style
        line = rows[np.flatnonzero(dark)[0]]
        assert (line[: int(x0) - 1] > 200).all()
        assert (line[int(x1) + 2 : int(x1) + 4] > 200).all()


def test_a_grid_keeps_its_cells_whatever_the_style() -> None:
    text = "abcd efgh"
    style = Style(family="DejaVu Serif", size=2, letter_spacing=1, weight=700)
    plain, rich = (render(each, {"cells": "GRID"})[0] for each in (text, one(text, 2, 7, style)))
    assert rich.size == plain.size
    box = render(one("──┼──\nbold", 0, 10, Style(family="DejaVu Serif", size=2)))[0]
    assert box.lines[0].box == render("──┼──\nbold")[0].lines[0].box


def test_a_family_that_does_not_exist_is_named() -> None:
    with pytest.raises(FontError, match="No Such Family"):
        list(layout(one("abc", 0, 3, Style(family="No Such Family"))))


def test_hyphens_have_the_style_of_their_word() -> None:
    text = "extraordinarily incomprehensible characterizations " * 3
    theta = SMALL.replace(hyphenate=True, language="en")
    rich = list(layout(one(text, 0, len(text), Style(weight=700, size=0.9)), theta))
    check(one(text, 0, len(text), Style(weight=700, size=0.9)), theta)
    assert any(not line.text.endswith((" ", "s")) for page in rich for line in page.lines)


def test_an_extended_document_is_the_whole_one() -> None:
    first, more = (
        one("bold and more\n" * 9, 0, 4, Style(weight=700)),
        one("then italic\n" * 9, 5, 11, Style(italic=True)),
    )
    document = render(first, SMALL)
    list(document)
    extended = document.extend_text(more)
    assert extended.pages == len(document)
    same(list(document), list(layout(first + more, SMALL)))
    assert document.text == first.source + more.source


def test_a_page_that_is_pickled_has_its_styles() -> None:
    rich = RichText(
        "bold mono 漢字 plain", [(0, 4, Style(weight=700)), (5, 12, Style(family="DejaVu Serif", italic=True))]
    )
    page = render(rich)[0]
    copy = pickle.loads(pickle.dumps(page))
    assert np.array_equal(copy.array, page.array)
    assert copy.words == page.words
    document = pickle.loads(pickle.dumps(render(rich)))
    assert np.array_equal(document[0].array, page.array)


def test_rich_texts_are_taken_wherever_texts_are() -> None:
    rich = one("a **bold** word " * 50, 2, 10, Style(weight=700), consumed=[(2, 4), (8, 10)])
    ratio = compression_ratio(rich)
    assert ratio.text_tokens == compression_ratio(rich.source).text_tokens
    assert ratio.visual_tokens == render(rich).ratio().visual_tokens
    assert fit(rich, rho=2).ratio.rho >= 2
    pages = layout_each(["plain", rich, RichText("also plain")])
    same(pages[1], list(layout(rich)))
    assert [page.text for page in pages[2]] == ["also plain"]


def test_line_numbers_are_those_of_the_source_under_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fence is a line that is not drawn, and a joined line begins no line of the page."""
    source = "```py\na = 1\nb = 2\n```\nend\njoined\nhere\nlast"
    rich = RichText(source, consumed=[(0, 6), (18, 22)], replaced=[(32, 33, " ")])
    assert rich.drawn == "a = 1\nb = 2\nend\njoined here\nlast"
    seen: list[list[int]] = []
    draw = Furniture.numbers

    def noted(furniture: Furniture, numbers: Any) -> Any:
        seen.append(numbers.tolist())
        return draw(furniture, numbers)

    monkeypatch.setattr(Furniture, "numbers", noted)
    assert render(rich, {"line_numbers": 3})[0].png()
    assert seen == [[2, 3, 5, 6, 8]]


# -- blocks --------------------------------------------------------------------------------------------


def blocks(*parts: tuple[str, BlockStyle | None]) -> RichText:
    """Return paragraphs, each a block of its own."""
    found, at = [], 0
    for text, style in parts:
        if style is not None:
            found.append((at, at + len(text), style))
        at += len(text)
    return RichText("".join(text for text, _ in parts), blocks=found)


def test_indents_of_blocks_inside_each_other_add_up() -> None:
    text = "outer words that need some lines of text\n"
    rich = RichText(2 * text, blocks=[(0, 82, BlockStyle(indent=1)), (41, 82, BlockStyle(indent=1.5))])
    lines = [line for page in render(rich, SMALL) for line in page.lines]
    assert len(lines) > 2
    for line in lines:
        assert line.box[0] == pytest.approx(4 + 9 * (1 if line.start < 41 else 2.5), abs=0.01)
        assert line.box[2] <= 156.01


def test_an_indent_takes_at_most_half_of_the_column() -> None:
    rich = blocks(("some words in a deep list\n", BlockStyle(indent=100, marker="•")))
    assert render(rich, SMALL)[0].lines[0].box[0] == pytest.approx(4 + 152 / 2, abs=0.01)


def test_a_marker_is_drawn_and_is_no_part_of_the_source() -> None:
    page = render(blocks(("item\n", BlockStyle(indent=2, marker="12."))))[0]
    assert (page.text, page.drawn_text) == ("item\n", "item\n")
    assert [word.text for word in page.words] == ["item"]
    assert (page.array[:, : int(page.words[0].box[0])] < 128).any()
    assert not (render(blocks(("item\n", BlockStyle(indent=2))))[0].array[:, : int(page.words[0].box[0])] < 128).any()


@pytest.mark.parametrize("lines", range(1, 9))
def test_a_heading_stays_with_the_next_line(lines: int) -> None:
    heading = BlockStyle(keep_with_next=True)
    rich = blocks(
        ("line\n" * lines, None), ("heading\n", heading), ("a second heading\n", heading), ("text\n" * 9, None)
    )
    for size in (64, 1 << 17):
        pages = list(layout(rich, SMALL, typesetter=Typesetter(chunk_size=size)))
        for page in pages[:-1]:
            assert "heading" not in page.lines[-1].text
        assert "".join(page.text for page in pages) == rich.source


def test_space_between_blocks_is_the_larger_one_and_none_at_the_top_of_a_page() -> None:
    style = BlockStyle(space_before=2, space_after=0.5)
    rich = blocks(("one\n", style), ("two\n", style), ("three\n", None))
    tops = [line.box[1] for line in render(rich)[0].lines]
    assert tops == [10, 10 + 10 + 20, 40 + 10 + 5]


def test_each_block_has_its_alignment() -> None:
    text = "a few words in lines that are filled, and more of them\n"
    theta = SMALL.replace(auto_crop_width=False)
    kinds = ("LEFT", "RIGHT", "CENTER", "JUSTIFY")
    for kind in kinds:
        rich = blocks(("first\n", None), (text, BlockStyle(alignment=Alignment(kind))))
        line = render(rich, theta)[0].lines[1]
        plain = render(text, theta.replace(alignment=kind))[0].lines[0]
        assert (line.box[0], line.box[2]) == pytest.approx((plain.box[0], plain.box[2]), abs=0.01)


def test_backgrounds_and_rules_of_blocks_are_drawn() -> None:
    plain = ("xxx\n", None)
    dark = render(blocks(plain, ("mmm\n", BlockStyle(background="#303030")), plain))[0]
    assert (dark.array[21:29, -12] == 0x30).all()
    assert (dark.array[:19, -12] == 255).all()
    for rule, rows in ((Rule.ABOVE, range(20, 22)), (Rule.BELOW, range(28, 31)), (Rule.MIDDLE, range(23, 27))):
        page = render(blocks(plain, ("\n", BlockStyle(rule=rule)), plain))[0]
        drawn = np.flatnonzero((page.array[:, 60:-12] < 200).all(axis=1))
        assert len(drawn) == 1
        assert drawn[0] in rows
    page = render(blocks(plain, ("mmm\n" * 3, BlockStyle(indent=2, rule=Rule.SIDE)), plain))[0]
    assert (page.array[20:50, 10:27] < 200).any(axis=1).all()
    bare = render(blocks(plain, ("mmm\n" * 3, BlockStyle(indent=2)), plain))[0]
    assert np.array_equal(page.array[:19], bare.array[:19])


def test_blocks_in_text_that_flows_on_are_left_out() -> None:
    rich = blocks(("one\n", BlockStyle(indent=3, marker="•")), ("two\n", None))
    theta = Theta(newline_markup=" ↵ ")
    assert render(rich, theta)[0].lines[0].box == render("one\ntwo\n", theta)[0].lines[0].box


# -- words that are cut ----------------------------------------------------------------------------------

BITS = (
    "The",
    "quick",
    " ",
    "  ",
    "\n",
    "\t",
    "“",
    "”",
    "(",
    ")",
    "—",
    "-",
    "naïve",
    "e\u0301",
    "3.5",
    "$",
    "%",
    "http://a.b/c",
)
BITS += (
    "--help",
    "/usr",
    "C:\\x",
    "'",
    '"',
    "!",
    "?",
    "«",
    "»",
    "...",
    "\u200b",
    "\u00ad",
    "🇩🇪",
    "👩‍👧",
    "ไทย",
    "[",
    "]",
    "..",
    ":",
)


@given(st.lists(st.sampled_from(BITS), min_size=1, max_size=20).map("".join), st.sets(st.integers(1, 80), max_size=8))
def test_words_that_are_cut_break_as_in_the_analysis_of_the_whole_text(text: str, places: set[int]) -> None:
    """Only what is near a cut is analysed as text. Empty segments may differ, for they stand for nothing."""
    cuts = tuple(sorted(place for place in places if place < len(text)))
    typesetter = Typesetter()
    words = typesetter.shaper.words(typesetter.shaper.style(Theta()))
    chunk = Chunk(text=text, offset=0, line=0, cuts=cuts)
    if not cuts:
        return
    found = [analyse_cut(chunk, words), analyse_full(chunk, codepoints(text), words, None)]
    for column in ("number", "gap", "breaks"):
        ours, theirs = (getattr(table, column)[table.lengths() > 0] for table in found)
        at_end = column == "breaks"  # whether the text may break at its end decides nothing
        assert ours[: len(ours) - at_end].tolist() == theirs[: len(theirs) - at_end].tolist()


def test_a_bar_goes_on_between_the_paragraphs_of_a_quotation_and_not_between_two_quotations() -> None:
    theta = Theta(page_size=(120, 60), margin_x=4, margin_y=4, space_before=2, auto_crop_width=False)
    for source, breaks in (("> a\n>\n> > b\n>\n> c\n", 0), ("> a\n\n> b\n", 1)):
        rich = from_markdown(source)
        for typesetter in (Typesetter(), Typesetter(chunk_size=2)):
            (page,) = layout(rich, theta, typesetter=typesetter)
            pixels = page.array
            column = next(x for x in range(pixels.shape[1]) if (pixels[:, x] < 200).any())
            inked = np.flatnonzero(pixels[:, column] < 200)
            assert np.count_nonzero(np.diff(inked) > 1) == breaks, source


def test_the_space_after_a_block_is_below_it_alone() -> None:
    spaced, plain = ("xxx\n", BlockStyle(space_after=1)), ("xxx\n", None)
    tops = [line.box[1] for line in render(blocks(plain, spaced, plain, plain, plain))[0].lines]
    first, second, third, fourth = np.diff(tops[:5])
    assert second == 2 * first
    assert first == third == fourth


def test_a_page_is_cropped_behind_the_markers_and_bars_at_its_right() -> None:
    for style in (BlockStyle(indent=2, marker="12"), BlockStyle(indent=2, rule="SIDE")):
        page = render(RichText("سلام\n", blocks=[(0, 5, style)]), {"page_size": (200, 60)})[0]
        right = page.words[0].box[2]
        assert (page.array[:, int(right) + 1 :] < 200).any()
        assert page.size[0] == 200


@pytest.mark.parametrize("carriage_return", ["LINE", "OVERWRITE"])
@pytest.mark.parametrize("style", [Style(weight=700), Style(color="#888888"), Style(size=2.0)])
def test_a_style_that_ends_inside_cr_lf_makes_no_line(style: Style, carriage_return: str) -> None:
    for text in ("\r\n", "x\r\n", "x\n\r\n", "x\r\n\r\ny", "é\r\nz"):
        theta = Theta(page_size=(300, 200), carriage_return=carriage_return)
        pages = check(RichText(text, [(0, text.index("\r") + 1, style)]), theta)
        assert [line.text for page in pages for line in page.lines] == text.splitlines(keepends=True)


def test_what_is_consumed_behind_the_last_line_end_stands_on_a_line_as_in_plain_text() -> None:
    theta = Theta(page_size=(90, 80), ansi="STRIP")
    words = "word " * 14 + "\nabc\n" + "word " * 14
    for text in (words + "\n\x1b[1m", words + "\r\n\x1b[1m\x1b[2m", words + "\x1b[0m\n", "\x1b[1m", "\n\x1b[1m"):
        lines = [line.text for page in layout(text, theta) for line in page.lines]
        for rich in (
            RichText(text, [(0, 1, Style(weight=700))]),
            RichText(text, [(0, len(text), Style(color="#888888"))]),
            RichText(text, blocks=[(0, 3, BlockStyle(indent=1))]),
        ):
            pages = check(rich, theta)
            assert [line.text for page in pages for line in page.lines] == lines
            check_memory(rich, theta, pages, size=72)

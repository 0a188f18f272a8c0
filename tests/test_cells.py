"""In a grid of cells, columns stand one below the other, and box drawing joins."""

from __future__ import annotations

import json
import pickle
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import FAMILIES, examples, texts, thetas

from glyphrender import Page, Theta, Typesetter, render
from glyphrender.raster.box_drawing import cell_mask
from glyphrender.theta import BoxDrawing, Cells, Emoji, MissingGlyph
from glyphrender.typeset.new_words import add_words

TABLE = """\
┌───────────┬────────┬──────┐
│ name      │ size   │ ok   │
├───────────┼────────┼──────┤
│ 日本語    │ 12 KB  │ yes  │
│ résumé    │ 3 KB   │ no   │
│ 안녕      │ 9 KB   │ ✓    │
│ emoji 🎉  │ 1 KB   │ ✗    │
│ 👩‍👩‍👧 🇫🇷 1️⃣  │ ｶﾞ ＡＢ│ ⠋ ⎿  │
│ กำ ก้ é    │ ⏺ ℹ …  │      │
╞═══════════╪════════╪══════╡
│ ░▒▓█ ▌▐▀▄ │ ●○◆◇   │ →←↑↓ │
└───────────┴────────┴──────┘
"""
ASCII_TABLE = """\
| 项目名称             | 状态   | 负责人 |
|----------------------|--------|--------|
| 数据导入与清洗流程   | 完成   | 张三   |
| import pipeline      | done   | Bob    |
| 模型评估报告自动生成 | 进行中 | 李四   |
| x = 1                | first  |
| 名前 = 2             | second |
| 一二三四五六七八 = 3 | third  |
"""
CODE_PRESETS = ("code", "code_style")
MONO = {"font": "DejaVu Sans Mono", "cells": "GRID"}


def edges(page: Page, character: str) -> list[set[float]]:
    """Return the places of the first, second, … occurrence of a character on the lines that have it."""
    rows: dict[float, list[float]] = {}
    for span in page.find(character):
        rows.setdefault(span.box[1], []).append(round(span.box[0], 3))
    return [set(column) for column in zip(*(sorted(row) for row in rows.values()), strict=False)]


@pytest.mark.parametrize("preset", CODE_PRESETS)
def test_columns_of_a_table_stand_one_below_the_other_in_code(preset: str) -> None:
    for scale in (1.0, 0.85, 1.2):
        page = render(ASCII_TABLE, Theta.preset(preset).replace(horizontal_scale=scale))[0]
        assert [len(places) for places in edges(page, "|")[:2]] == [1, 1]
    spaced = Theta.preset(preset).replace(letter_spacing=0.7, word_spacing=2, alignment="JUSTIFY")
    assert [len(places) for places in edges(render(ASCII_TABLE, spaced)[0], "|")[:2]] == [1, 1]


@pytest.mark.parametrize("preset", Theta.preset_names())
def test_columns_of_box_drawing_stand_one_below_the_other_in_every_preset(preset: str) -> None:
    theta = Theta.preset(preset)
    if theta.newline_marker:
        pytest.skip("the lines of this preset flow on")
    page = render(TABLE, theta)[0]
    assert page.missing == {}
    assert [len(places) for places in edges(page, "│")] == [1, 1, 1, 1]


@pytest.mark.parametrize("font", FAMILIES)
def test_a_grid_holds_in_every_font(font: str) -> None:
    """The cell of a proportional font is as wide as its "0"."""
    page = render(ASCII_TABLE, {"font": font, "cells": "GRID"})[0]
    assert [len(places) for places in edges(page, "|")[:2]] == [1, 1]


def test_ascii_looks_the_same_in_a_grid() -> None:
    text = "def area(width, height):\n\treturn width * height  # != <= -> fi\n"
    theta = Theta.preset("code")
    assert np.array_equal(render(text, theta)[0].array, render(text, theta.replace(cells="NATURAL"))[0].array)


def test_cells_are_those_of_wcwidth() -> None:
    """tests/data/cell-widths.json holds widths by wcwidth 0.9.4: samples of every block, and of kinds of clusters."""
    widths = json.loads((Path(__file__).parent / "data/cell-widths.json").read_text(encoding="utf-8"))
    typesetter = Typesetter()
    style, store = typesetter.shaper.style(Theta(**MONO)), typesetter.shaper.store
    for width, words in widths.items():
        first, count = add_words(words.split(), style, store)
        cells = [
            int(store.advance.rows[start : start + segments].sum()) / style.cell
            for start, segments in zip(first.tolist(), count.tolist(), strict=True)
        ]
        assert set(cells) == {int(width)}


def test_tabs_stop_at_whole_cells() -> None:
    page = render("a\tx\n名\tx\nabc\tx\n│\tx\n", {**MONO, "tab_width": 4})[0]
    assert [len(places) for places in edges(page, "x")] == [1]
    # In a paragraph with box drawing alone, tab stops are cells of its monospaced face.
    boxed = render("│a\t│\n│名\t│\n│\t│\n", {"tab_width": 8})[0]
    assert [len(places) for places in edges(boxed, "│")] == [1, 1]


def dark_columns(pixels: np.ndarray) -> np.ndarray:
    return np.flatnonzero((pixels < 128).all(axis=0))


@pytest.mark.parametrize("line_height", [9, 9.4, 10.7, 13, 21.5])
@pytest.mark.parametrize("preset", ["glyph-en", "code", "book", "web_style", "document_style", "artistic_pixel"])
def test_bars_join_between_rows_at_any_line_height(preset: str, line_height: float) -> None:
    """Below each other in one table they join across the space between paragraphs too."""
    size = Theta.preset(preset).font_size
    theta = Theta.preset(preset).replace(
        line_height=max(size, line_height), line_numbers=0, font_color="#000000", page_bg_color="#FFFFFF",
        para_bg_color="", border_padding=0, auto_crop_width=False,
    )  # fmt: skip
    page = render("│┃║█\n" * 6, theta)[0]
    lines = page.lines
    rows = slice(round(lines[0].box[1]), round(lines[-1].box[3]))
    assert len(dark_columns(page.array[rows])) >= 4
    assert lines[0].box[3] <= lines[-1].box[1]


def test_lines_join_between_cells() -> None:
    for size in (6, 8.5, 9, 13.3):
        for spacing in (0, 0.6, 3):
            theta = {"font_size": size, "line_height": 1.3 * size, "letter_spacing": spacing}
            page = render("─━═█" * 9, {**theta, "cells": "GRID"})[0]
            box = page.lines[0].box
            ink = page.array[round(box[1]) : round(box[3]), round(box[0]) : round(box[2])] < 160
            assert ink.any(axis=0).all()


@pytest.mark.parametrize("antialias", [True, False])
def test_every_box_sign_has_ink_and_meets_the_edges_that_its_name_says(antialias: bool) -> None:
    def arms(cp: int, size: tuple[int, int]) -> str:
        mask = cell_mask(cp, *size, 1.0, antialias) > 0
        sides = {"UP": mask[0], "DOWN": mask[-1], "LEFT": mask[:, 0], "RIGHT": mask[:, -1]}
        return " ".join(side for side, pixels in sides.items() if pixels.any())

    for size in ((5, 9), (6, 10), (8, 16), (11, 23)):
        for cp in range(0x2500, 0x25A0):
            name = unicodedata.name(chr(cp))
            assert cell_mask(cp, *size, 1.0, antialias).any(), name
            if cp < 0x2580 and "DIAGONAL" not in name and "DASH" not in name:
                words = set(name.replace("VERTICAL", "UP DOWN").replace("HORIZONTAL", "LEFT RIGHT").split())
                assert set(arms(cp, size).split()) == words & {"UP", "DOWN", "LEFT", "RIGHT"}, name


def test_every_mosaic_has_ink_and_covers_the_share_that_its_name_says() -> None:
    for cp in range(0x1FB00, 0x1FB8C):
        mask = cell_mask(cp, 8, 24, 1.0, True) / 255
        assert mask.any()
        name = unicodedata.name(chr(cp), "")
        shares = {"ONE EIGHTH BLOCK-": 1, "ONE QUARTER": 2, "THREE EIGHTHS": 3, "FIVE EIGHTHS": 5, "THREE QUARTERS": 6}
        for words, eighths in shares.items():
            if words in name and "1358" not in name:
                assert mask.mean() == pytest.approx(eighths / 8, abs=0.02), name
        if "SEXTANT" in name:
            assert mask.mean() == pytest.approx((len(name) - len("BLOCK SEXTANT-")) / 6)
    rows = render("\U0001fb00\U0001fb02\n" * 2)[0]
    assert rows.missing == {}


def test_lines_of_one_table_meet_in_the_middle_of_their_cells() -> None:
    """The arm of every light sign leaves its cell where that of "─" and "│" does."""
    for size in ((5, 9), (6, 10), (7, 12)):
        level, upright = (cell_mask(cp, *size, 1.0, True) for cp in (0x2500, 0x2502))
        for sign in "┌┐└┘├┤┬┴┼╭╮╯╰":
            mask = cell_mask(ord(sign), *size, 1.0, True)
            for part in (np.s_[:, 0], np.s_[:, -1]):
                assert not mask[part].any() or np.array_equal(mask[part], level[part])
            for part in (np.s_[0], np.s_[-1]):
                assert not mask[part].any() or np.array_equal(mask[part], upright[part])


def test_without_antialiasing_box_drawing_has_no_grey() -> None:
    page = render(TABLE, {"antialias": False})[0]
    assert set(np.unique(page.array)) == {0, 255}


def test_prose_with_a_dash_of_two_lines_keeps_its_font() -> None:
    text = "他说──你好。"
    assert np.array_equal(render(text)[0].array, render(text, {"box_drawing": "FONT"})[0].array)
    assert render("a ─── b")[0].size != render("a ─── b", {"box_drawing": "FONT"})[0].size


def test_paragraphs_without_box_drawing_are_as_they_were() -> None:
    prose, table = "The quick brown fox jumps.\n", "│ a │\n"
    both = render(prose + table + prose)[0]
    alone = render(prose)[0]
    height = alone.lines[0].box
    for line in (0, 2):
        top = round(both.lines[line].box[1])
        rows = both.array[top : top + 10, : round(height[2])]
        assert np.array_equal(rows, alone.array[round(height[1]) : round(height[1]) + 10, : round(height[2])])


@examples(15)
@given(texts(), thetas(cells=Cells.GRID, emoji=Emoji.MONO, missing_glyph=MissingGlyph.BOX, hyphenate=False))
def test_every_word_of_a_grid_is_a_whole_number_of_cells(text: str, theta: Theta) -> None:
    typesetter = Typesetter()
    len(render(text, theta, typesetter=typesetter))
    store, style = typesetter.shaper.store, typesetter.shaper.style(theta)
    assert not (store.advance.rows[: store.segments] % style.cell).any()


MIXED = st.lists(
    st.sampled_from(
        [
            "prose of words\n",
            "│ a │ 漢字\n",
            "かな漢字\n",
            "한국 漢字\n",
            "漢字\n",
            "\n",
            "├──",
            "\t│x\r\n",
            "שלום │ a\n",
        ]
    ),
    max_size=12,
).map("".join)


@examples(12)
@given(MIXED, MIXED, st.sampled_from([BoxDrawing.MONOSPACED, BoxDrawing.FONT]), st.sampled_from(["LEFT", "JUSTIFY"]))
def test_paragraphs_of_several_variants_are_the_same_appended_pickled_and_as_stream(
    first: str, second: str, boxes: BoxDrawing, alignment: str
) -> None:
    theta = Theta(page_size=(120, 60), box_drawing=boxes, alignment=alignment)
    whole = render(first + second, theta, typesetter=Typesetter())
    begun = render(first, theta, typesetter=Typesetter())
    begun.extend_text(second)
    stream = list(render(iter([first, second]), theta))
    small = render(first + second, theta, typesetter=Typesetter(chunk_size=40))
    assert len(whole) == len(begun) == len(stream) == len(small)
    for page, *others in zip(whole, begun, stream, small, strict=True):
        for other in (*others, pickle.loads(pickle.dumps(page))):
            assert page.words == other.words
            assert np.array_equal(page.array, other.array)

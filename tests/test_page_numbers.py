"""Page numbers: they stand in the margins, outside the text and its account, and cost what the page costs."""

from __future__ import annotations

import numpy as np
import pytest
from box_fonts import BOXES

from glyphrender import Page, Theta, ThetaError, compression_ratio, layout, render

BASE = Theta(
    font=str(BOXES),
    font_size=10,
    line_height=12,
    page_size=(100, 60),
    margin_x=8,
    margin_y=14,
    auto_crop_width=False,
    auto_crop_last_page=False,
)
CORNERS = ("TOP_LEFT", "TOP_RIGHT", "BOTTOM_LEFT", "BOTTOM_RIGHT")


def pages(text: str, **fields: object) -> list[Page]:
    return list(layout(text, BASE.replace(**fields)))


def inked(page: Page, plain: Page) -> tuple[int, int, int, int]:
    """Return the box (x0, y0, x1, y1) of the pixels in which two pages of one size differ."""
    rows, columns = np.nonzero(page.array != plain.array)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize("corner", CORNERS)
def test_a_page_number_stands_in_its_corner_between_the_margins(corner: str) -> None:
    (page,), (plain,) = pages("aaaa", page_number=corner), pages("aaaa")
    x0, y0, x1, y1 = inked(page, plain)
    assert (y1 <= 14) if corner.startswith("TOP") else (y0 >= 46)
    assert (x0 == 8 and x1 < 50) if corner.endswith("LEFT") else (x0 > 50 and x1 <= 92)
    assert y0 > 0
    assert y1 < 60


@pytest.mark.parametrize("label", ["ÉÂ {page}", "漢字 {page}", "Ẫ {page}", "ਊ {page}", "jgpq({page})"])
@pytest.mark.parametrize("corner", ["TOP_RIGHT", "BOTTOM_RIGHT"])
def test_no_ink_of_a_label_is_cut_off_at_the_edge(corner: str, label: str) -> None:
    def ink(margin_y: float) -> int:
        theta = Theta(page_number=corner, page_label=label, margin_y=margin_y, auto_crop_width=False)
        return int((255 - render("x", theta)[0].array.astype(int)).sum())

    assert ink(9) == ink(30)


def test_page_numbers_are_no_part_of_the_text() -> None:
    numbered, plain = pages("aaa\nbbb\nccc\nddd\n", page_number="TOP_RIGHT"), pages("aaa\nbbb\nccc\nddd\n")
    for page, other in zip(numbered, plain, strict=True):
        assert (page.text, page.span, page.size) == (other.text, other.span, other.size)
        assert page.words == other.words
        assert page.lines == other.lines
    assert not any(page.find("1") for page in numbered)


def test_the_label_names_the_page() -> None:
    """The second page of a text has the pixels of a first page whose label is written out."""
    second = pages("a\fa", form_feed="PAGE", page_number="BOTTOM_LEFT", page_label="A-{page}")[1]
    (named,) = pages("a", page_number="BOTTOM_LEFT", page_label="A-2")
    assert np.array_equal(second.array, named.array)


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("grid", [1, 14, 28, 32])
@pytest.mark.parametrize("text", ["a", "a\na\na", "aaaaaaaaaa\n" * 2])
def test_a_cropped_page_keeps_room_for_its_number(corner: str, grid: int, text: str) -> None:
    theta = BASE.replace(auto_crop_width=True, auto_crop_last_page=True, page_grid=grid, page_size=(200, 200))
    theta = theta.replace(page_label="p{page}p", margin_y=11)
    (page,), (plain,) = layout(text, theta.replace(page_number=corner)), layout(text, theta)
    assert page.size[0] % grid == page.size[1] % grid == 0
    numbered = page.array
    both = np.full((max(page.size[1], plain.size[1]), max(page.size[0], plain.size[0])), 255, np.uint8)
    both[: plain.size[1], : plain.size[0]] = plain.array
    rows, columns = np.nonzero(numbered != both[: page.size[1], : page.size[0]])
    text_top, text_bottom = page.lines[0].box[1], page.lines[-1].box[3]
    assert (rows.max() < text_top) if corner.startswith("TOP") else (rows.min() >= text_bottom)
    # Four letters p or digits, none of which is cut off.
    label = numbered[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert label.shape == (10, 15)
    assert columns.min() >= 0
    assert columns.max() < page.size[0] - 1


def test_a_label_that_is_wider_than_the_page_is_condensed() -> None:
    wide = pages("a\n" * 300, page_size=(38, 40), page_label="aa{page}", page_number="TOP_RIGHT")
    assert len(wide) == 300
    for page in (wide[0], wide[299]):
        columns = np.flatnonzero((page.array[:14] < 255).any(axis=0))
        assert 8 <= columns.min() <= columns.max() < 30


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"margin_y": 4}, "margin_y"),
        ({"page_label": "a" * 30}, "page_label"),
        ({"para_bg_color": "#FFFFFF", "page_bg_color": "#000000"}, "page_bg_color"),
        ({"page_label": "{pages}"}, "page_label"),
        ({"page_label": "a\nb"}, "page_label"),
        ({"page_number": "MIDDLE"}, "page_number"),
    ],
)
def test_a_page_without_room_for_its_number_is_refused_by_the_field(fields: dict[str, object], field: str) -> None:
    with pytest.raises(ThetaError) as caught:
        BASE.replace(**{"page_number": "TOP_LEFT", **fields})
    assert caught.value.field == field


def test_page_numbers_go_on_in_a_text_that_grows_and_in_several_processes() -> None:
    theta = BASE.replace(page_number="BOTTOM_RIGHT", margin_y=12)
    whole = render("one two three\n" * 40, theta)
    grown = render("one two three\n" * 20, theta)
    grown.extend_text("one two three\n" * 20)
    streamed = list(layout(iter(["one two three\n"] * 40), theta))
    for page, other, third in zip(whole, grown, streamed, strict=True):
        assert np.array_equal(page.array, other.array)
        assert np.array_equal(page.array, third.array)


def test_an_aligned_page_keeps_the_room_of_its_number_and_is_never_resampled() -> None:
    theta = Theta(page_number="BOTTOM_RIGHT", margin_y=10).align_to("qwen3-vl")
    assert theta.margin_y >= theta.font_size
    ratio = compression_ratio("It was the best of times. " * 900, theta=theta, model="qwen3-vl")
    assert ratio.resampled == 0

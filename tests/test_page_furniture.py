"""Running headers and paragraph ids: they name what a page shows, and are no part of its text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from box_fonts import BOXES
from hypothesis import given
from hypothesis import strategies as st

from glyphrender import (
    BlockStyle,
    DataError,
    Document,
    Page,
    Part,
    RichText,
    Theta,
    ThetaError,
    Typesetter,
    layout,
    render,
    render_file,
)
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.text.paragraphs import ParagraphCount, paragraph_starts
from glyphrender.typeset import shares
from glyphrender.typeset.running_header import header_text

SMALL = Theta(page_size=(220, 90), margin_y=12, auto_crop_width=False, auto_crop_last_page=False)
IDS = SMALL.replace(paragraph_ids="MARGIN")
HEADED = SMALL.replace(page_header="{file} · {section} · {page}")
MARKDOWN = HEADED.replace(markup="MARKDOWN")
STORY = "\n\n".join(f"Paragraph {n} of a story,\nwhich goes on in a second line." for n in range(1, 40)) + "\n"
BOOK = "Before.\n\n" + "\n\n".join(f"## Chapter {n} of *n*\n\nIt is told." for n in range(1, 12)) + "\n"


def header(page: Page) -> np.ndarray:
    return page.array[:12]


def same_pixels(pages: Iterable[Page], others: Iterable[Page]) -> None:
    for page, other in zip(pages, others, strict=True):
        assert page.size == other.size
        assert np.array_equal(page.array, other.array)


def shared(text: str, theta: Theta, monkeypatch: pytest.MonkeyPatch) -> list[Page]:
    """Return the pages of a text that several processes lay out."""
    monkeypatch.setattr(shares, "SHARE", 300)
    pages, following = [], (0, 0)
    for part in shares.shares_of(text, 2):
        more, following = shares.lay_out(text, part, theta, default_typesetter().shaper, lambda at=following: at)  # type: ignore[misc]
        pages += more
    return [Page(page, default_typesetter()) for page in pages]


# -- paragraphs --------------------------------------------------------------------------------------------


@given(st.text(alphabet="a \n\r\t\f", max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_paragraphs_are_numbered_alike_wherever_the_text_is_cut(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    edges = [at for at in edges if not (0 < at < len(text) and text[at - 1 : at + 1] == "\r\n")]
    found, account = [], ParagraphCount()
    for start, end in zip(edges, edges[1:], strict=False):
        found += [(number, start + at) for number, at in account.starts(text[start:end])]
        account = account.after(text[start:end])
    assert found == list(enumerate(paragraph_starts(text), 1))
    assert account.count == len(found)


def test_blank_lines_alone_divide_paragraphs() -> None:
    text = "a\nb\n\n\tc\r\n \r\nd\r\re\n\n\n"
    assert [text[at] for at in paragraph_starts(text)] == ["a", "c", "d", "e"]


def test_a_long_stretch_of_white_space_is_looked_at_once() -> None:
    assert paragraph_starts(("\n" * 200_000) + (" " * 200_000) + "a" + " \n" * 200_000) == [400_000]


def test_the_id_stands_beside_the_first_line_of_its_paragraph() -> None:
    """The boxes of the font are as wide as high: a label of two characters is two boxes."""
    theta = Theta(font=str(BOXES), font_size=10, line_height=12, paragraph_ids="MARGIN", auto_crop_width=False)
    (page,) = layout("aaa\nbbb\n\nccc\n\n\n ddd\n", theta)
    (plain,) = layout("aaa\nbbb\n\nccc\n\n\n ddd\n", theta.replace(paragraph_ids="NONE", left_indent=theta.gutter))
    assert [line.box for line in page.lines] == [line.box for line in plain.lines]
    rows = np.flatnonzero((page.array != plain.array).any(axis=1))
    lines = sorted({int((row - theta.margin_y) // 12) for row in rows})
    assert lines == [0, 3, 6]
    assert not (page.array != plain.array)[:, int(10 + theta.gutter) :].any()


@pytest.mark.parametrize("text", ["שלום עולם\n\nשלום\n", "one\n\nשלום\n\ntwo\n"])
def test_the_id_of_a_paragraph_from_right_to_left_stands_at_the_right(text: str) -> None:
    theta = Theta(page_size=(200, 100), paragraph_ids="MARGIN")
    page = render(text, theta)[0]
    hebrew = [line for line in page.lines if "ש" in line.text]
    assert all(line.box[2] == pytest.approx(190 - theta.gutter, abs=0.01) for line in hebrew)
    ink = page.array < 255
    for line in hebrew:
        assert ink[int(line.box[1]) : int(line.box[3]), int(line.box[2]) + 6 : 192].any()
    assert not ink[:, 190:].any()


def test_the_id_of_a_table_from_right_to_left_stands_at_the_right_whatever_its_first_cell_is() -> None:
    theta = Theta(page_size=(200, 100), paragraph_ids="MARGIN", markup="MARKDOWN")
    page = render("| 12 | שלום |\n|---|---|\n| ab | שלום |\n", theta)[0]
    assert max(line.box[2] for line in page.lines) == pytest.approx(190 - theta.gutter, abs=0.01)
    ink = page.array < 255
    assert ink[:, int(190 - theta.gutter) + 6 : 192].any()
    assert not ink[:, : int(min(line.box[0] for line in page.lines)) - 1].any()


@pytest.mark.parametrize(
    "theta",
    [
        IDS,
        IDS.replace(columns=2, page_size=(420, 90)),
        IDS.replace(unwrap=True, blank_lines="INDENT"),
        IDS.replace(unwrap=True, blank_lines="MARK"),
        IDS.replace(line_breaker="OPTIMAL", page_number="TOP_LEFT", page_header="{page}"),
    ],
)
def test_ids_are_the_same_in_chunks_streams_and_a_text_that_grows(theta: Theta) -> None:
    whole = render(STORY, theta)
    same_pixels(whole, layout(STORY, theta, typesetter=Typesetter(chunk_size=150)))
    same_pixels(whole, layout(iter([STORY[at : at + 37] for at in range(0, len(STORY), 37)]), theta))
    grown = render(STORY[:1000], theta)
    grown.extend_text(STORY[1000:1801])
    grown.extend_text(STORY[1801:])
    same_pixels(whole, grown)


def test_several_processes_number_paragraphs_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    same_pixels(shared(STORY, IDS, monkeypatch), layout(STORY, IDS))


def test_the_number_of_a_paragraph_is_that_of_the_source_whatever_markup_hides() -> None:
    """A definition of a link is a paragraph of the source. Nothing of it is drawn, and its number is not given away."""
    text = "# One\n\n[a]: http://example.org\n\nThree.\n"
    page = render(text, IDS.replace(markup="MARKDOWN"))[0]
    named = render("# One\n\n\n\nThree.\n", IDS.replace(markup="MARKDOWN", paragraph_label="{id}"))[0]
    other = render("# One\n\nTwo\n\nThree.\n", IDS.replace(markup="MARKDOWN"))[0]
    last, third = page.lines[-1].box, other.lines[-1].box
    edge = int(10 + IDS.gutter)
    assert np.array_equal(
        page.array[int(last[1]) : int(last[3]), :edge], other.array[int(third[1]) : int(third[3]), :edge]
    )
    assert named.text.count("\n") == text.count("\n")


def test_ids_go_on_through_the_parts_of_a_joined_document() -> None:
    theta = IDS.replace(page_number="NONE")
    joined = Document.joined([("one\n\ntwo\n", theta), ("three\n", theta)])
    second = joined[1].array
    third = render("a\n\nb\n\nthree\n", theta)[0]
    top = int(third.lines[-1].box[1])
    assert np.array_equal(
        second[12:22, : int(10 + theta.gutter)], third.array[top : top + 10, : int(10 + theta.gutter)]
    )
    joined.extend_text("\nfour\n")
    whole = Document.joined([("one\n\ntwo\n", theta), ("three\n\nfour\n", theta)])
    assert [page.array.tolist() for page in joined] == [page.array.tolist() for page in whole]


# -- the running header ------------------------------------------------------------------------------------


def test_the_section_is_the_heading_above_the_page_else_the_first_on_it() -> None:
    pages = list(render(BOOK, MARKDOWN.replace(page_header="{section}")))
    assert len(pages) > 2
    for page in pages:
        begins = page.span[1] - len(page.text.lstrip())
        above = [line for line in BOOK[: begins + 3].splitlines() if line.startswith("## ")]
        begun = BOOK[begins:].startswith("## ")
        named = BOOK[begins:].partition("\n")[0] if begun else [*above, "## Chapter 1 of n"][max(0, len(above) - 1)]
        named = named.removeprefix("## ").replace("*", "")
        (written,) = render("x", SMALL.replace(page_header=named))
        assert np.array_equal(header(page), header(written))


def test_headings_of_rich_text_are_sections() -> None:
    rich = RichText("Birds\nfly.\n" + "And so on.\n" * 30, blocks=[(0, 6, BlockStyle(heading=2))])
    pages = list(render(rich, SMALL.replace(page_header="{section}")))
    (written,) = render("x", SMALL.replace(page_header="Birds"))
    assert len(pages) > 1
    assert all(np.array_equal(header(page), header(written)) for page in pages)
    with pytest.raises(DataError, match="heading=7"):
        BlockStyle(heading=7)


def test_each_part_has_its_name_and_begins_without_a_section(tmp_path: Path) -> None:
    stream = [Part(name="one.md"), "# First\n\n" + "a\n\n" * 20, Part(name="two.md"), "b\n\n" * 30]
    pages = list(render(iter(stream), MARKDOWN.replace(page_header="{file} · {section}")))
    headers = {page.parts[0].name: header(page) for page in pages}
    for name, text in (("one.md", "one.md · First"), ("two.md", "two.md")):
        (written,) = render("x", SMALL.replace(page_header=text))
        assert np.array_equal(headers[name], header(written))
    file = tmp_path / "one.md"
    file.write_text("# First\n\na\n")
    theta = MARKDOWN.replace(page_header="{file} · {section}", markup="FILES")
    assert np.array_equal(header(render_file(file, theta)[0]), headers["one.md"])


def test_headers_are_the_same_in_chunks_streams_and_a_text_that_grows() -> None:
    whole = render(BOOK, MARKDOWN)
    same_pixels(whole, layout(BOOK, MARKDOWN, typesetter=Typesetter(chunk_size=100)))
    same_pixels(whole, layout(iter([BOOK[at : at + 37] for at in range(0, len(BOOK), 37)]), MARKDOWN))
    grown = render(BOOK[:200], MARKDOWN)
    grown.extend_text(BOOK[200:])
    same_pixels(whole, grown)


def test_a_heading_that_changes_changes_the_pages_of_its_section() -> None:
    """The link that is defined at the end takes brackets away from a heading on the first page."""
    text = "# See [birds]\n\n" + "They fly.\n\n" * 20
    document = render(text, MARKDOWN.replace(page_header="{section}"))
    assert document.extend_text("[birds]: http://example.org\n").unchanged == 0
    same_pixels(document, render(text + "[birds]: http://example.org\n", document.theta))


@pytest.mark.parametrize("label", ["abcdefgh " * 9, "漢字" * 40, "שלום עולם " * 8, "src/a/b/" + "c" * 70 + ".py"])
@pytest.mark.parametrize("corner", ["NONE", "TOP_LEFT", "TOP_RIGHT"])
def test_a_header_that_is_too_long_is_cut_and_stays_between_the_margins(label: str, corner: str) -> None:
    theta = SMALL.replace(page_header=label.strip()[:80], page_number=corner, page_label="pp {page}")
    page = render("x", theta)[0]
    top = header(page) < 255
    columns = np.flatnonzero(top.any(axis=0))
    assert columns.min() >= 9
    assert columns.max() <= 211
    if corner != "NONE":  # a gap between the header and the number
        assert max(np.diff(columns)) >= 5


def test_a_path_that_is_too_long_loses_its_folders_first() -> None:
    theta = SMALL.replace(page_header="{file}")
    (long,) = render(iter([Part(name="a/very/long/path/" * 8 + "name.py"), "x"]), theta)
    (short,) = render(iter([Part(name="name.py"), "x"]), theta)
    assert np.array_equal(header(long), header(short))


@pytest.mark.parametrize("label", ["ÉÂ", "Ẫ", "ਊ", "漢字", "شيء"])
def test_no_ink_of_a_header_is_cut_off_at_the_edge(label: str) -> None:
    def ink(margin_y: float) -> int:
        theta = Theta(page_header=label, margin_y=margin_y, auto_crop_width=False)
        return int((255 - render("x", theta)[0].array.astype(int)).sum())

    assert ink(9) == ink(30)


def test_a_header_says_only_what_it_has() -> None:
    values = {"file": "a.py", "section": "", "page": "3"}
    assert header_text("[{file}] {section} - {page}", values) == "[a.py - 3"
    assert header_text("{section}", values) == ""
    assert header_text("Report", values) == "Report"


# -- both --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{"page_header": "{page} of a report"}, {"paragraph_ids": "MARGIN"}])
def test_furniture_is_no_part_of_the_text_and_costs_what_its_room_costs(fields: dict[str, object]) -> None:
    plain, dressed = render(STORY, SMALL), render(STORY, SMALL.replace(**fields))
    assert "".join(page.text for page in dressed) == STORY
    assert [word.text for page in dressed for word in page.words] == [
        word.text for page in plain for word in page.words
    ]
    assert not any(page.find("report") or page.find("§") for page in dressed)
    assert dressed.ratio().rho <= plain.ratio().rho
    if "paragraph_ids" in fields:
        narrow = SMALL.replace(left_indent=Theta(paragraph_ids="MARGIN").gutter)
        assert dressed.ratio().rho == render(STORY, narrow).ratio().rho


def test_the_defaults_draw_none_and_change_no_digest() -> None:
    names = ("page_header", "paragraph_ids", "paragraph_label")
    assert Theta().digest == Theta(**{name: getattr(Theta(), name) for name in names}).digest
    assert len({Theta().digest, HEADED.digest, IDS.digest, IDS.replace(paragraph_label="{id}").digest}) == 4


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"page_header": "a", "margin_y": 4}, "margin_y"),
        ({"page_header": "{name}"}, "page_header"),
        ({"page_header": "a\nb"}, "page_header"),
        ({"page_header": "a", "para_bg_color": "#FFFFFF", "page_bg_color": "#000000"}, "page_bg_color"),
        ({"paragraph_ids": "MARGIN", "line_numbers": 3}, "paragraph_ids"),
        ({"paragraph_ids": "MARGIN", "page_size": (60, 100)}, "paragraph_ids"),
        ({"paragraph_label": "§"}, "paragraph_label"),
        ({"paragraph_ids": "LEFT"}, "paragraph_ids"),
    ],
)
def test_furniture_without_room_is_refused_by_the_field(fields: dict[str, object], field: str) -> None:
    with pytest.raises(ThetaError) as caught:
        Theta(**fields)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_an_aligned_page_keeps_the_room_of_its_header() -> None:
    theta = Theta(page_header="{page}", margin_y=10).align_to("qwen3-vl")
    assert theta.margin_y >= theta.font_size


def test_ids_stand_beside_text_that_is_longer_than_what_it_stands_for() -> None:
    theta = Theta(page_size=(400, 100), paragraph_ids="MARGIN", markup="MARKDOWN", newline_markup=" ↵ ")
    source = (
        "> A quotation that is long enough for two lines with its table, and a list,\nlines here\n-\n\n||t|e\n-|-|-"
    )
    [page] = render(source, theta)
    assert page.text == source
    assert (page.array[:, : int(page.words[0].box[0]) - 4] < 255).any()

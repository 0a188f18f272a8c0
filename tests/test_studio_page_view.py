"""Views of pages as HTML: the source is kept to the code unit, words have their offsets, no text becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples, texts

from glyphrender import Page, RichText, from_markdown, render
from glyphrender.studio.page_view import Picture, document, head, page_view, wipe

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(1)> ${alert(1)} {{x}} \"'><svg/onload=alert(1)>"


class View(HTMLParser):
    """What a parser finds in a view: its tags, its attributes, and the text of the source pane."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.source = ""
        self.inside = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.inside = self.inside or tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        self.source += data if self.inside else ""

    @property
    def words(self) -> list[list[int]]:
        numbers = [int(number) for number in (dict(self.attributes)["data-words"] or "").split()]
        return [numbers[at : at + 6] for at in range(0, len(numbers), 6)]


def page_of(text: Any) -> Page:
    return render(text)[0]


PAGE = page_of("In the beginning 🦊 was the Word.")


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


@examples(25)
@given(texts())
@example(HOSTILE)
@example("\n\r\n\ra\0b \ud800 🦊\ud83e")
def test_a_browser_has_the_source_code_unit_by_code_unit_and_finds_each_word_in_it(text: str) -> None:
    for page in render(text)[:2]:
        view = View(page_view(page))
        assert view.source.startswith("\n")  # the one that HTML drops
        units = utf16(view.source[1:])
        assert len(units) == len(utf16(page.text))
        found = [units[2 * start : 2 * end] for *_, start, end in view.words]
        kept = [utf16(word.text) for word in page.words]
        lost = {"\0", *map(chr, range(0xD800, 0xE000))}
        assert len(found) == len(kept)
        assert all(one == other or lost & set(w.text) for one, other, w in zip(found, kept, page.words, strict=True))


def assert_plain(view: View, like: View) -> None:
    assert view.tags == like.tags
    assert [name for name, _ in view.attributes] == [name for name, _ in like.attributes]
    assert not any(name.startswith("on") or name in ("style", "href") for name, _ in view.attributes)
    assert not {"script", "style", "a", "iframe"} & {*view.tags}


@given(st.text())
@example(HOSTILE)
def test_no_label_becomes_markup_a_handler_or_a_style(label: str) -> None:
    plain, other = Picture(png=b"", size=(9, 9), label="x"), Picture(png=b"", size=(9, 9), label=f"x{label}")
    view = page_view(PAGE, label=f"x{label}", key=label, editor=label, picture=other)
    assert_plain(View(view), View(page_view(PAGE, picture=plain)))
    assert_plain(View(wipe(other, other, key=label)), View(wipe(plain, plain)))


def test_no_text_becomes_markup_a_handler_or_a_style() -> None:
    view = View(page_view(page_of(HOSTILE)))
    assert_plain(view, View(page_view(PAGE)))
    assert view.source[1:] == HOSTILE


@pytest.mark.parametrize(
    ("text", "drawn", "source"),
    [
        (RichText("a &lt; b", replaced=[(2, 6, "<")]), "<", "&lt;"),
        (from_markdown("some **bold** words"), "bold", "bold"),
    ],
)
def test_words_of_markup_stand_where_the_source_has_them(text: RichText, drawn: str, source: str) -> None:
    page = page_of(text)
    view = View(page_view(page))
    assert drawn in page.drawn_text
    assert source in [view.source[1:][start:end] for *_, start, end in view.words]


def test_boxes_are_those_of_the_words_in_tenths_of_a_pixel() -> None:
    for row, word in zip(View(page_view(PAGE)).words, PAGE.words, strict=True):
        assert row[:4] == [round(10 * side) for side in word.box]


def test_a_view_of_another_picture_keeps_the_places_of_the_page() -> None:
    other = Picture(png=b"", size=(10, 5), label="seen")
    attributes = dict(View(page_view(PAGE, picture=other)).attributes)
    assert (attributes["data-width"], attributes["data-height"]) == tuple(map(str, PAGE.size))
    assert (attributes["width"], attributes["height"]) == ("10", "5")


def test_a_page_without_ink_has_a_view() -> None:
    assert View(page_view(page_of(" "))).words == []


def test_a_document_of_views_loads_nothing_and_runs_one_script() -> None:
    html = document(page_view(page_of(HOSTILE)), title=HOSTILE)
    assert html.count("<script>") == html.count("</script>") == 1
    assert html.count(head()) == 1
    assert "default-src 'none'" in html
    assert not any(f"{scheme}://" in html for scheme in ("http", "https"))

"""The text that a reader found beside the text of the page: the figures are those of legibility, the HTML is text."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from glyphrender import Page, VisionModelError, render
from glyphrender.models.vision import vision_model
from glyphrender.ocr.comparison import comparable, edit_distance
from glyphrender.ocr.legibility import legibility
from glyphrender.studio.reading import differences, read_page

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"

words = st.text(st.sampled_from("abc é東ﬁ \n"), max_size=20)


def page_of(text: str) -> Page:
    return render(text)[0]


@given(words, words)
def test_the_edits_of_all_stretches_are_the_edit_distance(true: str, read: str) -> None:
    found = differences(true, read)
    assert sum(passage.edits for passage in found) == edit_distance(comparable(true), comparable(read))
    assert comparable("".join(passage.true for passage in found)) == comparable(true)
    assert comparable("".join(passage.read for passage in found)) == comparable(read)
    assert all(passage.wrong == (comparable(passage.true) != comparable(passage.read)) for passage in found)


@given(texts())
def test_a_text_that_is_read_right_has_no_differences(text: str) -> None:
    assert not any(passage.wrong for passage in differences(text, text))


def test_insertions_deletions_and_substitutions_are_marked_and_counted() -> None:
    reading = read_page(page_of("the quick brown fox"), reader=lambda image: "thee quack brwn fox")
    assert (reading.insertions, reading.substitutions, reading.deletions, reading.wrong) == (1, 1, 1, 3)
    marked = reading.html.partition("<pre")[2]
    assert "<ins>e</ins> qu<del>i</del><ins>a</ins>ck br<del>o</del>wn fox" in marked


def test_the_rate_is_that_of_legibility() -> None:
    document = render("It is a truth universally acknowledged.")

    def reader(image: object) -> str:
        return "lt is a truth, univcrsally acknowledgd"

    assert read_page(document[0], reader=reader).error_rate == legibility(document, reader).error_rate > 0


def test_neither_the_text_nor_the_reading_becomes_markup() -> None:
    reading = read_page(page_of(HOSTILE), reader=lambda image: f"{HOSTILE}<b>")
    assert set(re.findall(r"</?(\w+)", reading.html)) == {"section", "p", "pre", "ins", "del"}
    text = unescape(re.sub("<[^>]*>", "", reading.html.partition("<pre")[2].partition("\n")[2]))
    assert text == f"{HOSTILE}<b>"


def test_the_page_is_read_at_the_size_that_the_model_sees() -> None:
    page, sizes = page_of("In the beginning"), []
    for model in (None, "qwen3-vl"):
        read_page(page, model=model, reader=lambda image: sizes.append(image.size) or "")
    assert sizes == [page.size, vision_model("qwen3-vl").image(*page.size).size]


def test_a_model_that_is_not_known_is_an_error() -> None:
    with pytest.raises(VisionModelError, match="not a known vision model"):
        read_page(page_of("x"), model="none", reader=lambda image: "")


@pytest.mark.slow
def test_tesseract_reads_large_type() -> None:
    pytest.importorskip("tesserocr")
    text = "It is a truth universally acknowledged."
    reading = read_page(render(text, {"font_size": 20, "line_height": 24})[0])
    assert reading.error_rate < 0.2
    assert reading.summary.startswith("Tesseract read ")

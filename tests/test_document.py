"""`Document`, `Page` and `save`: a lazy sequence, whose pages land on disk all together or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from strategies import texts

import glyphrender
from glyphrender import DataError, Document, FontError, LayoutError, Page, Theta, layout, render
from glyphrender.typeset.layout import galleys, text_runs
from glyphrender.typeset.word_cache import WordStyle, words_of

SMALL = Theta(page_size=(120, 60), margin_x=4, margin_y=4)
TEXT = "In the beginning was the Word, and the Word was with God. " * 20


# -- a sequence ----------------------------------------------------------------------------------------


def test_a_document_is_a_sequence_of_pages() -> None:
    document = render(TEXT, SMALL)
    pages = list(document)
    assert len(document) == len(pages) > 5
    assert document[0] is pages[0]
    assert document[-1] is pages[-1]
    assert list(document[1:3]) == pages[1:3]
    assert list(reversed(document)) == pages[::-1]
    assert pages[2] in document
    assert document.index(pages[2]) == 2
    assert list(document) == pages
    with pytest.raises(IndexError, match=f"page {len(pages)} of {len(pages)}"):
        document[len(pages)]


def test_a_document_reaches_no_further_than_asked() -> None:
    document = render(TEXT, SMALL)
    assert "0 pages so far" in repr(document)
    assert document[2].number == 3
    assert "3 pages so far" in repr(document)
    assert bool(document)
    assert len(document) > 3
    assert "so far" not in repr(document)


def test_an_empty_document_is_false_and_has_no_pages() -> None:
    document = render("")
    assert not document
    assert len(document) == 0
    assert document.missing == {}


def test_iterators_of_one_document_do_not_disturb_each_other() -> None:
    document = render(TEXT, SMALL)
    one, other = iter(document), iter(document)
    assert next(one) is next(other)
    assert next(one) is next(other)
    assert [page.number for page in one] == list(range(3, len(document) + 1))


def test_a_document_of_a_stream_is_read_once() -> None:
    document = render(io.StringIO(TEXT), SMALL)
    assert document.streams
    assert "".join(page.text for page in document) == TEXT
    for use in (list, len, lambda one: one[0], lambda one: one.missing, lambda one: one[0:1]):
        with pytest.raises(LayoutError, match="once"):
            use(document)  # type: ignore[operator]


def test_pages_of_a_stream_are_let_go() -> None:
    import gc
    import weakref

    def pieces() -> Iterator[str]:
        for _ in range(3000):
            yield "some words and a newline\n"

    seen = [weakref.ref(page._layout.blocks[0].galley.run.piece) for page in render(pieces(), SMALL)]
    gc.collect()
    assert sum(one() is not None for one in seen) == 0


def test_errors_come_before_pages() -> None:
    with pytest.raises(FontError):
        render("a", Theta(font="No Such Family"))[0]
    with pytest.raises(FontError):
        next(layout("a", Theta(font="No Such Family")))


def test_arguments_by_default() -> None:
    assert render("a").theta == Theta()
    assert render("a")[0].theta == Theta()
    assert isinstance(render("a"), Document)


# -- a page --------------------------------------------------------------------------------------------


def test_a_page_says_what_it_is() -> None:
    page = render(TEXT, SMALL)[1]
    assert isinstance(page, Page)
    assert page.number == 2
    assert repr(page) == f"<Page 2: {page.size[0]}×{page.size[1]} px, characters {page.span[0]}–{page.span[1]}>"


@given(st.integers(0, 255).map(lambda level: f"#{level:02X}{level:02X}{level:02X}"))
def test_grey_pages_have_one_channel_and_the_colors_of_theta(background: str) -> None:
    ink = "#000000" if int(background[1:3], 16) > 127 else "#FFFFFF"
    page = render("■", SMALL.replace(page_bg_color=background, font_color=ink, font_size=30, line_height=30))[0]
    assert page.array.ndim == 2
    values, counts = np.unique(page.array, return_counts=True)
    assert values[counts.argmax()] == int(background[1:3], 16) or int(ink[1:3], 16) in values
    assert int(background[1:3], 16) in values
    assert int(ink[1:3], 16) in values


def test_colored_pages_have_three() -> None:
    page = render("■", SMALL.replace(font_color="#FF8000", page_bg_color="#000040", font_size=30, line_height=30))[0]
    assert page.array.shape == (*page.size[::-1], 3)
    colors = {tuple(pixel) for pixel in page.array.reshape(-1, 3).tolist()}
    assert {(255, 128, 0), (0, 0, 64)} <= colors
    assert page.image.mode == "RGB"


def test_each_array_is_new_and_may_be_written_to() -> None:
    page = render("a", SMALL)[0]
    before = page.array
    before[:] = 7
    assert (page.array != 7).any()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_holds_the_pixels_and_the_resolution(bits: int) -> None:
    page = render(TEXT, SMALL.replace(dpi=150))[0]
    with Image.open(io.BytesIO(page.png(bits=bits))) as image:
        assert image.size == page.size
        assert image.info["dpi"] == (pytest.approx(150, abs=0.05),) * 2
        decoded = np.asarray(image.convert("L")).astype(int)
    step = 255 / (2**bits - 1)
    assert np.abs(decoded - page.array).max() <= step / 2 + 1


def test_pages_without_grey_take_one_bit() -> None:
    page = render(TEXT, SMALL.replace(antialias=False))[0]
    assert set(np.unique(page.array)) == {0, 255}
    with Image.open(io.BytesIO(page.png())) as image:
        assert image.mode == "1"
        assert np.array_equal(np.asarray(image.convert("L")), page.array)


def test_pil_sees_the_same_pixels() -> None:
    page = render(TEXT, SMALL)[0]
    assert page.image.mode == "L"
    assert np.array_equal(np.asarray(page.image), page.array)
    with Image.open(io.BytesIO(page.png())) as image:
        assert np.array_equal(np.asarray(image), page.array)


def test_words_are_those_of_python_in_plain_prose() -> None:
    words = [word.text for page in render(TEXT, SMALL) for word in page.words]
    assert words == TEXT.split()


def test_missing_characters_are_counted_where_they_are() -> None:
    document = render("a\U0010fffe b\U0010fffe\n" * 30 + "\U000effff", SMALL)
    assert document.missing == {"\U0010fffe": 60, "\U000effff": 1}
    assert sum(page.missing.get("\U0010fffe", 0) for page in document) == 60
    assert document[0].missing.keys() == {"\U0010fffe"}
    assert render(TEXT, SMALL).missing == {}


@pytest.mark.slow
@given(texts())
def test_what_is_missing_is_in_the_text(text: str) -> None:
    for character, count in render(text, SMALL).missing.items():
        assert 0 < count <= text.count(character)


def test_threads_do_not_disturb_each_other() -> None:
    """Each typesets and draws words that the others have not met, all in one cache."""
    texts = [
        "".join(chr(0x100 + (7 * number + at) % 0x150) + " " * (at % 3 == 0) for at in range(600)) * 2
        for number in range(4)
    ]
    expected = [[page.png() for page in render(text, SMALL)] for text in texts]
    results: dict[int, list[bytes]] = {}

    def work(number: int) -> None:
        results[number] = [page.png() for page in render(texts[number], SMALL)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(3):
            words_of.cache_clear()
            results.clear()
            threads = [threading.Thread(target=work, args=(number,)) for number in range(len(texts))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [results.get(number) for number in range(len(texts))] == expected
    finally:
        sys.setswitchinterval(interval)
        words_of.cache_clear()


def test_lines_are_written_to_the_arena_by_one_thread_when_words_were_made_anew() -> None:
    """As they are when more than sixteen styles are in use: two threads may then have different words of one style."""
    runs = list(text_runs("x" * 200, SMALL))
    words_of.cache_clear()
    writer = threading.Thread(target=lambda: list(galleys("x" * 200, SMALL, runs=runs)))
    with runs[0].words.writing():
        size = runs[0].run.arena.kind.size
        writer.start()
        writer.join(0.2)
        assert runs[0].run.arena.kind.size == size
    writer.join()
    assert runs[0].run.arena.kind.size > size


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_shapes_words_does_not_hang() -> None:
    words_of.cache_clear()
    expected = [page.png() for page in render(TEXT, SMALL)]
    words = words_of(WordStyle.of(SMALL))
    written, forked = threading.Event(), threading.Event()

    def write() -> None:
        with words.writing():
            words.lexicon.numbers("a word that is half written")  # it has a number, and no glyphs
            written.set()
            forked.wait(60)

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(60)
    child = os.fork()
    if not child:
        signal.alarm(20)
        pages = [page.png() for page in render(TEXT, SMALL)]
        half = [page.text for page in render("half written", SMALL) if page.lines and page.array.min() < 255]
        os._exit(0 if pages == expected and half == ["half written"] else 1)
    forked.set()
    writer.join()
    words_of.cache_clear()
    assert os.waitpid(child, 0)[1] == 0


# -- on disk -------------------------------------------------------------------------------------------


def test_saving_writes_pages_and_a_manifest(tmp_path: Path) -> None:
    document = render(TEXT + "\U0010fffe", SMALL)
    manifest = document.save(tmp_path / "deep" / "pages")
    folder = tmp_path / "deep" / "pages"
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8")) == manifest
    names = [f"page_{number:04d}.png" for number in range(1, len(document) + 1)]
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", *names]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["pages"]
    assert Theta.from_dict(manifest["theta"]) == SMALL
    assert manifest["theta_digest"] == SMALL.digest
    assert manifest["versions"]["glyphrender"] == glyphrender.__version__
    for entry, page in zip(manifest["pages"], document, strict=True):
        data = (folder / entry["file"]).read_bytes()
        assert data == page.png()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert (entry["width"], entry["height"]) == page.size
        assert (entry["start"], entry["end"]) == page.span
        assert entry["bytes"] == len(data)
    assert manifest["pages"][-1]["missing"] == {"U+10FFFE": 1}


def test_processes_that_draw_write_the_same_bytes(tmp_path: Path) -> None:
    document = render(TEXT * 4, SMALL)
    assert len(document) > 32
    one = document.save(tmp_path / "one", jobs=1)
    two = document.save(tmp_path / "two", jobs=2)
    assert one == two
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_progress_is_told_page_by_page(tmp_path: Path) -> None:
    told: list[int] = []
    document = render(TEXT, SMALL)
    document.save(tmp_path / "pages", progress=told.append)
    assert told == list(range(1, len(document) + 1))


def test_a_stream_can_be_saved(tmp_path: Path) -> None:
    manifest = render(io.StringIO(TEXT), SMALL).save(tmp_path / "streamed", jobs=2)
    assert manifest == render(TEXT, SMALL).save(tmp_path / "whole")


def test_an_earlier_document_is_replaced(tmp_path: Path) -> None:
    render(TEXT, SMALL).save(tmp_path / "pages")
    render("short", SMALL).save(tmp_path / "pages")
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["manifest.json", "page_0001.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["pages"]


def test_other_files_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("x")
    with pytest.raises(DataError, match="holds other files"):
        render("a").save(tmp_path)
    with pytest.raises(DataError, match="is a file"):
        render("a").save(tmp_path / "thesis.docx")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_leaves_nothing_and_the_earlier_document_in_place(tmp_path: Path, jobs: int) -> None:
    before = render("before", SMALL).save(tmp_path / "pages")

    def interrupt(number: int) -> None:
        if number == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        render(TEXT, SMALL).save(tmp_path / "pages", jobs=jobs, progress=interrupt)
    with pytest.raises(Interrupted):
        render(TEXT, SMALL).save(tmp_path / "new", jobs=jobs, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["pages"]
    assert json.loads((tmp_path / "pages" / "manifest.json").read_text(encoding="utf-8")) == before


def test_an_error_while_text_is_read_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> Iterator[str]:
        yield TEXT * 100
        raise ValueError("the disk is gone")

    with pytest.raises(ValueError, match="the disk is gone"):
        render(pieces(), SMALL).save(tmp_path / "pages")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="cannot be written"):
        render("a").save(tmp_path / "pages")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot be written"):
        render("a").save(tmp_path / "file" / "pages")


def test_unpaired_surrogates_can_be_saved(tmp_path: Path) -> None:
    manifest = render("a\ud800b\U0010fffe\udfff", SMALL.replace(control_characters="HIDE")).save(tmp_path / "pages")
    assert json.loads((tmp_path / "pages" / "manifest.json").read_bytes()) == manifest

"""`Document`, `PageStream`, `Page` and `save`: lazy pages, which land on disk all together or not at all."""

from __future__ import annotations

import copy
import gc
import hashlib
import html
import io
import json
import os
import pickle
import re
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from strategies import examples, texts, thetas

import glyphrender
from glyphrender import (
    DataError,
    Document,
    FontError,
    GlyphRenderError,
    LayoutError,
    Page,
    PageStream,
    Theta,
    ThetaError,
    Typesetter,
    compression_ratio,
    default_typesetter,
    layout,
    render,
    render_file,
)
from glyphrender.document.sheet import SheetPage, frame, sheet
from glyphrender.theta import Emoji, MissingGlyph
from glyphrender.typeset.glyph_store import GlyphStore
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.paginate import Paginator

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


@pytest.mark.parametrize("use", [list, tuple, lambda stream: [*stream], lambda stream: list(iter(stream))])
def test_a_stream_gives_the_pages_of_its_text_once(use: Callable[[PageStream], Sequence[Page]]) -> None:
    stream = render(io.StringIO(TEXT), SMALL)
    assert isinstance(stream, PageStream)
    assert "not yet read" in repr(stream)
    assert [page.png() for page in use(stream)] == [page.png() for page in render(TEXT, SMALL)]
    assert "used up" in repr(stream)
    for again in (list, lambda one: one.save("x"), lambda one: one.ratio()):
        with pytest.raises(LayoutError, match="only once"):
            again(stream)  # type: ignore[operator]


@pytest.mark.slow
@given(st.lists(texts(max_size=40), max_size=5))
def test_a_stream_of_strings_gives_the_pages_of_the_whole(parts: list[str]) -> None:
    whole = [(page.number, page.span, page.size, page.text) for page in render("".join(parts), SMALL)]
    assert [(page.number, page.span, page.size, page.text) for page in render(iter(parts), SMALL)] == whole


def test_an_open_file_streams_and_a_file_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-16")
    with path.open(encoding="utf-16") as file:
        streamed = list(render(file, SMALL))
    document = render_file(path, SMALL)
    assert isinstance(document, Document)
    assert document.text == TEXT
    assert [page.png() for page in streamed] == [page.png() for page in document]
    path.write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match="not UTF-8"):
        render_file(path)
    assert render_file(str(path), encoding="cp1252").text == "café"
    assert render_file(path, errors="replace").text == "caf\ufffd"
    with pytest.raises(DataError, match="cannot be read"):
        render_file(tmp_path / "absent.txt")


def test_a_stream_that_was_begun_is_iterated_further_and_not_saved(tmp_path: Path) -> None:
    stream = render(iter([TEXT]), SMALL)
    assert next(stream).number == 1
    assert "being read" in repr(stream)
    with pytest.raises(LayoutError, match="only once"):
        stream.save(tmp_path / "pages")
    stream = render(iter([TEXT]), SMALL)
    assert [page.number for page in islice(stream, 2)] == [1, 2]
    assert next(iter(stream)).number == 3
    with pytest.raises(TypeError):
        len(stream)  # type: ignore[arg-type]


def test_a_stream_has_the_ratio_of_its_text() -> None:
    assert render(iter([TEXT]), SMALL).ratio() == render(TEXT, SMALL).ratio() == compression_ratio(TEXT, theta=SMALL)


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        (b"text", r'bytes, not str. Decode it, as in text.decode\("utf-8"\)'),
        (bytearray(b"text"), "bytearray, not str. Decode it"),
        (Path("text.txt"), r"PosixPath, not str. Use render_file\(path\)"),
        (None, "NoneType, not str. Pass a str, an iterator of str, or an open text file"),
        (7, "int, not str"),
        (io.BytesIO(b"text"), "BytesIO, not str. The file is open for bytes"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("call", [render, layout])
def test_what_is_no_text_is_an_error_at_once(call: Callable[[object], object], text: object, way_out: str) -> None:
    with pytest.raises(DataError, match=way_out):
        call(text)


def test_what_a_stream_yields_must_be_text() -> None:
    with pytest.raises(DataError, match="got bytes"):
        list(render(iter([b"text"])))  # type: ignore[list-item]
    with pytest.raises(DataError, match="text is StringIO, not str"):
        Document(io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize("call", [render, layout, Document])
def test_theta_is_a_theta_a_preset_a_mapping_or_none(call: Callable[..., Iterable[Page]]) -> None:
    assert next(iter(call("a", "dense"))).theta == Theta.preset("dense")
    assert next(iter(call("a", {"dpi": 96}))).theta == Theta(dpi=96)
    assert next(iter(call("a", None))).theta == Theta()
    with pytest.raises(ThetaError):
        call("a", 7)


def test_documents_pickle_and_are_copied() -> None:
    document = render(TEXT, SMALL, max_pages=50)
    expected = [page.png() for page in document]
    for other in (pickle.loads(pickle.dumps(document)), copy.copy(document), copy.deepcopy(document)):
        assert (other.text, other.theta) == (TEXT, SMALL)
        assert [page.png() for page in other] == expected
        with pytest.raises(LayoutError, match="max_pages=50"):
            other.extend_text(TEXT * 50)


@pytest.mark.slow
@examples(30)
@given(texts(), thetas(emoji=Emoji.MONO, missing_glyph=MissingGlyph.BOX, hyphenate=False))
def test_a_pickled_document_has_the_same_pages(text: str, theta: Theta) -> None:
    document = render(text, theta)
    assert [page.png() for page in pickle.loads(pickle.dumps(document))] == [page.png() for page in document]


def test_a_pickled_page_is_the_same() -> None:
    page = render(TEXT, SMALL)[2]
    other = pickle.loads(pickle.dumps(page))
    assert (other.number, other.span, other.text, other.png()) == (page.number, page.span, page.text, page.png())


@pytest.mark.slow
def test_a_page_can_be_referred_to_weakly() -> None:
    page = next(layout(TEXT, SMALL))
    reference = weakref.ref(page)
    assert reference() is page
    del page
    gc.collect()
    assert reference() is None


def test_a_sheet_inside_a_notebook_is_a_frame_that_nothing_leaves() -> None:
    text = "<script>alert(1)</script> & more\n" * 20
    pages = sheet(map(SheetPage.of, render(text, SMALL)), title="<b>", note="&")
    shown = frame(pages)
    assert re.fullmatch(
        r'<iframe title="Pages" sandbox="allow-scripts" style="[^"<>]*" srcdoc="[^"<>]*"></iframe>', shown
    )
    assert html.unescape(shown.partition('srcdoc="')[2].removesuffix('"></iframe>')) == pages
    assert "<script>alert" not in pages
    assert "default-src 'none'" in pages


def test_pages_of_a_stream_are_let_go() -> None:
    def pieces() -> Iterator[str]:
        for _ in range(3000):
            yield "some words and a newline\n"

    seen = [weakref.ref(page._layout.blocks[0].table.segments.number) for page in render(pieces(), SMALL)]
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


def test_a_page_is_saved_as_one_png(tmp_path: Path) -> None:
    page = render(TEXT, SMALL)[1]
    page.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == page.png()
    page.save(str(tmp_path / "a.PNG"), bits=1)
    assert (tmp_path / "a.PNG").read_bytes() == page.png(bits=1)
    with pytest.raises(DataError, match=r"a\.jpg does not end in \.png"):
        page.save(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="cannot be written"):
        page.save(tmp_path / "absent" / "a.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.PNG", "a.png"]


def test_pieces_are_the_words_of_python_in_plain_prose() -> None:
    pieces = [piece.text for page in render(TEXT, SMALL) for piece in page.pieces]
    assert pieces == TEXT.split()


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
            default_typesetter().clear()
            results.clear()
            threads = [threading.Thread(target=work, args=(number,)) for number in range(len(texts))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [results.get(number) for number in range(len(texts))] == expected
    finally:
        sys.setswitchinterval(interval)
        default_typesetter().clear()


def test_breaking_long_words_writes_to_the_store_once() -> None:
    """Layouts of one text do not make the store grow, whatever the width of the page."""
    typesetter = Typesetter()
    text = "\n".join(f"https://example.org/{number:04}/" + "x" * 100 for number in range(200))
    list(layout(text, SMALL, typesetter=typesetter))
    held = typesetter.holds
    assert held["segments"] < 200 * 130
    for width in (70, 80, 90):
        list(layout(text, SMALL.replace(page_size=(width, 100)), typesetter=typesetter))
    assert typesetter.holds == held


def test_an_error_is_not_taken_for_the_end_of_the_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = render("a\fb\fc", SMALL.replace(form_feed="PAGE"), max_pages=2)
    for _ in range(2):
        with pytest.raises(LayoutError, match="max_pages=2"):
            document.save(tmp_path / "pages")
    assert not list(tmp_path.iterdir())
    document = render(TEXT, SMALL)
    whole = len(render(TEXT, SMALL))
    finish = Paginator.finish

    def interrupted(self: Paginator) -> Iterator[PageLayout]:
        monkeypatch.setattr(Paginator, "finish", finish)
        raise KeyboardInterrupt

    monkeypatch.setattr(Paginator, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        len(document)
    assert len(document) == whole


@pytest.mark.parametrize("bits", [0, 3, 16, -1, 1.5, True, "4"])
def test_other_numbers_of_bits_are_refused(bits: Any) -> None:
    with pytest.raises(DataError, match="is not 8, 4, 2 or 1"):
        render("a")[0].png(bits=bits)


@pytest.mark.parametrize(
    "call",
    [
        lambda: render("a", max_pages="3"),
        lambda: render("a", max_pages=-1),
        lambda: render("a", typesetter=5),
        lambda: render({"a": 1}),
        lambda: compression_ratio(5),
        lambda: compression_ratio(Path("a.txt")),
        lambda: compression_ratio("a", model=5),
        lambda: compression_ratio("a", over_limit="zzz"),
        lambda: glyphrender.fit(b"a", rho=2),
        lambda: Theta.preset(None),
        lambda: Theta.load(1),
        lambda: render_file(1),
        lambda: render_file("a\0b"),
    ],
)
def test_wrong_arguments_are_errors_of_one_line_at_once(call: Callable[[], object]) -> None:
    with pytest.raises(GlyphRenderError) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_link_to_a_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    render("a").save(tmp_path / "link")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "manifest.json").exists()


def test_clear_forgets_everything_and_pages_stay_good() -> None:
    typesetter = Typesetter()
    pages = list(layout(TEXT, SMALL, typesetter=typesetter))
    drawn = [page.png() for page in pages]
    assert typesetter.holds["words"] > 15
    typesetter.clear()
    assert not any(typesetter.shaper.holds[name] for name in ("font stacks", "styles", "words", "texts"))
    assert [page.png() for page in pages] == drawn
    assert [page.png() for page in layout(TEXT, SMALL, typesetter=typesetter)] == drawn


@pytest.mark.slow
@pytest.mark.parametrize("max_bytes", [0, 3_000_000, 20_000_000])
def test_what_is_remembered_is_bounded(max_bytes: int) -> None:
    """One chunk of text needs what it needs; beyond that, nothing stays that passes the bound."""
    typesetter = Typesetter(max_bytes=max_bytes)
    for size in (6, 7, 8):
        for font in ("DejaVu Sans", "DejaVu Serif", "Inter", "Noto Sans"):
            theta = SMALL.replace(font=font, font_size=size)
            assert [page.png() for page in layout(TEXT, theta, typesetter=typesetter)] == [
                page.png() for page in layout(TEXT, theta)
            ]
            assert typesetter.nbytes <= max(max_bytes, 12_000_000)
    assert f"of {max_bytes / 2**20:.0f} MiB" in repr(typesetter)


def test_pixels_of_a_page_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    typesetter = Typesetter()
    drawn: list[int] = []
    draw = typesetter.draw
    monkeypatch.setattr(typesetter, "draw", lambda page, **how: (drawn.append(page.number), draw(page, **how))[1])
    first, second = list(layout(TEXT, SMALL, typesetter=typesetter))[:2]
    for page in (first, second, first):
        assert page.image.size == page.size
        assert np.array_equal(page.array, page.array)
    assert drawn == [1, 2]


def alive(kind: type) -> int:
    """Return how many values of a type there are."""
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


def test_small_pages_that_were_drawn_are_not_kept_without_bound() -> None:
    """A page keeps its layout and fonts, which weigh more than its pixels."""
    typesetter = Typesetter()
    before = alive(PageLayout)
    for number in range(120):
        page = next(iter(layout(str(number), SMALL, typesetter=typesetter)))
        assert page.array.shape[:2] == page.size[::-1]
    del page
    assert typesetter.holds["drawn pages"] == 64
    assert alive(PageLayout) - before <= 64


def test_pages_that_were_drawn_keep_no_store_and_no_fonts_that_were_forgotten() -> None:
    typesetter = Typesetter()
    first, before = typesetter.shaper.store, alive(GlyphStore)
    for number in range(60):
        theta = SMALL.replace(language=f"q{chr(97 + number % 20)}{chr(97 + number // 20)}")
        page = next(iter(layout("Five words of any size", theta, typesetter=typesetter)))
        assert page.array.size
    assert typesetter.shaper.store is not first
    del page, first
    assert alive(GlyphStore) == before


def test_a_page_is_pickled_with_its_own_glyphs_alone() -> None:
    pages = list(layout(TEXT * 3, SMALL.replace(line_numbers=3, alignment="JUSTIFY", spaces="COLLAPSE")))
    for page in pages:
        data = pickle.dumps(page)
        assert len(data) < 100_000
        again = pickle.loads(data)
        assert (again.png(), again.span, again.size, again.text) == (page.png(), page.span, page.size, page.text)
        assert (again.words, again.pieces, again.lines) == (page.words, page.pieces, page.lines)
        assert again.missing == page.missing


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_shapes_words_does_not_hang() -> None:
    typesetter = Typesetter()
    expected = [page.png() for page in render(TEXT, SMALL, typesetter=typesetter)]
    written, forked = threading.Event(), threading.Event()

    def write() -> None:
        with typesetter.lock:
            written.set()
            forked.wait(300)

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(300)
    child = os.fork()
    if not child:
        signal.alarm(300)
        pages = [page.png() for page in render(TEXT, SMALL, typesetter=typesetter)]
        os._exit(0 if pages == expected else 1)
    forked.set()
    writer.join()
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
    manifest = render(io.StringIO(TEXT), SMALL).save(tmp_path / "streamed")
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

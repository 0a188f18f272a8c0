"""Bytes are decoded without guessing, no character is lost, and chunks depend on the text alone."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import texts

from glyphrender import DataError, Theta, layout
from glyphrender.text import bidi
from glyphrender.text.parts import LINE_ENDS, count_line_ends
from glyphrender.text.properties import codepoints
from glyphrender.text.source import CHUNK, Chunk, chunks, decode, read


def cut(text: str, size: int, **options: int | None) -> list[Chunk]:
    return list(chunks(text, size=size, **options))


@pytest.mark.slow
@given(texts(), st.integers(1, 300))
@example("a\r\nb\r\n", 2)
@example("\r\n" * 9, 3)
@example("\r" * 9 + "\n", 4)
def test_chunks_add_up_to_the_text(text: str, size: int) -> None:
    offset = line = 0
    for chunk in cut(text, size):
        assert 0 < len(chunk.text) <= size + 1  # a CR LF may pass the end
        assert (chunk.offset, chunk.line) == (offset, line)
        offset += len(chunk.text)
        line += count_line_ends(chunk.text)
    assert "".join(chunk.text for chunk in cut(text, size)) == text


@given(texts(), st.integers(2, 300))
def test_chunks_end_where_paragraphs_do_or_say_that_they_are_open(text: str, size: int) -> None:
    some = cut(text, size)
    for chunk, following in zip(some[:-1], some[1:], strict=True):
        assert chunk.open == (chunk.text[-1] not in LINE_ENDS)
        assert not (chunk.text[-1] == "\r" and following.text[0] == "\n")
    assert not some or not some[-1].open


@pytest.mark.slow
@given(texts(), st.integers(1, 60), st.lists(st.integers(0, 400), max_size=6))
def test_cuts_do_not_depend_on_how_the_text_arrives(text: str, size: int, cuts: list[int]) -> None:
    edges = [0, *sorted(min(at, len(text)) for at in cuts), len(text)]
    parts = [text[start:end] for start, end in zip(edges[:-1], edges[1:], strict=True)]
    whole = cut(text, size)
    assert list(chunks(iter(parts), size=size)) == whole
    assert list(chunks(io.StringIO(text, newline=""), size=size)) == whole


@given(st.text(st.sampled_from("ab אב(,"), min_size=1, max_size=200), st.integers(5, 40))
def test_a_paragraph_that_is_cut_keeps_its_direction(paragraph: str, size: int) -> None:
    some = cut(paragraph, size)
    own = int(bidi.paragraph_levels(codepoints(paragraph), "auto")[0])
    assert [chunk.base for chunk in some[:1]] == [None]
    # A strong character after the first cut comes too late; the paragraph then counts as left-to-right.
    early = int(bidi.paragraph_levels(codepoints(some[0].text), "auto")[0])
    assert {chunk.base for chunk in some[1:]} <= {early}
    if any(character in "abאב" for character in some[0].text):
        assert early == own
    assert {chunk.base for chunk in cut(paragraph, size, base=1)[1:]} <= {1}


def test_a_paragraph_is_cut_after_a_space_else_at_a_break_else_between_clusters() -> None:
    assert [chunk.text for chunk in cut("aaa bbb ccc", 6)] == ["aaa ", "bbb ", "ccc"]
    assert [chunk.text for chunk in cut("aa-bb-cc", 5)] == ["aa-", "bb-cc"]
    family = "👩\u200d👩\u200d👧"
    assert [chunk.text for chunk in cut(family * 3, 7)] == [family] * 3
    assert [chunk.text for chunk in cut("\u0301" * 9, 4)] == ["\u0301" * 4, "\u0301" * 4, "\u0301"]


def test_a_stream_is_read_no_further_than_a_chunk_ahead() -> None:
    taken = 0

    def pieces() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "line of text\n" * 100

    some = chunks(pieces(), size=10_000)
    next(some)
    assert taken * 1300 <= 2 * 10_000 + 1300
    for _ in range(10):
        next(some)
    assert taken * 1300 <= 12 * 10_000 + 1300


def test_pages_of_an_endless_stream_can_be_had() -> None:
    def pieces() -> Iterator[str]:
        while True:
            yield "again and again "

    pages = layout(pieces(), Theta(page_size=(200, 100)))
    assert [next(pages).number for _ in range(3)] == [1, 2, 3]


def test_text_that_is_not_str_is_one_error() -> None:
    with pytest.raises(DataError, match="got bytes"):
        list(chunks([b"abc"]))  # type: ignore[list-item]
    with pytest.raises(DataError, match="text is BytesIO, not str"):
        list(layout(io.BytesIO(b"abc"), Theta()))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="got int"):
        list(layout(["a", 1], Theta()))  # type: ignore[list-item]


@given(texts())
def test_source_lines_end_where_python_ends_the_lines_of_a_file(text: str) -> None:
    lines = io.TextIOWrapper(io.BytesIO(text.encode("utf-8", "surrogatepass")), "utf-8", "surrogatepass").readlines()
    assert count_line_ends(text) == sum(line.endswith("\n") for line in lines)


# -- bytes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bom, encoding",
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_says_the_encoding_and_is_not_text(bom: bytes, encoding: str, tmp_path: Path) -> None:
    text = "naïve 中文 𝔘\r\n"
    path = tmp_path / "text"
    path.write_bytes(bom + text.encode(encoding))
    assert read(path) == text


def test_the_first_bad_byte_is_named() -> None:
    with pytest.raises(DataError, match=r"book.txt is not UTF-8 \(byte 0x93 at offset 4\)"):
        decode(b"said\x93yes\x94", name="book.txt")
    assert decode(b"said \x93yes\x94", name="book.txt", encoding="cp1252") == "said “yes”"
    assert decode(b"\x93", name="book.txt", errors="replace") == "\ufffd"


def test_binary_files_are_refused() -> None:
    with pytest.raises(DataError, match=r"looks binary \(byte 0x00 at offset 3"):
        decode(b"PK\x03\x00\x04", name="book.docx")


def test_other_faults_are_one_line_too(tmp_path: Path) -> None:
    for call in (
        lambda: decode(b"a", name="x", encoding="utf-9"),
        lambda: decode(b"\xff", name="x", errors="hopefully"),
        lambda: decode(codecs.BOM_UTF16_LE + b"a", name="x"),
        lambda: read(tmp_path / "nothing"),
        lambda: read(tmp_path),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_the_chunk_is_as_large_as_it_is_said_to_be() -> None:
    *whole, _ = (len(chunk.text) for chunk in chunks("x" * 300_000))
    assert len(whole) == 2
    assert all(CHUNK - 1 <= length <= CHUNK for length in whole)

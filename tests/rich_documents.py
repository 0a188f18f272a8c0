"""Random rich texts over any text, and the invariants of their pages. `fuzz_rich.py` tries many of them."""

from __future__ import annotations

from random import Random

import numpy as np
from test_invariants import check_boxes

from glyphrender import BlockStyle, Page, RichText, Style, Theta, Typesetter, layout
from glyphrender.rich import Cell, Table
from glyphrender.rich.drawn_text import DrawnText
from glyphrender.theta import Alignment
from glyphrender.typeset.style import consumption

STYLES = (
    Style(weight=700),
    Style(italic=True),
    Style(weight=900, italic=True, color="#555555"),
    Style(family="DejaVu Sans Mono", background="#dddddd"),
    Style(family="DejaVu Serif", size=0.8),
    Style(size=1.6, underline=True),
    Style(letter_spacing=0.2, strike=True),
    Style(letter_spacing=-0.05, color="#cc0000", background="#ffff00"),
    Style(weight=400, italic=False, underline=False),
    Style(),
)
BLOCKS = (
    BlockStyle(),
    BlockStyle(indent=1.5, marker="•"),
    BlockStyle(indent=2, rule="SIDE"),  # type: ignore[arg-type]
    BlockStyle(space_before=0.5, space_after=1, keep_with_next=True),
    BlockStyle(background="#eeeeee", alignment="CENTER"),  # type: ignore[arg-type]
    BlockStyle(alignment="JUSTIFY", rule="MIDDLE"),  # type: ignore[arg-type]
)
DRAWN = ("", " ", "\n", "x", "¶", "→ ", "<&>", "two words", "שלום", "漢字", "é", "\u0301", "\t", "a\nb", "\u200d")


def random_tables(length: int, random: Random) -> list[Table]:
    """Return tables over a text of `length` characters, whose cells begin anywhere."""
    edges = sorted(random.choices(range(length + 1), k=2 * random.randint(0, 2)))
    tables = []
    for lo, hi in zip(edges[::2], edges[1::2], strict=True):
        starts = sorted(set(random.choices(range(lo, hi), k=random.randint(1, 12)))) if lo < hi else []
        cells, row, column = [], 0, random.choice((0, 0, 3))
        for start in starts:
            cells.append(Cell(start, row, column))
            new = random.random() < 0.4
            row, column = (row + random.choice((1, 1, 2)), 0) if new else (row, column + random.choice((1, 1, 1, 4)))
        alignments = random.choices((None, *list(Alignment)[:3]), k=random.randint(0, 4))
        tables.append(Table(start=lo, end=hi, cells=tuple(cells), alignments=tuple(alignments), head=row % 3))
    return tables


def random_rich(text: str, random: Random, *, blocks: bool = True, tables: bool = True) -> RichText:
    """Return `text` with random spans, blocks, tables, consumed and replaced stretches."""
    places = range(len(text) + 1)

    def pairs(most: int) -> list[tuple[int, int]]:
        found = [sorted(random.choices(places, k=2)) for _ in range(random.randint(0, most))]
        return [(lo, min(hi, lo + random.choice((0, 1, 2, 5, 20, 1000)))) for lo, hi in found]

    spans = [(lo, hi, random.choice(STYLES)) for lo, hi in pairs(8)]
    if random.random() < 0.5:
        spans.sort(key=lambda span: (span[0], -span[1]))
    some = [(lo, hi, random.choice(BLOCKS)) for lo, hi in pairs(4)] if blocks else []
    edges = sorted(random.choices(places, k=2 * random.randint(0, 5)))
    consumed, replaced = [], []
    for lo, hi in zip(edges[::2], edges[1::2], strict=True):
        if random.random() < 0.5:
            consumed.append((lo, hi))
        else:
            replaced.append((lo, hi, random.choice(DRAWN)))
    rows = random_tables(len(text), random) if tables else []
    return RichText(text, spans, blocks=some, consumed=consumed, replaced=replaced, tables=rows)


def check_account(rich: RichText, pages: list[Page], theta: Theta) -> None:
    """Check that pages, lines and words account for every character of the source, and draw the drawn text."""
    assert "".join(page.text for page in pages) == rich.source
    assert "".join(page.drawn_text for page in pages) == consumption(theta).kept(rich.drawn)
    at = 0
    for page in pages:
        assert page.span[0] == at
        for line in page.lines:
            assert line.start == at
            assert line.text == rich.source[line.start : line.end]
            at = line.end
        assert page.span[1] == at
        for spans in (page.words, page.pieces):
            before = page.span[0]
            for span in spans:
                assert before <= span.start < span.end <= at
                assert span.text == rich.source[span.start : span.end]
                before = span.end
        characters = page.characters
        assert (characters.start < characters.end).all()
        assert (characters.end[:-1] <= characters.start[1:]).all()


def check_words(rich: RichText, pages: list[Page], theta: Theta) -> None:
    """Check that each letter that is drawn and has a place in the source is in a word and in a piece."""
    drawn = DrawnText(rich)
    if consumption(theta).spans(drawn.text):
        return
    places = np.arange(len(drawn.text))
    begins, kind = drawn.begins(places).tolist(), drawn.stands_for(places)[1].tolist()
    for kind_of_span in ("words", "pieces"):
        inside = np.zeros(len(rich.source) + 1, bool)
        for page in pages:
            for span in getattr(page, kind_of_span):
                inside[span.start : span.end] = True
        for character, begin, what in zip(drawn.text, begins, kind, strict=True):
            if character.isalnum() and what == 0:
                assert inside[begin], (kind_of_span, character, begin)


def check(rich: RichText, theta: Theta, *, draw: bool = True) -> list[Page]:
    """Check the pages of a rich text: the account, words, boxes, and that they can be drawn."""
    pages = list(layout(rich, theta))
    check_account(rich, pages, theta)
    check_words(rich, pages, theta)
    check_boxes(pages)
    if draw:
        for page in pages[:3]:
            assert page.array.shape[:2] == page.size[::-1]
    return pages


def same(ours: list[Page], theirs: list[Page], *, tolerance: int = 0) -> None:
    """Check that pages show the same at the same places."""
    assert [page.span for page in ours] == [page.span for page in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.size == other.size
        assert one.lines == other.lines
        assert np.abs(one.array.astype(int) - other.array).max() <= tolerance


def check_memory(rich: RichText, theta: Theta, pages: list[Page], *, size: int) -> None:
    """Check that the pages do not depend on chunks, on the store that fills up, or on the first use."""
    small = Typesetter(chunk_size=size)
    same(list(layout(rich, theta, typesetter=small)), pages, tolerance=16)
    same(list(layout(rich, theta, typesetter=small)), pages, tolerance=16)
    tight = Typesetter(max_bytes=1000, chunk_size=size)
    same(list(layout(rich, theta, typesetter=tight)), pages, tolerance=16)

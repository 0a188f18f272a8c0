"""`Page`: one page of a document, drawn when its pixels are asked for, and the places of its text on it.

A page holds its layout. Pixels and boxes of lines are computed from the layout on request, and remembered only then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.cached_property import cached_property
from glyphrender._system.paths import path_of
from glyphrender.document.collisions import collisions
from glyphrender.document.find import visible_parts
from glyphrender.document.span import Characters, Span, span_of
from glyphrender.document.words import Clusters, PlacedText, pieces, starts_of_rich_words, starts_of_words, words
from glyphrender.errors import DataError, shown
from glyphrender.raster import png
from glyphrender.raster.typesetter import Typesetter, default_typesetter
from glyphrender.text.parts import PartSpan
from glyphrender.text.properties import as_text
from glyphrender.theta import Theta
from glyphrender.typeset.glyph_store import BOX_FACE
from glyphrender.typeset.page_layout import Block, PageLayout
from glyphrender.typeset.place import Placed, place

if TYPE_CHECKING:
    from PIL.Image import Image


class Page:
    """One page of a document."""

    __slots__ = ("__dict__", "__weakref__", "_following", "_layout", "_typesetter")

    def __init__(self, layout: PageLayout, typesetter: Typesetter, *, length: int = 0) -> None:
        self._layout, self._typesetter = layout, typesetter
        self._following = max(0, length - layout.end)  # characters after this page; `length` is 0 if it is not known

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the lines and glyphs of this page, some 100 kB. The reading process opens the fonts again."""
        return _unpickled, (self._layout.alone(),)

    def __repr__(self) -> str:
        width, height = self.size
        return f"<Page {self.number}: {width}×{height} px, characters {self.span[0]}–{self.span[1]}>"

    @property
    def number(self) -> int:
        """Number of the page; the first is 1."""
        return self._layout.number

    @property
    def theta(self) -> Theta:
        """The rendering parameters of the page."""
        return self._layout.theta

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels. They are known before anything is drawn."""
        return self._layout.size

    @property
    def span(self) -> tuple[int, int]:
        """(start, end) of the characters of the source that are on this page."""
        return self._layout.start, self._layout.end

    @property
    def parts(self) -> tuple[PartSpan, ...]:
        """The parts, such as files, that have characters on this page; empty if the text has no parts."""
        return self._layout.parts

    @property
    def text(self) -> str:
        """The source text of this page, line ends included. The texts of all pages together are the input."""
        return "".join(block.table.segments.text[start:end] for block, start, end in self._blocks())

    @property
    def drawn_text(self) -> str:
        """The text that this page draws. It differs from `text` where markup is consumed or replaced.

        >>> from glyphrender import RichText, render
        >>> render(RichText("a &lt; b", replaced=[(2, 6, "<")]))[0].drawn_text
        'a < b'
        """
        drawn = []
        for block, start, end in self._blocks():
            segments = block.table.segments
            rows = block.segment_rows
            if segments.drawn_text is None and segments.hidden is None:
                drawn.append(segments.text[start:end])
                continue
            if segments.drawn_text is None:
                cps, places = segments.drawn()
                drawn.append(as_text(cps[slice(*np.append(places, len(cps))[[rows.start, rows.stop]])]))
                continue
            at = int(segments.drawn_lengths(slice(0, rows.start)).sum())
            drawn.append(segments.drawn_text[at : at + int(segments.drawn_lengths(rows).sum())])
        return "".join(drawn)

    @property
    def array(self) -> NDArray[np.uint8]:
        """The pixels as uint8: (h, w) if every color of θ and of rich text is neutral, else (h, w, 3) RGB.

        Each access returns a copy, so you may write to the array. The pages drawn last are remembered, so a second
        access does not draw again.
        """
        return self._typesetter.pixels(self._layout, following=self._following).copy()

    @property
    def image(self) -> Image:
        """The pixels as a PIL image of mode "L" or "RGB"; see `array`."""
        from PIL import Image

        return Image.fromarray(np.ascontiguousarray(self.array))

    def png(self, *, bits: int | None = None) -> bytes:
        """Return the page as PNG bytes. They hold the resolution of the page, but no date.

        Args:
            bits: bits of a grey pixel: 8, 4, 2 or 1. By default 8, or 1 if θ turns antialiasing off.

        Raises:
            DataError: `bits` is none of these.
        """
        default = 8 if self.theta.antialias or not self._two_colors else 1
        bits = default if bits is None else checked_bits(bits)
        drawn = self._typesetter.draw(self._layout, reuse=True, following=self._following)
        return png.encode(drawn, dpi=self.theta.dpi, bits=bits)

    @property
    def _two_colors(self) -> bool:
        theta = self.theta
        blocks = self._layout.blocks
        if self._layout.colors - {"#000000", "#FFFFFF"} or (blocks and blocks[0].table.segments.paragraph is not None):
            return False
        plain = {theta.font_color, theta.page_bg_color, theta.background} <= {"#000000", "#FFFFFF"}
        return (
            theta.is_grey
            and plain
            and not (
                theta.line_numbers or theta.continuation_mark or theta.page_header or theta.paragraph_ids != "NONE"
            )
        )

    @property
    def missing(self) -> dict[str, int]:
        """The characters that no font has, and how often each occurs on this page."""
        found: Counter[str] = Counter()
        for block in self._layout.blocks:
            segments = block.table.segments
            segment = segments.number[block.segment_rows]
            boxed = segment[segments.store.face.take(segment) == BOX_FACE]
            if len(boxed):
                rows, _ = segments.store.glyph_rows(boxed)
                found.update(map(chr, segments.store.glyph.take(rows).tolist()))
        return dict(found)

    @cached_property
    def collisions(self) -> dict[str, float]:
        """The scripts whose ink reaches over the ink of the next line or the edge of the page: name → most pixels.

        The boxes of glyphs are compared, so letters need not touch. Overlaps of less than one pixel are not listed.
        `leading=FIT` gives such lines more room.

        >>> from glyphrender import render
        >>> text = "\u0f56\u0f66\u0f90\u0fb2\u0f74\u0f56\u0f66 " * 40
        >>> list(render(text)[0].collisions), render(text, {"leading": "FIT"})[0].collisions
        (['Tibetan'], {})
        """
        return collisions(self._layout)

    @cached_property
    def lines(self) -> tuple[Span, ...]:
        """The lines in reading order."""
        spans: list[Span] = []
        for block, placed, start in self._placed():
            table = block.table
            lengths = table.segments.lengths(slice(placed.first_segment, placed.first_segment + len(placed.left)))
            boundary = np.append(0, np.cumsum(lengths))
            bounds = boundary[
                np.append(table.first[block.lo : block.hi], table.last[block.hi - 1]) - placed.first_segment
            ]
            left = (placed.boxes.left + block.column) * self.theta.scale
            right = left + placed.boxes.width * self.theta.scale
            height = placed.height.tolist()
            for line, (x0, x1, y) in enumerate(zip(left.tolist(), right.tolist(), placed.top.tolist(), strict=True)):
                spans.append(
                    span_of(block, start, int(bounds[line]), int(bounds[line + 1]), (x0, y, x1, y + height[line]))
                )
        return tuple(spans)

    @cached_property
    def words(self) -> tuple[Span, ...]:
        """The words with ink, in reading order. A word is the text between two word boundaries of UAX #29.

        Punctuation marks and symbols are words too, so every visible character of the source is in one of the boxes. To
        leave them out, keep the words with `any(map(str.isalnum, word.text))`. Every ideograph is a word, because no
        dictionary is used. Thai, Lao, Khmer and Burmese have the words of a dictionary if `complex_breaks=DICTIONARY`,
        else one word from space to space.

        A word that continues on the next line has a span on each line. A word that continues on the next page is cut
        there. If a word mixes directions, its box also covers the text between its two halves. Letters that share a
        glyph share a box.

        >>> from glyphrender import render
        >>> [word.text for word in render("A well-known author can't pay $3.50.")[0].words]
        ['A', 'well', '-', 'known', 'author', "can't", 'pay', '$', '3.50', '.']
        """
        found = list(self._placed())
        spans: list[Span] = []
        at = 0
        if any(block.table.segments.replaced is not None for block, _, _ in found):
            starts = starts_of_rich_words([(block, placed) for block, placed, _ in found], self.theta.complex_breaks)
        else:
            consumed = [block.table.segments.consumed()[start:end] for block, start, end in self._blocks()]
            drawn = np.concatenate([*consumed, np.zeros(0, bool)])
            starts = starts_of_words(self.text, self.theta.complex_breaks, drawn)
        for block, placed, origin in found:
            text = block.table.segments.text[origin : origin + block.characters]
            spans += self._spans(block, origin, words(block, placed, text, starts[at : at + len(text)]))
            at += len(text)
        return tuple(spans)

    @cached_property
    def pieces(self) -> tuple[Span, ...]:
        """The pieces with ink, in reading order. A piece is the text between two places where a line may end or ends.

        Every visible character of the source is in one of the boxes. A punctuation mark is in the box of its word.

        >>> from glyphrender import render
        >>> [piece.text for piece in render("A well-known author can't pay $3.50.")[0].pieces]
        ['A', 'well-', 'known', 'author', "can't", 'pay', '$3.50.']
        """
        return tuple(
            span
            for block, placed, origin in self._placed()
            for span in self._spans(block, origin, pieces(block, placed))
        )

    @cached_property
    def characters(self) -> Characters:
        """Where each character with ink stands, as columns of numbers: ligatures, kerning and bidi order included.

        >>> from glyphrender import render
        >>> characters = render("To be")[0].characters
        >>> characters.start.tolist(), characters.left.round(1).tolist()
        ([0, 1, 3, 4], [10.0, 14.0, 22.3, 28.0])
        """
        columns = []
        for block, placed, origin in self._placed():
            of, offset = Clusters.of(block, placed), block.table.segments.offset + origin
            top = placed.top[of.line]
            bottom = top + placed.height[of.line]
            columns.append((of.start + offset, of.end + offset, of.left, top, of.right, bottom))
        if not columns:
            none, nowhere = np.zeros(0, np.int64), np.zeros(0)
            return Characters(none, none, nowhere, nowhere, nowhere, nowhere)
        return Characters(*map(np.concatenate, zip(*columns, strict=True)))

    def _spans(self, block: Block, origin: int, stretches: Iterable[PlacedText]) -> Iterator[Span]:
        """Yield `stretches` of a block as spans. `origin` is where the block begins in the text of its segments."""
        for found in stretches:
            yield span_of(block, origin, found.start, found.end, (found.left, found.top, found.right, found.bottom))

    def save(self, path: str | PathLike[str], *, bits: int | None = None) -> None:
        """Write the page as one PNG file, atomically. A file of that name is replaced, whatever it holds.

        The file is not synced to the disk.

        Args:
            path: the file, whose name ends in ".png".
            bits: bits of a grey pixel, see `png`.

        Raises:
            DataError: the file cannot be written, or its name has another ending.
        """
        file = path_of(path, "Name a file that ends in .png.")
        if file.suffix.lower() != ".png":
            raise DataError(f"{file} does not end in .png. Use page.image.save(…) for other formats.", path=file)
        write_atomically(file, self.png(bits=bits), durable=False)

    def find(self, text: str) -> tuple[Span, ...]:
        """Return the places of `text` on this page: one span for each line that an occurrence touches.

        The search is case-sensitive and runs over the source text, so line breaks on the page do not matter. A span is
        the part of an occurrence from its first to its last visible character on the line. The box is as wide as these
        characters, and as high as the line; letters that share a glyph share a box, and so do a letter and its accents.
        If a line mixes directions, the box also covers the text between these characters. Occurrences do not overlap.
        An occurrence that continues on the next page is not found.

        Raises:
            DataError: `text` is empty, or not str.

        >>> from glyphrender import render
        >>> [span.start for span in render("Word by word by word")[0].find("word")]
        [8, 16]
        """
        if not isinstance(text, str) or not text:
            raise DataError(f"text={shown(text)} cannot be found. Pass a str of one character or more.")
        source, first = self.text, self.span[0]
        starts = [match.start() for match in re.finditer(re.escape(text), source)]
        if not starts:
            return ()
        spans: list[Span] = []
        for block, placed, origin in self._placed():
            offset = origin + block.table.segments.offset - first  # offset of the block, in characters of the page
            length = block.characters
            for start in starts:
                lo, hi = max(start - offset, 0), min(start + len(text) - offset, length)
                if lo < hi:
                    spans += [span_of(block, origin, *place) for place in visible_parts(block, placed, lo, hi)]
        return tuple(sorted(spans, key=lambda span: span.start))

    def _repr_png_(self) -> bytes:
        """Return the page as PNG bytes, for notebooks."""
        return self.png()

    def _blocks(self) -> Iterator[tuple[Block, int, int]]:
        """Yield (block, start, end): the block holds characters `start` to `end` of the text of its segments."""
        at = self._layout.start
        for block in self._layout.blocks:
            start = at - block.table.segments.offset
            at += block.characters
            yield block, start, at - block.table.segments.offset

    def _placed(self) -> Iterator[tuple[Block, Placed, int]]:
        for block, start, _ in self._blocks():
            yield block, place(block, self.theta), start


def checked_bits(bits: object) -> int:
    """Return `bits` if a grey pixel can have so many bits.

    Raises:
        DataError: `bits` is not 8, 4, 2 or 1.
    """
    if not isinstance(bits, int) or isinstance(bits, bool) or bits not in (1, 2, 4, 8):
        raise DataError(f"bits={shown(bits)} is not 8, 4, 2 or 1. Leave it out for the default.")
    return bits


def _unpickled(layout: PageLayout) -> Page:
    typesetter = default_typesetter()
    typesetter.adopt(layout)
    return Page(layout, typesetter)

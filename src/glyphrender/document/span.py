"""Places on a page, as values: a part of the source with its box, and the boxes of all characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.style import Style
from glyphrender.typeset.page_layout import Block

#: (x0, y0, x1, y1) in pixels from the top left corner of the page. x1 and y1 lie just outside the box.
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A part of the source, and its box on a page.

    Attributes:
        text: the characters.
        start, end: their offsets in the source, in characters.
        box: (x0, y0, x1, y1) in pixels from the top left corner of the page.
        styles: the styles of the characters, in their order, each once; empty if none has a style.

    >>> from glyphrender import render
    >>> word = render("In the beginning was the Word.")[0].words[2]
    >>> word.text, word.start, word.end
    ('beginning', 7, 16)
    """

    text: str
    start: int
    end: int
    box: Box
    styles: tuple[Style, ...] = ()


class Characters(NamedTuple):
    """Where the characters of a page stand, in the order of the source. Each column has one value a row.

    A row is a grapheme cluster that has glyphs: a letter with its accents, or letters that share a glyph. Spaces and
    line ends have no row.

    Attributes:
        start, end: int64, offsets of the characters in the source.
        left, top, right, bottom: float64, the box in pixels, as wide as the advance and as high as the line.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    left: NDArray[np.float64]
    top: NDArray[np.float64]
    right: NDArray[np.float64]
    bottom: NDArray[np.float64]


def span_of(block: Block, origin: int, start: int, end: int, box: Box) -> Span:
    """Return characters `start` to `end - 1` of a block as a span.

    `origin` is where the block begins in the text of its segments.
    """
    segments = block.table.segments
    styles = () if segments.look is None else _styles(block, start, end)
    start, end = origin + start, origin + end
    return Span(
        text=segments.text[start:end],
        start=segments.offset + start,
        end=segments.offset + end,
        box=box,
        styles=styles,
    )


def _styles(block: Block, start: int, end: int) -> tuple[Style, ...]:
    """Return the styles of characters `start` to `end - 1` of a block of rich text, each once."""
    segments, rows = block.table.segments, block.segment_rows
    assert segments.look is not None
    lengths = segments.lengths(rows)
    ends = np.cumsum(lengths)
    inked = ends - lengths + segments.ink_lengths(rows)
    some = slice(int(np.searchsorted(ends, start, "right")), int(np.searchsorted(ends, end)) + 1)
    looks = segments.look[rows][some][inked[some] > start]
    found = tuple(dict.fromkeys(segments.looks[look] for look in looks.tolist()))
    return () if found == (Style(),) else found

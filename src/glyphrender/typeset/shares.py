"""A long text in segments that several processes lay out at once, into the pages that one would make.

Lines depend on nothing outside their paragraph, but pages on every line before them. So whoever has a segment
breaks it into lines by itself, and is told by the one before only which page begins where; it ends the page
that it is on with lines of the next segment, which skips them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from glyphrender.text.source import count_line_ends
from glyphrender.theta import Theta
from glyphrender.typeset.layout import galleys
from glyphrender.typeset.line_table import Galley
from glyphrender.typeset.paginate import PageLayout, Paginator

# Characters of a segment: some 35 pages, of which up to one is set twice.
SEGMENT = 1 << 18
# Characters of the next segment that are set at a time, to end the page.
_BORROWED = 1 << 13


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Characters `start` to `end` of a text, which are whole paragraphs; `line` line ends come before them."""

    start: int
    end: int
    line: int


def segments(text: str, shares: int) -> list[Segment]:
    """`text` in segments of about `SEGMENT` characters, a multiple of `shares` where its paragraphs allow it."""
    return list(_cut(text, -(-len(text) // (shares * max(1, round(len(text) / (shares * SEGMENT)))))))


def _cut(text: str, size: int, start: int = 0, line: int = 0) -> Iterator[Segment]:
    """Segments of at least `size` characters, from `start` on."""
    while start < len(text):
        newline = text.find("\n", start + size - 1)
        end = newline + 1 if newline >= 0 else len(text)
        yield Segment(start=start, end=end, line=line)
        line += count_line_ends(text[start:end])
        start = end


def lay_out(
    text: str,
    segment: Segment,
    theta: Theta,
    begin: Callable[[], tuple[int, int]],
    *,
    max_pages: int | None = None,
) -> tuple[list[PageLayout], tuple[int, int]]:
    """The pages that begin in `segment`.

    Args:
        text: the whole text.
        segment: the part of it.
        theta: whose newlines end paragraphs.
        begin: called once the lines of the segment are known; gives the number of pages before its first, and the
            character at which that begins.
        max_pages: see `layout_pages`.

    Returns:
        the pages, and what the next segment is to be told.
    """

    def lines(of: Segment) -> Iterator[Galley]:
        return galleys(text[of.start : of.end], theta, offset=of.start, line=of.line)

    own = list(lines(segment))
    number, at = begin()
    if at >= segment.end:
        return [], (number, at)
    paginator = Paginator(theta, max_pages=max_pages, number=number, end=at)
    line = segment.line + count_line_ends(text[segment.start : segment.end])
    borrowed = chain.from_iterable(map(lines, _cut(text, _BORROWED, segment.end, line)))
    pages: list[PageLayout] = []
    for page in paginator.fill(chain(own, borrowed)):
        pages.append(page)
        if page.end >= segment.end:
            break
    return pages, (paginator.number, paginator.end)

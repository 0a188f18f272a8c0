"""Shares: a long text is cut into parts that several processes lay out at once. The pages are those of one process.

Lines depend on nothing outside their paragraph, but pages depend on every line before them. So each process breaks its
share into lines by itself. The process before it tells it only where its first page begins, and how many pages come
before that. A process fills its last page with lines of the next share, whose own process skips these lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from glyphrender.text.consumed import NOTHING, Consumption
from glyphrender.text.flow import STILL, Flow
from glyphrender.text.parts import PartSpan
from glyphrender.theta import Theta
from glyphrender.typeset.layout import lines_of_part
from glyphrender.typeset.line_table import LineTable
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.paginate import Paginator
from glyphrender.typeset.shaper import Shaper
from glyphrender.typeset.style import consumption, flow_of

# Characters of a share. They make some 35 pages, of which up to one is laid out twice.
SHARE = 1 << 18
# Characters of the next share that are broken into lines at a time, to fill the last page.
_BORROWED = 1 << 13


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A part of a text, of whole paragraphs.

    Attributes:
        start, end: its characters.
        line: the number of source lines that end before it.
    """

    start: int
    end: int
    line: int


def shares_of(text: str, processes: int, consumed: Consumption = NOTHING, flow: Flow = STILL) -> list[Share]:
    """Return `text` in shares of about `SHARE` characters: a multiple of `processes`, where its paragraphs allow it."""
    size = -(-len(text) // (processes * max(1, round(len(text) / (processes * SHARE)))))
    return list(_cut(text, consumed, flow, size))


def _cut(text: str, consumed: Consumption, flow: Flow, size: int, start: int = 0, line: int = 0) -> Iterator[Share]:
    """Yield shares of at least `size` characters, from `start` on."""
    while start < len(text):
        newline = text.find("\n", start + size - 1)
        end = newline + 1 if newline >= 0 else len(text)
        if flow and newline >= 0:
            end = flow.paragraph_end(text, start + size - 1, before=False)
        yield Share(start=start, end=end, line=line)
        line += consumed.count_line_ends(text[start:end])
        start = end


def lay_out(
    text: str,
    share: Share,
    theta: Theta,
    shaper: Shaper,
    begin: Callable[[], tuple[int, int]],
    *,
    max_pages: int | None = None,
    parts: Sequence[PartSpan] = (),
) -> tuple[list[PageLayout], tuple[int, int]]:
    """Return (the pages that begin in `share`, what to tell the next share).

    Args:
        text: the whole text.
        share: the part of it.
        theta: the rendering parameters; a newline must end a paragraph.
        shaper: what is remembered.
        begin: called once the lines of the share are known. It returns (the number of pages before the first page that
            begins in the share, the character at which that page begins).
        max_pages, parts: see `layout_pages`.
    """

    def lines(of: Share) -> Iterator[LineTable]:
        return lines_of_part(text, theta, shaper, start=of.start, end=of.end, line=of.line)

    own = list(lines(share))
    number, at = begin()
    if at >= share.end:
        return [], (number, at)
    paginator = Paginator(theta, max_pages=max_pages, number=number, end=at, parts=parts, text=text)
    consumed = consumption(theta)
    line = share.line + consumed.count_line_ends(text[share.start : share.end])
    borrowed = chain.from_iterable(map(lines, _cut(text, consumed, flow_of(theta), _BORROWED, share.end, line)))
    pages: list[PageLayout] = []
    for page in paginator.fill(chain(own, borrowed)):
        pages.append(page)
        if page.end >= share.end:
            break
    return pages, (paginator.number, paginator.end)

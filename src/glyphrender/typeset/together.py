"""Together: many short texts under one θ → the pages of each. Each text gets the pages that it gets alone.

A short text costs some 400 numpy calls, whatever its length. Lines depend on nothing outside their paragraph. So the
texts are joined by newlines, analysed and broken into lines as one chunk, and the table of lines is cut where one text
ends. Then each text fills pages of its own.

A text is set alone where this might change a page: if a newline ends no paragraph under θ, if θ consumes characters,
joins lines or leaves its columns to the text, or if the text is rich, empty, longer than a chunk, or ends with a line
end that is no newline. So is a text whose end is wider than a line: there the newline would take a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from glyphrender.rich.door import has_markup
from glyphrender.rich.rich_text import RichText
from glyphrender.text.parts import LINE_ENDS
from glyphrender.theta import Theta
from glyphrender.theta.parameter import AUTO
from glyphrender.typeset.layout import analysed, layout_pages, set_lines
from glyphrender.typeset.line_table import LineTable
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.paginate import Paginator
from glyphrender.typeset.shaper import Shaper
from glyphrender.typeset.style import consumption, flow_of


def layout_together(
    texts: Sequence[str | RichText], theta: Theta, shaper: Shaper, *, max_pages: int | None = None
) -> list[list[PageLayout]]:
    """Return the pages of each text, as `layout_pages` gives them.

    Args:
        texts: the texts.
        theta: the rendering parameters of all.
        shaper: what is remembered. The texts themselves are not.
        max_pages: a limit on the number of pages of each text.

    Raises:
        FontError: a font of `theta` cannot be used.
        LayoutError: a text needs more than `max_pages` pages.
    """
    pages: list[list[PageLayout]] = [[] for _ in texts]
    joins = theta.newline_marker is None and not (consumption(theta) or flow_of(theta) or has_markup(theta))
    joins = joins and theta.columns != AUTO
    plain = [text.source if isinstance(text, RichText) else text for text in texts]
    waiting: list[int] = []
    length = 0
    for number, (text, given) in enumerate(zip(plain, texts, strict=True)):
        size = len(text) + (not text.endswith("\n"))
        rich = isinstance(given, RichText) and not given.is_plain
        if rich or not joins or not text or size > shaper.chunk_size or text[-1] in LINE_ENDS.replace("\n", ""):
            pages[number] = list(layout_pages(given, theta, shaper, max_pages=max_pages))
            continue
        if length + size > shaper.chunk_size:
            _fill(pages, waiting, plain, theta, shaper, max_pages)
            waiting, length = [], 0
        waiting.append(number)
        length += size
    if waiting:
        _fill(pages, waiting, plain, theta, shaper, max_pages)
    return pages


def _fill(
    pages: list[list[PageLayout]],
    numbers: Sequence[int],
    texts: Sequence[str],
    theta: Theta,
    shaper: Shaper,
    max_pages: int | None,
) -> None:
    """Put the pages of the texts with these `numbers` into `pages`. Together, the texts fit a chunk."""
    some = [texts[number] for number in numbers]
    for number, lines in zip(numbers, _lines_of_each(some, theta, shaper), strict=True):
        if lines is None:
            pages[number] = list(layout_pages(texts[number], theta, shaper, max_pages=max_pages))
        else:
            pages[number] = list(Paginator(theta, max_pages=max_pages).fill([lines]))


def _lines_of_each(texts: Sequence[str], theta: Theta, shaper: Shaper) -> Iterator[LineTable | None]:
    """Yield the lines of each text, or None if its newline has a line of its own.

    Args:
        texts: the texts. None is empty, and together they fit a chunk.
        theta: the rendering parameters.
        shaper: what is remembered.
    """
    joined = "".join(text if text.endswith("\n") else f"{text}\n" for text in texts)
    style = shaper.style(theta)
    (table,) = set_lines(analysed(joined, theta, style, shaper), theta, style, shaper)
    ends = np.cumsum([len(text) + (not text.endswith("\n")) for text in texts])
    # The number of characters before each line; a text begins with a line.
    before = np.append(0, np.cumsum(table.segments.lengths()))[np.append(table.first, table.last[-1:])]
    bounds = np.searchsorted(before, np.append(0, ends)).tolist()
    for text, lo, hi in zip(texts, bounds, bounds[1:], strict=False):
        yield _alone(table, lo, hi, text)


def _alone(table: LineTable, lo: int, hi: int, text: str) -> LineTable | None:
    """Return lines `lo` to `hi - 1` as the lines of `text`, without the newline that was added to it.

    If this newline has a line of its own, return None.
    """
    start, stop = int(table.first[lo]), int(table.last[hi - 1]) - (not text.endswith("\n"))
    if stop == table.first[hi - 1]:
        return None
    last = table.last[lo:hi] - start
    last[-1] = stop - start
    tabs = slice(*np.searchsorted(table.tab_at, [start, stop]))
    return replace(
        table,
        segments=replace(table.segments.edited(slice(start, stop)), text=text, offset=0, line=0),
        first=table.first[lo:hi] - start,
        last=last,
        width=table.width[lo:hi],
        indent=table.indent[lo:hi],
        flags=table.flags[lo:hi],
        tab_at=table.tab_at[tabs] - start,
        tab_width=table.tab_width[tabs],
    )

"""`PageLayout`: a page whose lines are known. Its glyphs are not placed yet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.paragraphs import ParagraphCount
from glyphrender.text.parts import PartSpan
from glyphrender.theta import Theta
from glyphrender.theta.color import is_grey
from glyphrender.typeset.glyph_store import GlyphStore
from glyphrender.typeset.line_table import LineTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Lines `lo` to `hi - 1` of a line table, in one column of a page.

    Attributes:
        table: the line table.
        lo, hi: the range of lines.
        column: x of the left edge of the column, in points.
        tops: [hi - lo] y of the top of each line, in points from the top of the page.
        ascents: [hi - lo] distance from the top of each line to its baseline, in points; None under `leading=FIXED`.
        heights: [hi - lo] height of each line, in points; None likewise.
        room_above: the room between the first line and the line above it in the column, in points; 0 if none is.
        row_below: y of the first line below the repeated head of a table, in points; None for all other blocks.
    """

    table: LineTable
    lo: int
    hi: int
    column: float
    tops: NDArray[np.float64]
    ascents: NDArray[np.float64] | None = None
    heights: NDArray[np.float64] | None = None
    room_above: float = 0.0
    row_below: float | None = None

    def line_heights(self, theta: Theta) -> NDArray[np.float64]:
        """Return [hi - lo] the height of each line in points."""
        return np.full(self.hi - self.lo, theta.line_height) if self.heights is None else self.heights

    @property
    def segment_rows(self) -> slice:
        """The segments of the lines, as rows of `table.segments`."""
        return slice(int(self.table.first[self.lo]), int(self.table.last[self.hi - 1]))

    @property
    def text(self) -> str:
        """The characters of the source that the lines account for."""
        segments, rows = self.table.segments, self.segment_rows
        start = int(segments.lengths(slice(0, rows.start)).sum())
        return segments.text[start : start + self.characters]

    @property
    def characters(self) -> int:
        """The number of characters of the source that the lines account for."""
        return int(self.table.segments.lengths(self.segment_rows).sum())

    def alone(self, store: GlyphStore) -> Block:
        """Return this block with its own lines and segments and nothing else, its glyphs copied into `store`."""
        table = self.table
        # The segment before the first line too: whether a space at the head of a line collapses depends on it.
        start, stop = max(0, int(table.first[self.lo]) - 1), int(table.last[self.hi - 1])
        segments = table.segments.split(stop)[0].split(start)[1]
        distinct, place = np.unique(segments.number, return_inverse=True)
        segments = segments.stored_in(store, store.copied(segments.store, distinct)[place])
        lines = slice(self.lo, self.hi)
        tabs = slice(*np.searchsorted(table.tab_at, [start, stop]))
        columns = table.line_columns(lines)
        columns |= {"first": table.first[lines] - start, "last": table.last[lines] - start}
        own = replace(
            table,
            segments=segments,
            **columns,
            tab_at=table.tab_at[tabs] - start,
            tab_width=table.tab_width[tabs],
        )
        return replace(self, table=own, lo=0, hi=self.hi - self.lo)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageLayout:
    """A page whose lines are known, and with them its size.

    Attributes:
        number: 1 for the first page.
        theta: the rendering parameters.
        blocks: the lines, in reading order.
        heads: the heads of tables that are repeated above columns; furniture, so no character of the source.
        size: width and height in pixels, cropping applied.
        start, end: the characters of the source that the page shows.
        parts: the parts of the source that have characters on the page.
        section: the heading in force where the page begins, else the first heading on it; empty unless the running
            header shows it.
        paragraphs: the account of paragraphs up to `start`; None unless their ids are drawn.
    """

    number: int
    theta: Theta
    blocks: tuple[Block, ...]
    size: tuple[int, int]
    start: int
    end: int
    parts: tuple[PartSpan, ...] = ()
    section: str = ""
    paragraphs: ParagraphCount | None = None
    heads: tuple[Block, ...] = ()

    @property
    def drawn_blocks(self) -> tuple[Block, ...]:
        """The lines that are drawn, from the top of each column to its bottom: repeated heads too."""
        if not self.heads:
            return self.blocks
        over = {head.column: head for head in self.heads}
        found: list[Block] = []
        for block in self.blocks:
            found += [over.pop(block.column), block] if block.column in over else [block]
        return tuple(found)

    @property
    def is_grey(self) -> bool:
        """Whether one channel can hold the page, and all other pages of the text."""
        if not self.theta.is_grey:
            return False
        segments = self.blocks[0].table.segments if self.blocks else None
        if segments is None or not (segments.looks or segments.paragraph_styles):
            return True
        return all(map(is_grey, self.colors))

    @property
    def colors(self) -> set[str]:
        """The colors of rich text, on this page and on all others of the text."""
        if not self.blocks:
            return set()
        segments = self.blocks[0].table.segments
        colors = {color for style in segments.looks for color in (style.color, style.background)}
        return {color for color in colors | segments.paragraph_styles.colors if color}

    @property
    def stores(self) -> list[GlyphStore]:
        """The glyph stores that the page refers to; nearly always one."""
        return list({id(block.table.segments.store): block.table.segments.store for block in self.blocks}.values())

    def alone(self) -> PageLayout:
        """Return this page with a glyph store of its own, so that it can be sent to another process.

        The new store has no styles; see `GlyphStore.__reduce__`.
        """
        store = GlyphStore()
        blocks, heads = (tuple(block.alone(store) for block in some) for some in (self.blocks, self.heads))
        return replace(self, blocks=blocks, heads=heads)

"""Paragraphs: the blocks and tables of a rich text → the style of each of its paragraphs.

Blocks may lie inside each other. Their indents add up, so a bar beside a quotation stands at the indent of the
quotation. A paragraph belongs to the blocks in which it begins. The paragraphs of a table have the blocks around the
table, and the place of their cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import kinds
from glyphrender.rich.drawn_text import DrawnText
from glyphrender.rich.spans import BlockSpan
from glyphrender.rich.table import Table
from glyphrender.text import bidi
from glyphrender.text.parts import LINE_ENDS
from glyphrender.text.properties import codepoints
from glyphrender.text.runs import are_in, ranges, set_of
from glyphrender.typeset.folded_blocks import folded_blocks
from glyphrender.typeset.paragraph_styles import ALIGNMENTS, Begins, ParagraphStyles, StyleColumns

_LINE_ENDS: Final = set_of(map(ord, LINE_ENDS))
# What ends a paragraph of bidi: line ends, and three separators that stand inside a line of ours.
_BIDI_ENDS: Final = set_of(map(ord, LINE_ENDS + bidi.INNER_SEPARATORS))
# The first code point that is set from right to left.
_LEFTWARD: Final = 0x590


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraphs:
    """The paragraphs of a rich text.

    Attributes:
        start: [p] the drawn character at which each paragraph begins; rising.
        style: [p] the style of each paragraph, as a place in `styles`.
        styles: the styles.
    """

    start: NDArray[np.int64]
    style: NDArray[np.int32]
    styles: ParagraphStyles

    @classmethod
    def of(
        cls,
        text: DrawnText,
        blocks: Sequence[BlockSpan],
        tables: Sequence[Table] = (),
        *,
        base: int | None = None,
        overwritten: bool = False,
    ) -> Paragraphs | None:
        """Return the paragraphs of a rich text; None if it has neither blocks nor tables.

        Args:
            text: the drawn text.
            blocks, tables: those of the rich text.
            base: the direction, 0 or 1, that θ imposes on every paragraph, or None.
            overwritten: whether a lone CR takes back what stands before it on the line, and so ends no paragraph.
        """
        if not blocks and not tables:
            return None
        start = paragraph_starts(text.text, overwritten=overwritten)
        source = text.begins(start)
        if tables:
            blocks = _outside(blocks, tables)
        lo = np.searchsorted(source, [block.start for block in blocks])
        hi = np.searchsorted(source, [block.end for block in blocks])
        style, styles = folded_blocks(blocks, lo, hi, len(start))
        if tables:
            style, styles = _with_cells(text, start, source, style, styles, tables, base)
        return cls(start=start, style=style.astype(np.int32), styles=ParagraphStyles(styles))

    def styles_at(self, places: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the style of the paragraph in which each drawn character lies."""
        return self.style[np.searchsorted(self.start, places, "right") - 1]


def paragraph_starts(text: str, *, overwritten: bool = False) -> NDArray[np.int64]:
    """Return the first character of each paragraph of a drawn text; for `overwritten` see `Paragraphs.of`."""
    cps = codepoints(text)
    ends = are_in(cps, _LINE_ENDS)
    if overwritten:
        ends &= cps != 0x0D  # the LF of a CR LF ends the paragraph
    else:
        ends[:-1] &= ~((cps[:-1] == 0x0D) & (cps[1:] == 0x0A))
    return np.append(0, np.flatnonzero(ends) + 1).astype(np.int64)


def _outside(blocks: Sequence[BlockSpan], tables: Sequence[Table]) -> list[BlockSpan]:
    """Return the blocks that hold a table as a whole or not at all; what begins or ends inside one has no effect."""
    first, last = np.array([(table.start, table.end) for table in tables], np.int64).T
    start, end = np.array([(block.start, block.end) for block in blocks], np.int64).reshape(-1, 2).T

    def cut(places: NDArray[np.int64]) -> NDArray[np.bool_]:
        of = np.searchsorted(first, places, "right") - 1
        inside: NDArray[np.bool_] = (of >= 0) & (first[of] < places) & (places < last[of])
        return inside

    of = np.searchsorted(first, start, "right") - 1
    within = (of >= 0) & (first[of] <= start) & (end < last[of])
    kept = np.flatnonzero(~(cut(start) | cut(end) | within))
    return [blocks[number] for number in kept.tolist()]


def _with_cells(
    text: DrawnText,
    start: NDArray[np.int64],
    source: NDArray[np.int64],
    style_of: NDArray[np.intp],
    styles: StyleColumns,
    tables: Sequence[Table],
    base: int | None,
) -> tuple[NDArray[np.intp], StyleColumns]:
    """Return (the style of each paragraph, the styles), with the places of cells in the styles.

    Args:
        text: the drawn text.
        start, source: [p] where each paragraph begins in it, and in the source.
        style_of: [p] the style of each paragraph without its cell.
        styles: these styles.
        tables: the tables.
        base: the direction that θ imposes, or None.
    """
    bounds = np.array([(table.start, table.end) for table in tables], np.int64)
    first, last = np.searchsorted(source, bounds[:, 0]), np.searchsorted(source, bounds[:, 1])
    some = np.flatnonzero((first < last) & [len(table.cells) > 0 for table in tables])
    tables, first, count = [tables[at] for at in some.tolist()], first[some], (last - first)[some]
    if not tables:
        return style_of, styles
    of_table = np.repeat(np.arange(len(tables)), count)
    begins_table = np.append(True, of_table[1:] != of_table[:-1])
    at = ranges(first, count)  # the paragraphs in tables
    leftward = _are_leftward(codepoints(text.text), np.append(start, len(text.text)), first, count, base)
    numbers = chain.from_iterable(chain.from_iterable(table.cells for table in tables))
    cells = np.fromiter(numbers, np.int64).reshape(-1, 3)
    widths = np.array([len(table.alignments) for table in tables])
    number = {None: -1} | {side: number for number, side in enumerate(ALIGNMENTS)}
    sides = np.array([number[side] for table in tables for side in (*table.alignments, None)])
    # A paragraph belongs to the last cell that begins before it, and to the first of its table if none does.
    lowest = np.cumsum([0, *(len(table.cells) for table in tables[:-1])])[of_table]
    cell = np.maximum(np.searchsorted(cells[:, 0], source[at], "right") - 1, lowest)
    row, column = cells[cell, 1], cells[cell, 2]
    same_cell, same_row = np.append(False, cell[1:] == cell[:-1]), np.append(False, row[1:] == row[:-1])
    begins = np.where(same_cell, Begins.NOTHING, np.where(same_row, Begins.CELL, Begins.ROW))
    begins[begins_table] = Begins.TABLE
    head = np.array([table.head for table in tables])[of_table]
    # Columns without an alignment are as the last of `sides` of their table: as None.
    alignment = sides[(np.cumsum(widths + 1) - widths - 1)[of_table] + np.minimum(column, widths[of_table])]
    places, place = np.unique(column, return_inverse=True)
    key = style_of[at].astype(np.int64)
    for part, values in (
        (place, len(places)), (begins, len(Begins)), (alignment + 1, len(ALIGNMENTS) + 1), (row < head, 2),
        (row == head - 1, 2), (leftward[of_table], 2),
    ):  # fmt: skip
        key = key * values + part
    _, one, kind = kinds(key)
    known = len(styles.indent)
    with_cells = {
        "column": column, "begins": begins, "head": row == head - 1, "cell_alignment": alignment,
        "leftward": leftward[of_table], "keep": styles.keep[style_of[at]] | (row < head),
    }  # fmt: skip
    columns = {name: np.append(getattr(styles, name), values[one]) for name, values in with_cells.items()}
    found = styles.take(np.append(np.arange(known), style_of[at[one]]), **columns)
    style_of = style_of.copy()
    style_of[at] = known + kind
    return style_of, found


def _are_leftward(
    cps: NDArray[np.uint32],
    edges: NDArray[np.int64],
    first: NDArray[np.intp],
    count: NDArray[np.intp],
    base: int | None,
) -> NDArray[np.bool_]:
    """Return whether each table runs from right to left: as its first strong character does.

    Args:
        cps: [n] the drawn text.
        edges: [p + 1] the first characters of its paragraphs, and n.
        first, count: [t] the first paragraph of each table, and how many it has.
        base: the direction that θ imposes, or None.
    """
    leftward = np.full(len(first), base == 1)
    if base is not None:
        return leftward
    beyond = np.flatnonzero(cps >= _LEFTWARD)
    begin, end = edges[first], edges[first + count]
    some = np.flatnonzero(np.searchsorted(beyond, begin) < np.searchsorted(beyond, end))
    if not bidi.needs_bidi(cps[beyond]):
        return leftward
    size = (end - begin + 1)[some]  # each table is written as one paragraph, with a line end of its own
    whole = np.append(cps, np.uint32(0x0A))[ranges(begin[some], size)]
    whole[are_in(whole, _BIDI_ENDS)] = 0x20
    whole[np.cumsum(size) - 1] = 0x0A
    leftward[some] = bidi.paragraph_levels(whole) == 1
    return leftward

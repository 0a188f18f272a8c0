"""Paragraphs: the blocks and tables of a rich text → the style of each of its paragraphs.

Blocks may lie inside each other. Their indents add up, so a bar beside a quotation stands at the indent of the
quotation. A paragraph belongs to the blocks in which it begins. The paragraphs of a table have the blocks around the
table, and the place of their cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.drawn_text import DrawnText
from glyphrender.rich.spans import BlockSpan
from glyphrender.rich.style import BlockStyle, Rule
from glyphrender.rich.table import Table
from glyphrender.text import bidi
from glyphrender.text.parts import LINE_ENDS
from glyphrender.text.properties import codepoints
from glyphrender.text.runs import ranges
from glyphrender.theta import Alignment
from glyphrender.typeset.paragraph_styles import Begins, CellStyle, Marker, ParagraphStyle, ParagraphStyles

# Of more blocks than this inside each other, the innermost ones count.
_DEPTH: Final = 32
#: The indent of a block that has a marker and names no indent, in em.
MARKER_INDENT: Final = 1.5


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
        cls, text: DrawnText, blocks: Sequence[BlockSpan], tables: Sequence[Table] = (), base: int | None = None
    ) -> Paragraphs | None:
        """Return the paragraphs of a rich text; None if it has neither blocks nor tables.

        `base` is the direction, 0 or 1, that θ imposes on every paragraph, or None.
        """
        if not blocks and not tables:
            return None
        start = paragraph_starts(text.text)
        source = text.begins(start)
        if tables:
            blocks = _outside(blocks, tables)
        lo = np.searchsorted(source, [block.start for block in blocks])
        hi = np.searchsorted(source, [block.end for block in blocks])
        opened: dict[int, list[int]] = {}
        closed: dict[int, list[int]] = {}
        for number, (first, last) in enumerate(zip(lo.tolist(), hi.tolist(), strict=True)):
            if first < last:
                opened.setdefault(first, []).append(number)
                closed.setdefault(last, []).append(number)
        styles: dict[ParagraphStyle, int] = {}
        numbers, edges = [], []
        active: list[int] = []
        below = 0.0  # the space that the paragraph before asks for
        known: dict[tuple[Any, ...], tuple[int, float]] = {}  # most paragraphs share a few styles
        # The style changes only where a block opens or closes, and beside such places.
        edges_of = {0, *opened, *closed}
        places = sorted(edges_of | {at - 1 for at in closed} | {at + 1 for at in edges_of})
        for at in (place for place in places if 0 <= place < len(start)):
            gone, first, last = set(closed.get(at, ())), set(opened.get(at, ())), set(closed.get(at + 1, ()))
            active = sorted([number for number in active if number not in gone] + [*first])
            inner = [blocks[number].style for number in active[-_DEPTH:]]
            flags = tuple((number in first, number in last) for number in active[-_DEPTH:])
            key = tuple(map(id, inner)), flags, below
            if key not in known:
                style, after = _folded(inner, flags, below)
                known[key] = styles.setdefault(style, len(styles)), after
            of, below = known[key]
            numbers.append(of)
            edges.append(at)
        style_of = np.repeat(np.array(numbers, np.int32), np.diff([*edges, len(start)]))
        found = tuple(styles)
        if tables:
            style_of, found = _with_cells(text, start, source, style_of, found, tables, base)
        return cls(start=start, style=style_of, styles=ParagraphStyles(found))

    def styles_at(self, places: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the style of the paragraph in which each drawn character lies."""
        return self.style[np.searchsorted(self.start, places, "right") - 1]


def paragraph_starts(text: str) -> NDArray[np.int64]:
    """Return the first character of each paragraph of a drawn text."""
    cps = codepoints(text)
    ends = np.isin(cps, [ord(mark) for mark in LINE_ENDS])
    ends[:-1] &= ~((cps[:-1] == 0x0D) & (cps[1:] == 0x0A))
    return np.append(0, np.flatnonzero(ends) + 1).astype(np.int64)


def _folded(
    blocks: Sequence[BlockStyle], flags: Sequence[tuple[bool, bool]], below: float
) -> tuple[ParagraphStyle, float]:
    """Return (the style of a paragraph inside `blocks`, the space that it asks for below).

    Args:
        blocks: the styles of the blocks around the paragraph, the outermost first.
        flags: whether each block begins and ends with the paragraph.
        below: the space that the paragraph before asks for.
    """
    indent, before, after, keep = 0.0, below, 0.0, False
    background: tuple[str, float] | None = None
    alignment: Alignment | None = None
    sides: list[float] = []
    opened: list[float] = []
    markers: list[Marker] = []
    lines = dict.fromkeys((Rule.ABOVE, Rule.BELOW, Rule.MIDDLE), -1.0)
    for style, (begins, ends) in zip(blocks, flags, strict=True):
        outer = indent
        indent += style.indent or (MARKER_INDENT if style.marker else 0.0)
        alignment = style.alignment or alignment
        background = (style.background, outer) if style.background else background
        before = max(before, style.space_before) if begins else before
        after = max(after, style.space_after) if ends else after
        keep = keep or (ends and style.keep_with_next)
        if style.marker and begins:
            markers.append(Marker(start=outer, end=indent, text=style.marker))
        if style.rule is Rule.SIDE:
            sides.append(outer)
            opened += [outer] if begins else []
        elif (begins and style.rule in (Rule.ABOVE, Rule.MIDDLE)) or (ends and style.rule is Rule.BELOW):
            lines[style.rule] = outer
    folded = ParagraphStyle(
        indent=indent,
        before=before,
        alignment=alignment,
        keep=keep,
        background=background,
        sides=tuple(sides),
        opened=tuple(opened),
        above=lines[Rule.ABOVE],
        below=lines[Rule.BELOW],
        middle=lines[Rule.MIDDLE],
        markers=tuple(markers),
    )
    return folded, after


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
    style_of: NDArray[np.int32],
    styles: tuple[ParagraphStyle, ...],
    tables: Sequence[Table],
    base: int | None,
) -> tuple[NDArray[np.int32], tuple[ParagraphStyle, ...]]:
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
    edges = np.append(start, len(text.text))
    leftward = np.array(
        [_is_leftward(text.text[edges[lo] : edges[lo + n]], base) for lo, n in zip(first, count, strict=True)], bool
    )
    cells = np.array([cell for table in tables for cell in table.cells], np.int64)
    alignment_of_cell = [
        table.alignments[cell.column] if cell.column < len(table.alignments) else None
        for table in tables
        for cell in table.cells
    ]
    # A paragraph belongs to the last cell that begins before it, and to the first of its table if none does.
    lowest = np.cumsum([0, *(len(table.cells) for table in tables[:-1])])[of_table]
    cell = np.maximum(np.searchsorted(cells[:, 0], source[at], "right") - 1, lowest)
    row, column = cells[cell, 1], cells[cell, 2]
    same_cell, same_row = np.append(False, cell[1:] == cell[:-1]), np.append(False, row[1:] == row[:-1])
    begins = np.where(same_cell, Begins.NOTHING, np.where(same_row, Begins.CELL, Begins.ROW))
    begins[begins_table] = Begins.TABLE
    head = np.array([table.head for table in tables])[of_table]
    choices = list(dict.fromkeys(alignment_of_cell))
    alignment = np.array([choices.index(each) for each in alignment_of_cell])[cell]
    places, place = np.unique(column, return_inverse=True)
    key = style_of[at].astype(np.int64)
    for part, kinds in (
        (place, len(places)), (begins, len(Begins)), (alignment, len(choices)), (row < head, 2), (row == head - 1, 2),
        (leftward[of_table], 2),
    ):  # fmt: skip
        key = key * kinds + part
    _, one, number = np.unique(key, return_index=True, return_inverse=True)
    known = list(styles)
    for paragraph in one.tolist():
        of_cell = CellStyle(
            column=int(column[paragraph]),
            begins=Begins(int(begins[paragraph])),
            head=bool(row[paragraph] == head[paragraph] - 1),
            alignment=choices[alignment[paragraph]],
            leftward=bool(leftward[of_table[paragraph]]),
        )
        plain = styles[style_of[at[paragraph]]]
        known.append(replace(plain, cell=of_cell, keep=plain.keep or bool(row[paragraph] < head[paragraph])))
    style_of = style_of.copy()
    style_of[at] = len(styles) + number
    return style_of, tuple(known)


def _is_leftward(text: str, base: int | None) -> bool:
    """Return whether a table with this text runs from right to left: as its first strong character does."""
    if base is not None:
        return base == 1
    cps = codepoints(text)
    if not bidi.needs_bidi(cps):
        return False
    return bool(bidi.paragraph_levels(np.where(np.isin(cps, [ord(mark) for mark in LINE_ENDS]), 0x20, cps))[0])

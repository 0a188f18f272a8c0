"""Paragraph styles: the blocks of a rich text → what each of its paragraphs asks of the layout.

Blocks may lie inside each other. Their indents add up, so a bar beside a quotation stands at the indent of the
quotation. A paragraph belongs to the blocks in which it begins. Styles are numbered, because most paragraphs share a
few. The paragraphs of a table have the blocks around the table, and the place of their cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.drawn_text import DrawnText
from glyphrender.rich.rich_text import BlockSpan
from glyphrender.rich.style import BlockStyle, Rule
from glyphrender.rich.table import Table
from glyphrender.text import bidi
from glyphrender.text.parts import LINE_ENDS
from glyphrender.text.properties import codepoints
from glyphrender.theta import Alignment

# Of more blocks than this inside each other, the innermost ones count.
_DEPTH: Final = 32
#: The indent of a block that has a marker and names no indent, in em.
MARKER_INDENT: Final = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """A marker before the first line of a paragraph, between two distances from the edge, in em."""

    start: float
    end: float
    text: str


class Begins(IntEnum):
    """The largest thing that begins with a paragraph in a cell."""

    NOTHING = 0
    CELL = 1
    ROW = 2
    TABLE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class CellStyle:
    """The place of a paragraph in a table.

    Attributes:
        column: its column.
        begins: what begins with it.
        head: whether its row is the last of the head, below which there is a rule.
        alignment: where its lines stand; None for the side at which the table begins.
        leftward: whether the first column is the rightmost.
    """

    column: int
    begins: Begins
    head: bool
    alignment: Alignment | None
    leftward: bool

    @property
    def share(self) -> float:
        """The share of the room that is left on a line of the cell, to the left of the line."""
        if self.alignment is None:
            return 1.0 if self.leftward else 0.0
        return {Alignment.CENTER: 0.5, Alignment.RIGHT: 1.0}.get(self.alignment, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ParagraphStyle:
    """The wishes of a paragraph of rich text to the layout.

    Attributes:
        indent: indent of all lines at the side where they start, in em of θ.
        before: space above the paragraph, in lines; none at the top of a column.
        alignment: position of its lines, or None for that of θ.
        keep: whether the last line of the paragraph stays with the next line.
        background: the color behind the lines, or None; and from which indent on.
        sides: the indents at which bars stand, in em.
        above, below, middle: the indents from which lines are drawn above, below and through the paragraph; -1 for no
            line.
        markers: the markers before the first line.
        cell: the place of the paragraph in a table; None outside tables.
    """

    indent: float = 0.0
    before: float = 0.0
    alignment: Alignment | None = None
    keep: bool = False
    background: tuple[str, float] | None = None
    sides: tuple[float, ...] = ()
    above: float = -1.0
    below: float = -1.0
    middle: float = -1.0
    markers: tuple[Marker, ...] = ()
    cell: CellStyle | None = None

    @property
    def has_marks(self) -> bool:
        """Whether something is drawn beside the letters."""
        has_rules = max(self.above, self.below, self.middle) >= 0
        return has_rules or self.background is not None or bool(self.sides or self.markers or self.cell)


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
    styles: tuple[ParagraphStyle, ...] = field(default=(ParagraphStyle(),))

    @classmethod
    def of(
        cls, text: DrawnText, blocks: Sequence[BlockSpan], tables: Sequence[Table] = (), base: int | None = None
    ) -> Paragraphs | None:
        """Return the paragraphs of a rich text; None if it has neither blocks nor tables.

        `base` is the direction, 0 or 1, that θ imposes on every paragraph, or None.
        """
        if not blocks and not tables:
            return None
        start = _starts(text.text)
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
        places = sorted({0, *opened, *closed, *(at - 1 for at in closed), *(at + 1 for at in opened)})
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
        return cls(start=start, style=style_of, styles=found)

    def styles_at(self, places: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the style of the paragraph in which each drawn character lies."""
        return self.style[np.searchsorted(self.start, places, "right") - 1]


def _starts(text: str) -> NDArray[np.int64]:
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
        elif (begins and style.rule in (Rule.ABOVE, Rule.MIDDLE)) or (ends and style.rule is Rule.BELOW):
            lines[style.rule] = outer
    folded = ParagraphStyle(
        indent=indent,
        before=before,
        alignment=alignment,
        keep=keep,
        background=background,
        sides=tuple(sides),
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
    style_of = style_of.copy()
    numbers: dict[tuple[int, CellStyle, bool], int] = {}
    known = list(styles)
    bounds = np.array([(table.start, table.end) for table in tables], np.int64)
    firsts, lasts = np.searchsorted(source, bounds[:, 0]), np.searchsorted(source, bounds[:, 1])
    edges = np.append(start, len(text.text))
    for table, lo, hi in zip(tables, firsts.tolist(), lasts.tolist(), strict=True):
        if lo >= hi or not table.cells:
            continue
        leftward = _is_leftward(text.text[int(edges[lo]) : int(edges[hi])], base)
        begin = [cell.start for cell in table.cells]
        cells = np.maximum(np.searchsorted(begin, source[lo:hi], "right") - 1, 0).tolist()
        before = None
        for at, number in enumerate(cells, lo):
            cell = table.cells[number]
            begins = Begins.NOTHING
            if before is None:
                begins = Begins.TABLE
            elif cell != before:
                begins = Begins.ROW if cell.row != before.row else Begins.CELL
            before = cell
            alignment = table.alignments[cell.column] if cell.column < len(table.alignments) else None
            place = CellStyle(
                column=cell.column, begins=begins, head=cell.row == table.head - 1, alignment=alignment,
                leftward=leftward,
            )  # fmt: skip
            key = int(style_of[at]), place, cell.row < table.head
            if key not in numbers:
                numbers[key] = len(known)
                plain = styles[key[0]]
                known.append(replace(plain, cell=place, keep=plain.keep or key[2]))
            style_of[at] = numbers[key]
    return style_of, tuple(known)


def _is_leftward(text: str, base: int | None) -> bool:
    """Return whether a table with this text runs from right to left: as its first strong character does."""
    if base is not None:
        return base == 1
    cps = codepoints(text)
    if not bidi.needs_bidi(cps):
        return False
    return bool(bidi.paragraph_levels(np.where(np.isin(cps, [ord(mark) for mark in LINE_ENDS]), 0x20, cps))[0])

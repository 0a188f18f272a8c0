"""Paragraph styles: what a paragraph of rich text asks of the layout, as a value.

Styles are numbered, because most paragraphs share a few. A page asks the same of each of its lines, so the answers are
columns, a value a style: `styles.before[number]` is the space above the paragraph of each line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, overload

import numpy as np

from glyphrender.theta import Alignment

#: The alignments, by the numbers that they have in `ParagraphStyles.alignment`.
ALIGNMENTS: Final = tuple(Alignment)


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
        opened: those of them that begin with the paragraph.
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
    opened: tuple[float, ...] = ()
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

    @property
    def reaches_edge(self) -> bool:
        """Whether something of the paragraph is drawn up to the edge of the column."""
        return self.background is not None or max(self.above, self.below, self.middle) >= 0


class ParagraphStyles(Sequence[ParagraphStyle]):
    """The styles of the paragraphs of a text, and columns of what they ask.

    Attributes:
        indent: [k] indent of the lines of each paragraph, in em of θ.
        before: [k] space above it, in lines.
        keep: [k] whether its last line stays with the next line.
        alignment: [k] position of its lines, as a place in `ALIGNMENTS`; -1 for that of θ.
        above, below, middle: [k] the indents from which lines are drawn above, below and through it; -1 for no line.
        markers: [k] how many markers stand before its first line.
        has_background: [k] whether a color lies behind its lines.
        has_bars: [k] whether bars stand beside it.
        has_marks: [k] whether something is drawn beside its letters.
        reaches_edge: [k] whether something of it is drawn up to the edge of the column.
        in_cell: [k] whether it stands in a cell of a table. The columns below are 0 or False if not.
        head: [k] whether the row of the cell is the last of the head.
        leftward: [k] whether the first column of the table is the rightmost.
        share: [k] the share of the room that is left on a line of the cell, to the left of the line.
        column: [k] the column of the cell.
        begins: [k] what begins with the paragraph, as a number of `Begins`.
    """

    __slots__ = (
        "_styles", "above", "alignment", "before", "begins", "below", "column", "has_background", "has_bars",
        "has_marks", "head", "in_cell", "indent", "keep", "leftward", "markers", "middle", "reaches_edge", "share",
    )  # fmt: skip

    def __init__(self, styles: Sequence[ParagraphStyle] = ()) -> None:
        self._styles = tuple(styles)
        cells = [style.cell for style in styles]
        self.indent, self.before, self.above, self.below, self.middle = (
            np.array([getattr(style, name) for style in styles], np.float64)
            for name in ("indent", "before", "above", "below", "middle")
        )
        self.keep = np.array([style.keep for style in styles], bool)
        numbers = [-1 if style.alignment is None else ALIGNMENTS.index(style.alignment) for style in styles]
        self.alignment = np.array(numbers, np.int64)
        self.markers = np.array([len(style.markers) for style in styles], np.intp)
        self.has_background = np.array([style.background is not None for style in styles], bool)
        self.has_bars = np.array([bool(style.sides) for style in styles], bool)
        self.has_marks = np.array([style.has_marks for style in styles], bool)
        self.reaches_edge = np.array([style.reaches_edge for style in styles], bool)
        self.in_cell = np.array([cell is not None for cell in cells], bool)
        self.head = np.array([cell is not None and cell.head for cell in cells], bool)
        self.leftward = np.array([cell is not None and cell.leftward for cell in cells], bool)
        self.share = np.array([0.0 if cell is None else cell.share for cell in cells], np.float64)
        self.column = np.array([0 if cell is None else cell.column for cell in cells], np.int64)
        self.begins = np.array([Begins.NOTHING if cell is None else cell.begins for cell in cells], np.int64)

    def __len__(self) -> int:
        return len(self._styles)

    @overload
    def __getitem__(self, at: int) -> ParagraphStyle: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[ParagraphStyle, ...]: ...
    def __getitem__(self, at: int | slice) -> ParagraphStyle | tuple[ParagraphStyle, ...]:
        return self._styles[at]

    def __iter__(self) -> Iterator[ParagraphStyle]:
        return iter(self._styles)

    def __reduce__(self) -> tuple[Any, ...]:
        return ParagraphStyles, (self._styles,)


#: The styles of text without blocks.
NO_STYLES: Final = ParagraphStyles()

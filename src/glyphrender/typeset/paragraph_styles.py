"""Paragraph styles: what a paragraph of rich text asks of the layout.

Styles are numbered, because most paragraphs share a few. A page asks the same of each of its lines, so the answers are
columns, a value a style: `styles.before[number]` is the space above the paragraph of each line. A chat has a style for
each message, because each has its own marker. So a style is made as a value only when a page asks for the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.runs import ranges
from glyphrender.theta import Alignment

#: The alignments, by the numbers that they have in `ParagraphStyles.alignment`.
ALIGNMENTS: Final = tuple(Alignment)
# The share of the room that is left on a line of a cell, to the left of the line.
_SHARES: Final = {Alignment.LEFT: 0.0, Alignment.CENTER: 0.5, Alignment.RIGHT: 1.0}


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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StyleColumns:
    """Columns of k styles of paragraphs: all that the styles ask.

    Attributes:
        indent, before, keep, above, below, middle: [k] as in `ParagraphStyle`.
        alignment: [k] position of the lines, as a place in `ALIGNMENTS`; -1 for that of θ.
        background: [k] the color behind the lines, as a place in `colors`; -1 for none.
        background_at: [k] the indent from which on the color lies.
        bars, markers: [k] how many bars and how many markers each style has.
        bar_at, bar_opens: [sum of bars] the indent of each bar, and whether it begins with the paragraph.
        marker_start, marker_end, marker_text: [sum of markers] the edges of each marker, and its place in `texts`.
        column, begins, head, cell_alignment, leftward: [k] as in `CellStyle`; a column is -1 outside tables.
        colors, texts: the colors and the markers.
    """

    indent: NDArray[np.float64]
    before: NDArray[np.float64]
    keep: NDArray[np.bool_]
    above: NDArray[np.float64]
    below: NDArray[np.float64]
    middle: NDArray[np.float64]
    alignment: NDArray[np.int64]
    background: NDArray[np.int64]
    background_at: NDArray[np.float64]
    bars: NDArray[np.int64]
    markers: NDArray[np.int64]
    bar_at: NDArray[np.float64]
    bar_opens: NDArray[np.bool_]
    marker_start: NDArray[np.float64]
    marker_end: NDArray[np.float64]
    marker_text: NDArray[np.int64]
    column: NDArray[np.int64]
    begins: NDArray[np.int64]
    head: NDArray[np.bool_]
    cell_alignment: NDArray[np.int64]
    leftward: NDArray[np.bool_]
    colors: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def take(self, at: NDArray[Any], **columns: NDArray[Any]) -> StyleColumns:
        """Return styles by their places, with other `columns`."""
        taken: dict[str, Any] = {name: getattr(self, name)[at] for name in (*FOLDED, *OF_CELLS)} | columns
        for counts, names in ((self.bars, OF_BARS), (self.markers, OF_MARKERS)):
            rows = ranges((np.cumsum(counts) - counts)[at], counts[at])
            taken |= {name: getattr(self, name)[rows] for name in names}
        return replace(self, **taken)


#: The names of the columns: of bars, of markers, of what blocks ask, and of cells.
OF_BARS: Final = ("bar_at", "bar_opens")
OF_MARKERS: Final = ("marker_start", "marker_end", "marker_text")
FOLDED: Final = (
    "indent", "before", "keep", "above", "below", "middle", "alignment", "background", "background_at", "bars",
    "markers",
)  # fmt: skip
OF_CELLS: Final = ("column", "begins", "head", "cell_alignment", "leftward")


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
        colors: the colors that lie behind paragraphs.
    """

    __slots__ = (
        "_bar", "_columns", "_marker", "_styles", "above", "alignment", "before", "begins", "below", "colors", "column",
        "has_background", "has_bars", "has_marks", "head", "in_cell", "indent", "keep", "leftward", "markers", "middle",
        "reaches_edge", "share",
    )  # fmt: skip

    def __init__(self, columns: StyleColumns) -> None:
        self._columns = columns
        self._styles: dict[int, ParagraphStyle] = {}
        self._bar, self._marker = np.cumsum(columns.bars), np.cumsum(columns.markers)
        self.indent, self.before, self.keep = columns.indent, columns.before, columns.keep
        self.above, self.below, self.middle = columns.above, columns.below, columns.middle
        self.alignment, self.markers = columns.alignment, columns.markers
        self.has_background, self.has_bars = columns.background >= 0, columns.bars > 0
        self.in_cell = columns.column >= 0
        self.reaches_edge = self.has_background | (np.maximum(np.maximum(self.above, self.below), self.middle) >= 0)
        self.has_marks = self.reaches_edge | self.has_bars | (self.markers > 0) | self.in_cell
        self.head, self.leftward, self.begins = columns.head, columns.leftward, columns.begins
        self.column = np.maximum(columns.column, 0)
        self.share = np.where(self.leftward, 1.0, 0.0)
        for alignment, share in _SHARES.items():
            self.share[columns.cell_alignment == ALIGNMENTS.index(alignment)] = share
        self.share[~self.in_cell] = 0.0
        used = np.flatnonzero(np.bincount(columns.background + 1)[1:])
        self.colors = frozenset(columns.colors[number] for number in used.tolist())

    def __len__(self) -> int:
        return len(self.indent)

    @overload
    def __getitem__(self, at: int) -> ParagraphStyle: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[ParagraphStyle, ...]: ...
    def __getitem__(self, at: int | slice) -> ParagraphStyle | tuple[ParagraphStyle, ...]:
        if isinstance(at, slice):
            return tuple(self[number] for number in range(*at.indices(len(self))))
        number = range(len(self))[at]
        style = self._styles.get(number)
        if style is None:
            style = self._styles[number] = self._made(number)
        return style

    def _made(self, number: int) -> ParagraphStyle:
        """Return a style as a value."""
        each = self._columns
        bars, markers = (
            slice(int(end[number] - count[number]), int(end[number]))
            for end, count in ((self._bar, each.bars), (self._marker, each.markers))
        )
        texts = [each.texts[text] for text in each.marker_text[markers].tolist()]
        edges = zip(each.marker_start[markers].tolist(), each.marker_end[markers].tolist(), texts, strict=True)
        color, aligned = int(each.background[number]), int(each.alignment[number])
        in_cell = int(each.cell_alignment[number])
        cell = CellStyle(
            column=int(each.column[number]),
            begins=Begins(int(each.begins[number])),
            head=bool(each.head[number]),
            alignment=None if in_cell < 0 else ALIGNMENTS[in_cell],
            leftward=bool(each.leftward[number]),
        )
        return ParagraphStyle(
            indent=float(each.indent[number]),
            before=float(each.before[number]),
            alignment=None if aligned < 0 else ALIGNMENTS[aligned],
            keep=bool(each.keep[number]),
            background=None if color < 0 else (each.colors[color], float(each.background_at[number])),
            sides=tuple(each.bar_at[bars].tolist()),
            opened=tuple(each.bar_at[bars][each.bar_opens[bars]].tolist()),
            above=float(each.above[number]),
            below=float(each.below[number]),
            middle=float(each.middle[number]),
            markers=tuple(Marker(start=start, end=end, text=text) for start, end, text in edges),
            cell=cell if each.column[number] >= 0 else None,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return ParagraphStyles, (self._columns,)


def no_columns(count: int) -> dict[str, Any]:
    """Return the columns of `count` styles that ask for nothing."""
    zeros, ones = np.zeros(count), np.full(count, -1.0)
    off, number = np.zeros(count, bool), np.zeros(count, np.int64)
    none = np.zeros(0)
    return {
        "indent": zeros, "before": zeros, "keep": off, "above": ones, "below": ones, "middle": ones,
        "alignment": number - 1, "background": number - 1, "background_at": zeros, "bars": number, "markers": number,
        "bar_at": none, "bar_opens": none.astype(bool), "marker_start": none, "marker_end": none,
        "marker_text": none.astype(np.int64), "column": number - 1, "begins": number, "head": off,
        "cell_alignment": number - 1, "leftward": off,
    }  # fmt: skip


#: The styles of text without blocks.
NO_STYLES: Final = ParagraphStyles(StyleColumns(**no_columns(0)))

"""Paragraph styles: the blocks of a rich text → what each of its paragraphs asks of the layout.

Blocks may lie inside each other. Their indents add up, so a bar beside a quotation stands at the indent of the
quotation. A paragraph belongs to the blocks in which it begins. Styles are numbered, because most paragraphs share a
few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.drawn_text import DrawnText
from glyphrender.rich.rich_text import BlockSpan
from glyphrender.rich.style import BlockStyle, Rule
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

    @property
    def has_marks(self) -> bool:
        """Whether something is drawn beside the letters."""
        has_rules = max(self.above, self.below, self.middle) >= 0
        return has_rules or self.background is not None or bool(self.sides or self.markers)


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
    def of(cls, text: DrawnText, blocks: Sequence[BlockSpan]) -> Paragraphs | None:
        """Return the paragraphs of a rich text; None if it has no blocks."""
        if not blocks:
            return None
        start = _starts(text.text)
        source = text.begins(start)
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
        return cls(start=start, style=style_of, styles=tuple(styles))

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

"""`SegmentTable`: a chunk of the source as segments in logical order. Lines are ranges of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from sys import getsizeof
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.style import Style
from glyphrender.text.parts import count_line_ends
from glyphrender.text.properties import as_text, codepoints
from glyphrender.text.runs import ranges
from glyphrender.typeset.glyph_store import MAY_BREAK, NEWLINE, SOURCE_LINE_ENDS, GlyphStore
from glyphrender.typeset.paragraph_styles import NO_STYLES, ParagraphStyles

_COLUMNS: Final = (
    "number", "gap", "breaks", "level", "gap_level", "base", "cellular", "hidden", "stands_for", "replaced", "look",
    "gap_look", "paragraph",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentTable:
    """The segments of a chunk of the source, in logical order.

    Attributes:
        text: the characters.
        offset: the place of the first character in the source.
        line: the number of source lines that end before it.
        mid_line: whether the text begins inside a source line.
        open: whether the text ends inside a paragraph.
        indent: that of the first paragraph's lines, in EM units, if an earlier table has its first line; else None.
        store: the glyph store that `number` refers to.
        number: [n] numbers of the segments in `store`.
        gap: [n] 1 where one space follows the segment, else 0.
        breaks: [n] NO_BREAK, MAY_BREAK or MAY_HYPHENATE after the segment and its gap.
        level: [n] bidi level of the segment, or None where every level is 0.
        gap_level: [n] bidi level of the gap, or None likewise.
        base: [n] base level of the paragraph, or None likewise.
        cellular: [n] whether the paragraph is set in cells because it has box drawing, or None where none is.
        cell: width of these cells, in EM units; 0 if there are none.
        hidden: [n] characters that are consumed (text/consumed.py) after the segment, before or after its gap; or None
            where nothing is consumed. In rich text, the characters of the source that the segment and its gap stand for
            but do not draw; below 0 if a replacement draws more than it stands for.
        drawn_text: the characters that are drawn, in rich text and where line ends are drawn as other characters; None
            where these are those of the text.
        stands_for: [n] in rich text, the characters of the source that the segment itself stands for; else None.
        replaced: [n] OWN, FIRST, FURTHER or ADDED (rich/drawn_text.py) of the segment in rich text; else None.
        look: [n] how the segment is drawn, as a place in `looks`; None in plain text.
        gap_look: [n] how its gap is drawn; None likewise.
        looks: the styles of rich text.
        paragraph: [n] the style of the paragraph, as a place in `paragraph_styles`; None without blocks.
        paragraph_styles: the styles of the paragraphs of rich text.
    """

    text: str
    offset: int
    line: int
    mid_line: bool = False
    open: bool = False
    indent: int | None = None
    store: GlyphStore
    number: NDArray[np.int32]
    gap: NDArray[np.uint8]
    breaks: NDArray[np.uint8]
    level: NDArray[np.uint8] | None
    gap_level: NDArray[np.uint8] | None
    base: NDArray[np.uint8] | None
    cellular: NDArray[np.bool_] | None = None
    cell: int = 0
    hidden: NDArray[np.int32] | None = None
    drawn_text: str | None = None
    stands_for: NDArray[np.int32] | None = None
    replaced: NDArray[np.uint8] | None = None
    look: NDArray[np.int32] | None = None
    gap_look: NDArray[np.int32] | None = None
    looks: tuple[Style, ...] = ()
    paragraph: NDArray[np.int32] | None = None
    paragraph_styles: ParagraphStyles = NO_STYLES

    @property
    def nbytes(self) -> int:
        """The memory of the text and the columns, in bytes; the store is not counted."""
        columns = (getattr(self, name) for name in _COLUMNS)
        texts = getsizeof(self.text) + (0 if self.drawn_text is None else getsizeof(self.drawn_text))
        nbytes: int = texts + sum(column.nbytes for column in columns if column is not None)
        return nbytes

    def lengths(self, of: slice = slice(None)) -> NDArray[np.int32]:
        """Return [n] characters of the source that each segment and its gap stand for. They add up to the text."""
        lengths: NDArray[np.int32] = (self.store.length.take(self.number[of]) + self.gap[of]).astype(np.int32)
        return lengths if self.hidden is None else lengths + self.hidden[of]

    def drawn_lengths(self, of: slice = slice(None)) -> NDArray[np.int32]:
        """Return [n] characters that are drawn for each segment and its gap."""
        lengths: NDArray[np.int32] = (self.store.length.take(self.number[of]) + self.gap[of]).astype(np.int32)
        return lengths

    def ink_lengths(self, of: slice = slice(None)) -> NDArray[np.int32]:
        """Return [n] characters of the source that each segment stands for without its gap and what is consumed."""
        return self.store.length.take(self.number[of]) if self.stands_for is None else self.stands_for[of]

    def consumed(self) -> NDArray[np.bool_]:
        """Return [c] whether each character of the text is consumed.

        If a gap and consumed characters follow a segment, the first of these characters counts as the gap.
        """
        consumed = np.zeros(len(self.text), bool)
        if self.hidden is not None:
            lengths, hidden = self.lengths(), self.hidden
            if self.stands_for is not None:  # `hidden` is below 0 where a replacement is longer than what it stands for
                hidden = np.maximum(lengths - self.stands_for - self.gap, 0)
            some = np.flatnonzero(hidden)
            count = hidden[some].astype(np.int64)
            consumed[ranges(np.cumsum(lengths, dtype=np.int64)[some] - count, count)] = True
        return consumed

    def drawn(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Return (code points of the text without what is consumed, the place in them of each segment)."""
        if self.drawn_text is not None:
            lengths = self.drawn_lengths().astype(np.int64)
            return codepoints(self.drawn_text), np.cumsum(lengths) - lengths
        cps, lengths = codepoints(self.text), self.lengths().astype(np.int64)
        if self.hidden is not None:
            spaced = (self.hidden > 0) & (self.gap != 0)
            cps = cps.copy()
            cps[(np.cumsum(lengths) - self.hidden - 1)[spaced]] = 0x20
            cps, lengths = cps[~self.consumed()], lengths - self.hidden
        return cps, np.cumsum(lengths) - lengths

    def kinds(self) -> NDArray[np.uint8]:
        """Return [n] TEXT, EMPTY, TAB, NEWLINE or PAGE_BREAK."""
        kinds: NDArray[np.uint8] = self.store.kind.take(self.number)
        return kinds

    def ends_source_line(self, of: slice = slice(None)) -> NDArray[np.bool_]:
        """Return [n] whether a line of the source ends with the segment: at LF, CR LF or CR."""
        number = self.number[of]
        return (number >= SOURCE_LINE_ENDS[0]) & (number <= SOURCE_LINE_ENDS[-1])

    @property
    def keeps(self) -> bool:
        """Whether the last paragraph of the table stays with the one that follows it."""
        if self.paragraph is None or not len(self.number):
            return False
        return bool(self.paragraph_styles.keep[self.paragraph[-1]]) and self.kinds()[-1] >= NEWLINE

    @property
    def ends_in_cell(self) -> bool:
        """Whether the last paragraph of the table stands in a cell; other cells may follow."""
        if self.paragraph is None or not len(self.number):
            return False
        return bool(self.paragraph_styles.in_cell[self.paragraph[-1]])

    def split(self, at: int) -> tuple[SegmentTable, SegmentTable]:
        """Return the segments before number `at`, and those from it on."""
        skipped = int(self.lengths(slice(0, at)).sum())
        head = replace(self.edited(slice(0, at)), text=self.text[:skipped])
        ends = self.ends_source_line(slice(0, at))
        tail = replace(
            self.edited(slice(at, None)),
            text=self.text[skipped:],
            offset=self.offset + skipped,
            line=self.line + int(ends.sum()),
            mid_line=not ends[-1] if at else self.mid_line,
        )
        if self.drawn_text is not None:
            drawn = int(self.drawn_lengths(slice(0, at)).sum())
            head = replace(head, drawn_text=self.drawn_text[:drawn])
            tail = replace(
                tail,
                drawn_text=self.drawn_text[drawn:],
                line=self.line + count_line_ends(head.text),  # a line end that is drawn as a space ends no segment
                mid_line=not head.text.endswith(("\n", "\r")) if head.text else self.mid_line,
            )
        return head, tail

    def joined(self, *following: SegmentTable) -> SegmentTable:
        """Return this table and those that follow it in the source as one.

        A source is only cut where a line may break, so a line may break between two tables. If the shaper has begun a
        new store in between, the earlier segments are copied into the new store.
        """
        if not following:
            return self
        tables = (self, *following)
        store = tables[-1].store

        def column(name: str) -> NDArray[Any] | None:
            columns = [getattr(table, name) for table in tables]
            if all(rows is None for rows in columns):
                return None
            kind = next(rows.dtype for rows in columns if rows is not None)
            none = [np.zeros(len(table.number), kind) for table in tables]
            return np.concatenate([none[at] if rows is None else rows for at, rows in enumerate(columns)])

        joined: dict[str, Any] = {name: column(name) for name in _COLUMNS}
        number = [each.number if each.store is store else store.copied(each.store, each.number) for each in tables]
        joined["number"] = np.concatenate(number)
        joined["breaks"][np.cumsum([len(table.number) for table in tables[:-1]]) - 1] = MAY_BREAK
        text, cell = "".join(table.text for table in tables), max(table.cell for table in tables)
        if self.drawn_text is not None:
            joined["drawn_text"] = "".join(table.drawn_text or "" for table in tables)
        return replace(self, text=text, open=tables[-1].open, store=store, cell=cell, **joined)

    def stored_in(self, store: GlyphStore, number: NDArray[np.int32]) -> SegmentTable:
        """Return this table with its segments as they are numbered in `store`."""
        return replace(self, store=store, number=number)

    def only(self, rows: NDArray[np.bool_]) -> SegmentTable:
        """Return the chosen rows with their characters, as if nothing stood between them."""
        some = self.edited(rows)
        if self.drawn_text is not None:
            drawn = codepoints(self.drawn_text)[np.repeat(rows, self.drawn_lengths())]
            some = replace(some, drawn_text=as_text(drawn))
        text = as_text(codepoints(self.text)[np.repeat(rows, self.lengths())])
        return replace(some, text=text, indent=self.indent if rows[:1].any() else None)

    def with_rows(self, place: NDArray[np.intp], other: SegmentTable) -> SegmentTable:
        """Return this table with the rows of `other`: those with one `place`, in their order, replace the row there."""
        kept = np.ones(len(self.number), bool)
        kept[place] = False
        order = np.argsort(np.append(np.flatnonzero(kept), place), kind="stable")
        old: dict[str, NDArray[Any] | None] = {name: getattr(self, name) for name in _COLUMNS}
        new: dict[str, Any] = {
            name: None if column is None else np.append(column[kept], getattr(other, name))[order]
            for name, column in old.items()
        }
        return replace(self, **new)

    def edited(self, at: NDArray[np.intp] | NDArray[np.bool_] | slice, **columns: NDArray[Any]) -> SegmentTable:
        """Return this table with its rows `at` in their order, and with the `columns` given in place of its own."""
        old: dict[str, NDArray[Any] | None] = {name: getattr(self, name) for name in _COLUMNS if name not in columns}
        new: dict[str, Any] = {name: None if column is None else column[at] for name, column in old.items()}
        return replace(self, **(new | columns))

"""The glyph store holds each distinct word once, shaped, in flat columns.

A *segment* is a shaping unit: a stretch of a word that has one style and one face, and no line break inside. A word
owns one or more segments (word_cache.py), and a segment owns glyphs. Lines and pages are ranges of segment numbers, so
everything after shaping is gathers and running sums over these columns. No object exists per glyph.

All lengths are in units of `face.EM` to the em, whatever the font. Font size, dpi and page width are applied later, so
every θ that differs only there shares the same rows. A segment carries the number of its style, so that one line can
hold segments of several styles.

Rows are written first and published last, by one assignment. An exception, an interrupt or a fork in the middle of a
write leaves rows that nobody refers to and that the next write overwrites.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from glyphrender._system.fork_safe_lock import fork_safe_lock
from glyphrender._system.ordering import stable_order
from glyphrender.fonts.stack import IN_CELL, MISSING
from glyphrender.rich.style import Style
from glyphrender.text.runs import distinct
from glyphrender.typeset.style import Variant, WordStyle

# What a segment is. EMPTY is what lies between two adjoining separators.
TEXT, EMPTY, TAB, NEWLINE, PAGE_BREAK = range(5)

# What may happen after a segment, inside its word.
NO_BREAK, MAY_BREAK, MAY_HYPHENATE = range(3)

#: The face number of a code point that no face has. It is drawn in a box; its "glyph id" is the code point.
BOX_FACE: Final = MISSING
#: The face number of box drawing that fills its cells. Its "glyph id" is the code point.
CELL_FACE: Final = IN_CELL

#: `fit` of an outline that is as wide as in its font.
FULL: Final = 64

#: Words that are not text. Each is one segment, and its number is the same in every store and for every style.
SEPARATORS: Final = {
    "": EMPTY,
    "\t": TAB,
    "\n": NEWLINE,
    "\r\n": NEWLINE,
    "\r": NEWLINE,
    "\v": NEWLINE,
    "\x85": NEWLINE,
    "\u2028": NEWLINE,
    "\u2029": NEWLINE,
    "\f": PAGE_BREAK,
}
#: The numbers of the separators that end a line of the source: LF, CR LF and CR; see `text.parts.count_line_ends`.
SOURCE_LINE_ENDS: Final = tuple(list(SEPARATORS).index(end) for end in ("\n", "\r\n", "\r"))


class Column:
    """A numpy array that grows at its end. A published row never changes."""

    __slots__ = ("rows",)

    def __init__(self, dtype: DTypeLike) -> None:
        self.rows: NDArray[Any] = np.zeros(1024, dtype)

    def write(self, at: int, rows: NDArray[Any]) -> None:
        """Write `rows` from row `at` on; the rows before `at` stay."""
        self.fill(at, at + len(rows), rows)

    def fill(self, at: int, end: int, rows: NDArray[Any] | int) -> None:
        """Write `rows`, or one value, from row `at` to row `end` - 1; the rows before `at` stay."""
        if end > len(self.rows):
            grown = np.empty(max(end, 2 * len(self.rows)), self.rows.dtype)
            grown[:at] = self.rows[:at]
            self.rows = grown
        self.rows[at:end] = rows

    def take(self, at: NDArray[Any]) -> NDArray[Any]:
        """Return the rows at places. With 32-bit numbers `[]` would take twice as long."""
        return self.rows.take(at)


class GlyphStore:
    """Columns of segments and glyphs. Rows are only ever added.

    Segments: `style` (place in `styles`), `kind`, `face` (place in the style's font stack), `advance` (EM units),
              `clusters` (grapheme clusters, or cells in a grid, for letter spacing), `length` (characters of the
              source), `action` (break after it inside its word), `boundary` (flags of boundary_flags.py),
              `first_glyph`, `glyph_count`.
    Glyphs:   `glyph` (glyph id), `x`, `y` (offset of its origin from the segment's origin, EM units, y up), `cluster`
              (character of the segment that its grapheme cluster starts with), `step` (its advance), `fit` (width of
              its outline in 64ths of the font's, so that it fits its cells).
    """

    __slots__ = (
        "_lock",
        "above",
        "action",
        "advance",
        "below",
        "boundary",
        "cluster",
        "clusters",
        "face",
        "first_glyph",
        "first_part",
        "fit",
        "fitted",
        "glyph",
        "glyph_count",
        "glyphs",
        "kind",
        "length",
        "lifted",
        "measured",
        "part_count",
        "segments",
        "step",
        "style",
        "styles",
        "wanted",
        "x",
        "y",
    )

    def __init__(self, lock: Any = None) -> None:
        self._lock = lock or fork_safe_lock()
        self.styles: list[WordStyle] = []
        # The variants and choices of the styles that an unpickled store lacks.
        self.wanted: list[tuple[Variant, Style | None]] = []
        self.style = Column(np.uint16)
        self.kind = Column(np.uint8)
        self.face = Column(np.uint8)
        self.advance = Column(np.int64)
        self.clusters = Column(np.int32)
        self.length = Column(np.int32)
        self.action = Column(np.uint8)
        self.boundary = Column(np.uint16)
        self.first_glyph = Column(np.int32)
        self.glyph_count = Column(np.int32)
        self.glyph = Column(np.uint32)
        self.x = Column(np.int32)
        self.y = Column(np.int32)
        self.cluster = Column(np.int32)
        self.step = Column(np.int32)
        self.fit = Column(np.uint8)
        # How far the ink of a segment reaches above and below the baseline, if it was measured; see ink.py.
        self.measured, self.above, self.below = Column(np.uint8), Column(np.int32), Column(np.int32)
        # The segments of a cluster each that draw as a segment does, if it was split; see `by_clusters`.
        self.first_part, self.part_count = Column(np.int32), Column(np.int32)
        self.lifted = False  # whether any glyph stands off the baseline
        self.fitted = False  # whether any outline is not as wide as in its font
        self.segments = 0  # rows that are published
        self.glyphs = 0
        none = np.zeros(len(SEPARATORS), np.int32)
        self.append(
            style=none,
            kind=np.array(list(SEPARATORS.values()), np.uint8),
            face=none,
            advance=none,
            clusters=none,
            length=np.array([len(word) for word in SEPARATORS]),
            action=none,
            boundary=none,
            glyph_count=none,
            glyph=none[:0],
            x=none[:0],
            y=none[:0],
            cluster=none[:0],
            step=none[:0],
            fit=none[:0],
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the columns. Styles hold open fonts, so only their variants and choices are pickled."""
        columns = {name: getattr(self, name).rows[: self.segments] for name in _SEGMENT_COLUMNS}
        columns |= {name: getattr(self, name).rows[: self.glyphs] for name in _GLYPH_COLUMNS}
        return _unpickled, (columns, self.lifted, self.fitted, [(style.variant, style.choice) for style in self.styles])

    @property
    def nbytes(self) -> int:
        """The memory of all columns, in bytes."""
        names = (*_SEGMENT_COLUMNS, *_GLYPH_COLUMNS, *_LATER_COLUMNS)
        return sum(getattr(self, name).rows.nbytes for name in names)

    def style_number(self, style: WordStyle) -> int:
        """Return the place of `style` in `styles`; a new one is added at the end."""
        with self._lock:
            if style not in self.styles:
                self.styles.append(style)
            return self.styles.index(style)

    def append(
        self,
        *,
        style: NDArray[Any],
        kind: NDArray[Any],
        face: NDArray[Any],
        advance: NDArray[Any],
        clusters: NDArray[Any],
        length: NDArray[Any],
        action: NDArray[Any],
        boundary: NDArray[Any],
        glyph_count: NDArray[Any],
        glyph: NDArray[Any],
        x: NDArray[Any],
        y: NDArray[Any],
        cluster: NDArray[Any],
        step: NDArray[Any],
        fit: NDArray[Any],
    ) -> int:
        """Append segments and the glyphs they own, `glyph_count` each; return the number of the first segment.

        The glyphs of a segment are in visual order.
        """
        with self._lock:
            at, first = self.segments, self.glyphs
            ends = np.cumsum(glyph_count)
            self.first_glyph.write(at, first + ends - glyph_count)
            self.glyph_count.write(at, glyph_count)
            self.style.write(at, style)
            self.kind.write(at, kind)
            self.face.write(at, face)
            self.advance.write(at, advance)
            self.clusters.write(at, clusters)
            self.length.write(at, length)
            self.action.write(at, action)
            self.boundary.write(at, boundary)
            for name in _LATER_COLUMNS:
                getattr(self, name).fill(at, at + len(kind), 0)
            self.glyph.write(first, glyph)
            self.x.write(first, x)
            self.y.write(first, y)
            self.cluster.write(first, cluster)
            self.step.write(first, step)
            self.fit.write(first, fit)
            self.lifted = self.lifted or bool(y.any())
            self.fitted = self.fitted or bool((fit != FULL).any())
            # Published in this order: glyphs without a segment are harmless, a segment without glyphs is not.
            self.glyphs = first + len(glyph)
            self.segments = at + len(kind)
            return at

    def glyph_rows(self, segments: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
        """Return (rows of all glyphs of `segments` in order, number of glyphs of each segment)."""
        counts = self.glyph_count.take(segments)
        ends = np.cumsum(counts)
        rows = np.repeat(self.first_glyph.take(segments) - ends + counts, counts)
        rows += np.arange(len(rows))
        return rows, counts

    def measure(self, segments: NDArray[Any], above: NDArray[np.int32], below: NDArray[np.int32]) -> None:
        """Remember how far the ink of segments reaches above and below the baseline, in EM units."""
        with self._lock:
            self.above.rows[segments], self.below.rows[segments] = above, below
            self.measured.rows[segments] = 1

    def by_clusters(self, segments: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return, for each of `segments`, (the first, the number) of segments of one grapheme cluster each.

        They follow each other in the store and in the text, and together they draw as the segment does. The shaping is
        kept, as CSS Text asks of a break inside a word: joining forms do not change. Clusters that share a glyph (a
        ligature) stay one segment. A segment is split once; later calls return the same numbers.
        """
        with self._lock:
            new = segments[self.part_count.take(segments) == 0]
            if len(new):
                self._split(distinct(new))
            return self.first_part.take(segments), self.part_count.take(segments)

    def _split(self, segments: NDArray[Any]) -> None:
        """Split `segments`, all different, and note their parts."""
        rows, counts = self.glyph_rows(segments)
        owner = np.repeat(np.arange(len(segments)), counts)
        length = self.length.take(segments).astype(np.int64)
        base = np.cumsum(length + 1) - length - 1  # a number of its own for each character of each segment
        cluster, step = self.cluster.take(rows), self.step.take(rows)
        starts = distinct(np.append(base[owner] + cluster, base))
        parts = np.diff(np.append(np.searchsorted(starts, base), len(starts)))  # of each segment
        if (whole := parts == 1).any():
            self.first_part.rows[segments[whole]] = segments[whole]
            self.part_count.rows[segments[whole]] = 1
            if not whole.all():
                self._split(segments[~whole])
            return
        of_part = np.repeat(np.arange(len(segments)), parts)
        of = np.searchsorted(starts, base[owner] + cluster)
        order = stable_order(of)  # the visual order inside each cluster stays
        pen = np.cumsum(step, dtype=np.int64) - step
        origin = np.full(len(starts), np.iinfo(np.int64).max)
        np.minimum.at(origin, of, pen)
        # `x` counts from where the segment begins, and so must the origin.
        begin = np.append(pen, 0)[np.minimum(np.cumsum(counts) - counts, len(pen))]
        last = np.cumsum(parts) - 1
        action = np.zeros(len(starts), np.uint8)
        action[last] = self.action.take(segments)
        start = starts - base[of_part]
        end = np.append(start[1:], 0)
        end[last] = length
        advance = np.bincount(of, step, len(starts)).astype(np.int64)
        style = self.style.take(segments)[of_part]
        cell = np.array([one.cell for one in self.styles])[style]
        added = self.append(
            style=style,
            kind=self.kind.take(segments)[of_part],
            face=self.face.take(segments)[of_part],
            advance=advance,
            clusters=np.where(cell, advance // np.maximum(cell, 1), 1),
            length=end - start,
            action=action,
            boundary=self.boundary.take(segments)[of_part],
            glyph_count=np.bincount(of, minlength=len(starts)),
            glyph=self.glyph.take(rows)[order],
            x=(self.x.take(rows) - (origin[of] - begin[owner]))[order],
            y=self.y.take(rows)[order],
            cluster=(cluster - start[of])[order],
            step=step[order],
            fit=self.fit.take(rows)[order],
        )
        self.first_part.rows[segments] = added + last + 1 - parts
        self.part_count.rows[segments] = parts  # published last

    def copied(self, other: GlyphStore, segments: NDArray[Any]) -> NDArray[np.int32]:
        """Append `segments` of the store `other` to this one; return their numbers here. Separators keep theirs."""
        rows, counts = other.glyph_rows(segments)
        kept = other.style.take(segments)
        # Separators belong to every style, so their number says nothing.
        used = np.unique(kept[other.kind.take(segments) == TEXT]).tolist() if other.styles else []
        numbers = np.zeros(max(len(other.styles), 1), np.uint16)
        for number in used:
            numbers[number] = self.style_number(other.styles[number])
        first = self.append(
            style=numbers[kept],
            kind=other.kind.take(segments),
            face=other.face.take(segments),
            advance=other.advance.take(segments),
            clusters=other.clusters.take(segments),
            length=other.length.take(segments),
            action=other.action.take(segments),
            boundary=other.boundary.take(segments),
            glyph_count=counts,
            glyph=other.glyph.take(rows),
            x=other.x.take(rows),
            y=other.y.take(rows),
            cluster=other.cluster.take(rows),
            step=other.step.take(rows),
            fit=other.fit.take(rows),
        )
        number = np.arange(first, first + len(segments), dtype=np.int32)
        return np.where(segments < len(SEPARATORS), segments, number).astype(np.int32)


_SEGMENT_COLUMNS: Final = (
    "style", "kind", "face", "advance", "clusters", "length", "action", "boundary", "first_glyph", "glyph_count"
)  # fmt: skip
# What is found out about a segment when it is asked for, and not pickled. A new row is 0.
_LATER_COLUMNS: Final = ("measured", "above", "below", "first_part", "part_count")
_GLYPH_COLUMNS: Final = ("glyph", "x", "y", "cluster", "step", "fit")


def _unpickled(
    columns: dict[str, NDArray[Any]], lifted: bool, fitted: bool, wanted: list[tuple[Variant, Style | None]]
) -> GlyphStore:
    store = GlyphStore()
    for name, rows in columns.items():
        getattr(store, name).write(0, rows)
    for name in _LATER_COLUMNS:
        getattr(store, name).write(0, np.zeros(len(columns["kind"]), np.uint8))
    store.lifted, store.fitted, store.wanted = lifted, fitted, wanted
    store.glyphs, store.segments = len(columns["glyph"]), len(columns["kind"])
    return store

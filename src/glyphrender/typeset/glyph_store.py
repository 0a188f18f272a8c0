"""The arena: every distinct word that was met, shaped once, as flat columns.

A *word* is what lies between two separators of the source (spaces, tabs, line ends, or a joint between two
ideographs). It owns one or more *pieces*: stretches with one face and no line break inside. A piece owns
glyphs. Lines and pages are ranges of piece numbers, so everything after shaping is gathers and running
sums over these columns; nothing here is an object a glyph.

All lengths are in units of `face.EM` to the em, whatever the font: font size, dpi and page width are applied
later, so all θ that differ only there share one arena.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# What a piece is. EMPTY is what lies between two adjoining separators.
TEXT, EMPTY, TAB, NEWLINE, PAGE_BREAK = range(5)

# What may happen after a piece, inside its word.
NO_BREAK, MAY_BREAK, MAY_HYPHENATE = range(3)

# How a piece bears on a break at the spaces before its head or after its tail: UAX #14, see edges.py.
HEAD_CLOSES, HEAD_NONSTARTER, HEAD_B2, HEAD_ZW = 1, 2, 4, 8
TAIL_OPENS, TAIL_CLOSED, TAIL_B2, TAIL_ZW = 16, 32, 64, 128
# An ideograph at the edge: JUSTIFY may widen the joint between two of these.
HEAD_WIDE, TAIL_WIDE = 256, 512

#: The face number of a code point drawn in a box; its "glyph id" is the code point.
BOX_FACE = 255


class Column:
    """A numpy array that grows at its end; rows once written never change, so views of them stay good."""

    __slots__ = ("_rows", "size")

    def __init__(self, dtype: DTypeLike) -> None:
        self._rows: NDArray[Any] = np.zeros(1024, dtype)
        self.size = 0

    def extend(self, rows: NDArray[Any]) -> None:
        """Append `rows`."""
        end = self.size + len(rows)
        if end > len(self._rows):
            grown = np.empty(max(end, 2 * len(self._rows)), self._rows.dtype)
            grown[: self.size] = self._rows[: self.size]
            self._rows = grown
        self._rows[self.size : end] = rows
        self.size = end

    @property
    def rows(self) -> NDArray[Any]:
        """The rows written so far, as a view."""
        return self._rows[: self.size]

    def take(self, at: NDArray[Any]) -> NDArray[Any]:
        """The rows at places. By numbers of 32 bits `[]` takes twice as long."""
        return self.rows.take(at)


class Arena:
    """Columns of words, pieces and glyphs. Append-only.

    Words:  `first_piece`, `piece_count`.
    Pieces: `kind`, `face`, `advance` (EM units), `clusters` (grapheme clusters, for letter spacing),
            `length` (characters of the source), `action` (break after it inside its word), `edges` (the
            HEAD_/TAIL_ flags), `first_glyph`, `glyph_count`.
    Glyphs: `glyph` (glyph id), `x`, `y` (offset of its origin from the piece's origin, EM units, y up),
            `cluster` (character of the piece that its grapheme cluster starts with), `step` (its advance).
    """

    __slots__ = (
        "action",
        "advance",
        "cluster",
        "clusters",
        "edges",
        "face",
        "first_glyph",
        "first_piece",
        "glyph",
        "glyph_count",
        "kind",
        "length",
        "lifted",
        "piece_count",
        "step",
        "x",
        "y",
    )

    def __init__(self) -> None:
        self.first_piece = Column(np.int32)
        self.piece_count = Column(np.int32)
        self.kind = Column(np.uint8)
        self.face = Column(np.uint8)
        self.advance = Column(np.int64)
        self.clusters = Column(np.int32)
        self.length = Column(np.int32)
        self.action = Column(np.uint8)
        self.edges = Column(np.uint16)
        self.first_glyph = Column(np.int32)
        self.glyph_count = Column(np.int32)
        self.glyph = Column(np.uint32)
        self.x = Column(np.int32)
        self.y = Column(np.int32)
        self.cluster = Column(np.int32)
        self.step = Column(np.int32)
        self.lifted = False  # whether any glyph stands off the baseline

    def add_words(self, piece_count: NDArray[Any]) -> None:
        """Append words that own the pieces appended next, `piece_count` of them each."""
        ends = np.cumsum(piece_count)
        self.first_piece.extend(self.kind.size + ends - piece_count)
        self.piece_count.extend(piece_count)

    def add_pieces(
        self,
        *,
        kind: NDArray[Any],
        face: NDArray[Any],
        advance: NDArray[Any],
        clusters: NDArray[Any],
        length: NDArray[Any],
        action: NDArray[Any],
        edges: NDArray[Any],
        glyph_count: NDArray[Any],
    ) -> int:
        """Append pieces that own the glyphs appended next; returns the number of the first."""
        first = self.kind.size
        ends = np.cumsum(glyph_count)
        self.first_glyph.extend(self.glyph.size + ends - glyph_count)
        self.glyph_count.extend(glyph_count)
        self.kind.extend(kind)
        self.face.extend(face)
        self.advance.extend(advance)
        self.clusters.extend(clusters)
        self.length.extend(length)
        self.action.extend(action)
        self.edges.extend(edges)
        return first

    def add_glyphs(
        self, glyph: NDArray[Any], x: NDArray[Any], y: NDArray[Any], cluster: NDArray[Any], step: NDArray[Any]
    ) -> None:
        """Append glyphs, in visual order inside each piece."""
        self.glyph.extend(glyph)
        self.x.extend(x)
        self.y.extend(y)
        self.lifted = self.lifted or bool(y.any())
        self.cluster.extend(cluster)
        self.step.extend(step)

    def glyph_rows(self, pieces: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
        """(rows of all glyphs of `pieces` in order, number of glyphs of each piece)."""
        counts = self.glyph_count.take(pieces)
        ends = np.cumsum(counts)
        rows = np.repeat(self.first_glyph.take(pieces) - ends + counts, counts)
        rows += np.arange(len(rows))
        return rows, counts

    def split_at_clusters(self, piece: int) -> NDArray[np.int32]:
        """Append pieces, one a cluster in logical order, that together draw as `piece` does.

        The shaping is kept, as CSS Text asks of a break inside a word: joining forms do not change. Clusters
        that share a glyph (a ligature) stay one piece.
        """
        rows, _ = self.glyph_rows(np.array([piece]))
        cluster, step = self.cluster.take(rows), self.step.take(rows)
        starts = np.unique(np.append(cluster, 0))
        if len(starts) < 2:
            return np.array([piece], np.int32)
        of = np.searchsorted(starts, cluster)
        order = np.argsort(of, kind="stable")  # visual order inside each cluster stays
        pen = np.cumsum(step) - step
        origin = np.full(len(starts), np.iinfo(np.int64).max)
        np.minimum.at(origin, of, pen)
        length = int(self.length.rows[piece])
        action = np.zeros(len(starts), np.uint8)
        action[-1] = self.action.rows[piece]
        first = self.add_pieces(
            kind=np.full(len(starts), self.kind.rows[piece]),
            face=np.full(len(starts), self.face.rows[piece]),
            advance=np.bincount(of, step, len(starts)).astype(np.int64),
            clusters=np.ones(len(starts), np.int32),
            length=np.diff(starts, append=length),
            action=action,
            edges=np.full(len(starts), self.edges.rows[piece]),
            glyph_count=np.bincount(of, minlength=len(starts)),
        )
        self.add_glyphs(
            self.glyph.take(rows)[order],
            (self.x.take(rows) - origin[of])[order],
            self.y.take(rows)[order],
            (cluster - starts[of])[order],
            step[order],
        )
        return np.arange(first, first + len(starts), dtype=np.int32)

    def copy_pieces(self, other: Arena, pieces: NDArray[Any]) -> NDArray[np.int32]:
        """Append `pieces` of another arena to this one; returns their numbers here."""
        rows, counts = other.glyph_rows(pieces)
        first = self.add_pieces(
            kind=other.kind.take(pieces),
            face=other.face.take(pieces),
            advance=other.advance.take(pieces),
            clusters=other.clusters.take(pieces),
            length=other.length.take(pieces),
            action=other.action.take(pieces),
            edges=other.edges.take(pieces),
            glyph_count=counts,
        )
        self.add_glyphs(
            other.glyph.take(rows),
            other.x.take(rows),
            other.y.take(rows),
            other.cluster.take(rows),
            other.step.take(rows),
        )
        return np.arange(first, first + len(pieces), dtype=np.int32)

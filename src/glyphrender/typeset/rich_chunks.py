"""Rich chunks: a rich text → the segments of its chunks, which count every character of the source.

The drawn text is cut into chunks and analysed as any text: line breaks, direction and variants are those of the whole
paragraph. A segment ends where the look changes, and where something is consumed or replaced. Afterwards each segment
is given the characters of the source that it stands for:

- What is consumed belongs to the segment before it; at the start of a paragraph, to an empty segment there.
- What is replaced belongs to the first segment of its replacement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.drawn_text import OWN, DrawnText
from glyphrender.rich.style import Style
from glyphrender.text import grapheme
from glyphrender.text.properties import codepoints
from glyphrender.text.source import Chunk, chunks
from glyphrender.theta import Theta
from glyphrender.typeset.drawn import Drawn
from glyphrender.typeset.glyph_store import NEWLINE, NO_BREAK
from glyphrender.typeset.joining import alefs_after_lam
from glyphrender.typeset.paragraph_styles import NO_STYLES
from glyphrender.typeset.paragraphs import Paragraphs
from glyphrender.typeset.rich_styles import Looks, StylesOfLooks
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.shaper import Shaper
from glyphrender.typeset.style import WordStyle, consumption, is_shaped_alike
from glyphrender.typeset.variants import VariantPolicy, analyse_variants
from glyphrender.typeset.word_characters import is_box_drawing


def rich_segments(
    text: DrawnText,
    looks: Looks,
    paragraphs: Paragraphs | None,
    theta: Theta,
    style: WordStyle,
    shaper: Shaper,
    *,
    base: int | None,
) -> Iterator[SegmentTable]:
    """Yield the segments of a rich text, chunk by chunk.

    Args:
        text: the drawn text and its places in the source.
        looks: the looks of its styles under `theta`.
        paragraphs: the styles of its paragraphs, or None.
        theta, style: the rendering parameters, and their style for plain text.
        shaper: what is remembered.
        base: the base direction (0 or 1) that `theta` imposes on every paragraph, or None.
    """
    policy, consumed = VariantPolicy.of(theta), consumption(theta)
    styles = StylesOfLooks(looks, theta, shaper)
    inherited = start = 0
    found = chunks(text.text, size=shaper.chunk_size, base=base, inert=style.inert, consumed=consumed)
    if not text.text and text.length:
        found = iter([Chunk(text="", offset=0, line=0)])
    for chunk in found:
        drawn = Drawn.of(chunk, consumed)
        marked = _marked(drawn, text, looks.styles)
        account = _Account(drawn, text, start)
        in_cells = account.in_cells(paragraphs) if policy.box_drawing else None
        table, inherited = analyse_variants(
            marked, policy, styles.words, base=base, inherited=inherited, in_cells=in_cells
        )
        yield account.of(replace(table, looks=looks.styles), paragraphs)
        start = account.end


def _marked(drawn: Drawn, text: DrawnText, styles: Sequence[Style]) -> Chunk:
    """Return the chunk of `drawn` with the look of each character, cut where the look changes and beside edits.

    `styles` are the looks.
    """
    source, chunk = drawn.source, drawn.chunk
    begin, end = source.offset, source.offset + len(source.text)
    lo, hi = np.searchsorted(text.bounds, [begin, end], "right")
    bounds = np.clip(text.bounds[lo - 1 : hi + 1], begin, end)
    looks = np.repeat(text.style[lo - 1 : lo - 1 + len(bounds) - 1], np.diff(bounds)).astype(np.int32)
    edges = text.edges[slice(*np.searchsorted(text.edges, [begin, end]))] - begin
    if len(drawn.place):
        kept = np.ones(len(source.text) + 1, bool)
        removed = np.cumsum(drawn.count) - drawn.count
        for place, count in zip((drawn.place + removed).tolist(), drawn.count.tolist(), strict=True):
            kept[place : place + count] = False
        edges = (np.cumsum(kept) - kept)[edges]
        looks = looks[kept[:-1]]
    changes = np.flatnonzero(looks[1:] != looks[:-1]) + 1
    if len(changes) and (not chunk.text.isascii() or "\r\n" in chunk.text):  # CR LF is one cluster, UAX #29 GB3
        cps = codepoints(chunk.text)
        starts = grapheme.cluster_starts(cps)
        if not starts[changes].all():  # a cluster has the look of its first character
            looks = looks[np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))]
            changes = np.flatnonzero(looks[1:] != looks[:-1]) + 1
        if ligatures := alefs_after_lam(cps, starts, changes):
            # If one shaping serves both styles, lam and alef have the look of the lam, as in browsers.
            looks, apart = looks.copy(), {*edges.tolist(), *chunk.cuts}
            for alef, end in ligatures:
                if alef not in apart and is_shaped_alike(styles[looks[alef]], styles[looks[alef - 1]]):
                    looks[alef:end] = looks[alef - 1]
            changes = np.flatnonzero(looks[1:] != looks[:-1]) + 1
    cut = np.zeros(len(chunk.text) + 1, bool)
    for places in (changes, edges, list(chunk.cuts)):
        cut[places] = True
    cuts = np.flatnonzero(cut[:-1])
    cuts = cuts[cuts > 0]
    return replace(chunk, cuts=tuple(cuts.tolist()), looks=looks)


@dataclass
class _Account:
    """The account of a chunk: which characters of the source its segments stand for.

    Attributes:
        drawn: the chunk, and what θ consumes of it.
        text: the rich text.
        start: the first character of the source that no earlier chunk has.
        end: the character after the last of this chunk; set by `of`.
    """

    drawn: Drawn
    text: DrawnText
    start: int
    end: int = 0

    def _drawn(self, places: NDArray[Any], side: Literal["left", "right"] = "right") -> NDArray[np.int64]:
        """Return where places of the chunk stand in the drawn text, before or behind what θ consumes there."""
        if not len(self.drawn.place):
            return self.drawn.source.offset + np.asarray(places, np.int64)
        gone = np.append(0, np.cumsum(self.drawn.count))
        skipped = gone[np.searchsorted(self.drawn.place, places, side)]
        drawn: NDArray[np.int64] = self.drawn.source.offset + places + skipped
        return drawn

    def _ends(self, places: NDArray[Any]) -> NDArray[np.int64]:
        """Return where in the source the characters before places of the chunk end; the start of the chunk at 0."""
        return np.where(places > 0, self.text.ends(self._drawn(places, "left")), self.start)

    def in_cells(self, paragraphs: Paragraphs | None) -> NDArray[np.bool_] | None:
        """Return [n] whether each character of the chunk stands in a cell; None if the text has no box drawing."""
        chunk = self.drawn.chunk
        if paragraphs is None or chunk.text.isascii() or not paragraphs.styles.in_cell.any():
            return None
        if not is_box_drawing(codepoints(chunk.text)).any():
            return None
        styles = paragraphs.styles_at(self._drawn(np.arange(len(chunk.text))))
        found: NDArray[np.bool_] = paragraphs.styles.in_cell[styles]
        return found

    def of(self, table: SegmentTable, paragraphs: Paragraphs | None) -> SegmentTable:
        """Return `table`, the segments of the drawn text of the chunk, as those of the source."""
        text, chunk = self.text, self.drawn.chunk
        lengths = table.drawn_lengths().astype(np.int64)
        stop = np.cumsum(lengths)
        place = stop - lengths
        drawn = self._drawn(place)
        begin, replaced = text.stands_for(drawn)
        end = np.append(begin[1:], text.begins(self._drawn(stop[-1:])))
        # A paragraph begins with what is consumed before it; everything else that is consumed ends a segment.
        closes = table.kinds() >= NEWLINE
        end[closes] = self._ends(stop[closes])
        final = self.drawn.source.offset + len(self.drawn.source.text) == len(text.text)
        # What θ consumes behind the last line end stands on a line of its own, as in plain text.
        last_line = final and bool(closes[-1:].any() and (self.drawn.place[-1:] == len(chunk.text)).any())
        if final and not last_line:
            end[-1] = text.length
        self.end = text.length if final else int(end[-1])
        own = table.store.length.take(table.number)  # without the gaps
        stands_for = own.astype(np.int64)
        edited = np.flatnonzero((replaced != OWN) & (own > 0))
        stands_for[edited] = self._ends((place + own)[edited]) - begin[edited]
        before = np.append(self.start, end[:-1])
        gained = begin - before  # what is consumed before each segment, and not by the segment before
        row = np.flatnonzero(gained)
        hidden = gained[row]
        if last_line:
            row, hidden = np.append(row, len(stop)), np.append(hidden, self.end - end[-1])
        at = np.insert(np.arange(len(stop)), row, np.minimum(row, len(stop) - 1))
        added = np.insert(np.zeros(len(stop), bool), row, True)
        columns: dict[str, Any] = {
            "number": table.number[at],
            "gap": table.gap[at],
            "breaks": table.breaks[at],
            "hidden": np.insert(end - begin - lengths, row, hidden).astype(np.int32),
            "stands_for": stands_for.astype(np.int32)[at],
            "replaced": replaced[at],
        }
        empty = np.flatnonzero(added)  # the separator ""
        for name, value in (("number", 0), ("gap", 0), ("breaks", NO_BREAK), ("stands_for", 0), ("replaced", OWN)):
            columns[name][empty] = value
        if paragraphs is not None:
            columns["paragraph"] = paragraphs.styles_at(drawn)[at]
            if last_line:
                columns["paragraph"][-1:] = paragraphs.styles_at(self._drawn(stop[-1:]))
        line = int(text.lines_before(np.array([self.start]))[0])
        return replace(
            table.edited(at, **columns),
            paragraph_styles=NO_STYLES if paragraphs is None else paragraphs.styles,
            text=text.source[self.start : self.end],
            drawn_text=chunk.text,
            offset=self.start,
            line=line,
            mid_line=not text.begins_line(self.start),
        )

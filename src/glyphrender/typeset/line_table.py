"""What lines are: the measures they are set by, and a galley, a run broken into them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.theta import LineBreaker, Spaces, Theta
from glyphrender.typeset import glyph_store as a
from glyphrender.typeset.analyse import Run
from glyphrender.typeset.word_cache import Words

#: What a line is: the first or last of its paragraph, ends in an added hyphen, ends its page.
FIRST, LAST, HYPHEN, PAGE_END = 1, 2, 4, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Measures:
    """The widths that lines are set by, in EM units."""

    first: int  # the first line of a paragraph
    rest: int
    gap: int  # a space
    letter: int  # added to every cluster
    tab: int  # distance between tab stops
    hyphen: int
    marker: int | None  # the newline marker that lets text flow on; None where a newline ends the line
    marker_lead: int  # the spaces before the marker, part of `marker`
    collapse: bool
    optimal: bool
    ascent: float  # of the first face, in em
    descent: float

    @classmethod
    def of(cls, theta: Theta, words: Words) -> Measures:
        """The measures of `theta` for the font of `words`."""

        def units(points: float) -> int:
            return int(points / theta.em * EM + 1e-6)

        letter = round(theta.letter_spacing / theta.em * EM)
        space = max(0, words.shaped(" ")[2] + letter)
        gap = max(0, space + round(theta.word_spacing / theta.em * EM))
        marker = theta.newline_marker
        text = marker[0] if marker else ""
        lead = len(text) - len(text.lstrip(" "))
        trail = len(text) - len(text.rstrip(" "))
        ink = words.shaped(text.strip(" "))[2] if marker else 0
        return cls(
            first=max(1, units(theta.measure - theta.first_line_indent)),
            rest=max(1, units(theta.measure)),
            gap=gap,
            letter=letter,
            tab=max(1, space * theta.tab_width),
            hyphen=words.shaped(words.hyphen)[2] + letter,
            marker=ink + (lead + trail) * gap if marker else None,
            marker_lead=lead * gap,
            collapse=theta.spaces is Spaces.COLLAPSE,
            optimal=theta.line_breaker is LineBreaker.OPTIMAL,
            ascent=words.style.stack.primary.ascent,
            descent=words.style.stack.primary.descent,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Galley:
    """A run broken into lines: column k of each array is line k, pieces `first[k]` to `last[k]`.

    The lines cover the run without a hole. Widths are EM units, hanging spaces left out.
    """

    run: Run
    measures: Measures
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    width: NDArray[np.int64]
    flags: NDArray[np.uint8]
    tab_at: NDArray[np.intp]  # pieces that are tabs, and
    tab_width: NDArray[np.int64]  # how wide each came out

    def __len__(self) -> int:
        return len(self.first)

    def since(self, offset: int) -> Galley:
        """The lines that begin at character `offset` of the source or after it."""
        if self.run.offset >= offset:
            return self
        edges = np.append(0, np.cumsum(self.run.lengths()))
        lo = int(np.searchsorted(self.run.offset + edges[self.first], offset))
        lines = {name: getattr(self, name)[lo:] for name in ("first", "last", "width", "flags")}
        return replace(self, **lines)

    def advances(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(width of each piece, width of the gap after it) for pieces `start` to `stop`."""
        run, measures = self.run, self.measures
        ink, gap = advances(run, measures, start, stop)
        if len(self.tab_at):
            inside = slice(*np.searchsorted(self.tab_at, [start, stop]))
            ink[self.tab_at[inside] - start] = self.tab_width[inside]
        return ink, gap


def advances(run: Run, measures: Measures, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(width of each piece, width of the gap after it) for pieces `start` to `stop`; tabs have no width yet."""
    piece = run.piece[start:stop]
    ink = run.arena.advance.take(piece)
    if measures.letter:
        ink = np.maximum(ink + run.arena.clusters.take(piece).astype(np.int64) * measures.letter, 0)
    gap = run.gap[start:stop] * np.int64(measures.gap)
    if measures.collapse or measures.marker is not None:
        kind = run.arena.kind.take(piece)
        if measures.collapse:
            spaced = np.append(run.gap[start - 1] if start else 0, run.gap[start : stop - 1]) != 0
            gap[(kind == a.EMPTY) & spaced] = 0
        if measures.marker is not None:
            ink[kind == a.NEWLINE] = measures.marker
    return ink, gap

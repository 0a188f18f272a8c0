"""Cells: the glyphs of a grid, in which each grapheme cluster takes one or two cells, as in a terminal.

East Asian wide and fullwidth characters (UAX #11) and emoji take two cells, and so does a cluster of two letters or
more (a conjunct of Devanagari); all others take one. Ambiguous characters take one, whatever the language: box drawing
is ambiguous, and programs that draw tables count one. A glyph that is narrower than its cells stands in their middle; a
wider one is condensed. The letters of scripts that join (Arabic), or hang on one line (Devanagari), are stretched or
condensed to fill their cells, so that they still join. Every pen position is then a whole number of cells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import Flag, GeneralCategory, GraphemeBreak, table
from glyphrender.text.runs import are_in, counts_in, set_of
from glyphrender.text.script import SCRIPT_TAGS
from glyphrender.typeset.glyph_store import FULL
from glyphrender.typeset.joining import JOINING
from glyphrender.typeset.shape import Glyphs
from glyphrender.typeset.units import Units
from glyphrender.typeset.word_characters import (
    EMOJI_STYLE,
    KEYCAP,
    TEXT_STYLE,
    WordCharacters,
    WordText,
    is_keycap_base,
)

_MARKS: Final = set_of([GeneralCategory.Mn, GeneralCategory.Mc, GeneralCategory.Me])
_JAMO: Final = set_of([GraphemeBreak.V, GraphemeBreak.T])
#: The scripts whose letters hang on one line.
LINED: Final = ("Deva", "Beng", "Guru")
_JOINS: Final = np.isin(SCRIPT_TAGS, (*JOINING, *LINED))


def cells_of(text: WordText, characters: WordCharacters) -> NDArray[np.uint8]:
    """Return [n] how many cells each character adds to the line: those of a cluster at its first character, else 0."""
    cps, is_end = text.cps, text.is_end
    flags = table().flags.take(text.record)
    starts = characters.starts | is_end
    if text.text.isascii():
        cells = (~is_end).astype(np.uint8)
    else:
        first = np.flatnonzero(starts)
        wide = (flags & np.uint8(Flag.WIDE | Flag.EMOJI_PRESENTATION)) != 0
        styled = _takes_style(cps, flags)
        # VS15 asks for text presentation, which is narrow. VS16 and U+20E3 ask for emoji presentation.
        wide[:-1] &= ~((cps[1:] == TEXT_STYLE) & styled[:-1])
        wide[1:] |= (cps[1:] == EMOJI_STYLE) & styled[:-1]
        wide |= cps == KEYCAP
        # The letters of a cluster count, and its marks do not: Thai "กำ" and Devanagari "क्ष" have two letters.
        properties = table()
        mark = are_in(properties.general_category.take(text.record), _MARKS)
        jamo = are_in(properties.grapheme_break.take(text.record), _JAMO) & ~starts
        hidden = characters.ignorable | is_end
        count = np.minimum(counts_in(~(mark | jamo | hidden), first), 2).astype(np.uint8)
        count[counts_in(wide, first) > 0] = 2
        # A mark without a base has a cell of its own, and an invisible cluster has none.
        np.maximum(count, 1, out=count)
        count *= counts_in(~hidden, first) > 0
        cells = np.zeros(len(cps), np.uint8)
        cells[first] = count
    boxed = characters.special & ~is_end
    escaped = list(characters.stand_in)
    boxed[escaped] = False
    cells[escaped] = [len(drawn) for drawn in characters.stand_in.values()]
    cells[boxed] = np.maximum(cells[boxed], 1)
    return cells


def _takes_style(cps: NDArray[np.uint32], flags: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return whether VS16 after each character asks for emoji presentation."""
    takes: NDArray[np.bool_] = ((flags & Flag.EXTENDED_PICTOGRAPHIC.value) != 0) | is_keycap_base(cps)
    return takes


def on_grid(
    glyphs: Glyphs, cells: NDArray[np.uint8], characters: WordCharacters, units: Units, cell: int
) -> tuple[Glyphs, NDArray[np.uint8]]:
    """Return (the glyphs moved into their cells, [g] the width of each outline in 64ths of the font's).

    The steps of 64ths keep the number of different widths small, because a face is drawn once for each width.

    Args:
        glyphs: the glyphs of `units`. Their `cluster` is a character of `text`.
        cells: [n] what `cells_of` returns.
        characters: what the characters are.
        units: the units.
        cell: width of a cell in EM units.
    """
    n = len(cells)
    # A group is what is moved as one: the glyphs from one character that begins both a grapheme cluster and a glyph's
    # cluster to the next. A ligature that cannot be turned off (lam-alef) has the cells of all its letters.
    begins = np.zeros(n, bool)
    begins[glyphs.cluster] = True
    begins &= characters.starts
    begins[units.first] = True
    group_of = np.cumsum(begins) - 1
    room = np.bincount(group_of, cells, group_of[-1] + 1).astype(np.int64) * cell
    group = group_of[glyphs.cluster]
    # In visual order, the glyphs of a group stand together.
    change = np.append(True, (group[1:] != group[:-1]) | (glyphs.unit[1:] != glyphs.unit[:-1]))
    first = np.flatnonzero(change)
    count = np.diff(first, append=len(group))
    pen = np.append(0, np.cumsum(glyphs.step, dtype=np.int64))
    origin = pen[first]
    target = room[group[first]]
    natural = np.diff(origin, append=pen[-1:])
    same = (target == natural) & (count == 1)
    drawn = natural > 0
    fit = np.full(len(first), FULL, np.int64)
    squeezed = np.flatnonzero(natural > target)
    fit[squeezed] = np.maximum(FULL * target[squeezed] // natural[squeezed], 1)
    joins = np.flatnonzero(_JOINS[characters.script[glyphs.cluster[first]]] & drawn & (target > 0))
    fit[joins] = np.clip(-(-FULL * target[joins] // natural[joins]), 1, 255)
    # A mark without a base has no advance, and hangs to the left of its origin.
    shift = np.where(drawn, (target - natural * fit // FULL) // 2, target)
    step = np.zeros(len(group), np.int32)
    step[first + count - 1] = target

    def of_glyphs(values: NDArray[Any]) -> NDArray[Any]:
        return values if len(first) == len(group) else np.repeat(values, count)

    offset = (pen[:-1] - of_glyphs(origin) + glyphs.dx) * of_glyphs(fit) // FULL + of_glyphs(shift)
    placed = replace(glyphs, step=step, dx=np.where(of_glyphs(same), glyphs.dx, offset).astype(np.int32))
    return placed, of_glyphs(fit.astype(np.uint8))

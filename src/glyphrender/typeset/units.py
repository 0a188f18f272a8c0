"""Units: the characters of new words → units, and their glyphs.

A *unit* is what HarfBuzz shapes at once: a stretch of a word that has one face, one script and one direction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import kinds
from glyphrender.fonts.face import EM
from glyphrender.fonts.stack import IN_CELL, MISSING
from glyphrender.text.runs import ranges
from glyphrender.theta import MissingGlyph
from glyphrender.typeset.alone import AloneGlyphs
from glyphrender.typeset.joining import CONTEXT, JOINS, never_join
from glyphrender.typeset.shape import Glyphs, shape
from glyphrender.typeset.style import WordStyle
from glyphrender.typeset.word_characters import WordCharacters, WordText


@dataclass(frozen=True, kw_only=True, slots=True)
class Units:
    """The units of a `WordText`.

    Attributes:
        starts: [n] whether a unit begins at each character.
        first, last: [u] the first character of each unit, and the character after its last one.
        missing: [u] whether the unit is a character that no font has.
        fills_cell: [u] whether the unit is box drawing that fills its cells.
    """

    starts: NDArray[np.bool_]
    first: NDArray[np.intp]
    last: NDArray[np.int64]
    missing: NDArray[np.bool_]
    fills_cell: NDArray[np.bool_]

    @classmethod
    def of(cls, text: WordText, characters: WordCharacters) -> Units:
        """Return the units of `text`: they end where the face or the script changes, and around special characters."""
        is_end, special, face, script = text.is_end, characters.special, characters.face, characters.script
        change = np.ones(len(text.cps), bool)
        change[1:] = is_end[:-1] | special[1:] | special[:-1]
        change[1:] |= ((face[1:] != face[:-1]) | (script[1:] != script[:-1])) & ~is_end[1:]
        starts = change & ~is_end
        first = np.flatnonzero(starts)
        # A unit ends where the next one begins, or at the end of its word.
        last = np.minimum(np.append(first[1:], len(text.cps)), text.end[text.word[first]])
        return cls(
            starts=starts, first=first, last=last, missing=face[first] == MISSING, fills_cell=face[first] == IN_CELL
        )


def shape_units(
    text: WordText, characters: WordCharacters, units: Units, style: WordStyle, alone: AloneGlyphs
) -> Glyphs:
    """Return the glyphs of `units`. Their `cluster` is a character of `text`, not of the unit.

    A character that no font has gets one glyph, whose glyph id is the code point, and so does box drawing in cells.

    Args:
        text: the words.
        characters: what their characters are.
        units: the units of the words.
        style: the style of the words.
        alone: the glyphs of units of one character that `style` met before. New ones are added.

    Raises:
        FontError: the file of a face cannot be read.
    """
    empty = np.zeros(len(text.cps), bool)
    empty[[at for at, drawn in characters.stand_in.items() if not drawn]] = True
    shaped = np.flatnonzero(~units.missing & ~units.fills_cell & ~empty[units.first])
    first, last = units.first[shaped], units.last[shaped]
    special = characters.special[first]
    rtl = text.rtl[text.word[first]] & ~special  # an escape reads left to right
    context = _contexts(text, characters, first, last)
    keys = _keys(text, characters, first, last, rtl, context)
    chosen, keyed, new = np.flatnonzero(keys < 0), np.flatnonzero(keys >= 0), keys[:0]
    if len(keyed):
        distinct_keys, at, kind = kinds(keys[keyed])
        places, lacking = alone.places(distinct_keys)
        new = distinct_keys[lacking]
        chosen = np.append(chosen, keyed[at[lacking]])
    others = len(chosen) - len(new)
    glyphs = shape(
        _unit_texts(text, characters, units, shaped[chosen]),
        style.stack.faces,
        characters.face[first[chosen]],
        characters.script[first[chosen]],
        rtl[chosen],
        language=style.language,
        features=style.features,
        context={place: context[unit] for place, unit in enumerate(chosen.tolist()) if unit in context}
        if context
        else context,
    )
    if len(keyed):
        if len(new):
            counts = np.bincount(glyphs.unit, minlength=len(chosen))[others:]
            added = slice(len(glyphs.unit) - int(counts.sum()), None)
            alone.add(new, {name: getattr(glyphs, name)[added] for name in ("glyph", "step", "dx", "dy")}, counts)
        source = np.full(len(keys), -1)
        source[chosen[:others]] = np.arange(others)
        place = np.zeros(len(keys), np.intp)
        place[keyed] = (alone.places(distinct_keys)[0] if len(new) else places)[kind]
        glyphs = alone.joined(glyphs, source, place)
    cluster = first[glyphs.unit] + np.where(special[glyphs.unit], 0, glyphs.cluster)
    unit = shaped[glyphs.unit]
    if characters.ignorable.any():
        cluster = _moved_to_visible(cluster, units.last[unit], characters)
    glyphs = replace(glyphs, unit=unit.astype(np.int32), cluster=cluster.astype(np.int32))
    if units.missing.any():
        glyphs = _with_boxes(glyphs, text, units, style)
    return _with_cell_signs(glyphs, text, units, style.cell) if units.fills_cell.any() else glyphs


def _keys(
    text: WordText,
    characters: WordCharacters,
    first: NDArray[np.intp],
    last: NDArray[np.int64],
    rtl: NDArray[np.bool_],
    context: dict[int, tuple[str, str]],
) -> NDArray[np.int64]:
    """Return [u] a number that says all that the glyphs of a unit of one character depend on; -1 for other units.

    What stands in for a character depends on the character and on the style alone.
    """
    special = characters.special[first]
    bare = np.zeros(len(first), bool)  # shaped alone, because it may join, but nothing beside it does
    joined = np.zeros(len(first), bool)
    for unit, texts in context.items():
        (joined if any(texts) else bare)[unit] = True
    key = text.cps[first].astype(np.int64) << 19
    key |= characters.face[first].astype(np.int64) << 11
    key |= characters.script[first].astype(np.int64) << 3
    key |= (rtl.astype(np.int64) << 2) | (special.astype(np.int64) << 1) | bare
    key[(last - first != 1) | joined] = -1
    return key


def _unit_texts(text: WordText, characters: WordCharacters, units: Units, shaped: NDArray[np.intp]) -> list[str]:
    """Return the texts of the units numbered `shaped`, or what stands in for them."""
    every = np.array_equal(shaped, np.arange(len(units.first)))
    if every and np.array_equal(units.first, text.start):
        texts = text.words  # most batches: every word is one unit
    else:
        spans = zip(units.first[shaped].tolist(), units.last[shaped].tolist(), strict=True)
        texts = [text.text[start:end] for start, end in spans]
    if characters.stand_in:
        texts = list(texts)
        for place in np.flatnonzero(characters.special[units.first[shaped]]).tolist():
            texts[place] = characters.stand_in.get(int(units.first[shaped[place]])) or texts[place]
    return texts


def _contexts(
    text: WordText, characters: WordCharacters, first: NDArray[np.intp], last: NDArray[np.int64]
) -> dict[int, tuple[str, str]]:
    """Return number of a unit → the text before and after it in its word, for scripts whose letters join.

    Letters join across a change of face too: most Urdu words need a second font beside DejaVu Sans. They join with
    what stands around a part of a word that was cut, too. A text that begins at a letter, number or sign that never
    joins is left out, because HarfBuzz looks no further.
    """
    word = text.word[first]
    start, end = text.start[word], text.end[word]
    beside = (start < first) | (last < end)
    if text.around:
        beside |= np.isin(word, list(text.around))
    joins = JOINS[characters.script[first]] & ~characters.special[first] & beside
    if not joins.any():
        return {}
    never = never_join(text.record)
    before, after = np.maximum(start, first - CONTEXT), np.minimum(end, last + CONTEXT)
    before = np.where(never[first - 1], first, before)
    after = np.where(never[last], last, after)
    found = {
        unit: (text.text[before[unit] : first[unit]], text.text[last[unit] : after[unit]])
        for unit in np.flatnonzero(joins).tolist()
    }
    if text.around:
        for unit, (head, tail) in found.items():
            outer = text.around.get(int(word[unit]), ("", ""))
            head = outer[0] + head if before[unit] == start[unit] else head
            tail = tail + outer[1] if after[unit] == end[unit] else tail
            found[unit] = head[-CONTEXT:], tail[:CONTEXT]
    return found


def _moved_to_visible(
    cluster: NDArray[np.intp], last: NDArray[np.int64], characters: WordCharacters
) -> NDArray[np.intp]:
    """Return `cluster` with ignorable characters replaced by the next visible character of the same unit.

    HarfBuzz merges an ignorable character at the head of a unit into the cluster after it. The glyph belongs to the
    character that is visible.

    Args:
        cluster: [g] the character at which each glyph's cluster begins.
        last: [g] the character after the last one of the glyph's unit.
        characters: what the characters are.
    """
    n = len(characters.ignorable)
    seen = np.where(characters.ignorable | characters.special, n, np.arange(n))
    visible = np.minimum.accumulate(seen[::-1])[::-1]
    moved = characters.ignorable[cluster] & (visible[cluster] < last)
    return np.where(moved, np.minimum(visible[cluster], n - 1), cluster)


def _with_boxes(glyphs: Glyphs, text: WordText, units: Units, style: WordStyle) -> Glyphs:
    """Return `glyphs` with one more glyph for each unit that no font has, in the order of the units."""
    at = units.first[units.missing]
    if style.missing_glyph is MissingGlyph.NOTDEF:
        widths = np.full(len(at), style.stack.faces[0].hb_font.get_glyph_h_advance(0), np.int32)
    else:
        widths = np.where(text.cps[at] > 0xFFFF, box_width(0x10000), box_width(0xFFFF)).astype(np.int32)
    return _with_code_points(glyphs, text, np.flatnonzero(units.missing), at, widths)


def _with_cell_signs(glyphs: Glyphs, text: WordText, units: Units, cell: int) -> Glyphs:
    """Return `glyphs` with one more glyph for each character of box drawing, in the order of the units."""
    counts = (units.last - units.first)[units.fills_cell]
    unit = np.repeat(np.flatnonzero(units.fills_cell), counts)
    at = ranges(units.first[units.fills_cell], counts)
    return _with_code_points(glyphs, text, unit, at, np.full(len(at), cell, np.int32))


def _with_code_points(
    glyphs: Glyphs, text: WordText, units: NDArray[np.intp], at: NDArray[np.intp], widths: NDArray[np.int32]
) -> Glyphs:
    """Return `glyphs` and, in their order of `units`, a glyph for each character `at`: its id is the code point."""
    n = len(glyphs.unit) + len(units)
    place = np.searchsorted(glyphs.unit, units, "right") + np.arange(len(units))
    old = np.ones(n, bool)
    old[place] = False

    def merged(rows: NDArray[Any], new: NDArray[Any] | int) -> NDArray[Any]:
        both = np.empty(n, rows.dtype)
        both[old], both[place] = rows, new
        return both

    return Glyphs(
        unit=merged(glyphs.unit, units),
        cluster=merged(glyphs.cluster, at),
        glyph=merged(glyphs.glyph, text.cps[at]),
        step=merged(glyphs.step, widths),
        dx=merged(glyphs.dx, 0),
        dy=merged(glyphs.dy, 0),
    )


def box_width(cp: int) -> int:
    """Return the width of the box that shows a code point in two rows of hexadecimal digits, in EM units.

    >>> round(box_width(0xE000) / EM, 3), round(box_width(0x10FFFE) / EM, 3)
    (0.92, 1.28)
    """
    columns = (max(4, len(f"{cp:X}")) + 1) // 2
    return round((0.36 * columns + 0.2) * EM)

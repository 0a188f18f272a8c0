"""Shape: units of text, each of one face, script and direction → their glyphs.

HarfBuzz takes 0.35 µs a word, and a call some 20 µs. So hundreds of units of the same kind are shaped in one call, with
spaces between them. In a line a word has spaces beside it too, so kerning against the space comes out the same. A unit
that reaches into the space (a mark at its head does) is recognized by the result, and shaped alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import stable_order
from glyphrender.fonts.face import Face
from glyphrender.text.properties import SCRIPT_TAGS, GeneralCategory, codepoints, records, table
from glyphrender.text.runs import distinct, ranges
from glyphrender.text.script import LATIN
from glyphrender.typeset.buffer import Buffer, Shaped, buffer, glyph_rows
from glyphrender.typeset.joining import JOINING

# Units in one call. HarfBuzz takes the same time a unit for 61 units as for 512; with more units a call there are fewer
# calls, and less of the work that each call needs once.
BATCH: Final = 512
# Put between two units. The glyphs of a word must not depend on the words that were met with it. Contextual alternates
# of Inter look across any number of spaces, but not across a noncharacter, which no font has.
APART: Final = " \uffff "

# Scripts whose letters HarfBuzz neither takes apart nor gathers into syllables.
_SIMPLE: Final = frozenset(
    {"Latn", "Grek", "Cyrl", "Armn", "Geor", "Hebr", "Arab", "Syrc", "Thai", "Laoo", "Hani", "Hira", "Kana", "Bopo"}
    | {"Ethi", "Cans", "Cher", "Copt", "Goth", "Thaa"}
)

_IS_SIMPLE: Final = np.isin(SCRIPT_TAGS, sorted(_SIMPLE))

_PARTS: Final = 2  # bits below face, script and direction in the number of a group
_MARK, _DIGIT, _LETTER = 1, 2, 4
_HELD: Final = np.array(
    [
        {"M": _MARK, "L": _LETTER}.get(category.name[0], _DIGIT * (category.name == "Nd"))
        for category in GeneralCategory
    ],
    np.uint8,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Glyphs:
    """The glyphs of many units, sorted by unit, and in visual order inside each unit. Lengths are EM units, y up.

    Attributes:
        unit: [g] number of the unit that the glyph belongs to.
        cluster: [g] character of the unit at which the glyph's grapheme cluster starts.
        glyph: [g] glyph ids.
        step: [g] advance of the glyph.
        dx, dy: [g] offset of the glyph's origin from the pen.
    """

    unit: NDArray[np.int32]
    cluster: NDArray[np.int32]
    glyph: NDArray[np.uint32]
    step: NDArray[np.int32]
    dx: NDArray[np.int32]
    dy: NDArray[np.int32]


def shape(
    texts: Sequence[str],
    faces: Sequence[Face],
    face: NDArray[Any],
    script: NDArray[Any],
    rtl: NDArray[np.bool_],
    *,
    language: str,
    features: dict[str, bool],
    context: Mapping[int, tuple[str, str]] = MappingProxyType({}),
) -> Glyphs:
    """Return the glyphs of `texts`, each shaped as one unit.

    >>> from glyphrender.fonts.stack import font_stack
    >>> faces = [font_stack("DejaVu Sans").primary]
    >>> from glyphrender.text.script import LATIN
    >>> face, script, rtl = np.zeros(2, np.uint8), np.full(2, LATIN), np.zeros(2, bool)
    >>> glyphs = shape(["a", "bc"], faces, face, script, rtl, language="en", features={})
    >>> glyphs.unit.tolist(), glyphs.cluster.tolist()
    ([0, 1, 1], [0, 0, 1])

    Args:
        texts: [n] the units.
        faces: the faces that `face` refers to.
        face: [n] place of each unit's face in `faces`.
        script: [n] place of each unit's script in `SCRIPT_TAGS`.
        rtl: [n] whether the unit runs from right to left.
        language: a BCP 47 tag, or empty.
        features: OpenType feature → whether it is on; features that are not named keep HarfBuzz's default.
        context: number of a unit → (text before, text after). The unit's letters join with these texts, which are not
            shaped themselves. A unit with a context is shaped alone.

    Raises:
        FontError: the file of a face cannot be read.
    """
    group, hangs = _groups(texts, face, script, rtl)
    calls: dict[int, tuple[Buffer, int]] = {}
    switched = tuple(features.items())
    for key in distinct(group >> _PARTS).tolist():
        calls[key] = _call(faces[key >> 16], SCRIPT_TAGS[(key & 0xFFFF) >> 1], bool(key & 1), language, switched)
    hangs[list(context)] = False
    together = ~hangs
    together[list(context)] = False
    order = np.flatnonzero(together)
    order = order[stable_order(group[order])]
    starts = np.append(0, np.flatnonzero(np.diff(group[order])) + 1)
    batches = []
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        for at in range(start, stop, BATCH):
            batches.append(_Batch(*calls[int(group[order[at]]) >> _PARTS], order[at : min(at + BATCH, stop)]))
    in_context = [
        (calls[int(group[unit]) >> _PARTS][0](texts[unit], *around), unit, len(around[0]))
        for unit, around in context.items()
    ]
    bare = [(calls[int(group[unit]) >> _PARTS][0](texts[unit]), unit, 0) for unit in np.flatnonzero(hangs).tolist()]
    glyphs = np.concatenate([*_shape_batches(texts, batches), _of_units(in_context), _of_units(bare)], axis=1)
    unit = glyphs[0]
    if (unit[1:] < unit[:-1]).any():
        glyphs = glyphs[:, stable_order(unit)]
    unit, cluster, glyph, step, dx, dy = glyphs
    return Glyphs(unit=unit, cluster=cluster, glyph=glyph.view(np.uint32), step=step, dx=dx, dy=dy)


@lru_cache(maxsize=4096)
def _call(
    face: Face, script: str, rtl: bool, language: str, features: tuple[tuple[str, bool], ...]
) -> tuple[Buffer, int]:
    """Return (a buffer, the glyph of U+25CC, or 0 where a font lacks this dotted circle or HarfBuzz draws none).

    A text of code points at random asks for 600 pairs of face and script in each chunk.
    """
    switches = {name: on for name, on in features if name != "calt" or script not in JOINING}
    call = buffer(face, script=script, rtl=rtl, language=language, features=switches)
    return call, 0 if script in _SIMPLE else face.hb_font.get_nominal_glyph(0x25CC) or 0


def _groups(
    texts: Sequence[str], face: NDArray[Any], script: NDArray[Any], rtl: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return ([n] a number of the units that may be shaped together, [n] whether a unit begins with a mark).

    The number holds face, script and direction, then two bits.

    HarfBuzz takes letters such as U+0929 apart, and puts them together again only if a mark is in the buffer. And it
    takes left-to-right text of a right-to-left script for numbers if no letter is in the buffer. So units with marks,
    and units with digits and without letters, are shaped apart from the others where that matters. A mark at the head
    of a unit would be one cluster with the space before, so such a unit is shaped alone at once. Latin, and simple
    scripts from right to left, are not looked at here: `_shape_batches` finds these units by their glyphs.
    """
    hangs = np.zeros(len(texts), bool)
    group = ((face.astype(np.int64) << 16) | (script.astype(np.int64) << 1) | rtl) << _PARTS
    by_marks = ~_IS_SIMPLE[script]
    by_numbers = (script != LATIN) & ~rtl
    looked_at = np.flatnonzero(by_marks | by_numbers)
    if len(looked_at):
        these = texts if len(looked_at) == len(texts) else [texts[unit] for unit in looked_at.tolist()]
        held, hangs[looked_at] = _held(these)
        group[looked_at] |= by_marks[looked_at] & ((held & _MARK) != 0)
        group[looked_at] |= (by_numbers[looked_at] & ((held & (_DIGIT | _LETTER)) == _DIGIT)).astype(np.int64) << 1
    return group, hangs


def _held(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return ([n] three bits: whether a text holds a mark, a digit, a letter; [n] whether it begins with a mark)."""
    bits = _HELD.take(table().general_category.take(records(codepoints("".join(texts) + "\n"))))
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    first = np.cumsum(lengths) - lengths
    held: NDArray[np.uint8] = np.bitwise_or.reduceat(bits, first)
    held[lengths == 0] = 0
    return held, (bits[first] == _MARK) & (lengths > 0)


class _Batch(NamedTuple):
    """Units that are shaped in one call."""

    call: Buffer
    circle: int  # the glyph of U+25CC (dotted circle) if HarfBuzz may draw it, else 0
    units: NDArray[np.intp]


def _shape_batches(texts: Sequence[str], batches: list[_Batch]) -> list[NDArray[np.int32]]:
    """Return arrays [6, glyphs]: the number of the unit, then the five rows that `glyph_rows` describes.

    A unit that reaches into the space, or in which HarfBuzz puts a dotted circle, is shaped alone, and the others are
    shaped again without it.
    """
    rows: list[NDArray[np.int32]] = []
    bare: list[tuple[Shaped, int, int]] = []
    while batches:
        glyphs, alone = _shape_together(texts, batches)
        units = np.concatenate([batch.units for batch in batches])
        sizes = np.fromiter((len(batch.units) for batch in batches), np.intp, len(batches))
        bounds = np.append(0, np.cumsum(sizes))
        spoilt = np.add.reduceat(alone, bounds[:-1], dtype=np.intp) > 0
        rows.append(glyphs[:, ~np.repeat(spoilt, sizes)[glyphs[0]]])
        rows[-1][0] = units[rows[-1][0]]
        again = []
        for number in np.flatnonzero(spoilt).tolist():
            call, circle, some = batches[number]
            out = alone[bounds[number] : bounds[number + 1]]
            if len(some) == 1:  # no space beside it
                bare.append((call(texts[some[0]]), int(some[0]), 0))
                continue
            again += [_Batch(call, circle, some[place : place + 1]) for place in np.flatnonzero(out).tolist()]
            if not out.all():
                again.append(_Batch(call, circle, some[~out]))
        batches = again
    return [*rows, _of_units(bare)]


def _of_units(shaped: Sequence[tuple[Shaped, int, int]]) -> NDArray[np.int32]:
    """Return what `_shape_batches` returns, for (what a call gave, the unit, characters of the text before it)."""
    glyphs, counts = glyph_rows([each for each, _, _ in shaped])
    glyphs[0] = np.repeat(np.array([unit for _, unit, _ in shaped], np.int32), counts)
    glyphs[1] -= np.repeat(np.array([before for _, _, before in shaped], np.int32), counts)
    return glyphs


def _shape_together(texts: Sequence[str], batches: Sequence[_Batch]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return (what `glyph_rows` returns, with the place of the unit in row 0; [units] whether a unit is to be alone).

    The units of all batches are counted on. The glyphs between the units are left out.
    """
    units = np.concatenate([batch.units for batch in batches]).tolist()
    sizes = np.fromiter((len(batch.units) for batch in batches), np.intp, len(batches))
    batch_of = np.repeat(np.arange(len(batches)), sizes)
    these = texts if len(units) == len(texts) and units == list(range(len(units))) else [texts[unit] for unit in units]
    bounds = np.append(0, np.cumsum(sizes)).tolist()
    # APART stands at both ends too. Otherwise the first and the last unit would be kerned unlike the others.
    joined = [APART + APART.join(these[a:b]) + APART for a, b in zip(bounds, bounds[1:], strict=False)]
    lengths = np.fromiter(map(len, these), np.int64, len(these))
    ends = np.cumsum(lengths + len(APART)) + len(APART) * batch_of
    starts = ends - lengths
    origin = starts[bounds[:-1]] - len(APART)  # of each batch, in all joined texts one after the other
    owner = np.full(int(ends[-1]) + len(APART), -1, np.int32)  # the unit of each character; -1 between two units
    owner[ranges(starts, lengths)] = np.repeat(np.arange(len(these)), lengths)

    def glyphs_of(some: Sequence[int], *, circles: bool) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        glyphs, counts = glyph_rows([batches[number].call(joined[number], circles=circles) for number in some])
        glyphs[1] += np.repeat(origin[some], counts).astype(np.int32)
        begins = np.zeros(len(owner), bool)
        begins[glyphs[1]] = True
        glyphs[0] = owner.take(glyphs[1])
        glyphs = glyphs.compress(glyphs[0] >= 0, axis=1)
        glyphs[1] -= starts[glyphs[0]]
        return glyphs, begins

    glyphs, begins = glyphs_of(range(len(batches)), circles=True)
    # A unit is apart from the others if a cluster begins at its first character, at the character after its last one,
    # and at the character before it.
    alone = ~(begins[starts - 1] & begins[starts] & begins[ends])
    spoilt = np.add.reduceat(alone, bounds[:-1], dtype=np.intp) > 0
    # HarfBuzz puts a dotted circle under a sign without a base. It leaves the circle out if the sign comes a multiple
    # of 15 syllables after another such sign, because it numbers syllables in four bits. So units with circles cannot
    # be shaped together. A font may draw circle and sign as one glyph, so the units are shaped without circles too.
    circle = np.array([batch.circle if len(batch.units) > 1 else 0 for batch in batches])
    circle[spoilt] = 0
    if circle.any():
        of = batch_of[glyphs[0]]
        circled = np.zeros(len(these), bool)
        circled[glyphs[0, (glyphs[2] == circle[of]) & (circle[of] != 0)]] = True
        unseen = (circle != 0) & (np.add.reduceat(circled, bounds[:-1], dtype=np.intp) == 0)
        if unseen.any():
            bare, _ = glyphs_of(np.flatnonzero(unseen).tolist(), circles=False)
            compared = glyphs[:, unseen[of]]
            counts, bare_counts = (np.bincount(each[0], minlength=len(these)) for each in (compared, bare))
            differ = counts != bare_counts
            compared, bare = compared[:3, ~differ[compared[0]]], bare[:3, ~differ[bare[0]]]
            differ[compared[0, (compared != bare).any(axis=0)]] = True
            circled |= differ
        alone |= circled
    return glyphs, alone

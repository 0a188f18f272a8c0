"""Shape: units of text, each of one face, script and direction → their glyphs.

HarfBuzz takes 0.35 µs a word, and a call some 20 µs. So hundreds of units of the same kind are shaped in one call, with
spaces between them. In a line a word has spaces beside it too, so kerning against the space comes out the same. A unit
that reaches into the space (a mark at its head does) is recognized by the result, and shaped alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import Face
from glyphrender.text.properties import SCRIPT_TAGS, GeneralCategory, codepoints, records, table
from glyphrender.text.runs import distinct
from glyphrender.typeset.buffer import Buffer, buffer

# Units in one call. HarfBuzz takes the same time a unit for 61 units as for 512; with more units a call there are fewer
# calls, and less of the work that each call needs once.
BATCH: Final = 512
# Put between two units. The glyphs of a word must not depend on the words that were met with it. Contextual alternates
# of Inter look across any number of spaces, but not across a noncharacter, which no font has.
APART: Final = " \uffff "

#: The scripts whose letters have a Joining_Type. Their fonts join letters by contextual alternates, so these are never
#: turned off.
JOINING: Final = (
    "Arab", "Syrc", "Nkoo", "Mong", "Mand", "Adlm", "Rohg", "Mani", "Phag", "Phlp", "Sogd", "Ougr", "Chrs",
)  # fmt: skip

# Scripts whose letters HarfBuzz neither takes apart nor gathers into syllables.
_SIMPLE: Final = frozenset(
    {"Latn", "Grek", "Cyrl", "Armn", "Geor", "Hebr", "Arab", "Syrc", "Thai", "Laoo", "Hani", "Hira", "Kana", "Bopo"}
    | {"Ethi", "Cans", "Cher", "Copt", "Goth", "Thaa"}
)

_NUMBERS: Final = (GeneralCategory.Nd,)
_LETTERS: Final = (GeneralCategory.Lu, GeneralCategory.Ll, GeneralCategory.Lt, GeneralCategory.Lm, GeneralCategory.Lo)
_MARKS: Final = (GeneralCategory.Mn, GeneralCategory.Mc, GeneralCategory.Me)


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
    kind = (face.astype(np.int64) << 16) | (script.astype(np.int64) << 1) | rtl
    rows = [np.zeros((6, 0), np.int32)]
    for key in distinct(kind).tolist():
        units = np.flatnonzero(kind == key)
        tag = SCRIPT_TAGS[(key & 0xFFFF) >> 1]
        call = buffer(
            faces[key >> 16],
            script=tag,
            rtl=bool(key & 1),
            language=language,
            features={name: on for name, on in features.items() if name != "calt" or tag not in JOINING},
        )
        if context:
            alone = [unit for unit in units.tolist() if unit in context]
            rows += [_shape_in_context(call, texts[unit], unit, context[unit]) for unit in alone]
            units = np.setdiff1d(units, alone)
        circle, parts = 0, [units]
        if tag not in _SIMPLE and len(units) > 1:
            circle = faces[key >> 16].hb_font.get_nominal_glyph(0x25CC) or 0
            # HarfBuzz takes letters such as U+0929 apart, and puts them together again only if a mark is in the buffer.
            marked = _hold([texts[unit] for unit in units.tolist()], _MARKS)
            parts = [units[marked], units[~marked]]
        if tag != "Latn" and not key & 1 and len(units) > 1:
            # HarfBuzz takes left-to-right text of a right-to-left script for numbers if no letter is in the buffer.
            parts = [some for part in parts for some in _by_numbers(texts, part)]
        for part in parts:
            these = texts if len(part) == len(texts) else [texts[unit] for unit in part.tolist()]
            for start in range(0, len(part), BATCH):
                some = slice(start, start + BATCH)
                rows += _shape_batch(call, these[some], part[some], circle)
    glyphs = np.concatenate(rows, axis=1)
    unit = glyphs[0]
    if (unit[1:] < unit[:-1]).any():
        glyphs = glyphs[:, np.argsort(unit, kind="stable")]
    unit, cluster, glyph, step, dx, dy = glyphs
    return Glyphs(unit=unit, cluster=cluster, glyph=glyph.view(np.uint32), step=step, dx=dx, dy=dy)


def _shape_in_context(call: Buffer, text: str, unit: int, context: tuple[str, str]) -> NDArray[np.int32]:
    """Return what `_shape_batch` returns, for one unit, shaped alone between the two texts of `context`."""
    glyphs = call(text, *context)
    glyphs[0] = unit
    return glyphs


def _by_numbers(texts: Sequence[str], units: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return `units` in two parts: those with digits and without letters, and the others."""
    these = [texts[unit] for unit in units.tolist()]
    numbers = _hold(these, _NUMBERS)
    if numbers.any():
        numbers &= ~_hold(these, _LETTERS)
    return [units[numbers], units[~numbers]]


def _hold(texts: Sequence[str], categories: tuple[GeneralCategory, ...]) -> NDArray[np.bool_]:
    """Return [n] whether each text holds a character of one of `categories`."""
    category = table().general_category.take(records(codepoints("".join(texts))))
    held = np.append(0, np.cumsum(np.isin(category, categories)))
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(lengths)
    holds: NDArray[np.bool_] = held[ends] > held[ends - lengths]
    return holds


def _shape_batch(call: Buffer, texts: Sequence[str], units: NDArray[np.intp], circle: int) -> list[NDArray[np.int32]]:
    """Return arrays [6, glyphs]: the number of the unit, then the five rows that `Buffer` describes.

    A unit that reaches into the space, or in which HarfBuzz puts a dotted circle, is shaped alone, and the others are
    shaped again without it. `circle` is the glyph of U+25CC (dotted circle), or 0 in a font that lacks it.
    """
    rows: list[NDArray[np.int32]] = []
    while len(texts):
        glyphs, alone = _shape_together(call, texts)
        if len(texts) == 1:
            shaped = call(texts[0]) if alone[0] else glyphs
            shaped[0] = units[0]
            return [*rows, shaped]
        if not alone.any() and circle:
            alone = _circled(call, texts, glyphs, circle)
        if not alone.any():
            glyphs[0] = units[glyphs[0]]
            return [*rows, glyphs]
        for unit in np.flatnonzero(alone).tolist():
            rows += _shape_batch(call, texts[unit : unit + 1], units[unit : unit + 1], circle)
        texts, units = [texts[unit] for unit in np.flatnonzero(~alone).tolist()], units[~alone]
    return rows


def _shape_together(call: Buffer, texts: Sequence[str], *, circles: bool = True) -> tuple[NDArray[np.int32], Any]:
    """Return (what `Buffer` returns, with the place of the text in row 0; [texts] whether a text is not apart).

    The glyphs between the texts are left out.
    """
    # APART stands at both ends too. Otherwise the first and the last unit would be kerned unlike the others.
    glyphs = call(APART + APART.join(texts) + APART, circles=circles)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    starts = np.cumsum(lengths + len(APART)) - lengths
    ends = starts + lengths
    # A unit is apart from the others if a cluster begins at its first character, at the character after its last one,
    # and at the character before it.
    begins = np.zeros(int(ends[-1]) + len(APART), bool)
    begins[glyphs[1]] = True
    apart = begins[starts - 1] & begins[starts] & begins[ends]
    # The unit that each character belongs to; -1 for the characters between two units.
    owner = np.full(2 * len(texts) + 1, -1, np.int32)
    owner[1::2] = np.arange(len(texts))
    length = np.full(len(owner), len(APART))
    length[1::2] = lengths
    unit = np.repeat(owner, length).take(glyphs[1])
    inside = np.flatnonzero(unit >= 0)
    glyphs, unit = glyphs.take(inside, axis=1), unit[inside]
    glyphs[0] = unit
    glyphs[1] -= starts[unit]
    return glyphs, ~apart


def _circled(call: Buffer, texts: Sequence[str], glyphs: NDArray[np.int32], circle: int) -> NDArray[np.bool_]:
    """Return [texts] whether HarfBuzz put a dotted circle under a sign without a base.

    HarfBuzz leaves the circle out if the sign comes a multiple of 15 syllables after another such sign, because it
    numbers syllables in four bits. So words with circles cannot be shaped together. A font may draw circle and sign as
    one glyph, so the words are shaped without circles too.
    """
    circled = np.zeros(len(texts), bool)
    circled[glyphs[0, glyphs[2] == circle]] = True
    if not circled.any():
        bare, _ = _shape_together(call, texts, circles=False)
        counts, bare_counts = (np.bincount(each[0], minlength=len(texts)) for each in (glyphs, bare))
        circled = counts != bare_counts
        glyphs, bare = glyphs[:3, ~circled[glyphs[0]]], bare[:3, ~circled[bare[0]]]
        circled[glyphs[0, (glyphs != bare).any(axis=0)]] = True
    return circled

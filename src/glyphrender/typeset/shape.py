"""Units of text, each of one face, script and direction → their glyphs.

HarfBuzz takes 0.35 µs a word and a call some 20, so units of the same kind are shaped some hundreds at a
time, with spaces around them. A space is also what they have beside them in a line, so kerning against it comes out
as it does there. Units that reach into a space (a mark at their head) are found by looking at the
result, and shaped alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import Face
from glyphrender.text.properties import SCRIPT_TAGS
from glyphrender.typeset.buffer import Buffer, buffer

# Units in one call: 61 to 512 cost the same a unit, but what is done once a call is done less often.
BATCH: Final = 512
# What stands between two units: the glyphs of a word must not depend on which words were met with it. Contextual
# alternates of Inter look across any number of spaces, but not across a noncharacter, which no font has.
APART: Final = " \uffff "

#: The script, by its number, that is shaped as what has none.
LATIN: Final = SCRIPT_TAGS.index("Latn")
# The scripts with Joining_Type. Their fonts join by contextual alternates, which therefore are never turned off.
JOINING: Final = (
    "Arab", "Syrc", "Nkoo", "Mong", "Mand", "Adlm", "Rohg", "Mani", "Phag", "Phlp", "Sogd", "Ougr", "Chrs",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Glyphs:
    """Glyphs of many units: sorted by unit, in visual order inside each. Lengths in EM units, y up."""

    unit: NDArray[np.int32]
    cluster: NDArray[np.int32]  # character of the unit at which the glyph's grapheme cluster starts
    glyph: NDArray[np.uint32]
    step: NDArray[np.int32]  # advance
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
    """Shape each of `texts` with its face (index into `faces`), script (index into `SCRIPT_TAGS`) and direction.

    `context` gives, for those whose letters join with what stands beside them, the text before and after.
    """
    kind = (face.astype(np.int64) << 16) | (script.astype(np.int64) << 1) | rtl
    rows = [np.zeros((6, 0), np.int32)]
    for key in np.unique(kind).tolist():
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
        circle = faces[key >> 16].hb_font.get_nominal_glyph(0x25CC) or 0
        these = texts if len(units) == len(texts) else [texts[unit] for unit in units.tolist()]
        for start in range(0, len(units), BATCH):
            some = slice(start, start + BATCH)
            rows.append(_shape_batch(call, these[some], units[some], circle))
    table = np.concatenate(rows, axis=1)
    unit = table[0]
    if (unit[1:] < unit[:-1]).any():
        table = table[:, np.argsort(unit, kind="stable")]
    unit, cluster, glyph, step, dx, dy = table
    return Glyphs(unit=unit, cluster=cluster, glyph=glyph.view(np.uint32), step=step, dx=dx, dy=dy)


def _shape_in_context(call: Buffer, text: str, unit: int, context: tuple[str, str]) -> NDArray[np.int32]:
    glyphs = call(text, *context)
    glyphs[0] = unit
    return glyphs


def _shape_batch(call: Buffer, texts: Sequence[str], units: NDArray[np.intp], circle: int) -> NDArray[np.int32]:
    """[6, glyphs]: the unit and then what a call gives. `circle` is the glyph of U+25CC, or 0."""
    # At either end too, or the first and the last would be kerned otherwise than those between them.
    glyphs = call(APART + APART.join(texts) + APART)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    starts = np.cumsum(lengths + len(APART)) - lengths
    ends = starts + lengths
    # What stands beside a unit must still be a cluster of its own, and so must what begins it.
    begins = np.zeros(int(ends[-1]) + len(APART), bool)
    begins[glyphs[1]] = True
    apart = begins[starts - 1].all() and begins[starts].all() and begins[ends].all()
    # HarfBuzz puts a dotted circle under a sign without a base, but not under one that comes a multiple of 15
    # syllables after another such: it numbers them in four bits.
    if len(texts) > 1 and (not apart or (circle and (glyphs[2] == circle).any())):
        half = len(texts) // 2
        return np.hstack(
            [
                _shape_batch(call, texts[:half], units[:half], circle),
                _shape_batch(call, texts[half:], units[half:], circle),
            ]
        )
    if not apart:
        return _shape_in_context(call, texts[0], int(units[0]), ("", ""))
    # Of every character its unit; -1 of what stands between two.
    owner = np.full(2 * len(texts) + 1, -1, np.int32)
    owner[1::2] = np.arange(len(texts))
    length = np.full(len(owner), len(APART))
    length[1::2] = lengths
    unit = np.repeat(owner, length).take(glyphs[1])
    inside = np.flatnonzero(unit >= 0)
    glyphs, unit = glyphs.take(inside, axis=1), unit[inside]
    glyphs[0] = units[unit]
    glyphs[1] -= starts[unit]
    return glyphs

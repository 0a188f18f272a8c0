"""Units of text, each of one face, script and direction → their glyphs.

HarfBuzz takes 0.35 µs a word and a call some 20, so units of the same kind are shaped some hundreds at a
time, joined by spaces. A space is also what they have beside them in a line, so kerning against it comes out
as it does there. Units that could reach across that space (a mark at their head) are found by looking at the
result, and shaped alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import Face
from glyphrender.text.properties import SCRIPT_TAGS
from glyphrender.typeset.buffer import Buffer, buffer

# Units in one call: 61 to 512 cost the same a unit, but what is done once a call is done less often.
BATCH: Final = 512


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
) -> Glyphs:
    """Shape each of `texts` with its face (index into `faces`), script (index into `SCRIPT_TAGS`) and direction."""
    kind = (face.astype(np.int64) << 16) | (script.astype(np.int64) << 1) | rtl
    rows = [np.zeros((6, 0), np.int64)]
    for key in np.unique(kind).tolist():
        units = np.flatnonzero(kind == key)
        call = buffer(
            faces[key >> 16],
            script=SCRIPT_TAGS[(key & 0xFFFF) >> 1],
            rtl=bool(key & 1),
            language=language,
            features=features,
        )
        for start in range(0, len(units), BATCH):
            some = units[start : start + BATCH]
            rows.append(_shape_batch(call, [texts[unit] for unit in some.tolist()], some))
    table = np.concatenate(rows, axis=1)
    table = table[:, np.argsort(table[0], kind="stable")]
    unit, cluster, glyph, step, dx, dy = table
    return Glyphs(
        unit=unit.astype(np.int32),
        cluster=cluster.astype(np.int32),
        glyph=glyph.astype(np.uint32),
        step=step.astype(np.int32),
        dx=dx.astype(np.int32),
        dy=dy.astype(np.int32),
    )


def _shape_batch(call: Buffer, texts: list[str], units: NDArray[np.intp]) -> NDArray[np.int64]:
    """[6, glyphs]: the unit and then what a call gives."""
    glyphs = call(" ".join(texts))
    if len(texts) == 1:
        glyphs[0] = units[0]
        return glyphs
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    starts = np.append(0, ends[:-1])
    spaces = starts[1:] - 1
    # Every space must still be a cluster of its own, and so must what stands after it.
    begins = np.zeros(int(ends[-1]), bool)
    begins[glyphs[1]] = True
    if not (begins[spaces].all() and begins[starts].all()):
        half = len(texts) // 2
        return np.hstack(
            [_shape_batch(call, texts[:half], units[:half]), _shape_batch(call, texts[half:], units[half:])]
        )
    begins[spaces] = False
    glyphs = glyphs[:, begins[glyphs[1]]]
    unit = np.searchsorted(ends, glyphs[1], "right")
    glyphs[0] = units[unit]
    glyphs[1] -= starts[unit]
    return glyphs

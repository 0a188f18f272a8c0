"""HarfBuzz: text of one face, script and direction → glyphs.

A call through the binding costs 1 µs and reading it out 4 µs a word, so units of the same kind are shaped
some dozens at a time, joined by spaces (1.7 µs a word). A space is also what they have beside them in a
line, so kerning against it comes out as it does there. Units that could reach across that space (a mark
at their head) are found by looking at the result, and shaped alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from glyphrender.text.properties import SCRIPT_TAGS

# Units in one call; beyond about 100 the lists leave the cache and the cost rises again.
BATCH = 64


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
    fonts: Sequence[hb.Font],
    scripts: NDArray[np.uint8],
    rtl: NDArray[np.bool_],
    *,
    language: str,
    features: dict[str, bool],
) -> Glyphs:
    """Shape each of `texts` with its font, script (index into `SCRIPT_TAGS`) and direction."""
    rows: list[NDArray[np.int64]] = []
    keys = [(id(font), int(script), bool(right)) for font, script, right in zip(fonts, scripts, rtl, strict=True)]
    groups: dict[tuple[int, int, bool], list[int]] = {}
    for unit, key in enumerate(keys):
        groups.setdefault(key, []).append(unit)
    for (_, script, right), units in groups.items():
        call = _Call(fonts[units[0]], SCRIPT_TAGS[script], "rtl" if right else "ltr", language, features)
        for start in range(0, len(units), BATCH):
            some = units[start : start + BATCH]
            rows.append(_shape_batch(call, [texts[unit] for unit in some], np.array(some)))
    table = np.concatenate(rows, axis=1) if rows else np.zeros((6, 0), np.int64)
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


class _Call:
    """One buffer and its settings, used again and again."""

    def __init__(
        self, font: hb.Font, script: str, direction: str, language: str, features: dict[str, bool]
    ) -> None:
        self.font, self.features = font, features
        self.script, self.direction, self.language = script, direction, language
        self.buffer = hb.Buffer()

    def __call__(self, text: str) -> NDArray[np.int64]:
        """[5, glyphs]: cluster, glyph, step, dx, dy in visual order."""
        buffer = self.buffer
        buffer.clear_contents()
        buffer.add_str(text)
        buffer.direction = self.direction
        buffer.script = self.script
        if self.language:
            buffer.language = self.language
        # A joiner, a variation selector or a bidi control has done its work once the text is shaped.
        buffer.flags = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
        hb.shape(self.font, buffer, self.features)
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        return np.array(
            [
                [info.cluster for info in infos],
                [info.codepoint for info in infos],
                [position.x_advance for position in positions],
                [position.x_offset for position in positions],
                [position.y_offset for position in positions],
            ],
            np.int64,
        )


def _shape_batch(call: _Call, texts: list[str], units: NDArray[np.int64]) -> NDArray[np.int64]:
    """[6, glyphs]: unit and then what a call gives."""
    if len(texts) == 1:
        glyphs = call(texts[0])
        return np.vstack([np.full(glyphs.shape[1], units[0]), glyphs])
    glyphs = call(" ".join(texts))
    lengths = np.array([len(text) + 1 for text in texts])
    ends = np.cumsum(lengths)  # the space after unit k is character ends[k] - 1
    unit_of_character = np.repeat(np.arange(len(texts)), lengths)
    cluster = glyphs[0]
    # Every space must still be a cluster of its own, and none of it may reach into a neighbour.
    is_space = np.zeros(int(ends[-1]), bool)
    is_space[ends - 1] = True
    at_space = is_space[cluster]
    starts = cluster[~at_space] - (ends - lengths)[unit_of_character[cluster[~at_space]]]
    first_clusters = np.bincount(unit_of_character[cluster[~at_space]][starts == 0], minlength=len(texts))
    if len(np.unique(cluster[at_space])) != len(texts) - 1 or not first_clusters.all():
        half = len(texts) // 2
        return np.hstack(
            [_shape_batch(call, texts[:half], units[:half]), _shape_batch(call, texts[half:], units[half:])]
        )
    glyphs = glyphs[:, ~at_space]
    unit = unit_of_character[glyphs[0]]
    glyphs[0] -= (ends - lengths)[unit]
    return np.vstack([units[unit], glyphs])

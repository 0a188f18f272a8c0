"""Page furniture: short texts that are not part of the source (hyphens, newline markers, line numbers, boxes)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.cached_property import cached_property
from glyphrender.text.properties import codepoints
from glyphrender.text.runs import distinct, ranges
from glyphrender.text.script import LATIN
from glyphrender.typeset.shape import shape
from glyphrender.typeset.style import WordStyle

# Boxes have at most 4,352 different rows of digits.
_MOST_REMEMBERED: Final = 8192

#: (glyph ids, x of each glyph, total advance) of a text. Lengths are EM units.
ShapedText: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.int64], int]
#: ([g] glyph ids, [g] x inside its text, [k] glyphs of each text, [k] advance of each text) of texts in a row.
SetRow: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.intp], NDArray[np.int64]]


@dataclass(frozen=True)
class Furniture:
    """The shaper of page furniture, in the first face of a style.

    Attributes:
        style: the style.
    """

    style: WordStyle

    def face_of(self, text: str) -> int:
        """Return the place in the font stack of the first face that has all characters of `text`, or 0."""
        face = self._faces.get(text)
        if face is None:
            cps, faces = codepoints(text), self.style.stack.faces
            if len(self._faces) > _MOST_REMEMBERED:
                self._faces.clear()
            face = self._faces[text] = next((at for at, one in enumerate(faces) if one.covers(cps).all()), 0)
        return face

    @cached_property
    def _faces(self) -> dict[str, int]:
        """The faces of the texts that were asked for."""
        return {}

    def shaped(self, text: str, face: int = 0) -> ShapedText:
        """Return (glyph ids, x of each glyph, total advance) of `text`; lengths are EM units. Do not write to it.

        `face` is the place of the face in the font stack.
        """
        return self.shaped_together([text], face)[0]

    @cached_property
    def _remembered(self) -> dict[tuple[str, int], ShapedText]:
        """The texts that were shaped: spaces and hyphens, by which lines are measured, and the digits in boxes."""
        return {}

    def shaped_together(self, texts: Sequence[str], face: int = 0) -> list[ShapedText]:
        """Return `texts` shaped. Those that were not met before are shaped together."""
        wanted = dict.fromkeys(texts)
        found = {text: known for text in wanted if (known := self._remembered.get((text, face))) is not None}
        new = [text for text in wanted if text not in found]
        if new:
            if len(self._remembered) + len(new) > _MOST_REMEMBERED:
                self._remembered.clear()
            glyphs = shape(
                new,
                [self.style.stack.faces[face]],
                np.zeros(len(new), np.uint8),
                np.full(len(new), LATIN, np.uint8),
                np.zeros(len(new), bool),
                language=self.style.language,
                features=self.style.features,
            )
            pen = np.append(0, np.cumsum(glyphs.step, dtype=np.int64))
            bounds = np.searchsorted(glyphs.unit, np.arange(len(new) + 1))
            offset = pen[:-1] + glyphs.dx - pen[bounds[glyphs.unit]]
            advances, ends = np.diff(pen[bounds]).tolist(), bounds.tolist()
            for text, start, stop, advance in zip(new, ends[:-1], ends[1:], advances, strict=True):
                found[text] = self._remembered[text, face] = glyphs.glyph[start:stop], offset[start:stop], advance
        return [found[text] for text in texts]

    def digits(self, cps: NDArray[np.uint32]) -> tuple[tuple[SetRow, SetRow], NDArray[np.int64]]:
        """Return (the upper and the lower row of digits, [k] digits in a row) of the boxes of code points."""
        columns = np.where(cps > 0xFFFF, 3, 2)
        shift = (4 * columns).astype(np.uint32)
        # 2 digits are numbered from 0 on, and 3 digits from 0x100 on.
        number = np.stack([cps >> shift, cps & ((np.uint32(1) << shift) - 1)]) + np.where(columns == 3, 0x100, 0)
        kinds = distinct(number.reshape(-1))
        texts = [f"{kind:02X}" if kind < 0x100 else f"{kind - 0x100:03X}" for kind in kinds.tolist()]
        shaped = self.shaped_together(texts)
        counts = np.array([len(glyphs) for glyphs, _, _ in shaped], np.intp)
        glyph, offset = (np.concatenate([each[part] for each in shaped]) for part in (0, 1))
        advance, first = np.array([each[2] for each in shaped], np.int64), np.cumsum(counts) - counts
        rows = []
        for kind in np.searchsorted(kinds, number):
            count = counts[kind]
            at = ranges(first[kind], count)
            rows.append((glyph[at], offset[at], count, advance[kind]))
        return (rows[0], rows[1]), columns

    @cached_property
    def hyphen(self) -> str:
        """The character drawn where a line ends inside a word: U+2010, or U+002D in a font that lacks U+2010."""
        return "\u2010" if self.style.stack.primary.covers(np.array([0x2010], np.uint32)).all() else "-"

    @cached_property
    def _digits(self) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
        """([10] glyph ids, [10] x, [10] advances) of the digits, in EM units."""
        glyph, offset, advance = zip(*(self.shaped(digit) for digit in "0123456789"), strict=True)
        first = np.array([(glyphs[0], x[0]) for glyphs, x in zip(glyph, offset, strict=True)], np.int64)
        return first[:, 0].astype(np.uint32), first[:, 1], np.array(advance, np.int64)

    def numbers(self, numbers: NDArray[np.int64]) -> SetRow:
        """Return `numbers`, none of them below 0, set in a row.

        Digits are set one by one without kerning, so that numbers in a column align. Lengths are EM units.
        """
        glyphs, offsets, advances = self._digits
        place = 10 ** np.arange(len(str(numbers.max(initial=0))))[::-1]
        digit = numbers[:, np.newaxis] // place % 10
        shown = (numbers[:, np.newaxis] >= place) | (place == 1)
        advance = np.where(shown, advances.take(digit), 0)
        end = np.cumsum(advance, axis=1)
        x = (end - advance + offsets.take(digit))[shown]
        return glyphs.take(digit)[shown], x, np.count_nonzero(shown, axis=1), end[:, -1]

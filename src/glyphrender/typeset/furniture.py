"""Page furniture: short texts that are not part of the source (hyphens, newline markers, line numbers, boxes)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.cached_property import cached_property
from glyphrender.text.properties import codepoints
from glyphrender.text.script import LATIN
from glyphrender.typeset.shape import shape
from glyphrender.typeset.style import WordStyle

# Boxes have at most 4,352 different rows of digits.
_MOST_REMEMBERED: Final = 8192

#: (glyph ids, x of each glyph, total advance) of a text. Lengths are EM units.
ShapedText: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.int64], int]


@dataclass(frozen=True)
class Furniture:
    """The shaper of page furniture, in the first face of a style.

    Attributes:
        style: the style.
    """

    style: WordStyle

    def face_of(self, text: str) -> int:
        """Return the place in the font stack of the first face that has all characters of `text`, or 0."""
        cps = codepoints(text)
        return next((at for at, face in enumerate(self.style.stack.faces) if face.covers(cps).all()), 0)

    def shaped(self, text: str, face: int = 0) -> ShapedText:
        """Return (glyph ids, x of each glyph, total advance) of `text`; lengths are EM units. Do not write to it.

        `face` is the place of the face in the font stack.
        """
        found = self._remembered.get((text, face))
        if found is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[text, face] = self._shaped(text, face)
        return found

    @cached_property
    def _remembered(self) -> dict[tuple[str, int], ShapedText]:
        """The texts that were shaped: spaces and hyphens, by which lines are measured, and the digits in boxes."""
        return {}

    def _shaped(self, text: str, face: int) -> ShapedText:
        glyphs = shape(
            [text],
            [self.style.stack.faces[face]],
            np.zeros(1, np.uint8),
            np.array([LATIN], np.uint8),
            np.zeros(1, bool),
            language=self.style.language,
            features=self.style.features,
        )
        pen = np.cumsum(glyphs.step, dtype=np.int64)
        return glyphs.glyph, pen - glyphs.step + glyphs.dx, int(pen[-1]) if len(pen) else 0

    def digits(self, cp: int) -> tuple[ShapedText, ShapedText, int]:
        """Return (upper row, lower row, digits in a row) of the box that stands for a code point no font has."""
        text = f"{cp:04X}" if cp <= 0xFFFF else f"{cp:06X}"
        half = len(text) // 2
        return self.shaped(text[:half]), self.shaped(text[half:]), half

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

    def numbers(
        self, numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.intp], NDArray[np.int64]]:
        """Return ([g] glyph ids, [g] x inside its number, [k] glyphs, [k] advance) of `numbers`, none of them below 0.

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

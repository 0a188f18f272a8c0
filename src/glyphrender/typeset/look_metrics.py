"""`LookMetrics`: the widths of rich text: how large letters, spaces and hyphens are, and the indents of paragraphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.rich.style import Style
from glyphrender.theta import Cells, Leading, Overlap, Theta
from glyphrender.typeset.paragraph_styles import ParagraphStyles
from glyphrender.typeset.shaper import Shaper
from glyphrender.typeset.style import asked


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LookMetrics:
    """The widths of looks, as columns. Lengths are EM units of θ, so that all looks of a line add up.

    Attributes:
        size: [k] size of each look in 65536ths of the font size of θ.
        gap: [k] width of a space.
        letter: [k] added to every grapheme cluster.
        hyphen: [k] width of an added hyphen.
        lead: [b] indent of all lines of a paragraph of each style, at most half of a line.
    """

    size: NDArray[np.int64]
    gap: NDArray[np.int64]
    letter: NDArray[np.int64]
    hyphen: NDArray[np.int64]
    lead: NDArray[np.int64]

    @classmethod
    def of(cls, styles: Sequence[Style], paragraphs: ParagraphStyles, theta: Theta, shaper: Shaper) -> LookMetrics:
        """Return the metrics of looks, and of the styles of paragraphs, under `theta`.

        Raises:
            FontError: a family of a style cannot be used.
        """
        grid = theta.cells is Cells.GRID
        plain = shaper.style(theta)
        size, gap, letter, hyphen = [], [], [], []
        for style in styles:
            scale = size_of(style, theta)
            furniture = shaper.furniture(shaper.style(theta, choice=asked(style)))
            spacing = round(theta.letter_spacing / theta.em * EM)
            if style.letter_spacing is not None:
                spacing = round(style.letter_spacing * scale * EM)
            space = max(0, (plain.cell if grid else round(furniture.shaped(" ")[2] * scale)) + spacing)
            word_spacing = 0 if grid else round(theta.word_spacing / theta.em * EM)
            size.append(round(scale * EM))
            gap.append(max(0, space + word_spacing))
            letter.append(spacing)
            hyphen.append(round(furniture.shaped(furniture.hyphen)[2] * scale) + spacing)
        narrowest = int(min(theta.measure, theta.measure - theta.first_line_indent) / theta.em * EM)
        lead = np.minimum(np.rint(paragraphs.indent * EM).astype(np.int64), max(0, narrowest // 2))
        columns = (np.array(column, np.int64) for column in (size, gap, letter, hyphen))
        return cls(lead=lead, **dict(zip(("size", "gap", "letter", "hyphen"), columns, strict=True)))

    def widths(
        self, advance: NDArray[np.int64], clusters: NDArray[np.int32], look: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Return [n] the widths of segments whose advances are those of the fonts."""
        ink: NDArray[np.int64] = advance
        if (self.size != EM).any():
            ink = (advance * self.size.take(look) + EM // 2) // EM
        if self.letter.any():
            ink = np.maximum(ink + clusters * self.letter.take(look), 0)
        return ink


def size_of(style: Style, theta: Theta) -> float:
    """Return the size of a look as a multiple of θ's font size.

    If all lines have one height, no letter is larger than this height, unless θ allows lines to overlap.
    """
    size = style.size or 1.0
    if theta.leading is Leading.FIXED and theta.overlap is Overlap.FORBID:
        size = min(size, max(1.0, theta.line_height / theta.font_size))
    return size

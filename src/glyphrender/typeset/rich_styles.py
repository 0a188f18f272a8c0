"""Rich styles: the looks of a rich text, and its words in the caches of several styles.

A *look* is how characters are drawn, as a number: a `Style`, with what θ does not allow taken out. Several looks share
a word style, for example if only their colors differ, and then they share a word cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glyphrender.rich.style import Style
from glyphrender.text.properties import as_text, codepoints
from glyphrender.text.runs import ranges
from glyphrender.text.source import Chunk
from glyphrender.theta import Cells, Theta
from glyphrender.typeset.glyph_store import GlyphStore
from glyphrender.typeset.shaper import Shaper
from glyphrender.typeset.style import Variant, WordStyle, asked
from glyphrender.typeset.word_cache import WordCache


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """The looks of a rich text under θ.

    Attributes:
        styles: the looks.
        in_cells: [k] the look that each look becomes where text stands in cells: without size, spacing and family.
    """

    styles: tuple[Style, ...]
    in_cells: NDArray[np.int32]

    @classmethod
    def of(cls, styles: Sequence[Style], theta: Theta) -> Looks:
        """Return the looks of `styles`, numbered as they are."""
        looks = list(styles)
        number = {style: at for at, style in reversed(list(enumerate(looks)))}
        in_cells = []
        for style in styles:
            plain = replace(style, size=None, letter_spacing=None, family=None)
            if plain not in number:
                number[plain] = len(looks)
                looks.append(plain)
            in_cells.append(number[plain])
        in_cells += range(len(styles), len(looks))
        if theta.cells is Cells.GRID:
            looks = [looks[at] for at in in_cells]
        return cls(styles=tuple(looks), in_cells=np.array(in_cells, np.int32))


class StylesOfLooks:
    """The word styles of the looks of a text, which are made once for each variant."""

    def __init__(self, looks: Looks, theta: Theta, shaper: Shaper) -> None:
        self.looks = looks
        self._theta, self._shaper = theta, shaper
        self._asked = [asked(style) for style in looks.styles]
        self._styles: dict[tuple[Variant, Style | None], WordStyle] = {}

    def words(self, variant: Variant, chunk: Chunk) -> StyledWords:
        """Return the word caches of the looks of a chunk whose paragraphs have one variant."""
        found = np.zeros(len(self.looks.styles), bool)
        if chunk.looks is not None:
            found[chunk.looks] = True
        used = np.flatnonzero(found)
        if variant.box_drawing:
            used = np.union1d(used, self.looks.in_cells[used])
        numbers = used.tolist()
        styles = [self._style(variant, self._asked[number]) for number in numbers]
        return StyledWords(self.looks, numbers, self._style(variant, None), styles, self._shaper)

    def _style(self, variant: Variant, choice: Style | None) -> WordStyle:
        style = self._styles.get((variant, choice))
        if style is None:
            style = self._styles[variant, choice] = self._shaper.style(self._theta, variant, choice)
        return style


class StyledWords:
    """The word caches of some looks, which look words up as one cache does.

    Attributes:
        style: the style of plain text.
        store: the glyph store that the segments are in.
        looks: the looks of the text.
    """

    def __init__(
        self, looks: Looks, used: Sequence[int], style: WordStyle, styles: Sequence[WordStyle], shaper: Shaper
    ) -> None:
        """Ask for the caches of the `used` looks, whose word styles are `styles`; `style` is that of plain text."""
        self.looks, self.style = looks, style
        distinct = list(dict.fromkeys([style, *styles]))
        self._caches: list[WordCache] = shaper.caches(distinct)
        self._cache_of_look = np.zeros(len(looks.styles), np.intp)
        self._cache_of_look[used] = [distinct.index(each) for each in styles]
        self._only = self._cache_of_look[used[:1]] if len(used) else np.zeros(1, np.intp)

    @property
    def store(self) -> GlyphStore:
        """The glyph store that segments are numbered in."""
        return self._caches[0].store

    def segments(self, text: str, look: NDArray[np.int32] | None = None) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return what `WordCache.segments` returns; `look` is [w] the look of each word, or None if all have one.

        Raises:
            FontError: θ asks for an error where no font has a character.
        """
        cache = self._only if look is None else self._cache_of_look[look]
        if (cache == cache[:1]).all():
            return self._caches[int(cache[0])].segments(text)
        cps = codepoints(text)
        space = np.flatnonzero(cps == 0x20)
        first, end = np.append(0, space + 1)[: len(cache)], np.append(space + 1, len(cps))[: len(cache)]
        rest = np.ones(len(cps), bool)  # characters of the words of the cache that has most of them
        most = int(np.bincount(cache).argmax())
        numbers, of_word, last = [], [], []
        for at in sorted(np.flatnonzero(np.bincount(cache)).tolist(), key=lambda at: at == most):
            if at == most:
                own = as_text(cps[rest])
            else:
                some = np.flatnonzero(cache == at)
                count = end[some] - first[some]
                of = ranges(first[some], count)
                rest[of] = False
                own = as_text(cps[of])
            number, ends = self._caches[at].segments(own if own.endswith(" ") else f"{own} ")
            numbers.append(number)
            last.append(ends)
            nth: NDArray[np.intp] = np.cumsum(ends) - ends
            of_word.append(np.flatnonzero(cache == at)[nth])
        order = np.argsort(np.concatenate(of_word), kind="stable")
        return np.concatenate(numbers)[order], np.concatenate(last)[order]

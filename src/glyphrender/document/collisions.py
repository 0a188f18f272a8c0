"""Collisions: lines of a page whose ink reaches over the ink of the next line, or over the edge of the page.

Tall scripts (Tibetan, Burmese) and stacked marks collide if `line_height` suits Latin only. The boxes of glyphs are
compared in each column of pixels, and nothing is drawn. On a page without tall glyphs, each line costs one comparison.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.text.runs import ranges
from glyphrender.theta import Theta
from glyphrender.typeset.ink import ascent, glyph_ink, line_ink
from glyphrender.typeset.page_layout import Block, PageLayout
from glyphrender.typeset.place import Placed, place

# A smaller overlap than this, in pixels, is not reported. Many accented capitals reach half a pixel over a line.
LEAST: Final = 1.0


def collisions(page: PageLayout) -> dict[str, float]:
    """Return script → the most pixels by which its ink reaches over the next line; see `Page.collisions`."""
    found: dict[str, float] = {}
    for block in page.drawn_blocks:
        for script, pixels in _of_block(block, page.theta, page.size[1]):
            found[script] = max(found.get(script, 0.0), round(pixels, 2))
    return found


def _of_block(block: Block, theta: Theta, height: int) -> Iterator[tuple[str, float]]:
    """Yield (script, pixels) of the lines of a block that collide, on a page `height` pixels high."""
    above, below = line_ink(block.table, block.lo, block.hi)
    pixels = theta.font_pixels / EM
    ascents = ascent(theta, block.table.metrics) if block.ascents is None else block.ascents
    baseline = np.floor((block.tops + ascents) * theta.scale + 0.5)
    top, bottom = baseline - above * pixels, baseline + below * pixels
    # The ink of a line reaches the next one only if that stands lower. The next cell of a table stands beside it.
    follows = block.tops[1:] > block.tops[:-1]
    near = np.flatnonzero((bottom[:-1] - top[1:] >= LEAST) & follows)
    cut = np.flatnonzero((top <= -LEAST) | (bottom >= height + LEAST))
    if not len(near) and not len(cut):
        return
    boxes = _Boxes(block, place(block, theta), theta)
    for line in near.tolist():
        yield from boxes.overlap(line)
    for line in cut.tolist():
        yield from boxes.cut(line, height)


class _Boxes:
    """The boxes of the glyphs of a block, in pixels, y down."""

    def __init__(self, block: Block, placed: Placed, theta: Theta) -> None:
        self.block, self.placed = block, placed
        left, top, right, bottom = glyph_ink(placed.store, placed.style, placed.face, placed.glyph)
        pixels = placed.size * (theta.font_pixels / EM)
        across = np.repeat(placed.condense, np.diff(placed.glyph_bounds)) * (pixels * theta.horizontal_scale)
        if placed.fit is not None:
            across *= placed.fit / 64
        y = placed.y.astype(np.float64)
        self.left, self.right = placed.x + left * across, placed.x + right * across
        self.top, self.bottom = y - top * pixels, y - bottom * pixels
        self.inked = top > bottom

    def overlap(self, line: int) -> Iterator[tuple[str, float]]:
        """Yield (script, pixels) of the deepest overlap of line `line` and the next one, if there is one."""
        upper, lower = self._glyphs(line), self._glyphs(line + 1)
        if not len(upper) or not len(lower):
            return
        first = int(np.floor(min(self.left[upper].min(), self.left[lower].min())))
        low, low_glyph = self._skyline(upper, self.bottom, first)
        high, high_glyph = self._skyline(lower, -self.top, first)
        width = min(len(low), len(high))
        depth = low[:width] + high[:width]
        if not width or depth.max() < LEAST:
            return
        at = int(depth.argmax())
        bottom = self.placed.top[line] + self.placed.height[line]
        beyond = self.bottom[low_glyph[at]] - bottom, self.placed.top[line + 1] - self.top[high_glyph[at]]
        glyph = int(low_glyph[at] if beyond[0] >= beyond[1] else high_glyph[at])
        yield self._script(glyph), float(depth[at])

    def cut(self, line: int, height: int) -> Iterator[tuple[str, float]]:
        """Yield (script, pixels) of the glyph of the line that reaches furthest over an edge of the page."""
        glyphs = self._glyphs(line)
        beyond = np.maximum(-self.top[glyphs], self.bottom[glyphs] - height)
        if len(glyphs) and beyond.max() >= LEAST:
            at = int(beyond.argmax())
            yield self._script(int(glyphs[at])), float(beyond[at])

    def _glyphs(self, line: int) -> NDArray[np.intp]:
        start, stop = self.placed.glyph_bounds[line : line + 2]
        inked: NDArray[np.intp] = np.flatnonzero(self.inked[start:stop]) + start
        return inked

    def _skyline(
        self, glyphs: NDArray[np.intp], reach: NDArray[np.float64], first: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return, for each column of pixels from `first` on, (the furthest reach, the glyph that reaches it)."""
        start = np.floor(self.left[glyphs]).astype(np.intp) - first
        stop = np.ceil(self.right[glyphs]).astype(np.intp) - first
        counts = np.maximum(stop - start, 0)
        column = ranges(start, counts)
        owner = np.repeat(glyphs, counts)
        order = np.argsort(reach[owner], kind="stable")  # the furthest is written last
        furthest, which = np.full(int(stop.max(initial=0)), -np.inf), np.zeros(int(stop.max(initial=0)), np.intp)
        furthest[column[order]], which[column[order]] = reach[owner[order]], owner[order]
        return furthest, which

    def _script(self, glyph: int) -> str:
        """Return the script of a glyph, such as "Tibetan": the first word of the name of its character."""
        placed, segments = self.placed, self.block.table.segments
        segment = int(np.searchsorted(np.cumsum(placed.glyph_count), glyph, "right"))
        number = placed.first_segment + segment
        rows, _ = segments.store.glyph_rows(segments.number[number : number + 1])
        inside = glyph - int(placed.glyph_count[:segment].sum())
        text = segments.text if segments.drawn_text is None else segments.drawn_text
        lengths = segments.lengths if segments.drawn_text is None else segments.drawn_lengths
        start = int(lengths(slice(0, number)).sum())
        character = text[start + int(segments.store.cluster.rows[rows[inside]])]
        name = unicodedata.name(character, "")
        return name.split()[0].capitalize() if name else f"U+{ord(character):04X}"

"""Draw the text of a page: glyphs, plain and rich, boxes of characters that no font has, and box drawing in cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM, Face
from glyphrender.raster.box_drawing import cell_mask
from glyphrender.raster.canvas import Canvas
from glyphrender.raster.glyph_style import GlyphStyle
from glyphrender.raster.looks import Group, backgrounds, drawing_order, groups, is_synthetic, strokes
from glyphrender.raster.rows import GlyphRuns, Rows
from glyphrender.raster.tone import Color
from glyphrender.theta import MissingGlyph, Theta
from glyphrender.theta.color import rgb
from glyphrender.typeset.furniture import Furniture
from glyphrender.typeset.glyph_store import BOX_FACE, CELL_FACE
from glyphrender.typeset.ink import BOX_BOTTOM, BOX_TOP
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.line_table import BESIDE
from glyphrender.typeset.page_layout import Block
from glyphrender.typeset.place import Placed
from glyphrender.typeset.style import WordStyle

# In the box of a code point: the size of its digits as a share of the text's, and of its frame as a share of an em.
_DIGIT_SIZE, _BOX_STROKE = 0.52, 0.05
# The width of "─" as a share of the em, in a font that lacks it.
_LIGHT_LINE = 0.09


@dataclass(frozen=True, slots=True)
class TextPen:
    """A canvas, and the settings by which text is drawn on it."""

    canvas: Canvas
    theta: Theta
    furniture: Furniture

    def rows(
        self,
        face: Face,
        rows: Rows | GlyphRuns,
        color: Color,
        *,
        scale: float = 1.0,
        condense: float = 1.0,
        synthetic: tuple[bool, bool] = (False, False),
    ) -> None:
        """Draw rows of glyphs, at `scale` times the font size and `condense` times the width.

        `synthetic` says whether the outlines are made bolder, and whether they are slanted.
        """
        theta = self.theta
        style = GlyphStyle(
            face=face,
            size=theta.font_pixels * scale,
            scale_x=theta.horizontal_scale * condense,
            hinting=theta.hinting.value,
            subpixel=theta.subpixel,
            antialias=theta.antialias,
            bold=synthetic[0],
            oblique=synthetic[1],
        )
        self.canvas.glyphs(style, rows, color)

    def edges(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """Return where a rectangle is drawn: on whole pixels if θ turns antialiasing off, so that no pixel is grey."""
        return (x0, y0, x1, y1) if self.theta.antialias else (round(x0), round(y0), round(x1), round(y1))

    def frames(self, edges: NDArray[np.float64], width: float, color: Color) -> None:
        """Stroke rectangles, [n, 4] x0, y0, x1, y1 each, with the stroke of `width` pixels inside them."""
        if self.theta.antialias:
            self.canvas.frames(edges, width, color)
        else:
            self.canvas.frames(np.round(edges), max(1, round(width)), color)

    def text(self, placed: Placed, color: Color | None = None) -> None:
        """Draw the glyphs of a block, in the color of θ unless plain text is given another."""
        if not len(placed.glyph):
            return
        if placed.look_of_segment is not None:
            self._groups(placed)
            return
        color = rgb(self.theta.font_color) if color is None else color
        styles = placed.store.styles
        uniform = placed.uniform_face
        if uniform is not None and uniform[1] < CELL_FACE:
            # One face and nothing off the baseline: each line is a row.
            style, face = uniform
            rows = Rows(baseline=placed.baseline, bounds=placed.glyph_bounds, glyph=placed.glyph, x=placed.x)
            self.rows(styles[style].stack.faces[face], rows, color)
            return
        self._groups(placed, color)

    def texts(self, blocks: Sequence[Placed]) -> None:
        """Draw the glyphs of all blocks of a page, in an order that does not depend on where one block ends.

        Blocks end where chunks do, and chunks end elsewhere if several processes draw a text, or if it was extended.
        Where glyphs overlap, rounding makes a pixel depend on the glyph that is drawn first.
        """
        some = [placed for placed in blocks if len(placed.glyph)]
        faces = {placed.uniform_face for placed in some} if len(some) > 1 else set()
        if len(some) < 2 or (len(faces) == 1 and None not in faces):
            for placed in some:
                self.text(placed)
            return
        found = [(drawing_order(placed, group), placed, group) for placed in some for group in groups(placed)]
        found.sort(key=itemgetter(0))
        for _, same in groupby(found, key=itemgetter(0)):
            parts = list(same)
            _, placed, group = parts[0]
            if len(parts) > 1:
                group = group._replace(runs=Rows.in_one([part.runs for _, _, part in parts]))
            self._group(placed, group)

    def _groups(self, placed: Placed, color: Color | None = None) -> None:
        """Draw the glyphs of a block, group by group, in their colors or in the one given."""
        for group in groups(placed):
            self._group(placed, group, color)

    def _group(self, placed: Placed, group: Group, color: Color | None = None) -> None:
        """Draw a group of the glyphs of a block, in its color or in the one given."""
        if group.face == CELL_FACE:
            return
        style, ink = placed.store.styles[group.style], self.color(group.color) if color is None else color
        faces = style.stack.faces
        if group.face == BOX_FACE and self.theta.missing_glyph is MissingGlyph.BOX:
            self._boxes(group.runs.gathered, group.condense, ink, scale=group.size)
            return
        rows, face = group.runs, faces[0 if group.face == BOX_FACE else group.face]
        if group.face == BOX_FACE:
            rows = replace(rows, glyph=np.zeros_like(rows.glyph))  # glyph 0, .notdef
        synthetic = (False, False) if placed.look_of_segment is None else is_synthetic(style, face)
        self.rows(face, rows, ink, scale=group.size, condense=group.condense, synthetic=synthetic)

    def color(self, color: str | None) -> Color:
        """Return a color of rich text; None is the color of θ's text."""
        return rgb(color or self.theta.font_color)

    def backgrounds(self, placed: Placed, gap_look: NDArray[np.int32]) -> None:
        """Draw what lies behind the letters of a block of rich text."""
        for band in backgrounds(placed, gap_look):
            self.canvas.fill(*self.edges(band.x0, band.y0, band.x1, band.y1), self.color(band.color))

    def strokes(self, placed: Placed, gap_look: NDArray[np.int32], metrics: LineMetrics) -> None:
        """Draw the lines below and across the letters of a block of rich text."""
        assert metrics.looks is not None
        for edges, color in strokes(placed, gap_look, self.theta.font_pixels, metrics.looks.size / EM):
            self.canvas.rectangles(edges if self.theta.antialias else np.round(edges), self.color(color))

    def _boxes(self, rows: Rows, condense: float, color: Color, *, scale: float = 1.0) -> None:
        """Draw each code point as hexadecimal digits, in two rows inside a box, at `scale` times the font size."""
        theta = self.theta
        em = theta.font_pixels * scale
        across = em * theta.horizontal_scale * condense
        stroke = max(_BOX_STROKE * em, 0.5)
        digits, columns = self.furniture.digits(rows.glyph)
        width = (0.36 * columns + 0.2) * across
        y = np.repeat(rows.baseline, np.diff(rows.bounds))
        edges = [rows.x + 0.04 * across, y - BOX_TOP * em, rows.x + width - 0.04 * across, y + BOX_BOTTOM * em]
        self.frames(np.stack(edges, axis=1), stroke, color)
        unit = across * _DIGIT_SIZE / EM
        face = self.furniture.style.stack.primary
        for number, (glyph, offset, count, advance) in enumerate(digits):
            ends = np.append(0, np.cumsum(count))
            drawn = Rows(
                baseline=rows.baseline - 0.42 * em + 0.46 * em * number,
                bounds=ends[rows.bounds],
                glyph=glyph,
                x=np.repeat(rows.x + (width - advance * unit) / 2, count) + offset * unit,
            )
            self.rows(face, drawn, color, scale=_DIGIT_SIZE * scale, condense=condense)

    def box_drawing(self, blocks: Sequence[tuple[Block, Placed]]) -> None:
        """Draw box drawing that fills its cells, down to the next line if that has box drawing too."""
        theta = self.theta
        color = rgb(theta.font_color)
        for number, (block, placed) in enumerate(blocks):
            if not placed.has_box_drawing:
                continue
            line = placed.line_of_glyph
            drawn = np.flatnonzero(placed.face == CELL_FACE)
            has = np.zeros(len(placed.top) + 1, bool)
            has[line[drawn]] = True
            top = np.append(placed.top, placed.top[-1] + placed.height[-1])
            following = blocks[number + 1 :][:1]
            if following and following[0][0].column == block.column and following[0][0].tops[0] > block.tops[-1]:
                next_block = following[0][1]
                top[-1] = next_block.top[0]
                has[-1] = bool((next_block.face[next_block.line_of_glyph == 0] == CELL_FACE).any())
            joined = has[:-1] & has[1:] & (top[1:] > top[:-1])
            joined[:-1] &= (block.table.flags[block.lo + 1 : block.hi] & BESIDE) == 0
            bottom = np.where(joined, top[1:], top[:-1] + placed.height)
            cells = np.array([style.cell for style in placed.store.styles], np.int64)[placed.style[drawn]]
            step = (cells + block.table.metrics.letter) * (theta.em * theta.scale / EM)
            line = line[drawn]
            # Rounded first, so that a cell begins where the one before it ends, however the sums round.
            x = np.round(placed.x[drawn], 4)
            ends = np.round(x + step * placed.condense[line], 4)
            edges = np.stack([x, ends, placed.top[line], bottom[line], (placed.top + placed.height)[line]])
            left, right, up, low, base = np.floor(edges + 0.5).astype(np.intp)
            look = np.zeros(len(drawn), np.intp) if placed.look is None else placed.look[drawn]
            keys = np.stack([placed.glyph[drawn].astype(np.intp), right - left, low - up, base - up, look])
            kinds, kind = np.unique(keys, axis=1, return_inverse=True)
            for index, (cp, width, height, line_height, shown_as) in enumerate(kinds.T.tolist()):
                if width > 0 and height > 0:
                    at = np.flatnonzero(kind.reshape(-1) == index)
                    stroke = self._stroke(placed.store.styles[int(placed.style[drawn[at[0]]])])
                    mask = cell_mask(cp, width, height, stroke, theta.antialias, line=line_height)
                    drawn_in = color if placed.look is None else self.color(placed.looks[shown_as].color)
                    self.canvas.cells(up[at], left[at], mask, drawn_in)

    def _stroke(self, style: WordStyle) -> float:
        """Return the width in pixels of a light line of box drawing: that of "─" in the first face, if it has one."""
        font = style.stack.primary.hb_font
        glyph = font.get_nominal_glyph(0x2500)
        extents = font.get_glyph_extents(glyph) if glyph is not None else None
        stroke = abs(extents.height) / EM if extents is not None and extents.height else _LIGHT_LINE
        return max(0.5, min(stroke, 2 * _LIGHT_LINE) * self.theta.font_pixels)

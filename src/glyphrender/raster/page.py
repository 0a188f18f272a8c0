"""Draw a page: backgrounds, borders, text, markers, line numbers, and boxes for characters that no font has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM, Face
from glyphrender.raster import block_marks, labels
from glyphrender.raster.block_marks import MarkerPlace
from glyphrender.raster.box_drawing import cell_mask
from glyphrender.raster.canvas import Canvas, canvas
from glyphrender.raster.glyph_style import GlyphStyle
from glyphrender.raster.labels import Label
from glyphrender.raster.looks import backgrounds, groups, is_synthetic, strokes
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.rows import Row, Rows
from glyphrender.raster.tone import Color
from glyphrender.rich.drawn_text import line_ends
from glyphrender.text.parts import PartSpan, line_number
from glyphrender.theta import MissingGlyph, PageNumber, Theta
from glyphrender.theta.color import rgb
from glyphrender.typeset.furniture import Furniture
from glyphrender.typeset.glyph_store import BOX_FACE, CELL_FACE, FULL, NEWLINE
from glyphrender.typeset.ink import BOX_BOTTOM, BOX_TOP
from glyphrender.typeset.line_boxes import mirrored
from glyphrender.typeset.line_metrics import LineMetrics
from glyphrender.typeset.line_table import BESIDE, CELL, FIRST, HYPHEN, LAST, ROW
from glyphrender.typeset.page_layout import Block, PageLayout
from glyphrender.typeset.place import Placed, place
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.style import WordStyle

# The color of line numbers lies this far on the way from the page's color to the text's: visible, but not in the way.
_NUMBER_STRENGTH = 0.55
# In the box of a code point: the size of its digits as a share of the text's, and of its frame as a share of an em.
_DIGIT_SIZE, _BOX_STROKE = 0.52, 0.05
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)+")
# The width of "─" as a share of the em, in a font that lacks it.
_LIGHT_LINE = 0.09


def draw_page(
    page: PageLayout,
    furniture: Furniture,
    masks: MaskCache,
    *,
    header: tuple[Block, Theta] | None = None,
    reuse: bool = False,
) -> NDArray[np.uint8]:
    """Return the pixels of `page`: (h, w) uint8 where every color of θ is neutral, else (h, w, 3).

    Args:
        page: the layout.
        furniture: the shaper of hyphens, markers and line numbers.
        masks: what is remembered between pages.
        header: the running header, as `typeset.running_header` gives it.
        reuse: draw into a buffer of this thread. The next page drawn so overwrites it.
    """
    theta = page.theta
    width, height = page.size
    rich = bool(page.blocks) and page.blocks[0].table.segments.drawn_text is not None
    grey = page.is_grey if rich else theta.is_grey
    surface = canvas(width, height, grey=grey, background=rgb(theta.page_bg_color), masks=masks, reuse=reuse)
    pen = _Pen(surface, theta, furniture)
    blocks = page.drawn_blocks if page.heads else page.blocks
    if theta.para_bg_color or theta.border_width:
        pen.paragraphs(blocks)
    # Layer by layer, so that overlaps look the same wherever one block ends and the next begins.
    placed = [(block, place(block, theta)) for block in blocks]
    marked = _marked(placed, theta) if rich else []
    for block, _, lines in marked:
        pen.block_marks(lines, block)
    for _, glyphs in placed:
        if glyphs.gap_look is not None:
            pen.backgrounds(glyphs, glyphs.gap_look)
    for _, glyphs in placed:
        pen.text(glyphs)
    if True in [glyphs.has_box_drawing for _, glyphs in placed]:
        pen.box_drawing(placed)
    if marked:
        markers = (
            (marker, glyphs) for block, glyphs, lines in marked for marker in block_marks.markers(lines, block, theta)
        )
        pen.beside(markers, rgb(theta.font_color))
    for block, glyphs in placed:
        if glyphs.gap_look is not None:
            pen.strokes(glyphs, glyphs.gap_look, block.table.metrics)
        if theta.newline_marker:
            pen.markers(block, glyphs, *theta.newline_marker)
        if (block.table.flags[block.lo : block.hi] & HYPHEN).any():
            pen.hyphens(block, glyphs)
        if theta.continuation_mark and block.table.metrics.continuation is not None:
            pen.continuation_marks(block, glyphs)
        if theta.line_numbers and block.row_below is None:
            pen.line_numbers(block, glyphs, page.parts)
    if page.paragraphs is not None:
        pen.beside(labels.paragraph_ids(page, placed), pen.faint)
    if header is not None:
        line = place(*header)
        baseline = np.array([labels.header_baseline(line, theta)])
        pen.text(replace(line, baseline=baseline), pen.faint)
    if theta.page_number is not PageNumber.NONE:
        pen.label(labels.page_number(page, furniture), rgb(theta.font_color))
    return surface.pixels


#: A block of rich text, the places of its glyphs, and its lines beside which something is drawn.
_Marked: TypeAlias = tuple[Block, Placed, block_marks.MarkedLines]


def _marked(placed: Sequence[tuple[Block, Placed]], theta: Theta) -> list[_Marked]:
    """Return the blocks that draw something beside their letters."""
    some = [(block, glyphs) for block, glyphs in placed if block.table.segments.paragraph is not None]
    found = [(block, glyphs, block_marks.marked_lines(block, theta)) for block, glyphs in some]
    return [(block, glyphs, lines) for block, glyphs, lines in found if lines is not None]


@dataclass(frozen=True, slots=True)
class _Pen:
    """A canvas, and the settings by which the parts of a page are drawn on it."""

    canvas: Canvas
    theta: Theta
    furniture: Furniture

    def _rows(
        self,
        face: Face,
        rows: Rows,
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

    def _edges(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """Return where a rectangle is drawn: on whole pixels if θ turns antialiasing off, so that no pixel is grey."""
        return (x0, y0, x1, y1) if self.theta.antialias else (round(x0), round(y0), round(x1), round(y1))

    def _frames(self, edges: NDArray[np.float64], width: float, color: Color) -> None:
        """Stroke rectangles, [n, 4] x0, y0, x1, y1 each, with the stroke of `width` pixels inside them."""
        if self.theta.antialias:
            self.canvas.frames(edges, width, color)
        else:
            self.canvas.frames(np.round(edges), max(1, round(width)), color)

    # -- text ----------------------------------------------------------------------------------------

    def text(self, placed: Placed, color: Color | None = None) -> None:
        """Draw the glyphs of a block, in the color of θ unless plain text is given another."""
        if not len(placed.glyph):
            return
        if placed.look_of_segment is not None:
            self._rich_text(placed)
            return
        color = rgb(self.theta.font_color) if color is None else color
        styles = placed.store.styles
        uniform = placed.uniform_face
        if uniform is not None and uniform[1] < CELL_FACE:
            # One face and nothing off the baseline: each line is a row.
            style, face = uniform
            rows = Rows(baseline=placed.baseline, bounds=placed.glyph_bounds, glyph=placed.glyph, x=placed.x)
            self._rows(styles[style].stack.faces[face], rows, color)
            return
        for style, face, condense, rows in _grouped(placed):
            if face == CELL_FACE:
                continue
            faces = styles[style].stack.faces
            if face == BOX_FACE and self.theta.missing_glyph is MissingGlyph.BOX:
                self._boxes(rows, condense, color)
            elif face == BOX_FACE:
                nothing = replace(rows, glyph=np.zeros_like(rows.glyph))  # glyph 0, .notdef
                self._rows(faces[0], nothing, color, condense=condense)
            else:
                self._rows(faces[face], rows, color, condense=condense)

    def _rich_text(self, placed: Placed) -> None:
        """Draw the glyphs of a block of rich text."""
        styles = placed.store.styles
        for group in groups(placed):
            style, color = styles[group.style], self._color(group.color)
            faces = style.stack.faces
            if group.face == CELL_FACE:
                continue
            if group.face == BOX_FACE and self.theta.missing_glyph is MissingGlyph.BOX:
                self._boxes(group.rows, group.condense, color, scale=group.size)
                continue
            rows, face = group.rows, faces[0 if group.face == BOX_FACE else group.face]
            if group.face == BOX_FACE:
                rows = replace(rows, glyph=np.zeros_like(rows.glyph))  # glyph 0, .notdef
            synthetic = is_synthetic(style, face)
            self._rows(face, rows, color, scale=group.size, condense=group.condense, synthetic=synthetic)

    def _color(self, color: str | None) -> Color:
        """Return a color of rich text; None is the color of θ's text."""
        return rgb(color or self.theta.font_color)

    def backgrounds(self, placed: Placed, gap_look: NDArray[np.int32]) -> None:
        """Draw what lies behind the letters of a block of rich text."""
        for band in backgrounds(placed, gap_look):
            self.canvas.fill(*self._edges(band.x0, band.y0, band.x1, band.y1), self._color(band.color))

    def block_marks(self, lines: block_marks.MarkedLines, block: Block) -> None:
        """Draw the backgrounds, bars and rules of the blocks of rich text; rules have the color of line numbers."""
        scale = self.theta.scale
        for band in block_marks.backgrounds(lines, block, self.theta):
            self.canvas.fill(*self._edges(*(edge * scale for edge in band[:4])), self._color(band.color))
        edges = block_marks.rules(lines, block, self.theta) * scale
        # On whole pixels, at least one wide, and sharp.
        start = np.round(edges[:, :2])
        end = start + np.maximum(1, np.round(edges[:, 2:] - edges[:, :2]))
        self.canvas.rectangles(np.hstack([start, end]), self.faint)

    def beside(self, places: Iterable[tuple[MarkerPlace, Placed]], color: Color) -> None:
        """Draw texts beside lines, condensed where they are wider than their room."""
        theta = self.theta
        unit = theta.em / EM
        found = [
            (marker, float(placed.baseline[marker.line]), self.furniture.face_of(marker.text))
            for marker, placed in places
        ]
        for face in {face for _, _, face in found}:
            own = [(marker, baseline) for marker, baseline, of in found if of == face]
            rows: dict[float, list[Row]] = {}
            shaped = self.furniture.shaped_together([marker.text for marker, _ in own], face)
            for (marker, baseline), (glyphs, offset, advance) in zip(own, shaped, strict=True):
                condense = min(1.0, (marker.x1 - marker.x0) / (advance * unit)) if advance else 1.0
                x = marker.x0 if marker.leftward else marker.x1 - advance * unit * condense
                if condense > 0:
                    row = (baseline, glyphs, (x + offset * (unit * condense)) * theta.scale)
                    rows.setdefault(condense, []).append(row)
            for condense, some in rows.items():
                primary = self.furniture.style.stack.faces[face]
                self._rows(primary, Rows.of(some), color, condense=condense)

    def strokes(self, placed: Placed, gap_look: NDArray[np.int32], metrics: LineMetrics) -> None:
        """Draw the lines below and across the letters of a block of rich text."""
        assert metrics.looks is not None
        for edges, color in strokes(placed, gap_look, self.theta.font_pixels, metrics.looks.size / EM):
            self.canvas.rectangles(edges if self.theta.antialias else np.round(edges), self._color(color))

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
        self._frames(np.stack(edges, axis=1), stroke, color)
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
            self._rows(face, drawn, color, scale=_DIGIT_SIZE * scale, condense=condense)

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
                    drawn_in = color if placed.look is None else self._color(placed.looks[shown_as].color)
                    self.canvas.cells(up[at], left[at], mask, drawn_in)

    def _stroke(self, style: WordStyle) -> float:
        """Return the width in pixels of a light line of box drawing: that of "─" in the first face, if it has one."""
        font = style.stack.primary.hb_font
        glyph = font.get_nominal_glyph(0x2500)
        extents = font.get_glyph_extents(glyph) if glyph is not None else None
        stroke = abs(extents.height) / EM if extents is not None and extents.height else _LIGHT_LINE
        return max(0.5, min(stroke, 2 * _LIGHT_LINE) * self.theta.font_pixels)

    # -- what is not text ------------------------------------------------------------------------------

    def _furniture(self, text: str, at: list[tuple[float, float]], color: Color) -> None:
        """Draw `text`, in the first face, at each (x, baseline)."""
        glyphs, offset, _ = self.furniture.shaped(text)
        offsets = offset * (self.theta.font_pixels * self.theta.horizontal_scale / EM)
        rows = [(y, glyphs, x + offsets) for x, y in at]
        if rows:
            self._rows(self.furniture.style.stack.primary, Rows.of(rows), color)

    def markers(self, block: Block, placed: Placed, text: str, color: str) -> None:
        """Draw the newline markers of text that flows on."""
        segments = block.table.segments
        lead = block.table.metrics.marker_lead / EM * self.theta.font_pixels * self.theta.horizontal_scale
        kind = segments.store.kind.take(segments.number[placed.first_segment : placed.first_segment + len(placed.left)])
        at = np.flatnonzero(kind == NEWLINE)
        baseline = placed.baseline[placed.line_of_segment[at]]
        self._furniture(
            text.strip(" "),
            list(zip((placed.left[at] + lead).tolist(), baseline.tolist(), strict=True)),
            rgb(color),
        )

    def hyphens(self, block: Block, placed: Placed) -> None:
        """Draw the hyphens of words that were broken."""
        table, boxes, theta = block.table, placed.boxes, self.theta
        at = np.flatnonzero(table.flags[block.lo : block.hi] & HYPHEN)
        last = table.last[block.lo : block.hi][at] - 1
        if placed.look_of_segment is not None:
            self._rich_hyphens(block, placed, at, last)
            return
        width = (table.metrics.hyphen - table.metrics.letter) / EM * theta.em
        x = (boxes.left[at] + boxes.width[at] - width + block.column) * theta.scale
        self._furniture(
            self.furniture.hyphen,
            list(zip(x.tolist(), placed.baseline[at].tolist(), strict=True)),
            rgb(theta.font_color),
        )

    def _rich_hyphens(self, block: Block, placed: Placed, at: NDArray[np.intp], last: NDArray[np.int32]) -> None:
        """Draw the hyphens of lines `at` of rich text, each in the look of the segment `last` before it."""
        segments, looks, theta = block.table.segments, block.table.metrics.looks, self.theta
        assert segments.look is not None
        assert looks is not None
        boxes, number = placed.boxes, segments.look[last]
        width = (looks.hyphen - looks.letter)[number] / EM * theta.em
        x = (boxes.left[at] + boxes.width[at] - width + block.column) * theta.scale
        style_of = segments.store.style.take(segments.number[last])
        for look, of in sorted(set(zip(number.tolist(), style_of.tolist(), strict=True))):
            some = np.flatnonzero((number == look) & (style_of == of))
            style, size = segments.store.styles[of], float(looks.size[look]) / EM
            furniture, face = Furniture(style), style.stack.primary
            glyphs, offset, _ = furniture.shaped(furniture.hyphen)
            offsets = offset * (theta.font_pixels * theta.horizontal_scale * size / EM)
            rows = [(float(placed.baseline[at[one]]), glyphs, x[one] + offsets) for one in some.tolist()]
            color, synthetic = self._color(segments.looks[look].color), is_synthetic(style, face)
            self._rows(face, Rows.of(rows), color, scale=size, synthetic=synthetic)

    def continuation_marks(self, block: Block, placed: Placed) -> None:
        """Draw the mark in the indent of each line that is not the first of its paragraph, if the indent has room."""
        theta, table, boxes = self.theta, block.table, placed.boxes
        at = np.flatnonzero((table.flags[block.lo : block.hi] & FIRST) == 0)
        if not len(at):
            return
        mark = theta.continuation_mark
        face = self.furniture.face_of(mark)
        glyphs, offset, advance = self.furniture.shaped(mark, face)
        unit = theta.em / EM
        indent = table.indent[block.lo : block.hi]
        at = at[indent[at] >= advance]
        # The mark begins where the leading spaces of the paragraph end.
        lead = np.minimum(indent, table.metrics.continuation or 0) * unit
        left = boxes.left - lead
        if table.segments.base is not None:
            leftward = table.segments.base[table.first[block.lo : block.hi]] == 1
            left = np.where(leftward, boxes.left + boxes.width + lead - advance * unit, left)
        rows = [
            (float(placed.baseline[line]), glyphs, (left[line] + block.column + offset * unit) * theta.scale)
            for line in at.tolist()
        ]
        if rows:
            self._rows(self.furniture.style.stack.faces[face], Rows.of(rows), self.faint)

    @property
    def faint(self) -> Color:
        """The color of line numbers and marks."""
        text, page = rgb(self.theta.font_color), rgb(self.theta.background)
        red, green, blue = (round(p + (t - p) * _NUMBER_STRENGTH) for t, p in zip(text, page, strict=True))
        return red, green, blue

    def line_numbers(self, block: Block, placed: Placed, parts: Sequence[PartSpan]) -> None:
        """Draw the numbers of source lines in the gutter, at the first line of each.

        A line after a form feed, VT, NEL, U+2028 or U+2029 begins no line of the source, and neither does a heading.
        """
        theta, furniture = self.theta, self.furniture
        line, numbers = _numbered(block, parts)
        glyph, offset, count, advance = furniture.numbers(numbers)
        room, width = theta.gutter - 0.8 * theta.em, advance / EM * theta.em
        # 1 unless θ reserves too few digits.
        condense = np.divide(room, width, out=np.ones(len(width)), where=width > room)
        unit = theta.em * condense / EM * theta.scale
        left = (block.column + np.maximum(0.0, room - width)) * theta.scale
        x, baseline = np.repeat(left, count) + offset * np.repeat(unit, count), placed.baseline[line]
        for one in dict.fromkeys(condense.tolist()):
            some = condense == one
            drawn = np.repeat(some, count)
            bounds = np.append(0, np.cumsum(count[some]))
            rows = Rows(baseline=baseline[some], bounds=bounds, glyph=glyph[drawn], x=x[drawn])
            self._rows(furniture.style.stack.primary, rows, self.faint, condense=one)

    def label(self, label: Label, color: Color) -> None:
        """Draw a label in the margins."""
        self._rows(label.face, label.rows, color, condense=label.condense)

    def paragraphs(self, blocks: Sequence[Block]) -> None:
        """Draw background and border of each paragraph, or of the part of it that is in one column of the page."""
        theta = self.theta
        for column, top, bottom, leftward in _paragraphs(blocks, theta):
            shift = mirrored(theta) if leftward else 0.0
            left = (column + theta.gutter - shift + theta.left_indent) * theta.scale
            right = (column + theta.column_width - shift - theta.right_indent) * theta.scale
            box = (left, top * theta.scale, right, bottom * theta.scale)
            if theta.para_bg_color:
                self.canvas.fill(*self._edges(*box), rgb(theta.para_bg_color))
            if theta.border_width:
                self._frames(np.array([box]), theta.border_width * theta.scale, rgb(theta.para_border_color))


def _numbered(block: Block, parts: Sequence[PartSpan]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return ([k] the lines of `block` at which a line of the source begins, [k] the numbers of these source lines)."""
    table, segments = block.table, block.table.segments
    line = np.flatnonzero(table.flags[block.lo : block.hi] & FIRST)
    at = table.first[block.lo : block.hi][line]
    if not len(at):
        return line, np.zeros(0, np.int64)
    start = int(at[0])
    ends = segments.ends_source_line(slice(start, int(at[-1])))
    ended = np.append(0, np.cumsum(ends))[at - start]
    ended += segments.line + np.count_nonzero(segments.ends_source_line(slice(0, start)))
    mid_line = not segments.ends_source_line(slice(start - 1, start))[0] if start else segments.mid_line
    begins = np.append(not mid_line, ends)[at - start]
    if segments.drawn_text is not None:
        begins, ended = _of_flowing_lines(segments, at)
    line, at, number = line[begins], at[begins], ended[begins] + 1
    if parts:
        offset = segments.offset + np.append(0, np.cumsum(segments.lengths()))[at]
        found = [line_number(parts, *place) for place in zip(offset.tolist(), (number - 1).tolist(), strict=True)]
        in_text = np.array([one is not None for one in found], bool)
        line, number = line[in_text], np.array([one for one in found if one is not None], np.int64)
    return line, number


def _of_flowing_lines(segments: SegmentTable, at: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return ([k] whether a source line begins with segment `at`, [k] how many source lines end before its text).

    Line ends inside a paragraph end no segment, and a paragraph may begin with blank lines that are not drawn.
    """
    text, ends, kinds = segments.text, line_ends(segments.text), segments.kinds()
    places = np.append(0, np.cumsum(segments.lengths()))[at]
    begins = np.where(places > 0, np.isin(places, ends), not segments.mid_line)
    drawn = places.astype(np.int64)  # where the text that is drawn begins
    for index, (row, begin) in enumerate(zip(at.tolist(), places.tolist(), strict=True)):
        if kinds[row] != NEWLINE and (blank := _BLANK_LINES.match(text, begin)):
            drawn[index] = blank.end()
        if segments.stands_for is not None and segments.hidden is not None and segments.number[row] == 0:
            # In rich text, markup at the start of a paragraph belongs to an empty segment; it may be lines of its own.
            drawn[index] = begin + max(0, segments.hidden[row])
    return begins, segments.line + np.searchsorted(ends, drawn, "right").astype(np.int64)


def _paragraphs(blocks: Sequence[Block], theta: Theta) -> Iterator[tuple[float, float, float, bool]]:
    """Yield (column, top, bottom, whether it starts at the right) of each paragraph, in points.

    A paragraph that goes on in the next block of its column is yielded once.
    """
    top, lowest, open_column = 0.0, 0.0, -1.0
    for block, following in zip_longest(blocks, blocks[1:]):
        flags = block.table.flags[block.lo : block.hi].tolist()
        heights = block.line_heights(theta)
        leftward = block.table.leftward(block.lo, block.hi).tolist()
        goes_on = following is not None and following.column == block.column
        for line, (flag, after) in enumerate(zip_longest(flags, flags[1:], fillvalue=0)):
            begins = flag & FIRST and not flag & BESIDE  # the cells of a row have one box
            if begins or block.column != open_column:
                top, lowest = float(block.tops[line]) - (theta.inset if begins else 0.0), 0.0
                open_column = block.column
            lowest = max(lowest, float(block.tops[line] + heights[line]))
            closes = flag & LAST and not (after & CELL and not after & ROW)
            if closes or (line == len(flags) - 1 and not goes_on):
                yield block.column, top, lowest + (theta.inset if closes else 0.0), leftward[line]


def _grouped(placed: Placed) -> Iterator[tuple[int, int, float, Rows]]:
    """Yield (style, face, condense, rows). All rows of a group are of one face, and a row has one baseline."""
    condense = np.repeat(placed.condense, np.diff(placed.glyph_bounds))
    if placed.fit is not None:
        condense = condense * (placed.fit / FULL)
    style, face, y = placed.style, placed.face, placed.y
    order = np.lexsort((y, condense, face, style))
    style, face, condense, y = style[order], face[order], condense[order], y[order]
    glyph, x = placed.glyph[order], placed.x[order]
    changes = (style[1:] != style[:-1]) | (face[1:] != face[:-1]) | (condense[1:] != condense[:-1])
    groups = np.concatenate([[0], np.flatnonzero(changes) + 1, [len(order)]])
    row_starts = np.append(0, np.flatnonzero(changes | (y[1:] != y[:-1])) + 1)
    for start, stop in zip(groups[:-1].tolist(), groups[1:].tolist(), strict=True):
        starts = row_starts[(row_starts >= start) & (row_starts < stop)]
        rows = Rows(
            baseline=y[starts].astype(np.float64),
            bounds=np.append(starts, stop) - start,
            glyph=glyph[start:stop],
            x=x[start:stop],
        )
        yield int(style[start]), int(face[start]), float(condense[start]), rows

"""Draw a page, layer by layer: backgrounds and borders, text, and the marks and numbers beside it.

`text_pen.py` draws the text. `block_marks.py`, `labels.py` and `source_lines.py` say what stands beside it, and where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.face import EM
from glyphrender.raster import block_marks, labels
from glyphrender.raster.block_marks import MarkerPlace
from glyphrender.raster.canvas import canvas
from glyphrender.raster.labels import Label
from glyphrender.raster.looks import is_synthetic
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.rows import Rows
from glyphrender.raster.source_lines import numbered_lines
from glyphrender.raster.text_pen import TextPen
from glyphrender.raster.tone import Color
from glyphrender.text.parts import PartSpan
from glyphrender.theta import PageNumber, Theta
from glyphrender.theta.color import rgb
from glyphrender.typeset.furniture import Furniture
from glyphrender.typeset.glyph_store import NEWLINE
from glyphrender.typeset.line_boxes import mirrored
from glyphrender.typeset.line_table import BESIDE, CELL, FIRST, HYPHEN, LAST, ROW
from glyphrender.typeset.page_layout import Block, PageLayout
from glyphrender.typeset.place import Placed, place

# The color of line numbers lies this far on the way from the page's color to the text's: visible, but not in the way.
_NUMBER_STRENGTH = 0.55


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
    pen = _PagePen(surface, theta, furniture)
    blocks = page.drawn_blocks if page.heads else page.blocks
    if theta.para_bg_color or theta.border_width:
        pen.paragraphs(blocks)
    # Layer by layer, so that overlaps look the same wherever one block ends and the next begins.
    placed = [(block, place(block, theta)) for block in blocks]
    marked = _marked(placed, theta) if rich else []
    for at, (block, _, lines) in enumerate(marked):
        goes_on = None  # a repeated head and the rows below it are two blocks of one table
        if block.row_below is not None:
            goes_on = marked[at + 1][2]
        elif at and marked[at - 1][0].row_below is not None:
            goes_on = marked[at - 1][2]
        pen.block_marks(lines, block, goes_on)
    for _, glyphs in placed:
        if glyphs.gap_look is not None:
            pen.backgrounds(glyphs, glyphs.gap_look)
    pen.texts([glyphs for _, glyphs in placed])
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
class _PagePen(TextPen):
    """A pen that also draws what is not text: marks beside lines, numbers, backgrounds and borders of paragraphs."""

    def block_marks(
        self, lines: block_marks.MarkedLines, block: Block, goes_on: block_marks.MarkedLines | None
    ) -> None:
        """Draw the backgrounds, bars and rules of the blocks of rich text; rules have the color of line numbers."""
        scale = self.theta.scale
        for band in block_marks.backgrounds(lines, block, self.theta):
            self.canvas.fill(*self.edges(*(edge * scale for edge in band[:4])), self.color(band.color))
        edges = block_marks.rules(lines, block, self.theta, goes_on) * scale
        if not len(edges):
            return
        # On whole pixels, at least one wide, and sharp.
        start = np.round(edges[:, :2])
        end = start + np.maximum(1, np.round(edges[:, 2:] - edges[:, :2]))
        self.canvas.rectangles(np.hstack([start, end]), self.faint)

    def beside(self, places: Iterable[tuple[MarkerPlace, Placed]], color: Color) -> None:
        """Draw texts beside lines, condensed where they are wider than their room."""
        theta = self.theta
        unit = theta.em / EM
        faces: dict[str, int] = {}
        of_face: dict[int, list[tuple[MarkerPlace, float]]] = {}
        for marker, placed in places:
            face = faces.get(marker.text)
            if face is None:
                face = faces[marker.text] = self.furniture.face_of(marker.text)
            of_face.setdefault(face, []).append((marker, float(placed.baseline[marker.line])))
        for face in sorted(of_face):
            markers, baselines = zip(*of_face[face], strict=True)
            shaped = self.furniture.shaped_together([marker.text for marker in markers], face)
            glyph, offset = (np.concatenate([each[part] for each in shaped]) for part in (0, 1))
            count = np.array([len(each[0]) for each in shaped], np.intp)
            width = np.array([each[2] for each in shaped]) * unit
            x0, x1 = np.array([(marker.x0, marker.x1) for marker in markers]).T
            leftward = np.array([marker.leftward for marker in markers])
            condense = np.minimum(1.0, np.divide(x1 - x0, width, out=np.ones(len(width)), where=width != 0))
            left, step = np.where(leftward, x0, x1 - width * condense), unit * condense
            x = (np.repeat(left, count) + offset * np.repeat(step, count)) * theta.scale
            baseline = np.array(baselines)
            for one in dict.fromkeys(condense.tolist()):
                if one > 0:
                    some = condense == one
                    drawn = np.repeat(some, count)
                    bounds = np.append(0, np.cumsum(count[some]))
                    rows = Rows(baseline=baseline[some], bounds=bounds, glyph=glyph[drawn], x=x[drawn])
                    self.rows(self.furniture.style.stack.faces[face], rows, color, condense=one)

    def _furniture(self, text: str, at: list[tuple[float, float]], color: Color) -> None:
        """Draw `text`, in the first face, at each (x, baseline)."""
        glyphs, offset, _ = self.furniture.shaped(text)
        offsets = offset * (self.theta.font_pixels * self.theta.horizontal_scale / EM)
        rows = [(y, glyphs, x + offsets) for x, y in at]
        if rows:
            self.rows(self.furniture.style.stack.primary, Rows.of(rows), color)

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
            color, synthetic = self.color(segments.looks[look].color), is_synthetic(style, face)
            self.rows(face, Rows.of(rows), color, scale=size, synthetic=synthetic)

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
            self.rows(self.furniture.style.stack.faces[face], Rows.of(rows), self.faint)

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
        line, numbers = numbered_lines(block, parts)
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
            self.rows(furniture.style.stack.primary, rows, self.faint, condense=one)

    def label(self, label: Label, color: Color) -> None:
        """Draw a label in the margins."""
        self.rows(label.face, label.rows, color, condense=label.condense)

    def paragraphs(self, blocks: Sequence[Block]) -> None:
        """Draw background and border of each paragraph, or of the part of it that is in one column of the page."""
        theta = self.theta
        for column, top, bottom, leftward in _paragraphs(blocks, theta):
            shift = mirrored(theta) if leftward else 0.0
            left = (column + theta.gutter - shift + theta.left_indent) * theta.scale
            right = (column + theta.column_width - shift - theta.right_indent) * theta.scale
            box = (left, top * theta.scale, right, bottom * theta.scale)
            if theta.para_bg_color:
                self.canvas.fill(*self.edges(*box), rgb(theta.para_bg_color))
            if theta.border_width:
                self.frames(np.array([box]), theta.border_width * theta.scale, rgb(theta.para_border_color))


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

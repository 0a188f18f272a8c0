"""Labels in the margins of a page: its number, its running header, and the ids of paragraphs.

They are no part of the text. This module says where they stand; `raster/page.py` draws them. No ink of a label leaves
the page.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from glyphrender.fonts.face import EM, Face
from glyphrender.raster.block_marks import MarkerPlace
from glyphrender.raster.rows import Rows
from glyphrender.text.bidi import left_to_right
from glyphrender.theta import PageNumber, Theta
from glyphrender.typeset.furniture import Furniture
from glyphrender.typeset.glyph_store import CELL_FACE, TEXT
from glyphrender.typeset.page_layout import Block, PageLayout
from glyphrender.typeset.place import Placed

# The distance from the top of a text in a margin to its baseline, as a share of its em: letters rise by 0.76 em.
_BASELINE: Final = 0.77


class Label(NamedTuple):
    """Glyphs of a label: the face, the rows, and the share of its width to which it is condensed."""

    face: Face
    rows: Rows
    condense: float


def page_number(page: PageLayout, furniture: Furniture) -> Label:
    """Return the label of the page in its corner, between the margins. It is condensed if it is wider."""
    theta = page.theta
    corner = theta.page_number
    text = left_to_right(theta.page_label.replace("{page}", str(page.number)))
    face = furniture.face_of(text)
    glyphs, offset, advance = furniture.shaped(text, face)
    width, height = (side / theta.scale for side in page.size)
    full, room = advance / EM * theta.em, width - 2 * theta.margin_x
    condense = room / full if full > room > 0 else 1.0
    left = theta.margin_x
    if corner in (PageNumber.TOP_RIGHT, PageNumber.BOTTOM_RIGHT):
        left = max(left, width - theta.margin_x - full * condense)
    top = theta.furniture_edge if corner.is_top else height - theta.furniture_edge - theta.font_size
    baseline = (top + _BASELINE * theta.font_size) * theta.scale
    # Accents and some scripts are higher or deeper than the room.
    _, over, _, under = furniture.style.stack.faces[face].ink(glyphs) * (theta.em / EM * theta.scale)
    baseline = min(baseline, np.floor(page.size[1] + under.min(initial=0)))
    baseline = max(baseline, np.ceil(over.max(initial=0)))
    x = (left + offset * (theta.em * condense / EM)) * theta.scale
    return Label(furniture.style.stack.faces[face], Rows.of([(baseline, glyphs, x)]), condense)


def header_baseline(header: Placed, theta: Theta) -> float:
    """Return the baseline of the running header in pixels: in the middle of the top margin, if its ink fits there."""
    baseline = (theta.furniture_edge + _BASELINE * theta.font_size) * theta.scale
    face_of, style_of, highest = header.face, header.style, 0.0
    for style, face in set(zip(style_of.tolist(), face_of.tolist(), strict=True)):
        if face < CELL_FACE:
            glyphs = header.glyph[(style_of == style) & (face_of == face)]
            over = header.store.styles[style].stack.faces[face].ink(glyphs)[1]
            highest = max(highest, float(over.max(initial=0)) / EM * theta.font_pixels)
    return max(baseline, float(np.ceil(highest)))


def paragraph_ids(page: PageLayout, placed: Sequence[tuple[Block, Placed]]) -> Iterator[tuple[MarkerPlace, Placed]]:
    """Yield the ids of the paragraphs that begin on `page`, each beside its first line, where that line starts."""
    theta, account = page.theta, page.paragraphs
    assert account is not None
    room = theta.gutter - 0.8 * theta.em
    for block, glyphs in placed:
        if block.row_below is not None:  # the head of a table again
            continue
        text, at_right = block.text, block.table.leftward(block.lo, block.hi).tolist()
        for line, number in _numbered_lines(block, account.starts(text)):
            leftward = at_right[line]
            label = left_to_right(theta.paragraph_label.replace("{id}", str(number)), "rtl" if leftward else "auto")
            left = block.column
            if leftward:
                left += theta.column_width - theta.right_indent - room
            yield MarkerPlace(label, line, left, left + room, leftward), glyphs
        account = account.after(text)


def _numbered_lines(block: Block, starts: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield (line of `block`, number of the paragraph that begins there).

    If several paragraphs begin in a line, the number is that of the first visible character. So a paragraph of which
    nothing is drawn, such as the definition of a link, gives its number to no other.

    Args:
        block: the lines.
        starts: (number, place in the text of the block) of the paragraphs that begin in the block.
    """
    if not starts:
        return
    segments, rows = block.table.segments, block.segment_rows
    ends = np.cumsum(segments.lengths(rows), dtype=np.int64)
    places = np.append(0, ends)
    first = block.table.first[block.lo : block.hi] - rows.start
    last = block.table.last[block.lo : block.hi] - rows.start
    inked = np.flatnonzero(segments.kinds()[rows] == TEXT)
    at = np.searchsorted(inked, first)
    some = np.flatnonzero(at < np.searchsorted(inked, last))
    numbers, begins = [number for number, _ in starts], [place for _, place in starts]
    visible = places[inked[at[some]]].tolist()
    for line, seen, lo, hi in zip(
        some.tolist(), visible, places[first[some]].tolist(), places[last[some]].tolist(), strict=True
    ):
        of = bisect_right(begins, seen)
        if of and begins[of - 1] >= lo:
            yield line, numbers[of - 1]
        elif of < len(begins) and begins[of] < hi and _is_drawn(block, begins[of]):
            yield line, numbers[of]


def _is_drawn(block: Block, place: int) -> bool:
    """Return whether a character of the text of `block` is drawn."""
    segments = block.table.segments
    return not segments.consumed()[int(segments.lengths(slice(0, block.segment_rows.start)).sum()) + place]

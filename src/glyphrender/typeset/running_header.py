"""The running header: a text in the top margin of a page that says what the page shows.

The header is set as any text is: its scripts, its direction and its fonts are found in the same way. It stands at the
side where most lines of the page start, or at the other side if the number of the page is there. A page is not made
wider for it. What does not fit is cut, and a path loses its folders first.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import numpy as np

from glyphrender.theta import (
    Alignment,
    BlankLines,
    Direction,
    Leading,
    LineBreaker,
    Markup,
    PageNumber,
    ParagraphIds,
    Theta,
)
from glyphrender.typeset.layout import analysed, set_lines
from glyphrender.typeset.line_boxes import unit_points
from glyphrender.typeset.line_table import LineTable
from glyphrender.typeset.page_layout import Block, PageLayout
from glyphrender.typeset.shaper import Shaper

_FIELD: Final = re.compile(r"(\{\w+\})")
_CUT: Final = "…"
# The distance between a header and a page number beside it, in em.
_APART: Final = 1.0
# The smallest side of a page of θ, in points.
_NARROWEST: Final = 8.0
# The most characters of a file or a section in a header, so that a heading of any length costs little.
_LONGEST: Final = 1000


def running_header(page: PageLayout, shaper: Shaper) -> tuple[Block, Theta] | None:
    """Return the running header of `page`, as a block of one line whose top is 0 and the θ that it is set with.

    The result is None if there is nothing to say, or no room for it.
    """
    theta = page.theta
    file = page.parts[0].name if page.parts else ""
    left, right = theta.margin_x, page.size[0] / theta.scale - theta.margin_x
    runs_leftward = at_right = _runs_leftward(page)
    if theta.page_number.is_top:
        beside = theta.page_label_width(page.number) + _APART * theta.em
        at_left = theta.page_number is PageNumber.TOP_LEFT
        left, right = (left + beside, right) if at_left else (left, right - beside)
        at_right = at_left
    room, least = right - left, max(_NARROWEST, theta.em)
    if room < least:
        return None
    set_with = _set_with(theta, room, runs_leftward)
    for name in dict.fromkeys([file, re.split(r"[/\\]", file)[-1]]):
        text = header_text(theta.page_header, {"file": name, "section": page.section, "page": str(page.number)})
        if not text:
            return None
        line = _lines(text, set_with, shaper)
        if len(line) == 1:
            break
    else:
        if room < least + theta.em:
            return None
        line = _lines(text, _set_with(theta, room - theta.em, runs_leftward), shaper)
        shown = text[: int(line.segments.lengths(slice(0, int(line.last[0]))).sum())].rstrip()
        line = _lines(shown + _CUT, set_with, shaper)
    width = min(float(line.width[0]) * unit_points(theta), room)
    begins_at_right = line.segments.base is not None and bool(line.segments.base[0] == 1)
    column = left + (room - width) * (int(at_right) - int(begins_at_right))
    return Block(table=line, lo=0, hi=1, column=column, tops=np.zeros(1)), set_with


def header_text(template: str, values: dict[str, str]) -> str:
    """Return a header with its values. If a value is empty, the text between it and the value before is left out too.

    >>> header_text("{file} · {section}", {"file": "a.md", "section": ""})
    'a.md'
    >>> header_text("{file} · {section}", {"file": "", "section": "Birds"})
    'Birds'
    """
    first, *pieces = _FIELD.split(template)
    if not pieces:
        return first.strip()
    text, between = "", first
    for field, following in zip(pieces[::2], pieces[1::2], strict=True):
        if value := " ".join(values[field[1:-1]][:_LONGEST].split()):
            text += (between if text else first) + value
        between = following
    return (text + between).strip() if text else ""


def _runs_leftward(page: PageLayout) -> bool:
    """Return whether most lines of a page start at the right."""
    leftward = sum(int(block.table.leftward(block.lo, block.hi).sum()) for block in page.blocks)
    return 2 * leftward > sum(block.hi - block.lo for block in page.blocks)


@lru_cache(maxsize=128)
def _set_with(theta: Theta, room: float, leftward: bool) -> Theta:
    """Return the θ of a header that has `room` points: the type of `theta`, and nothing around the line."""
    return theta.replace(
        page_size=(max(_NARROWEST, room), max(_NARROWEST, theta.line_height, theta.font_size)),
        margin_x=0.0,
        margin_y=0.0,
        columns=1,
        alignment=Alignment.LEFT,
        first_line_indent=0.0,
        left_indent=0.0,
        right_indent=0.0,
        border_width=0.0,
        border_padding=0.0,
        line_numbers=0,
        continuation_indent=0.0,
        continuation_mark="",
        leading=Leading.FIXED,
        line_breaker=LineBreaker.GREEDY,
        newline_markup="<br/>",
        hyphenate=False,
        unwrap=False,
        blank_lines=BlankLines.KEEP,
        page_number=PageNumber.NONE,
        page_header="",
        paragraph_ids=ParagraphIds.NONE,
        markup=Markup.NONE,
        direction=Direction.RTL if leftward else theta.direction,
    )


def _lines(text: str, theta: Theta, shaper: Shaper) -> LineTable:
    style = shaper.style(theta)
    return next(set_lines(analysed(text, theta, style, shaper), theta, style, shaper))

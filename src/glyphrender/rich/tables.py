"""Draw a table of Markdown.

If its lines have at most `table_width` characters, the columns are aligned: the cells are set in a monospaced family,
and the mark between two cells is replaced by spaces. A wider table is set as running text with a bar between cells. The
first row is bold. Cells are not wrapped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from glyphrender.rich.builder import Builder
from glyphrender.rich.inlines import MONOSPACED, draw_inlines
from glyphrender.rich.settings import Settings
from glyphrender.rich.style import BlockStyle, Rule, Style

if TYPE_CHECKING:
    from glyphrender.rich.places import Placed

_GAP: Final = 2  # spaces between aligned columns
_HEAD: Final = Style(weight=700)
_ALIGNED: Final = Style(family=MONOSPACED)


@dataclass(frozen=True, slots=True)
class _Cell:
    slot: int  # number of the text before the cell
    width: int  # cells of a terminal
    alignment: str


def draw_table(builder: Builder, tokens: Sequence[Placed], settings: Settings, gap: float) -> None:
    """Draw the rows of a table, with `gap` lines above them. `tokens` are those from `table_open` on."""
    start, span, block = builder.at, builder.open_style(), builder.open_block()
    rows: list[list[_Cell]] = []
    for at, placed in enumerate(tokens):
        match placed.token.type:
            case "tr_open":
                rows.append([])
                done, head, row = placed.start, builder.open_style(), builder.open_block()
                row_start, row_end = builder.at, placed.end
            case "inline" if placed.lines is not None:
                begin = placed.lines.source(0)
                slot = builder.open_slot(max(done, builder.at), begin)
                mark = builder.mark()
                draw_inlines(builder, placed.inline, placed.token.content, placed.lines, settings.links)
                alignment = str(tokens[at - 1].token.attrs.get("style", "")).removeprefix("text-align:")
                rows[-1].append(_Cell(slot, _width(builder.drawn_since(mark)), alignment))
                done = max(begin, builder.at)
            case "tr_close":
                if len(rows) == 1:
                    builder.close_style(head, row_start, _HEAD)
                builder.end_line(row_end)
                if len(rows) == 1:
                    builder.close_block(row, row_start, BlockStyle(rule=Rule.BELOW, keep_with_next=True))
    widths = [
        max((row[column].width for row in rows if column < len(row)), default=0) for column in range(len(rows[0]))
    ]
    aligned = sum(widths) + _GAP * (len(widths) - 1) <= settings.table_width
    for cells in rows:
        builder.fill_slots(_before(cells, widths) if aligned else _bars(cells))
    builder.close_block(block, start, BlockStyle(space_before=gap))
    if aligned:
        builder.close_style(span, start, _ALIGNED)


def _before(cells: Sequence[_Cell], widths: Sequence[int]) -> Iterable[tuple[int, str]]:
    """Yield (slot, spaces before the cell) of the cells of a row."""
    left_over = 0
    for column, cell in enumerate(cells):
        room = widths[column] - cell.width
        before = {"right": room, "center": room // 2}.get(cell.alignment, 0)
        yield cell.slot, " " * (left_over + before + (_GAP if column else 0))
        left_over = room - before


def _bars(cells: Sequence[_Cell]) -> Iterable[tuple[int, str]]:
    for column, cell in enumerate(cells):
        yield cell.slot, " │ " if column else ""


def _width(text: str) -> int:
    """Return how many cells of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )

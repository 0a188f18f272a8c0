"""Draw a table of Markdown: its cells are paragraphs that stand side by side, and the mark between two cells ends the
first of them. The first row is bold, and is the head of the table. A row is one line of the source, so only the tag
`<br>` can break a line in a cell, and it does so here.

Where a newline does not end a line (`newline_markup`), the text is one paragraph, so a table is set as running text
with a bar between cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from glyphrender.rich.builder import Builder
from glyphrender.rich.inlines import draw_inlines
from glyphrender.rich.settings import MarkupSettings
from glyphrender.rich.style import BlockStyle, Style
from glyphrender.rich.table import Cell, Table
from glyphrender.theta.choices import Alignment

if TYPE_CHECKING:
    from glyphrender.rich.places import PlacedToken

_HEAD: Final = Style(weight=700)
# Not box drawing: that would set the whole text, which is one paragraph there, in a monospaced face.
_BAR: Final = " | "
_ALIGNMENTS: Final = {"left": Alignment.LEFT, "center": Alignment.CENTER, "right": Alignment.RIGHT}


def draw_table(builder: Builder, tokens: Sequence[PlacedToken], settings: MarkupSettings, gap: float) -> None:
    """Draw the rows of a table, with `gap` lines above them. `tokens` are those from `table_open` on."""
    start, block = builder.at, builder.open_block()
    cells: list[Cell] = []
    alignments: list[Alignment | None] = []
    newline = " " if settings.flows else "\n"
    row = column = -1
    done = 0
    for placed in tokens:
        match placed.token.type:
            case "tr_open":
                row, column, done = row + 1, -1, placed.start
                head, row_start, row_end, known = builder.open_style(), builder.at, placed.end, len(cells)
            case "th_open" | "td_open":
                column += 1
                if row == 0:
                    side = str(placed.token.attrs.get("style", "")).removeprefix("text-align:")
                    alignments.append(_ALIGNMENTS.get(side))
            case "inline" if placed.lines is not None:
                begin = placed.lines.source(0)
                slot, before = builder.open_slot(max(done, builder.at), begin), builder.at
                draw_inlines(builder, placed.inline, placed.token.content, placed.lines, settings.links, breaks=newline)
                builder.end_breaks()
                if builder.at > before:
                    if len(cells) > known:
                        builder.fill_slot(slot, _BAR if settings.flows else "\n")
                    cells.append(Cell(begin, row, column))
                done = max(begin, builder.at)
            case "tr_close":
                if row == 0:
                    builder.close_style(head, row_start, _HEAD)
                if len(cells) == known:
                    cells.append(Cell(row_end, row, 0))
                builder.end_line(row_end)
    builder.close_block(block, start, BlockStyle(space_before=gap))
    cells = [cell for cell in cells if cell.start < builder.at]
    if cells and not settings.flows:
        builder.table(Table(start=start, end=builder.at, cells=tuple(cells), alignments=tuple(alignments), head=1))

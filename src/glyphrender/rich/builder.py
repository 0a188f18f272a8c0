"""`Builder`: gathers what a producer of rich text draws, from the front to the back of the source.

What nothing draws and nothing replaces is markup, so it is consumed. So every character of the source is accounted for
whatever a producer does. Offsets are those of a text whose line ends are all "\\n"; `build` takes them to the source.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import numpy as np

from glyphrender.rich.line_ends import LineEnds
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.style import BlockStyle, Style
from glyphrender.rich.table import Table


class Builder:
    """A rich text that is being made.

    Attributes:
        text: the source, with line ends "\\n".
        at: where the last drawn or replaced character ends.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._ends = LineEnds(source)
        self.text = self._ends.text
        self.at = 0
        self._drawn: list[tuple[int, int, str | None]] = []
        self._styles: list[tuple[int, int, Style] | None] = []
        self._blocks: list[tuple[int, int, BlockStyle] | None] = []
        self._tables: list[Table] = []
        self._soft: int | None = None
        self._breaks: list[tuple[int, int, str]] = []

    def draw(self, start: int, end: int) -> None:
        """Draw the characters from `start` to `end - 1` as they are. Spaces right after a break are left out."""
        while self._breaks and start < end and self.text[start] in " \t":
            start += 1
        if end <= start:
            return
        self._join(self.text[start])
        drawn = self._drawn
        if drawn and drawn[-1][1] == start and drawn[-1][2] is None:
            drawn[-1] = drawn[-1][0], end, None
        else:
            drawn.append((start, end, None))
        self.at = end

    def replace(self, start: int, end: int, text: str) -> None:
        """Draw `text` for the characters from `start` to `end - 1`."""
        if text:
            self._join(text[0])
            self._drawn.append((start, end, text))
            self.at = end

    def draw_parts(self, parts: Iterable[tuple[int, int, str | None]]) -> None:
        """Draw each (start, end, text): `text`, or the characters as they are where it is None."""
        for start, end, text in parts:
            if text is None:
                self.draw(start, end)
            else:
                self.replace(start, end, text)

    def end_line(self, newline: int) -> None:
        """Draw the line feed at `newline`, unless the text ends there."""
        self._soft = None
        self.draw(newline, min(newline + 1, len(self.text)))

    def join(self, newline: int) -> None:
        """Let the line feed at `newline` join two lines: by a space, or by nothing between two ideographs."""
        self._soft = newline

    def break_line(self, start: int, end: int, text: str) -> None:
        """Draw `text` in place of the characters from `start` to `end - 1`, once something is drawn after them."""
        self._breaks.append((start, end, text))

    def end_breaks(self) -> None:
        """Leave out the breaks after which nothing was drawn."""
        self._breaks.clear()

    def _join(self, following: str) -> None:
        if self._breaks:
            self._drawn += self._breaks
            self.end_breaks()
        newline, self._soft = self._soft, None
        if newline is None:
            return
        start, end, text = self._drawn[-1] if self._drawn else (0, 0, " ")
        last = (self.text[end - 1] if text is None else text[-1]) if end > start else " "
        if not (_is_ideographic(last) and _is_ideographic(following)):
            self._drawn.append((newline, newline + 1, " "))
            self.at = newline + 1

    def open_slot(self, start: int, end: int) -> int:
        """Return the number of a place for a text that is known later, instead of `start` to `end - 1`."""
        self._drawn.append((start, end, ""))
        return len(self._drawn) - 1

    def fill_slot(self, number: int, text: str) -> None:
        """Give a slot its text."""
        start, end, _ = self._drawn[number]
        self._drawn[number] = start, end, text

    def open_style(self) -> int:
        """Return the number of a span that begins with what is drawn next; `close_style` ends it."""
        self._styles.append(None)
        return len(self._styles) - 1

    def close_style(self, number: int, start: int, style: Style) -> None:
        """Give the span with a number the style of all that was drawn from `start` on."""
        if self.at > start:
            self._styles[number] = start, self.at, style

    def style(self, start: int, end: int, style: Style) -> None:
        """Give the characters from `start` to `end - 1` a style, inside the spans before."""
        if end > start:
            self._styles.append((start, end, style))

    def open_block(self) -> int:
        """Return the number of a block that begins with what is drawn next; `close_block` ends it."""
        self._blocks.append(None)
        return len(self._blocks) - 1

    def close_block(self, number: int, start: int, style: BlockStyle) -> None:
        """Give the block with a number the style of all that was drawn from `start` on."""
        if self.at > start:
            self._blocks[number] = start, self.at, style

    def table(self, table: Table) -> None:
        """Set the paragraphs of a table side by side. Its offsets are those of `text`."""
        self._tables.append(table)

    def build(self) -> RichText:
        """Return the rich text."""
        place = self._ends.sources
        drawn = [row for row in self._drawn if row[2] != ""]
        start, end = place([row[0] for row in drawn]), place([row[1] for row in drawn])
        # All that lies between what is drawn is markup.
        before, after = np.append(0, end), np.append(start, len(self._source))
        consumed = np.stack([before, after], axis=1)[before < after]
        lo, hi = start.tolist(), end.tolist()
        spans = [span for span in self._styles if span]
        styles = {id(style): style for _, _, style in spans}
        number = {key: at for at, key in enumerate(styles)}
        blocks = [block for block in self._blocks if block]
        first, last = place([block[0] for block in blocks]).tolist(), place([block[1] for block in blocks]).tolist()
        return RichText.of_columns(
            self._source,
            place([span[0] for span in spans]),
            place([span[1] for span in spans]),
            [number[id(style)] for _, _, style in spans],
            list(styles.values()),
            blocks=list(zip(first, last, (style for *_, style in blocks), strict=True)),
            consumed=consumed,
            replaced=[(lo[at], hi[at], text) for at, (_, _, text) in enumerate(drawn) if text is not None],
            tables=[self._placed(table) for table in self._tables],
        )

    def _placed(self, table: Table) -> Table:
        """Return a table with the offsets of the source."""
        if self._ends.are_those_of_source:
            return table
        start, end, *cells = self._ends.sources(
            [table.start, table.end, *(cell.start for cell in table.cells)]
        ).tolist()
        return Table(
            start=start,
            end=end,
            cells=tuple(cell._replace(start=at) for at, cell in zip(cells, table.cells, strict=True)),
            alignments=table.alignments,
            head=table.head,
        )


def _is_ideographic(character: str) -> bool:
    """Return whether a line end beside `character` is no space: if it is wide, and no letter of Hangul."""
    return (
        character > "\u2e7f"
        and unicodedata.east_asian_width(character) in "WF"
        and not ("\uac00" <= character <= "\ud7af")
    )

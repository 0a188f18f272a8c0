"""`ReportTable`: headings and rows of text, as HTML, as Markdown, and as lines for a terminal.

Every table of reports, notebooks and the command line is written here, so a cell with markup, bars or line ends breaks
none of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from glyphrender.errors import one_line

__all__ = ["ReportTable", "text_table"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportTable:
    """A table of text. The first cell of a row names the row.

    Attributes:
        columns: the headings.
        rows: the cells of each row. Short rows are filled with empty cells.
        left: columns that are aligned to the left: the first so many, or those with these numbers. The others hold
            numbers, and are aligned to the right.
        caption: title of the table.
        kinds: for each row "", "chosen" for the one that was chosen, or "other" for one of another kind. By default
            none has a kind.
        links: for each row the id of an element that its first cell links to, or "".

    >>> table = ReportTable(columns=("name", "pages"), rows=[("a|b", "12")])
    >>> print(table.markdown())
    | name | pages |
    | --- | ---: |
    | a\\|b | 12 |
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int | tuple[int, ...] = 1
    caption: str = ""
    kinds: Sequence[str] = ()
    links: Sequence[str] = ()

    def text(self) -> str:
        """Return lines for a terminal: columns as wide as their cells, with wide characters counted double.

        Characters that do not print become escapes. A chosen row has a star.
        """
        lines = [list(self.columns), *map(self._starred, range(len(self.rows)))]
        lines = [[one_line(cell) for cell in line] for line in lines]
        widths = [max(map(_cells, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell + " " * (width - _cells(cell)) if self._is_left(at) else " " * (width - _cells(cell)) + cell
                for at, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def markdown(self) -> str:
        """Return a table of Markdown. A row is one line, whatever its cells hold; a chosen row has a star."""
        rule = ["---" if self._is_left(at) else "---:" for at in range(len(self.columns))]
        rows = [map(_markdown, line) for line in (self.columns, *map(self._starred, range(len(self.rows))))]
        return "\n".join(f"| {' | '.join(line)} |" for line in (rows[0], rule, *rows[1:]))

    def html(self) -> str:
        """Return a table of HTML. Cells are escaped here; headings have a scope. A chosen row has a star."""
        head = "".join(f'<th scope="col"{self._kind(at)}>{escape(name)}</th>' for at, name in enumerate(self.columns))
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        body = "".join(map(self._html_row, range(len(self.rows))))
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _repr_html_(self) -> str:
        """Return the table for a notebook, whose own colors it takes."""
        return f'<div class="glyphrender">{_NOTEBOOK}{self.html()}</div>'

    def _html_row(self, number: int) -> str:
        link = self.links[number] if self.links else ""
        cells = []
        for at, cell in enumerate(self._starred(number)):
            inner = f'<a href="#{escape(link)}">{escape(cell)}</a>' if link and not at else escape(cell)
            cells.append(f"<td{self._kind(at)}>{inner}</td>" if at else f'<th scope="row"{self._kind(at)}>{inner}</th>')
        kind = f' class="{escape(self.kinds[number])}"' if self.kinds and self.kinds[number] else ""
        return f"<tr{kind}>{''.join(cells)}</tr>"

    def _starred(self, number: int) -> list[str]:
        """Return the cells of a row, as many as there are headings. A star before the first marks a chosen row."""
        row = [*self.rows[number], *[""] * (len(self.columns) - len(self.rows[number]))]
        return [f"★ {row[0]}", *row[1:]] if self.kinds and self.kinds[number] == "chosen" else row

    def _is_left(self, column: int) -> bool:
        return column < self.left if isinstance(self.left, int) else column in self.left

    def _kind(self, column: int) -> str:
        return "" if self._is_left(column) else ' class="n"'


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return `rows` below `columns` as lines for a terminal, with `left` columns aligned to the left.

    >>> print(text_table(["name", "pages"], [["a", "12"], ["book", "3"]]))
    name  pages
    a        12
    book      3
    """
    return ReportTable(columns=columns, rows=rows, left=left).text()


# Notebooks style tables themselves. This adds only what has a meaning here: how columns are aligned.
_NOTEBOOK = (
    "<style>.glyphrender th, .glyphrender td { text-align: left; padding: 2px 14px 2px 0 } "
    ".glyphrender .n { text-align: right } .glyphrender tbody th { font-weight: 400 } "
    ".glyphrender table { font-variant-numeric: tabular-nums; margin: 0 0 10px }</style>"
)


def _markdown(cell: str) -> str:
    """Return a cell of Markdown: none of its characters ends the cell, or begins code or an element of HTML."""
    escaped = cell.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`").replace("<", "\\<")
    return " ".join(escaped.split())


def _cells(text: str) -> int:
    """Return the number of terminal cells that `text` takes."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )

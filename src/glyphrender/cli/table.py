"""Tables for a terminal: columns as wide as their cells, with wide characters counted double."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return `rows` below `headings` as lines of text.

    The first `left` columns are aligned to the left, the others to the right. Short rows are filled with empty cells.

    >>> print(table(["name", "pages"], [["a", "12"], ["book", "3"]]))
    name  pages
    a        12
    book      3
    """
    lines = [list(headings), *([*row, *[""] * (len(headings) - len(row))] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) if column < left else " " * (width - _width(cell)) + cell
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    """Return the number of terminal cells that `text` takes."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )

"""`Table`: rows of cells, as a checked value. Each cell is some paragraphs of the text, set in a column of its own."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from glyphrender.errors import DataError, shown
from glyphrender.theta.choices import Alignment

# Layout keeps the numbers of rows and columns in 64 bits.
_NUMBERS: Final = 1 << 63


class Cell(NamedTuple):
    """A cell of a table: the paragraphs that begin at character `start` of the source, or before the next cell."""

    start: int
    row: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table: paragraphs from character `start` to `end - 1` of the source, which stand side by side.

    The columns get their widths from what is in them, and lines are broken inside the columns. A paragraph belongs to
    the last cell that begins before it. A cell without characters is left out; its column stays empty in that row.

    Attributes:
        start, end: the characters.
        cells: (start, row, column) of the cells. Starts rise, and so do the columns of a row.
        alignments: LEFT, CENTER or RIGHT for each column, or None for the side at which the table begins. Columns
            beyond are as None.
        head: how many rows at the top are the head, which stays with the next row and has a rule below.

    Raises:
        DataError: a value is of another type, or the cells are not in order.

    >>> Table(start=0, end=4, cells=[(0, 0, 0), (2, 0, 1)]).cells[1]
    Cell(start=2, row=0, column=1)
    """

    start: int
    end: int
    cells: tuple[Cell, ...]
    alignments: tuple[Alignment | None, ...] = ()
    head: int = 0

    def __post_init__(self) -> None:
        for name in ("start", "end", "head"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))
        object.__setattr__(self, "cells", _cells(self.cells, self.start, self.end))
        object.__setattr__(self, "alignments", _alignments(self.alignments))

    def moved(self, by: int) -> Table:
        """Return this table `by` characters further behind.

        >>> Table(start=0, end=4, cells=[(0, 0, 0)]).moved(3).cells
        (Cell(start=3, row=0, column=0),)
        """
        cells = tuple(Cell(start + by, row, column) for start, row, column in self.cells)
        return replace(self, start=self.start + by, end=self.end + by, cells=cells)

    def part(self, start: int, end: int) -> Table | None:
        """Return what is left of this table between two characters of the source; None if nothing is.

        >>> Table(start=0, end=4, cells=[(0, 0, 0), (2, 0, 1)]).part(1, 4).cells
        (Cell(start=1, row=0, column=0), Cell(start=2, row=0, column=1))
        """
        first, last = max(start, self.start), min(end, self.end)
        if first >= last:
            return None
        before = [cell for cell in self.cells if cell.start <= first]
        cells = [cell for cell in self.cells if first < cell.start < last]
        if before:
            cells.insert(0, before[-1]._replace(start=first))
        return replace(self, start=first, end=last, cells=tuple(cells))


def checked_tables(given: Any, length: int) -> tuple[Table, ...]:
    """Return the tables of a source of `length` characters.

    Raises:
        DataError: one is no `Table`, two overlap or do not rise, or one lies outside the source.
    """
    tables = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str | bytes) else (given,)
    done = 0
    for table in tables:
        if not isinstance(table, Table):
            raise DataError(f"tables of a RichText have {shown(table)} where a Table must be.")
        if not done <= table.start <= table.end <= length:
            raise DataError(
                f"tables have {table.start} to {table.end} after {done}, in a source from 0 to {length}. Tables rise "
                f"and do not overlap."
            )
        done = table.end
    return tables


def _whole(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number < _NUMBERS or isinstance(value, bool):
        raise DataError(f"{name} of a Table is {shown(value)}, not a whole number from 0 on, below 2 ** 63.")
    return number


def _cells(given: Any, start: int, end: int) -> tuple[Cell, ...]:
    try:
        cells = tuple(Cell(*map(operator.index, cell)) for cell in given)
    except TypeError:
        raise DataError(f"cells of a Table are {shown(given)}. Pass [(start, row, column), …].") from None
    places = [(start, -1, -1), *cells]
    for one, other in zip(places, cells, strict=False):
        risen = other.start >= one[0] if one[1] < 0 else other.start > one[0]
        numbered = other.row < _NUMBERS and 0 <= other.column < _NUMBERS
        if not risen or other.start >= end or not numbered or (other.row, other.column) <= one[1:]:
            raise DataError(
                f"cells of a Table have {tuple(other)} after {tuple(one)}. Starts must rise between {start} and {end}, "
                f"rows must not fall, and the columns of a row must rise below 2 ** 63, as rows do."
            )
    return cells


def _alignments(given: Any) -> tuple[Alignment | None, ...]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise DataError(f"alignments of a Table are {shown(given)}. Pass [LEFT, None, …].")
    found = []
    for value in given:
        try:
            found.append(None if value is None else Alignment(value.upper() if isinstance(value, str) else value))
        except (ValueError, TypeError, AttributeError):
            found.append(Alignment.JUSTIFY)
        if found[-1] is Alignment.JUSTIFY:
            raise DataError(f"alignments of a Table have {shown(value)}, not LEFT, CENTER, RIGHT or None.")
    return tuple(found)

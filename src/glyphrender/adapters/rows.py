"""Rows and batches of a data set: what a column holds, and a function of one row applied to each, with named errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from glyphrender.errors import DataError, GlyphRenderError, shown
from glyphrender.rich.rich_text import RichText

Row: TypeAlias = Mapping[str, Any]


def by_row(
    one: Callable[[Row], dict[str, Any]], rows: Row, batched: bool, *, names: Iterable[str], key: str | None
) -> dict[str, Any]:
    """Apply `one` to the row, or to each row of a batch; errors name the row.

    Args:
        one: function from a row to the row that comes out.
        rows: a row; or, if `batched`, column → list, all of one length.
        batched: which of the two.
        names: the columns that come out, for a batch of no rows.
        key: the column that errors name the row by; or "id", "unique_id" or "index", if the row has one.
    """
    if not batched:
        return _named(one, rows, "row", key)
    count = len(next(iter(rows.values())))
    given = ({name: rows[name][place] for name in rows} for place in range(count))
    done = [_named(one, row, f"row {place} of the batch", key) for place, row in enumerate(given)]
    return {name: [row[name] for row in done] for name in (done[0] if done else dict.fromkeys(names))}


def _named(one: Callable[[Row], dict[str, Any]], row: Row, place: str, key: str | None) -> dict[str, Any]:
    try:
        return one(row)
    except GlyphRenderError as error:
        known_by = next((name for name in (key, "id", "unique_id", "index") if name in row), None)
        named = f"{place}{f' ({known_by}={shown(row[known_by])})' if known_by else ''}"
        raise error.with_context(named) from error


def text_of(row: Row, name: str) -> str:
    """Return the text in a column.

    Raises:
        DataError: there is no such column, or it holds something else.
    """
    text = cell(row, name)
    if not isinstance(text, str):
        raise DataError(f"{name} is {shown(text)}, not str. Drop such rows (Dataset.filter), or convert them.")
    return text


def document_of(row: Row, name: str) -> str | RichText:
    """Return the text in a column whose texts become pages.

    Raises:
        DataError: there is no such column, or it holds something else.
    """
    text = cell(row, name)
    return text if isinstance(text, RichText) else text_of(row, name)


def cell(row: Row, name: str) -> Any:
    """Return the value in a column.

    Raises:
        DataError: there is no such column.
    """
    try:
        return row[name]
    except KeyError:
        raise DataError(f"there is no column {name!r}. There are {', '.join(map(str, row)) or 'none'}.") from None

"""Whole numbers of 1 or more, such as numbers of processes, checked where users give them."""

from __future__ import annotations

from glyphrender.errors import DataError, shown


def checked_count(count: object, name: str = "jobs") -> int:
    """Return `count` if it is a whole number of 1 or more.

    Raises:
        DataError: it is not. `name` is the parameter in the message.

    >>> checked_count(2)
    2
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise DataError(f"{name}={shown(count)} is no whole number of 1 or more. Pass an int.")
    return count

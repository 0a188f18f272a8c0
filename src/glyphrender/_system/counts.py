"""Check numbers that users give: counts, such as the number of processes, and real numbers."""

from __future__ import annotations

from math import nan
from numbers import Real

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


def as_number(value: object) -> float:
    """Return `value` as a float, or NaN if it is not a number that a float can hold."""
    try:
        return float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    except OverflowError:
        return nan

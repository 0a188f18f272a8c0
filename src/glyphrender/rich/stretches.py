"""Stretches of a source: what a `RichText` is given, checked, as columns."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from glyphrender.errors import DataError, shown
from glyphrender.rich.flat import Offsets


def rows(name: str, given: Any, width: int) -> list[Any]:
    """Return `given` as a list of tuples of `width` values; `name` is theirs in the error."""
    try:
        found = [tuple(row) for row in given] if not isinstance(given, str | bytes) else None
    except TypeError:
        found = None
    if found is None or not set(map(len, found)) <= {width}:
        raise DataError(f"{name} of a RichText must be rows of {width} values; got {shown(given)}.")
    return found


def offsets(name: str, values: Any) -> Offsets:
    """Return `values`, which must be whole numbers, as a column."""
    try:
        if isinstance(values, np.ndarray):
            if values.dtype.kind in "iu" or not values.size:
                return values.astype(np.int64)
        else:
            return np.array(list(map(operator.index, values)), np.int64)
    except (TypeError, ValueError, OverflowError):
        pass
    raise DataError(f"{name} must be whole numbers; got {shown(values)}.")


def stretches(name: str, start: Any, end: Any, length: int) -> tuple[Offsets, Offsets]:
    """Return the first characters of stretches, and the characters after their last, which lie in the source."""
    first, last = offsets(name, start), offsets(name, end)
    if first.shape != last.shape or first.ndim != 1:
        raise DataError(f"{name} must have one start and one end each.")
    if not len(first):
        return first, last
    wrong = np.flatnonzero((first < 0) | (first > last) | (last > length))
    if len(wrong):
        at = int(wrong[0])
        raise DataError(f"{name} have {first[at]} to {last[at]}, but the source goes from 0 to {length}.")
    return first, last


def consumed(given: Any, length: int) -> Offsets:
    """Return [k, 2] the union of stretches, which rise and do not overlap."""
    if isinstance(given, np.ndarray):
        pairs = offsets("consumed", given)
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            if pairs.size:
                raise DataError(
                    f"consumed has the shape {pairs.shape}, not [k, 2]. Give a start and an end in each row."
                )
            pairs = pairs.reshape(0, 2)
        start, end = stretches("consumed", pairs[:, 0], pairs[:, 1], length)
    else:
        found = rows("consumed", given, 2)
        start, end = stretches("consumed", [row[0] for row in found], [row[1] for row in found], length)
    if not len(start):
        return np.zeros((0, 2), np.int64)
    some = np.flatnonzero(start < end)
    some = some[np.argsort(start[some], kind="stable")]
    start, end = start[some], np.maximum.accumulate(end[some])
    apart = start[1:] >= end[:-1]
    return np.stack([start[np.append(True, apart)[: len(start)]], end[np.append(apart, True)[: len(end)]]], axis=1)


def replaced(given: Any, length: int) -> tuple[Offsets, tuple[str, ...]]:
    """Return ([k, 2] stretches, what is drawn for each), which rise."""
    found = rows("replaced", given, 3)
    for *_, text in found:
        if not isinstance(text, str):
            raise DataError(f"replaced has {shown(text)} where the text to draw must be. Pass (start, end, str).")
    start, end = stretches("replaced", [row[0] for row in found], [row[1] for row in found], length)
    if not found:
        return np.zeros((0, 2), np.int64), ()
    order = np.lexsort((end, start))
    return np.stack([start, end], axis=1)[order], tuple(found[at][2] for at in order.tolist())


def check_apart(consumed: Offsets, replaced: Offsets) -> None:
    """Raise a DataError if two replaced stretches overlap, or one overlaps a consumed stretch."""
    if not len(replaced):  # consumed stretches are apart
        return
    both = np.concatenate([consumed, replaced])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    wrong = np.flatnonzero(both[1:, 0] < both[:-1, 1])
    if len(wrong):
        at = int(wrong[0])
        one, other = both[at].tolist(), both[at + 1].tolist()
        raise DataError(
            f"consumed and replaced have {one[0]} to {one[1]} and {other[0]} to {other[1]}, which overlap. "
            f"Name each character once."
        )

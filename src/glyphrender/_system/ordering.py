"""The order of many numbers: the places of an array from its smallest value to its largest, and its distinct values.

A text whose font or script changes at every character has 100,000 words and units in a chunk. To sort the places of
100,000 numbers stably takes numpy 25 ms, and to sort the numbers themselves takes 0.6 ms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def stable_order(keys: NDArray[Any]) -> NDArray[np.intp]:
    """Return the places of `keys`, from the smallest key to the largest. Equal keys keep their order.

    No key may be negative. Each key and its place are packed into one number, the place in the low bits. These
    numbers are sorted.

    >>> stable_order(np.array([7, 0, 7, 3])).tolist()
    [1, 3, 0, 2]
    """
    bits = len(keys).bit_length()
    if not len(keys) or int(keys.max()).bit_length() + bits > 63:
        return np.argsort(keys, kind="stable")
    packed = keys.astype(np.int64)
    packed <<= bits
    packed |= np.arange(len(keys))
    packed.sort()
    packed &= (1 << bits) - 1
    return packed


def kinds(keys: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp], NDArray[np.intp]]:
    """Return (the distinct keys, rising; the first place of each; [n] the number of each key among the distinct ones).

    The keys are not negative.

    >>> [found.tolist() for found in kinds(np.array([7, 0, 7, 3]))]
    [[0, 3, 7], [1, 3, 0], [2, 0, 2, 1]]
    """
    order = stable_order(keys)
    ordered = keys[order]
    begins = np.ones(len(keys), bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    number = np.empty(len(keys), np.intp)
    number[order] = np.cumsum(begins) - 1
    return ordered[begins], order[begins], number

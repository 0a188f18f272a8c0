"""Optimal line breaking: lines that are evenly full, in place of greedy ones.

Dynamic programming over the break opportunities finds the breaks with the least sum of squared leftovers, over all
lines but the last. Knuth and Plass (1981) minimize the same sum, and add the stretch and the penalties of TeX, which a
page of ragged or word-spaced text does not use.

The square of what is left is a convex function of the line's width. So of two places at which the last line may begin,
the later one wins from some end of the line on, and keeps winning (Hirschberg and Larmore 1987, "The least weight
subsequence problem"). A queue of winners gives the best breaks in a time that grows with the length of the paragraph,
whatever the number of words on a line. Where hyphens move the ends to and fro, all line beginnings in reach are tried.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import islice
from math import isqrt
from operator import gt
from typing import Final

import numpy as np

# How many lines `_bounded` tries for each opportunity of a paragraph. With more, the queue is faster.
_LINES_TRIED: Final = 3
_TRIED_AT_FIRST: Final = 200


def even_breaks(*, starts: Sequence[int], ends: Sequence[int], first: int, rest: int) -> list[int]:
    """Return the numbers of the opportunities at which lines should end. The end of the paragraph is left out.

    Lengths are integers in any unit. Every line that ends at a returned break fits. If the paragraph cannot be set in
    lines that all fit, the breaks lead up to the part that does not fit, and the caller fills lines from there on.

    Words of 3, 2, 2 and 5 units, in lines of 6 units: "aaa", "bb cc", "ddddd". Greedy lines would be "aaa bb", "cc",
    "ddddd".

    >>> even_breaks(starts=[0, 4, 7, 10], ends=[3, 6, 9, 15], first=6, rest=6)
    [0, 2]

    Args:
        starts: [k] position at which a line begins that follows opportunity k - 1; `starts[0]` is the start of the
            paragraph.
        ends: [k] right edge of what is drawn before opportunity k; the last one is the end of the paragraph.
        first: width of the first line.
        rest: width of all other lines.
    """
    count = len(ends)
    search = _tried if _falls(ends) else _rising
    origin = search(starts, ends, first, rest)
    k = count
    while k and origin[k] < 0:
        k -= 1
    cuts: list[int] = []
    if k != count and k:
        cuts.append(k - 1)
    while (k := origin[k]) > 0:
        cuts.append(k - 1)
    return cuts[::-1]


def _falls(values: Sequence[int]) -> bool:
    """Return whether a value is less than the one before."""
    return any(map(gt, values, islice(values, 1, None)))


def _rising(starts: Sequence[int], ends: Sequence[int], first: int, rest: int) -> list[int]:
    """Return [count + 1] the beginning of the line that ends at opportunity k - 1, or -1; `ends` rises.

    Beginnings are numbers of `starts`. Of equal sums, the earliest beginning is taken.
    """
    count = len(ends)
    # Words of less than no width, by negative spacing, may set a line back.
    most = None if _falls(starts) else _greedy_sum(starts, ends, first, rest)
    found = None if most is None else _bounded(starts, ends, first, rest, most)
    best, origin = found or _queued(starts, ends, first, rest)
    # The last line may be as short as it comes.
    for begin in range(count - 1, -1, -1):
        if ends[-1] - starts[begin] > (rest if begin else first):
            if begin and ends[-1] - starts[begin] > max(first, rest):
                break
        elif best[begin] >= 0 and (origin[count] < 0 or best[begin] <= best[origin[count]]):
            origin[count] = begin
    return origin


def _greedy_sum(starts: Sequence[int], ends: Sequence[int], first: int, rest: int) -> int | None:
    """Return the sum of greedy lines, or None if such lines do not fit. No better lines have a higher sum."""
    total = begin = 0
    width, last = first, len(ends) - 1
    while ends[last] - starts[begin] > width:
        stop = bisect_right(ends, starts[begin] + width, begin, last)
        if stop == begin:
            return None
        total += (width - ends[stop - 1] + starts[begin]) ** 2
        begin, width = stop, rest
    return total


def _bounded(
    starts: Sequence[int], ends: Sequence[int], first: int, rest: int, most: int
) -> tuple[list[int], list[int]] | None:
    """Return what `_queued` returns, without beginnings whose sum is above `most`; None if too many lines are left.

    No line of the best ones leaves a square above `most`, the sum of greedy lines. In a paragraph of few lines that may
    end almost anywhere, as in Chinese, few lines are left to be tried.
    """
    count = len(ends)
    best = [0] + [-1] * count
    origin = [-1] * (count + 1)
    widest_gap = isqrt(most)
    tried = 0
    for begin in range(count - 1):
        before = best[begin]
        if before < 0:
            continue
        target = starts[begin] + (rest if begin else first)
        k = bisect_left(ends, target - widest_gap, begin, count - 1)
        while k < count - 1 and (left := target - ends[k]) >= 0:
            k += 1
            tried += 1
            total = before + left * left
            if total <= most and (origin[k] < 0 or total < best[k]):
                best[k], origin[k] = total, begin
        if tried > _TRIED_AT_FIRST + _LINES_TRIED * begin:
            return None
    return best, origin


def _queued(starts: Sequence[int], ends: Sequence[int], first: int, rest: int) -> tuple[list[int], list[int]]:
    """Return ([count + 1] least sum of the lines up to opportunity k - 1, the beginning of the last of these), or -1.

    Both are left out for the end of the paragraph; `ends` rises.
    """
    count = len(ends)
    best: list[int] = [0] + [-1] * count
    origin = [-1] * (count + 1)
    # The first opportunity that each beginning cannot reach.
    reach = np.searchsorted(np.array(ends), np.array(starts) + rest, side="right")
    stops: list[int] = np.maximum(reach, np.arange(count)).tolist()
    # The line beginnings that win somewhere: number, start, constant, and where the beginning wins from on. Its sum at
    # end e is constant + 2 · start · (rest - e) + (rest - e)². The last of them stands in variables too: a paragraph of
    # Chinese may have 100,000 opportunities, and each of them is compared with it.
    queue: list[tuple[int, int, int, int]] = []
    head = size = 0
    number = other = constant = others_wins_from = 0
    for k in range(bisect_right(ends, starts[0] + first, 0, count - 1)):
        best[k + 1], origin[k + 1] = (first - ends[k] + starts[0]) ** 2, 0
    for k in range(count - 1):
        if k and (sum_before := best[k]) >= 0:
            start = starts[k]
            mine = sum_before + start * start
            while size > head:
                stop = stops[number]
                if start > other:
                    at = rest + (mine - constant) // (2 * (start - other))
                    # Most beginnings win only where the one before is out of reach.
                    wins_from = stop if k < stop and ends[stop - 1] <= at else bisect_right(ends, at, k, max(k, stop))
                else:
                    wins_from = k if mine < constant else min(count, max(k, stop))
                if wins_from > others_wins_from:
                    break
                queue.pop()
                size -= 1
                if size > head:
                    number, other, constant, others_wins_from = queue[-1]
            else:
                wins_from = k
            if wins_from < count:
                number, other, constant, others_wins_from = last = k, start, mine, wins_from
                queue.append(last)
                size += 1
        while head + 1 < size and queue[head + 1][3] <= k:
            head += 1
        if head < size:
            winner = queue[head]
            begin = winner[0]
            if k < stops[begin]:
                left = rest - ends[k] + winner[1]
                cost = best[begin] + left * left
                if origin[k + 1] < 0 or cost < best[k + 1]:
                    best[k + 1] = cost
                    origin[k + 1] = begin
    return best, origin


def _tried(starts: Sequence[int], ends: Sequence[int], first: int, rest: int) -> list[int]:
    """Return what `_rising` returns, for any `ends`."""
    count = len(ends)
    best = [0.0] + [float("inf")] * count
    origin = [-1] * (count + 1)
    # best[k] is the cost of the lines up to opportunity k - 1. `low` is the first line start from which k is in reach.
    low = 0
    for k in range(count):
        last = k == count - 1
        while low <= k and ends[k] - starts[low] > max(first, rest):
            low += 1
        for begin in range(low, k + 1):
            if best[begin] == float("inf"):
                continue
            left = (rest if begin else first) - (ends[k] - starts[begin])
            if left < 0:
                continue
            cost = best[begin] + (0.0 if last else float(left) ** 2)
            if cost < best[k + 1]:
                best[k + 1], origin[k + 1] = cost, begin
    return origin

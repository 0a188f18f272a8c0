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

from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from operator import gt


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
    search = _tried if any(map(gt, ends, islice(ends, 1, None))) else _queued
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


def _queued(starts: Sequence[int], ends: Sequence[int], first: int, rest: int) -> list[int]:
    """Return [count + 1] the beginning of the line that ends at opportunity k - 1, or -1; `ends` rises.

    Beginnings are numbers of `starts`. Of equal sums, the earliest beginning is taken.
    """
    count = len(ends)
    best: list[int] = [0] + [-1] * count
    origin = [-1] * (count + 1)
    # The line beginnings that win somewhere, where each wins from on, and the first opportunity that it cannot reach.
    begins: list[int] = []
    wins: list[int] = []
    beyond: list[int] = []
    constant: list[int] = []  # of the sum at end e: constant + 2 · start · (rest - e) + (rest - e)²
    head = 0
    for k in range(count - 1):
        if k and best[k] >= 0:
            start = starts[k]
            mine = best[k] + start * start
            wins_from = k
            while len(begins) > head:
                other = starts[begins[-1]]
                if start > other:
                    gain = rest * 2 * (start - other) - (constant[-1] - mine)
                    wins_from = bisect_right(ends, gain // (2 * (start - other)), k)
                else:
                    wins_from = k if mine < constant[-1] else count
                wins_from = max(k, min(wins_from, beyond[-1]))
                if wins_from > wins[-1]:
                    break
                for column in (begins, wins, beyond, constant):
                    column.pop()
            else:
                wins_from = k
            if wins_from < count:
                begins.append(k)
                wins.append(wins_from)
                beyond.append(bisect_right(ends, start + rest, k))
                constant.append(mine)
        while head + 1 < len(begins) and wins[head + 1] <= k:
            head += 1
        left = first - (ends[k] - starts[0])
        if left >= 0:
            best[k + 1], origin[k + 1] = left * left, 0
        if head < len(begins) and k < beyond[head]:
            begin = begins[head]
            left = rest - (ends[k] - starts[begin])
            cost = best[begin] + left * left
            if origin[k + 1] < 0 or cost < best[k + 1]:
                best[k + 1], origin[k + 1] = cost, begin
    # The last line may be as short as it comes.
    for begin in range(count - 1, -1, -1):
        if ends[-1] - starts[begin] > (rest if begin else first):
            if begin and ends[-1] - starts[begin] > max(first, rest):
                break
        elif best[begin] >= 0 and (origin[count] < 0 or best[begin] <= best[origin[count]]):
            origin[count] = begin
    return origin


def _tried(starts: Sequence[int], ends: Sequence[int], first: int, rest: int) -> list[int]:
    """Return what `_queued` returns, for any `ends`."""
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

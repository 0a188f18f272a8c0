"""Line breaks that leave the lines of a paragraph evenly full, in place of greedy ones.

The least sum of squared leftovers over all lines but the last, by dynamic programming over break
opportunities: what Knuth and Plass (1981) minimise, without the stretch and penalties of TeX, which a
page of ragged or word-spaced text does not use. Linear in the paragraph times the opportunities a line.
"""

from __future__ import annotations

from collections.abc import Sequence


def even_breaks(*, starts: Sequence[int], ends: Sequence[int], first: int, rest: int) -> list[int]:
    """Numbers of the opportunities at which lines should end, the end of the paragraph left out.

    Args:
        starts: where a line begins if it follows opportunity k - 1; `starts[0]` is the paragraph's start.
        ends: right edge of the ink before opportunity k; the last is the end of the paragraph.
        first: width of the first line.
        rest: width of the others.

    Only breaks whose lines all fit are returned; where none are, as many as lead to the stretch that does
    not fit, which the caller fills as it can.
    """
    count = len(ends)
    best = [0.0] + [float("inf")] * count
    origin = [-1] * (count + 1)
    # best[k]: cost of the lines up to opportunity k - 1. `low` is the first line start still in reach.
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
    k = count
    while k and best[k] == float("inf"):
        k -= 1
    cuts: list[int] = []
    if k != count and k:
        cuts.append(k - 1)
    while (k := origin[k]) > 0:
        cuts.append(k - 1)
    return cuts[::-1]

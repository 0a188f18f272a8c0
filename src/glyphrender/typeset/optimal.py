"""Optimal line breaking: lines that are evenly full, in place of greedy ones.

Dynamic programming over the break opportunities finds the breaks with the least sum of squared leftovers, over all
lines but the last. Knuth and Plass (1981) minimize the same sum, and add the stretch and the penalties of TeX, which a
page of ragged or word-spaced text does not use. The time grows with the length of the paragraph times the number of
opportunities on a line.
"""

from __future__ import annotations

from collections.abc import Sequence


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
    k = count
    while k and best[k] == float("inf"):
        k -= 1
    cuts: list[int] = []
    if k != count and k:
        cuts.append(k - 1)
    while (k := origin[k]) > 0:
        cuts.append(k - 1)
    return cuts[::-1]

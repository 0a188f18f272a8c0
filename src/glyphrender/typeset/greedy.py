"""Greedy line breaking of many paragraphs at once: a line takes what fits.

One `searchsorted` finds the end of the next line of every paragraph, and this is repeated until no text is left. If a
paragraph has so many lines that this would take too long, one search over all break opportunities finds how far a line
would reach that begins after each of them. The lines are then read off by going from opportunity to opportunity, which
costs 0.1 µs a line.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# One search over the paragraphs costs as much as a search over all opportunities costs for this many of them.
_SEARCH: Final = 500


def greedy_cuts(
    place: NDArray[np.intp],
    *,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    regular: NDArray[np.bool_],
    begins: NDArray[np.intp],
    stops: NDArray[np.intp],
    first: NDArray[np.int64],
    rest: int,
) -> NDArray[np.intp]:
    """Return the segments after which lines end, in any order. The last lines of the paragraphs are left out.

    Lengths are integers in any unit. Positions are those the segments would have if all were on one line.

    Four words of 3 units with spaces of 1 between them, in lines of 8 units: a line ends after the second word.

    >>> greedy_cuts(
    ...     np.array([0, 1, 2, 3]),
    ...     start=np.array([0, 4, 8, 12, 16]),
    ...     end=np.array([3, 7, 11, 15]),
    ...     regular=np.ones(4, bool),
    ...     begins=np.array([0]),
    ...     stops=np.array([4]),
    ...     first=np.array([8]),
    ...     rest=8,
    ... ).tolist()
    [1]

    Args:
        place: [p] the break opportunities: segments after which a line may end, rising.
        start: [n + 1] position at which each segment begins.
        end: [n] right edge of what is drawn up to and including each segment; spaces hang.
        regular: [p] whether the opportunity is a regular one, between words. A line ends at any other only if it has no
            regular one.
        begins, stops: [k] first segment of each paragraph, and the segment after its last.
        first: [k] width of the first line of each paragraph.
        rest: width of all other lines.
    """
    lo, hi = np.searchsorted(place, begins), np.searchsorted(place, stops - 1)
    count = hi - lo
    stop = np.cumsum(count)
    # Keep only the opportunities of these paragraphs. Those of paragraph k get the numbers stop[k] - count[k] to
    # stop[k] - 1.
    own = np.repeat(hi - stop, count) + np.arange(len(count) and stop[-1])
    place, regular = place[own], regular[own]
    edge, whole = end[place], end[stops - 1]
    number = np.arange(len(place))
    nearest = number if regular.all() else np.maximum.accumulate(np.where(regular, number, -1))
    last_regular = np.append(nearest, -1)

    def reached(target: NDArray[np.int64], least: NDArray[np.intp], of: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the opportunity that ends a line of each paragraph in `of` that has room up to position `target`.

        It is `stop` of the paragraph if all of the paragraph fits, and never less than `least`.
        """
        fits = np.minimum(np.searchsorted(edge, target, "right"), stop[of]) - 1
        found = last_regular[fits]
        # A line takes at least something, even if that does not fit.
        found = np.where(found >= least, found, np.maximum(fits, least))
        return np.where(whole[of] <= target, stop[of], found)

    of = np.arange(len(count))
    at = reached(start[begins] + first, stop - count, of)
    if (whole - start[begins]).max(initial=0) // rest * _SEARCH < len(place):
        ends = [at[:0]]
        while (goes_on := at < stop[of]).any():
            of, at = of[goes_on], at[goes_on]
            ends.append(at)
            at = reached(start[place[at] + 1] + rest, at + 1, of)
        return place[np.concatenate(ends)]
    # A memoryview, not the array: only a fraction of the opportunities are read, and an item of a memoryview costs a
    # fraction of a numpy scalar.
    following = reached(start[place + 1] + rest, number + 1, np.repeat(of, count)).data
    cuts: list[int] = []
    for here, behind in zip(at.tolist(), stop.tolist(), strict=True):
        while here < behind:
            cuts.append(here)
            here = following[here]
    return place[cuts]

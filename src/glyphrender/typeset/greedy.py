"""Greedy line breaking of many paragraphs at once: a line takes what fits.

One `searchsorted` finds the end of the next line of every paragraph, and this is repeated until no text is left. If a
paragraph has so many lines that this would take too long, one search finds, for every break opportunity, how far a line
would reach that begins after it. The lines are then read off by going from opportunity to opportunity, which
costs 0.1 µs a line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

# One search over the paragraphs costs as much as a search over all opportunities costs for this many of them.
_SEARCH: Final = 500


def greedy_cuts(
    reach: Callable[..., tuple[NDArray[np.intp], NDArray[np.bool_]]],
    place: NDArray[np.intp],
    *,
    regular: NDArray[np.bool_],
    begins: NDArray[np.intp],
    stops: NDArray[np.intp],
    first: NDArray[np.int64],
    rest: NDArray[np.int64],
    lines: int,
) -> NDArray[np.intp]:
    """Return the segments after which lines end, in any order. The last lines of the paragraphs are left out.

    Lengths are integers in any unit.

    Four words of 3 units with spaces of 1 between them, in lines of 8 units: a line ends after the second word.

    >>> ends = np.array([3, 7, 11, 15])
    >>> def reach(begin, width, stop):
    ...     target = 4 * begin + width
    ...     return np.searchsorted(ends, target, "right"), ends[stop - 1] <= target
    >>> greedy_cuts(
    ...     reach,
    ...     np.array([0, 1, 2, 3]),
    ...     regular=np.ones(4, bool),
    ...     begins=np.array([0]),
    ...     stops=np.array([4]),
    ...     first=np.array([8]),
    ...     rest=np.array([8]),
    ...     lines=2,
    ... ).tolist()
    [1]

    Args:
        reach: returns how far lines reach, as `Reach` does.
        place: [p] the break opportunities: segments after which a line may end, rising.
        regular: [p] whether the opportunity is a regular one, between words. A line ends at any other only if it has no
            regular one.
        begins, stops: [k] first segment of each paragraph, and the segment after its last.
        first: [k] width of the first line of each paragraph.
        rest: [k] width of the other lines of each paragraph.
        lines: how many lines the longest paragraph has, about.
    """
    # The opportunities of paragraph k are those numbered lo[k] to hi[k] - 1.
    lo, hi = np.searchsorted(place, begins), np.searchsorted(place, stops - 1)
    number = np.arange(len(place))
    nearest = number if regular.all() else np.maximum.accumulate(np.where(regular, number, -1))
    last_regular = np.append(nearest, -1)

    def reached(
        begin: NDArray[np.intp], width: NDArray[np.int64], least: NDArray[np.intp], of: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return the opportunity that ends each line, a line of paragraph `of` that begins at segment `begin`.

        It is `hi` of the paragraph if the rest of the paragraph fits, and never less than `least`.
        """
        count, whole = reach(begin, width, stops[of])
        fits = np.minimum(count, hi[of]) - 1
        found = last_regular[fits]
        # A line takes at least something, even if that does not fit.
        found = np.where(found >= least, found, np.maximum(fits, least))
        return np.where(whole, hi[of], found)

    of = np.arange(len(begins))
    at = reached(begins, first, lo, of)
    count = hi - lo
    if lines * _SEARCH < count.sum():
        ends = [at[:0]]
        while (goes_on := at < hi[of]).any():
            of, at = of[goes_on], at[goes_on]
            ends.append(at)
            at = reached(place[at] + 1, rest[of], at + 1, of)
        return place[np.concatenate(ends)]
    # The opportunities of these paragraphs alone; number k of a paragraph is at k - offset.
    offset = lo - (np.cumsum(count) - count)
    own = np.arange(count.sum()) + np.repeat(offset, count)
    # A memoryview, not the array: only a fraction of the opportunities are read, and an item of a memoryview costs a
    # fraction of a numpy scalar.
    following = reached(place[own] + 1, np.repeat(rest, count), own + 1, np.repeat(of, count)).data
    cuts: list[int] = []
    for here, behind, skipped in zip(at.tolist(), hi.tolist(), offset.tolist(), strict=True):
        while here < behind:
            cuts.append(here)
            here = following[here - skipped]
    return place[cuts]

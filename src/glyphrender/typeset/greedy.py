"""Greedy line breaking of whole paragraphs at once: a line takes what fits.

Where the next line of each paragraph ends is found for all of them together, by one sorted search, until none is left.
Where one paragraph has more lines than that pays for, how far a line would reach is found for every place where one can
begin; what is left is to go from place to place, which costs 0.1 µs a line.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# A search for some paragraphs costs as much as one for every place costs for so many of them.
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
    """The pieces behind which lines of paragraphs end, in any order, their last lines left out.

    Args:
        place: [p] pieces behind which a line may end, rising.
        start, end: [n + 1], [n] where each piece begins, and where what is drawn up to it ends, were all one line.
        regular: [p] whether the place is between words. A line ends at another only where none of these is on it.
        begins, stops: [k] the pieces at which each paragraph begins, and behind which it ends.
        first: [k] width of the first line of each.
        rest: width of the others.
    """
    lo, hi = np.searchsorted(place, begins), np.searchsorted(place, stops - 1)
    count = hi - lo
    stop = np.cumsum(count)
    # The places of these paragraphs alone; those of paragraph k are now number stop[k] - count[k] to stop[k].
    own = np.repeat(hi - stop, count) + np.arange(len(count) and stop[-1])
    place, regular = place[own], regular[own]
    edge, whole = end[place], end[stops - 1]
    number = np.arange(len(place))
    nearest = number if regular.all() else np.maximum.accumulate(np.where(regular, number, -1))
    last_regular = np.append(nearest, -1)

    def reached(target: NDArray[np.int64], least: NDArray[np.intp], of: NDArray[np.intp]) -> NDArray[np.intp]:
        """The place that ends a line of paragraph `of` with room up to `target`; its `stop` if all of it fits."""
        fits = np.minimum(np.searchsorted(edge, target, "right"), stop[of]) - 1
        found = last_regular[fits]
        # A line takes something, though it may not fit.
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
    # As a memoryview, which is read at a fraction of the places, and of the cost of numpy's scalars.
    following = reached(start[place + 1] + rest, number + 1, np.repeat(of, count)).data
    cuts: list[int] = []
    for here, behind in zip(at.tolist(), stop.tolist(), strict=True):
        while here < behind:
            cuts.append(here)
            here = following[here]
    return place[cuts]

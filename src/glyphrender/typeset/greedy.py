"""Greedy line breaking of whole paragraphs at once: a line takes what fits.

How far a line would reach is found for every place where one can begin, by one sorted search of the chunk; what is left
is to go from place to place, which costs 0.1 µs a line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
    """The pieces behind which lines of paragraphs end, their last lines left out.

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
    last_regular = np.append(np.maximum.accumulate(np.where(regular, number, -1)), -1)

    def reached(target: NDArray[np.int64], least: NDArray[np.intp], of: NDArray[np.intp]) -> NDArray[np.intp]:
        """The place that ends a line of paragraph `of` with room up to `target`; its `stop` if all of it fits."""
        fits = np.minimum(np.searchsorted(edge, target, "right"), stop[of]) - 1
        found = last_regular[fits]
        # A line takes something, though it may not fit.
        found = np.where(found >= least, found, np.maximum(fits, least))
        return np.where(whole[of] <= target, stop[of], found)

    paragraph = np.arange(len(count))
    at_first = reached(start[begins] + first, stop - count, paragraph)
    # As a memoryview, which is read at a fraction of the places, and of the cost of numpy's scalars.
    following = reached(start[place + 1] + rest, number + 1, np.repeat(paragraph, count)).data
    cuts: list[int] = []
    for at, behind in zip(at_first.tolist(), stop.tolist(), strict=True):
        while at < behind:
            cuts.append(at)
            at = following[at]
    return place[cuts]

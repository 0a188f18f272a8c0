"""Runs of neighbouring characters of one kind: rules of UAX #9, #14 and #29 look past them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def runs(member: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The index of each member, and the indices just before and just after the run that it is in.

    The last two are -1 and `len(member)` where a run touches the ends.
    """
    at = np.flatnonzero(member)
    if not len(at):
        return at, at, at
    gaps = np.diff(at) != 1
    run = np.concatenate([[0], np.cumsum(gaps)])
    before = at[np.concatenate([[True], gaps])] - 1
    after = at[np.concatenate([gaps, [True]])] + 1
    return at, before[run], after[run]

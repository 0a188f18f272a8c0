"""Extended grapheme clusters, what a reader calls a character: UAX #29 of Unicode 17.0, over a whole text.

Whether two neighbours belong together is one table of 19 × 19 classes; the three rules that look further back
(conjuncts, emoji sequences, flags) are asked only where their pair occurs.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import GraphemeBreak as G
from glyphrender.text.properties import records, table
from glyphrender.text.runs import runs

BREAK, JOIN, CONJUNCT, EMOJI, FLAG = range(5)

CONTROLS: Final = [G.CR, G.LF, G.CONTROL]
EXTENDING: Final = [G.EXTEND, G.EXTEND_ONLY, G.EXTEND_LINKER]
LINKERS: Final = [G.EXTEND_LINKER, G.OTHER_LINKER]
CONJOINING: Final = [G.EXTEND, G.ZWJ, *LINKERS]


def cluster_starts(cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether a grapheme cluster begins at each character; the first always does."""
    if not len(cps):
        return np.zeros(0, bool)
    # A control before the text, so that looking back needs no bounds.
    c = np.full(len(cps) + 1, G.CONTROL, np.uint8)
    c[1:] = table().grapheme_break.take(records(cps))
    pairs = c[:-1].astype(np.uint16)
    pairs *= len(G)
    pairs += c[1:]
    bonds = pair_bonds().take(pairs)
    starts: NDArray[np.bool_] = bonds == BREAK
    for bond, holds in ((CONJUNCT, _conjunct), (EMOJI, _emoji), (FLAG, _second_of_flag)):
        asked = np.flatnonzero(bonds == bond)
        if len(asked):
            starts[asked] = ~holds(c, asked + 1)
    return starts


@cache
def pair_bonds() -> NDArray[np.uint8]:
    """BREAK, JOIN, or the rule to ask, for the class before times 19 plus the class after.

    Written from the last rule of the standard to the first, which wins.
    """
    bonds = np.full((len(G), len(G)), BREAK, np.uint8)  # GB999
    bonds[G.REGIONAL, G.REGIONAL] = FLAG  # GB12, GB13
    bonds[G.ZWJ, G.PICTOGRAPHIC] = EMOJI  # GB11
    bonds[CONJOINING, G.CONSONANT] = CONJUNCT  # GB9c
    bonds[G.PREPEND, :] = JOIN  # GB9b
    bonds[:, G.SPACING_MARK] = JOIN  # GB9a
    bonds[:, [*EXTENDING, G.ZWJ]] = JOIN  # GB9
    bonds[[G.LVT, G.T], G.T] = JOIN  # GB8
    bonds[np.ix_([G.LV, G.V], [G.V, G.T])] = JOIN  # GB7
    bonds[G.L, [G.L, G.V, G.LV, G.LVT]] = JOIN  # GB6
    bonds[:, CONTROLS] = BREAK  # GB5
    bonds[CONTROLS, :] = BREAK  # GB4
    bonds[G.CR, G.LF] = JOIN  # GB3
    return bonds.ravel()


def _before(c: NDArray[np.uint8], classes: list[G], at: NDArray[np.intp]) -> NDArray[np.intp]:
    """The last index below each of `at` whose class is not one of `classes`."""
    members, before, _ = runs(np.isin(c, classes))
    last = at - 1
    skipping = np.isin(c[last], classes)
    last[skipping] = before[np.searchsorted(members, last[skipping])]
    return last


def _conjunct(c: NDArray[np.uint8], at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """GB9c: a consonant is joined to another by a run that holds a linker."""
    first = _before(c, CONJOINING, at)
    linkers = np.cumsum(np.isin(c, LINKERS))
    joined: NDArray[np.bool_] = (c[first] == G.CONSONANT) & (linkers[at] > linkers[first])
    return joined


def _emoji(c: NDArray[np.uint8], at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """GB11: before the ZWJ stands a pictograph, extended or not."""
    extended: NDArray[np.bool_] = c[_before(c, EXTENDING, at - 1)] == G.PICTOGRAPHIC
    return extended


def _second_of_flag(c: NDArray[np.uint8], at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """GB12, GB13: an odd number of regional indicators stand before."""
    second: NDArray[np.bool_] = (at - _before(c, [G.REGIONAL], at)) % 2 == 0
    return second

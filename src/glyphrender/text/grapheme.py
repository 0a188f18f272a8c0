"""Extended grapheme clusters (what a reader calls a character): UAX #29 of Unicode 17.0, over a whole text.

One table of 19 × 19 classes says whether two neighbors belong together. Three rules look further back (conjuncts,
emoji sequences, flags); they are checked only where their pair occurs.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import GraphemeBreak as G
from glyphrender.text.properties import records, table
from glyphrender.text.runs import Indices, Mask, are_in, runs, set_of

BREAK, JOIN, CONJUNCT, EMOJI, FLAG = range(5)

CONTROLS: Final = [G.CR, G.LF, G.CONTROL]
EXTENDING: Final = [G.EXTEND, G.EXTEND_ONLY, G.EXTEND_LINKER]
LINKERS: Final = [G.EXTEND_LINKER, G.OTHER_LINKER]
CONJOINING: Final = [G.EXTEND, G.ZWJ, *LINKERS]


def cluster_starts(cps: NDArray[np.uint32]) -> Mask:
    """Return whether a grapheme cluster begins at each character. The first character always begins one.

    >>> from glyphrender.text.properties import codepoints
    >>> cluster_starts(codepoints("e\u0301a")).tolist()
    [True, False, True]
    """
    if not len(cps):
        return np.zeros(0, bool)
    # A control character before the text, so that the rules can look back without checking bounds.
    c = np.full(len(cps) + 1, G.CONTROL, np.uint8)
    c[1:] = table().grapheme_break.take(records(cps))
    pairs = c[:-1].astype(np.uint16)
    pairs *= len(G)
    pairs += c[1:]
    bonds = pair_bonds().take(pairs)
    starts: Mask = bonds == BREAK
    for bond, holds in ((CONJUNCT, _conjunct), (EMOJI, _emoji), (FLAG, _second_of_flag)):
        asked = np.flatnonzero(bonds == bond)
        if len(asked):
            starts[asked] = ~holds(c, asked + 1)
    return starts


@cache
def pair_bonds() -> NDArray[np.uint8]:
    """Return BREAK, JOIN, or the rule that decides, indexed by 19 × the class before + the class after.

    The rules are applied from the last of the standard to the first, so that earlier rules win.
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


def _before(c: NDArray[np.uint8], classes: list[G], at: Indices) -> Indices:
    """Return, for each of `at`, the last index below it whose class is not one of `classes`."""
    skipped = set_of(classes)
    members, before, _ = runs(are_in(c, skipped))
    last = at - 1
    skipping = are_in(c[last], skipped)
    last[skipping] = before[np.searchsorted(members, last[skipping])]
    return last


def _conjunct(c: NDArray[np.uint8], at: Indices) -> Mask:
    """Return whether a run that holds a linker joins the consonant to another before it (GB9c)."""
    first = _before(c, CONJOINING, at)
    linkers = np.cumsum(are_in(c, set_of(LINKERS)), dtype=np.int32)
    joined: Mask = (c[first] == G.CONSONANT) & (linkers[at] > linkers[first])
    return joined


def _emoji(c: NDArray[np.uint8], at: Indices) -> Mask:
    """Return whether a pictograph, extended or not, stands before the ZWJ (GB11)."""
    extended: Mask = c[_before(c, EXTENDING, at - 1)] == G.PICTOGRAPHIC
    return extended


def _second_of_flag(c: NDArray[np.uint8], at: Indices) -> Mask:
    """Return whether an odd number of regional indicators stands before (GB12, GB13)."""
    second: Mask = (at - _before(c, [G.REGIONAL], at)) % 2 == 0
    return second

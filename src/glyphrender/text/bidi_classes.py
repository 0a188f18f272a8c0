"""The 23 bidi classes of UAX #9 by their short names, and sets of them.

A set is an array of booleans indexed by class, so that `SET.take(classes)` tests a whole text at once.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from glyphrender.text.properties import BidiClass
from glyphrender.text.runs import Mask

L, R, AL, EN, ES, ET, AN, CS, NSM, BN, B, S, WS, ON = (BidiClass(value) for value in range(14))
LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI = (BidiClass(value) for value in range(14, 23))


def class_set(*classes: BidiClass) -> Mask:
    """Return the set of `classes` as an array of booleans indexed by class."""
    members = np.zeros(len(BidiClass), bool)
    members[list(classes)] = True
    return members


STRONG: Final = class_set(L, R, AL)
RIGHT_TO_LEFT: Final = class_set(R, AL, AN)
EXPLICIT: Final = class_set(LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI)
REMOVED: Final = class_set(BN, LRE, LRO, RLE, RLO, PDF)  # X9 removes these
NEUTRAL: Final = class_set(B, S, WS, ON, LRI, RLI, FSI, PDI)  # N1 calls these "NI"
SEPARATOR: Final = class_set(B, S)
TRAILING: Final = class_set(WS, BN, LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI)  # L1 resets these at a line end

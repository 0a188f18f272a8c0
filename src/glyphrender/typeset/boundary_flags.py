"""Boundary flags: the effect of a word's first and last characters on line breaks at the spaces around the word.

A word is analysed alone, and analyse.py joins words by these flags. The rules named here are the rules of UAX #14 that
reach across spaces. Beside a word is a space, the start of the text or the end of the text; the rules treat all three
alike.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import Flag, LineBreak, table

# The head of a segment decides about a break at the spaces before it, its tail about a break at the spaces after it.
HEAD_CLOSES, HEAD_NONSTARTER, HEAD_B2, HEAD_ZW = 1, 2, 4, 8
TAIL_OPENS, TAIL_CLOSED, TAIL_B2, TAIL_ZW = 16, 32, 64, 128
# An ideograph is at the head or the tail. JUSTIFY may widen the boundary between two ideographs.
HEAD_WIDE, TAIL_WIDE = 256, 512


def boundary_flags(
    record: NDArray[np.uint16],
    is_end: NDArray[np.bool_],
    *,
    first: NDArray[np.intp],
    last: NDArray[np.intp],
    start: NDArray[np.int64],
) -> NDArray[np.uint16]:
    """Return the boundary flags of segments.

    Only the HEAD flags of the first segment and the TAIL flags of the last segment of each word are meaningful.

    Args:
        record: [n] record of each character (`properties.records`); the text is words that each end in a line end.
        is_end: [n] whether the character is that line end.
        first, last: [p] the first and the last character of each segment.
        start: [p] where the word of each segment begins.
    """
    properties = table()
    kind = properties.line_break.take(record) & np.uint8(63)
    absorbed = ((kind == LineBreak.CM) | (kind == LineBreak.ZWJ)) & ~is_end  # LB9
    bases = np.flatnonzero(~absorbed)  # a line end is among them, and comes last

    def base(at: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the last character at or before each of `at` that is not absorbed, or the first of the text."""
        found: NDArray[np.intp] = bases[np.maximum(np.searchsorted(bases, at, "right") - 1, 0)] * (at >= bases[0])
        return found

    head = kind.take(first)
    tail_at = last
    if len(bases) < len(kind) and len(marks := np.flatnonzero(absorbed[last])):
        tail_at = last.copy()
        tail_at[marks] = np.maximum(base(last[marks]), start[marks])  # a mark may be a segment of its own
    tail = kind.take(tail_at)
    flags: NDArray[np.uint16] = _HEAD_FLAGS.take(head) | _TAIL_FLAGS.take(tail)
    flags[kind.take(last) == LineBreak.ZW] |= TAIL_ZW  # LB8

    def following(at: NDArray[np.intp]) -> NDArray[np.uint8]:
        then = bases[np.searchsorted(bases, first[at] + 1)]  # the next character that is not absorbed
        return np.where(is_end[then], LineBreak.SP, kind[then]).astype(np.uint8)

    point = np.flatnonzero(head == LineBreak.IS)
    flags[point[following(point) != LineBreak.NU]] |= HEAD_CLOSES  # LB15c, LB15d
    quote = np.flatnonzero(head == LineBreak.QF)
    flags[quote[_CLOSING.take(following(quote))]] |= HEAD_CLOSES  # LB15b
    quote = np.flatnonzero(tail == LineBreak.QI)
    at = tail_at[quote]
    previous = np.where(at == start[quote], LineBreak.SP, kind[base(np.maximum(at - 1, 0))])
    flags[quote[_OPENING.take(previous)]] |= TAIL_OPENS  # LB15a
    wide = _WIDE_FLAGS.take(properties.flags.take(record) & np.uint8(Flag.WIDE))
    flags |= wide[first] & np.uint16(HEAD_WIDE)
    flags |= wide[tail_at] & np.uint16(TAIL_WIDE)
    return flags


def _classes(names: str) -> NDArray[np.bool_]:
    """Return [64] whether a class is among `names`."""
    member = np.zeros(64, bool)
    member[[LineBreak[name] for name in names.split()]] = True
    return member


def _flags(of: dict[int, str]) -> NDArray[np.uint16]:
    """Return [64] the flags that a class has wherever it stands."""
    flags = np.zeros(64, np.uint16)
    for flag, names in of.items():
        flags[_classes(names)] |= np.uint16(flag)
    return flags


_HEAD_FLAGS: Final = _flags(
    {
        HEAD_CLOSES: "CL CP EX SY WJ",  # LB13, LB11
        HEAD_ZW: "ZW",  # LB7
        HEAD_NONSTARTER: "NS",  # LB16
        HEAD_B2: "B2",  # LB17
    }
)
_TAIL_FLAGS: Final = _flags(
    {
        TAIL_OPENS: "OP",  # LB14
        TAIL_CLOSED: "CL CP",  # LB16
        TAIL_B2: "B2",  # LB17
    }
)
# The classes that may follow a closing quotation mark (LB15b), and precede an opening one (LB15a).
_CLOSING: Final = _classes("SP GL WJ CL QU QI QF CP EX IS SY ZW")
_OPENING: Final = _classes("SP OP QU QI QF GL ZW")
# By whether a character is wide: the flags that it may set.
_WIDE_FLAGS: Final = np.zeros(256, np.uint16)
_WIDE_FLAGS[int(Flag.WIDE)] = HEAD_WIDE | TAIL_WIDE

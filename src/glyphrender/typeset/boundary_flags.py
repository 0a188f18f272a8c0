"""How words bear on line breaks at the spaces around them: flags that tokens.py joins again.

The rules named are those of UAX #14 that reach across spaces. Before and after a word stands a space, the start or the
end of the text, which all of them treat alike.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import Flag, LineBreak, table
from glyphrender.typeset import glyph_store as a


def edge_flags(
    record: NDArray[np.uint16],
    is_end: NDArray[np.bool_],
    *,
    first: NDArray[np.intp],
    last: NDArray[np.intp],
    start: NDArray[np.int64],
) -> NDArray[np.uint16]:
    """HEAD_ and TAIL_ flags of pieces, right for those at the head and the tail of a word: no others are asked for.

    Args:
        record: [n] of each character (`properties.records`), of words that each end in a line end.
        is_end: [n] whether it is that line end.
        first, last: [p] the first and the last character of each piece.
        start: [p] where the word begins that it is of.
    """
    n = len(record)
    properties = table()
    kind = properties.line_break.take(record) & np.uint8(63)
    base = ahead = np.arange(n)
    absorbed = ((kind == LineBreak.CM) | (kind == LineBreak.ZWJ)) & ~is_end  # LB9
    if absorbed.any():
        base = np.maximum.accumulate(np.where(absorbed, 0, base))
        ahead = np.minimum.accumulate(np.where(absorbed, n, ahead)[::-1])[::-1]
    after = np.append(ahead[1:], n - 1)  # the next character that is not absorbed
    before = np.append(0, base[:-1])  # the base of what precedes
    head = kind.take(first)
    tail_at = np.maximum(base[last], start)  # a mark may be a piece of its own
    tail = kind.take(tail_at)
    flags: NDArray[np.uint16] = _HEAD_FLAGS.take(head) | _TAIL_FLAGS.take(tail)
    flags[kind.take(last) == LineBreak.ZW] |= a.TAIL_ZW  # LB8

    def following(at: NDArray[np.intp]) -> NDArray[np.uint8]:
        then = after[first[at]]
        return np.where(is_end[then], LineBreak.SP, kind[then]).astype(np.uint8)

    point = np.flatnonzero(head == LineBreak.IS)
    flags[point[following(point) != LineBreak.NU]] |= a.HEAD_CLOSES  # LB15c, LB15d
    quote = np.flatnonzero(head == LineBreak.QF)
    flags[quote[_CLOSING.take(following(quote))]] |= a.HEAD_CLOSES  # LB15b
    quote = np.flatnonzero(tail == LineBreak.QI)
    at = tail_at[quote]
    previous = np.where(at == start[quote], LineBreak.SP, kind[before[at]])
    flags[quote[_OPENING.take(previous)]] |= a.TAIL_OPENS  # LB15a
    wide = (properties.flags.take(record) & np.uint8(Flag.WIDE)) != 0
    flags[wide[first]] |= a.HEAD_WIDE
    flags[wide[tail_at]] |= a.TAIL_WIDE
    return flags


def _classes(names: str) -> NDArray[np.bool_]:
    """[64] whether a class is among `names`."""
    member = np.zeros(64, bool)
    member[[LineBreak[name] for name in names.split()]] = True
    return member


def _flags(of: dict[int, str]) -> NDArray[np.uint16]:
    """[64] the flags that a class has wherever it stands."""
    flags = np.zeros(64, np.uint16)
    for flag, names in of.items():
        flags[_classes(names)] |= np.uint16(flag)
    return flags


_HEAD_FLAGS: Final = _flags(
    {
        a.HEAD_CLOSES: "CL CP EX SY WJ",  # LB13, LB11
        a.HEAD_ZW: "ZW",  # LB7
        a.HEAD_NONSTARTER: "NS",  # LB16
        a.HEAD_B2: "B2",  # LB17
    }
)
_TAIL_FLAGS: Final = _flags(
    {
        a.TAIL_OPENS: "OP",  # LB14
        a.TAIL_CLOSED: "CL CP",  # LB16
        a.TAIL_B2: "B2",  # LB17
    }
)
# What may follow a quotation mark that closes (LB15b), and precede one that opens (LB15a).
_CLOSING: Final = _classes("SP GL WJ CL QU QI QF CP EX IS SY ZW")
_OPENING: Final = _classes("SP OP QU QI QF GL ZW")

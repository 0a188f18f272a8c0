"""Line breaks under the default θ: UAX #14, tailored in three places for paths, options and source code.

UAX #14 calls backslash, plus, dollar and percent the prefixes and postfixes of numbers. So a line could end inside of
`\\\\`, `C++` or `${HOME}`, or between `C:` and `\\Users`. A line could also end right after the slash of ` /usr` or the
dashes of ` --help`. The tailorings look no further than the token: the text between two spaces, tabs or line ends. So
a word can still be analysed alone (boundary_flags.py).

1. A backslash counts as a letter (class AL).
2. No line ends between one of these four and another mark of ASCII.
3. No line ends after the marks that a token begins with, if the last of them is of ASCII and something follows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text import browser_breaks, linebreak
from glyphrender.text.parts import LINE_ENDS
from glyphrender.text.properties import Flag, GeneralCategory, records, table
from glyphrender.text.runs import Indices, Mask, are_in, set_of

#: Tokens, and words, end at these: a set for `are_in`.
BLANKS: Final = set_of(map(ord, " \t" + LINE_ENDS))

# In search of a character that is no mark, so many characters from a mark backwards are looked at one by one.
_NEAR: Final = 6
_NUMBER_MARKS: Final = tuple(map(ord, "\\+$%"))
_BACKSLASH: Final = 0x5C
_LETTER: Final = np.uint32(0x41)


def break_actions(cps: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return PROHIBITED, ALLOWED or MANDATORY for a break after each character. The last is MANDATORY.

    >>> from glyphrender.text.properties import codepoints
    >>> text = "cp /etc C:\\\\a"
    >>> ends = np.flatnonzero(break_actions(codepoints(text))) + 1
    >>> [text[start:end] for start, end in zip([0, *ends], ends)]
    ['cp /etc ', 'C:\\\\a']
    """
    backslash = cps == _BACKSLASH
    actions = linebreak.break_actions(np.where(backslash, _LETTER, cps) if backslash.any() else cps)
    at = np.flatnonzero(actions == linebreak.ALLOWED)
    at = at[ascii_marks(cps[at])]
    if len(at):
        number = np.isin(cps[at], _NUMBER_MARKS) & ascii_marks(cps[np.minimum(at + 1, len(cps) - 1)])
        actions[at[number | begin_tokens(cps, at)]] = linebreak.PROHIBITED
    return actions


def ascii_marks(cps: NDArray[np.uint32]) -> Mask:
    """Return which characters are marks of ASCII: printable, no space, neither letter nor digit."""
    marks: Mask = _MARKS.take(np.minimum(cps, 0x80))
    return marks


def certain_breaks(cps: NDArray[np.uint32]) -> Mask:
    """Return after which characters a line may end under every `line_breaks` of θ."""
    certain: Mask = linebreak.break_actions(cps) == linebreak.ALLOWED
    certain &= break_actions(cps) == linebreak.ALLOWED
    for chinese in (False, True):
        certain &= browser_breaks.break_actions(cps, chinese=chinese) == linebreak.ALLOWED
    return certain


def begin_tokens(cps: NDArray[np.uint32], at: Indices) -> Mask:
    """Return whether the token of each character `at` consists of marks alone, up to and including the character.

    Marks are those of ASCII and all other punctuation that is not East Asian wide: “/usr” begins with two.
    """
    begin = np.zeros(len(at), bool)
    asked, place = np.arange(len(at)), at.copy()
    for _ in range(_NEAR):  # most tokens have few marks in a row
        other = _others(cps[place])
        begin[asked[other]] = are_in(cps[place[other]], BLANKS)
        asked, place = asked[~other], place[~other] - 1
        first = place < 0
        begin[asked[first]] = True
        asked, place = asked[~first], place[~first]
        if not len(asked):
            return begin
    last = np.maximum.accumulate(np.where(_others(cps), np.arange(len(cps)), -1))[place]
    begin[asked] = (last < 0) | are_in(cps[last], BLANKS)
    return begin


def _others(cps: NDArray[np.uint32]) -> Mask:
    """Return which characters are not marks as `begin_tokens` means them."""
    record = records(cps)
    other: Mask = ~ascii_marks(cps) & ~_PUNCTUATION[table().general_category.take(record)]
    other |= (table().flags.take(record) & np.uint8(Flag.WIDE)) != 0
    return other


_PUNCTUATION: Final = np.array([category.name[0] == "P" for category in GeneralCategory])
_MARKS: Final = np.array([0x20 < cp < 0x7F and not chr(cp).isalnum() for cp in range(0x81)])

"""Line breaks as in Chromium: after every space, by a table between two characters of ASCII, and else by UAX #14.

The table was measured: Chromium 156 set every pair of printable ASCII characters on a line without width
(benchmarks/browser_breaks.py --pairs), and its answers are the three rules below. The table looks at two characters,
except for a hyphen before a digit. tests/data/browser-breaks.txt holds what Chromium answered for texts in context.

Chromium tailors UAX #14 in two ways. Small kana and the long vowel mark may begin a line (class CJ is ID), and
in Chinese the double quotation marks are brackets.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text import linebreak
from glyphrender.text.linebreak import ALLOWED, PROHIBITED
from glyphrender.text.parts import LINE_ENDS
from glyphrender.text.properties import codepoints
from glyphrender.text.runs import Mask

# A line may end before an opening bracket, after any of these.
_OPENING: Final = "(<[{"
_BEFORE_OPENING: Final = '!"#%&)*+,-.:;=>?\\]|}~'
# A line may end after a hyphen or a question mark, but not before these.
_NOT_AFTER_HYPHEN: Final = "!$),./:;?]}"
_NOT_AFTER_QUESTION: Final = "!\"'),./:;?]}"

# Class CJ of UAX #14. `properties` does not have this class: CJ counts as NS there (LB1).
_CONDITIONAL: Final = (
    (0x3041, 0x3041), (0x3043, 0x3043), (0x3045, 0x3045), (0x3047, 0x3047), (0x3049, 0x3049), (0x3063, 0x3063),
    (0x3083, 0x3083), (0x3085, 0x3085), (0x3087, 0x3087), (0x308E, 0x308E), (0x3095, 0x3096), (0x30A1, 0x30A1),
    (0x30A3, 0x30A3), (0x30A5, 0x30A5), (0x30A7, 0x30A7), (0x30A9, 0x30A9), (0x30C3, 0x30C3), (0x30E3, 0x30E3),
    (0x30E5, 0x30E5), (0x30E7, 0x30E7), (0x30EE, 0x30EE), (0x30F5, 0x30F6), (0x30FC, 0x30FC), (0x31F0, 0x31FF),
    (0xFF67, 0xFF70), (0x1B132, 0x1B132), (0x1B150, 0x1B152), (0x1B155, 0x1B155), (0x1B164, 0x1B167),
)  # fmt: skip
_KANA: Final = np.uint32(0x3042)

_OPENING_QUOTE, _CLOSING_QUOTE = 0x201C, 0x201D
_OPENING_BRACKET, _CLOSING_BRACKET = np.uint32(0x7B), np.uint32(0x7D)

_LINE_ENDS: Final = codepoints(LINE_ENDS)
_SPACE, _TAB, _HYPHEN, _DELETE = 0x20, 0x09, 0x2D, 0x7F


def break_actions(cps: NDArray[np.uint32], *, chinese: bool = False) -> NDArray[np.uint8]:
    """Return PROHIBITED, ALLOWED or MANDATORY for a break after each character. The last is MANDATORY.

    Args:
        cps: code points, shape (n,).
        chinese: whether the language is Chinese; “ is an opening bracket there, and ” a closing one.

    >>> from glyphrender.text.properties import codepoints
    >>> text = "cp /etc/passwd foo(bar)?x=1-2"
    >>> ends = np.flatnonzero(break_actions(codepoints(text))) + 1
    >>> [text[start:end] for start, end in zip([0, *ends], ends)]
    ['cp ', '/etc/passwd ', 'foo(bar)?', 'x=1-', '2']
    """
    read = np.where(np.isin(cps, _small_kana()), _KANA, cps)
    if chinese:
        read = np.where(cps == _OPENING_QUOTE, _OPENING_BRACKET, read)
        read = np.where(cps == _CLOSING_QUOTE, _CLOSING_BRACKET, read)
    actions = linebreak.break_actions(read)
    before, after, found = cps[:-1], cps[1:], actions[:-1]
    optional = found != linebreak.MANDATORY
    both = optional & _printable(before) & _printable(after)
    pairs = pair_table()[np.minimum(before, _DELETE), np.minimum(after, _DELETE)]
    pairs[1:] |= _hyphen_in_word(cps)
    found[both] = np.where(pairs, ALLOWED, PROHIBITED)[both]
    # A line may end after the last space of a run, whatever follows.
    blank = (cps == _SPACE) | (cps == _TAB)
    found[optional & blank[:-1] & ~_ends_line(after)] = ALLOWED
    found[optional & blank[1:]] = PROHIBITED
    return actions


@cache
def _small_kana() -> NDArray[np.uint32]:
    """Return the characters of class CJ. A line may begin with them (`line-break: auto`), as with other kana."""
    ranges = [range(first, last + 1) for first, last in _CONDITIONAL]
    return np.array([cp for each in ranges for cp in each], np.uint32)


@cache
def pair_table() -> NDArray[np.bool_]:
    """Return [128, 128] whether a line may end between two characters of ASCII that are not spaces."""
    allowed = np.zeros((128, 128), bool)
    letters = np.frombuffer(bytes(range(0x21, 0x7F)), np.uint8)
    for mark, never in (("-", _NOT_AFTER_HYPHEN + "0123456789"), ("?", _NOT_AFTER_QUESTION)):
        allowed[ord(mark), letters[~np.isin(letters, [ord(other) for other in never])]] = True
    for opening in _OPENING:
        allowed[[ord(mark) for mark in _BEFORE_OPENING], ord(opening)] = True
    return allowed


def _printable(cps: NDArray[np.uint32]) -> Mask:
    """Return which characters the table covers."""
    covered: Mask = (cps > _SPACE) & (cps <= _DELETE)
    return covered


def _ends_line(cps: NDArray[np.uint32]) -> Mask:
    """Return which characters end a line."""
    return np.isin(cps, _LINE_ENDS)


def _hyphen_in_word(cps: NDArray[np.uint32]) -> Mask:
    """Return [n - 2] whether the second and third of three characters are a hyphen and a digit, and no minus sign."""
    inside: Mask = (cps[1:-1] == _HYPHEN) & _alphanumeric(cps[:-2]) & (cps[2:] >= 0x30) & (cps[2:] <= 0x39)
    return inside


def _alphanumeric(cps: NDArray[np.uint32]) -> Mask:
    return _ALPHANUMERIC[np.minimum(cps, _DELETE)]


_ALPHANUMERIC: Final = np.array([chr(cp).isalnum() for cp in range(0x80)])

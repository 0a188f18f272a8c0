"""Word boundaries: UAX #29 of Unicode 17.0, over a whole text.

Between two boundaries lies a word, a mark, or spaces. Marks and format characters belong to the character before them
(WB4), so the rules are applied to the characters that remain. One table of pairs decides most places. Rules that look
one character further (an apostrophe between letters, a point between digits) are checked only where their pair occurs.

The rules know no dictionary: every ideograph, every hiragana and every letter of Thai, Lao, Khmer and Burmese is a word
of its own.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import Flag, records, table
from glyphrender.text.properties import WordBreak as W
from glyphrender.text.runs import Mask, runs

BREAK, JOIN, LETTERS_AROUND, DIGITS_AROUND, QUOTED, FLAG, SPACES = range(7)

_LINE_ENDS: Final = [W.CR, W.LF, W.NEWLINE]
_ABSORBED: Final = [W.EXTEND, W.FORMAT, W.ZWJ]
_LETTERS: Final = [W.A_LETTER, W.HEBREW_LETTER]
_MID_LETTERS: Final = [W.MID_LETTER, W.MID_NUM_LET, W.SINGLE_QUOTE]
_MID_DIGITS: Final = [W.MID_NUM, W.MID_NUM_LET, W.SINGLE_QUOTE]


def word_starts(cps: NDArray[np.uint32]) -> Mask:
    """Return whether a word boundary lies before each character. One lies before the first character.

    >>> from glyphrender.text.properties import codepoints
    >>> text = "I can't pay 3.50 now."
    >>> starts = [*np.flatnonzero(word_starts(codepoints(text))), len(text)]
    >>> [text[start:end] for start, end in zip(starts, starts[1:])]
    ['I', ' ', "can't", ' ', 'pay', ' ', '3.50', ' ', 'now', '.']
    """
    if not len(cps):
        return np.zeros(0, bool)
    record = records(cps)
    classes = table().word_break.take(record)
    starts = np.zeros(len(cps), bool)
    # WB4: what is absorbed has no boundary before it, unless the text or a line begins there.
    kept = np.ones(len(cps), bool)
    kept[1:] = ~np.isin(classes[1:], _ABSORBED) | np.isin(classes[:-1], _LINE_ENDS)
    at = np.flatnonzero(kept)
    starts[at] = _boundaries(classes[at], adjacent=np.append(True, np.diff(at) == 1))
    # WB3c: ZWJ and a pictograph after it belong together.
    pictographic = (table().flags.take(record) & np.uint8(Flag.EXTENDED_PICTOGRAPHIC)) != 0
    starts[1:] &= ~(pictographic[1:] & (classes[:-1] == W.ZWJ))
    return starts


def _boundaries(c: NDArray[np.uint8], *, adjacent: Mask) -> Mask:
    """Return whether a boundary lies before each of the characters that are not absorbed.

    Args:
        c: their classes.
        adjacent: whether nothing is absorbed between each character and the one before it.
    """
    padded = np.full(len(c) + 3, W.OTHER, np.uint8)  # two before the text and one after it
    padded[2:-1] = c
    before, here = padded[1:-2], padded[2:-1]
    bonds = pair_bonds()[before, here]
    starts: Mask = bonds == BREAK
    starts[0] = True
    letters = np.isin(padded, _LETTERS)
    # WB6, WB7: letters on both sides of the mark. The mark is `here` or `before`.
    asked = bonds == LETTERS_AROUND
    starts |= asked & ~np.where(letters[2:-1], letters[:-3], letters[3:])
    # WB11, WB12: the same with digits.
    digits = padded == W.NUMERIC
    asked = bonds == DIGITS_AROUND
    starts |= asked & ~np.where(digits[2:-1], digits[:-3], digits[3:])
    # WB7b, WB7c: Hebrew letters on both sides of a double quote.
    hebrew = padded == W.HEBREW_LETTER
    asked = bonds == QUOTED
    starts |= asked & ~np.where(hebrew[2:-1], hebrew[:-3], hebrew[3:])
    # WB7a: a single quote after a Hebrew letter, whatever follows.
    starts &= ~((before == W.HEBREW_LETTER) & (here == W.SINGLE_QUOTE))
    starts |= (bonds == SPACES) & ~adjacent  # WB3d
    flags = np.flatnonzero(bonds == FLAG)
    if len(flags):  # WB15, WB16
        members, ahead, _ = runs(padded == W.REGIONAL)
        starts[flags] = (flags + 2 - ahead[np.searchsorted(members, flags + 2)]) % 2 == 1
    return starts


@cache
def pair_bonds() -> NDArray[np.uint8]:
    """Return BREAK, JOIN or the rule that decides, for each pair of classes; shape (19, 19).

    The rules are applied from the last of the standard to the first, so that earlier rules win.
    """
    bonds = np.full((len(W), len(W)), BREAK, np.uint8)  # WB999
    bonds[W.REGIONAL, W.REGIONAL] = FLAG  # WB15, WB16
    bonds[W.EXTEND_NUM_LET, [*_LETTERS, W.NUMERIC, W.KATAKANA]] = JOIN  # WB13b
    bonds[[*_LETTERS, W.NUMERIC, W.KATAKANA, W.EXTEND_NUM_LET], W.EXTEND_NUM_LET] = JOIN  # WB13a
    bonds[W.KATAKANA, W.KATAKANA] = JOIN  # WB13
    bonds[W.NUMERIC, _MID_DIGITS] = DIGITS_AROUND  # WB12
    bonds[_MID_DIGITS, W.NUMERIC] = DIGITS_AROUND  # WB11
    bonds[W.NUMERIC, _LETTERS] = JOIN  # WB10
    bonds[_LETTERS, W.NUMERIC] = JOIN  # WB9
    bonds[W.NUMERIC, W.NUMERIC] = JOIN  # WB8
    bonds[W.DOUBLE_QUOTE, W.HEBREW_LETTER] = QUOTED  # WB7c
    bonds[W.HEBREW_LETTER, W.DOUBLE_QUOTE] = QUOTED  # WB7b
    bonds[np.ix_(_MID_LETTERS, _LETTERS)] = LETTERS_AROUND  # WB7
    bonds[np.ix_(_LETTERS, _MID_LETTERS)] = LETTERS_AROUND  # WB6
    bonds[np.ix_(_LETTERS, _LETTERS)] = JOIN  # WB5
    bonds[W.SPACE, W.SPACE] = SPACES  # WB3d
    bonds[:, _LINE_ENDS] = BREAK  # WB3b
    bonds[_LINE_ENDS, :] = BREAK  # WB3a
    bonds[W.CR, W.LF] = JOIN  # WB3
    return bonds

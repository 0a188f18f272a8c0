"""Script cuts: places inside the text between two separators where the writing system certainly changes.

No glyph, script or font reaches over such a place, and no rule for line ends looks past it. So the parts can be
looked up as words of their own. A text of many writing systems then repeats most of its words: "東京Tokyo" shares its
parts with "東京" and "Tokyo", and in code points at random nearly every word is one character.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import kinds
from glyphrender.fonts.stack import MISSING
from glyphrender.text.parts import LINE_ENDS
from glyphrender.text.properties import (
    BRACKET,
    SCRIPT_TAGS,
    Flag,
    GeneralCategory,
    GraphemeBreak,
    LineBreak,
    codepoints,
    records,
    table,
)
from glyphrender.text.runs import runs
from glyphrender.theta import LineBreaks
from glyphrender.typeset.cells import LINED
from glyphrender.typeset.joining import JOINING
from glyphrender.typeset.style import WordStyle

# The kind of a character: no script cut stands beside an OTHER; a SIGN takes the script of the text before it; an EDGE
# is a separator; a VOID is unassigned or of private use, so there may be no font for it. A letter has _SCRIPTS plus the
# place of its script.
_OTHER, _SIGN, _EDGE, _VOID, _SCRIPTS = range(5)
_JOINS: Final = np.append(np.zeros(_SCRIPTS, bool), np.isin(SCRIPT_TAGS, JOINING))
# Beside these kinds of characters, a VOID stays in the word.
_NEEDED: Final = np.append(np.arange(_SCRIPTS) <= _SIGN, np.isin(SCRIPT_TAGS, (*JOINING, *LINED)))


def script_cuts(
    cps: NDArray[np.uint32], record: NDArray[np.uint16], begins: NDArray[np.bool_], style: WordStyle
) -> NDArray[np.bool_] | None:
    """Return whether a word ends before each character because the script changes there; None where none does.

    A cut stands between letters of two scripts, or between the signs after a letter and a letter of another script, and
    around characters that no font has if letters or separators are on both sides. There is none beside a letter that
    may join others: it is shaped in sight of its neighbors. Hyphenation looks at whole words, and
    the line breaks of browsers are not rules, so there are no cuts under these policies. A closing bracket takes the
    script of its opening one, so words with brackets stay whole.

    Args:
        cps: the text.
        record: the records of its characters.
        begins: whether a word begins at each character for another reason; separators need not be marked.
        style: the style of the words.
    """
    if style.hyphenate or style.line_breaks is LineBreaks.BROWSER:
        return None
    kind = _kind_of_record().take(record)
    void = np.flatnonzero(kind == _VOID)
    if len(void):
        _keep_in_words(kind, void, cps, style)
    signs = (kind == _SIGN) & ~begins
    before, at = kind[:-1], kind[1:]
    if signs.any():
        before = kind[np.maximum.accumulate(np.where(signs, 0, np.arange(len(kind))))[:-1]]
    cut = np.zeros(len(cps), bool)
    cut[1:] = (np.minimum(before, at) >= _VOID) & ((before != at) | (at == _VOID))
    if not cut.any():
        return None
    cut[1:] &= ~(_JOINS[before] | _JOINS[at])
    bracket = np.flatnonzero(table().flags.take(record) & BRACKET)
    if len(bracket):
        word = np.cumsum(begins | (kind == _EDGE))
        bracketed = np.zeros(word[-1] + 1, bool)
        bracketed[word[bracket]] = True
        cut &= ~bracketed[word]
    return cut


def _keep_in_words(kind: NDArray[np.uint8], void: NDArray[np.intp], cps: NDArray[np.uint32], style: WordStyle) -> None:
    """Write OTHER, in place, over each VOID that a font has, and over each run of VOIDs beside a `_NEEDED` character.

    A sign takes the script of the letter before it, also if characters that no font has stand between them. In a grid,
    the box of such a character is fitted to its cells as the letters beside it are.
    """
    some, _, number = kinds(cps[void])
    kind[void[(style.stack.assign(some, np.ones(len(some), bool)) != MISSING)[number]]] = _OTHER
    is_void = kind == _VOID
    members, before, after = runs(is_void)
    around = np.append(kind, _EDGE)  # the place before the first character is that after the last one
    kind[members[_NEEDED[around[before]] | _NEEDED[around[after]]]] = _OTHER


@cache
def _kind_of_record() -> NDArray[np.uint8]:
    """Return by record what a character is.

    Letters and signs count whose clusters end beside any others of them, and for which UAX #14 has rules for pairs
    alone.
    """
    properties = table()
    category = np.array([each.name for each in GeneralCategory])[properties.general_category]
    breaks = np.isin(properties.line_break & 63, [LineBreak[name] for name in ("AL", "ID", "H2", "H3")])
    clusters = [GraphemeBreak[name] for name in ("OTHER", "CONSONANT", "PICTOGRAPHIC", "LV", "LVT")]
    alone = breaks & np.isin(properties.grapheme_break, clusters) & (properties.script_set == 0)
    alone &= (properties.flags & np.uint8(Flag.COMPLEX | Flag.DEFAULT_IGNORABLE | BRACKET)) == 0
    without = np.isin(properties.script, [SCRIPT_TAGS.index(tag) for tag in ("Zyyy", "Zinh", "Zzzz")])
    letter = np.isin(category, ["Lu", "Ll", "Lt", "Lo"])
    sign = np.isin(category, ["Nl", "No", "Sc", "Sk", "Sm", "So"])
    lettered = letter | (sign & ~_JOINS[_SCRIPTS:][properties.script])
    kind = np.full(len(category), _OTHER, np.uint8)
    of_script = alone & lettered & ~without
    kind[of_script] = properties.script[of_script] + np.uint8(_SCRIPTS)
    kind[alone & sign & (properties.script == SCRIPT_TAGS.index("Zyyy"))] = _SIGN
    kind[alone & np.isin(category, ["Co", "Cn"])] = _VOID
    kind[records(codepoints(" \t" + LINE_ENDS))] = _EDGE
    return kind

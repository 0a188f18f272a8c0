"""Characters that end an exact string, that continue it, or that nobody sees.

A *chunk* is a run without spaces and without the delimiters below. An exact string never goes beyond its chunk, except
for the strings with spaces that `groups` and `paths` know.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

QUOTES: Final = '"`“”„‟«»‹›「」『』'
CJK_MARKS: Final = "、。，；：！？（）［］｛｝【】《》〈〉〔〕・"
DELIMITERS: Final = QUOTES + "<>{}|¦•→←⇒⟨⟩" + CJK_MARKS + "\u2500-\u259f"
"""Characters that are a part of no exact string, as the inside of a character class."""

# Writing systems that put no spaces between words: a number may stand right beside their letters.
UNSPACED: Final = (
    "\u0e00-\u0e4f\u0e80-\u0ecf\u1000-\u103f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
# Soft hyphen, zero width, bidi controls, variation selectors, tags.
UNSEEN: Final = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
)
# A mark of direction at the edge of a string is not seen and joins nothing.
DIRECTION: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
# One space that may stand inside a number: space, no-break space, figure, thin, narrow no-break space.
SPACE: Final = " \u00a0\u2007\u2009\u202f"

_UNSEEN: Final = re.compile(f"[{UNSEEN}]")
_MAPPED: Final = str.maketrans({"٬": ",", "٫": ".", "−": "-", "‐": "-", "‑": "-", "’": "'", "．": ".", "／": "/"})
_GLUE: Final = frozenset("_/\\-@~$%#*^")


def seen(text: str) -> str:
    """Return `text` without unseen characters and with the signs of numbers in ASCII. This is what the rules judge."""
    if text.isascii():
        return text
    text = _UNSEEN.sub("", text).translate(_MAPPED)
    return unicodedata.normalize("NFKC", text) if re.search("[\uff01-\uff5e\uffe0-\uffe6]", text) else text


def glues(text: str, at: int, *, after: bool) -> bool:
    """Return whether the character at `at` would continue the word beside it.

    If `after`, the word ends before the character; else the word begins after the character. A full stop, "?", "&" or
    an apostrophe continues a word only if a letter, a digit, "/" or "_" is on its other side. A comma continues none.

    >>> glues("a.b", 1, after=True), glues("a. b", 1, after=True), glues("a)", 1, after=True)
    (True, False, False)
    """
    if not 0 <= at < len(text):
        return False
    char = text[at]
    if char in ".,:?&=+!'’":
        beyond = at + 1 if after else at - 1
        # `"a": 1`, `"a","b"` and `"a"="b"` are lists of strings. In `"a".b` the full stop continues the string.
        return char in ".?&'’" and 0 <= beyond < len(text) and (text[beyond].isalnum() or text[beyond] in "/_")
    return (
        char.isalnum()
        or char in _GLUE
        or char == "\ufffd"
        or (not char.isascii() and (_UNSEEN.match(char) is not None or unicodedata.category(char)[0] in "MCL"))
    )

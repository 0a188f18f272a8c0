"""The enumerations of θ. Members are strings, as JSON holds them; on input any case is accepted."""

from __future__ import annotations

from enum import StrEnum


class Alignment(StrEnum):
    """Where lines stand between the edges of the column."""

    LEFT = "LEFT"
    CENTER = "CENTER"
    RIGHT = "RIGHT"
    JUSTIFY = "JUSTIFY"


class LineBreaker(StrEnum):
    """GREEDY fills each line; OPTIMAL minimises raggedness over the paragraph (Knuth and Plass)."""

    GREEDY = "GREEDY"
    OPTIMAL = "OPTIMAL"


class Hinting(StrEnum):
    """How far outlines are moved to the pixel grid."""

    NONE = "NONE"
    SLIGHT = "SLIGHT"
    NORMAL = "NORMAL"
    FULL = "FULL"


class Direction(StrEnum):
    """Base direction of a paragraph; AUTO takes that of its first strong character (UAX #9 P2, P3)."""

    AUTO = "AUTO"
    LTR = "LTR"
    RTL = "RTL"


class Overlap(StrEnum):
    """Whether a line height below the font size is meant."""

    FORBID = "FORBID"
    ALLOW = "ALLOW"


class Spaces(StrEnum):
    """KEEP draws every space of a run; COLLAPSE draws one."""

    KEEP = "KEEP"
    COLLAPSE = "COLLAPSE"


class ControlCharacters(StrEnum):
    """ESCAPE draws C0 and C1 controls as visible escapes; HIDE leaves them out and says so."""

    ESCAPE = "ESCAPE"
    HIDE = "HIDE"


class SoftHyphens(StrEnum):
    """U+00AD: BREAK is Unicode's meaning (a hyphen only where the line breaks there)."""

    BREAK = "BREAK"
    HIDE = "HIDE"
    SHOW = "SHOW"


class ZeroWidth(StrEnum):
    """Zero-width characters that shape nothing: left out, or drawn as visible escapes."""

    HIDE = "HIDE"
    ESCAPE = "ESCAPE"


class FormFeed(StrEnum):
    """U+000C ends the line, or the page."""

    LINE = "LINE"
    PAGE = "PAGE"


class MissingGlyph(StrEnum):
    """What stands for a character no font has: a box with its code point, the font's own box, an error."""

    BOX = "BOX"
    NOTDEF = "NOTDEF"
    ERROR = "ERROR"


class ComplexBreaks(StrEnum):
    """Where Thai, Lao, Khmer and Burmese may break: after any grapheme cluster, or at dictionary words."""

    CLUSTER = "CLUSTER"
    DICTIONARY = "DICTIONARY"


class Emoji(StrEnum):
    """Emoji from an outline font in the text colour, or from a colour font."""

    MONO = "MONO"
    COLOR = "COLOR"

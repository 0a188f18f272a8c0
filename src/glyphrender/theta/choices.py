"""The enumerations of θ. Members are strings, as in JSON. θ accepts their names in any case."""

from __future__ import annotations

from enum import StrEnum


class Alignment(StrEnum):
    """Position of lines between the edges of the column. JUSTIFY widens spaces so that lines fill the column."""

    LEFT = "LEFT"
    CENTER = "CENTER"
    RIGHT = "RIGHT"
    JUSTIFY = "JUSTIFY"


class LineBreaker(StrEnum):
    """GREEDY fills each line; OPTIMAL makes the lines of a paragraph as even as possible (Knuth and Plass)."""

    GREEDY = "GREEDY"
    OPTIMAL = "OPTIMAL"


class Hinting(StrEnum):
    """How strongly outlines are fitted to the pixel grid."""

    NONE = "NONE"
    SLIGHT = "SLIGHT"
    NORMAL = "NORMAL"
    FULL = "FULL"


class Direction(StrEnum):
    """Base direction of a paragraph. AUTO takes the direction of its first strong character (UAX #9 P2, P3)."""

    AUTO = "AUTO"
    LTR = "LTR"
    RTL = "RTL"


class Overlap(StrEnum):
    """Whether lines may overlap. FORBID refuses a line height below the font size."""

    FORBID = "FORBID"
    ALLOW = "ALLOW"


class Spaces(StrEnum):
    """KEEP draws every space of several in a row. COLLAPSE draws one."""

    KEEP = "KEEP"
    COLLAPSE = "COLLAPSE"


class ControlCharacters(StrEnum):
    """ESCAPE draws C0 and C1 controls as visible escapes. HIDE leaves them out."""

    ESCAPE = "ESCAPE"
    HIDE = "HIDE"


class SoftHyphens(StrEnum):
    """BREAK draws U+00AD as Unicode says: a hyphen, only if the line breaks there. HIDE never draws it, SHOW always."""

    BREAK = "BREAK"
    HIDE = "HIDE"
    SHOW = "SHOW"


class ZeroWidth(StrEnum):
    """HIDE leaves out zero-width characters that do not affect shaping. ESCAPE draws them as visible escapes."""

    HIDE = "HIDE"
    ESCAPE = "ESCAPE"


class FormFeed(StrEnum):
    """U+000C ends the line (LINE) or the page (PAGE)."""

    LINE = "LINE"
    PAGE = "PAGE"


class MissingGlyph(StrEnum):
    """A character that no font covers becomes a box with its code point, the font's own box, or an error."""

    BOX = "BOX"
    NOTDEF = "NOTDEF"
    ERROR = "ERROR"


class ComplexBreaks(StrEnum):
    """Thai, Lao, Khmer and Burmese may break after any grapheme cluster, or between the words of a dictionary."""

    CLUSTER = "CLUSTER"
    DICTIONARY = "DICTIONARY"


class Emoji(StrEnum):
    """MONO draws emoji from an outline font in the text colour. COLOR draws them from a colour font."""

    MONO = "MONO"
    COLOR = "COLOR"

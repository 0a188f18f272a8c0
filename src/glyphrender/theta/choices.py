"""The enumerations of θ. Members are strings, as in JSON. θ accepts their names in any case."""

from __future__ import annotations

from enum import StrEnum


class Alignment(StrEnum):
    """The position of lines between the edges of the column. JUSTIFY widens spaces so that lines fill the column."""

    LEFT = "LEFT"
    CENTER = "CENTER"
    RIGHT = "RIGHT"
    JUSTIFY = "JUSTIFY"


class LineBreaker(StrEnum):
    """GREEDY fills each line; OPTIMAL makes the lines of a paragraph as even as possible (Knuth and Plass)."""

    GREEDY = "GREEDY"
    OPTIMAL = "OPTIMAL"


class LineBreaks(StrEnum):
    """The places where lines may end: UNICODE is UAX #14, BROWSER is where Chromium ends lines."""

    UNICODE = "UNICODE"
    BROWSER = "BROWSER"


class Hinting(StrEnum):
    """The strength with which outlines are fitted to the pixel grid."""

    NONE = "NONE"
    SLIGHT = "SLIGHT"
    NORMAL = "NORMAL"
    FULL = "FULL"


class Direction(StrEnum):
    """The base direction of a paragraph. AUTO takes the direction of its first strong character (UAX #9 P2, P3)."""

    AUTO = "AUTO"
    LTR = "LTR"
    RTL = "RTL"


class Overlap(StrEnum):
    """Whether lines may overlap. FORBID refuses a line height below the font size."""

    FORBID = "FORBID"
    ALLOW = "ALLOW"


class Spaces(StrEnum):
    """KEEP draws every one of several spaces in a row. COLLAPSE draws one space."""

    KEEP = "KEEP"
    COLLAPSE = "COLLAPSE"


class ControlCharacters(StrEnum):
    """ESCAPE draws C0 and C1 controls as visible escapes. HIDE leaves them out."""

    ESCAPE = "ESCAPE"
    HIDE = "HIDE"


class Ansi(StrEnum):
    """The treatment of control sequences (ECMA-48), with which programs color their output.

    ESCAPE leaves their characters to `control_characters`. STRIP draws nothing for a whole sequence: CSI, OSC (such as
    links), DCS, SOS, PM, APC, and ESC with the characters that belong to it.
    """

    ESCAPE = "ESCAPE"
    STRIP = "STRIP"


class CarriageReturn(StrEnum):
    """The effect of a carriage return that no line feed follows. LINE ends the line.

    OVERWRITE draws only the last stretch of the line, as a terminal shows a progress bar at its end, and a backspace
    takes back the character before it.
    """

    LINE = "LINE"
    OVERWRITE = "OVERWRITE"


class SoftHyphens(StrEnum):
    """BREAK draws U+00AD as a hyphen if the line breaks there, as in Unicode. HIDE never draws it. SHOW always does.

    ESCAPE draws a visible escape, so that U+00AD cannot be taken for a hyphen of the source.
    """

    BREAK = "BREAK"
    HIDE = "HIDE"
    SHOW = "SHOW"
    ESCAPE = "ESCAPE"


class ZeroWidth(StrEnum):
    """The treatment of default ignorable characters (Unicode), such as U+200B, U+202E and variation selectors.

    HIDE draws nothing for such a character, and lets it affect shaping and order. ESCAPE draws a visible escape, and
    the character has no effect on shaping or on the order of other text; inside an emoji it is as under HIDE. U+00AD
    has a field of its own, `soft_hyphens`.
    """

    HIDE = "HIDE"
    ESCAPE = "ESCAPE"


class FormFeed(StrEnum):
    """LINE makes U+000C end the line. PAGE makes U+000C end the page."""

    LINE = "LINE"
    PAGE = "PAGE"


class BlankLines(StrEnum):
    """The space between paragraphs. KEEP draws each blank line as an empty line.

    INDENT begins the paragraph with a tab, HALF puts half a line before it, and MARK sets ¶ before it and goes on in
    the same line.
    """

    KEEP = "KEEP"
    INDENT = "INDENT"
    HALF = "HALF"
    MARK = "MARK"


class ParagraphIds(StrEnum):
    """NONE draws no ids. MARGIN draws the id of a paragraph beside its first line, at the side where lines start."""

    NONE = "NONE"
    MARGIN = "MARGIN"


class PageNumber(StrEnum):
    """The corner of the page in whose margin its number stands, or NONE."""

    NONE = "NONE"
    TOP_LEFT = "TOP_LEFT"
    TOP_RIGHT = "TOP_RIGHT"
    BOTTOM_LEFT = "BOTTOM_LEFT"
    BOTTOM_RIGHT = "BOTTOM_RIGHT"

    @property
    def is_top(self) -> bool:
        """Whether the number stands in the top margin."""
        return self.value.startswith("TOP")

    @property
    def is_bottom(self) -> bool:
        """Whether the number stands in the bottom margin."""
        return self.value.startswith("BOTTOM")


class MissingGlyph(StrEnum):
    """The result for a character that no font covers: a box with its code point, the font's own box, or an error."""

    BOX = "BOX"
    NOTDEF = "NOTDEF"
    ERROR = "ERROR"


class ComplexBreaks(StrEnum):
    """The places where Thai, Lao, Khmer and Burmese may break: after grapheme clusters, or between dictionary words."""

    CLUSTER = "CLUSTER"
    DICTIONARY = "DICTIONARY"


class Emoji(StrEnum):
    """MONO draws emoji from an outline font in the text color. COLOR draws them from a color font."""

    MONO = "MONO"
    COLOR = "COLOR"


class Cells(StrEnum):
    """NATURAL keeps the advances of the fonts. GRID gives each character one or two cells, as a terminal does.

    A cell is as wide as the "0" of `font`. East Asian wide characters, emoji and clusters of several letters take two
    cells, all others one.
    """

    NATURAL = "NATURAL"
    GRID = "GRID"


class BoxDrawing(StrEnum):
    """MONOSPACED sets paragraphs with box drawing in cells, and draws lines that join. FONT sets them as any text."""

    MONOSPACED = "MONOSPACED"
    FONT = "FONT"


class Leading(StrEnum):
    """FIXED makes every line `line_height` high. FIT makes a line higher if its ink needs more room."""

    FIXED = "FIXED"
    FIT = "FIT"


class Markup(StrEnum):
    """The markup language of the text. Markup is drawn as styles, and each character of it is accounted for.

    NONE draws the text as it is. MARKDOWN, CODE, DIFF and TERMINAL read the whole text so. FILES decides for each file
    by its name: `.md` is Markdown, `.diff` and `.patch` are differences, names that Pygments knows are code, and all
    others are drawn as they are.
    """

    NONE = "NONE"
    MARKDOWN = "MARKDOWN"
    CODE = "CODE"
    DIFF = "DIFF"
    TERMINAL = "TERMINAL"
    FILES = "FILES"


class LinkTargets(StrEnum):
    """HIDE draws the text of a link alone. SHOW draws its target behind it, in angle brackets."""

    HIDE = "HIDE"
    SHOW = "SHOW"


class TableHead(StrEnum):
    """REPEAT draws the head of a table again above each column of a page that goes on inside the table."""

    ONCE = "ONCE"
    REPEAT = "REPEAT"


class Highlighting(StrEnum):
    """GREY sets code by weight and italic alone, so pages stay grey. COLOR draws it in colors."""

    NONE = "NONE"
    GREY = "GREY"
    COLOR = "COLOR"


class Indentation(StrEnum):
    """KEEP draws the spaces at the start of a line. MARK draws one mark for each four of them, and for each tab."""

    KEEP = "KEEP"
    MARK = "MARK"

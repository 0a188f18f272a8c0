"""The fields of θ: for each its default, unit, range and line of help, declared once.

`Theta` inherits the fields. Checks, the command line, docs/theta.md, the studio and the search space read them in
`PARAMETERS`, so a new field is one more line here. A field is checked alone (`parameter.py`); `constraints.py` checks
fields against each other.
"""

from __future__ import annotations

# ruff: noqa: RUF009 -- `choice` and its like declare dataclass fields
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from glyphrender.errors import ThetaError, shown
from glyphrender.theta import parameter
from glyphrender.theta.choices import (
    Alignment,
    Ansi,
    BlankLines,
    BoxDrawing,
    CarriageReturn,
    Cells,
    ComplexBreaks,
    ControlCharacters,
    Direction,
    Emoji,
    FormFeed,
    Highlighting,
    Hinting,
    Indentation,
    Leading,
    LineBreaker,
    LineBreaks,
    LinkTargets,
    Markup,
    MissingGlyph,
    Overlap,
    PageNumber,
    ParagraphIds,
    SoftHyphens,
    Spaces,
    TableHead,
    ZeroWidth,
)
from glyphrender.theta.language import language
from glyphrender.theta.parameter import (
    Parameter,
    choice,
    color,
    count,
    count_or_auto,
    flag,
    length,
    names,
    number,
    page,
    text,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ThetaFields:
    """The fields of a θ, not yet checked. Lengths are points (1/72 in) unless a field says otherwise."""

    # The page
    page_size: tuple[float, float] = page((595.0, 842.0), range=(8, 14400), help="width and height of a page")
    dpi: float = number(72.0, range=(8, 2400), unit="dpi", help="pixels per inch; at 72, one point is one pixel")
    margin_x: float = length(10.0, range=(0, 7200), help="left and right margin")
    margin_y: float = length(10.0, range=(0, 7200), help="top and bottom margin")
    columns: int | Literal["auto"] = count_or_auto(
        1,
        range=(1, 50),
        help='number of columns on a page, filled one after the other; "auto" is as many as 95% of the lines allow',
    )
    column_gap: float = length(12.0, range=(0, 1000), help="distance between columns")
    auto_crop_width: bool = flag(True, help="crop each page at the right, one margin after its longest line")
    auto_crop_last_page: bool = flag(True, help="crop the last page one margin below its last line")
    page_grid: int = count(
        1, range=(1, 4096), unit="px", help="make both sides of every page, cropped or not, multiples of this"
    )
    min_pixels: int = count(
        0, range=(0, 10**8), unit="px", help="smallest area, in pixels, that a cropped page may have"
    )

    # The font
    font: str = text(
        "DejaVu Sans", accepts="a family name or a font file", help="family name, or path of a font file (`file.ttc#2`)"
    )
    font_weight: int = count(400, range=(1, 1000), help="CSS weight; the closest face of the family is used")
    font_italic: bool = flag(False, help="use the italic or oblique face, if the family has one")
    font_axes: str = text(
        "",
        pattern=r"(?:[A-Za-z][A-Za-z0-9]{3}=[+-]?[0-9]+(?:\.[0-9]+)?(?:,(?=.)|$))*",
        accepts='axis settings as "wght=450,wdth=90", or ""',
        help="axis settings of a variable font",
    )
    fallback: tuple[str, ...] = names((), help="families or files to try, in order, for characters that `font` lacks")
    font_size: float = length(9.0, range=(1, 1000), help="em size of the text")
    line_height: float = length(10.0, range=(0.5, 2000), help="distance from one baseline to the next")
    leading: Leading = choice(
        Leading.FIXED, help="height of a line: line_height, or more if its ink needs more (Tibetan, stacked marks)"
    )
    overlap: Overlap = choice(Overlap.FORBID, help="whether line_height may be smaller than font_size")
    horizontal_scale: float = number(
        1.0, range=(0.5, 1.5), help="stretches the width of glyphs and spaces by this factor"
    )
    letter_spacing: float = length(0.0, range=(-100, 1000), help="space added after every letter (tracking)")
    word_spacing: float = length(0.0, range=(-100, 1000), help="width added to every space")
    ligatures: bool = flag(
        True, help="use standard and contextual ligatures and alternates; joins of cursive scripts stay on always"
    )
    kerning: bool = flag(True, help="use pair kerning")
    cells: Cells = choice(
        Cells.NATURAL, help="width of characters: the advances of the fonts, or one or two cells each, as in a terminal"
    )
    box_drawing: BoxDrawing = choice(
        BoxDrawing.MONOSPACED, help="how paragraphs with box drawing (U+2500–259F) are set; MONOSPACED aligns tables"
    )
    emoji: Emoji = choice(Emoji.MONO, help="draw emoji as outlines, or in color (pages are then RGB)")
    missing_glyph: MissingGlyph = choice(MissingGlyph.BOX, help="what is drawn for a character that no font covers")

    # The paragraph: one line of the source
    alignment: Alignment = choice(
        Alignment.LEFT, help="position of lines in the column; VLMs were trained on LEFT and JUSTIFY"
    )
    justify_stretch: float = number(
        8.0,
        range=(1, 1000),
        unit="× the space",
        help="widest a space may become; a line that needs more stays unjustified",
    )
    first_line_indent: float = length(
        0.0, range=(-7200, 7200), help="indent added to the first line; a negative value gives a hanging indent"
    )
    left_indent: float = length(0.0, range=(0, 7200), help="indent of all lines at the left")
    right_indent: float = length(0.0, range=(0, 7200), help="indent of all lines at the right")
    space_before: float = length(0.0, range=(0, 7200), help="space above a paragraph, except at the top of a column")
    space_after: float = length(0.0, range=(0, 7200), help="space below a paragraph")
    border_width: float = length(0.0, range=(0, 100), help="width of the line around a paragraph; 0 draws none")
    border_padding: float = length(0.0, range=(0, 1000), help="distance between the text and its border")

    # Colors
    font_color: str = color("#000000", help="color of the text")
    page_bg_color: str = color("#FFFFFF", help="color of the page")
    para_bg_color: str = color("", help="color behind a paragraph; none shows the page")
    para_border_color: str = color("#000000", help="color of the border of a paragraph")

    # Lines
    newline_markup: str = text(
        "<br/>",
        accepts='"<br/>", "<font color="#FF0000">text</font>" or plain marker text',
        help="what a newline becomes: a line break, or a marker after which the text continues on the same line",
    )
    unwrap: bool = flag(
        False, help="join the lines of paragraphs that were wrapped at a column; verse, lists, code and tables stay"
    )
    blank_lines: BlankLines = choice(BlankLines.KEEP, help="what sets paragraphs apart where the text has blank lines")
    line_breaker: LineBreaker = choice(LineBreaker.GREEDY, help="how line ends are chosen")
    line_breaks: LineBreaks = choice(
        LineBreaks.UNICODE, help="places where lines may end: by UAX #14, or as in Chromium"
    )
    hyphenate: bool = flag(False, help="break words at line ends by the hyphenation patterns of `language`")
    line_numbers: int = count(
        0, range=(0, 12), unit="digits", help="width of the gutter for source line numbers; 0 draws none"
    )
    continuation_indent: float = length(
        0.0,
        range=(0, 1000),
        help="indent of the lines after the first, added to the leading spaces; together at most half a line",
    )
    continuation_mark: str = text(
        "",
        pattern=r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,8}",
        accepts='up to 8 characters such as "↪", or ""',
        help="mark in the indent of these continuation lines, which is at least as wide as the mark and a space",
    )
    tab_width: int = count(4, range=(1, 64), unit="spaces", help="distance between tab stops")
    spaces: Spaces = choice(Spaces.KEEP, help="what several spaces in a row become")
    form_feed: FormFeed = choice(FormFeed.LINE, help="what a form feed ends")

    # Page furniture, which stands in the margins and is no part of the text
    page_number: PageNumber = choice(
        PageNumber.NONE, help="corner of the page in whose margin `page_label` stands, as high as font_size"
    )
    page_label: str = text(
        "{page}",
        pattern=r"(?:[^\x00-\x1f\x7f-\x9f\u2028\u2029{}]|\{page\}){1,40}",
        accepts='up to 40 characters such as "p. {page}", where {page} is the number of the page',
        help="text of the page number, or the name of the page",
    )

    page_header: str = text(
        "",
        pattern=r"(?:[^\x00-\x1f\x7f-\x9f\u2028\u2029{}]|\{(?:file|section|page)\}){0,80}",
        accepts='up to 80 characters such as "{file} · {section}", with {page} too, or ""',
        help="text in the top margin of each page: the file, and the heading of Markdown in force; empty draws none",
    )
    paragraph_ids: ParagraphIds = choice(
        ParagraphIds.NONE, help="where the numbers of paragraphs stand; blank lines of the source divide paragraphs"
    )
    paragraph_label: str = text(
        "§{id}",
        pattern=r"(?=[^{]*\{id\})(?:[^\x00-\x1f\x7f-\x9f\u2028\u2029{}]|\{id\}){1,12}",
        accepts='up to 12 characters such as "§{id}", where {id} is the number of the paragraph',
        help="form of a paragraph id; there is room for 3 digits, and longer numbers are condensed",
    )

    # Markup
    markup: Markup = choice(Markup.NONE, help="markup language of the text, whose marks become styles (extra `markup`)")
    code_language: str = text(
        "",
        pattern=r"[^\x00-\x20]{0,40}",
        accepts='a name that Pygments knows, such as "python", or ""',
        help="language of the text under `markup` CODE; empty takes the language of the file name",
    )
    highlighting: Highlighting = choice(
        Highlighting.GREY, help="how code, differences and the colors of terminals are set under `markup`"
    )
    link_targets: LinkTargets = choice(LinkTargets.HIDE, help="whether Markdown shows the target of a link")
    heading_size: float = number(
        1.0, range=(0.5, 4), unit="× the text", help="size of the largest headings of Markdown; 1 sets all by weight"
    )
    table_head: TableHead = choice(
        TableHead.REPEAT, help="whether the head of a table is drawn again where the table goes on in the next column"
    )
    indentation: Indentation = choice(
        Indentation.KEEP, help="how the indent of a line of plain text or code is drawn; marks take less room"
    )

    # Characters
    language: str = language(
        "", help="language of the text; selects regional Han forms, hyphenation patterns and language-specific glyphs"
    )
    direction: Direction = choice(Direction.AUTO, help="base direction of paragraphs")
    control_characters: ControlCharacters = choice(
        ControlCharacters.ESCAPE, help="what is drawn for C0 and C1 controls"
    )
    ansi: Ansi = choice(Ansi.ESCAPE, help="how control sequences of terminals, such as colors, are drawn")
    carriage_return: CarriageReturn = choice(
        CarriageReturn.LINE, help="effect of a carriage return without a line feed after it"
    )
    soft_hyphens: SoftHyphens = choice(SoftHyphens.BREAK, help="how the soft hyphen, U+00AD, is drawn")
    zero_width: ZeroWidth = choice(
        ZeroWidth.HIDE, help="how zero-width characters and bidi controls are drawn; ESCAPE also stops their effect"
    )
    complex_breaks: ComplexBreaks = choice(ComplexBreaks.CLUSTER, help="where Thai, Lao, Khmer and Burmese may break")

    # Pixels
    hinting: Hinting = choice(Hinting.NONE, help="grid fitting of outlines; NONE keeps shapes and advances as designed")
    subpixel: bool = flag(True, help="place glyphs at fractions of a pixel")
    antialias: bool = flag(True, help="draw grey edges; off gives pages of two colors")


PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {field.name: parameter.of(field) for field in dataclasses.fields(ThetaFields)}
)
"""Every field of θ with the `Parameter` that says what it accepts, in the order of the class."""

DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {field.name: field.default for field in dataclasses.fields(ThetaFields)}
)
"""Every field of θ with its default."""


def check_field_names(names: Iterable[str]) -> None:
    """Refuse names that are not fields of θ.

    Raises:
        ThetaError: a name is unknown; the message suggests the closest field.
    """
    unknown = [name for name in names if name not in PARAMETERS]
    if unknown:
        raise ThetaError.joined([_unknown_field(name) for name in unknown])


def wrong_values(fields: Mapping[str, Any]) -> list[ThetaError]:
    """Return the errors of the values in `fields`. Names that are not fields of θ are passed over."""
    wrong = []
    for name, accepted in PARAMETERS.items():
        try:
            if name in fields:
                accepted.normalise(name, fields[name])
        except ThetaError as error:
            wrong.append(error)
    return wrong


def _unknown_field(name: object) -> ThetaError:
    from difflib import get_close_matches

    close = get_close_matches(str(name).lower().replace("-", "_"), PARAMETERS, n=1)
    way_out = f"Did you mean {close[0]}?" if close else "`glyphrender theta explain` lists the fields."
    return ThetaError(f"Theta has no field {shown(name)}. {way_out}", field=str(name))

"""θ, the rendering parameters of a page, as one frozen dataclass.

A θ that exists is valid. When a θ is made, each field is checked and normalised, and then the fields are checked
against each other. So no later stage checks them again. This module knows nothing about text or fonts. A missing font
family is found only when the font is opened. The geometry below follows from the fields alone, so the line width of a
page does not depend on which font was found.

The class lists the fields first, then the geometry, then the methods that make, convert and save a θ.
"""

from __future__ import annotations

# ruff: noqa: RUF009 -- `choice` and its like declare dataclass fields
import dataclasses
import inspect
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, cast

from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.paths import path_of
from glyphrender.errors import DataError, ThetaError, shown
from glyphrender.theta import color as colors
from glyphrender.theta import constraints, glyph_config, parameter
from glyphrender.theta import newline_markup as markup
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
from glyphrender.theta.json_file import read_json_object
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

if TYPE_CHECKING:
    import numpy as np

    from glyphrender.models.model import VisionModel

__all__ = ["DEFAULTS", "PARAMETERS", "Theta", "ThetaLike", "check_field_names"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Theta:
    """Rendering parameters θ. Lengths are points (1/72 in) unless a field says otherwise.

    The defaults are the English θ that the Glyph paper's search found (arXiv 2510.17800), with one change: DejaVu Sans
    takes the place of Verdana, which may not be distributed and is 0.6% wider.

    >>> theta = Theta(font_size=8, dpi=96)
    >>> theta
    Theta(dpi=96.0, font_size=8.0)
    >>> theta.replace(dpi=72).diff()
    {'font_size': (8.0, 9.0)}

    Raises:
        ThetaError: a field does not exist, or a value has the wrong type, is out of range or contradicts another one;
            `.field` names the field.
    """

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

    if not TYPE_CHECKING:  # type checkers and editors see the fields that the dataclass's own __init__ names

        def __new__(cls, /, *args, **fields):
            """Refuse unknown fields with a suggestion, instead of a `TypeError`."""
            if args:
                raise ThetaError(
                    f"Theta takes fields by name, as in Theta(font_size=9); got {shown(args[0])}. "
                    "Theta.of makes a θ of a preset's name or a mapping.",
                    field="theta",
                )
            try:
                check_field_names(fields)
            except ThetaError as error:
                raise ThetaError.joined([error, *_wrong_values(fields)]) from None
            return object.__new__(cls)

    def __post_init__(self) -> None:
        try:
            for name, accepted in PARAMETERS.items():
                object.__setattr__(self, name, accepted.normalise(name, getattr(self, name)))
        except ThetaError:  # say at once what is wrong with the other fields
            raise ThetaError.joined(_wrong_values(self.fields())) from None
        constraints.check(cast(constraints.Values, self))

    def __repr__(self) -> str:
        """Return valid Python with the fields that differ from the defaults."""
        shown = ", ".join(
            f"{name}={str(value) if isinstance(value, StrEnum) else value!r}"
            for name, (value, _) in self.diff().items()
        )
        return f"{type(self).__name__}({shown})"

    # ── Geometry, in points unless named otherwise ──

    @property
    def scale(self) -> float:
        """Pixels per point."""
        return self.dpi / 72

    @property
    def page_pixels(self) -> tuple[int, int]:
        """Width and height, in pixels, of a page that is not cropped; rounded up to multiples of `page_grid`."""
        width, height = (max(1, round(side * self.dpi / 72)) for side in self.page_size)
        return width + -width % self.page_grid, height + -height % self.page_grid

    @property
    def font_pixels(self) -> float:
        """Em size of the text in pixels."""
        return self.font_size * self.scale

    @property
    def column_count(self) -> int:
        """Number of columns; 1 where the text is to decide. The pages of a text have the θ with its decision."""
        return 1 if isinstance(self.columns, str) else self.columns

    @property
    def column_width(self) -> float:
        """Width of one column, including its gutter and borders."""
        columns = 1 if isinstance(self.columns, str) else self.columns
        return (self.page_size[0] - 2 * self.margin_x - self.column_gap * (columns - 1)) / columns

    @property
    def column_offsets(self) -> tuple[float, ...]:
        """Distance of each column's left edge from the left edge of the page."""
        step = self.column_width + self.column_gap
        return tuple(self.margin_x + step * column for column in range(self.column_count))

    @property
    def column_height(self) -> float:
        """Height between the top and bottom margins."""
        return self.page_size[1] - 2 * self.margin_y

    @property
    def gutter(self) -> float:
        """Width reserved beside each column for line numbers or paragraph ids, and their gap to the text.

        Line numbers stand at the left, and the id of a paragraph at the side where its lines start. Each character gets
        0.7 em, because the digits of the bundled fonts are 0.5 to 0.66 em wide. The gap gets 0.8 em. A paragraph id has
        3 digits.
        """
        characters = self.line_numbers
        if self.paragraph_ids is not ParagraphIds.NONE:
            characters = len(self.paragraph_label.replace("{id}", "000"))
        return (0.7 * characters + 0.8) * self.em if characters else 0.0

    @property
    def has_margin_texts(self) -> bool:
        """Whether page numbers or a running header stand in the margins above or below the text."""
        return self.page_number is not PageNumber.NONE or bool(self.page_header)

    @property
    def em(self) -> float:
        """Width of one em of text, with `horizontal_scale` applied."""
        return self.font_size * self.horizontal_scale

    @property
    def inset(self) -> float:
        """Distance from the edge of a paragraph's box to its text, on each side: border and padding."""
        return self.border_width + self.border_padding

    @property
    def text_offset(self) -> float:
        """Distance from the left edge of a column to the start of its lines, without `first_line_indent`.

        If a paragraph that runs from right to left has an id, its gutter is at the right, and the distance smaller.
        """
        return self.gutter + self.left_indent + self.inset

    @property
    def measure(self) -> float:
        """Width to which lines are broken. The first line of a paragraph is narrower by `first_line_indent`."""
        return self.column_width - self.text_offset - self.right_indent - self.inset

    # ── Other values that follow from the fields ──

    @property
    def furniture_edge(self) -> float:
        """Distance from the upper or lower edge of the page to the text in that margin, which is `font_size` high."""
        return (self.margin_y - self.font_size) / 2

    def page_label_width(self, number: int) -> float:
        """Return the width reserved for `page_label` on page `number`: 0.7 em a character, as in `gutter`."""
        return 0.7 * self.em * len(self.page_label.replace("{page}", str(number)))

    @property
    def background(self) -> str:
        """Color behind the text: the paragraph's color if there is one, else the page's."""
        return self.para_bg_color or self.page_bg_color

    @property
    def newline_marker(self) -> tuple[str, str] | None:
        """Text and color of the marker that a newline becomes, or None if a newline breaks the line."""
        return markup.newline_marker(self.newline_markup, self.font_color)

    @property
    def is_grey(self) -> bool:
        """Whether one channel can hold the page. It can if every color that may be drawn is neutral."""
        marker = self.newline_marker
        drawn = [self.page_bg_color, self.background, self.font_color]
        drawn += [self.para_border_color] if self.border_width else []
        drawn += [marker[1]] if marker else []
        return self.emoji is not Emoji.COLOR and all(map(colors.is_grey, drawn))

    @property
    def axes(self) -> dict[str, float]:
        """`font_axes` as axis tag → value."""
        settings = (setting.split("=") for setting in self.font_axes.split(",") if setting)
        return {tag: float(value) for tag, value in settings}

    # ── In and out ──

    @classmethod
    def of(cls, value: ThetaLike) -> Theta:
        """Return the θ that `value` stands for. Public functions call this once, on the `theta` they are given.

        Args:
            value: a θ, which is returned as it is; the name of a preset, as for `preset`; a mapping, as for `load`; or
                None for the defaults.

        Raises:
            ThetaError: there is no such preset or field, a value is not valid, or `value` is none of the four.
            VisionModelError: a name ends in "@model", and there is no such model.

        >>> Theta.of({"dpi": 96})
        Theta(dpi=96.0)
        >>> Theta.of("dense") == Theta.preset("dense")
        True
        """
        if isinstance(value, Theta):
            return value
        if value is None:
            return cls()
        if isinstance(value, str):
            return cls.preset(value)
        if isinstance(value, Mapping):
            return cls.load(value)
        raise ThetaError(
            f"theta={shown(value)} has the type {type(value).__name__}. Use a Theta, the name of a preset, a "
            "mapping of fields or None, or Theta.load for a file.",
            field="theta",
        )

    def replace(self, /, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked like a new θ.

        Raises:
            ThetaError: a field does not exist, or the result is not valid.
        """
        return dataclasses.replace(self, **changes)

    def diff(self, other: ThetaLike = None) -> dict[str, tuple[Any, Any]]:
        """Return the fields in which this θ differs from `other`: name → (value here, value there).

        Args:
            other: a θ, or a value that `of` accepts; None compares with the defaults.

        >>> Theta(dpi=96, columns=2).diff(Theta(dpi=120, columns=2))
        {'dpi': (96.0, 120.0)}
        """
        values = DEFAULTS if other is None else Theta.of(other).fields()
        return {name: (value, values[name]) for name, value in self.fields().items() if value != values[name]}

    def fields(self) -> dict[str, Any]:
        """Return all fields and their values, in the order of the class."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values: lists for tuples, strings for enumerations."""
        return {name: _json_value(value) for name, value in self.fields().items()}

    def to_json(self) -> str:
        """Return all fields as JSON text, one field a line."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a θ from a mapping of fields, as `to_dict` gives it. Fields left out keep their defaults.

        Raises:
            ThetaError: `values` is not a mapping, a field does not exist or a value is not valid.
        """
        if not isinstance(values, Mapping):
            raise ThetaError(
                f"values is {type(values).__name__}, not a mapping of fields. Use Theta.of.", field="theta"
            )
        check_field_names(values)
        return cls(**values)

    @classmethod
    def load(cls, source: str | os.PathLike[str] | Mapping[str, Any]) -> Self:
        """Read a θ from a JSON file or a mapping, in our form or as a Glyph config (kebab-case keys).

        A Glyph config gives the same pages as in Glyph's own script. So if the config leaves out a key, the default of
        that script is used (margins of 20 pt, justified, …), not ours.

        Args:
            source: the path of the file, or the mapping.

        Raises:
            DataError: the file cannot be read, or holds no JSON object.
            ThetaError: a field does not exist or a value is not valid.
        """
        if not isinstance(source, str | os.PathLike | Mapping):
            raise DataError(f"{type(source).__name__} is neither a path nor a mapping. Name a JSON file of θ.")
        if isinstance(source, Mapping):
            values: Mapping[str, Any] = source
        else:
            values = read_json_object(path_of(source, "Name a JSON file of θ."))
        if glyph_config.is_glyph(values):
            values = glyph_config.to_fields(values, PARAMETERS)
        return cls.from_dict(values)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to `path`. At any time the file holds the old or the new text, never a part of it.

        A file that is there is replaced only if `save` wrote it.

        Raises:
            DataError: the file cannot be written, or holds something else.
        """
        write_atomically(path, self.to_json(), replaces=is_saved_theta)

    def to_glyph(self) -> dict[str, Any]:
        """Return this θ as a Glyph config: kebab-case keys, as that project's script reads them.

        Fields that Glyph does not know follow under their own kebab-case names, if they differ from the default.
        Glyph's script ignores these names, and `load` reads them back. `font` becomes `font-path`. If Glyph itself
        shall draw the pages, `font` must be the path of a file.
        """
        defaults = {name: _json_value(default) for name, default in DEFAULTS.items()}
        return glyph_config.from_fields(self.to_dict(), defaults, background=self.background)

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return one of the bundled θ. `preset_names` lists them.

        Args:
            name: the name of a preset. "name@model" is that preset aligned to a vision model (see `align_to`).

        Raises:
            ThetaError: there is no preset of that name.
            VisionModelError: there is no model of the name after "@".

        >>> Theta.preset("glyph-en@qwen3-vl") == Theta.preset("glyph-en").align_to("qwen3-vl")
        True
        """
        from glyphrender.theta import presets

        if not isinstance(name, str):
            raise ThetaError(
                f"a preset is named by a str, not {type(name).__name__}. See Theta.preset_names().", field="preset"
            )
        name, at, model = name.partition("@")
        theta = cls.from_dict(presets.read(name))
        return theta.align_to(model) if at else theta

    @staticmethod
    def preset_names() -> Mapping[str, str]:
        """Return the names of the bundled θ, each with a line about it."""
        from glyphrender.theta.presets import PRESETS

        return PRESETS

    @classmethod
    def sample(cls, rng: np.random.Generator, **fixed: Any) -> Self:
        """Draw a random θ from the distributions that the Glyph paper trains on. The result is always valid.

        Args:
            rng: the source of randomness; generators in equal states give equal θ.
            fixed: fields that are not drawn but have this value.

        Raises:
            ThetaError: a fixed field does not exist, or no valid θ has the fixed values.
        """
        from glyphrender.theta.sampling import sample

        check_field_names(fixed)
        return sample(cls, rng, fixed)

    def align_to(self, model: str | VisionModel) -> Self:
        """Return the nearest θ, at equal or better ρ, whose pages `model` does not resample, cropped ones included.

        This is the only method of θ that calls a higher part of the package. `glyphrender.align` is the same as a
        function. Its module says how the page changes.

        Args:
            model: a name in `glyphrender.VISION_MODELS`, or a `VisionModel`.

        Raises:
            VisionModelError: there is no such model, or it resamples every page near this one.
            ThetaError: no valid θ is near.
        """
        from glyphrender.ratio.align import align

        return align(self, model)

    @property
    def digest(self) -> str:
        """SHA-256 of θ in hex, equal for equal θ on every machine and Python version; see theta/digest.py."""
        from glyphrender.theta.digest import digest

        return digest(self.to_dict(), {name: _json_value(value) for name, value in DEFAULTS.items()})


#: A value that public functions accept for a θ. `Theta.of` makes a θ from it. A `str` is the name of a preset, a
#: mapping holds fields or a Glyph config, and None means the defaults.
ThetaLike: TypeAlias = Theta | str | Mapping[str, Any] | None

# `help(Theta)` and completion show the fields, and not the `*args, **fields` of `__new__`.
_signature = inspect.signature(Theta.__init__)
Theta.__signature__ = _signature.replace(  # type: ignore[attr-defined]
    parameters=[given for given in _signature.parameters.values() if given.name != "self"], return_annotation=Theta
)

PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {field.name: parameter.of(field) for field in dataclasses.fields(Theta)}
)
"""Every field of θ with the `Parameter` that says what it accepts, in the order of the class."""

DEFAULTS: Mapping[str, Any] = MappingProxyType({field.name: field.default for field in dataclasses.fields(Theta)})
"""Every field of θ with its default."""

# No version of `Theta.save` wrote fewer fields.
_FEWEST_FIELDS: Final = 30


def is_saved_theta(data: bytes) -> bool:
    """Return whether `data` is what `Theta.save` writes: all fields of some version, in the same layout.

    A file that a person wrote has fewer fields or another layout, and a Glyph config has other names.
    """
    try:
        text = data.decode("utf-8")
        values = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(values, dict) or not values.keys() <= PARAMETERS.keys() or len(values) < _FEWEST_FIELDS:
        return False
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n" == text


def check_field_names(names: Iterable[str]) -> None:
    """Refuse names that are not fields of θ.

    Raises:
        ThetaError: a name is unknown; the message suggests the closest field.
    """
    unknown = [name for name in names if name not in PARAMETERS]
    if unknown:
        raise ThetaError.joined([_unknown_field(name) for name in unknown])


def _wrong_values(fields: Mapping[str, Any]) -> list[ThetaError]:
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


def _json_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, StrEnum) else value

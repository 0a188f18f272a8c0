"""θ, the rendering parameters of a page, as one frozen dataclass.

A θ that exists is valid: every field is checked and brought into one form when it is made, then the fields
against each other, so no later stage has to. θ knows nothing of fonts (whether a family exists is found when
it is opened) and nothing of text; the geometry below follows from θ alone, which is why a page's measure
does not depend on which font was found. Fields come first, then geometry, then the ways in and out.
"""

from __future__ import annotations

# ruff: noqa: RUF009 -- `choice` and its like declare dataclass fields
import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from glyphrender._system.atomic_write import write_atomically
from glyphrender.errors import DataError, ThetaError
from glyphrender.theta import color as colors
from glyphrender.theta import constraints as contradictions
from glyphrender.theta import glyph_config, parameter
from glyphrender.theta import newline_markup as markup
from glyphrender.theta.choices import (
    Alignment,
    ComplexBreaks,
    ControlCharacters,
    Direction,
    Emoji,
    FormFeed,
    Hinting,
    LineBreaker,
    MissingGlyph,
    Overlap,
    SoftHyphens,
    Spaces,
    ZeroWidth,
)
from glyphrender.theta.parameter import Parameter, choice, color, count, flag, length, names, number, page, text

if TYPE_CHECKING:
    import numpy as np

    from glyphrender.models.model import VisionModel

__all__ = [
    "DEFAULTS",
    "PARAMETERS",
    "Alignment",
    "ComplexBreaks",
    "ControlCharacters",
    "Direction",
    "Emoji",
    "FormFeed",
    "Hinting",
    "LineBreaker",
    "MissingGlyph",
    "Overlap",
    "SoftHyphens",
    "Spaces",
    "Theta",
    "ZeroWidth",
    "known",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Theta:
    """Rendering parameters θ. Lengths are points (1/72 in) unless a field says otherwise.

    The defaults are the English θ that the Glyph paper's search found (arXiv 2510.17800), with DejaVu Sans
    in place of Verdana, which may not be distributed and is 0.6% wider.

    Raises:
        ThetaError: a value is of the wrong type or out of range, or contradicts another; `.field` names it.
    """

    # The page
    page_size: tuple[float, float] = page((595.0, 842.0), range=(8, 14400), help="width and height of a page")
    dpi: float = number(72.0, range=(8, 2400), unit="dpi", help="pixels per inch; at 72 a point is a pixel")
    margin_x: float = length(10.0, range=(0, 7200), help="left and right margin")
    margin_y: float = length(10.0, range=(0, 7200), help="top and bottom margin")
    columns: int = count(1, range=(1, 50), help="columns on a page, filled one after the other")
    column_gap: float = length(12.0, range=(0, 1000), help="distance between columns")
    auto_crop_width: bool = flag(True, help="cut a page off at its right where nothing is drawn, plus the margin")
    auto_crop_last_page: bool = flag(True, help="cut the last page off below its last line, plus the margin")
    page_grid: int = count(1, range=(1, 4096), unit="px", help="sides of pages are multiples of this, cropped ones too")
    min_pixels: int = count(0, range=(0, 10**8), unit="px", help="least area that cropping leaves of a page")

    # The font
    font: str = text("DejaVu Sans", form="a family name or a font file", help="family, or path (`file.ttc#2`)")
    font_weight: int = count(400, range=(1, 1000), help="CSS weight; the closest face of the family is taken")
    font_italic: bool = flag(False, help="italic or oblique face, where the family has one")
    font_axes: str = text(
        "",
        pattern=r"(?:[A-Za-z][A-Za-z0-9]{3}=[+-]?[0-9]+(?:\.[0-9]+)?(?:,(?=.)|$))*",
        form='axis settings as "wght=450,wdth=90", or ""',
        help="settings of a variable font",
    )
    fallback: tuple[str, ...] = names((), help="families or files asked, in order, for what `font` lacks")
    font_size: float = length(9.0, range=(1, 1000), help="em size of the text")
    line_height: float = length(10.0, range=(0.5, 2000), help="baseline to baseline")
    overlap: Overlap = choice(Overlap.FORBID, help="whether line_height may be below font_size")
    horizontal_scale: float = number(1.0, range=(0.5, 1.5), help="width of glyphs and spaces against the font's")
    letter_spacing: float = length(0.0, range=(-100, 1000), help="added after every letter (tracking)")
    word_spacing: float = length(0.0, range=(-100, 1000), help="added to every space")
    ligatures: bool = flag(True, help="standard and contextual ligatures and alternates; what joins letters stays")
    kerning: bool = flag(True, help="pair kerning")
    emoji: Emoji = choice(Emoji.MONO, help="draw emoji as outlines, or in colour (pages are then RGB)")
    missing_glyph: MissingGlyph = choice(MissingGlyph.BOX, help="what stands for a character no font has")

    # The paragraph: one line of the source
    alignment: Alignment = choice(Alignment.LEFT, help="LEFT and JUSTIFY are what VLMs were trained on")
    justify_stretch: float = number(
        8.0, range=(1, 1000), unit="× the space", help="a line that would need wider spaces stays unjustified"
    )
    first_line_indent: float = length(0.0, range=(-7200, 7200), help="added to the first line; below 0 it hangs")
    left_indent: float = length(0.0, range=(0, 7200), help="indent of every line at the left")
    right_indent: float = length(0.0, range=(0, 7200), help="indent of every line at the right")
    space_before: float = length(0.0, range=(0, 7200), help="above a paragraph, except at the top of a column")
    space_after: float = length(0.0, range=(0, 7200), help="below a paragraph")
    border_width: float = length(0.0, range=(0, 100), help="line around a paragraph; 0 draws none")
    border_padding: float = length(0.0, range=(0, 1000), help="between the text and its border")

    # Colours
    font_color: str = color("#000000", help="of the text")
    page_bg_color: str = color("#FFFFFF", help="of the page")
    para_bg_color: str = color("", help="behind a paragraph; none shows the page")
    para_border_color: str = color("#000000", help="of the border of a paragraph")

    # Lines
    newline_markup: str = text(
        "<br/>",
        form='"<br/>", "<font color="#FF0000">text</font>" or plain marker text',
        help="what a newline becomes: a line break, or a marker after which the text flows on",
    )
    line_breaker: LineBreaker = choice(LineBreaker.GREEDY, help="how lines are chosen")
    hyphenate: bool = flag(False, help="break words by the patterns of `language`")
    line_numbers: int = count(0, range=(0, 12), unit="digits", help="gutter for source line numbers; 0 is none")
    tab_width: int = count(4, range=(1, 64), unit="spaces", help="distance between tab stops")
    spaces: Spaces = choice(Spaces.KEEP, help="what becomes of a run of spaces")
    form_feed: FormFeed = choice(FormFeed.LINE, help="what a form feed ends")

    # Characters
    language: str = text(
        "",
        pattern=r"(?:[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)?",
        form='a BCP 47 tag such as "en", "zh-Hans" or "sr-Latn", or ""',
        help="chooses regional Han forms, hyphenation and language-specific glyphs",
    )
    direction: Direction = choice(Direction.AUTO, help="base direction of paragraphs")
    control_characters: ControlCharacters = choice(ControlCharacters.ESCAPE, help="C0 and C1 controls")
    soft_hyphens: SoftHyphens = choice(SoftHyphens.BREAK, help="what becomes of U+00AD")
    zero_width: ZeroWidth = choice(ZeroWidth.HIDE, help="zero-width characters that shape nothing")
    complex_breaks: ComplexBreaks = choice(ComplexBreaks.CLUSTER, help="line breaks in Thai, Lao, Khmer, Burmese")

    # Pixels
    hinting: Hinting = choice(Hinting.NONE, help="grid fitting; NONE keeps shapes and advances as designed")
    subpixel: bool = flag(True, help="glyphs stand at fractions of a pixel")
    antialias: bool = flag(True, help="grey edges; off gives pages of two colours")

    def __post_init__(self) -> None:
        for name, accepted in PARAMETERS.items():
            object.__setattr__(self, name, accepted.normalise(name, getattr(self, name)))
        contradictions.check(self)

    # ── Geometry, in points unless named otherwise ──

    @property
    def scale(self) -> float:
        """Pixels per point."""
        return self.dpi / 72

    @property
    def page_pixels(self) -> tuple[int, int]:
        """Width and height of an uncropped page in pixels, rounded up to multiples of `page_grid`."""
        width, height = (max(1, round(side * self.dpi / 72)) for side in self.page_size)
        return width + -width % self.page_grid, height + -height % self.page_grid

    @property
    def font_pixels(self) -> float:
        """The em of the text in pixels."""
        return self.font_size * self.scale

    @property
    def column_width(self) -> float:
        """Width of one column, gutter and borders included."""
        gaps = self.column_gap * (self.columns - 1)
        return (self.page_size[0] - 2 * self.margin_x - gaps) / self.columns

    @property
    def column_offsets(self) -> tuple[float, ...]:
        """x of the left edge of each column, from the left edge of the page."""
        step = self.column_width + self.column_gap
        return tuple(self.margin_x + step * column for column in range(self.columns))

    @property
    def column_height(self) -> float:
        """Height between the top and bottom margins."""
        return self.page_size[1] - 2 * self.margin_y

    @property
    def gutter(self) -> float:
        """Width reserved for source line numbers at the left of each column, their gap to the text included.

        0.7 em a digit and 0.8 em of gap: the digits of the bundled fonts are 0.5 to 0.66 em wide.
        """
        return (0.7 * self.line_numbers + 0.8) * self.em if self.line_numbers else 0.0

    @property
    def em(self) -> float:
        """Width of one em of text, `horizontal_scale` applied."""
        return self.font_size * self.horizontal_scale

    @property
    def inset(self) -> float:
        """Between the edge of a paragraph's box and its text, on each side: border and padding."""
        return self.border_width + self.border_padding

    @property
    def text_offset(self) -> float:
        """x from the left edge of the column to where lines start, `first_line_indent` not included."""
        return self.gutter + self.left_indent + self.inset

    @property
    def measure(self) -> float:
        """Width that lines are broken to; the first of a paragraph has `first_line_indent` less."""
        return self.column_width - self.text_offset - self.right_indent - self.inset

    # ── What follows from other fields ──

    @property
    def background(self) -> str:
        """The colour behind the text: the paragraph's, else the page's."""
        return self.para_bg_color or self.page_bg_color

    @property
    def newline_marker(self) -> tuple[str, str] | None:
        """Text and colour of the marker a newline becomes, or None where a newline breaks the line."""
        return markup.newline_marker(self.newline_markup, self.font_color)

    @property
    def is_grey(self) -> bool:
        """Whether one channel holds the page: every colour that can be drawn is neutral."""
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

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked like a new one.

        Raises:
            ThetaError: a field does not exist, or the result is not valid.
        """
        known(changes)
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON values: lists for tuples, strings for enumerations."""
        return {name: _json_value(getattr(self, name)) for name in PARAMETERS}

    def to_json(self) -> str:
        """All fields as JSON text, one a line."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """θ from `to_dict`'s form; fields left out keep their defaults.

        Raises:
            ThetaError: a field does not exist or a value is not valid.
        """
        known(values)
        return cls(**values)

    @classmethod
    def load(cls, source: str | os.PathLike[str] | Mapping[str, Any]) -> Self:
        """θ from a JSON file, or from a mapping: in our form, or a Glyph config (kebab-case keys).

        A Glyph config gives the pages that Glyph's own script gives for it, so a key it leaves out has that
        script's default (margins of 20 pt, justified, …) and not ours.

        Raises:
            DataError: the file cannot be read, or is not a JSON object.
            ThetaError: a field does not exist or a value is not valid.
        """
        values = source if isinstance(source, Mapping) else _read(Path(source))
        if glyph_config.is_glyph(values):
            values = glyph_config.fields(values)
        return cls.from_dict(values)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to `path`, which holds the old or the new text at any time, never a part.

        Raises:
            DataError: the file cannot be written.
        """
        write_atomically(path, self.to_json())

    def to_glyph(self) -> dict[str, Any]:
        """A Glyph config: kebab-case keys, as that project's script reads them.

        Fields that Glyph does not know follow under their own kebab-case names where they differ from the
        default: its script ignores them, `load` reads them back. `font-path` is `font`, so name a file
        there if Glyph itself is to open it.
        """
        return glyph_config.config(self)

    @classmethod
    def preset(cls, name: str) -> Self:
        """One of the bundled θ, see `presets`; "glyph-en@qwen3-vl" is glyph-en aligned to that model.

        Raises:
            ThetaError: there is no preset of that name.
            VisionModelError: there is no model of the name after "@".
        """
        from glyphrender.theta import presets

        name, at, vision = name.partition("@")
        theta = cls.from_dict(presets.read(name))
        return theta.align_to(vision) if at else theta

    @staticmethod
    def presets() -> Mapping[str, str]:
        """Names of the bundled θ, with a line about each."""
        from glyphrender.theta.presets import PRESETS

        return PRESETS

    @classmethod
    def sample(cls, rng: np.random.Generator, **fixed: Any) -> Self:
        """A random θ from the distributions the Glyph paper trains on; always valid.

        Args:
            rng: the source of randomness; equal states give equal θ.
            fixed: fields that are not drawn but have this value.

        Raises:
            ThetaError: a fixed field does not exist, or nothing valid agrees with the fixed ones.
        """
        from glyphrender.theta.sampling import sample

        known(fixed)
        return sample(cls, rng, fixed)

    def align_to(self, vision: str | VisionModel) -> Self:
        """The nearest θ whose pages, cropped ones too, reach a model pixel by pixel, at equal or better ρ.

        See `glyphrender.ratio.align`, which says how.

        Args:
            vision: a name in `VISION_MODELS`, or a model.

        Raises:
            VisionModelError: there is no such model, or no page that it does not resample.
            ThetaError: nothing valid is near.
        """
        from glyphrender.ratio.align import aligned

        return aligned(self, vision)

    @property
    def digest(self) -> str:
        """SHA-256 of θ in hex, equal for equal θ on every machine and Python version."""
        import hashlib

        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {field.name: parameter.of(field) for field in dataclasses.fields(Theta)}
)
"""What every field of θ accepts, in the order of the class."""

DEFAULTS: Mapping[str, Any] = MappingProxyType({field.name: field.default for field in dataclasses.fields(Theta)})
"""The default of every field of θ."""


def _json_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, StrEnum) else value


def known(given: Iterable[str]) -> None:
    """Refuse names that are not fields of θ.

    Raises:
        ThetaError: a name is unknown; the message has the closest field.
    """
    for name in given:
        if name not in PARAMETERS:
            from difflib import get_close_matches

            close = get_close_matches(str(name).lower().replace("-", "_"), PARAMETERS, n=1)
            way_out = f"Did you mean {close[0]}?" if close else "`glyphrender theta explain` lists the fields."
            raise ThetaError(f"θ has no field {parameter.shown(name)}. {way_out}", field=str(name))


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in the file at `path`."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ThetaError(f"{path} sets {twice!r} twice. Keep one of them.", field=twice)
        return values

    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a JSON file of θ.") from error
    except ThetaError:
        raise
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, too many digits, nested too deep
        raise DataError(f"{path} is not JSON ({error}). Name a file that Theta.save or Glyph wrote.") from error
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no JSON object. Name a file that Theta.save or Glyph wrote.")
    return values

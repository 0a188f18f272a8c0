"""`WordStyle`: the part of θ that a shaped word depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.stack import FontStack
from glyphrender.rich.style import Style
from glyphrender.text import bidi, browser_breaks, complexbreak, tailored_breaks
from glyphrender.text.consumed import Consumption
from glyphrender.text.flow import Flow
from glyphrender.text.linebreak import ALLOWED, PROHIBITED
from glyphrender.theta import (
    Ansi,
    BoxDrawing,
    CarriageReturn,
    Cells,
    ComplexBreaks,
    ControlCharacters,
    LineBreaks,
    MissingGlyph,
    SoftHyphens,
    Theta,
    ZeroWidth,
)

SOFT_HYPHEN: Final = 0xAD
#: The family in which paragraphs with box drawing are set, unless the font of θ is monospaced itself.
MONOSPACED: Final = "DejaVu Sans Mono"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A way in which a paragraph is set otherwise than θ alone says.

    Attributes:
        han: the language whose forms of Han the paragraph gets, or empty for those of θ.
        box_drawing: whether the paragraph is set in cells of a monospaced face, because it has box drawing.
    """

    han: Literal["", "ja", "ko", "zh-Hant"] = ""
    box_drawing: bool = False


def asked(style: Style) -> Style | None:
    """Return the part of a style of rich text that shaped words depend on, or None if there is none.

    A weight is rounded to a hundred, so that few font stacks serve all weights. A distance of letters counts as any
    other.

    >>> asked(Style(weight=690, color="#ff0000"))
    Style(weight=700)
    """
    choice = Style(
        weight=None if style.weight is None else min(max(100, round(style.weight, -2)), 900),
        italic=style.italic,
        family=style.family,
        letter_spacing=1.0 if style.letter_spacing else None,
    )
    return choice if choice != Style() else None


def is_shaped_alike(one: Style, other: Style) -> bool:
    """Return whether letters of two styles of rich text can be shaped as one word: only what is painted differs.

    >>> is_shaped_alike(Style(color="#ff0000"), Style(underline=True)), is_shaped_alike(Style(size=2), Style())
    (True, False)
    """
    sizes = [(style.size or 1.0, style.letter_spacing) for style in (one, other)]
    return sizes[0] == sizes[1] and asked(one) == asked(other)


def consumption(theta: Theta) -> Consumption:
    """Return the choice of characters for which `theta` draws nothing; see text/consumed.py."""
    return Consumption(
        sequences=theta.ansi is Ansi.STRIP, overwritten=theta.carriage_return is CarriageReturn.OVERWRITE
    )


def flow_of(theta: Theta) -> Flow:
    """Return how `theta` lets a text flow over line ends; see text/flow.py."""
    return Flow(unwrap=theta.unwrap, blank_lines=theta.blank_lines.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class WordStyle:
    """The part of θ that a shaped word depends on. Equal styles share one word cache.

    Sizes are not part of a style: words are shaped in font units, and scaled when a page is drawn.
    """

    stack: FontStack
    language: str
    ligatures: bool
    alternates: bool
    kerning: bool
    control_characters: ControlCharacters
    soft_hyphens: SoftHyphens
    zero_width: ZeroWidth
    missing_glyph: MissingGlyph
    hyphenate: bool
    complex_breaks: ComplexBreaks
    line_breaks: LineBreaks
    cell: int  # width of a cell in EM units; 0 where glyphs keep their advances
    fills_cells: bool  # whether box drawing in cells fills its cell, and is not drawn by a font
    variant: Variant
    choice: Style | None = None  # what a span of rich text asks of the faces; see `asked`

    @classmethod
    def of(cls, theta: Theta, stack: FontStack, variant: Variant = Variant(), choice: Style | None = None) -> WordStyle:
        """Return the style of `theta`, whose faces are `stack`, for paragraphs of one variant.

        `choice` is that of a span of rich text, as `asked` returns it.

        Raises:
            DependencyError: `theta` asks for dictionary breaks, and icu4py is not installed.
        """
        if theta.complex_breaks is ComplexBreaks.DICTIONARY:
            complexbreak.dictionary()  # raise the error now, not at the first word of Thai
        grid = variant.box_drawing or theta.cells is Cells.GRID
        spaced = theta.letter_spacing or (choice is not None and choice.letter_spacing)
        return cls(
            stack=stack,
            language=theta.language,
            # CSS Text: letter spacing turns optional ligatures off, or the spacing would be uneven. In a grid, nothing
            # may reach from one cell into the next.
            ligatures=theta.ligatures and not spaced and not grid,
            alternates=theta.ligatures and not grid,
            kerning=theta.kerning and not grid,
            control_characters=theta.control_characters,
            soft_hyphens=theta.soft_hyphens,
            zero_width=theta.zero_width,
            missing_glyph=theta.missing_glyph,
            hyphenate=theta.hyphenate,
            complex_breaks=theta.complex_breaks,
            line_breaks=theta.line_breaks,
            cell=stack.primary.cell if grid else 0,
            fills_cells=theta.box_drawing is BoxDrawing.MONOSPACED,
            variant=variant,
            choice=choice,
        )

    @property
    def features(self) -> dict[str, bool]:
        """The OpenType features that differ from HarfBuzz's defaults."""
        off: dict[str, bool] = {}
        if not self.ligatures:
            off |= {"liga": False, "clig": False}
        if not self.alternates:
            off |= {"calt": False}  # as CSS `font-variant-ligatures: none` does; Inter draws => as an arrow
        if not self.kerning:
            off |= {"kern": False}
        return off

    @property
    def inert(self) -> str:
        """The characters that are drawn as escapes and therefore have no effect on the direction of other text."""
        inert = bidi.FORMATTING if self.zero_width is ZeroWidth.ESCAPE else ""
        return inert + bidi.INNER_SEPARATORS if self.control_characters is ControlCharacters.ESCAPE else inert

    def break_actions(self, cps: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Return what may happen after each character, by `line_breaks`, `complex_breaks` and `soft_hyphens`."""
        if self.line_breaks is LineBreaks.BROWSER:
            chinese = self.language.lower().partition("-")[0] == "zh"
            actions = browser_breaks.break_actions(cps, chinese=chinese)
        else:
            actions = tailored_breaks.break_actions(cps)
        complexbreak.add_breaks(cps, actions, self.complex_breaks)
        if self.soft_hyphens is not SoftHyphens.BREAK:
            actions[(cps == SOFT_HYPHEN) & (actions == ALLOWED)] = PROHIBITED
        return actions

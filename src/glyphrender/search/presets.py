"""Search spaces by name: `reader`, ours; `glyph`, the paper's; and `none`, which is empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import lcm
from typing import Final

from glyphrender.errors import ThetaError
from glyphrender.models.model import VisionModel
from glyphrender.search.axes import Axis, axis, ladder
from glyphrender.theta.parameter import PAPER

__all__ = ["PRESETS", "axes_of", "families_for", "is_han"]

# Bundled families made for running text. The Latin letters of Noto Sans CJK are those of Source Sans; in its Mono, they
# are half an em wide.
_FAMILIES: Final = (
    "DejaVu Sans",
    "DejaVu Sans Condensed",
    "DejaVu Serif",
    "DejaVu Sans Mono",
    "Inter",
    "Atkinson Hyperlegible",
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Noto Sans Mono CJK SC",
    "Unifont",
)
# These families are left out for text without Han, because there one can stand for another.
_REGIONAL: Final = frozenset({"Noto Sans CJK TC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Unifont"})
# The share of a text's letters that a family must have: a name in another script may fall back.
_COVERED: Final = 0.98
_SAMPLED: Final = 200_000
# Sides of pages in pixels. On smaller pages margins cost too much; larger pages gain nothing: the margin is 1% already.
_SIDES: Final = (392, 1120)


def _reader(model: VisionModel, text: str) -> Iterable[Axis]:
    """Return axes, with fine steps, of the fields that decide how well text reads per token."""
    cell = lcm(*model.grid) if model.grid else 28
    sides = range(cell * -(-_SIDES[0] // cell), max(_SIDES[1], 3 * cell) + 1, cell)
    return (
        axis("page_width", sides),
        axis("page_height", sides),
        axis("columns", range(1, 4)),
        axis("column_gap", (4, 6, 8, 10, 12, 16)),
        axis("margin_x", range(2, 15, 2)),
        axis("margin_y", range(2, 15, 2)),
        axis("font", families_for(text)),
        axis("font_weight", (400, 700)),
        # A Han character has as many strokes as three letters: it becomes readable only at sizes where Latin reads
        # best.
        axis("font_size", ladder(8, 16, 0.25) if is_han(text) else ladder(5, 11, 0.125)),
        axis("leading", ladder(0.9, 1.4, 0.025)),
        axis("letter_spacing", ladder(-0.4, 0.6, 0.05)),
        axis("word_spacing", ladder(-0.8, 0.8, 0.2)),
        axis("horizontal_scale", ladder(0.8, 1.1, 0.025)),
        axis("hinting", ("NONE", "SLIGHT", "NORMAL", "FULL")),
        axis("subpixel", (False, True)),
    )


def _glyph(model: VisionModel, text: str) -> Iterable[Axis]:
    """Return the factors and values of the Glyph paper (arXiv 2510.17800)."""
    return (
        axis("dpi", (*range(45, 60, 2), *range(60, 72, 2), 72, 80, 96, 100, 110, 120, 144, 150, 300)),
        axis("page_size", (*PAPER.values(), (595, 793), (595, 892), (595, 1058), (595, 595), (450, 900))),
        axis("font", families_for(text)),
        axis("font_size", (7, 7.5, 8, 9, 9.5, 10, 11, 12, 14)),
        axis("line_gap", (0, 1, 2, 3)),
        axis("alignment", ("LEFT", "JUSTIFY", "RIGHT", "CENTER")),
        axis("margin_x", range(10, 41, 5)),
        axis("margin_y", range(10, 41, 5)),
        axis("first_line_indent", (0, 10, 15, 20, 25)),
        axis("left_indent", (0, 10, 20)),
        axis("right_indent", (0, 10, 20)),
        axis("space_before", (0, 1, 2, 4, 8)),
        axis("space_after", (0, 1, 2, 4, 8)),
        axis("horizontal_scale", ladder(0.75, 1, 0.05)),
        axis("border_width", (0, 0.5, 1)),
        axis("border_padding", (0, 1, 3, 5)),
        axis(
            "colors",
            (
                ("#FFFFFF", "", "#000000"),
                ("#FFFFFF", "", "#333333"),
                ("#F5F5F5", "#FFFFFF", "#222222"),
                ("#FDF6E3", "#FDF6E3", "#073642"),
                ("#F4ECD8", "", "#5B4636"),
                ("#E8F0FE", "#FFFFFF", "#1A237E"),
                ("#000000", "", "#FFFFFF"),
                ("#1E1E1E", "#1E1E1E", "#D4D4D4"),
                ("#0D1117", "#161B22", "#C9D1D9"),
            ),
        ),
        axis("newline_markup", ("<br/>", r'<font color="#FF0000"> \n </font>')),
        axis("auto_crop_width", (False, True)),
        axis("auto_crop_last_page", (False, True)),
    )


PRESETS: Final[Mapping[str, Callable[[VisionModel, str], Iterable[Axis]]]] = {
    "reader": _reader,
    "glyph": _glyph,
    "none": lambda model, text: (),
}
"""Spaces by name: (model, text) → axes."""


def axes_of(name: str, model: VisionModel, text: str = "") -> tuple[Axis, ...]:
    """Return the axes of the preset `name`.

    Raises:
        ThetaError: there is no preset of that name.
    """
    if name not in PRESETS:
        raise ThetaError(f"There is no search space {name!r}. Use one of {', '.join(PRESETS)}.", field="space")
    return tuple(PRESETS[name](model, text))


def families_for(text: str) -> tuple[str, ...]:
    """Return the bundled text families that have nearly all letters of `text`; if it is empty, all but the regional
    ones.
    """
    import numpy as np

    from glyphrender.fonts.library import find_face

    counts = Counter(character for character in text[:_SAMPLED] if character.isalnum())
    letters = np.array(sorted(map(ord, counts)), np.uint32)
    weights = np.array([counts[chr(letter)] for letter in letters.tolist()], float)
    han = is_han(text)
    wanted = [family for family in _FAMILIES if han or family not in _REGIONAL]
    if not counts:
        return tuple(wanted)
    covering = [
        family for family in wanted if weights[find_face(family).covers(letters)].sum() >= _COVERED * weights.sum()
    ]
    return tuple(covering) or ("DejaVu Sans",)


def is_han(text: str) -> bool:
    """Return whether more than a tenth of the letters of `text` are Han, Kana or Hangul.

    >>> is_han("東京 in spring")
    True
    """
    letters = [character for character in text[:_SAMPLED] if character.isalnum()]
    return sum(letter >= "\u2e80" for letter in letters) > 0.1 * len(letters)

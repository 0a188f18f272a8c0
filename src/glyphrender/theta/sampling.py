"""Draw random θ from the distributions with which the Glyph paper renders its pre-training pages.

The values are from the paper (arXiv 2510.17800, table of rendering factors). The paper says which values are common and
which are rare, but gives no probabilities. So the weights below are ours. Each factor is drawn independently. If the
fields of a draw contradict each other, the draw is discarded, which keeps the distributions. This happens only if some
fields are fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from glyphrender.errors import ThetaError
from glyphrender.theta.parameter import PAPER

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
ThetaT = TypeVar("ThetaT")

# Ranges are half-open: range(72, 120) is 72 … 119.
_DPI: dict[tuple[int, ...], float] = {
    (72, 80, 96, 100, 110, 120, 144, 150, 300): 0.50,  # normal
    tuple(range(72, 120)): 0.32,  # medium
    tuple(range(60, 72)): 0.11,  # low
    tuple(range(45, 60)): 0.05,  # lowest
    tuple(range(301, 401)): 0.02,  # high: rare, because a page has twenty times the pixels of one at 72 dpi
}

_PAPER = {
    "A4": 0.42,
    "LETTER": 0.2,
    "LEGAL": 0.06,
    "A5": 0.1,
    "B5": 0.1,
    "A3": 0.04,
    "B4": 0.04,
    "TABLOID": 0.04,
}
_ASPECT = {1.414: 0.4, 1.333: 0.25, 1.5: 0.2, 1.778: 0.15}
# Height ÷ width of the piecewise pages, from wide strips of a screen to tall columns.
_PIECES = {(0.4, 0.8): 0.25, (0.8, 1.2): 0.35, (1.2, 2.0): 0.25, (2.0, 3.0): 0.15}

_POOLS = {"sans": 0.50, "serif": 0.22, "mono": 0.21, "pixel": 0.07}
_FAMILIES = {
    "sans": ("DejaVu Sans", "DejaVu Sans Condensed", "Inter", "Atkinson Hyperlegible", "Noto Sans"),
    "serif": ("DejaVu Serif",),
    "mono": ("DejaVu Sans Mono",),
    "pixel": ("Spleen", "Unifont"),
}
_ITALIC = frozenset({"DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono", "Inter"})

_FONT_SIZE = {7.0: 1, 7.5: 1, 8.0: 2, 9.0: 4, 9.5: 2, 10.0: 3, 11.0: 2, 12.0: 2, 14.0: 1}
_LEADING = {0.0: 0.2, 1.0: 0.4, 2.0: 0.25, 3.0: 0.15}
_ALIGNMENT = {"LEFT": 0.52, "JUSTIFY": 0.40, "CENTER": 0.04, "RIGHT": 0.04}
_MARGINS = {"equal": 0.5, "vertical larger": 0.25, "horizontal larger": 0.25}
_INDENT = {"none": 0.6, "first line": 0.2, "block": 0.1, "hanging": 0.1}
_SPACE = {(0.0, 0.0): 0.65, (1.0, 4.0): 0.25, (6.0, 14.0): 0.10}  # none, small, large; in points
_BORDER = {0.0: 0.95, 0.5: 0.03, 1.0: 0.02}
_MARKUP = {"<br/>": 0.95, r'<font color="#FF0000"> \n </font>': 0.05}

# Colors of page, paragraph and font that fit together. With an empty paragraph color, the page shows.
_COLORS: dict[tuple[str, str, str], float] = {
    ("#FFFFFF", "", "#000000"): 0.60,
    ("#FFFFFF", "", "#333333"): 0.06,
    ("#F5F5F5", "#FFFFFF", "#222222"): 0.05,
    ("#FDF6E3", "#FDF6E3", "#073642"): 0.05,
    ("#F4ECD8", "", "#5B4636"): 0.05,
    ("#E8F0FE", "#FFFFFF", "#1A237E"): 0.03,
    ("#E6F4EA", "", "#1B5E20"): 0.02,
    ("#000000", "", "#FFFFFF"): 0.04,
    ("#1E1E1E", "#1E1E1E", "#D4D4D4"): 0.05,
    ("#0D1117", "#161B22", "#C9D1D9"): 0.03,
    ("#002B36", "", "#93A1A1"): 0.02,
}


def sample(make: Callable[..., ThetaT], rng: np.random.Generator, fixed: Mapping[str, Any]) -> ThetaT:
    """Return a random valid θ in which the `fixed` fields have the given values.

    Args:
        make: the class of θ, which takes fields by name and raises ThetaError if they are not valid together.
        rng: the source of randomness.
        fixed: fields that are not drawn, with their values.

    Raises:
        ThetaError: 1,000 draws in a row contradict the fixed fields; the last contradiction is raised.
    """
    import numpy as np

    if not isinstance(rng, np.random.Generator):
        raise ThetaError(
            f"rng is {type(rng).__name__}, not a numpy.random.Generator. Use numpy.random.default_rng(seed).",
            field="rng",
        )
    for _ in range(999):
        try:
            return make(**{**_draw(rng), **fixed})
        except ThetaError:
            continue
    return make(**{**_draw(rng), **fixed})


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    """Draw one value of every factor."""
    font_size = _pick(rng, _FONT_SIZE)
    family = _one_of(rng, _FAMILIES[_pick(rng, _POOLS)])
    page_bg, para_bg, font_color = _pick(rng, _COLORS)
    border = _pick(rng, _BORDER)
    return {
        "dpi": _one_of(rng, _pick(rng, _DPI)),
        "page_size": _page_size(rng),
        "font": family,
        "font_italic": family in _ITALIC and rng.random() < 0.08,
        "font_size": font_size,
        "line_height": font_size + _pick(rng, _LEADING),
        "alignment": _pick(rng, _ALIGNMENT),
        "horizontal_scale": _horizontal_scale(rng),
        "space_before": _uniform(rng, *_pick(rng, _SPACE)),
        "space_after": _uniform(rng, *_pick(rng, _SPACE)),
        "page_bg_color": page_bg,
        "para_bg_color": para_bg,
        "font_color": font_color,
        "para_border_color": font_color,
        "border_width": border,
        "border_padding": _uniform(rng, 1, 5) if border else 0.0,
        "newline_markup": _pick(rng, _MARKUP),
        "auto_crop_width": rng.random() < 0.5,
        "auto_crop_last_page": rng.random() < 0.7,
        **_margins(rng),
        **_indents(rng, font_size),
    }


def _page_size(rng: np.random.Generator) -> tuple[float, float]:
    """Draw a page size: 60% paper sizes, 20% common aspect ratios, 10% piecewise ratios, 10% random sides."""
    how = _pick(rng, {"paper": 0.6, "aspect": 0.2, "piecewise": 0.1, "random": 0.1})
    if how == "paper":
        return PAPER[_pick(rng, _PAPER)]
    width = float(rng.integers(300, 901))
    if how == "random":
        return width, float(rng.integers(300, 1201))
    ratio = _pick(rng, _ASPECT) if how == "aspect" else _uniform(rng, *_pick(rng, _PIECES))
    return width, float(round(width * ratio))


def _margins(rng: np.random.Generator) -> dict[str, float]:
    smaller, larger = sorted(float(rng.integers(10, 41)) for _ in range(2))
    pattern = _pick(rng, _MARGINS)
    if pattern == "equal":
        return {"margin_x": smaller, "margin_y": smaller}
    if pattern == "vertical larger":
        return {"margin_x": smaller, "margin_y": larger}
    return {"margin_x": larger, "margin_y": smaller}


def _indents(rng: np.random.Generator, font_size: float) -> dict[str, float]:
    indent = round(_uniform(rng, 1.0, 2.5) * font_size, 1)
    pattern = _pick(rng, _INDENT)
    if pattern == "first line":
        return {"first_line_indent": indent}
    if pattern == "block":
        return {"left_indent": indent, "right_indent": indent}
    if pattern == "hanging":
        return {"left_indent": indent, "first_line_indent": -indent}
    return {}


def _horizontal_scale(rng: np.random.Generator) -> float:
    """Draw 1.0 down to 0.75 in steps of 0.05; each value is half as likely as the one before."""
    return _pick(rng, {round(1.0 - 0.05 * step, 2): 0.5**step for step in range(6)})


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number uniformly between two numbers. It is rounded to a tenth, so that configs stay readable."""
    return round(low + (high - low) * float(rng.random()), 1)


def _one_of(rng: np.random.Generator, values: tuple[T, ...]) -> T:
    return values[int(rng.integers(len(values)))]


def _pick(rng: np.random.Generator, weights: Mapping[T, float]) -> T:
    """Draw a key with a probability in proportion to its weight."""
    left = float(rng.random()) * sum(weights.values())
    for value, weight in weights.items():
        left -= weight
        if left < 0:
            return value
    return value

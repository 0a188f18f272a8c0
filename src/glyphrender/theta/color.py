"""Colors of θ as text ("#RRGGBB") and as numbers (sRGB triplets), and the contrast between two of them.

θ keeps colors as text, because JSON and Glyph's config files hold text, and because text compares exactly. There is no
alpha. A page is opaque, and the contrast of a translucent color would depend on the color below it.
"""

from __future__ import annotations

import re

# The sixteen names of CSS 1, and three further names that people expect: cyan, magenta and grey.
_NAMED = {
    "aqua": "#00FFFF",
    "black": "#000000",
    "blue": "#0000FF",
    "cyan": "#00FFFF",
    "fuchsia": "#FF00FF",
    "gray": "#808080",
    "green": "#008000",
    "grey": "#808080",
    "lime": "#00FF00",
    "magenta": "#FF00FF",
    "maroon": "#800000",
    "navy": "#000080",
    "olive": "#808000",
    "purple": "#800080",
    "red": "#FF0000",
    "silver": "#C0C0C0",
    "teal": "#008080",
    "white": "#FFFFFF",
    "yellow": "#FFFF00",
}
# ReportLab, which reads Glyph's configs, also accepts a hexadecimal color as 0xRRGGBB.
_HEX = re.compile(r"(?:#|0[xX])([0-9a-fA-F]{6})|#([0-9a-fA-F]{3})")


def canonical(text: str) -> str | None:
    """Return `text` as "#RRGGBB" in capitals, or None if it is no color.

    Accepts "#RRGGBB", "#RGB", "0xRRGGBB" and the basic CSS names, in any case.

    >>> canonical("#fa0"), canonical("Teal"), canonical("reddish")
    ('#FFAA00', '#008080', None)
    """
    text = text.strip()
    if match := _HEX.fullmatch(text):
        six, three = match.groups()
        return f"#{(six or ''.join(2 * digit for digit in three)).upper()}"
    return _NAMED.get(text.lower())


def rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue (0 … 255, sRGB) of a canonical color."""
    value = int(color[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def is_grey(color: str) -> bool:
    """Return whether a canonical color is neutral, so that one channel can hold it."""
    red, green, blue = rgb(color)
    return red == green == blue


def luminance(color: str) -> float:
    """Return the relative luminance of a canonical color, 0 (black) … 1 (white), as WCAG 2.2 defines it."""
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (value / 255 for value in rgb(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the WCAG 2.2 contrast ratio of two canonical colors: 1 (equal) … 21 (black on white).

    >>> contrast("#000000", "#FFFFFF")
    21.0
    """
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)

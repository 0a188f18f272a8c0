"""Output of a terminal → rich text: SGR sequences become styles, and no control sequence is drawn.

The sequences are those of text/consumed.py (ECMA-48). Bold, faint, italic, underline, reverse, strike-through and the
16, 256 and 16 million colors of xterm are read. Grey pages keep all but the colors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from glyphrender.rich.line_ends import checked_text
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.settings import MarkupSettings
from glyphrender.rich.style import Style
from glyphrender.text.consumed import Consumption
from glyphrender.theta import CarriageReturn, Highlighting, Theta, ThetaLike

_SGR: Final = re.compile(r"(?:\x1b\[|\x9b)(?P<values>[0-9;:]*)m")
# The 16 colors of xterm; those of a light page are darker, so that they can be read on it.
_ON_DARK: Final = (
    "#000000", "#CD0000", "#00CD00", "#CDCD00", "#5C5CFF", "#CD00CD", "#00CDCD", "#E5E5E5",
    "#7F7F7F", "#FF0000", "#00FF00", "#FFFF00", "#8C8CFF", "#FF00FF", "#00FFFF", "#FFFFFF",
)  # fmt: skip
_ON_LIGHT: Final = (
    "#000000", "#A40E26", "#116329", "#7A5200", "#0550AE", "#8250DF", "#0F6673", "#57606A",
    "#57606A", "#A40E26", "#116329", "#7A5200", "#0550AE", "#8250DF", "#0F6673", "#24292F",
)  # fmt: skip
_LEVELS: Final = (0, 95, 135, 175, 215, 255)


@dataclass(frozen=True, slots=True)
class _Look:
    """The look that the SGR sequences so far ask for."""

    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False
    color: str | int | None = None
    background: str | int | None = None


def from_terminal(source: str, theta: ThetaLike = None) -> RichText:
    """Return `source`, what a program wrote to a terminal, as rich text. Control sequences are consumed.

    Args:
        source: the output.
        theta: how it is set: `highlighting`, the colors of text and page, and whether a lone carriage return consumes
            the text before it (`carriage_return`).

    Raises:
        DataError: `source` is not str.
        ThetaError: `theta` is not valid.

    >>> text = from_terminal("\\x1b[1mok\\x1b[0m 3 \\x1b[31mfailed\\x1b[0m")
    >>> text.drawn, text.spans
    ('ok 3 failed', (StyleSpan(start=4, end=6, style=Style(weight=700)),))
    """
    theta = Theta.of(theta)
    settings = MarkupSettings.of(theta)
    checked_text("source", source)
    spans = []
    look, at = _Look(), 0
    for start, end in Consumption(sequences=True).found_sequences(source, 0, len(source)):
        match = _SGR.fullmatch(source, start, end)
        if match is None:
            continue
        if look != _Look() and start > at and (style := _style(look, settings)) != Style():
            spans.append((at, start, style))
        look, at = _after(look, match["values"]), end
    if look != _Look() and at < len(source):
        spans.append((at, len(source), _style(look, settings)))
    overwritten = theta.carriage_return is CarriageReturn.OVERWRITE
    consumed = Consumption(sequences=True, overwritten=overwritten).spans(source)
    return RichText(source, spans, consumed=consumed)


def _after(look: _Look, values: str) -> _Look:
    """Return the look after an SGR sequence with these values, of which an empty one is 0."""
    parts = iter(values.split(";"))
    for part in parts:
        code, *rest = part.split(":")
        match _number(code):
            case 0:
                look = _Look()
            case 1:
                look = replace(look, bold=True)
            case 3:
                look = replace(look, italic=True)
            case 4:
                look = replace(look, underline=rest[:1] != ["0"])
            case 21:
                look = replace(look, underline=True)
            case 7:
                look = replace(look, reverse=True)
            case 9:
                look = replace(look, strike=True)
            case 22:
                look = replace(look, bold=False)
            case 23:
                look = replace(look, italic=False)
            case 24:
                look = replace(look, underline=False)
            case 27:
                look = replace(look, reverse=False)
            case 29:
                look = replace(look, strike=False)
            case 38:
                look = replace(look, color=_color(rest, parts))
            case 39:
                look = replace(look, color=None)
            case 48:
                look = replace(look, background=_color(rest, parts))
            case 49:
                look = replace(look, background=None)
            case 58:  # color of the line below
                _color(rest, parts)
            case number if 30 <= number <= 37 or 90 <= number <= 97:
                look = replace(look, color=number % 10 + 8 * (number >= 90))
            case number if 40 <= number <= 47 or 100 <= number <= 107:
                look = replace(look, background=number % 10 + 8 * (number >= 100))
            case _:
                pass
    return look


def _color(rest: list[str], parts: Iterator[str]) -> str | int | None:
    """Return the color behind a 38 or 48: a number below 16, "#RRGGBB", or None if it makes no sense.

    Its values are separated by colons, in `rest` (ITU T.416, perhaps with a color space), or are the next `parts`.
    """
    kind = _number(rest[0] if rest else next(parts, ""))
    if kind == 5:
        index = _number(rest[1] if len(rest) > 1 else "" if rest else next(parts, ""))
        return index if index < 16 else _indexed(index)
    if kind == 2:
        values = rest[-3:] if len(rest) > 3 else [next(parts, "") for _ in range(0 if rest else 3)]
        if len(values) == 3:
            return "#{:02X}{:02X}{:02X}".format(*(min(255, _number(value)) for value in values))
    return None


def _number(digits: str) -> int:
    return int(digits[:9]) if digits.isdecimal() else 0


def _indexed(index: int) -> str | None:
    """Return one of xterm's colors 16 to 255: a cube of 6 × 6 × 6, then 24 greys."""
    if index > 255:
        return None
    if index >= 232:
        return "#" + f"{8 + 10 * (index - 232):02X}" * 3
    index -= 16
    return "#{:02X}{:02X}{:02X}".format(*(_LEVELS[index // step % 6] for step in (36, 6, 1)))


def _style(look: _Look, settings: MarkupSettings) -> Style:
    color = background = None
    if settings.highlighting is Highlighting.COLOR:
        palette = _ON_DARK if settings.is_dark else _ON_LIGHT
        color, background = (palette[each] if isinstance(each, int) else each for each in (look.color, look.background))
        if background is not None and color is None:
            color = settings.ink
    if look.reverse:
        color, background = background or settings.paper, color or settings.ink
    return Style(
        weight=700 if look.bold else None,
        italic=True if look.italic else None,
        underline=True if look.underline else None,
        strike=True if look.strike else None,
        color=color,
        background=background,
    )

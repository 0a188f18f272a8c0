"""`Style` of characters and `BlockStyle` of paragraphs, as checked values.

Both say only what differs. A field that is None leaves the choice to what stands around: the outer span, then θ. Sizes
are relative to θ, so one rich text serves every θ.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from math import isfinite
from typing import Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.theta.choices import Alignment
from glyphrender.theta.color import canonical
from glyphrender.theta.constraints import MIN_TRACKING

#: The least and the greatest relative size of a style.
SIZES: Final = (0.1, 10.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """The choices of a span of characters. None leaves a choice to the span around it, or to θ.

    Attributes:
        weight: CSS weight, 1 to 1000; 400 is regular, 700 bold.
        italic: whether the letters are italic or oblique.
        family: family name or font file, as in `Theta.font`.
        size: size of the letters, as a multiple of θ's font size: 0.1 to 10.
        color: color of the letters, as "#RRGGBB".
        background: color behind the letters, as "#RRGGBB".
        underline: whether a line is drawn below the letters.
        strike: whether a line is drawn through the letters.
        letter_spacing: space added after every letter, in em of the style, -0.25 to 10; it replaces that of θ.

    Raises:
        DataError: a value is of another type, or out of range.

    >>> Style(weight=700, color="#fa0")
    Style(weight=700, color='#FFAA00')
    """

    weight: int | None = None
    italic: bool | None = None
    family: str | None = None
    size: float | None = None
    color: str | None = None
    background: str | None = None
    underline: bool | None = None
    strike: bool | None = None
    letter_spacing: float | None = None

    def __post_init__(self) -> None:
        for name, value in self.choices().items():
            object.__setattr__(self, name, _checked_choice(name, value))

    def __repr__(self) -> str:
        return f"Style({', '.join(f'{name}={value!r}' for name, value in self.choices().items())})"

    def choices(self) -> dict[str, Any]:
        """Return the fields that are not None, in their order."""
        return {name: value for name in _CHOICES if (value := getattr(self, name)) is not None}

    def over(self, outer: Style) -> Style:
        """Return the style of a span of this style inside a span of the style `outer`.

        >>> Style(italic=True).over(Style(weight=700, italic=False))
        Style(weight=700, italic=True)
        """
        return Style(**(outer.choices() | self.choices()))


_CHOICES: Final = tuple(field.name for field in fields(Style))


class Rule(StrEnum):
    """A line of a block: none, above it, below it, along the side at which its lines start, or through its middle.

    SIDE marks quotations. MIDDLE is a break between topics, drawn through the first line of the block.
    """

    NONE = "NONE"
    ABOVE = "ABOVE"
    BELOW = "BELOW"
    SIDE = "SIDE"
    MIDDLE = "MIDDLE"


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockStyle:
    """The choices of a block of paragraphs.

    Attributes:
        indent: indent of all lines at the side where they start, in em of θ. Blocks inside each other add theirs.
        marker: text that is drawn in the indent, before the first line, such as "•". It is no part of the source.
        space_before: space above the block, in lines. Between two blocks, the larger space holds.
        space_after: space below the block, in lines.
        background: color behind the block, as "#RRGGBB"; None for that of the block around it.
        rule: the line of the block.
        keep_with_next: whether the last line of the block stays on the page of the next line.
        alignment: position of lines in the column; None for that of the block around it, or of θ.
        heading: level of the heading that the block is, 1 to 6; 0 if it is none. Running headers show headings.

    Raises:
        DataError: a value is of another type, or out of range.

    >>> BlockStyle(indent=1.5, marker="•")
    BlockStyle(indent=1.5, marker='•')
    """

    indent: float = 0.0
    marker: str = ""
    space_before: float = 0.0
    space_after: float = 0.0
    background: str | None = None
    rule: Rule = Rule.NONE
    keep_with_next: bool = False
    alignment: Alignment | None = None
    heading: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.heading, int) or isinstance(self.heading, bool) or not 0 <= self.heading <= 6:
            raise DataError(f"heading={shown(self.heading)} of a BlockStyle is no level from 1 to 6. 0 is no heading.")
        for name, most in (("indent", 1000.0), ("space_before", 100.0), ("space_after", 100.0)):
            object.__setattr__(self, name, _number(f"{name} of a BlockStyle", getattr(self, name), 0.0, most))
        marker = _text("marker of a BlockStyle", self.marker)
        if not marker.isprintable() or len(marker) > 40:
            raise DataError(f"marker={shown(marker)} of a BlockStyle must be up to 40 characters of one line.")
        if self.background is not None:
            object.__setattr__(self, "background", _color("background of a BlockStyle", self.background))
        object.__setattr__(self, "rule", _member("rule", Rule, self.rule))
        _flag("keep_with_next of a BlockStyle", self.keep_with_next)
        if self.alignment is not None:
            object.__setattr__(self, "alignment", _member("alignment", Alignment, self.alignment))

    def __repr__(self) -> str:
        changed = ((each.name, getattr(self, each.name)) for each in fields(self))
        default = {each.name: each.default for each in fields(self)}
        shown_fields = (
            f"{name}={str(value) if isinstance(value, StrEnum) else value!r}"
            for name, value in changed
            if value != default[name]
        )
        return f"BlockStyle({', '.join(shown_fields)})"


def _checked_choice(name: str, value: Any) -> Any:
    where = f"{name} of a Style"
    match name:
        case "weight":
            weight = _number(where, value, 1, 1000)
            if weight != int(weight):
                raise DataError(f"{where} is {shown(value)}, not a whole number from 1 to 1000.")
            return int(weight)
        case "italic" | "underline" | "strike":
            return _flag(where, value)
        case "family":
            if not (family := _text(where, value).strip()):
                raise DataError(f"{where} is empty. Name a family or a font file, or leave the field out.")
            return family
        case "size":
            return _number(where, value, *SIZES)
        case "letter_spacing":
            return _number(where, value, MIN_TRACKING, 10.0)
        case _:
            return _color(where, value)


def _number(where: str, value: Any, least: float, most: float) -> float:
    try:
        number = float(value) if not isinstance(value, str | bytes | bool) else float("nan")
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not isfinite(number) or not least <= number <= most:
        raise DataError(f"{where} is {shown(value)}, not a number from {least:g} to {most:g}.")
    return number


def _flag(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise DataError(f"{where} is {shown(value)}, not True or False.")
    return value


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise DataError(f"{where} is {type(value).__name__}, not str. Pass a str, or leave the field out.")
    return value


def _color(where: str, value: Any) -> str:
    if (color := canonical(_text(where, value))) is None:
        raise DataError(f"{where} is {shown(value)}, which is no color. Use #RRGGBB.")
    return color


def _member(name: str, kind: type[Any], value: Any) -> Any:
    try:
        return kind(value.upper() if isinstance(value, str) else value)
    except (ValueError, TypeError):
        raise DataError(
            f"{name} of a BlockStyle is {shown(value)}, not one of {', '.join(each.value for each in kind)}."
        ) from None

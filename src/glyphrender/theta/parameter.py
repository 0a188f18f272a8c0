"""One field of θ: the values it accepts, its unit, and the line of help that explains it.

`Theta` declares its fields with the functions at the end (`length`, `choice`, `flag`, …). Each of these functions puts
a `Parameter` into the metadata of the dataclass field. Validation, `--set name=value`, the documentation and the search
space all read this object, so a range or a default is written only once.
"""

from __future__ import annotations

# ruff: noqa: D102 -- `Parameter` documents the methods that subclasses override
import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real
from typing import Any, Final

from glyphrender.errors import ThetaError, shown
from glyphrender.theta import color as colors

# Width and height in points, in portrait, rounded as in Glyph's configs for A4. B4 and B5 are ISO 216, not JIS.
PAPER: dict[str, tuple[float, float]] = {
    "A3": (842.0, 1191.0),
    "A4": (595.0, 842.0),
    "A5": (420.0, 595.0),
    "B4": (709.0, 1001.0),
    "B5": (499.0, 709.0),
    "LETTER": (612.0, 792.0),
    "LEGAL": (612.0, 1008.0),
    "TABLOID": (792.0, 1224.0),
}

#: The value of a field whose number the text decides.
AUTO: Final = "auto"

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def plain(value: float) -> str:
    """Return a number as text without a trailing ".0", as people and Glyph's configs write it.

    >>> plain(72.0), plain(8.25)
    ('72', '8.25')
    """
    return repr(int(value)) if value == int(value) else repr(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """The values that a field accepts, with its help and unit. There is a subclass for each kind of value.

    Attributes:
        help: one line that says what the field does.
        unit: unit of the value ("pt", "dpi", …); empty if it has none.
    """

    help: str
    unit: str = ""

    def normalise(self, name: str, value: Any) -> Any:
        """Return `value` in the one form that θ keeps.

        Args:
            name: the name of the field, for errors.
            value: any object.

        Raises:
            ThetaError: the value has the wrong type or is out of range.
        """
        raise NotImplementedError

    def parse(self, name: str, text: str) -> Any:
        """Return the value that `text` on a command line stands for, normalised.

        Raises:
            ThetaError: the text does not stand for a value of this field.
        """
        return self.normalise(name, text)

    def domain(self) -> str:
        """Return the accepted values in words, for help and error messages."""
        raise NotImplementedError

    def error(self, name: str, value: object, problem: str) -> ThetaError:
        """Return the error to raise. It names the field, the value, the problem and the accepted values."""
        return ThetaError(f"{name}={shown(value)} {problem}. Use {self.domain()}.", field=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Number(Parameter):
    """A finite real number within `range`, including both ends. It must be whole if `integer`."""

    range: tuple[float, float]
    integer: bool = False

    def normalise(self, name: str, value: Any) -> float | int:
        # bool is an int in Python, but font_size=True is a mistake, not 1 pt.
        if isinstance(value, bool) or not isinstance(value, Real):
            raise self.error(name, value, "is not a number")
        try:
            number = float(value) + 0.0  # turns -0.0 into 0.0: equal values must have equal digests
        except OverflowError:
            number = float("inf")
        low, high = self.range
        if not low <= number <= high:  # NaN fails every comparison, so it is refused here too
            raise self.error(name, value, "is out of range")
        if not self.integer:
            return number
        if not number.is_integer():
            raise self.error(name, value, "is not a whole number")
        return int(number)

    def parse(self, name: str, text: str) -> float | int:
        try:
            value = float(text)
        except ValueError:
            raise self.error(name, text, "is not a number") from None
        return self.normalise(name, value)

    def domain(self) -> str:
        low, high = self.range
        kind = "a whole number" if self.integer else "a number"
        return f"{kind} from {plain(low)} to {plain(high)}{f' {self.unit}' if self.unit else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CountOrAuto(Number):
    """A whole number, or "auto": the text decides."""

    integer: bool = True

    def normalise(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and value.strip().lower() == AUTO:
            return AUTO
        return Number.normalise(self, name, value)

    def parse(self, name: str, text: str) -> Any:
        return self.normalise(name, text) if text.strip().lower() == AUTO else Number.parse(self, name, text)

    def domain(self) -> str:
        return f'{Number.domain(self)}, or "{AUTO}"'


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSize(Parameter):
    """Width and height, or the name of a paper size."""

    range: tuple[float, float]

    def normalise(self, name: str, value: Any) -> tuple[float, float]:
        if isinstance(value, str):
            return self.parse(name, value)
        if not isinstance(value, Sequence) or len(value) != 2:
            raise self.error(name, value, "is not a width and a height")
        side = Number(range=self.range, unit=self.unit, help=self.help)
        return side.normalise(name, value[0]), side.normalise(name, value[1])

    def parse(self, name: str, text: str) -> tuple[float, float]:
        if (paper := PAPER.get(text.strip().upper())) is not None:
            return paper
        try:
            width, height = (float(side) for side in re.split(r"[,x×]", text.strip("()[] ")))
        except ValueError:
            raise self.error(name, text, "is neither a paper size nor a width and a height") from None
        return self.normalise(name, (width, height))

    def domain(self) -> str:
        low, high = self.range
        names = ", ".join(PAPER)
        return f"width,height from {plain(low)} to {plain(high)} {self.unit} each, or one of {names}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice(Parameter):
    """A member of an enumeration. Its name is accepted in upper or lower case."""

    choices: type[StrEnum]

    def normalise(self, name: str, value: Any) -> StrEnum:
        if isinstance(value, str) and (member := self.choices.__members__.get(value.strip().upper())):
            return member
        raise self.error(name, value, "is not a choice")

    def domain(self) -> str:
        return "one of " + ", ".join(self.choices)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrueOrFalse(Parameter):
    """True or false."""

    def normalise(self, name: str, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise self.error(name, value, "is not true or false")

    def parse(self, name: str, text: str) -> bool:
        word = text.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise self.error(name, text, "is not true or false")

    def domain(self) -> str:
        return "true or false"


@dataclass(frozen=True, kw_only=True, slots=True)
class Color(Parameter):
    """A color, kept as "#RRGGBB". If `optional`, an empty text is accepted and means that nothing is drawn."""

    optional: bool = False

    def normalise(self, name: str, value: Any) -> str:
        if self.optional and (
            value is None or (isinstance(value, str) and value.strip().lower() in {"", "none", "transparent"})
        ):
            return ""
        if isinstance(value, str) and (canonical := colors.canonical(value)):
            return canonical
        raise self.error(name, value, "is not a color")

    def domain(self) -> str:
        return "#RRGGBB, #RGB or a basic CSS name" + (", or none" if self.optional else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class TextLine(Parameter):
    """One line of text that matches `pattern` as a whole. `accepts` describes the pattern in words."""

    pattern: str = r".+"
    accepts: str = "a line of text"

    def normalise(self, name: str, value: Any) -> str:
        # Control characters would break one-line messages. Lone surrogates cannot be saved as UTF-8.
        if not isinstance(value, str):
            raise self.error(name, value, "is not text")
        if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", value):
            raise self.error(name, value, "holds a control character or a lone surrogate")
        if not re.fullmatch(self.pattern, value):
            raise self.error(name, value, "is empty" if not value else "has the wrong form")
        return value

    def domain(self) -> str:
        return self.accepts


@dataclass(frozen=True, kw_only=True, slots=True)
class Names(Parameter):
    """An ordered list of non-empty names, kept as a tuple."""

    def normalise(self, name: str, value: Any) -> tuple[str, ...]:
        # A plain string is a sequence of letters too, but nobody wants one name for each letter.
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.error(name, value, "is not a list of names")
        each = TextLine(help=self.help, accepts=self.domain())
        return tuple(each.normalise(name, item) for item in value)

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        return self.normalise(name, [part.strip() for part in text.split(",")] if text.strip() else [])

    def domain(self) -> str:
        return "names separated by commas, in order of preference"


def length(default: float, *, range: tuple[float, float], help: str) -> Any:
    """Declare a length in points (1/72 in)."""
    return declare(default, Number(range=range, unit="pt", help=help))


def number(default: float, *, range: tuple[float, float], unit: str = "", help: str) -> Any:
    """Declare a real number in `unit`."""
    return declare(default, Number(range=range, unit=unit, help=help))


def count(default: int, *, range: tuple[int, int], unit: str = "", help: str) -> Any:
    """Declare a whole number in `unit`."""
    return declare(default, Number(range=range, unit=unit, integer=True, help=help))


def count_or_auto(default: int, *, range: tuple[int, int], help: str) -> Any:
    """Declare a whole number that may be "auto"."""
    return declare(default, CountOrAuto(range=range, help=help))


def page(default: tuple[float, float], *, range: tuple[float, float], help: str) -> Any:
    """Declare the width and height of a page in points, each within `range`."""
    return declare(default, PageSize(range=range, unit="pt", help=help))


def choice(default: StrEnum, *, help: str) -> Any:
    """Declare a choice among the members of the enumeration of `default`."""
    return declare(default, Choice(choices=type(default), help=help))


def flag(default: bool, *, help: str) -> Any:
    """Declare a value that is true or false."""
    return declare(default, TrueOrFalse(help=help))


def color(default: str, *, help: str) -> Any:
    """Declare a color. An empty default makes it optional."""
    return declare(default, Color(optional=not default, help=help))


def text(default: str, *, pattern: str = r".+", accepts: str = "a line of text", help: str) -> Any:
    """Declare one line of text."""
    return declare(default, TextLine(pattern=pattern, accepts=accepts, help=help))


def names(default: tuple[str, ...], *, help: str) -> Any:
    """Declare an ordered list of names."""
    return declare(default, Names(help=help))


def declare(default: object, parameter: Parameter) -> Any:
    """Return a dataclass field with `parameter` in its metadata."""
    return dataclasses.field(default=default, metadata={"parameter": parameter})


def of(field: dataclasses.Field[Any]) -> Parameter:
    """Return the `Parameter` in the metadata of a dataclass field."""
    parameter: Parameter = field.metadata["parameter"]
    return parameter

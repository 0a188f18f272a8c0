"""Fields of recipes: each declares its default, the values it accepts and its line of help in one place.

A recipe is made of sections, which are frozen dataclasses. `number`, `choice`, `names` and the others declare a field.
Checking, `--set`, the table in docs/recipes.md and the digest read the declaration. Numbers and flags are those of θ.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from glyphrender.errors import DataError, ThetaError, shown
from glyphrender.theta.parameter import Number, TrueOrFalse

__all__ = [
    "RecipeSection",
    "choice",
    "flag",
    "names",
    "number",
    "options",
    "pair",
    "shares",
    "text",
    "value_of",
    "whole",
    "wholes",
]

_KIND, _FREE = "kind", "free"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """The values that a field accepts. There is a subclass for each kind of value."""

    help: str

    def normalise(self, name: str, value: Any) -> Any:
        """Return `value` in the one form that a recipe keeps.

        Raises:
            DataError: the value has the wrong type, or is not accepted.
        """
        raise NotImplementedError

    def domain(self) -> str:
        """Return the accepted values in words."""
        raise NotImplementedError

    def error(self, name: str, value: object, problem: str) -> DataError:
        """Return the error that names the field, the value, the problem and the accepted values."""
        return DataError(f"{name}={shown(value)} {problem}. Use {self.domain()}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Theta(Kind):
    """A number or a flag, as fields of θ have them."""

    parameter: Number | TrueOrFalse

    def normalise(self, name: str, value: Any) -> Any:
        try:
            return self.parameter.normalise(name, value)
        except ThetaError as error:
            raise DataError(str(error)) from None

    def domain(self) -> str:
        return self.parameter.domain()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Text(Kind):
    """A text, or one of `choices` if there are any."""

    choices: tuple[str, ...] = ()

    def normalise(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self.error(name, value, "is not a text")
        if self.choices and value not in self.choices:
            raise self.error(name, value, "is not a choice")
        return value

    def domain(self) -> str:
        return f"one of {', '.join(self.choices)}" if self.choices else "a text"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Names(Kind):
    """A list of texts."""

    def normalise(self, name: str, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            value = (value,)
        if not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
            raise self.error(name, value, "is not a list of texts")
        return tuple(value)

    def domain(self) -> str:
        return 'a list such as ["a", "b"]'


@dataclass(frozen=True, kw_only=True, slots=True)
class _Numbers(Kind):
    """A list of numbers: of a fixed count, or of any count with None."""

    count: int | None
    number: Number

    def normalise(self, name: str, value: Any) -> tuple[float, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence) or self.count not in (None, len(value)):
            raise self.error(name, value, "is not a list" if self.count is None else f"is not {self.count} numbers")
        each = _Theta(help="", parameter=self.number)
        return tuple(each.normalise(name, one) for one in value)

    def domain(self) -> str:
        return f"a list{f' of {self.count}' if self.count else ''}: each {self.number.domain()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shares(Kind):
    """Weights by name. A name that is left out has the weight 0; at least one weight is above 0."""

    keys: tuple[str, ...]

    def normalise(self, name: str, value: Any) -> dict[str, float]:
        if not isinstance(value, Mapping):
            raise self.error(name, value, "is not a table of weights")
        if unknown := [key for key in value if key not in self.keys]:
            raise DataError(f"{name}.{unknown[0]} is no weight. Use {', '.join(self.keys)}.")
        one = Number(help="", range=(0, 1000))
        weights = {
            key: float(_Theta(help="", parameter=one).normalise(f"{name}.{key}", value[key]))
            for key in self.keys
            if key in value
        }
        if not any(weights.values()):
            raise self.error(name, value, "has no weight above 0")
        return weights

    def domain(self) -> str:
        return f"a table of weights for {', '.join(self.keys)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Options(Kind):
    """Keyword arguments of a function: numbers, texts, flags and lists of numbers by name."""

    def normalise(self, name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise self.error(name, value, "is not a table")
        for key, each in value.items():
            single = each if isinstance(each, list | tuple) else [each]
            if not all(isinstance(one, int | float | str | bool) for one in single):
                raise self.error(f"{name}.{key}", each, "is neither a number, a text, true, false nor a list of them")
        return {key: tuple(each) if isinstance(each, list) else each for key, each in value.items()}

    def domain(self) -> str:
        return "a table such as {hidden = 128}"


def _field(kind: Kind, default: Any, free: bool) -> Any:
    metadata = {_KIND: kind, _FREE: free}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def number(default: float, *, range: tuple[float, float], help: str, unit: str = "", free: bool = False) -> Any:
    """Declare a field that is a number. A `free` field may differ when a run is resumed."""
    return _field(_Theta(help=help, parameter=Number(range=range, unit=unit, help=help)), default, free)


def whole(default: int, *, range: tuple[int, int], help: str, unit: str = "", free: bool = False) -> Any:
    """Declare a field that is a whole number."""
    return _field(_Theta(help=help, parameter=Number(range=range, unit=unit, help=help, integer=True)), default, free)


def flag(default: bool, *, help: str, free: bool = False) -> Any:
    """Declare a field that is true or false."""
    return _field(_Theta(help=help, parameter=TrueOrFalse(help=help)), default, free)


def choice(default: str, choices: Sequence[str], *, help: str, free: bool = False) -> Any:
    """Declare a field that is one of some texts."""
    return _field(_Text(help=help, choices=tuple(choices)), default, free)


def text(default: str, *, help: str, free: bool = False) -> Any:
    """Declare a field that is a text."""
    return _field(_Text(help=help), default, free)


def names(default: Sequence[str], *, help: str) -> Any:
    """Declare a field that is a list of texts."""
    return _field(_Names(help=help), tuple(default), False)


def pair(default: tuple[float, float], *, range: tuple[float, float], help: str) -> Any:
    """Declare a field that is two numbers."""
    return _field(_Numbers(help=help, count=2, number=Number(range=range, help=help)), default, False)


def wholes(*, range: tuple[int, int], help: str) -> Any:
    """Declare a field that is a list of whole numbers, empty by default."""
    return _field(_Numbers(help=help, count=None, number=Number(range=range, help=help, integer=True)), (), False)


def shares(default: Mapping[str, float], *, keys: Sequence[str], help: str) -> Any:
    """Declare a field that is a table of weights for the names `keys`."""
    return _field(_Shares(help=help, keys=tuple(keys)), dict(default), False)


def options(*, help: str) -> Any:
    """Declare a field that is a table of keyword arguments."""
    return _field(_Options(help=help), {}, False)


@dataclass(frozen=True, kw_only=True)
class RecipeSection:
    """A part of a recipe: a frozen dataclass whose fields are declared by the functions above."""

    section: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if kind := field.metadata.get(_KIND):
                value = kind.normalise(self._named(field.name), getattr(self, field.name))
                object.__setattr__(self, field.name, value)

    @classmethod
    def _named(cls, field: str) -> str:
        return f"{cls.section}.{field}" if cls.section else field

    @classmethod
    def kinds(cls) -> dict[str, Kind]:
        """Return the declared fields with what they accept, in order."""
        return {field.name: field.metadata[_KIND] for field in dataclasses.fields(cls) if _KIND in field.metadata}

    @classmethod
    def free(cls) -> frozenset[str]:
        """Return the fields that may differ when a run is resumed."""
        return frozenset(field.name for field in dataclasses.fields(cls) if field.metadata.get(_FREE))

    @classmethod
    def of(cls, table: Any) -> Self:
        """Return the section that a TOML table describes; fields that are left out have their defaults.

        Raises:
            DataError: this is no table, a field does not exist, or its value is not accepted.
        """
        if not isinstance(table, Mapping):
            raise DataError(f"{cls.section}={shown(table)} is no table. Write [{cls.section}] above its fields.")
        check_names(table, cls.kinds(), cls.section)
        return cls(**table)

    def replaced(self, name: str, value: Any) -> Self:
        """Return this section with one field changed.

        Raises:
            DataError: the field does not exist, or its value is not accepted.
        """
        head, _, rest = name.partition(".")
        check_names([head], self.kinds(), self.section)
        if rest:  # an entry of a table: data.mixture.ocr
            table = getattr(self, head)
            if not isinstance(table, dict):
                raise DataError(f"{self._named(name)} does not exist: {self._named(head)} is no table. Set that.")
            value = {**table, rest: value}
        return dataclasses.replace(self, **{head: value})


def check_names(given: Any, known: Mapping[str, Any], section: str) -> None:
    """Raise an error for the first name that does not exist.

    Raises:
        DataError: a name is not known; the message has names that are close to it.
    """
    for name in given:
        if name not in known:
            where = f"{section}.{name}" if section else str(name)
            near = difflib.get_close_matches(str(name), known, 3, 0.5)
            raise DataError(f"{where} is no field of a recipe. Use {', '.join(near or known)}.")


def value_of(text: str) -> Any:
    """Return the value that a text on a command line stands for: a TOML value, or else the text itself.

    >>> value_of("1e-5"), value_of("[1, 2]"), value_of("true"), value_of("zai-org/GLM-4.1V-9B-Base")
    (1e-05, [1, 2], True, 'zai-org/GLM-4.1V-9B-Base')
    """
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if len(read) == 1 else text

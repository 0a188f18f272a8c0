"""Arguments of public functions: what each must be, checked where users give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

from glyphrender.errors import DataError, shown

P = ParamSpec("P")
R = TypeVar("R")


class Wanted(NamedTuple):
    """A kind of argument: what it must be: a test, and the words for an error ("is not …")."""

    holds: Callable[[Any], bool]
    words: str


def instance(words: str, *types: type) -> Wanted:
    """Return the demand that an argument is of one of `types`; `True` and `False` are no numbers."""
    return Wanted(lambda value: isinstance(value, types) and (not isinstance(value, bool) or bool in types), words)


def optional(wanted: Wanted) -> Wanted:
    """Return the demand that an argument is None or as `wanted`."""
    return Wanted(lambda value: value is None or wanted.holds(value), f"{wanted.words} or None")


def all_of(words: str, of: Wanted) -> Wanted:
    """Return the demand that an argument is a list, a tuple or another collection of `of`, and no text."""

    def holds(value: Any) -> bool:
        if isinstance(value, (str, bytes, bytearray, Mapping)) or not hasattr(value, "__iter__"):
            return False
        return not hasattr(value, "__len__") or all(map(of.holds, value))  # an iterator is not used up

    return Wanted(holds, words)


ANYTHING: Final = Wanted(lambda value: True, "anything")
TEXT: Final = instance("a text (str)", str)
TEXTS: Final = all_of("a list of texts", TEXT)
TEXT_OR_TEXTS: Final = Wanted(lambda value: TEXT.holds(value) or TEXTS.holds(value), "a text or a list of texts")
WHOLE: Final = instance("a whole number (int)", int)
NUMBER: Final = Wanted(
    lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value == value, "a number"
)
MAPPING: Final = instance("a mapping (dict)", Mapping)


def demand(name: str, value: object, wanted: Wanted) -> None:
    """Check one argument.

    Raises:
        DataError: `value` is not as `wanted`. The message names the argument, the value, and what to give.

    >>> demand("question", "Who pays?", TEXT)
    """
    if not wanted.holds(value):
        raise DataError(f"{name}={shown(value)} ({type(value).__name__}) is not {wanted.words}. Pass {wanted.words}.")


def checked(**wanted: Wanted) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that checks the named arguments of a function before it is called.

    The function raises DataError if an argument is not as wanted. An argument that is left out is not looked at.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        places = {name: place for place, name in enumerate(signature(function).parameters)}

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name, demanded in wanted.items():
                if name in kwargs:
                    demand(name, kwargs[name], demanded)
                elif places[name] < len(args):
                    demand(name, args[places[name]], demanded)
            return function(*args, **kwargs)

        return call

    return decorate

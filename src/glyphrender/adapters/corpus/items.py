"""Records → items: a text, its id and its θ, or the reason why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from glyphrender.adapters.corpus.options import Options
from glyphrender.errors import DataError, ThetaError
from glyphrender.theta import Theta, glyph_config


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A text to render.

    Attributes:
        id: the id as given, or else the place of the record. It may be any text at all, so never use it as a path.
        position: position of its record in the corpus.
        text: the text, not empty and without lone surrogates.
        theta: its rendering parameters.
    """

    id: str
    position: int
    text: str
    theta: Theta


def id_of(values: Mapping[str, Any], options: Options) -> str | None:
    """Return the id that a record gives; None if it is neither text nor a whole number."""
    value = first_of(values, options.id_field)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def item_of(values: Mapping[str, Any], options: Options, *, position: int, place: str) -> Item:
    """Return the item in a record; `place` is its id if the record has none.

    Raises:
        DataError: the text is missing, empty or not text, or the id is neither text nor a whole number.
        ThetaError, VisionModelError: its θ is not valid.
    """
    identity = id_of(values, options)
    if identity is None and (given := first_of(values, options.id_field)) is not None:
        raise DataError(f"its id is a {type(given).__name__}: make it text or a whole number")
    text = first_of(values, options.text_field)
    if text is None:
        raise DataError(f"it has no {' or '.join(map(repr, options.text_field))}")
    if not isinstance(text, str):
        raise DataError(f"its text is a {type(text).__name__}: make it a string")
    if not text:
        raise DataError("its text is empty, which makes no page")
    for what, value in (("id", identity or ""), ("text", text)):
        _refuse_surrogates(what, value)
    theta = theta_of(first_of(values, options.theta_field), options, position)
    return Item(id=place if identity is None else identity, position=position, text=text, theta=theta)


def theta_of(given: Any, options: Options, position: int) -> Theta:
    """Return the θ of an item.

    An item may give no θ, the name of a preset, a JSON object as text, or the object itself.
    The fields of an object change the corpus's θ; a Glyph config (kebab-case keys) is a complete θ.

    Raises:
        ThetaError, VisionModelError: it is not valid.
    """
    if isinstance(given, Mapping):  # a parquet column of objects has None for what a row leaves out
        given = json.dumps({name: value for name, value in given.items() if value is not None}, default=str)
    if given is None or given == "":
        if options.sample is None:
            return options.theta
        return Theta.sample(np.random.default_rng([options.sample, position]))
    if not isinstance(given, str):
        raise ThetaError(f"its parameters are a {type(given).__name__}: give the name of a preset or a JSON object")
    return _theta(given, options.theta)


@lru_cache(maxsize=1024)  # most items share their θ with others, and making one takes 60 µs
def _theta(given: str, base: Theta) -> Theta:
    if not given.lstrip().startswith("{"):
        return Theta.preset(given)
    try:
        values = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise ThetaError(f"its parameters are not JSON ({error})") from error
    return Theta.load(values) if glyph_config.is_glyph(values) else base.replace(**values)


def first_of(values: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the value of the first of `names` that has one, else None.

    >>> first_of({"context": "…", "text": None}, ("text", "context"))
    '…'
    """
    return next((values[name] for name in names if values.get(name) is not None), None)


def _refuse_surrogates(what: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        raise DataError(f"its {what} has a lone surrogate, U+{code:04X}, at character {error.start}") from None

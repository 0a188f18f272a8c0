"""Records → items: a text, its id and its θ, or the reason why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from glyphrender.adapters.corpus.options import Options
from glyphrender.errors import DataError, FontError, ThetaError, shown
from glyphrender.fonts.library import find_face, is_bundled
from glyphrender.theta import Theta, check_field_names, glyph_config
from glyphrender.theta.json_file import json_object


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusItem:
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


def item_of(values: Mapping[str, Any], options: Options, *, position: int, place: str) -> CorpusItem:
    """Return the item in a record; `place` is its id if the record has none.

    Raises:
        DataError: the text is missing, empty or not text, or the id is neither text nor a whole number.
        ThetaError, VisionModelError: its θ is not valid.
    """
    identity = id_of(values, options)
    if identity is None and (given := first_of(values, options.id_field)) is not None:
        raise DataError(f"its id is of type {type(given).__name__}: make it text or a whole number")
    text = first_of(values, options.text_field)
    if text is None:
        raise DataError(f"it has no {' or '.join(map(repr, options.text_field))}")
    if not isinstance(text, str):
        raise DataError(f"its text is of type {type(text).__name__}: make it a string")
    if not text:
        raise DataError("its text is empty, which makes no page")
    for what, value in (("id", identity or ""), ("text", text)):
        _refuse_surrogates(what, value)
    theta = theta_of(first_of(values, options.theta_field), options, position)
    return CorpusItem(id=place if identity is None else identity, position=position, text=text, theta=theta)


def theta_of(given: Any, options: Options, position: int) -> Theta:
    """Return the θ of an item.

    An item may give no θ, the name of a preset, a JSON object as text, or the object itself.
    The fields of an object change the corpus's θ; a Glyph config (kebab-case keys) is a complete θ.

    A record may name the bundled fonts, and the fonts that the corpus's θ names. It may name no other file and no other
    installed family, for two reasons. The manifest describes no font of a record, so the same records and options would
    give other pages on another machine, or after a resumption. And whoever writes records must not choose which files
    this process opens.

    Raises:
        ThetaError, VisionModelError: the θ is not valid.
        FontError: the θ names a font that a record may not name, or an axis that the font lacks.
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
    if given.lstrip().startswith("{"):
        try:
            values = json_object(given, "its theta")
        except DataError as error:
            raise ThetaError(str(error)) from error
        if glyph_config.is_glyph(values):
            theta = Theta.load(values)
        else:
            check_field_names(values)
            theta = base.replace(**values)
    else:
        theta = Theta.preset(given)
    for font in (theta.font, *theta.fallback):
        if font not in (base.font, *base.fallback) and not is_bundled(font):
            raise FontError(
                f"its theta names the font {shown(font)}, which is neither bundled nor named by the θ of the corpus. "
                "Name it there, as font or fallback.",
                family=font,
            )
    if theta.font_axes != base.font_axes:  # a wrong axis is the record's fault, unlike any error of a font after this
        find_face(theta.font, weight=theta.font_weight, italic=theta.font_italic, axes=theta.font_axes)
    return theta


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

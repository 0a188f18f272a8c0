"""θ, the rendering parameters of a page, as one frozen dataclass.

A θ is its fields (`fields.py`), the values that follow from them (`derived.py`), and below, the ways in and out. A θ
that exists is valid: when a θ is made, each field is checked and normalised, and then the fields are checked against
each other (`constraints.py`). So no later stage checks them again. θ knows nothing about text or fonts: a missing font
family is found only when the font is opened.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.paths import path_of
from glyphrender.errors import DataError, ThetaError, shown
from glyphrender.theta import constraints, glyph_config
from glyphrender.theta.derived import DerivedValues
from glyphrender.theta.fields import DEFAULTS, PARAMETERS, check_field_names, wrong_values
from glyphrender.theta.json_file import is_saved_theta, json_text, json_values, read_json_object

if TYPE_CHECKING:
    import numpy as np

    from glyphrender.models.model import VisionModel

__all__ = ["Theta", "ThetaLike"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Theta(DerivedValues):
    """Rendering parameters θ. Lengths are points (1/72 in) unless a field says otherwise.

    The defaults are the English θ that the Glyph paper's search found (arXiv 2510.17800), with one change: DejaVu Sans
    takes the place of Verdana, which may not be distributed and is 0.6% wider.

    >>> theta = Theta(font_size=8, dpi=96)
    >>> theta
    Theta(dpi=96.0, font_size=8.0)
    >>> theta.replace(dpi=72).diff()
    {'font_size': (8.0, 9.0)}

    Raises:
        ThetaError: a field does not exist, or a value has the wrong type, is out of range or contradicts another one;
            `.field` names the field.
    """

    if not TYPE_CHECKING:  # type checkers and editors see the fields that the dataclass's own __init__ names

        def __new__(cls, /, *args, **fields):
            """Refuse unknown fields with a suggestion, instead of a `TypeError`."""
            if args:
                raise ThetaError(
                    f"Theta takes fields by name, as in Theta(font_size=9); got {shown(args[0])}. "
                    "Theta.of makes a θ of a preset's name or a mapping.",
                    field="theta",
                )
            try:
                check_field_names(fields)
            except ThetaError as error:
                raise ThetaError.joined([error, *wrong_values(fields)]) from None
            return object.__new__(cls)

    def __post_init__(self) -> None:
        try:
            for name, accepted in PARAMETERS.items():
                object.__setattr__(self, name, accepted.normalise(name, getattr(self, name)))
        except ThetaError:  # say at once what is wrong with the other fields
            raise ThetaError.joined(wrong_values(self.fields())) from None
        constraints.check(self)

    def __repr__(self) -> str:
        """Return valid Python with the fields that differ from the defaults."""
        shown = ", ".join(
            f"{name}={str(value) if isinstance(value, StrEnum) else value!r}"
            for name, (value, _) in self.diff().items()
        )
        return f"{type(self).__name__}({shown})"

    # ── In and out ──

    @classmethod
    def of(cls, value: ThetaLike) -> Theta:
        """Return the θ that `value` stands for. Public functions call this once, on the `theta` they are given.

        Args:
            value: a θ, which is returned as it is; the name of a preset, as for `preset`; a mapping, as for `load`; or
                None for the defaults.

        Raises:
            ThetaError: there is no such preset or field, a value is not valid, or `value` is none of the four.
            VisionModelError: a name ends in "@model", and there is no such model.

        >>> Theta.of({"dpi": 96})
        Theta(dpi=96.0)
        >>> Theta.of("dense") == Theta.preset("dense")
        True
        """
        if isinstance(value, Theta):
            return value
        if value is None:
            return cls()
        if isinstance(value, str):
            return cls.preset(value)
        if isinstance(value, Mapping):
            return cls.load(value)
        raise ThetaError(
            f"theta={shown(value)} has the type {type(value).__name__}. Use a Theta, the name of a preset, a "
            "mapping of fields or None, or Theta.load for a file.",
            field="theta",
        )

    def replace(self, /, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked like a new θ.

        Raises:
            ThetaError: a field does not exist, or the result is not valid.
        """
        return dataclasses.replace(self, **changes)

    def diff(self, other: ThetaLike = None) -> dict[str, tuple[Any, Any]]:
        """Return the fields in which this θ differs from `other`: name → (value here, value there).

        Args:
            other: a θ, or a value that `of` accepts; None compares with the defaults.

        >>> Theta(dpi=96, columns=2).diff(Theta(dpi=120, columns=2))
        {'dpi': (96.0, 120.0)}
        """
        values = DEFAULTS if other is None else Theta.of(other).fields()
        return {name: (value, values[name]) for name, value in self.fields().items() if value != values[name]}

    def fields(self) -> dict[str, Any]:
        """Return all fields and their values, in the order of the class."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values: lists for tuples, strings for enumerations."""
        return json_values(self.fields())

    def to_json(self) -> str:
        """Return all fields as JSON text, one field a line."""
        return json_text(self.to_dict())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a θ from a mapping of fields, as `to_dict` gives it. Fields left out keep their defaults.

        Raises:
            ThetaError: `values` is not a mapping, a field does not exist or a value is not valid.
        """
        if not isinstance(values, Mapping):
            raise ThetaError(
                f"values is {type(values).__name__}, not a mapping of fields. Use Theta.of.", field="theta"
            )
        check_field_names(values)
        return cls(**values)

    @classmethod
    def load(cls, source: str | os.PathLike[str] | Mapping[str, Any]) -> Self:
        """Read a θ from a JSON file or a mapping, in our form or as a Glyph config (kebab-case keys).

        A Glyph config gives the same pages as in Glyph's own script. So if the config leaves out a key, the default of
        that script is used (margins of 20 pt, justified, …), not ours.

        Args:
            source: the path of the file, or the mapping.

        Raises:
            DataError: the file cannot be read, or holds no JSON object.
            ThetaError: a field does not exist or a value is not valid.
        """
        if not isinstance(source, str | os.PathLike | Mapping):
            raise DataError(f"{type(source).__name__} is neither a path nor a mapping. Name a JSON file of θ.")
        if isinstance(source, Mapping):
            values: Mapping[str, Any] = source
        else:
            values = read_json_object(path_of(source, "Name a JSON file of θ."))
        if glyph_config.is_glyph(values):
            values = glyph_config.to_fields(values, PARAMETERS)
        return cls.from_dict(values)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to `path`. At any time the file holds the old or the new text, never a part of it.

        A file that is there is replaced only if `save` wrote it.

        Raises:
            DataError: the file cannot be written, or holds something else.
        """
        write_atomically(path, self.to_json(), replaces=is_saved_theta)

    def to_glyph(self) -> dict[str, Any]:
        """Return this θ as a Glyph config: kebab-case keys, as that project's script reads them.

        Fields that Glyph does not know follow under their own kebab-case names, if they differ from the default.
        Glyph's script ignores these names, and `load` reads them back. `font` becomes `font-path`. If Glyph itself
        shall draw the pages, `font` must be the path of a file.
        """
        return glyph_config.from_fields(self.to_dict(), json_values(DEFAULTS), background=self.background)

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return one of the bundled θ. `preset_names` lists them.

        Args:
            name: the name of a preset. "name@model" is that preset aligned to a vision model (see `align_to`).

        Raises:
            ThetaError: there is no preset of that name.
            VisionModelError: there is no model of the name after "@".

        >>> Theta.preset("glyph-en@qwen3-vl") == Theta.preset("glyph-en").align_to("qwen3-vl")
        True
        """
        from glyphrender.theta import presets

        if not isinstance(name, str):
            raise ThetaError(
                f"a preset is named by a str, not {type(name).__name__}. See Theta.preset_names().", field="preset"
            )
        name, at, model = name.partition("@")
        theta = cls.from_dict(presets.read(name))
        return theta.align_to(model) if at else theta

    @staticmethod
    def preset_names() -> Mapping[str, str]:
        """Return the names of the bundled θ, each with a line about it."""
        from glyphrender.theta.presets import PRESETS

        return PRESETS

    @classmethod
    def sample(cls, rng: np.random.Generator, **fixed: Any) -> Self:
        """Draw a random θ from the distributions that the Glyph paper trains on. The result is always valid.

        Args:
            rng: the source of randomness; generators in equal states give equal θ.
            fixed: fields that are not drawn but have this value.

        Raises:
            ThetaError: a fixed field does not exist, or no valid θ has the fixed values.
        """
        from glyphrender.theta.sampling import sample

        check_field_names(fixed)
        return sample(cls, rng, fixed)

    def align_to(self, model: str | VisionModel) -> Self:
        """Return the nearest θ, at equal or better ρ, whose pages `model` does not resample, cropped ones included.

        This is the only method of θ that calls a higher part of the package. `glyphrender.align` is the same as a
        function. Its module says how the page changes.

        Args:
            model: a name in `glyphrender.VISION_MODELS`, or a `VisionModel`.

        Raises:
            VisionModelError: there is no such model, or it resamples every page near this one.
            ThetaError: no valid θ is near.
        """
        from glyphrender.ratio.align import align

        return align(self, model)

    @property
    def digest(self) -> str:
        """SHA-256 of θ in hex, equal for equal θ on every machine and Python version; see theta/digest.py."""
        from glyphrender.theta.digest import digest

        return digest(self.to_dict(), json_values(DEFAULTS))


#: A value that public functions accept for a θ. `Theta.of` makes a θ from it. A `str` is the name of a preset, a
#: mapping holds fields or a Glyph config, and None means the defaults.
ThetaLike: TypeAlias = Theta | str | Mapping[str, Any] | None

# `help(Theta)` and completion show the fields, and not the `*args, **fields` of `__new__`.
_signature = inspect.signature(Theta.__init__)
Theta.__signature__ = _signature.replace(  # type: ignore[attr-defined]
    parameters=[given for given in _signature.parameters.values() if given.name != "self"], return_annotation=Theta
)

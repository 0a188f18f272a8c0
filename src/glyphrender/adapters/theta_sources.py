"""Where θ of a row comes from: one draw a row and epoch, or a column of the row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from glyphrender.adapters.rows import Row, cell
from glyphrender.errors import DataError, shown
from glyphrender.theta import Theta, check_field_names

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FromColumn", "Sampled", "ThetaSource"]

#: A function that gives the θ of a row. Everything random in it comes from the generator, which follows from seed,
#: epoch and row.
ThetaSource: TypeAlias = "Callable[[Row, np.random.Generator], Theta]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampled:
    """A `ThetaSource` that draws θ from the distributions of the Glyph paper, for each row and epoch (`Theta.sample`).

    Attributes:
        fixed: fields that are not drawn but have this value.
        model: a model to whose grid each θ is aligned (`Theta.align_to`); "" for none.

    Raises:
        ThetaError: a fixed field does not exist, or no valid θ agrees with the fixed fields.
        VisionModelError: there is no such model.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""

    def __post_init__(self) -> None:
        import numpy as np

        check_field_names(self.fixed)
        self({}, np.random.default_rng(0))  # settings that no θ agrees with fail here, not in a worker

    def __call__(self, row: Row, rng: np.random.Generator) -> Theta:
        """Return a random θ; `row` is not used."""
        theta = Theta.sample(rng, **self.fixed)
        return theta.align_to(self.model) if self.model else theta


@dataclass(frozen=True, kw_only=True, slots=True)
class FromColumn:
    """A `ThetaSource` that takes θ from a column of the row.

    Attributes:
        column: the column. It holds a preset's name ("dense", "glyph-en@qwen3-vl"), a JSON object as text, a mapping of
            fields or a Glyph config. In mappings, None counts as absent, because Arrow fills structs with None.
        default: θ of rows where the column is None or "" (see `Theta.of`).
    """

    column: str = "theta"
    default: Theta = field(default_factory=Theta)

    def __post_init__(self) -> None:
        object.__setattr__(self, "default", Theta.of(self.default))

    def __call__(self, row: Row, rng: np.random.Generator) -> Theta:
        """Return the θ that `row` names; nothing is drawn.

        Raises:
            ThetaError: a preset or field does not exist, or a value is not valid.
            DataError: the column is missing, or holds neither text nor a mapping.
        """
        value = cell(row, self.column)
        if value is None or value == "":
            return self.default
        if isinstance(value, Theta):
            return value
        if isinstance(value, str):
            return _written(value)
        if isinstance(value, Mapping):
            return Theta.load({name: each for name, each in value.items() if each is not None})
        raise DataError(f"{self.column} is {shown(value)}. Give the name of a preset, JSON, or a mapping of fields.")


@lru_cache(maxsize=1024)
def _written(text: str) -> Theta:
    """Return the θ that a preset's name or a JSON object stands for."""
    if not text.lstrip().startswith("{"):
        return Theta.preset(text)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{shown(text)} is not JSON ({error}). Give an object as Theta.to_json writes it.") from error
    return Theta.load(values)

"""Themes: θ of training pages, drawn from the paper's distributions or in one of the paper's five themes.

A theme keeps its type, colors and paragraphs. Page size, resolution, margins and cropping are drawn as for all pages,
so a theme has many shapes. The pixel theme keeps its resolution too: its font has one size in pixels. The paper names
the themes (arXiv 2510.17800), but neither their values nor how often each is drawn; both are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.theta import PARAMETERS, Theta, check_field_names

if TYPE_CHECKING:
    import numpy as np

__all__ = ["THEMES", "Themed"]

#: The paper's five themes, each a preset.
THEMES: Final = ("document_style", "web_style", "dark_mode", "code_style", "artistic_pixel")
_DRAWN: Final = ("page_size", "dpi", "margin_x", "margin_y", "auto_crop_width", "auto_crop_last_page")


def _even() -> dict[str, float]:
    return {"paper": 5.0, **dict.fromkeys(THEMES, 1.0)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Themed:
    """A `ThetaSource` that draws from the paper's distributions ("paper") and from its themes, by weight.

    Attributes:
        weights: "paper" and names of `THEMES` → weight; by default half of all pages have a theme.
        fixed: fields that are not drawn but have this value, in themes too.
        model: a model to whose grid each θ is aligned (`Theta.align_to`); "" for none.

    Raises:
        DataError: a name is none of these, or no weight is above 0.
        ThetaError: a fixed field does not exist, or no valid θ agrees with the fixed fields.

    >>> import numpy as np
    >>> Themed(weights={"dark_mode": 1})({}, np.random.default_rng(0)).page_bg_color
    '#1E1E1E'
    """

    weights: Mapping[str, float] = field(default_factory=_even)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""

    def __post_init__(self) -> None:
        import numpy as np

        for name, weight in self.weights.items():
            if name != "paper" and name not in THEMES:
                raise DataError(f"themes have no {shown(name)}. Use paper, {', '.join(THEMES)}.")
            if not weight >= 0:
                raise DataError(f"the theme {name} has the weight {weight}. Use 0 or more.")
        if not sum(self.weights.values()) > 0:
            raise DataError("no theme has a weight above 0. Give paper=1.")
        check_field_names(self.fixed)
        for name, weight in self.weights.items():
            if weight:
                self._drawn(name, np.random.default_rng(0))  # what no θ agrees with fails here, not in a worker

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator) -> Theta:
        """Return a random θ; `row` is not used."""
        names = [name for name, weight in self.weights.items() if weight]
        shares = [self.weights[name] / sum(self.weights.values()) for name in names]
        return self._drawn(names[int(rng.choice(len(names), p=shares))], rng)

    def _drawn(self, name: str, rng: np.random.Generator) -> Theta:
        theta = Theta.sample(rng, **{**({} if name == "paper" else _kept(name)), **self.fixed})
        return theta.align_to(self.model) if self.model else theta


@cache
def _kept(theme: str) -> dict[str, Any]:
    """Return the fields that pages of a theme have in common."""
    values = Theta.preset(theme).fields()
    drawn = _DRAWN if values["antialias"] else tuple(name for name in _DRAWN if name != "dpi")
    return {name: values[name] for name in PARAMETERS if name not in drawn}

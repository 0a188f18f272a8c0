"""The θ that a search may try: axes over a base θ. Every θ is aligned to the grid of one model.

*Genes*, one value for each axis, stand for a θ of the space. Genes may clash, such as three columns on a narrow page.
Then there is no θ, and the operators try again. Fields that no axis names come from the base.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import lcm
from typing import Any, Final

from glyphrender.errors import ThetaError, VisionModelError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ratio.align import align, unresampled_size
from glyphrender.search.axes import DERIVED, Axis, varied
from glyphrender.search.axes import axis as axis_of
from glyphrender.search.presets import axes_of
from glyphrender.theta import PARAMETERS, Theta, ThetaLike, check_field_names

__all__ = ["Genes", "Space"]

#: One value for each axis, by its name.
Genes = dict[str, Any]

# Random genes of the presets clash now and then. After this many clashes in a row, the space counts as empty.
_TRIES: Final = 200
# Every child differs from its parent in at least one axis, and in two on average.
_MUTATED_AXES: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """Axes over a base θ.

    Attributes:
        axes: the axes that vary.
        base: every other field.
        model: the model to whose grid θ are aligned.
    """

    axes: tuple[Axis, ...]
    base: Theta
    model: VisionModel

    @classmethod
    def preset(
        cls,
        name: str = "reader",
        model: str | VisionModel = "glm-4.1v",
        *,
        base: ThetaLike = None,
        text: str = "",
        vary: Iterable[str] = (),
        fix: Iterable[str] = (),
    ) -> Space:
        """Return a space by name, narrowed or widened.

        Args:
            name: "reader" for fine steps of what decides how text reads; "glyph" for the paper's factors and values; or
                "none".
            model: a name in `VISION_MODELS`, or a model.
            base: the fields that do not vary; see `Theta.of`.
            text: the text that will be set; families that lack its letters are left out of "reader".
            vary: axes to add or to replace, as "font_size=6:10:0.25", "font=Inter|Noto Sans" or "hinting".
            fix: axes that become fields of the base instead, as "columns=1"; without a value, the base decides.

        Raises:
            ThetaError: there is no preset, field or value of that name; or nothing is left to vary.
            VisionModelError: there is no model of that name.
        """
        model, base = vision_model(model), Theta.of(base)
        axes = {axis.name: axis for axis in axes_of(name, model, text)}
        for axis in map(varied, vary):
            _replace(axes, axis)
        changes = {name: value for setting in fix for name, value in _fix(axes, setting, base).items()}
        space = cls(axes=tuple(axes.values()), base=base.replace(**changes), model=model)
        if not any(len(axis.values) > 1 for axis in space.axes):
            raise ThetaError("nothing varies in this space. Pass vary, as font_size=6:10:0.25.", field="vary")
        return space

    def theta(self, genes: Mapping[str, Any]) -> Theta:
        """Return the θ of these genes, aligned; axes that are left out take the value of the base.

        If the model would resample the page of the genes, the nearest page that it does not resample takes its place,
        with the same dpi and margins. (`Theta.align_to` would also change dpi and margins, to keep the lines; then the
        genes could not be read back.)

        Raises:
            ThetaError: the genes clash.
        """
        fields: dict[str, Any] = {}
        # Fields come first, because the leading needs the size, and a width in pixels needs the resolution.
        for axis in sorted(self.axes, key=lambda axis: axis.name in DERIVED):
            value = genes[axis.name] if axis.name in genes else axis.read(self.base)
            given = {name: fields.get(name, getattr(self.base, name)) for name in PARAMETERS}
            fields |= axis.fields(value, given)
        dpi = fields.get("dpi", self.base.dpi)
        try:
            width, height = self._size(fields.get("page_size", self.base.page_size), dpi)
            # The page is on the grid already. Aligning does not change it, but makes sure that cropped pages are on the
            # grid too.
            fields["page_size"] = (round(width * 72 / dpi, 6), round(height * 72 / dpi, 6))
            fields["page_grid"] = lcm(*self.model.grid or (1, 1))
            return align(self.base.replace(**fields), self.model)
        except VisionModelError as error:
            raise ThetaError(str(error), field="page_size") from error

    def genes(self, theta: Theta) -> Genes:
        """Return the genes of θ; the nearest ones if θ is not in the space."""
        nearest = {axis.name: axis.read(theta) for axis in self.axes}
        pages = [axis for axis in self.axes if axis.name in _PAGE]
        dpi = nearest.get("dpi", self.base.dpi)

        def far(values: tuple[Any, ...]) -> float:
            return sum(axis.distance(theta, value) for axis, value in zip(pages, values, strict=True))

        # Several pages become the same page on the grid. The page nearest to θ may become another one, so try the next.
        for values in sorted(product(*(axis.values for axis in pages)), key=far):
            given = {"dpi": dpi, "page_size": self.base.page_size}
            for axis, value in zip(pages, values, strict=True):
                given |= axis.fields(value, given)
            if self._size(given["page_size"], dpi) == theta.page_pixels:
                return nearest | {axis.name: value for axis, value in zip(pages, values, strict=True)}
        return nearest

    def _size(self, page: tuple[float, float], dpi: float) -> tuple[int, int]:
        """Return the size in pixels that takes the place of `page` (in points) and is not resampled by the model."""
        width, height = (max(1, round(side * dpi / 72)) for side in page)
        return _unresampled_size((width, height), self.model)

    def repair(self, theta: Theta) -> Theta:
        """Return the θ of the space nearest to `theta`.

        Each axis takes its nearest value; every other field comes from the base.

        Raises:
            ThetaError: the nearest values clash.
        """
        return self.theta(self.genes(theta))

    def holds(self, theta: Theta) -> bool:
        """Return whether θ is in the space as it is."""
        try:
            return self.repair(theta) == theta
        except ThetaError:
            return False

    def sample(self, rng: random.Random) -> Theta:
        """Return any θ of the space, each value of an axis as likely as the others."""
        return self._first_valid(lambda: {axis.name: axis.sample(rng) for axis in self.axes})

    def mutate(self, theta: Theta, rng: random.Random) -> Theta:
        """Return a θ that differs in one axis or a few; see `Axis.mutate`."""
        genes = self.genes(theta)
        varying = [axis for axis in self.axes if len(axis.values) > 1]
        rate = min(1.0, _MUTATED_AXES / len(varying))

        def child() -> Genes:
            chosen = [axis for axis in varying if rng.random() < rate] or [varying[rng.randrange(len(varying))]]
            return genes | {axis.name: axis.mutate(genes[axis.name], rng) for axis in chosen}

        return self._first_valid(child)

    def crossover(self, one: Theta, other: Theta, rng: random.Random) -> Theta:
        """Return a θ that takes each axis from the one or the other."""
        mine, theirs = self.genes(one), self.genes(other)
        return self._first_valid(lambda: {name: mine[name] if rng.random() < 0.5 else theirs[name] for name in mine})

    def describe(self) -> dict[str, Any]:
        """Return axes, base and model as JSON values, for people and proposers."""
        defaults = Theta().to_dict()
        base = {name: value for name, value in self.base.to_dict().items() if value != defaults[name]}
        return {"vision": self.model.name, "axes": [axis.to_dict() for axis in self.axes], "base": base}

    @property
    def digest(self) -> str:
        """SHA-256 in hex, equal for equal spaces; a search can be resumed only in the space it began in."""
        values = {axis.name: axis.values for axis in self.axes}
        described = json.dumps([values, self.base.digest, self.model.name], default=str)
        return hashlib.sha256(described.encode()).hexdigest()

    def _first_valid(self, draw: Callable[[], Genes]) -> Theta:
        for _ in range(_TRIES - 1):
            try:
                return self.theta(draw())
            except ThetaError:
                continue
        return self.theta(draw())


def _replace(axes: dict[str, Axis], axis: Axis) -> None:
    """Put `axis` into `axes`, and remove the axes that decide the same fields."""
    axes[axis.name] = axis
    for other in _REPLACES.get(axis.name, ()):
        axes.pop(other, None)


def _fix(axes: dict[str, Axis], setting: str, base: Theta) -> dict[str, Any]:
    """Take an axis out of `axes`, and return the field of the base that "NAME=VALUE" or "NAME" sets, if it sets one."""
    name, given, value = setting.partition("=")
    name = name.strip().replace("-", "_")
    axes.pop(name, None)
    if name in DERIVED:
        # An axis of one value: the fields follow from it once the others are known. Sides of a page set theirs at once.
        if given:
            _replace(axes, varied(setting))
        elif name in ("leading", "line_gap"):
            _replace(axes, axis_of(name, [DERIVED[name].read(base)]))
        return {}
    check_field_names([name])
    for other in _REPLACES.get(name, ()):
        axes.pop(other, None)
    return {name: PARAMETERS[name].parse(name, value)} if given else {}


# Axes that decide the page, before it gives way to the grid.
_PAGE: Final = ("page_size", "page_width", "page_height")

# A call takes 20 µs. A space has some 700 pages, and every child asks for them.
_unresampled_size = lru_cache(maxsize=4096)(unresampled_size)

# Axes that decide the same fields: naming one of them takes the others away.
_REPLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "line_height": ("leading", "line_gap"),
    "leading": ("line_height", "line_gap"),
    "line_gap": ("line_height", "leading"),
    "page_size": ("page_width", "page_height"),
    "page_width": ("page_size",),
    "page_height": ("page_size",),
    "colors": ("page_bg_color", "para_bg_color", "font_color"),
    "page_bg_color": ("colors",),
    "para_bg_color": ("colors",),
    "font_color": ("colors",),
}

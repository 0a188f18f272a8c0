"""The values of all widgets that a page and its figures depend on, as one value with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.studio.replies import KEPT, first_model
from glyphrender.studio.source import Source, text_source
from glyphrender.studio.state import MOST_MODELS
from glyphrender.theta import PARAMETERS, Theta

__all__ = ["WIDGETS", "Choices"]

#: The fields of θ in the order in which their widgets are passed.
WIDGETS: Final = tuple(PARAMETERS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """The values of all widgets that a page and its figures depend on, in the order in which handlers get them.

    Attributes:
        text: the text box.
        held: what was opened and is not in the text box, or None.
        name: name of the file in the text box.
        preset: the preset that θ was made from.
        models, prices, number: the widgets of these names.
        view, other, against: how the page is looked at, the θ that was kept, and what the page is compared with.
        follow: whether the line height follows the font size.
        sizes: (font size, line height, their ratio) before this event.
        fields: field of θ → value of its widget.
    """

    text: str
    held: Source | None
    name: str
    preset: str
    models: tuple[str, ...]
    prices: str
    number: int
    view: str
    other: Theta | None
    against: str
    follow: bool
    sizes: tuple[float, float, float]
    fields: dict[str, Any]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Choices:
        """Return the choices for the values of the widgets, in the order of the attributes, then of θ's fields."""
        text, held, name, preset, models, prices, number, view, other, against, follow, sizes = values[:12]
        return cls(
            text=text or "",
            held=held,
            name=name or "",
            preset=preset or "",
            models=tuple(str(each) for each in models or ())[:MOST_MODELS],
            prices=prices or "",
            number=int(number) if isinstance(number, int | float) and 0 < number < 10**9 else 1,
            view=view,
            other=other,
            against=against or KEPT,
            follow=bool(follow),
            sizes=sizes,
            fields=dict(zip(WIDGETS, values[12:], strict=True)),
        )

    @property
    def source(self) -> Source:
        """Return what pages are made of."""
        return text_source(self.text, name=self.name) if self.held is None else self.held

    @property
    def model(self) -> str:
        """Return the first model, which sees the page."""
        return first_model(self.models)

    def followed(self) -> tuple[dict[str, Any], tuple[float, float, float]]:
        """Return (fields, sizes). If the line height follows, it keeps its proportion to the font size."""
        values, (size, height, ratio) = self.fields, self.sizes
        now, line = values["font_size"], values["line_height"]
        if not all(isinstance(each, int | float) and 0 < each < 1e6 for each in (now, line)):
            return values, self.sizes
        if line != height or not self.follow:
            return values, (now, line, line / now)
        if now == size:
            return values, self.sizes
        line = round(now * ratio, 2)
        return {**values, "line_height": line}, (now, line, ratio)

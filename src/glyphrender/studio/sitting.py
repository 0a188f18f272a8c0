"""The fields of θ that the server keeps for a visitor, so that a keystroke need not send them again.

Gradio looks up each input of an event in its tree of widgets, in the browser and on the server. θ has some seventy
fields, and a keystroke moves none of them. So an event that moves a field sends all widgets and leaves the fields here,
and a keystroke sends the text and a few more. Several requests of a visitor may run at once, and their answers may come
in any order. Only the one that began last may show its page, because it knows all that the others know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from glyphrender.studio.choices import WIDGETS, Choices
from glyphrender.studio.fields import widget_value
from glyphrender.studio.handlers import SKIP, Handlers
from glyphrender.theta import Theta

__all__ = ["AHEAD", "Sitting", "Typing"]

#: The number of widgets that a keystroke sends: the attributes of `Choices` before `follow`.
AHEAD = 10


class Sitting:
    """The fields of θ of one visitor, as the last event left them, and which request began last.

    Attributes:
        fields: values of the widgets of θ, in the order of `WIDGETS`.

    >>> sitting = Sitting.of(Theta())
    >>> first = sitting.turn("page")
    >>> second = sitting.turn("page")
    >>> first(), second()
    (False, True)
    """

    def __init__(self, fields: Sequence[Any]) -> None:
        self.fields = tuple(fields)
        self._latest: dict[str, object] = {}

    @classmethod
    def of(cls, theta: Theta) -> Sitting:
        """Return the sitting of a visitor whose widgets show `theta`."""
        return cls([widget_value(name, getattr(theta, name)) for name in WIDGETS])

    def turn(self, kind: str) -> Callable[[], bool]:
        """Begin a request, and return a function that says whether it is still the latest of its kind."""
        token = self._latest[kind] = object()
        return lambda: self._latest[kind] is token


class Typing:
    """The handlers of all events that draw and count. Those of a keystroke take the fields from the sitting."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def draw_moved(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return what `Handlers.draw` returns, and leave the fields in the sitting."""
        turn = sitting.turn("page")
        fields = Choices.of(values).followed()[0]
        sitting.fields = tuple(fields[name] for name in WIDGETS)
        page, problems, *others = self._handlers.draw(*values)
        return ((page, problems) if turn() else (SKIP, SKIP)) + tuple(others)

    def draw_typed(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return (page, problems) for the first `AHEAD` widgets and the fields of the sitting."""
        turn = sitting.turn("page")
        found = self._handlers.draw(*_all_widgets(sitting, values))[:2]
        return found if turn() else (SKIP, SKIP)

    def count_moved(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return what `Handlers.count` returns."""
        turn = sitting.turn("figures")
        found = self._handlers.count(*values)
        return found if turn() else (SKIP,) * len(found)

    def count_typed(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return (figures, notices, Python, command). A keystroke leaves θ as it is, and so its JSON too."""
        turn = sitting.turn("figures")
        figures, notices, _, *exports = self._handlers.count(*_all_widgets(sitting, values))
        return (figures, notices, *exports) if turn() else (SKIP,) * 4


def _all_widgets(sitting: Sitting, values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values that the handlers get. The line height of the sitting has already followed the font size."""
    return *values, False, (0.0, 0.0, 0.0), *sitting.fields

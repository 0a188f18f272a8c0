"""The state that the server keeps for a visitor, so that no keystroke sends it again, and the order of the answers.

Gradio looks up each input of an event in its tree of widgets, in the browser and on the server. θ has some seventy
fields, and a keystroke moves none of them. So each event of Gradio leaves the values of its widgets in the visitor's
sitting, and a keystroke sends an edit of the text alone (`live.py`). Several requests of a visitor may run at once, and
their answers may come in any order. So each drawing has a number, its turn, which stands in its HTML: the server sends
no drawing that a later one overtook, and the script of the page shows none below the one that is shown.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, MutableMapping, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Any, Final
from weakref import WeakValueDictionary

from glyphrender.studio.choices import WIDGETS, Choices
from glyphrender.studio.fields import widget_value
from glyphrender.studio.handlers import Handlers
from glyphrender.studio.replies import VIEWS
from glyphrender.studio.widget_updates import SKIP
from glyphrender.theta import Theta

__all__ = ["AHEAD", "Sitting", "Typing", "marked"]

#: The number of widgets that an event sends if it moves no field: the attributes of `Choices` before `follow`.
AHEAD: Final = 10
# `Choices.follow` and `Choices.sizes` for fields among which the line height has already followed.
_FOLLOWED: Final = (False, (0.0, 0.0, 0.0))


class Sitting:
    """The widgets of one visitor, as the last event left them, and which request began last.

    Attributes:
        name: a secret that only the visitor's own page knows.
        fields: values of the widgets of θ, in the order of `WIDGETS`.
        others: values of the other widgets but the text: those of `Choices` before `follow`. None before any event.

    >>> sitting = Sitting.of(Theta())
    >>> first = sitting.turn("page")
    >>> second = sitting.turn("page")
    >>> sitting.is_latest("page", first), sitting.is_latest("page", second)
    (False, True)
    """

    def __init__(self, fields: Sequence[Any], *, among: MutableMapping[str, Sitting] | None = None) -> None:
        self.fields = tuple(fields)
        self.others: tuple[Any, ...] | None = None
        self.name = secrets.token_urlsafe(16)
        self._among, self._lock = among, Lock()
        self._turns, self._latest = 0, dict[str, int]()
        self._drawn: object = None  # the key of the latest drawing
        if among is not None:
            among[self.name] = self

    def __deepcopy__(self, memo: object) -> Sitting:
        """Return the sitting of a new visitor: Gradio copies the first value of a state for each."""
        return Sitting(self.fields, among=self._among)

    @classmethod
    def of(cls, theta: Theta, *, among: MutableMapping[str, Sitting] | None = None) -> Sitting:
        """Return the sitting of a visitor whose widgets show `theta`, and name it in `among`."""
        return cls([widget_value(name, getattr(theta, name)) for name in WIDGETS], among=among)

    def turn(self, kind: str) -> int:
        """Begin a request, and return its number."""
        with self._lock:
            self._turns += 1
            self._latest[kind] = self._turns
            return self._turns

    def is_latest(self, kind: str, turn: int) -> bool:
        """Return whether no later request of this kind has begun."""
        return self._latest[kind] == turn

    def begin(
        self, text: str, *, fields: Sequence[Any] | None = None, others: Sequence[Any] | None = None
    ) -> tuple[int, tuple[Any, ...]]:
        """Begin to draw a page: keep what the event tells, and return the turn and the values of all widgets.

        The line height in `fields` has already followed the font size. So the values that are returned switch this off.

        Raises:
            LookupError: no event has told the other widgets yet.
        """
        with self._lock:
            self.fields = self.fields if fields is None else tuple(fields)
            self.others = self.others if others is None else tuple(others)
            if self.others is None:
                raise LookupError("no event of this visitor has come yet")
            self._turns += 1
            self._latest["page"] = self._turns
            self._drawn = _drawing_key(text, self.others, self.fields)
            return self._turns, (text, *self.others, *_FOLLOWED, *self.fields)

    def shows(self, seen: str, text: str, others: Sequence[Any]) -> bool:
        """Return whether the latest page was drawn of these widgets, and has the mark `seen`."""
        with self._lock:
            mark = f"{self.name}:{self._latest.get('page')}"
            return seen == mark and self._drawn == _drawing_key(text, tuple(others), self.fields)


def _drawing_key(text: str, others: tuple[Any, ...], fields: tuple[Any, ...]) -> object:
    """Return a key that is equal for two drawings of the same widgets. It holds a digest in place of the text."""
    return blake2b((text or "").encode("utf-8", "surrogatepass")).digest(), others, fields


def marked(html: str, sitting: str = "", turn: int = 0) -> str:
    """Return HTML of a drawing with the visitor and the turn that it belongs to, for `live.js`.

    >>> marked("<p>…</p>", "x1", 7)
    '<div data-sitting="x1" data-turn="7"><p>…</p></div>'
    """
    return f'<div data-sitting="{sitting}" data-turn="{turn}">{html}</div>'


class Typing:
    """The handlers of all events that draw and count. Those of a keystroke take the fields from the sitting.

    Attributes:
        sittings: name → sitting of each visitor who is there.
    """

    def __init__(self, handlers: Handlers) -> None:
        self.handlers = handlers
        self.sittings: MutableMapping[str, Sitting] = WeakValueDictionary()

    def draw_moved(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return what `Handlers.draw` returns, and leave the widgets in the sitting."""
        fields = Choices.of(values).followed()[0]
        turn, _ = sitting.begin(values[0], fields=[fields[name] for name in WIDGETS], others=values[1:AHEAD])
        page, problems, *rest = self.handlers.draw(*values)
        return (*self._marked(sitting, turn, page, problems), *rest)

    def draw_kept(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return what `draw_moved` returns if the view compares pages, after a θ was kept. Else nothing is new.

        A page that shows no kept θ is not drawn again: its drawing could overtake that of a view chosen meanwhile.
        """
        return self.draw_moved(sitting, *values) if Choices.of(values).view == VIEWS[2] else (SKIP,) * 4

    def draw_typed(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return (page, problems) for the first `AHEAD` widgets and the fields of the sitting."""
        turn, widgets = sitting.begin(values[0], others=values[1:])
        return self._marked(sitting, turn, *self.handlers.draw(*widgets)[:2])

    def draw_text(self, sitting: Sitting, text: str) -> tuple[str | None, str]:
        """Return (page, problems) of a text; None in place of a page that cannot be drawn.

        Raises:
            LookupError: no event has told the other widgets yet.
        """
        turn, widgets = sitting.begin(text)
        page, problems = self.handlers.draw(*widgets)[:2]
        drawn = None if page is SKIP else marked(page, sitting.name, turn)
        return drawn, marked(problems, sitting.name, turn)

    def count_moved(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return what `Handlers.count` returns, and then the preset as `Handlers.origin` returns it."""
        return self._counted(sitting, lambda: (*self.handlers.count(*values), self.handlers.origin(*values)))

    def count_typed(self, sitting: Sitting, *values: Any) -> tuple[Any, ...]:
        """Return (figures, notices, Python, command). Without a move of a field, θ stays, and so its JSON too."""

        def count() -> tuple[Any, ...]:
            figures, notices, _, *exports = self.handlers.count(*values, *_FOLLOWED, *sitting.fields)
            return figures, notices, *exports

        return self._counted(sitting, count)

    def follow_typed(self, sitting: Sitting, seen: str, *values: Any) -> tuple[Any, ...]:
        """Return (page, problems, figures, notices, Python, command) after the text was changed.

        Args:
            sitting: the visitor's.
            seen: the mark of the page that the visitor sees. If it was drawn of these widgets, none is drawn again.
            values: the first `AHEAD` widgets.
        """
        there = sitting.shows(seen, values[0], values[1:])
        drawn = (SKIP, SKIP) if there else self.draw_typed(sitting, *values)
        return *drawn, *self.count_typed(sitting, *values)

    def _marked(self, sitting: Sitting, turn: int, page: Any, problems: str) -> tuple[Any, ...]:
        """Return (page, problems) with their marks, or nothing new if a later page has begun."""
        if not sitting.is_latest("page", turn):
            return SKIP, SKIP
        drawn = SKIP if page is SKIP else marked(page, sitting.name, turn)
        return drawn, marked(problems, sitting.name, turn)

    def _counted(self, sitting: Sitting, count: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return what `count` returns, or nothing new if a later count has begun."""
        turn = sitting.turn("figures")
        found = count()
        return found if sitting.is_latest("figures", turn) else (SKIP,) * len(found)

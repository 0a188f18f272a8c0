"""The functions behind the events of the widgets: values of widgets → updates of widgets.

A handler gets all widgets that its answer depends on, and returns one value for each widget that it changes. An update
is a dict with the mark "__type__", as `gradio.update` makes it, so this module needs no Gradio either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from glyphrender.errors import DataError, GlyphRenderError
from glyphrender.models.prices import PriceTable, prices
from glyphrender.studio import replies
from glyphrender.studio.cards import notices_html, problems_html
from glyphrender.studio.choices import WIDGETS, Choices
from glyphrender.studio.fields import Problem
from glyphrender.studio.replies import KEPT, VIEWS
from glyphrender.studio.samples import SAMPLES, sample
from glyphrender.studio.source import Source, text_source, uploaded
from glyphrender.studio.state import MOST_MODELS, State
from glyphrender.studio.suited import Suited, suited
from glyphrender.studio.widget_updates import SKIP, field_update, preset_info, theta_updates, update
from glyphrender.text.parts import HEADING
from glyphrender.theta import Theta

__all__ = ["Handlers", "Settings", "held", "shown_text"]

# Most characters of a text that are put into the text box, where they can be changed.
_EDITABLE: Final = 200_000
# Letters of names that are compared; Gradio cuts long ones.
_COMPARED: Final = 20
# Characters of a longer text, or of a folder, that the text box shows.
_PREVIEW: Final = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The decisions of the person who starts the studio.

    Attributes:
        state: what a visitor without a link sees first.
        source: the text that is shown at first; by default that of `state`, or else a sample.
        font_files: whether visitors may name fonts by the path of a file of this machine.
        table: the known prices.
        most_bytes: most bytes of an upload.
    """

    state: State = field(default_factory=State)
    source: Source | None = None
    font_files: bool = False
    table: PriceTable = field(default_factory=prices)
    most_bytes: int = 20_000_000

    @property
    def first_source(self) -> Source:
        """Return the text that is shown at first."""
        if self.source is not None:
            return self.source
        return text_source(self.state.text, name=self.state.name) if self.state.text else sample("Prose")


class Handlers:
    """The functions that answer events. They keep nothing: all that an answer depends on is passed to them.

    `sitting.Typing` calls `draw` and `count`, for keystrokes too, which do not send the fields.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def draw(self, *values: Any) -> tuple[Any, ...]:
        """Return (page, problems, line height, sizes)."""
        got = Choices.of(values)
        values_now, sizes = got.followed()
        height = field_update("line_height", sizes[1]) if values_now is not got.fields else SKIP
        theta, wrong = self._theta(values_now)
        if theta is None:
            return SKIP, problems_html(wrong), height, sizes
        found = replies.drawn(
            got.source,
            theta,
            models=got.models,
            number=got.number,
            view=got.view,
            other=got.other,
            against=got.against,
        )
        return SKIP if found.html is None else found.html, found.problems, height, sizes

    def count(self, *values: Any) -> tuple[Any, ...]:
        """Return (figures, notices, JSON, Python, command)."""
        got = Choices.of(values)
        theta, _ = self._theta(got.followed()[0])
        if theta is None:
            return (SKIP,) * 5
        own, wrong = replies.prices_read(got.prices)
        found = replies.counted(
            got.source,
            theta,
            models=got.models,
            table=self.settings.table,
            prices=own,
            preset=got.preset,
            page=got.number,
        )
        notices = found.notices + notices_html(wrong)
        answers = (found.figures, notices, found.theta_json, found.python, found.command)
        return tuple(SKIP if each is None else each for each in answers)

    def origin(self, *values: Any) -> Any:
        """Return the preset with a line below it that says which fields differ from it."""
        got = Choices.of(values)
        theta, _ = self._theta(got.followed()[0])
        return SKIP if theta is None else update(info=preset_info(theta, got.preset))

    def models(self, models: Sequence[str] | None, lines: str) -> tuple[Any, ...]:
        """Return (prices, what a page can be compared with) after other models were chosen."""
        own, _ = replies.prices_read(lines)
        chosen = [str(name) for name in models or ()][:MOST_MODELS]
        kept = {name: price for name, price in own.items() if name in chosen}
        return replies.price_lines(chosen, self.settings.table, kept), update(choices=[KEPT, *chosen])

    def view(self, view: str) -> Any:
        """Return whether the choice of what to compare with is shown."""
        return update(visible=view == VIEWS[2])

    def preset(self, preset: str) -> tuple[Any, ...]:
        """Return (sizes, fields…) of a preset."""
        try:
            return theta_updates(Theta.of(preset or None))
        except GlyphRenderError:  # a name that no widget offers
            return (SKIP,) * (1 + len(WIDGETS))

    def open(self, files: Any, inside: str = "") -> tuple[Any, ...]:
        """Return (text, held, name, what to tell, page) for files that were opened or dropped.

        Args:
            files: the places of the uploads, which end with the names of the files.
            inside: the path of each file inside the folder that was opened, in lines.
        """
        paths = [Path(str(each)) for each in (files if isinstance(files, list) else [files]) if each]
        try:
            total = sum(path.stat().st_size for path in paths)
            if total > self.settings.most_bytes:
                raise DataError(
                    f"the files have {total / 1e6:.0f} MB; the studio takes {self.settings.most_bytes / 1e6:.0f}. "
                    "Open fewer of them, or use the command line."
                )
            names = _names(paths, (inside or "").split("\n"))
            source = uploaded((name, path.read_bytes()) for name, path in zip(names, paths, strict=True))
        except OSError as error:  # uploads are deleted after an hour
            gone = f"The files cannot be read ({error.strerror}). Drop them again."
            return SKIP, SKIP, SKIP, notices_html([gone]), SKIP
        except GlyphRenderError as error:
            return SKIP, SKIP, SKIP, notices_html([str(error)]), SKIP
        return _given(source)

    def clear(self) -> tuple[Any, ...]:
        """Return (text, held, name, what to tell, page, dropped files) of an empty studio."""
        return (*_given(Source()), None)

    def sample(self, title: str) -> tuple[Any, ...]:
        """Return (text, held, name, what to tell, page, the choice itself, preset, sizes, fields…) of a sample."""
        if title not in tuple(SAMPLES):
            return (SKIP,) * (8 + len(WIDGETS))
        preset = SAMPLES[title][1]
        return (*_given(sample(title)), "", preset, *theta_updates(Theta.preset(preset)))

    def offer(self, name: str, held: Source | None) -> dict[str, Any]:
        """Return the button that offers what suits the file of this name, or the folder that is held."""
        found = _suited(held or Source(name=name or ""))
        return update(visible=found is not None, value=found.label if found else "")

    def suit(self, *values: Any) -> tuple[Any, ...]:
        """Return (the button, preset, sizes, fields…) of what suits the file."""
        got = Choices.of(values)
        theta, _ = self._theta(got.fields)
        found = _suited(got.source)
        if found is None:
            return (SKIP,) * (3 + len(WIDGETS))
        preset = found.preset or got.preset
        theta = found.applied(theta or Theta.of(preset or None))
        return update(visible=False), preset, *theta_updates(theta)

    def keep(self, *values: Any) -> tuple[Any, ...]:
        """Return (the θ to compare with, the button)."""
        theta, _ = self._theta(Choices.of(values).fields)
        return (SKIP, SKIP) if theta is None else (theta, update(value="Kept. Keep this one instead"))

    def read(self, *values: Any) -> str:
        """Return what an OCR program reads."""
        got = Choices.of(values)
        theta, wrong = self._theta(got.fields)
        if theta is None:
            return problems_html(wrong, lead="The page was not read.")
        return replies.recognized(got.source, theta, model=got.models[0] if got.models else None, number=got.number)

    def fit(self, target: str, goal: float | None, least: float | None, *values: Any) -> tuple[Any, ...]:
        """Return (answer, preset, sizes, fields…) that meet a target."""
        got = Choices.of(values)
        theta, wrong = self._theta(got.fields)
        if theta is None:
            return _solved(None, problems_html(wrong, lead="There is no answer."), "")
        found, html = replies.fitted(got.source, theta, model=got.model, target=target, value=goal, least_pixels=least)
        return _solved(found, html, got.preset)

    def propose(self, target: str, goal: float | None, least: float | None, *values: Any) -> tuple[Any, ...]:
        """Return (answer, preset, sizes, fields…) that are proposed."""
        got = Choices.of(values)
        found, html = replies.proposed(got.source, model=got.model, least_pixels=least)
        return _solved(found, html, "")

    def use(self, text: str) -> tuple[Any, ...]:
        """Return (problems, preset, sizes, fields…) of JSON that was pasted."""
        theta, html = replies.theta_from_json(text or "", font_files=self.settings.font_files)
        return _solved(theta, html, "")

    def share(self, address: str, *values: Any) -> str:
        """Return a link that restores the state. `address` is that of the page that the visitor sees."""
        got = Choices.of(values)
        theta, wrong = self._theta(got.fields)
        if theta is None:
            return "; ".join(each.message for each in wrong)
        own, _ = replies.prices_read(got.prices)
        known = {name: price for name, price in own.items() if self._differs(name, price)}
        held = got.held
        state = State(
            text="" if held is not None else got.text,
            name=got.name,
            preset=got.preset,
            theta=theta,
            other=got.other,
            models=got.models,
            prices=known,
            page=got.number,
            lost=None if held is None else (held.digest, sum(len(t) for _, t in held.files) or len(held.text)),
        )
        try:
            place = urlsplit(address)
        except ValueError:  # no browser sends such an address
            place = urlsplit("")
        return urlunsplit((place.scheme, place.netloc, place.path, state.to_query(), ""))

    def restore(self, query: Sequence[tuple[str, str]]) -> tuple[Any, ...]:
        """Return (text, held, name, preset, models, prices, page, other, sizes, fields…, what to tell) for a link.

        Without a query, nothing changes: the widgets have their first values.
        """
        nothing = (SKIP,) * (9 + len(WIDGETS))
        try:
            known = [(name, value) for name, value in query if not name.startswith("__")]  # those are Gradio's own
            if not known:
                return (*nothing, SKIP)
            state = replies.allowed(State.from_query(known), font_files=self.settings.font_files)
        except GlyphRenderError as error:
            return (*nothing, notices_html([f"This link could not be restored: {error}"]))
        source = text_source(state.text, name=state.name)
        text = _given(source)[:2] if state.text else (SKIP, SKIP)
        told: tuple[str, ...] = ()
        if state.lost is not None:
            told = (
                f"The link was made with a text of {state.lost[1]:,} characters, which is too long for a link. "
                f"Open {state.name or 'it'} again: its digest begins with {state.lost[0][:8]}.",
            )
        lines = replies.price_lines(state.models, self.settings.table, state.prices)
        return (
            *text,
            state.name if state.text else SKIP,
            state.preset,
            update(value=list(state.models)),
            lines,
            state.page,
            state.other,
            *theta_updates(state.theta),
            notices_html(told),
        )

    def first(self) -> tuple[replies.DrawnPage, replies.Counted]:
        """Return the page and the figures that stand there before any event."""
        state, source = self.settings.state, self.settings.first_source
        found = replies.drawn(source, state.theta, models=state.models, number=state.page)
        figures = replies.counted(
            source,
            state.theta,
            models=state.models,
            table=self.settings.table,
            prices=state.prices,
            preset=state.preset,
            page=state.page,
        )
        return found, figures

    def _theta(self, values: Mapping[str, Any]) -> tuple[Theta | None, tuple[Problem, ...]]:
        return replies.checked_theta(values, font_files=self.settings.font_files)

    def _differs(self, name: str, price: tuple[float, float]) -> bool:
        """Return whether a price is the visitor's own."""
        known = replies.prices_read(replies.price_lines([name], self.settings.table))[0]
        return known.get(name) != price


def held(source: Source) -> Source | None:
    """Return `source` if it cannot be changed in the text box: a folder, or a long text. Else None."""
    return source if source.files or len(source.text) > _EDITABLE else None


def shown_text(source: Source) -> str:
    """Return what the text box shows: all that can be changed, or else the beginning."""
    text = source.text or "\n".join(f"{HEADING.replace('{path}', name)}\n{text}" for name, text in source.files)
    return text if held(source) is None else text[:_PREVIEW]


def _given(source: Source) -> tuple[Any, ...]:
    """Return (text, held, name, what to tell of this event, page) for a new text.

    What the studio has to tell of the text itself stands among the figures, which are counted next.
    """
    kept = held(source)
    label = "Text" if kept is None else f"{source.name or 'A long text'}: the beginning. To type, clear it first"
    box = update(value=shown_text(source), interactive=kept is None, label=label)
    return box, kept, source.name, "", 1


def _names(uploads: Sequence[Path], inside: Sequence[str]) -> list[str]:
    """Return a name for each upload: its path inside its folder, if the browser told one for each of these files.

    Gradio leaves letters out of names that a file system may refuse, so letters and digits alone are compared.

    >>> _names([Path("/tmp/x1/a.py"), Path("/tmp/x2/a.py")], ["one/a.py", "two/a.py"])
    ['one/a.py', 'two/a.py']
    >>> _names([Path("/tmp/x1/a.py")], ["one/b.py"])
    ['a.py']
    """

    def letters(name: str) -> str:
        return "".join(filter(str.isalnum, name.rpartition("/")[2]))[:_COMPARED]

    names = [path.name for path in uploads]
    told = len(names) == len(inside) and all(map(str.__eq__, map(letters, names), map(letters, inside)))
    return list(inside) if told else names


def _solved(theta: Theta | None, html: str, preset: str) -> tuple[Any, ...]:
    if theta is None:
        return (html, *(SKIP,) * (2 + len(WIDGETS)))
    return html, preset, *theta_updates(theta)


def _suited(source: Source) -> Suited | None:
    try:
        return suited(source)
    except GlyphRenderError:  # the extra markup is not installed
        return None

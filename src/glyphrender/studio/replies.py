"""The answers to each action of a visitor, as plain functions: values of widgets → HTML and values.

`app.py` wires these functions to Gradio's widgets. Nothing here knows Gradio, and nothing keeps a visitor's text: all
that an answer depends on is an argument.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.document.page import Page
from glyphrender.errors import DataError, GlyphRenderError, ThetaError
from glyphrender.fonts.library import is_path
from glyphrender.models.prices import PriceTable
from glyphrender.ratio.fit import fit
from glyphrender.ratio.propose import propose
from glyphrender.studio.cards import figures_html, fit_html, notices_html, problems_html, proposal_html
from glyphrender.studio.drawing import page_of, problem_list
from glyphrender.studio.exports import command_line, python_line
from glyphrender.studio.fields import Problem, theta_of
from glyphrender.studio.figures import figures, price_of
from glyphrender.studio.page_view import Picture, page_view, wipe
from glyphrender.studio.source import Source
from glyphrender.studio.state import DEFAULT_MODELS, MOST_MODELS, State
from glyphrender.theta import Theta

__all__ = [
    "KEPT",
    "VIEWS",
    "Counted",
    "DrawnPage",
    "allowed",
    "checked_theta",
    "counted",
    "drawn",
    "first_model",
    "fitted",
    "price_lines",
    "prices_read",
    "proposed",
    "recognized",
    "theta_from_json",
]

#: The ways to look at a page.
VIEWS: Final = ("Page", "As the model sees it", "Compare")
#: What a page is compared with, if it is not a model.
KEPT: Final = "the θ that you kept"
# What stands above the problems of a JSON.
_NOT_USED: Final = "The JSON is not used."
#: The selector of the text box, for words that are clicked on the page.
_EDITOR: Final = "#studio-text textarea"


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnPage:
    """A page, or why there is none.

    Attributes:
        html: the view of the page; None keeps the one before.
        problems: HTML of what is wrong; "" if nothing is.
    """

    html: str | None
    problems: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """The figures of the whole text, and θ in the forms that a visitor can copy.

    Attributes:
        figures: HTML of the figures; None keeps those before.
        notices: HTML of what a visitor should know of the text.
        theta_json, python, command: θ as JSON, as Python and as a command; None keeps those before.
    """

    figures: str | None
    notices: str = ""
    theta_json: str | None = None
    python: str | None = None
    command: str | None = None


def checked_theta(values: Mapping[str, Any], *, font_files: bool) -> tuple[Theta | None, tuple[Problem, ...]]:
    """Return the θ of the values of widgets, or None and what is wrong.

    Args:
        values: field → value of its widget.
        font_files: whether fonts may be named by the path of a file. A server for strangers must not open paths.

    >>> checked_theta({"font": "/etc/passwd"}, font_files=False)[1][0].field
    'font'
    """
    if not font_files and (problem := _font_file(values)):
        return None, (problem,)
    return theta_of(values)


def drawn(
    source: Source,
    theta: Theta,
    *,
    models: Sequence[str] = (),
    number: int = 1,
    view: str = VIEWS[0],
    other: Theta | None = None,
    against: str = KEPT,
) -> DrawnPage:
    """Return the view of one page. Only the pages up to this one are laid out, and only this one is drawn.

    Args:
        source: the text, folder or chat.
        theta: the rendering parameters.
        models: names of the chosen models; the first one sees the page.
        number: the number of the page.
        view: one of `VIEWS`.
        other: the θ that was kept for comparison, or None.
        against: `KEPT`, or the name of a model, for the view "Compare".
    """
    try:
        page = page_of(source, theta, number)
        if page is None:
            return DrawnPage(html='<p class="gs-empty">Type or paste a text, drop a file, or choose a sample.</p>')
        if view == VIEWS[1]:
            from glyphrender.studio.seen import seen

            found = seen(page, first_model(models))
            html = notices_html([found.note]) + page_view(page, key="page", picture=found.picture, editor=_EDITOR)
        elif view == VIEWS[2]:
            html = _comparison(source, page, models, other, against)
        else:
            html = page_view(page, key="page", editor=_EDITOR)
    except GlyphRenderError as error:
        return DrawnPage(html=None, problems=problems_html(problem_list(error, theta)))
    return DrawnPage(html=html)


def counted(
    source: Source,
    theta: Theta,
    *,
    models: Sequence[str],
    table: PriceTable,
    prices: Mapping[str, tuple[float, float]],
    preset: str = "",
    page: int = 1,
) -> Counted:
    """Return the figures of the whole text for several models, and θ to copy. Nothing is drawn."""
    as_json = theta.to_json()
    python, command = python_line(source, theta, preset=preset), command_line(source, theta, preset=preset)
    try:
        document = source.document(theta)
        found = figures(document, tuple(models)[:MOST_MODELS], table=table, prices=prices)
        pages = len(document)
    except GlyphRenderError as error:
        told = notices_html([*source.notices, str(error)])
        return Counted(figures=None, notices=told, theta_json=as_json, python=python, command=command)
    notices = list(source.notices)
    if pages and page > pages:
        notices.append(f"The text has {pages:,} page{'s'[: pages != 1]}. The last one is shown.")
    return Counted(
        figures=figures_html(found),
        notices=notices_html(notices),
        theta_json=as_json,
        python=python,
        command=command,
    )


def fitted(
    source: Source, theta: Theta, *, model: str, target: str, value: float | None, least_pixels: float | None
) -> tuple[Theta | None, str]:
    """Return the θ that meets a target, and HTML that says how; None in place of θ if there is none.

    Args:
        source: the text, folder or chat.
        theta: the rendering parameters; `font_size` and `line_height` are solved for.
        model: the name of the model.
        target: "rho", "visual_tokens" or "pages".
        value: the least ρ, or the most tokens or pages.
        least_pixels: the smallest type, in pixels as the model sees it; None for no limit.
    """
    try:
        if target not in ("rho", "visual_tokens", "pages"):
            raise DataError(f"target={target} is not known. Use rho, visual_tokens or pages.")
        whole = target != "rho" and isinstance(value, float) and math.isfinite(value)
        goal = {target: int(value) if whole else value}  # type: ignore[arg-type]
        document = source.document(theta)
        found = fit(
            document.rich or document.text,
            theta=theta,
            model=model,
            min_font_pixels=least_pixels or 0.0,
            **goal,  # type: ignore[arg-type]
        )
    except GlyphRenderError as error:
        return None, problems_html(problem_list(error, theta), lead="There is no answer.")
    return found.theta, fit_html(found)


def proposed(source: Source, *, model: str, least_pixels: float | None) -> tuple[Theta | None, str]:
    """Return the θ under which the text costs least for a model, and HTML with the reason."""
    try:
        found = propose(source.document(Theta()).text, model=model, min_font_pixels=least_pixels or 0.5)
    except GlyphRenderError as error:
        return None, problems_html(problem_list(error), lead="There is no answer.")
    return found.theta, proposal_html(found)


def recognized(source: Source, theta: Theta, *, model: str | None, number: int = 1) -> str:
    """Return what an OCR program reads on a page, with the differences from the source marked, as HTML."""
    from glyphrender.studio.reading import read_page

    try:
        page = page_of(source, theta, number)
        if page is None:
            return notices_html(["There is no page to read."])
        return read_page(page, model=model).html
    except GlyphRenderError as error:
        return problems_html(problem_list(error, theta), lead="The page was not read.")


def price_lines(
    models: Sequence[str], table: PriceTable, prices: Mapping[str, tuple[float, float]] | None = None
) -> str:
    """Return the prices of models as lines to edit: `model = prompt, images  # date`.

    >>> from glyphrender.models.prices import prices
    >>> price_lines(["claude-opus-5", "qwen3-vl"], prices())
    'claude-opus-5 = 5, 5  # read 2026-10\\nqwen3-vl ='
    """
    lines = []
    for name in models:
        price = price_of(name, table, prices or {})
        if price is None:
            lines.append(f"{name} =")
            continue
        image = price.rates.input if price.rates.image_input is None else price.rates.image_input
        note = f"read {price.date}" if price.source != "yours" else "yours"
        lines.append(f"{name} = {price.rates.input:g}, {image:g}  # {note}")
    return "\n".join(lines)


def prices_read(lines: str) -> tuple[dict[str, tuple[float, float]], tuple[str, ...]]:
    """Return model → (prompt, images), from lines as `price_lines` writes them, and what is wrong in words.

    >>> prices_read("qwen3-vl = 0.2\\ngpt-5.4 = x")
    ({'qwen3-vl': (0.2, 0.2)}, ('gpt-5.4 = x: write the dollars for a million tokens, as 5 or 5, 2.',))
    """
    found: dict[str, tuple[float, float]] = {}
    wrong = []
    for line in lines.splitlines()[: 4 * MOST_MODELS]:
        name, equals, rest = line.partition("#")[0].partition("=")
        if not equals or not rest.strip():
            continue
        numbers = rest.split(",")
        try:
            prompt, image = (float(each) for each in (numbers if len(numbers) > 1 else numbers * 2))
            if not (0 <= prompt < 1e6 and 0 <= image < 1e6):
                raise ValueError
        except ValueError:
            wrong.append(f"{line.strip()[:80]}: write the dollars for a million tokens, as 5 or 5, 2.")
            continue
        found[name.strip()] = (prompt, image)
    return found, tuple(wrong)


def theta_from_json(text: str, *, font_files: bool) -> tuple[Theta | None, str]:
    """Return the θ of JSON, ours or Glyph's, and HTML of what is wrong with it."""
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise DataError(f"the JSON is {type(values).__name__}, not an object of fields. Paste an export of θ.")
        if not font_files and (problem := _font_file(values)):
            return None, problems_html([problem], lead=_NOT_USED)
        return Theta.load(values), ""
    except GlyphRenderError as error:
        problems = problem_list(error)
    except (ValueError, RecursionError) as error:
        problems = (Problem(field="", message=f"This is no JSON ({error}). Paste an export of θ."),)
    return None, problems_html(problems, lead=_NOT_USED)


def allowed(state: State, *, font_files: bool) -> State:
    """Return a state from a link, if it names no file of this machine.

    Raises:
        ThetaError: a θ of it names a font file, and the studio opens none.
    """
    for theta in (state.theta, state.other):
        if theta is not None and not font_files and (problem := _font_file(theta.fields())):
            raise ThetaError(problem.message, field=problem.field)
    return state


def _font_file(values: Mapping[str, Any]) -> Problem | None:
    """Return a problem if a font is named by a path."""
    for name in ("font", "fallback", "font-path"):
        value = values.get(name, "")
        texts = value if isinstance(value, list | tuple) else str(value).split(",")
        if any("\\" in str(text) or is_path(str(text).strip()) for text in texts):
            message = f"{name} names a file, and this studio opens no files. Use the name of a family."
            return Problem(field=name if name != "font-path" else "font", message=message)
    return None


def first_model(models: Sequence[str]) -> str:
    """Return the model that sees the page: the first one that is chosen."""
    return models[0] if models else DEFAULT_MODELS[0]


def _comparison(source: Source, page: Page, models: Sequence[str], other: Theta | None, against: str) -> str:
    """Return a wipe between the page and the page of another θ, or what another model sees of it."""
    if against != KEPT:
        from glyphrender.studio.seen import seen

        left, right = seen(page, first_model(models)), seen(page, against)
        return notices_html([left.note, right.note]) + wipe(left.picture, right.picture, key="wipe")
    if other is None:
        return notices_html(["Keep a θ first: “Keep this θ to compare”. Then move a field, and wipe between the two."])
    kept = page_of(source, other, page.number)
    assert kept is not None  # there is a text
    note = notices_html([_difference(page.theta, other)])
    return note + wipe(Picture.of(kept, label="kept"), Picture.of(page, label="now"), key="wipe")


def _difference(theta: Theta, other: Theta) -> str:
    changes = [f"{name} {there} → {here}" for name, (here, there) in theta.diff(other).items()]
    if not changes:
        return "The two θ are the same. Move a field."
    return f"Kept → now: {', '.join(changes[:8])}{', …' if len(changes) > 8 else ''}."

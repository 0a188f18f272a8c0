"""The report of a search, for people: the front as a table, the plot, and one HTML page with the pixels themselves.

The page needs no other file, and its Content-Security-Policy lets it load none. Its crops show the same words under
each θ, so that a reader can compare the numbers with the pixels.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from glyphrender._system.atomic_write import check_replaceable, write_atomically
from glyphrender._system.seal import is_sealed, sealed
from glyphrender.document.layout import layout
from glyphrender.document.report import filled
from glyphrender.errors import DataError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ocr.legibility import seen_image
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.journal import read_candidates, read_lines
from glyphrender.search.plot import Baseline, front_plot
from glyphrender.search.result import ErrorSource, SearchResult, conclude
from glyphrender.theta import Theta, ThetaLike

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "REPORT_FILES",
    "check_report",
    "front_table",
    "journal_result",
    "prior_cells",
    "report_page",
    "seen_crop",
    "write_report",
]

REPORT_FILES: Final = ("front.svg", "front.md", "report.html")
"""The files of a report."""

# Width and height of a crop, in pixels. A crop is shown once as it is and once three times as large: 660 px, so that
# two fit side by side.
CROP: Final = (220, 72)
ENLARGED: Final = 3
# Largest number of cards, because nobody compares 30. They are spread evenly over a front.
_MOST_CARDS: Final = 12
# Hex digits of a digest that are shown, enough to tell any two θ of a search apart.
_DIGEST: Final = 10
# How far into the text the crops are: past titles and contents lists.
_PLACE: Final = 4_000
_COLUMNS: Final = ("θ", "ρ", "wrong", "95% interval", "type", "page", "samples", "identifiers exact", "most confused")
# Columns for fronts that were read without language priors too.
_PRIOR_COLUMNS: Final = ("without priors", "prior's share")
_NUMBERS: Final = ("ρ", "wrong", "samples", "without priors")


def write_report(
    folder: str | os.PathLike[str],
    result: SearchResult,
    *,
    winner: Candidate,
    text: str,
    model: str | VisionModel,
    baselines: Sequence[Baseline] = (),
    title: str = "Search over θ",
    note: str = "",
) -> None:
    """Write `report.html`, `front.svg` and `front.md` into `folder`; the arguments are those of `report_page`.

    Earlier files are replaced if nobody has changed them since.

    Raises:
        DataError: a file cannot be written or replaced, or the front is empty.
    """
    page = report_page(result, winner=winner, text=text, model=model, baselines=baselines, title=title, note=note)
    place = Path(folder)
    plot = front_plot(result.candidates, result.front, winner=winner, baselines=baselines)
    table = front_table(result.front, winner=winner, baselines=baselines)
    caveat = result.error_source.caveat
    table = f"**{caveat}**\n\n{table}" if caveat else table
    check_report(place)
    for name, content in zip(REPORT_FILES, (plot, table, page), strict=True):
        write_atomically(place / name, sealed(content), replaces=is_sealed)


def check_report(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder with files that `write_report` would have to replace and did not write.

    Raises:
        DataError: there is such a file.
    """
    for name in REPORT_FILES:
        check_replaceable(Path(folder) / name, is_sealed)


def journal_result(path: str | os.PathLike[str]) -> SearchResult:
    """Return the result in the journal of a search, which may still be under way; see its `error_source`.

    Raises:
        DataError: the file cannot be read, or is no journal.
    """
    lines = list(read_lines(path))
    if not lines:
        raise DataError(f"{path} is empty. Name the journal of a search.", path=path)
    evaluations = [line for line in lines if line["kind"] == "evaluation"]
    seed, max_error = lines[0]["seed"], lines[0]["max_error"]
    largest = max((line["samples"] for line in evaluations if line["seed"] == seed), default=0)
    again = {line["step"] for line in evaluations if line["seed"] == seed + 1}
    candidates, before = read_candidates(path), read_candidates(path, seed=seed)
    searched = [each for each in before if each.evaluation is not None and each.evaluation.samples >= largest]
    front, error_source = conclude(searched, [each for each in candidates if each.step in again], max_error)
    return SearchResult(
        candidates=tuple(before if error_source is ErrorSource.SEARCH else candidates),
        front=tuple(front),
        error_source=error_source,
        hypervolumes=tuple(line["hypervolume"] for line in lines if line["kind"] == "round"),
        evaluations=len(evaluations),
        samples=sum(line["samples"] for line in evaluations),
        seconds=max((line["elapsed"] for line in evaluations), default=0.0),
        stopped="journal",
    )


def front_table(
    front: Sequence[Candidate], *, winner: Candidate | None = None, baselines: Sequence[Baseline] = ()
) -> str:
    """Return the front as a Markdown table, by ρ; the winner has a star, and baselines follow."""
    columns = _columns(front)
    rows = [_markdown(_cells(each)[: len(columns)], star=each is winner) for each in _by_rho(front)]
    rows += [_markdown(_baseline_cells(each)[: len(columns)]) for each in baselines]
    lines = [" | ".join(columns), " | ".join("---:" if name in _NUMBERS else "---" for name in columns), *rows]
    return "".join(f"| {line} |\n" for line in lines)


def _columns(front: Sequence[Candidate]) -> tuple[str, ...]:
    """Return the headings of a front. Columns of the prior come last, and only if it was measured."""
    measured = any(each.evaluation is not None and "prior" in each.evaluation.details for each in front)
    return _COLUMNS + _PRIOR_COLUMNS if measured else _COLUMNS


def _markdown(cells: Sequence[str], *, star: bool = False) -> str:
    # Confusions contain | and `, because readers take I and ' for them. Neither may end a cell or begin code.
    plain = [cell.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`") for cell in cells]
    return ("★ " if star else "") + " | ".join(plain)


def report_page(
    result: SearchResult,
    *,
    winner: Candidate,
    text: str,
    model: str | VisionModel,
    baselines: Sequence[Baseline] = (),
    title: str = "Search over θ",
    note: str = "",
) -> str:
    """Return the HTML of a report.

    Args:
        result: result of a search, or of its journal.
        winner: the candidate of the front that the search gives back.
        text: the text; crops show one place of it.
        model: a name in `VISION_MODELS`, or a model; crops have the pixels that it sees.
        baselines: other pages, for the plot and the table.
        title: title of the page.
        note: a description of what was searched; the cost of the search follows the note.

    Raises:
        DataError: the front is empty.
        VisionModelError: there is no model of that name.
    """
    front = result.front
    if not front:
        raise DataError("the front is empty: no candidate was evaluated. Allow more steps, or a larger budget.")
    model = vision_model(model)
    cards = [_card(each, text, model, won=each.digest == winner.digest) for each in _spread(_by_rho(front), winner)]
    values = {
        "title": escape(title),
        "note": escape(f"{note} {_cost(result)}".strip()),
        "standing": f"<p class=standing>{escape(result.error_source.caveat)}</p>" if result.error_source.caveat else "",
        "plot": front_plot(result.candidates, front, winner=winner, baselines=baselines),
        "table": _html_table(front, winner, baselines),
        "winner": f"<section>{_json_block(winner.theta)}</section>",
        "cards": "\n".join(cards),
    }
    page = (files(__package__) / "report.html").read_text(encoding="utf-8")
    return filled(page, values)


def seen_crop(text: str, theta: ThetaLike, model: str | VisionModel, *, size: tuple[int, int] = CROP) -> Image:
    """Return the pixels that a model sees of one place of `text`; crops of every θ begin with the same words.

    The place is the start of a paragraph if one begins nearby, since that is the start of a line under any θ.

    Args:
        text: the text.
        theta: the rendering parameters.
        model: a name in `VISION_MODELS`, or a model.
        size: width and height of the crop in pixels; less where the page ends.
    """
    model = vision_model(model)
    place = _place(text)
    for page in layout(text, theta):
        if page.span[1] > place:
            break
    image = seen_image(page, model)
    wide, high = (seen / drawn for seen, drawn in zip(image.size, page.size, strict=True))
    line = next((line for line in page.lines if line.end > place), page.lines[-1] if page.lines else None)
    word = next((word for word in page.words if word.end > place), None)
    left, top = (0.0, 0.0) if line is None else (word.box[0] if word else line.box[0], line.box[1])
    x = max(min(int(left * wide) - 3, image.width - size[0]), 0)
    y = max(min(int(top * high) - 1, image.height - size[1]), 0)
    return image.crop((x, y, min(x + size[0], image.width), min(y + size[1], image.height)))


def _place(text: str) -> int:
    about = min(_PLACE, len(text) // 3)
    for mark in ("\n\n", "\n"):  # a text in lines of 70 characters has empty lines between its paragraphs
        end = text.find(mark, about, about + _PLACE)
        if end >= 0 and (rest := text[end:].lstrip()):
            return len(text) - len(rest)
    return text.rfind(" ", 0, about) + 1


def _cost(result: SearchResult) -> str:
    read = sum(each.evaluation is not None for each in result.candidates)
    rounds = max(each.round for each in result.candidates)
    return (
        f"{len(result.candidates):,} θ in {rounds} rounds, {read:,} of them read; "
        f"{result.evaluations:,} evaluations of {result.samples:,} samples, {result.seconds / 60:,.0f} minutes."
    )


def _by_rho(front: Sequence[Candidate]) -> list[Candidate]:
    return sorted(front, key=lambda each: each.rho)


def _spread(front: Sequence[Candidate], winner: Candidate) -> list[Candidate]:
    """Return all of a short front; if it is long, its ends, the winner, and others at even distances."""
    if len(front) <= _MOST_CARDS:
        return list(front)
    chosen = {round(card * (len(front) - 1) / (_MOST_CARDS - 1)) for card in range(_MOST_CARDS)}
    return [each for index, each in enumerate(front) if index in chosen or each.digest == winner.digest]


def _cells(each: Candidate) -> list[str]:
    theta = each.theta
    leading = f"{theta.font} {theta.font_size:g}/{theta.line_height:g} pt"
    kind = " ".join(filter(None, [leading, _weight(theta), "italic" if theta.font_italic else ""]))
    pixels = " × ".join(f"{round(side * theta.dpi / 72)}" for side in theta.page_size)
    page = f"{pixels} px" + (f", {theta.columns} columns" if theta.columns > 1 else "")
    found = each.evaluation
    return [each.digest[:_DIGEST], f"{each.rho:.2f}", *_rates(found), kind, page, *_reading_cells(found)]


def _weight(theta: Theta) -> str:
    return f"weight {theta.font_weight}" if theta.font_weight != 400 else ""


def _baseline_cells(each: Baseline) -> list[str]:
    return [each.name, f"{each.rho:.2f}", *_rates(each.evaluation), "", "", *_reading_cells(each.evaluation)]


def _rates(found: Evaluation | None) -> list[str]:
    if found is None:
        return ["", ""]
    return [f"{found.error:.2%}", f"[{found.low:.2%}, {found.high:.2%}]"]


def _reading_cells(found: Evaluation | None) -> list[str]:
    """Return the cells of samples, identifiers, confusions and priors."""
    if found is None:
        return ["", "", "", "", ""]
    names: Any = found.details.get("identifiers") or {}
    exact = f"{names['exact']} of {names['of']}" if {"exact", "of"} <= set(names) else ""
    return [str(found.samples), exact, _confused(found), *prior_cells(found)]


def prior_cells(found: Evaluation) -> list[str]:
    """Return the error without language priors and the prior's share of an evaluation, as text; see `with_priors`.

    >>> prior = {"text": "letters", "error": 0.086, "share": [0.85, 0.8, 0.89]}
    >>> prior_cells(Evaluation(error=0.013, low=0.01, high=0.02, samples=20, details={"prior": prior}))
    ['8.60% letters', '85% [80%, 89%]']
    """
    prior: Any = found.details.get("prior")
    if not prior:
        return ["", ""]
    share = "" if prior["share"] is None else "{:.0%} [{:.0%}, {:.0%}]".format(*prior["share"])
    return [f"{prior['error']:.2%} {prior['text']}", share]


def _confused(found: Evaluation, most: int = 4) -> str:
    pairs = list(found.details.get("confusions") or [])[:most]
    return ", ".join(f"{true or '∅'}→{read or '∅'} {count}" for true, read, count in pairs)


def _html_table(front: Sequence[Candidate], winner: Candidate, baselines: Sequence[Baseline]) -> str:
    shown = {each.digest for each in _spread(_by_rho(front), winner)}
    columns = _columns(front)

    def row(cells: Sequence[str], kind: str = "", link: str = "") -> str:
        inner = [escape(cell) for cell in cells]
        if link:
            inner[0] = f'<a href="#{link}">{inner[0]}</a>'
        tags = [f"<td{_number(name)}>{cell}</td>" for name, cell in zip(columns, inner, strict=False)]
        return f"<tr{f' class={kind}' if kind else ''}>{''.join(tags)}</tr>"

    rows = [
        row(
            _cells(each),
            "winner" if each.digest == winner.digest else "",
            each.digest[:_DIGEST] if each.digest in shown else "",
        )
        for each in _by_rho(front)
    ]
    rows += [row(_baseline_cells(each), "other") for each in baselines]
    head = "".join(f"<th{_number(name)}>{name}</th>" for name in columns)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _number(column: str) -> str:
    return " class=n" if column in _NUMBERS else ""


def _card(each: Candidate, text: str, model: VisionModel, *, won: bool) -> str:
    """Return the HTML of one θ: its figures, its pixels twice, what was confused, and its JSON."""
    crop = seen_crop(text, each.theta, model)
    source = _data_uri(crop)
    width, height = crop.size
    found = each.evaluation
    rate = f", {found.error:.2%} wrong" if found is not None else ""
    confused = _confused(found, most=10) if found is not None else ""
    kind = f"{', '.join(_cells(each)[4:6])}; {each.origin}, round {each.round}"
    confusions = f'<div class="what">confused: {escape(confused)}</div>' if confused else ""
    return "\n".join(
        [
            f'<div class="card{" winner" if won else ""}" id="{each.digest[:_DIGEST]}">',
            f"<h3>ρ {each.rho:.2f}{rate}{', the winner' if won else ''}</h3>",
            f'<div class="what">{escape(kind)}</div>',
            f'<img src="{source}" width="{width}" height="{height}" alt="as the model sees it">',
            f'<img src="{source}" width="{width * ENLARGED}" height="{height * ENLARGED}" alt="enlarged">',
            confusions,
            f"<details><summary>θ <code>{each.digest[:_DIGEST]}</code></summary>{_json_block(each.theta)}</details>",
            "</div>",
        ]
    )


def _json_block(theta: Theta) -> str:
    return f'<button class="copy">copy</button><pre>{escape(_theta_json(theta))}</pre>'


def _theta_json(theta: Theta) -> str:
    """Return the fields that differ from the default θ, one a line: a file that `--theta` takes."""
    default = Theta().to_dict()
    changed = {name: value for name, value in theta.to_dict().items() if value != default[name]}
    return json.dumps(changed, indent=2, ensure_ascii=False)


def _data_uri(image: Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"

"""The report of a search, for people: the front as a table, the plot, and one HTML page with the pixels themselves.

The page has the look of all reports (`report.look`). Its crops show the same words under
each θ, so that a reader can compare the numbers with the pixels.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from glyphrender._system.atomic_write import check_replaceable, write_atomically
from glyphrender._system.seal import is_sealed, sealed
from glyphrender.document.layout import layout
from glyphrender.errors import DataError
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model
from glyphrender.ocr.legibility import seen_image
from glyphrender.report.look import code_block, details, image, scroller, section
from glyphrender.report.look import note as paragraph
from glyphrender.report.look import report_page as framed
from glyphrender.search.candidate import Candidate
from glyphrender.search.front_table import DIGEST, by_rho, confused, front_table, spread, theta_cells
from glyphrender.search.journal import read_candidates, read_lines
from glyphrender.search.plot import Baseline, front_plot
from glyphrender.search.result import ErrorSource, SearchResult, conclude
from glyphrender.theta import Theta, ThetaLike

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "REPORT_FILES",
    "check_report",
    "journal_result",
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
# How far into the text the crops are: past titles and contents lists.
_PLACE: Final = 4_000
_SAVED: Final = "Saved as theta.json, it sets pages by: glyphrender render TEXT --theta theta.json -o pages"


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
    table = front_table(result.front, winner=winner, baselines=baselines).markdown() + "\n"
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
    cards = [_card(each, text, model, won=each.digest == winner.digest) for each in spread(by_rho(front), winner)]
    plot = front_plot(result.candidates, front, winner=winner, baselines=baselines)
    table = front_table(front, winner=winner, baselines=baselines)
    enlarged = "The same words under each θ, at the pixels that reach the model after its own resize: as they are, and "
    return framed(
        title,
        [
            paragraph(result.error_source.caveat, kind="standing"),
            scroller(plot, "plot of ρ against error"),
            section(
                "The front",
                scroller(table.html(), "table of the front"),
                about="No θ of the search has both more ρ and fewer errors than one of these. In brackets the 95% "
                "interval.",
            ),
            section(
                "What the model sees",
                f'<div class="cards">{"".join(cards)}</div>',
                about=f"{enlarged}three times enlarged.",
            ),
            section("The winner", code_block(_theta_json(winner.theta)), about=_SAVED),
        ],
        about=f"{note} {_cost(result)}".strip(),
    )


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


def _card(each: Candidate, text: str, model: VisionModel, *, won: bool) -> str:
    """Return the HTML of one θ: its figures, its pixels twice, what was confused, and its JSON."""
    crop = seen_crop(text, each.theta, model)
    png, (width, height), digest = _png(crop), crop.size, each.digest[:DIGEST]
    found = each.evaluation
    rate = f", {found.error:.2%} wrong" if found is not None else ""
    wrong = confused(found, most=10) if found is not None else ""
    kind = f"{', '.join(theta_cells(each.theta))}; {each.origin}, round {each.round}"
    large = image(png, alt=f"{digest}, enlarged", size=(width * ENLARGED, height * ENLARGED))
    return "\n".join(
        [
            f'<article class="card{" chosen" if won else ""}" id="{digest}">',
            f"<h3>ρ {each.rho:.2f}{rate}{', the winner' if won else ''}</h3>",
            f'<div class="what">{escape(kind)}</div>',
            image(png, alt=f"{digest} as the model sees it", size=crop.size),
            scroller(large, f"{digest}, enlarged"),
            f'<div class="what">confused: {escape(wrong)}</div>' if wrong else "",
            details(f"θ {digest}", code_block(_theta_json(each.theta))),
            "</article>",
        ]
    )


def _theta_json(theta: Theta) -> str:
    """Return the fields that differ from the default θ, one a line: a file that `--theta` takes."""
    default = Theta().to_dict()
    changed = {name: value for name, value in theta.to_dict().items() if value != default[name]}
    return json.dumps(changed, indent=2, ensure_ascii=False)


def _png(image: Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()

"""The front of a search as a table, for reports, notebooks and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from glyphrender.report.tables import ReportTable
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.plot import Baseline
from glyphrender.theta import Theta

__all__ = ["DIGEST", "by_rho", "confused", "front_table", "prior_cells", "spread", "theta_cells"]

# Largest number of cards, because nobody compares 30. They are spread evenly over a front.
_MOST_CARDS: Final = 12
DIGEST: Final = 10
"""Hex digits of a digest that are shown, enough to tell any two θ of a search apart."""
_COLUMNS: Final = ("θ", "ρ", "wrong", "95% interval", "type", "page", "samples", "identifiers exact", "most confused")
# Columns for fronts that were read without language priors too.
_PRIOR_COLUMNS: Final = ("without priors", "prior's share")
_NUMBERS: Final = ("ρ", "wrong", "samples", "without priors")


def front_table(
    front: Sequence[Candidate], *, winner: Candidate | None = None, baselines: Sequence[Baseline] = ()
) -> ReportTable:
    """Return the front as a table, by ρ; the winner has a star, and baselines follow.

    θ with a card in the report link to it.
    """
    columns = _columns(front)
    rows = by_rho(front)
    carded = {each.digest for each in spread(rows, winner)}
    won = [winner is not None and each.digest == winner.digest for each in rows]
    return ReportTable(
        columns=columns,
        rows=[each[: len(columns)] for each in [*map(_cells, rows), *map(_baseline_cells, baselines)]],
        left=tuple(at for at, name in enumerate(columns) if name not in _NUMBERS),
        kinds=[*("chosen" if each else "" for each in won), *["other"] * len(baselines)],
        links=[*(each.digest[:DIGEST] if each.digest in carded else "" for each in rows), *[""] * len(baselines)],
    )


def _columns(front: Sequence[Candidate]) -> tuple[str, ...]:
    """Return the headings of a front. Columns of the prior come last, and only if it was measured."""
    measured = any(each.evaluation is not None and "prior" in each.evaluation.details for each in front)
    return _COLUMNS + _PRIOR_COLUMNS if measured else _COLUMNS


def by_rho(front: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates from the least ρ to the greatest."""
    return sorted(front, key=lambda each: each.rho)


def spread(front: Sequence[Candidate], winner: Candidate | None) -> list[Candidate]:
    """Return all of a short front; if it is long, its ends, the winner, and others at even distances."""
    if len(front) <= _MOST_CARDS:
        return list(front)
    chosen = {round(card * (len(front) - 1) / (_MOST_CARDS - 1)) for card in range(_MOST_CARDS)}
    return [
        each
        for index, each in enumerate(front)
        if index in chosen or (winner is not None and each.digest == winner.digest)
    ]


def _cells(each: Candidate) -> list[str]:
    found = each.evaluation
    return [each.digest[:DIGEST], f"{each.rho:.2f}", *_rates(found), *theta_cells(each.theta), *_reading_cells(found)]


def theta_cells(theta: Theta) -> list[str]:
    """Return the type and the page of a θ, as text."""
    leading = f"{theta.font} {theta.font_size:g}/{theta.line_height:g} pt"
    kind = " ".join(filter(None, [leading, _weight(theta), "italic" if theta.font_italic else ""]))
    pixels = " × ".join(f"{round(side * theta.dpi / 72)}" for side in theta.page_size)
    page = f"{pixels} px" + (f", {theta.columns} columns" if theta.columns != 1 else "")
    return [kind, page]


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
    return [str(found.samples), exact, confused(found), *prior_cells(found)]


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


def confused(found: Evaluation, most: int = 4) -> str:
    """Return the characters that were confused most often, with their counts."""
    pairs = list(found.details.get("confusions") or [])[:most]
    return ", ".join(f"{true or '∅'}→{read or '∅'} {count}" for true, read, count in pairs)

"""The front of a search compared with the pages of others, on a text it never saw and by a reader it never asked.

    python benchmarks/search_compare.py search/journal.jsonl --held-out TEXT --flow --json held-out.json

It takes the front of a search from its journal, and reads its θ and all baselines on the same passages (see `sheets`).
For each baseline and each reader it prints, with 95% intervals of paired resampled passages:

- "at its ρ": the θ of at least the baseline's ρ with the fewest errors *in the search*; our errors ÷ its errors.
- "at its errors": the θ of greatest ρ with no more errors than the baseline on these passages; our ρ ÷ its ρ. The θ is
  chosen anew in each resample, so the interval includes the choice.
- "errors ÷ its there": for the θ that the first reader chose above, the other readers' errors ÷ those of the baseline.

The shared options are those of `search_baselines`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import report
import search_baselines as others
import sheets

from glyphrender.search.baselines import baseline_thetas
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.plot import Baseline, front_plot
from glyphrender.search.report import journal_result
from glyphrender.search.result import readable_front

Found = Mapping[tuple[str, str], Mapping[str, Any]]


def spread(front: Sequence[Candidate], most: int) -> list[Candidate]:
    """Return at most `most` θ of a front, evenly spread, with both ends."""
    if len(front) <= most:
        return list(front)
    return [front[index] for index in sorted({round(n * (len(front) - 1) / (most - 1)) for n in range(most)})]


def name_of(candidate: Candidate) -> str:
    """Return the name of a θ of the front."""
    theta = candidate.theta
    return f"{candidate.digest[:8]} {theta.font} {theta.font_size:g}/{theta.line_height:g}"


def compared(baseline: str, ours: Sequence[Candidate], found: Found, readers: Sequence[str]) -> list[list[object]]:
    """Return one row per reader, with the figures that the head of this file explains."""
    rows: list[list[object]] = []
    chosen = ""
    for by in readers:
        its = found[baseline, by]
        its_rates, its_read = sheets.rates(others.read_of(its)), others.read_of(its)
        cells: list[object] = [baseline, by, f"{its['rho']:.2f}", f"{its_read.rate:.2%}"]
        dense = [each for each in ours if found[name_of(each), by]["rho"] >= its["rho"]]
        if dense:
            name = name_of(min(dense, key=lambda each: each.error))
            read = others.read_of(found[name, by])
            cells += [name, _ratio(read.rate, its_read.rate, sheets.rates(read), its_rates)]
        else:
            cells += ["none of its ρ", ""]
        rhos = np.array([found[name_of(each), by]["rho"] for each in ours])
        ours_rates = np.stack([sheets.rates(others.read_of(found[name_of(each), by])) for each in ours])
        here = [others.read_of(found[name_of(each), by]).rate <= its_read.rate for each in ours]
        most = np.where(ours_rates <= its_rates, rhos[:, None], 0.0).max(0) / its["rho"]
        low, high = sheets.interval(most)
        if any(here):
            best = int(np.argmax(np.where(here, rhos, 0.0)))
            chosen = chosen or name_of(ours[best])
            cells += [name_of(ours[best]), f"{rhos[best] / its['rho']:.2f} [{low:.2f}, {high:.2f}]"]
        else:
            cells += ["none reads as well", ""]
        if chosen and by != readers[0]:
            read = others.read_of(found[chosen, by])
            cells.append(_ratio(read.rate, its_read.rate, sheets.rates(read), its_rates))
        else:
            cells.append("")
        rows.append(cells)
    return rows


def _ratio(ours: float, its: float, of_ours: np.ndarray[Any, Any], of_its: np.ndarray[Any, Any]) -> str:
    """Return a ratio of error rates with its interval, as text."""
    if not its:
        return "it makes none"
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = sheets.interval(of_ours / of_its)
    return f"{ours / its:.2f} [{low:.2f}, {high:.2f}]"


def plotted(front: Sequence[Candidate], baselines: Sequence[str], found: Found, by: str) -> str:
    """Return the held-out readings as an SVG plot."""

    def evaluation(name: str) -> Evaluation:
        read = others.read_of(found[name, by])
        low, high = sheets.interval(sheets.rates(read))
        return Evaluation(error=read.rate, low=low, high=high, samples=len(read.wrong))

    read = [
        replace(each, rho=found[name_of(each), by]["rho"], evaluation=evaluation(name_of(each)), parents=())
        for each in front
    ]
    named = [Baseline(name=name, rho=found[name, by]["rho"], evaluation=evaluation(name)) for name in baselines]
    title = f"character error rate on held-out text, {by}"
    return front_plot(read, readable_front(read, 1.0), baselines=named, error=title)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", type=Path, help="journal of the search")
    parser.add_argument("--held-out", required=True, metavar="TEXT", help="text that the search never saw")
    parser.add_argument("--most", type=int, default=12, help="number of θ of the front that are read")
    parser.add_argument("--svg", type=Path, help="folder for one plot per reader")
    others.options(parser)
    arguments = parser.parse_args()
    text, readers = others.text_of(arguments.held_out, arguments), arguments.readers.split(",")
    front = spread(journal_result(arguments.journal).front, arguments.most)
    if not front:
        raise SystemExit(f"{arguments.journal} has no θ that was read on the largest sample.")
    baselines = baseline_thetas(arguments.kind)
    made = others.settings(arguments.kind, text, arguments.vision, arguments.verdana)
    names = list(made)
    ours = {name_of(each): each.theta for each in front}
    made |= others.by_thetas(ours, text, arguments.vision)
    thetas = baselines | ours
    keys = {name: others.key_of(name, text, arguments.vision, thetas.get(name), arguments.verdana) for name in made}
    found = others.measured(
        made,
        keys,
        readers,
        passages=arguments.passages,
        seed=arguments.seed,
        jobs=arguments.jobs,
        kept=arguments.json,
    )
    shown = f"{len(text):,} characters, {arguments.passages} passages of {sheets.PASSAGE} letters, {arguments.vision}."
    print(f"\n{shown}\n\n{others.rows(found, readers)}")
    head = ["", "reader", "ρ", "wrong", "at its ρ", "errors ÷ its", "at its errors", "ρ ÷ its", "errors ÷ its there"]
    print(report.table(head, [row for name in names for row in compared(name, front, found, readers)]))
    if arguments.svg is not None:
        arguments.svg.mkdir(parents=True, exist_ok=True)
        for by in readers:
            path = arguments.svg / f"held-out-{by.replace(':', '-')}.svg"
            path.write_text(plotted(front, names, found, by), encoding="utf-8")


if __name__ == "__main__":
    main()

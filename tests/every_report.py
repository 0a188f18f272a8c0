"""One report and one plot of each kind, in which every text that can come from elsewhere is an attack.

python tests/every_report.py FOLDER      # write them, to look at
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import search_judge
from eval_judge import POSER, Parrot, codes

from glyphrender import Theta, render
from glyphrender.document.sheet import SheetPage, sheet
from glyphrender.evals.arms import Arm, conditions_of
from glyphrender.evals.efficiency.expected import expected
from glyphrender.evals.efficiency.plot import expected_plot
from glyphrender.evals.plots import bucket_plot, rho_plot
from glyphrender.evals.report import report_page as evals_page
from glyphrender.evals.runner import run
from glyphrender.evals.summary import summary
from glyphrender.report.scatter import Point, scatter
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.plot import Baseline, front_plot
from glyphrender.search.report import report_page as search_page

# Ends of every element that text stands in, a script, an image that fails, quotation marks, and a placeholder.
ATTACK = (
    "</script></style></title></pre></textarea><script>document.title='hacked'</script>"
    "<img src=x onerror=\"document.title='hacked'\">\"' onload='document.title=1' {{title}} {title} &lt;b&gt; -->]]>"
)


# A field of θ that holds markup: the parser would find an element `font`.
MARKUP = '<font color="#ff0000">&lt;\'↵</font>'


def every_report(attack: str = ATTACK) -> dict[str, str]:
    """Return name → content of a report or a plot of each kind: ".html" or ".svg"."""
    with TemporaryDirectory() as folder:
        evals = _evals(attack, Path(folder) / "replies.sqlite")
    return {**_search(attack), **evals, **_sheets(attack), **_plots(attack)}


def _search(attack: str) -> dict[str, str]:
    found = search_judge.a_search(search_judge.Judge(), rounds=2, steps=12)
    confused = {"confusions": [[attack, "|", 3]], "identifiers": {"exact": 3, "of": 4}}
    front = [replace(each, evaluation=replace(each.evaluation, details=confused)) for each in found.front]  # type: ignore[type-var]
    winner = front[len(front) // 2]
    winner = replace(winner, theta=winner.theta.replace(newline_markup=MARKUP))
    front[len(front) // 2] = winner
    found = replace(found, front=tuple(front))
    read = Evaluation(error=0.004, low=0.002, high=0.006, samples=9, details=confused)
    others = [Baseline(name=name, rho=2.0 + at / 3, evaluation=read) for at, name in enumerate((attack[:30], "other"))]
    text = search_judge.TEXT.replace("\n", " ")
    page = search_page(found, winner=winner, text=text, model="glm-4.1v", baselines=others, title=attack, note=attack)
    plot = front_plot(found.candidates, found.front, winner=winner, baselines=others, error=attack)
    return {"search.html": page, "search.svg": plot}


def _evals(attack: str, replies: Path) -> dict[str, str]:
    benchmark = codes(5)
    items = [
        replace(each, key=f"{attack} {at}", task=attack if at % 2 else "even", buckets=each.buckets | {attack: attack})
        for at, each in enumerate(benchmark.items)
    ]
    protocol = replace(benchmark.protocol, source=attack, note=attack)
    benchmark = replace(benchmark, items=items, name=attack, revision=attack, protocol=protocol)
    arms = conditions_of(list(Arm), [Theta(), Theta(newline_markup=MARKUP)])
    found = run(benchmark, Parrot(refuses=("k0",)), conditions=arms, poser=POSER, replies=replies)
    report = summary(replace(found, model=attack))
    return {
        "evals.html": evals_page(report),
        "evals-rho.svg": rho_plot(report),
        "evals-length.svg": bucket_plot(report, "length"),
    }


def _sheets(attack: str) -> dict[str, str]:
    pages = [SheetPage.of(page) for page in render(f"{attack} {search_judge.TEXT}")[:3]]
    bare = [replace(pages[0], lines=(), words=())]
    return {
        "sheet.html": sheet(pages, title=attack, note=attack),
        "sheet-without-text.html": sheet(bare, title="Saved pages", note="1 page", zoom=0.5),
    }


def _plots(attack: str) -> dict[str, str]:
    series = {
        f"{attack} {name}": [Point(7 + at, name + at / 2, attack, f"dense {at}") for at in range(4)]
        for name in range(9)
    }
    return {
        "bench.svg": scatter(series, x=attack, y=attack, title=attack),
        "efficiency.svg": expected_plot(expected("glm-4.1v-9b", "rtx-4090", 3.3)),
    }


if __name__ == "__main__":
    attack = sys.argv[2] if len(sys.argv) > 2 else ATTACK
    for name, content in every_report(attack).items():
        (Path(sys.argv[1]) / name).write_text(content, encoding="utf-8", errors="replace")

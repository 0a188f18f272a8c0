"""The report of a run: JSON, Markdown, one HTML page, two plots, and a line of JSON for each item in each condition.

All files carry the name of the run: benchmark, revision, protocol, θ, model and sampling. Nothing in them depends on
when or how often the run was started; times go into a file of their own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from glyphrender._system.atomic_write import check_replaceable, write_atomically
from glyphrender._system.seal import is_sealed, is_sealed_png, sealed, sealed_json
from glyphrender.evals.arms_table import arms_table, in_brackets
from glyphrender.evals.benchmarks import BENCHMARKS
from glyphrender.evals.plots import bucket_plot, rho_plot
from glyphrender.evals.runner import Run
from glyphrender.evals.summary import summary
from glyphrender.report.look import code_block, details, facts, note, scroller, section
from glyphrender.report.look import report_page as framed
from glyphrender.report.tables import ReportTable
from glyphrender.theta import Theta

__all__ = ["check_report", "remarks", "report_markdown", "report_page", "write_report", "write_times"]

_FORMAT: Final = "glyphrender.evals 1"
_TIMES: Final = ".times.json"
_TIMES_FORMAT: Final = "glyphrender.times 1"
# The files of a run. Not all runs have the last three: plots by length, and the map of the benchmark needle.
_SUFFIXES: Final = (
    ".json", ".md", ".html", ".items.jsonl", ".rho.svg", _TIMES, ".length.svg", ".map.png", ".map.md",
)  # fmt: skip
_PAIRS: Final = ("pair", "difference", "95% interval", "better", "worse", "p")
_ABOUT_ARMS: Final = (
    "Scores are means over items, with 95% intervals. A request without a reply counts as wrong. ρ has three "
    "definitions: visual is text tokens for one token in their place; prompt is the text prompt against the server's "
    "prompt tokens, as the Glyph paper counts; effective has every prompt and reply in it."
)
_ABOUT_PAIRS: Final = (
    "The difference of two arms over items, with its interval by a paired bootstrap, and p of McNemar's exact test, "
    "not corrected for the number of pairs."
)
# Rows of a table of what is missing; all are in the JSON.
_MOST_MISSING: Final = 200


def write_report(folder: str | os.PathLike[str], run: Run) -> dict[str, Path]:
    """Write the files of a run into a folder, and return their paths by kind.

    The kinds are "json", "markdown", "html", "items", "rho" and, where items have a length, "length"; more files of a
    benchmark (`BenchmarkEntry.figures`) have their suffixes as kinds. Earlier files of the same run are replaced if
    nobody has changed them since.

    Raises:
        DataError: a file cannot be written or replaced.
    """
    report = summary(run)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    texts: dict[str, tuple[str, bytes]] = {
        "json": (".json", sealed_json(json.dumps(report, ensure_ascii=False, indent=1), _FORMAT)),
        "markdown": (".md", sealed(report_markdown(report).encode("utf-8", "replace"))),
        "html": (".html", sealed(report_page(report).encode("utf-8", "replace"))),
        "items": (".items.jsonl", _sealed_lines(report, run)),
        "rho": (".rho.svg", sealed(rho_plot(report))),
    }
    if any("length" in each["buckets"] for each in report["conditions"]):
        texts["length"] = (".length.svg", sealed(bucket_plot(report, "length")))
    entry = BENCHMARKS.get(run.benchmark.name)
    draw = None if entry is None else entry.draw
    texts |= {} if draw is None else {suffix: (suffix, content) for suffix, content in draw(run).items()}
    paths = {kind: place / f"{report['name']}{suffix}" for kind, (suffix, _) in texts.items()}
    for path in paths.values():
        check_replaceable(path, _is_ours)
    for kind, (_, content) in texts.items():
        write_atomically(paths[kind], content, replaces=_is_ours)
    return paths


def check_report(folder: str | os.PathLike[str], name: str) -> None:
    """Refuse files that `write_report` and `write_times` could not replace. Call this before work starts.

    Raises:
        DataError: a file of this name is not ours, or somebody has changed it.
    """
    for suffix in _SUFFIXES:
        check_replaceable(Path(folder) / f"{name}{suffix}", _is_ours)


def write_times(report: Path, times: Mapping[str, float | None]) -> None:
    """Write what a start of a run took into a file beside its report in JSON.

    Raises:
        DataError: the file cannot be written, is not ours, or somebody has changed it.
    """
    path = report.with_suffix(_TIMES)
    write_atomically(path, sealed_json(json.dumps(times), _TIMES_FORMAT), replaces=is_sealed)


def report_markdown(report: Mapping[str, Any]) -> str:
    """Return a report as Markdown. `report` is the result of `summary`."""
    parts = [f"# {_title(report)}", _note(report)]
    parts += [f"**{each}**" for each in remarks(report)]
    parts += [f"**{each[0].upper()}{each[1:]}.**" for each in report["departures"]]
    parts.append("\n".join(f"- {name}: {value}" for name, value in _facts(report)))
    parts.append(arms_table(report).markdown())
    if report["comparisons"]:
        parts += ["## Compared on the same items", _pairs_table(report).markdown()]
    parts += ["## By task", _group_table("task", _tasks(report), report).markdown()]
    for bucket, groups in _buckets(report).items():
        parts += [f"## By {bucket}", _group_table(bucket, groups, report).markdown()]
    parts += ["## Without a reply", _missing_words(report)]
    if report["missing"]:
        parts.append(_missing_table(report).markdown())
    return "\n\n".join(parts) + "\n"


def report_page(report: Mapping[str, Any]) -> str:
    """Return a report as one HTML page. `report` is the result of `summary`."""
    plots = [scroller(rho_plot(report), "plot of score against ρ")]
    if any("length" in each["buckets"] for each in report["conditions"]):
        plots.append(scroller(bucket_plot(report, "length"), "plot of score against length"))
    groups = [("task", _tasks(report)), *_buckets(report).items()]
    return framed(
        _title(report),
        [
            *(note(each, kind="standing") for each in [*remarks(report), *report["departures"]]),
            facts(_facts(report)),
            section("Arms", _wide(arms_table(report), "arms"), about=_ABOUT_ARMS),
            f'<div class="plots">{"".join(plots)}</div>',
            section("Compared on the same items", _wide(_pairs_table(report), "pairs of arms"), about=_ABOUT_PAIRS),
            *(section(f"By {name}", _wide(_group_table(name, found, report), name)) for name, found in groups),
            section(
                "Without a reply",
                _wide(_missing_table(report), "requests without a reply") if report["missing"] else "",
                about=_missing_words(report),
            ),
            section(
                "θ",
                *(details(f"θ {digest[:10]}", _theta(theta)) for digest, theta in report["thetas"].items()),
                about="" if report["thetas"] else "No arm has pages.",
            ),
        ],
        about=_note(report),
    )


def _wide(table: ReportTable, label: str) -> str:
    return scroller(table.html(), f"table of {label}")


def _pairs_table(report: Mapping[str, Any]) -> ReportTable:
    return ReportTable(columns=_PAIRS, rows=_pair_rows(report), left=(0, 2))


def _group_table(
    name: str, groups: Sequence[tuple[str, list[Mapping[str, Any] | None]]], report: Mapping[str, Any]
) -> ReportTable:
    """Return a row for each group of items, with the score of each arm."""
    return ReportTable(
        columns=(name, "items", *(each["name"] for each in report["conditions"])), rows=_group_rows(groups)
    )


def _missing_table(report: Mapping[str, Any]) -> ReportTable:
    return ReportTable(columns=("item", "task", "arm", "why", "what"), rows=_missing_rows(report), left=5)


def remarks(report: Mapping[str, Any]) -> list[str]:
    """Return sentences about what a reader of the scores must know: arms that send the same, and empty replies.

    `report` is the result of `summary`.
    """
    found = []
    alike, items = report["alike"], report["items"]
    if alike and len(report["conditions"]) > 1:
        found.append(
            "No item has a text that may be drawn: all arms send the same, and one reply serves them all."
            if alike == items
            else f"{alike:,} of {items:,} items have no text that may be drawn: all arms send the same for them."
        )
    if empty := ", ".join(f"{each['empty']:,} in {each['name']}" for each in report["conditions"] if each["empty"]):
        found.append(
            f"Replies with nothing to score: {empty}. A model that thinks may need more tokens (--thinking); a server "
            "may send the text in another field than content."
        )
    return found


def _title(report: Mapping[str, Any]) -> str:
    return f"{report['benchmark']}, protocol {report['protocol']['name']}: {report['model']}"


def _note(report: Mapping[str, Any]) -> str:
    count = f"{report['items']:,} of {report['of_items']:,} items" if report["items"] < report["of_items"] else (
        f"{report['items']:,} items"
    )  # fmt: skip
    return f"{count}, each in {len(report['conditions'])} arms."


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    protocol = report["protocol"]
    sampling = ", ".join(f"{name} {value}" for name, value in report["sampling"].items()) or "the server's own"
    found = [
        ("benchmark", f"{report['benchmark']}, data {report['revision']}"),
        ("protocol", f"{protocol['name']}: {protocol['source']}"),
        ("note", protocol["note"]),
        ("thoughts", {"kept": "kept", "closed": "cut up to </think>", "all": "cut, also those that do not end"}[
            protocol["thoughts"]]),
        ("sampling", sampling),
        ("model", report["model"]),
        ("judge", report["judge"]),
        ("counted by", f"{report['vision']} (images), {report['tokenizer']} (text)"),
        ("version", f"glyphrender {report['glyphrender']}"),
        ("θ", ", ".join(digest[:10] for digest in report["thetas"])),
        *((each["name"], _expanded_words(each["expanded"])) for each in report["conditions"] if "expanded" in each),
    ]  # fmt: skip
    return [(name, value) for name, value in found if value]


def _expanded_words(values: Mapping[str, Any]) -> str:
    """Return what the models of an arm with tools asked for, in words."""
    if not values["items"]:
        return "nothing was asked"
    chosen = [
        f"{name} {values[f'page_{name}']:.0%}" for name in ("recall", "precision") if values[f"page_{name}"] is not None
    ]
    pages = f"; pages read: {', '.join(chosen)} of {values['with_evidence']} items" if chosen else ""
    return (
        f"{values['served']:.1f} of {values['calls']:.1f} calls an item served, {values['tokens']:.0f} tokens"
        f"; ρ with each token counted once {values['rho_effective_once']:.2f}{pages}"
    )


def _pair_rows(report: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            f"{each['first']} − {each['second']}",
            f"{each['difference']['mean']:+.2%}",
            f"[{each['difference']['low']:+.2%}, {each['difference']['high']:+.2%}]",
            str(each["better"]),
            str(each["worse"]),
            f"{each['p']:.3g}",
        ]
        for each in report["comparisons"]
    ]


def _tasks(report: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any] | None]]]:
    names = list(dict.fromkeys(name for each in report["conditions"] for name in each["tasks"]))
    return [(name, [each["tasks"].get(name) for each in report["conditions"]]) for name in names]


def _buckets(report: Mapping[str, Any]) -> dict[str, list[tuple[str, list[Mapping[str, Any] | None]]]]:
    found: dict[str, list[tuple[str, list[Mapping[str, Any] | None]]]] = {}
    for bucket in dict.fromkeys(name for each in report["conditions"] for name in each["buckets"]):
        groups = [each["buckets"].get(bucket, {}) for each in report["conditions"]]
        values = list(dict.fromkeys(value for group in groups for value in group))
        found[bucket] = [(value, [group.get(value) for group in groups]) for value in values]
    return found


def _group_rows(groups: Sequence[tuple[str, Sequence[Mapping[str, Any] | None]]]) -> list[list[str]]:
    def cell(each: Mapping[str, Any] | None) -> str:
        return f"{each['mean']:.2%} {in_brackets(each)}" if each else ""

    return [[name, str(max(each["count"] for each in found if each)), *map(cell, found)] for name, found in groups]


def _missing_words(report: Mapping[str, Any]) -> str:
    missing = len(report["missing"])
    if not missing:
        return "Every request has a reply."
    shown = f" The first {_MOST_MISSING} are shown; all are in the JSON." if missing > _MOST_MISSING else ""
    return f"{missing:,} requests have no reply, and count as wrong.{shown}"


def _missing_rows(report: Mapping[str, Any]) -> list[list[str]]:
    return [
        [each["key"], each["task"], each["condition"], each["status"], each["problem"]]
        for each in report["missing"][:_MOST_MISSING]
    ]


def _theta(theta: Mapping[str, Any]) -> str:
    """Return the fields that differ from the default θ, as a block of JSON."""
    default = Theta().to_dict()
    changed = {name: value for name, value in theta.items() if value != default[name]}
    return code_block(json.dumps(changed, indent=2, ensure_ascii=False))


def _sealed_lines(report: Mapping[str, Any], run: Run) -> bytes:
    """Return a line of JSON for each outcome, after a first line about the run."""
    head = {name: report[name] for name in ("name", "benchmark", "revision", "model", "sampling")}
    lines = [json.dumps(head | {"protocol": report["protocol"]["name"]}, ensure_ascii=True)]
    lines += [json.dumps(each.to_dict(), ensure_ascii=True) for each in run.outcomes]
    return sealed_json("\n".join(lines), _FORMAT)


def _is_ours(data: bytes) -> bool:
    """Return whether a file is a report of ours that nobody has changed."""
    return is_sealed(data) or is_sealed_png(data)

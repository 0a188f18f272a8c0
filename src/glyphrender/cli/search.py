"""`glyphrender search`: texts and a model → the rendering parameters that read best for a visual token."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.evaluator import TEXT_KINDS, evaluator_of
from glyphrender.cli.inputs import Reader, check_outputs, inputs_of
from glyphrender.cli.model_options import Models, model_options
from glyphrender.cli.options import text_options, theta_options
from glyphrender.cli.search_progress import progress_printer
from glyphrender.report.tables import text_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glyphrender.search.candidate import Candidate
    from glyphrender.search.evaluation import Evaluator
    from glyphrender.search.plot import Baseline
    from glyphrender.search.result import SearchResult
    from glyphrender.search.workers import Work
    from glyphrender.theta import Theta

_HEADINGS = ("step", "origin", "ρ", "error", "95% interval", "identifiers", "font", "size", "line", "page", "columns")
_PRIOR_HEADINGS = ("without priors", "prior's share")
_BUDGETS = ("evaluations", "samples", "seconds")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="TEXT|DIR|-...")
@click.option("--vision", metavar="NAME", default="glm-4.1v", show_default=True, help="The vision model.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default the model's own.")
@click.option(
    "--space",
    metavar="NAME",
    default="reader",
    show_default=True,
    help="The parameters that vary: reader, glyph or none.",
)
@click.option(
    "--vary", metavar="NAME=...", multiple=True, help="Vary this parameter too: LOW:HIGH:STEP, or A|B; repeatable."
)
@click.option("--fix", metavar="NAME[=VALUE]", multiple=True, help="Do not vary this parameter; repeatable.")
@click.option(
    "--evaluator",
    metavar="reader|rapidocr|vlm|MODULE:NAME",
    default="reader",
    show_default=True,
    help="Evaluator of the error: an OCR program, a model (--model …), or a function of (theta, samples=, seed=).",
)
@click.option("--language", metavar="NAME", default="eng", show_default=True, help="Language of Tesseract's data.")
@click.option(
    "--excerpts",
    type=click.Choice(TEXT_KINDS),
    default="prose",
    show_default=True,
    help="Text that OCR programs read: prose as it is, or text without language priors.",
)
@click.option(
    "--priors",
    type=click.Choice(TEXT_KINDS[1:]),
    help="Read the front on such text too, and report the share of errors that guessing avoids.",
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Highest number of rounds.")
@click.option("--steps", type=click.IntRange(1), default=200, show_default=True, help="Settings tried in a round.")
@click.option("--budget", metavar="NAME=N", multiple=True, help=f"Limit the search: {', '.join(_BUDGETS)}; repeatable.")
@click.option(
    "--max-error", type=float, default=0.1, show_default=True, help="Settings with a larger error are of no use."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Equal seeds give equal searches.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Number of processes; by default one for each core.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("search"),
    show_default=True,
    help="Folder for all files.",
)
@click.option("--resume", is_flag=True, help="Go on with the search whose journal is in the folder.")
@click.option("--at-error", type=float, metavar="N", help="Take the highest ratio with at most this error.")
@click.option("--at-rho", type=float, metavar="N", help="Take the least error with at least this ratio.")
@click.option(
    "--baselines",
    type=click.Choice(["prose", "code", "zh"]),
    help="Measure presets and other renderers' settings for such a text too, and show them in the report.",
)
@click.option("--report", is_flag=True, help="Do not search: write the report of the journal in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@model_options
@theta_options
@text_options
def command(**given: Any) -> None:
    """Search the rendering parameters that read best for a visual token.

    Each step is written to journal.jsonl in the folder, so --resume continues a search that was interrupted. The winner
    is written to theta.json. The winner is the knee of the front, or the parameters that --at-error or --at-rho
    selects. The front, its plot and crops of its pages are written to report.html.
    """
    options = _Options(**given)
    options.check_output()
    texts = options.texts()
    found = _read_journal(options) if options.report else _searched(options, texts)
    if options.priors:
        found = _with_priors(options, texts, found)
    winner = options.winner_of(found.result)
    winner.theta.save(options.output / "theta.json")
    _write_report(options, texts, found, winner)
    if options.as_json:
        click.echo(json.dumps(_values(found.result, winner), indent=2, ensure_ascii=False))
    else:
        _print(options, found.result, winner)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Options:
    """The options of the command. It is checked that no two of them exclude each other.

    Raises:
        click.UsageError: --at-error and --at-rho are both given.
    """

    files: tuple[str, ...]
    vision: str
    tokenizer: str | None
    space: str
    vary: tuple[str, ...]
    fix: tuple[str, ...]
    evaluator: str
    language: str
    excerpts: str
    priors: str | None
    rounds: int
    steps: int
    budget: tuple[str, ...]
    max_error: float
    seed: int
    jobs: int | None
    output: Path
    resume: bool
    at_error: float | None
    at_rho: float | None
    baselines: str | None
    report: bool
    as_json: bool
    models: Models
    theta: Theta
    encoding: str | None
    errors: str

    def __post_init__(self) -> None:
        if self.at_error is not None and self.at_rho is not None:
            raise click.UsageError("--at-error and --at-rho are both given. Choose one.")
        if (self.priors or self.excerpts != "prose") and self.evaluator not in ("reader", "rapidocr"):
            raise click.UsageError("--excerpts and --priors choose what OCR programs read. Use --evaluator reader.")

    @property
    def journal(self) -> Path:
        """The file that the search is written to."""
        return self.output / "journal.jsonl"

    def texts(self) -> list[str]:
        """Return the texts of all files that hold more than white space.

        Raises:
            DataError: no file holds more than white space.
        """
        from glyphrender.errors import DataError

        reader = Reader(encoding=self.encoding, errors=self.errors)
        blocks = (reader.text(source) for source in inputs_of(self.files, output=self.output))
        texts = [text for text in ("".join(block) for block in blocks if block is not None) if text.strip()]
        if not texts:
            raise DataError("there is no text in these files. Name one that is not empty.")
        return texts

    def check_output(self) -> None:
        """Refuse a folder with files that would have to be replaced, and are not those of an earlier search."""
        from glyphrender._system.atomic_write import check_folder, check_replaceable
        from glyphrender.search.report import REPORT_FILES, check_report
        from glyphrender.theta.json_file import is_saved_theta

        theta = self.output / "theta.json"
        written = [self.journal, theta, *(self.output / name for name in REPORT_FILES)]
        check_outputs(written, inputs_of(self.files, output=self.output))
        check_folder(self.output)
        check_replaceable(theta, is_saved_theta)
        check_report(self.output)

    def judge(self, texts: list[str]) -> Evaluator:
        """Return the evaluator that --evaluator names."""
        if self.evaluator == "vlm":
            return self.models.evaluator(texts, self.output)
        return evaluator_of(self.evaluator, texts, self.vision, self.language, self.excerpts)

    def winner_of(self, result: SearchResult) -> Candidate:
        """Return the candidate of the front that the options select."""
        if self.at_error is not None:
            return result.at_error(self.at_error)
        return result.at_rho(self.at_rho) if self.at_rho is not None else result.knee()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A search, with the settings for its report. The evaluator is None if the journal was only read."""

    result: SearchResult
    judge_name: str
    seed: int
    vision: str
    judge: Evaluator | None = None


def _read_journal(options: _Options) -> _Found:
    """Return the search in the journal. Nothing is evaluated, so no evaluator is made."""
    from glyphrender.search.journal import read_lines
    from glyphrender.search.report import journal_result

    result = journal_result(options.journal)
    header = next(read_lines(options.journal))
    return _Found(result=result, judge_name=header["evaluator"], seed=header["seed"], vision=header["vision"])


def _searched(options: _Options, texts: list[str]) -> _Found:
    """Search, write every step to the journal, and return the search."""
    from glyphrender.errors import DataError
    from glyphrender.search.result import Budget
    from glyphrender.search.search import search
    from glyphrender.search.space import Space

    space = Space.preset(
        options.space, options.vision, base=options.theta, text=texts[0], vary=options.vary, fix=options.fix
    )
    judge = options.judge(texts)
    proposer = options.models.proposer(texts)
    budget = Budget(**_caps(options.budget))
    try:
        options.output.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{options.output} cannot be made ({error.strerror}). Choose another folder.") from error
    result = search(
        texts,
        options.vision,
        space=space,
        evaluator=judge,
        proposer=proposer,
        rounds=options.rounds,
        steps=options.steps,
        budget=budget,
        seed=options.seed,
        journal=options.journal,
        resume=options.resume,
        jobs=options.jobs,
        tokenizer=options.tokenizer,
        max_error=options.max_error,
        progress=progress_printer(),
    )
    return _Found(result=result, judge_name=judge.name, seed=options.seed, vision=options.vision, judge=judge)


def _with_priors(options: _Options, texts: list[str], found: _Found) -> _Found:
    """Return the search with the prior's share of each θ of its front."""
    from glyphrender.search.priors import with_priors

    work = _work(options, texts, found, found.judge or options.judge(texts))
    kind, jobs = options.priors or "", options.jobs or os.cpu_count() or 1
    # Seeds of the search, and of the last reading of its front, are `seed` and `seed + 1`.
    front = with_priors(found.result.front, kind, work, seed=found.seed + 2, jobs=jobs)
    return replace(found, result=replace(found.result, front=front))


def _work(options: _Options, texts: list[str], found: _Found, judge: Evaluator) -> Work:
    from glyphrender.models.vision import vision_model
    from glyphrender.search.rho_text import rho_texts
    from glyphrender.search.workers import Work

    return Work(texts=rho_texts(texts), model=vision_model(found.vision), tokenizer=options.tokenizer, evaluator=judge)


def _write_report(options: _Options, texts: list[str], found: _Found, winner: Candidate) -> None:
    """Write the report of the search, with the baselines that the options select."""
    from glyphrender.search.report import write_report

    write_report(
        options.output,
        found.result,
        winner=winner,
        text=texts[0],
        model=found.vision,
        baselines=_baselines(options, texts, found) if options.baselines else (),
        title=f"Search over θ: {', '.join(options.files)} for {found.vision}",
        note=f"{found.judge_name}, seed {found.seed}.",
    )


def _baselines(options: _Options, texts: list[str], found: _Found) -> tuple[Baseline, ...]:
    """Return other settings with their measurements, on a sample of the same size and words as for the front.

    Raises:
        DataError: the front was measured by another evaluator.
    """
    from glyphrender.errors import DataError
    from glyphrender.search.baselines import baseline_thetas, baselines

    judge = found.judge or options.judge(texts)
    if judge.name != found.judge_name:
        raise DataError(f"the front was read by {found.judge_name}, not {judge.name}. Pass its --evaluator and texts.")
    work = _work(options, texts, found, judge)
    samples = max((each.evaluation.samples for each in found.result.front if each.evaluation is not None), default=1)
    thetas = baseline_thetas(options.baselines or "prose")
    return baselines(thetas, work, samples=samples, seed=found.seed + 1, jobs=options.jobs or os.cpu_count() or 1)


def _print(options: _Options, result: SearchResult, winner: Candidate) -> None:
    headings = (*_HEADINGS, *(_PRIOR_HEADINGS if options.priors else ()))
    click.echo(text_table(headings, [_row(candidate, options.priors) for candidate in result.front], left=2))
    click.echo(
        f"{len(result.candidates):,} candidates, {result.evaluations:,} evaluations of {result.samples:,} samples, "
        f"{result.seconds:,.0f} s; stopped by {result.stopped}"
    )
    if caveat := result.error_source.caveat:
        click.echo(caveat)
    theta, report = options.output / "theta.json", options.output / "report.html"
    click.echo(f"{theta}: step {winner.step}, ρ {winner.rho:.2f} at an error of {winner.error:.2%}")
    named = winner.evaluation.details.get("identifiers") if winner.evaluation is not None else None
    if named and named["exact"] < named["of"]:
        lost = f"{named['exact']} of {named['of']} random identifiers were read exactly"
        click.echo(
            f"Under these parameters {lost}. Send identifiers as text beside the pages, as `glyphrender ask` does."
        )
    click.echo(f"{report}: the front, its plot and its pixels")


def _caps(settings: Sequence[str]) -> dict[str, Any]:
    """Return the caps that --budget NAME=N stands for."""
    caps: dict[str, Any] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            if name not in _BUDGETS:
                raise ValueError
            caps[name] = float(value) if name == "seconds" else int(value)
        except ValueError:
            raise click.UsageError(
                f"--budget {setting} is no cap. Write NAME=N with one of {', '.join(_BUDGETS)}."
            ) from None
    return caps


def _row(candidate: Candidate, priors: str | None) -> list[str]:
    theta, evaluation = candidate.theta, candidate.evaluation
    assert evaluation is not None  # every candidate of a front has one
    from glyphrender.search.front_table import prior_cells

    named = evaluation.details.get("identifiers") or {}
    width, height = theta.page_pixels
    return [
        str(candidate.step),
        candidate.origin,
        f"{candidate.rho:.2f}",
        f"{evaluation.error:.4f}",
        f"{evaluation.low:.4f}–{evaluation.high:.4f}",
        f"{named['exact']}/{named['of']}" if named else "",
        theta.font,
        f"{theta.font_size:g}",
        f"{theta.line_height:g}",
        f"{width}×{height}",
        str(theta.columns),
        *(prior_cells(evaluation) if priors else ()),
    ]


def _values(result: SearchResult, winner: Candidate) -> dict[str, Any]:
    return {
        "winner": winner.to_dict(),
        "front": [candidate.to_dict() for candidate in result.front],
        "standing": str(result.error_source),
        "hypervolumes": list(result.hypervolumes),
        "evaluations": result.evaluations,
        "samples": result.samples,
        "seconds": round(result.seconds, 1),
        "stopped": result.stopped,
    }

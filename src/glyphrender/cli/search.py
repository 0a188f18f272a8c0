"""`glyphrender search`: texts and a model → the θ that read best for a visual token."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.inputs import Reader as TextReader
from glyphrender.cli.inputs import inputs_of
from glyphrender.cli.models import Models, model_options
from glyphrender.cli.options import text_options, theta_options
from glyphrender.cli.table import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glyphrender.search.candidate import Candidate
    from glyphrender.search.evaluation import Evaluation, Evaluator
    from glyphrender.search.plot import Baseline
    from glyphrender.search.result import Progress, SearchResult
    from glyphrender.theta import Theta

_HEADINGS = ("step", "origin", "ρ", "error", "95% interval", "identifiers", "font", "size", "line", "page", "columns")
_BUDGETS = ("evaluations", "samples", "seconds")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="TEXT|DIR|-...")
@click.option("--vision", metavar="NAME", default="glm-4.1v", show_default=True, help="The vision model.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default the model's own.")
@click.option("--space", metavar="NAME", default="reader", show_default=True, help="What varies: reader, glyph, none.")
@click.option("--vary", metavar="NAME=...", multiple=True, help="Vary this too: LOW:HIGH:STEP, or A|B; repeatable.")
@click.option("--fix", metavar="NAME[=VALUE]", multiple=True, help="Do not vary this; repeatable.")
@click.option(
    "--evaluator",
    metavar="reader|rapidocr|vlm|MODULE:NAME",
    default="reader",
    show_default=True,
    help="What says the error of a θ: an OCR program, a model (--model …), a function of (θ, samples=, seed=).",
)
@click.option("--language", metavar="NAME", default="eng", show_default=True, help="Of the data of tesseract.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="At most so many rounds.")
@click.option("--steps", type=click.IntRange(1), default=200, show_default=True, help="θ a round.")
@click.option("--budget", metavar="NAME=N", multiple=True, help=f"A cap: {', '.join(_BUDGETS)}; repeatable.")
@click.option("--max-error", type=float, default=0.1, show_default=True, help="More error than this is of no use.")
@click.option("--seed", type=int, default=0, show_default=True, help="Equal seeds give equal searches.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Processes; by default one a core.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("search"), show_default=True, help="Folder for all."
)
@click.option("--resume", is_flag=True, help="Go on with the journal in the folder.")
@click.option("--at-error", type=float, metavar="N", help="The winner is that of most ρ with at most this error.")
@click.option("--at-rho", type=float, metavar="N", help="The winner is that of least error with at least this ρ.")
@click.option(
    "--baselines",
    type=click.Choice(["prose", "code", "zh"]),
    help="Read presets and other renderers' settings for such a text too, for the report.",
)
@click.option("--report", is_flag=True, help="Only report what the journal in the folder holds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@model_options
@theta_options
@text_options
def command(
    *,
    files: tuple[str, ...],
    vision: str,
    tokenizer: str | None,
    space: str,
    vary: tuple[str, ...],
    fix: tuple[str, ...],
    evaluator: str,
    language: str,
    rounds: int,
    steps: int,
    budget: tuple[str, ...],
    max_error: float,
    seed: int,
    jobs: int | None,
    output: Path,
    resume: bool,
    at_error: float | None,
    at_rho: float | None,
    baselines: str | None,
    report: bool,
    as_json: bool,
    models: Models,
    theta: Theta,
    encoding: str | None,
    errors: str,
) -> None:
    """Search the θ that read best for a visual token.

    Each step is written to journal.jsonl in the folder; a search that was interrupted goes on with --resume. The winner
    is written to theta.json: the knee of the front, or what --at-error or --at-rho asks for; the front, its plot and
    crops of its pages to report.html.
    """
    from glyphrender.errors import DataError
    from glyphrender.search.journal import read_lines
    from glyphrender.search.report import journal_result, write_report
    from glyphrender.search.result import Budget
    from glyphrender.search.search import search
    from glyphrender.search.space import Space

    if at_error is not None and at_rho is not None:
        raise click.UsageError("--at-error and --at-rho are both given. Choose one.")
    reader = TextReader(encoding=encoding, errors=errors)
    blocks = (reader.text(source) for source in inputs_of(files, output=output))
    texts = [text for text in ("".join(block) for block in blocks if block is not None) if text.strip()]
    if not texts:
        raise DataError("there is no text in these files. Name one that is not empty.")
    journal = output / "journal.jsonl"

    def judged() -> Evaluator:
        vlm = evaluator == "vlm"
        return models.evaluator(texts, output) if vlm else _evaluator(evaluator, texts, vision, language)

    judge: Evaluator | None = None
    if report:  # nothing is asked, so nothing that asks is made, except for baselines
        result = journal_result(journal)
        settings = next(read_lines(journal))
        judge_name, seed, vision = settings["evaluator"], settings["seed"], settings["vision"]
    else:
        where = Space.preset(space, vision, base=theta, text=texts[0], vary=vary, fix=fix)
        judge = judged()
        judge_name = judge.name
        proposer = models.proposer(texts)
        caps = Budget(**_caps(budget))
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{output} cannot be made ({error.strerror}). Choose another folder.") from error
        result = search(
            texts,
            vision,
            space=where,
            evaluator=judge,
            proposer=proposer,
            rounds=rounds,
            steps=steps,
            budget=caps,
            seed=seed,
            journal=journal,
            resume=resume,
            jobs=jobs,
            tokenizer=tokenizer,
            max_error=max_error,
            progress=_told(),
        )
    winner = (
        result.at_error(at_error)
        if at_error is not None
        else result.at_rho(at_rho)
        if at_rho is not None
        else result.knee()
    )
    winner.theta.save(output / "theta.json")
    marks: tuple[Baseline, ...] = ()
    if baselines:
        judge = judge or judged()
        if judge.name != judge_name:
            raise DataError(f"the front was read by {judge_name}, not {judge.name}. Pass its --evaluator and texts.")
        marks = _baselines(baselines, texts, vision, tokenizer, judge, result, seed + 1, jobs)
    title = f"Search over θ: {', '.join(files)} for {vision}"
    note = f"{judge_name}, seed {seed}."
    write_report(output, result, winner=winner, text=texts[0], vision=vision, baselines=marks, title=title, note=note)
    if as_json:
        click.echo(json.dumps(_values(result, winner), indent=2, ensure_ascii=False))
        return
    click.echo(table(_HEADINGS, [_row(candidate) for candidate in result.front], left=2))
    click.echo(
        f"{len(result.candidates):,} θ, {result.evaluations:,} evaluations of {result.samples:,} samples, "
        f"{result.seconds:,.0f} s; stopped by {result.stopped}"
    )
    if statement := result.standing.statement:
        click.echo(statement)
    click.echo(f"{output / 'theta.json'}: step {winner.step}, ρ {winner.rho:.2f} at an error of {winner.error:.2%}")
    click.echo(f"{output / 'report.html'}: the front, its plot and its pixels")


def _baselines(
    kind: str,
    texts: list[str],
    vision: str,
    tokenizer: str | None,
    judge: Evaluator,
    result: SearchResult,
    seed: int,
    jobs: int | None,
) -> tuple[Baseline, ...]:
    """Others on the scales of the search, on as large a sample as its front and the words of it."""
    from glyphrender.models.vision import vision_model
    from glyphrender.search.baselines import baseline_thetas, baselines
    from glyphrender.search.rho_text import rho_texts
    from glyphrender.search.workers import Work

    work = Work(texts=rho_texts(texts), vision=vision_model(vision), tokenizer=tokenizer, evaluator=judge)
    samples = max((each.evaluation.samples for each in result.front if each.evaluation is not None), default=1)
    return baselines(baseline_thetas(kind), work, samples=samples, seed=seed, jobs=jobs or os.cpu_count() or 1)


def _evaluator(evaluator: str, texts: list[str], vision: str, language: str) -> Evaluator:
    """The evaluator of that name, or what "module:name" names; a plain function gets that as its name."""
    from glyphrender.errors import DataError

    if evaluator == "reader":
        from glyphrender.search.reader import ReaderEvaluator

        return ReaderEvaluator(texts, model=vision, language=language)
    if evaluator == "rapidocr":
        from glyphrender.ocr.rapidocr import RapidOcr
        from glyphrender.search.reader import ReaderEvaluator

        return ReaderEvaluator(texts, model=vision, reader=RapidOcr(), name="rapidocr")
    module, colon, name = evaluator.partition(":")
    if not colon:
        raise click.UsageError(f"--evaluator {evaluator} is not known. Use reader, rapidocr, vlm, or MODULE:NAME.")
    sys.path.insert(0, os.getcwd())  # as `python -m` does
    try:
        found: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise DataError(f"--evaluator {evaluator} cannot be loaded ({error}). Check its module.") from error
    finally:
        sys.path.pop(0)
    if not callable(found):
        raise DataError(f"--evaluator {evaluator} is no function. Name one of (θ, samples=, seed=).")
    return found if isinstance(getattr(found, "name", None), str) else _Function(evaluator, found)


class _Function:
    """An evaluator that is a function, which may give an error alone."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name, self._function = name, function
        for optional in ("rungs", "available", "concurrency"):
            if hasattr(function, optional):
                setattr(self, optional, getattr(function, optional))

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        from glyphrender.errors import DataError
        from glyphrender.search.evaluation import Evaluation

        found = self._function(theta, samples=samples, seed=seed)
        if isinstance(found, Evaluation):
            return found
        try:
            float(found)
        except (TypeError, ValueError) as error:
            raise DataError(f"{self.name} gave {found!r:.60}, and no error. Return a number from 0 up.") from error
        return Evaluation(error=float(found), low=float(found), high=float(found), samples=samples)


def _caps(settings: Sequence[str]) -> dict[str, Any]:
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


def _told() -> Callable[[Progress], None]:
    """A line about each batch on stderr; on a terminal one line, written over."""
    terminal = sys.stderr.isatty()

    def told(progress: Progress) -> None:
        front = progress.front
        reach = f", ρ {front[0].rho:.2f}–{front[-1].rho:.2f}" if front else ""
        line = (
            f"round {progress.round}, step {progress.step} of {progress.of}, {progress.samples:,} samples, "
            f"{progress.seconds:,.0f} s: front of {len(front)}{reach}, hypervolume {progress.hypervolume:.4f}"
        )
        click.echo(f"\r\x1b[K{line}" if terminal else line, err=True, nl=not terminal or progress.step == progress.of)

    return told


def _row(candidate: Candidate) -> list[str]:
    theta, evaluation = candidate.theta, candidate.evaluation
    assert evaluation is not None  # of the front
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
    ]


def _values(result: SearchResult, winner: Candidate) -> dict[str, Any]:
    return {
        "winner": winner.to_dict(),
        "front": [candidate.to_dict() for candidate in result.front],
        "standing": str(result.standing),
        "hypervolumes": list(result.hypervolumes),
        "evaluations": result.evaluations,
        "samples": result.samples,
        "seconds": round(result.seconds, 1),
        "stopped": result.stopped,
    }

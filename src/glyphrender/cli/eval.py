"""`glyphrender eval`: a benchmark under a named protocol, with pages and without, on the same items."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from glyphrender.cli.eval_efficiency import WithEfficiency
from glyphrender.cli.eval_plan import listing, print_plan
from glyphrender.cli.notices import say
from glyphrender.cli.options import (
    Pricing,
    base_url_option,
    local_option,
    model_option,
    price_options,
    theta_of,
    theta_options,
)
from glyphrender.errors import counted

_TIMES: Final = ("seconds", "requests", "tokens", "dollars")

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glyphrender.evals.arms import Condition, Poser
    from glyphrender.evals.dry_run import Machine, Speed
    from glyphrender.evals.item import Benchmark
    from glyphrender.inference.model import Model
    from glyphrender.models.model import VisionModel
    from glyphrender.theta import Theta

_ARMS = ("pages", "pages+exact", "text", "truncated", "retrieved")


@click.command(cls=WithEfficiency)
@click.argument("name", required=False, metavar="[NAME]")
@click.argument("data", nargs=-1, metavar="[DATA...]")
@click.option("--list", "list_them", is_flag=True, help="List the benchmarks with their protocols, tasks and options.")
@click.option("--protocol", metavar="NAME", default="", help="How items are asked and scored; by default the first.")
@click.option(
    "--arm",
    "arms",
    type=click.Choice(_ARMS),
    multiple=True,
    help="A way to ask the items; repeatable. By default pages and text.",
)
@click.option("--task", "tasks", metavar="NAME", multiple=True, help="A task of the benchmark; repeatable.")
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    help="An option of the benchmark; repeatable.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Ask the first N items of each task.")
@model_option
@base_url_option
@local_option
@click.option("--vision", metavar="NAME|DIR", help="Vision model that counts images; by default that of --model.")
@click.option("--tokenizer", metavar="NAME|FILE", help="Tokenizer that counts text; by default the model's own.")
@click.option("--judge", metavar="NAME", help="Name of the model that judges replies, if the protocol has one.")
@click.option("--judge-url", metavar="URL", help="Address of the judge's server; by default --base-url.")
@theta_options
@click.option("--also", metavar="PRESET|FILE", multiple=True, help="Another θ for the same items; repeatable.")
@click.option("--align/--no-align", default=True, show_default=True, help="Align θ to the grid of the vision model.")
@click.option(
    "--sampling",
    metavar="NAME=VALUE",
    multiple=True,
    help="A field of the request in place of the protocol's; an empty VALUE leaves it out. The report says so.",
)
@click.option(
    "--thinking", type=click.IntRange(0), default=0, show_default=True, help="Tokens of a reply beyond the protocol's."
)
@click.option("--context", type=click.IntRange(1), metavar="N", help="Tokens of the model's context.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("evals"),
    show_default=True,
    help="Folder of reports.",
)
@click.option(
    "--replies", type=click.Path(path_type=Path), help="The store of replies; by default replies.sqlite in --out."
)
@click.option("--max-requests", type=click.IntRange(1), help="Most requests, all runs with the same store together.")
@click.option("--max-tokens", type=click.IntRange(1), help="Most tokens, all runs with the same store together.")
@click.option("--max-dollars", type=click.FloatRange(0), help="Most dollars, all runs with the same store together.")
@click.option("--concurrency", type=click.IntRange(1), default=4, show_default=True, help="Requests at a time.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=120.0, show_default=True,
              help="Seconds that the server may be silent.")  # fmt: skip
@click.option("--retries", type=click.IntRange(0), default=4, show_default=True, help="Most times to send again.")
@click.option("--dry-run", is_flag=True, help="Ask nothing: print items, tokens, pages, ρ, price and hours.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="With --dry-run: lay out N items of each group.")
@click.option(
    "--speed",
    metavar="IN,OUT",
    help="With --dry-run: tokens of prompts and of replies that the server handles in a second.",
)
@price_options
def command(
    *,
    name: str | None,
    data: tuple[str, ...],
    list_them: bool,
    protocol: str,
    arms: tuple[str, ...],
    tasks: tuple[str, ...],
    options: tuple[str, ...],
    limit: int | None,
    model: str,
    base_url: str | None,
    local: bool,
    vision: str | None,
    tokenizer: str | None,
    judge: str | None,
    judge_url: str | None,
    theta: Theta,
    also: tuple[str, ...],
    align: bool,
    sampling: tuple[str, ...],
    thinking: int,
    context: int | None,
    out: Path,
    replies: Path | None,
    max_requests: int | None,
    max_tokens: int | None,
    max_dollars: float | None,
    concurrency: int,
    timeout: float,
    retries: int,
    dry_run: bool,
    sample: int | None,
    speed: str | None,
    pricing: Pricing,
) -> int:
    """Measure a model on a benchmark: accuracy beside ρ, pages beside plain text.

    NAME is a benchmark (see --list) or MODULE:FUNCTION of your own, and DATA are its files, or ids on the hub. The
    report is written into --out, under a name with benchmark, revision, protocol, θ, model and sampling. Every reply is
    stored: the same command again asks only what was not asked before.
    """
    from glyphrender._system.atomic_write import check_folder
    from glyphrender.evals.arms import conditions_of
    from glyphrender.evals.asking import no_judge
    from glyphrender.evals.benchmarks import load_benchmark

    if list_them or name is None:
        click.echo(listing())
        return 0
    if speed is not None and not dry_run:
        raise click.UsageError("--speed is for --dry-run. Add --dry-run, or leave it out.")
    if not dry_run:
        check_folder(out)
    if ":" in name:
        sys.path.insert(0, os.getcwd())  # as `python -m` does
    benchmark = load_benchmark(name, data, tasks=tasks, protocol=protocol, options=_pairs("--option", options))
    if judge is not None and not benchmark.judged:
        raise click.UsageError(f"{benchmark.name}, protocol {benchmark.protocol.name}, asks no judge. Omit --judge.")
    if judge is None and benchmark.judged and not dry_run:
        raise no_judge(benchmark)
    asked = None
    if not dry_run:
        asked, model = _model(
            model, base_url=base_url, local=local, timeout=timeout, retries=retries, concurrency=concurrency
        )
    poser = _poser(vision, tokenizer, model)
    seen = poser.vision
    thetas = [theta, *map(_theta, also)]
    if align and seen.grid is not None:
        thetas = [each.align_to(seen) for each in thetas]
    conditions = conditions_of(arms or ("pages", "text"), thetas)
    price = pricing.of(model or seen.name)
    if asked is None:
        print_plan(
            benchmark, conditions, poser, limit=limit, sample=sample, price=price, speed=_speed(speed, seen.name),
            context=context, thinking=thinking, sampling=_sampling(sampling),
            measure=f"{seen.name} and {poser.tokenizer.name}",
        )  # fmt: skip
        if price is None:
            say(pricing.hint([seen.name]))
        return 0
    judged = None if judge is None else _judge(judge, judge_url or base_url, timeout, retries)
    _make_folder(out)
    return _run(
        benchmark, asked, conditions, poser, out, replies or out / "replies.sqlite",
        limit=limit, budget=(max_requests, max_tokens, max_dollars), price=price, judge=judged,
        judge_price=None if judge is None else pricing.of(judge), concurrency=concurrency, context=context,
        thinking_tokens=thinking, sampling=_sampling(sampling),
    )  # fmt: skip


def _poser(vision: str | None, tokenizer: str | None, model: str) -> Poser:
    """Return the vision model and the tokenizer that count: those of the options, or else those of the model."""
    from glyphrender.evals.arms import Poser
    from glyphrender.models.tokenizers import tokenizer as tokenizer_named
    from glyphrender.models.tokenizers import tokenizer_of

    seen, own = _vision(vision, model), Path(model) / "tokenizer.json"
    counted_by = tokenizer_named(tokenizer or (own if model and own.exists() else tokenizer_of(seen.name)) or "glm-4")
    return Poser(vision=seen, tokenizer=counted_by)


def _make_folder(out: Path) -> None:
    """Make the folder of reports, if it is missing."""
    from glyphrender.errors import DataError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{out} cannot be a folder of reports ({error.strerror}). Choose another with --out."
        ) from error


def _run(
    benchmark: Benchmark,
    asked: Model,
    conditions: Sequence[Condition],
    poser: Poser,
    out: Path,
    replies: Path,
    *,
    budget: tuple[int | None, int | None, float | None],
    **settings: Any,
) -> int:
    """Run, write the report and print its table. Return 1 if a request has no reply."""
    from glyphrender.evals.arms_table import arms_table
    from glyphrender.evals.report import check_report, remarks, write_report, write_times
    from glyphrender.evals.runner import run
    from glyphrender.evals.summary import run_name, summary
    from glyphrender.inference.replies import RequestBudget

    started = time.monotonic()
    requests, tokens, most_dollars = budget
    found = run(
        benchmark,
        asked,
        conditions=conditions,
        poser=poser,
        replies=replies,
        budget=RequestBudget(requests=requests, tokens=tokens, dollars=most_dollars),
        progress=_progress if sys.stderr.isatty() else False,
        begin=lambda begun, keys: check_report(out, run_name(begun, keys)),
        **settings,
    )
    paths = write_report(out, found)
    seconds = time.monotonic() - started
    spent = found.spent
    times = dict(zip(_TIMES, (round(seconds, 1), spent.requests, spent.tokens, spent.dollars), strict=True))
    write_times(paths["json"], times)
    report = summary(found)
    for each in report["departures"]:
        say(f"not the protocol: {each}.")
    for each in remarks(report):
        say(each)
    click.echo(arms_table(report).text())
    click.echo(f"report: {paths['html']}", err=True)
    missing = len(report["missing"])
    say(f"{counted(missing, 'request')} without a reply: they count as wrong, see the report." if missing else "")
    return 1 if missing else 0


def _progress(done: int, total: int) -> None:
    """Show on a terminal how far a run has come."""
    click.echo(f"\r{done:,} of {total:,}" + ("\n" if done == total else ""), err=True, nl=False)


def _model(
    model: str, *, base_url: str | None, local: bool, timeout: float, retries: int, concurrency: int
) -> tuple[Model, str]:
    """Return the model that is asked, and its name."""
    from dataclasses import replace

    from glyphrender.inference.endpoint import Endpoint
    from glyphrender.inference.model import EndpointModel

    if local:
        from glyphrender.inference.transformers import LazyModel

        if not model:
            raise click.UsageError("--local needs --model: a directory, or a name on the hub.")
        return LazyModel(path_or_id=model), model
    endpoint = Endpoint(model=model, base_url=base_url, timeout=timeout, retries=retries)
    endpoint = replace(endpoint, model=model or endpoint.only_model())
    return EndpointModel(endpoint=endpoint), endpoint.model


def _judge(name: str, base_url: str | None, timeout: float, retries: int) -> Model:
    from glyphrender.inference.endpoint import Endpoint
    from glyphrender.inference.model import EndpointModel

    endpoint = Endpoint(model=name, base_url=base_url, temperature=0.0, timeout=timeout, retries=retries)
    return EndpointModel(endpoint=endpoint)


def _vision(vision: str | None, model: str) -> VisionModel:
    """Return the vision model that counts images: by its name, by the files of a model, or by the model's name."""
    from glyphrender.inference.chat import UNKNOWN_VISION
    from glyphrender.models.names import family_name
    from glyphrender.models.vision import VISION_MODELS, vision_from_config, vision_model

    for name in filter(None, (vision, model)):
        if any((Path(name) / file).exists() for file in ("preprocessor_config.json", "processor_config.json")):
            return vision_from_config(name)
        if name == vision:
            return vision_model(name)
    found = family_name(model, VISION_MODELS)
    if found is None:
        about = f"{model} is not known" if model else "no model is named"
        say(f"{about}: images are counted as for {UNKNOWN_VISION}. Pass --vision.")
    return vision_model(found or UNKNOWN_VISION)


def _theta(name: str) -> Theta:
    from glyphrender.theta import Theta

    return theta_of(None, name, ()) if name in Theta.preset_names() else theta_of(Path(name), None, ())


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} {each} has no value. Write {option} NAME=VALUE.")
        pairs[name] = value
    return pairs


def _sampling(given: Sequence[str]) -> Mapping[str, Any]:
    """Return the fields of `--sampling`. A value is JSON where it can be, else a text; an empty one is None."""
    found: dict[str, Any] = {}
    for name, value in _pairs("--sampling", given).items():
        try:
            found[name] = json.loads(value) if value else None
        except (ValueError, RecursionError):
            found[name] = value
    return found


def _speed(given: str | None, vision: str) -> Speed | Machine | None:
    """Return the speed of `--speed`; by default one H100 for GLM-4.1V, and none for others."""
    from glyphrender.evals.dry_run import Speed, h100_of_glyph

    if given is None:
        return h100_of_glyph() if vision == "glm-4.1v" else None
    try:
        prompt, output = (float(each) for each in given.split(","))
    except ValueError:
        prompt = output = 0.0
    if not (prompt > 0 and output > 0):
        raise click.UsageError(f"--speed {given} is not two numbers above 0. Write --speed IN,OUT, as 20000,1500.")
    return Speed(prompt=prompt, output=output)

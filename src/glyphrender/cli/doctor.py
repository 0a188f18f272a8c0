"""`glyphrender doctor`: find what is wrong with a model server before pages are sent to it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.notices import say
from glyphrender.cli.options import Pricing, base_url_option, dollars, model_option, price_options, theta_options
from glyphrender.errors import VisionModelError, counted, one_line
from glyphrender.report.tables import text_table

if TYPE_CHECKING:
    from glyphrender.inference.endpoint import Endpoint
    from glyphrender.inference.preflight.exchange import Observation
    from glyphrender.inference.preflight.findings import Finding
    from glyphrender.inference.preflight.probes import PreflightPlan
    from glyphrender.inference.preflight.run import PreflightReport
    from glyphrender.models.tokenizers import Tokenizer
    from glyphrender.theta import Theta


@click.command()
@base_url_option
@model_option
@click.option("--vision", metavar="NAME", help="The vision model; by default it follows from --model.")
@click.option("--tokenizer", "tokenizer_name", metavar="NAME|FILE",
              help="The model's tokenizer, or its tokenizer.json; by default found by the vision model.")  # fmt: skip
@click.option("--key-env", default="OPENAI_API_KEY", show_default=True, metavar="NAME",
              help="Environment variable that holds the key.")  # fmt: skip
@click.option("--align/--no-align", default=True, help="Align θ to the grid of the vision model first.")
@click.option("--images", type=click.IntRange(1), default=16, show_default=True, metavar="N",
              help="Pages that your requests hold.")  # fmt: skip
@click.option("--most", type=click.IntRange(256), default=8192, show_default=True, metavar="N",
              help="Most tokens of a prompt.")  # fmt: skip
@click.option("--answer", type=click.IntRange(1), default=512, show_default=True, metavar="N",
              help="Most tokens of an answer. A model that thinks needs more.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=120.0, show_default=True, metavar="S",
              help="Most seconds that the server may be silent.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show the requests and their tokens, and send none.")
@price_options
@theta_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, not lines.")
def command(
    *,
    base_url: str | None,
    model: str,
    vision: str | None,
    tokenizer_name: str | None,
    key_env: str,
    align: bool,
    images: int,
    most: int,
    answer: int,
    timeout: float,
    dry_run: bool,
    pricing: Pricing,
    theta: Theta,
    as_json: bool,
) -> int:
    """Find what is wrong with a model server before pages are sent to it.

    Without a server and a model, the installation is tried instead: which parts work, which are missing or broken.

    Some fifteen small requests are sent, one after another. The tokens that the server counts are compared with those
    that the model should count. The exit status is 0 if nothing is wrong, 1 if a fault is found or the server fails,
    and 2 for a mistake in the options.
    """
    from glyphrender.inference.endpoint import Endpoint
    from glyphrender.inference.preflight.probes import PreflightPlan
    from glyphrender.inference.preflight.run import preflight
    from glyphrender.models.vision import vision_model

    if not (base_url or os.environ.get("OPENAI_BASE_URL") or model or vision):
        return _installation(as_json)
    endpoint = Endpoint(model=model, base_url=base_url, key_variable=key_env, timeout=timeout, retries=0)
    if not model and not (dry_run and vision):
        endpoint = _named(endpoint)
    try:
        seen = vision_model(vision or endpoint.model)
    except VisionModelError as error:
        raise click.UsageError(f"{error} Pass --vision NAME.") from None
    plan = PreflightPlan(
        model=seen,
        theta=theta.align_to(seen) if align and seen.grid is not None else theta,
        counter=_counter(tokenizer_name, seen.name),
        images=images,
        most=most,
        answer=answer,
        nonce=time.time_ns() % 10**12,
    )
    estimate = _estimate(plan, endpoint, pricing)
    if dry_run:
        _print_plan(plan, estimate, as_json)
        return 0
    say(estimate)
    report = preflight(endpoint, plan, progress=lambda seen: None if as_json else _told(seen))
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo(_lines(report))
    return 1 if report.faults else 0


def _installation(as_json: bool) -> int:
    """Try the parts of the installation, and return the exit status."""
    from dataclasses import asdict

    from glyphrender.cli.installation import parts

    found = []
    for part in parts():
        found.append(part)
        if not as_json:
            extra = f" (extra {part.extra})" if part.extra else ""
            click.echo(one_line(f"{part.state:8}{part.name}{extra}: {part.detail}"))
    if as_json:
        click.echo(json.dumps([asdict(part) for part in found], indent=2, ensure_ascii=False))
    say("a server is tried with --base-url URL.")
    return 1 if any(part.state == "broken" for part in found) else 0


def _named(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, model=endpoint.only_model())


def _counter(name: str | None, vision: str) -> Tokenizer | None:
    """Return the tokenizer that is named, or the model's own; None if that is not known or not installed."""
    from glyphrender.errors import DependencyError
    from glyphrender.models.tokenizers import tokenizer, tokenizer_of

    if name is not None:
        return tokenizer(name)
    own = tokenizer_of(vision)
    if own is None:
        say(f"the tokenizer of {vision} is not known: texts are not compared. Pass --tokenizer FILE.")
        return None
    try:
        found = tokenizer(own)
        found.count("a")
    except DependencyError as error:
        say(f"texts are not compared: {error}")
        return None
    return found


def _estimate(plan: PreflightPlan, endpoint: Endpoint, pricing: Pricing) -> str:
    probes = plan.probes
    prompt, answers = sum(each.tokens for each in probes), sum(each.limit for each in probes)
    words = f"{counted(len(probes), 'request')}: {prompt:,} tokens of prompts, and at most {answers:,} of answers"
    price = pricing.of(endpoint.model)
    if price is None:
        return f"{words}."
    images = prompt - sum(plan.tokens(replace(each, parts=each.texts)) for each in probes)
    cost = price.cost(text_tokens=prompt - images, image_tokens=images, cached_tokens=0, output_tokens=answers)
    return f"{words}; at most {dollars(cost)}."


def _print_plan(plan: PreflightPlan, estimate: str, as_json: bool) -> None:
    probes = plan.probes
    if as_json:
        rows: list[dict[str, Any]] = [
            {
                "probe": each.name,
                "shows": each.shows,
                "images": [list(picture.size) for picture in each.pictures],
                "our_tokens": each.tokens,
                "max_tokens": each.limit,
                "stream": each.stream,
            }
            for each in probes
        ]
        click.echo(json.dumps({"vision": plan.model.name, "probes": rows}, indent=2, ensure_ascii=False))
        return
    rows_of_table = [
        [
            each.name,
            each.shows,
            _pictures([picture.size for picture in each.pictures]),
            f"{each.tokens:,}",
            f"{each.limit}",
        ]
        for each in probes
    ]
    click.echo(text_table(["probe", "shows", "images", "tokens", "answer"], rows_of_table, left=3))
    say(estimate)


def _pictures(sizes: list[tuple[int, int]]) -> str:
    if len(sizes) > 2:
        return f"{len(sizes)} × {sizes[0][0]}×{sizes[0][1]}"
    return ", ".join(f"{width}×{height}" for width, height in sizes)


def _told(seen: Observation) -> None:
    if seen.refusal:
        say(f"{seen.probe}: refused ({seen.refusal})")
        return
    tokens = "no usage" if seen.prompt_tokens is None else f"{seen.prompt_tokens:,} tokens"
    cached = f", {seen.cached_tokens:,} cached" if seen.cached_tokens is not None else ""
    say(f"{seen.probe}: {tokens}{cached}, {seen.seconds:.2f} s")


def _lines(report: PreflightReport) -> str:
    plan = report.plan
    width, height = plan.sizes["page"]
    about = f"{report.model} at {report.url}, judged as {plan.model.name}, pages of {width}×{height} px"
    if plan.counter is not None:
        about += f", texts counted by {plan.counter.name}"
    lines = [about + "."]
    for number, each in enumerate(report.findings, 1):
        lines += ["", *_finding(number, each)]
    faults, notes = len(report.faults), len(report.findings) - len(report.faults)
    verdict = f"{counted(faults, 'fault')}" if faults else "No fault"
    lines += ["", f"{verdict}, {counted(notes, 'note')}."]
    if report.context is not None:
        pages = report.context // plan.model.image(width, height).prompt_tokens
        lines.append(f"The context of {report.context:,} tokens holds some {counted(pages, 'page')}.")
    return "\n".join(map(one_line, lines))


def _finding(number: int, each: Finding) -> list[str]:
    lines = [f"{number}. {each.kind} ({each.severity}; probe {each.probe!r})", f"   seen:      {each.seen}"]
    if each.predicted:
        lines.append(f"   predicted: {each.predicted}")
    if each.advice:
        lines.append(f"   {each.advice}")
    lines += [f"   {program}: {words}" for program, words in each.settings]
    return lines

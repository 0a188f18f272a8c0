"""`glyphrender profile`: what a model reads on pages, measured with a price before it starts, as a receipt."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.notices import say
from glyphrender.cli.options import Pricing, base_url_option, dollars, local_option, model_option, price_options
from glyphrender.errors import counted
from glyphrender.report.tables import text_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glyphrender.evals.profile.measure import Estimate, Tally
    from glyphrender.evals.profile.receipt import Receipt
    from glyphrender.evals.profile.registry import ReadingProfile
    from glyphrender.inference.model import Model
    from glyphrender.models.prices import Price

# Names of `evals.profile.battery.KINDS`: the help of the command loads no module for them.
_KINDS = ("arithmetic", "gist", "state", "never_stated", "code", "exact", "confusable", "order", "position")
_SIZES = (14.0, 10.0, 8.0, 6.75, 5.5)


@click.command()
@model_option
@base_url_option
@local_option
@click.option("--vision", metavar="NAME", help="The vision model; by default as the name of the model says.")
@click.option("--kind", "kinds", type=click.Choice(_KINDS), multiple=True, help="A kind of question; repeatable.")
@click.option(
    "--questions", type=click.IntRange(1), default=10, show_default=True, help="Questions of each kind and size."
)
@click.option("--size", "sizes", type=float, multiple=True, metavar="N", help="A size of type in pixels; repeatable.")
@click.option(
    "--characters", type=click.IntRange(400), default=3000, show_default=True, help="Length of the text of a question."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all texts and answers.")
@click.option("--thinking", type=click.IntRange(0), default=0, show_default=True, help="Tokens for thoughts.")
@click.option("--concurrency", type=click.IntRange(1), default=8, show_default=True, help="Requests at a time.")
@click.option("--max-requests", type=click.IntRange(1), help="Most requests, all runs in the folder together.")
@click.option("--max-dollars", type=click.FloatRange(0, min_open=True), help="Most dollars, all runs together.")
@click.option("--temperature", type=click.FloatRange(0), metavar="N", default=0.0, show_default=True, help="Sampling.")
@click.option("--server-temperature", is_flag=True, help="Send no temperature: some models accept only their own.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("profile"), show_default=True, help="Folder."
)
@click.option("--yes", is_flag=True, help="Start without asking whether the price is right.")
@click.option("--estimate", "only_estimate", is_flag=True, help="Print the price and the time, and send nothing.")
@click.option("--check", "checked", type=click.Path(path_type=Path), help="Check this receipt, and show it.")
@click.option("--known", metavar="NAME", help="Show the θ to use for a measured model, by its exact id; 'all' lists.")
@click.option("--receipt", "more", type=click.Path(path_type=Path), multiple=True, help="A receipt for --known.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@price_options
def command(
    *,
    checked: Path | None,
    known: str | None,
    more: tuple[Path, ...],
    as_json: bool,
    pricing: Pricing,
    **given: Any,
) -> None:
    """Measure what a model reads on pages, at which size of type.

    The battery has nine kinds of questions: arithmetic, gist, state, never-stated facts, code, exact strings,
    confusable letters, order and position. Each question is asked about plain text, and about pages in falling sizes of
    type. The price and the time are printed before the first request. Replies are kept in the folder, so the same
    command goes on where it was. The result is receipt.json, which anyone can check with --check.
    """
    from glyphrender.evals.profile.receipt import Receipt
    from glyphrender.evals.profile.registry import ReadingProfile, reading_profile, receipts

    if known == "all":
        found = receipts(more)
        click.echo("\n".join(sorted(found)) or "no model was measured yet. Run `glyphrender profile --model …`.")
        return
    if known is not None:
        _show_profile(reading_profile(known, more=more), as_json=as_json)
        return
    if checked is not None:
        receipt = Receipt.load(checked)
        receipt.check()
        say(f"{checked} holds: every question and every score is as it says.")
    else:
        asked = _Asked(pricing=pricing, **given)
        made = asked.measured()
        if made is None:
            return
        receipt = made
    if as_json:
        click.echo(json.dumps(_values(receipt), indent=2, ensure_ascii=False))
        return
    click.echo(_cells_table(receipt))
    _show_profile(ReadingProfile.of(receipt), as_json=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """The options of a measurement."""

    model: str
    base_url: str | None
    local: bool
    vision: str | None
    kinds: tuple[str, ...]
    questions: int
    sizes: tuple[float, ...]
    characters: int
    seed: int
    thinking: int
    concurrency: int
    max_requests: int | None
    max_dollars: float | None
    temperature: float
    server_temperature: bool
    output: Path
    yes: bool
    only_estimate: bool
    pricing: Pricing

    def measured(self) -> Receipt | None:
        """Print the price, ask, measure, and write the receipt. Return None if nothing was to be sent."""
        from glyphrender.errors import DataError
        from glyphrender.evals.arms import Poser
        from glyphrender.evals.profile.battery import battery
        from glyphrender.evals.profile.ladder import ladder
        from glyphrender.evals.profile.measure import conditions_of_ladder, estimate, measure
        from glyphrender.evals.profile.receipt import Receipt
        from glyphrender.inference.replies import RequestBudget
        from glyphrender.models.tokenizers import tokenizer, tokenizer_of
        from glyphrender.models.vision import vision_model

        if not self.only_estimate:
            Receipt.check_place(self.output / "receipt.json")
        model, name = self._model()
        vision = vision_model(self.vision or _vision_of(name))
        price = self.pricing.of(name) or self.pricing.of(vision.name)
        poser = Poser(vision=vision, tokenizer=tokenizer(tokenizer_of(vision.name) or "glm-4"))
        rungs = ladder(vision, sizes=self.sizes or _SIZES)
        benchmark = battery(
            kinds=self.kinds or _KINDS, questions=self.questions, seed=self.seed, characters=self.characters
        )
        conditions = conditions_of_ladder(rungs)
        before = estimate(
            benchmark, conditions, poser, price=price, concurrency=self.concurrency, thinking_tokens=self.thinking
        )
        self._announce(name, before, price)
        if self.only_estimate:
            return None
        self._confirm()
        try:
            self.output.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self.output} cannot be made ({error.strerror}). Choose another folder.") from error
        found = measure(
            model,
            benchmark,
            rungs,
            poser=poser,
            replies=self.output / "replies.sqlite",
            budget=RequestBudget(requests=self.max_requests, dollars=self.max_dollars),
            price=price,
            concurrency=self.concurrency,
            thinking_tokens=self.thinking,
            sampling={"temperature": None} if self.server_temperature else {"temperature": self.temperature},
            progress=_progress(),
        )
        receipt = Receipt.of(found, questions=self.questions, seed=self.seed, characters=self.characters)
        receipt.check()
        missing = sum(each["verdict"] == "missing" for each in receipt.values["outcomes"])
        if missing == len(found.outcomes):
            problems = [each.problem for each in found.outcomes if each.problem] or ["every reply is empty"]
            raise DataError(
                f"no question has a reply ({problems[0]}). Check the model, and run the same command again."
            )
        if missing:
            say(f"{counted(missing, 'question')} without a reply: they count as not right, see the receipt.")
        receipt.save(self.output / "receipt.json")
        say(f"{self.output / 'receipt.json'} is written. To contribute it, see docs/reading-profile.md.")
        return receipt

    def _model(self) -> tuple[Model, str]:
        from glyphrender.inference.endpoint import Endpoint
        from glyphrender.inference.model import EndpointModel

        if self.local:
            from glyphrender.inference.transformers import LazyModel

            if not self.model:
                raise click.UsageError("--local needs --model: a directory, or a name on the hub.")
            return LazyModel(path_or_id=self.model), self.model
        endpoint = Endpoint(model=self.model, base_url=self.base_url)
        name = self.model or endpoint.only_model()
        return EndpointModel(endpoint=Endpoint(model=name, base_url=self.base_url)), name

    def _announce(self, name: str, before: Estimate, price: Price | None) -> None:
        tokens = f"{before.text_tokens + before.image_tokens:,} tokens of prompts ({before.image_tokens:,} of pages)"
        most = f"at most {before.output_tokens:,} tokens of replies"
        cost = (
            "no price is known: pass --price IN,OUT" if before.dollars is None else f"{dollars(before.dollars)} at most"
        )
        say(f"{name}: {before.requests:,} requests, {tokens}, {most}; {cost}.")
        say(f"about {before.minutes:.0f} minutes, at 6 s a request and {self.concurrency} requests at a time.")

    def _confirm(self) -> None:
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError("nothing was sent. Pass --yes to start, or --estimate for the price alone.")
        click.confirm("Start?", abort=True, err=True)


def _vision_of(model: str) -> str:
    """Return the vision model that the name of a served model stands for. Say so if the name stands for none."""
    from glyphrender.inference.chat import UNKNOWN_VISION
    from glyphrender.models.names import family_name
    from glyphrender.models.vision import VISION_MODELS

    if (known := family_name(model, VISION_MODELS)) is not None:
        return known
    say(
        f"the vision model of {model} is not known: pages are sized and counted as for {UNKNOWN_VISION}. Pass --vision."
    )
    return UNKNOWN_VISION


def _progress() -> Any:
    """Return a function that prints a line to stderr after each tenth of the requests."""
    printed = 0

    def show(done: int, of: int) -> None:
        nonlocal printed
        if done * 10 // of > printed:
            printed = done * 10 // of
            click.echo(f"{done:,} of {of:,} replies", err=True)

    return show


def _cells_table(receipt: Receipt) -> str:
    """Return a table with a row for each kind and a column for each condition."""
    found = {(cell.kind, cell.condition): cell for cell in receipt.cells()}
    names = [each["name"] for each in receipt.values["conditions"]]
    kinds = list(dict.fromkeys(kind for kind, _ in found))
    rows = [[kind, *(_cell(found[kind, name]) for name in names)] for kind in kinds]
    rhos = [each["rho"]["visual"] for each in receipt.values["conditions"]]
    rows.append(["ρ (visual)", *("" if rho is None else f"{rho:.2f}" for rho in rhos)])
    legend = "right/questions [95% interval], ?abstained, !wrong without saying so, -no reply"
    return f"{text_table(['kind', *names], rows, left=1)}\n{legend}"


def _cell(cell: Tally) -> str:
    share = cell.share
    said = f"{cell.right}/{cell.count} [{share.low:.0%}, {share.high:.0%}]"
    counts = (("?", cell.abstained), ("!", cell.wrong), ("-", cell.missing))
    return said + "".join(f" {mark}{count}" for mark, count in counts if count)


def _profile_values(profile: ReadingProfile) -> dict[str, Any]:
    from glyphrender.evals.profile.registry import USES

    uses = {use: profile.rung(use) for use in USES}
    thetas = {use: profile.thetas[rung].to_dict() for use, rung in uses.items() if rung is not None}
    return {
        "model": profile.model,
        "date": profile.date,
        "uses": uses,
        "densest": profile.densest,
        "not_from_pages": list(profile.blind),
        "not_from_text": list(profile.weak),
        "theta": thetas,
    }


def _show_profile(profile: ReadingProfile, *, as_json: bool) -> None:
    values = _profile_values(profile)
    if as_json:
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    click.echo(f"{profile.model}, measured {profile.date}")
    for use, rung in values["uses"].items():
        click.echo(f"  {use}: {f'pages at {rung}' if rung else 'send as text'}")
    if profile.blind:
        click.echo(f"  must not be asked from pages: {_listed(profile.blind)}")
    if profile.weak:
        click.echo(f"  not even from text: {_listed(profile.weak)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


def _values(receipt: Receipt) -> dict[str, Any]:
    from glyphrender.evals.profile.registry import ReadingProfile

    counts = [
        {
            "kind": cell.kind,
            "condition": cell.condition,
            "right": cell.right,
            "abstained": cell.abstained,
            "wrong": cell.wrong,
            "missing": cell.missing,
            "low": round(cell.share.low, 4),
            "high": round(cell.share.high, 4),
        }
        for cell in receipt.cells()
    ]
    return {**_profile_values(ReadingProfile.of(receipt)), "cells": counts}

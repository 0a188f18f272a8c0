"""The tables that `glyphrender eval` prints without asking a model: the benchmarks, and what a run would need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.notices import say
from glyphrender.cli.options import dollars
from glyphrender.errors import counted
from glyphrender.report.tables import text_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glyphrender.evals.arms import Condition, Poser
    from glyphrender.evals.dry_run import Machine, PlannedCondition, Speed
    from glyphrender.evals.item import Benchmark


def print_plan(
    benchmark: Benchmark,
    conditions: Sequence[Condition],
    poser: Poser,
    *,
    limit: int | None,
    sample: int | None,
    price: Any,
    speed: Speed | Machine | None,
    context: int | None,
    thinking: int,
    sampling: Mapping[str, Any],
    measure: str,
) -> None:
    """Print what a run would need."""
    from glyphrender.evals.dry_run import dry_run
    from glyphrender.evals.item import no_follow_up

    planned = dry_run(
        benchmark, conditions=conditions, poser=poser, limit=limit, sample=sample, price=price, speed=speed,
        context=context, thinking_tokens=thinking, sampling=sampling,
    )  # fmt: skip
    if benchmark.follow_up is not no_follow_up:
        whom = "a judge" if benchmark.judged else "the model"
        say(f"the second request of an item, to {whom}, depends on the reply and is not counted.")
    first = planned[0]
    laid = "" if first.measured == first.items else f", {first.measured:,} of them laid out"
    click.echo(
        f"{benchmark.name}, protocol {benchmark.protocol.name}, data {benchmark.revision}: "
        f"{counted(first.items, 'item')}{laid}; counted by {measure}"
    )
    headings = ("arm", "pages", "context tokens", "prompt tokens", "ρ visual", "ρ prompt", "longest prompt",
                "reply tokens ≤", "refused", "too long", "prompts $", "dollars ≤", "hours ≤")  # fmt: skip
    click.echo(text_table(headings, [_planned(each) for each in planned]))


def _planned(each: PlannedCondition) -> list[str]:
    def number(value: float) -> str:
        return f"{value:,.0f}"

    def ratio(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    return [
        each.name, number(each.pages), number(each.context_tokens), number(each.prompt_tokens), ratio(each.rho_visual),
        ratio(each.rho_prompt), number(each.longest_prompt), number(each.output_tokens), number(each.refused),
        number(each.too_long), "" if each.prompt_dollars is None else dollars(each.prompt_dollars),
        "" if each.dollars is None else dollars(each.dollars), "" if each.hours is None else f"{each.hours:,.2f}",
    ]  # fmt: skip


def listing() -> str:
    """Return the benchmarks as text."""
    from glyphrender.evals.benchmarks import BENCHMARKS

    parts = []
    for name, entry in BENCHMARKS.items():
        lines = [f"{name}: {entry.about}", f"  data: {entry.data}", f"  protocols: {', '.join(entry.protocols)}"]
        if entry.tasks:
            lines.append(f"  tasks: {', '.join(entry.tasks)}")
        lines += [f"  --option {option}=…: {about}" for option, about in entry.options.items()]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)

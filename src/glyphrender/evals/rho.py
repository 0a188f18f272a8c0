"""The three definitions of ρ over the items of one condition, side by side.

    visual     text tokens of the contexts / tokens that stand in their place: visual tokens of the pages, or the tokens
               of the text that is left
    prompt     tokens of the items as plain text / tokens of the prompts, as the server counted them. So the paper
               counts: question, template and image markers are in the denominator (thu-coai/Glyph, issue 13)
    effective  everything paid: (tokens as plain text + tokens of the replies) / (tokens of all prompts, follow-ups
               included, + tokens of the replies). What a judge is paid is no part of it

Each is a ratio of sums. The first is over all items; the other two are over the items whose counts the server gave.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from glyphrender.evals.outcome import Outcome

__all__ = ["Rhos", "rhos"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhos:
    """The three ratios; None where nothing was counted.

    Attributes:
        visual, prompt, effective: see the module.
        counted: number of items whose prompt tokens the server counted.
    """

    visual: float | None
    prompt: float | None
    effective: float | None
    counted: int


def rhos(outcomes: Iterable[Outcome]) -> Rhos:
    """Return the three ratios of outcomes of one condition."""
    context = shown = plain = prompt = paid_plain = paid = counted = 0
    for each in outcomes:
        context += each.cost.context_tokens
        shown += each.cost.shown_tokens
        if each.prompt_tokens is None:
            continue
        counted += 1
        plain += each.cost.plain_tokens
        prompt += each.prompt_tokens
        if each.all_prompt_tokens is not None and each.completion_tokens is not None:
            paid_plain += each.cost.plain_tokens + each.completion_tokens
            paid += each.all_prompt_tokens + each.completion_tokens
    return Rhos(
        visual=_ratio(context, shown), prompt=_ratio(plain, prompt), effective=_ratio(paid_plain, paid), counted=counted
    )


def _ratio(over: int, under: int) -> float | None:
    return over / under if over and under else None

"""Options of `glyphrender search` that name two models: one reads pages to judge a θ, one proposes new θ."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.options import local_option

if TYPE_CHECKING:
    from glyphrender.search.proposer import Proposer
    from glyphrender.search.vlm import VLMEvaluator

_OPTIONS = (
    click.option("--model", metavar="NAME", help="Name of the model of --evaluator vlm on its server."),
    click.option(
        "--base-url",
        metavar="URL",
        help="Address of the server's API, such as http://127.0.0.1:8000/v1. The key is taken from OPENAI_API_KEY.",
    ),
    local_option,
    click.option(
        "--tasks",
        metavar="NAME,...|FILE",
        default="transcribe,needle,hops,quote",
        show_default=True,
        help="Kinds of tasks, or a JSONL file of {context, question, answer}.",
    ),
    click.option(
        "--task-length",
        type=click.IntRange(400),
        default=12_000,
        show_default=True,
        help="Length of a task's text in cells. An ideograph is two cells.",
    ),
    click.option(
        "--max-requests", type=click.IntRange(1), help="Most requests to the model, all resumed runs together."
    ),
    click.option("--max-tokens", type=click.IntRange(1), help="Most tokens of the model, all resumed runs together."),
    click.option(
        "--concurrency",
        type=click.IntRange(1),
        default=4,
        show_default=True,
        help="Highest number of requests at once.",
    ),
    click.option(
        "--thinking", type=click.IntRange(0), default=0, show_default=True, help="Tokens for the thoughts of a reply."
    ),
    click.option(
        "--proposer",
        type=click.Choice(["expert", "llm"]),
        help="Proposer of θ between rounds: rules, or a language model.",
    ),
    click.option("--proposer-model", metavar="NAME", help="The model of --proposer llm; by default --model."),
    click.option("--proposer-url", metavar="URL", help="Address of the proposer's API; by default --base-url."),
    click.option("--proposer-sees", is_flag=True, help="Show crops of pages to the proposer."),
)

# The parameter names that click derives from the options, in the same order.
_NAMES = (
    *("model", "base_url", "local", "tasks", "task_length", "max_requests", "max_tokens", "concurrency", "thinking"),
    *("proposer", "proposer_model", "proposer_url", "proposer_sees"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """The values of the model options of one call.

    Attributes:
        options: values by parameter name.
    """

    options: dict[str, Any]

    def evaluator(self, texts: Sequence[str], folder: Path) -> VLMEvaluator:
        """Return the evaluator of `--evaluator vlm`. Its replies are kept in `folder`."""
        from glyphrender.search.vlm import evaluator

        given = self.options
        if not given["model"]:
            raise click.UsageError("--evaluator vlm needs --model, and --base-url if it is a server of your own.")
        return evaluator(
            texts,
            model=given["model"],
            base_url=given["base_url"],
            local=given["local"],
            replies=folder / "replies.sqlite",
            tasks=given["tasks"],
            characters=given["task_length"],
            max_requests=given["max_requests"],
            max_tokens=given["max_tokens"],
            concurrency=given["concurrency"],
            thinking_tokens=given["thinking"],
        )

    def proposer(self, texts: Sequence[str]) -> Proposer | None:
        """Return the proposer that `--proposer` names, or None."""
        given = self.options
        if given["proposer"] is None:
            return None
        if given["proposer"] == "expert":
            from glyphrender.search.expert import ExpertProposer

            return ExpertProposer()
        from glyphrender.inference.endpoint import Endpoint
        from glyphrender.search.llm import LLMProposer

        model = given["proposer_model"] or given["model"]
        if not model:
            raise click.UsageError(
                "--proposer llm needs --proposer-model, and --proposer-url if it is your own server."
            )
        base_url = given["proposer_url"] or given["base_url"]
        endpoint = Endpoint(model=model, base_url=base_url, temperature=0.0, retries=4)
        return LLMProposer(endpoint=endpoint, sample=texts[0] if given["proposer_sees"] else "")


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command. The command gets their values as the parameter `models`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **given: Any) -> Any:
        options = {name: given.pop(name) for name in _NAMES}
        return function(*args, models=Models(options=options), **given)

    decorated: Callable[..., Any] = wrapper
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated

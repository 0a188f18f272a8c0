"""Options of `glyphrender search` that name models: the one that judges θ, and the one that proposes them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from glyphrender.search.proposer import Proposer
    from glyphrender.search.vlm import VLMEvaluator

_OPTIONS = (
    click.option("--model", metavar="NAME", help="The model of --evaluator vlm, as its server names it."),
    click.option("--base-url", metavar="URL", help="Of its API, as http://127.0.0.1:8000/v1; key: OPENAI_API_KEY."),
    click.option("--local", is_flag=True, help="The model is loaded by transformers; --model is a directory or name."),
    click.option(
        "--tasks",
        metavar="NAME,...|FILE",
        default="transcribe,needle,hops,quote",
        show_default=True,
        help="What the model is asked, or a JSONL file of {context, question, answer}.",
    ),
    click.option("--task-length", type=click.IntRange(400), default=12_000, show_default=True, help="Cells of a text."),
    click.option("--max-requests", type=click.IntRange(1), help="Requests to the model, over all resumptions."),
    click.option("--max-tokens", type=click.IntRange(1), help="Tokens of the model, over all resumptions."),
    click.option("--concurrency", type=click.IntRange(1), default=4, show_default=True, help="Requests at once."),
    click.option("--thinking", type=click.IntRange(0), default=0, show_default=True, help="More tokens for a reply."),
    click.option("--proposer", type=click.Choice(["expert", "llm"]), help="What proposes θ between rounds."),
    click.option("--proposer-model", metavar="NAME", help="The model of --proposer llm; by default --model."),
    click.option("--proposer-url", metavar="URL", help="Of its API; by default --base-url."),
    click.option("--proposer-sees", is_flag=True, help="Crops of pages are shown to it."),
)

# In their order; click makes such names of them.
_NAMES = (
    *("model", "base_url", "local", "tasks", "task_length", "max_requests", "max_tokens", "concurrency", "thinking"),
    *("proposer", "proposer_model", "proposer_url", "proposer_sees"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """What the options say."""

    options: dict[str, Any]

    def evaluator(self, texts: Sequence[str], folder: Path) -> VLMEvaluator:
        """The judge of `--evaluator vlm`; its replies are kept in `folder`."""
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
        """What `--proposer` names."""
        given = self.options
        if given["proposer"] is None:
            return None
        if given["proposer"] == "expert":
            from glyphrender.search.expert import ExpertProposer

            return ExpertProposer()
        from glyphrender.inference.judge_endpoint import Endpoint
        from glyphrender.search.llm import LLMProposer

        model = given["proposer_model"] or given["model"]
        if not model:
            raise click.UsageError(
                "--proposer llm needs --proposer-model, and --proposer-url if it is your own server."
            )
        endpoint = Endpoint(model=model, base_url=given["proposer_url"] or given["base_url"])
        return LLMProposer(endpoint=endpoint, sample=texts[0] if given["proposer_sees"] else "")


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as `models`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **given: Any) -> Any:
        options = {name: given.pop(name) for name in _NAMES}
        return function(*args, models=Models(options=options), **given)

    decorated: Callable[..., Any] = wrapper
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated

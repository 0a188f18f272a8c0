"""`glyphrender ask`: ask a model on an OpenAI-compatible server a question about files."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.inputs import Reader, inputs_of, joined
from glyphrender.cli.notices import say
from glyphrender.cli.options import Pricing, base_url_option, dollars, price_options, text_options, theta_options
from glyphrender.cli.ratio import priced, print_skipped, verdict
from glyphrender.errors import counted
from glyphrender.text.parts import HEADING

if TYPE_CHECKING:
    from glyphrender.document.document import Document
    from glyphrender.inference.chat import Answer
    from glyphrender.models.prices import Price
    from glyphrender.theta import Theta

# All control characters but tab and newline.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_OVER = {"error": "error", "map": "split", "downshift": "downshift"}


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.argument("question")
@base_url_option
@click.option(
    "--model",
    metavar="NAME",
    default="",
    help="Name of the model on the server; by default the only one that it lists.",
)
@click.option("--vision", metavar="NAME", help="The vision model; by default it follows from --model.")
@click.option("--align/--no-align", default=True, help="Align θ to the grid of the vision model first.")
@click.option(
    "--send",
    type=click.Choice(["auto", "pages", "text"]),
    default="auto",
    show_default=True,
    help="Send pages, text, or whichever costs fewer tokens.",
)
@click.option(
    "--over",
    type=click.Choice(list(_OVER)),
    default="error",
    show_default=True,
    help="If the document does not fit a request: stop; ask about each part, then combine; or use smaller type.",
)
@click.option(
    "--context",
    type=click.IntRange(1),
    metavar="N",
    help="Most tokens of prompt and answer; by default what the server lists.",
)
@click.option("--max-images", type=click.IntRange(1), metavar="N", help="Most images the server takes in a request.")
@click.option("--exact", type=click.IntRange(0), default=2048, show_default=True, metavar="N",
              help="Most tokens of exact strings sent as text beside pages; 0 for none.")  # fmt: skip
@click.option("--expand", type=click.Choice(["text", "zoom", "enlarge"]),
              help="Send dense pages, and let the model ask for the text, or for larger pictures, of what it needs. "
              "The default θ is then the preset scan-8.")  # fmt: skip
@click.option("--expand-tokens", type=click.IntRange(0), default=8192, show_default=True, metavar="N",
              help="Most tokens that the model may ask for.")  # fmt: skip
@click.option("--expand-calls", type=click.IntRange(1), default=16, show_default=True, metavar="N",
              help="Most times that the model may ask.")  # fmt: skip
@click.option("--expand-seconds", type=click.FloatRange(0), default=600.0, show_default=True, metavar="S",
              help="Seconds after which the model must answer.")  # fmt: skip
@click.option("--protocol", type=click.Choice(["auto", "tools", "text"]), default="auto", show_default=True,
              help="How the model asks: by tool calls of the server, or in plain text.")  # fmt: skip
@click.option("--trace", is_flag=True, help="Show on standard error what the model asked for and got.")
@click.option("--bits", type=click.Choice(["1", "2", "4", "8"]), help="Bits of a grey pixel; by default 4.")
@click.option(
    "--max-tokens", type=click.IntRange(1), default=1024, show_default=True, help="Most tokens of the answer."
)
@click.option(
    "--temperature", type=click.FloatRange(0), metavar="N", help="Temperature of sampling; by default the server's own."
)
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=120.0, show_default=True, metavar="S",
              help="Most seconds that the server may be silent.")  # fmt: skip
@click.option(
    "--deadline",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Most seconds for a whole answer, with its retries; by default --timeout × (2 + --max-tokens / 256).",
)
@click.option("--retries", type=click.IntRange(0), default=3, show_default=True, metavar="N",
              help="Most times to send a failed request again, if the failure may be temporary.")  # fmt: skip
@price_options
@theta_options
@text_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object at the end, not the answer as it comes.")
def command(
    *,
    files: tuple[str, ...],
    question: str,
    base_url: str | None,
    model: str,
    vision: str | None,
    align: bool,
    send: str,
    over: str,
    context: int | None,
    max_images: int | None,
    exact: int,
    expand: str | None,
    expand_tokens: int,
    expand_calls: int,
    expand_seconds: float,
    protocol: str,
    trace: bool,
    bits: str | None,
    max_tokens: int,
    temperature: float | None,
    timeout: float,
    deadline: float | None,
    retries: int,
    pricing: Pricing,
    theta: Theta,
    encoding: str | None,
    errors: str,
    as_json: bool,
) -> int:
    """Ask a model about texts, sent to it as pages.

    The answer is written to standard output as it comes. The server's count of tokens and our own count are written to
    standard error. The key is read from OPENAI_API_KEY; your own server needs no key. If the answer is empty or not
    whole, standard error says why, and the exit status is 1.
    """
    from glyphrender.inference.chat import Endpoint, ExpandBudget, Packing, ask
    from glyphrender.inference.expand_schema import tool_names
    from glyphrender.theta import Theta

    endpoint = Endpoint(
        model=model,
        base_url=base_url,
        max_tokens=max_tokens,
        temperature=temperature,
        timeout=timeout,
        deadline=deadline,
        retries=retries,
    )
    endpoint = replace(endpoint, model=model or endpoint.only_model())
    price = pricing.of(endpoint.model)
    vision = _vision_of(endpoint.model) if vision is None else vision
    packing = Packing(
        model=vision,
        provider="openai",
        send=send,  # type: ignore[arg-type]
        over=_OVER[over],  # type: ignore[arg-type]
        context=context,
        max_images=max_images,
        exact=exact,
        bits=int(bits) if bits else None,
    )
    if expand is not None and theta == Theta():
        theta = Theta.preset("scan-8")
    theta = theta.align_to(vision) if align else theta
    document = _document(files, Reader(encoding=encoding, errors=errors), theta)
    if send != "text":
        say(_not_worth_it(document, vision, endpoint.model, pricing))
    printed = _Printer()
    try:
        answer = ask(
            document,
            question,
            endpoint,
            packing,
            on_text=None if as_json else printed,
            expand=None if expand is None else [*tool_names(expand)],
            budget=ExpandBudget(tokens=expand_tokens, calls=expand_calls, seconds=expand_seconds),
            protocol=protocol,  # type: ignore[arg-type]
        )
    finally:
        if printed.last and not printed.last.endswith("\n"):
            click.echo()
    if trace and answer.trace is not None:
        click.echo(_CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", answer.trace.show()), err=True)
    if as_json:
        click.echo(json.dumps(_figures(answer, price), indent=2, ensure_ascii=False))
    else:
        click.echo(_report(answer, price), err=True)
    if price is None and answer.ratio is not None:
        say(pricing.hint([vision]))
    lack = _lack(answer)
    say(lack)
    return 1 if lack else 0


def _vision_of(model: str) -> str:
    """Return the vision model that the name of a served model stands for. Say so if the name stands for none."""
    from glyphrender.inference.chat import UNKNOWN_VISION
    from glyphrender.models.names import family_name
    from glyphrender.models.vision import VISION_MODELS

    if (found := family_name(model, VISION_MODELS)) is not None:
        return found
    say(
        f"the vision model of {model} is not known: pages are sized and counted as for {UNKNOWN_VISION}. Pass "
        "--vision NAME."
    )
    return UNKNOWN_VISION


def _document(files: tuple[str, ...], reader: Reader, theta: Theta) -> Document:
    """Return all files as one document, with a heading above each of several files. Name the skipped files."""
    from glyphrender.document.document import Document

    inputs = inputs_of(files)
    several = len(inputs) > 1 or any(source.walked for source in inputs)
    document = Document.read(joined(inputs, reader, HEADING if several else ""), theta)
    print_skipped(reader)
    return document


def _not_worth_it(document: Document, vision: str, model: str, pricing: Pricing) -> str:
    """Return a sentence if the pages cost no less than the text; else, or without a tokenizer, an empty string."""
    from glyphrender.errors import DependencyError, TokenizerError, VisionModelError
    from glyphrender.ratio.ratio import document_ratio

    try:
        ratio = document_ratio(document, text=document.text, theta=document.theta, model=vision, over_limit="ignore")
    except (DependencyError, TokenizerError, VisionModelError):
        return ""
    return verdict([("the document", model, ratio)], pricing)


def _lack(answer: Answer) -> str:
    """Return why the answer is not whole, and the way out; an empty string if the answer is whole."""
    from glyphrender.inference.endpoint import BROKEN_OFF

    reason = next((reply.finish_reason for reply in answer.replies if reply.cut), None)
    if answer.replies[-1].thoughts_alone and reason in ("length", None):
        way_out = "raise --max-tokens" if reason else "check the server's reasoning parser (`glyphrender doctor`)"
        return f"the server gave thoughts and no answer: {way_out}."
    if reason == "length":
        return "the answer was cut off: raise --max-tokens."
    if reason == BROKEN_OFF:
        return "the answer was cut off: the server broke off in the middle of it. Ask again, or see its log."
    if reason is not None:
        return f"the answer is not whole: the server ended it with finish_reason={reason!r}. See its log."
    if not answer.text.strip():
        return "the answer is empty. Ask again, or raise --max-tokens if the model thinks before it answers."
    return ""


class _Printer:
    """A function that writes pieces of the answer as they come, and remembers the last piece.

    Control characters become escapes. A model may repeat the control characters of a document, and a terminal would
    obey them.
    """

    last = ""

    def __call__(self, piece: str) -> None:
        self.last = piece
        sys.stdout.write(_CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", piece))
        sys.stdout.flush()


def _figures(answer: Answer, price: Price | None) -> dict[str, Any]:
    ratio = answer.ratio
    costs = None if price is None else answer.costs(price)
    # Without a tokenizer, only the cost of the form that was sent is known.
    cost = None if price is None else answer.cost(price.rates.input, price.rates.output)
    if costs is not None:
        cost = costs.as_pages if answer.as_pages else costs.as_text
    return {
        "answer": answer.text,
        "reasoning": answer.replies[-1].reasoning,
        "cut": answer.cut,
        "finish_reason": answer.replies[-1].finish_reason,
        "sent": "pages" if answer.as_pages else "text",
        "pages": sum(len(request.pages) for request in answer.requests),
        "requests": len(answer.replies),
        "prompt_tokens": answer.prompt_tokens,
        "cached_tokens": answer.cached_tokens,
        "completion_tokens": answer.completion_tokens,
        "cost": cost,
        **priced(costs),
        "visual_tokens": ratio.prompt_tokens if ratio else None,
        "text_tokens": ratio.text_tokens if ratio else None,
        "rho": ratio.rho if ratio else None,
        "parts": [] if answer.trace else [reply.text for reply in answer.replies[:-1]],
        **({} if answer.trace is None else {"trace": answer.trace.to_dict()}),
    }


def _report(answer: Answer, price: Price | None) -> str:
    """Return one line about the pages or text that were sent, and the tokens that were counted."""
    figures = _figures(answer, price)
    items = [
        counted(figures["pages"], "page") if answer.as_pages else "as text",
        counted(figures["requests"], "request"),
    ]
    if figures["prompt_tokens"] is None:
        items.append("no usage from the server")
    else:
        cached = f" ({figures['cached_tokens']:,} cached)" if figures["cached_tokens"] else ""
        items.append(f"{figures['prompt_tokens']:,} tokens{cached} → {figures['completion_tokens']:,}")
    if answer.ratio is not None:
        items.append(
            f"by our count {answer.ratio.prompt_tokens:,} of pages, {answer.ratio.text_tokens:,} as text: "
            f"ρ {answer.ratio.rho:.2f}"
        )
    if (trace := answer.trace) is not None:
        items.append(
            f"{counted(len(trace.served), 'call')} read {trace.expansion_tokens:,}: effective ρ "
            f"{trace.effective_rho:.2f}"
        )
    if figures["cost"] is not None:
        other = figures["cost_as_text" if answer.as_pages else "cost_as_pages"]
        form = "text" if answer.as_pages else "pages"
        items.append(
            f"cost {dollars(figures['cost'])}" + (f", as {form} {dollars(other)}" if other is not None else "")
        )
    return f"{', '.join(items)}."

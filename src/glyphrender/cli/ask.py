"""`glyphrender ask`: ask a model on an OpenAI-compatible server a question about files."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.inputs import Reader, inputs_of, joined
from glyphrender.cli.options import text_options, theta_options
from glyphrender.errors import one_line

if TYPE_CHECKING:
    from glyphrender.inference.chat import Answer
    from glyphrender.theta import Theta

_OVER = {"error": "error", "map": "split", "downshift": "downshift"}


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.argument("question")
@click.option(
    "--base-url", metavar="URL", help="Address of the server, such as http://127.0.0.1:8000/v1. [env: OPENAI_BASE_URL]"
)
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
@click.option("--bits", type=click.Choice(["1", "2", "4", "8"]), help="Bits of a grey pixel; by default 4.")
@click.option(
    "--max-tokens", type=click.IntRange(1), default=1024, show_default=True, help="Most tokens of the answer."
)
@click.option(
    "--temperature", type=click.FloatRange(0), metavar="N", help="Temperature of sampling; by default the server's own."
)
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=120.0, show_default=True, metavar="S",
              help="Most seconds that the server may be silent.")  # fmt: skip
@click.option("--retries", type=click.IntRange(0), default=3, show_default=True, metavar="N",
              help="Most times to send a failed request again, if the failure may be temporary.")  # fmt: skip
@click.option(
    "--price", metavar="IN,OUT", help="Prices of a million tokens of prompt and of answer, to print the cost."
)
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
    bits: str | None,
    max_tokens: int,
    temperature: float | None,
    timeout: float,
    retries: int,
    price: str | None,
    theta: Theta,
    encoding: str | None,
    errors: str,
    as_json: bool,
) -> None:
    """Ask a model about texts, sent to it as pages.

    The answer is written to standard output as it comes. The server's count of tokens and our own count are written to
    standard error. The key is read from OPENAI_API_KEY; your own server needs no key.
    """
    from glyphrender.document.document import Document
    from glyphrender.inference.chat import Endpoint, Packing, ask, vision_of

    prices = _prices(price)
    endpoint = Endpoint(
        model=model, base_url=base_url, max_tokens=max_tokens, temperature=temperature, timeout=timeout, retries=retries
    )
    endpoint = replace(endpoint, model=model or endpoint.only_model())
    packing = Packing(
        model=vision or vision_of(endpoint.model),
        provider="openai",
        send=send,  # type: ignore[arg-type]
        over=_OVER[over],  # type: ignore[arg-type]
        context=context,
        max_images=max_images,
        exact=exact,
        bits=int(bits) if bits else None,
    )
    theta = theta.align_to(packing.model) if align else theta
    reader = Reader(encoding=encoding, errors=errors)
    inputs = inputs_of(files)
    several = len(inputs) > 1 or any(source.walked for source in inputs)
    document = Document.read(joined(inputs, reader, "==> {path} <==" if several else ""), theta)
    for path, reason in reader.skipped:
        click.echo(one_line(f"glyphrender: {path} was passed over: {reason}."), err=True)
    printed = _Printer()
    try:
        answer = ask(document, question, endpoint, packing, on_text=None if as_json else printed)
    finally:
        if printed.last and not printed.last.endswith("\n"):
            click.echo()
    if as_json:
        click.echo(json.dumps(_figures(answer, prices), indent=2, ensure_ascii=False))
        return
    click.echo(_report(answer, prices), err=True)


class _Printer:
    """A function that writes pieces of the answer as they come, and remembers the last piece."""

    last = ""

    def __call__(self, piece: str) -> None:
        self.last = piece
        sys.stdout.write(piece)
        sys.stdout.flush()


def _prices(price: str | None) -> tuple[float, float] | None:
    if price is None:
        return None
    try:
        prompt, completion = (float(each) for each in price.split(","))
    except ValueError:
        raise click.UsageError(f"--price {price} is not two numbers. Write --price IN,OUT, as 0.25,2.") from None
    return prompt, completion


def _figures(answer: Answer, prices: tuple[float, float] | None) -> dict[str, Any]:
    ratio = answer.ratio
    return {
        "answer": answer.text,
        "cut": answer.cut,
        "sent": "pages" if answer.as_pages else "text",
        "pages": sum(len(request.pages) for request in answer.requests),
        "requests": len(answer.replies),
        "prompt_tokens": answer.prompt_tokens,
        "cached_tokens": answer.cached_tokens,
        "completion_tokens": answer.completion_tokens,
        "cost": answer.cost(*prices) if prices else None,
        "visual_tokens": ratio.prompt_tokens if ratio else None,
        "text_tokens": ratio.text_tokens if ratio else None,
        "rho": ratio.rho if ratio else None,
        "parts": [reply.text for reply in answer.replies[:-1]],
    }


def _report(answer: Answer, prices: tuple[float, float] | None) -> str:
    """Return one line about the pages or text that were sent, and the tokens that were counted."""
    figures = _figures(answer, prices)
    pages, requests = figures["pages"], figures["requests"]
    items = [
        f"{pages:,} page{'s'[: pages != 1]}" if answer.as_pages else "as text",
        f"{requests:,} request{'s'[: requests != 1]}",
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
    if figures["cost"] is not None:
        items.append(f"cost {figures['cost']:.6f}")
    cut = ". The answer was cut off: raise --max-tokens" if answer.cut else ""
    return f"{', '.join(items)}{cut}."

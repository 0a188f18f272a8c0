"""`glyphrender distill`: a model's own right answers to texts, as targets of its answers to pages."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import click

from glyphrender.cli.options import base_url_option, chat_options, faults_option, local_option, model_option
from glyphrender.errors import counted


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File of rows; it must be new or empty."
)
@model_option
@base_url_option
@local_option
@click.option(
    "--replies",
    type=click.Path(path_type=Path),
    default=Path("replies.sqlite"),
    show_default=True,
    help="The store of replies; the same command with it asks nothing twice.",
)
@click.option(
    "--attempts",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Most replies to a row until one is right.",
)
@click.option("--temperature", type=click.FloatRange(0), metavar="N", help="Temperature; by default the server's own.")
@click.option("--max-tokens", type=click.IntRange(1), default=4096, show_default=True, help="Most tokens of a reply.")
@click.option("--max-requests", type=click.IntRange(1), help="Most requests, all runs with the same store together.")
@click.option("--concurrency", type=click.IntRange(1), default=4, show_default=True, help="Requests at a time.")
@chat_options
@faults_option("a record that makes no row")
def command(
    *,
    chats: tuple[Path, ...],
    output: Path,
    model: str,
    base_url: str | None,
    local: bool,
    replies: Path,
    attempts: int,
    temperature: float | None,
    max_tokens: int,
    max_requests: int | None,
    concurrency: int,
    min_characters: int,
    faults: Any,
) -> int:
    """Keep a model's own right answers to texts, as targets of its answers to pages.

    FILE has chats with long contexts, as for `export`. The model gets each context as text. Rows whose reply names a
    right answer are written with the whole reply, and with the context as a document that becomes pages. The exit
    status is 1 if no row is kept.
    """
    from glyphrender._system.atomic_write import check_writable, write_atomically
    from glyphrender.inference.endpoint import Endpoint
    from glyphrender.inference.model import EndpointModel, Model
    from glyphrender.inference.replies import RequestBudget
    from glyphrender.train.rows.chat_rows import chat_rows
    from glyphrender.train.rows.page_policy import PagePolicy
    from glyphrender.train.rows.self_distillation import distilled

    check_writable(output, _never)
    asked: Model
    if local:
        from glyphrender.inference.transformers import LazyModel

        asked = LazyModel(path_or_id=model)
    else:
        endpoint = Endpoint(model=model, base_url=base_url, max_tokens=max_tokens, temperature=temperature)
        asked = EndpointModel(endpoint=endpoint)
    counts: Counter[str] = Counter()
    policy = PagePolicy(min_characters=min_characters)
    rows = chain.from_iterable(chat_rows(path, policy=policy, faults=faults) for path in chats)
    kept = distilled(
        rows,
        asked,
        replies=replies,
        attempts=attempts,
        max_tokens=max_tokens,
        budget=RequestBudget(requests=max_requests),
        concurrency=concurrency,
        counts=counts,
    )
    text = "".join(json.dumps(row.record, ensure_ascii=False) + "\n" for row in kept)
    why = [f"{count:,} {name}" for name, count in sorted(counts.items()) if name not in ("rows", "kept")]
    click.echo(f"{counts['kept']:,} of {counted(counts['rows'], 'row')} kept{''.join(', ' + each for each in why)}")
    if text:
        write_atomically(output, text, replaces=_never)
    return 0 if text else 1


def _never(data: bytes) -> bool:
    return False

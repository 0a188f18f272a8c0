"""`glyphrender export`: chats with long contexts → rows with pages for a trainer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.notices import say
from glyphrender.cli.options import chat_options, faults_option, theta_options
from glyphrender.errors import counted

if TYPE_CHECKING:
    from glyphrender.theta import Theta
    from glyphrender.train.rows.chat_rows import ChatRow

_TRAINERS = ("llama-factory", "ms-swift", "verl", "trl-sft", "trl-grpo", "trl-gold")


@click.command()
@click.option("--to", "trainer", type=click.Choice(_TRAINERS), required=True, help="The trainer.")
@click.option("--model", metavar="NAME", required=True, help="The vision model that is trained.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the export. It must be new, empty, or an unchanged export.",
)
@theta_options
@chat_options
@click.option("--align/--no-align", default=True, show_default=True, help="Align θ to the grid of the model first.")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    metavar="SEED",
    help="Draw θ of each row from the Glyph paper's distributions.",
)
@click.option("--bits", type=click.Choice(["1", "2", "4", "8"]), help="Bits for each pixel of a grey PNG.")
@click.option(
    "--edge-characters",
    type=click.IntRange(min=0),
    default=600,
    show_default=True,
    help="Longest first and last paragraph that stay text.",
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    default=("user", "tool"),
    show_default=True,
    help="Roles whose turns become pages.",
)
@click.option(
    "--answers",
    type=click.Choice(["last", "each"]),
    default="last",
    show_default=True,
    help="Learn the last answer of a chat, or make a row of each.",
)
@click.option("--only-pages", is_flag=True, help="Leave out rows without pages.")
@faults_option("a record that makes no row and at a row over budget")
@click.option(
    "--max-tokens", type=click.IntRange(1), metavar="N", help="Most tokens of a row, or of its prompt for GRPO."
)
@click.option(
    "--settings",
    "run_settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings of your run; refuse the export if the trainer would shrink pages or cut rows under them.",
)
@click.option("--tokenizer", metavar="NAME|FILE", help="Counts tokens of text; by default the model's own.")
def command(
    *,
    chats: tuple[Path, ...],
    trainer: str,
    model: str,
    output: Path,
    theta: Theta,
    align: bool,
    sample: int | None,
    bits: str | None,
    min_characters: int,
    edge_characters: int,
    roles: tuple[str, ...],
    answers: Any,
    only_pages: bool,
    faults: Any,
    max_tokens: int | None,
    run_settings: Path | None,
    tokenizer: str | None,
) -> None:
    """Write chats with long contexts as rows with pages for a trainer.

    FILE has a JSON object a line (.gz and .zst too): messages as OpenAI, ShareGPT or Alpaca have them, prompt and
    completion, or context, question and answer. The folder has the settings that a run needs, so that the trainer
    shows the model the pages as they were drawn.
    """
    from glyphrender.adapters.theta_sources import Sampled
    from glyphrender.models.vision import vision_model
    from glyphrender.train.exports.export import export
    from glyphrender.train.rows.chat_rows import chat_rows
    from glyphrender.train.rows.page_policy import PagePolicy

    vision = vision_model(model)
    policy = PagePolicy(min_characters=min_characters, edge_characters=edge_characters, roles=roles)
    on_grid = align and vision.grid is not None
    source: Any = theta.align_to(vision) if on_grid else theta
    if sample is not None:
        fixed = {name: value for name, (value, _) in theta.diff().items()}
        source = Sampled(fixed=fixed, model=vision.name if on_grid else "")
    counts: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    found = chain.from_iterable(
        chat_rows(path, policy=policy, answers=answers, faults=faults, counts=counts) for path in chats
    )
    report = export(
        _chosen(found, only_pages),
        output,
        trainer=trainer,
        model=vision,
        theta=source,
        seed=sample or 0,
        bits=int(bits) if bits else None,
        tokenizer=tokenizer,
        settings=run_settings,
        max_tokens=max_tokens,
        faults=faults,
        counts=dropped,
    )
    for name, number in {"faults": counts["faults"] + dropped["faults"], "empty responses": counts["empty responses"],
                         "over budget": dropped["over budget"]}.items():  # fmt: skip
        if number:
            say(f"{number:,} {name} of {counted(counts['records'], 'record')} dropped")
    click.echo(str(report))


def _chosen(rows: Iterator[ChatRow], only_pages: bool) -> Iterator[ChatRow]:
    return (row for row in rows if row.documents or not only_pages)

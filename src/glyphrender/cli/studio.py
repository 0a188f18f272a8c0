"""`glyphrender studio`: a page in the browser in which θ is chosen by eye."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender._system.regular_file import open_regular
from glyphrender.cli.inputs import BLOCK, Input, Reader, inputs_of
from glyphrender.cli.notices import say
from glyphrender.cli.options import text_options, theta_options
from glyphrender.errors import DataError

if TYPE_CHECKING:
    from glyphrender.studio.source import Source
    from glyphrender.theta import Theta


@click.command()
@click.argument("file", required=False, metavar="[FILE|DIR|-]")
@click.option("--vision", metavar="NAME", multiple=True, help="A model whose figures are shown first; repeatable.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Any other than loopback lets others use the studio.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes any.  [default: 7860, or the next free one]")
@click.option("--open", "open_browser", is_flag=True, help="Open the studio in the browser.")
@click.option(
    "--prices",
    "prices_file",
    type=click.Path(path_type=Path),
    help="Prices of models from a TOML file, before those that come with glyphrender. [env: GLYPHRENDER_PRICES]",
)
@theta_options
@text_options
def command(
    *,
    file: str | None,
    vision: tuple[str, ...],
    host: str,
    port: int | None,
    open_browser: bool,
    prices_file: Path | None,
    theta: Theta,
    encoding: str | None,
    errors: str,
) -> None:
    """Open the studio: text, pages and figures in the browser while θ moves.

    Paste or drop a text, a folder of code or a chat log (JSON), choose a preset, move fields, and see the page, the
    compression ratio and the price of a request follow. The studio exports θ as JSON, Python and a command. It listens
    on loopback and needs no network. The options set what is shown at first.
    """
    say("loading the studio; the first start after an install takes longer.")
    from glyphrender.models.prices import prices
    from glyphrender.studio.handlers import Settings
    from glyphrender.studio.serving import is_loopback, serve
    from glyphrender.studio.state import DEFAULT_MODELS, State, checked_models

    models = checked_models(vision) if vision else DEFAULT_MODELS
    source = None if file is None else _source(file, Reader(encoding=encoding, errors=errors))
    alone = is_loopback(host)
    settings = Settings(
        state=State(theta=theta, models=models), source=source, font_files=alone, table=prices(prices_file)
    )
    if not alone:
        say(f"{host} is not loopback: everyone who can reach this machine can use the studio.")

    def ready(address: str) -> None:
        click.echo(f"studio: {address} (Ctrl-C ends it)")
        if open_browser:
            import webbrowser

            webbrowser.open(address)

    serve(settings, host=host, port=port, ready=ready)


def _source(file: str, reader: Reader) -> Source:
    """Return the text, folder or chat that the user names. It is read only as far as the studio shows it."""
    from glyphrender.studio.source import beginning, read_folder, text_source

    inputs = inputs_of([file])
    if len(inputs) == 1 and not inputs[0].walked:
        return text_source(beginning(reader.text(inputs[0]) or ()), name="" if file == "-" else inputs[0].name)
    return read_folder(((source.name, _pieces(source, reader)) for source in inputs), name=file)


def _pieces(source: Input, reader: Reader) -> Iterator[str]:
    """Yield the text of a file in a folder. The file is opened when the first piece is asked for."""
    from glyphrender.text.source import decode_blocks

    assert source.path is not None
    if not source.path.is_file():
        raise DataError(f"{source.shown} is not a file. Name a file of text.", path=source.path)
    with open_regular(source.path) as opened:
        blocks = iter(partial(opened.read, BLOCK), b"")
        yield from decode_blocks(blocks, name=source.shown, encoding=reader.encoding, errors=reader.errors)

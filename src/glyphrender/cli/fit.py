"""`glyphrender fit`: a text and a target → the θ that meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender.cli import one_line
from glyphrender.cli.inputs import Reader, inputs_of
from glyphrender.cli.options import text_options, theta_options

if TYPE_CHECKING:
    from glyphrender.theta import Theta


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--rho", type=float, metavar="N", help="Reach this ratio.")
@click.option("--tokens", type=int, metavar="N", help="Need at most so many visual tokens.")
@click.option("--pages", type=int, metavar="N", help="Need at most so many pages.")
@click.option(
    "--over",
    metavar="FIELD[=LOW,HIGH]",
    multiple=True,
    help="A field to solve for, within limits; repeatable, the first to change first. By default font_size.",
)
@click.option("--min-font-pixels", type=float, default=0.0, metavar="N", help="Let the type get no smaller.")
@click.option("--vision", metavar="NAME", default="glm-4.1v", show_default=True, help="The vision model.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default the model's own.")
@click.option("--align", is_flag=True, help="Align θ to the grid of the model first.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write θ to this file.")
@theta_options
@text_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the summary.")
def command(
    *,
    file: str,
    rho: float | None,
    tokens: int | None,
    pages: int | None,
    over: tuple[str, ...],
    min_font_pixels: float,
    vision: str,
    tokenizer: str | None,
    align: bool,
    output: Path | None,
    theta: Theta,
    encoding: str | None,
    errors: str,
    as_json: bool,
) -> int:
    """Solve θ for a target ratio, or for a budget of tokens or pages.

    The most legible θ that meets the target is taken. Give one of --rho, --tokens and --pages. The exit status is 1
    where the target cannot be met; the θ that comes nearest is printed, and written, all the same.
    """
    from glyphrender.ratio.fit import FIELDS, fit

    given = {"--rho": rho, "--tokens": tokens, "--pages": pages}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise click.UsageError(f"{' and '.join(named) or 'no target'} given. Give one of {', '.join(given)}.")
    limits = {}
    for setting in over or ("font_size",):
        name, _, bounds = setting.partition("=")
        name = name.strip().replace("-", "_")
        limits[name] = _limits(setting, bounds) if bounds else FIELDS.get(name, (0.0, 0.0, 0.0))[:2]
    (source,) = inputs_of([file]) if not Path(file).is_dir() else [None]
    if source is None:
        raise click.UsageError(f"{file} is a folder. Name a file, or - for standard input.")
    blocks = Reader(encoding=encoding, errors=errors).text(source)
    assert blocks is not None  # only what a folder holds is passed over
    found = fit(
        blocks,
        theta=theta.align_to(vision) if align else theta,
        model=vision,
        tokenizer=tokenizer,
        rho=rho,
        visual_tokens=tokens,
        pages=pages,
        over=limits,
        min_font_pixels=min_font_pixels,
    )
    if output is not None:
        found.theta.save(output)
    ratio = found.ratio
    if as_json:
        values = {"met": found.met, "bound": found.bound, "reason": found.reason, "theta": found.theta.to_dict()}
        click.echo(json.dumps({**values, "ratio": ratio.to_dict()}, indent=2, ensure_ascii=False))
        return 0 if found.met else 1
    before = theta.to_dict()
    changes = [
        f"--set {name}={','.join(f'{side:g}' for side in value) if isinstance(value, list) else value}"
        for name, value in found.theta.to_dict().items()
        if value != before[name]
    ]
    click.echo(found.reason)
    click.echo(
        f"ρ {ratio.rho:.2f}: {ratio.text_tokens:,} text tokens, {ratio.visual_tokens:,} visual tokens on "
        f"{len(ratio.pages):,} pages, type {ratio.font_pixels:.2f} px high"
    )
    click.echo(one_line(" ".join(changes) or "θ is as it was"))
    return 0 if found.met else 1


def _limits(setting: str, bounds: str) -> tuple[float, float]:
    try:
        low, high = map(float, bounds.split(","))
    except ValueError:
        raise click.UsageError(f"--over {setting} has no two limits. Write --over font_size=6,12.") from None
    return low, high

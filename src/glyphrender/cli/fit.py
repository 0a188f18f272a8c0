"""`glyphrender fit`: a text and a target → the rendering parameters that meet it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender.cli.inputs import Input, Reader, check_outputs, inputs_of
from glyphrender.cli.notices import say
from glyphrender.cli.options import Pricing, dollars, price_options, text_options, theta_options
from glyphrender.cli.ratio import flow_hint, priced, verdict
from glyphrender.errors import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from glyphrender.ratio.costs import PromptCost
    from glyphrender.ratio.fit import Fit
    from glyphrender.theta import Theta


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--rho", type=float, metavar="N", help="Reach this compression ratio.")
@click.option("--tokens", type=int, metavar="N", help="Use at most this many visual tokens.")
@click.option("--pages", type=int, metavar="N", help="Use at most this many pages.")
@click.option(
    "--over",
    metavar="FIELD[=LOW,HIGH]",
    multiple=True,
    help="A field to solve for, within limits; repeatable, in the order in which fields change. By default font_size.",
)
@click.option(
    "--min-font-pixels",
    type=float,
    default=0.0,
    metavar="N",
    help="Smallest height of the type, in pixels of the model. Below 7 a warning says what such type loses.",
)
@click.option("--vision", metavar="NAME", default="glm-4.1v", show_default=True, help="The vision model.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default the model's own.")
@click.option("--align", is_flag=True, help="Align the parameters to the model's grid first.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the parameters to this file.")
@price_options
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
    pricing: Pricing,
    theta: Theta,
    encoding: str | None,
    errors: str,
    as_json: bool,
) -> int:
    """Solve the parameters for a target ratio, or for a budget of tokens or pages.

    Give one of --rho, --tokens and --pages. The result is the most legible of all rendering parameters that meet the
    target. If no parameters meet the target, the exit status is 1, and the nearest parameters are printed and written.
    """
    from glyphrender._system.atomic_write import check_writable
    from glyphrender.ratio.fit import fit
    from glyphrender.rich.door import for_file
    from glyphrender.theta.json_file import is_saved_theta

    if output is not None:
        check_outputs([output], [] if file == "-" else [Input(name="", path=Path(file))])
        check_writable(output, is_saved_theta)
    theta = for_file(theta, file)
    _check_one_target({"--rho": rho, "--tokens": tokens, "--pages": pages})
    text = text_of(file, Reader(encoding=encoding, errors=errors))
    found = fit(
        text,
        theta=theta.align_to(vision) if align else theta,
        model=vision,
        tokenizer=tokenizer,
        rho=rho,
        visual_tokens=tokens,
        pages=pages,
        over=_limits(over or ("font_size",)),
        min_font_pixels=min_font_pixels,
    )
    if output is not None:
        found.theta.save(output)
    say(found.warning)
    say(verdict([(file, vision, found.ratio)], pricing))
    say(flow_hint(text, found.ratio))
    say(pricing.hint([vision]))
    price = pricing.of(vision)
    cost = None if price is None else found.ratio.cost(price)
    click.echo(_json(found, cost) if as_json else _summary(found, theta, cost))
    return 0 if found.met else 1


def _check_one_target(targets: Mapping[str, float | None]) -> None:
    named = [name for name, value in targets.items() if value is not None]
    if len(named) != 1:
        raise click.UsageError(f"{' and '.join(named) or 'no target'} given. Give one of {', '.join(targets)}.")


def text_of(file: str, reader: Reader) -> str:
    """Return the text of `file`, which is no folder."""
    if Path(file).is_dir():
        raise click.UsageError(f"{file} is a folder. Name a file, or - for standard input.")
    (source,) = inputs_of([file])
    blocks = reader.text(source)
    assert blocks is not None  # only files of a folder are passed over
    return "".join(blocks)


def _limits(settings: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return the limits of each field that --over FIELD=LOW,HIGH names. A field without limits gets its usual ones."""
    from glyphrender.ratio.fit import FIELDS

    limits = {}
    for setting in settings:
        name, _, bounds = setting.partition("=")
        name = name.strip().replace("-", "_")
        limits[name] = _bounds(setting, bounds) if bounds else FIELDS.get(name, (0.0, 0.0, 0.0))[:2]
    return limits


def _bounds(setting: str, bounds: str) -> tuple[float, float]:
    try:
        low, high = map(float, bounds.split(","))
    except ValueError:
        raise click.UsageError(f"--over {setting} has no two limits. Write --over font_size=6,12.") from None
    return low, high


def _json(found: Fit, cost: PromptCost | None) -> str:
    values = {"met": found.met, "bound": found.bound, "reason": found.reason, "warning": found.warning}
    ratio = {"ratio": found.ratio.to_dict(), "worth_it": found.ratio.worth_it, **priced(cost)}
    return json.dumps({**values, "theta": found.theta.to_dict(), **ratio}, indent=2, ensure_ascii=False)


def _summary(found: Fit, before: Theta, cost: PromptCost | None) -> str:
    """Return three lines: why the search stopped, the figures, and the options that set the changed fields."""
    ratio, old = found.ratio, before.to_dict()
    changes = [
        f"--set {name}={','.join(f'{side:g}' for side in value) if isinstance(value, list) else value}"
        for name, value in found.theta.to_dict().items()
        if value != old[name]
    ]
    figures = (
        f"ρ {ratio.rho:.2f}: {ratio.text_tokens:,} text tokens, {ratio.visual_tokens:,} visual tokens on "
        f"{counted(len(ratio.pages), 'page')}, type {ratio.font_pixels:.2f} px high"
    )
    if cost is not None:
        figures += f", {dollars(cost.as_pages)} as pages, {dollars(cost.as_text)} as text"
    return "\n".join([found.reason, figures, one_line(" ".join(changes) or "the parameters are as they were")])

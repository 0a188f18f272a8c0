"""`glyphrender eval efficiency`: what pages save in prefill, decoding, memory and training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from glyphrender._system.seal import is_sealed, sealed, sealed_json
from glyphrender.cli.notices import say
from glyphrender.cli.options import theta_options
from glyphrender.report.tables import text_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glyphrender.theta import Theta

_FORMAT: Final = "glyphrender.efficiency 1"
_FILES: Final = ("efficiency.json", "efficiency.svg")
# Lengths that are measured, where no option names others.
_MEASURED = (1024, 2048, 4096, 8192, 16384)
_SERVED = (1024, 4096, 16384)


class WithEfficiency(click.Command):
    """The command `eval`, whose word "efficiency" in place of a benchmark leads to `efficiency`."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> click.Context:
        """Return the context of the command that the first word names."""
        if args[:1] == ["efficiency"]:
            return efficiency.make_context(f"{info_name} efficiency", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--text", type=click.Path(path_type=Path), metavar="FILE", help="The text; a short one is repeated.")
@click.option("--length", "lengths", type=click.IntRange(1), multiple=True, help="Text tokens; repeatable.")
@click.option("--on", metavar="DEVICE", help="Compute only, for a device: h100-sxm, or TFLOPS,GB,TB/s. Needs --rho.")
@click.option("--rho", type=click.FloatRange(0, min_open=True), help="With --on: text tokens for one visual token.")
@click.option("--mfu", type=click.FloatRange(0, 1, min_open=True), default=0.45, show_default=True,
              help="With --on: share of the peak rate that prefill and training reach.")  # fmt: skip
@click.option("--bandwidth-use", type=click.FloatRange(0, 1, min_open=True), default=0.7, show_default=True,
              help="With --on: share of the bandwidth that decoding reaches.")  # fmt: skip
@click.option("--devices", type=click.IntRange(1), default=1, show_default=True, help="With --on: number of devices.")
@click.option("--device", metavar="NAME", help="Device of torch; by default the first accelerator, else the CPU.")
@click.option("--dtype", metavar="NAME", help="Type of the weights; by default float32 on the CPU, else bfloat16.")
@click.option("--threads", type=click.IntRange(1), help="Threads of torch on the CPU.")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True, help="Most repetitions of a figure.")
@click.option("--longest", type=click.FloatRange(0, min_open=True), default=120.0, show_default=True,
              help="Leave out passes that should take more seconds.")  # fmt: skip
@click.option("--cache-memory", type=click.FloatRange(0), metavar="GB", help="Memory of the largest batch's caches.")
@click.option("--no-batches", is_flag=True, help="Leave out decoding at the largest batch.")
@click.option("--train-up-to", type=click.IntRange(0), default=4096, show_default=True, metavar="N",
              help="Longest text that is trained on; 0 leaves training out.")  # fmt: skip
@click.option("--recompute", is_flag=True, help="Train with layers computed again, which takes less memory.")
@click.option("--answer", type=click.IntRange(1), default=64, show_default=True, help="Tokens of an answer.")
@click.option("--base-url", metavar="URL", help="Measure a running server instead; MODEL is a name on it.")
@click.option("--vision", metavar="NAME", help="With --base-url: vision model; by default found by MODEL.")
@click.option("--tokenizer", "tokenizer_name", metavar="NAME|FILE",
              help="With --base-url: the tokenizer, or its tokenizer.json; by default found by --vision.")  # fmt: skip
@click.option("--concurrency", type=click.IntRange(0), default=8, show_default=True,
              help="With --base-url: requests at a time under load; 0 leaves the load out.")  # fmt: skip
@click.option("--requests", type=click.IntRange(1), default=16, show_default=True,
              help="With --base-url: requests under load.")  # fmt: skip
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder for efficiency.json and efficiency.svg.")
@theta_options
def efficiency(*, model: str, text: Path | None, on: str | None, base_url: str | None, **options: Any) -> int:
    """Measure what pages save against the same text: prefill, decoding, cache, memory, training.

    MODEL is a bundled configuration (glm-4.1v-9b, qwen3-vl-8b, glm4v-40m, …), whose weights are random, or a folder
    with a config.json, whose weights are loaded if it has any. The arithmetic stands beside each figure. With --on,
    nothing runs: the figures of a device are computed. With --base-url, a running server is measured.
    """
    if on is not None and base_url is not None:
        raise click.UsageError("--on and --base-url are both given. Choose one.")
    _check_place(options["out"])
    if on is not None:
        return _computed(model, on, text is not None, **options)
    if text is None:
        raise click.UsageError("--text is missing. Name a text file to draw, or compute only: --on h100-sxm --rho 3.3.")
    if options["rho"] is not None:
        raise click.UsageError("--rho is for --on. Leave it out: ρ is measured on the pages.")
    from glyphrender.text.source import read

    content = read(text)
    if base_url is not None:
        return _served(model, base_url, content, **options)
    return _measured(model, content, **options)


def _computed(
    model: str,
    on: str,
    has_text: bool,
    *,
    rho: float | None,
    lengths: tuple[int, ...],
    mfu: float,
    bandwidth_use: float,
    devices: int,
    answer: int,
    recompute: bool,
    out: Path | None,
    **_: Any,
) -> int:
    from glyphrender.evals.efficiency.cost import Shares
    from glyphrender.evals.efficiency.expected import LENGTHS, expected
    from glyphrender.evals.efficiency.plot import expected_plot

    if rho is None or has_text:
        raise click.UsageError("--on computes from a ratio and reads no text. Give --rho, as `glyphrender ratio` does.")
    shares = Shares(mfu=mfu, bandwidth=bandwidth_use, devices=devices, answer=answer, recompute=recompute)
    found = expected(model, on, rho, lengths=lengths or LENGTHS, shares=shares)
    click.echo(found.table().text())
    where = found.break_even
    if where is None:
        say("pages never pay: they have no fewer tokens than the text.")
    elif where:
        say(f"pages give the first token sooner from {where:,.0f} text tokens on.")
    say(f"by arithmetic for {found.device.title or on}; nothing was measured. Source: {found.device.source}.")
    _written(out, found.to_dict(), expected_plot(found))
    return 0


def _measured(
    model: str,
    content: str,
    *,
    theta: Theta,
    lengths: tuple[int, ...],
    device: str | None,
    dtype: str | None,
    threads: int | None,
    repeats: int,
    longest: float,
    cache_memory: float | None,
    no_batches: bool,
    train_up_to: int,
    recompute: bool,
    answer: int,
    out: Path | None,
    **_: Any,
) -> int:
    from glyphrender.evals.efficiency.arm import Plan
    from glyphrender.evals.efficiency.backbone import backbone
    from glyphrender.evals.efficiency.clock import Clock
    from glyphrender.evals.efficiency.measure import measure
    from glyphrender.evals.efficiency.plot import report_plot

    plan = Plan(
        lengths=lengths or _MEASURED,
        answer=answer,
        longest=longest,
        batches=not no_batches,
        cache_memory=None if cache_memory is None else cache_memory * 1e9,
        train_up_to=train_up_to,
        recompute=recompute,
    )
    loaded = backbone(model, device=device, dtype=dtype)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    clock = Clock(device=str(loaded.device), repeats=repeats)
    report = measure(loaded, content, theta=theta, plan=plan, clock=clock, progress=say)
    for table in report.tables():
        click.echo(f"\n{table.caption}\n{table.text()}")
    where = report.environment
    say(f"{report.clock} on {where['device_name']} ({where['device']}), {where['threads']} threads, {where['dtype']}; "
        f"torch {where['torch']}, transformers {where['transformers']}.")  # fmt: skip
    _written(out, report.to_dict(), report_plot(report))
    return 0


def _served(
    model: str,
    base_url: str,
    content: str,
    *,
    theta: Theta,
    lengths: tuple[int, ...],
    vision: str | None,
    tokenizer_name: str | None,
    answer: int,
    repeats: int,
    concurrency: int,
    requests: int,
    out: Path | None,
    **_: Any,
) -> int:
    from glyphrender.evals.efficiency.server import ServerPlan, measure_server
    from glyphrender.inference.endpoint import Endpoint
    from glyphrender.inference.model import EndpointModel
    from glyphrender.models.tokenizers import tokenizer, tokenizer_of
    from glyphrender.models.vision import vision_model

    seen = vision_model(vision or model)
    plan = ServerPlan(
        lengths=lengths or _SERVED, answer=answer, repeats=repeats, concurrency=concurrency, requests=requests
    )
    asked = EndpointModel(endpoint=Endpoint(model=model, base_url=base_url, retries=0))
    counter = tokenizer(tokenizer_name or tokenizer_of(seen.name) or "glm-4")
    aligned = theta.align_to(seen) if seen.grid is not None else theta
    rows = list(measure_server(asked, content, theta=aligned, counter=counter, plan=plan, progress=say))
    click.echo(
        text_table(
            [
                *("text tokens", "pages", "first s text", "pages", "sooner", "tokens/s text", "pages", "more"),
                *("draw ms", "PNG ms"),
            ],
            [
                [
                    f"{row.text_tokens:,}",
                    f"{row.pages:,}",
                    *(f"{arm.first.median:.3g}" for arm in (row.text, row.drawn)),
                    f"{row.first:.2f}",
                    *("–" if arm.throughput is None else f"{arm.throughput:,.1f}" for arm in (row.text, row.drawn)),
                    "–" if row.throughput is None else f"{row.throughput:.2f}",
                    f"{1e3 * row.draw:.1f}",
                    f"{1e3 * row.encode:.1f}",
                ]
                for row in rows
            ],
        )
    )
    from glyphrender.evals.efficiency.plot import speed_ups

    lines: dict[str, Iterable[Any]] = {
        "first token": [(row.text_tokens, row.first) for row in rows],
        "tokens a second under load": [(row.text_tokens, row.throughput) for row in rows if row.throughput],
    }
    served = {"model": model, "server": base_url, "theta": aligned.digest, "rows": [row.to_dict() for row in rows]}
    _written(out, served, speed_ups(lines, {}))  # type: ignore[arg-type]
    return 0


def _check_place(out: Path | None) -> None:
    """Refuse a folder that cannot be written to, or has a report that this command did not write as it is now."""
    if out is None:
        return
    from glyphrender._system.atomic_write import check_folder, check_replaceable

    check_folder(out)
    for name in _FILES:
        check_replaceable(out / name, is_sealed)


def _written(out: Path | None, report: dict[str, Any], plot: str) -> None:
    """Write the report and the plot into the folder, each whole or not at all. Files of others stay."""
    if out is None:
        return
    from glyphrender._system.atomic_write import write_atomically

    text = json.dumps(report, indent=1, allow_nan=False)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in zip(_FILES, (sealed_json(text, _FORMAT), sealed(plot)), strict=True):
        write_atomically(out / name, content, replaces=is_sealed)
    say(f"wrote {out / 'efficiency.json'} and {out / 'efficiency.svg'}.")

"""`measure`: a text against pages of the same text, on one device of torch, with the arithmetic beside each figure.

Both arms run the same model on prompts of as many tokens as text and pages have. Each arm is warmed up; each figure is
the median of several runs. `arm.py` measures one prompt.

The arithmetic takes the peak rate and the bandwidth from two small programs on the same device (`calibrated`), so that
what is left between the two columns is the model's own doing.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from glyphrender.document.render import render
from glyphrender.errors import DataError
from glyphrender.evals.efficiency.arm import Plan, TimedModel, decoded, free_bytes, measured_arm, prefilled
from glyphrender.evals.efficiency.backbone import Backbone
from glyphrender.evals.efficiency.clock import Clock
from glyphrender.evals.efficiency.cost import Shares
from glyphrender.evals.efficiency.report import HostBill, MeasuredLength, Report, environment
from glyphrender.models.devices import Device
from glyphrender.models.tokenizers import Tokenizer, tokenizer, tokenizer_of
from glyphrender.theta import Theta

__all__ = ["Plan", "calibrated", "cut", "measure"]


def calibrated(backbone: Backbone, clock: Clock) -> Device:
    """Return the device as two small programs see it: a matrix product as wide as the MLP, and a sum of many numbers.

    The first gives FLOP/s, the second bytes/s that are read. The memory is what is free now.
    """
    import torch

    decoder, device, dtype = backbone.shape.decoder, backbone.device, backbone.model.dtype
    rows = 1024 if device.type == "cpu" else 8192
    left = torch.randn(rows, decoder.hidden, device=device).to(dtype)
    right = torch.randn(decoder.hidden, decoder.mlp, device=device).to(dtype)
    numbers = torch.ones((64 if device.type == "cpu" else 1024) << 18, device=device)
    times = 4 if device.type == "cpu" else 32

    def product() -> None:
        for _ in range(times):
            left @ right

    def total() -> None:
        for _ in range(times):
            numbers.sum()

    def best(function: Callable[[], None]) -> float:
        function()
        return min(replace(clock, repeats=5, seconds=5.0).timing(function).seconds) / times

    return Device(
        name=f"{device} as measured",
        flops=2 * rows * decoder.hidden * decoder.mlp / best(product),
        bandwidth=4 * len(numbers) / best(total),
        memory=free_bytes(backbone),
        source="a matrix product and a sum on this device",
    )


def cut(text: str, tokens: int, counter: Tokenizer) -> tuple[str, int]:
    """Return a beginning of `text` that has about `tokens` tokens, and how many it has. A short text is repeated.

    Raises:
        DataError: the text is empty.
    """
    if not text.strip():
        raise DataError("the text is empty. Give one to draw.")
    whole = counter.count(text)
    while whole < tokens:
        text = f"{text}\n{text}"
        whole = counter.count(text)
    low, high = 1, len(text)
    while low < high:  # the longest beginning with no more tokens
        middle = (low + high + 1) // 2
        low, high = (middle, high) if counter.count(text[:middle]) <= tokens else (low, middle - 1)
    return text[:low], counter.count(text[:low])


def measure(
    backbone: Backbone,
    text: str,
    *,
    theta: Theta | None = None,
    plan: Plan | None = None,
    clock: Clock | None = None,
    token_counter: Tokenizer | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Report:
    """Return what pages of `text` save on this device, measured and by arithmetic.

    Args:
        backbone: the model.
        text: the text; a short one is repeated.
        theta: θ of the pages; it is aligned to the model's grid.
        plan: what is measured.
        clock: the clock of the model's device.
        token_counter: counts text tokens; by default the tokenizer of the vision model.
        progress: called with a line for each figure.

    Raises:
        DataError: the text is empty.
        TokenizerError: the tokenizer is not installed.
    """
    import torch

    plan = plan or Plan()
    clock = clock or Clock(device=str(backbone.device))
    counter = token_counter or tokenizer(tokenizer_of(backbone.vision.name) or "glm-4")
    theta = (theta or Theta()).align_to(backbone.vision)
    device = calibrated(backbone, clock)
    shares = Shares(
        mfu=1.0,
        decode_mfu=1.0,
        bandwidth=1.0,
        answer=plan.answer,
        number_bytes=backbone.number_bytes,
        recompute=plan.recompute,
    )
    progress(f"{device.flops / 1e9:,.1f} GFLOP/s and {device.bandwidth / 1e9:,.1f} GB/s on {backbone.device}")
    _warm(backbone, theta, text, clock)
    timed_model = TimedModel(backbone=backbone, plan=plan, clock=clock, device=device, shares=shares)
    rows = []
    for length in plan.lengths:
        part, tokens = cut(text, length, counter)
        bill, patches, grid = _host(backbone, part, theta, clock)
        arms = []
        for prompt in (backbone.text_prompt(tokens), backbone.page_prompt(patches, grid)):
            arms.append(measured_arm(timed_model, prompt, train=tokens <= plan.train_up_to))
            progress(f"{tokens:,} tokens as {'pages' if prompt.pages else 'text'}: {arms[-1].line}")
        rows.append(MeasuredLength(text_tokens=tokens, text=arms[0], pages=arms[1], host=bill))
    torch_version = str(torch.__version__)
    return Report(
        model=backbone.name,
        random=backbone.random,
        parameters=backbone.shape.parameters,
        tower_share=_tower_share(backbone, rows),
        device=device,
        clock=clock.name,
        environment=environment(backbone, torch_version),
        theta=theta.digest,
        vision=backbone.vision.name,
        tokenizer=counter.name,
        plan=asdict(plan),
        rows=tuple(rows),
    )


def _warm(backbone: Backbone, theta: Theta, text: str, clock: Clock) -> None:
    """Run everything once on a short prompt: fonts, caches and kernels are loaded by their first use."""
    _, patches, grid = _host(backbone, text[:2000] * 2, theta, replace(clock, repeats=1))
    for prompt in (backbone.page_prompt(patches, grid), backbone.text_prompt(64)):
        decoded(backbone, prefilled(backbone, prompt), prompt, 2, clock)


def _host(backbone: Backbone, part: str, theta: Theta, clock: Clock) -> tuple[HostBill, Any, Any]:
    """Return what the host spends on the pages, their patches, and the grid of the patches."""
    clock = Clock(device="cpu", repeats=clock.repeats, seconds=clock.seconds)
    pages: list[Any] = []
    files: list[bytes] = []

    def draw() -> None:
        pages[:] = render(part, theta)
        for page in pages:
            page.array  # noqa: B018 - a page is drawn when its pixels are asked for

    def encode() -> None:
        files[:] = [page.png() for page in pages]

    drawn, encoded = clock.timing(draw), clock.timing(encode)
    based = clock.timing(lambda: [b64encode(each) for each in files])
    patchified = clock.timing(lambda: backbone.patchify.pixel_values(backbone.patchify.patches(pages)[0]))
    patches, grid = backbone.patchify.patches(pages)
    bill = HostBill(
        pages=len(pages), bytes=sum(map(len, files)), draw=drawn, png=encoded, base64=based, patchify=patchified
    )
    return bill, patches, grid


def _tower_share(backbone: Backbone, rows: Sequence[MeasuredLength]) -> float:
    """Return the tower's FLOPs for each FLOP of the language model's weights, on the pages that were measured."""
    last = rows[-1].pages
    return last.expected.tower_flops / backbone.shape.decoder.linear_flops(max(1, last.visual_tokens))

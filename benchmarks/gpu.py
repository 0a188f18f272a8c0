"""Everything that needs a GPU, in order of value and within a stated time: one script, JSON and plots.

    python benchmarks/gpu.py --minutes 15 --out gpu-results        # on a machine with an accelerator
    python benchmarks/gpu.py --minutes 5 --rehearse --out rehearsal   # the same steps at small sizes, on the CPU

1. What pages save at the true shapes of GLM-4.1V-9B, 4 K to 128 K text tokens, then of Qwen3-VL-8B: prefill, decoding
   at batch 1 and at the largest batch that fits, cache, peak memory, a step of training.
2. Pages to the tower's floats, by the collator of training: with transformers' processor, with `Patchify` on the host,
   and as bytes that become floats on the device, which is what `glyphrender train` does.
3. The reader at scale: `glyphrender train` with the recipes reader-gpu-cpt, -sft and -grpo.

Each part writes its file when it is done, and `summary.json` says what ran, what did not, and why. A part begins only
if the least time that it needs is left. No figure of this script has come from a GPU yet; see docs/efficiency.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glyphrender import Theta, render
from glyphrender.errors import GlyphRenderError
from glyphrender.evals.efficiency.arm import Plan
from glyphrender.evals.efficiency.backbone import Backbone, backbone
from glyphrender.evals.efficiency.clock import Clock
from glyphrender.evals.efficiency.measure import measure
from glyphrender.evals.efficiency.plot import report_plot
from glyphrender.evals.efficiency.report import Report
from glyphrender.inference.transformers import torch_device

TEXT = Path(__file__).with_name("texts") / "pride-and-prejudice.txt"
K = 1024


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What is run: at true sizes, or small ones to rehearse."""

    models: tuple[str, ...]
    lengths: tuple[int, ...]
    train_up_to: int
    pages: int
    recipes: tuple[str, ...]
    train_options: tuple[str, ...] = ()
    recompute: bool = True


TRUE = Sizes(
    models=("glm-4.1v-9b", "qwen3-vl-8b"),
    lengths=(4 * K, 16 * K, 64 * K, 128 * K, 8 * K, 32 * K),  # the curve's shape first
    train_up_to=16 * K,
    pages=64,
    recipes=("reader-gpu-cpt", "reader-gpu-sft", "reader-gpu-grpo"),
)
SMALL = Sizes(
    models=("glm4v-40m",),
    lengths=(256, 512),
    train_up_to=256,
    pages=2,
    recipes=("tiny-cpt",),
    train_options=("--scale", "0.001"),
)


@dataclass
class Run:
    """A run with a deadline: where its files go, and what it did."""

    out: Path
    deadline: float
    device: str
    done: dict[str, Any] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.deadline - time.monotonic()

    def part(self, name: str, least: float, work: Callable[[], Any]) -> bool:
        """Do a part if `least` seconds are left, and note how it went. Return whether it was done."""
        if self.left < least:
            self.note(name, left_out=f"{self.left:.0f} s left, {least:.0f} s needed")
            return False
        start = time.monotonic()
        print(f"{name}: {self.left:.0f} s left", flush=True)
        try:
            result = work()
        except (GlyphRenderError, RuntimeError, OSError) as error:  # a part that fails must not end the others
            self.note(name, failed=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
            return False
        self.note(name, seconds=round(time.monotonic() - start, 1), result=result)
        return True

    def note(self, name: str, **what: Any) -> None:
        """Write the summary with one more part."""
        self.done[name] = what
        (self.out / "summary.json").write_text(json.dumps(self.done, indent=1) + "\n", encoding="utf-8")
        print(f"  {name}: {what}", flush=True)


def efficiency(run: Run, sizes: Sizes, name: str, text: str) -> None:
    """Measure one model, length by length, so that what was measured is on the disk when time is up."""
    loaded: list[Backbone] = []
    least = 60 if sizes is TRUE else 5
    if not run.part(f"load {name}", least, lambda: loaded.append(backbone(name, device=run.device))):
        return
    clock = Clock(device=str(loaded[0].device), repeats=3, seconds=20.0)
    reports: list[Report] = []

    def one(length: int) -> str:
        # One arm runs prefill and training some ten times.
        plan = Plan(
            lengths=(length,),
            longest=max(1.0, run.left / 20),
            train_up_to=sizes.train_up_to,
            recompute=sizes.recompute,
        )
        reports.append(measure(loaded[0], text, theta=Theta.preset("glyph-en"), plan=plan, clock=clock))
        rows = sorted((row for report in reports for row in report.rows), key=lambda row: row.text_tokens)
        whole = replace(reports[-1], rows=tuple(rows))
        (run.out / f"efficiency-{name}.json").write_text(json.dumps(whole.to_dict(), indent=1), encoding="utf-8")
        (run.out / f"efficiency-{name}.svg").write_text(report_plot(whole), encoding="utf-8")
        row = reports[-1].rows[0]
        return ", ".join(f"{key} {cell.text}" for key, cell in row.cells().items())

    for length in sizes.lengths:
        run.part(f"{name}, {length} tokens", 45 if sizes is TRUE else 5, lambda length=length: one(length))
    loaded.clear()
    emptied()


def pixel_values(run: Run, sizes: Sizes, text: str) -> dict[str, Any]:
    """Return milliseconds a page for three ways from pages to the floats that the vision tower is given.

    All go through `Collator`, as in training: a batch is collated, pinned, copied to the device, and given to a model
    whose tower returns what it is given. The last way is what `glyphrender train` does.
    """
    import torch
    from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil

    from glyphrender.adapters.collator import Collator
    from glyphrender.adapters.pixels import fast
    from glyphrender.train.reader.byte_tokenizer import byte_tokenizer
    from glyphrender.train.reader.glm4v_images import Glm4vImagesProcessor
    from glyphrender.train.reader.tiny_reader import READER_TEMPLATE

    device = run.device
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    theta = Theta.preset("glyph-en").align_to("glm-4.1v")
    pages = list(render(text, theta, max_pages=10_000))[: sizes.pages]
    drawn = [page.image for page in pages]
    images = Glm4vImageProcessorPil(size={"shortest_edge": 12_544, "longest_edge": 9_633_792})
    processor = Glm4vImagesProcessor(images, byte_tokenizer(), chat_template=READER_TEMPLATE)
    model = _tower_alone(torch, device, dtype)
    rows = [{"prompt": "Read.", "completion": "Done.", "pages": drawn}]

    def way(collator: Collator) -> tuple[Callable[[], Any], int]:
        def once() -> Any:
            values = collator(rows)["pixel_values"]
            if device.startswith("cuda"):
                values = values.pin_memory()
            return model(pixel_values=values.to(device, non_blocking=True))

        return once, collator(rows)["pixel_values"].nbytes

    ways = {
        "transformers' processor": way(Collator(processor=processor)),
        "Patchify on the host": way(Collator(processor=fast(processor))),
        "bytes to the device": way(Collator(processor=processor, model=model)),
    }
    clock = Clock(device=device, repeats=5, seconds=10.0)
    found: dict[str, Any] = {"pages": len(pages), "device": device, "clock": clock.name}
    expected = ways["transformers' processor"][0]()
    for name, (once, size) in ways.items():
        difference = float((once() - expected).abs().max())
        timing = clock.timing(once)
        found[name] = {
            "ms_a_page": 1e3 * timing.median / len(pages),
            "bytes_a_page": size // len(pages),
            "largest_difference": difference,
            **timing.to_dict(),
        }
    (run.out / "pixel-values.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def _tower_alone(torch: Any, device: str, dtype: Any) -> Any:
    """Return a model that gives back what its vision tower is given, in the type of the tower's weights."""

    class Tower(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1, device=device, dtype=dtype), requires_grad=False)

        def forward(self, hidden_states: Any) -> Any:
            return hidden_states.to(self.weight.dtype)

    class Model(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.visual = Tower()

        def forward(self, pixel_values: Any) -> Any:
            return self.visual(pixel_values)

    return Model()


def train(run: Run, sizes: Sizes, recipe: str) -> str:
    """Train by a recipe for the time that is left, and return the last line that it printed."""
    stage = recipe.rpartition("-")[2]
    command = [sys.executable, "-m", "glyphrender", "train", stage, "--recipe", recipe, *sizes.train_options]
    command += ["--out", str(run.out / recipe)]
    with (run.out / f"{recipe}.log").open("w", encoding="utf-8") as log:
        try:
            status = subprocess.run(command, stdout=log, stderr=log, timeout=max(1.0, run.left), check=False).returncode
        except subprocess.TimeoutExpired:
            return "stopped: the time was up"
    lines = (run.out / f"{recipe}.log").read_text(encoding="utf-8").strip().splitlines()
    if status:
        raise RuntimeError(f"exit status {status}: {lines[-1] if lines else ''}")
    return lines[-1] if lines else ""


def emptied() -> None:
    """Give the memory of a deleted model back."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def main() -> int:
    """Run the parts in order."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, required=True, help="time for everything")
    parser.add_argument("--out", type=Path, required=True, help="folder for JSON, plots and runs")
    parser.add_argument("--device", help="device of torch; by default the first accelerator")
    parser.add_argument("--rehearse", action="store_true", help="the same steps at small sizes, on the CPU by default")
    options = parser.parse_args()
    import torch

    if not options.rehearse and options.device is None and not torch.accelerator.is_available():
        parser.error("there is no accelerator. Use --rehearse for small sizes on the CPU.")
    sizes = SMALL if options.rehearse else TRUE
    device = str(torch_device(options.device or ("cpu" if options.rehearse else None)))
    options.out.mkdir(parents=True, exist_ok=True)
    run = Run(out=options.out, deadline=time.monotonic() + 60 * options.minutes, device=device)
    run.note(
        "start",
        minutes=options.minutes,
        rehearsal=options.rehearse,
        torch=str(torch.__version__),
        device=device,
        accelerator=torch.cuda.get_device_name() if torch.cuda.is_available() and device != "cpu" else "",
    )
    text = TEXT.read_text(encoding="utf-8")
    efficiency(run, sizes, sizes.models[0], text)
    run.part("pixel values", 20 if sizes is TRUE else 5, lambda: pixel_values(run, sizes, text))
    for recipe in sizes.recipes:
        least = 120 if sizes is TRUE else 5
        if not run.part(f"train {recipe}", least, lambda recipe=recipe: train(run, sizes, recipe)):
            break
    for name in sizes.models[1:]:
        efficiency(run, sizes, name, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What a page's pixel values cost: transformers' image processors and ours, in one run.

    python benchmarks/pixels.py            # print the table
    python benchmarks/pixels.py --write    # and put it into docs/transformers.md

It needs the extra `transformers`; with torchvision, its processor is measured too. The figures are CPU milliseconds a
page in one thread, the best of several passes over the pages of a novel on the grid of GLM-4.1V; what the process grows
by at most while all pages are made, in a process of its own, beyond the pages themselves; and what goes to the device.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from report import machine, table, versions, write
from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil
from transformers.utils import is_torchvision_available

from glyphrender import Theta, render
from glyphrender.adapters.pixels import Patchify

TEXT = Path(__file__).parent / "texts" / "pride-and-prejudice.txt"
PAGES, PASSES = 12, 7
SIZE = {"shortest_edge": 12_544, "longest_edge": 9_633_792}


def cpu(work: Callable[[], Any], count: int) -> float:
    """Return the least CPU milliseconds that `work` takes for one of `count` pages."""
    work()
    best = float("inf")
    for _ in range(PASSES):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / count * 1000


def grown(work: Callable[[], Any]) -> float:
    """Return the MB that a fork of this process grows by at most while it does `work` for the first time."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()

    def child() -> None:
        ctypes.CDLL(None).malloc_trim(0)  # what this process has freed must not be used again unseen
        before = _status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        kept = work()
        there.send(_status("VmHWM") - before)
        del kept

    process = fork.Process(target=child)
    process.start()
    process.join()
    return float(here.recv()) / 1e6


def _status(name: str) -> int:
    """Return a size of this process in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table into docs/transformers.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    text = " ".join(TEXT.read_text(encoding="utf-8")[:200_000].split())
    pages = render(text, Theta().align_to("glm-4.1v"))[:PAGES]
    arrays, images = [page.array for page in pages], [page.image for page in pages]
    colors = [image.convert("RGB") for image in images]
    processor = Glm4vImageProcessorPil(size=SIZE)
    patchify = Patchify.of(processor)
    patches, _ = patchify.patches(arrays)
    sent = torch.from_numpy(patches)
    expected = processor(images, return_tensors="pt")["pixel_values"]
    difference = float((patchify(arrays)["pixel_values"] - expected).abs().max())
    runs: dict[str, Callable[[], Any]] = {
        "PIL → transformers' processor, PIL backend": lambda: processor(images, return_tensors="pt")["pixel_values"]
    }
    if is_torchvision_available():
        from transformers import Glm4vImageProcessor

        fast = Glm4vImageProcessor(size=SIZE)
        tensors = [torch.from_numpy(array)[None] for array in arrays]
        runs["PIL → its torchvision backend"] = lambda: fast(images, return_tensors="pt")["pixel_values"]
        runs["tensors → its torchvision backend"] = lambda: fast(tensors, return_tensors="pt")["pixel_values"]
    runs |= {
        "bytes → `Patchify` → floats": lambda: patchify(arrays)["pixel_values"],
        "the same for RGB pages": lambda: patchify(colors)["pixel_values"],
        "bytes → patches of bytes, for the device": lambda: torch.from_numpy(patchify.patches(arrays)[0]),
        "patches → floats, on the CPU as the device": lambda: patchify.pixel_values(sent),
    }
    times = {name: cpu(run, PAGES) for name, run in runs.items()}
    peaks = {name: grown(run) for name, run in runs.items()}
    sizes = {name: run().nbytes / PAGES / 1e6 for name, run in runs.items()}
    base, most = next(iter(times.values())), next(iter(peaks.values()))
    rows = [
        (name, f"{spent:.2f}", f"{base / spent:.1f}×", f"{peaks[name] / PAGES:.1f}", f"{most / peaks[name]:.1f}×",
         f"{sizes[name]:.2f}")
        for name, spent in times.items()
    ]  # fmt: skip
    shown = table(("", "CPU ms a page", "faster", "peak MB a page", "less", "MB made a page"), rows)
    width, height = pages[0].size
    shown += (
        f"\n{PAGES} gray pages of {width}×{height} px, one thread; no value is more than {difference:.1e} from the "
        "processor's.\n"
        f"{versions(('torch', 'transformers', 'numpy'))}; {machine()}\n"
    )
    print(shown)
    if arguments.write:
        write("pixels", shown, "transformers.md")


if __name__ == "__main__":
    main()

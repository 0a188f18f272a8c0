"""The CPU time of a page's pixel values: transformers' own image processor and `Patchify`, in one run.

    python benchmarks/pixels.py            # print the table
    python benchmarks/pixels.py --write    # and put it into docs/transformers.md

It needs the extra `transformers`. The figures are CPU milliseconds a page in one thread, the best of several passes
over the pages of a novel on the grid of GLM-4.1V.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from report import machine, table, versions, write
from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil

from glyphrender import Theta, render
from glyphrender.adapters.pixels import Patchify

TEXT = Path(__file__).parent / "texts" / "pride-and-prejudice.txt"
PAGES, PASSES = 12, 7


def cpu(work: Callable[[], object], count: int) -> float:
    """Return the least CPU milliseconds that `work` takes for one of `count` pages."""
    work()
    best = float("inf")
    for _ in range(PASSES):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / count * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table into docs/transformers.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    text = " ".join(TEXT.read_text(encoding="utf-8")[:200_000].split())
    pages = render(text, Theta().align_to("glm-4.1v"))[:PAGES]
    arrays, images = [page.array for page in pages], [page.image for page in pages]
    colors = [image.convert("RGB") for image in images]
    processor = Glm4vImageProcessorPil(size={"shortest_edge": 12_544, "longest_edge": 9_633_792})
    patchify = Patchify.of(processor)
    expected = processor(images, return_tensors="pt")["pixel_values"]
    difference = float((patchify(arrays)["pixel_values"] - expected).abs().max())
    runs: dict[str, Callable[[], object]] = {
        "PIL → the processor of transformers": lambda: processor(images, return_tensors="pt"),
        "bytes → `Patchify` → floats": lambda: patchify(arrays),
        "the same for RGB pages": lambda: patchify(colors),
        "bytes → patches of bytes, for `on_device`": lambda: patchify.patches(arrays),
        "drawing the page, for comparison": lambda: [page.array for page in pages],
    }
    times = {name: cpu(run, PAGES) for name, run in runs.items()}
    base = next(iter(times.values()))
    rows = [(name, f"{spent:.2f}", f"{base / spent:.1f}×") for name, spent in times.items()]
    shown = table(("", "CPU ms a page", "faster"), rows)
    width, height = pages[0].size
    shown += (
        f"\n{PAGES} gray pages of {width}×{height} px, one thread; no value is more than {difference:.1e} from the "
        f"processor's. {versions(('torch', 'transformers', 'numpy'))}; {machine()}\n"
    )
    print(shown)
    if arguments.write:
        write("pixels", shown, "transformers.md")


if __name__ == "__main__":
    main()

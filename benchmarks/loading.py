"""The cost of rendering in a DataLoader: pages rendered on the fly, pages read from parquet, and pages drawn by PIL.

    python benchmarks/loading.py            # print the tables
    python benchmarks/loading.py --write    # and put them into docs/training-data.md

A row is a part of a novel that fills one page of 588 × 840 px, which GLM-4.1V sees without resizing. Two forked workers
make batches of eight. The ways are measured several times in turns. Wall time and CPU time are the best of the rounds;
CPU time is that of this process and its workers. The first row of a worker includes the filling of its caches.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import datasets
import numpy as np
import texts
import torch
from PIL import Image, ImageDraw, ImageFont
from report import machine, table, versions, write
from torch.utils.data import DataLoader

from glyphrender import Theta, layout
from glyphrender.adapters.data import PagesTransform, Sampled
from glyphrender.adapters.pixels import Patchify

THETA = Theta(page_size=(588, 840), auto_crop_width=False, auto_crop_last_page=False)
BATCH, WORKERS, ROUNDS = 8, 2, 3


@dataclass(frozen=True)
class PilPages:
    """Pages as a careful script draws them with PIL: words measured once each, lines filled greedily."""

    size: tuple[int, int] = (588, 840)

    def __call__(self, batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        return {**batch, "images": [[self.page(text)] for text in batch["text"]]}

    def page(self, text: str) -> Image.Image:
        font = ImageFont.truetype(str(texts.FONTS / "dejavu/DejaVuSans.ttf"), 9)
        image = Image.new("L", self.size, 255)
        draw = ImageDraw.Draw(image)
        space, y, known = font.getlength(" "), 10, {}
        for paragraph in text.split("\n"):
            line, width = [], 0.0
            for word in paragraph.split(" "):
                if word not in known:
                    known[word] = font.getlength(word)
                if line and width + known[word] > self.size[0] - 20:
                    draw.text((10, y), " ".join(line), fill=0, font=font)
                    line, width, y = [], 0.0, y + 10
                line.append(word)
                width += known[word] + space
            draw.text((10, y), " ".join(line), fill=0, font=font)
            y += 10
        return image


@dataclass(frozen=True)
class Processed:
    """A `collate_fn`: pages of a batch → pixel values, by an image processor of transformers or by `Patchify`."""

    processor: Any

    def __call__(self, rows: list[dict[str, Any]]) -> Any:
        images = [image for row in rows for image in row["images"]]
        if isinstance(self.processor, Patchify):
            return self.processor(images)["pixel_values"]
        return self.processor(images=images, return_tensors="pt")["pixel_values"]


def measured(dataset: Any, collate: Callable[[list[Any]], Any], rows: int) -> tuple[float, float]:
    """Return the wall and CPU seconds of one pass over `rows` rows."""
    torch.set_num_threads(1)
    begin, before = time.perf_counter(), os.times()
    loader = DataLoader(dataset.select(range(rows)), batch_size=BATCH, num_workers=WORKERS, collate_fn=collate)
    count = sum(1 for _ in loader)
    assert count == -(-rows // BATCH)
    wall, after = time.perf_counter() - begin, os.times()
    return wall, sum(after[:4]) - sum(before[:4])


def ways(directory: Path, count: int) -> dict[str, tuple[Any, Callable[[list[Any]], Any], int]]:
    """Return what is compared: name → (dataset, `collate_fn`, number of rows)."""
    novel = texts.novel()
    novel = novel * (1 + count * 12_000 // len(novel))
    stretches = [page.text for page in islice(layout(novel, THETA), count)]
    rows = datasets.Dataset.from_dict({"id": list(range(count)), "text": stretches})
    pages = PagesTransform(theta=THETA, format="png")
    rows.map(pages, features=pages.features(rows.features)).to_parquet(directory / "pages.parquet")
    stored = datasets.Dataset.from_parquet(str(directory / "pages.parquet"), cache_dir=str(directory))
    on_the_fly, pil = rows.with_transform(PagesTransform(theta=THETA)), rows.with_transform(PilPages())
    sampled = Sampled(fixed={"dpi": 72, "page_size": (588, 840)}, model="glm-4.1v")
    sys.path.append(str(Path(__file__).parents[1] / "docs"))
    from tiny_glm4v import tiny_glm4v

    processor = tiny_glm4v()[1].image_processor
    slow, fast = Processed(processor), Processed(Patchify.of(processor))
    few = max(BATCH, count // 4)
    return {
        "rendered on the fly, PIL images": (on_the_fly, list, count),
        "rendered on the fly, arrays": (rows.with_transform(PagesTransform(theta=THETA, format="array")), list, count),
        "rendered on the fly, PNG bytes": (rows.with_transform(pages), list, count),
        "rendered on the fly, θ drawn for each row": (
            rows.with_transform(PagesTransform(theta=sampled, key="id", format="array")),
            list,
            count,
        ),
        "parquet with PNG bytes, decoded": (stored, list, count),
        "drawn by PIL": (pil, list, few),
        "rendered on the fly → `Patchify`": (on_the_fly, fast, few),
        "parquet → `Patchify`": (stored, fast, few),
        "rendered on the fly → processor": (on_the_fly, slow, few),
        "parquet → processor": (stored, slow, few),
        "drawn by PIL → processor": (pil, slow, few),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/training-data.md")
    parser.add_argument("--rows", type=int, default=320, help="rows of a pass; slow ways take a quarter")
    arguments = parser.parse_args()
    datasets.disable_progress_bars()
    with TemporaryDirectory() as name:
        directory = Path(name)
        compared = ways(directory, arguments.rows)
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in compared}
        for _ in range(ROUNDS):
            for way, (dataset, collate, count) in compared.items():
                found[way].append(tuple(seconds / count for seconds in measured(dataset, collate, count)))
        size = (directory / "pages.parquet").stat().st_size / arguments.rows
    best = {way: np.min(rounds, axis=0) for way, rounds in found.items()}
    raw, pixels = best["rendered on the fly, PIL images"][1], best["rendered on the fly → `Patchify`"][1]
    lines = [
        [way, f"{1 / wall:.0f}", f"{1000 * cpu:.1f}", f"{cpu / (pixels if '→' in way else raw):.1f}"]
        for way, (wall, cpu) in best.items()
    ]
    made = table(["", "examples a second", "CPU ms an example", "CPU against the first of its kind"], lines)
    made += f"\n{machine()} {versions(['torch', 'datasets', 'pillow', 'transformers'])}. "
    made += f"The parquet file has {size / 1024:.0f} KB a page.\n"
    print(made)
    if arguments.write:
        write("loading", made, "training-data.md")


if __name__ == "__main__":
    main()

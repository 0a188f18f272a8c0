"""Aligned pages sent through transformers' own processors: do the same pixels come out that went in?

    pip install transformers==5.23.0 torch==2.13.0
    python benchmarks/grid_pixels.py

It checks the model families on a grid. Their processors return patches, in blocks that the model merges. Here the
patches are put together again and compared with the page. tests/vision_reference.py builds the processors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import texts
from numpy.typing import NDArray

from glyphrender import Page, Theta, layout
from glyphrender.models.vision import vision_model

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from vision_reference import REFERENCES, build_image_processor


def pages(model: str) -> Iterator[Page]:
    """Yield pages of prose, code and a short text under three θ, aligned to `model`: full, narrow and last pages."""
    for theta in (Theta(), Theta(dpi=96), Theta(columns=2, dpi=110)):
        for text in (texts.novel()[:30_000], texts.code()[:12_000], "Short."):
            yield from layout(text, theta.align_to(model))


def seen(page: Page, processor: Any) -> NDArray[np.uint8]:
    """Return the pixels of `page` that the model gets; shape (height, width, 3)."""
    image = page.image.convert("RGB")
    made = processor(images=[image], do_rescale=False, do_normalize=False, return_tensors="np")
    _, rows, columns = made["image_grid_thw"][0]
    side, block = processor.patch_size, processor.merge_size
    # The axes of a patch are channels, frames (the image twice), rows and columns.
    patches = made["pixel_values"].reshape(rows // block, columns // block, block, block, 3, -1, side, side)
    return patches[:, :, :, :, :, 0].transpose(0, 2, 5, 1, 3, 6, 4).reshape(rows * side, columns * side, 3)


def main() -> None:
    for reference in REFERENCES:
        for model in reference.models:
            if vision_model(model).family != "grid":
                continue
            processor = build_image_processor(reference)
            same = [
                np.array_equal(seen(page, processor), np.asarray(page.image.convert("RGB"))) for page in pages(model)
            ]
            print(f"{model}: {sum(same)} of {len(same)} pages reach the model pixel by pixel", flush=True)


if __name__ == "__main__":
    main()

"""The value of the model's grid: pages on the grid and off it, resized as a model sees them, and read by tesseract.

    python benchmarks/grid.py            # print the table
    python benchmarks/grid.py --write    # and put it into docs/ratio.md

A page off the grid is resized as the processors of these models do it, by bicubic interpolation with antialiasing.
Both pages hold the same characters of a novel. The figures are the shares of characters that tesseract misreads, and
their ratio. It needs tesseract (Debian: tesseract-ocr).
"""

from __future__ import annotations

import argparse
from itertools import islice

import texts
from reader import errors
from report import table, write

from glyphrender import Theta, layout
from glyphrender.models.vision import vision_model
from glyphrender.ocr.comparison import comparable
from glyphrender.ocr.legibility import seen_image

MODELS = ("glm-4.1v", "qwen3-vl", "mistral-small-3.2")
SIZES = (8.0, 9.0)
PAGES = 6


def rates(theta: Theta, model: str) -> tuple[float, int, str]:
    """Return the share of misread characters, the number of characters, and the page size that the model sees."""
    pages = list(islice(layout(texts.novel(), theta), 2, 2 + PAGES))
    shown = [(seen_image(page, vision_model(model)), page.text) for page in pages]
    size = "×".join(map(str, shown[0][0].size))
    characters = sum(len(comparable(page.text)) for page in pages)
    return errors(shown, "eng", enlarge=2) / characters, characters, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table into docs/ratio.md")
    arguments = parser.parse_args()
    rows = []
    for size in SIZES:
        for model in MODELS:
            theta = Theta(font_size=size, line_height=size + 1)
            before, characters, shape = rates(theta, model)
            after, _, aligned = rates(theta.align_to(model), model)
            ratio = f"{before / after:.1f}" if after else "∞"
            rows.append([f"{model}, {size:g} pt", characters, shape, aligned, f"{before:.2%}", f"{after:.2%}", ratio])
            print(*rows[-1], sep="\t", flush=True)
    head = ["", "characters", "595×842 is seen as", "aligned", "wrong", "wrong, aligned", "times"]
    if arguments.write:
        write("grid", table(head, rows), page="ratio.md")


if __name__ == "__main__":
    main()

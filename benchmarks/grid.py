"""What the grid is worth to a reader: pages as a model sees them, on its grid and not, read back by tesseract.

    python benchmarks/grid.py            # prints the table
    python benchmarks/grid.py --write    # and puts it into docs/ratio.md

A page that is not on the grid is resized as the processors of these models do it, by bicubic interpolation with
antialiasing. The same characters of a novel are on both. Needs Debian's tesseract-ocr.
"""

from __future__ import annotations

import argparse
from itertools import islice

import texts
from ratio import PAGE
from reader import errors
from report import table

from glyphrender import Theta, layout
from glyphrender.models.vision import vision_model
from glyphrender.ocr.comparison import comparable
from glyphrender.ocr.legibility import seen_image

MODELS = ("glm-4.1v", "qwen3-vl", "mistral-small-3.2")
SIZES = (8.0, 9.0)
PAGES = 6


def rates(theta: Theta, model: str) -> tuple[float, int, str]:
    """Share of characters read wrongly, how many there are, and the size that the model sees."""
    pages = list(islice(layout(texts.novel(), theta), 2, 2 + PAGES))
    shown = [(seen_image(page, vision_model(model)), page.text) for page in pages]
    size = "×".join(map(str, shown[0][0].size))
    characters = sum(len(comparable(page.text)) for page in pages)
    return errors(shown, "eng", enlarge=2) / characters, characters, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="into docs/ratio.md")
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
    made = table(head, rows)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        before_it, rest = page.split("<!-- grid -->\n")
        page = f"{before_it}<!-- grid -->\n{made}<!-- /grid -->{rest.split('<!-- /grid -->')[1]}"
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

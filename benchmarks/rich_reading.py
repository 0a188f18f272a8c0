"""What markup does to ρ and to reading errors: Markdown and code as they are, and as rich text.

    python benchmarks/rich_reading.py [--pages 2] [--characters 12000] [--texts 3] [--readers tesseract,rapidocr]
        [--kinds markdown,code] [--markdown FILE…] [--code FILE…]

Each text is set under θ that differ in the markup, or in the columns. "one weight" is Markdown without bold and italic
letters: the difference from the row above is the effect of these letters. ρ is that of GLM-4.1V: tokens of the source,
marks included, over visual tokens. A reader is scored against the text that the pages draw, after the model's own
resize. It is given the columns of a page one by one, because these readers take a page for one block of text. The
interval is that of blocks of 100 characters drawn again and again, at 95%, over all texts of a row. The texts are pages
and modules of this repository; `--markdown` and `--code` name others.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from glyphrender import RichText, Theta, from_markdown, render
from glyphrender.ocr.legibility import PageReader, legibility
from glyphrender.ocr.rapidocr import RapidOcr
from glyphrender.ocr.tesseract import Tesseract
from glyphrender.rich.door import for_file
from glyphrender.tasks.statistics import error_rate_interval

if TYPE_CHECKING:
    from PIL.Image import Image

ROOT = Path(__file__).parents[1]
MODEL = "glm-4.1v"
MARKDOWN = ("README.md", "docs/architecture.md", "docs/code.md")
CODE = ("src/glyphrender/theta/parameter.py", "src/glyphrender/typeset/place.py", "src/glyphrender/inference/call.py")


ONE_WEIGHT = "Markdown, one weight"


def variants(kind: str) -> dict[str, Theta]:
    """Return the θ to compare, by name; the first of each pair has no markup."""
    if kind == "markdown":
        page = Theta(dpi=96, font_size=8, line_height=9.5, page_size=(588, 840))
        marked = page.replace(markup="MARKDOWN")
        return {
            "as it is": page,
            "Markdown, weight": marked,
            ONE_WEIGHT: marked,
            "Markdown, headings 1.5×": marked.replace(heading_size=1.5),
        }
    # Line numbers would count as errors.
    code = Theta.preset("code").replace(font_weight=400, line_numbers=0)
    width, height = code.page_size
    wide = code.replace(page_size=(2 * width, height), auto_crop_width=False)
    grey = {"markup": "CODE"}
    flow = Theta.preset("code-flow")
    return {
        "code, regular": code,
        "code, highlighted in grey": code.replace(**grey),
        "code, indents as marks": code.replace(indentation="MARK"),
        "code, pages twice as wide": wide,
        'code, pages twice as wide, columns="auto"': wide.replace(columns="auto"),
        "code-flow": flow,
        "code-flow, indents as marks": flow.replace(indentation="MARK"),
        "code-flow, marks and grey": flow.replace(indentation="MARK", **grey),
    }


def of_one_weight(text: RichText) -> RichText:
    """Return a rich text without bold and italic letters. Families, blocks and what is consumed stay."""
    return RichText(
        text.source,
        [(start, end, replace(style, weight=None, italic=None)) for start, end, style in text.spans],
        blocks=text.blocks,
        consumed=text.consumed,
        replaced=text.replaced,
        tables=text.tables,
    )


@dataclass(frozen=True)
class InColumns:
    """A reader that is given the columns of a page one by one."""

    reader: PageReader
    theta: Theta

    def __call__(self, image: Image, /) -> str:
        if self.theta.column_count == 1:
            return self.reader(image)
        scale = image.width / self.theta.page_size[0]
        lefts = [round((left - self.theta.column_gap / 2) * scale) for left in self.theta.column_offsets[1:]]
        edges = [0, *lefts, image.width]
        parts = zip(edges, edges[1:], strict=False)
        return "\n".join(self.reader(image.crop((lo, 0, hi, image.height))) for lo, hi in parts)


def row(
    paths: Sequence[Path], label: str, theta: Theta, readers: dict[str, PageReader], characters: int, pages: int
) -> str:
    """Return ρ of texts under `theta`, how much was read, and the errors of each reader with their interval."""
    rhos = []
    blocks: dict[str, list[int]] = {name: [] for name in readers}
    characters_of = dict.fromkeys(readers, 0)
    numbers: set[tuple[Path, int]] = set()
    for path in paths:
        text = path.read_text(encoding="utf-8")[:characters]
        set_with = for_file(theta.align_to(MODEL), path.name)
        document = render(of_one_weight(from_markdown(text, set_with)) if label == ONE_WEIGHT else text, set_with)
        rhos.append(document.ratio(model=MODEL).rho)
        for name, reader in readers.items():
            found = legibility(document, InColumns(reader, document.theta), model=MODEL, pages=pages)
            blocks[name] += [block for page in found.pages for block in page.blocks]
            characters_of[name] += found.characters
            numbers |= {(path, page.number) for page in found.pages}
    cells = [" ".join(f"{rho:.2f}" for rho in rhos), f"{len(numbers)}, {max(characters_of.values(), default=0):,}"]
    for name, wrong in blocks.items():
        interval = error_rate_interval(wrong, characters_of[name])
        cells.append(f"{interval.mean:.2%} ({interval.low:.2%} to {interval.high:.2%})")
    return " | ".join(cells)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=2)
    options.add_argument("--characters", type=int, default=12_000)
    options.add_argument("--texts", type=int, default=3, help="most texts of a kind")
    options.add_argument("--readers", default="tesseract,rapidocr")
    options.add_argument("--kinds", default="markdown,code")
    options.add_argument("--markdown", nargs="*", type=Path, default=[ROOT / name for name in MARKDOWN])
    options.add_argument("--code", nargs="*", type=Path, default=[ROOT / name for name in CODE])
    given = options.parse_args()
    known: dict[str, PageReader] = {"tesseract": Tesseract(), "rapidocr": RapidOcr()}
    readers = {name: known[name] for name in given.readers.split(",") if name}
    texts = {"markdown": given.markdown, "code": given.code}
    print("θ | ρ of each text | pages, characters read |", " | ".join(f"errors, {name}" for name in readers))
    for kind in given.kinds.split(","):
        for label, theta in variants(kind).items():
            cells = row(texts[kind][: given.texts], label, theta, readers, given.characters, given.pages)
            print(f"{label} | {cells}", flush=True)


if __name__ == "__main__":
    main()

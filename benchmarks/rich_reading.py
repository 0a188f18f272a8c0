"""What markup does to ρ and to reading errors: Markdown and code as they are, and as rich text.

    python benchmarks/rich_reading.py [--pages 2] [--characters 12000] [--texts 3] [--readers tesseract,rapidocr]

Each text is set under pairs of θ that differ in the markup alone. ρ is that of GLM-4.1V: tokens of the source, marks
included, over visual tokens. A reader is scored against the text that the pages draw, after the model's own resize.
The texts are pages and modules of this repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from glyphrender import Theta, render
from glyphrender.ocr.legibility import PageReader, legibility
from glyphrender.ocr.rapidocr import RapidOcr
from glyphrender.ocr.tesseract import Tesseract

ROOT = Path(__file__).parents[1]
MODEL = "glm-4.1v"
MARKDOWN = ("README.md", "docs/architecture.md", "docs/code.md")
CODE = ("src/glyphrender/theta/parameter.py", "src/glyphrender/typeset/place.py", "src/glyphrender/inference/call.py")


def variants(kind: str) -> dict[str, Theta]:
    """Return the θ to compare, by name; the first of each pair has no markup."""
    if kind == "markdown":
        page = Theta(dpi=96, font_size=8, line_height=9.5, page_size=(588, 840))
        marked = page.replace(markup="MARKDOWN")
        return {
            "as it is": page,
            "Markdown, weight": marked,
            "Markdown, headings 1.5×": marked.replace(heading_size=1.5),
            "Markdown, code plain": marked.replace(highlighting="NONE"),
        }
    code = Theta.preset("code").replace(font_weight=400)
    grey = code.replace(markup="CODE", code_language="python")
    flow = Theta.preset("code-flow")
    return {
        "code, regular": code,
        "code, highlighted in grey": grey,
        "code-flow": flow,
        "code-flow, indents as marks": flow.replace(indentation="MARK"),
        "code-flow, marks and grey": flow.replace(indentation="MARK", markup="CODE", code_language="python"),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=2)
    options.add_argument("--characters", type=int, default=12_000)
    options.add_argument("--texts", type=int, default=3, help="most texts of a kind")
    options.add_argument("--readers", default="tesseract,rapidocr")
    given = options.parse_args()
    known: dict[str, PageReader] = {"tesseract": Tesseract(), "rapidocr": RapidOcr()}
    readers = {name: known[name] for name in given.readers.split(",")}
    print("θ | text | ρ |", " | ".join(f"errors, {name}" for name in readers))
    for kind, names in (("markdown", MARKDOWN), ("code", CODE)):
        for label, theta in variants(kind).items():
            for name in names[: given.texts]:
                text = (ROOT / name).read_text(encoding="utf-8")[: given.characters]
                document = render(text, theta.align_to(MODEL))
                rho = document.ratio(model=MODEL).rho
                errors = [
                    legibility(document, reader, model=MODEL, pages=given.pages).error_rate
                    for reader in readers.values()
                ]
                print(f"{label} | {name} | {rho:.2f} | " + " | ".join(f"{error:.2%}" for error in errors), flush=True)


if __name__ == "__main__":
    main()

"""What the flow of a text costs and loses: ρ, and the characters that two OCR readers get wrong, flow by flow.

    python benchmarks/flow.py --books novel.txt tale.txt --code base.py.txt --pages 2 [--flows "as it is"]

Each text is set as it is and with the fields named in the table. Pages of prose are those of the default θ aligned to
the model, pages of code those of the preset `code`. The same places of a text are read under every flow. Behind an
error rate stands its 95% interval, from a bootstrap over stretches of the pages.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from glyphrender import Theta, compression_ratio, render
from glyphrender.ocr.legibility import PageReader, legibility
from glyphrender.ocr.rapidocr import RapidOcr
from glyphrender.ocr.tesseract import Tesseract
from glyphrender.tasks.statistics import error_rate_interval
from glyphrender.text.source import read

PROSE: Mapping[str, dict[str, Any]] = {
    "as it is": {},
    "as it is, 2 columns": {"columns": 2},
    "lines joined": {"unwrap": True},
    "lines joined, half lines": {"unwrap": True, "blank_lines": "HALF"},
    "lines joined, indents": {"unwrap": True, "blank_lines": "INDENT"},
    "lines joined, ¶": {"unwrap": True, "blank_lines": "MARK"},
    "newline_markup ¶": {"newline_markup": "¶"},
}
CODE: Mapping[str, dict[str, Any]] = {
    "as it is": {},
    "marks for indents": {"indentation": "MARK"},
    "2 columns, twice as wide": {"columns": 2, "page_size": (1008, 840)},
    "3 columns, three times as wide": {"columns": 3, "page_size": (1512, 840)},
}


# Flows that are compared by ρ alone.
UNREAD = ("as it is, 2 columns", "newline_markup ¶", "2 columns, twice as wide", "3 columns, three times as wide")


def main() -> None:
    """Write one table for each text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--books", nargs="*", type=Path, default=[])
    parser.add_argument("--code", nargs="*", type=Path, default=[])
    parser.add_argument("--model", default="claude-opus-5")
    parser.add_argument("--pages", type=int, default=2, help="pages that each reader reads; 0 reads none")
    parser.add_argument("--flows", nargs="*", choices=[*PROSE, *CODE], help="the flows to compare; all by default")
    given = parser.parse_args()
    readers: dict[str, Callable[[], PageReader]] = {"tesseract": Tesseract, "RapidOCR": RapidOcr}
    for paths, flows, base in ((given.books, PROSE, Theta()), (given.code, CODE, Theta.preset("code"))):
        for path in paths:
            text = read(path)
            print(f"\n{path.name}, {len(text):,} characters, {given.model}\n", flush=True)
            print("| flow | pages | ρ | read | " + " | ".join(f"{name}, wrong" for name in readers) + " |")
            print("|---|---|---|---|" + "---|" * len(readers), flush=True)
            for name, fields in flows.items():
                if given.flows and name not in given.flows:
                    continue
                theta = base.replace(**fields).align_to(given.model)
                ratio = compression_ratio(text, theta=theta, model=given.model, over_limit="ignore")
                row = [name, f"{len(ratio.pages)}", f"{ratio.rho:.2f}"]
                document = render(text, theta)
                read_of = ["–"] * (1 + len(readers))
                for number, reader in enumerate(readers.values(), 1) if given.pages and name not in UNREAD else ():
                    found = legibility(document, reader(), model=given.model, pages=given.pages)
                    blocks = [wrong for page in found.pages for wrong in page.blocks]
                    rate = error_rate_interval(blocks, found.characters)
                    read_of[0] = f"{len(found.pages)} pages, {found.characters:,} characters"
                    read_of[number] = f"{100 * rate.mean:.2f}% ({100 * rate.low:.2f}–{100 * rate.high:.2f})"
                print("| " + " | ".join(row + read_of) + " |", flush=True)


if __name__ == "__main__":
    main()

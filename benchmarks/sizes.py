"""The size of a page as PNG at 8, 4, 2 and 1 bits a pixel, and what is lost with the gray levels.

    python benchmarks/sizes.py            # print the table
    python benchmarks/sizes.py --write    # and put it into docs/benchmarks.md

Full pages of the novel under the default θ are encoded; each PNG is decoded again and read by tesseract (extra
`reader`), enlarged twice. The last rows compress the pages of 4 bits again, by zlib, as a request that is too large
does. The figures are KB and CPU milliseconds a page, and the share of misread characters. All rows read the same pages,
so "more than with 8 bits" is a difference page by page: a 95% interval of the mean over resampled pages (bootstrap).
"""

from __future__ import annotations

import argparse
import io
import random
import time

import report
import texts
from PIL import Image

from glyphrender import Theta, layout
from glyphrender.ocr.comparison import comparable, edit_distance
from glyphrender.ocr.tesseract import Tesseract
from glyphrender.raster.png import recompressed

BITS = (8, 4, 2, 1)
LEVELS = (6, 9)


def main() -> None:
    """Measure every bit depth on the same pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=12, help="number of pages (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    pages = [page for page, _ in zip(layout(texts.novel(), Theta()), range(3 * arguments.pages), strict=False)][::3]
    reader = Tesseract()
    there = [comparable(page.text) for page in pages]
    wrong: dict[int, list[int]] = {}
    rows = []
    for bits in BITS:
        start = time.process_time()
        files = [page.png(bits=bits) for page in pages]
        cpu = time.process_time() - start
        read = [comparable(reader(Image.open(io.BytesIO(file)).convert("L"))) for file in files]
        wrong[bits] = [edit_distance(text, found) for text, found in zip(there, read, strict=True)]
        low, high = interval([more - less for more, less in zip(wrong[bits], wrong[8], strict=True)], there)
        rows.append(
            [
                bits,
                f"{sum(map(len, files)) / len(files) / 1e3:.1f}",
                f"{1e3 * cpu / len(files):.2f}",
                f"{sum(wrong[bits]) / sum(map(len, there)):.3%}",
                "" if bits == 8 else f"{low:+.3%} to {high:+.3%}",
            ]
        )
    for level in LEVELS:
        files = [page.png(bits=4) for page in pages]
        start = time.process_time()
        again = [recompressed(file, level) for file in files]
        cpu = time.process_time() - start
        size, before = sum(map(len, again)), sum(map(len, files))
        less = f"{1 - size / before:.1%} fewer bytes"
        rows.append(
            [f"4, zlib's level {level}", f"{size / len(files) / 1e3:.1f}", f"{1e3 * cpu / len(files):.1f}", "", less]
        )
    head = ["bits", "KB a page", "CPU ms a page, drawing included", "characters read wrong", "more than with 8 bits"]
    shown = f"{len(pages)} pages, {sum(map(len, there)):,} characters without spaces."
    packages = ("skia-python", "isal", "tesserocr")
    text = f"{report.machine()} {report.versions(packages)}. {shown}\n\n{report.table(head, rows)}"
    print(text)
    if arguments.write:
        report.write("sizes", text)


def interval(more: list[int], there: list[str], rounds: int = 2000) -> tuple[float, float]:
    """Return the 95% interval of the difference in error rate, over pages drawn with replacement."""
    rng = random.Random(0)
    pages = list(zip(more, map(len, there), strict=True))
    rates = []
    for _ in range(rounds):
        drawn = rng.choices(pages, k=len(pages))
        rates.append(sum(edits for edits, _ in drawn) / sum(length for _, length in drawn))
    rates.sort()
    return rates[round(0.025 * rounds)], rates[round(0.975 * rounds)]


if __name__ == "__main__":
    main()

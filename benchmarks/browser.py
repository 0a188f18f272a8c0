"""One page per script, by glyphrender and by headless Chromium, side by side, to look at.

    python benchmarks/browser.py FOLDER            # write latin.png … there and print how far they differ
    python benchmarks/browser.py FOLDER --zoom 3   # the same, enlarged
    python benchmarks/browser.py --write           # small pictures into docs/images, the table into docs/browser.md

Each picture shows our page, Chromium's page, and both in one: ink that only we draw is blue, ink that only Chromium
draws is red. The figures are: lines that start at the same character, how many pixels lower we draw, the correlation
of the two pages after that shift, and our ink divided by Chromium's. The texts are in texts/scripts.txt, whose
headings name language and font.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import report
from breaks import our_line_starts
from chromium import Case
from numpy.typing import NDArray
from PIL import Image
from texts import HERE

from glyphrender import Theta, render

IMAGES = report.DOCS / "images"
GAP = 8
# Height of the pictures in the docs, in pixels; 21 of them take 400 KB.
SHOWN = 216
FIELDS: dict[str, dict[str, Any]] = {
    "Justified": {"alignment": "JUSTIFY"},
    "Urdu": {"line_height": 36},
    **{script: {"complex_breaks": "DICTIONARY"} for script in ("Thai", "Khmer", "Burmese")},
    "Code": {"font_size": 13, "line_height": 18},
}


def cases() -> Iterator[tuple[str, Case]]:
    """Yield (heading, case) of every text, on a page as high as its lines."""
    for part in re.split(r"^= ", (HERE / "scripts.txt").read_text(encoding="utf-8"), flags=re.M)[1:]:
        head, text = part.split("\n", 1)
        heading, language, font = head.split(" | ")
        fields = {"font_size": 16, "line_height": 25, **FIELDS.get(heading, {})}
        theta = Theta(
            font=font,
            language=language,
            page_size=(360, 2000),
            margin_x=10,
            margin_y=8,
            auto_crop_width=False,
            **fields,
        )
        text = text.strip("\n")
        lines = sum(map(len, our_line_starts(text, theta)))
        yield heading, Case(text=text, theta=theta.replace(page_size=(360, 16 + (lines + 1) * theta.line_height)))


def pair(case: Case) -> tuple[Image.Image, Image.Image]:
    """Return our page and Chromium's page."""
    document = render(case.text, case.theta.replace(auto_crop_last_page=False))
    (page,) = document
    return page.image, chromium.image(case)


def overlay(ours: Image.Image, theirs: Image.Image) -> Image.Image:
    """Return both pages in one: black where they agree, blue where only we draw, red where only Chromium does."""
    mine, other = ours.convert("L"), theirs.convert("L")
    return Image.merge("RGB", (mine, Image.fromarray(np.minimum(np.asarray(mine), np.asarray(other))), other))


def beside(images: list[Image.Image]) -> Image.Image:
    """Return the images in a row, on one background."""
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    row = Image.new("RGB", (width, max(image.height for image in images)), "#C0C8D0")
    x = 0
    for image in images:
        row.paste(image, (x, 0))
        x += image.width + GAP
    return row


def ink(image: Image.Image) -> NDArray[np.float64]:
    """Return the ink of each pixel: 0 for white, 1 for black."""
    return 1 - np.asarray(image.convert("L")) / 255


def shift(ours: Image.Image, theirs: Image.Image) -> tuple[int, float]:
    """Return how many pixels lower we draw, and the correlation of the two pages after undoing that shift."""
    mine, other = ink(ours), ink(theirs)
    found = []
    for lower in range(-3, 4):
        a, b = np.roll(mine, -lower, axis=0).ravel(), other.ravel()
        found.append((float(np.corrcoef(a, b)[0, 1]), lower))
    best, lower = max(found)
    return lower, best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="folder for the pictures")
    parser.add_argument("--zoom", type=int, default=1, help="factor that enlarges the pictures")
    parser.add_argument("--write", action="store_true", help="write docs/browser.md and docs/images")
    arguments = parser.parse_args()
    if not arguments.folder and not arguments.write:
        parser.error("name a folder, or --write")
    everything = list(cases())
    starts = chromium.line_starts([case for _, case in everything])
    rows = []
    for (heading, case), theirs in zip(everything, starts, strict=True):
        name = "browser-" + re.sub(r"\W+", "-", heading.lower())
        ours = our_line_starts(case.text, case.theta)
        images = pair(case)
        lower, alike = shift(*images)
        more = ink(images[0]).sum() / ink(images[1]).sum()
        equal = sum(len(set(a) & set(b)) for a, b in zip(ours, theirs, strict=True))
        link = f"[{heading}](images/{name}.png)"
        rows.append([link, f"{equal} of {sum(map(len, theirs))}", lower, f"{alike:.3f}", f"{more:.3f}"])
        print(heading, *rows[-1][1:], sep="\t")
        if arguments.folder:
            arguments.folder.mkdir(parents=True, exist_ok=True)
            shown = beside([*images, overlay(*images)])
            zoomed = shown.resize(
                (shown.width * arguments.zoom, shown.height * arguments.zoom), Image.Resampling.NEAREST
            )
            zoomed.save(arguments.folder / f"{name}.png")
        if arguments.write:
            shown = beside([image.crop((0, 0, image.width, min(image.height, SHOWN))) for image in images])
            shown = shown.quantize(16, dither=Image.Dither.NONE)
            shown.save(IMAGES / f"{name}.png", optimize=True)
    if arguments.write:
        head = ["page", "lines that start alike", "px lower", "correlation", "ink, ours ÷ theirs"]
        report.write("browser", f"{chromium.version()}.\n\n{report.table(head, rows)}", page="browser.md")


if __name__ == "__main__":
    main()

"""Try random rich texts: `python tests/fuzz_rich.py [COUNT] [SEED]`. It prints the first document that fails."""

from __future__ import annotations

import sys
import time
from random import Random

from nasty import NASTY
from rich_documents import check, check_memory, random_rich

from glyphrender import Theta

SNIPPETS = [text[:200] for text in NASTY.values()]
WORDS = (
    "The ",
    "quick ",
    "brown\n",
    "fox\t",
    "naïve ",
    "e\u0301te\u0301 ",
    "שלום ",
    "العربية ",
    "漢字",
    "かな",
    "한글 ",
    "\n",
    " ",
)
WORDS += (
    "http://a.b/c?d=e ",
    "x" * 40,
    "\r\n",
    "«quote» ",
    "क्षत्रिय ",
    "👩‍👩‍👧 ",
    "ภาษาไทย ",
    "──┼──\n",
    "\x1b[1m",
    "\u00ad",
    "a-b—c ",
)


def document(random: Random) -> tuple[str, Theta]:
    """Return a random text and a random θ with a small page."""
    parts = [random.choice(WORDS) for _ in range(random.randint(0, 40))]
    if random.random() < 0.3:
        parts.insert(random.randint(0, len(parts)), random.choice(SNIPPETS))
    fields = {
        "page_size": (random.choice((40, 90, 200, 400)), random.choice((40, 80, 300))),
        "margin_x": 4,
        "margin_y": 4,
        "alignment": random.choice(("LEFT", "JUSTIFY", "RIGHT", "CENTER")),
        "line_breaker": random.choice(("GREEDY", "OPTIMAL")),
        "leading": random.choice(("FIXED", "FIT")),
        "columns": random.choice((1, 1, 2)),
        "column_gap": 4,
        "font": random.choice(("DejaVu Sans", "Noto Sans", "DejaVu Sans Mono")),
        "font_size": random.choice((5, 8)),
        "newline_markup": random.choice(("<br/>", "<br/>", " ↵ ")),
        "spaces": random.choice(("KEEP", "COLLAPSE")),
        "ansi": random.choice(("ESCAPE", "STRIP")),
        "carriage_return": random.choice(("LINE", "OVERWRITE")),
        "direction": random.choice(("AUTO", "LTR", "RTL")),
        "cells": random.choice(("NATURAL", "NATURAL", "GRID")),
        "hyphenate": random.random() < 0.3,
        "language": "en",
        "letter_spacing": random.choice((0, 0, 0.5)),
        "first_line_indent": random.choice((0, 0, 6)),
        "line_numbers": 0,
        "continuation_indent": random.choice((0, 0, 5)),
    }
    if fields["newline_markup"] != "<br/>":
        fields |= {"line_breaker": "GREEDY"}
    if fields["page_size"][0] >= 200 and random.random() < 0.3:
        fields |= {"paragraph_ids": "MARGIN"}
    return "".join(parts), Theta(**fields)


def main(count: int, seed: int) -> None:
    """Check `count` documents."""
    start = time.time()
    for number in range(count):
        random = Random(f"{seed}/{number}")
        text, theta = document(random)
        rich = random_rich(text, random)
        try:
            pages = check(rich, theta, draw=number % 8 == 0)
            longest = max(map(len, rich.drawn.split("\n")), default=0) + 1
            if number % 25 == 0 and theta.newline_markup == "<br/>":
                check_memory(rich, theta, pages, size=max(64, longest))
        except BaseException:
            print(f"seed {seed}/{number}: {rich.source!r} {rich.spans} {rich.blocks} {rich.consumed} {rich.replaced}")
            print(theta)
            raise
        if (number + 1) % 500 == 0:
            print(f"{number + 1} documents, {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 1)

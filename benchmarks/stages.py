"""Where the time of a page goes: layout, drawing, PNG; in a fresh process and in a warm one.

    python benchmarks/stages.py            # prints the table
    python benchmarks/stages.py --write    # and puts it into docs/benchmarks.md

Each text has a process of its own. Its first pass is cold (fonts opened, every word shaped, every glyph
rasterised for the first time), the best of the others is warm. Memory is the highest of the process, Python,
numpy and Skia included.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import report
import texts

from glyphrender import Theta, layout
from glyphrender.raster import png
from glyphrender.raster.typesetter import default_typesetter

CASES = {
    "English, a paragraph a line": (texts.novel, "glyph-en"),
    "English, lines of 70": (texts.verses, "glyph-en"),
    "Python": (texts.code, "code"),
    "Chinese": (texts.chinese, "glyph-zh"),
}
CHARACTERS = 280_000


def passed(text: str, theta: Theta) -> dict[str, float]:
    """Seconds of CPU of each stage over all pages, and what came out."""
    start = time.process_time()
    pages = list(layout(text, theta))
    laid_out = time.process_time()
    draw = encode = 0.0
    size = 0
    for page in pages:
        begin = time.process_time()
        pixels = default_typesetter().draw(page._layout, reuse=True)  # as `Page.png` does
        drawn = time.process_time()
        size += len(png.encode(pixels, dpi=theta.dpi))
        encode += time.process_time() - drawn
        draw += drawn - begin
    return {"layout": laid_out - start, "draw": draw, "png": encode, "pages": len(pages), "bytes": size}


def measured(case: str, rounds: int) -> dict[str, Any]:
    """Cold and warm passes over a text, in this process."""
    source, preset = CASES[case]
    text, theta = source()[:CHARACTERS], Theta.preset(preset)
    cold = passed(text, theta)
    warm = [passed(text, theta) for _ in range(rounds)]
    best = {key: min(one[key] for one in warm) for key in cold}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cold": cold, "warm": best, "peak": peak, "characters": len(text)}


def main() -> None:
    """Measure every text in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measured(arguments.only, arguments.rounds)))
        return
    rows = []
    for case, (_, preset) in CASES.items():
        command = [sys.executable, __file__, "--only", case, "--rounds", str(arguments.rounds)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for state in ("cold", "warm"):
            one = found[state]
            stages = [1e3 * one[stage] / one["pages"] for stage in ("layout", "draw", "png")]
            rows.append(
                [
                    f"{case} ({preset}), {state}",
                    one["pages"],
                    round(found["characters"] / one["pages"]),
                    *(f"{stage:.2f}" for stage in (*stages, sum(stages))),
                    f"{one['bytes'] / one['pages'] / 1e3:.0f}",
                    f"{found['peak']:.0f}",
                ]
            )
    head = [
        "",
        "pages",
        "characters a page",
        "layout",
        "draw",
        "PNG",
        "CPU ms a page",
        "KB a page",
        "peak MB",
    ]
    packages = ("skia-python", "uharfbuzz", "numpy", "isal")
    text = f"{report.machine()} {report.versions(packages)}.\n\n{report.table(head, rows)}"
    print(text)
    if arguments.write:
        report.write("stages", text)


if __name__ == "__main__":
    main()

"""The time of a page by stage (layout, drawing, PNG), in a fresh process and in a warm one.

    python benchmarks/stages.py            # print the table
    python benchmarks/stages.py --write    # and put it into docs/benchmarks.md

Each text has its own process. Its first pass is "cold": fonts are opened, every word is shaped, and every glyph is
rasterized for the first time. "Warm" is the best of the other passes. The figures are CPU milliseconds a page. Peak
memory is that of the process, with Python, numpy and Skia.
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

from glyphrender import Theta
from glyphrender.raster import png
from glyphrender.raster.typesetter import default_typesetter

CASES = {
    "English, a paragraph a line": (texts.novel, "glyph-en"),
    "English, lines of 70": (texts.verses, "glyph-en"),
    "Python": (texts.code, "code"),
    "Chinese": (texts.chinese, "glyph-zh"),
}
CHARACTERS = 280_000


def stage_seconds(text: str, theta: Theta) -> dict[str, float]:
    """Return the CPU seconds of each stage over all pages, the number of pages and the bytes of their PNGs."""
    start = time.process_time()
    pages = list(default_typesetter().layout_pages(text, theta))
    laid_out = time.process_time()
    draw = encode = 0.0
    size = 0
    for page in pages:
        begin = time.process_time()
        pixels = default_typesetter().draw(page, reuse=True)  # as `Page.png` does
        drawn = time.process_time()
        size += len(png.encode(pixels, dpi=theta.dpi))
        encode += time.process_time() - drawn
        draw += drawn - begin
    return {"layout": laid_out - start, "draw": draw, "png": encode, "pages": len(pages), "bytes": size}


def measured(case: str, rounds: int) -> dict[str, Any]:
    """Return the figures of a cold and of warm passes over a text, in this process."""
    source, preset = CASES[case]
    text, theta = source()[:CHARACTERS], Theta.preset(preset)
    cold = stage_seconds(text, theta)
    warm = [stage_seconds(text, theta) for _ in range(rounds)]
    best = {key: min(one[key] for one in warm) for key in cold}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cold": cold, "warm": best, "peak": peak, "characters": len(text)}


def main() -> None:
    """Measure every text in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="warm passes (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
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

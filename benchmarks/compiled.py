"""When compiled drawing pays: Skia alone, the default, and compiled code from the first page on, by pages of a text.

    python benchmarks/compiled.py              # the novel, repeated
    python benchmarks/compiled.py kjv.txt      # another text, repeated to 2,000 pages
    python benchmarks/compiled.py kjv.txt --write

It needs the extra `fast`. Each figure is the least of some fresh processes, from `render` to the last PNG in memory.
The modules of drawing are imported before; numba is not, so its cost is in the figures. The compiled code comes from
numba's cache on disk, as in every process but the first on a machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import report
import texts

from glyphrender import render

PAGES = (1, 20, 159, 400, 601, 2000)
#: The value of GLYPHRENDER_RASTER → the name of the column.
RASTERS = {"skia": "Skia", "": "default", "numba": "compiled"}


def measured(text: str) -> dict[str, float]:
    """Return CPU and wall seconds of all pages of `text` in this process."""
    os.environ["GLYPHRENDER_RASTER"], wanted = "skia", os.environ["GLYPHRENDER_RASTER"]
    render("wholly unrelated matter")[0].png()
    os.environ["GLYPHRENDER_RASTER"] = wanted
    cpu, wall = time.process_time(), time.perf_counter()
    pages = sum(1 for page in render(text) if page.png())
    return {"pages": pages, "cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def best(text: str, rounds: int) -> dict[str, dict[str, float]]:
    """Return the least seconds of each rasteriser over `rounds` new processes each, taken in turns."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        command = [sys.executable, __file__, file.name, "--only"]
        for _ in range(rounds):
            for raster in RASTERS:
                environment = os.environ | {"GLYPHRENDER_RASTER": raster}
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                run = json.loads(done.stdout)
                least = found.get(raster, run)
                found[raster] = {key: min(least[key], run[key]) for key in run}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", metavar="TEXT", help="a text; without one, the novel")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each figure (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    parser.add_argument("--only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    text = Path(arguments.file).read_text(encoding="utf-8") if arguments.file else texts.novel()
    if arguments.only:
        print(json.dumps(measured(text)))
        return
    ends = [page.span[1] for page in render(text)]
    while len(ends) < max(PAGES):
        ends += [ends[-1] + end for end in ends]
        text += text
    rows = []
    for pages in PAGES:
        found = best(text[: ends[pages - 1]], arguments.rounds)
        cpu, wall = ([found[raster][unit] for raster in RASTERS] for unit in ("cpu", "wall"))
        rows.append(
            [
                round(found[""]["pages"]),
                *(f"{seconds:.2f}" for seconds in cpu),
                f"{cpu[0] / cpu[1]:.2f}",
                f"{cpu[1] / cpu[2]:.2f}",
                *(f"{seconds:.2f}" for seconds in wall),
            ]
        )
    names = [*RASTERS.values()]
    head = ["pages", *(f"CPU s, {name}" for name in names), "Skia ÷ default", "default ÷ compiled",
            *(f"wall s, {name}" for name in names)]  # fmt: skip
    how = f"The least of {arguments.rounds} processes."
    shown = f"{report.machine()} {report.versions(('skia-python', 'numba'))}. {how}\n\n{report.table(head, rows)}"
    print(shown)
    if arguments.write:
        report.write("compiled", shown)


if __name__ == "__main__":
    main()

"""A million text tokens → PNG bytes in memory: CPU seconds of one process, by stage.

    python benchmarks/million.py kjv.txt austen.txt            # print the table
    python benchmarks/million.py kjv.txt austen.txt --write    # and put it into docs/benchmarks.md

Use long texts with a real vocabulary, such as the King James Bible (Debian `bible-kjv-text`) or Austen's six novels
(CRAN `janeaustenr`), 4 MB each. Without any, the novel in texts/ is used. The θ is the default one. Pages are drawn by
Skia and by compiled code (extra `fast`), each in a new process that has drawn pages of other words before, so that
everything is imported and no word of the text is known. Tokens are those of GLM-4 (extra `ratio`).

Each figure is the least over the processes. Placing is a part of drawing: it is measured once more alone, and
subtracted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import report
import texts
from stages import stage_seconds

from glyphrender import Theta, default_typesetter, layout
from glyphrender.models.tokenizers import tokenizer
from glyphrender.typeset.place import place

RASTERS = {"skia": "Skia", "numba": "compiled"}


def measured(text: str) -> dict[str, float]:
    """Return the seconds of each stage for a text that this process has not seen."""
    theta = Theta()
    for page in layout("wholly unrelated matter 1234567890 " * 300, theta):
        page.png()
    stages = stage_seconds(text, theta)
    # The same words and lines again, to measure placing, which is a part of drawing.
    pages = list(default_typesetter().layout_pages(text, theta))
    start = time.process_time()
    for page in pages:
        for block in page.blocks:
            place(block, theta)
    return stages | {"place": time.process_time() - start}


def best(file: str, raster: str, rounds: int) -> dict[str, float]:
    """Return the least seconds of each stage over `rounds` new processes."""
    command = [sys.executable, __file__, file, "--only"]
    environment = os.environ | {"GLYPHRENDER_RASTER": raster}
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
        for _ in range(rounds)
    ]
    return {stage: min(run[stage] for run in runs) for stage in runs[0]}


def main() -> None:
    """Measure every text with both rasterizers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=[str(texts.HERE / "pride-and-prejudice.txt")], metavar="TEXT")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each case (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    parser.add_argument("--only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measured(Path(arguments.files[0]).read_text(encoding="utf-8"))))
        return
    rows = []
    for file in arguments.files:
        text = Path(file).read_text(encoding="utf-8")
        tokens, size = tokenizer("glm-4").count(text), len(text.encode())
        for raster, name in RASTERS.items():
            one = best(file, raster, arguments.rounds)
            total = one["layout"] + one["draw"] + one["png"]
            stages = (one["layout"], one["place"], one["draw"] - one["place"], one["png"], total)
            rows.append(
                [
                    f"{Path(file).stem}, {name}",
                    f"{size / 1e6:.2f}",
                    f"{tokens:,}",
                    round(one["pages"]),
                    *(f"{stage:.2f}" for stage in stages),
                    f"{tokens / total / 1e6:.2f}",
                    f"{size / one['layout'] / 1e6:.1f}",
                ]
            )
    stages_ = ["layout", "placing", "drawing", "PNG", "all"]
    head = ["", "MB", "tokens", "pages", *stages_, "million tokens a second", "layout alone, MB/s"]
    packages = ("skia-python", "uharfbuzz", "numpy", "isal", "numba")
    how = f"Seconds of CPU, the least of {arguments.rounds} processes."
    text = f"{report.machine()} {report.versions(packages)}. {how}\n\n{report.table(head, rows)}"
    print(text)
    if arguments.write:
        report.write("million", text)


if __name__ == "__main__":
    main()

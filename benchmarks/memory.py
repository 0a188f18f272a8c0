"""A text that does not fit in memory: seconds a megabyte and peak memory, page by page.

    python benchmarks/memory.py                     # 200 MB by chapters, 100 MB in one paragraph: minutes
    python benchmarks/memory.py --megabytes 20 10   # the same, a tenth of it
    python benchmarks/memory.py --write             # and puts the table into docs/benchmarks.md

Pages are laid out and let go, not drawn: drawing works on one page at a time whatever the text. A text whose
cost is linear has the same seconds a megabyte in its first tenth as in its last.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import report
import texts

from glyphrender import layout


def chapters(megabytes: float) -> Iterator[str]:
    """The novel over and over, in pieces of a chapter."""
    return texts.endless(megabytes)


def paragraph(megabytes: float) -> Iterator[str]:
    """The same without one line end."""
    return (piece.replace("\n", " ") for piece in texts.endless(megabytes))


SOURCES = {"by chapters": chapters, "one paragraph": paragraph}


def measured(source: str, megabytes: float) -> dict[str, float]:
    """Seconds a megabyte of the first and the last tenth, all seconds, pages, peak MB."""
    tenth = megabytes * 1e5
    start = begun = time.process_time()
    first = last = 0.0
    mark, at, pages = tenth, 0, 0
    for page in layout(SOURCES[source](megabytes)):
        pages, at = page.number, page.span[1]
        if at >= mark:
            now = time.process_time()
            last = (now - begun) / (tenth / 1e6)
            first = first or last
            begun, mark = now, mark + tenth
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"first": first, "last": last, "seconds": seconds, "pages": pages, "peak": peak, "characters": at}


def main() -> None:
    """Measure both texts, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, nargs=2, default=[200, 100], metavar=("CHAPTERS", "PARAGRAPH"))
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    parser.add_argument("--only", choices=SOURCES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measured(arguments.only, arguments.megabytes[0])))
        return
    rows = []
    for source, megabytes in zip(SOURCES, arguments.megabytes, strict=True):
        command = [sys.executable, __file__, "--only", source, "--megabytes", str(megabytes), "0"]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows.append(
            [
                source,
                f"{found['characters'] / 1e6:.0f}",
                found["pages"],
                f"{found['seconds']:.1f}",
                f"{found['first']:.3f}",
                f"{found['last']:.3f}",
                f"{found['peak']:.0f}",
            ]
        )
    head = ["", "MB", "pages", "CPU s", "s a MB, first tenth", "s a MB, last tenth", "peak MB"]
    text = f"{report.machine()}\n\n{report.table(head, rows)}"
    print(text)
    if arguments.write:
        report.write("memory", text)


if __name__ == "__main__":
    main()

"""A text that does not fit in memory: seconds a megabyte and peak memory, page by page.

    python benchmarks/memory.py                 # 1 GB by chapters, then 100 MB of each other kind: minutes
    python benchmarks/memory.py --share 0.1     # the same, a tenth of it
    python benchmarks/memory.py --write         # and puts the table into docs/benchmarks.md

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


def ideographs(megabytes: float) -> Iterator[str]:
    """One paragraph of Chinese without a space: characters, not bytes, are counted."""
    text = texts.chinese().replace("\n", "").replace(" ", "")
    for _ in range(max(1, round(megabytes * 1e6 / len(text)))):
        yield text


def unseen(megabytes: float) -> Iterator[str]:
    """Words of eight hexadecimal digits, none of which comes twice, so that each is shaped and kept."""
    for line in range(round(megabytes * 1e6 / 90)):
        # An odd factor permutes the numbers below 2³².
        yield " ".join(f"{(10 * line + word) * 2654435761 % 2**32:08x}" for word in range(10)) + "\n"


# With millions of characters of each: the gigabyte, and what is hard in other ways.
SOURCES = {
    "by chapters": (chapters, 1000),
    "one paragraph": (paragraph, 100),
    "one paragraph of Chinese, no space": (ideographs, 100),
    "no word twice": (unseen, 100),
}


def measured(source: str, megabytes: float) -> dict[str, float]:
    """Seconds a megabyte of the first and the last tenth, all seconds, pages, peak MB."""
    tenth = megabytes * 1e5
    start = begun = time.process_time()
    first = last = 0.0
    mark, at, pages = tenth, 0, 0
    for page in layout(SOURCES[source][0](megabytes)):
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
    """Measure each text in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="how much of each")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    parser.add_argument("--only", choices=SOURCES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measured(arguments.only, arguments.share * SOURCES[arguments.only][1])))
        return
    rows = []
    for source in SOURCES:
        command = [sys.executable, __file__, "--only", source, "--share", str(arguments.share)]
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

"""Texts that do not fit in memory, laid out page by page: seconds a megabyte and peak memory.

    python benchmarks/memory.py                 # 1 GB by chapters, then 100 MB of each other kind: minutes
    python benchmarks/memory.py --share 0.1     # the same with a tenth of each text
    python benchmarks/memory.py --write         # and put the table into docs/benchmarks.md

Pages are laid out and dropped, not drawn: drawing holds one page at a time, whatever the text. If the cost is linear,
the first tenth of a text and its last tenth take the same seconds a megabyte.
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
    """Return the novel again and again, one chapter at a time."""
    return texts.endless(megabytes)


def paragraph(megabytes: float) -> Iterator[str]:
    """Return the same text without any line end."""
    return (piece.replace("\n", " ") for piece in texts.endless(megabytes))


def ideographs(megabytes: float) -> Iterator[str]:
    """Yield one paragraph of Chinese without spaces. A megabyte here is a million characters, not bytes."""
    text = texts.chinese().replace("\n", "").replace(" ", "")
    for _ in range(max(1, round(megabytes * 1e6 / len(text)))):
        yield text


def unseen(megabytes: float) -> Iterator[str]:
    """Yield words of eight hexadecimal digits. No word comes twice, so each is shaped and kept."""
    for line in range(round(megabytes * 1e6 / 90)):
        # Multiplying by an odd number permutes the numbers below 2³².
        yield " ".join(f"{(10 * line + word) * 2654435761 % 2**32:08x}" for word in range(10)) + "\n"


# name → (text, millions of characters)
SOURCES = {
    "by chapters": (chapters, 1000),
    "one paragraph": (paragraph, 100),
    "one paragraph of Chinese, no space": (ideographs, 100),
    "no word twice": (unseen, 100),
}


def measured(source: str, megabytes: float) -> dict[str, float]:
    """Return seconds a megabyte of the first and the last tenth, all seconds, pages, peak MB and characters."""
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
    """Measure each text in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="share of each text that is laid out (default: all)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
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

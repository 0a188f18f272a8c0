"""The value of a second process: for one large document, and for many small ones.

    python benchmarks/jobs.py [BOOK]            # print the table
    python benchmarks/jobs.py [BOOK] --write    # and put it into docs/benchmarks.md

The large document is BOOK, or the novel four times, saved by `Document.save`. The small documents are the modules of
the standard library without its tests, rendered by `glyphrender render --each`. Each is done with one process and with
two, in turn; the figures are wall seconds, the median of the rounds, so the machine must have two idle cores. The last
row shows the most that this machine can gain: two independent processes do half of the large document each, and they
share caches and memory too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median

import report
import texts

from glyphrender import render
from glyphrender.cli import command
from glyphrender.raster.typesetter import default_typesetter


def large(text: str) -> Callable[[Path, int], object]:
    """Return a function that saves one document with `jobs` processes."""
    return lambda folder, jobs: render(text).save(folder / "pages", jobs=jobs)


def small(folder: Path, jobs: int) -> None:
    """Render many documents with `jobs` processes."""
    library = sysconfig.get_path("stdlib")
    which = ["--include", "*.py", "--exclude", "site-packages/*", "--exclude", "*test*/*", "--exclude", "*idlelib*"]
    how = ["--each", "--preset", "code", "--errors", "replace", "--jobs", str(jobs)]
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        command(["render", library, *which, *how, "-o", str(folder / "pages")], standalone_mode=False)


def apart(text: str) -> Callable[[Path, int], object]:
    """Return a function that saves the halves of a text in two independent processes, or one after the other."""
    middle = text.index("\n", len(text) // 2) + 1
    halves = text[:middle], text[middle:]

    def both(folder: Path, jobs: int) -> None:
        children = []
        for number, half in enumerate(halves):
            child = os.fork()
            if not child:
                render(half).save(folder / str(number))
                os._exit(0)
            if jobs == 1:
                os.waitpid(child, 0)
            else:
                children.append(child)
        for child in children:
            os.waitpid(child, 0)

    return both


def seconds(work: Callable[[Path, int], object], jobs: int) -> float:
    """Return the wall seconds of `work`, which starts with an empty word cache."""
    folder = Path(tempfile.mkdtemp(prefix="jobs-"))
    default_typesetter().clear()
    start = time.perf_counter()
    try:
        work(folder, jobs)
        return time.perf_counter() - start
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure all three cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", nargs="?", type=Path, help="text of the large document (default: the novel four times)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each case (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    os.environ["GLYPHRENDER_RASTER"] = "skia"  # so that compiled code does not take over in the middle
    text = arguments.book.read_text(encoding="utf-8") if arguments.book else texts.novel() * 4
    cases = {
        f"one document of {len(text):,} characters": large(text),
        "a document a module of the standard library": small,
        "halves of the one document, apart": apart(text),
    }
    taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in cases}
    for _ in range(arguments.rounds):
        for name, work in cases.items():
            for jobs, times in zip((1, 2), taken[name], strict=True):
                times.append(seconds(work, jobs))
    rows = []
    for name, (one, two) in taken.items():
        ratios = sorted(a / b for a, b in zip(one, two, strict=True))
        rows.append(
            [
                name,
                f"{median(one):.2f}",
                f"{median(two):.2f}",
                f"{median(ratios):.2f}",
                f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
            ]
        )
    head = ["", "s, 1 process", "s, 2 processes", "times", "of the rounds"]
    shown = report.table(head, rows)
    body = f"{report.machine()} {report.versions(('skia-python',))}. Median of {arguments.rounds}.\n\n{shown}"
    print(body)
    if arguments.write:
        report.write("jobs", body)


if __name__ == "__main__":
    main()

"""glyphrender beside other renderers: the same text, page, font and size, in one run.

    python benchmarks/peers.py            # print the tables
    python benchmarks/peers.py --write    # and put them into docs/benchmarks.md

What is measured: every renderer (one file each in `renderers/`) breaks the text into pages of 595 × 842 px with a
frame of 563 × 810 px (81 lines of 10 px, DejaVu Sans at 9 px), draws them, and ends with PNG: files in a folder, unless
its name says otherwise.

How: after a warm-up on the first pages of the novel, each round sets another part of it. So what a renderer remembers
(ours: shaped words; Typst: everything it has laid out) helps as it does in use, and not more. A round goes through all
renderers in turn, so that a slow minute of the machine affects them all.

What the figures mean: all are medians over the rounds. CPU time includes the processes that a renderer starts. "s in
a fresh process" is the time to the first pages in a new process, the start of Python included. "Read wrong" is the
share of characters that tesseract (extra `reader`) misreads on three full pages, enlarged twice. Renderers that are
not installed are listed with the way to install them.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import report
import texts
from renderers import PEERS
from renderers.common import Peer
from renderers.ours import COMPILED_FILES, FILES, IN_MEMORY, theta

from glyphrender.errors import DependencyError


def _cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@dataclass(frozen=True, slots=True)
class Round:
    """The cost of one text: CPU seconds a page, wall seconds a page, number of pages, bytes a page."""

    cpu: float
    wall: float
    pages: int
    size: float


def measure(peer: Peer, text: str) -> Round:
    """Measure one round, in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="peer-"))
    try:
        cpu, wall = _cpu(), time.perf_counter()
        pages, size = peer.draw(text, folder)
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    finally:
        shutil.rmtree(folder)
    return Round(cpu / pages, wall / pages, pages, size / pages)


def seconds_in_fresh_process(peer: Peer, text: str) -> float:
    """Return the seconds from the start of a new process to its last page, the start of Python and imports included."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write(text)
        file.flush()
        start = time.perf_counter()
        subprocess.run([sys.executable, __file__, "--only", peer.name, file.name], check=True)
        return time.perf_counter() - start


def round_texts(pages: int, rounds: int) -> list[str]:
    """Return the texts of a warm-up and of each round: parts of the novel that fill about `pages` of our pages each."""
    novel = texts.novel()
    first = texts.first_pages(novel, pages, theta())
    step = (len(novel) - len(first)) // rounds
    starts = [novel.index("\n", step * number - 1) + 1 for number in range(1, rounds)]
    return [first, *(novel[start : start + len(first)] for start in starts), novel[-len(first) :]]


def misread_share(peer: Peer, text: str) -> float:
    """Return the share of the characters of `text` that tesseract misreads on the peer's pages.

    Raises:
        DependencyError: the extra `reader` is not installed.
    """
    from PIL import Image

    from glyphrender.ocr.comparison import comparable, edit_distance
    from glyphrender.ocr.tesseract import Tesseract

    reader = Tesseract()
    with tempfile.TemporaryDirectory(prefix="peer-") as name:
        folder = Path(name)
        (peer.keep or peer.draw)(text, folder)
        read = "".join(comparable(reader(Image.open(file).convert("L"))) for file in sorted(folder.rglob("*.png")))
    there = comparable(text)
    return edit_distance(there, read) / len(there)


def misread_shares(peers: Iterable[Peer]) -> dict[Peer, float]:
    """Return the share of misread characters for each peer, all on one text; empty without the extra `reader`."""
    text = texts.first_pages(texts.novel(), 3, theta())
    try:
        return {peer: misread_share(peer, text) for peer in peers}
    except DependencyError as error:
        print(f"legibility is not measured: {error}", file=sys.stderr)
        return {}


def plot_bars(taken: Mapping[Peer, list[Round]], wrong: Mapping[Peer, float], title: str) -> None:
    """Draw docs/images/peers.png: one bar per peer, its CPU time a page on a logarithmic axis."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    names = [peer.name for peer in taken]
    times = [1e3 * median(round.cpu for round in rounds) for rounds in taken.values()]
    figure, axes = pyplot.subplots(figsize=(9, 0.42 * len(names) + 1.2), layout="constrained")
    colors = ["#1f5fbf" if name.startswith("glyphrender") else "#9aa5b1" for name in names]
    bars = axes.barh(names, times, color=colors, height=0.7)
    notes = [f"{each:.1f} ms" for each in times]
    if wrong:
        notes = [f"{note}, {wrong[peer]:.2%} read wrong" for note, peer in zip(notes, taken, strict=True)]
    axes.bar_label(bars, notes, padding=4, fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(1, 12 * max(times))
    axes.invert_yaxis()
    axes.set_xlabel("CPU ms a page")
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(report.DOCS / "images" / "peers.png", dpi=110)


def comparison_table(pages: int, rounds: int, wrong: dict[Peer, float], *, plot: bool) -> str:
    """Return the table for texts that fill about `pages` of our pages."""
    warm_up, *some = round_texts(pages, rounds)
    taken: dict[Peer, list[Round]] = {}
    missing: list[str] = []
    for peer in PEERS:
        try:
            measure(peer, warm_up)
            taken[peer] = []
        except ImportError as error:
            missing.append(f"- {peer.name}: {error}. `{peer.install}`")
    for text in some:
        for peer, rounds_of in taken.items():
            peer.prepare(warm_up)
            rounds_of.append(measure(peer, text))
    if not wrong:
        wrong.update(misread_shares(taken))
    files, memory = (median(round.cpu for round in taken[peer]) for peer in (FILES, IN_MEMORY))
    compiled = [median(round.cpu for round in taken[COMPILED_FILES])] if COMPILED_FILES in taken else []
    rows = []
    for peer, rounds_of in taken.items():
        cpu = median(round.cpu for round in rounds_of)
        rows.append(
            [
                peer.name,
                sum(round.pages for round in rounds_of),
                f"{1e3 * median(round.wall for round in rounds_of):.2f}",
                f"{1e3 * cpu:.2f}",
                f"{cpu / files:.1f}",
                f"{cpu / memory:.1f}",
                *(f"{cpu / its:.1f}" for its in compiled),
                f"{median(round.size for round in rounds_of) / 1e3:.0f}",
                f"{min(seconds_in_fresh_process(peer, warm_up) for _ in range(3)):.2f}",
                f"{wrong[peer]:.2%}" if peer in wrong else "",
            ]
        )
    ratios = ["CPU ÷ files", "CPU ÷ in memory", *(["CPU ÷ compiled, files"] if compiled else [])]
    head = ["", "pages", "ms a page", "CPU ms a page", *ratios, "KB a page", "s in a fresh process", "read wrong"]
    title = f"{pages} pages ({len(warm_up):,} characters of English) at a time, median of {rounds}:"
    if plot:
        plot_bars(taken, wrong, f"{pages} pages of English at a time, DejaVu Sans 9 px, median of {rounds}")
    shown = f"{title}\n\n{report.table(head, rows)}"
    return shown + ("\nNot installed here:\n\n" + "\n".join(missing) + "\n" if missing else "")


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="texts that each renderer sets (default: %(default)s)")
    parser.add_argument("--pages", type=int, nargs="+", default=[16, 25], help="pages of a text; one table each")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        name, file = arguments.only
        peer = next(peer for peer in PEERS if peer.name == name)
        measure(peer, Path(file).read_text(encoding="utf-8"))
        return
    packages = dict.fromkeys(package for peer in PEERS for package in peer.packages)
    wrong: dict[Peer, float] = {}
    tables = "\n".join(
        comparison_table(pages, arguments.rounds, wrong, plot=arguments.write and pages == arguments.pages[0])
        for pages in arguments.pages
    )
    text = f"{report.machine()} {report.versions(packages)}.\n\n{tables}"
    print(text)
    if arguments.write:
        report.write("peers", text)


if __name__ == "__main__":
    main()

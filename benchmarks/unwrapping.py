"""Precision and recall of unwrapping, on lines that were marked by hand.

    python benchmarks/unwrapping.py            # a row for each sample of tests/data/wrapped_*.txt, and the sums
    python benchmarks/unwrapping.py book.txt   # line ends inside blocks of a text that are kept, to look at

Precision is the share of joined line ends that were to be joined; recall is the share of those that were joined.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from glyphrender.text.source import read
from glyphrender.text.unwrap import joins

MARKED = Path(__file__).parent.parent / "tests/data/wrapped_lines.txt"
RFCS = MARKED.with_name("wrapped_rfcs.txt")


class Sample(NamedTuple):
    """Some lines, and the numbers (from 0) of those whose ends are to be joined."""

    name: str
    text: str
    marked: frozenset[int]


class Counts(NamedTuple):
    """Line ends that were joined and are to be, that were joined and are not to be, and that were missed."""

    right: int
    wrong: int
    missed: int


def samples(path: Path = MARKED) -> Iterator[Sample]:
    """Yield the samples of a file of marked lines."""
    for part in path.read_text(encoding="utf-8").split("\n## ")[1:]:
        name, *rows = part.removesuffix("\n").split("\n")
        text = "".join("\f\n" if row == "|~" else f"{row[1:]}\n" for row in rows)
        yield Sample(name, text, frozenset(at for at, row in enumerate(rows) if row.startswith("+")))


def counted(sample: Sample) -> Counts:
    """Return how the joins of a sample compare with its marks."""
    found = {sample.text.count("\n", 0, place) for place, _ in joins(sample.text, 0, len(sample.text))}
    return Counts(len(found & sample.marked), len(found - sample.marked), len(sample.marked - found))


def main() -> None:
    """Write the table, or the line ends of a text that are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", type=Path)
    given = parser.parse_args()
    if given.text:
        text = read(given.text)
        joined = dict(joins(text, 0, len(text)))
        place, rows = -1, text.split("\n")
        for row, following in zip(rows, rows[1:], strict=False):
            place += len(row) + 1
            if row.strip() and following.strip() and place not in joined:
                print(f"{row.rstrip()!r} / {following.rstrip()!r}")
        print(f"{len(joined):,} joined")
        return
    for path in (MARKED, RFCS):
        total = [0, 0, 0]
        print(f"\n{path.name}\n\n| sample | to be joined | joined | wrongly |\n|---|---|---|---|")
        for sample in samples(path):
            counts = counted(sample)
            total = [sum(pair) for pair in zip(total, counts, strict=True)]
            print(f"| {sample.name} | {len(sample.marked)} | {counts.right} | {counts.wrong} |")
        right, wrong, missed = total
        print(f"\nprecision {right / (right + wrong):.3f}, recall {right / (right + missed):.3f}")


if __name__ == "__main__":
    main()

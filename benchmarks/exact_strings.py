"""Which strings are found in the output of programs, of those that are known from elsewhere.

    python benchmarks/exact_strings.py

Each row is a program of this machine. The strings that should be found come from another source than the text: commits
from `git rev-list`, hashes and paths from the columns of torch's RECORD, versions from the metadata of the packages. So
the counts differ from machine to machine. A program that is not there is left out, and named on stderr.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import distribution, distributions
from pathlib import Path

from glyphrender.inference.exact.find import find_strings

ROOT = Path(__file__).parents[1]


def printed(*command: str) -> str:
    """Return what a program prints.

    Raises:
        FileNotFoundError: there is no such program.
    """
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(command[0])
    return subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout.decode("utf-8", "replace")


def git_log() -> tuple[str, dict[str, set[str]]]:
    commits = set(printed("git", "rev-list", "HEAD").split())
    return printed("git", "log", "--stat"), {"commits": commits}


def record_of_torch() -> tuple[str, dict[str, set[str]]]:
    text = distribution("torch").read_text("RECORD") or ""
    rows = list(csv.reader(text.splitlines()))
    return text, {
        "hashes": {row[1] for row in rows if row[1]},
        "paths": {row[0] for row in rows if " " not in row[0]},
        "sizes of five digits and more": {row[2] for row in rows if len(row[2]) >= 5},
    }


def documentation() -> tuple[str, dict[str, set[str]]]:
    text = printed("find", "/usr/share/doc")
    return text, {"paths": set(text.splitlines())}


def versions() -> tuple[str, dict[str, set[str]]]:
    known = {each.name: each.version for each in distributions()}
    text = "\n".join(f"{name:40}{version}" for name, version in sorted(known.items()))
    return text, {"versions of three parts": {each for each in known.values() if re.fullmatch(r"\d+\.\d+\.\d+", each)}}


def packages() -> tuple[str, dict[str, set[str]]]:
    known = set(printed("dpkg-query", "-W", "-f", "${Version}\n").split())
    return printed("dpkg", "-l"), {"versions": known}


def rows() -> Iterator[tuple[str, str, dict[str, set[str]]]]:
    """Yield (program, what it prints, strings known from elsewhere by kind)."""
    programs: dict[str, Callable[[], tuple[str, dict[str, set[str]]]]] = {
        "git log --stat": git_log,
        "RECORD of torch": record_of_torch,
        "find /usr/share/doc": documentation,
        "names and versions of Python packages": versions,
        "dpkg -l": packages,
    }
    for name, run in programs.items():
        try:
            yield name, *run()
        except (OSError, ImportError, subprocess.CalledProcessError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)


def main() -> None:
    print("| program | characters | kind | known | found | the first that are not |")
    print("|---|---:|---|---:|---:|---|")
    for name, text, kinds in rows():
        found = {text[start:end] for start, end, _ in find_strings(text)}
        for kind, known in kinds.items():
            there = {each for each in known if each in text}  # a program may cut a column
            lost = sorted(there - found)
            counts = f"{len(there):,} | {len(there) - len(lost):,}"
            print(f"| {name} | {len(text):,} | {kind} | {counts} | {' '.join(lost[:3])} |")


if __name__ == "__main__":
    main()

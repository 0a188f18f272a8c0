"""Reporting: Markdown tables, one line about the machine, and writing a section of a page in docs/."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; all columns but the first are right-aligned."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def machine() -> str:
    """Return one line with processor, cores, system, Python version and date."""
    model = platform.processor() or platform.machine()
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    except OSError:
        pass
    cores = os.cpu_count()
    day = datetime.now(UTC).date()
    return f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}, {day}."


def versions(packages: Iterable[str]) -> str:
    """Return "name version" of each distribution, separated by commas."""
    shown = []
    for package in packages:
        try:
            shown.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            shown.append(f"{package} (source)")
    return ", ".join(shown)


def write(section: str, text: str, page: str = "benchmarks.md") -> None:
    """Replace the text between the two comments that mark `section` in docs/`page`."""
    path = DOCS / page
    whole = path.read_text(encoding="utf-8")
    begin, end = f"<!-- {section} -->\n", f"<!-- /{section} -->"
    before, rest = whole.split(begin)
    path.write_text(before + begin + text + end + rest.split(end)[1], encoding="utf-8")

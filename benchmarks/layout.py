"""Layout alone, which is all that ρ and a search need: megabytes of UTF-8 a second of CPU, script by script.

    python benchmarks/layout.py kjv.txt austen.txt            # prints the table
    python benchmarks/layout.py kjv.txt austen.txt --write    # and puts it into docs/benchmarks.md

Each text has a process of its own, which has set a page of other words before. Cold: no word of it was seen. Known: all
words were, as in the later texts of a corpus. Second θ: the same text once more at nine tenths of the size. The files
named are English; without any it is the novel that is here, which is short, so that more of its words are new. The best
of the rounds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import report
import texts

from glyphrender import Theta, layout
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.typeset.layout import text_runs

# Of a Declaration, 11,000 characters and few words, so much is set: again and again.
_DECLARED = 600_000
CASES: dict[str, tuple[Callable[[], str], Theta]] = {
    "the standard library, Python": (texts.library, Theta.preset("code")),
    "Chinese, a Declaration": (lambda: texts.again("zho", _DECLARED), Theta.preset("glyph-zh")),
    "Arabic, a Declaration": (lambda: texts.again("arb", _DECLARED), Theta(font="Noto Naskh Arabic")),
    "Hindi, a Declaration": (lambda: texts.again("hin", _DECLARED), Theta(font="Noto Sans Devanagari")),
}


def case(name: str) -> tuple[str, Theta]:
    """The text of that name, or in that file, and what it is set by."""
    if name in CASES:
        source, theta = CASES[name]
        return source(), theta
    return (Path(name).read_text(encoding="utf-8") if name else texts.novel()), Theta()


def seconds(text: str, theta: Theta, rounds: int) -> dict[str, float]:
    """Seconds of CPU to set `text` cold, with its words known, and under a second θ."""
    other = theta.replace(font_size=theta.font_size * 0.9)
    best: dict[str, float] = {}

    def timed(name: str, pages: Iterator[object]) -> None:
        start = time.process_time()
        for _ in pages:
            pass
        best[name] = min(time.process_time() - start, best.get(name, float("inf")))

    for _ in layout("wholly unrelated matter 1234567890 " * 300, theta):
        pass
    for _ in range(rounds):
        default_typesetter().clear()
        timed("cold", layout(text, theta))
        timed("second", layout(text, other))
        # In two parts, which the memory of whole texts does not know.
        timed("known", layout(iter([text[:1000], text[1000:]]), theta))
    assert sum(len(each.run.text) for each in text_runs(text, theta)) == len(text)
    return best


def main() -> None:
    """Measure every text in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only is not None:
        text, theta = case(arguments.only)
        size = len(text.encode("utf-8", "surrogatepass")) / 1e6
        print(json.dumps({"MB": size} | seconds(text, theta, arguments.rounds)))
        return
    rows = []
    for name in [*(arguments.book or [""]), *CASES]:
        command = [sys.executable, __file__, "--rounds", str(arguments.rounds), "--only", name]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        speeds = [f"{found['MB'] / found[state]:.1f}" for state in ("cold", "known", "second")]
        ratios = [found["cold"] / found["known"], found["cold"] / found["second"]]
        shown = name if name in CASES else f"English, {Path(name).stem}" if name else "English, the novel"
        rows.append([shown, f"{found['MB']:.1f}", *speeds, *(f"{ratio:.2f}" for ratio in ratios)])
    head = ["", "MB", "cold, MB/s", "words known", "second θ", "cold ÷ known", "cold ÷ second θ"]
    packages = ("uharfbuzz", "numpy")
    body = f"{report.machine()} {report.versions(packages)}.\n\n{report.table(head, rows)}"
    print(body)
    if arguments.write:
        report.write("layout", body)


if __name__ == "__main__":
    main()

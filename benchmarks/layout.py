"""Layout alone, which is all that ρ and a search need: megabytes of UTF-8 a CPU second, script by script.

    python benchmarks/layout.py kjv.txt austen.txt            # print the table
    python benchmarks/layout.py kjv.txt austen.txt --write    # and put it into docs/benchmarks.md

The files named are English. Without any, it takes the novel in texts/, which is short, so a larger part of its words is
new. Each text has its own process, which has laid out a page of other words before. The columns are: "cold", no word of
the text was seen before; "words known", all were seen, as in the later texts of a corpus; "second θ", the same text
again at nine tenths of the size. Each figure is the best of the rounds.
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
from glyphrender.typeset.layout import analysed

# A Declaration has 11,000 characters and few words, so it is repeated up to this many characters.
_DECLARED = 600_000
CASES: dict[str, tuple[Callable[[], str], Theta]] = {
    "the standard library, Python": (texts.library, Theta.preset("code")),
    "Chinese, a Declaration": (lambda: texts.again("zho", _DECLARED), Theta.preset("glyph-zh")),
    "Arabic, a Declaration": (lambda: texts.again("arb", _DECLARED), Theta(font="Noto Naskh Arabic")),
    "Hindi, a Declaration": (lambda: texts.again("hin", _DECLARED), Theta(font="Noto Sans Devanagari")),
}


def case(name: str) -> tuple[str, Theta]:
    """Return the text of that name or file, and the θ for it."""
    if name in CASES:
        source, theta = CASES[name]
        return source(), theta
    return (Path(name).read_text(encoding="utf-8") if name else texts.novel()), Theta()


def seconds(text: str, theta: Theta, rounds: int) -> dict[str, float]:
    """Return the CPU seconds of laying out `text` cold, with its words known, and under a second θ."""
    other = theta.replace(font_size=theta.font_size * 0.9)
    best: dict[str, float] = {}

    def timed(name: str, pages: Iterator[object]) -> None:
        start = time.process_time()
        for _ in pages:
            pass
        best[name] = min(time.process_time() - start, best.get(name, float("inf")))

    for _ in layout("wholly unrelated matter 1234567890 " * 300, theta):
        pass
    shaper = default_typesetter().shaper
    for _ in range(rounds):
        default_typesetter().clear()
        timed("cold", layout(text, theta))
        timed("second", layout(text, other))
        # The text comes in two parts, so that the cache of analyzed texts does not know it.
        timed("known", layout(iter([text[:1000], text[1000:]]), theta))
    assert sum(len(each.text) for each in analysed(text, theta, shaper.style(theta), shaper)) == len(text)
    return best


def main() -> None:
    """Measure every text in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", nargs="*", help="files of English text (default: the novel)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each case (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
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

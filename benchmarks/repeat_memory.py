"""Memory of a process that lays out the same texts again and again; it must not grow.

    python benchmarks/repeat_memory.py                    # this checkout
    python benchmarks/repeat_memory.py ../base .          # two, side by side

Ten texts under twenty θ are laid out 200 times, in a random order that the seed fixes; the resident memory of the
process is printed after every twenty. Then one text of 2,000 long links is laid out twenty times, to see whether
breaking lines writes to what is remembered. Each checkout runs in a process of its own and through public names alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
LANGUAGES = ("eng", "fra", "rus", "arb", "hin", "jpn", "tha")


def texts() -> list[str]:
    """Return ten texts of 50,000 characters: English, code, Chinese, and Declarations in other scripts."""
    folder = HERE / "benchmarks/texts"
    found = [
        (folder / "pride-and-prejudice.txt").read_text(encoding="utf-8")[:50_000],
        (folder / "udhr-chinese.txt").read_text(encoding="utf-8"),
        Path(argparse.__file__).read_text(encoding="utf-8")[:50_000],
    ]
    for language in LANGUAGES:
        found.append((HERE / f"tests/data/udhr-{language}.txt").read_text(encoding="utf-8"))
    return [(text * (1 + 50_000 // len(text)))[:50_000] for text in found]


def links(count: int = 2000) -> str:
    """Return links of some 320 characters; each has a stretch of 300 without a place to break, longer than a line."""
    rng = random.Random(0)
    return "\n".join(f"https://example.org/?q={rng.getrandbits(1200):x}" for _ in range(count))


def thetas(count: int = 20) -> list[Any]:
    """Return θ as the Glyph paper samples them, each with its own fonts, sizes, pages and alignment."""
    import numpy as np

    from glyphrender import Theta

    return [Theta.sample(np.random.default_rng(number)) for number in range(count)]


def resident() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def laid_out(layouts: int, every: int, seed: int, draw: bool) -> Iterator[tuple[str, int, float, float]]:
    """Yield (name, layouts done, seconds for the last ones, MB) after each group of layouts."""
    from glyphrender import Theta, layout

    def once(text: str, theta: Any) -> None:
        for page in layout(text, theta):
            if draw:
                page.png()

    rng, all_texts, all_thetas = random.Random(seed), texts(), thetas()
    start = time.process_time()
    for number in range(1, layouts + 1):
        once(rng.choice(all_texts), rng.choice(all_thetas))
        if number % every == 0:
            yield "texts", number, time.process_time() - start, resident()
            start = time.process_time()
    text, theta = links(), Theta()
    for number in range(1, 21):
        start = time.process_time()
        once(text, theta)
        if number < 4 or number % 4 == 0:
            yield "links", number, time.process_time() - start, resident()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", type=Path, nargs="*", default=[HERE])
    parser.add_argument("--layouts", type=int, default=200)
    parser.add_argument("--every", type=int, default=20, help="layouts between two rows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draw", action="store_true", help="draw the pages too")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        for row in laid_out(arguments.layouts, arguments.every, arguments.seed, arguments.draw):
            print(json.dumps(row), flush=True)
        return
    columns = []
    for checkout in arguments.checkouts:
        environment = {**os.environ, "PYTHONPATH": str(checkout.resolve() / "src")}
        command = [sys.executable, "-W", "ignore", __file__, "--here", "--layouts", str(arguments.layouts)]
        command += ["--every", str(arguments.every), "--seed", str(arguments.seed), *["--draw"] * arguments.draw]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        columns.append([json.loads(line) for line in done.stdout.splitlines()])
    print(f"{'layouts':16}" + "".join(f"{path.resolve().name:>24}" for path in arguments.checkouts))
    for rows in zip(*columns, strict=True):
        name, number = rows[0][:2]
        print(f"{name} {number:<10}" + "".join(f"{row[3]:12.1f} MB {row[2]:6.2f} s" for row in rows))


if __name__ == "__main__":
    main()

"""Metrics compared with the official scripts of their benchmarks, over generated predictions.

    git clone https://github.com/THUDM/LongBench scripts/LongBench   # and NVIDIA/RULER, thu-coai/Glyph
    pip install fuzzywuzzy rouge==1.0.1 jieba
    git clone https://github.com/Moenupa/VTCBench scripts/VTCBench   # and open-compass/VLMEvalKit,
    pip install rouge-score beautifulsoup4                           # snap-research/LoCoMo, mayubo2333/MMLongBench-Doc
    pip install --no-deps --target scripts/evalscope evalscope==1.14.1
    python benchmarks/metric_equality.py --scripts scripts             # 20,000 predictions a metric
    python benchmarks/metric_equality.py --scripts scripts --write     # and write the table into docs/

Each module of benchmarks/equality/ names metrics, the functions of the official scripts, and how predictions are drawn:
the right answer, changed as models change it, empty texts, lists, code fences, thoughts, other scripts, long texts. The
official function and ours get the same prediction. Values are compared for equality, without a tolerance.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import time
import warnings
from pathlib import Path
from random import Random

from equality.comparison import Comparison
from report import table, write

MODULES = ("longbench", "ruler", "mrcr", "vtcbench", "mmlongbench", "locomo")
HEAD = ("metric", "official script", "predictions", "distinct scores", "differences", "explained")


def compare(metric: Comparison, count: int, seed: int) -> tuple[int, int, int]:
    """Return the numbers of distinct official scores, of differences, and of differences that are explained."""
    rng = Random(f"{seed}/{metric.name}")
    scores, different, explained = set(), 0, 0
    for _ in range(count):
        case = metric.case(rng)
        official, ours = metric.official(*case), metric.ours(*case)
        scores.add(official)
        if official != ours:
            different += 1
            reason = metric.known(*case)
            explained += bool(reason)
            if not reason and different - explained <= 3:
                print(f"  {metric.name}: {official!r} ≠ {ours!r} for {str(case)[:400]}")
    return len(scores), different, explained


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--scripts", type=Path, required=True, help="folder with a clone of each official repository")
    options.add_argument("--count", type=int, default=20_000, help="predictions a metric")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default="", help="metrics whose names contain this")
    options.add_argument("--module", action="append", choices=MODULES, help="one of these benchmarks; all by default")
    options.add_argument("--write", action="store_true", help="write the table into docs/")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    wrong = 0
    for name in given.module or MODULES:
        module = importlib.import_module(f"equality.{name}")
        rows = []
        for metric in module.comparisons(given.scripts):
            if given.only not in metric.name:
                continue
            began = time.perf_counter()
            scores, different, explained = compare(metric, given.count, given.seed)
            wrong += different - explained
            row = (metric.name, shown(given.scripts, metric.source), f"{given.count:,}", scores, different, explained)
            rows.append(row)
            print(*row, f"{time.perf_counter() - began:.0f} s", sep=" | ", flush=True)
        if given.write:
            write(f"metric-equality-{name}", table(HEAD, rows), page=module.PAGE)
    raise SystemExit(wrong > 0)


def shown(scripts: Path, source: str) -> str:
    """Return the name of an official script with its commit, if the repository is a clone."""
    repository, _, file = source.partition("/")
    git = ["git", "-C", str(scripts / repository), "rev-parse", "--short=7", "HEAD"]
    found = subprocess.run(git, capture_output=True, text=True)
    top = subprocess.run([*git[:3], "rev-parse", "--show-toplevel"], capture_output=True, text=True).stdout.strip()
    own = found.returncode == 0 and top == str((scripts / repository).resolve())
    return f"`{repository}/{file}`" + (f" @{found.stdout.strip()}" if own else "")


if __name__ == "__main__":
    main()

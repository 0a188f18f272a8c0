"""Hostile parquet: bombs with the memory that they take, and mutated files that must neither stop nor hang a corpus.

    python benchmarks/hostile_parquet.py                    # the bombs and 100 mutated files: some minutes
    python benchmarks/hostile_parquet.py --mutated 1000

Each file is an input of `glyphrender corpus --max-bytes 1000` in a process of its own. The table has the size of the
file, the bytes it becomes, and the peak of memory beyond that of a harmless file.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import report

PROGRAM = """
import re, sys
from glyphrender.cli import command
try:
    command(["corpus", *sys.argv[1:]], prog_name="glyphrender")
except SystemExit as end:
    print("status", end.code)
print("peak", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def run(path: Path, out: Path, *more: str) -> tuple[int, int, str]:
    """Return exit status, peak of memory in MB, and what was said on stderr."""
    arguments = [str(path), *more, "-o", str(out), "--format", "webdataset", "--max-bytes", "1000"]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=300)
    status, peak = re.search(r"status (\d+)", done.stdout), re.search(r"peak (\d+)", done.stdout)
    if not status or not peak:
        return done.returncode, 0, done.stderr
    return int(status[1]), int(peak[1]) // 1024, done.stderr


def bombs(megabytes: int) -> Iterator[tuple[str, pa.Table, dict[str, Any]]]:
    """Yield name, table and options of writing; each table holds `megabytes` of text in a few kilobytes."""
    cell = pa.array(["before", "z" * (megabytes << 20), "after"])
    for compression in ("zstd", "snappy", "gzip", "brotli"):
        for dictionary in (True, False):
            name = f"one cell, {compression}{', dictionary' if dictionary else ''}"
            yield name, pa.table({"text": cell}), {"compression": compression, "use_dictionary": dictionary}
    for version in ("1.0", "2.0"):
        how = {"compression": "zstd", "use_dictionary": False, "data_page_version": version}
        yield f"one cell, pages of version {version}", pa.table({"text": cell}), how
    yield "one cell as an id", pa.table({"id": cell, "text": ["a", "b", "c"]}), {"compression": "zstd"}
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 3 * megabytes, pa.int32()), pa.array(["y" * (1 << 20)]))
    yield "one text of a dictionary, again and again", pa.table({"text": repeated}), {"compression": "zstd"}
    lists = pa.array([["w" * 1000] * (megabytes << 10)])
    yield "a list of texts", pa.table({"text": lists}), {"compression": "zstd"}
    theta = pa.array([{"fallback": ["w" * 1000] * (megabytes << 10)}])
    yield "a list in θ", pa.table({"text": ["a"], "theta": theta}), {"compression": "zstd", "use_dictionary": False}
    yield "rows of nothing", pa.table({"text": pa.nulls(megabytes << 20, pa.string())}), {"compression": "zstd"}


def mutated(folder: Path, count: int, seed: int) -> collections.Counter[str]:
    """Change bytes of small files, and run each; return how the runs ended."""
    rng = random.Random(seed)
    found: collections.Counter[str] = collections.Counter()
    (folder / "good.jsonl").write_text(json.dumps({"id": "good", "text": "good"}) + "\n")
    for number in range(count):
        path = folder / "mutated.parquet"
        texts = [rng.choice([None, f"text {n}", "x" * rng.randrange(300)]) for n in range(rng.choice([1, 20, 300]))]
        pq.write_table(
            pa.table({"id": list(range(len(texts))), "text": pa.array(texts, pa.string())}),
            path,
            compression=rng.choice(["none", "snappy", "zstd", "gzip"]),
            use_dictionary=rng.random() < 0.5,
            data_page_version=rng.choice(["1.0", "2.0"]),
            row_group_size=rng.choice([7, 1000]),
        )
        data = bytearray(path.read_bytes())
        for _ in range(rng.choice([1, 3, 10, 50])):
            data[rng.randrange(len(data))] = rng.choice([0, 255, rng.randrange(256)])
        path.write_bytes(data)
        out = folder / f"mutated-{number}"
        status, _, said = run(path, out, str(folder / "good.jsonl"))
        whole = (out / "manifest.json").exists() and status == 0
        found["the good file beside it is rendered" if whole else f"STATUS {status}"] += 1
        if not whole:
            (folder / f"bad-{number}.parquet").write_bytes(data)
            print(f"{number}: {said[-300:]}", file=sys.stderr)
    return found


def main() -> None:
    """Print the table of bombs, and how the runs over mutated files ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=400, help="text of a bomb")
    parser.add_argument("--mutated", type=int, default=100, help="number of mutated files")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pq.write_table(pa.table({"text": ["a"]}), folder / "plain.parquet")
        _, usual, _ = run(folder / "plain.parquet", folder / "plain")
        rows = []
        for number, (what, table, how) in enumerate(bombs(arguments.megabytes)):
            path = folder / "bomb.parquet"
            pq.write_table(table, path, row_group_size=1 << 30, **how)
            content = table.nbytes if "again" not in what else 3 * arguments.megabytes << 20
            status, peak, _ = run(path, folder / f"bomb-{number}")
            out = folder / f"bomb-{number}/manifest.json"
            items = json.loads(out.read_text())["items"] if out.exists() else "refused"
            rows.append(
                [what, f"{path.stat().st_size:,}", f"{content:,}", f"{peak - usual:,}", str(items), str(status)]
            )
        print(report.table(["bomb", "bytes", "bytes of content", "MB more", "items", "status"], rows))
        for outcome, count in mutated(folder, arguments.mutated, arguments.seed).items():
            print(f"{count:6,} {outcome}")


if __name__ == "__main__":
    main()

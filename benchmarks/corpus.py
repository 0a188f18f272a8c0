"""Corpora: items and pages a second, peak memory, and a run that is killed again and again.

    python benchmarks/corpus.py            # one process, two, Ray, and a plain loop; then memory: some minutes
    python benchmarks/corpus.py --write    # and put the tables into docs/corpora.md
    python benchmarks/corpus.py --kill     # 2,000 items, ten kills: the output must equal that of an undisturbed run

The plain loop is what a user would write without `glyphrender corpus`: read JSON lines, render, write the same columns
with pyarrow. Memory is the peak of all processes together (proportional set size).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import report
import texts

COMMAND = [sys.executable, "-m", "glyphrender", "corpus"]
# A page holds 9,700 characters of prose, so three of five items have one page, and the longest four.
LENGTHS = (2_000, 5_000, 9_000, 14_000, 30_000)


def items(count: int) -> Iterator[dict[str, str]]:
    """Yield passages of the novel, with lengths that follow LENGTHS."""
    novel = texts.novel()
    for number in range(count):
        length = LENGTHS[number % len(LENGTHS)]
        start = number * 7919 % (len(novel) - length)
        yield {"id": f"item-{number}", "text": novel[start : start + length]}


def write_items(path: Path, entries: Iterator[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in entries)


def plain_loop(source: Path, target: Path) -> None:
    """Render JSON lines to one parquet file in one process; failures and resuming are not handled."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from glyphrender import render

    rows: list[dict[str, object]] = []
    writer = None
    with source.open(encoding="utf-8") as lines:
        for line in lines:
            values = json.loads(line)
            pages = list(render(values["text"]))
            images = [{"bytes": page.png(), "path": None} for page in pages]
            spans = [list(page.span) for page in pages]
            rows.append({"id": values["id"], "text": values["text"], "images": images, "spans": spans})
            if len(rows) == 200:
                table = pa.Table.from_pylist(rows)
                writer = writer or pq.ParquetWriter(target, table.schema)
                writer.write_table(table)
                rows = []
    if rows:
        table = pa.Table.from_pylist(rows)
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def measured(command: list[str]) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds of all processes, and their peak MB together (proportional set size)."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak, seconds = 0.0, {}
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.05):
            now = 0
            for each in _family(process.pid):
                try:
                    now += each.memory_full_info().pss
                    seconds[each.pid] = sum(each.cpu_times()[:2])
                except psutil.Error:
                    continue
            peak = max(peak, now / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, errors = process.communicate()
    wall = time.perf_counter() - start
    over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(errors.decode())
    return wall, sum(seconds.values()), peak


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def speed(folder: Path, count: int) -> str:
    """Return the table of speeds for `count` items. Every way must write the same files."""
    source = folder / "items.jsonl"
    write_items(source, items(count))
    base = [*COMMAND, str(source), "--shard-items", str(max(1, count // 20)), "--json", "-o"]
    loop = [sys.executable, __file__, "--loop", str(source), str(folder / "loop.parquet")]
    runs: dict[str, list[str]] = {
        "a plain loop": loop,
        "`--jobs 1`": [*base, str(folder / "one")],
        "`--jobs 2`": [*base, str(folder / "two"), "--jobs", "2"],
        "`--ray local --jobs 2`": [*base, str(folder / "ray"), "--ray", "local", "--jobs", "2"],
    }
    found = {name: measured(command) for name, command in runs.items()}
    pages = json.loads((folder / "one/manifest.json").read_text())["pages"]
    assert digest(folder / "one") == digest(folder / "two") == digest(folder / "ray")
    rows = [
        [name, f"{wall:.1f}", f"{cpu:.1f}", f"{count / wall:.0f}", f"{pages / wall:.0f}", f"{peak:.0f}"]
        for name, (wall, cpu, peak) in found.items()
    ]
    head = [f"{count:,} items, {pages:,} pages → parquet", "s", "CPU s", "items/s", "pages/s", "peak MB, all processes"]
    return report.table(head, rows)


def memory(folder: Path) -> str:
    """Return the table of peak memory for a small and a large corpus."""
    rows = []
    for megabytes in (20, 200):
        source = folder / f"{megabytes}.jsonl"
        # Each item is short, so that drawing does not dominate.
        piece = "word " * 2_000
        write_items(source, ({"id": str(n), "text": f"{n} {piece}"} for n in range(megabytes * 100)))
        options = ["--shard-items", "100", "--jobs", "2", "-o", str(folder / f"out{megabytes}")]
        _, _, peak = measured([*COMMAND, str(source), *options])
        rows.append([f"{megabytes} MB of JSONL", f"{peak:.0f}"])
    return report.table(["`--jobs 2`", "peak MB, all processes"], rows)


def digest(folder: Path) -> str:
    """Return a digest of every path below `folder` and its bytes."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path.relative_to(folder)}\0".encode())
        if path.is_file():
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def killed(command: list[str], moments: Callable[[], float], kills: int) -> int:
    """Run `command` with --resume until it ends, and kill its process group `kills` times; return the kills done."""
    done = 0
    while True:
        process = subprocess.Popen(
            [*command, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            _, errors = process.communicate(timeout=moments() if done < kills else None)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            done += 1
            continue
        if process.returncode:
            raise SystemExit(errors.decode())
        return done


def kill_run(folder: Path, form: str, count: int = 2000, kills: int = 10) -> str:
    """Check that a run that is killed ends with the same bytes as an undisturbed one; return a line that says so."""
    source = folder / f"{form}.jsonl"
    write_items(source, items(count))
    base = [*COMMAND, str(source), "--format", form, "--shard-items", "10", "--jobs", "2", "-o"]
    start = time.perf_counter()
    subprocess.run([*base, str(folder / f"{form}-whole")], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    rng = random.Random(7)
    # Intervals from before the first shard to a fifth of the run, so that all kills fall inside it.
    done = killed([*base, str(folder / f"{form}-killed")], lambda: rng.uniform(0.1, 0.2 * seconds), kills)
    same = digest(folder / f"{form}-whole") == digest(folder / f"{form}-killed")
    assert same, f"{form}: the run that was killed wrote other files"
    return f"{form}: {count:,} items, {done} kills in a run of {seconds:.1f} s undisturbed: every byte the same"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1000, help="number of items for the measurement of speed")
    parser.add_argument("--kill", action="store_true", help="only test runs that are killed")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/corpora.md")
    parser.add_argument("--loop", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.loop:
        plain_loop(*arguments.loop)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.kill:
            for form in ("parquet", "webdataset", "png"):
                print(kill_run(folder, form), flush=True)
            return
        text = f"{report.machine()}\n\n{speed(folder, arguments.items)}\n{memory(folder)}"
        print(text)
        if arguments.write:
            report.write("corpus", text, "corpora.md")


if __name__ == "__main__":
    main()

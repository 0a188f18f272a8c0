"""Corpora that are killed: the bytes after any number of kills are those of a run left alone, and nothing works on.

    python benchmarks/kills_corpus.py                 # 100 kills for each format: some 15 minutes
    python benchmarks/kills_corpus.py --kills 10      # fewer
    python benchmarks/kills_corpus.py --memory        # runs under rising limits of memory, each resumed without one

A run of two processes over JSONL, gzip and parquet gets SIGKILL, SIGTERM, SIGINT or SIGHUP: the process alone or its
whole group, after a random time or at one of the moments below. It is resumed and killed again until it ends, and then
compared byte by byte with the reference. After SIGKILL of the parent alone, no worker may live for a second or write.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import texts

# What must not happen.
_BAD = ("STATUS", "SAID", "WORKED", "WROTE", "RUNS", "DIFFER")
FORMATS = ("parquet", "webdataset", "png")
SMALL = ["--set", "page_size=200,120", "--set", "margin_x=4", "--set", "margin_y=4"]
SIGNALS = [signal.SIGKILL] * 4 + [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 129, signal.SIGKILL: -9}


def write_inputs(folder: Path, rng: random.Random) -> list[str]:
    """Write JSONL, the same as gzip, and parquet; ids repeat, are hostile or missing, and some lines are broken."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    novel = texts.novel()
    lines = []
    for number in range(160):
        start = rng.randrange(600_000)
        name = rng.choice([f"id{number}", f"ID{number % 7}", "../../x", "con", f"文{number}", number, None])
        lines.append(json.dumps({"id": name, "text": novel[start : start + rng.choice([50, 400, 3000])]}))
        if number % 50 == 7:
            lines += ["not json", ""]
    data = "".join(f"{line}\n" for line in lines).encode()
    (folder / "in.jsonl").write_bytes(data)
    (folder / "in.jsonl.gz").write_bytes(gzip.compress(data)[:-20])  # it ends early, too
    passages = [novel[at : at + 500] for at in range(0, 40_000, 500)]
    pq.write_table(pa.table({"text": passages}), folder / "in.parquet", row_group_size=30)
    return [str(folder / name) for name in ("in.jsonl", "in.jsonl.gz", "in.parquet")]


def tree(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def moments(out: Path) -> dict[str, Callable[[], bool]]:
    """Return conditions of the output folder that a run passes through."""
    work, data = out / ".run", out / "data"

    def files(folder: Path, pattern: str) -> int:
        return len(list(folder.glob(pattern)))

    before = files(work, "train-*.json") if work.exists() else 0
    return {
        "the run has begun": lambda: (work / "run.json").exists(),
        "a shard is being written": lambda: files(work, "*.part") > 0,
        "one more receipt": lambda: files(work, "train-*.json") > before,
        "a file without its receipt": lambda: files(data, "train-*") > files(work, "train-*.json"),
        "failed.jsonl is being written": lambda: (work / "failed.jsonl").exists(),
        "failed.jsonl is there, the manifest is not": lambda: (out / "failed.jsonl").exists(),
        "the manifest is there": lambda: (out / "manifest.json").exists(),
    }


def killed(command: list[str], out: Path, usual: float, rng: random.Random, tally: collections.Counter[str]) -> bool:
    """Run the command, and kill it at some moment. Return whether the run ended by itself."""
    number, group = rng.choice(SIGNALS), rng.random() < 0.5
    errors = out.with_suffix(".stderr")
    with errors.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True)
    name, wanted = rng.choice(list(moments(out).items()))
    end = time.monotonic() + 60
    if rng.random() < 0.5:
        name, end, wanted = "a random time", time.monotonic() + rng.uniform(0.3, usual), lambda: False
    while process.poll() is None and time.monotonic() < end and not wanted():
        time.sleep(0.001)
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    alone = process.poll() is not None
    if not alone:
        try:
            (os.killpg if group else os.kill)(process.pid, number)
        except ProcessLookupError:
            alone = True
        at = time.time()
        tally[f"{number.name} {'group' if group else 'parent alone'}"] += 1
        tally[f"at: {name}"] += 1
    status = process.wait(60)
    # Before it has workers, Python itself may still be starting, and has no handlers.
    if children and not alone and status not in (0, STATUS[number]):
        tally[f"STATUS {status} after {number.name}"] += 1
    said = errors.read_text(errors="replace")
    if any(words in said for words in ("Traceback", "a bug", "Exception ignored")):
        tally["SAID TOO MUCH"] += 1
        print(said[-500:], file=sys.stderr)
    if not alone and children:
        end = time.monotonic() + (1 if number == signal.SIGKILL else 15)
        while (left := list(filter(_runs, children))) and time.monotonic() < end:
            time.sleep(0.01)
        tally["WORKED ON"] += bool(left)
        if number == signal.SIGKILL and out.exists():
            late = [path for path in out.rglob("*") if path.is_file() and path.stat().st_mtime > at + 0.3]
            tally["WROTE AFTER THE KILL"] += bool(late)
    return status == 0


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def campaign(folder: Path, kills: int, seed: int, tally: collections.Counter[str]) -> None:
    """Kill runs of each format `kills` times, and count what happens."""
    rng = random.Random(seed)
    inputs = write_inputs(folder, rng)
    for form in FORMATS:
        options = ["--format", form, "--shard-items", "8", "--jobs", "2", *SMALL, "--resume"]
        command = [sys.executable, "-m", "glyphrender", "corpus", *inputs, *options, "-o"]
        whole, out = folder / f"{form}-whole", folder / f"{form}-killed"
        start = time.monotonic()
        subprocess.run([*command, str(whole)], check=True, capture_output=True)
        usual = time.monotonic() - start
        expected = tree(whole)
        done = 0
        while done < kills:
            shutil.rmtree(out, ignore_errors=True)
            for _ in range(40):
                if killed([*command, str(out)], out, usual, rng, tally):
                    break
                done += 1
            else:  # let the last of many go
                subprocess.run([*command, str(out)], check=True, capture_output=True)
            equal = tree(out) == expected
            tally["runs equal to the one left alone" if equal else "RUNS THAT DIFFER"] += 1
        print(f"{form}: {done} kills, a run takes {usual:.1f} s", flush=True)


def limited(megabytes: int, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the command with so much address space."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, env=environment)


def low_memory(folder: Path, tally: collections.Counter[str]) -> None:
    """Run under rising limits of memory; resume without one; compare."""
    source = folder / "low.jsonl"
    source.write_text(
        "".join(json.dumps({"id": str(n), "text": f"{n} مرحبا 東京 text " * 20}) + "\n" for n in range(12))
    )
    big = ["--set", "page_size=4000,4000", "--set", "auto_crop_width=false", "--set", "auto_crop_last_page=false"]
    for form in FORMATS:
        command = [sys.executable, "-m", "glyphrender", "corpus", str(source), "--format", form, "--shard-items", "2"]
        command += [*big, "--jobs", "2", "--resume", "-o"]
        subprocess.run([*command, str(folder / f"{form}-low")], check=True, capture_output=True)
        expected = tree(folder / f"{form}-low")
        out = folder / f"{form}-limited"
        for megabytes in range(100, 900, 25):
            shutil.rmtree(out, ignore_errors=True)
            done = limited(megabytes, [*command, str(out)])
            if done.returncode == 0:
                tally["ended under the limit"] += 1
            else:
                tally[f"ended with status {done.returncode}, to be resumed"] += 1
                if (out / "manifest.json").exists():
                    tally["SAID TO BE COMPLETE"] += 1
                    print(form, megabytes, done.stderr[-300:], file=sys.stderr)
                if len(done.stderr.splitlines()) != 1:
                    tally["more than one line of error"] += 1
                subprocess.run([*command, str(out)], check=True, capture_output=True)
            equal = tree(out) == expected
            tally["equal to the run without a limit" if equal else "DIFFER"] += 1
            if not equal:
                print(form, megabytes, done.returncode, done.stderr[-300:], file=sys.stderr)


def main() -> None:
    """Run the campaign that the arguments ask for; the exit status is 1 if anything in capitals was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="kills for each format")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--memory", action="store_true", help="limits of memory instead of signals")
    arguments = parser.parse_args()
    tally: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            if arguments.memory:
                low_memory(Path(folder), tally)
            else:
                campaign(Path(folder), arguments.kills, arguments.seed, tally)
        finally:  # an interrupt shows what was found so far
            for name, count in sorted(tally.items()):
                print(f"{count:6,} {name}")
    sys.exit(1 if any(count for name, count in tally.items() if name.startswith(_BAD)) else 0)


if __name__ == "__main__":
    main()

"""Kill commands with SIGKILL at chosen and at random moments, and look at what they leave.

    python benchmarks/kills.py                              # 40 kills of each victim, some minutes
    python benchmarks/kills.py --kills 300 --victim render --victim compat
    python benchmarks/kills.py --every --victim render      # a kill at every step, once

After each kill, the output must be the whole old or the whole new one, or absent if there was none. Then the same
command runs again and must succeed. After that, the output is the new one, nothing hidden is left beside it, and no
process of the killed command runs. The exit status is 1 if anything else was found.

Half of the kills are forced. The command runs in a forked process that counts its steps: audit events with a path in
the victim's folder (open, mkdir, rename, remove, …), calls of write, flush, fsync and truncate, and the look-up of the
system call that exchanges folders. At a chosen step the process kills itself, or its group with all workers. So every
moment between two changes on disk can be hit, without a hook in the product. The other half are random: another process
sends SIGKILL to the command, or to its group, after a random time.

A victim is a subclass of `Victim` in `VICTIMS`: where it writes, the command, and what it may leave. A victim that
resumes (a search, a corpus) is killed again and again until it ends by itself; see `Search`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glyphrender.search.evaluation import Evaluation
from glyphrender.theta import Theta

BOOK = Path(__file__).parent / "texts/pride-and-prejudice.txt"
# C functions that change what is on the disk, and that no audit event tells of.
CALLS = frozenset({"write", "flush", "fsync", "truncate", "ftruncate"})
# Seconds after which processes of a killed command must be gone.
GONE = 10.0

# Steps at the end of a run that are hit more often.
_LAST = 60

Tree = dict[str, bytes]


def tree(folder: Path) -> Tree:
    """Return the files below `folder` and their bytes; a folder is b"" with a slash in its name."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder] if folder.is_file() else []:
        found[str(path.relative_to(folder)) + "/" * path.is_dir()] = b"" if path.is_dir() else path.read_bytes()
    return found


class Steps:
    """Counts the steps of this process in a folder, and kills it at a chosen one.

    Args:
        folder: events with a path in it count.
        at: the step at which the process is killed; 0 never.
        group: kill the process group, not this process alone.
        told: a file that gets the number of steps so far, if `at` is 0.
    """

    def __init__(self, folder: Path, *, at: int, group: bool, told: Path) -> None:
        self.folder, self.at, self.group, self.told = os.fspath(folder), at, group, told
        self.count, self.owner = 0, os.getpid()
        self.quiet = False
        sys.addaudithook(self.audited)
        sys.setprofile(self.profiled)

    def audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.quiet or os.getpid() != self.owner:
            return
        if any(isinstance(each, str | bytes) and os.fsdecode(each).startswith(self.folder) for each in arguments) or (
            event == "ctypes.dlsym" and self.count
        ):
            self.step()

    def profiled(self, frame: object, event: str, called: Any) -> None:
        if event == "c_call" and self.count and getattr(called, "__name__", "") in CALLS:
            self.step()

    def step(self) -> None:
        if os.getpid() != self.owner:
            return
        self.count += 1
        if self.count == self.at:
            os.killpg(0, signal.SIGKILL) if self.group else os.kill(os.getpid(), signal.SIGKILL)

    def tell(self) -> None:
        self.quiet = True
        sys.setprofile(None)
        self.told.write_text(str(self.count))


class Victim:
    """A command that is killed.

    Attributes:
        home: the folder of this victim; everything that it writes lies there.
        target: the output.
        fresh: whether there is no old output.
    """

    name = ""
    jobs = 1
    fresh = False

    def __init__(self, home: Path) -> None:
        self.home = home / self.name
        self.home.mkdir()
        self.target = self.home / "out"
        text = BOOK.read_text(encoding="utf-8")
        (home / "old.txt").write_text(text[:20_000], encoding="utf-8")
        (home / "new.txt").write_text(text[100_000:220_000], encoding="utf-8")
        self.inputs = {"old": home / "old.txt", "new": home / "new.txt"}
        self.whole: dict[str, Tree] = {"absent": {}}

    def work(self, which: str) -> None:
        """Run the command in this process, with the old or the new input."""
        raise NotImplementedError

    def reference(self) -> None:
        """Learn what the whole old and the whole new output are."""
        for which in ("old", "new"):
            self.run(which)
            self.whole[which] = tree(self.target)
            self.remove()

    def remove(self) -> None:
        for path in self.home.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def prepare(self) -> None:
        """Make what is there before the kill."""
        self.remove()
        if not self.fresh:
            self.run("old")

    def state(self) -> str:
        """Return which whole output is there; "MIXED" if it is none."""
        found = tree(self.target)
        return next((name for name, whole in self.whole.items() if found == whole), "MIXED")

    def right_after_kill(self) -> str:
        """Return the state, and a fault after a space, if there is one."""
        state = self.state()
        wrong = state == "MIXED" or (state == "absent" and not self.fresh)
        return f"{state} FAULT" if wrong else state

    def after_next_run(self) -> list[str]:
        """Return the faults after the command has run again."""
        beside = [path.name for path in self.home.iterdir() if path != self.target]
        faults = [f"left behind: {name}" for name in beside]
        return faults if self.state() == "new" else [*faults, f"{self.state()} after the next run"]

    def run(
        self, which: str, *, at: int = 0, group: bool = False, count: bool = False, after: float | None = None
    ) -> int:
        """Run the command in a forked process; return its exit status, or minus the signal that killed it.

        Args:
            which: "old" or "new".
            at: kill at this step; 0 not at all.
            group: kill its workers too.
            count: write the number of steps to `told`.
            after: seconds after which the process is killed from outside.
        """
        child = os.fork()
        if not child:
            status = 1
            try:
                os.setsid()
                null = os.open(os.devnull, os.O_RDWR)
                os.dup2(null, 1)
                if not os.environ.get("KILLS_SHOW"):
                    os.dup2(null, 2)
                steps = Steps(self.home, at=at, group=group, told=self.told) if at or count else None
                try:
                    self.work(which)
                    status = 0
                except SystemExit as left:
                    status = int(left.code or 0)
                if steps is not None and count:
                    steps.tell()
            finally:
                os._exit(status)
        if after is not None:
            time.sleep(after)
            try:
                (os.killpg if group else os.kill)(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _, result = os.waitpid(child, 0)
        if not gone(child):
            return -1000
        return os.waitstatus_to_exitcode(result)

    @property
    def told(self) -> Path:
        return self.home.parent / "steps"

    def steps(self) -> int:
        """Return the number of steps of one undisturbed run."""
        self.prepare()
        self.run("new", count=True)
        return int(self.told.read_text())

    def seconds(self) -> float:
        """Return how long an undisturbed run takes."""
        self.prepare()
        start = time.monotonic()
        self.run("new")
        return time.monotonic() - start

    def kills(self, moments: Iterator[tuple[int, float | None, bool]]) -> Iterator[tuple[str, bool]]:
        """Kill at each of `moments`, (step, seconds, group); yield (what was found, whether the kill was forced)."""
        for at, after, group in moments:
            self.prepare()
            status = self.run("new", at=at, after=after, group=group)
            found = self.right_after_kill()
            if status != -signal.SIGKILL:
                found = f"not killed, {found}" if status == 0 else f"status {status} FAULT"
            again = self.run("new")
            faults = self.after_next_run() if again == 0 else [f"the next run has status {again}"]
            yield found + "".join(f"; {fault} FAULT" for fault in faults), bool(at)


def command_line(*arguments: str | Path) -> None:
    """Run the command line in this process, as the console script does."""
    from glyphrender.cli import main

    sys.argv = ["glyphrender", *map(str, arguments)]
    main()


def gone(group: int) -> bool:
    """Wait until no process of a group runs; return whether this came to pass."""
    end = time.monotonic() + GONE
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.005)
    return False


class Render(Victim):
    """`glyphrender render` over an earlier document."""

    name = "render"

    def work(self, which: str) -> None:
        command_line("render", self.inputs[which], "-o", self.target, "--jobs", str(self.jobs))


class RenderFresh(Render):
    """`glyphrender render` into a new folder."""

    name = "render fresh"
    fresh = True


class RenderJobs(Render):
    """`glyphrender render --jobs 2` over an earlier document."""

    name = "render jobs 2"
    jobs = 2


class RenderJobsFresh(RenderJobs):
    """`glyphrender render --jobs 2` into a new folder."""

    name = "render jobs 2 fresh"
    fresh = True


class Pdf(Render):
    """`glyphrender render` over an earlier PDF."""

    name = "pdf"

    def work(self, which: str) -> None:
        command_line("render", self.inputs[which], "-o", self.target, "--format", "pdf")


class Show(Render):
    """`glyphrender show` over an earlier sheet."""

    name = "show"

    def work(self, which: str) -> None:
        command_line("show", self.inputs[which], "-o", self.target, "--pages", "1-3")


class Compat(Victim):
    """`compat.text_to_images` over the pages of another text under the same id."""

    name = "compat"

    def work(self, which: str) -> None:
        from glyphrender.compat import text_to_images

        text = self.inputs[which].read_text(encoding="utf-8")
        text_to_images(text, self.target, config_dict={"font-path": "DejaVu Sans"}, unique_id="a")

    def state(self) -> str:
        # Hidden folders of the id lie in the output folder.
        found = {name: data for name, data in tree(self.target).items() if not name.startswith(".")}
        return next((name for name, whole in self.whole.items() if found in (whole, whole | {"a/": b""})), "MIXED")

    def after_next_run(self) -> list[str]:
        hidden = [path.name for path in self.target.iterdir() if path.name != "a"]
        return [*super().after_next_run(), *(f"left behind: {name}" for name in hidden)]


class CompatFresh(Compat):
    """`compat.text_to_images` under a new id."""

    name = "compat fresh"
    fresh = True

    def state(self) -> str:
        state = super().state()
        return "absent" if state == "MIXED" and not (self.target / "a").exists() else state


def judge(theta: Theta, *, samples: int, seed: int) -> Evaluation:
    """Return an error that is arithmetic: it falls with size and sample."""
    error = 0.001 * 2.2 ** (
        max(0.0, 9.5 - theta.font_size) + random.Random(f"{theta.digest}/{samples}/{seed}").random()
    )
    return Evaluation(error=min(1.0, error), low=error * 0.8, high=min(1.0, error * 1.2), samples=samples)


class Search(Victim):
    """`glyphrender search --resume`, killed and resumed until it ends with the journal of an undisturbed run."""

    name = "search"

    def work(self, which: str) -> None:
        sys.path.insert(0, str(Path(__file__).parent))
        options = [
            "--evaluator",
            "kills:judge",
            "--rounds",
            "2",
            "--steps",
            "30",
            "--seed",
            "3",
            "--jobs",
            str(self.jobs),
        ]
        command_line("search", self.inputs["old"], "-o", self.target, "--vision", "qwen3-vl", "--resume", *options)

    def told_by_journal(self) -> list[dict[str, Any]]:
        path = self.target / "journal.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        found = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [{key: value for key, value in line.items() if key != "elapsed"} for line in found]

    def reference(self) -> None:
        self.run("new")
        self.journal = self.told_by_journal()
        self.theta = (self.target / "theta.json").read_bytes()
        self.files = {path.name for path in self.target.iterdir()}
        self.remove()

    def prepare(self) -> None:
        pass

    def right_after_kill(self) -> str:
        lines = self.told_by_journal()
        if lines != self.journal[: len(lines)]:
            return "another journal FAULT"
        if (self.target / "theta.json").exists() and (self.target / "theta.json").read_bytes() != self.theta:
            return "another θ FAULT"
        return "a beginning" if lines != self.journal else "a whole journal"

    def after_next_run(self) -> list[str]:
        files = {path.name for path in self.target.iterdir()}
        whole = self.told_by_journal() == self.journal and (self.target / "theta.json").read_bytes() == self.theta
        return [f"left behind: {name}" for name in files ^ self.files] + ([] if whole else ["another result"])

    def kills(self, moments: Iterator[tuple[int, float | None, bool]]) -> Iterator[tuple[str, bool]]:
        self.remove()
        for at, after, group in moments:
            status = self.run("new", at=at, after=after, group=group)
            found = self.right_after_kill()
            if status == 0:
                faults = self.after_next_run()
                found = f"not killed, {found}" + "".join(f"; {fault} FAULT" for fault in faults)
                self.remove()
            elif status != -signal.SIGKILL:
                found = f"status {status} FAULT"
            yield found, bool(at)
        self.run("new")
        faults = self.after_next_run()
        if faults:
            yield "".join(f"; {fault} FAULT" for fault in faults), False


class SearchJobs(Search):
    """The same search with two processes."""

    name = "search jobs 2"
    jobs = 2


VICTIMS: dict[str, type[Victim]] = {
    victim.name: victim
    for victim in (
        *(Render, RenderFresh, RenderJobs, RenderJobsFresh, Pdf, Show),
        *(Compat, CompatFresh),
        *(Search, SearchJobs),
    )
}


def moments(victim: Victim, kills: int, every: bool, rng: random.Random) -> Iterator[tuple[int, float | None, bool]]:
    """Yield (step, None, group) or (0, seconds, group)."""
    steps, seconds = victim.steps(), victim.seconds()
    if every:
        yield from ((step, None, False) for step in range(1, steps + 1))
        return
    for number in range(kills):
        group = rng.random() < 0.5
        if number % 2:
            yield 0, rng.uniform(0, seconds), group
        else:
            # Most steps write pages; the last ones make the output known, so every other kill is one of these.
            yield rng.randint(1 if number % 4 else max(1, steps - _LAST), steps), None, group


def campaign(name: str, home: Path, kills: int, every: bool, rng: random.Random) -> tuple[Counter[str], list[str]]:
    """Return how often each state was found, and the faults."""
    victim = VICTIMS[name](home)
    victim.reference()
    found: Counter[str] = Counter()
    faults = []
    start = time.monotonic()
    for state, forced in victim.kills(moments(victim, kills, every, rng)):
        found[f"{'forced' if forced else 'random'}: {state.partition(';')[0]}"] += 1
        if "FAULT" in state:
            faults.append(state)
            print(f"  {name}: {state}", flush=True)
    killed = sum(count for state, count in found.items() if "not killed" not in state)
    print(f"{name}: {killed} kills, {time.monotonic() - start:.0f} s", flush=True)
    for state, count in sorted(found.items()):
        print(f"  {count:5} {state}", flush=True)
    return found, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=40, help="kills of each victim")
    parser.add_argument("--victim", action="append", choices=VICTIMS, help="by default all")
    parser.add_argument("--every", action="store_true", help="kill at every step once, and at no random moment")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warm_up()
    faults: list[str] = []
    killed = 0
    for name in options.victim or VICTIMS:
        with tempfile.TemporaryDirectory(prefix="kills-") as home:
            rng = random.Random(f"{options.seed}/{name}")
            found, wrong = campaign(name, Path(home), options.kills, options.every, rng)
            killed += sum(count for state, count in found.items() if "not killed" not in state)
            faults += wrong
    print(f"{killed} kills, {len(faults)} faults")
    sys.exit(1 if faults else 0)


def warm_up() -> None:
    """Load what the victims need, so that a forked process begins its work at once."""
    import glyphrender.cli.render
    import glyphrender.cli.search
    import glyphrender.cli.show
    import glyphrender.compat
    import glyphrender.document.saving
    import glyphrender.search.report  # noqa: F401
    from glyphrender.raster.canvas import rasteriser

    rasteriser()


if __name__ == "__main__":
    main()

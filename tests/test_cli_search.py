"""`glyphrender search`, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

NOVEL = Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt"


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "glyphrender", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=900)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli_search")
    (folder / "novel.txt").write_text(NOVEL.read_text(encoding="utf-8")[:30_000], encoding="utf-8")
    (folder / "judge.py").write_text("def judge(theta, *, samples, seed):\n    return 0.5 / theta.font_size**2\n")
    return folder


SETTINGS = ("--evaluator", "judge:judge", "--rounds", "2", "--steps", "20", "--vary", "font_size=6:11:0.5", "-j", "1")


def test_a_search_writes_its_journal_and_a_winner_that_render_takes(folder) -> None:
    done = run("search", "novel.txt", *SETTINGS, "-o", "found", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "round 2, step 40 of 40" in done.stderr
    assert "stopped by" in done.stdout
    assert "found/theta.json: step " in done.stdout
    assert (folder / "found/journal.jsonl").is_file()
    assert run("render", "novel.txt", "--theta", "found/theta.json", "-o", "pages", cwd=folder).returncode == 0
    # Once more: refused, and gone on with.
    again = run("search", "novel.txt", *SETTINGS, "-o", "found", cwd=folder)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    resumed = run("search", "novel.txt", *SETTINGS, "-o", "found", "--resume", "--json", "--at-rho", "2", cwd=folder)
    assert resumed.returncode == 0, resumed.stderr
    told = json.loads(resumed.stdout)
    assert told["winner"]["rho"] >= 2
    assert told["winner"]["theta"] == json.loads((folder / "found/theta.json").read_text())
    # The report is of what the journal says, whatever else would be the default.
    reported = run("search", "novel.txt", "-o", "found", "--report", cwd=folder)
    assert reported.returncode == 0, reported.stderr
    assert "judge:judge, seed 0." in (folder / "found/report.html").read_text(encoding="utf-8")
    other = run("search", "novel.txt", "-o", "found", "--report", "--baselines", "prose", cwd=folder)
    assert other.returncode == 2
    assert "was read by judge:judge, not reader:tesseract" in other.stderr


def test_a_search_whose_best_are_too_bad_says_so_last(folder) -> None:
    lucky = "def judge(theta, *, samples, seed):\n    return 0.05 if seed == 0 else 0.01 * theta.font_size + 0.2\n"
    (folder / "lucky.py").write_text(lucky)
    settings = ("--evaluator", "lucky:judge", *SETTINGS[2:])
    done = run("search", "novel.txt", *settings, "-o", "lucky", cwd=folder)
    assert done.returncode == 0, done.stderr
    *_, statement, winner, report = done.stdout.splitlines()
    assert statement.startswith("No candidate of the final sample is within max_error.")
    assert "lucky/theta.json" in winner
    assert float(winner.rpartition(" ")[2].rstrip("%")) > 20
    assert "lucky/report.html" in report
    again = run("search", "novel.txt", "-o", "lucky", "--report", "--json", cwd=folder)
    assert json.loads(again.stdout)["standing"] == "above max_error"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("novel.txt", "--report"), "cannot be read"),
        (("novel.txt", "--evaluator", "judge:__name__"), "is no function"),
        (("novel.txt", "--evaluator", "best"), "Use reader"),
        (("novel.txt", "--evaluator", "no_such:thing"), "cannot be loaded"),
        (("novel.txt", "--budget", "tokens=3"), "is no cap"),
        (("novel.txt", "--budget", "samples=x"), "is no cap"),
        (("novel.txt", "--vary", "font_size=9:6:1"), "no steps from low to high"),
        (("novel.txt", "--space", "all"), "no search space"),
        (("novel.txt", "--vision", "no-such"), "no-such"),
        (("novel.txt", "--at-rho", "3", "--at-error", "0.1"), "Choose one"),
        (("nothing.txt",), "does not exist"),
    ],
)
def test_mistakes_are_told_in_one_line_and_leave_nothing(folder, arguments, message) -> None:
    done = run("search", *arguments, "-o", "nowhere", cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (folder / "nowhere").exists()

"""The pages on which people begin are true: their commands run and print what stands there, and their Python too."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGES = ["tutorial", "start-hosted", "start-savings", "start-training"]
WITHOUT_A_RUN = re.compile(r"(\d[\d,]*|…) (ms|bytes)\b")  # what depends on the machine


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the repository that the pages name."""
    for name in ("benchmarks", "docs", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(page: str) -> Iterator[tuple[str, str]]:
    """Yield each command of the consoles of a page, and what stands below it."""
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    for console in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for each in re.split(r"^\$ ", console, flags=re.M)[1:]:
            command, _, output = each.partition("\n")
            yield command, output


def run(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    words = command.replace("glyphrender", f"{sys.executable} -m glyphrender", 1)
    line = words if command.startswith("glyphrender") else command.replace("python", sys.executable, 1)
    given = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", **environment}
    return subprocess.run(line, shell=True, capture_output=True, text=True, check=False, env=given)


@pytest.mark.parametrize(("page", "command", "output"), [(page, *each) for page in PAGES for each in commands(page)])
def test_a_command_prints_what_the_page_shows(page: str, command: str, output: str, clone: Path) -> None:
    done = run(command)
    assert done.returncode == 0, done.stderr
    shown, printed = (WITHOUT_A_RUN.sub(r"… \2", text).replace("…", "...") for text in (output, done.stdout))
    if output:
        lines = len(output.splitlines())
        first = "\n".join(printed.splitlines()[:lines]) + "\n"
        assert doctest.OutputChecker().check_output(shown, first, doctest.ELLIPSIS), done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_gives_what_the_page_shows(page: str, clone: Path) -> None:
    result = doctest.testfile(str(ROOT / f"docs/{page}.md"), module_relative=False, encoding="utf-8")
    assert result.attempted >= 2
    assert result.failed == 0


def test_the_question_of_the_page_about_hosted_models_is_answered_and_charged_as_it_says(clone: Path) -> None:
    from scripted_server import Script, serving

    from glyphrender.models.tokenizers import tokenizer
    from glyphrender.models.vision import vision_model

    page = (ROOT / "docs/start-hosted.md").read_text(encoding="utf-8")
    ask, doctor = re.findall(r"^glyphrender (?:ask|doctor) .*$", page, re.M)
    script = Script(model=vision_model("gpt-5.5"), tokenizer=tokenizer("o200k"), name="gpt-5.5", thoughts="none")
    with serving(script) as server:
        answer = run(ask, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-of-a-test")
        plan = run(doctor, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-of-a-test")
    assert answer.returncode == 0, answer.stderr
    (said,) = re.findall(r"^154 pages.*$", page, re.M)
    assert doctest.OutputChecker().check_output(
        said.replace("…", "...") + "\n", answer.stderr.splitlines()[-1] + "\n", doctest.ELLIPSIS
    ), answer.stderr
    assert "15 requests: 15,352 tokens" in plan.stderr

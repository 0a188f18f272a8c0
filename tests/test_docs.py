"""What the documents show is so: their examples run, their tables and links are those of the tree."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import glyphrender.document.document

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False, encoding="utf-8")
    assert result.attempted == 5
    assert result.failed == 0
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["manifest.json", "page_0001.png"]


def test_the_example_of_render_runs() -> None:
    result = doctest.testmod(glyphrender.document.document)
    assert result.attempted > 2
    assert result.failed == 0


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_ci_runs_the_test_line_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"<!-- test line -->\n```sh\n(.*)\n```", readme)
    assert line.endswith(".venv/bin/pytest")
    assert "README.md" in (ROOT / ".ci/run").read_text(encoding="utf-8")

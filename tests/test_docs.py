"""The documents are true: their examples run, their tables and links match the tree, and their lines are short."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import glyphrender

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_EXAMPLES = sorted(
    path for path in (SOURCE / "glyphrender").rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")
)
ROOMS = sorted(
    {path.relative_to(SOURCE / "glyphrender").parent.parts[:1] for path in (SOURCE / "glyphrender").rglob("*.py")}
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# -- README and CONTRIBUTING -------------------------------------------------------------------------


def test_the_examples_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted >= 10
    assert sorted(path.name for path in (tmp_path / "sentence").iterdir()) == ["manifest.json", "page_0001.png"]


def test_all_python_in_the_readme_is_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    assert all(block.startswith(">>> ") for block in blocks)


def test_the_readme_leaves_the_table_of_theta_to_its_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "docs/theta.md" in readme
    assert "| `margin_x` |" not in readme


def test_ci_runs_the_test_line_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"<!-- test line -->\n```sh\n(.*)\n```", readme)
    assert line.endswith(".venv/bin/pytest")
    assert "README.md" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_files_that_contributing_names_exist() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:src|tests|docs|benchmarks|fonts)/[\w./-]*)`", page):
        assert (ROOT / name).exists(), name


def test_only_contributing_links_to_the_notebook() -> None:
    linking = [name_of(path) for path in DOCUMENTS if "log.md)" in path.read_text(encoding="utf-8")]
    assert linking == ["CONTRIBUTING.md"]


# -- all pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_inside_pages_lead_to_a_heading(path: Path) -> None:
    for target, fragment in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", path.read_text(encoding="utf-8")):
        page = path.parent / target if target else path
        assert fragment in headings(page), f"{target}#{fragment}"


def headings(page: Path) -> set[str]:
    """Return the fragments that GitHub makes of the headings; equal ones are numbered."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (numbered := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(numbered)
    return found


def python_of(page: Path) -> str:
    """Return the Python of a page: its examples in their order, as one program."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return "\n".join(doctest.script_from_examples(block) if ">>> " in block else block for block in blocks)


SHOWING_PYTHON = [path for path in DOCUMENTS if python_of(path)]


@pytest.mark.parametrize("path", SHOWING_PYTHON, ids=name_of)
def test_examples_of_a_page_define_the_names_that_they_use(path: Path) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", "-"]
    found = subprocess.run(command, input=python_of(path), capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("path", SHOWING_PYTHON, ids=name_of)
def test_the_imports_of_a_page_work(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")  # tiny_glm4v
    for line in re.findall(r"^(?:from [\w.]+ )?import .*$", python_of(path), re.MULTILINE):
        exec(line, {})


WRITTEN = [path for path in DOCUMENTS if path.name not in {"log.md", "theta.md"}]


# Tables, code, and sections that benchmarks write are exempt.
@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_prose_has_lines_of_120_characters_and_pages_of_400_lines(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.DOTALL)
    prose = re.sub(r"<!-- (\w+) -->\n.*?<!-- /\1 -->", "", prose, flags=re.DOTALL)  # written by benchmarks
    long = [line for line in prose.splitlines() if len(line) > 120 and not line.startswith("|")]
    assert not long
    assert text.count("\n") <= 400


# -- the site ----------------------------------------------------------------------------------------


def test_the_menu_of_the_site_has_every_page_once() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    listed = re.findall(r"^ +- (?:.*: )?([\w./-]+\.(?:md|ipynb))$", menu, re.M)
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= set(listed), "a new page needs a line in the menu of mkdocs.yml"
    assert len(listed) == len(set(listed))


# -- the reference -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs/site/public_names.py"))


def test_a_room_is_either_public_or_internal(reference: dict[str, Any]) -> None:
    rooms = {path.stem for path in (SOURCE / "glyphrender").iterdir() if (path / "__init__.py").exists()} | {"compat"}
    assert {*reference["ROOMS"], *reference["INTERNAL"]} == rooms, "give the room a line in docs/site/public_names.py"


def test_the_reference_has_the_names_of_the_package_and_no_name_twice(reference: dict[str, Any]) -> None:
    entries = [entry for names in reference["rooms"]().values() for entry in names]
    assert {entry.name for entry in entries if entry.module == "glyphrender"} == set(glyphrender.__all__)
    homes = [(entry.home, entry.name) for entry in entries]
    assert len(homes) == len(set(homes)) > 900


def test_every_public_function_and_class_has_a_docstring(reference: dict[str, Any]) -> None:
    entries = [entry for names in reference["rooms"]().values() for entry in names]
    assert not [entry.name for entry in entries if hasattr(entry.node, "name") and not entry.line]
    assert not [entry.name for entry in entries if entry.node is None], "the script did not find the definition"


# -- docstrings --------------------------------------------------------------------------


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_examples_of_docstrings_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in re.findall(r"^ *>>> (?:from|import) (\w+)", path.read_text(encoding="utf-8"), re.M):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    parts = path.relative_to(SOURCE).with_suffix("").parts
    module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert result.attempted
    assert result.failed == 0


def test_public_functions_and_classes_have_an_example() -> None:
    without = set()
    for name in glyphrender.__all__:
        value = getattr(glyphrender, name)
        error = inspect.isclass(value) and issubclass(value, Exception)
        if (inspect.isclass(value) or inspect.isfunction(value)) and not error:
            docstrings = [value.__doc__ or ""]
            if inspect.isclass(value):
                docstrings += [member.__doc__ or "" for member in vars(value).values()]
            if not any(">>> " in docstring for docstring in docstrings):
                without.add(name)
    assert not without


@pytest.mark.parametrize("room", ["".join(parts) for parts in ROOMS])
def test_no_docstring_opens_with_a_bare_preposition(room: str) -> None:
    """CONTRIBUTING.md has the rule: a function's docstring starts with a verb, a class's with what an object is."""
    package = SOURCE / "glyphrender"
    found = []
    for path in (package / room).rglob("*.py") if room else package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                opening = (ast.get_docstring(node) or "").split()[:4]
                if opening[:1] and opening[0] in {"What", "Of", "By", "In", "As"}:
                    found.append(f"{path.name}: {' '.join(opening)}")
    assert not found


def test_the_picture_of_the_readme_is_the_page_that_it_names() -> None:
    novel = glyphrender.render_file(ROOT / "benchmarks/texts/pride-and-prejudice.txt")
    with Image.open(ROOT / "docs/images/page.png") as picture:
        difference = np.abs(np.asarray(picture).astype(int) - novel[2].array)
    assert difference.max() <= 6  # HarfBuzz's rasteriser differs by as much from Skia's

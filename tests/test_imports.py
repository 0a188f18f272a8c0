"""Imports point downwards, `import glyphrender` is cheap, and the name of a class has one meaning."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import glyphrender

PACKAGE = Path(glyphrender.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)

HEAVY = ("torch", "transformers", "skia", "PIL", "fontTools", "numpy", "uharfbuzz", "isal", "pyphen", "icu4py", "click")


def name_of(path: Path) -> str:
    """`typeset.lines` for src/glyphrender/typeset/lines.py, and "" for the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = frozenset(map(name_of, MODULES))


def test_rooms_use_the_rooms_below_them_and_modules_form_no_cycles() -> None:
    """The contracts of pyproject.toml, as `lint-imports` checks them."""
    pytest.importorskip("importlinter")
    root = Path(__file__).parents[1]
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_there_is_no_circle_of_imports_at_the_top_of_modules() -> None:
    """Any module can be imported first."""
    program = "import importlib, sys; importlib.import_module(sys.argv[1])"
    for top in sorted({name.split(".")[0] for name in NAMES if name} - {"cli"}):
        done = subprocess.run([sys.executable, "-c", program, f"glyphrender.{top}"], capture_output=True, text=True)
        assert done.returncode == 0 or "needs" in done.stderr, done.stderr


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = f"import sys, glyphrender; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_theta_needs_no_numpy_and_no_fonts() -> None:
    """θ is read, checked and written by tools that draw nothing."""
    program = (
        "import sys; from glyphrender import Theta; Theta.preset('dense').to_json();"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def for_types_only(tree: ast.Module) -> set[ast.stmt]:
    """Return the statements under `if TYPE_CHECKING:`, which are never run."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in node.body
    }


def test_type_checkers_are_told_of_the_same_names() -> None:
    """The imports under `TYPE_CHECKING` re-export each name of the table from the module that the table says."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    told = {
        alias.asname: (node.module or "").removeprefix("glyphrender.")
        for node in for_types_only(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == alias.asname
    }
    assert told == glyphrender._HOME
    assert sorted({*told, "__version__"}) == sorted(glyphrender.__all__)


def test_every_public_name_can_be_had_and_is_documented() -> None:
    for name in glyphrender.__all__:
        value = getattr(glyphrender, name)
        assert name.startswith("__") or value.__doc__
    assert set(glyphrender.__all__) <= set(dir(glyphrender))
    with pytest.raises(AttributeError, match="no attribute 'Renderer'"):
        _ = glyphrender.Renderer


def test_laying_out_and_drawing_load_nothing_that_saving_needs() -> None:
    """`importlib.metadata` brings email and zipfile, and processes bring multiprocessing: 60 ms of a cold start."""
    late = ("email", "zipfile", "multiprocessing", "importlib.metadata", "fontTools", "click", "html")
    program = (
        "import sys; from glyphrender import render; render('one page')[0].png();"
        f"print(*[name for name in {late!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_no_two_modules_have_a_class_of_one_name() -> None:
    homes = defaultdict(list)
    for path in MODULES:
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
                homes[statement.name].append(name_of(path))
    twice = {name: found for name, found in homes.items() if len(found) > 1}
    assert not twice

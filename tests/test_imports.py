"""Imports point one way, and `import glyphrender` is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import glyphrender

PACKAGE = Path(glyphrender.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)

# A module may import its own floor and those below. What is not named stands on the top floor.
FLOORS = (
    ("errors", "_system"),
    ("theta", "text", "fonts"),
    ("typeset",),
    ("raster",),
    ("document",),
    ("models", "compat"),
    ("ratio", "ocr"),
    ("tasks",),
    ("adapters",),
    ("inference",),
    ("search", "train", "evals"),
    ("cli", "studio"),
)
# Methods that lead upwards, each to what is computed there: imported when called, never at the top of a module.
DOORS = {
    ("theta.theta", "ratio.align"),
    ("document.document", "ratio.ratio"),
    ("document.stream", "ratio.ratio"),
}
HEAVY = ("torch", "transformers", "skia", "PIL", "fontTools", "numpy", "uharfbuzz", "isal", "pyphen", "icu4py", "click")


def name_of(path: Path) -> str:
    """`typeset.lines` for src/glyphrender/typeset/lines.py, and "" for the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = frozenset(map(name_of, MODULES))


def floor(module: str) -> int:
    top = module.split(".")[0]
    return next((number for number, names in enumerate(FLOORS) if top in names), len(FLOORS))


def for_types_only(tree: ast.Module) -> set[ast.stmt]:
    """Statements under `if TYPE_CHECKING:`, which are never run."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in node.body
    }


def in_functions(tree: ast.Module) -> set[ast.AST]:
    return {inner for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for inner in ast.walk(node)}


def imports(path: Path, *, deep: bool = True) -> set[str]:
    """Modules of the package that `path` imports when it runs, inside functions too if `deep`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = for_types_only(tree) if deep else for_types_only(tree) | in_functions(tree)
    package = name_of(path) if path.stem == "__init__" else name_of(path).rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[2] for alias in node.names if alias.name.startswith("glyphrender")}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                above = package.split(".") if package else []
                base = ".".join(above[: len(above) - node.level + 1])
                module = ".".join(filter(None, (base, node.module)))
            elif (node.module or "").split(".")[0] == "glyphrender":
                module = (node.module or "").partition(".")[2]
            else:
                continue
            # `from package import name` imports a module where there is one of that name.
            modules = {".".join(filter(None, (module, alias.name))) for alias in node.names}
            found |= {inner if inner in NAMES else module for inner in modules}
    return found - {""}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_downwards(path: Path) -> None:
    if not name_of(path):  # the package itself: its public names are imported when first used
        return
    above = {module for module in imports(path) if floor(module) > floor(name_of(path))}
    doors = {(name_of(path), module) for module in above} & DOORS
    assert not above - {module for _, module in doors}
    assert not imports(path, deep=False) & above


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
